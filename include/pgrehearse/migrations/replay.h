/* Executing migrations as their framework would. */
#pragma once
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/error.h"
#include "pgrehearse/model/attempt.h"
#include "pgrehearse/model/migration.h"

/* Called before and after each statement, in the migration's thread. Not called for BEGIN, SAVEPOINT, SET and
 * the like, because a query of the hook would take the transaction's snapshot before SET TRANSACTION. Called
 * for COMMIT, which may check deferred constraints and wait. */
typedef struct rh_replay_hooks {
    void *user;
    /* Directly before the statement is sent. Queries of the hook over PG are in no measured time. */
    void (*before)(void *user, rh_pg *pg, const rh_migration *migration, const rh_statement *statement,
                   rh_statement_run *run);
    /* After it ended, before its transaction commits if it is in one: if OK, its locks can be read. */
    void (*after)(void *user, rh_pg *pg, const rh_migration *migration, const rh_statement *statement,
                  rh_statement_run *run, bool ok);
    /* After a transaction has committed or aborted: RUNS of COUNT statements were in it. ENDED: monotonic. */
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
    bool record; /* record the statements' runs in the attempt; false: only times (hooks get a temporary run)
                  */
    bool again;  /* the reapply after a down migration: errors mention it */
} rh_replay_options;

/* Runs one migration of PLAN on PG as its framework would, history table included. Use one connection for all
 * migrations of a pass, as the tools do: settings and temporary tables of one stay for the next.
 *
 * Returns the attempt, in ARENA; MIGRATION and PLAN are only read. On failure, the attempt's failure has the
 * position in the user's file, and ERROR is RH_ERROR_MIGRATION, TIMEOUT, LOST or NO_SPACE with the same
 * position; after RH_ERROR_INTERRUPTED the outcome is RH_OUTCOME_NOT_RUN. The open transaction is rolled
 * back; earlier commits of the file stay. The history table is then as the tool leaves it (golang-migrate:
 * dirty). A statement that waits for a prepared transaction, which nothing in this session can end, fails
 * after some seconds.
 *
 * elapsed_s is the time from before the first statement to after the last, with the framework's own
 * bookkeeping and transaction commands and without the hooks, also on failure. The run of a statement has the
 * statement's time alone. A failed statement has no run. */
rh_attempt rh_replay(rh_pg *pg, const rh_plan *plan, const rh_migration *migration,
                     const rh_replay_options *options, rh_arena *arena, rh_error *error);

/* Call after ATTEMPTS, all those of a pass. If a prepared transaction is still open in PG's database, the
 * attempt that prepared it has failed, because the transaction is not committed and keeps its locks: ERROR is
 * RH_ERROR_MIGRATION at its statement. */
bool rh_prepared_check_none(rh_pg *pg, const rh_plan *plan, rh_attempt *attempts, size_t attempt_count,
                            rh_arena *arena, rh_error *error);
/* True if a pending migration of PLAN prepares transactions. Then a session that queries the database between
 * two migrations may have to wait for a lock of a prepared transaction. */
bool rh_plan_prepares(const rh_plan *plan);
