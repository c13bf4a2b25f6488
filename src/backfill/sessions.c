/* The sessions of a sweep: they live as long as the state of the database, as those of a whole backfill do.
 */
#include "sweep.h"
#include <math.h>
#include <stdlib.h>

/* Pages read per page of shared_buffers, so that the clock meets each of them; rows read at most. */
static const double TURNS = 1.5;
enum { ROWS_MAX = 3000000 };

/* ---- a session that has accessed all of shared_buffers ---- */

/* Rows in the order of the key that lie on so many pages: each on another where the heap has another order.
 */
static int64_t rows_to_read(const rh_sweep *sweep, double buffers)
{
    const rh_backfill_census *census = &sweep->census;
    const double on_a_page = (double)census->table_rows / fmax((double)census->pages, 1),
                 rows = TURNS * buffers * (sweep->states.pages.heap > 0 ? 1 : fmax(on_a_page, 1));
    return (int64_t)fmin(rows, fmin((double)census->table_rows, ROWS_MAX));
}

/* By the index of the key: a sequential scan of a large table uses a few buffers over and over. */
static bool access_all_buffers(const rh_sweep *sweep, rh_pg *pg, rh_error *error)
{
    const char *key = rh_backfill_key_list(&sweep->target, "", sweep->arena);
    int64_t buffers;
    if (!rh_pg_query_int(pg,
                         "SELECT setting::bigint FROM pg_catalog.pg_settings WHERE name = 'shared_buffers'",
                         &buffers, error))
        return false;
    return rh_pg_executef(pg, error,
                          "BEGIN; SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off;\n"
                          "SET LOCAL enable_indexonlyscan = off; SET LOCAL enable_bitmapscan = off;\n"
                          "SET LOCAL max_parallel_workers_per_gather = 0;\n"
                          "SELECT count(*) FROM (SELECT %s FROM %s ORDER BY %s LIMIT %lld) AS rows; COMMIT",
                          key, sweep->target.table, key, (long long)rows_to_read(sweep, (double)buffers));
}

/* ---- all ---- */

bool rh_sweep_open_sessions(rh_sweep *sweep, size_t count, rh_error *error)
{
    const rh_backfill_worker_options options = {.conninfo = sweep->place->backfill_conninfo,
                                                .backfill = sweep->backfill,
                                                .statements = &sweep->sql,
                                                .count_wal = true};
    while (!sweep->backfill->command && sweep->session_count < count) {
        rh_backfill_worker *worker = rh_backfill_worker_open(&options, error);
        if (!worker)
            return false;
        *rh_arena_add(sweep->arena, &sweep->sessions, &sweep->session_count) = worker;
        if (!access_all_buffers(sweep, rh_backfill_worker_session(worker), error))
            return false;
    }
    return true;
}

bool rh_sweep_flush_statistics(rh_sweep *sweep, rh_error *error)
{
    rh_error own = {0};
    bool ok = true;
    for (size_t i = 0; i < sweep->session_count && ok; i++) {
        ok = rh_pg_publish_statistics(rh_backfill_worker_session(sweep->sessions[i]), &own);
    }
    if (!ok && !rh_error_is_set(&own)) { /* before 15, its end is what flushes them */
        rh_sweep_close_sessions(sweep);
        ok = true;
    }
    if (!ok && error)
        rh_error_move(error, &own);
    rh_error_release(&own);
    return ok;
}

void rh_sweep_close_sessions(rh_sweep *sweep)
{
    for (size_t i = 0; i < sweep->session_count; i++)
        rh_backfill_worker_close(sweep->sessions[i]);
    sweep->sessions = NULL;
    sweep->session_count = 0;
}
