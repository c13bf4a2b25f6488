/* libpq's environment variables: the list of them, and the values with which a program connects to the server
 * and database of a given connection. */
#include "pg_connection.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/text.h"
#include <stdlib.h>
#include <string.h>

/* Beside those of connection options: PostgreSQL's documentation, "Environment Variables" of libpq. */
static const char *const OTHERS[] = {"PGTZ",         "PGDATESTYLE",    "PGGEQO", "PGSERVICEFILE",
                                     "PGSYSCONFDIR", "PGLOCALEDIR",    "PGDATA", "PGREQUIRESSL",
                                     "PGREALM",      "PGSSLKEYLOGFILE"};

/* These change what a session does, not where it goes. */
static const char *const OF_SESSION[] = {"PGTZ",
                                         "PGDATESTYLE",
                                         "PGGEQO",
                                         "PGOPTIONS",
                                         "PGAPPNAME",
                                         "PGCLIENTENCODING",
                                         "PGDATA",
                                         "PGLOCALEDIR",
                                         "PGTARGETSESSIONATTRS",
                                         "PGLOADBALANCEHOSTS"};

/* Connection options that a program is given, where the connection has a value. */
static const char *const GIVEN[] = {"host",     "hostaddr",    "port",        "user",          "dbname",
                                    "passfile", "sslmode",     "sslcert",     "sslkey",        "sslrootcert",
                                    "sslcrl",   "sslcrldir",   "gssencmode",  "sslsni",        "krbsrvname",
                                    "gsslib",   "sslpassword", "requirepeer", "sslcompression"};

static bool is_one_of(const char *name, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(name, list[i]) == 0)
            return true;
    return false;
}
#define IS_ONE_OF(name, list) is_one_of(name, list, sizeof(list) / sizeof *(list))

const char **rh_pg_environment(const rh_pg *pg, rh_arena *arena, size_t *count)
{
    const char **entries = NULL;
    const char *password = rh_pg_password(pg);
    PQconninfoOption *options = PQconninfo(pg->conn);
    *count = 0;
    for (size_t i = 0; i < sizeof OTHERS / sizeof *OTHERS; i++)
        *rh_arena_add(arena, &entries, count) = OTHERS[i];
    for (PQconninfoOption *o = options; o && o->keyword; o++) {
        if (!o->envvar)
            continue;
        bool given = IS_ONE_OF(o->keyword, GIVEN) && o->val && *o->val;
        const char *value = given                                              ? o->val
                            : strcmp(o->keyword, "password") == 0 && *password ? password
                                                                               : NULL;
        *rh_arena_add(arena, &entries, count) =
            value ? rh_arena_printf(arena, "%s=%s", o->envvar, value) : rh_arena_strdup(arena, o->envvar);
    }
    PQconninfoFree(options);
    return entries;
}

void rh_pg_forget_environment(bool all)
{
    PQconninfoOption *options = all ? PQconndefaults() : NULL;
    for (PQconninfoOption *o = options; o && o->keyword; o++)
        if (o->envvar)
            unsetenv(o->envvar);
    PQconninfoFree(options);
    for (size_t i = 0; all && i < sizeof OTHERS / sizeof *OTHERS; i++)
        unsetenv(OTHERS[i]);
    for (size_t i = 0; i < sizeof OF_SESSION / sizeof *OF_SESSION; i++)
        unsetenv(OF_SESSION[i]);
}
