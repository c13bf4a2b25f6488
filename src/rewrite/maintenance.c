/* REINDEX and REFRESH MATERIALIZED VIEW: CONCURRENTLY, if the server supports it with the same result. */
#include "pgrehearse/base/text.h"
#include "other_statements.h"
#include <string.h>

/* ---- REINDEX ---- */

static bool has_exclusion(const rh_catalog_table *table)
{
    for (size_t i = 0; i < table->constraint_count; i++)
        if (table->constraints[i].kind == 'x')
            return true;
    return false;
}

static const char *no_reindex(const rh_safer_list *list, rh_json *body)
{
    const rh_relation ref = rh_catalog_range_ref(rh_json_get(body, "relation"));
    const bool index = rh_tree_is(body, "kind", "REINDEX_OBJECT_INDEX");
    const int major = list->plan->server_major;
    if (!index && !rh_tree_is(body, "kind", "REINDEX_OBJECT_TABLE"))
        return "it covers many tables: reindex them one by one";
    if (rh_tree_has_option(rh_json_get(body, "params"), "concurrently"))
        return "it is CONCURRENTLY already";
    if (major < 12) /* 0: not known */
        return "REINDEX CONCURRENTLY requires PostgreSQL 12 or later, and the backup's version is older or not known";
    if (ref.schema && (rh_starts_with(ref.schema, "pg_") || strcmp(ref.schema, "information_schema") == 0))
        return "system catalogs cannot be reindexed concurrently";
    const rh_catalog_table *table = index
                                        ? rh_catalog_table_of_index(list->catalog, ref.schema, ref.name, NULL)
                                        : rh_catalog_table_of(list->catalog, rh_json_get(body, "relation"));
    const rh_catalog_object *view =
        table || index
            ? NULL
            : rh_catalog_find_object(list->catalog, 1u << RH_CATALOG_MATVIEW, ref.schema, ref.name);
    if (!table && !view)
        return "neither the backup nor the migrations define it";
    if (table && rh_safer_unknown(list, table))
        return rh_safer_unknown(list, table);
    if (table && has_exclusion(table))
        return "the index of an EXCLUDE constraint cannot be reindexed concurrently";
    if (rh_safer_is_partitioned(table) && major < 14)
        return "a partitioned table cannot be reindexed before PostgreSQL 14";
    return NULL;
}

/* ---- REFRESH ---- */

typedef struct view {
    const rh_catalog_object *object;
    const rh_safer_list *list;
    const char *unique; /* the name of a unique index; NULL */
    bool populated;
} view;

static bool is_it(const view *v, rh_json *range)
{
    const rh_relation ref = rh_catalog_range_ref(range);
    return ref.name && strcmp(ref.name, v->object->name) == 0 &&
           strcmp(ref.schema ? ref.schema : rh_catalog_schema(v->list->catalog), v->object->schema) == 0;
}

static void see_view(void *user, const char *sql, const char *kind, rh_json *body)
{
    view *v = user;
    (void)sql;
    if (strcmp(kind, "RefreshMatViewStmt") == 0 && is_it(v, rh_json_get(body, "relation")))
        v->populated = !rh_json_bool(rh_json_get(body, "skipData"));
    if (strcmp(kind, "CreateTableAsStmt") == 0 && is_it(v, rh_json_path(body, "into.rel"))) {
        v->populated = !rh_json_bool(rh_json_path(body, "into.skipData"));
        v->unique = NULL;
    }
    if (strcmp(kind, "IndexStmt") != 0 || !rh_json_bool(rh_json_get(body, "unique")) ||
        !is_it(v, rh_json_get(body, "relation")) || rh_json_get(body, "whereClause"))
        return;
    rh_json *columns = rh_json_get(body, "indexParams");
    for (size_t i = 0; i < rh_json_count(columns); i++)
        if (!rh_json_string(rh_json_path(rh_json_at(columns, i), "IndexElem.name")))
            return;
    const char *name = rh_json_string(rh_json_get(body, "idxname"));
    v->unique = rh_arena_strdup(v->list->arena, name ? name : "");
}

static void see_drop(void *user, const char *sql, const char *kind, rh_json *body)
{
    view *v = user;
    (void)sql;
    if (strcmp(kind, "DropStmt") == 0 && rh_tree_is(body, "removeType", "OBJECT_INDEX"))
        v->unique = NULL;
}

static const char *no_refresh(const rh_safer_list *list, rh_json *body)
{
    const rh_relation ref = rh_catalog_range_ref(rh_json_get(body, "relation"));
    view v = {.list = list};
    v.object = rh_catalog_find_object(list->catalog, 1u << RH_CATALOG_MATVIEW, ref.schema, ref.name);
    if (rh_json_bool(rh_json_get(body, "skipData")) || rh_json_bool(rh_json_get(body, "concurrent")))
        return "WITH NO DATA has no CONCURRENTLY";
    if (!v.object)
        return "neither the backup nor the migrations define the view";
    rh_safer_before(list, ref.name, see_view, &v);
    if (v.unique && *v.unique)
        rh_safer_before(list, v.unique, see_drop, &v);
    if (!v.unique)
        return "CONCURRENTLY requires a unique index on columns of the view, without WHERE";
    return v.populated ? NULL
                       : "CONCURRENTLY requires a populated view, and whether it is populated is not known";
}

bool rh_safer_maintenance(rh_safer_list *list, const char *kind, rh_json *body)
{
    const bool reindex = strcmp(kind, "ReindexStmt") == 0;
    const char *rule = rh_safer_rule(list->statement);
    if (!rule)
        return false;
    list->why = reindex ? no_reindex(list, body) : no_refresh(list, body);
    if (list->why)
        return false;
    const char *keyword = !reindex                                           ? "view"
                          : rh_tree_is(body, "kind", "REINDEX_OBJECT_INDEX") ? "index"
                                                                             : "table";
    const char *better =
        rh_safer_with_words(list->statement->sql, keyword, "CONCURRENTLY", false, list->arena);
    if (better)
        rh_safer_add(list, rule, "%s", better)->alone = reindex;
    return better != NULL;
}
