/* How far a standby is behind, from the positions of two servers in the WAL. */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/model/backfill.h"

/* Where a server was at a time: the end of the WAL that it had inserted or replayed. */
typedef struct rh_wal_point {
    double at_s;
    int64_t position;
} rh_wal_point;

typedef struct rh_wal_points {
    const rh_wal_point *points; /* in the order of time */
    size_t count;
} rh_wal_points;

/* At AT_S, the standby had replayed up to POSITION. The lag is the time since the primary was there: 0 where
 * the standby has all that the primary had written by then, however long ago that was. RH_NOT_MEASURED before
 * the primary's first point, and where the standby is behind it. */
double rh_lag_s(rh_wal_points primary, double at_s, int64_t position);
/* Bytes that the primary was ahead at AT_S. */
int64_t rh_lag_bytes(rh_wal_points primary, double at_s, int64_t position);

typedef struct rh_lag_summary {
    double p99_s, max_s; /* at the standby's points; RH_NOT_MEASURED: no point */
    double bound_s;      /* at any time: the longest that the lag can have been between two points */
    int64_t max_bytes;
} rh_lag_summary;
/* The lag at each of the standby's points from FROM_S to TO_S. */
rh_lag_summary rh_lag_of(rh_wal_points primary, rh_wal_points standby, double from_s, double to_s);
/* The same as at most MOST points in ARENA: of equal stretches of time the longest lag of each; at_s since
 * FROM_S. */
size_t rh_lag_course(rh_wal_points primary, rh_wal_points standby, double from_s, double to_s, size_t most,
                     rh_arena *arena, rh_lag_point **course);

/* Seconds of lag that each second adds, where it rises from quarter to quarter of the course; else 0. */
double rh_lag_growth(const rh_lag_point *course, size_t count);

/* What a standby that replays CAPACITY bytes a second will be behind after TOTAL_S, as a queue: batches of
 * BATCH_S with PAUSE_S between them, each with BATCH_BYTES of WAL, under a load with LOAD_PER_S. As long as
 * the mean is below the capacity, only a batch's own WAL queues up; above it, the queue grows to the end. */
typedef struct rh_lag_queue {
    double batch_s, pause_s, batch_bytes, load_per_s, capacity, total_s;
} rh_lag_queue;
double rh_lag_predicted_s(const rh_lag_queue *queue);
