/* A whole backfill from its sample: what the sample says, and the states that only the whole meets. */
#include "pgrehearse/predict/predict.h"
#include <math.h>

/* The images may not take more off the sampled time than this share of it: their price is an estimate, too.
 */
static const double LEAST_OF_SAMPLE = 0.4;

static double with_pauses(const rh_backfill_whole_input *in, double busy_s)
{
    return (busy_s * (1 + in->pause_share) + in->pauses_s) / in->workers;
}

static rh_backfill_figure times(const rh_backfill_figure *figure, double factor)
{
    return (rh_backfill_figure){figure->median * factor, figure->low * factor, figure->high * factor};
}

rh_backfill_whole rh_predict_whole(const rh_backfill_whole_input *in)
{
    rh_backfill_whole whole = {.sampled_s = in->sampled.median};
    const double sampled_s = in->sampled.median;
    if (!(sampled_s > 0) || !(in->rows > 0)) {
        whole.busy_s = whole.total_s = whole.wal_bytes =
            (rh_backfill_figure){RH_NOT_MEASURED, RH_NOT_MEASURED, RH_NOT_MEASURED};
        return whole;
    }
    rh_backfill_checkpoints checkpoints = in->checkpoints;
    checkpoints.rows_per_s = in->rows / with_pauses(in, sampled_s);
    whole.images = rh_predict_images_of(in->pages, in->prices, &checkpoints, in->rows, &whole.cycle_rows);
    whole.images_s = in->prices->image_s * (whole.images - in->sampled_images * in->rows);
    const double priced_s = fmax(sampled_s + whole.images_s, LEAST_OF_SAMPLE * sampled_s);
    whole.images_s = priced_s - sampled_s;
    /* beside a vacuum only the batches are slower, not the pauses */
    rh_backfill_vacuum vacuum = *in->vacuum;
    const double alone_s = with_pauses(in, priced_s);
    vacuum.slowdown = with_pauses(in, priced_s * fmax(vacuum.slowdown, 1)) / alone_s;
    whole.vacuums = rh_predict_vacuums(&vacuum, in->pages, in->rows, in->rows / alone_s);
    whole.vacuum_s = (whole.vacuums.elapsed_s - alone_s) * in->workers;
    const double busy_s = priced_s + whole.vacuum_s / (1 + in->pause_share);
    whole.busy_s = times(&in->sampled, busy_s / sampled_s);
    whole.total_s =
        (rh_backfill_figure){with_pauses(in, whole.busy_s.median), with_pauses(in, whole.busy_s.low),
                             with_pauses(in, whole.busy_s.high)};
    const double wal = in->prices->row_bytes * in->rows + in->prices->image_bytes * whole.images;
    whole.wal_bytes = (rh_backfill_figure){wal > 0 ? wal : RH_NOT_MEASURED, RH_NOT_MEASURED, RH_NOT_MEASURED};
    return whole;
}
