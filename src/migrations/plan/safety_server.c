/* Refuses, before anything runs, statements that change roles, other databases or the settings of a given
 * server, which is not confined and may hold other data. Like safety.c, it only reads the text and is no
 * sandbox. */
#include "pgrehearse/adapters/sql_parser.h"
#include "safety_server.h"
#include <string.h>
#include <strings.h>

typedef struct words {
    const char *sql;
    const rh_sql_token *tokens;
    size_t count;
} words;

static bool is(const words *w, size_t index, const char *word)
{
    return index < w->count && rh_sql_token_is(w->sql, &w->tokens[index], word);
}

static bool is_any(const words *w, size_t index, const char *const *list)
{
    for (; *list; list++)
        if (is(w, index, *list))
            return true;
    return false;
}

/* GRANT role TO role has no ON; GRANT … ON DATABASE and ON TABLESPACE have one. */
static bool is_shared_grant(const words *w)
{
    for (size_t i = 1; i < w->count; i++)
        if (is(w, i, "on"))
            return is(w, i + 1, "database") || is(w, i + 1, "tablespace") || is(w, i + 1, "parameter");
    return true;
}

/* Whether a statement changes what all databases of a server share. */
static bool is_shared(const words *w)
{
    static const char *const shared[] = {"database",   "role",         "user",   "group",
                                         "tablespace", "subscription", "system", NULL};
    static const char *const change[] = {"create", "alter", "drop", NULL};
    static const char *const grant[] = {"grant", "revoke", NULL};
    static const char *const owned[] = {"drop", "reassign", NULL};
    if (is_any(w, 0, change) && is_any(w, 1, shared))
        return !is(w, 2, "mapping"); /* CREATE USER MAPPING is of this database */
    if (is(w, 0, "comment") || is(w, 0, "security"))
        for (size_t i = 1; i < w->count; i++)
            if (is(w, i, "on"))
                return is_any(w, i + 1, shared);
    return (is_any(w, 0, grant) && is_shared_grant(w)) || (is_any(w, 0, owned) && is(w, 1, "owned"));
}

/* dblink and foreign servers: another server, which nothing keeps from being production. In the embedded
 * cluster the sockets for it are missing. */
static bool reaches_elsewhere(const words *w)
{
    static const char *const make[] = {"create", "alter", NULL};
    if ((is_any(w, 0, make) && is(w, 1, "server")) || (is(w, 0, "import") && is(w, 1, "foreign")))
        return true;
    for (size_t i = 0; i + 1 < w->count; i++)
        if (strncasecmp(w->sql + w->tokens[i].start, "dblink", 6) == 0 &&
            strcmp(w->tokens[i + 1].kind, "(") == 0)
            return true;
    return false;
}

static bool check_statement(const rh_script *script, const rh_statement *statement, rh_arena *scratch,
                            rh_error *error)
{
    rh_sql_token *tokens;
    size_t count, kept = 0;
    rh_sql_scan(statement->sql, scratch, &tokens, &count, NULL); /* checked as far as it scans */
    for (size_t i = 0; i < count; i++)
        if (strcmp(tokens[i].kind, "SQL_COMMENT") != 0 && strcmp(tokens[i].kind, "C_COMMENT") != 0)
            tokens[kept++] = tokens[i];
    const words w = {statement->sql, tokens, kept};
    if (kept >= 2 && reaches_elsewhere(&w)) {
        rh_error_set(error, RH_ERROR_REFUSED, "the statement reaches another server");
        rh_error_hint(
            error,
            "On a given server, nothing prevents that: use staging.kind: embedded, or remove the statement.");
        return rh_error_at(error, script->file, statement->line, statement->column);
    }
    if (kept < 2 || !is_shared(&w))
        return true;
    rh_error_set(error, RH_ERROR_REFUSED, "the statement reaches beyond the rehearsal's own database");
    rh_error_hint(
        error,
        "On a given server, roles, other databases and settings must not change: use staging.kind: embedded, or remove the statement.");
    return rh_error_at(error, script->file, statement->line, statement->column);
}

static bool check_script(const rh_script *script, rh_error *error)
{
    rh_arena *scratch = rh_arena_new();
    bool ok = true;
    for (size_t i = 0; ok && i < script->statement_count; i++)
        ok = check_statement(script, &script->statements[i], scratch, error);
    rh_arena_free(scratch);
    return ok;
}

bool rh_plan_check_server_safety(const rh_plan *plan, rh_error *error)
{
    for (size_t i = 0; i < plan->migration_count; i++) {
        const rh_migration *migration = &plan->migrations[i];
        if (migration->pending &&
            (!check_script(&migration->up, error) || !check_script(&migration->down, error)))
            return false;
    }
    return true;
}
