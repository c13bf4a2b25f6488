/* Whether a column can be copied: what refers to it, depends on it or was prepared for it. */
#include "column_copy.h"
#include "pgrehearse/sql/tree.h"
#include <string.h>

static const char *not_copied(const rh_column_copy *c, const char *what, const char *name, const char *reason)
{
    return rh_arena_printf(c->list->arena, "%s %s %s", what, name, reason);
}

static bool is_key(const rh_catalog_table *t, const char *column)
{
    for (size_t i = 0; i < t->index_count; i++)
        for (size_t k = 0; t->indexes[i].constraint == 'p' && k < t->indexes[i].column_count; k++)
            if (strcmp(t->indexes[i].columns[k], column) == 0)
                return true;
    return false;
}

static const char *referenced_by(const rh_column_copy *c)
{
    const rh_catalog *catalog = c->list->catalog;
    for (size_t t = 0; t < catalog->table_count; t++)
        for (size_t i = 0; !catalog->tables[t]->dropped && i < catalog->tables[t]->constraint_count; i++) {
            const rh_catalog_constraint *k = &catalog->tables[t]->constraints[i];
            bool uses = k->column_count == 0 && is_key(c->definition, c->from->name);
            for (size_t n = 0; n < k->column_count; n++)
                uses |= strcmp(k->columns[n], c->from->name) == 0;
            if (k->kind == 'f' && uses && rh_catalog_find(catalog, k->schema, k->target) == c->definition)
                return not_copied(c, "foreign key", k->name,
                                  rh_arena_printf(c->list->arena, "of %s refers to it",
                                                  rh_catalog_name(catalog->tables[t], c->list->arena)));
        }
    return NULL;
}

/* "SELECT *", "t.*": not a product. */
static bool takes_all(const char *sql, rh_arena *arena)
{
    rh_sql_token *tokens = NULL;
    size_t count = 0;
    rh_clauses_scan(sql, arena, &tokens, &count);
    for (size_t i = 1; i < count; i++)
        if (sql[tokens[i].start] == '*' &&
            (strchr(".,", tokens[i - 1].kind[0]) || rh_sql_token_is(sql, &tokens[i - 1], "select")))
            return true;
    return false;
}

/* Views and policies see columns by their number: they would keep the first one from going. */
static const char *depended_on_by(const rh_column_copy *c)
{
    const rh_catalog *catalog = c->list->catalog;
    for (size_t i = 0; i < catalog->object_count; i++) {
        const rh_catalog_object *o = &catalog->objects[i];
        const bool statistics = o->kind == RH_CATALOG_STATISTICS;
        if (!o->dropped && (c->rename || statistics) &&
            rh_clauses_mention(o->sql, c->definition->name, c->list->arena) &&
            (rh_clauses_mention(o->sql, c->from->name, c->list->arena) || takes_all(o->sql, c->list->arena)))
            return rh_arena_printf(c->list->arena, "%s may read the column", o->what);
    }
    return NULL;
}

/* Steps that commit would show others what an earlier statement of the file did to be undone by a later one.
 */
static const char *prepared_by(const rh_column_copy *c)
{
    static const char *const tags[] = {"DROP VIEW", "DROP MATERIALIZED VIEW", "DROP TRIGGER", "DROP POLICY",
                                       "DROP RULE", "DROP FUNCTION"};
    const rh_script *script = c->list->script;
    for (size_t i = 0; i < script->statement_count && &script->statements[i] != c->list->statement; i++)
        for (size_t k = 0; script->statements[i].command_tag && k < sizeof tags / sizeof *tags; k++)
            if (strcmp(script->statements[i].command_tag, tags[k]) == 0)
                return rh_arena_printf(
                    c->list->arena,
                    "statement %d drops what other sessions need until the change is complete", (int)i + 1);
    if (c->from->default_dropped)
        return "its default is dropped before, and inserts need it until the change is complete";
    if (c->definition->constraint_dropped)
        return rh_arena_printf(c->list->arena,
                               "constraint %s is dropped before, and is missing until the change is complete",
                               c->definition->constraint_dropped);
    return NULL;
}

const char *rh_column_copy_refused(const rh_column_copy *c)
{
    const char *no_fill = rh_safer_no_fill(c->list, c->definition);
    if (no_fill)
        return no_fill;
    if (c->definition->has_two_names)
        return "another column of the table has two names until a later release";
    if (!c->from)
        return "neither the backup nor the migrations define the column";
    if (c->from->unsupported)
        return not_copied(c, "column", c->from->name, rh_unsupported_text(c->from->unsupported));
    if (rh_catalog_column_of(c->definition, c->fresh_bare))
        return not_copied(c, "column", c->fresh_bare, "already exists");
    for (size_t i = 0; i < c->definition->index_count; i++) {
        const rh_catalog_index *index = &c->definition->indexes[i];
        if (rh_catalog_index_uses(index, c->from->name, c->list->arena) && index->unsupported)
            return not_copied(c, "index", index->name, rh_unsupported_text(index->unsupported));
    }
    for (size_t i = 0; i < c->definition->constraint_count; i++) {
        const rh_catalog_constraint *k = &c->definition->constraints[i];
        if (!rh_clauses_mention(k->definition, c->from->name, c->list->arena))
            continue;
        const rh_catalog_table *target =
            k->kind == 'f' ? rh_catalog_find(c->list->catalog, k->schema, k->target) : NULL;
        for (size_t n = 0; n < k->column_count; n++)
            if (!target || !rh_catalog_column_of(target, k->columns[n]))
                return not_copied(
                    c, "foreign key", k->name,
                    "references a table or column that neither the backup nor the migrations define");
        if (k->kind == 'x' || k->unsupported)
            return not_copied(c, "constraint", k->name,
                              k->unsupported ? rh_unsupported_text(k->unsupported)
                                             : "is an exclusion constraint");
    }
    const char *why = referenced_by(c);
    why = why ? why : depended_on_by(c);
    return why ? why : prepared_by(c);
}
