/* What keeps the server from executing DROP without CASCADE (findDependentObjects in its dependency.c), by
 * the texts of the definitions. Bodies of functions that are strings are no dependencies of theirs. */
#include "dependents.h"
#include "objects.h"
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/sql/classify.h"
#include <string.h>

/* What is dropped, one of the objects of a statement. */
typedef struct target {
    const rh_catalog *catalog;
    rh_arena *arena;
    rh_relation ref;
    const rh_catalog_table *table;
    const rh_catalog_object *object;
    const rh_relation *all; /* of the statement */
    size_t all_count;
    rh_json *tree; /* scratch */
} target;

static bool is_dropped(const target *t, const char *schema, const char *name)
{
    for (size_t i = 0; schema && name && i < t->all_count; i++)
        if (rh_relation_equal(t->all[i], (rh_relation){schema, name}))
            return true;
    return false;
}

static bool is_it(const target *t, rh_relation ref)
{
    return ref.name && strcmp(ref.name, t->ref.name) == 0 &&
           rh_relation_equal(rh_catalog_resolved(t->catalog, ref), t->ref);
}

/* A relation, a type or a function that the text names. */
static bool names_it(rh_json *node, void *data)
{
    const target *t = data;
    const bool function = t->object && t->object->kind == RH_CATALOG_FUNCTION;
    if (rh_json_get(node, "relname"))
        return !function && is_it(t, rh_catalog_range_ref(node));
    if (rh_json_get(node, "names") && rh_json_get(node, "typemod"))
        return !function && is_it(t, rh_catalog_ref_of(rh_json_get(node, "names"), 0));
    const rh_relation called = rh_catalog_ref_of(rh_json_get(node, "funcname"), 0);
    if (!called.schema && called.name && rh_tree_is_stable(called.name))
        return false; /* PostgreSQL's own, which pg_dump does not qualify */
    return function && called.name && is_it(t, called);
}

static bool text_names(const target *t, const char *sql)
{
    if (!sql || strlen(sql) > RH_PARSE_LIMIT || !strcasestr(sql, t->ref.name))
        return false;
    rh_json *tree = rh_sql_parse(sql, NULL);
    const bool found = rh_json_visit(tree, names_it, (void *)(uintptr_t)t);
    rh_json_free(tree);
    return found;
}

static bool expression_names(const target *t, const char *expression)
{
    return expression && strcasestr(expression, t->ref.name) &&
           text_names(t, rh_arena_printf(t->arena, "SELECT %s", expression));
}

/* ---- views, triggers, policies, rules, functions, types ---- */

static bool object_depends(const target *t, const rh_catalog_object *o)
{
    const bool view = o->kind == RH_CATALOG_VIEW || o->kind == RH_CATALOG_MATVIEW;
    if (o->dropped || o == t->object || is_dropped(t, o->schema, o->name) ||
        o->kind == RH_CATALOG_STATISTICS || o->kind == RH_CATALOG_SEQUENCE ||
        o->kind == RH_CATALOG_PUBLICATION || o->kind == RH_CATALOG_INDEX)
        return false;
    for (size_t i = 0; view && i < o->read_count; i++)
        if (rh_relation_equal(o->reads[i], t->ref))
            return true;
    /* what belongs to a table goes with it */
    if (!o->schema && o->read_count &&
        (is_dropped(t, o->reads[0].schema, o->reads[0].name) || !rh_catalog_is_there(t->catalog, o)))
        return false;
    return !(view && t->table) && text_names(t, o->sql);
}

static const char *dependent_object(const target *t)
{
    const rh_catalog *catalog = t->catalog;
    for (size_t i = 0; i < catalog->object_count; i++)
        if (object_depends(t, &catalog->objects[i]))
            return catalog->objects[i].what;
    for (size_t i = 0; i < catalog->other_count; i++)
        if (object_depends(t, &catalog->others[i]))
            return catalog->others[i].what;
    return NULL;
}

/* ---- tables ---- */

static bool has_sequence(const char *value, rh_relation sequence, rh_arena *arena)
{
    const char *from = value ? strchr(value, '\'') : NULL, *to = from ? strchr(from + 1, '\'') : NULL;
    if (!to || !strcasestr(value, "nextval"))
        return false;
    const rh_relation named =
        rh_relation_of(rh_arena_strndup(arena, from + 1, (size_t)(to - from - 1)), arena);
    return rh_relation_matches(named, sequence);
}

const char *rh_catalog_sequence_user(const rh_catalog *catalog, rh_relation sequence,
                                     const rh_catalog_table *but, const char *column, rh_arena *arena)
{
    for (size_t i = 0; i < catalog->table_count; i++) {
        const rh_catalog_table *table = catalog->tables[i];
        for (size_t k = 0; !table->dropped && k < table->column_count; k++) {
            const rh_catalog_column *c = &table->columns[k];
            const bool own = table == but && (!column || strcmp(column, c->name) == 0);
            const bool identity = c->unsupported == RH_UNSUPPORTED_IDENTITY && c->sequence &&
                                  rh_relation_matches(rh_relation_of(c->sequence, arena), sequence);
            if (!own && (identity || has_sequence(c->value, sequence, arena)))
                return rh_arena_printf(arena, "column %s of %s", rh_identifier(c->name, arena),
                                       rh_catalog_name(table, arena));
        }
    }
    return NULL;
}

static const char *of_table(const target *t, const rh_catalog_table *table, const char *what,
                            const char *name)
{
    return rh_arena_printf(t->arena, "%s %s of %s", what, rh_identifier(name, t->arena),
                           rh_catalog_name(table, t->arena));
}

static const char *table_depends(const target *t, const rh_catalog_table *table)
{
    for (size_t i = 0; i < table->constraint_count; i++) {
        const rh_catalog_constraint *c = &table->constraints[i];
        if (c->kind == 'f' && t->table && rh_catalog_find(t->catalog, c->schema, c->target) == t->table)
            return of_table(t, table, "foreign key", c->name);
        if (c->kind == 'c' && expression_names(t, c->definition + strlen("CHECK")))
            return of_table(t, table, "constraint", c->name);
    }
    for (size_t i = 0; i < table->column_count; i++) {
        const rh_catalog_column *c = &table->columns[i];
        if (is_it(t, c->type_name) || expression_names(t, c->value))
            return of_table(t, table, "column", c->name);
    }
    for (size_t i = 0; i < table->index_count; i++)
        if (text_names(t, table->indexes[i].sql))
            return of_table(t, table, "index", table->indexes[i].name);
    for (size_t i = 0; i < table->parent_count; i++)
        if (table->parents[i] == t->table && t->table && !table->is_partition)
            return rh_arena_printf(t->arena, "child table %s", rh_catalog_name(table, t->arena));
    return NULL;
}

static const char *dependent_table(const target *t)
{
    for (size_t i = 0; i < t->catalog->table_count; i++) {
        const rh_catalog_table *table = t->catalog->tables[i];
        bool stays = !table->dropped && table != t->table && !is_dropped(t, table->schema, table->name);
        for (size_t k = 0; k < table->parent_count; k++) /* a partition goes with its table */
            stays &=
                !table->is_partition || !is_dropped(t, table->parents[k]->schema, table->parents[k]->name);
        const char *what = stays ? table_depends(t, table) : NULL;
        if (what)
            return what;
    }
    for (size_t i = 0; t->table && i < t->table->column_count; i++) {
        const char *sequence = t->table->columns[i].sequence;
        const rh_relation ref = rh_relation_of(sequence, t->arena);
        const char *what =
            sequence ? rh_catalog_sequence_user(t->catalog, ref, t->table, NULL, t->arena) : NULL;
        if (what && t->all_count == 1)
            return what;
    }
    return NULL;
}

/* ---- DROP ---- */

static bool is_overloaded(const target *t)
{
    size_t count = 0;
    for (size_t i = 0; i < t->catalog->other_count; i++) {
        const rh_catalog_object *o = &t->catalog->others[i];
        count += !o->dropped && o->kind == RH_CATALOG_FUNCTION && o->schema &&
                 rh_relation_equal((rh_relation){o->schema, o->name}, t->ref);
    }
    return count > 1;
}

/* What is in SCHEMA. */
static const char *content_of(const rh_catalog *catalog, const char *schema, rh_arena *arena)
{
    for (size_t i = 0; i < catalog->table_count; i++)
        if (!catalog->tables[i]->dropped && !catalog->tables[i]->guessed &&
            strcmp(catalog->tables[i]->schema, schema) == 0)
            return rh_arena_printf(arena, "table %s", rh_catalog_name(catalog->tables[i], arena));
    for (size_t i = 0; i < catalog->object_count + catalog->other_count; i++) {
        const rh_catalog_object *o =
            i < catalog->object_count ? &catalog->objects[i] : &catalog->others[i - catalog->object_count];
        if (!o->dropped && o->schema && strcmp(o->schema, schema) == 0)
            return o->what;
    }
    return NULL;
}

static const char *index_user(const target *t)
{
    rh_catalog_index *index = NULL;
    const rh_catalog_table *table = rh_catalog_table_of_index(t->catalog, t->ref.schema, t->ref.name, &index);
    if (!table)
        return NULL;
    if (index->constraint)
        return of_table(t, table, "constraint", index->name);
    return rh_catalog_key_user(t->catalog, table, index, NULL, t->arena);
}

static rh_relation object_ref(rh_json *object)
{
    rh_json *routine = rh_json_path(object, "ObjectWithArgs.objname");
    return rh_catalog_ref_of(routine ? routine : object, 0);
}

static const char *dropped_user(target *t, rh_json *body, const char *name)
{
    const rh_catalog *catalog = t->catalog;
    if (rh_tree_is(body, "removeType", "OBJECT_SCHEMA"))
        return name ? content_of(catalog, name, t->arena) : NULL;
    if (rh_tree_is(body, "removeType", "OBJECT_INDEX"))
        return index_user(t);
    const bool table = rh_tree_is(body, "removeType", "OBJECT_TABLE");
    t->table = table ? rh_catalog_find(catalog, t->ref.schema, t->ref.name) : NULL;
    t->object = table ? NULL
                      : rh_catalog_find_object(catalog, rh_catalog_kinds_of(body, "removeType"),
                                               t->ref.schema, t->ref.name);
    if (!t->table && !t->object)
        return NULL;
    t->ref = t->table ? (rh_relation){t->table->schema, t->table->name}
                      : (rh_relation){t->object->schema, t->object->name};
    if (t->object && t->object->kind == RH_CATALOG_SEQUENCE)
        return rh_catalog_sequence_user(catalog, t->ref, NULL, NULL, t->arena);
    if (t->object && t->object->kind == RH_CATALOG_FUNCTION && is_overloaded(t))
        return NULL; /* which of them it is, is not known */
    const char *object = dependent_object(t);
    return object ? object : dependent_table(t);
}

const char *rh_catalog_drop_user(const rh_catalog *catalog, rh_json *body, size_t index, rh_arena *arena)
{
    rh_json *objects = rh_json_get(body, "objects");
    rh_relation *all = rh_arena_alloc(arena, (rh_json_count(objects) + 1) * sizeof *all);
    target t = {.catalog = catalog, .arena = arena, .all = all};
    for (size_t i = 0; i < rh_json_count(objects); i++) {
        const rh_relation ref = object_ref(rh_json_at(objects, i));
        if (ref.name)
            all[t.all_count++] = rh_catalog_resolved(catalog, ref);
    }
    rh_json *object = rh_json_at(objects, index);
    t.ref = object_ref(object);
    const char *name = rh_json_string(rh_json_path(object, "String.sval"));
    const bool cascades =
        rh_tree_is(body, "behavior", "DROP_CASCADE") && !rh_tree_is(body, "removeType", "OBJECT_INDEX");
    return cascades || (!t.ref.name && !name) ? NULL : dropped_user(&t, body, name);
}
