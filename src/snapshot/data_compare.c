/* Compares the row counts and digests of a database at two moments. */
#include "data_state.h"
#include <stdlib.h>
#include <string.h>

static bool same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static void add_change(rh_arena *arena, rh_table_data *table, const column_state *was, const column_state *is,
                       rh_change change)
{
    int64_t lost = was->values < 0 ? -1 : was->values - (is->values > 0 ? is->values : 0);
    rh_column_change *added = rh_arena_add(arena, &table->columns, &table->column_count);
    *added = (rh_column_change){.column = rh_arena_strdup(arena, was->name),
                                .change = change,
                                .values_before = was->values,
                                .values_after = is->values,
                                .values_lost = was->values >= 0 && lost < 0 ? 0 : lost};
}

/* Inserted or deleted rows change the digest of every column. In that case only columns that are missing or
 * emptied are reported. */
static void compare_columns(const table_state *was, const table_state *is, rh_arena *arena,
                            rh_table_data *table)
{
    for (size_t i = 0; i < was->column_count; i++) {
        const column_state *before = &was->columns[i], *after = &is->columns[i];
        if (!after->present)
            add_change(arena, table, before, after, RH_CHANGE_MISSING);
        else if (before->values > 0 && after->values == 0 && is->rows > 0)
            add_change(arena, table, before, after, RH_CHANGE_EMPTIED);
        else if (was->rows == is->rows && !same(before->digest, after->digest))
            add_change(arena, table, before, after, RH_CHANGE_CHANGED);
    }
}

static void compare_table(const table_state *was, const table_state *is, rh_arena *arena,
                          rh_table_data *table)
{
    *table = (rh_table_data){.table = rh_arena_strdup(arena, was->name),
                             .depth = was->depth < is->depth ? was->depth : is->depth,
                             .why = rh_arena_strdup(arena, is->why ? is->why : was->why),
                             .bytes = was->bytes,
                             .affected = was->affected,
                             .missing = !is->present,
                             .rows_before = was->rows,
                             .rows_after = is->rows,
                             .equal = -1};
    if (!is->present) {
        table->equal = 0;
        return;
    }
    if (was->rows >= 0 && is->rows >= 0)
        table->equal = was->rows == is->rows;
    if (table->depth != RH_DATA_DIGESTED) {
        for (size_t i = 0; i < was->column_count; i++)
            if (!is->columns[i].present)
                add_change(arena, table, &was->columns[i], &is->columns[i], RH_CHANGE_MISSING);
    } else {
        compare_columns(was, is, arena, table);
        if (is->whole && !same(was->digest, is->digest))
            table->equal = 0;
    }
    if (table->column_count > 0)
        table->equal = 0;
}

static void compare_sequences(const rh_data *before, const rh_data *after, rh_arena *arena,
                              rh_data_comparison *comparison)
{
    for (size_t b = 0, a = 0; b < before->sequence_count; b++) {
        const sequence_state *was = &before->sequences[b], *is = NULL;
        while (a < after->sequence_count && strcmp(after->sequences[a].name, was->name) < 0)
            a++;
        if (a < after->sequence_count && strcmp(after->sequences[a].name, was->name) == 0)
            is = &after->sequences[a];
        if (!is || !was->last_value) /* a missing one is a difference of the schema */
            continue;
        long long then = strtoll(was->last_value, NULL, 10);
        long long now = is->last_value ? strtoll(is->last_value, NULL, 10) : 0;
        if (is->last_value && (was->upwards ? now >= then : now <= then))
            continue;
        rh_sequence_change *change = rh_arena_add(arena, &comparison->sequences, &comparison->sequence_count);
        *change = (rh_sequence_change){.sequence = rh_arena_strdup(arena, was->name),
                                       .before = rh_arena_strdup(arena, was->last_value),
                                       .after = rh_arena_strdup(arena, is->last_value)};
    }
}

void rh_data_compare(const rh_data *before, const rh_data *after, rh_arena *arena,
                     rh_data_comparison *comparison)
{
    *comparison = (rh_data_comparison){.measured = true, .elapsed_s = before->elapsed_s + after->elapsed_s};
    for (size_t i = 0; i < before->table_count; i++) {
        rh_table_data table;
        compare_table(&before->tables[i], &after->tables[i], arena, &table);
        comparison->different += table.equal == 0;
        comparison->not_compared += table.equal < 0;
        comparison->counted_only += table.equal > 0 && table.depth == RH_DATA_COUNTED;
        comparison->equal += table.equal > 0 && table.depth == RH_DATA_DIGESTED;
        if (table.equal > 0 && table.depth == RH_DATA_DIGESTED && !table.affected)
            continue;
        rh_table_data *kept = rh_arena_add(arena, &comparison->tables, &comparison->table_count);
        *kept = table;
    }
    compare_sequences(before, after, arena, comparison);
}
