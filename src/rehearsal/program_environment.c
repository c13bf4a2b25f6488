#include "program_environment.h"
#include "pgrehearse/base/text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The staging database behind the proxy, as a URI that drivers other than libpq's understand too. */
static char *make_uri(const rh_pg *side, const rh_proxy *proxy, const char *user, const char *database,
                      rh_error *error)
{
    char port[16];
    snprintf(port, sizeof port, "%d", rh_proxy_port(proxy));
    const char *password = rh_pg_password(side);
    const char *keys[] = {"user", "dbname", "host", "port", "sslmode", "password"};
    const char *values[] = {user, database, "127.0.0.1", port, "disable", *password ? password : NULL};
    char *conninfo = rh_pg_conninfo_with("", sizeof keys / sizeof *keys, keys, values, error);
    char *uri = conninfo ? rh_pg_conninfo_uri(conninfo, error) : NULL;
    free(conninfo);
    return uri;
}

const char **rh_program_environment(rh_pg *side, const rh_proxy *proxy, rh_arena *arena, rh_error *error)
{
    rh_pg_result *names =
        rh_pg_query(side, "SELECT session_user, pg_catalog.current_database()", 0, NULL, error);
    if (!names)
        return NULL;
    const char *user = rh_pg_value(names, 0, 0), *database = rh_pg_value(names, 0, 1);
    const char *password = rh_pg_password(side);
    char *uri = make_uri(side, proxy, user, database, error);
    const char *entries[] = {
        rh_arena_printf(arena, "DATABASE_URL=%s", uri ? uri : ""),
        rh_arena_printf(arena, "PGREHEARSE_URL=%s", uri ? uri : ""),
        rh_arena_printf(arena, "PGREHEARSE_SOCKET=%s", rh_proxy_socket_directory(proxy)),
        "PGHOST=127.0.0.1",
        "PGHOSTADDR=",
        rh_arena_printf(arena, "PGPORT=%d", rh_proxy_port(proxy)),
        rh_arena_printf(arena, "PGUSER=%s", user),
        rh_arena_printf(arena, "PGDATABASE=%s", database),
        "PGSSLMODE=disable", /* between the program and the proxy, within this machine */
        "PGGSSENCMODE=disable",
        *password ? rh_arena_printf(arena, "PGPASSWORD=%s", password) : NULL,
        NULL,
    };
    const char **environment = rh_arena_alloc(arena, sizeof entries);
    memcpy(environment, entries, sizeof entries);
    rh_pg_result_free(names);
    bool ok = uri != NULL;
    free(uri);
    return ok ? environment : NULL;
}

const char *rh_program_last_word(rh_arena *arena, const char *text)
{
    static const char *const details[] = {"DETAIL",    "CONTEXT", "HINT", "LINE ",
                                          "STATEMENT", "QUERY",   " ",    "\t"};
    const char *last = "";
    size_t last_length = 0;
    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        size_t length = strcspn(line, "\r\n");
        bool said = length > 0;
        for (size_t i = 0; i < sizeof details / sizeof *details; i++)
            said = said && !rh_starts_with(line, details[i]);
        if (said) {
            last = line;
            last_length = length;
        }
    }
    return rh_arena_strndup(arena, last, last_length);
}
