/* Predictions from the small passes for the full-size ones, and their score beside naive baselines. */
#include "pgrehearse/predict/predict.h"
#include <stdlib.h>
#include <string.h>

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double rh_median(double *values, size_t count)
{
    if (count == 0)
        return NAN;
    qsort(values, count, sizeof *values, compare_doubles);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

/* Proportional to the largest and to the smallest scaled run, and a line through logarithms. */
static void baselines(const rh_statement *statement, double bytes, rh_backtest_row *row)
{
    const rh_statement_run *small = NULL, *large = NULL;
    double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
    for (size_t i = 0; i < statement->run_count; i++) {
        const rh_statement_run *run = &statement->runs[i];
        if (run->pass != RH_PASS_KIND_SCALED || !(run->relation_bytes > 0) || !(run->elapsed_s > 0))
            continue;
        if (!small || run->relation_bytes < small->relation_bytes)
            small = run;
        if (!large || run->relation_bytes > large->relation_bytes)
            large = run;
        double x = log(run->relation_bytes), y = log(run->elapsed_s);
        n++;
        sx += x;
        sy += y;
        sxx += x * x;
        sxy += x * y;
    }
    row->linear_largest_s = large ? large->elapsed_s * bytes / large->relation_bytes : NAN;
    row->linear_smallest_s = small ? small->elapsed_s * bytes / small->relation_bytes : NAN;
    double spread = n * sxx - sx * sx;
    double slope = spread > 1e-9 ? (n * sxy - sx * sy) / spread : NAN;
    row->power_law_s = exp((sy - slope * sx) / n + slope * log(bytes));
}

void rh_backtest_predict(const rh_plan *plan, const double *bytes, rh_arena *arena, rh_backtest *backtest)
{
    *backtest = (rh_backtest){.median_abs_error = NAN, .bias = NAN, .coverage = NAN, .level = NAN};
    size_t index = 0;
    for (size_t m = 0; m < plan->migration_count; m++) {
        const rh_migration *migration = &plan->migrations[m];
        for (size_t i = 0; i < migration->up.statement_count; i++, index++) {
            const rh_statement *statement = &migration->up.statements[i];
            rh_growth growth = rh_growth_fit(statement);
            if (growth.observations == 0 || isnan(bytes[index]))
                continue;
            rh_backtest_row *row =
                rh_arena_add(arena, &backtest->rows, &backtest->row_count, sizeof *backtest->rows);
            row->migration = migration->id;
            row->statement = statement->ordinal;
            row->class_ = statement->class_;
            row->predicted_s = growth.fixed_s + growth.per_byte_s * bytes[index];
            row->actual_s = row->low_s = row->high_s = NAN;
            baselines(statement, bytes[index], row);
        }
    }
}

static double quiet_median(const rh_statement *statement)
{
    double *values = rh_alloc((statement->run_count + 1) * sizeof *values);
    size_t count = 0;
    for (size_t i = 0; i < statement->run_count; i++)
        if (statement->runs[i].pass == RH_PASS_KIND_QUIET && !isnan(statement->runs[i].elapsed_s))
            values[count++] = statement->runs[i].elapsed_s;
    double median = rh_median(values, count);
    free(values);
    return median;
}

static const rh_statement *find(const rh_plan *plan, const rh_backtest_row *row)
{
    for (size_t m = 0; m < plan->migration_count; m++)
        if (strcmp(plan->migrations[m].id, row->migration) == 0)
            return &plan->migrations[m].up.statements[row->statement - 1];
    return NULL;
}

typedef enum predictor { OURS, LINEAR_LARGEST, LINEAR_SMALLEST, POWER_LAW } predictor;

static double predicted_by(const rh_backtest_row *row, predictor who)
{
    const double all[] = {row->predicted_s, row->linear_largest_s, row->linear_smallest_s, row->power_law_s};
    return all[who];
}

/* Median of |predicted/actual − 1| over the rows that count; and of the signed ratio when BIAS is given. */
static double median_error(const rh_backtest *backtest, predictor who, double *bias)
{
    double *absolute = rh_alloc((backtest->row_count + 1) * sizeof *absolute);
    double *relative = rh_alloc((backtest->row_count + 1) * sizeof *relative);
    size_t count = 0;
    for (size_t i = 0; i < backtest->row_count; i++) {
        const rh_backtest_row *row = &backtest->rows[i];
        double predicted = predicted_by(row, who);
        if (row->actual_s < RH_PREDICT_FLOOR_S || isnan(predicted))
            continue;
        relative[count] = predicted / row->actual_s - 1;
        absolute[count] = fabs(relative[count]);
        count++;
    }
    double median = rh_median(absolute, count);
    if (bias)
        *bias = rh_median(relative, count);
    free(absolute);
    free(relative);
    return median;
}

void rh_backtest_score(const rh_plan *plan, rh_arena *arena, rh_backtest *backtest)
{
    static const char *const names[] = {NULL, "linear from the largest sample",
                                        "linear from the smallest sample", "power law"};
    size_t kept = 0;
    for (size_t i = 0; i < backtest->row_count; i++) {
        rh_backtest_row row = backtest->rows[i];
        const rh_statement *statement = find(plan, &row);
        row.actual_s = statement ? quiet_median(statement) : NAN;
        if (!isnan(row.actual_s))
            backtest->rows[kept++] = row;
    }
    backtest->row_count = kept;
    backtest->median_abs_error = median_error(backtest, OURS, &backtest->bias);
    backtest->baseline_count = 0;
    for (predictor who = LINEAR_LARGEST; who <= POWER_LAW; who++) {
        rh_baseline *baseline =
            rh_arena_add(arena, &backtest->baselines, &backtest->baseline_count, sizeof *baseline);
        baseline->name = names[who];
        baseline->median_abs_error = median_error(backtest, who, NULL);
    }
}
