/* Rewrites ALTER TABLE one subcommand at a time. The parts are copied from the text of the user's statement,
 * so that types, expressions and quoting stay the same. */
#include "alter.h"
#include "safer.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/sql/tree.h"
#include <string.h>

static bool split_statement(const rh_safer_list *list, rh_json *body, rh_alter_parts *p)
{
    p->relation = rh_json_get(body, "relation");
    p->table = rh_tree_relation(p->relation, list->arena);
    p->bare = rh_arena_strdup(list->arena, rh_json_string(rh_json_get(p->relation, "relname")));
    if (!p->table || !rh_clauses_of_alter_table(list->statement->sql, body, list->arena, &p->parts))
        return false;
    p->head = p->parts.head;
    p->definition = rh_catalog_table_of(list->catalog, p->relation);
    return true;
}

static const char *const REWRITTEN[] = {"constraint-without-not-valid",
                                        "foreign-key-without-not-valid",
                                        "index-without-concurrently",
                                        "set-not-null-scan",
                                        "volatile-default",
                                        "type-change",
                                        "rewrite-access-exclusive",
                                        NULL};

static bool wants_change(const rh_statement *statement)
{
    static const char *const others[] = {"rename", "drop-column", "drop-table", NULL};
    for (size_t i = 0; i < statement->hazard_count; i++)
        if (!statement->hazards[i].silenced && rh_safer_rule(statement) &&
            !rh_is_one_of(statement->hazards[i].rule, others))
            return true;
    return false;
}

/* The pass of the server's that a subcommand runs in, whatever its place in the statement (ATPrepCmd). */
static int pass_of(rh_json *command)
{
    static const char *const first[] = {"AT_DropColumn",   "AT_DropConstraint", "AT_DropNotNull",
                                        "AT_DropIdentity", "AT_DropExpression", NULL};
    const char *subtype = rh_json_string(rh_json_get(command, "subtype"));
    rh_json *constraint = rh_json_path(command, "def.Constraint");
    if (!subtype || rh_is_one_of(subtype, first))
        return 0;
    if (strcmp(subtype, "AT_ColumnDefault") == 0)
        return rh_json_get(command, "def") ? 5 : 0;
    if (strcmp(subtype, "AT_AddConstraint") == 0)
        return rh_tree_is(constraint, "contype", "CONSTR_CHECK") ||
                       rh_tree_is(constraint, "contype", "CONSTR_FOREIGN")
                   ? 5
                   : 4;
    return strcmp(subtype, "AT_AlterColumnType") == 0 ? 1
           : strcmp(subtype, "AT_AddColumn") == 0     ? 2
           : strcmp(subtype, "AT_SetNotNull") == 0    ? 3
                                                      : 6;
}

/* The places of COMMANDS in the order in which the server runs them. */
static const size_t *order_of(const rh_safer_list *list, rh_json *commands)
{
    const size_t count = rh_json_count(commands);
    size_t *order = rh_arena_alloc(list->arena, (count + 1) * sizeof *order), done = 0;
    for (int pass = 0; pass <= 6; pass++)
        for (size_t i = 0; i < count; i++)
            if (pass_of(rh_json_get(rh_json_at(commands, i), "AlterTableCmd")) == pass)
                order[done++] = i;
    return order;
}

/* Why the subcommands cannot be statements of their own; NULL: they can. */
static const char *belong_together(rh_json *commands)
{
    static const char *const away[] = {"AT_DropConstraint",
                                       "AT_DropColumn",
                                       "AT_DropNotNull",
                                       "AT_DisableTrig",
                                       "AT_DisableTrigAll",
                                       "AT_DisableTrigUser",
                                       "AT_DisableRule",
                                       "AT_DisableRowSecurity",
                                       "AT_DropIdentity",
                                       "AT_DropExpression",
                                       NULL};
    for (size_t i = 0; rh_json_count(commands) > 1 && i < rh_json_count(commands); i++) {
        rh_json *command = rh_json_get(rh_json_at(commands, i), "AlterTableCmd");
        const char *subtype = rh_json_string(rh_json_get(command, "subtype"));
        if (subtype && rh_is_one_of(subtype, away))
            return "one of its subcommands drops what other sessions need until the whole statement is done";
    }
    return NULL;
}

/* The default of COLUMN after the statement, where one of its subcommands says so. */
static bool default_after(const rh_safer_list *list, const rh_alter_parts *p, rh_json *commands,
                          const char *name, const char **value)
{
    bool given = false;
    for (size_t i = 0; name && i < p->parts.count; i++) {
        rh_json *command = rh_json_get(rh_json_at(commands, i), "AlterTableCmd");
        if (!rh_tree_is(command, "subtype", "AT_ColumnDefault") || !rh_tree_is(command, "name", name))
            continue;
        rh_sql_token *tokens = NULL;
        size_t count = 0;
        given = true;
        *value = NULL;
        rh_clauses_scan(p->parts.words[i], list->arena, &tokens, &count);
        for (size_t k = 0; rh_json_get(command, "def") && k + 1 < count && !*value; k++)
            if (rh_sql_token_is(p->parts.words[i], &tokens[k], "default"))
                *value = p->parts.words[i] + tokens[k + 1].start;
    }
    return given;
}

/* The subcommand that gives COLUMN another type by a copy, which takes its default along. */
static bool find_retyped(rh_safer_list *list, const rh_alter_parts *p, rh_json *commands, const char *name,
                         rh_safer_retyped *r)
{
    for (size_t i = 0; name && i < p->parts.count && rh_safer_has(list->statement, "type-change"); i++) {
        rh_json *command = rh_json_get(rh_json_at(commands, i), "AlterTableCmd");
        if (!rh_tree_is(command, "subtype", "AT_AlterColumnType") || !rh_tree_is(command, "name", name))
            continue;
        *r = (rh_safer_retyped){.relation = p->relation,
                                .definition = rh_json_path(command, "def.ColumnDef"),
                                .column = name,
                                .words = p->parts.words[i],
                                .offset = p->parts.offsets[i]};
        r->default_given = default_after(list, p, commands, name, &r->value);
        return !rh_safer_type_alike(list, r);
    }
    return false;
}

/* IF NOT EXISTS of what is there. */
static bool does_nothing(rh_safer_list *list, const rh_alter_parts *p, size_t i)
{
    for (size_t k = 0; REWRITTEN[k]; k++)
        rh_safer_answer(list, REWRITTEN[k]);
    rh_safer_add(list, NULL, "%s %s", p->head, p->parts.words[i]);
    return true;
}

static bool command_steps(rh_safer_list *list, const rh_alter_parts *p, rh_json *commands, size_t i)
{
    rh_json *command = rh_json_get(rh_json_at(commands, i), "AlterTableCmd");
    const char *name = rh_json_string(rh_json_get(command, "name"));
    rh_safer_retyped retyped;
    if (rh_tree_is(command, "subtype", "AT_AddConstraint"))
        return rh_safer_constraint(list, p, rh_json_path(command, "def.Constraint"), p->parts.words[i]);
    if (rh_tree_is(command, "subtype", "AT_SetNotNull") &&
        rh_safer_has(list->statement, "set-not-null-scan")) {
        rh_safer_not_null(list, "set-not-null-scan", p->definition, p->table, name);
        return true;
    }
    if (rh_tree_is(command, "subtype", "AT_AddColumn") && rh_json_bool(rh_json_get(command, "missing_ok")) &&
        rh_catalog_column_of(p->definition, rh_json_string(rh_json_path(command, "def.ColumnDef.colname"))))
        return does_nothing(list, p, i);
    if (rh_tree_is(command, "subtype", "AT_AddColumn"))
        return rh_safer_added_column(list, p, i, rh_json_path(command, "def.ColumnDef"));
    return rh_tree_is(command, "subtype", "AT_AlterColumnType") &&
           find_retyped(list, p, commands, name, &retyped) && rh_safer_type(list, &retyped);
}

/* A type change that must stay keeps the whole statement as it is: its parts belong together. */
static bool must_stay(rh_safer_list *list, const rh_alter_parts *p, rh_json *commands, size_t i)
{
    rh_json *command = rh_json_get(rh_json_at(commands, i), "AlterTableCmd");
    rh_safer_retyped retyped;
    if (!rh_tree_is(command, "subtype", "AT_AlterColumnType"))
        return false;
    if (find_retyped(list, p, commands, rh_json_string(rh_json_get(command, "name")), &retyped))
        return true;
    rh_safer_answer(list, "type-change"); /* both types are stored alike */
    return false;
}

/* SET or DROP DEFAULT of a column whose copy has the default in the end. */
static bool is_taken_along(rh_safer_list *list, const rh_alter_parts *p, rh_json *commands, size_t i)
{
    rh_json *command = rh_json_get(rh_json_at(commands, i), "AlterTableCmd");
    rh_safer_retyped retyped;
    return rh_tree_is(command, "subtype", "AT_ColumnDefault") &&
           find_retyped(list, p, commands, rh_json_string(rh_json_get(command, "name")), &retyped);
}

bool rh_safer_alter_table(rh_safer_list *list, rh_json *body)
{
    rh_alter_parts p = {0};
    rh_json *first = rh_json_get(rh_json_at(rh_json_get(body, "cmds"), 0), "AlterTableCmd");
    if (rh_tree_is(first, "subtype", "AT_AttachPartition") ||
        rh_tree_is(first, "subtype", "AT_DetachPartition"))
        return rh_safer_partition(list, body, first);
    if (!wants_change(list->statement) || !split_statement(list, body, &p))
        return false;
    rh_json *commands = rh_json_get(body, "cmds");
    list->why = rh_safer_unknown(list, p.definition);
    if (!list->why && !rh_json_bool(rh_json_get(p.relation, "inh")) && p.definition->unsupported)
        list->why = rh_arena_printf(list->arena, "ONLY names a table that %s",
                                    rh_unsupported_text(p.definition->unsupported));
    list->why = list->why ? list->why : belong_together(commands);
    if (list->why)
        return false;
    const size_t *order = order_of(list, commands);
    bool *taken = rh_arena_alloc(list->arena, p.parts.count * sizeof *taken), stays = false;
    for (size_t i = 0; i < p.parts.count; i++)
        taken[i] = is_taken_along(list, &p, commands, i);
    for (size_t k = 0; k < p.parts.count; k++) {
        const size_t i = order[k];
        if (taken[i])
            continue;
        const size_t before = list->count, answered = list->answered_count;
        if (!stays && !command_steps(list, &p, commands, i)) {
            list->count = before;
            list->answered_count = answered;
            stays = must_stay(list, &p, commands, i);
            rh_safer_add(list, NULL, "%s %s", p.head, p.parts.words[i]);
        }
        rh_catalog_learn(list->catalog, rh_arena_printf(list->arena, "%s %s", p.head, p.parts.words[i]));
    }
    list->learned = true;
    bool changed = false;
    for (size_t i = 0; i < list->count; i++)
        changed |= list->steps[i].rule != NULL;
    if (!stays && !changed) { /* there is nothing to do better */
        list->count = 0;
        list->steps = NULL;
        rh_safer_add(list, NULL, "%s", list->statement->sql);
    }
    return !stays;
}
