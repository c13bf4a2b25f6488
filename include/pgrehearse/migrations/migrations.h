/* Frameworks' files → plan → replay; the way back; what a schema looks like. */
#pragma once
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/error.h"
#include "pgrehearse/model/migration.h"
#include "pgrehearse/model/safer.h"
#include "pgrehearse/model/tables.h"
#include "pgrehearse/model/scenario.h"

/* The framework of the scenario's migrations and its history table's name (NULL: none), so that the caller
 * can read that table from the backup or from staging. A scenario without migrations gives a plan without
 * any. A folder that holds no migrations is RH_ERROR_SCENARIO. */
bool rh_plan_detect(const rh_scenario *scenario, rh_arena *arena, rh_plan *plan, rh_error *error);

/* The tables of a database, for rh_history_locate. */
bool rh_history_list_tables(rh_pg *pg, rh_arena *arena, rh_listed_tables *tables, rh_error *error);

/* Which of TABLES is the history of PLAN, as rh_plan_detect made it: sets history_table (to what a scenario
 * names as it is found) and history_located. RH_ERROR_SCENARIO with the keys to write when it cannot be known
 * what is pending: there are tables and no such history, or plain SQL files beside another tool's history. */
bool rh_history_locate(const rh_scenario *scenario, const rh_listed_tables *tables, rh_arena *arena,
                       rh_plan *plan, rh_error *error);

/* Every part of TABLE (see rh_plan.history_table) in double quotes. Heap. */
char *rh_history_quoted(const char *table);
/* Reads the rows of TABLE (SQL text: name or schema.name) from a database; rows->present is false when there
 * is no such table. */
bool rh_history_read(rh_pg *pg, const char *table, rh_arena *arena, rh_rows *rows, rh_error *error);

/* Creates the framework's history table if it has one and the database lacks it, as the tool does when it
 * connects. rh_replay does the same; called before, the table does not count as a change that the first
 * migration made. */
bool rh_history_prepare(rh_pg *pg, const rh_plan *plan, rh_error *error);

/* Fills the plan: order, which are applied (HISTORY may be NULL), which are pending (the scenario's pending
 * list, --only), and for each pending migration its statements, split, classified, with expected locks and
 * hazards. PLAN is as rh_plan_detect and rh_history_locate made it, or zero but for its schema and settings,
 * which tell what the tables are like and which timeouts are in force. In pending lists and --only a
 * migration is named by its id, its leading number (with or without zeros), its name, or its file. Refuses
 * psql meta-commands, COPY … PROGRAM and COPY with a file of the server's (RH_ERROR_REFUSED with file and
 * line), and on a given server also what changes roles, other databases or settings; COPY FROM STDIN is
 * RH_ERROR_UNSUPPORTED. A duplicate version, a dirty history, an unknown id in pending, a file that is not
 * UTF-8 or holds a NUL byte are RH_ERROR_SCENARIO, an unknown id of --only is RH_ERROR_USAGE. A file with a
 * syntax error still gets a plan: its statement fails when it runs, as in production. */
bool rh_plan_make(const rh_scenario *scenario, const rh_rows *history, rh_arena *arena, rh_plan *plan,
                  rh_error *error);

/* The one migration of PLAN that is called WANTED, in any of the ways above; NULL with CODE and WHERE in the
 * message when there is none, or more than one. */
rh_migration *rh_plan_find(rh_plan *plan, const char *wanted, rh_error_code code, const char *where,
                           rh_arena *arena, rh_error *error);

/* For a program's statements, seen while it ran: fills in what their texts say, from the one with index FROM
 * on (earlier ones are known already). A message of several statements is one, of the heaviest one's class.
 */
void rh_program_describe(rh_script *script, size_t from, rh_arena *arena);

/* A rule by which statements are found hazardous. Its id is for good. */
typedef struct rh_hazard_rule {
    const char *id, *summary;
} rh_hazard_rule;
/* All of them by id; NULL past the last. */
const rh_hazard_rule *rh_hazard_rule_at(size_t index);
bool rh_hazard_rule_exists(const char *id);
/* Marks those of STATEMENT's hazards that comments before it silence. */
void rh_hazards_silence(rh_statement *statement);

/* The ways up of PLAN by statements that block less, for every hazard whose remedy is mechanical; the rest is
 * in LEFT. Silenced hazards stay. One a migration, those that are not pending are empty. What is mechanical
 * depends on the tables as they are by then: PLAN's schema and the migrations before tell. The texts have the
 * literals of the user's files, and are in ARENA. */
rh_safer *rh_safer_make(const rh_plan *plan, rh_arena *arena);

/* The class of a statement by what RUN, which has its work and its locks, did: files that changed, indexes
 * built, blocks read, rows changed. Sets class_, class_measured, class_differs and class_evidence (in ARENA).
 * Where the work does not tell (an empty table, a server that does not count, BEGIN and the like) nothing is
 * set. */
void rh_classify_measured(rh_statement *statement, const rh_statement_run *run, rh_arena *arena);

/* Called around each statement by the replay, in the migration's own thread. Not called for BEGIN, SAVEPOINT,
 * SET and the like (a query of the hook's would take the snapshot before SET TRANSACTION); called for COMMIT,
 * which may check and wait. */
typedef struct rh_replay_hooks {
    void *user;
    /* Just before the statement is sent; what the hook asks PG counts in no time. */
    void (*before)(void *user, rh_pg *pg, rh_migration *migration, rh_statement *statement,
                   rh_statement_run *run);
    /* After it ended (well or not), before its transaction commits if it is in one: locks can be asked for
     * when OK. */
    void (*after)(void *user, rh_pg *pg, rh_migration *migration, rh_statement *statement,
                  rh_statement_run *run, bool ok);
    /* After a transaction has ended, well or not: RUNS of COUNT statements were in it. ENDED monotonic. */
    void (*transaction_end)(void *user, rh_migration *migration, rh_statement_run *const *runs, size_t count,
                            rh_usec ended);
} rh_replay_hooks;

typedef struct rh_replay_options {
    rh_direction direction;
    rh_usec statement_timeout; /* 0: none */
    rh_pass_kind pass;
    int repeat;
    double scale;
    const rh_replay_hooks *hooks; /* may be NULL */
    bool record; /* append to statement->runs; false: time only (hooks get a run that is thrown away) */
    bool again;  /* up once more, after down: what fails is the way back, not the migration */
} rh_replay_options;

/* Runs one migration of PLAN on PG as its framework would, history table included. Use one connection for all
 * migrations of a pass, as the tools do: settings and temporary tables of one are seen by the next.
 *
 * On success outcome becomes ok unless an earlier pass failed. On failure outcome and failure (with the place
 * in the user's file) are set in MIGRATION (up) or its rollback (down, and up again), and RH_ERROR_MIGRATION
 * / TIMEOUT / LOST / NO_SPACE is returned with the same place; RH_ERROR_INTERRUPTED leaves outcome as it was.
 * The open transaction is rolled back; what the file had committed before stays. The history table then says
 * what the tool would leave there (golang-migrate: dirty).
 *
 * *ELAPSED_S (may be NULL) is from before the first to after the last statement with the framework's own
 * bookkeeping and transaction commands, also on failure; without the hooks. A statement's run has its own
 * time only. A failed statement leaves no run. New runs live in ARENA. */
bool rh_replay(rh_pg *pg, const rh_plan *plan, rh_migration *migration, const rh_replay_options *options,
               rh_arena *arena, double *elapsed_s, rh_error *error);

/* Everything a migration can change, as text a definition an object: schemas, tables, columns, constraints,
 * indexes, functions, triggers, rules, policies, views, types, sequences (their definition, not their value),
 * privileges, owners, comments, extensions, publications, statistics objects, event triggers. What lies in
 * temporary or system schemas, or belongs to an extension, is left out. */
typedef struct rh_schema rh_schema;
rh_schema *rh_schema_read(rh_pg *pg, rh_error *error);
/* Takes NULL. */
void rh_schema_free(rh_schema *schema);
size_t rh_schema_object_count(const rh_schema *schema);
/* Object by object; differences in ARENA. Shown without literals and without the text of comments. Columns
 * that only changed their places are one object, "order of the columns of table …", and "moved". */
void rh_schema_compare(const rh_schema *before, const rh_schema *after, rh_arena *arena,
                       rh_difference **differences, size_t *count);

/* The names (quoted, qualified) of indexes that a CONCURRENTLY left invalid. */
bool rh_invalid_indexes(rh_pg *pg, rh_arena *arena, const char ***names, size_t *count, rh_error *error);
/* What NOW has that BEFORE did not: "version 14, dirty t"; "as before". In ARENA. */
const char *rh_history_describe(const rh_rows *before, const rh_rows *now, rh_arena *arena);
/* Makes TABLE hold ROWS and nothing else, as somebody does who sets it right by hand. */
bool rh_history_write(rh_pg *pg, const char *table, const rh_rows *rows, rh_error *error);
