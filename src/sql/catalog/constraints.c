/* Constraints of a table, and the names that PostgreSQL gives them. */
#include "tables.h"
#include "pgrehearse/sql/catalog.h"
#include "pgrehearse/sql/tree.h"
#include <string.h>

const char *rh_catalog_object_name(rh_arena *arena, const char *table, const char *columns, const char *label)
{
    enum { NAME = 63 };
    const size_t room = NAME - strlen(label) - (*columns ? 2 : 1);
    size_t a = strlen(table), b = strlen(columns);
    while (a + b > room) /* as makeObjectName does: the longer one gives way */
        *(a > b ? &a : &b) -= 1;
    while (a > 0 && ((unsigned char)table[a] & 0xC0) == 0x80) /* never through a character */
        a--;
    while (b > 0 && ((unsigned char)columns[b] & 0xC0) == 0x80)
        b--;
    return rh_arena_printf(arena, "%.*s%s%.*s_%s", (int)a, table, b ? "_" : "", (int)b, columns, label);
}

static bool is_taken(const rh_catalog *catalog, const char *schema, const char *name)
{
    for (size_t i = 0; i < catalog->table_count; i++) {
        const rh_catalog_table *t = catalog->tables[i];
        if (t->dropped || strcmp(t->schema, schema) != 0)
            continue;
        bool taken = strcmp(t->name, name) == 0;
        for (size_t k = 0; k < t->index_count && !taken; k++)
            taken = strcmp(t->indexes[k].name, name) == 0;
        for (size_t k = 0; k < t->constraint_count && !taken; k++)
            taken = t->constraints[k].name && strcmp(t->constraints[k].name, name) == 0;
        if (taken)
            return true;
    }
    const unsigned relations = 1u << RH_CATALOG_VIEW | 1u << RH_CATALOG_MATVIEW | 1u << RH_CATALOG_SEQUENCE;
    return rh_catalog_find_object(catalog, relations, schema, name) != NULL;
}

const char *rh_catalog_free_name(const rh_catalog *catalog, const rh_catalog_table *table,
                                 const char *columns, const char *label)
{
    const char *name = rh_catalog_object_name(catalog->arena, table->name, columns, label);
    for (int n = 1; is_taken(catalog, table->schema, name); n++)
        name = rh_catalog_object_name(catalog->arena, table->name, columns,
                                      rh_arena_printf(catalog->arena, "%s%d", label, n));
    return name;
}

static void read_names(rh_json *list, rh_arena *arena, const char ***names, size_t *count)
{
    for (size_t i = 0; i < rh_json_count(list); i++)
        *rh_arena_add(arena, names, count) = rh_arena_strdup(arena, rh_tree_name_at(list, i));
}

static const char *joined(const char *const *names, size_t count, rh_arena *arena)
{
    const char *text = "";
    for (size_t i = 0; i < count; i++)
        text = rh_arena_printf(arena, "%s%s%s", text, i ? "_" : "", names[i]);
    return text;
}

typedef struct references {
    const char *column; /* the last one */
    bool several;
} references;

static bool note_reference(rh_json *node, void *data)
{
    references *r = data;
    const char *name = rh_tree_last_name(rh_json_path(node, "ColumnRef.fields"));
    r->several |= name && r->column && strcmp(r->column, name) != 0;
    r->column = name ? name : r->column;
    return false;
}

const char *rh_catalog_check_column(rh_json *constraint)
{
    references r = {0};
    rh_json_visit(rh_json_get(constraint, "raw_expr"), note_reference, &r);
    return r.column && !r.several ? r.column : "";
}

static const char *without_not_valid(const char *definition, rh_arena *arena)
{
    rh_sql_token *tokens = NULL;
    size_t count = 0;
    if (rh_clauses_scan(definition, arena, &tokens, &count) && count > 2 &&
        rh_sql_token_is(definition, &tokens[count - 1], "valid") &&
        rh_sql_token_is(definition, &tokens[count - 2], "not"))
        return rh_arena_strndup(arena, definition, tokens[count - 3].end);
    return definition;
}

/* ON DELETE or ON UPDATE of a foreign key. */
static char action_of(rh_json *body, const char *key)
{
    const char *action = rh_json_string(rh_json_get(body, key));
    return action && *action ? *action : 'a';
}

void rh_catalog_add_constraint(rh_catalog *catalog, rh_catalog_table *t, rh_json *body, const char *words,
                               rh_catalog_column *column)
{
    rh_arena *arena = catalog->arena;
    const char *type = rh_json_string(rh_json_get(body, "contype"));
    const char *name = rh_arena_strdup(arena, rh_json_string(rh_json_get(body, "conname")));
    const bool primary = rh_tree_is(body, "contype", "CONSTR_PRIMARY");
    if (!type)
        return;
    if (primary || strcmp(type, "CONSTR_UNIQUE") == 0) {
        rh_catalog_index *index = rh_arena_add(arena, &t->indexes, &t->index_count);
        *index = (rh_catalog_index){.constraint = primary ? 'p' : 'u'};
        read_names(rh_json_get(body, "keys"), arena, &index->columns, &index->column_count);
        if (column && index->column_count == 0)
            *rh_arena_add(arena, &index->columns, &index->column_count) = column->name;
        const char *columns = primary ? "" : joined(index->columns, index->column_count, arena);
        index->name = name ? name : ""; /* until it has one of its own */
        if (!name)
            index->name = rh_catalog_free_name(catalog, t, columns, primary ? "pkey" : "key");
        if (rh_json_get(body, "including") || rh_json_get(body, "options") ||
            rh_json_get(body, "deferrable") || rh_json_get(body, "nulls_not_distinct"))
            index->unsupported = RH_UNSUPPORTED_INDEX_OPTIONS;
        for (size_t i = 0; primary && i < index->column_count; i++) {
            rh_catalog_column *c = rh_catalog_column_of(t, index->columns[i]);
            if (c)
                c->not_null = true;
        }
        return;
    }
    const bool check = strcmp(type, "CONSTR_CHECK") == 0, foreign = strcmp(type, "CONSTR_FOREIGN") == 0;
    if (!check && !foreign && strcmp(type, "CONSTR_EXCLUSION") != 0)
        return;
    rh_catalog_constraint *c = rh_arena_add(arena, &t->constraints, &t->constraint_count);
    *c = (rh_catalog_constraint){.kind = check     ? 'c'
                                         : foreign ? 'f'
                                                   : 'x',
                                 .valid = !rh_json_bool(rh_json_get(body, "skip_validation"))};
    c->definition = without_not_valid(rh_clauses_definition(words, arena), arena);
    const char **own = NULL;
    size_t own_count = 0;
    read_names(rh_json_get(body, "fk_attrs"), arena, &own, &own_count);
    const char *columns = own_count ? joined(own, own_count, arena) : column ? column->name : "";
    c->name = name ? name
                   : rh_catalog_free_name(catalog, t, check ? rh_catalog_check_column(body) : columns,
                                          check     ? "check"
                                          : foreign ? "fkey"
                                                    : "excl");
    if (!foreign)
        return;
    if (column)
        c->definition =
            rh_arena_printf(arena, "FOREIGN KEY (%s) %s", rh_identifier(column->name, arena), c->definition);
    c->schema = rh_arena_strdup(arena, rh_json_string(rh_json_path(body, "pktable.schemaname")));
    c->target = rh_arena_strdup(arena, rh_json_string(rh_json_path(body, "pktable.relname")));
    c->on_delete = action_of(body, "fk_del_action");
    c->on_update = action_of(body, "fk_upd_action");
    read_names(rh_json_get(body, "pk_attrs"), arena, &c->columns, &c->column_count);
}
