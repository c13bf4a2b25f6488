/* plan --safer: the same result by statements that block less, in as many migrations as the framework needs
 * for separate transactions. */
#include "safer.h"
#include "pgrehearse/sql/classify.h"
#include "pgrehearse/rewrite/rewrite.h"
#include "pgrehearse/sql/tree.h"
#include "commit_points.h"
#include "swaps.h"
#include <string.h>
#include <strings.h>

/* A transaction that is split because of its locks: none of its parts locks a table behind its back. */
static bool holds_on(const rh_script *script, const int *numbers, size_t i)
{
    const rh_statement *s = &script->statements[i];
    bool split = false;
    for (size_t k = 0; k < script->statement_count; k++)
        split |= numbers[k] == numbers[i] && rh_safer_has(&script->statements[k], "lock-then-long-work");
    for (size_t k = i; split && s->expected_relation && k-- > 0 && numbers[k] == numbers[i];) {
        const rh_statement *before = &script->statements[k];
        if (before->expected_relation && before->expected_lock >= RH_LOCK_ROW_EXCLUSIVE &&
            s->expected_lock >= RH_LOCK_SHARE &&
            (strcmp(before->expected_relation, s->expected_relation) != 0 ||
             before->class_ == RH_CLASS_DATA_CHANGE || before->class_ == RH_CLASS_BACKFILL_BATCH))
            return true;
    }
    return false;
}

typedef struct making {
    rh_safer_packing *p;
    rh_catalog *catalog;
    const char *const *path; /* search_path, unless it is set */
    const int *numbers;
    const char **swaps; /* of rh_safer_swaps() */
    const char **commit_points;
    rh_safer_step *later;
    size_t later_count;
} making;

/* The statement that ends the transaction of statement I; NULL: none does. */
static const char *end_of(const making *m, size_t i)
{
    const rh_script *script = &m->p->migration->up;
    while (i + 1 < script->statement_count && m->numbers[i + 1] == m->numbers[i])
        i++;
    const char *sql = script->statements[i].sql;
    return rh_transaction_verb_of(sql) == RH_VERB_END ? sql : NULL;
}

static bool is_rolled_back(const making *m, size_t i)
{
    const char *sql = end_of(m, i);
    return sql && strncasecmp(sql, "commit", 6) != 0 && strncasecmp(sql, "end", 3) != 0;
}

/* Why nothing of the transaction of statement I can be committed: it never is; NULL. */
static const char *never_committed(const making *m, size_t i)
{
    if (m->swaps[i])
        return NULL;
    if (is_rolled_back(m, i))
        return "its transaction is rolled back";
    return !end_of(m, i) && m->p->each && m->p->begin ? "its transaction is not committed" : NULL;
}

/* Statement I is the first of those that a name is missing between. */
static bool opens_swap(const making *m, size_t i)
{
    return m->swaps[i] && (i == 0 || m->numbers[i - 1] != m->numbers[i]);
}

static void pack_statement(making *m, size_t i)
{
    rh_safer_packing *p = m->p;
    const rh_script *script = &p->migration->up;
    const rh_statement *statement = &script->statements[i];
    rh_json *body = NULL,
            *tree = strlen(statement->sql) <= RH_PARSE_LIMIT ? rh_sql_parse(statement->sql, NULL) : NULL;
    const char *kind = rh_tree_kind(tree, &body);
    if (kind && rh_safer_pack_setting(p, statement, kind, body, is_rolled_back(m, i))) {
        m->catalog->search_path = rh_safer_pack_path(p, m->path);
        rh_json_free(tree);
        return;
    }
    rh_safer_list list = {.arena = p->arena, .statement = statement, .catalog = m->catalog, .script = script};
    list.plan = p->plan;
    list.migration = p->migration;
    list.bound = rh_safer_pack_bound(p);
    list.tied = never_committed(m, i);
    list.tied = list.tied ? list.tied : m->commit_points[i];
    if (!list.tied && i > 0 && m->numbers[i - 1] == m->numbers[i])
        list.tied = m->commit_points[i - 1];
    rh_safer_statement(&list, p->safer, kind, body, tree);
    if (!list.tied && holds_on(script, m->numbers, i))
        rh_safer_commit_before(&list);
    if (opens_swap(m, i)) {
        p->safer->changed = true;
        list.steps[0].note = rh_arena_printf(
            p->arena, "In one transaction, so that other sessions find %s at all times.", m->swaps[i]);
    }
    for (size_t k = 0; k < list.count; k++)
        if (list.steps[k].later)
            *rh_arena_add(p->arena, &m->later, &m->later_count) = list.steps[k];
        else
            rh_safer_pack_step(p, &list.steps[k], rh_safer_has(statement, "missing-lock-timeout"));
    rh_json_free(tree);
}

/* Why the file cannot be cut into transactions at all; NULL: it can. */
static const char *not_to_be_cut(const rh_script *script)
{
    for (size_t i = 0; i < script->statement_count; i++) {
        const rh_transaction_verb verb = rh_transaction_verb_of(script->statements[i].sql);
        if (verb == RH_VERB_CHAIN)
            return "AND CHAIN joins its transactions";
        if (script->rule == RH_TRANSACTION_ONE && (verb == RH_VERB_BEGIN || verb == RH_VERB_END))
            return "its own BEGIN or COMMIT is inside the framework's transaction";
    }
    return NULL;
}

static void keep_all(rh_safer_packing *p, rh_catalog *catalog, const char *why)
{
    const rh_script *script = &p->migration->up;
    for (size_t i = 0; i < script->statement_count; i++) {
        const rh_safer_list list = {
            .arena = p->arena, .statement = &script->statements[i], .why = why, .kept = true};
        rh_safer_leave(&list, p->arena, p->safer);
        rh_catalog_learn(catalog, script->statements[i].sql);
    }
}

/* The steps of a statement for this release; those for a later release follow after all of them. */
static void pack_migration(rh_safer_packing *p, rh_catalog *catalog, const char *const *path)
{
    const rh_script *script = &p->migration->up;
    const char *whole = not_to_be_cut(script);
    if (whole) {
        keep_all(p, catalog, whole);
        return;
    }
    int *numbers = rh_arena_alloc(p->arena, (script->statement_count + 1) * sizeof *numbers);
    rh_plan_transactions(script, numbers);
    making m = {.p = p, .catalog = catalog, .path = path, .numbers = numbers};
    m.swaps = rh_safer_swaps(script, numbers, p->arena);
    m.commit_points = rh_safer_commit_points(script, numbers, p->each, p->arena);
    rh_catalog_begin_file(catalog);
    for (size_t i = 0; i < script->statement_count; i++) {
        const char *sql = script->statements[i].sql;
        const rh_transaction_verb verb = rh_transaction_verb_of(sql);
        const bool last = i + 1 == script->statement_count || numbers[i + 1] != numbers[i];
        if (opens_swap(&m, i))
            rh_safer_pack_begin(p, "BEGIN");
        if (verb == RH_VERB_BEGIN)
            rh_safer_pack_begin(p, sql);
        else if (verb != RH_VERB_END)
            pack_statement(&m, i);
        if (last)
            rh_safer_pack_commit(p, verb == RH_VERB_END ? sql : never_committed(&m, i) ? "" : NULL);
        catalog->search_path = rh_safer_pack_path(p, m.path);
    }
    for (size_t i = 0; i < m.later_count; i++)
        rh_safer_pack_step(p, &m.later[i], false);
    rh_safer_pack_finish(p);
}

static void learn_backup(rh_catalog *catalog, const rh_plan *plan)
{
    for (size_t i = 0; i < plan->schema_count; i++) {
        rh_sql_span *spans = NULL;
        size_t count = 0;
        rh_sql_split(plan->schema[i], NULL, catalog->arena, &spans, &count, NULL);
        for (size_t k = 0; k < count; k++)
            rh_catalog_learn(catalog, rh_arena_strndup(catalog->arena, plan->schema[i] + spans[k].offset,
                                                       spans[k].length));
    }
}

rh_safer *rh_safer_make(const rh_plan *plan, rh_arena *arena)
{
    rh_safer *all = rh_arena_alloc(arena, (plan->migration_count + 1) * sizeof *all);
    rh_catalog catalog = {.arena = arena};
    rh_safer_packing p = {.plan = plan, .arena = arena};
    learn_backup(&catalog, plan);
    catalog.in_migrations = true;
    catalog.search_path = plan->search_path;
    const char *const *path = plan->search_path;
    for (size_t i = 0; i < plan->migration_count; i++) {
        p.migration = &plan->migrations[i];
        p.safer = &all[i];
        p.file = NULL;
        p.each = p.migration->up.rule == RH_TRANSACTION_EACH && plan->framework == RH_FRAMEWORK_SQL;
        if (plan->framework == RH_FRAMEWORK_SQL)
            p.setting_count = 0; /* a session a file */
        catalog.search_path = rh_safer_pack_path(&p, path);
        p.wanted = p.limited = p.waits = false;
        if (p.migration->pending)
            pack_migration(&p, &catalog, path);
    }
    return all;
}
