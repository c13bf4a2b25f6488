/* A transaction is split only where the state that is committed in between harms no session: not where a
 * lock, a temporary table, a cursor or a clock spans its statements, and not between taking something away
 * and putting it back, or between copying rows and removing them. */
#include "commit_points.h"
#include "pgrehearse/sql/classify.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/sql/tree.h"
#include <string.h>
#include <strings.h>

/* What one statement means for its neighbours. */
typedef struct effect {
    const rh_statement *statement;
    bool in_transaction; /* not BEGIN, COMMIT and the like */
    const char **names;  /* relations that it names, unquoted */
    size_t name_count;
    const char **taken; /* names that others miss from here on */
    size_t taken_count;
    const char *taken_column; /* only where a later statement names it too; NULL */
    bool removes_rows;        /* DELETE, TRUNCATE: only adding rows again matters */
    bool moves_rows;          /* it copies or changes rows */
    bool adds_rows, grants;
    bool destroys;     /* rows or columns of TAKEN are removed, or differ */
    bool clock;        /* now() and the like */
    const char *spans; /* why nothing of its transaction can be committed apart; NULL */
    rh_arena *arena;
} effect;

static void add_name(rh_arena *arena, const char ***names, size_t *count, const char *name)
{
    if (name)
        *rh_arena_add(arena, names, count) = rh_arena_strdup(arena, name);
}

static bool is_in(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* Relations and functions that the tree under NODE names. */
static bool note_names(rh_json *node, void *data)
{
    static const char *const clocks[] = {
        "now", "transaction_timestamp", "txid_current", "pg_current_xact_id", "age", NULL};
    static const char *const session[] = {"pg_advisory_xact_lock", "pg_try_advisory_xact_lock",
                                          "pg_advisory_xact_lock_shared", "pg_export_snapshot", NULL};
    effect *d = data;
    const char *relation = rh_json_string(rh_json_get(node, "relname"));
    const char *function = rh_tree_last_name(rh_json_path(node, "FuncCall.funcname"));
    if (relation)
        add_name(d->arena, &d->names, &d->name_count, relation);
    if (function && rh_is_one_of(function, session))
        d->spans = rh_arena_printf(d->arena, "%s() lasts until its transaction ends", function);
    d->clock |= (function && rh_is_one_of(function, clocks)) || rh_json_get(node, "SQLValueFunction");
    return false;
}

/* ---- what spans a whole transaction ---- */

static const char *spans_transaction(const char *kind, rh_json *body)
{
    static const char *const kinds[][2] = {
        {"LockStmt", "LOCK TABLE lasts until its transaction ends"},
        {"DeclareCursorStmt", "a cursor ends with its transaction"},
        {"FetchStmt", "a cursor ends with its transaction"},
        {"ConstraintsSetStmt", "SET CONSTRAINTS applies to its transaction"},
        {"TransactionStmt", "a savepoint ends with its transaction"},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kind, kinds[i][0]) == 0)
            return kinds[i][1];
    if (strcmp(kind, "VariableSetStmt") == 0 && rh_tree_is(body, "kind", "VAR_SET_MULTI"))
        return "SET TRANSACTION applies to its transaction";
    const char *on_commit = rh_json_string(rh_json_get(body, "oncommit"));
    on_commit = on_commit ? on_commit : rh_json_string(rh_json_path(body, "into.onCommit"));
    if (on_commit &&
        (strcmp(on_commit, "ONCOMMIT_DROP") == 0 || strcmp(on_commit, "ONCOMMIT_DELETE_ROWS") == 0))
        return "the rows or the definition of a temporary table ON COMMIT end with its transaction";
    return NULL;
}

/* What another session would lack, where the parts may run in several. */
static const char *spans_session(const char *kind, rh_json *body, const effect *d, rh_arena *arena)
{
    static const char *const kinds[] = {"PrepareStmt", "ExecuteStmt", "DeallocateStmt",
                                        "DiscardStmt", "ListenStmt",  NULL};
    static const char *const functions[] = {"currval", "lastval", "pg_advisory_lock", "pg_try_advisory_lock",
                                            NULL};
    if (rh_is_one_of(kind, kinds))
        return "a prepared statement ends with its session";
    rh_json *made =
        strcmp(kind, "CreateStmt") == 0 ? rh_json_get(body, "relation") : rh_json_path(body, "into.rel");
    made = made ? made : rh_json_get(body, "view");
    made = made ? made : rh_json_get(body, "sequence");
    made = made ? made : rh_json_path(body, "intoClause.rel");
    if (rh_tree_is(made, "relpersistence", "t"))
        return "a temporary table ends with its session";
    for (size_t i = 0; functions[i]; i++)
        if (rh_clauses_mention(d->statement->sql, functions[i], arena))
            return rh_arena_printf(arena, "%s() depends on its session", functions[i]);
    return NULL;
}

/* What a DO block or a function does is only known in part. */
static const char *is_opaque(const char *kind, rh_json *body, const effect *d, rh_arena *arena)
{
    static const char *const words[] = {"lock",    "set_config", "local",   "temp",     "temporary",
                                        "drop",    "disable",    "delete",  "truncate", "rename",
                                        "execute", "revoke",     "perform", "update"};
    static const char *const known[] = {"setval", "nextval", "random", "gen_random_uuid", "pg_sleep", "count",
                                        "max",    "min",     "sum",    "clock_timestamp", "version",  NULL};
    if (strcmp(kind, "CallStmt") == 0)
        return "the effect of a procedure is not known from the text";
    if (strcmp(kind, "DoStmt") == 0)
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
            if (strcasestr(d->statement->sql, words[i]))
                return "the effect of a DO block is not fully known from the text";
    const char *function = strcmp(kind, "SelectStmt") == 0 ? rh_tree_volatile_function(body) : NULL;
    if (function && !rh_is_one_of(function, known))
        return rh_arena_printf(arena, "the effect of %s() is not known from the text", function);
    return NULL;
}

/* ---- what is taken away ---- */

static void take_dropped(effect *d, rh_json *body, rh_arena *arena)
{
    rh_json *objects = rh_json_get(body, "objects");
    d->destroys = rh_tree_is(body, "removeType", "OBJECT_TABLE");
    for (size_t i = 0; i < rh_json_count(objects); i++) {
        rh_json *object = rh_json_at(objects, i), *items = rh_json_path(object, "List.items");
        items = items ? items : rh_json_path(object, "TypeName.names");
        items = items ? items : rh_json_path(object, "ObjectWithArgs.objname");
        const char *name = rh_json_string(rh_json_path(object, "String.sval"));
        add_name(arena, &d->taken, &d->taken_count, name ? name : rh_tree_last_name(items));
        const bool of_table = rh_tree_is(body, "removeType", "OBJECT_TRIGGER") ||
                              rh_tree_is(body, "removeType", "OBJECT_POLICY") ||
                              rh_tree_is(body, "removeType", "OBJECT_RULE");
        const size_t count = rh_json_count(items);
        if (of_table && count > 1)
            add_name(arena, &d->taken, &d->taken_count, rh_tree_name_at(items, count - 2));
    }
}

static void take_altered(effect *d, rh_json *body, rh_arena *arena)
{
    static const char *const away[] = {"AT_DropConstraint",     "AT_DisableTrig",     "AT_DisableTrigAll",
                                       "AT_DisableTrigUser",    "AT_DisableRule",     "AT_DisableRowSecurity",
                                       "AT_NoForceRowSecurity", "AT_DetachPartition", "AT_DropInherit",
                                       "AT_EnableReplicaTrig",  "AT_ReplicaIdentity", "AT_SetUnLogged",
                                       "AT_DropIdentity",       "AT_DropExpression",  NULL};
    static const char *const of_column[] = {"AT_DropColumn", "AT_DropNotNull", "AT_AlterColumnType",
                                            "AT_ColumnDefault", NULL};
    rh_json *commands = rh_json_get(body, "cmds");
    for (size_t i = 0; i < rh_json_count(commands); i++) {
        rh_json *command = rh_json_get(rh_json_at(commands, i), "AlterTableCmd");
        const char *subtype = rh_json_string(rh_json_get(command, "subtype"));
        const bool sets_default =
            subtype && strcmp(subtype, "AT_ColumnDefault") == 0 && rh_json_get(command, "def");
        const bool whole = subtype && rh_is_one_of(subtype, away);
        if (!subtype || sets_default || (!whole && !rh_is_one_of(subtype, of_column)))
            continue;
        if (!whole && d->taken_count == 0)
            d->taken_column = rh_arena_strdup(arena, rh_json_string(rh_json_get(command, "name")));
        if (whole)
            d->taken_column = NULL;
        d->destroys |= strcmp(subtype, "AT_DropColumn") == 0 || strcmp(subtype, "AT_AlterColumnType") == 0 ||
                       strcmp(subtype, "AT_DetachPartition") == 0;
        add_name(arena, &d->taken, &d->taken_count, rh_json_string(rh_json_path(body, "relation.relname")));
    }
}

static void take_away(effect *d, const char *kind, rh_json *body, rh_arena *arena)
{
    const char *relation = rh_json_string(rh_json_path(body, "relation.relname"));
    d->adds_rows = strcmp(kind, "InsertStmt") == 0 || strcmp(kind, "CopyStmt") == 0 ||
                   strcmp(kind, "MergeStmt") == 0 || strcmp(kind, "UpdateStmt") == 0;
    d->removes_rows = strcmp(kind, "DeleteStmt") == 0 || strcmp(kind, "TruncateStmt") == 0;
    d->moves_rows = d->adds_rows || d->removes_rows || strcmp(kind, "CreateTableAsStmt") == 0 ||
                    strcmp(kind, "SelectStmt") == 0 || strcmp(kind, "DoStmt") == 0;
    d->grants = strcmp(kind, "GrantStmt") == 0 || strcmp(kind, "AlterDefaultPrivilegesStmt") == 0;
    if (strcmp(kind, "DropStmt") == 0)
        take_dropped(d, body, arena);
    else if (strcmp(kind, "AlterTableStmt") == 0)
        take_altered(d, body, arena);
    else if (strcmp(kind, "RenameStmt") == 0) {
        add_name(arena, &d->taken, &d->taken_count, relation);
        add_name(arena, &d->taken, &d->taken_count, rh_json_string(rh_json_get(body, "newname")));
        d->destroys = true;
    } else if (strcmp(kind, "AlterObjectSchemaStmt") == 0) {
        add_name(arena, &d->taken, &d->taken_count, relation);
        d->destroys = true;
    } else if (d->removes_rows) {
        for (size_t i = 0; i < d->name_count; i++)
            add_name(arena, &d->taken, &d->taken_count, d->names[i]);
        d->destroys = true;
    }
}

static void judge(effect *d, bool session_kept, rh_arena *arena)
{
    if (strlen(d->statement->sql) > RH_PARSE_LIMIT) { /* a long list of rows */
        d->adds_rows = d->moves_rows = true;
        return;
    }
    rh_json *body, *tree = rh_sql_parse(d->statement->sql, NULL);
    const char *kind = rh_tree_kind(tree, &body);
    if (!kind) {
        d->spans = "it was not parsed";
        return;
    }
    d->arena = arena;
    rh_json_visit(body, note_names, d);
    take_away(d, kind, body, arena);
    const char *why = spans_transaction(kind, body);
    why = why || session_kept ? why : spans_session(kind, body, d, arena);
    why = why ? why : is_opaque(kind, body, d, arena);
    d->spans = why ? why : d->spans;
    rh_json_free(tree);
}

/* ---- from statement to statement ---- */

static void add_reason(const char **reasons, size_t from, size_t to, const char *why)
{
    for (size_t i = from; i < to; i++)
        reasons[i] = reasons[i] ? reasons[i] : why;
}

static bool mentions(const effect *d, const char *name, rh_arena *arena)
{
    return strcasestr(d->statement->sql, name) && rh_clauses_mention(d->statement->sql, name, arena);
}

static bool names_again(const effect *a, const effect *b, rh_arena *arena, const char **which)
{
    if (a->removes_rows && !b->adds_rows)
        return false;
    if (a->taken_column && !mentions(b, a->taken_column, arena))
        return false;
    for (size_t i = 0; i < a->taken_count; i++)
        if (mentions(b, a->taken[i], arena)) {
            *which = a->taken[i];
            return true;
        }
    return false;
}

/* Rows that A moves and B removes later: changes to them in between would be lost. */
static bool removes_moved(const effect *a, const effect *b, const char **which)
{
    for (size_t i = 0; a->moves_rows && b->destroys && i < b->taken_count; i++)
        if (is_in(a->names, a->name_count, b->taken[i])) {
            *which = b->taken[i];
            return true;
        }
    return false;
}

static void add_reasons(const char **reasons, const effect *effects, const int *numbers, size_t a, size_t b,
                        rh_arena *arena)
{
    const char *which = NULL;
    const int one = effects[a].statement->ordinal, other = effects[b].statement->ordinal;
    if (effects[a].grants && effects[b].grants)
        add_reason(reasons, a, b,
                   rh_arena_printf(arena, "statements %d and %d change privileges together", one, other));
    else if (names_again(&effects[a], &effects[b], arena, &which))
        add_reason(
            reasons, a, b,
            rh_arena_printf(
                arena,
                "other sessions need what statement %d removes until statement %d, which names %s again, commits",
                one, other, which));
    if (!removes_moved(&effects[a], &effects[b], &which))
        return;
    size_t from = a; /* a lock on it that was taken before protects the rows, too */
    for (size_t i = 0; i < a; i++)
        if (numbers[i] == numbers[a] && from == a && is_in(effects[i].names, effects[i].name_count, which))
            from = i;
    add_reason(
        reasons, from, b,
        rh_arena_printf(
            arena,
            "rows of %s that other sessions write between statements %d, which reads or changes them, and %d would be lost or missed",
            which, one, other));
}

const char **rh_safer_commit_points(const rh_script *script, const int *numbers, bool session_kept,
                                    rh_arena *arena)
{
    const size_t count = script->statement_count;
    const char **reasons = rh_arena_alloc(arena, (count + 1) * sizeof *reasons);
    effect *effects = rh_arena_alloc(arena, (count + 1) * sizeof *effects);
    for (size_t i = 0; i < count; i++) {
        const rh_transaction_verb verb = rh_transaction_verb_of(script->statements[i].sql);
        effects[i].statement = &script->statements[i];
        effects[i].in_transaction = verb != RH_VERB_BEGIN && verb != RH_VERB_END && verb != RH_VERB_CHAIN;
        if (effects[i].in_transaction)
            judge(&effects[i], session_kept, arena);
        else if (verb == RH_VERB_CHAIN)
            effects[i].spans = "COMMIT AND CHAIN begins the next transaction";
    }
    for (size_t a = 0; a < count; a++) {
        for (size_t b = a + 1; b < count && numbers[b] == numbers[a]; b++) {
            add_reasons(reasons, effects, numbers, a, b, arena);
            if (effects[a].clock && effects[b].clock)
                add_reason(reasons, a, b,
                           "now() is the same throughout a transaction, and several statements use it");
        }
        for (size_t i = 0; effects[a].spans && i + 1 < count; i++)
            if (numbers[i] == numbers[a] && numbers[i + 1] == numbers[a])
                add_reason(reasons, i, i + 1,
                           rh_arena_printf(arena, "statement %d: %s", effects[a].statement->ordinal,
                                           effects[a].spans));
    }
    return reasons;
}
