/* Which relations a statement locks, by its kind. */
#include "lock_modes.h"
#include "locks.h"
#include "pgrehearse/base/text.h"
#include <string.h>

/* ---- queries ---- */

/* SELECT … FOR UPDATE OF a: REF is among those. */
static bool is_locked(rh_json *query, rh_json *range)
{
    rh_json *clauses = rh_json_get(query, "lockingClause");
    const char *called = rh_json_string(rh_json_path(range, "alias.aliasname"));
    const char *name = rh_json_string(rh_json_get(range, "relname"));
    for (size_t i = 0; i < rh_json_count(clauses); i++) {
        rh_json *tables = rh_json_path(rh_json_at(clauses, i), "LockingClause.lockedRels");
        if (rh_json_count(tables) == 0)
            return true;
        for (size_t k = 0; k < rh_json_count(tables); k++) {
            const char *of = rh_json_string(rh_json_path(rh_json_at(tables, k), "RangeVar.relname"));
            if (of && strcmp(of, called ? called : name) == 0)
                return true;
        }
    }
    return false;
}

static void add_query(rh_locks *l, rh_json *node, rh_json *select)
{
    rh_tree_range *ranges = NULL;
    size_t count = 0;
    rh_tree_ranges(node, l->arena, &ranges, &count);
    for (size_t pass = 0; pass < 2; pass++) /* what is changed before what is read */
        for (size_t i = 0; i < count; i++) {
            const bool changed = ranges[i].changed_by != NULL;
            const char *mode = changed                              ? ROW_EXCLUSIVE
                               : is_locked(select, ranges[i].range) ? ROW_SHARE
                                                                    : ACCESS_SHARE;
            if (changed != (pass == 0))
                continue;
            rh_locks_add_ref(l, rh_known_range(ranges[i].range), mode, NULL);
            if (changed && strcmp(ranges[i].changed_by, "InsertStmt") != 0 &&
                rh_json_bool(rh_json_get(ranges[i].range, "inh")))
                rh_locks_add_children(l, rh_known_table_of(l->known, ranges[i].range), mode, false);
        }
}

/* LOCK TABLE of a view locks what it reads. */
static void lock_view(rh_locks *l, rh_known_ref ref, const char *mode, int depth)
{
    const rh_known_object *view = rh_known_find_object(l->known, 1u << RH_KNOWN_VIEW, ref.schema, ref.name);
    for (size_t i = 0; view && depth < 32 && i < view->read_count; i++) {
        rh_locks_add_ref(l, view->reads[i], mode, "the view reads it");
        lock_view(l, view->reads[i], mode, depth + 1);
    }
}

static void of_lock(rh_locks *l, rh_json *body)
{
    static const char *const modes[] = {NULL,  ACCESS_SHARE, ROW_SHARE, ROW_EXCLUSIVE,   SHARE_UPDATE,
                                        SHARE, SHARE_ROW,    EXCLUSIVE, ACCESS_EXCLUSIVE};
    const int64_t mode = rh_json_int(rh_json_get(body, "mode"));
    rh_json *tables = rh_json_get(body, "relations");
    for (size_t i = 0; mode >= 1 && mode <= 8 && i < rh_json_count(tables); i++) {
        rh_json *range = rh_json_get(rh_json_at(tables, i), "RangeVar");
        rh_locks_add_tree(l, range, modes[mode]);
        lock_view(l, rh_known_range(range), modes[mode], 0);
    }
}

/* ---- the others ---- */

/* Tables that refer to TABLE, and those that refer to them. */
static void truncate_referencing(rh_locks *l, const rh_known_table *table)
{
    if (!table || rh_locks_seen(l, table))
        return;
    for (size_t i = 0; i < l->known->table_count && !rh_locks_full(l); i++) {
        const rh_known_table *other = l->known->tables[i];
        for (size_t k = 0; !other->dropped && k < other->constraint_count; k++) {
            const rh_known_constraint *key = &other->constraints[k];
            if (key->kind != 'f' || rh_known_find(l->known, key->schema, key->target) != table)
                continue;
            rh_locks_add_table(l, other, ACCESS_EXCLUSIVE, "refers to it by a foreign key");
            rh_locks_add_children(l, other, ACCESS_EXCLUSIVE, true);
            truncate_referencing(l, other);
        }
    }
}

static void of_truncate(rh_locks *l, rh_json *body)
{
    rh_json *tables = rh_json_get(body, "relations");
    for (size_t i = 0; i < rh_json_count(tables); i++) {
        rh_json *range = rh_json_get(rh_json_at(tables, i), "RangeVar");
        rh_locks_add_tree(l, range, ACCESS_EXCLUSIVE);
        if (rh_json_bool(rh_json_get(body, "restart_seqs")))
            rh_locks_add_sequences(l, rh_known_table_of(l->known, range), NULL);
    }
    for (size_t i = 0; rh_tree_is(body, "behavior", "DROP_CASCADE") && i < rh_json_count(tables); i++)
        truncate_referencing(l, rh_known_table_of(l->known, rh_json_get(rh_json_at(tables, i), "RangeVar")));
}

static void of_vacuum(rh_locks *l, rh_json *body)
{
    rh_json *tables = rh_json_get(body, "rels");
    for (size_t i = 0; i < rh_json_count(tables); i++) {
        rh_json *range = rh_json_path(rh_json_at(tables, i), "VacuumRelation.relation");
        rh_locks_add_ref(l, rh_known_range(range), l->statement->expected_lock, NULL);
        rh_locks_add_children(l, rh_known_table_of(l->known, range), l->statement->expected_lock, true);
    }
}

/* An index is rebuilt under ACCESS EXCLUSIVE: whoever plans a query on its table waits. */
static void of_reindex(rh_locks *l, rh_json *body)
{
    const rh_known_ref ref = rh_known_range(rh_json_get(body, "relation"));
    if (rh_tree_has_option(rh_json_get(body, "params"), "concurrently"))
        return;
    if (rh_tree_is(body, "kind", "REINDEX_OBJECT_INDEX"))
        rh_locks_add_table(l, rh_known_indexed(l->known, ref.schema, ref.name, NULL), SHARE,
                           "the index is on it");
    else if (rh_tree_is(body, "kind", "REINDEX_OBJECT_TABLE"))
        rh_locks_add_indexes(l, rh_known_find(l->known, ref.schema, ref.name));
}

static void of_index(rh_locks *l, rh_json *body)
{
    rh_json *range = rh_json_get(body, "relation");
    if (rh_json_bool(rh_json_get(range, "inh")) && !rh_json_bool(rh_json_get(body, "concurrent")))
        rh_locks_add_children(l, rh_known_table_of(l->known, range), SHARE, true);
}

static void of_rename(rh_locks *l, rh_json *body)
{
    rh_json *range = rh_json_get(body, "relation");
    if (rh_tree_is(body, "renameType", "OBJECT_COLUMN") && rh_json_bool(rh_json_get(range, "inh")))
        rh_locks_add_children(l, rh_known_table_of(l->known, range), ACCESS_EXCLUSIVE, false);
}

static void of_trigger(rh_locks *l, rh_json *body)
{
    rh_json *range = rh_json_get(body, "relation");
    rh_locks_add_children(l, rh_known_table_of(l->known, range), SHARE_ROW, true);
    if (rh_json_get(body, "constrrel"))
        rh_locks_add_ref(l, rh_known_range(rh_json_get(body, "constrrel")), ACCESS_SHARE, NULL);
}

static void of_view(rh_locks *l, rh_json *body)
{
    const rh_known_ref ref = rh_known_range(rh_json_get(body, "view"));
    if (rh_json_bool(rh_json_get(body, "replace")) &&
        rh_known_find_object(l->known, 1u << RH_KNOWN_VIEW, ref.schema, ref.name))
        rh_locks_add_ref(l, ref, ACCESS_EXCLUSIVE, NULL);
    add_query(l, rh_json_get(body, "query"), NULL);
}

static void of_domain(rh_locks *l, rh_json *body)
{
    const rh_known_ref ref = rh_known_ref_of(rh_json_get(body, "typeName"), 0);
    const rh_known_object *domain =
        rh_known_find_object(l->known, 1u << RH_KNOWN_DOMAIN, ref.schema, ref.name);
    for (size_t i = 0; domain && l->statement->class_ == RH_CLASS_HEAP_SCAN && i < l->known->table_count;
         i++) {
        const rh_known_table *table = l->known->tables[i];
        for (size_t k = 0; !table->dropped && k < table->column_count; k++)
            if (rh_known_is_of_type(l->known, table->columns[k].type_name, domain))
                rh_locks_add_table(l, table, SHARE, "has a column of the domain");
    }
}

static void of_comment(rh_locks *l, rh_json *body)
{
    static const char *const tables[] = {"OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW",
                                         "OBJECT_FOREIGN_TABLE", NULL};
    const char *type = rh_json_string(rh_json_get(body, "objtype"));
    const bool column = type && strcmp(type, "OBJECT_COLUMN") == 0;
    if (column || (type && rh_is_one_of(type, tables)))
        rh_locks_add_ref(l, rh_known_ref_of(rh_json_get(body, "object"), column), SHARE_UPDATE, NULL);
}

static void of_publication(rh_locks *l, rh_json *body)
{
    rh_json *objects = rh_json_get(body, "pubobjects");
    for (size_t i = 0; i < rh_json_count(objects); i++) {
        rh_json *table = rh_json_path(rh_json_at(objects, i), "PublicationObjSpec.pubtable.relation");
        rh_locks_add_ref(l, rh_known_range(table), SHARE_UPDATE, NULL);
    }
}

static void of_move(rh_locks *l, rh_json *body)
{
    if (rh_tree_is(body, "objectType", "OBJECT_TABLE"))
        rh_locks_add_sequences(l, rh_known_table_of(l->known, rh_json_get(body, "relation")), NULL);
}

static void of_query(rh_locks *l, rh_json *body)
{
    rh_json *query = rh_json_get(body, "query"); /* PREPARE, EXPLAIN, COPY (…), CREATE TABLE AS */
    add_query(l, query ? query : l->tree, query ? rh_json_get(query, "SelectStmt") : body);
}

static const struct lock_rule {
    const char *kind;
    void (*add)(rh_locks *l, rh_json *body);
} RULES[] = {
    {"AlterTableStmt", rh_locks_of_alter_table},
    {"CreateStmt", rh_locks_of_create_table},
    {"DropStmt", rh_locks_of_drop},
    {"TruncateStmt", of_truncate},
    {"LockStmt", of_lock},
    {"VacuumStmt", of_vacuum},
    {"ReindexStmt", of_reindex},
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

/* IF EXISTS of something that the definitions, all of them, do not have: nothing is locked. */
static bool is_not_there(const rh_locks *l, rh_json *body, rh_known_ref ref)
{
    return l->known->complete && rh_json_bool(rh_json_get(body, "missing_ok")) && ref.name &&
           !rh_known_find(l->known, ref.schema, ref.name) &&
           !rh_known_find_object(l->known, ~0u, ref.schema, ref.name) &&
           !rh_known_indexed(l->known, ref.schema, ref.name, NULL);
}

/* What rh_classify found: the relation that is named, with its full name. */
static void add_named(rh_locks *l, const char *kind, rh_json *body)
{
    const rh_statement *s = l->statement;
    const rh_known_ref ref = rh_tree_read_name(s->expected_relation, l->arena);
    if (!s->expected_lock || strcmp(kind, "DropStmt") == 0 || strcmp(kind, "CreateStmt") == 0 ||
        is_not_there(l, body, ref))
        return;
    rh_locks_add_ref(l, ref, s->expected_lock, NULL);
}

void rh_expect_locks(rh_statement *statement, rh_json *tree, const rh_known *known, rh_arena *arena)
{
    rh_json *body;
    const char *kind = rh_tree_kind(tree, &body);
    rh_locks l = {.statement = statement, .tree = tree, .known = known, .arena = arena};
    if (!kind)
        return;
    add_named(&l, kind, body);
    for (size_t i = 0; i < sizeof RULES / sizeof *RULES; i++)
        if (strcmp(kind, RULES[i].kind) == 0)
            RULES[i].add(&l, body);
    const rh_expected_lock *first = statement->expected_lock_count ? statement->expected_locks : NULL;
    statement->expected_lock = first ? first->mode : NULL;
    statement->expected_relation = first ? first->relation : NULL;
}
