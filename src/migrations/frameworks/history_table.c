/* Common functions for the tools' history tables. */
#include "frameworks.h"
#include "pgrehearse/base/relation.h"
#include "pgrehearse/migrations/plan.h"
#include "pgrehearse/base/text.h"
#include "embedded/migrations.h"
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
    rh_error_set(error, RH_ERROR_SCENARIO, "the database's table %s is not %s's: %s", table, tool, lacks);
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

char *rh_history_quoted(const char *table)
{
    rh_relation relation;
    rh_arena *scratch = rh_arena_new();
    if (!rh_relation_parse(table, scratch, &relation))
        relation = (rh_relation){.name = table};
    char *quoted = rh_strdup(rh_relation_quote(relation, scratch));
    rh_arena_free(scratch);
    return quoted;
}

static bool names_schema(const char *table)
{
    rh_relation parts;
    rh_arena *scratch = rh_arena_new();
    const bool named = rh_relation_parse(table, scratch, &parts) && parts.schema;
    rh_arena_free(scratch);
    return named;
}

/* SQL gives a schema's name. */
static char *qualified_by(rh_pg *pg, const char *sql, const rh_plan *plan, const char *tool, rh_error *error)
{
    char *table = rh_history_quoted(plan->history_table), *qualified = NULL;
    if (names_schema(plan->history_table))
        return table;
    rh_pg_result *result = rh_pg_query(pg, sql, 0, NULL, error);
    const char *schema = result && rh_pg_rows(result) ? rh_pg_value(result, 0, 0) : NULL;
    if (schema && *schema) {
        char *quoted = rh_quote_identifier(schema);
        rh_text text = {0};
        rh_text_printf(&text, "%s.%s", quoted, table);
        qualified = text.data;
        free(quoted);
    } else if (result) {
        rh_error_set(error, RH_ERROR_MIGRATION, "%s found no schema for its table %s", tool,
                     plan->history_table);
        rh_error_hint(error, "The search_path of the connection names no schema that exists.");
    }
    rh_pg_result_free(result);
    free(table);
    return qualified;
}

/* The schema's name is kept in a setting of the session. */
char *rh_history_qualified(rh_pg *pg, const rh_plan *plan, const char *tool, rh_error *error)
{
    return qualified_by(pg, rh_sql_history_schema, plan, tool, error);
}

char *rh_history_qualified_now(rh_pg *pg, const rh_plan *plan, rh_error *error)
{
    return qualified_by(pg, "select coalesce(current_schema(), 'public')", plan, plan->framework_name, error);
}

bool rh_history_ensure(rh_pg *pg, const rh_plan *plan, const rh_framework_rules *rules, rh_error *error)
{
    if (!plan->history_table)
        return true;
    char *table = rh_history_qualified(pg, plan, rules->name, error);
    const char *parameters[] = {table};
    rh_pg_result *found =
        table ? rh_pg_query(pg, "select to_regclass($1) is not null", 1, parameters, error) : NULL;
    bool ok = found && (rh_pg_bool(found, 0, 0) || rules->prepare(pg, plan, error));
    rh_pg_result_free(found);
    free(table);
    return ok;
}

/* RESET ROLE goes back to the role of the connection's options. */
bool rh_history_new_session(rh_pg *pg, rh_error *error)
{
    return rh_pg_execute(pg, "DISCARD ALL", error) && rh_pg_execute(pg, "RESET ROLE", error);
}

/* SQL with the table's name in place of {history}. Heap. */
static char *with_table(const char *sql, const char *table)
{
    static const char mark[] = "{history}";
    rh_text text = {0};
    for (const char *at; (at = strstr(sql, mark)) != NULL; sql = at + sizeof mark - 1) {
        rh_text_append_bytes(&text, sql, (size_t)(at - sql));
        rh_text_append(&text, table);
    }
    rh_text_append(&text, sql);
    return text.data;
}

bool rh_history_run(rh_pg *pg, const rh_plan *plan, const char *tool, const char *sql, size_t count,
                    const char *const *parameters, rh_error *error)
{
    char *table = rh_history_quoted(plan->history_table), *text = with_table(sql, table);
    bool ok = true;
    if (count > 0) {
        rh_pg_result *result = rh_pg_query(pg, text, count, parameters, error);
        ok = result != NULL;
        rh_pg_result_free(result);
    } else {
        ok = rh_pg_execute(pg, text, error);
    }
    free(text);
    free(table);
    return ok || rh_error_context(error, "%s's own update of %s", tool, plan->history_table);
}
