/* ADD COLUMN by statements that block less: a default that differs by row is set afterwards, existing rows
 * are filled in batches, and constraints are added apart. */
#include "alter.h"
#include "safer.h"
#include "pgrehearse/sql/classify.h"
#include "pgrehearse/sql/tree.h"
#include <string.h>

/* A new column: what can be added immediately, and what follows later. */
typedef struct column {
    const char *bare, *name; /* quoted */
    const char *plain;       /* "name type" and what it may keep */
    const char *expression;  /* of its volatile default; NULL */
    const char *serial;      /* the type in place of serial; NULL */
    bool not_null;
} column;

static bool take_column_apart(const rh_safer_list *list, rh_json *definition, size_t from, size_t end,
                              column *c)
{
    const char *sql = list->statement->sql;
    rh_json *constraints = rh_json_get(definition, "constraints");
    c->bare = rh_arena_strdup(list->arena, rh_json_string(rh_json_get(definition, "colname")));
    c->name = rh_identifier(c->bare, list->arena);
    int64_t type_at = rh_json_int(rh_json_path(definition, "typeName.location"));
    int64_t first = rh_json_count(constraints)
                        ? rh_json_int(rh_json_path(rh_json_at(constraints, 0), "Constraint.location"))
                        : (int64_t)end;
    if (type_at < (int64_t)from || first <= type_at || first > (int64_t)end)
        return false;
    const rh_serial *serial =
        rh_catalog_serial(rh_tree_last_name(rh_json_path(definition, "typeName.names")));
    const rh_column_rewrite rewrite = rh_classify_added_column(definition);
    if (rewrite == RH_COLUMN_SERIAL && serial)
        c->serial = serial->type;
    rh_json *collation = rh_json_get(definition, "collClause");
    if (rewrite == RH_COLUMN_GENERATED || (rewrite == RH_COLUMN_SERIAL && !c->serial) ||
        (collation && rh_json_int(rh_json_path(definition, "collClause.location")) > first) ||
        rh_json_get(definition, "compression") || rh_json_get(definition, "storage_name") ||
        rh_json_get(definition, "fdwoptions"))
        return false;
    while (first > type_at && strchr(" \t\r\n", sql[first - 1]))
        first--;
    c->plain = c->serial
                   ? rh_arena_printf(list->arena, "%s %s", c->name, c->serial)
                   : rh_arena_printf(list->arena, "%s %.*s", c->name, (int)(first - type_at), sql + type_at);
    c->not_null = c->serial != NULL;
    for (size_t i = 0; i < rh_json_count(constraints); i++) {
        rh_json *constraint = rh_json_get(rh_json_at(constraints, i), "Constraint");
        const char *words = rh_clauses_constraint(list->statement->sql, constraints, i, end, list->arena);
        if (rh_tree_is(constraint, "contype", "CONSTR_DEFAULT") && rewrite == RH_COLUMN_VOLATILE)
            c->expression = rh_clauses_definition(words, list->arena) + strlen("DEFAULT");
        else if (rh_tree_is(constraint, "contype", "CONSTR_NOTNULL") && rewrite != RH_COLUMN_FREE)
            c->not_null = true;
        else if (rh_tree_is(constraint, "contype", "CONSTR_DEFAULT") ||
                 rh_tree_is(constraint, "contype", "CONSTR_NULL") ||
                 rh_tree_is(constraint, "contype", "CONSTR_NOTNULL"))
            c->plain = rh_arena_printf(list->arena, "%s %s", c->plain, words);
    }
    return true;
}

/* Those of its constraints that look at rows, as constraints of the table. */
static bool later_constraints(rh_safer_list *list, const rh_alter_parts *p, rh_json *definition, size_t end,
                              const column *c)
{
    rh_json *constraints = rh_json_get(definition, "constraints");
    for (size_t i = 0; i < rh_json_count(constraints); i++) {
        rh_json *constraint = rh_json_get(rh_json_at(constraints, i), "Constraint");
        const char *type = rh_json_string(rh_json_get(constraint, "contype"));
        const char *given = rh_json_string(rh_json_get(constraint, "conname"));
        const char *words = rh_clauses_constraint(list->statement->sql, constraints, i, end, list->arena);
        words = rh_clauses_definition(words, list->arena);
        if (!type || !words || strncmp(type, "CONSTR_ATTR", 11) == 0)
            return false; /* DEFERRABLE belongs to the one before it */
        if (strcmp(type, "CONSTR_FOREIGN") == 0)
            rh_safer_validated_apart(
                list, p, "foreign-key-without-not-valid",
                rh_identifier(given ? given : rh_safer_made_name(list, p, c->bare, "fkey"), list->arena),
                rh_arena_printf(list->arena, "FOREIGN KEY (%s) %s", c->name, words));
        else if (strcmp(type, "CONSTR_CHECK") == 0)
            rh_safer_validated_apart(
                list, p, "constraint-without-not-valid",
                rh_identifier(
                    given ? given : rh_safer_made_name(list, p, rh_catalog_check_column(constraint), "check"),
                    list->arena),
                words);
        else if (strcmp(type, "CONSTR_UNIQUE") == 0) {
            if (!rh_safer_index_apart(list, p, constraint, c->name, c->bare))
                return false;
        } else if (strcmp(type, "CONSTR_PRIMARY") == 0)
            return false;
    }
    return true;
}

bool rh_safer_added_column(rh_safer_list *list, const rh_alter_parts *p, size_t index, rh_json *definition)
{
    column c = {0};
    const size_t from = p->parts.offsets[index], end = from + strlen(p->parts.words[index]);
    const rh_catalog_table *table = p->definition;
    if (!take_column_apart(list, definition, from, end, &c))
        return false;
    if (c.serial || c.expression)
        list->why = rh_safer_no_fill(list, table);
    if (list->why)
        return false;
    const char *rule = c.serial ? "rewrite-access-exclusive" : c.expression ? "volatile-default" : NULL;
    rh_safer_add(list, rule, "%s ADD COLUMN %s", p->head, c.plain);
    const char *expression = c.expression;
    if (c.serial) {
        const char *sequence =
            rh_arena_printf(list->arena, "%s.%s", rh_identifier(table->schema, list->arena),
                            rh_identifier(rh_safer_made_name(list, p, c.bare, "seq"), list->arena));
        rh_safer_add(list, rule, "CREATE SEQUENCE %s AS %s OWNED BY %s.%s", sequence, c.serial, p->table,
                     c.name);
        expression = rh_arena_printf(list->arena, " nextval('%s')", sequence);
    }
    if (expression) {
        rh_safer_add(list, rule, "%s ALTER COLUMN %s SET DEFAULT%s", p->head, c.name, expression);
        rh_safer_fill(list, rule, table, p->table, rh_identifier(p->bare, list->arena),
                      rh_arena_printf(list->arena, "UPDATE %s SET %s =%s", p->table, c.name, expression),
                      rh_arena_printf(list->arena, "%s IS NULL", c.name));
    }
    if (c.not_null)
        rh_safer_not_null(list, rule, p->definition, p->table, c.bare);
    return later_constraints(list, p, definition, end, &c);
}
