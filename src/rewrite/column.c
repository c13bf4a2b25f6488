/* Another type, or another name, for a column: a second column beside it is kept up to date by a trigger,
 * filled in batches, gets indexes and constraints of its own without blocking other sessions, and takes the
 * first one's place in one short transaction. strong_migrations ("Changing the type of a column", "Renaming a
 * column") and pgroll (its expand and complete phases) recommend the same. */
#include "column_copy.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/sql/tree.h"
#include "other_statements.h"
#include <string.h>

static void begin(rh_column_copy *c, rh_safer_list *list, rh_json *relation, const char *rule,
                  const char *column)
{
    rh_arena *arena = list->arena;
    const char *schema = rh_json_string(rh_json_get(relation, "schemaname"));
    *c = (rh_column_copy){
        .list = list, .rule = rule, .definition = rh_catalog_table_of(list->catalog, relation)};
    c->from = c->definition ? rh_catalog_column_of(c->definition, column) : NULL;
    c->table = rh_tree_relation(relation, arena);
    c->schema = schema ? rh_arena_printf(arena, "%s.", rh_identifier(schema, arena)) : "";
    c->old = rh_identifier(column, arena);
}

/* The expression behind USING with NEW. before its columns. */
static const char *of_new_row(const rh_column_copy *c, const char *expression)
{
    const char *text = expression;
    for (size_t i = 0; i < c->definition->column_count; i++) {
        const char *name = c->definition->columns[i].name;
        text = rh_clauses_rename(text, 0, NULL, name, SQL(c, "NEW.%s", rh_identifier(name, c->list->arena)),
                                 c->list->arena);
    }
    return text;
}

/* The words behind USING; NULL: there are none, or (why is set then) they name the table. */
static const char *using_of(const rh_column_copy *c, const rh_safer_retyped *r)
{
    rh_sql_token *tokens = NULL;
    size_t count = 0;
    const char *using = NULL;
    rh_clauses_scan(r->words, c->list->arena, &tokens, &count);
    for (size_t i = 0; rh_json_get(r->definition, "raw_default") && i + 1 < count; i++) {
        if (!using && rh_sql_token_is(r->words, &tokens[i], "using"))
            using = r->words + tokens[i + 1].start;
        else if (using && strcmp(tokens[i].kind, ".") == 0 &&
                 rh_clauses_names(r->words, &tokens[i - 1], c->definition->name))
            c->list->why = "its USING names the table";
    }
    return using;
}

bool rh_safer_type(rh_safer_list *list, const rh_safer_retyped *r)
{
    rh_column_copy c;
    begin(&c, list, r->relation, "type-change", r->column);
    c.fresh_bare = rh_catalog_object_name(list->arena, r->column, "", "new");
    c.fresh = rh_identifier(c.fresh_bare, list->arena);
    c.type = rh_safer_new_type(list, r);
    c.value = r->default_given ? r->value : c.from ? c.from->value : NULL;
    list->why = rh_column_copy_refused(&c);
    if (list->why || !c.type)
        return false;
    const char *using = using_of(&c, r);
    if (list->why)
        return false;
    c.settings = rh_safer_type_settings(list, r);
    const char *of_new = using ? of_new_row(&c, using) : SQL(&c, "NEW.%s", c.old);
    const char *condition =
        using ? SQL(&c, "%s IS NULL", c.fresh) : SQL(&c, "%s IS NULL AND %s IS NOT NULL", c.fresh, c.old);
    if (!rh_column_copy_make(&c, SQL(&c, "    NEW.%s := %s;\n", c.fresh, of_new), using ? using : c.old,
                             condition))
        return false;
    rh_catalog_column_of(c.definition, r->column)->value = c.value;
    return true;
}

static void see_later(void *user, const char *sql, const char *kind, rh_json *body)
{
    static const char *const of_rows[] = {"InsertStmt", "UpdateStmt", "DeleteStmt",
                                          "SelectStmt", "LockStmt",   NULL};
    bool *changed = user;
    (void)sql;
    (void)body;
    *changed |= !rh_is_one_of(kind, of_rows);
}

/* A later migration changes the table, or what belongs to the column, while that is there twice. */
static bool changes_later(const rh_column_copy *c)
{
    bool changed = false;
    rh_safer_after(c->list, c->definition->name, see_later, &changed);
    for (size_t i = 0; i < c->definition->index_count; i++)
        if (rh_catalog_index_uses(&c->definition->indexes[i], c->from->name, c->list->arena))
            rh_safer_after(c->list, c->definition->indexes[i].name, see_later, &changed);
    return changed;
}

/* An earlier statement took the column's new name from another column, whose readers would find an empty one.
 */
static void see_new_name(void *user, const char *sql, const char *kind, rh_json *body)
{
    rh_column_copy *c = user;
    (void)sql;
    rh_json *commands = rh_json_get(body, "cmds");
    const char *renamed = rh_json_string(rh_json_get(body, "subname"));
    bool gone = strcmp(kind, "RenameStmt") == 0 && renamed && strcmp(renamed, c->fresh_bare) == 0;
    for (size_t i = 0; i < rh_json_count(commands); i++) {
        rh_json *command = rh_json_get(rh_json_at(commands, i), "AlterTableCmd");
        gone |= rh_tree_is(command, "subtype", "AT_DropColumn") && rh_tree_is(command, "name", c->fresh_bare);
    }
    c->name_taken |= gone;
}

/* Why the column that a write used cannot be determined; NULL: it can. */
static const char *no_two_names(rh_column_copy *c)
{
    static const char *const unequal[] = {"json", "xml", "point", "polygon", "box", "path", NULL};
    if (c->value && !c->from->not_null && strchr(c->value, '('))
        return "an explicit NULL cannot be distinguished from an omitted value, which takes the default";
    rh_safer_before(c->list, c->fresh_bare, see_new_name, c);
    if (c->name_taken)
        return "another column had the new name before, and its readers would find a column that is not filled yet";
    if (changes_later(c))
        return "a later statement changes the table while the column has both names";
    if (c->from->type_name.name && rh_is_one_of(c->from->type_name.name, unequal))
        return "values of its type cannot be compared";
    return NULL;
}

bool rh_safer_rename_column(rh_safer_list *list, rh_json *body)
{
    rh_column_copy c;
    const char *from = rh_json_string(rh_json_get(body, "subname"));
    const char *to = rh_json_string(rh_json_get(body, "newname"));
    rh_json *relation = rh_json_get(body, "relation");
    if (!from || !to || !rh_tree_is(body, "relationType", "OBJECT_TABLE"))
        return false;
    begin(&c, list, relation, "rename", rh_arena_strdup(list->arena, from));
    c.fresh_bare = rh_arena_strdup(list->arena, to);
    c.fresh = rh_identifier(c.fresh_bare, list->arena);
    c.rename = true;
    c.type = c.from ? c.from->type : NULL;
    c.value = c.from ? c.from->value : NULL;
    list->why = rh_column_copy_refused(&c);
    list->why = list->why ? list->why : no_two_names(&c);
    if (list->why)
        return false;
    if (c.value && !c.from->not_null)
        c.fresh_value = c.value;
    c.settings = rh_safer_name_settings(c.from, c.fresh_value != NULL);
    const char *given = c.fresh_value ? SQL(&c, "NEW.%s IS NOT DISTINCT FROM %s", c.fresh, c.fresh_value)
                                      : SQL(&c, "NEW.%s IS NULL", c.fresh);
    const char *sync =
        SQL(&c,
            "    IF TG_OP = 'INSERT' THEN\n"
            "        IF %s THEN NEW.%s := NEW.%s; ELSE NEW.%s := NEW.%s; END IF;\n"
            "    ELSIF NEW.%s IS DISTINCT FROM OLD.%s THEN\n"
            "        NEW.%s := NEW.%s;\n"
            "    ELSE\n"
            "        NEW.%s := NEW.%s;\n"
            "    END IF;\n",
            given, c.fresh, c.old, c.old, c.fresh, c.fresh, c.fresh, c.old, c.fresh, c.fresh, c.old);
    if (!rh_column_copy_make(&c, sync, c.old, SQL(&c, "%s IS DISTINCT FROM %s", c.fresh, c.old)))
        return false;
    rh_catalog_table_of(list->catalog, relation)->has_two_names = true;
    return true;
}
