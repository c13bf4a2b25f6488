/* Frameworks' files → plan → replay; the way back; what a schema looks like. */
#pragma once
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/error.h"
#include "pgrehearse/model/migration.h"
#include "pgrehearse/model/scenario.h"

/* The framework of the scenario's migrations and its history table's name (NULL: none), so that the caller can read that table from the backup or from staging. */
bool rh_plan_detect(const rh_scenario *scenario, rh_arena *arena, rh_plan *plan, rh_error *error);

/* Reads the rows of plan->history_table from a database. */
bool rh_history_read(rh_pg *pg, const char *table, rh_arena *arena, rh_rows *rows, rh_error *error);

/* Fills the plan: order, which are applied (HISTORY may be NULL), the scenario's pending list and --only, and for each pending migration its statements, split, classified,
 * with expected locks and hazards. Refuses psql meta-commands, COPY … PROGRAM and the like (RH_ERROR_REFUSED with file and line); a duplicate version, a dirty history, an unknown id in pending
 * are RH_ERROR_SCENARIO. A file with a syntax error still gets a plan: its statement fails when it runs, as in production. */
bool rh_plan_make(const rh_scenario *scenario, const rh_rows *history, rh_arena *arena, rh_plan *plan,
                  rh_error *error);

/* Called around each statement by the replay, in the migration's own thread. */
typedef struct rh_replay_hooks {
    void *user;
    void (*before)(void *user, rh_pg *pg, rh_migration *migration, rh_statement *statement, rh_statement_run *run);
    /* After it ended (well or not), before its transaction commits if it is in one: locks can be asked for when OK. */
    void (*after)(void *user, rh_pg *pg, rh_migration *migration, rh_statement *statement, rh_statement_run *run, bool ok);
    /* After a transaction has ended: RUNS of COUNT statements were in it. ENDED monotonic. */
    void (*transaction_end)(void *user, rh_migration *migration, rh_statement_run *const *runs, size_t count, rh_usec ended);
} rh_replay_hooks;

typedef struct rh_replay_options {
    rh_direction direction;
    rh_usec statement_timeout; /* 0: none */
    rh_pass_kind pass;
    int repeat;
    double scale;
    const rh_replay_hooks *hooks; /* may be NULL */
    bool record;                  /* append to statement->runs; false: time only */
} rh_replay_options;

/* Runs one migration on PG as its framework would, history table included. On failure: outcome, failure (with the place in the user's file) and failed statement are set in MIGRATION (up) or its
 * rollback (down) and RH_ERROR_MIGRATION / TIMEOUT / LOST / INTERRUPTED returned; the transaction is rolled back. *ELAPSED_S may be NULL. New runs live in ARENA. */
bool rh_replay(rh_pg *pg, const rh_plan *plan, rh_migration *migration, const rh_replay_options *options,
               rh_arena *arena, double *elapsed_s, rh_error *error);

/* Everything a migration can change, as text a definition an object. */
typedef struct rh_schema rh_schema;
rh_schema *rh_schema_read(rh_pg *pg, rh_error *error);
void rh_schema_free(rh_schema *schema);
/* Object by object; differences in ARENA. */
void rh_schema_compare(const rh_schema *before, const rh_schema *after, rh_arena *arena, rh_difference **differences,
                       size_t *count);
