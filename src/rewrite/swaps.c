/* A name that one statement takes away and a later one gives back: a table that is renamed or dropped, so
 * that another one takes its name; a column, view, trigger, policy or constraint that is replaced. Between
 * two transactions, other sessions would find nothing by that name. */
#include "swaps.h"
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/sql/classify.h"
#include "pgrehearse/sql/tree.h"
#include <string.h>

typedef struct name_list {
    const char **names; /* "a"; of what belongs to a table: "a.c" */
    size_t count;
} name_list;

typedef struct effect {
    name_list taken, given;
    bool fits; /* it may run in a transaction with its neighbours, and takes no time */
} effect;

static void add(name_list *list, rh_arena *arena, const char *table, const char *name)
{
    if (name)
        *rh_arena_add(arena, &list->names, &list->count) =
            table ? rh_arena_printf(arena, "%s.%s", table, name) : rh_arena_strdup(arena, name);
}

static void note_drop(effect *e, rh_json *body, rh_arena *arena)
{
    static const char *const of_table[] = {"OBJECT_TRIGGER", "OBJECT_POLICY", "OBJECT_RULE", NULL};
    const char *type = rh_json_string(rh_json_get(body, "removeType"));
    rh_json *objects = rh_json_get(body, "objects");
    for (size_t i = 0; type && i < rh_json_count(objects); i++) {
        rh_json *object = rh_json_at(objects, i), *items = rh_json_path(object, "List.items");
        items = items ? items : rh_json_path(object, "TypeName.names");
        items = items ? items : rh_json_path(object, "ObjectWithArgs.objname");
        const size_t count = rh_json_count(items);
        const bool owned = rh_is_one_of(type, of_table) && count > 1;
        add(&e->taken, arena, owned ? rh_tree_name_at(items, count - 2) : NULL, rh_tree_last_name(items));
    }
}

static void note_alter(effect *e, rh_json *body, rh_arena *arena)
{
    const char *table = rh_json_string(rh_json_path(body, "relation.relname"));
    rh_json *commands = rh_json_get(body, "cmds");
    for (size_t i = 0; i < rh_json_count(commands); i++) {
        rh_json *command = rh_json_get(rh_json_at(commands, i), "AlterTableCmd");
        const char *name = rh_json_string(rh_json_get(command, "name"));
        if (rh_tree_is(command, "subtype", "AT_DropColumn") ||
            rh_tree_is(command, "subtype", "AT_DropConstraint"))
            add(&e->taken, arena, table, name);
        else if (rh_tree_is(command, "subtype", "AT_AddColumn"))
            add(&e->given, arena, table, rh_json_string(rh_json_path(command, "def.ColumnDef.colname")));
        else if (rh_tree_is(command, "subtype", "AT_AddConstraint"))
            add(&e->given, arena, table, rh_json_string(rh_json_path(command, "def.Constraint.conname")));
    }
}

static void note_rename(effect *e, rh_json *body, rh_arena *arena)
{
    const char *relation = rh_json_string(rh_json_path(body, "relation.relname"));
    const char *part = rh_json_string(rh_json_get(body, "subname"));
    add(&e->taken, arena, part ? relation : NULL, part ? part : relation);
    add(&e->given, arena, part ? relation : NULL, rh_json_string(rh_json_get(body, "newname")));
}

static void note_created(effect *e, const char *kind, rh_json *body, rh_arena *arena)
{
    static const char *const owned[][2] = {
        {"CreateTrigStmt", "trigname"}, {"CreatePolicyStmt", "policy_name"}, {"RuleStmt", "rulename"}};
    const char *relation = rh_json_string(rh_json_path(body, "relation.relname"));
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        if (strcmp(kind, owned[i][0]) == 0) {
            const char *table = relation ? relation : rh_json_string(rh_json_path(body, "table.relname"));
            add(&e->given, arena, table, rh_json_string(rh_json_get(body, owned[i][1])));
            return;
        }
    if (strcmp(kind, "ViewStmt") == 0)
        relation = rh_json_string(rh_json_path(body, "view.relname"));
    else if (strcmp(kind, "CreateFunctionStmt") == 0)
        relation = rh_tree_last_name(rh_json_get(body, "funcname"));
    else if (strcmp(kind, "CreateStmt") != 0)
        return;
    add(&e->given, arena, NULL, relation);
}

static effect effect_of(const rh_statement *statement, rh_arena *arena)
{
    effect e = {.fits = statement->class_ == RH_CLASS_CATALOG && !statement->needs_no_transaction};
    const bool setting = rh_transaction_verb_of(statement->sql) == RH_VERB_SETTING;
    if (!e.fits || setting || strlen(statement->sql) > RH_PARSE_LIMIT) {
        e.fits = setting;
        return e;
    }
    rh_json *body, *tree = rh_sql_parse(statement->sql, NULL);
    const char *kind = rh_tree_kind(tree, &body);
    if (kind && strcmp(kind, "DropStmt") == 0)
        note_drop(&e, body, arena);
    else if (kind && strcmp(kind, "AlterTableStmt") == 0)
        note_alter(&e, body, arena);
    else if (kind && strcmp(kind, "RenameStmt") == 0)
        note_rename(&e, body, arena);
    else if (kind)
        note_created(&e, kind, body, arena);
    rh_json_free(tree);
    return e;
}

static const char *given_back(const effect *taking, const effect *giving)
{
    for (size_t i = 0; i < taking->taken.count; i++)
        for (size_t k = 0; k < giving->given.count; k++)
            if (strcmp(taking->taken.names[i], giving->given.names[k]) == 0)
                return taking->taken.names[i];
    return NULL;
}

const char **rh_safer_swaps(const rh_script *script, int *numbers, rh_arena *arena)
{
    const size_t count = script->statement_count;
    const char **swaps = rh_arena_alloc(arena, (count + 1) * sizeof *swaps);
    effect *effects = rh_arena_alloc(arena, (count + 1) * sizeof *effects);
    if (script->rule != RH_TRANSACTION_EACH)
        return swaps;
    for (size_t i = 0; i < count; i++) {
        const bool block =
            (i > 0 && numbers[i - 1] == numbers[i]) || (i + 1 < count && numbers[i + 1] == numbers[i]);
        effects[i] = block ? (effect){.fits = false} : effect_of(&script->statements[i], arena);
    }
    for (size_t i = 0; i < count; i++)
        for (size_t k = i + 1; effects[i].fits && k < count && effects[k].fits; k++) {
            const char *missed = given_back(&effects[i], &effects[k]);
            for (size_t n = i; missed && n <= k; n++) {
                numbers[n] = numbers[i];
                swaps[n] = swaps[n] ? swaps[n] : missed;
            }
        }
    return swaps;
}
