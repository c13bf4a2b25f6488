#include "restoring.h"
#include "pgrehearse/base/text.h"
#include <stdlib.h>
#include <string.h>

/* The most entries that are listed; the report has the number of the others. */
enum { MOST_SKIPPED = 200 };

bool rh_names_have(const rh_names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->names[i], name) == 0)
            return true;
    return false;
}

void rh_names_add(rh_names *names, rh_arena *arena, const char *name)
{
    const char **added = rh_arena_add(arena, &names->names, &names->count);
    *added = rh_arena_strdup(arena, name);
}

void rh_names_forget(rh_names *names, const char *name)
{
    size_t kept = 0;
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->names[i], name) != 0)
            names->names[kept++] = names->names[i];
    names->count = kept;
}

static bool read_names(rh_restoring *r, const char *sql, rh_names *names, rh_error *error)
{
    rh_pg_result *result = rh_pg_query(r->pg, sql, 0, NULL, error);
    for (size_t i = 0; result && i < rh_pg_rows(result); i++)
        rh_names_add(names, r->arena, rh_pg_value(result, i, 0));
    rh_pg_result_free(result);
    return result != NULL;
}

/* The next key='value' of a conninfo as rh_pg_conninfo_with writes it; false at its end. */
static bool next_pair(const char **at, rh_text *key, rh_text *value)
{
    rh_text_clear(key);
    rh_text_clear(value);
    const char *p = *at + strspn(*at, " ");
    while (*p && *p != '=')
        rh_text_append_char(key, *p++);
    if (*p != '=')
        return false;
    p++;
    bool quoted = *p == '\'';
    p += quoted;
    while (*p && *p != (quoted ? '\'' : ' ')) {
        if (*p == '\\' && p[1])
            p++;
        rh_text_append_char(value, *p++);
    }
    *at = p + (*p == '\'');
    return true;
}

/* A password on a command line can be read by every user of the machine: the whole connection goes through
 * the environment. */
static bool fill_environment(rh_restoring *r, rh_error *error)
{
    static const char *const names[][2] = {{"host", "PGHOST"},
                                           {"hostaddr", "PGHOSTADDR"},
                                           {"port", "PGPORT"},
                                           {"dbname", "PGDATABASE"},
                                           {"user", "PGUSER"},
                                           {"password", "PGPASSWORD"},
                                           {"passfile", "PGPASSFILE"},
                                           {"options", "PGOPTIONS"},
                                           {"sslmode", "PGSSLMODE"},
                                           {"sslcert", "PGSSLCERT"},
                                           {"sslkey", "PGSSLKEY"},
                                           {"sslrootcert", "PGSSLROOTCERT"},
                                           {"sslcrl", "PGSSLCRL"},
                                           {"requirepeer", "PGREQUIREPEER"},
                                           {"gssencmode", "PGGSSENCMODE"},
                                           {"krbsrvname", "PGKRBSRVNAME"},
                                           {"service", "PGSERVICE"},
                                           {"channel_binding", "PGCHANNELBINDING"},
                                           {"connect_timeout", "PGCONNECT_TIMEOUT"},
                                           {"target_session_attrs", "PGTARGETSESSIONATTRS"}};
    enum { MOST = sizeof names / sizeof *names };
    char *conninfo = rh_pg_conninfo_with(r->target->conninfo, 0, NULL, NULL, error);
    if (!conninfo)
        return false;
    rh_text key = {0}, value = {0};
    const char **environment = rh_arena_alloc(r->arena, (MOST + 5) * sizeof *environment);
    size_t count = 0;
    /* Their messages are read below, so they must not be translated. */
    environment[count++] = "LC_ALL=C";
    environment[count++] = "LANGUAGE=C";
    environment[count++] = "PGAPPNAME=pgrehearse: restore";
    if (strstr(conninfo, "host=")) /* over which a service of the caller's would prevail */
        environment[count++] = "PGSERVICE";
    const char *at = conninfo;
    while (next_pair(&at, &key, &value))
        for (size_t i = 0; i < MOST; i++)
            if (strcmp(rh_text_string(&key), names[i][0]) == 0)
                environment[count++] =
                    rh_arena_printf(r->arena, "%s=%s", names[i][1], rh_text_string(&value));
    r->environment = environment;
    rh_text_release(&key);
    rh_text_release(&value);
    free(conninfo);
    return true;
}

bool rh_restoring_init(rh_restoring *r, rh_error *error)
{
    r->contents.arena = r->arena;
    r->skip_used = rh_arena_alloc(r->arena, r->target->skip_count + 1);
    r->pg = rh_pg_connect(r->target->conninfo, "restore", error);
    return r->pg && fill_environment(r, error) &&
           read_names(r, "SELECT rolname FROM pg_catalog.pg_roles", &r->roles, error) &&
           read_names(r, "SELECT nspname FROM pg_catalog.pg_namespace", &r->schemas, error) &&
           read_names(r, "SELECT extname FROM pg_catalog.pg_extension", &r->extensions, error) &&
           read_names(r, "SELECT name FROM pg_catalog.pg_available_extensions", &r->available_extensions,
                      error) &&
           read_names(r, "SELECT lanname FROM pg_catalog.pg_language", &r->languages, error) &&
           read_names(r, "SELECT spcname FROM pg_catalog.pg_tablespace", &r->tablespaces, error);
}

void rh_restoring_release(rh_restoring *r)
{
    if (r->skipped_more > 0) {
        rh_skipped *more = rh_arena_add(r->arena, &r->facts->skipped, &r->facts->skipped_count);
        more->what = rh_arena_printf(r->arena, "%d more", r->skipped_more);
        more->why = "there are too many to list";
    }
    rh_error_release(&r->first_failure);
    rh_text_release(&r->failed_names);
    rh_pg_close(r->pg);
}

void rh_restoring_skip(rh_restoring *r, const char *what, const char *why)
{
    rh_backup_facts *facts = r->facts;
    for (size_t i = 0; i < facts->skipped_count; i++)
        if (strcmp(facts->skipped[i].what, what) == 0 && strcmp(facts->skipped[i].why, why) == 0)
            return;
    if (facts->skipped_count >= MOST_SKIPPED) {
        r->skipped_more++;
        return;
    }
    rh_skipped *skipped = rh_arena_add(r->arena, &facts->skipped, &facts->skipped_count);
    skipped->what = rh_arena_strdup(r->arena, what);
    skipped->why = rh_arena_strdup(r->arena, why);
}

void rh_restoring_add_missing(rh_restoring *r, const char *what, const char *why)
{
    rh_backup_facts *facts = r->facts;
    rh_skipped *missing = rh_arena_add(r->arena, &facts->missing, &facts->missing_count);
    missing->what = rh_arena_strdup(r->arena, what);
    missing->why = why;
}

bool rh_restoring_role(rh_restoring *r, const char *role, rh_error *error)
{
    if (rh_names_have(&r->roles, role))
        return true;
    if (rh_names_have(&r->missing_roles, role))
        return false;
    const char *what = rh_arena_printf(r->arena, "role %s", role);
    /* pg_… is reserved: a predefined role of a newer server. */
    if (!r->target->create_roles || rh_starts_with(role, "pg_")) {
        rh_names_add(&r->missing_roles, r->arena, role);
        rh_restoring_skip(r, what,
                          "it does not exist in staging: its ownership and privileges were left out");
        return false;
    }
    char *quoted = rh_quote_identifier(role);
    bool fine = rh_pg_executef(r->pg, error, "CREATE ROLE %s NOLOGIN", quoted);
    free(quoted);
    if (!fine)
        return false;
    rh_names_add(&r->roles, r->arena, role);
    rh_restoring_skip(r, what, "the backup names it and does not define it: created without attributes");
    return true;
}

bool rh_restoring_knows_setting(rh_restoring *r, const char *setting, rh_error *error)
{
    if (rh_names_have(&r->known_settings, setting))
        return true;
    if (rh_names_have(&r->unknown_settings, setting))
        return false;
    rh_pg_result *result =
        rh_pg_query(r->pg, "SELECT pg_catalog.current_setting($1, true) IS NOT NULL", 1, &setting, error);
    bool known = result && rh_pg_bool(result, 0, 0);
    rh_pg_result_free(result);
    if (result)
        rh_names_add(known ? &r->known_settings : &r->unknown_settings, r->arena, setting);
    return known;
}

bool rh_restoring_public_schema(rh_restoring *r, rh_error *error)
{
    enum { CHANGED = 15 };
    const char *version = r->facts->dump_version;
    int dumped = version ? rh_leading_int(version) : 0;
    bool before = dumped < CHANGED, here_before = rh_pg_server_version(r->pg) / 10000 < CHANGED;
    if (dumped == 0 || before == here_before || !rh_names_have(&r->schemas, "public"))
        return true;
    if (!rh_pg_execute(r->pg,
                       before ? "GRANT CREATE ON SCHEMA public TO PUBLIC"
                              : "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
                       error))
        return rh_error_context(error, "cannot set the privileges of the schema public");
    rh_restoring_skip(r, "privileges of SCHEMA public",
                      before ? "PUBLIC may create in it, as by default before PostgreSQL 15"
                             : "PUBLIC may not create in it, as by default since PostgreSQL 15");
    return true;
}
