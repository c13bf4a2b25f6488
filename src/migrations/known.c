#include "known.h"
#include "classify.h"
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/base/text.h"
#include "pieces.h"
#include <stdlib.h>
#include <string.h>

/* ---- looking up ---- */

rh_known_table *rh_known_find(const rh_known *known, const char *schema, const char *name)
{
    for (size_t i = known->table_count; name && i-- > 0;) {
        rh_known_table *t = known->tables[i];
        if (!t->dropped && strcmp(t->name, name) == 0 && strcmp(t->schema, schema ? schema : "public") == 0)
            return t;
    }
    return NULL;
}

rh_known_table *rh_known_table_of(const rh_known *known, rh_json *range_var)
{
    return rh_known_find(known, rh_json_string(rh_json_get(range_var, "schemaname")),
                         rh_json_string(rh_json_get(range_var, "relname")));
}

rh_known_column *rh_known_column_of(const rh_known_table *table, const char *name)
{
    for (size_t i = 0; name && i < table->column_count; i++)
        if (strcmp(table->columns[i].name, name) == 0)
            return &table->columns[i];
    return NULL;
}

const char *rh_known_key(const rh_known_table *table)
{
    for (size_t i = 0; i < table->index_count; i++)
        if (table->indexes[i].constraint == 'p')
            return table->indexes[i].column_count == 1 ? table->indexes[i].columns[0] : NULL;
    return NULL;
}

bool rh_known_index_uses(const rh_known_index *index, const char *column, rh_arena *arena)
{
    for (size_t i = 0; i < index->column_count; i++)
        if (strcmp(index->columns[i], column) == 0)
            return true;
    const char *list = index->sql ? strchr(index->sql, '(') : NULL;
    return list && rh_pieces_mention(list, column, arena);
}

const char *rh_known_name(const rh_known_table *table, rh_arena *arena)
{
    return rh_arena_printf(arena, "%s.%s", rh_tree_identifier(table->schema, arena),
                           rh_tree_identifier(table->name, arena));
}

void rh_known_begin_file(rh_known *known)
{
    for (size_t i = 0; i < known->table_count; i++) {
        known->tables[i]->constraint_dropped = NULL;
        for (size_t c = 0; c < known->tables[i]->column_count; c++)
            known->tables[i]->columns[c].default_dropped = false;
    }
}

/* ---- names in lists ---- */

static const char *part(rh_json *items, size_t index)
{
    return rh_json_string(rh_json_path(rh_json_at(items, index), "String.sval"));
}

/* The table that a list "[schema.]table[.last …]" names, LAST names behind it. */
static rh_known_table *table_in_list(const rh_known *known, rh_json *list, size_t last)
{
    rh_json *items = rh_json_path(list, "List.items");
    items = items ? items : list;
    const size_t count = rh_json_count(items);
    if (count < last + 1)
        return NULL;
    return rh_known_find(known, count > last + 1 ? part(items, count - last - 2) : NULL,
                         part(items, count - last - 1));
}

/* The index called SCHEMA.NAME, and its table. */
static rh_known_index *find_index(const rh_known *known, const char *schema, const char *name,
                                  rh_known_table **table)
{
    for (size_t i = 0; name && i < known->table_count; i++) {
        rh_known_table *t = known->tables[i];
        if (t->dropped || strcmp(t->schema, schema ? schema : "public") != 0)
            continue;
        for (size_t k = 0; k < t->index_count; k++)
            if (strcmp(t->indexes[k].name, name) == 0) {
                *table = t;
                return &t->indexes[k];
            }
    }
    return NULL;
}

/* ---- statements ---- */

static void add_object(rh_known *known, const char *what, const char *name, const char *sql)
{
    rh_known_object *object =
        rh_arena_add(known->arena, &known->objects, &known->object_count, sizeof *object);
    *object = (rh_known_object){.what = rh_arena_printf(known->arena, "%s %s", what, name ? name : "…"),
                                .sql = rh_arena_strdup(known->arena, sql)};
}

static void create_index(rh_known *known, const char *sql, rh_json *body)
{
    rh_arena *arena = known->arena;
    rh_known_table *t = rh_known_table_of(known, rh_json_get(body, "relation"));
    const char *name = rh_json_string(rh_json_get(body, "idxname"));
    if (!t)
        return;
    for (size_t i = 0; name && i < t->index_count; i++)
        if (strcmp(t->indexes[i].name, name) == 0)
            return; /* IF NOT EXISTS */
    rh_known_index *index = rh_arena_add(arena, &t->indexes, &t->index_count, sizeof *index);
    *index = (rh_known_index){.name = rh_arena_strdup(arena, name), .sql = rh_arena_strdup(arena, sql)};
    const char *columns = "";
    rh_json *elements = rh_json_get(body, "indexParams");
    for (size_t i = 0; i < rh_json_count(elements); i++) {
        const char *column = rh_json_string(rh_json_path(rh_json_at(elements, i), "IndexElem.name"));
        columns = rh_arena_printf(arena, "%s%s%s", columns, i ? "_" : "", column ? column : "expr");
        if (column) /* what a USING INDEX may make a constraint's */
            *(const char **)rh_arena_add(arena, &index->columns, &index->column_count, sizeof(char *)) =
                rh_arena_strdup(arena, column);
    }
    if (!name)
        index->name = rh_known_object_name(arena, t->name, columns, "idx");
}

static void drop_named(rh_known *known, rh_json *body)
{
    rh_json *objects = rh_json_get(body, "objects");
    for (size_t i = 0; i < rh_json_count(objects); i++) {
        rh_json *object = rh_json_at(objects, i);
        if (rh_tree_is(body, "removeType", "OBJECT_TABLE")) {
            rh_known_table *t = table_in_list(known, object, 0);
            if (t)
                t->dropped = true;
            continue;
        }
        if (rh_tree_is(body, "removeType", "OBJECT_INDEX")) {
            rh_known_table *t = NULL;
            rh_json *items = rh_json_path(object, "List.items");
            const size_t count = rh_json_count(items);
            rh_known_index *index = count ? find_index(known, count > 1 ? part(items, count - 2) : NULL,
                                                       part(items, count - 1), &t)
                                          : NULL;
            if (index)
                *index = t->indexes[--t->index_count];
            continue;
        }
        const char *name = rh_tree_last_name(object);
        name = name ? rh_tree_identifier(name, known->arena) : NULL;
        for (size_t k = 0; name && k < known->object_count; k++)
            if (rh_ends_with(known->objects[k].what, name))
                known->objects[k].dropped = true;
    }
}

static void rename_named(rh_known *known, rh_json *body)
{
    rh_arena *arena = known->arena;
    rh_json *relation = rh_json_get(body, "relation");
    const char *to = rh_arena_strdup(arena, rh_json_string(rh_json_get(body, "newname")));
    const char *from = rh_json_string(rh_json_get(body, "subname"));
    rh_known_table *t = rh_known_table_of(known, relation);
    if (rh_tree_is(body, "renameType", "OBJECT_INDEX")) {
        rh_known_index *index = find_index(known, rh_json_string(rh_json_get(relation, "schemaname")),
                                           rh_json_string(rh_json_get(relation, "relname")), &t);
        if (index)
            index->name = to;
        return;
    }
    if (!t || !to)
        return;
    if (rh_tree_is(body, "renameType", "OBJECT_TABLE"))
        t->name = to;
    else if (rh_tree_is(body, "renameType", "OBJECT_COLUMN")) {
        rh_known_column *c = from ? rh_known_column_of(t, from) : NULL;
        for (size_t i = 0; c && i < t->index_count; i++) {
            rh_known_index *index = &t->indexes[i];
            for (size_t k = 0; k < index->column_count; k++)
                if (strcmp(index->columns[k], from) == 0)
                    index->columns[k] = to;
            if (index->sql && strchr(index->sql, '('))
                index->sql = rh_pieces_rename(index->sql, (size_t)(strchr(index->sql, '(') - index->sql),
                                              NULL, from, rh_tree_identifier(to, arena), arena);
        }
        for (size_t i = 0; c && i < t->constraint_count; i++)
            t->constraints[i].definition = rh_pieces_rename(t->constraints[i].definition, 0, "references",
                                                            from, rh_tree_identifier(to, arena), arena);
        if (c)
            c->name = to;
    } else if (rh_tree_is(body, "renameType", "OBJECT_TABCONSTRAINT")) {
        for (size_t i = 0; from && i < t->constraint_count; i++)
            if (strcmp(t->constraints[i].name, from) == 0)
                t->constraints[i].name = to;
        for (size_t i = 0; from && i < t->index_count; i++)
            if (strcmp(t->indexes[i].name, from) == 0)
                t->indexes[i].name = to;
    }
}

static void comment(rh_known *known, rh_json *body)
{
    rh_json *object = rh_json_get(body, "object");
    const char *text = rh_json_string(rh_json_get(body, "comment"));
    const char *name = rh_tree_last_name(object);
    if (rh_tree_is(body, "objtype", "OBJECT_COLUMN")) {
        rh_known_table *t = table_in_list(known, object, 1);
        rh_known_column *c = t && name ? rh_known_column_of(t, name) : NULL;
        char *literal = text ? rh_pg_quote_literal(text) : NULL;
        if (c)
            c->comment = literal ? rh_arena_strdup(known->arena, literal + (*literal == ' ')) : NULL;
        free(literal);
    } else if (rh_tree_is(body, "objtype", "OBJECT_INDEX")) {
        rh_known_table *t = NULL;
        rh_json *items = rh_json_path(object, "List.items");
        rh_known_index *index = find_index(known, rh_json_count(items) > 1 ? part(items, 0) : NULL, name, &t);
        if (index && text)
            index->odd = "has a comment";
    } else if (rh_tree_is(body, "objtype", "OBJECT_TABCONSTRAINT")) {
        rh_known_table *t = table_in_list(known, object, 1);
        for (size_t i = 0; t && name && i < t->constraint_count; i++)
            if (strcmp(t->constraints[i].name, name) == 0 && text)
                t->constraints[i].odd = "has a comment";
        for (size_t i = 0; t && name && i < t->index_count; i++)
            if (strcmp(t->indexes[i].name, name) == 0 && text)
                t->indexes[i].odd = "has a comment";
    }
}

/* CREATE SEQUENCE … OWNED BY t.c, ALTER SEQUENCE … OWNED BY t.c */
static void own_sequence(rh_known *known, rh_json *body)
{
    rh_json *options = rh_json_get(body, "options");
    const char *sequence = rh_tree_relation(rh_json_get(body, "sequence"), known->arena);
    for (size_t i = 0; sequence && i < rh_json_count(options); i++) {
        rh_json *option = rh_json_get(rh_json_at(options, i), "DefElem");
        if (!rh_tree_is(option, "defname", "owned_by"))
            continue;
        rh_known_table *t = table_in_list(known, rh_json_get(option, "arg"), 1);
        const char *name = rh_tree_last_name(rh_json_get(option, "arg"));
        rh_known_column *c = t && name ? rh_known_column_of(t, name) : NULL;
        if (c)
            c->sequence = sequence;
    }
}

static void grant(rh_known *known, rh_json *body)
{
    rh_json *privileges = rh_json_get(body, "privileges"), *objects = rh_json_get(body, "objects");
    for (size_t i = 0; i < rh_json_count(privileges); i++) {
        rh_json *columns = rh_json_path(rh_json_at(privileges, i), "AccessPriv.cols");
        for (size_t k = 0; k < rh_json_count(columns); k++)
            for (size_t o = 0; o < rh_json_count(objects); o++) {
                rh_known_table *t = rh_known_table_of(known, rh_json_get(rh_json_at(objects, o), "RangeVar"));
                rh_known_column *c = t && part(columns, k) ? rh_known_column_of(t, part(columns, k)) : NULL;
                if (c)
                    c->odd = "has privileges of its own";
            }
    }
}

static void move_table(rh_known *known, rh_json *body)
{
    rh_known_table *t = rh_known_table_of(known, rh_json_get(body, "relation"));
    const char *schema = rh_json_string(rh_json_get(body, "newschema"));
    if (t && schema && rh_tree_is(body, "objectType", "OBJECT_TABLE"))
        t->schema = rh_arena_strdup(known->arena, schema);
}

/* What a DO block does is its own affair: the tables that it may alter are not known any more. */
static void distrust(rh_known *known, const char *sql)
{
    if (!strcasestr(sql, "alter") && !strcasestr(sql, "create") && !strcasestr(sql, "drop") &&
        !strcasestr(sql, "execute"))
        return;
    for (size_t i = 0; i < known->table_count; i++)
        if (!known->tables[i]->odd && strcasestr(sql, known->tables[i]->name))
            known->tables[i]->odd = "may have been changed by a DO block";
}

static void create_trigger(rh_known *known, const char *sql, rh_json *body)
{
    rh_known_table *t = rh_known_table_of(known, rh_json_get(body, "relation"));
    const char *name = rh_json_string(rh_json_get(body, "trigname"));
    if (!t || !name)
        return;
    *(const char **)rh_arena_add(known->arena, &t->triggers, &t->trigger_count, sizeof *t->triggers) =
        rh_tree_identifier(name, known->arena);
    add_object(known, "trigger", rh_tree_identifier(name, known->arena), sql);
}

void rh_known_learn_tree(rh_known *known, const char *sql, rh_json *tree)
{
    rh_json *body;
    const char *kind = rh_tree_kind(tree, &body);
    if (!kind)
        return;
    if (strcmp(kind, "CreateStmt") == 0)
        rh_known_create_table(known, sql, body);
    else if (strcmp(kind, "AlterTableStmt") == 0)
        rh_known_alter_table(known, sql, body);
    else if (strcmp(kind, "IndexStmt") == 0)
        create_index(known, sql, body);
    else if (strcmp(kind, "DropStmt") == 0)
        drop_named(known, body);
    else if (strcmp(kind, "RenameStmt") == 0)
        rename_named(known, body);
    else if (strcmp(kind, "CommentStmt") == 0)
        comment(known, body);
    else if (strcmp(kind, "CreateSeqStmt") == 0 || strcmp(kind, "AlterSeqStmt") == 0)
        own_sequence(known, body);
    else if (strcmp(kind, "GrantStmt") == 0)
        grant(known, body);
    else if (strcmp(kind, "AlterObjectSchemaStmt") == 0)
        move_table(known, body);
    else if (strcmp(kind, "CreateTrigStmt") == 0)
        create_trigger(known, sql, body);
    else if (strcmp(kind, "ViewStmt") == 0)
        add_object(known, "view", rh_tree_relation(rh_json_get(body, "view"), known->arena), sql);
    else if (strcmp(kind, "CreateTableAsStmt") == 0 && rh_tree_is(body, "objtype", "OBJECT_MATVIEW"))
        add_object(known, "materialized view", rh_tree_relation(rh_json_path(body, "into.rel"), known->arena),
                   sql);
    else if (strcmp(kind, "RuleStmt") == 0)
        add_object(known, "rule", rh_json_string(rh_json_get(body, "rulename")), sql);
    else if (strcmp(kind, "CreatePolicyStmt") == 0)
        add_object(known, "policy", rh_json_string(rh_json_get(body, "policy_name")), sql);
    else if (strcmp(kind, "CreateStatsStmt") == 0)
        add_object(known, "statistics", rh_tree_name(rh_json_get(body, "defnames"), known->arena), sql);
    else if (strcmp(kind, "DoStmt") == 0)
        distrust(known, sql);
}

void rh_known_learn(rh_known *known, const char *sql)
{
    if (strlen(sql) > RH_PARSE_LIMIT)
        return;
    rh_json *tree = rh_sql_parse(sql, NULL);
    rh_known_learn_tree(known, sql, tree);
    rh_json_free(tree);
}
