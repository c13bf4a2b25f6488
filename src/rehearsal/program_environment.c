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

/* Variables that would lead elsewhere, or that a value given here does not prevail over: a service prevails
 * over PGHOST (libpq, fe-connect.c, conninfo_add_defaults), these names over what stands in SQITCH_TARGET. */
static const char *const NOT_PASSED_ON[] = {"PGSERVICE",       "PGHOSTADDR",       "PGTARGETSESSIONATTRS",
                                            "PGREQUIREAUTH",   "PGCHANNELBINDING", "PGLOADBALANCEHOSTS",
                                            "SQITCH_USERNAME", "SQITCH_PASSWORD",  "PGPASSWORD"};
enum { NOT_PASSED_ON_COUNT = sizeof NOT_PASSED_ON / sizeof *NOT_PASSED_ON };

/* Names under which tools take a URL: Rails, dbmate, Diesel, Prisma and most others DATABASE_URL; Prisma's
 * documentation calls the one past a pooler DIRECT_URL; Knex's example PG_CONNECTION_STRING; goose and pgroll
 * have names of their own, Sqitch and Flyway spellings too. Django, Alembic and pg_repack take what libpq
 * takes, or what their settings make of DATABASE_URL. */
static const struct url_name {
    const char *name, *prefix; /* instead of "postgresql" */
} URL_NAMES[] = {
    {"DATABASE_URL", "postgresql"},  {"PGREHEARSE_URL", "postgresql"},
    {"DIRECT_URL", "postgresql"},    {"PG_CONNECTION_STRING", "postgresql"},
    {"PGROLL_PG_URL", "postgresql"}, {"GOOSE_DBSTRING", "postgresql"},
    {"SQITCH_TARGET", "db:pg"},
};
enum { URL_NAME_COUNT = sizeof URL_NAMES / sizeof *URL_NAMES };

static const char **list(const char *uri, const char *const *libpq, size_t count, rh_arena *arena)
{
    const char **environment =
        rh_arena_alloc(arena, (count + NOT_PASSED_ON_COUNT + URL_NAME_COUNT + 1) * sizeof *environment);
    size_t at = 0;
    const char *rest = uri + strcspn(uri, ":");
    for (size_t i = 0; i < NOT_PASSED_ON_COUNT; i++)
        environment[at++] = NOT_PASSED_ON[i];
    for (size_t i = 0; i < URL_NAME_COUNT; i++)
        environment[at++] = rh_arena_printf(arena, "%s=%s%s", URL_NAMES[i].name, URL_NAMES[i].prefix, rest);
    for (size_t i = 0; i < count; i++)
        if (libpq[i])
            environment[at++] = libpq[i];
    return environment;
}

const char **rh_program_environment(rh_pg *side, const rh_proxy *proxy, rh_arena *arena, rh_error *error)
{
    const char *user = rh_pg_user(side), *database = rh_pg_database(side);
    const char *password = rh_pg_password(side);
    char *uri = make_uri(side, proxy, user, database, error);
    const char *libpq[] = {
        rh_arena_printf(arena, "PGREHEARSE_SOCKET=%s", rh_proxy_socket_directory(proxy)),
        "PGHOST=127.0.0.1",
        rh_arena_printf(arena, "PGPORT=%d", rh_proxy_port(proxy)),
        rh_arena_printf(arena, "PGUSER=%s", user),
        rh_arena_printf(arena, "PGDATABASE=%s", database),
        "PGSSLMODE=disable", /* between the program and the proxy, within this machine */
        "PGGSSENCMODE=disable",
        "GOOSE_DRIVER=postgres",
        *password ? rh_arena_printf(arena, "PGPASSWORD=%s", password) : NULL,
    };
    const char **environment = uri ? list(uri, libpq, sizeof libpq / sizeof *libpq, arena) : NULL;
    free(uri);
    return environment;
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
