/* plan --safer: the same end by statements that block less, put into as many migrations as the framework
 * needs for them to be transactions of their own. */
#include "safer.h"
#include "classify.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/migrations/migrations.h"
#include "pieces.h"
#include "safer_ties.h"
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
        rh_safer_answer(list, rule);
    return step;
}

void rh_safer_answer(rh_safer_list *list, const char *rule)
{
    *(const char **)rh_arena_add(list->arena, &list->answered, &list->answered_count, sizeof(char *)) = rule;
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

static bool is_known_index(const rh_known_table *table, const char *name)
{
    for (size_t i = 0; table && name && i < table->index_count; i++)
        if (strcmp(table->indexes[i].name, name) == 0)
            return true;
    return false;
}

static bool index_steps(rh_safer_list *list, rh_json *body)
{
    const char *sql = list->statement->sql;
    const char *name = rh_json_string(rh_json_get(body, "idxname"));
    const rh_known_table *table = rh_known_table_of(list->known, rh_json_get(body, "relation"));
    const bool retry = rh_safer_has(list->statement, "invalid-index") && name;
    if (!retry && !rh_safer_has(list->statement, "index-without-concurrently"))
        return false;
    if (table && table->odd && strcmp(table->odd, "is partitioned") == 0) {
        list->why = "a partitioned table has no CONCURRENTLY: build it on each partition, then attach";
        return false;
    }
    if (rh_json_bool(rh_json_get(body, "if_not_exists")) && is_known_index(table, name)) {
        rh_safer_answer(list, retry ? "invalid-index" : "index-without-concurrently");
        rh_safer_add(list, NULL, "%s", sql)->alone = list->statement->needs_no_transaction;
        return true; /* it is there, and nothing is done */
    }
    if (!retry) {
        const char *better = with_words(sql, "index", "CONCURRENTLY", table != NULL, list->arena);
        if (better)
            rh_safer_add(list, "index-without-concurrently", "%s", better)->alone = true;
        return better != NULL;
    }
    const char *better = with_words(sql, "concurrently", "", true, list->arena);
    if (!better)
        return false;
    rh_safer_add(list, "invalid-index", "DROP INDEX CONCURRENTLY IF EXISTS %s",
                 rh_tree_identifier(name, list->arena))
        ->alone = true;
    rh_safer_add(list, "invalid-index", "%s", better)->alone = true;
    return true;
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

/* A later statement of the file makes something called NAME, or renames something to it. */
static bool is_taken_later(const rh_safer_list *list, const char *name)
{
    const rh_script *script = list->script;
    for (size_t i = (size_t)list->statement->ordinal; i < script->statement_count; i++) {
        const rh_statement *s = &script->statements[i];
        if (s->command_tag &&
            (rh_starts_with(s->command_tag, "CREATE TABLE") ||
             rh_starts_with(s->command_tag, "CREATE VIEW") || s->phase == RH_PHASE_CONTRACT) &&
            rh_pieces_mention(s->sql, name, list->arena))
            return true;
    }
    return false;
}

/* A view under the old name keeps the running release's statements working. */
static bool rename_steps(rh_safer_list *list, rh_json *body)
{
    if (rh_safer_has(list->statement, "rename") && rh_tree_is(body, "renameType", "OBJECT_COLUMN"))
        return rh_safer_rename_column(list, body);
    if (!rh_safer_has(list->statement, "rename") || !rh_tree_is(body, "renameType", "OBJECT_TABLE"))
        return false;
    rh_json *relation = rh_json_get(body, "relation");
    const char *schema = rh_json_string(rh_json_get(relation, "schemaname"));
    const char *bare = rh_json_string(rh_json_get(relation, "relname"));
    if (bare && is_taken_later(list, bare)) {
        list->why = "the old name is used anew";
        return false;
    }
    const char *to = rh_tree_identifier(rh_json_string(rh_json_get(body, "newname")), list->arena);
    const char *old = rh_tree_relation(relation, list->arena);
    rh_safer_add(list, "rename", "%s", list->statement->sql);
    if (schema)
        to = rh_arena_printf(list->arena, "%s.%s", rh_tree_identifier(schema, list->arena), to);
    rh_safer_add(list, "rename", "CREATE VIEW %s AS SELECT * FROM %s", old, to);
    rh_safer_add(list, "rename", "DROP VIEW %s", old)->later = true;
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
    return strcmp(rule, "missing-lock-timeout") == 0 ||
           ((strcmp(rule, "lock-then-long-work") == 0 || strcmp(rule, "concurrently-in-transaction") == 0) &&
            !list->tied);
}

static void leave(const rh_safer_list *list, rh_arena *arena, rh_safer *safer)
{
    for (size_t i = 0; i < list->statement->hazard_count; i++) {
        const rh_hazard *hazard = &list->statement->hazards[i];
        if (hazard->silenced || is_answered(list, hazard->rule))
            continue;
        rh_safer_left *left = rh_arena_add(arena, &safer->left, &safer->left_count, sizeof *left);
        *left = (rh_safer_left){list->statement->ordinal, hazard->rule, hazard->safer, list->why};
    }
}

static void keep(rh_safer_list *list)
{
    list->count = list->answered_count = 0;
    list->steps = NULL;
    list->answered = NULL;
    rh_safer_add(list, NULL, "%s", list->statement->sql)->alone = list->statement->needs_no_transaction;
    for (size_t i = 0; i < list->statement->further_count; i++)
        rh_safer_add(list, NULL, "%s", list->statement->further[i].sql);
}

/* Why the steps may not stand in for the statement where it stands; NULL: they may. */
static const char *out_of_place(const rh_safer_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const rh_safer_step *step = &list->steps[i];
        if (list->tied && !step->later && (step->alone || step->after_commit || step->opens))
            return list->tied;
        if (list->bound && step->alone)
            return rh_arena_printf(list->arena,
                                   "%s of statement %d would not hold outside of its transaction, where a part of it "
                                   "has to run",
                                   list->bound->name, list->bound->statement);
    }
    return NULL;
}

static void take_apart(rh_safer_list *list, rh_safer *safer, const char *kind, rh_json *body, rh_json *tree)
{
    const rh_statement *statement = list->statement;
    const bool unread = !tree && strlen(statement->sql) <= RH_PARSE_LIMIT;
    const bool made = statement->hazard_count > 0 && rewrite(list, kind, body);
    const char *out = made ? out_of_place(list) : NULL;
    if (out)
        list->why = out;
    if (!made || out)
        keep(list);
    list->why = list->why ? list->why : list->tied;
    if (rh_safer_has(statement, "lock-then-long-work") && !list->tied)
        list->steps[0].after_commit = true;
    leave(list, list->arena, safer);
    if (unread)
        *(rh_safer_left *)rh_arena_add(list->arena, &safer->left, &safer->left_count, sizeof *safer->left) =
            (rh_safer_left){statement->ordinal, NULL, NULL, NULL};
    if (!list->learned)
        rh_known_learn_tree(list->known, statement->sql, tree);
}

/* ---- a migration ---- */

/* A transaction that is split because of its locks: none of its parts locks a table behind its back. */
static bool holds_on(const rh_script *script, const int *numbers, size_t i)
{
    const rh_statement *s = &script->statements[i];
    bool split = false;
    for (size_t k = 0; k < script->statement_count; k++)
        split |= numbers[k] == numbers[i] && rh_safer_has(&script->statements[k], "lock-then-long-work");
    for (size_t k = i; split && s->expected_relation && k-- > 0 && numbers[k] == numbers[i];) {
        const rh_statement *before = &script->statements[k];
        if (before->expected_relation && rh_lock_mode_strength(before->expected_lock) >= 3 &&
            rh_lock_mode_strength(s->expected_lock) >= 5 &&
            (strcmp(before->expected_relation, s->expected_relation) != 0 ||
             before->class_ == RH_CLASS_DATA_CHANGE || before->class_ == RH_CLASS_BACKFILL_BATCH))
            return true;
    }
    return false;
}

typedef struct making {
    rh_safer_packing *p;
    rh_known *known;
    const int *numbers;
    const char **ties;
    rh_safer_step *later;
    size_t later_count;
} making;

static void pack_statement(making *m, size_t i)
{
    rh_safer_packing *p = m->p;
    const rh_script *script = &p->migration->up;
    const rh_statement *statement = &script->statements[i];
    rh_json *body = NULL,
            *tree = strlen(statement->sql) <= RH_PARSE_LIMIT ? rh_sql_parse(statement->sql, NULL) : NULL;
    const char *kind = rh_tree_kind(tree, &body);
    if (kind && rh_safer_pack_setting(p, statement, kind, body)) {
        rh_known_learn_tree(m->known, statement->sql, tree);
        rh_json_free(tree);
        return;
    }
    rh_safer_list list = {.arena = p->arena, .statement = statement, .known = m->known, .script = script};
    list.plan = p->plan;
    list.migration = p->migration;
    list.bound = rh_safer_pack_bound(p);
    list.tied = m->ties[i];
    if (!list.tied && i > 0 && m->numbers[i - 1] == m->numbers[i])
        list.tied = m->ties[i - 1];
    take_apart(&list, p->safer, kind, body, tree);
    if (!list.tied && holds_on(script, m->numbers, i))
        list.steps[0].after_commit = true;
    for (size_t k = 0; k < list.count; k++)
        if (list.steps[k].later)
            *(rh_safer_step *)rh_arena_add(p->arena, &m->later, &m->later_count, sizeof *m->later) = list.steps[k];
        else
            rh_safer_pack_step(p, &list.steps[k], rh_safer_has(statement, "missing-lock-timeout"));
    rh_json_free(tree);
}

/* What a statement stands for in this release, then, behind all of them, what is for a later one. */
static void pack_migration(rh_safer_packing *p, rh_known *known)
{
    const rh_script *script = &p->migration->up;
    int *numbers = rh_arena_alloc(p->arena, (script->statement_count + 1) * sizeof *numbers);
    rh_plan_transactions(script, numbers);
    making m = {.p = p, .known = known, .numbers = numbers};
    m.ties = rh_safer_ties(script, numbers, p->each, p->arena);
    rh_known_begin_file(known);
    for (size_t i = 0; i < script->statement_count; i++) {
        const char *sql = script->statements[i].sql;
        const rh_transaction_verb verb = rh_transaction_verb_of(sql);
        const bool last = i + 1 == script->statement_count || numbers[i + 1] != numbers[i];
        if (verb == RH_VERB_BEGIN)
            rh_safer_pack_begin(p, sql);
        else if (verb != RH_VERB_END)
            pack_statement(&m, i);
        if (last)
            rh_safer_pack_commit(p, verb == RH_VERB_END ? sql : NULL);
    }
    for (size_t i = 0; i < m.later_count; i++)
        rh_safer_pack_step(p, &m.later[i], false);
    rh_safer_pack_finish(p);
}

static void learn_backup(rh_known *known, const rh_plan *plan)
{
    for (size_t i = 0; i < plan->schema_count; i++) {
        rh_sql_span *spans = NULL;
        size_t count = 0;
        rh_sql_split(plan->schema[i], NULL, known->arena, &spans, &count, NULL);
        for (size_t k = 0; k < count; k++)
            rh_known_learn(
                known, rh_arena_strndup(known->arena, plan->schema[i] + spans[k].offset, spans[k].length));
    }
}

rh_safer *rh_safer_make(const rh_plan *plan, rh_arena *arena)
{
    rh_safer *all = rh_arena_alloc(arena, (plan->migration_count + 1) * sizeof *all);
    rh_known known = {.arena = arena};
    rh_safer_packing p = {.plan = plan, .arena = arena};
    learn_backup(&known, plan);
    for (size_t i = 0; i < plan->migration_count; i++) {
        p.migration = &plan->migrations[i];
        p.safer = &all[i];
        p.file = NULL;
        p.each = p.migration->up.rule == RH_TRANSACTION_EACH && plan->framework == RH_FRAMEWORK_SQL;
        if (plan->framework == RH_FRAMEWORK_SQL)
            p.setting_count = 0; /* a session a file */
        p.wanted = p.limited = p.waits = false;
        if (p.migration->pending)
            pack_migration(&p, &known);
    }
    return all;
}
