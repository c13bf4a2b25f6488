#include "cost.h"
#include "pgrehearse/base/statistics.h"
#include "pgrehearse/base/text.h"
#include "nnls.h"
#include <math.h>
#include <stdlib.h>

/* What one row costs besides comparisons, in comparisons: so much a class's time per row is made of other
 * things than the sort or the way down the indexes, whose share grows with log₂ rows. By class; NAN: linear.
 */
static double other_work(rh_statement_class class_)
{
    switch (class_) {
    case RH_CLASS_INDEX_BUILD:
    case RH_CLASS_INDEX_CONCURRENT:
    case RH_CLASS_DATA_CHANGE:
        return 0;
    case RH_CLASS_REWRITE: /* heap and all indexes */
        return 8;
    case RH_CLASS_MAINTENANCE: /* VACUUM, REINDEX, CLUSTER */
    case RH_CLASS_PROCEDURE:
    case RH_CLASS_UNCLASSIFIED:
        return 16;
    default:
        return NAN;
    }
}

static bool modifies(rh_statement_class class_)
{
    return class_ == RH_CLASS_DATA_CHANGE || class_ == RH_CLASS_REWRITE || class_ == RH_CLASS_MAINTENANCE ||
           class_ == RH_CLASS_INDEX_CONCURRENT || class_ == RH_CLASS_PROCEDURE ||
           class_ == RH_CLASS_UNCLASSIFIED;
}

static bool sorts(rh_statement_class class_)
{
    return class_ == RH_CLASS_INDEX_BUILD || class_ == RH_CLASS_INDEX_CONCURRENT ||
           class_ == RH_CLASS_REWRITE || class_ == RH_CLASS_MAINTENANCE;
}

/* A sort tuple and the index tuple that it points to (tuplesort.c, itup.h). */
static const double SORT_TUPLE_BYTES = 48;

const char *rh_cost_term_name(rh_cost_term term)
{
    static const char *const names[] = {"fixed",
                                        "rows",
                                        "sort and b-tree",
                                        "other relations",
                                        "beyond shared_buffers",
                                        "beyond maintenance_work_mem"};
    _Static_assert(sizeof names / sizeof *names == RH_TERM_COUNT, "one name a value");
    return names[term];
}

double rh_work_measure(const rh_work_size *size)
{
    return size->rows > 0 ? size->rows : size->bytes;
}

/* The check of a foreign key is a hash join: its table is made of the smaller relation, and a row costs about
 * twice as much there as a row of the larger one that is looked up (tests/bench/prediction.sh). A sample has
 * all referenced rows that its own refer to, so it may be the smaller one where the whole table is the
 * larger. */
static double joined_rows(const rh_work_size *size, double rows)
{
    static const double HASHED = 2;
    return fmax(rows, size->referenced_rows) + HASHED * fmin(rows, size->referenced_rows);
}

double rh_cost_term_value(rh_cost_term term, rh_statement_class class_, const rh_work_size *size)
{
    double n = rh_work_measure(size), constant = other_work(class_);
    switch (term) {
    case RH_TERM_FIXED:
        return 1;
    case RH_TERM_ROWS:
        if (class_ == RH_CLASS_FOREIGN_KEY)
            return joined_rows(size, n);
        return isnan(constant) && class_ != RH_CLASS_TRANSACTION ? n : 0;
    case RH_TERM_SORT:
        return isnan(constant) ? 0 : n * (constant + log2(fmax(n, 2)));
    case RH_TERM_REFERENCED_ROWS:
        return size->referenced_rows;
    case RH_TERM_BUFFERS:
        return modifies(class_) && size->buffers_bytes > 0
                   ? fmax(0, size->bytes + size->index_bytes - size->buffers_bytes)
                   : 0;
    case RH_TERM_SPILL:
        return sorts(class_) && size->sort_bytes > 0
                   ? fmax(0, size->rows * SORT_TUPLE_BYTES - size->sort_bytes)
                   : 0;
    default:
        return 0;
    }
}

static double known(int64_t count)
{
    return count < 0 ? NAN : (double)count;
}

static double or_none(double waited)
{
    return waited > 0 ? waited : 0;
}

/* Waits for locks, known to a few ms only. Beside nothing of the rehearsal's, a wait for a CPU is also none
 * of the statement's: other programs of staging's machine had it. Under the load it is what the load costs.
 * Waits of as much as the statement took are no evidence that it did nothing: what used the CPU did not wait.
 * The CPU of parallel workers may be more than there was time: then the wait was for them. */
static double own_time(const rh_statement_run *run)
{
    const double cpu = run->cpu_user_s + run->cpu_system_s, elapsed = run->elapsed_s;
    const double waited =
        or_none(run->lock_wait_s) + (run->pass == RH_PASS_KIND_LOADED ? 0 : or_none(run->cpu_wait_s));
    if (isnan(elapsed) || !(waited > 0))
        return elapsed;
    if (cpu > 0)
        return fmax(elapsed - waited, fmin(cpu, elapsed));
    return waited < elapsed ? elapsed - waited : fmax(elapsed, 1e-6);
}

double rh_cost_measured(const rh_statement_run *run, rh_cost_quantity quantity)
{
    switch (quantity) {
    case RH_COST_ELAPSED:
        return own_time(run);
    case RH_COST_CPU:
        return run->cpu_user_s + run->cpu_system_s;
    case RH_COST_READ:
        return known(run->read_bytes);
    case RH_COST_WRITE:
        return known(run->write_bytes);
    case RH_COST_WAL:
        return known(run->wal_bytes);
    case RH_COST_TEMP:
        return known(run->temp_bytes);
    case RH_COST_FSYNCS:
        return known(run->fsyncs);
    default:
        return NAN;
    }
}

double rh_cost_quiet_median(const rh_statement *statement, rh_cost_quantity quantity)
{
    double *values = rh_alloc((statement->run_count + 1) * sizeof *values);
    size_t count = 0;
    for (size_t i = 0; i < statement->run_count; i++) {
        double value = statement->runs[i].pass == RH_PASS_KIND_QUIET
                           ? rh_cost_measured(&statement->runs[i], quantity)
                           : NAN;
        if (!isnan(value))
            values[count++] = value;
    }
    double median = rh_median(values, count);
    free(values);
    return median;
}

/* ---- fitting ---- */

typedef struct observations {
    double *terms; /* rows of RH_TERM_COUNT */
    double *value;
    double *weight; /* of a relative error */
    size_t count;
    double scale[RH_TERM_COUNT]; /* largest of each term: columns of like size; 0: not fitted */
} observations;

/* A hinge that the samples hardly reach is not fitted: with memory in proportion they differ in it by what
 * their pages and settings are rounded to, and a coefficient from that multiplies noise by the whole. */
static bool is_seen(rh_cost_term term, const rh_work_size *size, double value)
{
    static const double LEAST_SHARE = 0.1;
    if (term == RH_TERM_BUFFERS)
        return value >= LEAST_SHARE * (size->bytes + size->index_bytes);
    return value > 0 && (term != RH_TERM_SPILL || value >= LEAST_SHARE * size->rows * SORT_TUPLE_BYTES);
}

/* Is RUN, with VALUE, the least of the repeats of its pass and scale? What disturbs a run only ever adds to
 * it: on machines that are shared, the least of a few short runs is steadier than their median. */
static bool is_least(const rh_statement *statement, const rh_statement_run *run, rh_cost_quantity quantity,
                     double value)
{
    for (size_t i = 0; i < statement->run_count; i++) {
        const rh_statement_run *other = &statement->runs[i];
        double its = rh_cost_measured(other, quantity);
        bool repeats = other != run && other->pass == run->pass && other->scale == run->scale &&
                       !isnan(other->elapsed_s) && !isnan(its);
        if (repeats && (its < value || (its == value && other < run)))
            return false;
    }
    return true;
}

/* Larger samples are nearer to what is predicted, and longer, so less disturbed. */
static const double SIZE_WEIGHT = 0.25;

static observations collect(const rh_statement *statement, rh_cost_quantity quantity, unsigned passes,
                            double scale_max, rh_cost *cost)
{
    observations o = {0};
    o.terms = rh_alloc((statement->run_count + 1) * RH_TERM_COUNT * sizeof(double));
    o.value = rh_alloc((statement->run_count + 1) * sizeof(double));
    o.weight = rh_alloc((statement->run_count + 1) * sizeof(double));
    for (size_t i = 0; i < statement->run_count; i++) {
        const rh_statement_run *run = &statement->runs[i];
        double value = rh_cost_measured(run, quantity), measure = rh_work_measure(&run->size);
        if (!(passes & 1u << run->pass) || isnan(run->elapsed_s) || isnan(value) || !(measure > 0) ||
            run->scale > scale_max)
            continue;
        cost->largest = fmax(cost->largest, measure);
        cost->smallest = cost->observations++ ? fmin(cost->smallest, measure) : measure;
        if (!is_least(statement, run, quantity, value))
            continue;
        for (int t = 0; t < RH_TERM_COUNT; t++) {
            double term = rh_cost_term_value((rh_cost_term)t, statement->class_, &run->size);
            o.terms[o.count * RH_TERM_COUNT + (size_t)t] = term;
            if (is_seen((rh_cost_term)t, &run->size, term))
                o.scale[t] = fmax(o.scale[t], term);
        }
        o.weight[o.count] = pow(measure, SIZE_WEIGHT);
        o.value[o.count++] = fmax(value, 1e-6);
    }
    return o;
}

/* One weighted solution; WEIGHT[i] multiplies row i. */
static void solve(const observations *o, const double *weight, double *work, rh_cost *cost)
{
    int column[RH_TERM_COUNT];
    size_t columns = 0;
    double x[RH_NNLS_COLUMNS_MAX];
    for (int t = 0; t < RH_TERM_COUNT; t++)
        if (o->scale[t] > 0)
            column[columns++] = t;
    double *b = work + o->count * columns;
    for (size_t i = 0; i < o->count; i++) {
        for (size_t c = 0; c < columns; c++)
            work[i * columns + c] =
                weight[i] * o->terms[i * RH_TERM_COUNT + (size_t)column[c]] / o->scale[column[c]];
        b[i] = weight[i] * o->value[i];
    }
    rh_nnls(work, b, o->count, columns, x);
    for (size_t c = 0; c < columns; c++)
        cost->coefficient[column[c]] = x[c] / o->scale[column[c]];
}

static double fitted(const observations *o, size_t row, const rh_cost *cost)
{
    double sum = 0;
    for (size_t t = 0; t < RH_TERM_COUNT; t++)
        sum += cost->coefficient[t] * o->terms[row * RH_TERM_COUNT + t];
    return sum;
}

static double median_residual(const observations *o, const rh_cost *cost, double *work)
{
    for (size_t i = 0; i < o->count; i++)
        work[i] = fabs(log(fitted(o, i, cost) / o->value[i]));
    return rh_median(work, o->count);
}

rh_cost rh_cost_fit(const rh_statement *statement, rh_cost_quantity quantity, unsigned passes,
                    double scale_max)
{
    return rh_cost_fit_without(statement, quantity, passes, scale_max, 0);
}

rh_cost rh_cost_fit_without(const rh_statement *statement, rh_cost_quantity quantity, unsigned passes,
                            double scale_max, unsigned without)
{
    enum { ROUNDS = 8 };
    static const double SMALL = 0.03; /* relative errors below this count alike */
    rh_cost cost = {.class_ = statement->class_};
    observations o = collect(statement, quantity, passes, scale_max, &cost);
    for (int t = 0; t < RH_TERM_COUNT; t++)
        if (without & 1u << t)
            o.scale[t] = 0;
    double *weight = rh_alloc((o.count + 1) * sizeof *weight);
    double *work = rh_alloc((o.count + 1) * (RH_TERM_COUNT + 1) * sizeof *work);
    for (size_t i = 0; i < o.count; i++)
        weight[i] = o.weight[i] / o.value[i];
    for (int round = 0; o.count > 0 && round < ROUNDS; round++) {
        solve(&o, weight, work, &cost);
        for (size_t i = 0; i < o.count; i++) {
            double error = fabs(fitted(&o, i, &cost) / o.value[i] - 1);
            weight[i] = o.weight[i] / o.value[i] / sqrt(fmax(error, SMALL) / SMALL);
        }
    }
    cost.residual = median_residual(&o, &cost, work);
    free(work);
    free(weight);
    free(o.terms);
    free(o.value);
    free(o.weight);
    return cost;
}

double rh_cost_at(const rh_cost *cost, const rh_work_size *size)
{
    double sum = 0;
    for (int t = 0; t < RH_TERM_COUNT; t++)
        sum += cost->coefficient[t] * rh_cost_term_value((rh_cost_term)t, cost->class_, size);
    return sum;
}

const char *rh_cost_describe(const rh_cost *cost, const rh_work_size *size, rh_arena *arena)
{
    double whole = rh_cost_at(cost, size);
    rh_text text = {0};
    for (int t = RH_TERM_COUNT; t-- > 0;) {
        double share = cost->coefficient[t] * rh_cost_term_value((rh_cost_term)t, cost->class_, size) / whole;
        if (share >= 0.01)
            rh_text_printf(&text, "%s%s %.0f %%", text.length ? ", " : "", rh_cost_term_name((rh_cost_term)t),
                           100 * share);
    }
    const char *described = rh_arena_strdup(arena, rh_text_string(&text));
    rh_text_release(&text);
    return described;
}
