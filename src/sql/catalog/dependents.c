/* Objects because of which the server refuses to drop a column or to change its type, by their definitions.
 */
#include "dependents.h"
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/sql/classify.h"
#include "pgrehearse/sql/catalog.h"
#include <string.h>

/* An expression in which a column is looked for. */
typedef struct search {
    const rh_catalog *catalog;
    const rh_catalog_table *table;
    const char *column;
    rh_tree_range *ranges;
    size_t range_count;
    bool only; /* it reads no other relation: names without a qualifier are of TABLE */
} search;

/* QUALIFIER is how the query calls TABLE. */
static bool is_called(const search *s, const char *qualifier)
{
    for (size_t i = 0; qualifier && i < s->range_count; i++) {
        rh_json *range = s->ranges[i].range;
        const char *alias = rh_json_string(rh_json_path(range, "alias.aliasname"));
        const char *name = alias ? alias : rh_json_string(rh_json_get(range, "relname"));
        if (name && strcmp(name, qualifier) == 0)
            return rh_catalog_table_of(s->catalog, range) == s->table;
    }
    return false;
}

static bool is_column(rh_json *node, void *data)
{
    const search *s = data;
    rh_json *fields = rh_json_path(node, "ColumnRef.fields");
    const size_t count = rh_json_count(fields);
    if (!count)
        return false;
    const char *name = rh_tree_name_at(fields, count - 1);
    const bool all = rh_json_get(rh_json_at(fields, count - 1), "A_Star") != NULL;
    if (!all && (!name || strcmp(name, s->column) != 0))
        return false;
    return count == 1 ? s->only : is_called(s, rh_tree_name_at(fields, count - 2));
}

static bool reads(const rh_catalog *catalog, rh_json *query, const rh_catalog_table *table,
                  const char *column, rh_arena *arena)
{
    search s = {.catalog = catalog, .table = table, .column = column};
    bool reads_table = false;
    rh_tree_ranges(query, arena, &s.ranges, &s.range_count);
    for (size_t i = 0; i < s.range_count; i++)
        reads_table |= rh_catalog_table_of(catalog, s.ranges[i].range) == table;
    s.only = s.range_count == 1;
    return reads_table && rh_json_visit(query, is_column, &s);
}

/* ---- columns that an object uses ---- */

/* A column of the row itself: in a policy unqualified or by its table's name, in a trigger or rule of NEW and
 * OLD. */
static bool is_own_column(rh_json *node, void *data)
{
    const search *s = data;
    rh_json *fields = rh_json_path(node, "ColumnRef.fields");
    const size_t count = rh_json_count(fields);
    const char *name = rh_tree_last_name(fields), *of = count > 1 ? rh_tree_name_at(fields, count - 2) : NULL;
    if (!name || strcmp(name, s->column) != 0)
        return false;
    return of ? strcmp(of, "new") == 0 || strcmp(of, "old") == 0 || strcmp(of, s->table->name) == 0 : s->only;
}

static bool has_query(rh_json *node, void *data)
{
    (void)data;
    return rh_json_get(node, "SubLink") != NULL;
}

/* INSERT INTO t (column), UPDATE t SET column, in a statement of a rule or function. */
static bool assigns_column(rh_json *node, void *data)
{
    const search *s = data;
    rh_json *targets = rh_json_get(node, "cols");
    targets = targets ? targets : rh_json_get(node, "targetList");
    bool found = false;
    for (size_t i = 0; i < rh_json_count(targets); i++)
        found |= rh_tree_is(rh_json_path(rh_json_at(targets, i), "ResTarget"), "name", s->column);
    rh_json *relation = rh_json_get(node, "relation");
    return found && relation && rh_catalog_table_of(s->catalog, relation) == s->table;
}

static bool policy_uses(const rh_catalog_object *o, rh_json *body, search *s, bool own, rh_arena *arena)
{
    static const char *const parts[] = {"qual", "with_check"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        rh_json *part = rh_json_get(body, parts[i]);
        const bool query = rh_json_visit(part, has_query, NULL);
        s->only = own && (!query || !o->is_new); /* pg_dump qualifies the columns of a query */
        if (own && rh_json_visit(part, is_own_column, s))
            return true;
        s->only = false;
        s->ranges = NULL;
        s->range_count = 0;
        if (query)
            rh_tree_ranges(part, arena, &s->ranges, &s->range_count);
        if (query && rh_json_visit(part, is_column, s))
            return true;
    }
    return false;
}

static bool uses(const rh_catalog *catalog, const rh_catalog_object *o, const rh_catalog_table *table,
                 const char *column, rh_arena *arena)
{
    rh_json *body, *tree = strlen(o->sql) <= RH_PARSE_LIMIT ? rh_sql_parse(o->sql, NULL) : NULL;
    rh_tree_kind(tree, &body);
    search s = {.catalog = catalog, .table = table, .column = column, .only = true};
    const bool own =
        o->read_count && rh_relation_equal(o->reads[0], (rh_relation){table->schema, table->name});
    rh_json *actions =
        o->kind == RH_CATALOG_RULE ? rh_json_get(body, "actions") : rh_json_get(body, "sql_body");
    bool found = false;
    if (o->kind == RH_CATALOG_VIEW || o->kind == RH_CATALOG_MATVIEW)
        found = reads(catalog, rh_json_get(body, "query"), table, column, arena);
    else if (o->kind == RH_CATALOG_TRIGGER)
        found = own && (rh_tree_has_name(rh_json_get(body, "columns"), column) ||
                        rh_json_visit(rh_json_get(body, "whenClause"), is_own_column, &s));
    else if (o->kind == RH_CATALOG_POLICY)
        found = policy_uses(o, body, &s, own, arena);
    else if (o->kind == RH_CATALOG_GENERATED)
        found = own && strcmp(o->name, column) != 0 && rh_json_visit(body, is_own_column, &s);
    else if (o->kind == RH_CATALOG_RULE || o->kind == RH_CATALOG_FUNCTION) {
        s.only = false;
        found = (own && (rh_json_visit(actions, is_own_column, &s) ||
                         rh_json_visit(rh_json_get(body, "whereClause"), is_own_column, &s))) ||
                reads(catalog, actions, table, column, arena) || rh_json_visit(actions, assigns_column, &s);
    }
    rh_json_free(tree);
    return found;
}

bool rh_catalog_is_there(const rh_catalog *catalog, const rh_catalog_object *object)
{
    if (object->dropped || object->kind != RH_CATALOG_GENERATED || !object->read_count)
        return !object->dropped;
    const rh_catalog_table *table = rh_catalog_find(catalog, object->reads[0].schema, object->reads[0].name);
    const rh_catalog_column *column = table ? rh_catalog_column_of(table, object->name) : NULL;
    return column && column->unsupported == RH_UNSUPPORTED_GENERATED;
}

static bool is_gone(const char *const *gone, const char *name)
{
    return gone && rh_is_one_of(name, gone);
}

static const char *object_user(const rh_catalog *catalog, const rh_catalog_table *table, const char *column,
                               const char *const *gone, rh_arena *arena)
{
    for (size_t i = 0; i < catalog->object_count + catalog->other_count; i++) {
        const rh_catalog_object *o =
            i < catalog->object_count ? &catalog->objects[i] : &catalog->others[i - catalog->object_count];
        const bool names =
            (o->kind == RH_CATALOG_POLICY || o->kind == RH_CATALOG_RULE || o->kind == RH_CATALOG_FUNCTION) &&
            strcasestr(o->sql, table->name) && strcasestr(o->sql, column);
        bool on_table = names;
        for (size_t k = 0; k < o->read_count; k++)
            on_table |= rh_relation_equal(o->reads[k], (rh_relation){table->schema, table->name});
        if (on_table && rh_catalog_is_there(catalog, o) &&
            !(o->kind == RH_CATALOG_GENERATED && is_gone(gone, o->name)) &&
            uses(catalog, o, table, column, arena))
            return o->what;
    }
    return NULL;
}

/* ---- keys ---- */

static bool has_name(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static bool same_names(const char *const *a, size_t a_count, const char *const *b, size_t b_count)
{
    for (size_t i = 0; i < a_count; i++)
        if (!has_name(b, b_count, a[i]))
            return false;
    return a_count == b_count;
}

static bool is_unique(const rh_catalog_index *index)
{
    return index->constraint || (index->sql && strncasecmp(index->sql, "create unique", 13) == 0);
}

const char *rh_catalog_key_user(const rh_catalog *catalog, const rh_catalog_table *table,
                                const rh_catalog_index *index, const char *const *gone, rh_arena *arena)
{
    const char *const *columns = index->columns;
    for (size_t i = 0; i < table->index_count; i++)
        if (is_unique(&table->indexes[i]) && strcmp(table->indexes[i].name, index->name) != 0 &&
            same_names(table->indexes[i].columns, table->indexes[i].column_count, columns,
                       index->column_count))
            return NULL; /* which of both a foreign key depends on, is not known */
    for (size_t t = 0; is_unique(index) && t < catalog->table_count; t++) {
        const rh_catalog_table *other = catalog->tables[t];
        for (size_t i = 0; !other->dropped && i < other->constraint_count; i++) {
            const rh_catalog_constraint *k = &other->constraints[i];
            const bool key = k->column_count
                                 ? same_names(k->columns, k->column_count, columns, index->column_count)
                                 : index->constraint == 'p';
            if (k->kind == 'f' && key && rh_catalog_find(catalog, k->schema, k->target) == table &&
                !(other == table && is_gone(gone, k->name)))
                return rh_arena_printf(arena, "foreign key %s of %s", rh_identifier(k->name, arena),
                                       rh_catalog_name(other, arena));
        }
    }
    return NULL;
}

const char *rh_catalog_constraint_user(const rh_catalog *catalog, const rh_catalog_table *table,
                                       const char *name, const char *const *gone, rh_arena *arena)
{
    for (size_t i = 0; i < table->index_count; i++)
        if (table->indexes[i].constraint && strcmp(table->indexes[i].name, name) == 0)
            return rh_catalog_key_user(catalog, table, &table->indexes[i], gone, arena);
    return NULL;
}

/* ---- columns ---- */

/* A column of another table that has TABLE's rows as its type. */
static const char *row_user(const rh_catalog *catalog, const rh_catalog_table *table, rh_arena *arena)
{
    for (size_t t = 0; t < catalog->table_count; t++)
        for (size_t i = 0; !catalog->tables[t]->dropped && i < catalog->tables[t]->column_count; i++) {
            const rh_catalog_column *c = &catalog->tables[t]->columns[i];
            if (c->type_name.name && strcmp(c->type_name.name, table->name) == 0 &&
                rh_catalog_find(catalog, c->type_name.schema, c->type_name.name) == table)
                return rh_arena_printf(arena, "column %s of %s", rh_identifier(c->name, arena),
                                       rh_catalog_name(catalog->tables[t], arena));
        }
    return NULL;
}

const char *rh_catalog_column_user(const rh_catalog *catalog, const rh_catalog_table *table,
                                   const char *column, bool drops, const char *const *gone, rh_arena *arena)
{
    const char *user = object_user(catalog, table, column, gone, arena);
    const rh_catalog_column *c = rh_catalog_column_of(table, column);
    if (user || !drops)
        return user ? user : row_user(catalog, table, arena);
    for (size_t i = 0; !user && i < table->index_count; i++)
        if (has_name(table->indexes[i].columns, table->indexes[i].column_count, column))
            user = rh_catalog_key_user(catalog, table, &table->indexes[i], gone, arena);
    if (!user && c && c->sequence)
        user = rh_catalog_sequence_user(catalog, rh_relation_of(c->sequence, arena), table, column, arena);
    return user;
}
