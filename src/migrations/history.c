/* The framework's history table, read and made. */
#include "frameworks/frameworks.h"
#include "pgrehearse/migrations/migrations.h"
#include <stdlib.h>

static void copy_rows(const rh_pg_result *result, rh_arena *arena, rh_rows *rows)
{
    rows->column_count = rh_pg_columns(result);
    rows->row_count = rh_pg_rows(result);
    rows->columns = rh_arena_alloc(arena, (rows->column_count + 1) * sizeof *rows->columns);
    rows->rows = rh_arena_alloc(arena, (rows->row_count + 1) * sizeof *rows->rows);
    for (size_t c = 0; c < rows->column_count; c++)
        rows->columns[c] = rh_arena_strdup(arena, rh_pg_column_name(result, c));
    for (size_t r = 0; r < rows->row_count; r++) {
        rows->rows[r] = rh_arena_alloc(arena, (rows->column_count + 1) * sizeof **rows->rows);
        for (size_t c = 0; c < rows->column_count; c++)
            rows->rows[r][c] = rh_arena_strdup(arena, rh_pg_value(result, r, c));
    }
}

bool rh_history_read(rh_pg *pg, const char *table, rh_arena *arena, rh_rows *rows, rh_error *error)
{
    *rows = (rh_rows){0};
    char *quoted = rh_history_quoted(table);
    const char *parameters[] = {quoted};
    rh_pg_result *found = rh_pg_query(pg, "select to_regclass($1) is not null", 1, parameters, error);
    bool ok = found != NULL;
    rows->present = ok && rh_pg_bool(found, 0, 0);
    rh_pg_result_free(found);
    if (rows->present) {
        char *sql = rh_arena_printf(arena, "select * from %s", quoted);
        rh_pg_result *result = rh_pg_query(pg, sql, 0, NULL, error);
        ok = result != NULL;
        if (ok)
            copy_rows(result, arena, rows);
        rh_pg_result_free(result);
    }
    free(quoted);
    return ok;
}

bool rh_history_prepare(rh_pg *pg, const rh_plan *plan, rh_error *error)
{
    const rh_framework_rules *rules = rh_framework_rules_of(plan->framework);
    return !plan->history_table || rh_history_ensure(pg, plan, rules, error);
}
