/* The steps that replace one statement. */
#include "safer.h"
#include "pgrehearse/sql/classify.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/rewrite/rewrite.h"
#include "pgrehearse/sql/tree.h"
#include <string.h>

rh_safer_step *rh_safer_add(rh_safer_list *list, const char *rule, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    rh_safer_step *step = rh_arena_add(list->arena, &list->steps, &list->count);
    step->sql = rh_arena_vprintf(list->arena, format, arguments);
    va_end(arguments);
    step->statement = list->statement->ordinal;
    step->rule = rule;
    if (rule)
        rh_safer_answer(list, rule);
    return step;
}

void rh_safer_answer(rh_safer_list *list, const char *rule)
{
    *rh_arena_add(list->arena, &list->answered, &list->answered_count) = rule;
}

bool rh_safer_has(const rh_statement *statement, const char *rule)
{
    for (size_t i = 0; i < statement->hazard_count; i++)
        if (strcmp(statement->hazards[i].rule, rule) == 0 && !statement->hazards[i].silenced)
            return true;
    return false;
}

const char *rh_safer_rule(const rh_statement *statement)
{
    static const char *const company[] = {"missing-lock-timeout",        "lock-then-long-work",
                                          "concurrently-in-transaction", "concurrently-behind-tool-lock",
                                          "expand-and-contract",         NULL};
    for (size_t i = 0; i < statement->hazard_count; i++)
        if (!statement->hazards[i].silenced && !rh_is_one_of(statement->hazards[i].rule, company))
            return statement->hazards[i].rule;
    return NULL;
}

const char *rh_safer_with_words(const char *sql, const char *keyword, const char *words, bool plain,
                                rh_arena *arena)
{
    rh_sql_token *tokens = NULL;
    size_t count = 0;
    if (!rh_sql_scan(sql, arena, &tokens, &count, NULL))
        return NULL;
    for (size_t i = 0; i < count; i++) {
        if (!rh_sql_token_is(sql, &tokens[i], keyword))
            continue;
        size_t rest = i + 1;
        if (plain && i + 3 < count && rh_sql_token_is(sql, &tokens[i + 1], "if"))
            rest = i + 4;
        size_t from = rest < count ? tokens[rest].start : strlen(sql);
        return rh_arena_printf(arena, "%.*s %s %s", (int)tokens[i].end, sql, words, sql + from);
    }
    return NULL;
}

/* The table or view that something by the name SCHEMA.NAME is an index of, whatever it is; NULL: it is free.
 */
static bool is_known_relation(const rh_catalog *catalog, const char *schema, const char *name)
{
    const unsigned kinds = 1u << RH_CATALOG_VIEW | 1u << RH_CATALOG_MATVIEW | 1u << RH_CATALOG_SEQUENCE;
    return rh_catalog_table_of_index(catalog, schema, name, NULL) || rh_catalog_find(catalog, schema, name) ||
           rh_catalog_find_object(catalog, kinds, schema, name);
}

/* Why no index can be built CONCURRENTLY on what RELATION names; NULL: one can. SCHEMA: of what it names. */
static const char *no_concurrent_build(const rh_safer_list *list, rh_json *relation, const char **schema)
{
    const rh_catalog_table *table = rh_catalog_table_of(list->catalog, relation);
    const rh_relation ref = rh_catalog_range_ref(relation);
    const rh_catalog_object *view =
        table ? NULL : rh_catalog_find_object(list->catalog, 1u << RH_CATALOG_MATVIEW, ref.schema, ref.name);
    *schema = table ? table->schema : view ? view->schema : NULL;
    return view ? NULL : rh_safer_unknown(list, table);
}

static bool index_steps(rh_safer_list *list, rh_json *body)
{
    const char *sql = list->statement->sql, *schema;
    const char *name = rh_json_string(rh_json_get(body, "idxname"));
    const bool concurrent = rh_json_bool(rh_json_get(body, "concurrent"));
    const bool if_new = rh_json_bool(rh_json_get(body, "if_not_exists"));
    if (!rh_safer_has(list->statement, concurrent ? "invalid-index" : "index-without-concurrently"))
        return false;
    list->why = no_concurrent_build(list, rh_json_get(body, "relation"), &schema);
    if (list->why)
        return false;
    const bool partitioned =
        rh_safer_is_partitioned(rh_catalog_table_of(list->catalog, rh_json_get(body, "relation")));
    if (if_new && is_known_relation(list->catalog, schema, name)) {
        rh_safer_answer(list, concurrent ? "invalid-index" : "index-without-concurrently");
        rh_safer_add(list, NULL, "%s", sql)->alone = list->statement->needs_no_transaction;
        return true; /* it is there, and nothing is done */
    }
    if (partitioned)
        return !concurrent && rh_safer_partitioned_index(list, body);
    const char *better = rh_safer_with_words(sql, concurrent ? "concurrently" : "index",
                                             concurrent ? "" : "CONCURRENTLY", true, list->arena);
    if (!better)
        return false;
    if (concurrent && if_new) /* what an attempt that failed left would be taken for the index */
        rh_safer_add(list, "invalid-index", "DROP INDEX CONCURRENTLY IF EXISTS %s.%s",
                     rh_identifier(schema, list->arena), rh_identifier(name, list->arena))
            ->alone = true;
    rh_safer_add(list, concurrent ? "invalid-index" : "index-without-concurrently", "%s",
                 concurrent && !if_new ? sql : better)
        ->alone = true;
    return true;
}

static bool drop_steps(rh_safer_list *list, rh_json *body)
{
    if (!rh_safer_has(list->statement, "index-without-concurrently"))
        return false;
    const rh_relation ref = rh_catalog_ref_of(rh_json_at(rh_json_get(body, "objects"), 0), 0);
    rh_catalog_index *index = NULL;
    const rh_catalog_table *table = rh_catalog_table_of_index(list->catalog, ref.schema, ref.name, &index);
    if (rh_json_count(rh_json_get(body, "objects")) != 1 || rh_tree_is(body, "behavior", "DROP_CASCADE"))
        list->why = "CONCURRENTLY drops one index at a time, without CASCADE";
    else if (!table)
        list->why = "neither the backup nor the migrations define the index";
    else if (index->constraint)
        list->why = "the index is a constraint's";
    else if (table->unsupported && table->unsupported != RH_UNSUPPORTED_LIKE &&
             table->unsupported != RH_UNSUPPORTED_QUERY && table->unsupported != RH_UNSUPPORTED_CLUSTERED)
        list->why = rh_arena_printf(list->arena, "its table %s", rh_unsupported_text(table->unsupported));
    if (list->why)
        return false;
    const char *better =
        rh_safer_with_words(list->statement->sql, "index", "CONCURRENTLY", false, list->arena);
    if (better)
        rh_safer_add(list, "index-without-concurrently", "%s", better)->alone = true;
    return better != NULL;
}

/* A view under the old name keeps the running release's statements working. */
static bool rename_steps(rh_safer_list *list, rh_json *body)
{
    if (!rh_safer_has(list->statement, "rename"))
        return false;
    if (rh_tree_is(body, "renameType", "OBJECT_COLUMN"))
        return rh_safer_rename_column(list, body);
    return rh_tree_is(body, "renameType", "OBJECT_TABLE") && rh_safer_rename_table(list, body);
}

static bool rewrite(rh_safer_list *list, const char *kind, rh_json *body)
{
    if (!kind)
        return false;
    if (strcmp(kind, "AlterTableStmt") == 0)
        return rh_safer_alter_table(list, body);
    if (strcmp(kind, "IndexStmt") == 0)
        return index_steps(list, body);
    if (strcmp(kind, "CreateStmt") == 0)
        return rh_safer_new_partition(list, body);
    if (strcmp(kind, "DropStmt") == 0)
        return drop_steps(list, body);
    if (strcmp(kind, "RenameStmt") == 0)
        return rename_steps(list, body);
    if (strcmp(kind, "UpdateStmt") == 0 || strcmp(kind, "DeleteStmt") == 0)
        return rh_safer_batches(list, body);
    return (strcmp(kind, "RefreshMatViewStmt") == 0 || strcmp(kind, "ReindexStmt") == 0) &&
           rh_safer_maintenance(list, kind, body);
}

static bool is_answered(const rh_safer_list *list, const char *rule)
{
    if (list->kept)
        return false;
    for (size_t i = 0; i < list->answered_count; i++)
        if (strcmp(list->answered[i], rule) == 0)
            return true;
    /* by where the steps are put, and what is put before them */
    return strcmp(rule, "missing-lock-timeout") == 0 ||
           ((strcmp(rule, "lock-then-long-work") == 0 || strcmp(rule, "concurrently-in-transaction") == 0) &&
            !list->tied);
}

void rh_safer_leave(const rh_safer_list *list, rh_arena *arena, rh_safer *safer)
{
    /* whose general advice contradicts WHY */
    static const char *const contrary[] = {"rename", "index-without-concurrently", "rewrite-access-exclusive",
                                           NULL};
    for (size_t i = 0; i < list->statement->hazard_count; i++) {
        const rh_hazard *hazard = &list->statement->hazards[i];
        if (hazard->silenced || is_answered(list, hazard->rule))
            continue;
        rh_safer_left *left = rh_arena_add(arena, &safer->left, &safer->left_count);
        const bool contradicted = list->why && rh_is_one_of(hazard->rule, contrary);
        *left = (rh_safer_left){list->statement->ordinal, hazard->rule, contradicted ? NULL : hazard->safer,
                                list->why};
    }
}

static void keep(rh_safer_list *list)
{
    list->count = list->answered_count = 0;
    list->steps = NULL;
    list->answered = NULL;
    rh_safer_add(list, NULL, "%s", list->statement->sql)->alone = list->statement->needs_no_transaction;
    for (size_t i = 0; i < list->statement->grouped_count; i++)
        rh_safer_add(list, NULL, "%s", list->statement->grouped[i].sql);
}

/* Why the steps may not replace the statement at its place; NULL: they may. */
static const char *out_of_place(const rh_safer_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const rh_safer_step *step = &list->steps[i];
        if (list->tied && !step->later && (step->alone || step->after_commit || step->opens))
            return list->tied;
        if (list->bound && step->alone)
            return rh_arena_printf(
                list->arena,
                "%s of statement %d applies only inside its transaction, and one of its steps has to run outside",
                list->bound->name, list->bound->statement);
    }
    return NULL;
}

void rh_safer_commit_before(rh_safer_list *list)
{
    list->steps[0].after_commit = true;
    if (!list->steps[0].rule)
        list->steps[0].rule = "lock-then-long-work";
}

void rh_safer_statement(rh_safer_list *list, rh_safer *safer, const char *kind, rh_json *body, rh_json *tree)
{
    const rh_statement *statement = list->statement;
    const bool unread = !tree && strlen(statement->sql) <= RH_PARSE_LIMIT;
    const bool refused = rh_safer_has(statement, "blocked-by-dependents");
    const bool made = statement->hazard_count > 0 && !refused && rewrite(list, kind, body);
    const char *out = made ? out_of_place(list) : NULL;
    if (out)
        list->why = out;
    if (!made || out)
        keep(list);
    list->why = list->why ? list->why : list->tied;
    if (rh_safer_has(statement, "lock-then-long-work") && !list->tied)
        rh_safer_commit_before(list);
    rh_safer_leave(list, list->arena, safer);
    if (unread)
        *rh_arena_add(list->arena, &safer->left, &safer->left_count) =
            (rh_safer_left){statement->ordinal, NULL, NULL, NULL};
    if (!list->learned)
        rh_catalog_learn_tree(list->catalog, statement->sql, tree);
}
