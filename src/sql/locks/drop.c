/* Locks of DROP and of its dependent objects. */
#include "locks.h"
#include "pgrehearse/sql/tree.h"
#include <string.h>

/* Views over SCHEMA.NAME, at any depth; COLUMN: only those that name it (NULL: all). */
static void drop_readers(rh_locks *l, const char *schema, const char *name, const char *column)
{
    for (size_t i = 0; i < l->catalog->object_count; i++) {
        const rh_catalog_object *o = &l->catalog->objects[i];
        bool reads = false;
        for (size_t k = 0; k < o->read_count; k++)
            reads |= strcmp(o->reads[k].name, name) == 0 && strcmp(o->reads[k].schema, schema) == 0;
        if (!reads || o->dropped || o->kind > RH_CATALOG_MATVIEW ||
            (column && !rh_clauses_mention(o->sql, column, l->arena) && !strchr(o->sql, '*')) ||
            rh_locks_seen(l, o))
            continue;
        rh_locks_add_ref(l, (rh_relation){o->schema, o->name}, RH_LOCK_ACCESS_EXCLUSIVE, "a view on it");
        drop_readers(l, o->schema, o->name, NULL);
    }
}

void rh_locks_drop_table(rh_locks *l, const rh_catalog_table *table, const char *because)
{
    if (!table || rh_locks_full(l) || rh_locks_seen(l, table))
        return;
    rh_locks_add_table(l, table, RH_LOCK_ACCESS_EXCLUSIVE, because);
    rh_locks_add_sequences(l, table, NULL, RH_LOCK_ACCESS_EXCLUSIVE);
    rh_locks_add_own_referenced(l, table, NULL, RH_LOCK_ACCESS_EXCLUSIVE);
    if (l->cascade) {
        rh_locks_add_referencing(l, table, RH_LOCK_ACCESS_EXCLUSIVE);
        drop_readers(l, table->schema, table->name, NULL);
    }
    for (size_t i = 0; i < table->parent_count && table->is_partition; i++) {
        rh_locks_add_table(l, table->parents[i], RH_LOCK_ACCESS_EXCLUSIVE, "the partitioned table");
        rh_locks_add_default(l, table->parents[i], table);
    }
    for (size_t i = 0; i < l->catalog->table_count; i++) {
        const rh_catalog_table *child = l->catalog->tables[i];
        for (size_t k = 0; !child->dropped && k < child->parent_count; k++)
            if (child->parents[k] == table)
                rh_locks_drop_table(l, child, child->is_partition ? "a partition" : "a child table");
    }
}

/* Columns of a type, or of a domain over it, go with it. */
static void drop_type(rh_locks *l, const rh_catalog_object *type)
{
    for (size_t i = 0; type && i < l->catalog->table_count; i++) {
        const rh_catalog_table *table = l->catalog->tables[i];
        for (size_t k = 0; !table->dropped && k < table->column_count; k++)
            if (rh_catalog_is_of_type(l->catalog, table->columns[k].type_name, type))
                rh_locks_add_table(l, table, RH_LOCK_ACCESS_EXCLUSIVE, "has a column of the type");
    }
}

/* Triggers and defaults that call a function go with it. */
static void drop_function(rh_locks *l, const char *name)
{
    for (size_t i = 0; name && i < l->catalog->object_count; i++) {
        const rh_catalog_object *o = &l->catalog->objects[i];
        if (!o->dropped && o->kind == RH_CATALOG_TRIGGER && o->calls && strcmp(o->calls, name) == 0 &&
            o->read_count)
            rh_locks_add_ref(l, o->reads[0], RH_LOCK_ACCESS_EXCLUSIVE, "its trigger calls the function");
    }
    for (size_t i = 0; name && i < l->catalog->table_count; i++) {
        const rh_catalog_table *table = l->catalog->tables[i];
        for (size_t k = 0; !table->dropped && k < table->column_count; k++)
            if (table->columns[k].value && rh_clauses_mention(table->columns[k].value, name, l->arena))
                rh_locks_add_table(l, table, RH_LOCK_ACCESS_EXCLUSIVE, "a default calls the function");
    }
}

static void drop_sequence(rh_locks *l, rh_relation ref)
{
    rh_locks_add_ref(l, ref, RH_LOCK_ACCESS_EXCLUSIVE, NULL);
    for (size_t i = 0; ref.name && i < l->catalog->table_count; i++) {
        const rh_catalog_table *table = l->catalog->tables[i];
        for (size_t k = 0; !table->dropped && k < table->column_count; k++)
            if (table->columns[k].value && strstr(table->columns[k].value, "nextval") &&
                strstr(table->columns[k].value, ref.name))
                rh_locks_add_table(l, table, RH_LOCK_ACCESS_EXCLUSIVE, "a default takes numbers from it");
    }
}

static void drop_schema(rh_locks *l, const char *schema)
{
    for (size_t i = 0; schema && i < l->catalog->table_count; i++)
        if (!l->catalog->tables[i]->dropped && strcmp(l->catalog->tables[i]->schema, schema) == 0)
            rh_locks_drop_table(l, l->catalog->tables[i], "in the schema");
    for (size_t i = 0; schema && i < l->catalog->object_count; i++) {
        const rh_catalog_object *o = &l->catalog->objects[i];
        if (o->dropped || !o->schema || o->kind > RH_CATALOG_MATVIEW || strcmp(o->schema, schema) != 0)
            continue;
        rh_locks_add_ref(l, (rh_relation){o->schema, o->name}, RH_LOCK_ACCESS_EXCLUSIVE, "in the schema");
        drop_readers(l, o->schema, o->name, NULL);
    }
    for (size_t i = 0; schema && i < l->catalog->other_count; i++) {
        const rh_catalog_object *o = &l->catalog->others[i];
        if (o->dropped || !o->schema || strcmp(o->schema, schema) != 0)
            continue;
        if (o->kind == RH_CATALOG_SEQUENCE)
            rh_locks_add_ref(l, (rh_relation){o->schema, o->name}, RH_LOCK_ACCESS_EXCLUSIVE, "in the schema");
        else if (o->kind == RH_CATALOG_FUNCTION)
            drop_function(l, o->name);
        else
            drop_type(l, o);
    }
}

/* IF EXISTS of what the definitions, all of them, do not have. */
static bool is_not_there(const rh_locks *l, rh_json *body, rh_relation ref)
{
    return l->catalog->complete && rh_json_bool(rh_json_get(body, "missing_ok")) && ref.name &&
           !rh_catalog_find(l->catalog, ref.schema, ref.name) &&
           !rh_catalog_find_object(l->catalog, RH_CATALOG_RELATIONS, ref.schema, ref.name) &&
           !rh_catalog_table_of_index(l->catalog, ref.schema, ref.name, NULL);
}

/* IF EXISTS of a trigger, policy or rule that the definitions do not have on its table. */
static bool lacks_it(const rh_locks *l, rh_json *body, rh_json *object)
{
    const rh_relation ref = rh_catalog_ref_of(object, 1);
    const rh_catalog_table *table = rh_catalog_find(l->catalog, ref.schema, ref.name);
    const char *name = rh_tree_last_name(object);
    if (!l->catalog->complete || !rh_json_bool(rh_json_get(body, "missing_ok")) || !table || !name)
        return false;
    name = rh_identifier(name, l->arena);
    for (size_t i = 0; i < l->catalog->object_count; i++) {
        const rh_catalog_object *o = &l->catalog->objects[i];
        if (!o->dropped && !o->schema && strcmp(o->name, name) == 0 && o->read_count &&
            strcmp(o->reads[0].name, table->name) == 0 && strcmp(o->reads[0].schema, table->schema) == 0)
            return false;
    }
    return true;
}

static bool is_on_table(rh_json *body)
{
    return rh_tree_is(body, "removeType", "OBJECT_TRIGGER") ||
           rh_tree_is(body, "removeType", "OBJECT_POLICY") || rh_tree_is(body, "removeType", "OBJECT_RULE");
}

/* The object named REF of the DROP's type. */
static void drop_one(rh_locks *l, rh_json *body, rh_json *object)
{
    rh_json *routine = rh_json_path(object, "ObjectWithArgs.objname");
    const rh_relation ref = rh_catalog_ref_of(routine ? routine : object, 0);
    rh_catalog_table *table = rh_catalog_find(l->catalog, ref.schema, ref.name);
    const unsigned types = 1u << RH_CATALOG_DOMAIN | 1u << RH_CATALOG_TYPE;
    if (is_on_table(body)) {
        if (!is_not_there(l, body, rh_catalog_ref_of(object, 1)) && !lacks_it(l, body, object))
            rh_locks_add_ref(l, rh_catalog_ref_of(object, 1), RH_LOCK_ACCESS_EXCLUSIVE, NULL);
    } else if (rh_tree_is(body, "removeType", "OBJECT_TABLE") ||
               rh_tree_is(body, "removeType", "OBJECT_FOREIGN_TABLE")) {
        if (table)
            rh_locks_drop_table(l, table, NULL);
        else if (!is_not_there(l, body, ref))
            rh_locks_add_ref(l, ref, RH_LOCK_ACCESS_EXCLUSIVE, NULL);
    } else if (rh_tree_is(body, "removeType", "OBJECT_SCHEMA")) {
        drop_schema(l, rh_json_string(rh_json_path(object, "String.sval")));
    } else if (rh_tree_is(body, "removeType", "OBJECT_VIEW") ||
               rh_tree_is(body, "removeType", "OBJECT_MATVIEW")) {
        const rh_catalog_object *view =
            rh_catalog_find_object(l->catalog, RH_CATALOG_RELATIONS, ref.schema, ref.name);
        if (!is_not_there(l, body, ref))
            rh_locks_add_ref(l, ref, RH_LOCK_ACCESS_EXCLUSIVE, NULL);
        if (view && l->cascade)
            drop_readers(l, view->schema, view->name, NULL);
    } else if (rh_tree_is(body, "removeType", "OBJECT_SEQUENCE")) {
        if (!is_not_there(l, body, ref))
            drop_sequence(l, ref);
    } else if (rh_tree_is(body, "removeType", "OBJECT_TYPE") ||
               rh_tree_is(body, "removeType", "OBJECT_DOMAIN")) {
        if (l->cascade)
            drop_type(l, rh_catalog_find_object(l->catalog, types, ref.schema, ref.name));
    } else if (routine && l->cascade) {
        drop_function(l, ref.name);
    } else if (rh_tree_is(body, "removeType", "OBJECT_STATISTIC_EXT")) {
        const rh_catalog_object *o =
            rh_catalog_find_object(l->catalog, 1u << RH_CATALOG_STATISTICS, ref.schema, ref.name);
        if (o && o->read_count)
            rh_locks_add_ref(l, o->reads[0], RH_LOCK_SHARE_UPDATE_EXCLUSIVE, "its statistics");
    }
}

static void drop_index(rh_locks *l, rh_json *body, rh_json *object)
{
    const rh_relation ref = rh_catalog_ref_of(object, 0);
    rh_lock_mode mode = rh_json_bool(rh_json_get(body, "concurrent")) ? RH_LOCK_SHARE_UPDATE_EXCLUSIVE
                                                                      : RH_LOCK_ACCESS_EXCLUSIVE;
    const rh_catalog_table *table = rh_catalog_table_of_index(l->catalog, ref.schema, ref.name, NULL);
    const rh_catalog_object *of_view =
        table ? NULL : rh_catalog_find_object(l->catalog, 1u << RH_CATALOG_INDEX, ref.schema, ref.name);
    if (!is_not_there(l, body, ref) || of_view)
        rh_locks_add_ref(l, ref, mode, NULL);
    if (of_view)
        rh_locks_add_ref(l, of_view->reads[0], mode, "the index is on it");
    if (table) {
        rh_locks_add_table(l, table, mode, "the index is on it");
        rh_locks_add_children(l, table, mode, true);
    }
}

void rh_locks_of_drop(rh_locks *l, rh_json *body)
{
    rh_json *objects = rh_json_get(body, "objects");
    l->cascade = rh_tree_is(body, "behavior", "DROP_CASCADE");
    for (size_t i = 0; i < rh_json_count(objects); i++) {
        if (rh_tree_is(body, "removeType", "OBJECT_INDEX"))
            drop_index(l, body, rh_json_at(objects, i));
        else
            drop_one(l, body, rh_json_at(objects, i));
    }
}

void rh_locks_of_drop_column(rh_locks *l, const rh_catalog_table *table, const char *column)
{
    if (!table || !column)
        return;
    rh_locks_add_referenced(l, table, column, RH_LOCK_ACCESS_EXCLUSIVE);
    rh_locks_add_sequences(l, table, column, RH_LOCK_ACCESS_EXCLUSIVE);
    if (!l->cascade)
        return;
    drop_readers(l, table->schema, table->name, column);
    for (size_t i = 0; i < table->index_count; i++)
        for (size_t k = 0; table->indexes[i].constraint && k < table->indexes[i].column_count; k++)
            if (strcmp(table->indexes[i].columns[k], column) == 0)
                rh_locks_add_referencing(l, table, RH_LOCK_ACCESS_EXCLUSIVE);
}
