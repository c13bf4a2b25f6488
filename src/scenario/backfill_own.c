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

/* Puts the place of AT, within the text, behind the message that is set. */
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

/* :from and :to, both, and no others. */
static bool check_variables(const own_sql *own)
{
    bool from = false, to = false;
    rh_token name;
    for (const char *at = own->text; rh_scan_variable(&at, NULL, &name);) {
        if (rh_token_is(&name, "from")) {
            from = true;
        } else if (rh_token_is(&name, "to")) {
            to = true;
        } else {
            rh_value_fail(own->reader, own->node, "%s has :%.*s, which nothing gives a value", own->name,
                          (int)name.length, name.at);
            rh_error_hint(own->reader->error, "a batch is the rows with a key BETWEEN :from AND :to");
            return at_place(own, name.at - 1);
        }
    }
    if (from && to)
        return true;
    rh_value_fail(own->reader, own->node, "%s does not use %s", own->name, from ? ":to" : ":from");
    return rh_error_hint(own->reader->error,
                         "without them each batch would change all rows: WHERE id BETWEEN :from "
                         "AND :to");
}

/* Only then its row count is that of the rows that it changed. */
static bool changes_rows(const own_sql *own, const rh_json *tree)
{
    static const char *const kinds[] = {"UpdateStmt", "InsertStmt", "DeleteStmt", "MergeStmt"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (rh_json_get(tree, kinds[i]))
            return true;
    rh_value_fail(own->reader, own->node, "%s must be an UPDATE, INSERT, DELETE or MERGE", own->name);
    return rh_error_hint(own->reader->error,
                         "the rows that it changes are counted; a function that changes rows can be "
                         "called by a program: command:");
}

static bool check_syntax(const own_sql *own)
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
    ok = ok && changes_rows(own, tree);
    rh_json_free(tree);
    rh_error_release(&problem);
    rh_text_release(&sql);
    return ok;
}

bool rh_backfill_read_sql(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *b)
{
    own_sql own = {.reader = reader, .name = name, .node = node};
    b->sql_where = rh_value_where(reader, node);
    if (!read_text(&own) || !check_variables(&own) || !check_syntax(&own))
        return false;
    size_t length = strlen(own.text);
    while (length > 0 && strchr("; \t\r\n", own.text[length - 1]))
        length--;
    b->sql = rh_arena_strndup(reader->arena, own.text, length);
    return true;
}
