/* Production's settings, from the scenario and from production's profile. */
#include "pgrehearse/base/text.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/units.h"
#include "isolation.h"
#include "settings.h"
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { BLOCK_BYTES = 8192 };

/* Settings of a profile that affect a migration's duration or outcome: memory, WAL, what the planner chooses,
 * timeouts. Everything else there is production's own affair. */
static const char *const CARRIED[] = {
    "shared_buffers",
    "work_mem",
    "maintenance_work_mem",
    "hash_mem_multiplier",
    "temp_buffers",
    "effective_*",
    "maintenance_io_concurrency",
    "wal_compression",
    "wal_level",
    "wal_buffers",
    "full_page_writes",
    "fsync",
    "synchronous_commit",
    "commit_*",
    "m??_wal_size",
    "checkpoint_*",
    "backend_flush_after",
    "bgwriter_*",
    "autovacuum*",
    "vacuum_*",
    "max_parallel_*",
    "max_worker_processes",
    "max_locks_per_transaction",
    "*_cost",
    "min_parallel_*",
    "enable_*",
    "jit*",
    "default_statistics_target",
    "default_toast_compression",
    "constraint_exclusion",
    "lock_timeout",
    "statement_timeout",
    "deadlock_timeout",
};

static const rh_location *where(const rh_staging *staging)
{
    return &staging->scenario->staging.where;
}

static void apply(rh_staging *staging, const rh_setting *setting)
{
    *rh_arena_add(staging->arena, &staging->applied, &staging->applied_count) = *setting;
}

static void sort_settings(rh_staging *staging)
{
    for (size_t i = 0; i < staging->scenario->staging.setting_count; i++) {
        const rh_setting *setting = &staging->scenario->staging.settings[i];
        const char *why = rh_settings_refusal(setting->name, setting->value);
        if (why && *why)
            rh_staging_note(staging, "setting %s of production is not applied: %s", setting->name, why);
        else if (!why)
            apply(staging, setting);
    }
}

/* The nearest name that the server knows, or NULL; in the arena. */
static const char *suggest(rh_staging *staging, const char *name)
{
    const char *argv[] = {rh_staging_program(staging, "postgres"), "--describe-config", NULL};
    rh_process_options options = rh_isolation_options(staging);
    options.argv = argv;
    rh_text output = {0};
    const char **names = NULL;
    size_t count = 0;
    if (rh_process_run(&options, RH_PROCESS_PATIENCE, &output, NULL)) {
        char *state = NULL;
        for (char *line = strtok_r(output.data, "\n", &state); line; line = strtok_r(NULL, "\n", &state)) {
            const char **known = rh_arena_add(staging->arena, &names, &count);
            *known = rh_arena_strndup(staging->arena, line, strcspn(line, "\t"));
        }
    }
    rh_text_release(&output);
    return rh_nearest(name, names, count);
}

/* The server's message about a setting, at the scenario's place. */
static bool fail_setting(rh_staging *staging, const char *output, rh_error *error)
{
    static const char unknown[] = "unrecognized configuration parameter \"";
    const char *fatal = strstr(output, "FATAL:  "), *hint = strstr(output, "HINT:  ");
    const char *line = fatal ? fatal + strlen("FATAL:  ") : output;
    rh_error_set(error, RH_ERROR_SCENARIO, "staging.settings: %.*s", (int)strcspn(line, "\n"), line);
    if (rh_starts_with(line, unknown)) {
        const char *name = line + strlen(unknown);
        const char *nearest = suggest(staging, rh_arena_strndup(staging->arena, name, strcspn(name, "\"")));
        if (nearest)
            rh_error_hint(error, "did you mean %s?", nearest);
        else
            rh_error_hint(error, "PostgreSQL %d has no such setting: take it out", staging->major);
    } else if (hint) {
        rh_error_hint(error, "%.*s", (int)strcspn(hint + 7, "\n"), hint + 7);
    }
    return rh_error_at(error, where(staging)->file, where(staging)->line, where(staging)->column);
}

/* Lets the server itself read settings; *BLOCKS: shared_buffers as it understood it. When it refuses them,
 * its message goes to REFUSED. */
static bool ask_server(rh_staging *staging, const rh_setting *settings, size_t setting_count, int64_t *blocks,
                       rh_text *refused, rh_error *error)
{
    const char **argv = NULL;
    size_t count = 0;
    const char *const first[] = {rh_staging_program(staging, "postgres"), "-D", staging->cluster.data, "-C",
                                 "shared_buffers"};
    for (size_t i = 0; i < sizeof first / sizeof *first; i++)
        *rh_arena_add(staging->arena, &argv, &count) = first[i];
    for (size_t i = 0; i < setting_count; i++) {
        *rh_arena_add(staging->arena, &argv, &count) = "-c";
        *rh_arena_add(staging->arena, &argv, &count) =
            rh_arena_printf(staging->arena, "%s=%s", settings[i].name, settings[i].value);
    }
    if (staging->copy) { /* its data directory has no configuration */
        *rh_arena_add(staging->arena, &argv, &count) = "-c";
        *rh_arena_add(staging->arena, &argv, &count) =
            rh_arena_printf(staging->arena, "config_file=%s/postgresql.conf", staging->cluster.config);
    }
    rh_arena_add(staging->arena, &argv, &count);
    rh_process_options options = rh_isolation_options(staging);
    options.argv = argv;
    options.environment = (const char *const[]){"LC_ALL=C", NULL};
    int status = 0;
    rh_process *process = rh_process_start(&options, error);
    bool ok = process && rh_process_wait(process, RH_PROCESS_PATIENCE, &status, error);
    if (ok && status != 0)
        rh_text_append(refused, rh_process_errors(process));
    else if (ok)
        *blocks = strtoll(rh_process_output(process), NULL, 10);
    rh_process_free(process);
    return ok && status == 0;
}

/* ---- of the profile ---- */

static bool is_carried(const rh_staging *staging, const char *name)
{
    for (size_t i = 0; i < staging->scenario->staging.setting_count; i++)
        if (strcasecmp(staging->scenario->staging.settings[i].name, name) == 0)
            return false;
    for (size_t i = 0; i < sizeof CARRIED / sizeof *CARRIED; i++)
        if (fnmatch(CARRIED[i], name, 0) == 0)
            return true;
    return false;
}

/* What this machine lacks for it; NULL when it has enough. */
static const char *too_much(rh_staging *staging, const rh_setting *setting)
{
    int64_t wanted = 0, memory = rh_settings_memory(), disk = rh_disk_free(staging->cluster.base);
    char have[32];
    if (!rh_size_parse(setting->value, &wanted))
        return NULL;
    if (strcmp(setting->name, "shared_buffers") == 0 && wanted > memory / 4 * 3)
        return rh_arena_printf(staging->arena, "this machine has %s of memory",
                               rh_size_format(memory, have, sizeof have));
    if (fnmatch("m??_wal_size", setting->name, 0) == 0 && disk >= 0 && wanted > disk / 4)
        return rh_arena_printf(staging->arena, "this disk has %s left",
                               rh_size_format(disk, have, sizeof have));
    return NULL;
}

static void refuse(rh_staging *staging, const rh_setting *setting, const char *why)
{
    rh_staging_note(staging, "production's %s = %s is not applied: %s", setting->name, setting->value, why);
}

/* Those that the server takes; what it does not know keeps no other out. It is asked for all of them at once,
 * for each only when it refuses some. False: it could not be asked. */
static bool carry(rh_staging *staging, const rh_setting *settings, size_t count, rh_error *error)
{
    rh_text refused = {0};
    int64_t blocks;
    bool taken = ask_server(staging, settings, count, &blocks, &refused, error);
    bool ok = taken || refused.length > 0;
    for (size_t i = 0; taken && i < count; i++)
        apply(staging, &settings[i]);
    if (ok && !taken && count == 1) {
        const char *fatal = strstr(refused.data, "FATAL:  ");
        const char *message = fatal ? fatal + strlen("FATAL:  ") : refused.data;
        refuse(staging, settings, rh_arena_strndup(staging->arena, message, strcspn(message, "\n")));
    }
    for (size_t i = 0; ok && !taken && count > 1 && i < count; i++)
        ok = carry(staging, &settings[i], 1, error);
    rh_text_release(&refused);
    return ok;
}

static bool carry_profile(rh_staging *staging, rh_error *error)
{
    rh_setting *fit = NULL;
    size_t count = 0;
    for (size_t i = 0; i < staging->production_count; i++) {
        const rh_setting *setting = &staging->production[i];
        const char *why = is_carried(staging, setting->name) ? too_much(staging, setting) : NULL;
        if (why)
            refuse(staging, setting, why);
        else if (is_carried(staging, setting->name))
            *rh_arena_add(staging->arena, &fit, &count) = *setting;
    }
    return count == 0 || carry(staging, fit, count, error);
}

bool rh_settings_carry(rh_staging *staging, const rh_setting *settings, size_t count, rh_error *error)
{
    if (staging->production_count > 0)
        return true;
    staging->production = settings;
    staging->production_count = count;
    return carry_profile(staging, error);
}

bool rh_settings_check(rh_staging *staging, rh_error *error)
{
    int64_t blocks = 0, memory = rh_settings_memory();
    sort_settings(staging);
    if (!carry_profile(staging, error))
        return false;
    if (staging->applied_count == 0)
        return true;
    rh_text refused = {0};
    bool ok = ask_server(staging, staging->applied, staging->applied_count, &blocks, &refused, error);
    if (!ok && refused.length > 0)
        fail_setting(staging, refused.data, error);
    rh_text_release(&refused);
    if (!ok || blocks * BLOCK_BYTES <= memory / 4 * 3)
        return ok;
    char wanted[32], have[32];
    rh_error_set(error, RH_ERROR_SCENARIO,
                 "staging.settings: shared_buffers of %s does not fit into this machine's %s",
                 rh_size_format(blocks * BLOCK_BYTES, wanted, sizeof wanted),
                 rh_size_format(memory, have, sizeof have));
    rh_error_hint(
        error, "set at most three quarters of the memory; the report shows both values when production's is "
               "given in its profile");
    return rh_error_at(error, where(staging)->file, where(staging)->line, where(staging)->column);
}
