/* History tables: what the tools' have in common. */
#include "frameworks.h"
#include "pgrehearse/base/text.h"
#include "sql/migrations.h"
#include <stdlib.h>
#include <string.h>

int rh_history_column(const rh_rows *history, const char *column)
{
    for (size_t i = 0; i < history->column_count; i++)
        if (strcmp(history->columns[i], column) == 0)
            return (int)i;
    return -1;
}

bool rh_history_not_of(const char *table, const char *tool, const char *lacks, rh_error *error)
{
    rh_error_set(error, RH_ERROR_SCENARIO, "the backup's table %s is not %s's: %s", table, tool, lacks);
    return rh_error_hint(error, "Set migrations.framework, or migrations.pending to all or a list.");
}

bool rh_history_mark(const rh_rows *history, const char *column, const char *tool, rh_plan *plan,
                     rh_error *error)
{
    int at = rh_history_column(history, column);
    if (at < 0)
        return rh_history_not_of(plan->history_table, tool, "it has no column of that tool's", error);
    for (size_t m = 0; m < plan->migration_count; m++)
        for (size_t i = 0; i < history->row_count; i++)
            if (history->rows[i][at] && strcmp(history->rows[i][at], plan->migrations[m].id) == 0)
                plan->migrations[m].applied_in_backup = true;
    return true;
}

/* The schema's name is kept in a setting of the session. */
char *rh_history_qualified(rh_pg *pg, const char *table, const char *tool, rh_error *error)
{
    rh_pg_result *result = rh_pg_query(pg, rh_sql_history_schema, 0, NULL, error);
    if (!result)
        return NULL;
    const char *schema = rh_pg_rows(result) ? rh_pg_value(result, 0, 0) : NULL;
    char *qualified = NULL;
    if (schema && *schema) {
        char *quoted = rh_pg_quote_identifier(schema);
        rh_text text = {0};
        rh_text_printf(&text, "%s.\"%s\"", quoted, table);
        qualified = text.data;
        free(quoted);
    } else {
        rh_error_set(error, RH_ERROR_MIGRATION, "%s found no schema for its table %s", tool, table);
        rh_error_hint(error, "The search_path of the connection names no schema that exists.");
    }
    rh_pg_result_free(result);
    return qualified;
}

char *rh_history_quoted(const char *table)
{
    const char *dot = strchr(table, '.');
    if (!dot)
        return rh_pg_quote_identifier(table);
    rh_arena *scratch = rh_arena_new();
    char *schema = rh_pg_quote_identifier(rh_arena_strndup(scratch, table, (size_t)(dot - table)));
    char *name = rh_pg_quote_identifier(dot + 1);
    rh_text text = {0};
    rh_text_printf(&text, "%s.%s", schema, name);
    free(schema);
    free(name);
    rh_arena_free(scratch);
    return text.data;
}

bool rh_history_ensure(rh_pg *pg, const rh_plan *plan, const rh_framework_rules *rules, rh_error *error)
{
    if (!rules->history_table)
        return true;
    char *table = strchr(rules->history_table, '.')
                      ? rh_history_quoted(rules->history_table)
                      : rh_history_qualified(pg, rules->history_table, rules->name, error);
    const char *parameters[] = {table};
    rh_pg_result *found =
        table ? rh_pg_query(pg, "select to_regclass($1) is not null", 1, parameters, error) : NULL;
    bool ok = found && (rh_pg_bool(found, 0, 0) || rules->prepare(pg, plan, error));
    rh_pg_result_free(found);
    free(table);
    return ok;
}

bool rh_history_run(rh_pg *pg, const char *tool, const char *table, const char *sql, size_t count,
                    const char *const *parameters, rh_error *error)
{
    rh_pg_result *result = rh_pg_query(pg, sql, count, parameters, error);
    if (!result)
        return rh_error_context(error, "%s's own update of %s", tool, table);
    rh_pg_result_free(result);
    return true;
}
