/* Which relations a statement locks, by its kind. */
#include "locks.h"
#include "pgrehearse/sql/classify.h"
#include "pgrehearse/base/text.h"
#include <string.h>

/* LOCK TABLE of a view locks what it reads. */
static void lock_view(rh_locks *l, rh_relation ref, rh_lock_mode mode, int depth)
{
    const rh_catalog_object *view =
        rh_catalog_find_object(l->catalog, 1u << RH_CATALOG_VIEW, ref.schema, ref.name);
    for (size_t i = 0; view && depth < 32 && i < view->read_count; i++) {
        rh_locks_add_ref(l, view->reads[i], mode, "the view reads it");
        lock_view(l, view->reads[i], mode, depth + 1);
    }
}

static void of_lock(rh_locks *l, rh_json *body)
{
    const rh_lock_mode mode = rh_lock_mode_of_statement(body);
    rh_json *tables = rh_json_get(body, "relations");
    for (size_t i = 0; mode && i < rh_json_count(tables); i++) {
        rh_json *range = rh_json_get(rh_json_at(tables, i), "RangeVar");
        rh_locks_add_tree(l, range, mode);
        lock_view(l, rh_catalog_range_ref(range), mode, 0);
    }
}

/* ---- the others ---- */

static void of_index(rh_locks *l, rh_json *body)
{
    rh_json *range = rh_json_get(body, "relation");
    if (rh_json_bool(rh_json_get(range, "inh")) && !rh_json_bool(rh_json_get(body, "concurrent")))
        rh_locks_add_children(l, rh_catalog_table_of(l->catalog, range), RH_LOCK_SHARE, true);
}

static void of_rename(rh_locks *l, rh_json *body)
{
    rh_json *range = rh_json_get(body, "relation");
    if (rh_tree_is(body, "renameType", "OBJECT_COLUMN") && rh_json_bool(rh_json_get(range, "inh")))
        rh_locks_add_children(l, rh_catalog_table_of(l->catalog, range), RH_LOCK_ACCESS_EXCLUSIVE, false);
}

static void of_trigger(rh_locks *l, rh_json *body)
{
    rh_json *range = rh_json_get(body, "relation");
    if (rh_json_bool(rh_json_get(body, "row")))
        rh_locks_add_children(l, rh_catalog_table_of(l->catalog, range), RH_LOCK_SHARE_ROW_EXCLUSIVE, true);
    if (rh_json_get(body, "constrrel"))
        rh_locks_add_ref(l, rh_catalog_range_ref(rh_json_get(body, "constrrel")), RH_LOCK_ACCESS_SHARE, NULL);
}

static void of_view(rh_locks *l, rh_json *body)
{
    const rh_relation ref = rh_catalog_range_ref(rh_json_get(body, "view"));
    if (rh_json_bool(rh_json_get(body, "replace")) &&
        rh_catalog_find_object(l->catalog, 1u << RH_CATALOG_VIEW, ref.schema, ref.name))
        rh_locks_add_ref(l, ref, RH_LOCK_ACCESS_EXCLUSIVE, NULL);
    rh_locks_of_query(l, rh_json_get(body, "query"));
}

static void of_domain(rh_locks *l, rh_json *body)
{
    const rh_relation ref = rh_catalog_ref_of(rh_json_get(body, "typeName"), 0);
    const rh_catalog_object *domain =
        rh_catalog_find_object(l->catalog, 1u << RH_CATALOG_DOMAIN, ref.schema, ref.name);
    for (size_t i = 0; domain && l->statement->class_ == RH_CLASS_HEAP_SCAN && i < l->catalog->table_count;
         i++) {
        const rh_catalog_table *table = l->catalog->tables[i];
        for (size_t k = 0; !table->dropped && k < table->column_count; k++)
            if (rh_catalog_is_of_type(l->catalog, table->columns[k].type_name, domain))
                rh_locks_add_table(l, table, RH_LOCK_SHARE, "has a column of the domain");
    }
}

static void of_comment(rh_locks *l, rh_json *body)
{
    static const char *const tables[] = {"OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW",
                                         "OBJECT_FOREIGN_TABLE", NULL};
    const char *type = rh_json_string(rh_json_get(body, "objtype"));
    const bool column = type && strcmp(type, "OBJECT_COLUMN") == 0;
    if (column || (type && rh_is_one_of(type, tables)))
        rh_locks_add_ref(l, rh_catalog_ref_of(rh_json_get(body, "object"), column),
                         RH_LOCK_SHARE_UPDATE_EXCLUSIVE, NULL);
}

static void of_publication(rh_locks *l, rh_json *body)
{
    rh_json *objects = rh_json_get(body, "pubobjects");
    const char *name = rh_json_string(rh_json_get(body, "pubname"));
    const rh_catalog_object *publication = name ? rh_catalog_find_publication(l->catalog, name) : NULL;
    for (size_t i = 0; i < rh_json_count(objects); i++) {
        rh_json *table = rh_json_path(rh_json_at(objects, i), "PublicationObjSpec.pubtable.relation");
        rh_locks_add_ref(l, rh_catalog_range_ref(table), RH_LOCK_SHARE_UPDATE_EXCLUSIVE, NULL);
        if (rh_json_bool(rh_json_get(table, "inh")))
            rh_locks_add_inheriting(l, rh_catalog_table_of(l->catalog, table),
                                    RH_LOCK_SHARE_UPDATE_EXCLUSIVE);
    }
    for (size_t i = 0;
         publication && rh_tree_is(body, "action", "AP_SetObjects") && i < publication->read_count; i++)
        rh_locks_add_ref(l, publication->reads[i], RH_LOCK_SHARE_UPDATE_EXCLUSIVE, "the publication has it");
}

static void of_move(rh_locks *l, rh_json *body)
{
    if (rh_tree_is(body, "objectType", "OBJECT_TABLE"))
        rh_locks_add_sequences(l, rh_catalog_table_of(l->catalog, rh_json_get(body, "relation")), NULL,
                               RH_LOCK_ACCESS_EXCLUSIVE);
}

static void of_query(rh_locks *l, rh_json *body)
{
    l->plans_only = rh_tree_body(l->tree, "ExplainStmt") || rh_tree_body(l->tree, "PrepareStmt");
    rh_json *query = rh_json_get(body, "query"); /* PREPARE, EXPLAIN, COPY (…), CREATE TABLE AS */
    rh_locks_of_query(l, query ? query : l->tree);
}

static void of_rule(rh_locks *l, rh_json *body)
{
    rh_locks_of_query(l, rh_json_get(body, "actions"));
}

static void of_schema(rh_locks *l, rh_json *body);

static const struct lock_rule {
    const char *kind;
    void (*add)(rh_locks *l, rh_json *body);
} RULES[] = {
    {"CreateSchemaStmt", of_schema},
    {"RuleStmt", of_rule},
    {"ClusterStmt", rh_locks_of_cluster},
    {"DropOwnedStmt", rh_locks_of_owned},
    {"ReassignOwnedStmt", rh_locks_of_owned},
    {"AlterTableMoveAllStmt", rh_locks_of_move_all},
    {"AlterTableStmt", rh_locks_of_alter_table},
    {"CreateStmt", rh_locks_of_create_table},
    {"DropStmt", rh_locks_of_drop},
    {"TruncateStmt", rh_locks_of_truncate},
    {"LockStmt", of_lock},
    {"VacuumStmt", rh_locks_of_vacuum},
    {"ReindexStmt", rh_locks_of_reindex},
    {"IndexStmt", of_index},
    {"RenameStmt", of_rename},
    {"CreateTrigStmt", of_trigger},
    {"ViewStmt", of_view},
    {"AlterDomainStmt", of_domain},
    {"CommentStmt", of_comment},
    {"CreatePublicationStmt", of_publication},
    {"AlterPublicationStmt", of_publication},
    {"AlterObjectSchemaStmt", of_move},
    {"CreateTableAsStmt", of_query},
    {"SelectStmt", of_query},
    {"InsertStmt", of_query},
    {"UpdateStmt", of_query},
    {"DeleteStmt", of_query},
    {"MergeStmt", of_query},
    {"CopyStmt", of_query},
    {"PrepareStmt", of_query},
    {"ExplainStmt", of_query},
    {"DeclareCursorStmt", of_query},
};

static void of_kind(rh_locks *l, const char *kind, rh_json *body)
{
    for (size_t i = 0; i < sizeof RULES / sizeof *RULES; i++)
        if (strcmp(kind, RULES[i].kind) == 0)
            RULES[i].add(l, body);
}

/* CREATE SCHEMA with what is in it. */
static void of_schema(rh_locks *l, rh_json *body)
{
    rh_json *elements = rh_json_get(body, "schemaElts"), *element;
    for (size_t i = 0; i < rh_json_count(elements); i++) {
        const char *kind = rh_tree_kind(rh_json_at(elements, i), &element);
        if (kind && rh_tree_body(rh_json_at(elements, i), "CreateSchemaStmt") == NULL)
            of_kind(l, kind, element);
    }
}

/* IF EXISTS of something that the definitions, all of them, do not have: nothing is locked. */
static bool is_not_there(const rh_locks *l, rh_json *body, rh_relation ref)
{
    return l->catalog->complete && rh_json_bool(rh_json_get(body, "missing_ok")) && ref.name &&
           !rh_catalog_find(l->catalog, ref.schema, ref.name) &&
           !rh_catalog_find_object(l->catalog, ~0u, ref.schema, ref.name) &&
           !rh_catalog_table_of_index(l->catalog, ref.schema, ref.name, NULL);
}

/* What rh_classify found: the relation that is named, with its full name. */
static void add_named(rh_locks *l, const char *kind, rh_json *body)
{
    const rh_statement *s = l->statement;
    const rh_relation ref = rh_relation_of(s->expected_relation, l->arena);
    if (!s->expected_lock || strcmp(kind, "DropStmt") == 0 || strcmp(kind, "CreateStmt") == 0 ||
        is_not_there(l, body, ref))
        return;
    rh_locks_add_ref(l, ref, s->expected_lock, NULL);
}

void rh_expect_locks(rh_statement *statement, rh_json *tree, const rh_catalog *catalog, rh_arena *arena)
{
    rh_json *body;
    const char *kind = rh_tree_kind(tree, &body);
    rh_locks l = {.statement = statement, .tree = tree, .catalog = catalog, .arena = arena};
    if (!kind)
        return;
    add_named(&l, kind, body);
    of_kind(&l, kind, body);
    const rh_expected_lock *first = statement->expected_lock_count ? statement->expected_locks : NULL;
    statement->expected_lock = first ? first->mode : RH_LOCK_NONE;
    statement->expected_relation = first ? first->relation : NULL;
}
