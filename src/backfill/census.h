/* The rows that are to do, and where they are: strata of equally many rows along the walk. */
#pragma once
#include "worker.h"

enum { RH_BACKFILL_STRATA = 16 };

typedef struct rh_backfill_census {
    int64_t table_rows, rows; /* in the table; to do */
    int64_t table_bytes, index_bytes, pages;
    rh_backfill_stratum *strata; /* rows set */
    rh_backfill_cursor *cursors; /* each at the beginning of its stratum, up to its end; heap positions */
    size_t count;
} rh_backfill_census;

/* Reads the table once; boundaries are quantiles of the rows, not of the key's values. In ARENA but for the
 * cursors' positions, which the caller releases with rh_backfill_census_release. */
bool rh_backfill_census_take(rh_pg *pg, const rh_backfill *backfill, const rh_backfill_target *target,
                             rh_arena *arena, rh_backfill_census *census, rh_error *error);
void rh_backfill_census_release(rh_backfill_census *census);
