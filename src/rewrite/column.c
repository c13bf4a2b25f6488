/* A second column beside the one that is to change: another type, or another name. It is kept up by a trigger
 * and filled in batches, gets indexes and constraints of its own without blocking other sessions, and takes
 * the first one's place in one short transaction. So do strong_migrations ("Changing the type of a column",
 * "Renaming a column") and pgroll (its expand and complete phases) recommend it. */
#include "pgrehearse/base/text.h"
#include "pgrehearse/sql/tree.h"
#include "other_statements.h"
#include <string.h>

typedef struct copy {
    rh_safer_list *list;
    const char *rule;
    const rh_catalog_table *definition;
    const rh_catalog_column *from;
    const char *table, *schema; /* as SQL writes them; SCHEMA: "s." or "" */
    const char *old, *fresh;    /* the columns, as SQL writes them */
    const char *fresh_bare;
    const char *type;
    const char *value;       /* its default afterwards; NULL: none */
    const char *fresh_value; /* the second column's own, from the beginning; NULL: none */
    const char *settings;    /* of the function that keeps it up: "\n    SET … FROM CURRENT" */
    const char *function, *trigger;
    bool name_taken; /* the new name was another column's before */
    bool rename;     /* the new name stays, and both live side by side until a later release */
} copy;

static const char *quoted(const copy *c, const char *name)
{
    return rh_identifier(name, c->list->arena);
}

/* NAME for the second one of its kind. */
static const char *second(const copy *c, const char *name)
{
    return quoted(c, rh_catalog_object_name(c->list->arena, name, "", "new"));
}

/* ---- is it mechanical here? ---- */

static const char *not_copied(const copy *c, const char *what, const char *name, const char *reason)
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

static const char *referenced_by(const copy *c)
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
static const char *depended_on_by(const copy *c)
{
    const rh_catalog *catalog = c->list->catalog;
    for (size_t i = 0; i < catalog->object_count; i++) {
        const rh_catalog_object *o = &catalog->objects[i];
        const bool statistics = strncmp(o->what, "statistics", 10) == 0;
        if (!o->dropped && (c->rename || statistics) &&
            rh_clauses_mention(o->sql, c->definition->name, c->list->arena) &&
            (rh_clauses_mention(o->sql, c->from->name, c->list->arena) || takes_all(o->sql, c->list->arena)))
            return rh_arena_printf(c->list->arena, "%s may read the column", o->what);
    }
    return NULL;
}

/* Steps that commit would show others what an earlier statement of the file did to be undone by a later one.
 */
static const char *prepared_by(const copy *c)
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

static const char *why_not(const copy *c)
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

/* ---- the second column ---- */

static rh_safer_step *add(const copy *c, const char *sql)
{
    return rh_safer_add(c->list, c->rule, "%s", sql);
}

#define SQL(copy, ...) rh_arena_printf((copy)->list->arena, __VA_ARGS__)

static void add_column(copy *c, const char *body)
{
    const char *name = rh_catalog_object_name(c->list->arena, c->definition->name, c->fresh_bare, "sync");
    c->function = SQL(c, "%s%s", c->schema, quoted(c, name));
    c->trigger =
        quoted(c, rh_catalog_object_name(c->list->arena, "zz", c->fresh_bare, "sync")); /* fires last */
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
static const char *index_on(const copy *c, const rh_catalog_index *index)
{
    rh_arena *arena = c->list->arena;
    if (index->constraint) {
        const char *columns = "";
        for (size_t i = 0; i < index->column_count; i++)
            columns =
                SQL(c, "%s%s%s", columns, i ? ", " : "",
                    strcmp(index->columns[i], c->from->name) == 0 ? c->fresh : quoted(c, index->columns[i]));
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

static bool add_indexes(const copy *c)
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

static bool has(const copy *c, const rh_catalog_constraint *k)
{
    return rh_clauses_mention(k->kind == 'f' ? strtok(rh_arena_strdup(c->list->arena, k->definition), ")")
                                             : k->definition,
                              c->from->name, c->list->arena);
}

/* The definition of the foreign key K with its target as it is called now. */
static const char *referring(const copy *c, const rh_catalog_constraint *k)
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

static const char *not_null_check(const copy *c)
{
    return quoted(c, rh_catalog_object_name(c->list->arena, c->definition->name, c->fresh_bare, "not_null"));
}

static void add_constraints(const copy *c)
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

/* ---- the change-over ---- */

static void swap(const copy *c)
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
            add(c,
                SQL(c, "ALTER TABLE %s ADD CONSTRAINT %s %s USING INDEX %s", c->table, quoted(c, index->name),
                    index->constraint == 'p' ? "PRIMARY KEY" : "UNIQUE", second(c, index->name)));
        else
            add(c, SQL(c, "ALTER INDEX %s%s RENAME TO %s", c->schema, second(c, index->name),
                       quoted(c, index->name)));
    }
    for (size_t i = 0; i < c->definition->constraint_count; i++)
        if (has(c, &c->definition->constraints[i]))
            add(c, SQL(c, "ALTER TABLE %s RENAME CONSTRAINT %s TO %s", c->table,
                       second(c, c->definition->constraints[i].name),
                       quoted(c, c->definition->constraints[i].name)));
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

/* What why_not() does not forbid. */
static bool make(copy *c, const char *body, const char *set, const char *condition)
{
    add_column(c, body);
    rh_safer_fill(c->list, c->rule, c->definition, c->table, quoted(c, c->definition->name),
                  SQL(c, "UPDATE %s SET %s = %s", c->table, c->fresh, set), condition);
    if (!add_indexes(c)) {
        c->list->why = "an index could not be parsed";
        return false;
    }
    add_constraints(c);
    swap(c);
    return true;
}

static void begin(copy *c, rh_safer_list *list, rh_json *relation, const char *rule, const char *column)
{
    rh_arena *arena = list->arena;
    const char *schema = rh_json_string(rh_json_get(relation, "schemaname"));
    *c = (copy){.list = list, .rule = rule, .definition = rh_catalog_table_of(list->catalog, relation)};
    c->from = c->definition ? rh_catalog_column_of(c->definition, column) : NULL;
    c->table = rh_tree_relation(relation, arena);
    c->schema = schema ? rh_arena_printf(arena, "%s.", rh_identifier(schema, arena)) : "";
    c->old = rh_identifier(column, arena);
}

/* ---- another type ---- */

/* The expression behind USING with NEW. before its columns. */
static const char *of_new_row(const copy *c, const char *expression)
{
    const char *text = expression;
    for (size_t i = 0; i < c->definition->column_count; i++) {
        const char *name = c->definition->columns[i].name;
        text = rh_clauses_rename(text, 0, NULL, name, SQL(c, "NEW.%s", quoted(c, name)), c->list->arena);
    }
    return text;
}

/* The words behind USING; NULL: there are none, or (why is set then) they name the table. */
static const char *using_of(const copy *c, const rh_safer_retyped *r)
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
    copy c;
    begin(&c, list, r->relation, "type-change", r->column);
    c.fresh_bare = rh_catalog_object_name(list->arena, r->column, "", "new");
    c.fresh = quoted(&c, c.fresh_bare);
    c.type = rh_safer_new_type(list, r);
    c.value = r->default_given ? r->value : c.from ? c.from->value : NULL;
    list->why = why_not(&c);
    if (list->why || !c.type)
        return false;
    const char *using = using_of(&c, r);
    if (list->why)
        return false;
    c.settings = rh_safer_type_settings(list, r);
    const char *of_new = using ? of_new_row(&c, using) : SQL(&c, "NEW.%s", c.old);
    const char *condition =
        using ? SQL(&c, "%s IS NULL", c.fresh) : SQL(&c, "%s IS NULL AND %s IS NOT NULL", c.fresh, c.old);
    if (!make(&c, SQL(&c, "    NEW.%s := %s;\n", c.fresh, of_new), using ? using : c.old, condition))
        return false;
    rh_catalog_column_of(c.definition, r->column)->value = c.value;
    return true;
}

/* ---- another name ---- */

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
static bool changes_later(const copy *c)
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
    copy *c = user;
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
static const char *no_two_names(copy *c)
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
    copy c;
    const char *from = rh_json_string(rh_json_get(body, "subname"));
    const char *to = rh_json_string(rh_json_get(body, "newname"));
    rh_json *relation = rh_json_get(body, "relation");
    if (!from || !to || !rh_tree_is(body, "relationType", "OBJECT_TABLE"))
        return false;
    begin(&c, list, relation, "rename", rh_arena_strdup(list->arena, from));
    c.fresh_bare = rh_arena_strdup(list->arena, to);
    c.fresh = quoted(&c, c.fresh_bare);
    c.rename = true;
    c.type = c.from ? c.from->type : NULL;
    c.value = c.from ? c.from->value : NULL;
    list->why = why_not(&c);
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
    if (!make(&c, sync, c.old, SQL(&c, "%s IS DISTINCT FROM %s", c.fresh, c.old)))
        return false;
    rh_catalog_table_of(list->catalog, relation)->has_two_names = true;
    return true;
}
