/* CREATE TABLE: its columns, their constraints and the indexes that come with them. */
#include "tables.h"
#include "pgrehearse/sql/catalog.h"
#include "objects.h"
#include "pgrehearse/sql/tree.h"
#include <string.h>

const char *rh_catalog_trimmed(const char *sql, size_t from, size_t to, rh_arena *arena)
{
    while (from < to && strchr(" \t\r\n", sql[from]))
        from++;
    while (to > from && strchr(" \t\r\n", sql[to - 1]))
        to--;
    return rh_arena_strndup(arena, sql + from, to - from);
}

static void make_serial(rh_catalog *catalog, rh_catalog_table *t, rh_catalog_column *c)
{
    const rh_serial *serial = c->type_name.schema ? NULL : rh_catalog_serial(c->type_name.name);
    if (!serial)
        return;
    const char *name =
        rh_identifier(rh_catalog_object_name(catalog->arena, t->name, c->name, "seq"), catalog->arena);
    c->type = serial->type;
    c->not_null = true;
    c->sequence = rh_arena_printf(catalog->arena, "%s.%s", rh_identifier(t->schema, catalog->arena), name);
    c->value = rh_arena_printf(catalog->arena, "nextval('%s')", c->sequence);
}

void rh_catalog_make_identity(rh_catalog *catalog, const rh_catalog_table *t, rh_catalog_column *c,
                              rh_json *body)
{
    rh_arena *arena = catalog->arena;
    rh_json *options = rh_json_get(body, "options");
    const char *name = NULL;
    c->unsupported = RH_UNSUPPORTED_IDENTITY;
    for (size_t i = 0; i < rh_json_count(options); i++) {
        rh_json *option = rh_json_get(rh_json_at(options, i), "DefElem");
        if (rh_tree_is(option, "defname", "sequence_name"))
            name = rh_tree_name(rh_json_get(option, "arg"), arena);
    }
    if (!name)
        name = rh_arena_printf(arena, "%s.%s", rh_identifier(t->schema, arena),
                               rh_identifier(rh_catalog_free_name(catalog, t, c->name, "seq"), arena));
    c->sequence = name;
    const rh_relation ref = rh_relation_of(name, arena);
    rh_catalog_add_sequence(catalog, ref, t);
}

/* One constraint of a column; WORDS with CONSTRAINT and its name. */
static void column_constraint(rh_catalog *catalog, rh_catalog_table *t, size_t at, rh_json *body,
                              const char *words)
{
    rh_catalog_column *c = &t->columns[at];
    const char *type = rh_json_string(rh_json_get(body, "contype"));
    const char *definition = rh_clauses_definition(words, catalog->arena);
    if (!type)
        return;
    if (strcmp(type, "CONSTR_NOTNULL") == 0)
        c->not_null = true;
    else if (strcmp(type, "CONSTR_DEFAULT") == 0)
        c->value = rh_catalog_trimmed(definition, strlen("default"), strlen(definition), catalog->arena);
    else if (strcmp(type, "CONSTR_IDENTITY") == 0)
        rh_catalog_make_identity(catalog, t, c, body);
    else if (strcmp(type, "CONSTR_GENERATED") == 0) {
        c->unsupported = RH_UNSUPPORTED_GENERATED;
        rh_catalog_add_generated(catalog, t, c->name, words);
    } else
        rh_catalog_add_constraint(catalog, t, body, words, c);
}

rh_relation rh_catalog_copied_ref(rh_relation ref, rh_arena *arena)
{
    return (rh_relation){rh_arena_strdup(arena, ref.schema), rh_arena_strdup(arena, ref.name)};
}

void rh_catalog_add_column(rh_catalog *catalog, rh_catalog_table *t, const char *sql, rh_json *definition,
                           size_t end)
{
    rh_arena *arena = catalog->arena;
    rh_json *constraints = rh_json_get(definition, "constraints");
    const char *name = rh_json_string(rh_json_get(definition, "colname"));
    if (!name || rh_catalog_column_of(t, name))
        return;
    const size_t at = t->column_count;
    rh_catalog_column *c = rh_arena_add(arena, &t->columns, &t->column_count);
    *c = (rh_catalog_column){.name = rh_arena_strdup(arena, name)};
    c->type_name =
        rh_catalog_copied_ref(rh_catalog_ref_of(rh_json_path(definition, "typeName.names"), 0), arena);
    c->of_type =
        rh_catalog_type_of(rh_json_get(definition, "typeName"), rh_json_get(definition, "collClause"), arena);
    int64_t type_at = rh_json_int(rh_json_path(definition, "typeName.location"));
    int64_t first = rh_json_count(constraints)
                        ? rh_json_int(rh_json_path(rh_json_at(constraints, 0), "Constraint.location"))
                        : (int64_t)end;
    c->type =
        type_at > 0 && first > type_at ? rh_catalog_trimmed(sql, (size_t)type_at, (size_t)first, arena) : "";
    make_serial(catalog, t, c);
    for (size_t i = 0; i < rh_json_count(constraints); i++)
        column_constraint(catalog, t, at, rh_json_get(rh_json_at(constraints, i), "Constraint"),
                          rh_clauses_constraint(sql, constraints, i, end, arena));
}

/* A temporary table may hide another one of its name. */
static bool is_there(const rh_catalog *catalog, rh_json *relation)
{
    if (rh_tree_is(relation, "relpersistence", "t"))
        return rh_catalog_find(catalog, "pg_temp", rh_json_string(rh_json_get(relation, "relname"))) != NULL;
    const char *schema = rh_json_string(rh_json_get(relation, "schemaname"));
    return rh_catalog_find(catalog, schema ? schema : rh_catalog_schema(catalog),
                           rh_json_string(rh_json_get(relation, "relname"))) != NULL;
}

static void read_parents(rh_catalog *catalog, rh_catalog_table *t, rh_json *body)
{
    rh_json *parents = rh_json_get(body, "inhRelations");
    for (size_t i = 0; i < rh_json_count(parents); i++)
        rh_catalog_add_parent(catalog, t,
                              rh_catalog_table_of(catalog, rh_json_get(rh_json_at(parents, i), "RangeVar")));
    t->is_partition = rh_json_get(body, "partbound") != NULL;
    t->is_default = rh_json_bool(rh_json_path(body, "partbound.is_default"));
}

void rh_catalog_create_table(rh_catalog *catalog, const char *sql, rh_json *body)
{
    rh_json *relation = rh_json_get(body, "relation"), *elements = rh_json_get(body, "tableElts");
    if (!rh_json_string(rh_json_get(relation, "relname")) || is_there(catalog, relation))
        return;
    rh_catalog_table *t = rh_catalog_add_table(catalog, relation);
    rh_clauses pieces;
    t->unlogged = rh_tree_is(relation, "relpersistence", "u");
    t->tablespace = rh_arena_strdup(catalog->arena, rh_json_string(rh_json_get(body, "tablespacename")));
    t->access_method = rh_arena_strdup(catalog->arena, rh_json_string(rh_json_get(body, "accessMethod")));
    if (t->unsupported)
        return; /* temporary */
    read_parents(catalog, t, body);
    t->is_partitioned = rh_json_get(body, "partspec") != NULL;
    if (t->is_partitioned)
        t->unsupported = RH_UNSUPPORTED_PARTITIONED;
    else if (rh_json_get(body, "partbound"))
        t->unsupported = RH_UNSUPPORTED_PARTITION;
    else if (rh_json_count(rh_json_get(body, "inhRelations")))
        t->unsupported = RH_UNSUPPORTED_INHERITS;
    else if (rh_json_get(body, "ofTypename"))
        t->unsupported = RH_UNSUPPORTED_TYPED;
    rh_json *parent = rh_json_get(rh_json_at(rh_json_get(body, "inhRelations"), 0), "RangeVar");
    rh_catalog_table *above = rh_catalog_table_of(catalog, parent);
    if (above && !above->unsupported)
        above->unsupported = RH_UNSUPPORTED_HAS_CHILDREN;
    if (rh_json_count(elements) == 0)
        return;
    if (!rh_clauses_of_create_table(sql, body, catalog->arena, &pieces)) {
        t->unsupported = t->unsupported ? t->unsupported : RH_UNSUPPORTED_NOT_PARSED;
        return;
    }
    for (size_t pass = 0; pass < 2; pass++) /* columns first: constraints speak of them */
        for (size_t i = 0; i < pieces.count; i++) {
            rh_json *element = rh_json_at(elements, i);
            rh_json *column = rh_json_get(element, "ColumnDef");
            rh_json *constraint = rh_json_get(element, "Constraint");
            if (pass == 0 && column)
                rh_catalog_add_column(catalog, t, sql, column, pieces.offsets[i] + strlen(pieces.words[i]));
            else if (pass == 1 && constraint)
                rh_catalog_add_constraint(catalog, t, constraint, pieces.words[i], NULL);
            else if (!column && !constraint)
                t->unsupported = RH_UNSUPPORTED_LIKE;
        }
}
