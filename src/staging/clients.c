#include "clients.h"
#include "binaries.h"
#include "pgrehearse/adapters/files.h"
#include <stdlib.h>
#include <string.h>

const char *rh_clients_directory(rh_staging *staging, rh_error *error)
{
    if (staging->kind == RH_STAGING_EMBEDDED)
        return staging->cluster.work;
    if (!staging->borrowed.work) {
        char pattern[] = "/tmp/pgrehearse-XXXXXX";
        if (!mkdtemp(pattern)) {
            rh_error_set(error, RH_ERROR_IO, "cannot create a directory in /tmp");
            return NULL;
        }
        staging->borrowed.work = rh_arena_strdup(staging->arena, pattern);
    }
    return staging->borrowed.work;
}

const char *rh_staging_work_directory(rh_staging *staging, rh_error *error)
{
    return rh_clients_directory(staging, error);
}

static rh_client_program choose(rh_staging *staging, const char *name, int least)
{
    const rh_binaries_search search = {.bindir = staging->bindir, .least = least, .wanted = staging->major};
    const char *path = NULL;
    const int major = rh_binaries_find_client(name, &search, staging->arena, &path);
    if (path && major >= least)
        return (rh_client_program){.path = path};
    const char *here = path ? rh_arena_printf(staging->arena, "the newest here is %d, %s", major, path)
                            : "none is installed here";
    return (rh_client_program){.why_not =
                                   rh_arena_printf(staging->arena,
                                                   "it needs %s of PostgreSQL %d or newer, and %s: install "
                                                   "postgresql-client-%d (Debian: from apt.postgresql.org)",
                                                   name, least ? least : staging->major, here,
                                                   least ? least : staging->major)};
}

bool rh_clients_choose(rh_staging *staging, int minimum_major, rh_error *error)
{
    staging->pg_dump = choose(staging, "pg_dump", staging->major);
    staging->pg_restore = choose(staging, "pg_restore", minimum_major);
    return staging->pg_restore.path || minimum_major == 0 ||
           rh_error_set(error, RH_ERROR_BACKUP, "the backup cannot be read: %s", staging->pg_restore.why_not);
}

/* "PGPASSWORD=…" of a key='value' string, or NULL; in the arena. Libpq quotes with backslashes there. */
static const char *password_entry(rh_staging *staging, const char *conninfo)
{
    static const char key[] = "password='";
    const char *found = strstr(conninfo, key);
    while (found && found != conninfo && found[-1] != ' ')
        found = strstr(found + 1, key);
    if (!found)
        return NULL;
    rh_text entry = {0};
    rh_text_append(&entry, "PGPASSWORD=");
    for (const char *p = found + strlen(key); *p && *p != '\''; p++) {
        if (*p == '\\' && p[1])
            p++;
        rh_text_append_char(&entry, *p);
    }
    const char *copy = rh_arena_strdup(staging->arena, entry.data);
    rh_text_release(&entry);
    return copy;
}

bool rh_clients_run(rh_staging *staging, const rh_client_program *program, const char *database,
                    const char *const *arguments, int *status, rh_text *errors, rh_error *error)
{
    if (!program->path)
        return rh_error_set(error, RH_ERROR_STAGING, "%s", program->why_not);
    const char *conninfo = rh_staging_conninfo_of(staging, database);
    char *without = rh_pg_conninfo_with(conninfo, 1, (const char *const[]){"password"},
                                        (const char *const[]){NULL}, error);
    if (!without)
        return false;
    const char **argv = NULL;
    size_t count = 0;
    *rh_arena_add(staging->arena, &argv, &count) = program->path;
    *rh_arena_add(staging->arena, &argv, &count) = rh_arena_printf(staging->arena, "--dbname=%s", without);
    for (; *arguments; arguments++)
        *rh_arena_add(staging->arena, &argv, &count) = *arguments;
    rh_arena_add(staging->arena, &argv, &count);
    free(without);
    rh_process_options options = {
        .argv = argv,
        .environment = (const char *const[]){"LC_MESSAGES=C", password_entry(staging, conninfo), NULL},
        .directory = "/",
        .no_exec = true,
        .no_network = staging->kind == RH_STAGING_EMBEDDED,
        .uid = staging->uid,
        .gid = staging->gid,
    };
    rh_process *process = rh_process_start(&options, error);
    bool ok = process && rh_process_wait(process, 0, status, error);
    if (process && errors)
        rh_text_append(errors, rh_process_errors(process));
    rh_process_free(process);
    return ok;
}
