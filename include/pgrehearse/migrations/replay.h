/* Executing migrations as their framework would. */
#pragma once
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/error.h"
#include "pgrehearse/model/attempt.h"
#include "pgrehearse/model/migration.h"

/* Called around each statement by the replay, in the migration's own thread. Not called for BEGIN, SAVEPOINT,
 * SET and the like (a query of the hook's would take the snapshot before SET TRANSACTION); called for COMMIT,
 * which may check and wait. */
typedef struct rh_replay_hooks {
    void *user;
    /* Just before the statement is sent; what the hook asks PG counts in no time. */
    void (*before)(void *user, rh_pg *pg, const rh_migration *migration, const rh_statement *statement,
                   rh_statement_run *run);
    /* After it ended (well or not), before its transaction commits if it is in one: locks can be asked for
     * when OK. */
    void (*after)(void *user, rh_pg *pg, const rh_migration *migration, const rh_statement *statement,
                  rh_statement_run *run, bool ok);
    /* After a transaction has ended, well or not: RUNS of COUNT statements were in it. ENDED monotonic. */
    void (*transaction_end)(void *user, const rh_migration *migration, rh_statement_run *const *runs,
                            size_t count, rh_usec ended);
} rh_replay_hooks;

typedef struct rh_replay_options {
    rh_direction direction;
    rh_usec statement_timeout; /* 0: none */
    rh_pass_kind pass;
    int repeat;
    double scale;
    const rh_replay_hooks *hooks; /* may be NULL */
    bool record; /* the attempt has the statements' runs; false: time only (hooks get a run that is thrown
                    away) */
    bool again;  /* up once more, after down: an error says so */
} rh_replay_options;

/* Runs one migration of PLAN on PG as its framework would, history table included. Use one connection for all
 * migrations of a pass, as the tools do: settings and temporary tables of one are seen by the next.
 *
 * What became of it is in the attempt, in ARENA; MIGRATION and PLAN are only read. On failure its failure has
 * the place in the user's file, and ERROR gets RH_ERROR_MIGRATION / TIMEOUT / LOST / NO_SPACE with the same
 * place; after RH_ERROR_INTERRUPTED the outcome is RH_OUTCOME_NOT_RUN. The open transaction is rolled back;
 * what the file had committed before stays. The history table then says what the tool would leave there
 * (golang-migrate: dirty). A statement that waits for a prepared transaction, which nothing in this session
 * can end, fails after some seconds.
 *
 * elapsed_s is from before the first to after the last statement with the framework's own bookkeeping and
 * transaction commands, also on failure; without the hooks. A statement's run has its own time only. A failed
 * statement leaves no run. */
rh_attempt rh_replay(rh_pg *pg, const rh_plan *plan, const rh_migration *migration,
                     const rh_replay_options *options, rh_arena *arena, rh_error *error);

/* Behind ATTEMPTS, all that a pass ran: a prepared transaction of PG's database that is still open is a
 * failure of the attempt that prepared it, since what it did is not committed and keeps its locks. Then the
 * attempt has failed, and ERROR is RH_ERROR_MIGRATION at its statement. */
bool rh_prepared_check_none(rh_pg *pg, const rh_plan *plan, rh_attempt *attempts, size_t attempt_count,
                            rh_arena *arena, rh_error *error);
/* A pending migration of PLAN prepares transactions: between two migrations, a session that looks at the
 * database may have to wait for a lock that no session holds. */
bool rh_plan_prepares(const rh_plan *plan);
