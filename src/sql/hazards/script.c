/* Hazards that follow from the other statements of the same transaction, and from the settings in force. */
#include "subject.h"
#include "pgrehearse/sql/classify.h"
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/base/units.h"
#include <string.h>

/* The script under the rules. */
typedef struct company {
    rh_hazard_context *context;
    rh_script *script;
    rh_session session;
    int *transactions;          /* the number of each statement's transaction; 0: a transaction of its own */
    const rh_statement *locker; /* has taken the strongest lock of the transaction; NULL */
    const rh_expected_lock *lock;
    bool missed;          /* missing-lock-timeout is reported of the first of those without a limit */
    rh_statement *worker; /* of this transaction, reported to work under the lock; NULL */
    size_t from;
} company;

static void add(const company *c, rh_statement *statement, const char *rule, const char *message,
                const char *safer)
{
    if ((size_t)(statement - c->script->statements) >= c->from)
        rh_hazard_add(c->context, statement, rule, message, safer);
}

/* The strongest lock that others wait for; NULL: none blocks reads or writes. */
static const rh_expected_lock *strong_lock(const rh_statement *statement)
{
    const rh_expected_lock *strongest = NULL;
    for (size_t i = 0; i < statement->expected_lock_count; i++) {
        const rh_expected_lock *lock = &statement->expected_locks[i];
        if (!lock->on_new && lock->mode >= RH_LOCK_SHARE && (!strongest || lock->mode > strongest->mode))
            strongest = lock;
    }
    return strongest;
}

static void missing_timeout(company *c, rh_statement *statement)
{
    const rh_expected_lock *lock = strong_lock(statement);
    const double given = rh_session_seconds(&c->session, RH_SESSION_LOCK_TIMEOUT);
    char duration[32];
    rh_arena *arena = c->context->arena;
    /* DETACH CONCURRENTLY that gives up leaves the partition half detached */
    if (!lock || (statement->needs_no_transaction && statement->class_ == RH_CLASS_CATALOG))
        return;
    const bool limited = rh_session_limits_lock_waits(&c->session), reported = c->missed;
    c->missed = !limited;
    if (limited || reported)
        return;
    const char *limit = given > 0 ? rh_arena_printf(arena, "for up to the lock_timeout in force, %s",
                                                    rh_duration_format(given, duration, sizeof duration))
                                  : "without limit";
    add(c, statement, "missing-lock-timeout",
        rh_arena_printf(
            arena,
            "While this waits for its lock on %s behind one long transaction, all other sessions wait behind "
            "it, %s.",
            lock->relation, limit),
        c->transactions[statement - c->script->statements]
            ? "SET LOCAL lock_timeout = '2s' before it in its transaction, and try again when it fails."
            : "SET lock_timeout = '2s' before it, and try again when it fails.");
}

/* CREATE, REINDEX or DROP of an index, CONCURRENTLY. REINDEX SCHEMA without it runs outside of a transaction
 * as well; DROP IF EXISTS of an index that the backup does not have does nothing. */
static bool works_concurrently(const company *c, const rh_statement *statement)
{
    const char *tag = statement->command_tag ? statement->command_tag : "";
    if (statement->class_ == RH_CLASS_INDEX_CONCURRENT || !statement->needs_no_transaction)
        return statement->class_ == RH_CLASS_INDEX_CONCURRENT;
    if (strcmp(tag, "REINDEX") == 0)
        return !rh_hazard_is(statement, "reindex-without-concurrently");
    const bool absent =
        statement->expected_lock_count == 0 && c->context->catalog && c->context->catalog->complete;
    return strcmp(tag, "DROP INDEX") == 0 && !absent;
}

/* A CONCURRENTLY that gives up leaves an invalid index. */
static void interrupted_build(company *c, rh_statement *statement)
{
    static const rh_session_setting limits[] = {RH_SESSION_LOCK_TIMEOUT, RH_SESSION_STATEMENT_TIMEOUT};
    const bool build = works_concurrently(c, statement);
    for (size_t i = 0; build && i < 2; i++) {
        const double limit = rh_session_seconds(&c->session, limits[i]);
        const char *name = i ? "statement_timeout" : "lock_timeout";
        char duration[32];
        if (limit <= 0 || (i && limit > 3600) || rh_hazard_is(statement, "invalid-index"))
            continue;
        add(c, statement, "invalid-index",
            rh_arena_printf(
                c->context->arena,
                "CONCURRENTLY waits for every transaction that is older than itself. With a %s of %s it is cancelled while it waits for a longer one, and leaves an invalid index, which no query uses and every write maintains.",
                name, rh_duration_format(limit, duration, sizeof duration)),
            rh_arena_printf(
                c->context->arena,
                "SET %s = 0 before it, and set it again after it: CONCURRENTLY blocks neither reads nor writes while it waits. After a failure DROP INDEX CONCURRENTLY the invalid index.",
                name));
    }
}

static void withdraw_hazard(rh_statement *statement, const char *rule)
{
    size_t kept = 0;
    for (size_t h = 0; h < statement->hazard_count; h++)
        if (strcmp(statement->hazards[h].rule, rule) != 0)
            statement->hazards[kept++] = statement->hazards[h];
    statement->hazard_count = kept;
}

/* Locks stay until the end of the transaction: a strong one that was taken early is held through the work
 * that follows. Reported once a transaction, of the first that works long, else of the first that may. */
static void held_through(company *c, rh_statement *worker)
{
    rh_arena *arena = c->context->arena;
    const bool unknown = !worker->works_long;
    if (!c->lock || (unknown && !worker->unknown_effect) ||
        (unknown && worker->class_ != RH_CLASS_PROCEDURE && worker->class_ != RH_CLASS_QUERY) ||
        (c->worker && (unknown || c->worker->works_long)))
        return;
    if (c->worker)
        withdraw_hazard(c->worker, "lock-then-long-work");
    c->worker = worker;
    add(c, worker, "lock-then-long-work",
        rh_arena_printf(
            arena,
            "Statement %d has taken %s on %s, and the transaction keeps it (%s blocked) while this one works%s.",
            c->locker->ordinal, rh_lock_mode_sql(c->lock->mode), c->lock->relation,
            rh_lock_mode_blocks(c->lock->mode),
            unknown ? ", for a time that does not follow from its text" : ""),
        rh_arena_printf(arena, "Commit after statement %d: put this one into a migration of its own.",
                        c->locker->ordinal));
}

static void not_in_transaction(const company *c, rh_statement *statement)
{
    add(c, statement, "concurrently-in-transaction",
        c->script->rule == RH_TRANSACTION_OWN ? "It cannot run inside a transaction block, and a file of "
                                                "several statements is one: it will fail."
                                              : "It cannot run inside a transaction block: it will fail.",
        "Put it alone into a migration of its own, without BEGIN.");
}

/* ---- what a later statement of the same transaction makes good or breaks ---- */

static rh_json *tree_of(const rh_statement *statement)
{
    return strlen(statement->sql) <= RH_PARSE_LIMIT ? rh_sql_parse(statement->sql, NULL) : NULL;
}

/* SQL contains VALUE as a constant. */
static bool has_constant(const char *sql, const char *value)
{
    rh_arena *scratch = rh_arena_new();
    rh_sql_token *tokens;
    size_t count, length = strlen(value);
    bool found = false;
    rh_sql_scan(sql, scratch, &tokens, &count, NULL);
    for (size_t i = 0; i < count && !found; i++)
        found = strcmp(tokens[i].kind, "SCONST") == 0 && tokens[i].end - tokens[i].start == length + 2 &&
                strncmp(sql + tokens[i].start + 1, value, length) == 0;
    rh_arena_free(scratch);
    return found;
}

/* ALTER TYPE … ADD VALUE: the server refuses the value in the transaction that adds it. */
static void enum_value(company *c, size_t at)
{
    rh_json *tree = tree_of(&c->script->statements[at]), *body = rh_tree_body(tree, "AlterEnumStmt");
    const char *value = rh_json_get(body, "oldVal") ? NULL : rh_json_string(rh_json_get(body, "newVal"));
    const char *type = rh_tree_name(rh_json_get(body, "typeName"), c->context->arena);
    for (size_t i = at + 1; value && i < c->script->statement_count; i++) {
        rh_statement *user = &c->script->statements[i];
        if (c->transactions[i] != c->transactions[at] || !c->transactions[at])
            break;
        if (user->class_ == RH_CLASS_TRANSACTION || !has_constant(user->sql, value))
            continue;
        add(c, user, "enum-value-in-transaction",
            rh_arena_printf(
                c->context->arena,
                "Statement %d adds a value to the type %s in the same transaction, and this one uses it: the "
                "server "
                "refuses a new value before it is committed (unless the transaction made the type, too).",
                c->script->statements[at].ordinal, type),
            "Put ALTER TYPE … ADD VALUE into a migration of its own, before this one.");
        break;
    }
    rh_json_free(tree);
}

static bool together(const company *c, size_t a, size_t b)
{
    return c->transactions[a] && c->transactions[a] == c->transactions[b];
}

/* ENABLE ROW LEVEL SECURITY and CREATE POLICY in one transaction: no session sees the table without a policy.
 */
static void policy_follows(company *c, size_t at)
{
    rh_statement *statement = &c->script->statements[at];
    for (size_t i = at + 1; i < c->script->statement_count && together(c, at, i); i++) {
        const rh_statement *other = &c->script->statements[i];
        const bool policy = other->command_tag && strcmp(other->command_tag, "CREATE POLICY") == 0;
        if (policy && other->expected_relation && statement->expected_relation &&
            strcmp(other->expected_relation, statement->expected_relation) == 0)
            withdraw_hazard(statement, "row-security-without-policy");
    }
}

/* TREE renames what a query can name. */
static bool renames_relation(rh_json *rename)
{
    static const char *const kinds[] = {"OBJECT_TABLE",         "OBJECT_VIEW",     "OBJECT_MATVIEW",
                                        "OBJECT_FOREIGN_TABLE", "OBJECT_SEQUENCE", NULL};
    const char *kind = rh_json_string(rh_json_get(rename, "renameType"));
    return kind && rh_is_one_of(kind, kinds);
}

/* The name, without its schema, of what a CREATE makes or a RENAME names so; NULL. */
static const char *made_name(rh_json *tree)
{
    rh_json *rename = rh_tree_body(tree, "RenameStmt");
    if (rename)
        return renames_relation(rename) ? rh_json_string(rh_json_get(rename, "newname")) : NULL;
    static const char *const ranges[][2] = {
        {"ViewStmt", "view"}, {"CreateSeqStmt", "sequence"}, {"CreateStmt", "relation"}};
    static const char *const lists[][2] = {{"CreateFunctionStmt", "funcname"},
                                           {"CreateEnumStmt", "typeName"},
                                           {"CreateDomainStmt", "domainname"}};
    rh_json *body;
    const char *kind = rh_tree_kind(tree, &body);
    for (size_t i = 0; kind && i < 3; i++) {
        if (strcmp(kind, ranges[i][0]) == 0)
            return rh_json_string(rh_json_get(rh_json_get(body, ranges[i][1]), "relname"));
        if (strcmp(kind, lists[i][0]) == 0)
            return rh_tree_last_name(rh_json_get(body, lists[i][1]));
    }
    return kind && strcmp(kind, "CreateTableAsStmt") == 0
               ? rh_json_string(rh_json_path(body, "into.rel.relname"))
               : NULL;
}

/* The name that DROP of one object, or RENAME, takes away; NULL. */
static const char *gone_name(rh_json *tree)
{
    rh_json *drop = rh_tree_body(tree, "DropStmt"), *rename = rh_tree_body(tree, "RenameStmt");
    rh_json *object =
        rh_json_count(rh_json_get(drop, "objects")) == 1 ? rh_json_at(rh_json_get(drop, "objects"), 0) : NULL;
    rh_json *routine = rh_json_path(object, "ObjectWithArgs.objname");
    if (rename)
        return renames_relation(rename) ? rh_json_string(rh_json_path(rename, "relation.relname")) : NULL;
    return object ? rh_catalog_ref_of(routine ? routine : object, 0).name : NULL;
}

/* Statement AGAIN, in a later transaction, makes NAME again, which STATEMENT takes away. */
static void missing_between(company *c, rh_statement *statement, const char *name, int again)
{
    rh_arena *arena = c->context->arena;
    for (size_t i = 0; i < statement->hazard_count; i++) {
        rh_hazard *hazard = &statement->hazards[i];
        if (strcmp(hazard->rule, "rename") != 0 && strcmp(hazard->rule, "drop-object") != 0)
            continue;
        hazard->message = rh_arena_printf(
            arena,
            "Between the commits of this statement and of statement %d no object has the name %s: statements of the running release that use it fail in between, and permanently if statement %d fails.",
            again, rh_identifier(name, arena), again);
        hazard->safer = rh_arena_printf(
            arena, "BEGIN before this statement and COMMIT after statement %d, in one transaction.", again);
    }
}

/* DROP VIEW v and CREATE VIEW v in one transaction, RENAME with a view or another table under the old name:
 * no session sees the name missing. */
static void made_again(company *c, size_t at)
{
    rh_statement *statement = &c->script->statements[at];
    rh_json *tree = tree_of(statement);
    const char *name = gone_name(tree);
    bool found = false;
    for (size_t i = at + 1; name && !found && i < c->script->statement_count; i++) {
        rh_json *other = tree_of(&c->script->statements[i]);
        const char *made = made_name(other);
        found = made && strcmp(made, name) == 0;
        if (found && together(c, at, i)) {
            withdraw_hazard(statement, "rename");
            withdraw_hazard(statement, "drop-object");
        } else if (found) {
            missing_between(c, statement, name, (int)i + 1);
        }
        rh_json_free(other);
    }
    rh_json_free(tree);
}

/* ---- in order ---- */

/* Statements outside of BEGIN and COMMIT are in a transaction together. */
static bool is_implicit(const rh_script *script)
{
    return script->rule == RH_TRANSACTION_ONE ||
           (script->rule == RH_TRANSACTION_OWN && rh_script_sent(script) > 1);
}

static void number_transactions(company *c)
{
    const rh_script *script = c->script;
    const bool implicit = is_implicit(script);
    bool open = implicit;
    int number = 1;
    for (size_t i = 0; i < script->statement_count; i++) {
        const rh_transaction_verb verb = rh_transaction_verb_of(script->statements[i].sql);
        open = open || verb == RH_VERB_BEGIN;
        c->transactions[i] = open ? number : 0;
        if (verb == RH_VERB_END || verb == RH_VERB_CHAIN) {
            open = implicit || verb == RH_VERB_CHAIN;
            number++;
        }
    }
}

static void follow_settings(company *c, const rh_statement *statement)
{
    const bool sets = statement->class_ == RH_CLASS_TRANSACTION || strcasestr(statement->sql, "set_config");
    const double before = rh_session_seconds(&c->session, RH_SESSION_LOCK_TIMEOUT);
    rh_json *tree = sets ? tree_of(statement) : NULL;
    rh_session_follow(&c->session, tree);
    if (rh_session_seconds(&c->session, RH_SESSION_LOCK_TIMEOUT) != before)
        c->missed = false;
    rh_json_free(tree);
}

static void of_one(company *c, size_t at)
{
    rh_statement *statement = &c->script->statements[at];
    const char *tag = statement->command_tag ? statement->command_tag : "";
    const rh_expected_lock *lock = strong_lock(statement);
    missing_timeout(c, statement);
    interrupted_build(c, statement);
    if (strcmp(tag, "ALTER TYPE") == 0)
        enum_value(c, at);
    if (rh_hazard_is(statement, "row-security-without-policy"))
        policy_follows(c, at);
    if (rh_hazard_is(statement, "rename") || rh_hazard_is(statement, "drop-object"))
        made_again(c, at);
    if (!c->transactions[at])
        return;
    if (statement->needs_no_transaction)
        not_in_transaction(c, statement);
    held_through(c, statement);
    if (lock && (!c->lock || lock->mode > c->lock->mode)) {
        c->locker = statement;
        c->lock = lock;
    }
}

void rh_hazards_of_script(rh_hazard_context *context, const rh_session *session, rh_script *script,
                          size_t from)
{
    company c = {.context = context, .script = script, .session = *session, .from = from};
    rh_arena *scratch = rh_arena_new();
    c.transactions = rh_arena_alloc(scratch, (script->statement_count + 1) * sizeof *c.transactions);
    number_transactions(&c);
    rh_session_begin_file(&c.session, is_implicit(script));
    for (size_t i = 0; i < script->statement_count; i++) {
        if (i && c.transactions[i] != c.transactions[i - 1]) {
            c.lock = NULL;
            c.worker = NULL;
        }
        of_one(&c, i);
        follow_settings(&c, &script->statements[i]);
    }
    rh_session_end_file(&c.session);
    if (!context->is_down)
        context->session = c.session;
    rh_arena_free(scratch);
}
