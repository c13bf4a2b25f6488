#include "backfill_sql.h"
#include "pgrehearse/adapters/json.h"
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/sql/classify.h"
#include <string.h>

/* A piece of SQL is parsed inside a statement, on a line of its own: a comment at its end must not swallow
 * what follows. */
typedef struct sql_frame {
    const char *before, *behind;
    const char *alone;   /* before the piece in a statement of its own, which must parse, too; NULL */
    const char *example; /* for the hint */
} sql_frame;

static bool is_parameter(rh_json *node, void *nothing)
{
    (void)nothing;
    return rh_json_get(node, "ParamRef") != NULL;
}

/* The tree of PIECE in FRAME; NULL with an error at NODE when it is not one piece of it. */
static rh_json *parse(rh_reader *reader, const char *name, rh_yaml_node *node, const char *piece,
                      const sql_frame *frame)
{
    rh_error problem = {0};
    rh_sql_span *spans = NULL;
    size_t count = 0;
    const char *sql = rh_arena_printf(reader->arena, "%s%s\n%s", frame->before, piece, frame->behind);
    rh_json *tree = rh_sql_parse(sql, &problem);
    /* "true) OR (true" fits between parentheses, but is no condition. */
    if (tree && frame->alone) {
        rh_json *alone = rh_sql_parse(rh_arena_printf(reader->arena, "%s%s", frame->alone, piece), &problem);
        if (!alone)
            rh_json_free(tree), tree = NULL;
        rh_json_free(alone);
    }
    if (tree && rh_sql_split(sql, NULL, reader->arena, &spans, &count, &problem) && count == 1 &&
        !rh_json_visit(tree, is_parameter, NULL))
        return tree;
    if (rh_error_is_set(&problem))
        rh_value_fail(reader, node, "%s: %s", name, problem.message);
    else if (count > 1)
        rh_value_fail(reader, node, "%s has a semicolon", name);
    else
        rh_value_fail(reader, node, "%s has a parameter ($1), and nothing gives it a value", name);
    rh_error_hint(reader->error, "for example %s: %s", strrchr(name, '.') + 1, frame->example);
    rh_json_free(tree);
    rh_error_release(&problem);
    return NULL;
}

static bool read(rh_reader *reader, const char *name, rh_yaml_node *node, const sql_frame *frame,
                 const char **text, rh_json **tree)
{
    *text = rh_value_text(reader, name, node);
    if (!*text)
        return false;
    if (!**text)
        return rh_value_fail(reader, node, "%s is empty", name);
    *tree = parse(reader, name, node, *text, frame);
    return *tree != NULL;
}

bool rh_backfill_read_set(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *b)
{
    static const sql_frame set = {"UPDATE t SET ", "", NULL, "total = price * quantity"};
    static const char *const others[] = {"fromClause", "whereClause", "returningList"};
    rh_json *tree = NULL;
    b->set_where = rh_value_where(reader, node);
    if (!read(reader, name, node, &set, &b->set, &tree))
        return false;
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof others / sizeof *others; i++)
        if (rh_json_get(rh_json_get(tree, "UpdateStmt"), others[i])) {
            ok = rh_value_fail(reader, node, "%s has more than assignments", name);
            rh_error_hint(reader->error, "conditions belong in where, sources in from and join");
        }
    rh_json_free(tree);
    return ok;
}

bool rh_backfill_read_from(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *b)
{
    static const sql_frame from = {"SELECT 1 FROM ", "WHERE true", NULL, "customers AS c"};
    rh_json *tree = NULL;
    b->from_where = rh_value_where(reader, node);
    const bool ok = read(reader, name, node, &from, &b->from, &tree);
    rh_json_free(tree);
    return ok;
}

bool rh_backfill_read_join(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *b)
{
    static const sql_frame join = {"SELECT 1 WHERE (", ")", "SELECT ", "c.id = orders.customer_id"};
    rh_json *tree = NULL;
    const bool ok = read(reader, name, node, &join, &b->join, &tree);
    rh_json_free(tree);
    return ok;
}

bool rh_backfill_read_condition(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *b)
{
    static const sql_frame where = {"SELECT 1 WHERE (", ")", "SELECT ", "total IS NULL"};
    rh_json *tree = NULL;
    b->condition_where = rh_value_where(reader, node);
    const bool ok = read(reader, name, node, &where, &b->condition, &tree);
    rh_json_free(tree);
    return ok;
}

bool rh_backfill_check_set(rh_reader *reader, rh_yaml_node *node, const rh_backfill *b)
{
    rh_assigned *assigned = NULL;
    size_t count = 0;
    rh_sql_assigned(rh_arena_printf(reader->arena, "UPDATE t SET %s", b->set), reader->arena, &assigned,
                    &count);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < b->key_count; k++)
            if (strcmp(assigned[i].column, b->key[k]) == 0) {
                rh_value_fail(reader, node, "set changes %s, a column of the key", b->key[k]);
                return rh_error_hint(reader->error,
                                     "a row whose key changes could be processed twice or missed");
            }
    return true;
}
