/* ADD CONSTRAINT by statements that block less: NOT VALID and VALIDATE CONSTRAINT, CREATE UNIQUE INDEX
 * CONCURRENTLY and USING INDEX. */
#include "alter.h"
#include "safer.h"
#include "pgrehearse/sql/tree.h"
#include <string.h>

const char *rh_safer_made_name(const rh_safer_list *list, const rh_alter_parts *p, const char *columns,
                               const char *label)
{
    return rh_catalog_free_name(list->catalog, p->definition, columns, label);
}

void rh_safer_validate(rh_safer_list *list, const char *rule, const char *head, const char *name)
{
    rh_safer_step *step = rh_safer_add(list, rule, "%s VALIDATE CONSTRAINT %s", head, name);
    step->after_commit = step->closes = true;
}

void rh_safer_not_null(rh_safer_list *list, const char *rule, const rh_catalog_table *definition,
                       const char *table, const char *bare)
{
    enum { FIRST_WITH_NOT_VALID = 18 };
    const char *column = rh_identifier(bare, list->arena);
    if (list->plan->server_major >= FIRST_WITH_NOT_VALID) { /* under the name that SET NOT NULL gives it */
        const char *name =
            rh_identifier(rh_catalog_free_name(list->catalog, definition, bare, "not_null"), list->arena);
        rh_safer_add(list, rule, "ALTER TABLE %s ADD CONSTRAINT %s NOT NULL %s NOT VALID", table, name,
                     column);
        rh_safer_validate(list, rule, rh_arena_printf(list->arena, "ALTER TABLE %s", table), name);
        return;
    }
    const char *check =
        rh_identifier(rh_catalog_free_name(list->catalog, definition, bare, "is_not_null"), list->arena);
    rh_safer_add(list, rule, "ALTER TABLE %s ADD CONSTRAINT %s CHECK (%s IS NOT NULL) NOT VALID", table,
                 check, column);
    rh_safer_validate(list, rule, rh_arena_printf(list->arena, "ALTER TABLE %s", table), check);
    rh_safer_add(list, rule, "ALTER TABLE %s ALTER COLUMN %s SET NOT NULL", table, column);
    rh_safer_add(list, rule, "ALTER TABLE %s DROP CONSTRAINT %s", table, check);
}

void rh_safer_validated_apart(rh_safer_list *list, const rh_alter_parts *p, const char *rule,
                              const char *name, const char *definition)
{
    rh_safer_add(list, rule, "%s ADD CONSTRAINT %s %s NOT VALID", p->head, name, definition);
    rh_safer_validate(list, rule, p->head, name);
}

/* "a, b" (quoted) or "a_b" of a list of names. */
static const char *names_of(const rh_safer_list *list, rh_json *keys, bool for_name)
{
    const char *text = "";
    for (size_t i = 0; i < rh_json_count(keys); i++) {
        const char *name = rh_tree_name_at(keys, i);
        text = rh_arena_printf(list->arena, "%s%s%s", text, i ? (for_name ? "_" : ", ") : "",
                               for_name ? name : rh_identifier(name, list->arena));
    }
    return text;
}

bool rh_safer_index_apart(rh_safer_list *list, const rh_alter_parts *p, rh_json *constraint,
                          const char *columns, const char *for_name)
{
    static const char rule[] = "index-without-concurrently";
    const bool primary = rh_tree_is(constraint, "contype", "CONSTR_PRIMARY");
    const char *given = rh_json_string(rh_json_get(constraint, "conname"));
    if (rh_json_get(constraint, "including") || rh_json_get(constraint, "options") ||
        rh_json_get(constraint, "deferrable") || rh_json_get(constraint, "nulls_not_distinct") ||
        rh_json_get(constraint, "indexspace")) {
        list->why = "its index has non-default options";
        return false;
    }
    if (p->definition->unsupported) {
        list->why =
            rh_arena_printf(list->arena, "the table %s", rh_unsupported_text(p->definition->unsupported));
        return false;
    }
    const char *name = rh_identifier(given     ? given
                                     : primary ? rh_safer_made_name(list, p, "", "pkey")
                                               : rh_safer_made_name(list, p, for_name, "key"),
                                     list->arena);
    rh_safer_add(list, rule, "CREATE UNIQUE INDEX CONCURRENTLY %s ON %s (%s)", name, p->table, columns)
        ->alone = true;
    rh_json *keys = rh_json_get(constraint, "keys");
    for (size_t i = 0; primary && i < rh_json_count(keys); i++)
        rh_safer_not_null(list, rule, p->definition, p->table, rh_tree_name_at(keys, i));
    rh_safer_add(list, rule, "%s ADD CONSTRAINT %s %s USING INDEX %s", p->head, name,
                 primary ? "PRIMARY KEY" : "UNIQUE", name);
    return true;
}

/* PRIMARY KEY USING INDEX: its columns first become NOT NULL. */
static bool key_using_index(rh_safer_list *list, const rh_alter_parts *p, rh_json *constraint,
                            const char *words)
{
    const char *rule = rh_safer_rule(list->statement);
    const char *name = rh_json_string(rh_json_get(constraint, "indexname"));
    const rh_catalog_index *index = NULL;
    for (size_t i = 0; name && i < p->definition->index_count; i++)
        if (strcmp(p->definition->indexes[i].name, name) == 0)
            index = &p->definition->indexes[i];
    if (!index || !rule || p->definition->unsupported)
        return false;
    for (size_t i = 0; i < index->column_count; i++) {
        const rh_catalog_column *column = rh_catalog_column_of(p->definition, index->columns[i]);
        if (column && !column->not_null)
            rh_safer_not_null(list, rule, p->definition, p->table, index->columns[i]);
    }
    rh_safer_add(list, rule, "%s %s", p->head, words);
    return true;
}

bool rh_safer_constraint(rh_safer_list *list, const rh_alter_parts *p, rh_json *constraint, const char *words)
{
    const char *type = rh_json_string(rh_json_get(constraint, "contype"));
    const char *given = rh_json_string(rh_json_get(constraint, "conname"));
    const char *definition =
        rh_clauses_definition(words + 3 + strspn(words + 3, " \t\r\n"), list->arena); /* after ADD */
    if (!type || rh_json_bool(rh_json_get(constraint, "skip_validation")))
        return false;
    if (rh_json_get(constraint, "indexname"))
        return strcmp(type, "CONSTR_PRIMARY") == 0 && key_using_index(list, p, constraint, words);
    if (strcmp(type, "CONSTR_EXCLUSION") == 0) {
        list->why =
            "EXCLUDE has no form that blocks less: neither CONCURRENTLY nor NOT VALID nor USING INDEX";
        return false;
    }
    if (strcmp(type, "CONSTR_CHECK") != 0 && rh_safer_is_partitioned(p->definition)) {
        list->why = "on a partitioned table it cannot be split";
        return false;
    }
    if (strcmp(type, "CONSTR_CHECK") == 0) {
        const char *name = rh_identifier(
            given ? given : rh_safer_made_name(list, p, rh_catalog_check_column(constraint), "check"),
            list->arena);
        rh_safer_validated_apart(list, p, "constraint-without-not-valid", name, definition);
        return true;
    }
    if (strcmp(type, "CONSTR_FOREIGN") == 0) {
        const char *columns = names_of(list, rh_json_get(constraint, "fk_attrs"), true);
        const char *name =
            rh_identifier(given ? given : rh_safer_made_name(list, p, columns, "fkey"), list->arena);
        rh_safer_validated_apart(list, p, "foreign-key-without-not-valid", name, definition);
        return true;
    }
    return (strcmp(type, "CONSTR_UNIQUE") == 0 || strcmp(type, "CONSTR_PRIMARY") == 0) &&
           rh_safer_index_apart(list, p, constraint, names_of(list, rh_json_get(constraint, "keys"), false),
                                names_of(list, rh_json_get(constraint, "keys"), true));
}
