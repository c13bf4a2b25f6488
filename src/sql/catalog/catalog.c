#include "pgrehearse/sql/catalog.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/sql/tree.h"
#include <string.h>

/* ---- looking up ---- */

const char *rh_unsupported_text(rh_unsupported unsupported)
{
    static const char *const texts[RH_UNSUPPORTED_COUNT] = {
        [RH_UNSUPPORTED_TEMPORARY] = "is a temporary table",
        [RH_UNSUPPORTED_INDEX_OPTIONS] = "has index options",
        [RH_UNSUPPORTED_IDENTITY] = "is an identity column",
        [RH_UNSUPPORTED_GENERATED] = "is a generated column",
        [RH_UNSUPPORTED_PARTITIONED] = "is partitioned",
        [RH_UNSUPPORTED_PARTITION] = "is a partition",
        [RH_UNSUPPORTED_INHERITS] = "inherits from another table",
        [RH_UNSUPPORTED_TYPED] = "is a typed table",
        [RH_UNSUPPORTED_HAS_CHILDREN] = "has child tables",
        [RH_UNSUPPORTED_NOT_PARSED] = "could not be parsed",
        [RH_UNSUPPORTED_LIKE] = "was created LIKE another",
        [RH_UNSUPPORTED_FORMER_INDEX] = "was an index before it was a constraint",
        [RH_UNSUPPORTED_STORAGE_OPTIONS] = "has storage options",
        [RH_UNSUPPORTED_CLUSTERED] = "is clustered on an index",
        [RH_UNSUPPORTED_REPLICA_IDENTITY] = "has a replica identity",
        [RH_UNSUPPORTED_ALTERED] = "was altered in an unsupported way",
        [RH_UNSUPPORTED_COMMENT] = "has a comment",
        [RH_UNSUPPORTED_PRIVILEGES] = "has column privileges",
        [RH_UNSUPPORTED_DO_BLOCK] = "may have been changed by a DO block",
        [RH_UNSUPPORTED_QUERY] = "was created from a query",
        [RH_UNSUPPORTED_CREATED] = "was created in an unsupported way",
        [RH_UNSUPPORTED_NOT_IN_BACKUP] = "is not in the backup's definitions",
    };
    return texts[unsupported];
}

static size_t bucket_of(const rh_catalog *catalog, const char *name)
{
    size_t hash = 5381;
    for (const char *c = name; *c; c++)
        hash = hash * 33 + (unsigned char)*c;
    return hash % (sizeof catalog->index / sizeof *catalog->index);
}

static rh_catalog_table *find_in(const rh_catalog *catalog, const char *schema, const char *name)
{
    for (rh_catalog_table *t = catalog->index[bucket_of(catalog, name)]; t; t = t->next_same)
        if (!t->dropped && strcmp(t->name, name) == 0 && strcmp(t->schema, schema) == 0)
            return t;
    return NULL;
}

/* The schemas that an unqualified name is looked up in. */
static const char *const *path_of(const rh_catalog *catalog)
{
    static const char *const usual[] = {"public", NULL};
    return catalog->search_path ? catalog->search_path : usual;
}

const char *rh_catalog_schema(const rh_catalog *catalog)
{
    return *path_of(catalog) ? *path_of(catalog) : "public";
}

rh_catalog_table *rh_catalog_find(const rh_catalog *catalog, const char *schema, const char *name)
{
    if (!name)
        return NULL;
    if (schema)
        return find_in(catalog, schema, name);
    rh_catalog_table *found = find_in(catalog, "pg_temp", name);
    for (const char *const *path = path_of(catalog); !found && *path; path++)
        found = find_in(catalog, *path, name);
    return found;
}

static rh_catalog_object *object_in(rh_catalog_object *list, size_t count, unsigned kinds, const char *schema,
                                    const char *name)
{
    for (size_t i = count; i-- > 0;) {
        rh_catalog_object *o = &list[i];
        if (!o->dropped && kinds & (1u << o->kind) && o->schema && strcmp(o->name, name) == 0 &&
            strcmp(o->schema, schema) == 0)
            return o;
    }
    return NULL;
}

rh_catalog_object *rh_catalog_find_object(const rh_catalog *catalog, unsigned kinds, const char *schema,
                                          const char *name)
{
    const char *const one[] = {schema, NULL};
    for (const char *const *path = schema ? one : path_of(catalog); name && *path; path++) {
        rh_catalog_object *found = object_in(catalog->objects, catalog->object_count, kinds, *path, name);
        if (!found)
            found = object_in(catalog->others, catalog->other_count, kinds, *path, name);
        if (found)
            return found;
    }
    return NULL;
}

rh_catalog_object *rh_catalog_find_publication(const rh_catalog *catalog, const char *name)
{
    for (size_t i = 0; i < catalog->other_count; i++)
        if (catalog->others[i].kind == RH_CATALOG_PUBLICATION && !catalog->others[i].dropped &&
            strcmp(catalog->others[i].name, name) == 0)
            return &catalog->others[i];
    return NULL;
}

void rh_catalog_note_small(rh_catalog *catalog, const rh_listed_table *table)
{
    rh_catalog_table *found = rh_catalog_find(catalog, table->schema, table->name);
    if (found)
        found->small = true;
}

bool rh_catalog_is_small(const rh_catalog_table *table)
{
    return table && (table->is_new || table->small) && !table->filled;
}

size_t rh_catalog_policies(const rh_catalog *catalog, const rh_catalog_table *table)
{
    size_t count = 0;
    for (size_t i = 0; i < catalog->object_count; i++) {
        const rh_catalog_object *o = &catalog->objects[i];
        if (!o->dropped && o->kind == RH_CATALOG_POLICY && o->read_count &&
            strcmp(o->reads[0].name, table->name) == 0 && strcmp(o->reads[0].schema, table->schema) == 0)
            count++;
    }
    return count;
}

rh_catalog_table *rh_catalog_add_table(rh_catalog *catalog, rh_json *range_var)
{
    rh_catalog_table *t = rh_arena_alloc(catalog->arena, sizeof *t);
    const char *schema = rh_json_string(rh_json_get(range_var, "schemaname"));
    const bool temporary = rh_tree_is(range_var, "relpersistence", "t");
    t->schema =
        temporary ? "pg_temp" : rh_arena_strdup(catalog->arena, schema ? schema : rh_catalog_schema(catalog));
    t->name = rh_arena_strdup(catalog->arena, rh_json_string(rh_json_get(range_var, "relname")));
    t->is_new = catalog->in_migrations;
    t->unsupported = temporary ? RH_UNSUPPORTED_TEMPORARY : RH_SUPPORTED;
    *rh_arena_add(catalog->arena, &catalog->tables, &catalog->table_count) = t;
    rh_catalog_table **bucket = &catalog->index[bucket_of(catalog, t->name)];
    t->next_same = *bucket;
    *bucket = t;
    return t;
}

void rh_catalog_rehash(rh_catalog *catalog, rh_catalog_table *table, const char *new_name)
{
    rh_catalog_table **at = &catalog->index[bucket_of(catalog, table->name)];
    while (*at && *at != table)
        at = &(*at)->next_same;
    if (*at)
        *at = table->next_same;
    table->name = new_name;
    at = &catalog->index[bucket_of(catalog, new_name)];
    table->next_same = *at;
    *at = table;
}

void rh_catalog_add_parent(rh_catalog *catalog, rh_catalog_table *table, rh_catalog_table *parent)
{
    if (parent)
        *rh_arena_add(catalog->arena, &table->parents, &table->parent_count) = parent;
}

rh_catalog_table *rh_catalog_table_of(const rh_catalog *catalog, rh_json *range_var)
{
    return rh_catalog_find(catalog, rh_json_string(rh_json_get(range_var, "schemaname")),
                           rh_json_string(rh_json_get(range_var, "relname")));
}

rh_catalog_column *rh_catalog_column_of(const rh_catalog_table *table, const char *name)
{
    for (size_t i = 0; name && i < table->column_count; i++)
        if (strcmp(table->columns[i].name, name) == 0)
            return &table->columns[i];
    return NULL;
}

const char *rh_catalog_key_column(const rh_catalog_table *table)
{
    for (size_t i = 0; i < table->index_count; i++)
        if (table->indexes[i].constraint == 'p')
            return table->indexes[i].column_count == 1 ? table->indexes[i].columns[0] : NULL;
    return NULL;
}

bool rh_catalog_index_uses(const rh_catalog_index *index, const char *column, rh_arena *arena)
{
    for (size_t i = 0; i < index->column_count; i++)
        if (strcmp(index->columns[i], column) == 0)
            return true;
    const char *list = index->sql ? strchr(index->sql, '(') : NULL;
    return list && rh_clauses_mention(list, column, arena);
}

const char *rh_catalog_name(const rh_catalog_table *table, rh_arena *arena)
{
    return rh_arena_printf(arena, "%s.%s", rh_identifier(table->schema, arena),
                           rh_identifier(table->name, arena));
}

void rh_catalog_begin_file(rh_catalog *catalog)
{
    for (size_t i = 0; i < catalog->table_count; i++) {
        catalog->tables[i]->constraint_dropped = NULL;
        for (size_t c = 0; c < catalog->tables[i]->column_count; c++)
            catalog->tables[i]->columns[c].default_dropped = false;
    }
}

/* ---- names in lists ---- */

rh_relation rh_catalog_ref_of(rh_json *list, size_t last)
{
    rh_json *items = rh_json_path(list, "List.items");
    items = items ? items : rh_json_path(list, "TypeName.names");
    items = items ? items : list;
    const size_t count = rh_json_count(items);
    if (!rh_json_is_array(items) || count < last + 1)
        return (rh_relation){0};
    return (rh_relation){count > last + 1 ? rh_tree_name_at(items, count - last - 2) : NULL,
                         rh_tree_name_at(items, count - last - 1)};
}

rh_relation rh_catalog_range_ref(rh_json *range_var)
{
    return (rh_relation){rh_json_string(rh_json_get(range_var, "schemaname")),
                         rh_json_string(rh_json_get(range_var, "relname"))};
}

rh_catalog_table *rh_catalog_table_of_index(const rh_catalog *catalog, const char *schema, const char *name,
                                            rh_catalog_index **index)
{
    const char *const one[] = {schema, NULL};
    for (const char *const *path = schema ? one : path_of(catalog); name && *path; path++)
        for (size_t i = 0; i < catalog->table_count; i++) {
            rh_catalog_table *t = catalog->tables[i];
            if (t->dropped || strcmp(t->schema, *path) != 0)
                continue;
            for (size_t k = 0; k < t->index_count; k++)
                if (t->indexes[k].name && strcmp(t->indexes[k].name, name) == 0) {
                    if (index)
                        *index = &t->indexes[k];
                    return t;
                }
        }
    return NULL;
}
