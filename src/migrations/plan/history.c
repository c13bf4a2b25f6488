/* The framework's history table: finds it, reads its rows, creates it if it is missing. */
#include "migrations/frameworks/frameworks.h"
#include "detect.h"
#include "other_tools.h"
#include "pgrehearse/base/relation.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/migrations/plan.h"
#include "embedded/migrations.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ---- the tables there are ---- */

static bool list_search_path(rh_pg *pg, rh_arena *arena, rh_listed_tables *tables, rh_error *error)
{
    rh_pg_result *result = rh_pg_query(pg, "select unnest(current_schemas(false))", 0, NULL, error);
    for (size_t i = 0; result && i < rh_pg_rows(result); i++)
        *rh_arena_add(arena, &tables->search_path, &tables->search_path_count) =
            rh_arena_strdup(arena, rh_pg_value(result, i, 0));
    rh_pg_result_free(result);
    return result != NULL;
}

bool rh_history_list_tables(rh_pg *pg, rh_arena *arena, rh_listed_tables *tables, rh_error *error)
{
    enum { SCHEMA, NAME, COLUMN };
    *tables = (rh_listed_tables){0};
    rh_pg_result *result = rh_pg_query(pg, rh_sql_list_tables, 0, NULL, error);
    if (!result)
        return false;
    rh_listed_table *table = NULL;
    for (size_t i = 0; i < rh_pg_rows(result); i++) {
        const char *schema = rh_pg_value(result, i, SCHEMA), *name = rh_pg_value(result, i, NAME),
                   *column = rh_pg_value(result, i, COLUMN);
        if (!table || strcmp(table->schema, schema) != 0 || strcmp(table->name, name) != 0) {
            table = rh_arena_add(arena, &tables->tables, &tables->count);
            *table = (rh_listed_table){.schema = rh_arena_strdup(arena, schema),
                                       .name = rh_arena_strdup(arena, name)};
        }
        if (column)
            *rh_arena_add(arena, &table->columns, &table->column_count) = rh_arena_strdup(arena, column);
    }
    rh_pg_result_free(result);
    return list_search_path(pg, arena, tables, error);
}

/* ---- which of them is the history ---- */

static const rh_listed_table *find_in(const rh_listed_tables *tables, const char *schema, const char *name)
{
    for (size_t i = 0; i < tables->count; i++)
        if (strcmp(tables->tables[i].schema, schema) == 0 && strcmp(tables->tables[i].name, name) == 0)
            return &tables->tables[i];
    return NULL;
}

static const rh_listed_table *find_exactly(const rh_listed_tables *tables, const rh_relation *wanted)
{
    const rh_listed_table *found = NULL;
    if (wanted->schema)
        return find_in(tables, wanted->schema, wanted->name);
    for (size_t i = 0; !found && i < tables->search_path_count; i++)
        found = find_in(tables, tables->search_path[i], wanted->name);
    return found;
}

/* As SQL reads a name without quotes. */
static const char *folded(const char *name, rh_arena *arena)
{
    char *copy = name ? rh_arena_strdup(arena, name) : NULL;
    for (char *p = copy; p && *p; p++)
        *p = (char)tolower((unsigned char)*p);
    return copy;
}

/* The scenario's own name is looked for harder: in small letters, too, and where only one table has it, in
 * any schema. */
static const rh_listed_table *find_given(const rh_listed_tables *tables, const rh_relation *wanted,
                                         rh_arena *arena)
{
    const rh_relation small = {folded(wanted->schema, arena), folded(wanted->name, arena)};
    const rh_listed_table *found = find_exactly(tables, wanted), *only = NULL;
    size_t same = 0;
    if (!found)
        found = find_exactly(tables, &small);
    for (size_t i = 0; !wanted->schema && i < tables->count; i++)
        if (strcmp(tables->tables[i].name, wanted->name) == 0 && same++ == 0)
            only = &tables->tables[i];
    return found || same != 1 ? found : only;
}

/* ---- what is refused ---- */

static bool has_columns(const rh_listed_table *table, const char *const *columns)
{
    size_t wanted = 0, found = 0;
    for (; wanted < 3 && columns[wanted]; wanted++)
        for (size_t i = 0; i < table->column_count; i++)
            found += strcmp(table->columns[i], columns[wanted]) == 0;
    return wanted > 0 && found == wanted && (wanted > 1 || table->column_count == 1);
}

/* The tables that look like a history, in words; "" when there is none. *TOOL: another known tool's than
 * RULES, one whose files are named alike rather than another. */
static const char *candidates(const rh_listed_tables *tables, const rh_framework_rules *rules,
                              rh_arena *arena, const rh_tool **tool, const char **tool_table)
{
    enum { SHOWN = 6 };
    rh_text text = {0};
    size_t count = 0;
    for (size_t i = 0; i < tables->count; i++) {
        const rh_listed_table *table = &tables->tables[i];
        const rh_tool *of = rh_tool_of_table(table);
        if (!of && !rh_tool_may_be_history(table) && !has_columns(table, rules->history_columns))
            continue;
        const char *name = rh_relation_text((rh_relation){table->schema, table->name}, arena);
        const bool own = of && of->framework && strcmp(of->framework, rules->name) == 0;
        const bool alike = of && of->looks_like && strcmp(of->looks_like, rules->name) == 0;
        if (of && !own && (!*tool || alike)) {
            *tool = of;
            *tool_table = name;
        }
        if (count++ < SHOWN)
            rh_text_printf(&text, "%s%s%s%s%s", count > 1 ? ", " : "", name, of ? " (" : "",
                           of ? of->name : "", of ? ")" : "");
    }
    if (count > SHOWN)
        rh_text_printf(&text, " and %zu more", count - SHOWN);
    const char *words = rh_arena_strdup(arena, rh_text_string(&text));
    rh_text_release(&text);
    return words;
}

/* The framework's history is not there, though tables are. */
static bool refuse_missing(const rh_scenario *scenario, const rh_framework_rules *rules, const rh_plan *plan,
                           const rh_listed_tables *tables, rh_arena *arena, rh_error *error)
{
    const rh_tool *tool = NULL;
    const char *tool_table = NULL, *candidates_text = candidates(tables, rules, arena, &tool, &tool_table);
    const char *other =
        tool ? rh_arena_printf(arena, ", and %s, the history table of %s", tool_table, tool->name) : "";
    rh_error_set(
        error, RH_ERROR_SCENARIO,
        "the backup has %zu table%s, but no history table %s of %s%s: which migrations are pending is not "
        "known",
        tables->count, tables->count == 1 ? "" : "s", plan->history_table, rules->name, other);
    rh_error_hint(
        error,
        "%s%s%sSet migrations.history to the table that has %s's history, or migrations.pending to all "
        "(none of them is applied) or to a list.%s%s",
        *candidates_text ? "Tables that look like a history: " : "", candidates_text,
        *candidates_text ? ". " : "", rules->name, tool ? " " : "", tool ? rh_tool_advice(tool, arena) : "");
    if (scenario->migrations.history)
        return rh_error_at(error, scenario->migrations.history_where.file,
                           scenario->migrations.history_where.line,
                           scenario->migrations.history_where.column);
    return rh_error_at_migrations(scenario, error);
}

static bool refuse_other_tool(const rh_scenario *scenario, const rh_tool *tool, const rh_listed_table *table,
                              rh_arena *arena, rh_error *error)
{
    rh_error_set(error, RH_ERROR_SCENARIO,
                 "the backup has %s, the history table of %s, and the folder would be run as plain SQL: all "
                 "of it, each "
                 "statement by itself",
                 rh_relation_text((rh_relation){table->schema, table->name}, arena), tool->name);
    rh_error_hint(error, "%s", rh_tool_advice(tool, arena));
    return rh_error_at_migrations(scenario, error);
}

/* Files that write the tool's history themselves (the tool's own SQL script) keep it right as they are. Who
 * sets framework: sql or transaction, which is for plain SQL only, has declared what the files are. */
static bool check_plain(const rh_scenario *scenario, const rh_plan *plan, const rh_listed_tables *tables,
                        rh_arena *arena, rh_error *error)
{
    if (scenario->migrations.framework != RH_FRAMEWORK_AUTO || scenario->migrations.transaction_where.file)
        return true;
    for (size_t i = 0; i < tables->count; i++) {
        const rh_tool *tool = rh_tool_of_table(&tables->tables[i]);
        if (tool && !rh_files_mention(plan->folder, tables->tables[i].name, arena))
            return refuse_other_tool(scenario, tool, &tables->tables[i], arena, error);
    }
    return true;
}

bool rh_history_locate(const rh_scenario *scenario, const rh_listed_tables *tables, rh_arena *arena,
                       rh_plan *plan, rh_error *error)
{
    if (!plan->folder)
        return true;
    const rh_framework_rules *rules = rh_framework_rules_of(plan->framework);
    if (!plan->history_table)
        return check_plain(scenario, plan, tables, arena, error);
    rh_relation wanted;
    if (!rh_relation_parse(plan->history_table, arena, &wanted))
        wanted = (rh_relation){.name = plan->history_table};
    const rh_listed_table *found =
        scenario->migrations.history ? find_given(tables, &wanted, arena) : find_exactly(tables, &wanted);
    if (found && scenario->migrations.history)
        plan->history_table = rh_relation_text((rh_relation){found->schema, found->name}, arena);
    plan->other_tables = tables->count - (found != NULL);
    plan->history_located = found ? rh_relation_text((rh_relation){found->schema, found->name}, arena) : NULL;
    const rh_tool *tool = NULL;
    const char *tool_table;
    if (found || tables->count == 0)
        return true;
    candidates(tables, rules, arena, &tool, &tool_table);
    const bool unsure = tool && scenario->migrations.framework == RH_FRAMEWORK_AUTO;
    if (scenario->migrations.pending != RH_PENDING_AUTO && !unsure)
        return true;
    if (rules->takes_over && rules->takes_over(plan, arena))
        return true;
    return refuse_missing(scenario, rules, plan, tables, arena, error);
}

/* ---- its rows ---- */

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
