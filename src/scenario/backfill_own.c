#include "backfill_own.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/adapters/json.h"
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/base/scan.h"
#include "pgrehearse/base/text.h"
#include <string.h>

enum { SQL_MOST = 1 << 20 };

typedef struct own_sql {
    rh_reader *reader;
    const char *name, *path, *text; /* PATH NULL: it stands in the scenario */
    rh_yaml_node *node;
} own_sql;

/* Appends the position of AT in the text to the message that is set. */
static bool at_place(const own_sql *own, const char *at)
{
    int line = 1, column = 1;
    for (const char *c = own->text; c < at; c++) {
        line += *c == '\n';
        column = *c == '\n' ? 1 : column + 1;
    }
    if (own->path)
        return rh_error_at(own->reader->error, own->path, line, column);
    return rh_error_context(own->reader->error, "line %d, column %d of the statement", line, column);
}

static bool read_text(own_sql *own)
{
    own->text = rh_value_text(own->reader, own->name, own->node);
    if (!own->text)
        return false;
    if (rh_ends_with(own->text, ".sql")) {
        own->path = rh_value_path(own->reader, own->name, own->node);
        own->text = own->path
                        ? rh_file_read(own->path, SQL_MOST, own->reader->arena, NULL, own->reader->error)
                        : NULL;
    }
    return own->text != NULL;
}

enum { FROM, TO, AFTER, LIMIT, VARIABLES };
static const char *const NAMES[VARIABLES] = {"from", "to", "after", "limit"};
static const char HINT[] =
    "a batch is the rows with a key BETWEEN :from AND :to, or the first :limit ones with a "
    "key > :after";

/* Where each variable is used first; NULL: nowhere. */
static bool find_variables(const own_sql *own, const char *first[VARIABLES])
{
    rh_token name;
    for (const char *at = own->text; rh_scan_variable(&at, NULL, &name);) {
        int known = 0;
        while (known < VARIABLES && !rh_token_is(&name, NAMES[known]))
            known++;
        if (known == VARIABLES) {
            rh_value_fail(own->reader, own->node, "%s has :%.*s, which has no value", own->name,
                          (int)name.length, name.at);
            rh_error_hint(own->reader->error, "%s", HINT);
            return at_place(own, name.at - 1);
        }
        if (!first[known])
            first[known] = name.at - 1;
    }
    return true;
}

/* :from and :to, both; or :limit, with :after or without; and no others. */
static bool check_variables(const own_sql *own, rh_backfill_own *kind)
{
    const char *first[VARIABLES] = {0};
    if (!find_variables(own, first))
        return false;
    const bool range = first[FROM] || first[TO], limited = first[AFTER] || first[LIMIT];
    if (range && limited) {
        rh_value_fail(own->reader, own->node, "%s uses :%s together with :%s", own->name,
                      NAMES[first[LIMIT] ? LIMIT : AFTER], NAMES[first[FROM] ? FROM : TO]);
        rh_error_hint(own->reader->error, "%s", HINT);
        return at_place(own, first[LIMIT] ? first[LIMIT] : first[AFTER]);
    }
    *kind = !limited ? RH_OWN_RANGE : first[AFTER] ? RH_OWN_AFTER : RH_OWN_LIMIT;
    const int missing = limited        ? (first[LIMIT] ? VARIABLES : LIMIT)
                        : !first[FROM] ? FROM
                        : !first[TO]   ? TO
                                       : VARIABLES;
    if (missing == VARIABLES)
        return true;
    rh_value_fail(own->reader, own->node, "%s does not use :%s", own->name, NAMES[missing]);
    return rh_error_hint(
        own->reader->error,
        missing == LIMIT ? "without it the first batch would change all rows: LIMIT :limit"
                         : "without them each batch would change all rows: WHERE id BETWEEN :from AND :to");
}

/* A batch that goes on behind :after returns the keys of its rows: its position is the last of them. */
static bool returns_key(const own_sql *own, const rh_json *statement)
{
    static const char *const changes[] = {"InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"};
    const rh_json *list = rh_json_get(statement, "returningList");
    const rh_json *name = rh_json_path(rh_json_at(list, 0), "ResTarget.val.ColumnRef.fields");
    const rh_json *parts = rh_json_path(statement, "withClause.ctes");
    const size_t words = rh_json_count(name);
    if (rh_json_count(list) != 1 || (words > 0 && rh_json_get(rh_json_at(name, words - 1), "A_Star"))) {
        rh_value_fail(own->reader, own->node,
                      "%s must return one column, the key of the rows that it changed", own->name);
        return rh_error_hint(own->reader->error,
                             "the next batch begins after the last of them: end it with RETURNING id");
    }
    for (size_t i = 0; i < rh_json_count(parts); i++)
        for (size_t c = 0; c < sizeof changes / sizeof *changes; c++)
            if (rh_json_get(rh_json_path(rh_json_at(parts, i), "CommonTableExpr.ctequery"), changes[c])) {
                rh_value_fail(own->reader, own->node, "%s changes rows in WITH", own->name);
                return rh_error_hint(own->reader->error,
                                     "with :after one statement is read as a query: let the "
                                     "statement itself change them, or use :from and :to");
            }
    return true;
}

/* Only then its row count is that of the rows that it changed. */
static bool changes_rows(const own_sql *own, rh_backfill_own kind, const rh_json *tree)
{
    static const char *const kinds[] = {"UpdateStmt", "InsertStmt", "DeleteStmt", "MergeStmt"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (rh_json_get(tree, kinds[i]))
            return kind != RH_OWN_AFTER || returns_key(own, rh_json_get(tree, kinds[i]));
    rh_value_fail(own->reader, own->node, "%s must be an UPDATE, INSERT, DELETE or MERGE", own->name);
    return rh_error_hint(own->reader->error,
                         "the rows that it changes are counted; a function that changes rows can be "
                         "called by a program: command:");
}

static bool check_syntax(const own_sql *own, rh_backfill_own kind)
{
    rh_text sql = {0};
    rh_error problem = {0};
    rh_sql_span *spans = NULL;
    size_t count = 0;
    const char *at = own->text, *copied = own->text;
    for (rh_token name; rh_scan_variable(&at, NULL, &name); copied = at) {
        rh_text_append_bytes(&sql, copied, (size_t)(name.at - 1 - copied));
        rh_text_append(&sql, "NULL");
    }
    rh_text_append(&sql, copied);
    rh_json *tree = rh_sql_parse(rh_text_string(&sql), &problem);
    const bool split =
        tree && rh_sql_split(rh_text_string(&sql), NULL, own->reader->arena, &spans, &count, &problem);
    bool ok = split && count == 1;
    if (split && count != 1)
        ok = rh_value_fail(own->reader, own->node, "%s must be one statement, and has %zu", own->name, count);
    else if (!split)
        ok = rh_value_fail(own->reader, own->node, "%s: %s", own->name, problem.message);
    ok = ok && changes_rows(own, kind, tree);
    rh_json_free(tree);
    rh_error_release(&problem);
    rh_text_release(&sql);
    return ok;
}

/* Without the semicolon and the comments after it, because it becomes part of other statements. */
static size_t length_of(const char *sql)
{
    const char *at = sql, *end = sql;
    for (rh_token token; rh_scan_code(&at, NULL, &token);)
        if (token.kind != RH_TOKEN_CHARACTER || *token.at != ';')
            end = at;
    return (size_t)(end - sql);
}

bool rh_backfill_read_sql(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *b)
{
    own_sql own = {.reader = reader, .name = name, .node = node};
    b->sql_where = rh_value_where(reader, node);
    if (!read_text(&own) || !check_variables(&own, &b->own) || !check_syntax(&own, b->own))
        return false;
    b->sql = rh_arena_strndup(reader->arena, own.text, length_of(own.text));
    return true;
}

bool rh_backfill_check_own(rh_reader *reader, rh_yaml_node *node, rh_backfill *b)
{
    if (b->own == RH_OWN_LIMIT) {
        if (b->walk != RH_WALK_KEYSET && b->walk != RH_WALK_REMAINING)
            return rh_value_fail(reader, node, "sql with :limit alone needs walk: remaining");
        b->walk = RH_WALK_REMAINING;
        if (b->condition)
            return true;
        rh_value_fail(reader, node, "sql with :limit alone needs where");
        return rh_error_hint(
            reader->error,
            "it determines the rows that are still to do, and thus the end; or use :after and :limit");
    }
    if (b->key_count > 1 || b->walk == RH_WALK_CTID || b->walk == RH_WALK_REMAINING)
        return rh_value_fail(reader, node, "sql needs a key of one column, and walk: keyset or range");
    return b->own != RH_OWN_AFTER || b->walk == RH_WALK_KEYSET ||
           rh_value_fail(reader, node, "sql with :after needs walk: keyset");
}
