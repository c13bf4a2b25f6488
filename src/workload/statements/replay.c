#include "replay.h"
#include "pgrehearse/adapters/json.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/model/facts.h"
#include "workload/generator/arrivals.h"
#include <math.h>
#include <string.h>

enum {
    VALUE_ROWS = 1000,
    TRIAL_ROWS = 120, /* value rows while the knobs are turned */
    HEAD = 12,        /* of the most frequent rows, all are tried */
    TAIL = 12,        /* of the rest, so many */
    TURNS = 6,
    MAX_LIST = 1000,
};
static const rh_usec TRIAL_TIME = RH_SECOND; /* of one trial: then what was seen must do */

/* What one trial saw: averages a call, weighted as the load will choose the rows. */
typedef struct trial {
    double rows, blocks;
    size_t tried, failed;
    const char *failure; /* the first one's message */
} trial;

typedef struct replay {
    mix_copy *copy;
    const mix_candidate *candidate;
    rh_template *template_;
    double mean_ms;
    const char *caveat;
} replay;

/* ---- one call ---- */

static bool is_fatal(const rh_error *failure)
{
    return failure->code == RH_ERROR_LOST || failure->code == RH_ERROR_INTERRUPTED;
}

static double blocks_of(const char *plan)
{
    rh_json *root = rh_json_parse(plan, strlen(plan), "plan", NULL);
    const rh_json *node = rh_json_get(rh_json_at(root, 0), "Plan");
    double blocks = rh_json_real(rh_json_get(node, "Shared Hit Blocks")) +
                    rh_json_real(rh_json_get(node, "Shared Read Blocks"));
    rh_json_free(root);
    return blocks;
}

/* Calls with the values of ROW and undoes it; PLAN: asks how many blocks it takes. */
static bool call(const replay *r, size_t row, bool plan, double *figure, rh_error *failure)
{
    rh_pg *pg = rh_mix_session(r->copy->build);
    const rh_template *t = r->template_;
    const char *const *values = t->parameter_count ? t->values[row] : NULL;
    rh_text sql = {0};
    if (plan)
        rh_text_append(&sql, "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) ");
    rh_text_append(&sql, t->sql);
    rh_pg_result *result = NULL;
    if (rh_pg_execute(pg, "SAVEPOINT rh_try", failure))
        result = rh_pg_query(pg, sql.data, t->parameter_count, values, failure);
    if (result && !plan)
        *figure = fmax(0, (double)rh_pg_affected(result));
    else if (result)
        *figure = rh_pg_rows(result) ? blocks_of(rh_pg_value(result, 0, 0)) : RH_NOT_MEASURED;
    bool ok = result &&
              (t->kind == RH_TEMPLATE_READ || rh_pg_execute(pg, "SET CONSTRAINTS ALL IMMEDIATE", failure));
    rh_pg_result_free(result);
    rh_text_release(&sql);
    return rh_pg_execute(pg, "ROLLBACK TO SAVEPOINT rh_try", failure) && ok;
}

/* ---- a trial ---- */

/* How often the load takes the row of RANK, from 0; not normalised. */
static double weight(const replay *r, size_t rank)
{
    return r->template_->kind == RH_TEMPLATE_READ ? pow((double)(rank + 1), -RH_ZIPF_THETA) : 1;
}

/* The rank of the I-th row to try, and the weight of the statements that it represents; false: that was all.
 */
static bool stratum(const replay *r, size_t i, size_t *rank, double *share)
{
    size_t rows = r->template_->value_row_count ? r->template_->value_row_count : 1;
    size_t head = rows < HEAD ? rows : HEAD, rest = rows - head, tail = rest < TAIL ? rest : TAIL;
    if (i >= head + tail)
        return false;
    *rank = i < head ? i : head + (i - head) * rest / tail;
    *share = 0;
    size_t end = i < head ? i + 1 : head + (i - head + 1) * rest / tail;
    for (size_t k = *rank; k < end; k++)
        *share += weight(r, k);
    return true;
}

/* Head and tail in turn, so that an early end has seen both. */
static size_t shuffled(size_t i)
{
    return i % 2 ? HEAD + i / 2 : i / 2;
}

static bool sum_up(const replay *r, bool plan, double *average, trial *seen, rh_error *error)
{
    double sum = 0, weights = 0;
    rh_usec began = rh_clock_monotonic();
    for (size_t i = 0; i < HEAD + TAIL; i++) {
        size_t rank;
        double share, figure = RH_NOT_MEASURED;
        if (!stratum(r, shuffled(i), &rank, &share))
            continue;
        if (seen->tried >= 3 && rh_clock_monotonic() - began > TRIAL_TIME)
            break;
        rh_error failure = {0};
        bool ok = call(r, rank, plan, &figure, &failure);
        if (is_fatal(&failure)) {
            rh_error_move(error, &failure);
            return false;
        }
        if (ok && !isnan(figure)) {
            sum += share * figure;
            weights += share;
        }
        if (!ok && !seen->failure)
            seen->failure =
                rh_arena_printf(r->copy->build->arena, "%s (%s)", failure.message, failure.sqlstate);
        rh_error_release(&failure);
        seen->tried++;
        seen->failed += !ok;
        if (seen->failed >= 3 && seen->failed == seen->tried)
            break;
    }
    *average = weights > 0 ? sum / weights : RH_NOT_MEASURED;
    return true;
}

/* Rows always; BLOCKS too where asked for. */
static bool try_out(const replay *r, bool blocks, trial *seen, rh_error *error)
{
    rh_pg *pg = rh_mix_session(r->copy->build);
    *seen = (trial){.rows = RH_NOT_MEASURED, .blocks = RH_NOT_MEASURED};
    double limit_ms = fmin(fmax(5000, 4 * (isnan(r->mean_ms) ? 0 : r->mean_ms)), 60000);
    if (!rh_pg_executef(pg, error, "BEGIN; SET LOCAL statement_timeout = %.0f", limit_ms))
        return false;
    trial plans = {0};
    return sum_up(r, false, &seen->rows, seen, error) &&
           (!blocks || sum_up(r, true, &seen->blocks, &plans, error)) && rh_pg_execute(pg, "ROLLBACK", error);
}

/* ---- the knobs ---- */

/* Does the number of rows tell nothing, so that the blocks must? */
static bool by_blocks(const replay *r)
{
    return r->candidate->bound.aggregates && !isnan(r->candidate->blocks);
}

/* Measured over wanted; NaN where one is missing. */
static double ratio(const replay *r, const trial *seen)
{
    return by_blocks(r) ? (seen->blocks + 0.5) / (r->candidate->blocks + 0.5)
                        : (seen->rows + 0.02) / (r->candidate->rows + 0.02);
}

/* Turns one knob against RATIO; false: none is left. */
static bool adjust_knobs(const replay *r, double off, mix_knobs *knobs)
{
    const mix_candidate *c = r->candidate;
    bool range = (rh_mix_binds(c, MIX_BIND_LOW) || rh_mix_binds(c, MIX_BIND_HIGH)) &&
                 (!c->bound.limited || c->bound.aggregates);
    if (range) {
        double before = knobs->fraction;
        knobs->fraction = fmin(1, fmax(1e-9, before * fmin(fmax(1 / off, 0.01), 30)));
        if (fabs(knobs->fraction - before) > 1e-12)
            return true;
    }
    if (rh_mix_binds(c, MIX_BIND_ANY)) {
        size_t before = knobs->list;
        knobs->list = (size_t)fmin(MAX_LIST, fmax(1, round((double)before / off)));
        if (knobs->list != before)
            return true;
    }
    if (rh_mix_binds(c, MIX_BIND_PATTERN) && off < 1 && knobs->halvings < 8) {
        knobs->halvings++;
        return true;
    }
    if (!rh_mix_binds(c, MIX_BIND_EQUAL) || off < 1)
        return false;
    if (!knobs->distinct)
        knobs->distinct = true;
    else if (c->bound.kind != MIX_STATEMENT_INSERT && knobs->miss < 0.99)
        knobs->miss = fmin(0.995, 1 - (1 - knobs->miss) / off);
    else
        return false;
    return true;
}

static mix_knobs first_knobs(const mix_candidate *c)
{
    double table_rows = c->bound.table && c->bound.table->rows > 0 ? (double)c->bound.table->rows : 1000;
    double rows = isnan(c->rows) ? 1 : fmax(c->rows, 0.1);
    return (mix_knobs){.value_rows = TRIAL_ROWS,
                       .fraction = c->bound.aggregates ? 0.1 : fmin(1, rows / table_rows),
                       .list = (size_t)fmin(MAX_LIST, fmax(1, round(rows)))};
}

/* Tries with KNOBS; false: WHY or ERROR. */
static bool attempt(replay *r, const mix_knobs *knobs, bool blocks, trial *seen, const char **why,
                    rh_error *error)
{
    if (!rh_mix_statement_values(r->copy, r->candidate, knobs, r->template_, &r->caveat, why, error) ||
        !try_out(r, blocks, seen, error))
        return false;
    if (seen->failed == seen->tried)
        *why = seen->failure ? seen->failure : "no set of values could be tried";
    return *why == NULL;
}

/* The knobs that come nearest. */
static bool search(replay *r, mix_knobs *best, const char **why, rh_error *error)
{
    mix_knobs knobs = *best = first_knobs(r->candidate);
    double nearest = INFINITY;
    for (int i = 0; i < TURNS; i++) {
        trial seen;
        if (!attempt(r, &knobs, by_blocks(r), &seen, why, error))
            return false;
        double off = ratio(r, &seen), distance = fabs(log(off));
        if (isnan(off))
            return true;
        if (distance < nearest) {
            nearest = distance;
            *best = knobs;
        }
        if (distance < 0.2 || !adjust_knobs(r, off, &knobs))
            return true;
    }
    return true;
}

/* ---- the verdict ---- */

/* Off by more than a factor of two? Figures below SMALL are all alike. */
static bool is_off(double a, double b, double small)
{
    return !isnan(a) && !isnan(b) && fmax(a, small) / fmax(b, small) > 2.0;
}

static const char *verdict(const replay *r, const trial *seen)
{
    rh_arena *arena = r->copy->build->arena;
    double rows = r->candidate->rows, blocks = r->candidate->blocks;
    if (is_off(seen->rows, rows, 0.2) || is_off(rows, seen->rows, 0.2))
        return rh_arena_printf(arena, "%.3g rows a call, on production %.3g", seen->rows, rows);
    bool write = r->template_->kind == RH_TEMPLATE_WRITE; /* EXPLAIN does not count what triggers read */
    if (is_off(seen->blocks, blocks, 4) || (!write && is_off(blocks, seen->blocks, 4)))
        return rh_arena_printf(arena, "%.3g blocks a call, on production %.3g", seen->blocks, blocks);
    if (seen->failed > 0)
        return rh_arena_printf(arena, "%zu of %zu tries failed: %s", seen->failed, seen->tried,
                               seen->failure);
    return r->caveat;
}

bool rh_mix_replay(mix_copy *copy, const mix_candidate *candidate, double mean_ms, rh_template *template_,
                   const char **why, rh_error *error)
{
    replay r = {.copy = copy, .candidate = candidate, .template_ = template_, .mean_ms = mean_ms};
    mix_knobs knobs;
    trial seen;
    if (!search(&r, &knobs, why, error))
        return false;
    knobs.value_rows = VALUE_ROWS;
    if (!attempt(&r, &knobs, true, &seen, why, error))
        return false;
    rh_template_replay *out = rh_arena_alloc(copy->build->arena, sizeof *out);
    *out = (rh_template_replay){.production_rows = candidate->rows,
                                .rows = seen.rows,
                                .production_blocks = candidate->blocks,
                                .blocks = seen.blocks,
                                .production_mean_ms = mean_ms,
                                .caveat = verdict(&r, &seen)};
    template_->replay = out;
    return true;
}
