/* The settings of the embedded server in the restore phase and in the timed passes, and the values then in
 * force. */
#include "settings.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/base/units.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OWN_CONNECTIONS = 20, DEFAULT_CONNECTIONS = 100 };

static const int64_t MB = INT64_C(1) << 20, GB = INT64_C(1) << 30;

/* A setting of ours, and the first major version that knows it. */
typedef struct own_setting {
    const char *name, *value;
    int since;
} own_setting;

/* On the command line, where neither a file of production's nor ALTER SYSTEM in a dump overrides them. */
static const own_setting ALWAYS[] = {
    {"listen_addresses", "", 0},
    {"port", "5432", 0},
    {"unix_socket_permissions", "0700", 0},
    {"ssl", "off", 0},
    {"archive_mode", "off", 0},
    {"archive_command", "", 0},
    {"archive_library", "", 15},
    {"restore_command", "", 12},
    {"external_pid_file", "pgrehearse.pid", 0}, /* in the data directory; an empty name is complained about */
    {"primary_conninfo", "", 12},
    {"synchronous_standby_names", "", 0},
    {"max_logical_replication_workers", "0", 10},
    {"session_preload_libraries", "", 0},
    {"local_preload_libraries", "", 0},
    /* The log: what explains an end, and lock waits; never a statement, a parameter or a value. */
    {"log_destination", "stderr", 0},
    {"logging_collector", "off", 0},
    {"log_line_prefix", "%m [%p] ", 0},
    {"log_timezone", "UTC", 0},
    {"log_min_messages", "log", 0},
    {"log_min_error_statement", "panic", 0},
    {"log_error_verbosity", "terse", 0},
    {"log_statement", "none", 0},
    {"log_duration", "off", 0},
    {"log_min_duration_statement", "-1", 0},
    {"log_min_duration_sample", "-1", 13},
    {"log_transaction_sample_rate", "0", 12},
    {"log_parameter_max_length", "0", 13},
    {"log_temp_files", "-1", 0},
    {"log_lock_waits", "on", 0},
    {"lc_messages", "C", 0},
};

/* While restoring, nothing has to survive a crash: a restore that fails is done again. */
static const own_setting RESTORE[] = {
    {"fsync", "off", 0},
    {"full_page_writes", "off", 0},
    {"synchronous_commit", "off", 0},
    {"wal_level", "minimal", 0},
    {"max_wal_senders", "0", 0},
    {"wal_recycle", "off", 12}, /* else gigabytes of used segments would go into the snapshot */
    {"autovacuum", "off", 0},
    {"checkpoint_timeout", "1h", 0},
    {"max_parallel_maintenance_workers", "2", 11},
};

/* Settings that every report shows, whatever their source. */
static const char *const SHOWN[] = {
    "shared_buffers",       "work_mem",
    "maintenance_work_mem", "max_wal_size",
    "checkpoint_timeout",   "wal_level",
    "wal_compression",      "fsync",
    "full_page_writes",     "synchronous_commit",
    "autovacuum",           "lock_timeout",
    "statement_timeout",    "max_connections",
    "effective_cache_size", "deadlock_timeout",
    "random_page_cost",     "max_parallel_maintenance_workers",
};

int64_t rh_settings_memory(void)
{
    int64_t physical = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
    rh_arena *arena = rh_arena_new();
    const char *limit = rh_file_read("/sys/fs/cgroup/memory.max", 64, arena, NULL, NULL);
    int64_t bytes = limit && isdigit((unsigned char)limit[0]) ? strtoll(limit, NULL, 10) : physical;
    rh_arena_free(arena);
    return bytes < physical ? bytes : physical;
}

/* ---- files and arguments ---- */

static void put(rh_text *conf, const char *name, const char *value)
{
    rh_text_printf(conf, "%s = '", name);
    for (; *value; value++) {
        if (*value == '\'' || *value == '\\')
            rh_text_append_char(conf, *value);
        rh_text_append_char(conf, *value);
    }
    rh_text_append(conf, "'\n");
}

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

static void put_restore(const rh_staging *staging, rh_text *conf)
{
    int64_t memory = rh_settings_memory(), disk = rh_disk_free(staging->cluster.base);
    for (size_t i = 0; i < sizeof RESTORE / sizeof *RESTORE; i++) {
        if (staging->major >= RESTORE[i].since)
            put(conf, RESTORE[i].name, RESTORE[i].value);
    }
    if (staging->copy) /* what the recovery of prepared transactions needs; no VACUUM of our own accord */
        rh_text_printf(
            conf,
            "max_prepared_transactions = %d\nmax_locks_per_transaction = %d\n"
            "autovacuum_freeze_max_age = 2000000000\nautovacuum_multixact_freeze_max_age = 2000000000\n",
            staging->copy->max_prepared, staging->copy->max_locks);
    int jobs = staging->scenario->backup.jobs > 0 ? staging->scenario->backup.jobs : 2;
    rh_text_printf(conf, "maintenance_work_mem = '%lldMB'\n",
                   (long long)(clamp(memory / 8 / jobs, 64 * MB, GB) / MB));
    /* Each table's COPY commits new files, whose commit scans all of the buffers: with 2 GB, 10,000
     * tables took twice as long. A restore reads what it wrote from the system's cache. */
    rh_text_append(conf, "shared_buffers = '256MB'\n");
    rh_text_printf(conf, "max_wal_size = '%lldMB'\n", (long long)(clamp(disk / 8, GB, 16 * GB) / MB));
}

/* Production's, with room for the load's connections and ours. */
static void put_timed(const rh_staging *staging, rh_text *conf)
{
    int connections = DEFAULT_CONNECTIONS, needed = staging->load_connections + OWN_CONNECTIONS;
    for (size_t i = 0; i < staging->applied_count; i++) {
        put(conf, staging->applied[i].name, staging->applied[i].value);
        if (strcasecmp(staging->applied[i].name, "max_connections") == 0)
            connections = rh_leading_int(staging->applied[i].value);
    }
    if (connections < needed)
        rh_text_printf(conf, "max_connections = %d\n", needed);
    if (staging->scaled_settings)
        rh_text_append(conf, staging->scaled_settings);
}

/* Into the directory of the configuration, for the server to read. */
static bool write_file(const rh_staging *staging, const char *name, const char *text, size_t length,
                       rh_error *error)
{
    const char *path = rh_arena_printf(staging->arena, "%s/%s", staging->cluster.config, name);
    return rh_file_write(path, text, length, error) &&
           (chmod(path, 0644) == 0 || rh_error_errno(error, errno, "cannot give access to %s", path));
}

bool rh_settings_begin(rh_staging *staging, rh_error *error)
{
    static const char *const names[] = {"postgresql.conf", "pg_hba.conf", "pg_ident.conf"};
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof names / sizeof *names; i++) {
        const char *made = rh_arena_printf(staging->arena, "%s/%s", staging->cluster.data, names[i]);
        char *text = rh_file_read(made, 1 << 20, staging->arena, NULL, error);
        if (text && i == 0)
            text = rh_arena_printf(staging->arena, "%s\ninclude 'pgrehearse.conf'\n", text);
        ok = text && write_file(staging, names[i], text, strlen(text), error);
    }
    return ok;
}

bool rh_settings_write(rh_staging *staging, rh_settings_phase phase, rh_error *error)
{
    rh_text conf = {0};
    if (phase == RH_SETTINGS_RESTORE)
        put_restore(staging, &conf);
    else
        put_timed(staging, &conf);
    bool ok = write_file(staging, "pgrehearse.conf", rh_text_string(&conf), conf.length, error);
    if (ok)
        staging->phase = phase;
    rh_text_release(&conf);
    return ok;
}

static void add_option(rh_staging *staging, const char ***argv, size_t *count, const char *name,
                       const char *value)
{
    *rh_arena_add(staging->arena, argv, count) = "-c";
    *rh_arena_add(staging->arena, argv, count) = rh_arena_printf(staging->arena, "%s=%s", name, value);
}

/* Of shared_preload_libraries only one is taken over: it measures, and does nothing by itself. Others start
 * workers, schedule jobs or write to the log. */
static const char *preload(rh_staging *staging)
{
    static const char wanted[] = "pg_stat_statements";
    const char *file = rh_arena_printf(staging->arena, "%s/../lib/%s.so", staging->bindir, wanted);
    for (size_t i = 0; i < staging->scenario->staging.setting_count; i++) {
        const rh_setting *setting = &staging->scenario->staging.settings[i];
        if (strcasecmp(setting->name, "shared_preload_libraries") == 0 && strstr(setting->value, wanted) &&
            rh_file_exists(file))
            return wanted;
    }
    return "";
}

const char **rh_settings_arguments(rh_staging *staging, const rh_settings_server *server, size_t *count)
{
    const rh_cluster *cluster = &staging->cluster;
    const char **argv = NULL;
    *count = 0;
    const char *const first[] = {rh_staging_program(staging, "postgres"), "-D", server->data};
    for (size_t i = 0; i < sizeof first / sizeof *first; i++)
        *rh_arena_add(staging->arena, &argv, count) = first[i];
    for (size_t i = 0; i < sizeof ALWAYS / sizeof *ALWAYS; i++) {
        if (staging->major >= ALWAYS[i].since)
            add_option(staging, &argv, count, ALWAYS[i].name, ALWAYS[i].value);
    }
    /* A list of names, in double quotes since a directory may hold a comma. */
    add_option(staging, &argv, count, "unix_socket_directories",
               rh_arena_printf(staging->arena, "\"%s\"", server->socket));
    /* Outside of the data directory: SQL and native code can write there. */
    static const char *const files[][2] = {
        {"config_file", "postgresql.conf"}, {"hba_file", "pg_hba.conf"}, {"ident_file", "pg_ident.conf"}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        add_option(staging, &argv, count, files[i][0],
                   rh_arena_printf(staging->arena, "%s/%s", cluster->config, files[i][1]));
    /* The tablespaces of a physical copy are directories in its data directory: what resets it resets them.
     */
    if (staging->copy && staging->copy->tablespaces > 0)
        add_option(staging, &argv, count, "allow_in_place_tablespaces", "on");
    add_option(staging, &argv, count, "shared_preload_libraries", preload(staging));
    for (size_t i = 0; i < server->more_count; i++) /* the last one of a name counts */
        add_option(staging, &argv, count, server->more[i].name, server->more[i].value);
    rh_arena_add(staging->arena, &argv, count);
    (*count)--;
    return argv;
}

/* ---- what is in force ---- */

static rh_setting_fact *fact_of(rh_staging *staging, const char *name)
{
    for (size_t i = 0; i < staging->setting_count; i++) {
        if (strcasecmp(staging->settings[i].name, name) == 0)
            return &staging->settings[i];
    }
    rh_setting_fact *fact = rh_arena_add(staging->arena, &staging->settings, &staging->setting_count);
    fact->name = name;
    return fact;
}

static bool record_one(rh_staging *staging, rh_pg *pg, const char *name, rh_error *error)
{
    rh_setting_fact *fact = fact_of(staging, name);
    rh_pg_result *result = rh_pg_query(pg, "SELECT current_setting($1, true)", 1, &name, error);
    if (!result)
        return false;
    const char *value = rh_arena_strdup(staging->arena, rh_pg_value(result, 0, 0));
    rh_pg_result_free(result);
    bool embedded = staging->kind == RH_STAGING_EMBEDDED;
    if (embedded && staging->phase == RH_SETTINGS_RESTORE)
        fact->restore_value = value;
    else if (fact->restore_value && value && strcmp(fact->restore_value, value) == 0)
        fact->restore_value = NULL;
    fact->value = value ? value : "";
    return true;
}

bool rh_settings_record(rh_staging *staging, rh_error *error)
{
    rh_pg *pg = rh_staging_connect(staging, staging->database, ": settings", error);
    bool ok = pg != NULL;
    for (size_t i = 0; ok && i < sizeof SHOWN / sizeof *SHOWN; i++)
        ok = record_one(staging, pg, SHOWN[i], error);
    for (size_t i = 0; ok && i < sizeof RESTORE / sizeof *RESTORE; i++)
        ok = staging->kind != RH_STAGING_EMBEDDED || record_one(staging, pg, RESTORE[i].name, error);
    for (size_t i = 0; ok && i < staging->scenario->staging.setting_count; i++) {
        const rh_setting *setting = &staging->scenario->staging.settings[i];
        const char *why = rh_settings_refusal(setting->name, setting->value);
        if (why && !*why)
            continue;
        ok = record_one(staging, pg, setting->name, error);
        fact_of(staging, setting->name)->production_value = setting->value;
    }
    for (size_t i = 0; ok && i < staging->applied_count; i++)
        ok = record_one(staging, pg, staging->applied[i].name, error);
    rh_pg_close(pg);
    return ok;
}
