/* Applies the rules to a statement. Each message has the effect and the safer alternative, with the
 * statement's own names. */
#include "subject.h"
#include "pgrehearse/sql/classify.h"
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/base/text.h"
#include <string.h>

void rh_hazard_add(rh_hazard_context *context, rh_statement *statement, const char *rule, const char *message,
                   const char *safer)
{
    rh_hazard *hazard = rh_arena_add(context->arena, &statement->hazards, &statement->hazard_count);
    *hazard = (rh_hazard){.rule = rule, .message = message, .safer = safer};
}

bool rh_hazard_is(const rh_statement *statement, const char *rule)
{
    for (size_t i = 0; i < statement->hazard_count; i++)
        if (strcmp(statement->hazards[i].rule, rule) == 0)
            return true;
    return false;
}

void rh_hazard_refused(const rh_hazard_subject *s, const char *work, const char *user)
{
    RH_HAZARD(s, "blocked-by-dependents",
              rh_arena_printf(s->arena, "The server refuses to %s: the %s uses it.", work, user),
              rh_arena_printf(
                  s->arena,
                  "Drop the %s before it and create it again after it in the same transaction, with its "
                  "owner and privileges.",
                  user));
}

const char *rh_hazard_quoted(const rh_hazard_subject *s, const char *identifier)
{
    return identifier ? rh_identifier(identifier, s->arena) : "…";
}

/* ---- the catalog ---- */

rh_catalog *rh_hazards_catalog(rh_hazard_context *context)
{
    if (!context->catalog) {
        context->catalog = rh_arena_alloc(context->arena, sizeof *context->catalog);
        context->catalog->arena = context->arena;
        context->catalog->in_migrations = true;
        context->session.arena = context->arena;
    }
    return context->catalog;
}

void rh_hazards_learn_backup(rh_hazard_context *context, const char *const *texts, size_t count)
{
    rh_catalog *catalog = rh_hazards_catalog(context);
    bool complete = count > 0;
    catalog->in_migrations = false;
    for (size_t i = 0; i < count; i++) {
        rh_sql_span *spans = NULL;
        size_t span_count = 0;
        rh_sql_split(texts[i], NULL, context->arena, &spans, &span_count, NULL);
        for (size_t k = 0; k < span_count; k++) {
            const char *sql = rh_arena_strndup(context->arena, texts[i] + spans[k].offset, spans[k].length);
            rh_json *tree = strlen(sql) <= RH_PARSE_LIMIT ? rh_sql_parse(sql, NULL) : NULL;
            complete &= tree != NULL;
            rh_catalog_learn_tree(catalog, sql, tree);
            rh_session_follow(&context->session, tree);
            rh_json_free(tree);
        }
    }
    catalog->complete = complete;
    catalog->in_migrations = true;
    rh_session_connect(&context->session);
}

bool rh_hazard_column_is_new(const rh_hazard_subject *s, const char *column)
{
    for (size_t i = 0; column && i < s->context->expanded_count; i++) {
        const rh_expansion *added = &s->context->expanded[i];
        if (added->column && strcmp(added->column, column) == 0 && strcmp(added->table, s->table) == 0)
            return true;
    }
    return false;
}

bool rh_hazard_is_partitioned(const rh_catalog_table *table)
{
    return table && table->is_partitioned;
}

/* CONDITION, or what it requires among other things, is COLUMN IS NOT NULL. */
static bool requires_not_null(rh_json *condition, const char *column, int depth)
{
    rh_json *both = rh_json_get(condition, "BoolExpr"), *test = rh_json_get(condition, "NullTest");
    const char *tested = rh_tree_last_name(rh_json_path(test, "arg.ColumnRef.fields"));
    if (tested && rh_tree_is(test, "nulltesttype", "IS_NOT_NULL") && strcmp(tested, column) == 0)
        return true;
    for (size_t i = 0; depth < 100 && rh_tree_is(both, "boolop", "AND_EXPR") &&
                       i < rh_json_count(rh_json_get(both, "args"));
         i++)
        if (requires_not_null(rh_json_at(rh_json_get(both, "args"), i), column, depth + 1))
            return true;
    return false;
}

bool rh_hazard_proven_not_null(const rh_catalog_table *table, const char *column)
{
    const rh_catalog_column *c = table && column ? rh_catalog_column_of(table, column) : NULL;
    bool proven = c && c->not_null;
    for (size_t i = 0; table && column && !proven && i < table->constraint_count; i++) {
        const rh_catalog_constraint *check = &table->constraints[i];
        if (check->kind != 'c' || !check->valid)
            continue;
        rh_arena *scratch = rh_arena_new();
        rh_json *tree = rh_sql_parse(
            rh_arena_printf(scratch, "SELECT WHERE %s", check->definition + strlen("CHECK")), NULL);
        proven = requires_not_null(rh_json_path(tree, "SelectStmt.whereClause"), column, 0);
        rh_json_free(tree);
        rh_arena_free(scratch);
    }
    return proven;
}

/* ---- the other statements ---- */

/* A build that failed leaves its index behind, unusable, and IF NOT EXISTS takes that for the index. */
static void retried_index_hazard(const rh_hazard_subject *s, rh_json *body, const char *name)
{
    if (!name || !rh_json_bool(rh_json_get(body, "if_not_exists")))
        return;
    name = rh_hazard_quoted(s, name);
    RH_HAZARD(
        s, "invalid-index",
        rh_arena_printf(
            s->arena,
            "If an earlier attempt failed, %s exists but is invalid: IF NOT EXISTS skips it, and no query ever uses it.",
            name),
        rh_arena_printf(
            s->arena,
            "DROP INDEX CONCURRENTLY IF EXISTS %s before it, and CREATE INDEX CONCURRENTLY %s without IF "
            "NOT EXISTS.",
            name, name));
}

/* IF NOT EXISTS, and the backup or a migration before has an index of that name: nothing is built. */
static bool is_there(const rh_hazard_subject *s, rh_json *body, const char *name)
{
    const char *schema = rh_json_string(rh_json_path(body, "relation.schemaname"));
    return name && rh_json_bool(rh_json_get(body, "if_not_exists")) &&
           rh_catalog_table_of_index(s->context->catalog, s->definition ? s->definition->schema : schema,
                                     name, NULL);
}

static void index_hazard(const rh_hazard_subject *s, rh_json *body)
{
    const char *name = rh_json_string(rh_json_get(body, "idxname"));
    const char *unique = rh_json_bool(rh_json_get(body, "unique")) ? "UNIQUE " : "";
    if (is_there(s, body, name)) {
        s->statement->class_ = RH_CLASS_CATALOG;
        return;
    }
    if (rh_json_bool(rh_json_get(body, "concurrent"))) {
        retried_index_hazard(s, body, name);
        return;
    }
    if (rh_hazard_is_partitioned(s->definition) && !rh_json_bool(rh_json_path(body, "relation.inh")))
        return; /* ON ONLY: nothing is built before the partitions' indexes are attached */
    name = name ? rh_hazard_quoted(s, name) : "";
    RH_HAZARD(
        s, "index-without-concurrently",
        rh_arena_printf(s->arena, "Writes to %s wait until the index is built.", s->table),
        rh_hazard_is_partitioned(s->definition)
            ? rh_arena_printf(s->arena,
                              "CONCURRENTLY is refused on a partitioned table. CREATE %sINDEX %s ON ONLY "
                              "%s …; then CREATE %sINDEX CONCURRENTLY on each partition, outside a "
                              "transaction; then ALTER INDEX … ATTACH PARTITION for each.",
                              unique, name, s->table, unique)
            : rh_arena_printf(s->arena,
                              "CREATE %sINDEX CONCURRENTLY %s ON %s …, in a file of its own and outside "
                              "a transaction.",
                              unique, name, s->table));
}

static void maintenance_hazard(const rh_hazard_subject *s, rh_json *body)
{
    rh_json *tables = rh_json_get(body, "rels");
    const bool vacuum = tables || strcmp(s->statement->command_tag, "VACUUM") == 0;
    if (!s->statement->expected_lock || s->statement->expected_lock != RH_LOCK_ACCESS_EXCLUSIVE)
        return;
    if (vacuum ? rh_json_count(tables) != 1 : !rh_json_get(body, "relation")) {
        RH_HAZARD(
            s, "rewrite-access-exclusive",
            rh_arena_printf(
                s->arena,
                "%s rewrites %zu relations one after another, and holds ACCESS EXCLUSIVE on each for as "
                "long as that takes.",
                s->statement->command_tag, s->statement->expected_lock_count),
            "Use pg_repack table by table, or a maintenance window.");
        return;
    }
    RH_HAZARD(
        s, "rewrite-access-exclusive",
        rh_arena_printf(s->arena, "%s holds ACCESS EXCLUSIVE on %s for as long as it takes.",
                        s->statement->command_tag, s->table),
        strcmp(s->statement->command_tag, "REFRESH MATERIALIZED VIEW") == 0
            ? rh_arena_printf(s->arena,
                              "REFRESH MATERIALIZED VIEW CONCURRENTLY %s, which needs a unique index on "
                              "it without WHERE and without expressions.",
                              s->table)
            : rh_arena_printf(s->arena, "Use pg_repack for %s, or a maintenance window.", s->table));
}

static void reindex_hazard(const rh_hazard_subject *s, rh_json *body)
{
    const bool index = rh_tree_is(body, "kind", "REINDEX_OBJECT_INDEX");
    const bool table = rh_tree_is(body, "kind", "REINDEX_OBJECT_TABLE");
    const char *what = index                                               ? "INDEX"
                       : table                                             ? "TABLE"
                       : rh_tree_is(body, "kind", "REINDEX_OBJECT_SCHEMA") ? "SCHEMA"
                                                                           : "DATABASE";
    const char *name =
        index || table ? s->table : rh_hazard_quoted(s, rh_json_string(rh_json_get(body, "name")));
    if (rh_tree_has_option(rh_json_get(body, "params"), "concurrently") ||
        rh_tree_is(body, "kind", "REINDEX_OBJECT_SYSTEM"))
        return;
    RH_HAZARD(
        s, "reindex-without-concurrently",
        rh_arena_printf(
            s->arena,
            "REINDEX %s %s holds SHARE on each table, which blocks writes, and ACCESS EXCLUSIVE on "
            "each index, which blocks every query that is planned on the table, until the index is built.",
            what, name),
        rh_arena_printf(s->arena, "REINDEX %s CONCURRENTLY %s, outside a transaction.", what, name));
}

/* CREATE TABLE … PARTITION OF beside a default partition. */
static void new_partition_hazard(const rh_hazard_subject *s, rh_json *body)
{
    rh_json *parent = rh_json_get(rh_json_at(rh_json_get(body, "inhRelations"), 0), "RangeVar");
    if (rh_json_get(body, "partbound"))
        rh_hazards_of_partition(s, rh_json_get(body, "partbound"),
                                rh_catalog_table_of(s->context->catalog, parent), (rh_relation){0});
}

/* It works on every relation that it locks, not on the first. */
static bool goes_through_many(rh_json *tree)
{
    static const char *const kinds[] = {
        "TruncateStmt",  "VacuumStmt",        "ReindexStmt",     "ClusterStmt", "AlterTableMoveAllStmt",
        "DropOwnedStmt", "ReassignOwnedStmt", "AlterDomainStmt", NULL};
    rh_json *body;
    const char *kind = rh_tree_kind(tree, &body);
    return kind && rh_is_one_of(kind, kinds);
}

static const rh_catalog_table *find_named(const rh_catalog *catalog, const char *relation, rh_arena *arena)
{
    const rh_relation ref = rh_relation_of(relation, arena);
    return rh_catalog_find(catalog, ref.schema, ref.name);
}

const rh_catalog_table *rh_hazards_changed_table(const rh_catalog *catalog, const rh_statement *statement,
                                                 rh_json *tree, rh_arena *arena)
{
    const rh_catalog_table *first = find_named(catalog, statement->expected_relation, arena);
    for (size_t i = 1; first && goes_through_many(tree) && i < statement->expected_lock_count; i++) {
        const rh_catalog_table *other = find_named(catalog, statement->expected_locks[i].relation, arena);
        if (other && (!rh_catalog_is_small(other) || !rh_catalog_is_small(first)))
            return rh_catalog_is_small(first) ? other : first;
    }
    return first;
}

/* Rules that warn of the time that a table's rows take: none for a table of next to no rows. */
static void leave_out_short_work(rh_statement *statement, const rh_catalog_table *table)
{
    static const char *const timed[] = {"rewrite-access-exclusive",
                                        "constraint-without-not-valid",
                                        "foreign-key-without-index",
                                        "foreign-key-without-not-valid",
                                        "set-not-null-scan",
                                        "primary-key-from-nullable",
                                        "exclude-constraint",
                                        "reindex-without-concurrently",
                                        "type-change",
                                        "volatile-default",
                                        "constrained-domain",
                                        NULL};
    const bool build = statement->class_ == RH_CLASS_INDEX_BUILD;
    size_t kept = 0;
    for (size_t i = 0; i < statement->hazard_count; i++) {
        const char *rule = statement->hazards[i].rule;
        const bool index = build && strcmp(rule, "index-without-concurrently") == 0;
        if (!rh_catalog_is_small(table) || !(index || rh_is_one_of(rule, timed)))
            statement->hazards[kept++] = statement->hazards[i];
    }
    statement->hazard_count = kept;
}

void rh_hazards_of_statement(rh_hazard_context *context, rh_statement *statement, rh_json *tree)
{
    rh_json *body;
    const char *kind = rh_tree_kind(tree, &body);
    if (!kind)
        return;
    const rh_hazard_subject s = {
        .context = context,
        .arena = context->arena,
        .statement = statement,
        .table = statement->expected_relation ? statement->expected_relation : "the table",
        .definition = rh_hazards_changed_table(context->catalog, statement, tree, context->arena),
    };
    const bool is_new = s.definition && s.definition->is_new && !context->is_down;
    if (strcmp(kind, "CreateStmt") == 0)
        new_partition_hazard(&s, body);
    else if (strcmp(kind, "AlterTableStmt") == 0)
        rh_hazards_of_alter_table(&s, body);
    else if (strcmp(kind, "IndexStmt") == 0 && !is_new)
        index_hazard(&s, body);
    else if (strcmp(kind, "ReindexStmt") == 0 && !is_new)
        reindex_hazard(&s, body);
    else if (statement->class_ == RH_CLASS_MAINTENANCE && !is_new)
        maintenance_hazard(&s, body);
    else
        rh_hazards_of_object(&s, kind, body);
    rh_hazards_of_changes(&s, tree);
    leave_out_short_work(statement, s.definition);
}
