#include "activity.h"
#include "pgrehearse/model/facts.h"

enum { PUBLISHES_FROM = 150000, CHECKPOINTER_FROM = 170000 };

/* The counters of an activity, one after the other. */
static int64_t *counter(rh_backfill_activity *a, size_t i)
{
    int64_t *const all[] = {&a->page_images, &a->checkpoints, &a->temp_bytes,  &a->autovacuums,
                            &a->updated,     &a->hot,         &a->table_bytes, NULL};
    return all[i];
}

static int64_t known(const rh_backfill_activity *a, size_t i)
{
    rh_backfill_activity copy = *a;
    return *counter(&copy, i);
}

bool rh_activity_read(rh_pg *pg, const char *table, rh_arena *arena, rh_backfill_activity *activity,
                      rh_error *error)
{
    for (size_t i = 0; counter(activity, i); i++)
        *counter(activity, i) = RH_UNKNOWN;
    if (rh_pg_server_version(pg) < PUBLISHES_FROM)
        return true;
    const char *checkpoints = rh_pg_server_version(pg) >= CHECKPOINTER_FROM
                                  ? "num_timed + num_requested FROM pg_catalog.pg_stat_checkpointer"
                                  : "checkpoints_timed + checkpoints_req FROM pg_catalog.pg_stat_bgwriter";
    const char *sql = rh_arena_printf(
        arena,
        "WITH tables AS (SELECT relid FROM pg_catalog.pg_partition_tree($1::regclass) UNION SELECT "
        "$1::regclass)\n"
        "SELECT (SELECT wal_fpi FROM pg_catalog.pg_stat_wal), (SELECT %s),\n"
        "       (SELECT pg_catalog.pg_stat_get_db_temp_bytes(oid) FROM pg_catalog.pg_database\n"
        "         WHERE datname = current_database()),\n"
        "       sum(pg_catalog.pg_stat_get_autovacuum_count(relid)),\n"
        "       sum(pg_catalog.pg_stat_get_tuples_updated(relid)),\n"
        "       sum(pg_catalog.pg_stat_get_tuples_hot_updated(relid)),\n"
        "       sum(pg_catalog.pg_total_relation_size(relid)) FROM tables",
        checkpoints);
    rh_pg_result *row = rh_pg_query(pg, sql, 1, &table, error);
    for (size_t i = 0; row && counter(activity, i); i++)
        *counter(activity, i) = rh_pg_int(row, 0, i, RH_UNKNOWN);
    rh_pg_result_free(row);
    return row != NULL;
}

rh_backfill_activity rh_activity_between(const rh_backfill_activity *before,
                                         const rh_backfill_activity *after)
{
    rh_backfill_activity between = *after;
    for (size_t i = 0; counter(&between, i); i++)
        *counter(&between, i) =
            known(before, i) < 0 || known(after, i) < 0 ? RH_UNKNOWN : known(after, i) - known(before, i);
    return between;
}

void rh_activity_add(rh_backfill_activity *sum, const rh_backfill_activity *one)
{
    for (size_t i = 0; counter(sum, i); i++)
        *counter(sum, i) = *counter(sum, i) == RH_UNKNOWN || known(one, i) == RH_UNKNOWN
                               ? RH_UNKNOWN
                               : *counter(sum, i) + known(one, i);
}
