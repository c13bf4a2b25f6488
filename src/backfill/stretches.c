/* Stretches of consecutive batches, predicted before they run: how far such predictions are off. */
#include "pgrehearse/base/interrupt.h"
#include "pgrehearse/base/random.h"
#include "pgrehearse/predict/predict.h"
#include "screen.h"
#include <math.h>
#include <stdlib.h>

/* How many, and batches of each: at most, and at least, if a third of the rows between two resets has no
 * more. */
enum { STRETCHES = 10, BATCHES = 20, BATCHES_MIN = 4, OF_A_SAMPLE = 3 };

/* ---- the prediction ---- */

/* By the model that was the best so far, the interval as wide as its errors so far. */
static void by_model(const rh_backfill_result *result, const rh_backfill_figure *base,
                     rh_backfill_stretch *stretch)
{
    const rh_stretch_score so_far =
        rh_predict_stretch_score(result->stretches, result->stretch_count, result->level);
    const double median = rh_predict_by_model(so_far.model, stretch->states_us_per_row,
                                              stretch->naive_us_per_row[RH_STRETCH_EXPONENTIAL]);
    const rh_backfill_figure figure = {median, median * base->low / base->median,
                                       median * base->high / base->median};
    stretch->model = so_far.model;
    stretch->us_per_row = rh_predict_widen(&figure, so_far.half_width);
}

/* ROWS rows of STRATUM, from the batches of the setting so far and the page images to come. */
static rh_backfill_stretch predict(const rh_sweep *sweep, const rh_backfill_result *result, size_t cell,
                                   size_t stratum, double rows)
{
    const rh_backfill_states *states = &sweep->states;
    rh_backfill_stretch stretch = {.stratum = stratum, .checkpoint = states->rows == 0};
    size_t count;
    double images = 0, sampled = 0;
    rh_backfill_batch *batches = rh_sweep_evidence(sweep, false, cell, &count);
    count = rh_sweep_without_warmup(batches, count);
    for (size_t i = 0; i < count; i++) {
        images += batches[i].images;
        sampled += (double)batches[i].changed;
    }
    rh_backfill_stratum *here = rh_alloc((result->stratum_count + 1) * sizeof *here);
    for (size_t h = 0; h < result->stratum_count; h++)
        here[h] = (rh_backfill_stratum){.rows = h == stratum ? (int64_t)rows : 0,
                                        .us_per_row = result->strata[h].us_per_row};
    const rh_backfill_figure base = rh_predict_backfill(here, result->stratum_count, batches, count,
                                                        result->level, sweep->place->seed + stratum);
    const double to_come = rh_predict_images(&states->pages, states->rows + rows) -
                           rh_predict_images(&states->pages, states->rows);
    const double factor =
        fmax(1 + states->prices.image_s * (to_come - images / sampled * rows) / base.median, 0.4);
    rh_predict_naive(batches, count, stretch.naive_us_per_row);
    stretch.states_us_per_row = 1e6 * base.median * factor / rows;
    by_model(result, &base, &stretch);
    free(here);
    free(batches);
    return stretch;
}

/* ---- the run ---- */

/* Takes the batches from FIRST on out of the evidence: they were held out, and stay so. */
static void measure(rh_sweep *sweep, size_t first, rh_backfill_stretch *stretch)
{
    double seconds = 0;
    for (size_t i = first; i < sweep->evidence.batch_count; i++) {
        const rh_backfill_batch *batch = &sweep->evidence.batches[i].batch;
        if (batch->warmup || batch->changed <= 0)
            continue;
        seconds += rh_predict_batch_s(batch);
        stretch->rows += batch->changed;
        stretch->batches++;
    }
    stretch->actual_us_per_row = stretch->rows > 0 ? 1e6 * seconds / (double)stretch->rows : RH_NOT_MEASURED;
}

static bool run_stretch(rh_sweep_round *round, rh_backfill_result *result, size_t cell, size_t stratum,
                        int batches, rh_error *error)
{
    rh_sweep *sweep = round->sweep;
    const rh_backfill_setting *setting = &result->cells[cell].setting;
    const size_t first = sweep->evidence.batch_count;
    const bool checkpoint = result->stretch_count % 2 == 0;
    if (checkpoint && !rh_states_checkpoint(round->side, &sweep->states, error))
        return false;
    rh_backfill_stretch stretch =
        predict(sweep, result, cell, stratum, (double)setting->batch * batches * setting->workers);
    if (sweep->place->predicted &&
        !sweep->place->predicted(sweep->place->data, result, cell, &stretch, error))
        return false;
    const rh_sweep_run run = {.setting = *setting,
                              .index = cell,
                              .until = sweep->deadline,
                              .visit = batches + 1,
                              .most = (batches + 1) * setting->workers,
                              .first = stratum,
                              .stride = setting->workers == 1 ? 1 : 0};
    if (!rh_sweep_batches(sweep, &run, &round->pids, error) ||
        !rh_states_follow(round->side, &sweep->states, sweep->evidence.batches + first,
                          sweep->evidence.batch_count - first, error))
        return false;
    measure(sweep, first, &stretch);
    result->changed += stretch.rows;
    sweep->evidence.batch_count = first;
    if (stretch.batches >= batches / 2)
        *rh_arena_add(sweep->arena, &result->stretches, &result->stretch_count) = stretch;
    return !rh_interrupt_requested() ||
           rh_error_set(error, RH_ERROR_INTERRUPTED, "interrupted in the backfill pass");
}

/* A stratum that has rows left, by chance; SIZE_MAX: none. */
static size_t choose(const rh_sweep *sweep, rh_random *random)
{
    const size_t count = sweep->census.count, from = count > 0 ? (size_t)rh_random_below(random, count) : 0;
    for (size_t i = 0; i < count; i++)
        if (!sweep->census.cursors[(from + i) % count].ended)
            return (from + i) % count;
    return SIZE_MAX;
}

static int batches_of(const rh_sweep *sweep, const rh_backfill_setting *setting)
{
    const int64_t batches = sweep->most / OF_A_SAMPLE / setting->batch / setting->workers - 1;
    return batches > BATCHES ? BATCHES : batches < BATCHES_MIN ? BATCHES_MIN : (int)batches;
}

bool rh_sweep_stretches(rh_sweep *sweep, rh_backfill_result *result, rh_error *error)
{
    const int chosen = rh_sweep_chosen(result);
    if (chosen < 0)
        return true;
    const rh_backfill_cell *cell = &result->cells[chosen];
    const double cycle_s = cell->batch_p50_s + rh_sweep_pause_s(&cell->setting, cell->batch_p50_s);
    const int batches = batches_of(sweep, &cell->setting);
    const rh_usec one = (rh_usec)(2 * (batches + 1) * cycle_s * (double)RH_SECOND);
    const int64_t rows = (int64_t)(batches + 1) * cell->setting.batch * cell->setting.workers;
    rh_random random;
    rh_random_seed(&random, sweep->place->seed + 1);
    bool ok = true;
    for (int i = 0; ok && i < STRETCHES && rh_clock_monotonic() + one <= sweep->deadline;) {
        if (sweep->budget < rows && (rows > sweep->most || !rh_sweep_reset(sweep, error)))
            return rows > sweep->most; /* the sample does not last for a stretch */
        rh_sweep_round round = {.sweep = sweep};
        ok = rh_sweep_round_begin(&round, error);
        for (; ok && i < STRETCHES && sweep->budget >= rows && rh_clock_monotonic() + one <= sweep->deadline;
             i++) {
            const size_t stratum = choose(sweep, &random);
            if (stratum == SIZE_MAX)
                break;
            ok = run_stretch(&round, result, (size_t)chosen, stratum, batches, error);
            rh_progress_update(sweep->place->progress, "backfill", "predicted stretches", i + 1, STRETCHES,
                               RH_UNIT_ITEMS);
        }
        rh_sweep_round_end(&round);
    }
    return ok;
}
