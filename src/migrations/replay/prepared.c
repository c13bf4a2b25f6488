/* Prepared transactions: PREPARE TRANSACTION keeps its locks after its session has ended. */
#include "prepared.h"
#include "pgrehearse/adapters/sql_parser.h"
#include "embedded/migrations.h"
#include "pgrehearse/sql/tree.h"
#include <stdio.h>
#include <string.h>

enum { CERTAIN = 2 };

/* Does STATEMENT prepare GID? NULL: any. */
static bool prepares(const rh_statement *statement, const char *gid)
{
    if (!strcasestr(statement->sql, "prepare") || (gid && !strstr(statement->sql, gid)))
        return false;
    rh_json *tree = rh_sql_parse(statement->sql, NULL);
    rh_json *body = rh_tree_body(tree, "TransactionStmt");
    const bool found =
        rh_tree_is(body, "kind", "TRANS_STMT_PREPARE") && (!gid || rh_tree_is(body, "gid", gid));
    rh_json_free(tree);
    return found;
}

/* The statement that prepares GID, of *MIGRATION; NULL: none of PLAN's does. */
static const rh_statement *prepared_by(const rh_plan *plan, const char *gid, const rh_migration **migration)
{
    for (size_t m = plan->migration_count; m-- > 0;)
        for (size_t i = plan->migrations[m].up.statement_count; i-- > 0;)
            if (prepares(&plan->migrations[m].up.statements[i], gid)) {
                *migration = &plan->migrations[m];
                return &plan->migrations[m].up.statements[i];
            }
    return NULL;
}

bool rh_plan_prepares(const rh_plan *plan)
{
    for (size_t m = 0; m < plan->migration_count; m++)
        for (size_t i = 0; plan->migrations[m].pending && i < plan->migrations[m].up.statement_count; i++)
            if (prepares(&plan->migrations[m].up.statements[i], NULL))
                return true;
    return false;
}

/* ---- one that is waited for ---- */

/* True: the statement waits in vain, and ERROR says for what. */
static bool check(void *user, rh_error *error)
{
    rh_prepared_watch *watch = user;
    char pid[16];
    const char *parameters[] = {pid};
    snprintf(pid, sizeof pid, "%d", rh_pg_backend_pid(watch->pg));
    rh_pg_result *result = rh_pg_query_again(watch->side, rh_sql_prepared_blocker, 1, parameters, NULL);
    const char *gid =
        result && rh_pg_rows(result) ? rh_arena_strdup(watch->arena, rh_pg_value(result, 0, 0)) : NULL;
    rh_pg_result_free(result);
    watch->seen = gid ? watch->seen + 1 : 0;
    if (watch->seen < CERTAIN)
        return false;
    const rh_migration *migration;
    const rh_statement *by = prepared_by(watch->plan, gid, &migration);
    const char *of =
        by ? rh_arena_printf(watch->arena, ", of migration %s, statement %d", migration->id, by->ordinal)
           : "";
    rh_error_set(error, RH_ERROR_SQL,
                 "it waits for a lock of the prepared transaction \"%s\"%s, which nothing ends", gid, of);
    rh_error_hint(
        error,
        "PREPARE TRANSACTION keeps its locks until COMMIT PREPARED or ROLLBACK PREPARED, even after its session has ended: one of these must come before this statement.");
    return true;
}

void rh_prepared_watch_begin(rh_prepared_watch *watch, rh_pg *pg, const rh_plan *plan, rh_arena *arena)
{
    int64_t most = 0;
    *watch = (rh_prepared_watch){.pg = pg, .plan = plan, .arena = arena};
    if (rh_pg_transaction_state(pg) != 'I' ||
        !rh_pg_query_int(pg, "SHOW max_prepared_transactions", &most, NULL) || most == 0)
        return;
    watch->side = rh_pg_connect_beside(pg, ": prepared", NULL);
    if (watch->side)
        rh_pg_watch(pg, RH_SECOND, check, watch);
}

void rh_prepared_watch_end(rh_prepared_watch *watch)
{
    if (watch->side)
        rh_pg_watch(watch->pg, 0, NULL, NULL);
    rh_pg_close(watch->side);
    watch->side = NULL;
}

/* ---- one that stays open ---- */

/* The last one, where a program prepared it. */
static rh_attempt *attempt_of(const rh_migration *migration, rh_attempt *attempts, size_t count)
{
    for (size_t i = 0; migration && i < count; i++)
        if (attempts[i].migration == migration)
            return &attempts[i];
    return &attempts[count - 1];
}

static bool blame(const rh_plan *plan, const char *gid, rh_attempt *attempts, size_t count, rh_arena *arena,
                  rh_error *error)
{
    const rh_migration *migration = NULL;
    const rh_statement *statement = prepared_by(plan, gid, &migration);
    rh_attempt *attempt = attempt_of(migration, attempts, count);
    rh_error_set(error, RH_ERROR_MIGRATION,
                 "the prepared transaction \"%s\" is open when all migrations have run: its changes are not "
                 "committed, and it keeps its locks",
                 gid);
    rh_error_hint(error,
                  "PREPARE TRANSACTION is the first half of a commit: COMMIT PREPARED must follow, in this "
                  "migration or a later one.");
    if (statement) {
        rh_error_context(error, "migration %s, statement %d", migration->id, statement->ordinal);
        rh_error_at(error, statement->file ? statement->file : migration->up.file, statement->line,
                    statement->column);
    } else {
        rh_error_context(error, "migration %s", attempt->migration->id);
    }
    attempt->outcome = RH_OUTCOME_FAILED;
    attempt->failed_statement = statement ? statement->ordinal : 0;
    attempt->failure = rh_failure_of_error(error, arena);
    return false;
}

bool rh_prepared_check_none(rh_pg *pg, const rh_plan *plan, rh_attempt *attempts, size_t attempt_count,
                            rh_arena *arena, rh_error *error)
{
    static const char sql[] = "SELECT gid FROM pg_catalog.pg_prepared_xacts "
                              "WHERE database = pg_catalog.current_database() ORDER BY prepared LIMIT 1";
    rh_pg_result *result = rh_pg_query(pg, sql, 0, NULL, error);
    const bool ok = result && (rh_pg_rows(result) == 0 || attempt_count == 0 ||
                               blame(plan, rh_pg_value(result, 0, 0), attempts, attempt_count, arena, error));
    rh_pg_result_free(result);
    return ok;
}
