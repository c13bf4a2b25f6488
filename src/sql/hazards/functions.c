/* Statements whose effect does not follow from their text: functions, triggers, DO blocks, procedures. */
#include "pgrehearse/sql/classify.h"
#include "pgrehearse/sql/hazards.h"
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/sql/tree.h"
#include <string.h>

/* Of CreateTrigStmt.events (pg_trigger.tgtype). */
enum { ON_INSERT = 1 << 2, ON_DELETE = 1 << 3, ON_UPDATE = 1 << 4 };

/* BODY, the text of a function, has a keyword of a statement that writes or locks. */
static bool body_writes(const char *body, rh_arena *arena)
{
    static const char *const words[] = {"insert",  "update",  "delete",  "merge", "truncate",
                                        "execute", "perform", "call",    "lock",  "alter",
                                        "create",  "drop",    "refresh", NULL};
    rh_sql_token *tokens = NULL;
    size_t count = 0;
    if (!rh_clauses_scan(body, arena, &tokens, &count))
        return true;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; words[k]; k++)
            if (rh_sql_token_is(body, &tokens[i], words[k]))
                return true;
    return false;
}

/* FUNCTION may change rows or take locks: it does not look like one that only computes. */
static bool may_write(const rh_catalog_object *function, rh_arena *arena)
{
    rh_json *tree = strlen(function->sql) <= RH_PARSE_LIMIT ? rh_sql_parse(function->sql, NULL) : NULL;
    rh_json *options = rh_json_get(rh_tree_body(tree, "CreateFunctionStmt"), "options");
    bool readable = false, writes = false;
    for (size_t i = 0; i < rh_json_count(options); i++) {
        rh_json *option = rh_json_get(rh_json_at(options, i), "DefElem"), *value = rh_json_get(option, "arg");
        const char *language = rh_json_string(rh_json_path(value, "String.sval"));
        const char *body = rh_tree_name_at(rh_json_path(value, "List.items"), 0);
        if (rh_tree_is(option, "defname", "language"))
            readable = language && (strcmp(language, "plpgsql") == 0 || strcmp(language, "sql") == 0);
        else if (rh_tree_is(option, "defname", "as"))
            writes = !body || body_writes(body, arena);
    }
    rh_json_free(tree);
    return !readable || writes;
}

/* The function called NAME that may write; NULL. */
static const rh_catalog_object *writer(const rh_catalog *catalog, const char *name, rh_arena *arena)
{
    for (size_t i = 0; name && i < catalog->other_count; i++) {
        const rh_catalog_object *o = &catalog->others[i];
        if (!o->dropped && o->kind == RH_CATALOG_FUNCTION && strcmp(o->name, name) == 0 &&
            may_write(o, arena))
            return o;
    }
    return NULL;
}

static int event_of(const rh_tree_range *range)
{
    if (strcmp(range->changed_by, "InsertStmt") == 0)
        return rh_json_get(range->change, "onConflictClause") ? ON_INSERT | ON_UPDATE : ON_INSERT;
    return strcmp(range->changed_by, "DeleteStmt") == 0   ? ON_DELETE
           : strcmp(range->changed_by, "UpdateStmt") == 0 ? ON_UPDATE
                                                          : ON_INSERT | ON_DELETE | ON_UPDATE;
}

/* A trigger that fires on the rows that TREE changes, and whose function may write; *FUNCTION is that. */
static const rh_catalog_object *firing_trigger(const rh_catalog *catalog, rh_json *tree, rh_arena *arena,
                                               const rh_catalog_object **function)
{
    rh_tree_range *ranges = NULL;
    size_t count = 0;
    rh_tree_ranges(tree, arena, &ranges, &count);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; ranges[i].changed_by && k < catalog->object_count; k++) {
            const rh_catalog_object *o = &catalog->objects[k];
            if (o->dropped || o->kind != RH_CATALOG_TRIGGER || !o->read_count ||
                !(o->events & event_of(&ranges[i])) ||
                !rh_relation_equal(o->reads[0],
                                   rh_catalog_resolved(catalog, rh_catalog_range_ref(ranges[i].range))))
                continue;
            *function = writer(catalog, o->calls, arena);
            if (*function)
                return o;
        }
    return NULL;
}

/* The function of the user's that TREE calls; NULL. */
static const char *called(const rh_catalog *catalog, rh_json *tree, rh_arena *arena)
{
    const char **calls = NULL;
    size_t count = 0;
    rh_tree_calls(tree, arena, &calls, &count);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < catalog->other_count; k++) {
            const rh_catalog_object *o = &catalog->others[k];
            if (!o->dropped && o->kind == RH_CATALOG_FUNCTION && strcmp(o->name, calls[i]) == 0)
                return o->name;
        }
    return NULL;
}

static const char *by_kind(const rh_catalog *catalog, const char *kind, rh_json *body)
{
    if (strcmp(kind, "DoStmt") == 0)
        return "not known from the text: a DO block runs statements of its own, and takes their locks";
    if (strcmp(kind, "CallStmt") == 0)
        return "not known from the text: a procedure runs statements of its own, and takes their locks";
    if (strcmp(kind, "ExecuteStmt") == 0)
        return "not known from the text: it runs a prepared statement";
    if (strcmp(kind, "DropStmt") == 0 && rh_tree_is(body, "removeType", "OBJECT_EXTENSION") &&
        rh_tree_is(body, "behavior", "DROP_CASCADE"))
        return "not known from the text: objects that use the extension are dropped with it, and are locked for that";
    if (strcmp(kind, "DropOwnedStmt") != 0 && strcmp(kind, "ReassignOwnedStmt") != 0)
        return NULL;
    for (size_t i = 0; i < catalog->table_count; i++)
        if (!catalog->tables[i]->dropped && !catalog->tables[i]->is_new && !catalog->tables[i]->owner)
            return "not known from the text: the definitions do not name the owner of every relation";
    return catalog->complete ? NULL : "not known from the text: which relations the role owns";
}

void rh_hazards_unknown_work(rh_hazard_context *context, rh_statement *statement, rh_json *tree)
{
    static const char *const queries[] = {"SelectStmt", "UpdateStmt", "InsertStmt",        "DeleteStmt",
                                          "MergeStmt",  "CopyStmt",   "CreateTableAsStmt", NULL};
    rh_arena *arena = context->arena;
    rh_json *body;
    const char *kind = rh_tree_kind(tree, &body);
    const rh_catalog_object *function = NULL;
    if (!kind)
        return;
    statement->unknown_effect = by_kind(context->catalog, kind, body);
    if (statement->unknown_effect || !rh_is_one_of(kind, queries))
        return;
    const char *name = called(context->catalog, tree, arena);
    const rh_catalog_object *trigger = name ? NULL : firing_trigger(context->catalog, tree, arena, &function);
    if (name)
        statement->unknown_effect = rh_arena_printf(
            arena,
            "not known from the text: it calls the function %s, which may change rows and take locks of its own",
            rh_identifier(name, arena));
    else if (trigger)
        statement->unknown_effect = rh_arena_printf(
            arena,
            "not known from the text: the trigger %s calls %s.%s, which may change rows and take "
            "locks of its own",
            trigger->name, rh_identifier(function->schema, arena), rh_identifier(function->name, arena));
}
