/* ALTER TABLE, subcommand by subcommand: constraints that are validated apart, columns that are filled apart.
 * The words are cut out of the user's own statement, so that types, expressions and quoting stay as they
 * were. */
#include "safer.h"
#include "classify.h"
#include "pgrehearse/base/text.h"
#include <string.h>
#include <strings.h>

/* One ALTER TABLE: "ALTER TABLE t" and the words of each of its subcommands. */
typedef struct pieces {
    const char *head;  /* "ALTER TABLE IF EXISTS t" */
    const char *table; /* as in the text, quoted where needed */
    const char *bare;  /* the table's name alone, for names made of it */
    const char **words;
    size_t *offsets; /* of WORDS in the statement */
    size_t count;
} pieces;

const char *rh_safer_name(rh_safer_list *list, const char *table, const char *columns, const char *label)
{
    enum { NAME = 63 };
    const size_t room = NAME - strlen(label) - 2;
    size_t a = strlen(table), b = strlen(columns);
    while (a + b > room) /* as makeObjectName does: the longer one gives way */
        *(a > b ? &a : &b) -= 1;
    return rh_arena_printf(list->arena, "%.*s%s%.*s_%s", (int)a, table, b ? "_" : "", (int)b, columns, label);
}

static const char *quoted(const rh_safer_list *list, const char *name)
{
    return rh_tree_identifier(name, list->arena);
}

/* ---- taking the text apart ---- */

static bool is_name(const rh_sql_token *token)
{
    return strcmp(token->kind, "IDENT") == 0 || strcmp(token->kind, "UIDENT") == 0 ||
           strcmp(token->kind, "KEYWORD") == 0;
}

/* What is put behind a piece must not end up in a comment. */
static size_t without_comments(rh_sql_token *tokens, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (!strstr(tokens[i].kind, "COMMENT"))
            tokens[kept++] = tokens[i];
    return kept;
}

/* The index of the first token behind "ALTER TABLE [IF EXISTS] [ONLY] name [*]". */
static size_t skip_head(const char *sql, const rh_sql_token *tokens, size_t count)
{
    size_t i = 2;
    if (i + 1 < count && rh_sql_token_is(sql, &tokens[i], "if"))
        i += 2;
    if (i < count && rh_sql_token_is(sql, &tokens[i], "only"))
        i++;
    while (i + 1 < count && is_name(&tokens[i]) && strcmp(tokens[i + 1].kind, ".") == 0)
        i += 2;
    i++;
    if (i < count && tokens[i].end == tokens[i].start + 1 && sql[tokens[i].start] == '*')
        i++;
    return i;
}

static void add_piece(const rh_safer_list *list, pieces *p, size_t from, size_t to)
{
    size_t count = p->count;
    *(const char **)rh_arena_add(list->arena, &p->words, &count, sizeof *p->words) =
        rh_arena_strndup(list->arena, list->statement->sql + from, to - from);
    *(size_t *)rh_arena_add(list->arena, &p->offsets, &p->count, sizeof *p->offsets) = from;
}

static bool cut(const rh_safer_list *list, rh_json *body, pieces *p)
{
    const char *sql = list->statement->sql;
    rh_sql_token *tokens = NULL;
    size_t count = 0, first;
    int depth = 0;
    if (!rh_tree_is(body, "objtype", "OBJECT_TABLE") || !rh_sql_scan(sql, list->arena, &tokens, &count, NULL))
        return false;
    count = without_comments(tokens, count);
    first = skip_head(sql, tokens, count);
    if (first >= count)
        return false;
    p->head = rh_arena_strndup(list->arena, sql, tokens[first - 1].end);
    p->table = rh_tree_relation(rh_json_get(body, "relation"), list->arena);
    p->bare = rh_arena_strdup(list->arena, rh_json_string(rh_json_path(body, "relation.relname")));
    for (size_t i = first; i < count; i++) {
        depth += strchr("([", tokens[i].kind[0]) != NULL;
        depth -= strchr(")]", tokens[i].kind[0]) != NULL;
        if (depth > 0 || strcmp(tokens[i].kind, ",") != 0)
            continue;
        add_piece(list, p, tokens[first].start, tokens[i - 1].end);
        first = i + 1;
    }
    if (first >= count)
        return false;
    add_piece(list, p, tokens[first].start, tokens[count - 1].end);
    return p->count == rh_json_count(rh_json_get(body, "cmds"));
}

/* ---- constraints ---- */

void rh_safer_not_null(rh_safer_list *list, const char *rule, const char *table, const char *bare)
{
    const char *dot = strrchr(table, '.'), *name = dot ? dot + 1 : table, *column = quoted(list, bare);
    const char *check = quoted(list, rh_safer_name(list, name[0] == '"' ? "t" : name, bare, "not_null"));
    rh_safer_add(list, rule, "ALTER TABLE %s ADD CONSTRAINT %s CHECK (%s IS NOT NULL) NOT VALID", table,
                 check, column);
    rh_safer_add(list, rule, "ALTER TABLE %s VALIDATE CONSTRAINT %s", table, check)->after_commit = true;
    rh_safer_add(list, rule, "ALTER TABLE %s ALTER COLUMN %s SET NOT NULL", table, column);
    rh_safer_add(list, rule, "ALTER TABLE %s DROP CONSTRAINT %s", table, check);
}

/* DEFINITION: "CHECK (…)" or "FOREIGN KEY …" as it was written. */
static void validated_apart(rh_safer_list *list, const pieces *p, const char *rule, const char *name,
                            const char *definition)
{
    rh_safer_add(list, rule, "%s ADD CONSTRAINT %s %s NOT VALID", p->head, name, definition);
    rh_safer_add(list, rule, "%s VALIDATE CONSTRAINT %s", p->head, name)->after_commit = true;
}

/* "a, b" (quoted) or "a_b" of a list of names. */
static const char *names_of(const rh_safer_list *list, rh_json *keys, bool for_name)
{
    const char *text = "";
    for (size_t i = 0; i < rh_json_count(keys); i++) {
        const char *name = rh_json_string(rh_json_path(rh_json_at(keys, i), "String.sval"));
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
        rh_json_get(constraint, "deferrable") || rh_json_get(constraint, "nulls_not_distinct"))
        return false;
    const char *name = quoted(list, given     ? given
                                    : primary ? rh_safer_name(list, p->bare, "", "pkey")
                                              : rh_safer_name(list, p->bare, for_name, "key"));
    rh_safer_add(list, rule, "CREATE UNIQUE INDEX CONCURRENTLY %s ON %s (%s)", name, p->table, columns)
        ->alone = true;
    rh_json *keys = rh_json_get(constraint, "keys");
    for (size_t i = 0; primary && i < rh_json_count(keys); i++)
        rh_safer_not_null(list, rule, p->table,
                          rh_json_string(rh_json_path(rh_json_at(keys, i), "String.sval")));
    rh_safer_add(list, rule, "%s ADD CONSTRAINT %s %s USING INDEX %s", p->head, name,
                 primary ? "PRIMARY KEY" : "UNIQUE", name);
    return true;
}

/* What follows ADD, and CONSTRAINT with its name. */
static const char *definition_of(const rh_safer_list *list, const char *words, bool named)
{
    rh_sql_token *tokens = NULL;
    size_t count = 0, from = named ? 3 : 1;
    if (!rh_sql_scan(words, list->arena, &tokens, &count, NULL) || without_comments(tokens, count) <= from)
        return NULL;
    return words + tokens[from].start;
}

static bool constraint_steps(rh_safer_list *list, const pieces *p, rh_json *constraint, const char *words)
{
    const char *type = rh_json_string(rh_json_get(constraint, "contype"));
    const char *given = rh_json_string(rh_json_get(constraint, "conname"));
    const char *definition = definition_of(list, words, given != NULL);
    if (!type || !definition || rh_json_bool(rh_json_get(constraint, "skip_validation")) ||
        rh_json_get(constraint, "indexname"))
        return false;
    if (strcmp(type, "CONSTR_CHECK") == 0) {
        const char *name = quoted(list, given ? given : rh_safer_name(list, p->bare, "", "check"));
        validated_apart(list, p, "constraint-without-not-valid", name, definition);
        return true;
    }
    if (strcmp(type, "CONSTR_FOREIGN") == 0) {
        const char *columns = names_of(list, rh_json_get(constraint, "fk_attrs"), true);
        const char *name = quoted(list, given ? given : rh_safer_name(list, p->bare, columns, "fkey"));
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

/* The words of constraint INDEX of the column, up to the next one. */
static const char *constraint_words(const rh_safer_list *list, rh_json *constraints, size_t index, size_t end)
{
    size_t from = (size_t)rh_json_int(rh_json_path(rh_json_at(constraints, index), "Constraint.location"));
    if (index + 1 < rh_json_count(constraints)) {
        int64_t next = rh_json_int(rh_json_path(rh_json_at(constraints, index + 1), "Constraint.location"));
        end = next > (int64_t)from ? (size_t)next : end;
    }
    while (end > from && strchr(" \t\r\n", list->statement->sql[end - 1]))
        end--;
    return rh_arena_strndup(list->arena, list->statement->sql + from, end - from);
}

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
    if (rewrite == RH_COLUMN_GENERATED || (rewrite == RH_COLUMN_SERIAL && !c->serial))
        return false;
    while (first > type_at && strchr(" \t\r\n", sql[first - 1]))
        first--;
    c->plain = c->serial
                   ? rh_arena_printf(list->arena, "%s %s", c->name, c->serial)
                   : rh_arena_printf(list->arena, "%s %.*s", c->name, (int)(first - type_at), sql + type_at);
    c->not_null = c->serial != NULL;
    for (size_t i = 0; i < rh_json_count(constraints); i++) {
        rh_json *constraint = rh_json_get(rh_json_at(constraints, i), "Constraint");
        const char *words = constraint_words(list, constraints, i, end);
        if (rh_tree_is(constraint, "contype", "CONSTR_DEFAULT") && rewrite == RH_COLUMN_VOLATILE)
            c->expression = words + strlen("DEFAULT");
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
        const char *words = constraint_words(list, constraints, i, end);
        if (given && strncasecmp(words, "constraint", 10) == 0)
            words = definition_of(list, rh_arena_printf(list->arena, "ADD %s", words), true);
        if (!type || !words || strncmp(type, "CONSTR_ATTR", 11) == 0)
            return false; /* DEFERRABLE belongs to the one before it */
        if (strcmp(type, "CONSTR_FOREIGN") == 0)
            validated_apart(list, p, "foreign-key-without-not-valid",
                            quoted(list, given ? given : rh_safer_name(list, p->bare, c->bare, "fkey")),
                            rh_arena_printf(list->arena, "FOREIGN KEY (%s) %s", c->name, words));
        else if (strcmp(type, "CONSTR_CHECK") == 0)
            validated_apart(list, p, "constraint-without-not-valid",
                            quoted(list, given ? given : rh_safer_name(list, p->bare, c->bare, "check")),
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
    const size_t from = p->offsets[index], end = from + strlen(p->words[index]);
    if (!take_column_apart(list, definition, from, end, &c))
        return false;
    const char *rule = c.serial ? "rewrite-access-exclusive" : c.expression ? "volatile-default" : NULL;
    rh_safer_add(list, rule, "%s ADD COLUMN %s", p->head, c.plain);
    const char *expression = c.expression;
    if (c.serial) {
        const char *sequence = quoted(list, rh_safer_name(list, p->bare, c.bare, "seq"));
        rh_safer_add(list, rule, "CREATE SEQUENCE %s AS %s OWNED BY %s.%s", sequence, c.serial, p->table,
                     c.name);
        expression = rh_arena_printf(list->arena, " nextval('%s')", sequence);
    }
    if (expression) {
        rh_safer_add(list, rule, "%s ALTER COLUMN %s SET DEFAULT%s", p->head, c.name, expression);
        rh_safer_fill(list, rule, p->table,
                      rh_arena_printf(list->arena, "UPDATE %s SET %s =%s", p->table, c.name, expression),
                      rh_arena_printf(list->arena, "%s IS NULL", c.name));
    }
    if (c.not_null)
        rh_safer_not_null(list, rule, p->table, c.bare);
    return later_constraints(list, p, definition, end, &c);
}

/* ---- the statement ---- */

static bool wants_change(const rh_statement *statement)
{
    static const char *const rules[] = {"constraint-without-not-valid",
                                        "foreign-key-without-not-valid",
                                        "index-without-concurrently",
                                        "set-not-null-scan",
                                        "volatile-default",
                                        "rewrite-access-exclusive"};
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (rh_safer_has(statement, rules[i]))
            return true;
    return false;
}

bool rh_safer_alter_table(rh_safer_list *list, rh_json *body)
{
    pieces p = {0};
    if (!wants_change(list->statement) || !cut(list, body, &p))
        return false;
    rh_json *commands = rh_json_get(body, "cmds");
    for (size_t i = 0; i < p.count; i++) {
        rh_json *command = rh_json_get(rh_json_at(commands, i), "AlterTableCmd");
        const size_t before = list->count, answered = list->answered_count;
        bool done = false;
        if (rh_tree_is(command, "subtype", "AT_AddConstraint"))
            done = constraint_steps(list, &p, rh_json_path(command, "def.Constraint"), p.words[i]);
        else if (rh_tree_is(command, "subtype", "AT_SetNotNull") &&
                 rh_safer_has(list->statement, "set-not-null-scan")) {
            rh_safer_not_null(list, "set-not-null-scan", p.table,
                              rh_json_string(rh_json_get(command, "name")));
            done = true;
        } else if (rh_tree_is(command, "subtype", "AT_AddColumn"))
            done = column_steps(list, &p, i, rh_json_path(command, "def.ColumnDef"));
        if (done)
            continue;
        list->count = before;
        list->answered_count = answered;
        rh_safer_add(list, NULL, "%s %s", p.head, p.words[i]);
    }
    return true;
}
