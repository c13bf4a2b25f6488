/* Renames a table, with a view under the old name that has the table's privileges and policies. */
#include "pgrehearse/base/text.h"
#include "pgrehearse/sql/tree.h"
#include "other_statements.h"
#include <string.h>
#include <strings.h>

typedef struct renaming {
    const rh_safer_list *list;
    const rh_catalog_table *table;
    const char *old, *fresh;
    const char **privileges; /* GRANT and REVOKE on it, in order */
    size_t privilege_count;
    const char *owner, *comment;
    const char **column_comments;
    size_t column_comment_count;
    bool for_all;    /* privileges by schema or by default */
    bool by_columns; /* privileges of columns */
    bool invoker;    /* the view works by the rights of who uses it */
    const char *why;
} renaming;

static bool is_it(const renaming *r, const char *schema, const char *name)
{
    return name && strcmp(name, r->old) == 0 &&
           strcmp(schema ? schema : rh_catalog_schema(r->list->catalog), r->table->schema) == 0;
}

static bool is_range(const renaming *r, rh_json *range)
{
    const rh_relation ref = rh_catalog_range_ref(range);
    return is_it(r, ref.schema, ref.name);
}

static void see_before(void *user, const char *sql, const char *kind, rh_json *body)
{
    renaming *r = user;
    rh_arena *arena = r->list->arena;
    if (strcmp(kind, "GrantStmt") == 0) {
        rh_json *objects = rh_json_get(body, "objects");
        for (size_t i = 0; i < rh_json_count(objects); i++)
            if (is_range(r, rh_json_get(rh_json_at(objects, i), "RangeVar"))) {
                *rh_arena_add(arena, &r->privileges, &r->privilege_count) = sql;
                rh_json *privileges = rh_json_get(body, "privileges");
                for (size_t k = 0; k < rh_json_count(privileges); k++)
                    r->by_columns |= rh_json_path(rh_json_at(privileges, k), "AccessPriv.cols") != NULL;
                break;
            }
    } else if (strcmp(kind, "AlterTableStmt") == 0 && is_range(r, rh_json_get(body, "relation"))) {
        rh_json *command = rh_json_path(rh_json_at(rh_json_get(body, "cmds"), 0), "AlterTableCmd");
        const char *owner = rh_json_string(rh_json_path(command, "newowner.rolename"));
        if (rh_tree_is(command, "subtype", "AT_ChangeOwner"))
            r->owner = owner ? rh_identifier(owner, arena) : NULL;
    } else if (strcmp(kind, "CommentStmt") == 0) {
        const bool column = rh_tree_is(body, "objtype", "OBJECT_COLUMN");
        const rh_relation ref = rh_catalog_ref_of(rh_json_get(body, "object"), column);
        if ((!column && !rh_tree_is(body, "objtype", "OBJECT_TABLE")) || !is_it(r, ref.schema, ref.name))
            return;
        if (column)
            *rh_arena_add(arena, &r->column_comments, &r->column_comment_count) = sql;
        else
            r->comment = sql;
    }
}

static void note_grant_on_all(void *user, const char *sql, const char *kind, rh_json *body)
{
    renaming *r = user;
    (void)sql;
    (void)body;
    r->for_all |= strcmp(kind, "AlterDefaultPrivilegesStmt") == 0 || strcmp(kind, "GrantStmt") == 0;
}

/* The old name is used again, so the view would be in the way or meant by mistake. */
static void see_old_name(void *user, const char *sql, const char *kind, rh_json *body)
{
    renaming *r = user;
    (void)body;
    if (rh_clauses_mention(sql, r->old, r->list->arena) && strcmp(kind, "CommentStmt") != 0)
        r->why = "a later statement names the old name again";
}

/* What the view would keep from being dropped or changed. */
static void see_new_name(void *user, const char *sql, const char *kind, rh_json *body)
{
    static const char *const kinds[] = {"AlterTableStmt", "DropStmt", "RenameStmt", "AlterObjectSchemaStmt",
                                        NULL};
    renaming *r = user;
    (void)body;
    if (rh_clauses_mention(sql, r->fresh, r->list->arena) && rh_is_one_of(kind, kinds) &&
        (strcmp(kind, "AlterTableStmt") != 0 || rh_clauses_mention(sql, "drop", r->list->arena) ||
         rh_clauses_mention(sql, "type", r->list->arena)))
        r->why = "a later statement changes the table in a way that a view does not allow";
}

static const char *why_not(renaming *r)
{
    const int major = r->list->plan->server_major;
    const char *unknown = rh_safer_unknown(r->list, r->table);
    if (unknown)
        return unknown;
    rh_safer_before(r->list, r->old, see_before, r);
    rh_safer_before(r->list, "all tables in schema", note_grant_on_all, r);
    rh_safer_before(r->list, "default privileges", note_grant_on_all, r);
    rh_safer_after(r->list, r->old, see_old_name, r);
    rh_safer_after(r->list, r->fresh, see_new_name, r);
    r->invoker = major >= 15 && !r->by_columns;
    if (!r->invoker && r->table->row_security)
        return major < 15
                   ? "before PostgreSQL 15 a view checks the privileges of its owner and ignores the caller's policies"
                   : "a view with security_invoker needs the privilege on all columns, and some roles have it on single columns";
    if (!r->invoker && r->for_all)
        return "a view would get privileges by default that the table may not have";
    return r->why;
}

bool rh_safer_rename_table(rh_safer_list *list, rh_json *body)
{
    rh_json *relation = rh_json_get(body, "relation");
    rh_arena *arena = list->arena;
    renaming r = {.list = list, .table = rh_catalog_table_of(list->catalog, relation)};
    r.old = rh_arena_strdup(arena, rh_json_string(rh_json_get(relation, "relname")));
    r.fresh = rh_arena_strdup(arena, rh_json_string(rh_json_get(body, "newname")));
    list->why = why_not(&r);
    if (list->why)
        return false;
    const char *schema = rh_identifier(r.table->schema, arena);
    const char *view = rh_arena_printf(arena, "%s.%s", schema, rh_identifier(r.old, arena));
    rh_safer_add(list, "rename", "%s", list->statement->sql);
    rh_safer_add(list, "rename", "CREATE VIEW %s%s AS SELECT * FROM %s.%s", view,
                 r.invoker ? " WITH (security_invoker = true)" : "", schema, rh_identifier(r.fresh, arena))
        ->note =
        "The old name stays until no instance of the old release runs. COPY FROM, TRUNCATE and ON CONFLICT "
        "ON CONSTRAINT do not work on a view.";
    for (size_t i = 0; i < r.privilege_count; i++)
        rh_safer_add(list, "rename", "%s", r.privileges[i]);
    if (r.comment)
        rh_safer_add(list, "rename", "COMMENT ON VIEW %s %s", view, strcasestr(r.comment, " is ") + 1);
    for (size_t i = 0; i < r.column_comment_count; i++)
        rh_safer_add(list, "rename", "%s", r.column_comments[i]);
    if (r.owner)
        rh_safer_add(list, "rename", "ALTER VIEW %s OWNER TO %s", view, r.owner);
    rh_safer_add(list, "rename", "DROP VIEW %s", view)->later = true;
    return true;
}
