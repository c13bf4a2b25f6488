#include "lag.h"
#include "pgrehearse/base/statistics.h"
#include <math.h>
#include <stdlib.h>

enum { WAL_PAGE = 8192, PAGE_HEADER = 40 }; /* the longer header, of a segment's first page */

/* The last point of PRIMARY at or before AT_S and at or below POSITION, both of which only rise; count: none.
 */
static size_t last_up_to(rh_wal_points primary, double at_s, int64_t position)
{
    size_t low = 0, high = primary.count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (primary.points[middle].at_s <= at_s && primary.points[middle].position <= position)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 ? low - 1 : primary.count;
}

/* An insert position at the beginning of a page counts the page's header, which a replay position does not.
 */
static bool has_all(int64_t replayed, int64_t inserted)
{
    return replayed >= inserted || (replayed % WAL_PAGE == 0 && inserted - replayed <= PAGE_HEADER);
}

double rh_lag_s(rh_wal_points primary, double at_s, int64_t position)
{
    const size_t now = last_up_to(primary, at_s, INT64_MAX);
    if (now == primary.count)
        return RH_NOT_MEASURED;
    if (has_all(position, primary.points[now].position))
        return 0;
    const size_t was = last_up_to(primary, INFINITY, position);
    if (was == primary.count)
        return RH_NOT_MEASURED;
    const rh_wal_point *before = &primary.points[was],
                       *behind = before + 1; /* there is one: NOW is behind WAS */
    const double share =
        (double)(position - before->position) / (double)(behind->position - before->position);
    return fmax(at_s - (before->at_s + share * (behind->at_s - before->at_s)), 0);
}

int64_t rh_lag_bytes(rh_wal_points primary, double at_s, int64_t position)
{
    const size_t now = last_up_to(primary, at_s, INT64_MAX);
    if (now == primary.count)
        return RH_UNKNOWN;
    const int64_t inserted = primary.points[now].position;
    return has_all(position, inserted) ? 0 : inserted - position;
}

/* The longest lag until NEXT_S of a standby that was AT a position with LAG_S: from then on it is known to
 * have replayed that position only, and the primary may have been there since its last point. */
static double bound_until(rh_wal_points primary, const rh_wal_point *at, double lag_s, double next_s)
{
    const double seen_s = primary.points[last_up_to(primary, at->at_s, INT64_MAX)].at_s;
    return fmax(lag_s, at->at_s - seen_s) + (next_s - at->at_s);
}

rh_lag_summary rh_lag_of(rh_wal_points primary, rh_wal_points standby, double from_s, double to_s)
{
    rh_lag_summary summary = {RH_NOT_MEASURED, RH_NOT_MEASURED, RH_NOT_MEASURED, RH_UNKNOWN};
    double *lags = rh_alloc((standby.count + 1) * sizeof *lags);
    size_t count = 0;
    for (size_t i = 0; i < standby.count; i++) {
        const rh_wal_point *at = &standby.points[i];
        const double lag_s = rh_lag_s(primary, at->at_s, at->position);
        if (at->at_s < from_s || at->at_s > to_s || isnan(lag_s))
            continue;
        const int64_t bytes = rh_lag_bytes(primary, at->at_s, at->position);
        summary.max_bytes = bytes > summary.max_bytes ? bytes : summary.max_bytes;
        lags[count++] = lag_s;
        const double next_s = i + 1 < standby.count ? fmin(at[1].at_s, to_s) : to_s;
        summary.bound_s = fmax(summary.bound_s, bound_until(primary, at, lag_s, next_s));
    }
    if (count > 0) {
        rh_median(lags, count); /* sorts */
        summary.p99_s = lags[(count - 1) * 99 / 100];
        summary.max_s = lags[count - 1];
    }
    free(lags);
    return summary;
}

size_t rh_lag_course(rh_wal_points primary, rh_wal_points standby, double from_s, double to_s, size_t most,
                     rh_arena *arena, rh_lag_point **course)
{
    size_t count = 0;
    double end_s = from_s; /* of the last point's stretch */
    *course = NULL;
    for (size_t i = 0; i < standby.count; i++) {
        const rh_wal_point *at = &standby.points[i];
        const double lag_s = rh_lag_s(primary, at->at_s, at->position);
        if (at->at_s < from_s || at->at_s > to_s || isnan(lag_s))
            continue;
        const int64_t bytes = rh_lag_bytes(primary, at->at_s, at->position);
        const rh_lag_point point = {at->at_s - from_s, lag_s, bytes};
        if (count > 0 && (at->at_s < end_s || count == most)) {
            if (lag_s > (*course)[count - 1].lag_s)
                (*course)[count - 1] = point;
            continue;
        }
        *rh_arena_add(arena, course, &count) = point;
        end_s = from_s + (floor((at->at_s - from_s) / (to_s - from_s) * (double)most) + 1) * (to_s - from_s) /
                             (double)most;
    }
    return count;
}

double rh_lag_predicted_s(const rh_lag_queue *q)
{
    const double cycle_s = q->batch_s + q->pause_s;
    const double busy_per_s = q->batch_bytes / q->batch_s + q->load_per_s;
    const double mean_per_s = q->batch_bytes / cycle_s + q->load_per_s;
    if (!(q->capacity > 0) || isnan(mean_per_s))
        return RH_NOT_MEASURED;
    const double burst_s = fmax(q->batch_s * (busy_per_s / q->capacity - 1), 0);
    return burst_s + fmax(q->total_s * (1 - q->capacity / mean_per_s), 0);
}

/* The mean lag of COUNT points. */
static double mean_of(const rh_lag_point *points, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += points[i].lag_s;
    return sum / (double)count;
}

double rh_lag_growth(const rh_lag_point *course, size_t count)
{
    enum { LEAST = 12 };
    static const double noise_s = 0.25;
    if (count < LEAST)
        return 0;
    const size_t part = count / 4;
    double parts[4];
    for (size_t i = 0; i < 4; i++)
        parts[i] = mean_of(course + i * part, part);
    const bool rises = parts[0] < parts[1] && parts[1] < parts[2] && parts[2] < parts[3];
    const double between_s = course[count - 1].at_s * 3 / 4;
    return rises && parts[3] - parts[0] > noise_s && between_s > 0 ? (parts[3] - parts[0]) / between_s : 0;
}
