/* The statements that make a second column, keep it up to date, fill it and put it in the place of the first.
 */
#include "column_copy.h"
#include "pgrehearse/sql/tree.h"
#include <string.h>

/* NAME for the second one of its kind. */
static const char *second(const rh_column_copy *c, const char *name)
{
    return rh_identifier(rh_catalog_object_name(c->list->arena, name, "", "new"), c->list->arena);
}

static rh_safer_step *add(const rh_column_copy *c, const char *sql)
{
    return rh_safer_add(c->list, c->rule, "%s", sql);
}

static void add_column(rh_column_copy *c, const char *body)
{
    const char *name = rh_catalog_object_name(c->list->arena, c->definition->name, c->fresh_bare, "sync");
    c->function = SQL(c, "%s%s", c->schema, rh_identifier(name, c->list->arena));
    c->trigger = rh_identifier(rh_catalog_object_name(c->list->arena, "zz", c->fresh_bare, "sync"),
                               c->list->arena); /* fires last */
    const char *value = c->fresh_value ? SQL(c, " DEFAULT %s", c->fresh_value) : "";
    add(c, SQL(c, "ALTER TABLE %s ADD COLUMN %s %s%s", c->table, c->fresh, c->type, value))->after_commit =
        true;
    add(c, SQL(c,
               "CREATE FUNCTION %s() RETURNS trigger LANGUAGE plpgsql%s AS $sync$\n"
               "BEGIN\n%s    RETURN NEW;\nEND $sync$",
               c->function, c->settings, body));
    add(c, SQL(c, "CREATE TRIGGER %s BEFORE INSERT OR UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION %s()",
               c->trigger, c->table, c->function));
}

/* "… ON t USING btree (a)" of a CREATE INDEX, on the second column. */
static const char *index_on(const rh_column_copy *c, const rh_catalog_index *index)
{
    rh_arena *arena = c->list->arena;
    if (index->constraint) {
        const char *columns = "";
        for (size_t i = 0; i < index->column_count; i++)
            columns = SQL(c, "%s%s%s", columns, i ? ", " : "",
                          strcmp(index->columns[i], c->from->name) == 0
                              ? c->fresh
                              : rh_identifier(index->columns[i], c->list->arena));
        return SQL(c, "UNIQUE INDEX CONCURRENTLY %s ON %s (%s)", second(c, index->name), c->table, columns);
    }
    const size_t behind = rh_clauses_behind_table(index->sql, arena);
    if (!behind)
        return NULL;
    rh_sql_token *tokens = NULL;
    size_t count = 0;
    rh_clauses_scan(index->sql, arena, &tokens, &count);
    const bool unique = count > 1 && rh_sql_token_is(index->sql, &tokens[1], "unique");
    const char *rest = rh_clauses_rename(index->sql, behind, NULL, c->from->name, c->fresh, arena);
    return SQL(c, "%sINDEX CONCURRENTLY %s ON %s %s", unique ? "UNIQUE " : "", second(c, index->name),
               rh_catalog_name(c->definition, arena), rest + behind);
}

static bool add_indexes(const rh_column_copy *c)
{
    for (size_t i = 0; i < c->definition->index_count; i++) {
        const rh_catalog_index *index = &c->definition->indexes[i];
        if (!rh_catalog_index_uses(index, c->from->name, c->list->arena))
            continue;
        const char *rest = index_on(c, index);
        if (!rest)
            return false;
        add(c, SQL(c, "CREATE %s", rest))->alone = true;
    }
    return true;
}

static bool has(const rh_column_copy *c, const rh_catalog_constraint *k)
{
    return rh_clauses_mention(k->kind == 'f' ? strtok(rh_arena_strdup(c->list->arena, k->definition), ")")
                                             : k->definition,
                              c->from->name, c->list->arena);
}

/* The definition of the foreign key K with its target as it is called now. */
static const char *referring(const rh_column_copy *c, const rh_catalog_constraint *k)
{
    rh_sql_token *tokens = NULL;
    size_t count = 0, i = 0;
    const rh_catalog_table *target = rh_catalog_find(c->list->catalog, k->schema, k->target);
    rh_clauses_scan(k->definition, c->list->arena, &tokens, &count);
    while (i < count && !rh_sql_token_is(k->definition, &tokens[i], "references"))
        i++;
    if (i + 1 >= count || !target)
        return k->definition;
    size_t last = i + 1;
    while (last + 2 < count && strcmp(tokens[last + 1].kind, ".") == 0)
        last += 2;
    return SQL(c, "%.*s %s%s", (int)tokens[i].end, k->definition, rh_catalog_name(target, c->list->arena),
               k->definition + tokens[last].end);
}

static const char *not_null_check(const rh_column_copy *c)
{
    return rh_identifier(
        rh_catalog_object_name(c->list->arena, c->definition->name, c->fresh_bare, "not_null"),
        c->list->arena);
}

static void add_constraints(const rh_column_copy *c)
{
    bool first = true;
    for (size_t i = 0; i < c->definition->constraint_count; i++) {
        const rh_catalog_constraint *k = &c->definition->constraints[i];
        if (!has(c, k))
            continue;
        const char *definition =
            rh_clauses_rename(k->kind == 'f' ? referring(c, k) : k->definition, 0,
                              k->kind == 'f' ? "references" : NULL, c->from->name, c->fresh, c->list->arena);
        add(c,
            SQL(c, "ALTER TABLE %s ADD CONSTRAINT %s %s NOT VALID", c->table, second(c, k->name), definition))
            ->after_commit = first;
        first = false;
    }
    if (c->from->not_null)
        add(c, SQL(c, "ALTER TABLE %s ADD CONSTRAINT %s CHECK (%s IS NOT NULL) NOT VALID", c->table,
                   not_null_check(c), c->fresh))
            ->after_commit = first;
    for (size_t i = 0; i < c->definition->constraint_count; i++)
        if (has(c, &c->definition->constraints[i]) && c->definition->constraints[i].valid)
            rh_safer_validate(c->list, c->rule, SQL(c, "ALTER TABLE %s", c->table),
                              second(c, c->definition->constraints[i].name));
    if (c->from->not_null)
        rh_safer_validate(c->list, c->rule, SQL(c, "ALTER TABLE %s", c->table), not_null_check(c));
}

static void swap(const rh_column_copy *c)
{
    const size_t begin = c->list->count;
    const char *last = c->rename ? c->fresh : c->old;
    add(c, SQL(c, "DROP TRIGGER %s ON %s", c->trigger, c->table));
    add(c, SQL(c, "DROP FUNCTION %s()", c->function));
    if (c->from->not_null) {
        add(c, SQL(c, "ALTER TABLE %s ALTER COLUMN %s SET NOT NULL", c->table, c->fresh));
        add(c, SQL(c, "ALTER TABLE %s DROP CONSTRAINT %s", c->table, not_null_check(c)));
    }
    if (c->from->sequence)
        add(c, SQL(c, "ALTER SEQUENCE %s OWNED BY %s.%s", c->from->sequence, c->table, c->fresh));
    add(c, SQL(c, "ALTER TABLE %s DROP COLUMN %s", c->table, c->old));
    if (!c->rename)
        add(c, SQL(c, "ALTER TABLE %s RENAME COLUMN %s TO %s", c->table, c->fresh, c->old));
    if (c->value)
        add(c, SQL(c, "ALTER TABLE %s ALTER COLUMN %s SET DEFAULT %s", c->table, last, c->value));
    for (size_t i = 0; i < c->definition->index_count; i++) {
        const rh_catalog_index *index = &c->definition->indexes[i];
        if (!rh_catalog_index_uses(index, c->from->name, c->list->arena))
            continue;
        if (index->constraint)
            add(c, SQL(c, "ALTER TABLE %s ADD CONSTRAINT %s %s USING INDEX %s", c->table,
                       rh_identifier(index->name, c->list->arena),
                       index->constraint == 'p' ? "PRIMARY KEY" : "UNIQUE", second(c, index->name)));
        else
            add(c, SQL(c, "ALTER INDEX %s%s RENAME TO %s", c->schema, second(c, index->name),
                       rh_identifier(index->name, c->list->arena)));
    }
    for (size_t i = 0; i < c->definition->constraint_count; i++)
        if (has(c, &c->definition->constraints[i]))
            add(c, SQL(c, "ALTER TABLE %s RENAME CONSTRAINT %s TO %s", c->table,
                       second(c, c->definition->constraints[i].name),
                       rh_identifier(c->definition->constraints[i].name, c->list->arena)));
    if (c->from->comment)
        add(c, SQL(c, "COMMENT ON COLUMN %s.%s IS %s", c->table, last, c->from->comment));
    for (size_t i = begin; i < c->list->count; i++)
        c->list->steps[i].later = c->rename;
    c->list->steps[begin].opens = true;
    if (!c->rename)
        c->list->steps[begin].note =
            "The new column replaces the old one, but becomes the last of the table: check what relies on the order of columns (INSERT and COPY without a list of columns, SELECT *).";
    c->list->steps[c->list->count - 1].closes = true;
}

bool rh_column_copy_make(rh_column_copy *c, const char *body, const char *set, const char *condition)
{
    add_column(c, body);
    rh_safer_fill(c->list, c->rule, c->definition, c->table,
                  rh_identifier(c->definition->name, c->list->arena),
                  SQL(c, "UPDATE %s SET %s = %s", c->table, c->fresh, set), condition);
    if (!add_indexes(c)) {
        c->list->why = "an index could not be parsed";
        return false;
    }
    add_constraints(c);
    swap(c);
    return true;
}
