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

/* ---- room ---- */

/* An index in the order of the walk grows by its share of new entries; one in another order splits every page
 * once its room is used up, not before. */
static double index_growth_bytes(const rh_backfill_whole_input *in)
{
    const rh_backfill_pages *pages = in->pages;
    const double share = fmin(in->rows / fmax(in->vacuum->table_rows, 1), 1),
                 entries = 1 - (isnan(in->hot_share) ? 0 : in->hot_share);
    double random = 0;
    for (size_t i = 0; i < pages->random_count; i++)
        random += pages->random[i];
    const double of_random = in->index_pages > 0 ? fmin(random / in->index_pages, 1) : 0;
    const double filled = pages->split_rows > 0 ? in->rows * entries / pages->split_rows : 0;
    return in->index_bytes * (of_random * fmin(fmax(filled - 0.5, 0), 1) + (1 - of_random) * share * entries);
}

/* Without a measured vacuum nothing is said of dead rows, if the whole meets one. */
static void predict_room(const rh_backfill_whole_input *in, double slowdown, double rows_per_s, double wal,
                         rh_backfill_whole *whole)
{
    static const struct {
        double price,
            naptime; /* factors: what a vacuum may take less or more, how early or late it is launched */
    } ENDS[] = {{1, 1}, {1 / 1.5, 0}, {1.5, 2}};
    double dead[3], disk[3];
    const double rows = fmax(in->vacuum->table_rows, 1), row_bytes = in->table_bytes / rows;
    whole->dead_share = whole->disk_bytes =
        (rh_backfill_figure){RH_NOT_MEASURED, RH_NOT_MEASURED, RH_NOT_MEASURED};
    whole->final_bytes = RH_NOT_MEASURED;
    if (!in->vacuum->on || (!in->vacuum_measured && whole->vacuums.count > 0))
        return;
    for (size_t i = 0; i < 3; i++) {
        rh_backfill_vacuum vacuum = *in->vacuum;
        vacuum.slowdown = slowdown;
        vacuum.s_per_credit *= ENDS[i].price;
        vacuum.naptime_s *= ENDS[i].naptime;
        const rh_backfill_vacuums v = rh_predict_vacuums(&vacuum, in->pages, in->rows, rows_per_s);
        const double grown = v.grown_rows * row_bytes + index_growth_bytes(in);
        dead[i] = v.peak_dead / rows;
        disk[i] = grown + fmin(wal, (i == 2 ? 2 : 1) * in->checkpoints.distance_bytes);
        if (i == 0)
            whole->final_bytes = in->table_bytes + in->index_bytes + grown;
    }
    whole->dead_share = (rh_backfill_figure){dead[0], fmin(dead[0], dead[1]), fmax(dead[0], dead[2])};
    whole->disk_bytes = (rh_backfill_figure){disk[0], fmin(disk[0], disk[1]), fmax(disk[0], disk[2])};
}

/* ---- all ---- */

rh_backfill_whole rh_predict_whole(const rh_backfill_whole_input *in)
{
    rh_backfill_whole whole = {.sampled_s = in->sampled.median};
    const double sampled_s = in->sampled.median;
    if (!(sampled_s > 0) || !(in->rows > 0)) {
        whole.busy_s = whole.total_s = whole.wal_bytes = whole.dead_share = whole.disk_bytes =
            (rh_backfill_figure){RH_NOT_MEASURED, RH_NOT_MEASURED, RH_NOT_MEASURED};
        whole.final_bytes = RH_NOT_MEASURED;
        return whole;
    }
    rh_backfill_checkpoints checkpoints = in->checkpoints;
    checkpoints.rows_per_s = in->rows / with_pauses(in, sampled_s);
    const rh_backfill_images images = rh_predict_images_of(in->pages, in->prices, &checkpoints, in->rows);
    whole.images = images.count + in->prices->room_images;
    whole.cycle_rows = images.cycle_rows;
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
    const double wal =
        in->prices->row_bytes * in->rows + images.bytes + in->prices->image_bytes * in->prices->room_images;
    whole.wal_bytes = (rh_backfill_figure){wal > 0 ? wal : RH_NOT_MEASURED, RH_NOT_MEASURED, RH_NOT_MEASURED};
    predict_room(in, vacuum.slowdown, in->rows / alone_s, wal, &whole);
    return whole;
}
