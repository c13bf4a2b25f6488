#include "pgrehearse/workload/workload.h"
#include "pgrehearse/adapters/sql_parser.h"
#include "workload/pgbench/script.h"
#include <string.h>

enum { SIEVED = 2000 };
static const rh_usec SIEVE_TIME = 10 * RH_SECOND;

static bool is_fatal(const rh_error *failure)
{
    return failure->code == RH_ERROR_LOST || failure->code == RH_ERROR_INTERRUPTED;
}

/* A script's own BEGIN and COMMIT: it runs within the trial's transaction. */
static bool controls_transaction(const char *sql, rh_arena *arena)
{
    static const char *const words[] = {"begin",    "start", "commit",    "end",
                                        "rollback", "abort", "savepoint", "release"};
    rh_sql_token *tokens;
    size_t count = 0, first = 0;
    rh_sql_scan(sql, arena, &tokens, &count, NULL);
    while (first < count && strstr(tokens[first].kind, "COMMENT"))
        first++;
    bool found = false;
    for (size_t i = 0; first < count && i < sizeof words / sizeof *words; i++)
        found = found || rh_sql_token_is(sql, &tokens[first], words[i]);
    return found;
}

static bool query(rh_pg *pg, const char *sql, size_t count, const char *const *values, rh_error *failure)
{
    rh_pg_result *result = rh_pg_query(pg, sql, count, values, failure);
    rh_pg_result_free(result);
    return result != NULL;
}

static bool play_script(rh_pg *pg, const rh_mix *mix, const rh_pgbench_script *script, int number,
                        rh_arena *arena, rh_error *failure)
{
    rh_pgbench_script_run run = {0};
    rh_pgbench_script_begin(&run, script, mix->scale, 0, (uint64_t)number + 1);
    bool ok = true;
    for (rh_pgbench_script_event event; ok && (event = rh_pgbench_script_next(&run)) != RH_SCRIPT_ENDED;) {
        if (event == RH_SCRIPT_FAILED)
            ok = rh_error_set(failure, RH_ERROR_SQL, "%s", run.failure);
        else if (event == RH_SCRIPT_SEND && !controls_transaction(run.step->sql, arena))
            ok = query(pg, run.step->sql, run.step->parameter_count, run.parameters, failure);
    }
    rh_pgbench_script_release(&run);
    return ok;
}

/* The rows are spread over the pool: its first ones are the most frequent keys. */
static const char *const *row_of(const rh_template *t, int number)
{
    if (t->parameter_count == 0 || t->value_row_count == 0)
        return NULL;
    return t->values[(size_t)number * t->value_row_count / RH_TRIAL_CALLS];
}

/* One call, undone; false: FAILURE. The transaction continues in either case, unless the connection is lost.
 */
static bool call(rh_pg *pg, const rh_mix *mix, const rh_template *t, int number, rh_arena *arena,
                 rh_error *failure)
{
    if (!rh_pg_execute(pg, "SAVEPOINT rh_try", failure))
        return false;
    bool ok = t->script ? play_script(pg, mix, t->script, number, arena, failure)
                        : query(pg, t->sql, t->parameter_count, row_of(t, number), failure);
    ok = ok && rh_pg_execute(pg, "SET CONSTRAINTS ALL IMMEDIATE", failure);
    return rh_pg_execute(pg, "ROLLBACK TO SAVEPOINT rh_try", ok ? failure : NULL) && ok;
}

bool rh_template_try(rh_pg *pg, const rh_mix *mix, const rh_template *template_, const rh_trial *only,
                     rh_arena *arena, rh_trial *trial, rh_error *error)
{
    *trial = (rh_trial){0};
    bool one = !template_->script && (template_->parameter_count == 0 || template_->value_row_count == 0);
    if (!rh_pg_execute(pg, "BEGIN; SET LOCAL statement_timeout = '5s'", error))
        return false;
    bool fatal = false;
    for (int i = 0; !fatal && i < (one ? 1 : RH_TRIAL_CALLS); i++) {
        if (only && !only->good[i])
            continue;
        rh_error failure = {0};
        trial->good[i] = call(pg, mix, template_, i, arena, &failure);
        trial->tried++;
        trial->failed += !trial->good[i];
        if (!trial->good[i] && !trial->message) {
            trial->sqlstate = rh_arena_strdup(arena, failure.sqlstate);
            trial->message = rh_arena_strdup(arena, failure.message);
        }
        fatal = is_fatal(&failure);
        if (fatal)
            rh_error_move(error, &failure);
        rh_error_release(&failure);
    }
    return !fatal && rh_pg_execute(pg, "ROLLBACK", error);
}

/* One call, undone: does it do what it is for? */
static bool is_good(rh_pg *pg, const rh_template *t, size_t row, rh_error *failure)
{
    if (!rh_pg_execute(pg, "SAVEPOINT rh_try", failure))
        return false;
    rh_pg_result *r = rh_pg_query(pg, t->sql, t->parameter_count, t->values[row], failure);
    const bool good = r && (!t->has_row || rh_pg_affected(r) != 0) &&
                      rh_pg_execute(pg, "SET CONSTRAINTS ALL IMMEDIATE", failure);
    rh_pg_result_free(r);
    return rh_pg_execute(pg, "ROLLBACK TO SAVEPOINT rh_try", good ? failure : NULL) && good;
}

bool rh_template_check_values(rh_pg *pg, rh_template *t, rh_arena *arena, rh_value_check *sieve,
                              rh_error *error)
{
    const size_t count = t->value_row_count < SIEVED ? t->value_row_count : SIEVED;
    const char ***kept = rh_arena_alloc(arena, (count + 1) * sizeof *kept);
    const rh_usec until = rh_clock_monotonic() + SIEVE_TIME;
    bool fatal = false;
    *sieve = (rh_value_check){0};
    if (!rh_pg_execute(pg, "BEGIN; SET LOCAL statement_timeout = '5s'", error))
        return false;
    for (size_t i = 0; !fatal && i < count && rh_clock_monotonic() < until; i++) {
        rh_error failure = {0};
        const bool good = is_good(pg, t, i, &failure);
        sieve->tried++;
        if (good)
            kept[sieve->kept++] = t->values[i];
        else if (!sieve->message && rh_error_is_set(&failure))
            sieve->message = rh_arena_strdup(arena, failure.message);
        fatal = is_fatal(&failure);
        if (fatal)
            rh_error_move(error, &failure);
        rh_error_release(&failure);
    }
    if (sieve->kept < sieve->tried) {
        t->values = kept;
        t->value_row_count = sieve->kept;
    }
    return !fatal && rh_pg_execute(pg, "ROLLBACK", error);
}
