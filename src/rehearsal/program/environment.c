#include "environment.h"
#include "pgrehearse/adapters/sql_parser.h"
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

/* These names prevail over SQITCH_TARGET. */
static const char *const NOT_PASSED_ON[] = {"SQITCH_USERNAME", "SQITCH_PASSWORD"};
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

/* What leads to PG's own place; then OVERRIDES (NULL entries are passed over), the last of a name counts. */
static const char **list(const rh_pg *pg, const char *uri, const char *const *overrides,
                         size_t override_count, rh_arena *arena)
{
    size_t count = 0;
    const char **libpq = rh_pg_environment(pg, arena, &count), *rest = uri + strcspn(uri, ":");
    const char **environment = rh_arena_alloc(
        arena, (count + NOT_PASSED_ON_COUNT + URL_NAME_COUNT + override_count + 2) * sizeof *environment);
    size_t at = 0;
    for (size_t i = 0; i < NOT_PASSED_ON_COUNT; i++)
        environment[at++] = NOT_PASSED_ON[i];
    for (size_t i = 0; i < count; i++)
        environment[at++] = libpq[i];
    for (size_t i = 0; i < URL_NAME_COUNT; i++)
        environment[at++] = rh_arena_printf(arena, "%s=%s%s", URL_NAMES[i].name, URL_NAMES[i].prefix, rest);
    environment[at++] = "GOOSE_DRIVER=postgres";
    for (size_t i = 0; i < override_count; i++)
        if (overrides[i])
            environment[at++] = overrides[i];
    environment[at] = NULL;
    return environment;
}

const char **rh_program_environment(rh_pg *side, const rh_proxy *proxy, rh_arena *arena, rh_error *error)
{
    char *uri = make_uri(side, proxy, rh_pg_user(side), rh_pg_database(side), error);
    const char *overrides[] = {
        rh_arena_printf(arena, "PGREHEARSE_SOCKET=%s", rh_proxy_socket_directory(proxy)),
        "PGHOST=127.0.0.1",
        "PGHOSTADDR",
        rh_arena_printf(arena, "PGPORT=%d", rh_proxy_port(proxy)),
        "PGSSLMODE=disable", /* between the program and the proxy, within this machine */
        "PGGSSENCMODE=disable",
        "PGREQUIREPEER",
    };
    const char **environment =
        uri ? list(side, uri, overrides, sizeof overrides / sizeof *overrides, arena) : NULL;
    free(uri);
    return environment;
}

const char **rh_step_environment(rh_pg *pg, const char *conninfo, rh_arena *arena, rh_error *error)
{
    char *uri = rh_pg_conninfo_uri(conninfo, error);
    const char *socket = rh_pg_socket_directory(pg);
    const char *overrides[] = {socket ? rh_arena_printf(arena, "PGREHEARSE_SOCKET=%s", socket)
                                      : "PGREHEARSE_SOCKET"};
    const char **environment = uri ? list(pg, uri, overrides, 1, arena) : NULL;
    free(uri);
    return environment;
}

const char **rh_program_environment_as(const char *conninfo, const rh_proxy *proxy, rh_arena *arena,
                                       rh_error *error)
{
    rh_pg *pg = rh_pg_connect(conninfo, ": migration", error);
    const char **environment = pg ? rh_program_environment(pg, proxy, arena, error) : NULL;
    rh_pg_close(pg);
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
        bool message = length > 0;
        for (size_t i = 0; i < sizeof details / sizeof *details; i++)
            message = message && !rh_starts_with(line, details[i]);
        if (message) {
            last = line;
            last_length = length;
        }
    }
    return rh_arena_strndup(arena, last, last_length);
}

static const char *shown(rh_arena *arena, const char *line, bool may_be_row)
{
    char *redacted = may_be_row ? rh_redact(line, &(rh_redaction){0}) : rh_redact_line(line);
    const char *copy = rh_arena_strdup(arena, redacted);
    free(redacted);
    return copy;
}

const char *rh_program_message(rh_arena *arena, const char *errors, const char *output, const char *raw,
                               const char *clean)
{
    const bool may_be_row = !*errors;
    const char *line = rh_program_last_word(arena, *errors ? errors : output);
    const char *found = raw && *raw ? strstr(line, raw) : NULL;
    if (!found)
        return shown(arena, line, may_be_row);
    const char *before = rh_arena_strndup(arena, line, (size_t)(found - line));
    return rh_arena_printf(arena, "%s%s%s", shown(arena, before, may_be_row), clean,
                           shown(arena, found + strlen(raw), may_be_row));
}
