/* Commands for many relations: TRUNCATE, VACUUM, CLUSTER, REINDEX, those by tablespace or role. */
#include "pgrehearse/sql/classify.h"
#include "locks.h"
#include "pgrehearse/adapters/sql_parser.h"
#include <string.h>

/* ---- TRUNCATE ---- */

/* Tables that refer to TABLE, and those that refer to them. */
static void truncate_referencing(rh_locks *l, const rh_catalog_table *table)
{
    if (!table || rh_locks_seen(l, table))
        return;
    for (size_t i = 0; i < l->catalog->table_count && !rh_locks_full(l); i++) {
        const rh_catalog_table *other = l->catalog->tables[i];
        for (size_t k = 0; !other->dropped && k < other->constraint_count; k++) {
            const rh_catalog_constraint *key = &other->constraints[k];
            if (key->kind != 'f' || rh_catalog_find(l->catalog, key->schema, key->target) != table)
                continue;
            rh_locks_add_table(l, other, RH_LOCK_ACCESS_EXCLUSIVE, "refers to it by a foreign key");
            rh_locks_add_children(l, other, RH_LOCK_ACCESS_EXCLUSIVE, true);
            truncate_referencing(l, other);
        }
    }
}

void rh_locks_of_truncate(rh_locks *l, rh_json *body)
{
    rh_json *tables = rh_json_get(body, "relations");
    for (size_t i = 0; i < rh_json_count(tables); i++) {
        rh_json *range = rh_json_get(rh_json_at(tables, i), "RangeVar");
        rh_locks_add_tree(l, range, RH_LOCK_ACCESS_EXCLUSIVE);
        if (rh_json_bool(rh_json_get(body, "restart_seqs")))
            rh_locks_add_sequences(l, rh_catalog_table_of(l->catalog, range), NULL, RH_LOCK_ACCESS_EXCLUSIVE);
    }
    for (size_t i = 0; rh_tree_is(body, "behavior", "DROP_CASCADE") && i < rh_json_count(tables); i++)
        truncate_referencing(l,
                             rh_catalog_table_of(l->catalog, rh_json_get(rh_json_at(tables, i), "RangeVar")));
}

/* ---- commands for many tables ---- */

static bool is_role(rh_json *roles, const char *name)
{
    for (size_t i = 0; name && i < rh_json_count(roles); i++)
        if (rh_tree_is(rh_json_get(rh_json_at(roles, i), "RoleSpec"), "rolename", name))
            return true;
    return false;
}

/* POLICY names one of ROLES. */
static bool is_policy_of(const rh_catalog_object *policy, rh_json *roles)
{
    rh_json *tree = strlen(policy->sql) <= RH_PARSE_LIMIT ? rh_sql_parse(policy->sql, NULL) : NULL;
    rh_json *named = rh_json_get(rh_tree_body(tree, "CreatePolicyStmt"), "roles");
    bool found = false;
    for (size_t i = 0; i < rh_json_count(named) && !found; i++)
        found = is_role(roles, rh_json_string(rh_json_path(rh_json_at(named, i), "RoleSpec.rolename")));
    rh_json_free(tree);
    return found;
}

static bool is_vacuumed(const rh_catalog_object *object)
{
    return !object->dropped && object->kind == RH_CATALOG_MATVIEW;
}

/* Every table and materialized view of SCHEMA (NULL: of the database), each in a transaction of its own. */
static void add_all(rh_locks *l, const char *schema, rh_lock_mode mode)
{
    for (size_t i = 0; i < l->catalog->table_count; i++) {
        const rh_catalog_table *table = l->catalog->tables[i];
        if (!table->dropped && (!schema || strcmp(table->schema, schema) == 0))
            rh_locks_add_table(l, table, mode, "one after another");
    }
    for (size_t i = 0; i < l->catalog->object_count; i++) {
        const rh_catalog_object *o = &l->catalog->objects[i];
        if (is_vacuumed(o) && (!schema || strcmp(o->schema, schema) == 0))
            rh_locks_add_ref(l, (rh_relation){o->schema, o->name}, mode, "one after another");
    }
}

void rh_locks_of_vacuum(rh_locks *l, rh_json *body)
{
    rh_json *tables = rh_json_get(body, "rels");
    rh_lock_mode mode = rh_classify_vacuum_mode(body);
    if (rh_json_count(tables) == 0)
        add_all(l, NULL, mode);
    for (size_t i = 0; i < rh_json_count(tables); i++) {
        rh_json *range = rh_json_path(rh_json_at(tables, i), "VacuumRelation.relation");
        rh_locks_add_ref(l, rh_catalog_range_ref(range), mode, NULL);
        rh_locks_add_children(l, rh_catalog_table_of(l->catalog, range), mode, true);
    }
}

/* Without a name: the tables that were clustered before. */
void rh_locks_of_cluster(rh_locks *l, rh_json *body)
{
    rh_json *range = rh_json_get(body, "relation");
    rh_locks_add_children(l, rh_catalog_table_of(l->catalog, range), RH_LOCK_ACCESS_EXCLUSIVE, true);
    for (size_t i = 0; !range && i < l->catalog->table_count; i++)
        if (!l->catalog->tables[i]->dropped && l->catalog->tables[i]->clustered)
            rh_locks_add_table(l, l->catalog->tables[i], RH_LOCK_ACCESS_EXCLUSIVE, "clustered before");
}

static void add_view_indexes(rh_locks *l, const rh_catalog_object *view)
{
    for (size_t i = 0; view && i < l->catalog->object_count; i++) {
        const rh_catalog_object *o = &l->catalog->objects[i];
        if (!o->dropped && o->kind == RH_CATALOG_INDEX && strcmp(o->reads[0].name, view->name) == 0 &&
            strcmp(o->reads[0].schema, view->schema) == 0)
            rh_locks_add_ref(l, (rh_relation){o->schema, o->name}, RH_LOCK_ACCESS_EXCLUSIVE, "its index");
    }
}

static void reindex_all(rh_locks *l, const char *schema, bool concurrently)
{
    add_all(l, schema, concurrently ? RH_LOCK_SHARE_UPDATE_EXCLUSIVE : RH_LOCK_SHARE);
    for (size_t i = 0; !concurrently && i < l->catalog->table_count; i++) {
        const rh_catalog_table *table = l->catalog->tables[i];
        if (!table->dropped && (!schema || strcmp(table->schema, schema) == 0))
            rh_locks_add_indexes(l, table);
    }
    for (size_t i = 0; !concurrently && i < l->catalog->object_count; i++)
        if (is_vacuumed(&l->catalog->objects[i]) &&
            (!schema || strcmp(l->catalog->objects[i].schema, schema) == 0))
            add_view_indexes(l, &l->catalog->objects[i]);
}

/* An index is rebuilt under ACCESS EXCLUSIVE: sessions that plan a query on its table wait. */
void rh_locks_of_reindex(rh_locks *l, rh_json *body)
{
    const rh_relation ref = rh_catalog_range_ref(rh_json_get(body, "relation"));
    const bool concurrently = rh_tree_has_option(rh_json_get(body, "params"), "concurrently");
    const rh_catalog_table *table = rh_catalog_find(l->catalog, ref.schema, ref.name);
    const rh_catalog_object *index =
        rh_catalog_find_object(l->catalog, 1u << RH_CATALOG_INDEX, ref.schema, ref.name);
    if (rh_tree_is(body, "kind", "REINDEX_OBJECT_SCHEMA"))
        reindex_all(l, rh_json_string(rh_json_get(body, "name")), concurrently);
    else if (rh_tree_is(body, "kind", "REINDEX_OBJECT_DATABASE"))
        reindex_all(l, NULL, concurrently);
    else if (rh_tree_is(body, "kind", "REINDEX_OBJECT_INDEX")) {
        rh_lock_mode mode = concurrently ? RH_LOCK_SHARE_UPDATE_EXCLUSIVE : RH_LOCK_SHARE;
        rh_locks_add_table(l, rh_catalog_table_of_index(l->catalog, ref.schema, ref.name, NULL), mode,
                           "the index is on it");
        if (index)
            rh_locks_add_ref(l, index->reads[0], mode, "the index is on it");
    } else if (!concurrently && table) {
        rh_locks_add_indexes(l, table);
    } else if (!concurrently) {
        add_view_indexes(l,
                         rh_catalog_find_object(l->catalog, 1u << RH_CATALOG_MATVIEW, ref.schema, ref.name));
    }
}

/* ALTER TABLE ALL IN TABLESPACE: the definitions do not show which tables it contains. */
void rh_locks_of_move_all(rh_locks *l, rh_json *body)
{
    const char *from = rh_json_string(rh_json_get(body, "orig_tablespacename"));
    const char *to = rh_json_string(rh_json_get(body, "new_tablespacename"));
    rh_json *roles = rh_json_get(body, "roles");
    for (size_t i = 0; from && to && strcmp(from, to) != 0 && i < l->catalog->table_count; i++) {
        const rh_catalog_table *table = l->catalog->tables[i];
        if (!table->dropped && rh_tree_is(body, "objtype", "OBJECT_TABLE") &&
            (rh_json_count(roles) == 0 || is_role(roles, table->owner)))
            rh_locks_add_table(l, table, RH_LOCK_ACCESS_EXCLUSIVE, "if it is in that tablespace");
    }
}

/* ---- roles ---- */

/* DROP OWNED, REASSIGN OWNED. */
void rh_locks_of_owned(rh_locks *l, rh_json *body)
{
    rh_json *roles = rh_json_get(body, "roles");
    const bool drop = rh_tree_body(l->tree, "DropOwnedStmt") != NULL;
    l->cascade = rh_tree_is(body, "behavior", "DROP_CASCADE");
    for (size_t i = 0; i < l->catalog->table_count; i++) {
        const rh_catalog_table *table = l->catalog->tables[i];
        if (table->dropped || !is_role(roles, table->owner))
            continue;
        if (drop)
            rh_locks_drop_table(l, table, "the role owns it");
        else
            rh_locks_add_table(l, table, RH_LOCK_ACCESS_EXCLUSIVE, "the role owns it");
    }
    for (size_t i = 0; i < l->catalog->object_count; i++) {
        const rh_catalog_object *o = &l->catalog->objects[i];
        if (!o->dropped && o->schema && o->kind <= RH_CATALOG_MATVIEW && is_role(roles, o->owner))
            rh_locks_add_ref(l, (rh_relation){o->schema, o->name}, RH_LOCK_ACCESS_EXCLUSIVE,
                             "the role owns it");
        else if (drop && !o->dropped && o->kind == RH_CATALOG_POLICY && is_policy_of(o, roles))
            rh_locks_add_ref(l, o->reads[0], RH_LOCK_ACCESS_EXCLUSIVE, "its policy names the role");
    }
    for (size_t i = 0; i < l->catalog->other_count; i++) {
        const rh_catalog_object *o = &l->catalog->others[i];
        if (!o->dropped && o->kind == RH_CATALOG_SEQUENCE && is_role(roles, o->owner))
            rh_locks_add_ref(l, (rh_relation){o->schema, o->name}, RH_LOCK_ACCESS_EXCLUSIVE,
                             "the role owns it");
    }
}
