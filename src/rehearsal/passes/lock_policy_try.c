/* One trial of a transaction with one lock_timeout: attempts and pauses until it succeeds. */
#include "lock_policy_units.h"
#include "pgrehearse/base/interrupt.h"
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <strings.h>

static const char LOCK_NOT_AVAILABLE[] = "55P03", DEADLOCK[] = "40P01";

static rh_usec time_left(const rh_lock_attempts *a)
{
    rh_usec left = a->deadline - rh_clock_monotonic();
    return left > RH_SECOND ? left : RH_SECOND;
}

static bool send(rh_lock_attempts *a, const char *sql, rh_error *error)
{
    rh_pg_timing timing;
    return rh_pg_timed(a->pg, sql, time_left(a), &timing, error);
}

/* The trial itself begins and ends the transaction and sets the lock_timeout, so the file's own commands for
 * that are left out. */
static bool is_ours(const rh_statement *statement)
{
    return statement->class_ == RH_CLASS_TRANSACTION &&
           (strncasecmp(statement->sql, "SET", 3) != 0 || strcasestr(statement->sql, "lock_timeout"));
}

static bool run_statements(rh_lock_attempts *a, rh_error *error)
{
    const rh_script *script = &a->unit->migration->up;
    for (size_t i = a->unit->first; i <= a->unit->last; i++) {
        const rh_statement *statement = &script->statements[i];
        if (!is_ours(statement) && !send(a, statement->sql, error))
            return false;
        for (size_t k = 0; k < statement->grouped_count; k++)
            if (!send(a, statement->grouped[k].sql, error))
                return false;
    }
    return true;
}

static void roll_back(rh_lock_attempts *a)
{
    char state = rh_pg_transaction_state(a->pg);
    rh_interrupt_hold();
    if (state == 'T' || state == 'E')
        rh_pg_execute(a->pg, "ROLLBACK", NULL);
    rh_interrupt_release();
}

/* ---- what a CONCURRENTLY leaves ---- */

static rh_invalid_index *add_invalid_index(rh_lock_attempts *a, const char *name)
{
    rh_lock_policy_case *one = a->one;
    for (size_t i = 0; i < one->invalid_index_count; i++)
        if (strcmp(one->invalid_indexes[i].name, name) == 0)
            return &one->invalid_indexes[i];
    rh_invalid_index *index = rh_arena_add(a->run->arena, &one->invalid_indexes, &one->invalid_index_count);
    *index = (rh_invalid_index){.name = name};
    return index;
}

/* Reports and drops an invalid index; with ALL, drops every index that is newer than the case. */
static bool drop_new_indexes(rh_lock_attempts *a, bool all, rh_error *error)
{
    const char *parameter = rh_arena_printf(a->run->arena, "%" PRId64, a->newest);
    rh_pg_result *found = rh_pg_query(a->pg,
                                      "SELECT i.indexrelid::pg_catalog.regclass::text, i.indisvalid "
                                      "FROM pg_catalog.pg_index i WHERE i.indexrelid > $1::oid",
                                      1, &parameter, error);
    bool ok = found != NULL;
    for (size_t row = 0; ok && row < rh_pg_rows(found); row++) {
        const char *name = rh_arena_strdup(a->run->arena, rh_pg_value(found, row, 0));
        bool valid = rh_pg_bool(found, row, 1);
        if (valid && !all)
            continue;
        rh_invalid_index *index = valid ? NULL : add_invalid_index(a, name);
        ok = send(a, rh_arena_printf(a->run->arena, "DROP INDEX CONCURRENTLY IF EXISTS %s", name), error);
        if (index)
            index->dropped = ok;
    }
    rh_pg_result_free(found);
    return ok;
}

/* ---- attempts ---- */

static bool attempt(rh_lock_attempts *a, rh_usec timeout, rh_error *error)
{
    const long long ms = timeout / 1000;
    bool ok = rh_pg_executef(a->pg, error, "SET lock_timeout = %lld", ms);
    if (a->unit->concurrent)
        return ok && drop_new_indexes(a, false, error) && run_statements(a, error);
    ok = ok && rh_pg_execute(a->pg, "BEGIN", error) && run_statements(a, error);
    roll_back(a);
    return ok;
}

static bool wait_before_next(rh_lock_attempts *a, rh_usec pause, rh_error *error)
{
    rh_usec until = rh_clock_monotonic() + pause;
    rh_clock_sleep_until(until < a->deadline ? until : a->deadline);
    return !rh_interrupt_requested() || rh_error_set(error, RH_ERROR_INTERRUPTED, "interrupted");
}

bool rh_lock_try_run(rh_lock_attempts *a, rh_lock_try *one, rh_error *error)
{
    const int most = a->run->scenario->lock_policy.attempts;
    rh_usec began = rh_clock_monotonic();
    one->lock_wait_s = RH_NOT_MEASURED;
    while (!one->success && one->attempts < most &&
           (one->attempts == 0 || rh_clock_monotonic() < a->deadline)) {
        rh_error problem = {0};
        rh_usec from = rh_clock_monotonic();
        if (one->attempts++ > 0 &&
            !wait_before_next(a, rh_lock_policy_pause(one->timeout, one->attempts - 1), error))
            return false;
        from = one->attempts > 1 ? rh_clock_monotonic() : from;
        one->success = attempt(a, one->timeout, &problem);
        if (one->success)
            break;
        one->failure = rh_arena_strdup(a->run->arena, problem.message);
        bool again =
            strcmp(problem.sqlstate, LOCK_NOT_AVAILABLE) == 0 || strcmp(problem.sqlstate, DEADLOCK) == 0;
        bool late = problem.code == RH_ERROR_TIMEOUT;
        if (again)
            one->lock_wait_s = fmax(one->lock_wait_s, rh_seconds(rh_clock_monotonic() - from));
        else if (!late && error && !rh_error_is_set(error))
            rh_error_move(error, &problem);
        rh_error_release(&problem);
        if (late)
            break;
        if (!again)
            return false;
    }
    one->total_s = rh_seconds(rh_clock_monotonic() - began);
    return true;
}

bool rh_lock_undo(rh_lock_attempts *a, rh_error *error)
{
    if (!a->unit->concurrent)
        return true;
    return rh_pg_execute(a->pg, "SET lock_timeout = 0", error) && drop_new_indexes(a, true, error);
}

bool rh_lock_unit_apply(rh_lock_attempts *a, rh_error *error)
{
    const rh_statement *first = &a->unit->migration->up.statements[a->unit->first];
    bool ok = rh_pg_execute(a->pg, "SET lock_timeout = 0", error);
    if (first->needs_no_transaction)
        return ok && run_statements(a, error);
    ok = ok && rh_pg_execute(a->pg, "BEGIN", error) && run_statements(a, error) &&
         rh_pg_execute(a->pg, "COMMIT", error);
    roll_back(a);
    return ok;
}
