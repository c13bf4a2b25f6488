/* CREATE TABLE and ALTER TABLE: columns, constraints and the indexes that come with them. */
#include "pgrehearse/sql/catalog.h"
#include "objects.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/sql/tree.h"
#include <string.h>
#include <strings.h>

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

/* ---- constraints ---- */

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

/* COLUMN: of a column's own constraint; NULL: the table's. WORDS: the constraint's, with its name or without.
 */
static void add_constraint(rh_catalog *catalog, rh_catalog_table *t, rh_json *body, const char *words,
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

/* ---- columns ---- */

static const char *trimmed(const char *sql, size_t from, size_t to, rh_arena *arena)
{
    while (from < to && strchr(" \t\r\n", sql[from]))
        from++;
    while (to > from && strchr(" \t\r\n", sql[to - 1]))
        to--;
    return rh_arena_strndup(arena, sql + from, to - from);
}

static void make_serial(rh_catalog *catalog, rh_catalog_table *t, rh_catalog_column *c)
{
    static const char *const serials[][2] = {{"bigserial", "bigint"},     {"serial8", "bigint"},
                                             {"serial", "integer"},       {"serial4", "integer"},
                                             {"smallserial", "smallint"}, {"serial2", "smallint"}};
    for (size_t i = 0; i < sizeof serials / sizeof *serials; i++) {
        if (strcasecmp(c->type, serials[i][0]) != 0)
            continue;
        const char *name =
            rh_identifier(rh_catalog_object_name(catalog->arena, t->name, c->name, "seq"), catalog->arena);
        c->type = serials[i][1];
        c->not_null = true;
        c->sequence =
            rh_arena_printf(catalog->arena, "%s.%s", rh_identifier(t->schema, catalog->arena), name);
        c->value = rh_arena_printf(catalog->arena, "nextval('%s')", c->sequence);
    }
}

/* The sequence of an identity column: SEQUENCE NAME, as pg_dump writes it, or named as the server would. */
static void make_identity(rh_catalog *catalog, const rh_catalog_table *t, rh_catalog_column *c, rh_json *body)
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
        c->value = trimmed(definition, strlen("default"), strlen(definition), catalog->arena);
    else if (strcmp(type, "CONSTR_IDENTITY") == 0)
        make_identity(catalog, t, c, body);
    else if (strcmp(type, "CONSTR_GENERATED") == 0) {
        c->unsupported = RH_UNSUPPORTED_GENERATED;
        rh_catalog_add_generated(catalog, t, c->name, words);
    } else
        add_constraint(catalog, t, body, words, c);
}

static rh_relation copied(rh_relation ref, rh_arena *arena)
{
    return (rh_relation){rh_arena_strdup(arena, ref.schema), rh_arena_strdup(arena, ref.name)};
}

static void add_column(rh_catalog *catalog, rh_catalog_table *t, const char *sql, rh_json *definition,
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
    c->type_name = copied(rh_catalog_ref_of(rh_json_path(definition, "typeName.names"), 0), arena);
    c->of_type =
        rh_catalog_type_of(rh_json_get(definition, "typeName"), rh_json_get(definition, "collClause"), arena);
    int64_t type_at = rh_json_int(rh_json_path(definition, "typeName.location"));
    int64_t first = rh_json_count(constraints)
                        ? rh_json_int(rh_json_path(rh_json_at(constraints, 0), "Constraint.location"))
                        : (int64_t)end;
    c->type = type_at > 0 && first > type_at ? trimmed(sql, (size_t)type_at, (size_t)first, arena) : "";
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
    if (rh_json_get(body, "partspec"))
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
                add_column(catalog, t, sql, column, pieces.offsets[i] + strlen(pieces.words[i]));
            else if (pass == 1 && constraint)
                add_constraint(catalog, t, constraint, pieces.words[i], NULL);
            else if (!column && !constraint)
                t->unsupported = RH_UNSUPPORTED_LIKE;
        }
}

/* ---- ALTER TABLE ---- */

static void drop_column(rh_catalog *catalog, rh_catalog_table *t, const char *name)
{
    size_t kept = 0;
    rh_arena *arena = catalog->arena;
    for (size_t i = 0; i < t->column_count; i++)
        if (strcmp(t->columns[i].name, name) != 0)
            t->columns[kept++] = t->columns[i];
    t->column_count = kept;
    kept = 0;
    for (size_t i = 0; i < t->index_count; i++)
        if (!rh_catalog_index_uses(&t->indexes[i], name, arena))
            t->indexes[kept++] = t->indexes[i];
    t->index_count = kept;
    kept = 0;
    for (size_t i = 0; i < t->constraint_count; i++)
        if (!rh_clauses_mention(t->constraints[i].definition, name, arena))
            t->constraints[kept++] = t->constraints[i];
    t->constraint_count = kept;
}

static void drop_constraint(rh_catalog *catalog, rh_catalog_table *t, const char *name)
{
    size_t kept = 0;
    t->constraint_dropped = rh_arena_strdup(catalog->arena, name);
    for (size_t i = 0; i < t->index_count; i++)
        if (!t->indexes[i].constraint || strcmp(t->indexes[i].name, name) != 0)
            t->indexes[kept++] = t->indexes[i];
    t->index_count = kept;
    kept = 0;
    for (size_t i = 0; i < t->constraint_count; i++)
        if (strcmp(t->constraints[i].name, name) != 0)
            t->constraints[kept++] = t->constraints[i];
    t->constraint_count = kept;
}

/* ADD CONSTRAINT … USING INDEX gives the index the constraint's name. */
static bool adopt_index(rh_catalog *catalog, rh_catalog_table *t, rh_json *constraint)
{
    const char *index = rh_json_string(rh_json_get(constraint, "indexname"));
    const char *name = rh_json_string(rh_json_get(constraint, "conname"));
    for (size_t i = 0; index && i < t->index_count; i++) {
        if (strcmp(t->indexes[i].name, index) != 0)
            continue;
        t->indexes[i].unsupported = RH_UNSUPPORTED_FORMER_INDEX;
        t->indexes[i].constraint = rh_tree_is(constraint, "contype", "CONSTR_PRIMARY") ? 'p' : 'u';
        if (name)
            t->indexes[i].name = rh_arena_strdup(catalog->arena, name);
    }
    return index != NULL;
}

/* The words behind KEYWORD in PIECE. */
static const char *behind(const char *piece, const char *keyword, rh_arena *arena)
{
    rh_sql_token *tokens = NULL;
    size_t count = 0;
    rh_clauses_scan(piece, arena, &tokens, &count);
    for (size_t i = 0; i + 1 < count; i++)
        if (rh_sql_token_is(piece, &tokens[i], keyword))
            return piece + tokens[i + 1].start;
    return NULL;
}

const char *rh_catalog_new_type(const char *sql, rh_json *definition, size_t end, rh_arena *arena)
{
    int64_t type_at = rh_json_int(rh_json_path(definition, "typeName.location"));
    if (type_at <= 0 || (size_t)type_at >= end)
        return NULL;
    const char *words = rh_arena_strndup(arena, sql + type_at, end - (size_t)type_at);
    const char *using = behind(words, "using", arena);
    if (!using)
        return trimmed(words, 0, strlen(words), arena);
    words = trimmed(words, 0, (size_t)(using - words), arena);
    return trimmed(words, 0, strlen(words) - strlen("using"), arena);
}

static void alter_column(rh_catalog *catalog, rh_catalog_table *t, rh_json *command, const char *sql,
                         const char *piece, size_t end)
{
    const char *subtype = rh_json_string(rh_json_get(command, "subtype"));
    const char *name = rh_json_string(rh_json_get(command, "name"));
    rh_catalog_column *c = name ? rh_catalog_column_of(t, name) : NULL;
    if (!c)
        return;
    if (strcmp(subtype, "AT_ColumnDefault") == 0) {
        const char *value = rh_json_get(command, "def") ? behind(piece, "default", catalog->arena) : NULL;
        c->default_dropped = !value && c->value;
        c->value = value;
    } else if (strcmp(subtype, "AT_SetNotNull") == 0)
        c->not_null = true;
    else if (strcmp(subtype, "AT_DropNotNull") == 0)
        c->not_null = false;
    else if (strcmp(subtype, "AT_AlterColumnType") == 0) {
        c->type = rh_catalog_new_type(sql, rh_json_path(command, "def.ColumnDef"), end, catalog->arena);
        c->type_name = copied(rh_catalog_ref_of(rh_json_path(command, "def.ColumnDef.typeName.names"), 0),
                              catalog->arena);
        c->of_type = rh_catalog_type_of(rh_json_path(command, "def.ColumnDef.typeName"),
                                        rh_json_path(command, "def.ColumnDef.collClause"), catalog->arena);
    } else if (strcmp(subtype, "AT_AddIdentity") == 0)
        make_identity(catalog, t, c, rh_json_path(command, "def.Constraint"));
    else if (strcmp(subtype, "AT_DropIdentity") == 0)
        c->sequence = NULL;
    else if (strcmp(subtype, "AT_DropExpression") == 0)
        c->unsupported = RH_UNSUPPORTED_ALTERED;
    else if (strcmp(subtype, "AT_SetStatistics") == 0 || strcmp(subtype, "AT_SetStorage") == 0 ||
             strcmp(subtype, "AT_SetOptions") == 0 || strcmp(subtype, "AT_SetCompression") == 0)
        c->unsupported = RH_UNSUPPORTED_STORAGE_OPTIONS;
}

/* A partition or child that is a table of its own again. */
static void detach(rh_catalog_table *table)
{
    if (!table)
        return;
    table->parent_count = 0;
    table->is_partition = table->is_default = false;
}

/* OWNER TO; NULL: CURRENT_USER and the like. */
static const char *owner_of(rh_json *command, rh_arena *arena)
{
    return rh_arena_strdup(arena, rh_json_string(rh_json_path(command, "newowner.rolename")));
}

/* OWNER TO of a view or a sequence. */
static void alter_object(rh_catalog *catalog, rh_json *body)
{
    const rh_relation ref = rh_catalog_range_ref(rh_json_get(body, "relation"));
    rh_catalog_object *object = rh_catalog_find_object(catalog, ~0u, ref.schema, ref.name);
    rh_json *commands = rh_json_get(body, "cmds");
    for (size_t i = 0; object && i < rh_json_count(commands); i++) {
        rh_json *command = rh_json_get(rh_json_at(commands, i), "AlterTableCmd");
        if (rh_tree_is(command, "subtype", "AT_ChangeOwner"))
            object->owner = owner_of(command, catalog->arena);
    }
}

static void alter_table_command(rh_catalog *catalog, rh_catalog_table *t, rh_json *command, const char *sql,
                                const char *piece, size_t from)
{
    const char *subtype = rh_json_string(rh_json_get(command, "subtype"));
    const char *name = rh_json_string(rh_json_get(command, "name"));
    rh_json *constraint = rh_json_path(command, "def.Constraint");
    if (!subtype)
        return;
    if (strcmp(subtype, "AT_AddColumn") == 0)
        add_column(catalog, t, sql, rh_json_path(command, "def.ColumnDef"), from + strlen(piece));
    else if (strcmp(subtype, "AT_DropColumn") == 0 && name)
        drop_column(catalog, t, name);
    else if (strcmp(subtype, "AT_AddConstraint") == 0 && constraint) {
        if (!adopt_index(catalog, t, constraint))
            add_constraint(catalog, t, constraint, piece + strspn(piece + 3, " \t\r\n") + 3, NULL);
    } else if (strcmp(subtype, "AT_DropConstraint") == 0 && name)
        drop_constraint(catalog, t, name);
    else if (strcmp(subtype, "AT_ValidateConstraint") == 0 && name) {
        for (size_t i = 0; i < t->constraint_count; i++)
            t->constraints[i].valid |= strcmp(t->constraints[i].name, name) == 0;
    } else if (strcmp(subtype, "AT_AttachPartition") == 0) {
        rh_catalog_table *child =
            rh_catalog_table_of(catalog, rh_json_path(command, "def.PartitionCmd.name"));
        t->unsupported = RH_UNSUPPORTED_PARTITIONED;
        if (child) {
            child->unsupported = RH_UNSUPPORTED_PARTITION;
            child->is_partition = true;
            child->is_default = rh_json_bool(rh_json_path(command, "def.PartitionCmd.bound.is_default"));
            rh_catalog_add_parent(catalog, child, t);
        }
    } else if (strcmp(subtype, "AT_DetachPartition") == 0)
        detach(rh_catalog_table_of(catalog, rh_json_path(command, "def.PartitionCmd.name")));
    else if (strcmp(subtype, "AT_AddInherit") == 0) {
        t->unsupported = RH_UNSUPPORTED_INHERITS;
        rh_catalog_add_parent(catalog, t,
                              rh_catalog_table_of(catalog, rh_json_path(command, "def.RangeVar")));
    } else if (strcmp(subtype, "AT_DropInherit") == 0)
        detach(t);
    else if (strcmp(subtype, "AT_EnableRowSecurity") == 0 || strcmp(subtype, "AT_DisableRowSecurity") == 0)
        t->row_security = strcmp(subtype, "AT_EnableRowSecurity") == 0;
    else if (strcmp(subtype, "AT_ClusterOn") == 0 || strcmp(subtype, "AT_DropCluster") == 0) {
        t->clustered = strcmp(subtype, "AT_ClusterOn") == 0;
        t->unsupported = t->unsupported || !t->clustered ? t->unsupported : RH_UNSUPPORTED_CLUSTERED;
    } else if (strcmp(subtype, "AT_ChangeOwner") == 0)
        t->owner = owner_of(command, catalog->arena);
    else if (strcmp(subtype, "AT_ReplicaIdentity") == 0)
        t->unsupported = t->unsupported ? t->unsupported : RH_UNSUPPORTED_REPLICA_IDENTITY;
    else if (strcmp(subtype, "AT_SetLogged") == 0 || strcmp(subtype, "AT_SetUnLogged") == 0)
        t->unlogged = strcmp(subtype, "AT_SetUnLogged") == 0;
    else if (strcmp(subtype, "AT_SetTableSpace") == 0)
        t->tablespace = rh_arena_strdup(catalog->arena, name);
    else if (strcmp(subtype, "AT_SetAccessMethod") == 0)
        t->access_method = rh_arena_strdup(catalog->arena, name);
    else
        alter_column(catalog, t, command, sql, piece, from + strlen(piece));
}

void rh_catalog_alter_table(rh_catalog *catalog, const char *sql, rh_json *body)
{
    rh_catalog_table *t = rh_catalog_table_of(catalog, rh_json_get(body, "relation"));
    rh_clauses pieces;
    if (!t) {
        alter_object(catalog, body);
        return;
    }
    if (!rh_clauses_of_alter_table(sql, body, catalog->arena, &pieces)) {
        if (rh_tree_is(body, "objtype", "OBJECT_TABLE"))
            t->unsupported = RH_UNSUPPORTED_ALTERED;
        return;
    }
    rh_json *commands = rh_json_get(body, "cmds");
    for (size_t i = 0; i < pieces.count; i++)
        alter_table_command(catalog, t, rh_json_get(rh_json_at(commands, i), "AlterTableCmd"), sql,
                            pieces.words[i], pieces.offsets[i]);
}
