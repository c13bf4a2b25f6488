/* Autovacuum beside a backfill: when it starts, how long it takes, and what dead rows it finds. */
#include "pgrehearse/base/statistics.h"
#include "pgrehearse/predict/predict.h"
#include <math.h>

/* Credits of a page, as PostgreSQL counts them: read from outside of shared_buffers, and changed. */
enum { MISS = 2, DIRTY = 20 };
/* Bytes that a vacuum keeps of a dead row (before PostgreSQL 17), and vacuums that are followed. */
enum { DEAD_ROW_BYTES = 6, VACUUMS_MAX = 100000 };

double rh_predict_vacuum_credits(const rh_backfill_vacuum *vacuum, const rh_backfill_pages *pages,
                                 double dead)
{
    const double passes =
        vacuum->memory_bytes > 0 ? ceil(fmax(dead, 1) * DEAD_ROW_BYTES / vacuum->memory_bytes) : 1;
    return passes * vacuum->index_pages * MISS + (MISS + DIRTY) * rh_predict_images(pages, dead);
}

/* The standard error of the median of COUNT sorted VALUES, as a share of it, from their quartiles. */
static double relative_error(const double *values, size_t count)
{
    const double spread = values[(count - 1) * 3 / 4] - values[(count - 1) / 4];
    return 1.2533 * spread / 1.349 / values[(count - 1) / 2] / sqrt((double)count);
}

double rh_predict_slowdown(double *alone, size_t alone_count, double *beside, size_t beside_count,
                           size_t least)
{
    if (alone_count < least || beside_count < least)
        return NAN;
    const double ratio = rh_median(beside, beside_count) / rh_median(alone, alone_count),
                 error = hypot(relative_error(alone, alone_count), relative_error(beside, beside_count));
    return fmax(ratio * (1 - error), 1);
}

/* The backfill, some way through. */
typedef struct course {
    double done, dead, reusable, rate; /* rows; rows a second */
    rh_backfill_vacuums result;
} course;

/* STEP more rows at RATE. A new row version takes the place of one that a vacuum removed, or the table grows.
 */
static double go_on(course *c, double step, double rate)
{
    const double reused = fmin(c->reusable, step);
    c->done += step;
    c->dead += step;
    c->reusable -= reused;
    c->result.grown_rows += step - reused;
    c->result.peak_dead = fmax(c->result.peak_dead, c->dead);
    c->result.elapsed_s += step / rate;
    return step / rate;
}

rh_backfill_vacuums rh_predict_vacuums(const rh_backfill_vacuum *vacuum, const rh_backfill_pages *pages,
                                       double rows, double rows_per_s)
{
    course c = {.rate = rows_per_s};
    const double starts_at = vacuum->threshold + vacuum->factor * vacuum->table_rows,
                 slower = rows_per_s / fmax(vacuum->slowdown, 1);
    for (int i = 0; c.done < rows && i < VACUUMS_MAX; i++) {
        const double until = fmax(starts_at - c.dead, 0) + vacuum->naptime_s / 2 * rows_per_s;
        go_on(&c, vacuum->on ? fmin(until, rows - c.done) : rows - c.done, rows_per_s);
        if (c.done >= rows)
            break;
        const double found = c.dead,
                     wanted = vacuum->s_per_credit * rh_predict_vacuum_credits(vacuum, pages, found) * slower,
                     step = fmin(wanted, rows - c.done);
        c.result.beside_s += go_on(&c, step, slower);
        c.result.count++;
        c.result.behind = c.result.behind || wanted > found;
        if (step < wanted)
            break;
        c.dead -= found;
        c.reusable += found;
    }
    return c.result;
}
