/* Partitioned tables: an index by its partitions, ATTACH without scans under ACCESS EXCLUSIVE, DETACH
 * CONCURRENTLY. */
#include "pgrehearse/base/text.h"
#include "pgrehearse/sql/tree.h"
#include "other_statements.h"
#include <string.h>

#define SQL(list, ...) rh_arena_printf((list)->arena, __VA_ARGS__)

/* How a table is partitioned. */
typedef struct division {
    const rh_safer_list *list;
    const rh_catalog_table *table;
    const char *strategy; /* "list", "range", "hash"; NULL: not known */
    const char *column;   /* the partition key's column; NULL: several, or an expression */
} division;

static void see_division(void *user, const char *sql, const char *kind, rh_json *body)
{
    division *d = user;
    rh_json *spec = rh_json_get(body, "partspec");
    const rh_relation ref = rh_catalog_range_ref(rh_json_get(body, "relation"));
    const char *strategy = rh_json_string(rh_json_get(spec, "strategy"));
    (void)sql;
    if (strcmp(kind, "CreateStmt") != 0 || !strategy || strcmp(ref.name, d->table->name) != 0 ||
        strcmp(ref.schema ? ref.schema : rh_catalog_schema(d->list->catalog), d->table->schema) != 0)
        return;
    rh_json *columns = rh_json_get(spec, "partParams");
    const char *column = rh_json_string(rh_json_path(rh_json_at(columns, 0), "PartitionElem.name"));
    d->strategy = strcasecmp(strategy, "range") == 0 || strstr(strategy, "RANGE") ? "range"
                  : strcasecmp(strategy, "list") == 0 || strstr(strategy, "LIST") ? "list"
                                                                                  : "hash";
    d->column = rh_json_count(columns) == 1 && column ? rh_arena_strdup(d->list->arena, column) : NULL;
}

static division division_of(const rh_safer_list *list, const rh_catalog_table *table)
{
    division d = {.list = list, .table = table};
    rh_safer_before(list, table->name, see_division, &d);
    return d;
}

static bool is_partition_of(const rh_catalog_table *t, const rh_catalog_table *table)
{
    for (size_t i = 0; i < t->parent_count; i++)
        if (!t->dropped && t->is_partition && t->parents[i] == table)
            return true;
    return false;
}

static rh_catalog_table *default_of(const rh_safer_list *list, const rh_catalog_table *table)
{
    for (size_t i = 0; i < list->catalog->table_count; i++)
        if (is_partition_of(list->catalog->tables[i], table) && list->catalog->tables[i]->is_default)
            return list->catalog->tables[i];
    return NULL;
}

/* ---- CREATE INDEX ---- */

/* The name that PostgreSQL gives to a column of an index (FigureIndexColname); NULL: not known. */
static const char *column_called(rh_json *element)
{
    rh_json *expression = rh_json_get(element, "expr");
    const char *name = rh_json_string(rh_json_get(element, "name"));
    const char *function = rh_tree_last_name(rh_json_path(expression, "FuncCall.funcname"));
    return name ? name : function ? function : rh_json_get(expression, "A_Expr") ? "expr" : NULL;
}

static const char *columns_called(const rh_safer_list *list, rh_json *body)
{
    const char *columns = "";
    for (int included = 0; included < 2; included++) {
        rh_json *elements = rh_json_get(body, included ? "indexIncludingParams" : "indexParams");
        for (size_t i = 0; i < rh_json_count(elements); i++) {
            const char *name = column_called(rh_json_get(rh_json_at(elements, i), "IndexElem"));
            if (!name || (i && strstr(columns, name)))
                return NULL;
            columns = SQL(list, "%s%s%s", columns, *columns ? "_" : "", name);
        }
    }
    return columns;
}

/* A partition's index that the server would take instead of building one. */
static bool has_one_like_it(const rh_catalog_table *t, rh_json *body)
{
    rh_json *elements = rh_json_get(body, "indexParams");
    for (size_t i = 0; i < t->index_count; i++) {
        bool same = t->indexes[i].column_count == rh_json_count(elements);
        for (size_t k = 0; same && k < t->indexes[i].column_count; k++) {
            const char *name = rh_json_string(rh_json_path(rh_json_at(elements, k), "IndexElem.name"));
            same = name && strcmp(name, t->indexes[i].columns[k]) == 0;
        }
        if (same)
            return true;
    }
    return false;
}

static const char *no_index(const rh_safer_list *list, const rh_catalog_table *table, rh_json *body)
{
    size_t count = 0;
    for (size_t i = 0; i < list->catalog->table_count; i++) {
        const rh_catalog_table *t = list->catalog->tables[i];
        if (!is_partition_of(t, table))
            continue;
        count++;
        if (rh_safer_is_partitioned(t))
            return "a partition is partitioned itself";
        if (has_one_like_it(t, body))
            return "a partition has an index on these columns already";
    }
    if (!rh_json_bool(rh_json_path(body, "relation.inh")))
        return "it is built on ONLY the parent, which has no rows";
    return count ? NULL : "its partitions are not known";
}

bool rh_safer_partitioned_index(rh_safer_list *list, rh_json *body)
{
    static const char rule[] = "index-without-concurrently";
    const rh_catalog_table *table = rh_catalog_table_of(list->catalog, rh_json_get(body, "relation"));
    const char *given = rh_json_string(rh_json_get(body, "idxname"));
    const char *columns = columns_called(list, body);
    const size_t behind = rh_clauses_behind_table(list->statement->sql, list->arena);
    const char *rest = behind ? list->statement->sql + behind : NULL; /* "USING btree (a) WHERE …" */
    const char *unique = rh_json_bool(rh_json_get(body, "unique")) ? "UNIQUE " : "";
    list->why = no_index(list, table, body);
    if (!list->why && (!columns || !rest))
        list->why = "how the server would name its parts is not known";
    if (list->why)
        return false;
    const char *name = given ? given : rh_catalog_free_name(list->catalog, table, columns, "idx");
    const char *index =
        SQL(list, "%s.%s", rh_identifier(table->schema, list->arena), rh_identifier(name, list->arena));
    rh_safer_add(list, rule, "CREATE %sINDEX %s ON ONLY %s %s", unique, rh_identifier(name, list->arena),
                 rh_catalog_name(table, list->arena), rest);
    rh_catalog_learn(list->catalog, list->steps[list->count - 1].sql);
    list->learned = true;
    const char **parts = NULL;
    size_t count = 0;
    for (size_t i = 0; i < list->catalog->table_count; i++) {
        const rh_catalog_table *t = list->catalog->tables[i];
        if (!is_partition_of(t, table))
            continue;
        const char *part = rh_catalog_free_name(list->catalog, t, columns, "idx");
        rh_safer_add(list, rule, "CREATE %sINDEX CONCURRENTLY %s ON %s %s", unique,
                     rh_identifier(part, list->arena), rh_catalog_name(t, list->arena), rest)
            ->alone = true;
        rh_catalog_learn(list->catalog, list->steps[list->count - 1].sql);
        *rh_arena_add(list->arena, &parts, &count) =
            SQL(list, "%s.%s", rh_identifier(t->schema, list->arena), rh_identifier(part, list->arena));
    }
    for (size_t i = 0; i < count; i++)
        rh_safer_add(list, rule, "ALTER INDEX %s ATTACH PARTITION %s", index, parts[i]);
    return true;
}

/* ---- ATTACH, CREATE TABLE … PARTITION OF ---- */

/* What FOR VALUES says of COLUMN, as conditions of rows in the partition, and of those outside of it. */
static bool read_bound(const rh_safer_list *list, const char *words, rh_json *bound, const division *d,
                       const char **inside, const char **outside)
{
    rh_sql_token *tokens = NULL;
    size_t count = 0, starts[2] = {0}, ends[2] = {0}, lists = 0;
    const char *column = rh_identifier(d->column, list->arena);
    int depth = 0;
    bool values = false;
    rh_clauses_scan(words, list->arena, &tokens, &count);
    for (size_t i = 0; i < count; i++) {
        values |= rh_sql_token_is(words, &tokens[i], "values");
        if (!values)
            continue;
        if (strcmp(tokens[i].kind, "(") == 0 && depth++ == 0 && lists < 2)
            starts[lists] = tokens[i].end;
        if (strcmp(tokens[i].kind, ")") == 0 && --depth == 0 && lists < 2)
            ends[lists++] = tokens[i].start;
    }
    const char *a = rh_arena_strndup(list->arena, words + starts[0], ends[0] - starts[0]);
    const char *b = rh_arena_strndup(list->arena, words + starts[1], ends[1] - starts[1]);
    if (strcmp(d->strategy, "list") == 0) {
        if (lists != 1 || rh_clauses_mention(a, "null", list->arena))
            return false;
        *inside = SQL(list, "%s IS NOT NULL AND %s IN (%s)", column, column, a);
        *outside = SQL(list, "%s IS NULL OR %s NOT IN (%s)", column, column, a);
        return true;
    }
    if (lists != 2 || strcmp(d->strategy, "range") != 0 ||
        rh_json_count(rh_json_get(bound, "lowerdatums")) != 1)
        return false;
    const bool from = !rh_clauses_mention(a, "minvalue", list->arena),
               to = !rh_clauses_mention(b, "maxvalue", list->arena);
    *inside = SQL(list, "%s IS NOT NULL%s%s", column, from ? SQL(list, " AND %s >= %s", column, a) : "",
                  to ? SQL(list, " AND %s < %s", column, b) : "");
    *outside = SQL(list, "%s IS NULL%s%s", column, from ? SQL(list, " OR %s < %s", column, a) : "",
                   to ? SQL(list, " OR %s >= %s", column, b) : "");
    return true;
}

/* CONDITION is proven for TABLE, so that nothing is scanned; returns the constraint's name. */
static const char *prove(rh_safer_list *list, const char *rule, const rh_catalog_table *table,
                         const division *d, const char *condition)
{
    const char *name =
        rh_identifier(rh_catalog_free_name(list->catalog, table, d->column, "bound"), list->arena);
    const char *relation = rh_catalog_name(table, list->arena);
    rh_safer_add(list, rule, "ALTER TABLE %s ADD CONSTRAINT %s CHECK (%s) NOT VALID", relation, name,
                 condition);
    rh_safer_validate(list, rule, SQL(list, "ALTER TABLE %s", relation), name);
    return name;
}

/* CHILD NULL: it is made by the statement. */
static bool attach(rh_safer_list *list, rh_json *parent, const rh_catalog_table *child, rh_json *bound)
{
    const char *rule = rh_safer_rule(list->statement);
    const rh_catalog_table *table = rh_catalog_table_of(list->catalog, parent);
    if (!rule || !table)
        return false;
    const rh_catalog_table *other = default_of(list, table);
    const division d = division_of(list, table);
    const char *inside, *outside;
    if (!d.strategy || !d.column || rh_json_bool(rh_json_get(bound, "is_default")) ||
        !read_bound(list, list->statement->sql, bound, &d, &inside, &outside)) {
        list->why = "a CHECK that proves its bounds can only be written for one column, by a list or a range";
        return false;
    }
    if ((other && rh_safer_is_partitioned(other)) || (child && rh_safer_is_partitioned(child))) {
        list->why = "the partition is partitioned itself";
        return false;
    }
    if (!other && !child)
        return false; /* nothing is scanned */
    const char *child_proof = child ? prove(list, rule, child, &d, inside) : NULL;
    const size_t before = list->count;
    const char *other_proof = other ? prove(list, rule, other, &d, outside) : NULL;
    if (other)
        list->steps[before].note =
            "From here until the partition is attached, rows of its range are refused.";
    rh_safer_add(list, rule, "%s", list->statement->sql)->after_commit = true;
    if (other_proof)
        rh_safer_add(list, rule, "ALTER TABLE %s DROP CONSTRAINT %s", rh_catalog_name(other, list->arena),
                     other_proof);
    if (child_proof)
        rh_safer_add(list, rule, "ALTER TABLE %s DROP CONSTRAINT %s", rh_catalog_name(child, list->arena),
                     child_proof);
    return true;
}

bool rh_safer_new_partition(rh_safer_list *list, rh_json *body)
{
    rh_json *parent = rh_json_get(rh_json_at(rh_json_get(body, "inhRelations"), 0), "RangeVar");
    rh_json *bound = rh_json_get(body, "partbound");
    return bound && attach(list, parent, NULL, bound);
}

/* ---- DETACH ---- */

static const char *no_detach(const rh_safer_list *list, const rh_catalog_table *table,
                             const rh_catalog_table *child, const division *d)
{
    if (!table || !child)
        return "neither the backup nor the migrations define the partition";
    if (list->plan->server_major < 14)
        return "DETACH CONCURRENTLY requires PostgreSQL 14 or later, and the backup's version is older or not known";
    if (default_of(list, table))
        return "CONCURRENTLY is refused beside a DEFAULT partition";
    return d->strategy && d->column ? NULL : "the partition key is not known, or has more than one column";
}

static bool detach(rh_safer_list *list, rh_json *body, rh_json *command)
{
    const char *rule = rh_safer_rule(list->statement);
    const rh_catalog_table *table = rh_catalog_table_of(list->catalog, rh_json_get(body, "relation"));
    const rh_catalog_table *child = rh_catalog_table_of(list->catalog, rh_json_get(command, "name"));
    if (!rule || rh_json_bool(rh_json_get(command, "concurrent")))
        return false;
    const division d = table ? division_of(list, table) : (division){0};
    list->why = no_detach(list, table, child, &d);
    if (list->why)
        return false;
    const char *check = rh_catalog_free_name(list->catalog, child, d.column, "check");
    rh_safer_add(list, rule, "%s CONCURRENTLY", list->statement->sql)->alone = true;
    rh_safer_add(list, rule, "ALTER TABLE %s DROP CONSTRAINT IF EXISTS %s",
                 rh_catalog_name(child, list->arena), rh_identifier(check, list->arena))
        ->note = "CONCURRENTLY leaves a CHECK of the partition's bounds behind.";
    return true;
}

bool rh_safer_partition(rh_safer_list *list, rh_json *body, rh_json *command)
{
    rh_json *part = rh_json_path(command, "def.PartitionCmd");
    if (rh_tree_is(command, "subtype", "AT_DetachPartition"))
        return detach(list, body, part);
    const rh_catalog_table *child = rh_catalog_table_of(list->catalog, rh_json_get(part, "name"));
    list->why = child ? NULL : "neither the backup nor the migrations define the partition";
    return child && attach(list, rh_json_get(body, "relation"), child, rh_json_get(part, "bound"));
}
