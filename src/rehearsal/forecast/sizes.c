#include "sizes.h"
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/base/relation.h"
#include "embedded/rehearsal.h"
#include <string.h>

enum { PARSE_LIMIT = 128 * 1024, RELATIONS_MAX = 16 };

/* A name that a statement of the plan gives, and the relation behind it. */
typedef struct alias {
    rh_relation name;
    rh_relation *relations;
    size_t count;
} alias;

typedef struct naming {
    rh_run *run;
    alias *aliases;
    size_t alias_count;
} naming;

/* ---- names in a statement ---- */

static void add_relation(rh_arena *arena, rh_statement *statement, rh_relation name)
{
    for (size_t i = 0; i < statement->relation_count; i++)
        if (rh_relation_equal(statement->relations[i], name))
            return;
    if (statement->relation_count < RELATIONS_MAX)
        *rh_arena_add(arena, &statement->relations, &statement->relation_count) = name;
}

static void add_resolved(naming *n, rh_statement *statement, rh_relation name)
{
    for (size_t i = n->alias_count; i-- > 0;) {
        if (!rh_relation_equal(n->aliases[i].name, name))
            continue;
        for (size_t k = 0; k < n->aliases[i].count; k++)
            add_relation(n->run->arena, statement, n->aliases[i].relations[k]);
        return;
    }
    add_relation(n->run->arena, statement, name);
}

/* Of an object with a relname; no name for others. */
static rh_relation name_of(const rh_json *node)
{
    return (rh_relation){rh_json_string(rh_json_get(node, "schemaname")),
                         rh_json_string(rh_json_get(node, "relname"))};
}

static rh_relation kept(rh_relation relation, rh_arena *arena)
{
    return (rh_relation){rh_arena_strdup(arena, relation.schema), rh_arena_strdup(arena, relation.name)};
}

/* A statement that names relations. */
typedef struct user {
    naming *names;
    rh_statement *statement;
} user;

static bool add_named(rh_json *node, void *data)
{
    const user *u = data;
    const rh_relation name = name_of(node);
    if (name.name)
        add_resolved(u->names, u->statement, kept(name, u->names->run->arena));
    return false;
}

/* CREATE INDEX x ON t, CREATE TABLE x AS … FROM t: from here on x has the size of t. */
static void remember(naming *n, const rh_statement *statement, const rh_json *tree)
{
    rh_arena *arena = n->run->arena;
    rh_relation made = {.name = rh_json_string(rh_json_path(tree, "IndexStmt.idxname"))};
    if (!made.name)
        made = name_of(rh_json_path(tree, "CreateTableAsStmt.into.rel"));
    if (!made.name)
        return;
    alias *a = rh_arena_add(arena, &n->aliases, &n->alias_count);
    *a = (alias){.name = kept(made, arena)};
    for (size_t i = 0; i < statement->relation_count; i++)
        if (!rh_relation_equal(statement->relations[i], made))
            *rh_arena_add(arena, &a->relations, &a->count) = statement->relations[i];
}

void rh_sizes_name_relations(rh_run *run)
{
    naming n = {.run = run};
    for (size_t m = 0; m < run->plan.migration_count; m++) {
        rh_script *up = &run->plan.migrations[m].up;
        for (size_t i = 0; i < up->statement_count; i++) {
            rh_statement *statement = &up->statements[i];
            rh_json *tree = strlen(statement->sql) <= PARSE_LIMIT ? rh_sql_parse(statement->sql, NULL) : NULL;
            statement->relation_count = 0;
            rh_json_visit(tree, add_named, &(user){&n, statement});
            remember(&n, statement, tree);
            rh_json_free(tree);
        }
    }
}

/* ---- sizes ---- */

/* A known relation, in the order of the query's rows. */
typedef struct known {
    rh_relation name;
    int64_t oid; /* 0: not there */
    double rows, bytes, index_bytes;
} known;

static known *find(known *list, size_t count, rh_relation name)
{
    for (size_t i = 0; i < count; i++)
        if (rh_relation_equal(list[i].name, name))
            return &list[i];
    return NULL;
}

static known *distinct_names(const rh_run *run, size_t *count)
{
    known *list = NULL;
    *count = 0;
    for (size_t m = 0; m < run->plan.migration_count; m++) {
        const rh_script *up = &run->plan.migrations[m].up;
        for (size_t i = 0; i < up->statement_count; i++)
            for (size_t r = 0; r < up->statements[i].relation_count; r++)
                if (!find(list, *count, up->statements[i].relations[r]))
                    *rh_arena_add(run->arena, &list, count) = (known){.name = up->statements[i].relations[r]};
    }
    return list;
}

/* {"…","…"}: names are in double quotes already, so these and backslashes are escaped. */
static void append_array(rh_text *text, const known *list, size_t count, rh_arena *arena)
{
    rh_text_append(text, "{");
    for (size_t i = 0; i < count; i++) {
        rh_text_append(text, i ? ",\"" : "\"");
        for (const char *c = rh_relation_quote(list[i].name, arena); *c; c++) {
            if (*c == '"' || *c == '\\')
                rh_text_append_char(text, '\\');
            rh_text_append_char(text, *c);
        }
        rh_text_append(text, "\"");
    }
    rh_text_append(text, "}");
}

static void read_known(rh_pg *pg, known *list, size_t count)
{
    enum { OID, ROWS, BYTES, INDEX_BYTES };
    rh_text names = {0};
    rh_arena *scratch = rh_arena_new();
    append_array(&names, list, count, scratch);
    rh_arena_free(scratch);
    const char *parameters[] = {rh_text_string(&names)};
    rh_pg_result *result = rh_pg_query(pg, rh_sql_relation_sizes, 1, parameters, NULL);
    for (size_t i = 0; result && i < rh_pg_rows(result) && i < count; i++) {
        list[i].oid = rh_pg_int(result, i, OID, 0);
        list[i].rows = rh_pg_double(result, i, ROWS, 0);
        list[i].bytes = rh_pg_double(result, i, BYTES, 0);
        list[i].index_bytes = rh_pg_double(result, i, INDEX_BYTES, 0);
    }
    rh_pg_result_free(result);
    rh_text_release(&names);
}

/* The first relation that is there is what the statement works on, the others are read beside it. */
static rh_work_size size_of(const rh_statement *statement, known *list, size_t count, rh_work_size everything)
{
    rh_work_size size = {0};
    int64_t seen[RELATIONS_MAX];
    size_t distinct = 0;
    for (size_t r = 0; r < statement->relation_count; r++) {
        const known *k = find(list, count, statement->relations[r]);
        bool again = !k || k->oid == 0;
        for (size_t i = 0; i < distinct; i++)
            again |= k && seen[i] == k->oid;
        if (again)
            continue;
        seen[distinct++] = k->oid;
        if (distinct == 1)
            size = (rh_work_size){.bytes = k->bytes,
                                  .rows = k->rows,
                                  .index_bytes = k->index_bytes,
                                  .buffers_bytes = everything.buffers_bytes,
                                  .sort_bytes = everything.sort_bytes};
        else
            size.referenced_rows += k->rows;
    }
    return distinct ? size : everything;
}

static bool read_everything(rh_pg *pg, rh_work_size *everything, rh_error *error)
{
    static const char sum[] =
        "SELECT pg_catalog.sum(pg_catalog.pg_table_size(c.oid)), "
        "pg_catalog.sum(greatest(c.reltuples, 0)), pg_catalog.sum(pg_catalog.pg_indexes_size(c.oid)), "
        "pg_catalog.pg_size_bytes(pg_catalog.current_setting('shared_buffers')), "
        "pg_catalog.pg_size_bytes(pg_catalog.current_setting('maintenance_work_mem')) "
        "FROM pg_catalog.pg_class c WHERE c.relkind IN ('r', 'm') AND c.oid >= 16384";
    rh_pg_result *result = rh_pg_query(pg, sum, 0, NULL, error);
    if (result)
        *everything = (rh_work_size){.bytes = rh_pg_double(result, 0, 0, 0),
                                     .rows = rh_pg_double(result, 0, 1, 0),
                                     .index_bytes = rh_pg_double(result, 0, 2, 0),
                                     .buffers_bytes = rh_pg_double(result, 0, 3, 0),
                                     .sort_bytes = rh_pg_double(result, 0, 4, 0)};
    rh_pg_result_free(result);
    return result != NULL;
}

bool rh_sizes_read(const rh_run *run, const char *conninfo, rh_work_size **sizes, rh_error *error)
{
    rh_pg *pg = rh_pg_connect(conninfo, ": sizes", error);
    rh_work_size everything = {0};
    size_t count = 0, total = 0, index = 0;
    known *list = distinct_names(run, &count);
    for (size_t m = 0; m < run->plan.migration_count; m++)
        total += run->plan.migrations[m].up.statement_count;
    *sizes = rh_arena_alloc(run->arena, (total + 1) * sizeof **sizes);
    bool ok = pg && read_everything(pg, &everything, error);
    if (ok && count > 0)
        read_known(pg, list, count);
    for (size_t m = 0; ok && m < run->plan.migration_count; m++) {
        const rh_script *up = &run->plan.migrations[m].up;
        for (size_t i = 0; i < up->statement_count; i++)
            (*sizes)[index++] = size_of(&up->statements[i], list, count, everything);
    }
    rh_pg_close(pg);
    return ok;
}
