/* plan --safer: the same end by statements that block less, put into as many migrations as the framework
 * needs for them to be transactions of their own. */
#include "safer.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/migrations/migrations.h"
#include "transaction_verb.h"
#include <string.h>

rh_safer_step *rh_safer_add(rh_safer_list *list, const char *rule, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    rh_safer_step *step = rh_arena_add(list->arena, &list->steps, &list->count, sizeof *step);
    step->sql = rh_arena_vprintf(list->arena, format, arguments);
    va_end(arguments);
    step->statement = list->statement->ordinal;
    step->rule = rule;
    if (rule)
        *(const char **)rh_arena_add(list->arena, &list->answered, &list->answered_count, sizeof(char *)) =
            rule;
    return step;
}

bool rh_safer_has(const rh_statement *statement, const char *rule)
{
    for (size_t i = 0; i < statement->hazard_count; i++)
        if (strcmp(statement->hazards[i].rule, rule) == 0 && !statement->hazards[i].silenced)
            return true;
    return false;
}

/* ---- statements other than ALTER TABLE ---- */

/* The statement with WORDS put in behind the keyword KEYWORD, and without "IF NOT EXISTS" when asked for. */
static const char *with_words(const char *sql, const char *keyword, const char *words, bool plain,
                              rh_arena *arena)
{
    rh_sql_token *tokens = NULL;
    size_t count = 0;
    if (!rh_sql_scan(sql, arena, &tokens, &count, NULL))
        return NULL;
    for (size_t i = 0; i < count; i++) {
        if (!rh_sql_token_is(sql, &tokens[i], keyword))
            continue;
        size_t rest = i + 1;
        if (plain && i + 3 < count && rh_sql_token_is(sql, &tokens[i + 1], "if"))
            rest = i + 4;
        size_t from = rest < count ? tokens[rest].start : strlen(sql);
        return rh_arena_printf(arena, "%.*s %s %s", (int)tokens[i].end, sql, words, sql + from);
    }
    return NULL;
}

static bool index_steps(rh_safer_list *list, rh_json *body)
{
    const char *sql = list->statement->sql;
    const char *name = rh_json_string(rh_json_get(body, "idxname"));
    if (rh_safer_has(list->statement, "index-without-concurrently")) {
        const char *better = with_words(sql, "index", "CONCURRENTLY", true, list->arena);
        if (better)
            rh_safer_add(list, "index-without-concurrently", "%s", better)->alone = true;
        return better != NULL;
    }
    if (rh_safer_has(list->statement, "invalid-index") && name) {
        const char *better = with_words(sql, "concurrently", "", true, list->arena);
        if (!better)
            return false;
        rh_safer_add(list, "invalid-index", "DROP INDEX CONCURRENTLY IF EXISTS %s",
                     rh_tree_identifier(name, list->arena))
            ->alone = true;
        rh_safer_add(list, "invalid-index", "%s", better)->alone = true;
        return true;
    }
    return false;
}

static bool drop_steps(rh_safer_list *list, rh_json *body)
{
    if (!rh_safer_has(list->statement, "index-without-concurrently") ||
        rh_json_count(rh_json_get(body, "objects")) != 1 || rh_tree_is(body, "behavior", "DROP_CASCADE"))
        return false;
    const char *better = with_words(list->statement->sql, "index", "CONCURRENTLY", false, list->arena);
    if (better)
        rh_safer_add(list, "index-without-concurrently", "%s", better)->alone = true;
    return better != NULL;
}

static bool maintenance_steps(rh_safer_list *list, const char *kind, rh_json *body)
{
    if (!rh_safer_has(list->statement, "rewrite-access-exclusive"))
        return false;
    const char *keyword = strcmp(kind, "RefreshMatViewStmt") == 0             ? "view"
                          : !rh_tree_is(body, "kind", "REINDEX_OBJECT_INDEX") ? NULL
                                                                              : "index";
    const char *better =
        keyword ? with_words(list->statement->sql, keyword, "CONCURRENTLY", false, list->arena) : NULL;
    if (better)
        rh_safer_add(list, "rewrite-access-exclusive", "%s", better)->alone =
            strcmp(kind, "ReindexStmt") == 0;
    return better != NULL;
}

/* A view under the old name keeps the running release's statements working. */
static bool rename_steps(rh_safer_list *list, rh_json *body)
{
    if (!rh_safer_has(list->statement, "rename") || !rh_tree_is(body, "renameType", "OBJECT_TABLE"))
        return false;
    rh_json *relation = rh_json_get(body, "relation");
    const char *schema = rh_json_string(rh_json_get(relation, "schemaname"));
    const char *to = rh_tree_identifier(rh_json_string(rh_json_get(body, "newname")), list->arena);
    const char *old = rh_tree_relation(relation, list->arena);
    rh_safer_add(list, "rename", "%s", list->statement->sql);
    if (schema)
        to = rh_arena_printf(list->arena, "%s.%s", rh_tree_identifier(schema, list->arena), to);
    rh_safer_add(list, "rename", "CREATE VIEW %s AS SELECT * FROM %s", old, to);
    return true;
}

static bool rewrite(rh_safer_list *list, const char *kind, rh_json *body)
{
    if (!kind)
        return false;
    if (strcmp(kind, "AlterTableStmt") == 0)
        return rh_safer_alter_table(list, body);
    if (strcmp(kind, "IndexStmt") == 0)
        return index_steps(list, body);
    if (strcmp(kind, "DropStmt") == 0)
        return drop_steps(list, body);
    if (strcmp(kind, "RenameStmt") == 0)
        return rename_steps(list, body);
    if (strcmp(kind, "UpdateStmt") == 0 || strcmp(kind, "DeleteStmt") == 0)
        return rh_safer_batches(list, body);
    return (strcmp(kind, "RefreshMatViewStmt") == 0 || strcmp(kind, "ReindexStmt") == 0) &&
           maintenance_steps(list, kind, body);
}

static bool is_answered(const rh_safer_list *list, const char *rule)
{
    for (size_t i = 0; i < list->answered_count; i++)
        if (strcmp(list->answered[i], rule) == 0)
            return true;
    /* by where the steps are put, and what is put before them */
    return strcmp(rule, "missing-lock-timeout") == 0 || strcmp(rule, "lock-then-long-work") == 0 ||
           strcmp(rule, "concurrently-in-transaction") == 0;
}

static void take_apart(const rh_statement *statement, rh_arena *arena, rh_safer_list *list, rh_safer *safer)
{
    *list = (rh_safer_list){.arena = arena, .statement = statement};
    rh_json *body, *tree = rh_sql_parse(statement->sql, NULL);
    const char *kind = rh_tree_kind(tree, &body);
    if (!rewrite(list, kind, body)) {
        list->count = list->answered_count = 0;
        list->steps = NULL;
        list->answered = NULL;
        rh_safer_add(list, NULL, "%s", statement->sql)->alone = statement->needs_no_transaction;
    }
    if (rh_safer_has(statement, "lock-then-long-work"))
        list->steps[0].after_commit = true;
    rh_json_free(tree);
    for (size_t i = 0; i < statement->hazard_count; i++) {
        const rh_hazard *hazard = &statement->hazards[i];
        if (hazard->silenced || is_answered(list, hazard->rule))
            continue;
        rh_safer_left *left = rh_arena_add(arena, &safer->left, &safer->left_count, sizeof *left);
        *left = (rh_safer_left){statement->ordinal, hazard->rule, hazard->safer};
    }
}

/* ---- into files ---- */

/* How a framework is told to run a file outside of a transaction. */
static const struct apart {
    rh_framework framework;
    const char *up; /* of a usual file; NULL: no line */
    const char *directive, *note;
} APART[] = {
    {RH_FRAMEWORK_GOLANG_MIGRATE, NULL, NULL, "a file of one statement has no transaction around it"},
    {RH_FRAMEWORK_PRISMA, NULL, NULL, "a file of one statement has no transaction around it"},
    {RH_FRAMEWORK_POSTGRATOR, NULL, NULL, "a file of one statement has no transaction around it"},
    {RH_FRAMEWORK_DBMATE, "-- migrate:up", "-- migrate:up transaction:false", NULL},
    {RH_FRAMEWORK_GOOSE, "-- +goose Up", "-- +goose NO TRANSACTION\n-- +goose Up", NULL},
    {RH_FRAMEWORK_DIESEL, NULL, NULL, "beside it a metadata.toml with run_in_transaction = false"},
    {RH_FRAMEWORK_FLYWAY, NULL, NULL, "beside it a .conf of the same name with executeInTransaction=false"},
    {RH_FRAMEWORK_MORPH, NULL, "-- morph:nontransactional", NULL},
    {RH_FRAMEWORK_POP, NULL, NULL, "call the file NAME.autocommit.up.sql"},
    {RH_FRAMEWORK_SQITCH, NULL, NULL, "a change of its own, without BEGIN and COMMIT"},
};

static const struct apart *apart_of(rh_framework framework)
{
    static const struct apart none = {.note = "outside of a transaction"};
    for (size_t i = 0; i < sizeof APART / sizeof *APART; i++)
        if (APART[i].framework == framework)
            return &APART[i];
    return &none;
}

typedef struct packing {
    const rh_plan *plan;
    const rh_migration *migration;
    rh_arena *arena;
    rh_safer *safer;
    rh_safer_file *file; /* open; NULL: the next step begins one */
    bool each;           /* the framework commits after every statement */
    bool lock_timeout;   /* wanted at the head of files that take locks in transactions */
} packing;

static void open_file(packing *p, bool alone)
{
    const struct apart *apart = apart_of(p->plan->framework);
    p->file = rh_arena_add(p->arena, &p->safer->files, &p->safer->file_count, sizeof *p->file);
    p->file->transaction = !p->each && !alone;
    p->file->directive = alone && !p->each ? apart->directive : apart->up;
    p->file->note = alone && !p->each ? apart->note : NULL;
    if (!p->lock_timeout || (alone && !p->each))
        return;
    rh_safer_step *first = rh_arena_add(p->arena, &p->file->steps, &p->file->step_count, sizeof *first);
    *first = (rh_safer_step){.sql = "SET lock_timeout = '2s'", .rule = "missing-lock-timeout"};
}

static void pack(packing *p, const rh_safer_step *step)
{
    const bool apart = !p->each && (step->alone || step->after_commit);
    if (!p->file || apart)
        open_file(p, step->alone);
    rh_safer_step *kept = rh_arena_add(p->arena, &p->file->steps, &p->file->step_count, sizeof *kept);
    *kept = *step;
    if (p->plan->framework == RH_FRAMEWORK_GOOSE && strchr(step->sql, ';')) {
        kept->begin = "-- +goose StatementBegin";
        kept->end = "-- +goose StatementEnd";
    }
    p->safer->changed |= step->rule != NULL;
    if (!p->each && step->alone)
        p->file = NULL;
}

void rh_safer_make(const rh_plan *plan, const rh_migration *migration, rh_arena *arena, rh_safer *safer)
{
    *safer = (rh_safer){0};
    const rh_script *script = &migration->up;
    packing p = {.plan = plan, .migration = migration, .arena = arena, .safer = safer};
    p.each = script->rule == RH_TRANSACTION_EACH && plan->framework == RH_FRAMEWORK_SQL;
    for (size_t i = 0; i < script->statement_count; i++)
        p.lock_timeout |= rh_safer_has(&script->statements[i], "missing-lock-timeout");
    for (size_t i = 0; i < script->statement_count; i++) {
        const rh_statement *statement = &script->statements[i];
        const rh_transaction_verb verb = rh_transaction_verb_of(statement->sql);
        if (verb == RH_VERB_BEGIN || verb == RH_VERB_END) { /* the files are the transactions */
            p.file = p.each ? p.file : NULL;
            continue;
        }
        rh_safer_list list;
        take_apart(statement, arena, &list, safer);
        for (size_t k = 0; k < list.count; k++)
            pack(&p, &list.steps[k]);
    }
    safer->changed |= p.lock_timeout || safer->file_count > 1;
}
