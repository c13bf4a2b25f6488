#include "digest.h"
#include "embedded/backfill.h"
#include "pgrehearse/base/text.h"
#include <string.h>

bool rh_digest_columns_read(rh_pg *pg, const rh_backfill_target *target, rh_arena *arena,
                            rh_digest_columns *columns, rh_error *error)
{
    rh_text key = {0};
    for (size_t i = 0; i < target->key_count; i++)
        rh_pg_array_add(&key, rh_relation_of(target->key[i], arena).name);
    const char *parameters[] = {target->table, rh_pg_array_end(&key)};
    rh_pg_result *found = rh_pg_query(pg, rh_sql_proof_columns, 2, parameters, error);
    rh_text_release(&key);
    *columns = (rh_digest_columns){0};
    for (size_t i = 0; found && i < rh_pg_rows(found); i++)
        *rh_arena_add(arena, &columns->items, &columns->count) =
            (rh_digest_column){.plain = rh_arena_strdup(arena, rh_pg_value(found, i, 0)),
                               .name = rh_arena_strdup(arena, rh_pg_value(found, i, 1)),
                               .is_key = rh_pg_bool(found, i, 2),
                               .other = rh_arena_strdup(arena, rh_pg_value(found, i, 3)),
                               .insert = rh_arena_strdup(arena, rh_pg_value(found, i, 4)),
                               .required = rh_pg_bool(found, i, 5)};
    rh_pg_result_free(found);
    return found != NULL;
}

bool rh_digest_read(rh_pg *pg, const rh_backfill_target *target, const rh_digest_columns *columns,
                    rh_arena *arena, rh_digest *digest, rh_error *error)
{
    const char *key = rh_backfill_key_list(target, "", arena);
    rh_text sql = {0};
    rh_text_append(&sql, "SELECT count(*)");
    for (size_t i = 0; i < columns->count; i++)
        rh_text_printf(&sql, ",\n  coalesce(sum(hashtextextended(ROW(%s, %s)::text, 0)::numeric), 0)", key,
                       columns->items[i].name);
    rh_text_printf(&sql, "\nFROM %s", target->table);
    rh_pg_result *row = rh_pg_query(pg, rh_text_string(&sql), 0, NULL, error);
    rh_text_release(&sql);
    if (!row)
        return false;
    *digest = (rh_digest){.rows = rh_pg_int(row, 0, 0, 0),
                          .sums = rh_arena_alloc(arena, (columns->count + 1) * sizeof *digest->sums)};
    for (size_t i = 0; i < columns->count; i++)
        digest->sums[i] = rh_arena_strdup(arena, rh_pg_value(row, 0, i + 1));
    rh_pg_result_free(row);
    return true;
}

bool rh_digest_rows_read(rh_pg *pg, const rh_backfill_target *target, const rh_digest_columns *columns,
                         rh_arena *arena, rh_digest *digest, rh_error *error)
{
    rh_text list = {0};
    for (size_t i = 0; i < columns->count; i++)
        if (columns->items[i].owned && !columns->items[i].varies)
            rh_text_printf(&list, ", %s", columns->items[i].name);
    rh_pg_result *rows = rh_pg_query(
        pg,
        rh_arena_printf(arena,
                        "SELECT hashtextextended(ROW(%s)::text, 0), hashtextextended(ROW(0%s)::text, 0)\n"
                        "FROM %s ORDER BY 1, 2",
                        rh_backfill_key_list(target, "", arena), rh_text_string(&list), target->table),
        0, NULL, error);
    rh_text_release(&list);
    if (!rows)
        return false;
    digest->count = rh_pg_rows(rows);
    digest->keys = rh_arena_alloc(arena, (digest->count + 1) * sizeof *digest->keys);
    digest->digests = rh_arena_alloc(arena, (digest->count + 1) * sizeof *digest->digests);
    for (size_t i = 0; i < digest->count; i++) {
        digest->keys[i] = rh_pg_int(rows, i, 0, 0);
        digest->digests[i] = rh_pg_int(rows, i, 1, 0);
    }
    rh_pg_result_free(rows);
    return true;
}

bool rh_digest_column_differs(const rh_digest *a, const rh_digest *b, size_t column)
{
    return strcmp(a->sums[column], b->sums[column]) != 0;
}

int64_t rh_digest_different_rows(const rh_digest *a, const rh_digest *b)
{
    int64_t different = 0;
    size_t i = 0, k = 0;
    while (i < a->count || k < b->count) {
        if (k == b->count || (i < a->count && a->keys[i] < b->keys[k])) {
            i++, different++;
        } else if (i == a->count || b->keys[k] < a->keys[i]) {
            k++, different++;
        } else {
            different += a->digests[i] != b->digests[k];
            i++, k++;
        }
    }
    return different;
}
