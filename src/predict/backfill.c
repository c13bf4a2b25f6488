/* The duration of a whole backfill from sampled batches. */
#include "pgrehearse/base/random.h"
#include "pgrehearse/base/statistics.h"
#include "pgrehearse/predict/predict.h"
#include <math.h>
#include <stdlib.h>

enum { DRAWS = 1000 };

typedef struct sums {
    double time_s;
    int64_t rows;
} sums;

double rh_predict_batch_s(const rh_backfill_batch *batch)
{
    return batch->find_s + batch->update_s + batch->commit_s + batch->failed_s;
}

static void add(sums *to, const rh_backfill_batch *batch)
{
    to->time_s += rh_predict_batch_s(batch);
    to->rows += batch->changed;
}

/* Σ rows of a stratum × time a row there. A stratum without batches has the time a row of the batches without
 * load there, as much longer or shorter as the batches of the others took; without those, the mean of all. */
static double total_of(const sums *by_stratum, const rh_backfill_stratum *strata, size_t count)
{
    sums all = {0}, known = {0};
    double alone_s = 0, total = 0;
    for (size_t h = 0; h < count; h++) {
        all.time_s += by_stratum[h].time_s;
        all.rows += by_stratum[h].rows;
        if (by_stratum[h].rows <= 0 || !(strata[h].us_per_row > 0))
            continue;
        alone_s += (double)by_stratum[h].rows * strata[h].us_per_row * 1e-6;
        known.time_s += by_stratum[h].time_s;
    }
    if (all.rows <= 0)
        return RH_NOT_MEASURED;
    for (size_t h = 0; h < count; h++) {
        double price = all.time_s / (double)all.rows;
        if (by_stratum[h].rows > 0)
            price = by_stratum[h].time_s / (double)by_stratum[h].rows;
        else if (strata[h].us_per_row > 0 && alone_s > 0)
            price = strata[h].us_per_row * 1e-6 * known.time_s / alone_s;
        total += (double)strata[h].rows * price;
    }
    return total;
}

/* One bootstrap draw: as many batches of each stratum as were measured there, with replacement. ORDER lists
 * the batches by stratum, those of H from FIRST[h] to FIRST[h + 1]. */
static double draw(const rh_backfill_batch *const *order, const size_t *first, sums *by_stratum,
                   const rh_backfill_stratum *strata, size_t count, rh_random *random)
{
    for (size_t h = 0; h < count; h++) {
        const size_t measured = first[h + 1] - first[h];
        by_stratum[h] = (sums){0};
        for (size_t i = 0; i < measured; i++)
            add(&by_stratum[h], order[first[h] + (size_t)rh_random_below(random, measured)]);
    }
    return total_of(by_stratum, strata, count);
}

static const rh_backfill_batch **sort_by_stratum(const rh_backfill_batch *batches, size_t batch_count,
                                                 size_t count, size_t *first)
{
    const rh_backfill_batch **order = rh_alloc((batch_count + 1) * sizeof *order);
    size_t placed = 0;
    for (size_t h = 0; h < count; h++) {
        first[h] = placed;
        for (size_t i = 0; i < batch_count; i++)
            if (batches[i].stratum == h)
                order[placed++] = &batches[i];
    }
    first[count] = placed;
    return order;
}

rh_backfill_figure rh_predict_backfill(const rh_backfill_stratum *strata, size_t count,
                                       const rh_backfill_batch *batches, size_t batch_count, double level,
                                       uint64_t seed)
{
    rh_backfill_figure figure = {RH_NOT_MEASURED, RH_NOT_MEASURED, RH_NOT_MEASURED};
    sums *by_stratum = rh_alloc((count + 1) * sizeof *by_stratum);
    size_t *first = rh_alloc((count + 1) * sizeof *first);
    double *totals = rh_alloc(DRAWS * sizeof *totals);
    const rh_backfill_batch **order = sort_by_stratum(batches, batch_count, count, first);
    rh_random random;
    for (size_t i = 0; i < batch_count; i++)
        if (batches[i].stratum < count)
            add(&by_stratum[batches[i].stratum], &batches[i]);
    figure.median = total_of(by_stratum, strata, count);
    if (batch_count >= rh_predict_residuals_needed(level) && !isnan(figure.median)) {
        rh_random_seed(&random, seed);
        for (size_t i = 0; i < DRAWS; i++)
            totals[i] = draw(order, first, by_stratum, strata, count, &random);
        rh_median(totals, DRAWS); /* sorts */
        figure.low = totals[(size_t)((1 - level) / 2 * DRAWS)];
        figure.high = totals[(size_t)((1 + level) / 2 * DRAWS)];
    }
    free(by_stratum);
    free(first);
    free(totals);
    free(order);
    return figure;
}
