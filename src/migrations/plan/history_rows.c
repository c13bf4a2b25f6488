/* The rows of a history table: describing differences, and writing them. */
#include "migrations/frameworks/frameworks.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/migrations/plan.h"
#include <stdlib.h>
#include <string.h>

/* What is shown of a history table's rows. */
enum { ROWS_SHOWN = 3 };

static bool same_row(const rh_rows *a, size_t row, const rh_rows *b, size_t other)
{
    for (size_t c = 0; c < a->column_count; c++) {
        const char *x = a->rows[row][c], *y = c < b->column_count ? b->rows[other][c] : NULL;
        if (x != y && (!x || !y || strcmp(x, y) != 0))
            return false;
    }
    return true;
}

static bool has_row(const rh_rows *rows, const rh_rows *of, size_t row)
{
    for (size_t i = 0; i < rows->row_count; i++)
        if (same_row(of, row, rows, i))
            return true;
    return false;
}

/* "version 14, dirty t" */
static void append_row(rh_text *text, const rh_rows *rows, size_t row)
{
    const char *between = "";
    for (size_t c = 0; c < rows->column_count; c++) {
        if (!rows->rows[row][c] || !*rows->rows[row][c])
            continue;
        rh_text_printf(text, "%s%s %s", between, rows->columns[c], rows->rows[row][c]);
        between = ", ";
    }
}

const char *rh_history_describe(const rh_rows *before, const rh_rows *now, rh_arena *arena, bool *changed)
{
    rh_text text = {0};
    size_t news = 0, gone = 0;
    *changed = true;
    if (!now->present)
        return "there is no table";
    for (size_t i = 0; i < now->row_count; i++) {
        if (has_row(before, now, i) || news++ >= ROWS_SHOWN)
            continue;
        rh_text_append(&text, news > 1 ? "; " : "");
        append_row(&text, now, i);
    }
    for (size_t i = 0; i < before->row_count; i++)
        gone += !has_row(now, before, i);
    if (news > ROWS_SHOWN)
        rh_text_printf(&text, " and %zu rows more", news - ROWS_SHOWN);
    if (news == 0)
        rh_text_append(&text, gone ? "rows are missing" : "as before");
    *changed = news > 0 || gone > 0;
    const char *words = rh_arena_strdup(arena, rh_text_string(&text));
    rh_text_release(&text);
    return words;
}

static bool put_row(rh_pg *pg, const char *quoted, const rh_rows *rows, size_t row, rh_error *error)
{
    rh_text columns = {0}, values = {0};
    for (size_t c = 0; c < rows->column_count; c++) {
        char *column = rh_quote_identifier(rows->columns[c]);
        char *value = rows->rows[row][c] ? rh_pg_quote_literal(rows->rows[row][c]) : NULL;
        rh_text_printf(&columns, "%s%s", c ? ", " : "", column);
        rh_text_printf(&values, "%s%s", c ? ", " : "", value ? value : "NULL");
        free(column);
        free(value);
    }
    bool ok = rh_pg_executef(pg, error, "insert into %s (%s) overriding system value values (%s)", quoted,
                             rh_text_string(&columns), rh_text_string(&values));
    rh_text_release(&columns);
    rh_text_release(&values);
    return ok;
}

bool rh_history_write(rh_pg *pg, const char *table, const rh_rows *rows, rh_error *error)
{
    char *quoted = rh_history_quoted(table);
    bool ok = rh_pg_execute(pg, "begin", error) && rh_pg_executef(pg, error, "delete from %s", quoted);
    for (size_t i = 0; ok && i < rows->row_count; i++)
        ok = put_row(pg, quoted, rows, i, error);
    ok = rh_pg_execute(pg, ok ? "commit" : "rollback", error) && ok;
    free(quoted);
    return ok || rh_error_context(error, "correcting %s", table);
}
