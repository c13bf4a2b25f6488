/* The public functions, which call embedded.c for an embedded cluster and server.c for a given server. */
#include "pgrehearse/staging/staging.h"
#include "pgrehearse/base/statistics.h"
#include "pgrehearse/base/interrupt.h"
#include "database.h"
#include "embedded.h"
#include "server.h"
#include "settings.h"
#include "snapshot.h"
#include "state.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

static const char *make_id(rh_arena *arena)
{
    uint32_t random = 0;
    while (getrandom(&random, sizeof random, 0) != sizeof random)
        continue;
    return rh_arena_printf(arena, "%08x", random & 0x7fffffffU); /* fits a lock key, an int4 */
}

rh_staging *rh_staging_start(const rh_staging_request *request, rh_error *error)
{
    rh_arena *arena = rh_arena_new();
    rh_staging *staging = rh_arena_alloc(arena, sizeof *staging);
    *staging = (rh_staging){.arena = arena, .scenario = request->scenario, .progress = request->progress};
    staging->kind = request->scenario->staging.kind;
    staging->origin_major = request->wanted_major;
    staging->origin = request->origin ? request->origin : rh_arena_alloc(arena, sizeof *staging->origin);
    staging->production = request->production;
    staging->production_count = request->production_count;
    staging->load_connections = request->load_connections;
    staging->id = make_id(arena);
    staging->cluster.lock = staging->account.lock = -1;
    staging->phase = RH_SETTINGS_RESTORE;
    staging->reset_bytes = RH_UNKNOWN;
    bool ok = staging->kind == RH_STAGING_EMBEDDED ? rh_embedded_start(staging, request, error)
                                                   : rh_server_start(staging, request, error);
    if (ok)
        return staging;
    rh_staging_free(staging, false);
    return NULL;
}

void rh_staging_free(rh_staging *staging, bool keep)
{
    if (!staging)
        return;
    rh_interrupt_hold();
    if (staging->kind == RH_STAGING_EMBEDDED)
        rh_embedded_free(staging, keep);
    else
        rh_server_free(staging, keep);
    rh_interrupt_release();
    rh_arena_free(staging->arena);
}

const char *rh_staging_conninfo(const rh_staging *staging)
{
    return staging->conninfo;
}

const char *rh_staging_log(const rh_staging *staging)
{
    return staging->kind == RH_STAGING_EMBEDDED ? staging->cluster.log : NULL;
}

static const char *path_of(const rh_client_program *program, const char **why_not)
{
    if (why_not)
        *why_not = program->why_not;
    return program->path;
}

const char *rh_staging_pg_dump(const rh_staging *staging, const char **why_not)
{
    return path_of(&staging->pg_dump, why_not);
}

const char *rh_staging_pg_restore(const rh_staging *staging, const char **why_not)
{
    return path_of(&staging->pg_restore, why_not);
}

uid_t rh_staging_uid(const rh_staging *staging)
{
    return staging->uid;
}

gid_t rh_staging_gid(const rh_staging *staging)
{
    return staging->gid;
}

bool rh_staging_alive(rh_staging *staging, rh_error *error)
{
    return staging->kind == RH_STAGING_EMBEDDED ? rh_embedded_alive(staging, error)
                                                : rh_server_alive(staging, error);
}

bool rh_staging_was_up(rh_staging *staging, rh_error *error)
{
    return staging->kind == RH_STAGING_EMBEDDED ? rh_embedded_was_up(staging, error)
                                                : rh_server_alive(staging, error);
}

bool rh_staging_accept_restart(rh_staging *staging, rh_error *error)
{
    return staging->kind == RH_STAGING_EMBEDDED ? rh_embedded_accept_restart(staging, error)
                                                : rh_server_alive(staging, error);
}

bool rh_staging_snapshot(rh_staging *staging, const rh_progress *progress, rh_error *error)
{
    rh_usec began = rh_clock_monotonic();
    rh_progress_begin(progress, "snapshot", "keep the restored state");
    bool ok = staging->kind == RH_STAGING_EMBEDDED ? rh_snapshot_take(staging, error)
                                                   : rh_server_snapshot(staging, error);
    if (!ok)
        return rh_error_context(error, "the snapshot of the restored state failed");
    staging->snapshot_s = rh_seconds(rh_clock_monotonic() - began);
    rh_progress_end(progress, "snapshot", "%s, %.1f s", staging->reset_method, staging->snapshot_s);
    return true;
}

bool rh_staging_reset(rh_staging *staging, const rh_progress *progress, rh_error *error)
{
    rh_usec began = rh_clock_monotonic();
    bool ok = staging->kind == RH_STAGING_EMBEDDED ? rh_snapshot_reset(staging, error)
                                                   : rh_server_reset(staging, error);
    if (!ok)
        return rh_error_context(error, "the reset to the restored state failed");
    double *took = rh_arena_add(staging->arena, &staging->reset_s, &staging->reset_count);
    *took = rh_seconds(rh_clock_monotonic() - began);
    rh_progress_detail(progress, "reset", "%s, %.2f s", staging->reset_method, *took);
    return true;
}

bool rh_staging_first_writes_differ(const rh_staging *staging)
{
    return staging->copy_on_write && strcmp(staging->copy_on_write, "first_pass") == 0;
}

const char *rh_staging_copy_on_write(const rh_staging *staging)
{
    const char *state = staging->copy_on_write;
    return staging->scenario->staging.snapshot.take
               ? "what the storage of staging.snapshot adds to the first write of a block is not known"
           : state && strcmp(state, "every_pass") == 0
               ? "the file system of staging.directory copies each write, or does not tell which blocks are "
                 "shared (btrfs, ZFS): XFS, ext4 and chattr +C on btrfs do not"
           : state && strcmp(state, "first_pass") == 0
               ? "the first write of each block is copied in the first pass that writes it (staging.warm_up: "
                 "false)"
               : NULL;
}

void rh_staging_warmed_up(rh_staging *staging)
{
    staging->copy_on_write = "unshared";
}

void rh_staging_crash(rh_staging *staging)
{
    if (staging->kind == RH_STAGING_EMBEDDED)
        rh_embedded_crash(staging);
}

bool rh_staging_restart(rh_staging *staging, rh_error *error)
{
    return staging->kind != RH_STAGING_EMBEDDED || rh_embedded_recover(staging, error);
}

void rh_staging_note(rh_staging *staging, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *sentence = rh_arena_vprintf(staging->arena, format, args);
    va_end(args);
    for (size_t i = 0; i < staging->neutralised_count; i++) {
        if (strcmp(staging->neutralised[i], sentence) == 0)
            return;
    }
    const char **added = rh_arena_add(staging->arena, &staging->neutralised, &staging->neutralised_count);
    *added = sentence;
}

/* A login event trigger that raises would keep us out; and what we do is no event of the application's. */
static const char *own_options(rh_staging *staging)
{
    enum { FIRST_WITH_EVENT_TRIGGERS = 17 };
    const char *options = rh_database_options(staging->origin, staging->arena);
    if (staging->kind != RH_STAGING_EMBEDDED || staging->major < FIRST_WITH_EVENT_TRIGGERS)
        return options;
    return rh_arena_printf(staging->arena, "%s%s-c event_triggers=off", options ? options : "",
                           options ? " " : "");
}

const char *rh_staging_conninfo_of(rh_staging *staging, const char *database)
{
    return rh_staging_conninfo_as(staging, database, NULL, own_options(staging));
}

rh_pg *rh_staging_connect(rh_staging *staging, const char *database, const char *role, rh_error *error)
{
    return rh_pg_connect(rh_staging_conninfo_of(staging, database), role, error);
}

const char *rh_staging_program(rh_staging *staging, const char *name)
{
    return rh_arena_printf(staging->arena, "%s/%s", staging->bindir, name);
}

void rh_staging_use(rh_staging *staging, const char *database)
{
    staging->sample = strcmp(database, staging->database) == 0 ? NULL : database;
    staging->conninfo = rh_staging_conninfo_of(staging, database);
    /* A session that waits for its turn does so longer here than a tool or a pool would let it. */
    const char *patient = rh_database_idles(staging->origin) ? "-c idle_session_timeout=0" : NULL;
    staging->migrations_conninfo =
        rh_staging_conninfo_as(staging, database, staging->migrations_role, patient);
    staging->workload_conninfo = rh_staging_conninfo_as(staging, database, staging->workload_role, patient);
}

/* Of a copy: the times stay in their order. */
static double median_reset_s(const rh_staging *staging)
{
    if (staging->reset_count == 0)
        return RH_NOT_MEASURED;
    double *sorted = rh_alloc(staging->reset_count * sizeof *sorted);
    memcpy(sorted, staging->reset_s, staging->reset_count * sizeof *sorted);
    double middle = rh_median(sorted, staging->reset_count);
    free(sorted);
    return middle;
}

static const char *describe_location(rh_staging *staging)
{
    if (staging->kind == RH_STAGING_EMBEDDED)
        return staging->cluster.base;
    char *shown = rh_pg_conninfo_display(rh_staging_conninfo_of(staging, staging->database));
    const char *copy = rh_arena_strdup(staging->arena, shown);
    free(shown);
    return copy;
}

static void copy_lists(const rh_staging *staging, rh_arena *arena, rh_staging_facts *facts)
{
    facts->setting_count = 0;
    for (size_t i = 0; i < staging->setting_count; i++) {
        const rh_setting_fact *from = &staging->settings[i];
        rh_setting_fact *to = rh_arena_add(arena, &facts->settings, &facts->setting_count);
        *to = (rh_setting_fact){.name = rh_arena_strdup(arena, from->name),
                                .value = rh_arena_strdup(arena, from->value),
                                .restore_value = rh_arena_strdup(arena, from->restore_value),
                                .production_value = rh_arena_strdup(arena, from->production_value)};
    }
    for (size_t i = 0; i < staging->neutralised_count; i++) {
        const char **sentence = rh_arena_add(arena, &facts->neutralised, &facts->neutralised_count);
        *sentence = rh_arena_strdup(arena, staging->neutralised[i]);
    }
}

static void copy_isolation(const rh_isolation *from, rh_arena *arena, rh_isolation *to)
{
    *to = (rh_isolation){.proven = from->proven,
                         .why_not = rh_arena_strdup(arena, from->why_not),
                         .account = rh_arena_strdup(arena, from->account)};
    for (size_t i = 0; i < from->layer_count; i++)
        *rh_arena_add(arena, &to->layers, &to->layer_count) =
            (rh_isolation_layer){.name = from->layers[i].name,
                                 .active = from->layers[i].active,
                                 .detail = rh_arena_strdup(arena, from->layers[i].detail)};
    for (size_t i = 0; i < from->attempt_count; i++)
        *rh_arena_add(arena, &to->attempts, &to->attempt_count) =
            from->attempts[i]; /* its strings are constants */
}

/* Does our process PID show what the backend of a session in DATABASE does? A container's socket may be
 * reached from outside of it, where its pid is another process's. */
static bool is_backend(int pid, const char *database)
{
    char path[64], title[512];
    snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
    FILE *file = fopen(path, "re");
    size_t got = file ? fread(title, 1, sizeof title - 1, file) : 0;
    if (file)
        fclose(file);
    title[got] = 0;
    return rh_starts_with(title, "postgres: ") && strstr(title, database);
}

/* What the rehearsed database is, by the catalog. */
static void describe_database(const rh_staging *staging, rh_pg *pg, rh_arena *arena, rh_staging_facts *facts)
{
    const char *provider = staging->major >= 15 ? "datlocprovider" : "'c'";
    const char *locale = staging->major >= 17   ? "datlocale"
                         : staging->major >= 15 ? "daticulocale"
                                                : "NULL::text";
    const char *sql =
        rh_arena_printf(arena,
                        "SELECT pg_catalog.pg_encoding_to_char(encoding), datcollate, datctype, "
                        "CASE %s WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END, %s "
                        "FROM pg_catalog.pg_database WHERE datname = current_database()",
                        provider, locale);
    rh_pg_result *row = rh_pg_query(pg, sql, 0, NULL, NULL);
    if (row && rh_pg_rows(row) == 1) {
        facts->encoding = rh_arena_strdup(arena, rh_pg_value(row, 0, 0));
        facts->collate = rh_arena_strdup(arena, rh_pg_value(row, 0, 1));
        facts->ctype = rh_arena_strdup(arena, rh_pg_value(row, 0, 2));
        facts->provider = rh_arena_strdup(arena, rh_pg_value(row, 0, 3));
        facts->locale = rh_arena_strdup(arena, rh_pg_value(row, 0, 4));
    }
    rh_pg_result_free(row);
    facts->locale_missing = rh_arena_strdup(arena, staging->locale_missing);
    facts->locale_why = rh_arena_strdup(arena, staging->locale_why);
}

bool rh_staging_describe(rh_staging *staging, rh_arena *arena, rh_staging_facts *facts, rh_error *error)
{
    rh_pg *pg = rh_staging_connect(staging, staging->database, ": staging", error);
    rh_pg_result *version = pg ? rh_pg_query(pg, "SHOW server_version", 0, NULL, error) : NULL;
    bool ok = version && (staging->setting_count > 0 || rh_settings_record(staging, error));
    if (ok) {
        *facts = (rh_staging_facts){
            .kind = staging->kind,
            .server_version = rh_arena_strdup(arena, rh_pg_value(version, 0, 0)),
            .server_version_num = rh_pg_server_version(pg),
            .location = rh_arena_strdup(arena, describe_location(staging)),
            .reset_method = staging->reset_method,
            .copy_on_write = staging->copy_on_write,
            .snapshot_s = staging->reset_method ? staging->snapshot_s : RH_NOT_MEASURED,
            .reset_s = median_reset_s(staging),
            .snapshot_bytes = staging->reset_method ? staging->snapshot_bytes : RH_UNKNOWN,
            .reset_bytes = staging->reset_bytes,
            .resets = (int)staging->reset_count,
            .cpu_count = (int)sysconf(_SC_NPROCESSORS_ONLN),
            .memory_bytes = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE),
            .local = staging->kind == RH_STAGING_EMBEDDED,
        };
        if (!facts->local && rh_pg_is_unix_socket(pg)) {
            const char *proc = rh_arena_printf(arena, "/proc/%d/io", rh_pg_backend_pid(pg));
            facts->local = access(proc, R_OK) == 0 && is_backend(rh_pg_backend_pid(pg), staging->database);
        }
        describe_database(staging, pg, arena, facts);
        copy_lists(staging, arena, facts);
        copy_isolation(&staging->isolation, arena, &facts->isolation);
    }
    rh_pg_result_free(version);
    rh_pg_close(pg);
    return ok;
}
