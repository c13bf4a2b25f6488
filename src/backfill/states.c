#include "states.h"
#include "embedded/backfill.h"
#include "pgrehearse/predict/predict.h"
#include "sweep.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

/* From this correlation on, an index is in the order of the walk. */
static const double IN_ORDER = 0.9;
/* Share of the table's rows whose new entries fill the room of an index's pages (fillfactor 90). */
static const double SPLIT_SHARE = 0.12;
/* Pages of the table that say how many rows to do a page has. */
enum { SAMPLE_PAGES = 3000 };

/* ---- the pages ---- */

/* Rows to do on a page that has any. */
static bool rows_on_a_page(rh_pg *pg, const rh_backfill *b, const rh_backfill_target *target,
                           const rh_backfill_census *census, rh_arena *arena, double *rows, rh_error *error)
{
    const double percent = fmin(100.0 * SAMPLE_PAGES / (double)(census->pages > 0 ? census->pages : 1), 100);
    rh_pg_result *sample = rh_pg_query(
        pg,
        rh_arena_printf(
            arena,
            "SELECT count(*)::float8 / nullif(count(DISTINCT (tableoid, (ctid::text::point)[0])), 0)\n"
            "FROM %s TABLESAMPLE SYSTEM (%g) REPEATABLE (1) WHERE (%s\n)",
            target->table, percent, b->condition ? b->condition : "true"),
        0, NULL, error);
    *rows = sample ? rh_pg_double(sample, 0, 0, NAN) : NAN;
    if (!(*rows > 0))
        *rows = census->pages > 0 ? (double)census->rows / (double)census->pages : 1;
    rh_pg_result_free(sample);
    return sample != NULL;
}

typedef struct shape {
    const rh_backfill *backfill;
    const rh_backfill_census *census;
    double rows_on_a_page;
    bool heap_in_order; /* the walk goes through the heap in order */
} shape;

/* A relation of PAGES, visited in the order of the walk or in another. */
static void add_pages(const shape *s, bool index, bool in_order, double pages, rh_arena *arena,
                      rh_backfill_states *states)
{
    const double rows = (double)(s->census->table_rows > 0 ? s->census->table_rows : 1);
    const double share = s->census->pages > 0 ? pages / (double)s->census->pages : 1; /* of a partition */
    if (index)
        states->index_pages += pages;
    if (in_order)
        *(index ? &states->pages.along_index : &states->pages.along) +=
            index ? pages / rows : share / s->rows_on_a_page;
    else if (!index)
        states->pages.heap += pages;
    else if (pages > 0)
        *rh_arena_add(arena, &states->pages.random, &states->pages.random_count) = pages;
}

static bool read_pages(rh_pg *pg, const rh_backfill *b, const rh_backfill_target *target,
                       const rh_backfill_census *census, rh_arena *arena, rh_backfill_states *states,
                       rh_error *error)
{
    const char *parameters[] = {target->table, target->key[0]};
    shape s = {.backfill = b, .census = census, .heap_in_order = b->walk == RH_WALK_CTID};
    if (!rows_on_a_page(pg, b, target, census, arena, &s.rows_on_a_page, error))
        return false;
    rh_pg_result *relations = rh_pg_query(pg, rh_sql_backfill_pages, 2, parameters, error);
    for (size_t i = 0; relations && i < rh_pg_rows(relations); i++)
        if (!rh_pg_bool(relations, i, 0))
            s.heap_in_order = s.heap_in_order || fabs(rh_pg_double(relations, i, 3, 1)) > IN_ORDER;
    for (size_t i = 0; relations && i < rh_pg_rows(relations); i++) {
        const bool index = rh_pg_bool(relations, i, 0), of_key = rh_pg_bool(relations, i, 2),
                   as_heap = fabs(rh_pg_double(relations, i, 3, 0)) > IN_ORDER;
        const bool in_order = !index                              ? s.heap_in_order
                              : of_key && b->walk != RH_WALK_CTID ? true
                                                                  : s.heap_in_order && as_heap;
        add_pages(&s, index, in_order, rh_pg_double(relations, i, 1, 0), arena, states);
    }
    states->pages.split_rows = SPLIT_SHARE * (double)census->table_rows;
    states->pages.filled_rows = (double)census->table_rows; /* an entry more for each */
    rh_pg_result_free(relations);
    return relations != NULL;
}

static bool read_settings(rh_pg *pg, const rh_backfill_target *target, const rh_backfill_census *census,
                          rh_backfill_states *states, rh_error *error)
{
    rh_pg_result *row = rh_pg_query(pg, rh_sql_backfill_server, 1, &target->table, error);
    if (!row)
        return false;
    states->checkpoints = (rh_backfill_checkpoints){.distance_bytes = rh_pg_double(row, 0, 0, 0),
                                                    .timeout_s = rh_pg_double(row, 0, 1, 0)};
    states->vacuum = (rh_backfill_vacuum){
        .on = rh_pg_bool(row, 0, 2),
        .table_rows = (double)census->table_rows,
        .threshold = rh_pg_double(row, 0, 3, 0),
        .factor = rh_pg_double(row, 0, 4, 0),
        .naptime_s = rh_pg_double(row, 0, 5, 0),
        /* from 17 on, dead rows are kept in a tree, which is far smaller */
        .memory_bytes = rh_pg_server_version(pg) < 170000 ? rh_pg_double(row, 0, 6, 0) : 0,
        .index_pages = states->index_pages,
        .slowdown = 1};
    states->cost_delay_ms = rh_pg_double(row, 0, 7, 0);
    states->cost_limit = rh_pg_double(row, 0, 8, 0);
    states->autovacuum = rh_pg_bool(row, 0, 9);
    if (states->cost_limit > 0)
        states->vacuum.s_per_credit = states->cost_delay_ms / 1000 / states->cost_limit;
    rh_pg_result_free(row);
    return true;
}

bool rh_states_read(rh_pg *pg, const rh_backfill *b, const rh_backfill_target *target,
                    const rh_backfill_census *census, rh_arena *arena, rh_backfill_states *states,
                    rh_error *error)
{
    *states = (rh_backfill_states){.hot_share = RH_NOT_MEASURED};
    return read_pages(pg, b, target, census, arena, states, error) &&
           read_settings(pg, target, census, states, error);
}

bool rh_states_read_hot(rh_pg *pg, const rh_backfill_target *target, rh_backfill_states *states,
                        rh_error *error)
{
    static const char SQL[] =
        "SELECT sum(n_tup_hot_upd)::float8 / nullif(sum(n_tup_upd), 0) FROM pg_catalog.pg_stat_user_tables\n"
        "WHERE relid IN (SELECT relid FROM pg_catalog.pg_partition_tree($1::regclass) UNION SELECT $1::regclass)";
    rh_pg_result *share = rh_pg_query(pg, SQL, 1, &target->table, error);
    states->hot_share = share ? rh_pg_double(share, 0, 0, RH_NOT_MEASURED) : RH_NOT_MEASURED;
    states->pages.hot_share = isnan(states->hot_share) ? 0 : states->hot_share;
    rh_pg_result_free(share);
    return share != NULL;
}

/* ---- where the sample is in its checkpoint cycle ---- */

static bool read_position(rh_pg *pg, int64_t *redo, int64_t *wal, rh_error *error)
{
    return rh_pg_query_int(
               pg, "SELECT (redo_lsn - '0/0'::pg_lsn)::bigint FROM pg_catalog.pg_control_checkpoint()", redo,
               error) &&
           rh_backfill_wal_position(pg, wal, error);
}

bool rh_states_checkpoint(rh_pg *pg, rh_backfill_states *states, rh_error *error)
{
    states->rows = 0;
    return rh_pg_execute(pg, "CHECKPOINT", error) && read_position(pg, &states->redo, &states->wal, error);
}

static int by_start(const void *a, const void *b)
{
    const rh_backfill_measured *x = *(const rh_backfill_measured *const *)a,
                               *y = *(const rh_backfill_measured *const *)b;
    return (x->batch.started > y->batch.started) - (x->batch.started < y->batch.started);
}

bool rh_states_follow(rh_pg *pg, rh_backfill_states *states, rh_backfill_measured *batches, size_t count,
                      rh_error *error)
{
    int64_t redo, wal;
    double all = 0, done = 0;
    if (!read_position(pg, &redo, &wal, error))
        return false;
    rh_backfill_measured **order = rh_alloc((count + 1) * sizeof *order);
    for (size_t i = 0; i < count; i++) {
        order[i] = &batches[i];
        all += (double)batches[i].batch.changed;
    }
    qsort(order, count, sizeof(rh_backfill_measured *), by_start);
    /* WAL grows with the rows: the share of it before the checkpoint is the share of the rows. */
    const bool met = redo > states->redo && wal > states->wal;
    const double before =
        met ? all * fmax((double)(redo - states->wal), 0) / (double)(wal - states->wal) : INFINITY;
    for (size_t i = 0; i < count; i++) {
        const double rows = (double)order[i]->batch.changed;
        if (done < before && done + rows >= before)
            states->rows = 0;
        order[i]->batch.images = rh_predict_images(&states->pages, states->rows + rows) -
                                 rh_predict_images(&states->pages, states->rows);
        states->rows += rows;
        done += rows;
    }
    if (met && count == 0)
        states->rows = 0;
    states->redo = redo;
    states->wal = wal;
    free(order);
    return true;
}
