/* plan --safer: the same result by statements that block less, in as many migrations as the framework needs
 * for separate transactions. */
#include "safer.h"
#include "pgrehearse/sql/classify.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/rewrite/rewrite.h"
#include "pgrehearse/sql/tree.h"
#include "commit_points.h"
#include "swaps.h"
#include <string.h>
#include <strings.h>

rh_safer_step *rh_safer_add(rh_safer_list *list, const char *rule, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    rh_safer_step *step = rh_arena_add(list->arena, &list->steps, &list->count);
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
    *rh_arena_add(list->arena, &list->answered, &list->answered_count) = rule;
}

bool rh_safer_has(const rh_statement *statement, const char *rule)
{
    for (size_t i = 0; i < statement->hazard_count; i++)
        if (strcmp(statement->hazards[i].rule, rule) == 0 && !statement->hazards[i].silenced)
            return true;
    return false;
}

const char *rh_safer_rule(const rh_statement *statement)
{
    static const char *const company[] = {"missing-lock-timeout",        "lock-then-long-work",
                                          "concurrently-in-transaction", "concurrently-behind-tool-lock",
                                          "expand-and-contract",         NULL};
    for (size_t i = 0; i < statement->hazard_count; i++)
        if (!statement->hazards[i].silenced && !rh_is_one_of(statement->hazards[i].rule, company))
            return statement->hazards[i].rule;
    return NULL;
}

/* ---- statements other than ALTER TABLE ---- */

const char *rh_safer_with_words(const char *sql, const char *keyword, const char *words, bool plain,
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

/* The table or view that something by the name SCHEMA.NAME is an index of, whatever it is; NULL: it is free.
 */
static bool is_known_relation(const rh_catalog *catalog, const char *schema, const char *name)
{
    const unsigned kinds = 1u << RH_CATALOG_VIEW | 1u << RH_CATALOG_MATVIEW | 1u << RH_CATALOG_SEQUENCE;
    return rh_catalog_table_of_index(catalog, schema, name, NULL) || rh_catalog_find(catalog, schema, name) ||
           rh_catalog_find_object(catalog, kinds, schema, name);
}

/* Why no index can be built CONCURRENTLY on what RELATION names; NULL: one can. SCHEMA: of what it names. */
static const char *no_concurrent_build(const rh_safer_list *list, rh_json *relation, const char **schema)
{
    const rh_catalog_table *table = rh_catalog_table_of(list->catalog, relation);
    const rh_relation ref = rh_catalog_range_ref(relation);
    const rh_catalog_object *view =
        table ? NULL : rh_catalog_find_object(list->catalog, 1u << RH_CATALOG_MATVIEW, ref.schema, ref.name);
    *schema = table ? table->schema : view ? view->schema : NULL;
    return view ? NULL : rh_safer_unknown(list, table);
}

static bool index_steps(rh_safer_list *list, rh_json *body)
{
    const char *sql = list->statement->sql, *schema;
    const char *name = rh_json_string(rh_json_get(body, "idxname"));
    const bool concurrent = rh_json_bool(rh_json_get(body, "concurrent"));
    const bool if_new = rh_json_bool(rh_json_get(body, "if_not_exists"));
    if (!rh_safer_has(list->statement, concurrent ? "invalid-index" : "index-without-concurrently"))
        return false;
    list->why = no_concurrent_build(list, rh_json_get(body, "relation"), &schema);
    if (list->why)
        return false;
    const bool partitioned =
        rh_safer_is_partitioned(rh_catalog_table_of(list->catalog, rh_json_get(body, "relation")));
    if (if_new && is_known_relation(list->catalog, schema, name)) {
        rh_safer_answer(list, concurrent ? "invalid-index" : "index-without-concurrently");
        rh_safer_add(list, NULL, "%s", sql)->alone = list->statement->needs_no_transaction;
        return true; /* it is there, and nothing is done */
    }
    if (partitioned)
        return !concurrent && rh_safer_partitioned_index(list, body);
    const char *better = rh_safer_with_words(sql, concurrent ? "concurrently" : "index",
                                             concurrent ? "" : "CONCURRENTLY", true, list->arena);
    if (!better)
        return false;
    if (concurrent && if_new) /* what an attempt that failed left would be taken for the index */
        rh_safer_add(list, "invalid-index", "DROP INDEX CONCURRENTLY IF EXISTS %s.%s",
                     rh_identifier(schema, list->arena), rh_identifier(name, list->arena))
            ->alone = true;
    rh_safer_add(list, concurrent ? "invalid-index" : "index-without-concurrently", "%s",
                 concurrent && !if_new ? sql : better)
        ->alone = true;
    return true;
}

static bool drop_steps(rh_safer_list *list, rh_json *body)
{
    if (!rh_safer_has(list->statement, "index-without-concurrently"))
        return false;
    const rh_relation ref = rh_catalog_ref_of(rh_json_at(rh_json_get(body, "objects"), 0), 0);
    rh_catalog_index *index = NULL;
    const rh_catalog_table *table = rh_catalog_table_of_index(list->catalog, ref.schema, ref.name, &index);
    if (rh_json_count(rh_json_get(body, "objects")) != 1 || rh_tree_is(body, "behavior", "DROP_CASCADE"))
        list->why = "CONCURRENTLY drops one index at a time, without CASCADE";
    else if (!table)
        list->why = "neither the backup nor the migrations define the index";
    else if (index->constraint)
        list->why = "the index is a constraint's";
    else if (table->unsupported && table->unsupported != RH_UNSUPPORTED_LIKE &&
             table->unsupported != RH_UNSUPPORTED_QUERY && table->unsupported != RH_UNSUPPORTED_CLUSTERED)
        list->why = rh_arena_printf(list->arena, "its table %s", rh_unsupported_text(table->unsupported));
    if (list->why)
        return false;
    const char *better =
        rh_safer_with_words(list->statement->sql, "index", "CONCURRENTLY", false, list->arena);
    if (better)
        rh_safer_add(list, "index-without-concurrently", "%s", better)->alone = true;
    return better != NULL;
}

/* A view under the old name keeps the running release's statements working. */
static bool rename_steps(rh_safer_list *list, rh_json *body)
{
    if (!rh_safer_has(list->statement, "rename"))
        return false;
    if (rh_tree_is(body, "renameType", "OBJECT_COLUMN"))
        return rh_safer_rename_column(list, body);
    return rh_tree_is(body, "renameType", "OBJECT_TABLE") && rh_safer_rename_table(list, body);
}

static bool rewrite(rh_safer_list *list, const char *kind, rh_json *body)
{
    if (!kind)
        return false;
    if (strcmp(kind, "AlterTableStmt") == 0)
        return rh_safer_alter_table(list, body);
    if (strcmp(kind, "IndexStmt") == 0)
        return index_steps(list, body);
    if (strcmp(kind, "CreateStmt") == 0)
        return rh_safer_new_partition(list, body);
    if (strcmp(kind, "DropStmt") == 0)
        return drop_steps(list, body);
    if (strcmp(kind, "RenameStmt") == 0)
        return rename_steps(list, body);
    if (strcmp(kind, "UpdateStmt") == 0 || strcmp(kind, "DeleteStmt") == 0)
        return rh_safer_batches(list, body);
    return (strcmp(kind, "RefreshMatViewStmt") == 0 || strcmp(kind, "ReindexStmt") == 0) &&
           rh_safer_maintenance(list, kind, body);
}

static bool is_answered(const rh_safer_list *list, const char *rule)
{
    if (list->kept)
        return false;
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
    /* whose advice in general is what WHY tells not to do here */
    static const char *const contrary[] = {"rename", "index-without-concurrently", "rewrite-access-exclusive",
                                           NULL};
    for (size_t i = 0; i < list->statement->hazard_count; i++) {
        const rh_hazard *hazard = &list->statement->hazards[i];
        if (hazard->silenced || is_answered(list, hazard->rule))
            continue;
        rh_safer_left *left = rh_arena_add(arena, &safer->left, &safer->left_count);
        const bool contradicted = list->why && rh_is_one_of(hazard->rule, contrary);
        *left = (rh_safer_left){list->statement->ordinal, hazard->rule, contradicted ? NULL : hazard->safer,
                                list->why};
    }
}

static void keep(rh_safer_list *list)
{
    list->count = list->answered_count = 0;
    list->steps = NULL;
    list->answered = NULL;
    rh_safer_add(list, NULL, "%s", list->statement->sql)->alone = list->statement->needs_no_transaction;
    for (size_t i = 0; i < list->statement->grouped_count; i++)
        rh_safer_add(list, NULL, "%s", list->statement->grouped[i].sql);
}

/* Why the steps may not replace the statement at its place; NULL: they may. */
static const char *out_of_place(const rh_safer_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const rh_safer_step *step = &list->steps[i];
        if (list->tied && !step->later && (step->alone || step->after_commit || step->opens))
            return list->tied;
        if (list->bound && step->alone)
            return rh_arena_printf(
                list->arena,
                "%s of statement %d applies only inside its transaction, and one of its steps has to run outside",
                list->bound->name, list->bound->statement);
    }
    return NULL;
}

static void commit_before(rh_safer_list *list)
{
    list->steps[0].after_commit = true;
    if (!list->steps[0].rule)
        list->steps[0].rule = "lock-then-long-work";
}

static void take_apart(rh_safer_list *list, rh_safer *safer, const char *kind, rh_json *body, rh_json *tree)
{
    const rh_statement *statement = list->statement;
    const bool unread = !tree && strlen(statement->sql) <= RH_PARSE_LIMIT;
    const bool refused = rh_safer_has(statement, "blocked-by-dependents");
    const bool made = statement->hazard_count > 0 && !refused && rewrite(list, kind, body);
    const char *out = made ? out_of_place(list) : NULL;
    if (out)
        list->why = out;
    if (!made || out)
        keep(list);
    list->why = list->why ? list->why : list->tied;
    if (rh_safer_has(statement, "lock-then-long-work") && !list->tied)
        commit_before(list);
    leave(list, list->arena, safer);
    if (unread)
        *rh_arena_add(list->arena, &safer->left, &safer->left_count) =
            (rh_safer_left){statement->ordinal, NULL, NULL, NULL};
    if (!list->learned)
        rh_catalog_learn_tree(list->catalog, statement->sql, tree);
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
    take_apart(&list, p->safer, kind, body, tree);
    if (!list.tied && holds_on(script, m->numbers, i))
        commit_before(&list);
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
        leave(&list, p->arena, p->safer);
        rh_catalog_learn(catalog, script->statements[i].sql);
    }
}

/* The steps of a statement for this release, then, behind all of them, those for a later one. */
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
