#include "census.h"
#include "pgrehearse/base/text.h"
#include <inttypes.h>
#include <stdlib.h>

static const char *condition_of(const rh_backfill *b)
{
    return b->condition ? b->condition : "true";
}

static bool count_rows(rh_pg *pg, const rh_backfill *b, const rh_backfill_target *target, rh_arena *arena,
                       rh_backfill_census *census, rh_error *error)
{
    char *name = rh_pg_quote_literal(target->table);
    const char *sql = rh_arena_printf(
        arena,
        "WITH rows AS (SELECT count(*), count(*) FILTER (WHERE (%s\n)) AS to_do FROM %s)\n"
        "SELECT max(rows.count), max(rows.to_do), sum(pg_catalog.pg_table_size(relid)),\n"
        "       sum(pg_catalog.pg_indexes_size(relid)),\n"
        "       (sum(pg_catalog.pg_relation_size(relid)) / pg_catalog.current_setting('block_size')::int)::bigint\n"
        "FROM rows, (SELECT relid FROM pg_catalog.pg_partition_tree(%s::regclass) UNION SELECT %s::regclass) AS parts",
        condition_of(b), target->table, name, name);
    free(name);
    rh_pg_result *counts = rh_pg_query(pg, sql, 0, NULL, error);
    if (counts) {
        census->table_rows = rh_pg_int(counts, 0, 0, 0);
        census->rows = rh_pg_int(counts, 0, 1, 0);
        census->table_bytes = rh_pg_int(counts, 0, 2, 0);
        census->index_bytes = rh_pg_int(counts, 0, 3, 0);
        census->pages = rh_pg_int(counts, 0, 4, 0);
    }
    rh_pg_result_free(counts);
    return counts != NULL;
}

/* A row a stratum: its last position, then the number of its rows. */
static const char *boundaries_sql(const rh_backfill *b, const rh_backfill_target *target,
                                  const rh_backfill_census *census, rh_arena *arena)
{
    if (b->walk == RH_WALK_CTID) {
        const int64_t step = census->pages / RH_BACKFILL_STRATA + 1;
        return rh_arena_printf(arena,
                               "SELECT least((part + 1) * %" PRId64 ", %" PRId64 "), count(*)\n"
                               "FROM (SELECT ((ctid::text::point)[0])::bigint / %" PRId64 " AS part\n"
                               "      FROM %s WHERE (%s\n)) AS rows GROUP BY part ORDER BY part",
                               step, census->pages, step, target->table, condition_of(b));
    }
    const int64_t step = (census->rows + RH_BACKFILL_STRATA - 1) / RH_BACKFILL_STRATA;
    const char *keys = rh_backfill_key_list(target, "", arena);
    rh_text names = {0}; /* not the key's own: one may be called as ours is */
    for (size_t k = 0; k < target->key_count; k++)
        rh_text_printf(&names, "%sk%zu", k ? ", " : "", k);
    const char *list = rh_arena_strdup(arena, rh_text_string(&names));
    rh_text_release(&names);
    return rh_arena_printf(arena,
                           "SELECT %s, (number - 1) %% %" PRId64 " + 1\n"
                           "FROM (SELECT %s, row_number() OVER (ORDER BY %s)\n"
                           "      FROM %s WHERE (%s\n)) AS rows (%s, number)\n"
                           "WHERE number %% %" PRId64 " = 0 OR number = %" PRId64 " ORDER BY number",
                           list, step, keys, keys, target->table, condition_of(b), list, step, census->rows);
}

/* A stratum begins where the one before ended. */
static void add_strata(const rh_pg_result *boundaries, rh_arena *arena, rh_backfill_census *census)
{
    const size_t count = rh_pg_rows(boundaries), size = rh_pg_columns(boundaries) - 1;
    census->strata = rh_arena_alloc(arena, (count + 1) * sizeof *census->strata);
    census->cursors = rh_arena_alloc(arena, (count + 1) * sizeof *census->cursors);
    for (size_t i = 0; i < count; i++) {
        rh_backfill_cursor *cursor = &census->cursors[i];
        *cursor = (rh_backfill_cursor){0};
        if (i > 0)
            rh_backfill_position_copy(&cursor->at, &census->cursors[i - 1].upper);
        const rh_backfill_position upper = rh_backfill_position_read(boundaries, i, size);
        cursor->upper = upper;
        census->strata[i] = (rh_backfill_stratum){.rows = rh_pg_int(boundaries, i, size, 0),
                                                  .us_per_row = RH_NOT_MEASURED,
                                                  .wal_per_row = RH_NOT_MEASURED};
    }
    census->count = count;
}

bool rh_backfill_census_take(rh_pg *pg, const rh_backfill *b, const rh_backfill_target *target,
                             rh_arena *arena, rh_backfill_census *census, rh_error *error)
{
    *census = (rh_backfill_census){0};
    if (!count_rows(pg, b, target, arena, census, error))
        return false;
    if (census->rows == 0)
        return true;
    rh_pg_result *boundaries = rh_pg_query(pg, boundaries_sql(b, target, census, arena), 0, NULL, error);
    if (boundaries)
        add_strata(boundaries, arena, census);
    rh_pg_result_free(boundaries);
    if (boundaries && b->walk == RH_WALK_REMAINING) { /* no positions: one stratum */
        for (size_t i = 1; i < census->count; i++)
            rh_backfill_cursor_release(&census->cursors[i]);
        census->strata[0].rows = census->rows;
        census->count = 1;
    }
    return boundaries != NULL;
}

void rh_backfill_census_release(rh_backfill_census *census)
{
    for (size_t i = 0; i < census->count; i++)
        rh_backfill_cursor_release(&census->cursors[i]);
    census->count = 0;
}
