/* Rewrites ALTER TABLE one subcommand at a time: constraints are added NOT VALID and validated in a later
 * transaction, new columns are filled in batches. The parts are copied from the text of the user's statement,
 * so that types, expressions and quoting stay the same. */
#include "safer.h"
#include "pgrehearse/sql/classify.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/sql/tree.h"
#include <string.h>

/* One ALTER TABLE, taken apart. */
typedef struct pieces {
    rh_clauses parts;
    const char *head;  /* "ALTER TABLE IF EXISTS t" */
    const char *table; /* as in the text, quoted where needed */
    const char *bare;  /* the table's name alone, for names made of it */
    rh_json *relation;
    rh_catalog_table *definition; /* NULL: the catalog does not have it */
} pieces;

static const char *quoted(const rh_safer_list *list, const char *name)
{
    return rh_identifier(name, list->arena);
}

/* As PostgreSQL would name it. */
static const char *made_name(const rh_safer_list *list, const pieces *p, const char *columns,
                             const char *label)
{
    return rh_catalog_free_name(list->catalog, p->definition, columns, label);
}

static bool split_statement(const rh_safer_list *list, rh_json *body, pieces *p)
{
    p->relation = rh_json_get(body, "relation");
    p->table = rh_tree_relation(p->relation, list->arena);
    p->bare = rh_arena_strdup(list->arena, rh_json_string(rh_json_get(p->relation, "relname")));
    if (!p->table || !rh_clauses_of_alter_table(list->statement->sql, body, list->arena, &p->parts))
        return false;
    p->head = p->parts.head;
    p->definition = rh_catalog_table_of(list->catalog, p->relation);
    return true;
}

/* ---- constraints ---- */

void rh_safer_validate(rh_safer_list *list, const char *rule, const char *head, const char *name)
{
    rh_safer_step *step = rh_safer_add(list, rule, "%s VALIDATE CONSTRAINT %s", head, name);
    step->after_commit = step->closes = true;
}

void rh_safer_not_null(rh_safer_list *list, const char *rule, const rh_catalog_table *definition,
                       const char *table, const char *bare)
{
    enum { FIRST_WITH_NOT_VALID = 18 };
    const char *column = quoted(list, bare);
    if (list->plan->server_major >= FIRST_WITH_NOT_VALID) { /* under the name that SET NOT NULL gives it */
        const char *name = quoted(list, rh_catalog_free_name(list->catalog, definition, bare, "not_null"));
        rh_safer_add(list, rule, "ALTER TABLE %s ADD CONSTRAINT %s NOT NULL %s NOT VALID", table, name,
                     column);
        rh_safer_validate(list, rule, rh_arena_printf(list->arena, "ALTER TABLE %s", table), name);
        return;
    }
    const char *check = quoted(list, rh_catalog_free_name(list->catalog, definition, bare, "is_not_null"));
    rh_safer_add(list, rule, "ALTER TABLE %s ADD CONSTRAINT %s CHECK (%s IS NOT NULL) NOT VALID", table,
                 check, column);
    rh_safer_validate(list, rule, rh_arena_printf(list->arena, "ALTER TABLE %s", table), check);
    rh_safer_add(list, rule, "ALTER TABLE %s ALTER COLUMN %s SET NOT NULL", table, column);
    rh_safer_add(list, rule, "ALTER TABLE %s DROP CONSTRAINT %s", table, check);
}

/* DEFINITION: "CHECK (…)" or "FOREIGN KEY …" as it was written. */
static void validated_apart(rh_safer_list *list, const pieces *p, const char *rule, const char *name,
                            const char *definition)
{
    rh_safer_add(list, rule, "%s ADD CONSTRAINT %s %s NOT VALID", p->head, name, definition);
    rh_safer_validate(list, rule, p->head, name);
}

/* "a, b" (quoted) or "a_b" of a list of names. */
static const char *names_of(const rh_safer_list *list, rh_json *keys, bool for_name)
{
    const char *text = "";
    for (size_t i = 0; i < rh_json_count(keys); i++) {
        const char *name = rh_tree_name_at(keys, i);
        text = rh_arena_printf(list->arena, "%s%s%s", text, i ? (for_name ? "_" : ", ") : "",
                               for_name ? name : quoted(list, name));
    }
    return text;
}

/* The index first, then the constraint with it. KEYS: its columns; NOT_NULL: a primary key's must be that
 * already. */
static bool index_apart(rh_safer_list *list, const pieces *p, rh_json *constraint, const char *columns,
                        const char *for_name)
{
    static const char rule[] = "index-without-concurrently";
    const bool primary = rh_tree_is(constraint, "contype", "CONSTR_PRIMARY");
    const char *given = rh_json_string(rh_json_get(constraint, "conname"));
    if (rh_json_get(constraint, "including") || rh_json_get(constraint, "options") ||
        rh_json_get(constraint, "deferrable") || rh_json_get(constraint, "nulls_not_distinct") ||
        rh_json_get(constraint, "indexspace")) {
        list->why = "its index has non-default options";
        return false;
    }
    if (p->definition->unsupported) {
        list->why =
            rh_arena_printf(list->arena, "the table %s", rh_unsupported_text(p->definition->unsupported));
        return false;
    }
    const char *name = quoted(list, given     ? given
                                    : primary ? made_name(list, p, "", "pkey")
                                              : made_name(list, p, for_name, "key"));
    rh_safer_add(list, rule, "CREATE UNIQUE INDEX CONCURRENTLY %s ON %s (%s)", name, p->table, columns)
        ->alone = true;
    rh_json *keys = rh_json_get(constraint, "keys");
    for (size_t i = 0; primary && i < rh_json_count(keys); i++)
        rh_safer_not_null(list, rule, p->definition, p->table, rh_tree_name_at(keys, i));
    rh_safer_add(list, rule, "%s ADD CONSTRAINT %s %s USING INDEX %s", p->head, name,
                 primary ? "PRIMARY KEY" : "UNIQUE", name);
    return true;
}

/* PRIMARY KEY USING INDEX: its columns first become NOT NULL. */
static bool key_using_index(rh_safer_list *list, const pieces *p, rh_json *constraint, const char *words)
{
    const char *rule = rh_safer_rule(list->statement);
    const char *name = rh_json_string(rh_json_get(constraint, "indexname"));
    const rh_catalog_index *index = NULL;
    for (size_t i = 0; name && i < p->definition->index_count; i++)
        if (strcmp(p->definition->indexes[i].name, name) == 0)
            index = &p->definition->indexes[i];
    if (!index || !rule || p->definition->unsupported)
        return false;
    for (size_t i = 0; i < index->column_count; i++) {
        const rh_catalog_column *column = rh_catalog_column_of(p->definition, index->columns[i]);
        if (column && !column->not_null)
            rh_safer_not_null(list, rule, p->definition, p->table, index->columns[i]);
    }
    rh_safer_add(list, rule, "%s %s", p->head, words);
    return true;
}

static bool constraint_steps(rh_safer_list *list, const pieces *p, rh_json *constraint, const char *words)
{
    const char *type = rh_json_string(rh_json_get(constraint, "contype"));
    const char *given = rh_json_string(rh_json_get(constraint, "conname"));
    const char *definition =
        rh_clauses_definition(words + 3 + strspn(words + 3, " \t\r\n"), list->arena); /* behind ADD */
    if (!type || rh_json_bool(rh_json_get(constraint, "skip_validation")))
        return false;
    if (rh_json_get(constraint, "indexname"))
        return strcmp(type, "CONSTR_PRIMARY") == 0 && key_using_index(list, p, constraint, words);
    if (strcmp(type, "CONSTR_EXCLUSION") == 0) {
        list->why =
            "EXCLUDE has no form that blocks less: neither CONCURRENTLY nor NOT VALID nor USING INDEX";
        return false;
    }
    if (strcmp(type, "CONSTR_CHECK") != 0 && rh_safer_is_partitioned(p->definition)) {
        list->why = "on a partitioned table it cannot be split";
        return false;
    }
    if (strcmp(type, "CONSTR_CHECK") == 0) {
        const char *name =
            quoted(list, given ? given : made_name(list, p, rh_catalog_check_column(constraint), "check"));
        validated_apart(list, p, "constraint-without-not-valid", name, definition);
        return true;
    }
    if (strcmp(type, "CONSTR_FOREIGN") == 0) {
        const char *columns = names_of(list, rh_json_get(constraint, "fk_attrs"), true);
        const char *name = quoted(list, given ? given : made_name(list, p, columns, "fkey"));
        validated_apart(list, p, "foreign-key-without-not-valid", name, definition);
        return true;
    }
    return (strcmp(type, "CONSTR_UNIQUE") == 0 || strcmp(type, "CONSTR_PRIMARY") == 0) &&
           index_apart(list, p, constraint, names_of(list, rh_json_get(constraint, "keys"), false),
                       names_of(list, rh_json_get(constraint, "keys"), true));
}

/* ---- new columns ---- */

/* A new column taken apart: what can stand at once, and what comes later. */
typedef struct column {
    const char *bare, *name; /* quoted */
    const char *plain;       /* "name type" and what it may keep */
    const char *expression;  /* of its volatile default; NULL */
    const char *serial;      /* the type in place of serial; NULL */
    bool not_null;
} column;

static bool take_column_apart(const rh_safer_list *list, rh_json *definition, size_t from, size_t end,
                              column *c)
{
    static const char *const SERIALS[][2] = {{"bigserial", "bigint"},     {"serial8", "bigint"},
                                             {"serial", "integer"},       {"serial4", "integer"},
                                             {"smallserial", "smallint"}, {"serial2", "smallint"}};
    const char *sql = list->statement->sql;
    rh_json *constraints = rh_json_get(definition, "constraints");
    c->bare = rh_arena_strdup(list->arena, rh_json_string(rh_json_get(definition, "colname")));
    c->name = quoted(list, c->bare);
    int64_t type_at = rh_json_int(rh_json_path(definition, "typeName.location"));
    int64_t first = rh_json_count(constraints)
                        ? rh_json_int(rh_json_path(rh_json_at(constraints, 0), "Constraint.location"))
                        : (int64_t)end;
    if (type_at < (int64_t)from || first <= type_at || first > (int64_t)end)
        return false;
    const char *type = rh_tree_last_name(rh_json_path(definition, "typeName.names"));
    const rh_column_rewrite rewrite = rh_classify_added_column(definition);
    for (size_t i = 0; rewrite == RH_COLUMN_SERIAL && type && i < sizeof SERIALS / sizeof *SERIALS; i++)
        if (strcmp(type, SERIALS[i][0]) == 0)
            c->serial = SERIALS[i][1];
    rh_json *collation = rh_json_get(definition, "collClause");
    if (rewrite == RH_COLUMN_GENERATED || (rewrite == RH_COLUMN_SERIAL && !c->serial) ||
        (collation && rh_json_int(rh_json_path(definition, "collClause.location")) > first) ||
        rh_json_get(definition, "compression") || rh_json_get(definition, "storage_name") ||
        rh_json_get(definition, "fdwoptions"))
        return false;
    while (first > type_at && strchr(" \t\r\n", sql[first - 1]))
        first--;
    c->plain = c->serial
                   ? rh_arena_printf(list->arena, "%s %s", c->name, c->serial)
                   : rh_arena_printf(list->arena, "%s %.*s", c->name, (int)(first - type_at), sql + type_at);
    c->not_null = c->serial != NULL;
    for (size_t i = 0; i < rh_json_count(constraints); i++) {
        rh_json *constraint = rh_json_get(rh_json_at(constraints, i), "Constraint");
        const char *words = rh_clauses_constraint(list->statement->sql, constraints, i, end, list->arena);
        if (rh_tree_is(constraint, "contype", "CONSTR_DEFAULT") && rewrite == RH_COLUMN_VOLATILE)
            c->expression = rh_clauses_definition(words, list->arena) + strlen("DEFAULT");
        else if (rh_tree_is(constraint, "contype", "CONSTR_NOTNULL") && rewrite != RH_COLUMN_FREE)
            c->not_null = true;
        else if (rh_tree_is(constraint, "contype", "CONSTR_DEFAULT") ||
                 rh_tree_is(constraint, "contype", "CONSTR_NULL") ||
                 rh_tree_is(constraint, "contype", "CONSTR_NOTNULL"))
            c->plain = rh_arena_printf(list->arena, "%s %s", c->plain, words);
    }
    return true;
}

/* Those of its constraints that look at rows, as constraints of the table. */
static bool later_constraints(rh_safer_list *list, const pieces *p, rh_json *definition, size_t end,
                              const column *c)
{
    rh_json *constraints = rh_json_get(definition, "constraints");
    for (size_t i = 0; i < rh_json_count(constraints); i++) {
        rh_json *constraint = rh_json_get(rh_json_at(constraints, i), "Constraint");
        const char *type = rh_json_string(rh_json_get(constraint, "contype"));
        const char *given = rh_json_string(rh_json_get(constraint, "conname"));
        const char *words = rh_clauses_constraint(list->statement->sql, constraints, i, end, list->arena);
        words = rh_clauses_definition(words, list->arena);
        if (!type || !words || strncmp(type, "CONSTR_ATTR", 11) == 0)
            return false; /* DEFERRABLE belongs to the one before it */
        if (strcmp(type, "CONSTR_FOREIGN") == 0)
            validated_apart(list, p, "foreign-key-without-not-valid",
                            quoted(list, given ? given : made_name(list, p, c->bare, "fkey")),
                            rh_arena_printf(list->arena, "FOREIGN KEY (%s) %s", c->name, words));
        else if (strcmp(type, "CONSTR_CHECK") == 0)
            validated_apart(
                list, p, "constraint-without-not-valid",
                quoted(list,
                       given ? given : made_name(list, p, rh_catalog_check_column(constraint), "check")),
                words);
        else if (strcmp(type, "CONSTR_UNIQUE") == 0) {
            if (!index_apart(list, p, constraint, c->name, c->bare))
                return false;
        } else if (strcmp(type, "CONSTR_PRIMARY") == 0)
            return false;
    }
    return true;
}

static bool column_steps(rh_safer_list *list, const pieces *p, size_t index, rh_json *definition)
{
    column c = {0};
    const size_t from = p->parts.offsets[index], end = from + strlen(p->parts.words[index]);
    const rh_catalog_table *table = p->definition;
    if (!take_column_apart(list, definition, from, end, &c))
        return false;
    if (c.serial || c.expression)
        list->why = rh_safer_no_fill(list, table);
    if (list->why)
        return false;
    const char *rule = c.serial ? "rewrite-access-exclusive" : c.expression ? "volatile-default" : NULL;
    rh_safer_add(list, rule, "%s ADD COLUMN %s", p->head, c.plain);
    const char *expression = c.expression;
    if (c.serial) {
        const char *sequence = rh_arena_printf(list->arena, "%s.%s", quoted(list, table->schema),
                                               quoted(list, made_name(list, p, c.bare, "seq")));
        rh_safer_add(list, rule, "CREATE SEQUENCE %s AS %s OWNED BY %s.%s", sequence, c.serial, p->table,
                     c.name);
        expression = rh_arena_printf(list->arena, " nextval('%s')", sequence);
    }
    if (expression) {
        rh_safer_add(list, rule, "%s ALTER COLUMN %s SET DEFAULT%s", p->head, c.name, expression);
        rh_safer_fill(list, rule, table, p->table, quoted(list, p->bare),
                      rh_arena_printf(list->arena, "UPDATE %s SET %s =%s", p->table, c.name, expression),
                      rh_arena_printf(list->arena, "%s IS NULL", c.name));
    }
    if (c.not_null)
        rh_safer_not_null(list, rule, p->definition, p->table, c.bare);
    return later_constraints(list, p, definition, end, &c);
}

/* ---- the statement ---- */

static const char *const REWRITTEN[] = {"constraint-without-not-valid",
                                        "foreign-key-without-not-valid",
                                        "index-without-concurrently",
                                        "set-not-null-scan",
                                        "volatile-default",
                                        "type-change",
                                        "rewrite-access-exclusive",
                                        NULL};

static bool wants_change(const rh_statement *statement)
{
    static const char *const others[] = {"rename", "drop-column", "drop-table", NULL};
    for (size_t i = 0; i < statement->hazard_count; i++)
        if (!statement->hazards[i].silenced && rh_safer_rule(statement) &&
            !rh_is_one_of(statement->hazards[i].rule, others))
            return true;
    return false;
}

/* The pass of the server's that a subcommand runs in, whatever its place in the statement (ATPrepCmd). */
static int pass_of(rh_json *command)
{
    static const char *const first[] = {"AT_DropColumn",   "AT_DropConstraint", "AT_DropNotNull",
                                        "AT_DropIdentity", "AT_DropExpression", NULL};
    const char *subtype = rh_json_string(rh_json_get(command, "subtype"));
    rh_json *constraint = rh_json_path(command, "def.Constraint");
    if (!subtype || rh_is_one_of(subtype, first))
        return 0;
    if (strcmp(subtype, "AT_ColumnDefault") == 0)
        return rh_json_get(command, "def") ? 5 : 0;
    if (strcmp(subtype, "AT_AddConstraint") == 0)
        return rh_tree_is(constraint, "contype", "CONSTR_CHECK") ||
                       rh_tree_is(constraint, "contype", "CONSTR_FOREIGN")
                   ? 5
                   : 4;
    return strcmp(subtype, "AT_AlterColumnType") == 0 ? 1
           : strcmp(subtype, "AT_AddColumn") == 0     ? 2
           : strcmp(subtype, "AT_SetNotNull") == 0    ? 3
                                                      : 6;
}

/* The places of COMMANDS in the order in which the server runs them. */
static const size_t *order_of(const rh_safer_list *list, rh_json *commands)
{
    const size_t count = rh_json_count(commands);
    size_t *order = rh_arena_alloc(list->arena, (count + 1) * sizeof *order), done = 0;
    for (int pass = 0; pass <= 6; pass++)
        for (size_t i = 0; i < count; i++)
            if (pass_of(rh_json_get(rh_json_at(commands, i), "AlterTableCmd")) == pass)
                order[done++] = i;
    return order;
}

/* Why the subcommands cannot be statements of their own; NULL: they can. */
static const char *belong_together(rh_json *commands)
{
    static const char *const away[] = {"AT_DropConstraint",
                                       "AT_DropColumn",
                                       "AT_DropNotNull",
                                       "AT_DisableTrig",
                                       "AT_DisableTrigAll",
                                       "AT_DisableTrigUser",
                                       "AT_DisableRule",
                                       "AT_DisableRowSecurity",
                                       "AT_DropIdentity",
                                       "AT_DropExpression",
                                       NULL};
    for (size_t i = 0; rh_json_count(commands) > 1 && i < rh_json_count(commands); i++) {
        rh_json *command = rh_json_get(rh_json_at(commands, i), "AlterTableCmd");
        const char *subtype = rh_json_string(rh_json_get(command, "subtype"));
        if (subtype && rh_is_one_of(subtype, away))
            return "one of its subcommands drops what other sessions need until the whole statement is done";
    }
    return NULL;
}

/* The default of COLUMN after the statement, where one of its subcommands says so. */
static bool default_after(const rh_safer_list *list, const pieces *p, rh_json *commands, const char *name,
                          const char **value)
{
    bool given = false;
    for (size_t i = 0; name && i < p->parts.count; i++) {
        rh_json *command = rh_json_get(rh_json_at(commands, i), "AlterTableCmd");
        if (!rh_tree_is(command, "subtype", "AT_ColumnDefault") || !rh_tree_is(command, "name", name))
            continue;
        rh_sql_token *tokens = NULL;
        size_t count = 0;
        given = true;
        *value = NULL;
        rh_clauses_scan(p->parts.words[i], list->arena, &tokens, &count);
        for (size_t k = 0; rh_json_get(command, "def") && k + 1 < count && !*value; k++)
            if (rh_sql_token_is(p->parts.words[i], &tokens[k], "default"))
                *value = p->parts.words[i] + tokens[k + 1].start;
    }
    return given;
}

/* The subcommand that gives COLUMN another type by a copy, which takes its default along. */
static bool find_retyped(rh_safer_list *list, const pieces *p, rh_json *commands, const char *name,
                         rh_safer_retyped *r)
{
    for (size_t i = 0; name && i < p->parts.count && rh_safer_has(list->statement, "type-change"); i++) {
        rh_json *command = rh_json_get(rh_json_at(commands, i), "AlterTableCmd");
        if (!rh_tree_is(command, "subtype", "AT_AlterColumnType") || !rh_tree_is(command, "name", name))
            continue;
        *r = (rh_safer_retyped){.relation = p->relation,
                                .definition = rh_json_path(command, "def.ColumnDef"),
                                .column = name,
                                .words = p->parts.words[i],
                                .offset = p->parts.offsets[i]};
        r->default_given = default_after(list, p, commands, name, &r->value);
        return !rh_safer_type_alike(list, r);
    }
    return false;
}

/* IF NOT EXISTS of what is there. */
static bool does_nothing(rh_safer_list *list, const pieces *p, size_t i)
{
    for (size_t k = 0; REWRITTEN[k]; k++)
        rh_safer_answer(list, REWRITTEN[k]);
    rh_safer_add(list, NULL, "%s %s", p->head, p->parts.words[i]);
    return true;
}

static bool command_steps(rh_safer_list *list, const pieces *p, rh_json *commands, size_t i)
{
    rh_json *command = rh_json_get(rh_json_at(commands, i), "AlterTableCmd");
    const char *name = rh_json_string(rh_json_get(command, "name"));
    rh_safer_retyped retyped;
    if (rh_tree_is(command, "subtype", "AT_AddConstraint"))
        return constraint_steps(list, p, rh_json_path(command, "def.Constraint"), p->parts.words[i]);
    if (rh_tree_is(command, "subtype", "AT_SetNotNull") &&
        rh_safer_has(list->statement, "set-not-null-scan")) {
        rh_safer_not_null(list, "set-not-null-scan", p->definition, p->table, name);
        return true;
    }
    if (rh_tree_is(command, "subtype", "AT_AddColumn") && rh_json_bool(rh_json_get(command, "missing_ok")) &&
        rh_catalog_column_of(p->definition, rh_json_string(rh_json_path(command, "def.ColumnDef.colname"))))
        return does_nothing(list, p, i);
    if (rh_tree_is(command, "subtype", "AT_AddColumn"))
        return column_steps(list, p, i, rh_json_path(command, "def.ColumnDef"));
    return rh_tree_is(command, "subtype", "AT_AlterColumnType") &&
           find_retyped(list, p, commands, name, &retyped) && rh_safer_type(list, &retyped);
}

/* A type change that must stay keeps the whole statement as it is: its parts belong together. */
static bool must_stay(rh_safer_list *list, const pieces *p, rh_json *commands, size_t i)
{
    rh_json *command = rh_json_get(rh_json_at(commands, i), "AlterTableCmd");
    rh_safer_retyped retyped;
    if (!rh_tree_is(command, "subtype", "AT_AlterColumnType"))
        return false;
    if (find_retyped(list, p, commands, rh_json_string(rh_json_get(command, "name")), &retyped))
        return true;
    rh_safer_answer(list, "type-change"); /* both types are stored alike */
    return false;
}

/* SET or DROP DEFAULT of a column whose copy has the default in the end. */
static bool is_taken_along(rh_safer_list *list, const pieces *p, rh_json *commands, size_t i)
{
    rh_json *command = rh_json_get(rh_json_at(commands, i), "AlterTableCmd");
    rh_safer_retyped retyped;
    return rh_tree_is(command, "subtype", "AT_ColumnDefault") &&
           find_retyped(list, p, commands, rh_json_string(rh_json_get(command, "name")), &retyped);
}

bool rh_safer_alter_table(rh_safer_list *list, rh_json *body)
{
    pieces p = {0};
    rh_json *first = rh_json_get(rh_json_at(rh_json_get(body, "cmds"), 0), "AlterTableCmd");
    if (rh_tree_is(first, "subtype", "AT_AttachPartition") ||
        rh_tree_is(first, "subtype", "AT_DetachPartition"))
        return rh_safer_partition(list, body, first);
    if (!wants_change(list->statement) || !split_statement(list, body, &p))
        return false;
    rh_json *commands = rh_json_get(body, "cmds");
    list->why = rh_safer_unknown(list, p.definition);
    if (!list->why && !rh_json_bool(rh_json_get(p.relation, "inh")) && p.definition->unsupported)
        list->why = rh_arena_printf(list->arena, "ONLY names a table that %s",
                                    rh_unsupported_text(p.definition->unsupported));
    list->why = list->why ? list->why : belong_together(commands);
    if (list->why)
        return false;
    const size_t *order = order_of(list, commands);
    bool *taken = rh_arena_alloc(list->arena, p.parts.count * sizeof *taken), stays = false;
    for (size_t i = 0; i < p.parts.count; i++)
        taken[i] = is_taken_along(list, &p, commands, i);
    for (size_t k = 0; k < p.parts.count; k++) {
        const size_t i = order[k];
        if (taken[i])
            continue;
        const size_t before = list->count, answered = list->answered_count;
        if (!stays && !command_steps(list, &p, commands, i)) {
            list->count = before;
            list->answered_count = answered;
            stays = must_stay(list, &p, commands, i);
            rh_safer_add(list, NULL, "%s %s", p.head, p.parts.words[i]);
        }
        rh_catalog_learn(list->catalog, rh_arena_printf(list->arena, "%s %s", p.head, p.parts.words[i]));
    }
    list->learned = true;
    bool changed = false;
    for (size_t i = 0; i < list->count; i++)
        changed |= list->steps[i].rule != NULL;
    if (!stays && !changed) { /* there is nothing to do better */
        list->count = 0;
        list->steps = NULL;
        rh_safer_add(list, NULL, "%s", list->statement->sql);
    }
    return !stays;
}
