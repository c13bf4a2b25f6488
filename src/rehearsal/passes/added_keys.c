#include "added_keys.h"
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/base/relation.h"
#include "pgrehearse/sql/tree.h"
#include <string.h>

static void append_relation(rh_text *text, const rh_json *range)
{
    const char *schema = rh_json_string(rh_json_get(range, "schemaname")),
               *name = rh_json_string(rh_json_get(range, "relname"));
    if (schema) {
        rh_text_append_quoted(text, schema);
        rh_text_append_char(text, '.');
    }
    rh_text_append_quoted(text, name ? name : "");
}

/* " (a, b)", or nothing for no columns. */
static void append_columns(rh_text *text, const rh_json *list)
{
    for (size_t i = 0; i < rh_json_count(list); i++) {
        const char *name = rh_tree_name_at(list, i);
        rh_text_append(text, i == 0 ? " (" : ", ");
        rh_text_append_quoted(text, name ? name : "");
    }
    if (rh_json_count(list) > 0)
        rh_text_append_char(text, ')');
}

static void add_statement(const rh_json *alter, rh_arena *arena, const char ***statements, size_t *count)
{
    const rh_json *commands = rh_json_get(alter, "cmds");
    for (size_t i = 0; i < rh_json_count(commands); i++) {
        const rh_json *constraint = rh_json_path(rh_json_at(commands, i), "AlterTableCmd.def.Constraint");
        const char *kind = rh_json_string(rh_json_get(constraint, "contype"));
        if (!kind || strcmp(kind, "CONSTR_FOREIGN") != 0)
            continue;
        rh_text text = {0};
        rh_text_append(&text, "ALTER TABLE ");
        append_relation(&text, rh_json_get(alter, "relation"));
        rh_text_append(&text, " ADD FOREIGN KEY");
        append_columns(&text, rh_json_get(constraint, "fk_attrs"));
        rh_text_append(&text, " REFERENCES ");
        append_relation(&text, rh_json_get(constraint, "pktable"));
        append_columns(&text, rh_json_get(constraint, "pk_attrs"));
        rh_text_append(&text, " NOT VALID");
        *rh_arena_add(arena, statements, count) = rh_arena_strdup(arena, rh_text_string(&text));
        rh_text_release(&text);
    }
}

void rh_added_keys_follow(rh_run *run, rh_staging *staging)
{
    const char **statements = NULL;
    size_t count = 0;
    for (size_t m = 0; m < run->plan.migration_count; m++) {
        const rh_migration *migration = &run->plan.migrations[m];
        for (size_t i = 0; migration->pending && i < migration->up.statement_count; i++) {
            const char *sql = migration->up.statements[i].sql;
            rh_json *tree = sql && strcasestr(sql, "references") ? rh_sql_parse(sql, NULL) : NULL;
            add_statement(rh_json_get(tree, "AlterTableStmt"), run->arena, &statements, &count);
            rh_json_free(tree);
        }
    }
    rh_staging_follow(staging, statements, count);
}
