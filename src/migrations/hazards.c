/* Each rule's message says what happens, its `safer` what to write instead, with the statement's own names.
 */
#include "hazards.h"
#include "classify.h"
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/base/text.h"
#include <string.h>

/* The tables and columns of the statement under the rules. */
typedef struct subject {
    rh_hazard_context *context;
    rh_arena *arena;
    rh_statement *statement;
    const char *table;
} subject;

void rh_hazard_add(rh_hazard_context *context, rh_statement *statement, const char *rule, const char *message,
                   const char *safer)
{
    rh_hazard *hazard =
        rh_arena_add(context->arena, &statement->hazards, &statement->hazard_count, sizeof *hazard);
    *hazard = (rh_hazard){.rule = rule, .message = message, .safer = safer};
}

rh_known *rh_hazards_known(rh_hazard_context *context)
{
    if (!context->known) {
        context->known = rh_arena_alloc(context->arena, sizeof *context->known);
        context->known->arena = context->arena;
        context->known->in_migrations = true;
        context->session.arena = context->arena;
    }
    return context->known;
}

void rh_hazards_learn_backup(rh_hazard_context *context, const char *const *texts, size_t count)
{
    rh_known *known = rh_hazards_known(context);
    known->in_migrations = false;
    for (size_t i = 0; i < count; i++) {
        rh_sql_span *spans = NULL;
        size_t span_count = 0;
        rh_sql_split(texts[i], NULL, context->arena, &spans, &span_count, NULL);
        for (size_t k = 0; k < span_count; k++) {
            const char *sql = rh_arena_strndup(context->arena, texts[i] + spans[k].offset, spans[k].length);
            rh_json *tree = strlen(sql) <= RH_PARSE_LIMIT ? rh_sql_parse(sql, NULL) : NULL;
            rh_known_learn_tree(known, sql, tree);
            rh_session_follow(&context->session, tree);
            rh_json_free(tree);
        }
    }
    known->complete = count > 0;
    known->in_migrations = true;
    rh_session_connect(&context->session);
}

#define ADD(subject, rule, message, safer)                                                                   \
    rh_hazard_add((subject)->context, (subject)->statement, rule, message, safer)

static void remember(rh_arena *arena, const char ***list, size_t *count, const char *text)
{
    *(const char **)rh_arena_add(arena, list, count, sizeof **list) = text;
}

/* "public.t" and "t" are mostly the same table. */
static const char *without_public(const char *table)
{
    return rh_starts_with(table, "public.") ? table + strlen("public.") : table;
}

static bool is_in(const char *const *list, size_t count, const char *text)
{
    for (size_t i = 0; text && i < count; i++)
        if (strcmp(without_public(list[i]), without_public(text)) == 0)
            return true;
    return false;
}

static const char *quoted(const subject *s, const char *identifier)
{
    return identifier ? rh_tree_identifier(identifier, s->arena) : "…";
}

/* ---- ALTER TABLE ---- */

static void added_column_hazards(const subject *s, rh_json *column)
{
    const char *name = quoted(s, rh_json_string(rh_json_get(column, "colname")));
    switch (rh_classify_added_column(column)) {
    case RH_COLUMN_VOLATILE:
        ADD(s, "volatile-default",
            rh_arena_printf(s->arena,
                            "The default of %s differs from row to row, so PostgreSQL writes all of %s and "
                            "its indexes anew "
                            "while ACCESS EXCLUSIVE keeps every reader and writer out.",
                            name, s->table),
            rh_arena_printf(s->arena,
                            "ALTER TABLE %s ADD COLUMN %s without the default; ALTER TABLE %s ALTER COLUMN "
                            "%s SET DEFAULT …; then fill "
                            "the existing rows in batches, each committed: UPDATE %s SET %s = … WHERE %s IS "
                            "NULL AND <a range of "
                            "the primary key>.",
                            s->table, name, s->table, name, s->table, name, name));
        break;
    case RH_COLUMN_SERIAL:
        ADD(s, "rewrite-access-exclusive",
            rh_arena_printf(
                s->arena,
                "The new column %s takes a number for every row, so all of %s is written anew under ACCESS "
                "EXCLUSIVE.",
                name, s->table),
            rh_arena_printf(s->arena,
                            "ALTER TABLE %s ADD COLUMN %s bigint; CREATE SEQUENCE …; ALTER TABLE %s ALTER "
                            "COLUMN %s SET DEFAULT "
                            "nextval('…'); fill the existing rows in batches.",
                            s->table, name, s->table, name));
        break;
    case RH_COLUMN_GENERATED:
        ADD(s, "rewrite-access-exclusive",
            rh_arena_printf(s->arena,
                            "The generated column %s is computed for every row: all of %s is written anew "
                            "under ACCESS EXCLUSIVE.",
                            name, s->table),
            rh_arena_printf(s->arena,
                            "Add %s to %s as a plain column, keep it right with a trigger, fill the existing "
                            "rows in batches; or "
                            "compute it in a view or an index.",
                            name, s->table));
        break;
    case RH_COLUMN_FREE:
        break;
    }
}

static void unique_hazard(const subject *s, rh_json *constraint, const char *column)
{
    bool primary = rh_tree_is(constraint, "contype", "CONSTR_PRIMARY");
    if (rh_json_get(constraint, "indexname"))
        return;
    const char *first =
        rh_json_string(rh_json_path(rh_json_at(rh_json_get(constraint, "keys"), 0), "String.sval"));
    const char *kind = primary ? "PRIMARY KEY" : "UNIQUE";
    ADD(s, "index-without-concurrently",
        rh_arena_printf(
            s->arena,
            "%s builds its index on %s under ACCESS EXCLUSIVE: nobody reads or writes until it is done.",
            kind, s->table),
        rh_arena_printf(s->arena,
                        "CREATE UNIQUE INDEX CONCURRENTLY … ON %s (%s), in a file of its own; then ALTER "
                        "TABLE %s ADD %s USING "
                        "INDEX ….",
                        s->table,
                        first    ? quoted(s, first)
                        : column ? column
                                 : "…",
                        s->table, kind));
}

static void constraint_hazards(const subject *s, rh_json *constraint, const char *column)
{
    const char *type = rh_json_string(rh_json_get(constraint, "contype"));
    const char *given = rh_json_string(rh_json_get(constraint, "conname"));
    const char *name = given ? rh_tree_identifier(given, s->arena) : "<name>";
    if (!type || rh_json_bool(rh_json_get(constraint, "skip_validation")))
        return;
    if (strcmp(type, "CONSTR_FOREIGN") == 0) {
        const char *other = rh_tree_relation(rh_json_get(constraint, "pktable"), s->arena);
        ADD(s, "foreign-key-without-not-valid",
            rh_arena_printf(s->arena, "Every row of %s is looked up in %s while writes to both tables wait.",
                            s->table, other),
            rh_arena_printf(s->arena,
                            "ALTER TABLE %s ADD CONSTRAINT %s FOREIGN KEY (…) REFERENCES %s NOT VALID; then, "
                            "in a transaction of its own, "
                            "ALTER TABLE %s VALIDATE CONSTRAINT %s.",
                            s->table, name, other, s->table, name));
    } else if (strcmp(type, "CONSTR_CHECK") == 0) {
        ADD(s, "constraint-without-not-valid",
            rh_arena_printf(s->arena,
                            "All of %s is read to check the constraint while ACCESS EXCLUSIVE keeps every "
                            "reader and writer out.",
                            s->table),
            rh_arena_printf(s->arena,
                            "ALTER TABLE %s ADD CONSTRAINT %s CHECK (…) NOT VALID; then, in a transaction of "
                            "its own, ALTER TABLE %s "
                            "VALIDATE CONSTRAINT %s.",
                            s->table, name, s->table, name));
    } else if (strcmp(type, "CONSTR_UNIQUE") == 0 || strcmp(type, "CONSTR_PRIMARY") == 0) {
        unique_hazard(s, constraint, column);
    }
}

static void remember_not_null(const subject *s, rh_json *constraint)
{
    rh_json *test = rh_json_path(constraint, "raw_expr.NullTest");
    const char *column = rh_tree_last_name(rh_json_path(test, "arg.ColumnRef.fields"));
    if (!rh_tree_is(constraint, "contype", "CONSTR_CHECK") ||
        !rh_tree_is(test, "nulltesttype", "IS_NOT_NULL") || !column)
        return;
    rh_hazard_context *context = s->context;
    rh_not_null_check *check =
        rh_arena_add(context->arena, &context->not_null, &context->not_null_count, sizeof *check);
    *check = (rh_not_null_check){
        .table = s->table,
        .constraint = rh_arena_strdup(context->arena, rh_json_string(rh_json_get(constraint, "conname"))),
        .column = rh_arena_strdup(context->arena, column),
        .valid = !rh_json_bool(rh_json_get(constraint, "skip_validation")),
    };
}

static void remember_validation(const subject *s, const char *constraint)
{
    for (size_t i = 0; constraint && i < s->context->not_null_count; i++) {
        rh_not_null_check *check = &s->context->not_null[i];
        if (check->constraint && strcmp(check->constraint, constraint) == 0 &&
            strcmp(check->table, s->table) == 0)
            check->valid = true;
    }
}

static bool is_proven_not_null(const subject *s, const char *column)
{
    for (size_t i = 0; column && i < s->context->not_null_count; i++) {
        const rh_not_null_check *check = &s->context->not_null[i];
        if (check->valid && strcmp(check->column, column) == 0 && strcmp(check->table, s->table) == 0)
            return true;
    }
    return false;
}

static void set_not_null_hazard(const subject *s, const char *column)
{
    if (is_proven_not_null(s, column))
        return;
    const char *name = quoted(s, column);
    ADD(s, "set-not-null-scan",
        rh_arena_printf(
            s->arena,
            "All of %s is read for a NULL in %s while ACCESS EXCLUSIVE keeps every reader and writer out.",
            s->table, name),
        rh_arena_printf(s->arena,
                        "ALTER TABLE %s ADD CONSTRAINT <name> CHECK (%s IS NOT NULL) NOT VALID; then ALTER "
                        "TABLE %s VALIDATE CONSTRAINT "
                        "<name>; then ALTER TABLE %s ALTER COLUMN %s SET NOT NULL, which needs no scan now; "
                        "then drop the check.",
                        s->table, name, s->table, s->table, name));
}

static void type_change_hazard(const subject *s, const char *column)
{
    const char *name = quoted(s, column);
    ADD(s, "type-change",
        rh_arena_printf(s->arena,
                        "Another type for %s writes all of %s and its indexes anew under ACCESS EXCLUSIVE, "
                        "unless both types are "
                        "stored alike (varchar to a longer one or to text, numeric to a higher precision).",
                        name, s->table),
        rh_arena_printf(s->arena,
                        "Add a second column of the new type to %s, write both with a trigger, fill it in "
                        "batches, let the application "
                        "change over, and drop %s in a later release.",
                        s->table, name));
}

static void drop_column_hazard(const subject *s, const char *column)
{
    const char *name = quoted(s, column);
    ADD(s, "drop-column",
        rh_arena_printf(s->arena,
                        "The running release may still read or write %s of %s: its statements fail from here "
                        "on, and the data is gone.",
                        name, s->table),
        rh_arena_printf(
            s->arena, "Release an application that no longer uses %s.%s first; drop it in a later migration.",
            s->table, name));
}

static void other_rewrite_hazard(const subject *s, const char *subtype)
{
    static const char *const rewriting[] = {"AT_SetLogged", "AT_SetUnLogged", "AT_SetAccessMethod",
                                            "AT_SetTableSpace"};
    for (size_t i = 0; i < sizeof rewriting / sizeof *rewriting; i++)
        if (strcmp(subtype, rewriting[i]) == 0)
            ADD(s, "rewrite-access-exclusive",
                rh_arena_printf(s->arena, "All of %s is written anew under ACCESS EXCLUSIVE.", s->table),
                rh_arena_printf(
                    s->arena,
                    "Fill a new table beside %s in batches and swap the names, or use a maintenance window.",
                    s->table));
}

/* ---- the new and the old in one release ---- */

static void remember_expansion(const subject *s, rh_json *column)
{
    rh_hazard_context *context = s->context;
    rh_expansion *added =
        rh_arena_add(context->arena, &context->expanded, &context->expanded_count, sizeof *added);
    *added = (rh_expansion){
        .table = s->table,
        .column = rh_arena_strdup(context->arena, rh_json_string(rh_json_get(column, "colname"))),
    };
    rh_json *constraints = rh_json_get(column, "constraints");
    for (size_t i = 0; i < rh_json_count(constraints); i++)
        added->has_default |=
            rh_tree_is(rh_json_get(rh_json_at(constraints, i), "Constraint"), "contype", "CONSTR_DEFAULT");
}

/* Taking COLUMN away, or asking for it always, in the release that adds another column to its table, or
 * itself. */
static void expand_and_contract_hazard(const subject *s, const char *column, bool taken_away)
{
    const rh_expansion *found = NULL;
    for (size_t i = 0; column && i < s->context->expanded_count; i++) {
        const rh_expansion *added = &s->context->expanded[i];
        const bool same = added->column && strcmp(added->column, column) == 0;
        if (is_in(&added->table, 1, s->table) && (taken_away ? !same : same && !added->has_default))
            found = added;
    }
    if (!found)
        return;
    const char *name = quoted(s, column), *added = quoted(s, found->column);
    if (taken_away)
        ADD(s, "expand-and-contract",
            rh_arena_printf(
                s->arena,
                "This release adds %s to %s and takes %s away: instances of the old release and of the "
                "new one cannot run side by side.",
                added, s->table, name),
            rh_arena_printf(s->arena,
                            "Keep %s for this release; take it away in a later one, once every instance "
                            "uses %s.",
                            name, added));
    else
        ADD(s, "expand-and-contract",
            rh_arena_printf(
                s->arena,
                "This release adds %s to %s and no longer takes rows without it: what the old release "
                "still writes fails.",
                name, s->table),
            rh_arena_printf(s->arena, "Set %s of %s NOT NULL in a later release, or give it a default.", name,
                            s->table));
}

static void alter_table_command_hazards(const subject *s, rh_json *command)
{
    const char *subtype = rh_json_string(rh_json_get(command, "subtype"));
    const char *name = rh_json_string(rh_json_get(command, "name"));
    rh_json *column = rh_json_path(command, "def.ColumnDef");
    if (!subtype)
        return;
    if (strcmp(subtype, "AT_AddColumn") == 0) {
        added_column_hazards(s, column);
        remember_expansion(s, column);
        rh_json *constraints = rh_json_get(column, "constraints");
        for (size_t k = 0; k < rh_json_count(constraints); k++)
            constraint_hazards(s, rh_json_get(rh_json_at(constraints, k), "Constraint"),
                               quoted(s, rh_json_string(rh_json_get(column, "colname"))));
    } else if (strcmp(subtype, "AT_AddConstraint") == 0) {
        constraint_hazards(s, rh_json_path(command, "def.Constraint"), NULL);
        remember_not_null(s, rh_json_path(command, "def.Constraint"));
    } else if (strcmp(subtype, "AT_ValidateConstraint") == 0) {
        remember_validation(s, name);
    } else if (strcmp(subtype, "AT_SetNotNull") == 0) {
        set_not_null_hazard(s, name);
        expand_and_contract_hazard(s, name, false);
    } else if (strcmp(subtype, "AT_AlterColumnType") == 0) {
        type_change_hazard(s, name);
    } else if (strcmp(subtype, "AT_DropColumn") == 0) {
        drop_column_hazard(s, name);
        expand_and_contract_hazard(s, name, true);
    } else {
        other_rewrite_hazard(s, subtype);
    }
}

static void alter_table_hazards(const subject *s, rh_json *body)
{
    rh_json *commands = rh_json_get(body, "cmds");
    const size_t before = s->statement->hazard_count;
    bool attaches = false; /* reads the partition, for which there is no rule */
    for (size_t i = 0; i < rh_json_count(commands); i++) {
        rh_json *command = rh_json_get(rh_json_at(commands, i), "AlterTableCmd");
        alter_table_command_hazards(s, command);
        attaches |= rh_tree_is(command, "subtype", "AT_AttachPartition");
    }
    if (s->statement->class_ == RH_CLASS_HEAP_SCAN && !attaches && s->statement->hazard_count == before)
        s->statement->class_ = RH_CLASS_CATALOG; /* every SET NOT NULL in it is proven by a check */
}

/* ---- the others ---- */

/* A build that failed leaves its index behind, unusable, and IF NOT EXISTS takes that for the index. */
static void retried_index_hazard(const subject *s, rh_json *body, const char *name)
{
    if (!name || !rh_json_bool(rh_json_get(body, "if_not_exists")))
        return;
    name = quoted(s, name);
    ADD(s, "invalid-index",
        rh_arena_printf(
            s->arena,
            "When an earlier try has failed, %s is there but invalid: IF NOT EXISTS passes over it, and "
            "no query ever uses it.",
            name),
        rh_arena_printf(
            s->arena,
            "DROP INDEX CONCURRENTLY IF EXISTS %s before it, and CREATE INDEX CONCURRENTLY %s without IF "
            "NOT EXISTS.",
            name, name));
}

static void index_hazard(const subject *s, rh_json *body)
{
    const char *name = rh_json_string(rh_json_get(body, "idxname"));
    if (rh_json_bool(rh_json_get(body, "concurrent"))) {
        retried_index_hazard(s, body, name);
        return;
    }
    ADD(s, "index-without-concurrently",
        rh_arena_printf(s->arena, "Writes to %s wait until the index is built.", s->table),
        rh_arena_printf(
            s->arena,
            "CREATE %sINDEX CONCURRENTLY %s ON %s …, in a file of its own and outside a transaction.",
            rh_json_bool(rh_json_get(body, "unique")) ? "UNIQUE " : "", name ? quoted(s, name) : "",
            s->table));
}

static void rename_hazard(const subject *s, rh_json *body)
{
    bool column = rh_tree_is(body, "renameType", "OBJECT_COLUMN");
    if (!column && !rh_tree_is(body, "renameType", "OBJECT_TABLE") &&
        !rh_tree_is(body, "renameType", "OBJECT_VIEW"))
        return;
    const char *from = column ? quoted(s, rh_json_string(rh_json_get(body, "subname"))) : s->table;
    const char *to = quoted(s, rh_json_string(rh_json_get(body, "newname")));
    ADD(s, "rename",
        rh_arena_printf(s->arena,
                        "The running release knows only the old name %s: its statements fail from here on.",
                        from),
        column ? rh_arena_printf(s->arena,
                                 "Add %s to %s beside %s, write both with a trigger, change the application "
                                 "over, drop %s in a later release.",
                                 to, s->table, from, from)
               : rh_arena_printf(s->arena,
                                 "In the same transaction CREATE VIEW %s AS SELECT * FROM %s; drop the view "
                                 "in a later release.",
                                 from, to));
}

static void drop_hazard(const subject *s, rh_json *body)
{
    if (rh_tree_is(body, "removeType", "OBJECT_TABLE"))
        ADD(s, "drop-table",
            rh_arena_printf(s->arena,
                            "The running release may still use %s: its statements fail from here on, and the "
                            "data is gone.",
                            s->table),
            rh_arena_printf(s->arena,
                            "Release an application that no longer uses %s first; drop it in a later "
                            "migration, with a backup at hand.",
                            s->table));
    else if (rh_tree_is(body, "removeType", "OBJECT_INDEX") && !rh_json_bool(rh_json_get(body, "concurrent")))
        ADD(s, "index-without-concurrently",
            rh_arena_printf(s->arena,
                            "DROP INDEX %s takes ACCESS EXCLUSIVE on its table: it waits for every "
                            "transaction, and all wait for it.",
                            s->table),
            rh_arena_printf(s->arena,
                            "DROP INDEX CONCURRENTLY %s, in a file of its own and outside a transaction.",
                            s->table));
}

/* Every condition joins a table to another one, or asks for what is not filled yet: nothing picks some rows
 * out. */
static bool picks_none(rh_json *condition, int depth)
{
    rh_json *both = rh_json_get(condition, "BoolExpr"), *expression = rh_json_get(condition, "A_Expr");
    if (rh_tree_is(rh_json_get(condition, "NullTest"), "nulltesttype", "IS_NULL"))
        return true;
    if (expression)
        return rh_tree_is(expression, "kind", "AEXPR_OP") && rh_json_path(expression, "lexpr.ColumnRef") &&
               rh_json_path(expression, "rexpr.ColumnRef");
    bool none = depth < 200 && rh_tree_is(both, "boolop", "AND_EXPR");
    for (size_t i = 0; none && i < rh_json_count(rh_json_get(both, "args")); i++)
        none = picks_none(rh_json_at(rh_json_get(both, "args"), i), depth + 1);
    return none;
}

static void data_change_hazard(const subject *s, rh_json *body, const char *verb)
{
    rh_json *where = rh_json_get(body, "whereClause");
    const bool joined = rh_json_get(body, "fromClause") != NULL;
    const bool backfill =
        where && !joined && rh_tree_is(rh_json_get(where, "NullTest"), "nulltesttype", "IS_NULL");
    if (where && !backfill && !(joined && picks_none(where, 0)))
        return;
    ADD(s, "whole-table-update",
        rh_arena_printf(s->arena,
                        "%s touches %s of %s in one transaction: their locks are held, and their old "
                        "versions kept, until the end; "
                        "replicas lag behind it.",
                        verb,
                        backfill ? "every row that is still NULL"
                        : where  ? "every row that has a partner"
                                 : "every row",
                        s->table),
        rh_arena_printf(s->arena,
                        "%s %s in batches of some thousand rows by a range of the primary key, each "
                        "committed, with a pause between.",
                        verb, s->table));
}

static void maintenance_hazard(const subject *s)
{
    if (s->statement->expected_lock && strcmp(s->statement->expected_lock, "AccessExclusiveLock") == 0)
        ADD(s, "rewrite-access-exclusive",
            rh_arena_printf(s->arena, "%s holds ACCESS EXCLUSIVE on %s for as long as it takes.",
                            s->statement->command_tag, s->table),
            rh_arena_printf(
                s->arena,
                "Use the CONCURRENTLY form where there is one (REINDEX, REFRESH), or pg_repack for %s.",
                s->table));
}

/* ---- what holds for any statement ---- */

static void lock_timeout_hazard(const subject *s)
{
    rh_hazard_context *context = s->context;
    if (context->lock_timeout || context->lock_timeout_local || context->lock_timeout_missed || !s->table ||
        rh_lock_mode_strength(s->statement->expected_lock) < 5)
        return;
    context->lock_timeout_missed = true;
    ADD(s, "missing-lock-timeout",
        rh_arena_printf(s->arena,
                        "While this waits for its lock on %s behind one long transaction, everybody else "
                        "waits behind it, without limit.",
                        s->table),
        "SET lock_timeout = '2s' before it, and try again when it fails.");
}

static void remember_settings(const subject *s, const char *kind, rh_json *body)
{
    rh_hazard_context *context = s->context;
    if (strcmp(kind, "VariableSetStmt") == 0 && rh_tree_is(body, "name", "lock_timeout")) {
        bool set = rh_tree_is(body, "kind", "VAR_SET_VALUE");
        if (rh_json_bool(rh_json_get(body, "is_local")))
            context->lock_timeout_local = set;
        else
            context->lock_timeout = set;
    }
    rh_json *made = strcmp(kind, "CreateStmt") == 0          ? rh_json_get(body, "relation")
                    : strcmp(kind, "CreateTableAsStmt") == 0 ? rh_json_path(body, "into.rel")
                    : strcmp(kind, "SelectStmt") == 0        ? rh_json_path(body, "intoClause.rel")
                                                             : NULL;
    const char *table = rh_tree_relation(made, context->arena);
    if (table)
        remember(context->arena, &context->created, &context->created_count, table);
    if (strcmp(kind, "RenameStmt") == 0 && rh_tree_is(body, "renameType", "OBJECT_TABLE") &&
        is_in(context->created, context->created_count, s->statement->expected_relation)) {
        const char *schema = rh_json_string(rh_json_path(body, "relation.schemaname"));
        const char *name = quoted(s, rh_json_string(rh_json_get(body, "newname")));
        remember(context->arena, &context->created, &context->created_count,
                 schema ? rh_arena_printf(context->arena, "%s.%s", quoted(s, schema), name) : name);
    }
}

void rh_hazards_of_statement(rh_hazard_context *context, rh_statement *statement, rh_json *tree)
{
    rh_json *body;
    const char *kind = rh_tree_kind(tree, &body);
    if (!kind)
        return;
    subject s = {context, context->arena, statement,
                 statement->expected_relation ? statement->expected_relation : "the table"};
    remember_settings(&s, kind, body);
    bool fresh = is_in(context->created, context->created_count, statement->expected_relation);
    if (fresh || strcmp(kind, "CreateStmt") == 0)
        return; /* a new table is empty and nobody's yet */
    if (strcmp(kind, "AlterTableStmt") == 0)
        alter_table_hazards(&s, body);
    else if (strcmp(kind, "IndexStmt") == 0)
        index_hazard(&s, body);
    else if (strcmp(kind, "RenameStmt") == 0)
        rename_hazard(&s, body);
    else if (strcmp(kind, "DropStmt") == 0)
        drop_hazard(&s, body);
    else if (strcmp(kind, "UpdateStmt") == 0)
        data_change_hazard(&s, body, "UPDATE");
    else if (strcmp(kind, "DeleteStmt") == 0)
        data_change_hazard(&s, body, "DELETE");
    else if (statement->class_ == RH_CLASS_MAINTENANCE)
        maintenance_hazard(&s);
    s.table = statement->expected_relation;
    lock_timeout_hazard(&s);
}
