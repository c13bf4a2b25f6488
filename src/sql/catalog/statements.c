/* Applies the effect of a statement to the catalog. */
#include "pgrehearse/sql/catalog.h"
#include "pgrehearse/sql/classify.h"
#include "objects.h"
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/sql/tree.h"
#include <stdlib.h>
#include <string.h>

/* The table that a list "[schema.]table[.last …]" names, LAST names behind it. */
static rh_catalog_table *table_in_list(const rh_catalog *catalog, rh_json *list, size_t last)
{
    const rh_relation ref = rh_catalog_ref_of(list, last);
    return rh_catalog_find(catalog, ref.schema, ref.name);
}

static void create_index(rh_catalog *catalog, const char *sql, rh_json *body)
{
    rh_arena *arena = catalog->arena;
    rh_catalog_table *t = rh_catalog_table_of(catalog, rh_json_get(body, "relation"));
    const char *name = rh_json_string(rh_json_get(body, "idxname"));
    if (!t) {
        rh_catalog_add_view_index(catalog, rh_catalog_range_ref(rh_json_get(body, "relation")), name, sql);
        return;
    }
    for (size_t i = 0; name && i < t->index_count; i++)
        if (strcmp(t->indexes[i].name, name) == 0)
            return; /* IF NOT EXISTS */
    rh_catalog_index *index = rh_arena_add(arena, &t->indexes, &t->index_count);
    *index = (rh_catalog_index){.name = rh_arena_strdup(arena, name), .sql = rh_arena_strdup(arena, sql)};
    const char *columns = "";
    rh_json *elements = rh_json_get(body, "indexParams");
    for (size_t i = 0; i < rh_json_count(elements); i++) {
        const char *column = rh_json_string(rh_json_path(rh_json_at(elements, i), "IndexElem.name"));
        columns = rh_arena_printf(arena, "%s%s%s", columns, i ? "_" : "", column ? column : "expr");
        if (column) /* what a USING INDEX may make a constraint's */
            *rh_arena_add(arena, &index->columns, &index->column_count) = rh_arena_strdup(arena, column);
    }
    if (!name) {
        index->name = "";
        index->name = rh_catalog_free_name(catalog, t, columns, "idx");
    }
}

static void drop_table(rh_catalog *catalog, rh_json *object)
{
    rh_catalog_table *t = table_in_list(catalog, object, 0);
    if (!t)
        return;
    t->dropped = true;
    rh_catalog_drop_readers(catalog, t->schema, t->name);
    for (size_t i = 0; i < t->column_count; i++) {
        const rh_relation ref = rh_relation_of(t->columns[i].sequence, catalog->arena);
        rh_catalog_object *sequence =
            rh_catalog_find_object(catalog, 1u << RH_CATALOG_SEQUENCE, ref.schema, ref.name);
        if (sequence)
            sequence->dropped = true;
    }
    for (size_t i = 0; i < catalog->table_count; i++) /* its partitions go with it */
        for (size_t k = 0; k < catalog->tables[i]->parent_count; k++)
            catalog->tables[i]->dropped |= catalog->tables[i]->parents[k] == t;
}

static void drop_index(rh_catalog *catalog, rh_json *object)
{
    const rh_relation ref = rh_catalog_ref_of(object, 0);
    rh_catalog_index *index = NULL;
    rh_catalog_table *t = rh_catalog_table_of_index(catalog, ref.schema, ref.name, &index);
    rh_catalog_object *of_view =
        t ? NULL : rh_catalog_find_object(catalog, 1u << RH_CATALOG_INDEX, ref.schema, ref.name);
    if (t)
        *index = t->indexes[--t->index_count];
    if (of_view)
        of_view->dropped = true;
}

static void drop_named(rh_catalog *catalog, rh_json *body)
{
    rh_json *objects = rh_json_get(body, "objects");
    const bool tables = rh_tree_is(body, "removeType", "OBJECT_TABLE"),
               indexes = rh_tree_is(body, "removeType", "OBJECT_INDEX");
    for (size_t i = 0; (tables || indexes) && i < rh_json_count(objects); i++)
        (tables ? drop_table : drop_index)(catalog, rh_json_at(objects, i));
    if (!tables && !indexes)
        rh_catalog_drop_objects(catalog, body);
}

static void rename_named(rh_catalog *catalog, rh_json *body)
{
    rh_arena *arena = catalog->arena;
    rh_json *relation = rh_json_get(body, "relation");
    const char *to = rh_arena_strdup(arena, rh_json_string(rh_json_get(body, "newname")));
    const char *from = rh_json_string(rh_json_get(body, "subname"));
    rh_catalog_table *t = rh_catalog_table_of(catalog, relation);
    if (rh_tree_is(body, "renameType", "OBJECT_INDEX")) {
        rh_catalog_index *index = NULL;
        if (rh_catalog_table_of_index(catalog, rh_json_string(rh_json_get(relation, "schemaname")),
                                      rh_json_string(rh_json_get(relation, "relname")), &index))
            index->name = to;
        else
            rh_catalog_rename_object(catalog, body);
        return;
    }
    if (!t || !to) {
        rh_catalog_rename_object(catalog, body);
        return;
    }
    if (rh_tree_is(body, "renameType", "OBJECT_TABLE")) {
        const rh_relation old = {t->schema, t->name};
        rh_catalog_rehash(catalog, t, to);
        rh_catalog_moved(catalog, old, (rh_relation){t->schema, to});
    } else if (rh_tree_is(body, "renameType", "OBJECT_COLUMN")) {
        rh_catalog_column *c = from ? rh_catalog_column_of(t, from) : NULL;
        for (size_t i = 0; c && i < t->index_count; i++) {
            rh_catalog_index *index = &t->indexes[i];
            for (size_t k = 0; k < index->column_count; k++)
                if (strcmp(index->columns[k], from) == 0)
                    index->columns[k] = to;
            if (index->sql && strchr(index->sql, '('))
                index->sql = rh_clauses_rename(index->sql, (size_t)(strchr(index->sql, '(') - index->sql),
                                               NULL, from, rh_identifier(to, arena), arena);
        }
        for (size_t i = 0; c && i < t->constraint_count; i++)
            t->constraints[i].definition = rh_clauses_rename(t->constraints[i].definition, 0, "references",
                                                             from, rh_identifier(to, arena), arena);
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

static void comment(rh_catalog *catalog, rh_json *body)
{
    rh_json *object = rh_json_get(body, "object");
    const char *text = rh_json_string(rh_json_get(body, "comment"));
    const char *name = rh_tree_last_name(object);
    if (rh_tree_is(body, "objtype", "OBJECT_COLUMN")) {
        rh_catalog_table *t = table_in_list(catalog, object, 1);
        rh_catalog_column *c = t && name ? rh_catalog_column_of(t, name) : NULL;
        char *literal = text ? rh_pg_quote_literal(text) : NULL;
        if (c)
            c->comment = literal ? rh_arena_strdup(catalog->arena, literal + (*literal == ' ')) : NULL;
        free(literal);
    } else if (rh_tree_is(body, "objtype", "OBJECT_INDEX")) {
        const rh_relation ref = rh_catalog_ref_of(object, 0);
        rh_catalog_index *index = NULL;
        if (rh_catalog_table_of_index(catalog, ref.schema, ref.name, &index) && text)
            index->unsupported = RH_UNSUPPORTED_COMMENT;
    } else if (rh_tree_is(body, "objtype", "OBJECT_TABCONSTRAINT")) {
        rh_catalog_table *t = table_in_list(catalog, object, 1);
        for (size_t i = 0; t && name && i < t->constraint_count; i++)
            if (strcmp(t->constraints[i].name, name) == 0 && text)
                t->constraints[i].unsupported = RH_UNSUPPORTED_COMMENT;
        for (size_t i = 0; t && name && i < t->index_count; i++)
            if (strcmp(t->indexes[i].name, name) == 0 && text)
                t->indexes[i].unsupported = RH_UNSUPPORTED_COMMENT;
    }
}

/* CREATE SEQUENCE … OWNED BY t.c, ALTER SEQUENCE … OWNED BY t.c */
static void own_sequence(rh_catalog *catalog, rh_json *body)
{
    rh_json *options = rh_json_get(body, "options");
    const char *sequence = rh_tree_relation(rh_json_get(body, "sequence"), catalog->arena);
    for (size_t i = 0; sequence && i < rh_json_count(options); i++) {
        rh_json *option = rh_json_get(rh_json_at(options, i), "DefElem");
        if (!rh_tree_is(option, "defname", "owned_by"))
            continue;
        rh_catalog_table *t = table_in_list(catalog, rh_json_get(option, "arg"), 1);
        const char *name = rh_tree_last_name(rh_json_get(option, "arg"));
        rh_catalog_column *c = t && name ? rh_catalog_column_of(t, name) : NULL;
        if (c)
            c->sequence = sequence;
    }
}

static void grant(rh_catalog *catalog, rh_json *body)
{
    rh_json *privileges = rh_json_get(body, "privileges"), *objects = rh_json_get(body, "objects");
    for (size_t i = 0; i < rh_json_count(privileges); i++) {
        rh_json *columns = rh_json_path(rh_json_at(privileges, i), "AccessPriv.cols");
        for (size_t k = 0; k < rh_json_count(columns); k++)
            for (size_t o = 0; o < rh_json_count(objects); o++) {
                rh_catalog_table *t =
                    rh_catalog_table_of(catalog, rh_json_get(rh_json_at(objects, o), "RangeVar"));
                rh_catalog_column *c = t && rh_tree_name_at(columns, k)
                                           ? rh_catalog_column_of(t, rh_tree_name_at(columns, k))
                                           : NULL;
                if (c)
                    c->unsupported = RH_UNSUPPORTED_PRIVILEGES;
            }
    }
}

static void move_table(rh_catalog *catalog, rh_json *body)
{
    rh_catalog_table *t = rh_catalog_table_of(catalog, rh_json_get(body, "relation"));
    const char *schema = rh_json_string(rh_json_get(body, "newschema"));
    if (!t || !schema || !rh_tree_is(body, "objectType", "OBJECT_TABLE")) {
        rh_catalog_rename_object(catalog, body);
        return;
    }
    const rh_relation from = {t->schema, t->name};
    t->schema = rh_arena_strdup(catalog->arena, schema);
    rh_catalog_moved(catalog, from, (rh_relation){t->schema, t->name});
}

/* What a DO block does is its own affair: the tables that it may alter are not known any more. */
static void distrust(rh_catalog *catalog, const char *sql)
{
    if (!strcasestr(sql, "alter") && !strcasestr(sql, "create") && !strcasestr(sql, "drop") &&
        !strcasestr(sql, "execute"))
        return;
    for (size_t i = 0; i < catalog->table_count; i++)
        if (!catalog->tables[i]->unsupported && strcasestr(sql, catalog->tables[i]->name))
            catalog->tables[i]->unsupported = RH_UNSUPPORTED_DO_BLOCK;
}

/* CREATE TABLE AS, SELECT INTO: its columns are those of a query. */
static void create_from_query(rh_catalog *catalog, rh_json *range_var)
{
    if (!rh_json_string(rh_json_get(range_var, "relname")) || rh_catalog_table_of(catalog, range_var))
        return;
    rh_catalog_table *t = rh_catalog_add_table(catalog, range_var);
    t->unsupported = t->unsupported ? t->unsupported : RH_UNSUPPORTED_QUERY;
    t->filled = t->is_new;
}

/* Rows that a statement inserts into a new table: their number is known only for a list of values. */
static void fill(rh_catalog *catalog, rh_json *body, bool many)
{
    rh_catalog_table *t = rh_catalog_table_of(catalog, rh_json_get(body, "relation"));
    if (t && many)
        t->filled = true;
}

void rh_catalog_learn_tree(rh_catalog *catalog, const char *sql, rh_json *tree)
{
    rh_json *body;
    const char *kind = rh_tree_kind(tree, &body);
    if (!kind)
        return;
    if (strcmp(kind, "CreateStmt") == 0)
        rh_catalog_create_table(catalog, sql, body);
    else if (strcmp(kind, "AlterTableStmt") == 0)
        rh_catalog_alter_table(catalog, sql, body);
    else if (strcmp(kind, "IndexStmt") == 0)
        create_index(catalog, sql, body);
    else if (strcmp(kind, "DropStmt") == 0)
        drop_named(catalog, body);
    else if (strcmp(kind, "RenameStmt") == 0)
        rename_named(catalog, body);
    else if (strcmp(kind, "CommentStmt") == 0)
        comment(catalog, body);
    else if (strcmp(kind, "GrantStmt") == 0)
        grant(catalog, body);
    else if (strcmp(kind, "AlterObjectSchemaStmt") == 0)
        move_table(catalog, body);
    else if (strcmp(kind, "CreateTableAsStmt") == 0 && rh_tree_is(body, "objtype", "OBJECT_TABLE"))
        create_from_query(catalog, rh_json_path(body, "into.rel"));
    else if (strcmp(kind, "SelectStmt") == 0)
        create_from_query(catalog, rh_json_path(body, "intoClause.rel"));
    else if (strcmp(kind, "InsertStmt") == 0)
        fill(catalog, body, !rh_json_path(body, "selectStmt.SelectStmt.valuesLists"));
    else if (strcmp(kind, "CopyStmt") == 0)
        fill(catalog, body, rh_json_bool(rh_json_get(body, "is_from")));
    else if (strcmp(kind, "DoStmt") == 0)
        distrust(catalog, sql);
    else
        rh_catalog_learn_object(catalog, sql, kind, body);
    if (strcmp(kind, "CreateSeqStmt") == 0 || strcmp(kind, "AlterSeqStmt") == 0)
        own_sequence(catalog, body);
    if (strcmp(kind, "CreateTableAsStmt") == 0)
        rh_catalog_learn_object(catalog, sql, kind, body);
}

/* CREATE TABLE that does not parse: adds the table with its name alone. */
static void learn_unparsed_table(rh_catalog *catalog, const char *sql)
{
    rh_sql_token *tokens = NULL;
    size_t count = 0, at = 2;
    rh_clauses_scan(sql, catalog->arena, &tokens, &count);
    if (count < 4 || !rh_sql_token_is(sql, &tokens[0], "create") ||
        !rh_sql_token_is(sql, &tokens[1], "table"))
        return;
    if (count > 6 && rh_sql_token_is(sql, &tokens[at], "if"))
        at += 3;
    const size_t start = tokens[at].start;
    while (at + 2 < count && tokens[at + 1].kind[0] == '.')
        at += 2;
    const char *made = rh_arena_printf(catalog->arena, "CREATE TABLE IF NOT EXISTS %.*s ()",
                                       (int)(tokens[at].end - start), sql + start);
    const size_t before = catalog->table_count;
    rh_catalog_learn(catalog, made);
    if (catalog->table_count == before)
        return;
    catalog->tables[before]->unsupported = RH_UNSUPPORTED_CREATED;
    catalog->tables[before]->filled = catalog->tables[before]->is_new;
}

void rh_catalog_learn_migration(rh_catalog *catalog, const char *sql, rh_json *tree)
{
    rh_json *body = rh_tree_body(tree, "AlterTableStmt"), *range = rh_json_get(body, "relation");
    if (!tree || (rh_tree_body(tree, "DoStmt") && (strcasestr(sql, "create") || strcasestr(sql, "execute"))))
        catalog->complete = false; /* its objects are not known */
    if (!tree)
        learn_unparsed_table(catalog, sql);
    const rh_relation ref = rh_catalog_range_ref(range);
    if (body && rh_tree_is(body, "objtype", "OBJECT_TABLE") && ref.name &&
        !rh_catalog_table_of(catalog, range) && !rh_catalog_find_object(catalog, ~0u, ref.schema, ref.name)) {
        rh_catalog_table *guess = rh_catalog_add_table(catalog, range);
        guess->unsupported = RH_UNSUPPORTED_NOT_IN_BACKUP;
        guess->guessed = true;
        guess->is_new = false;
    }
    rh_catalog_learn_tree(catalog, sql, tree);
}

void rh_catalog_learn(rh_catalog *catalog, const char *sql)
{
    if (strlen(sql) > RH_PARSE_LIMIT)
        return;
    rh_json *tree = rh_sql_parse(sql, NULL);
    rh_catalog_learn_tree(catalog, sql, tree);
    rh_json_free(tree);
}
