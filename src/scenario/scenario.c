#include "pgrehearse/scenario/scenario.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/adapters/yaml.h"
#include "pgrehearse/base/text.h"
#include "keys.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void set_defaults(rh_scenario *scenario)
{
    scenario->migrations.concurrent_runners = 1;
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    scenario->backup.jobs = cpus > 0 ? (int)cpus : 1;
    scenario->backup.timeout = 24 * 3600 * RH_SECOND;
    scenario->staging.directory = "/var/tmp";
    scenario->staging.warm_up = true;
    scenario->staging.snapshot.timeout = 3600 * RH_SECOND;
    scenario->workload.next.source = RH_WORKLOAD_NONE;
    scenario->workload.before = 10 * RH_SECOND;
    scenario->workload.after = 10 * RH_SECOND;
    scenario->workload.seed = 1;
    scenario->rollback = true;
    scenario->repeat = 3;
    scenario->passes = RH_PASS_ALL;
}

/* Where the file lies, and its bytes (0-terminated, in ARENA). */
static char *read_file(const char *path, rh_arena *arena, rh_scenario *scenario, size_t *length,
                       rh_error *error)
{
    char absolute[PATH_MAX];
    if (!realpath(path, absolute) || rh_directory_exists(absolute) || access(absolute, R_OK) != 0) {
        const char *why = rh_directory_exists(path) ? "it is a directory" : strerror(errno);
        rh_error_set(error, RH_ERROR_SCENARIO, "cannot read the scenario \"%s\": %s", path, why);
        rh_error_hint(error, "\"pgrehearse init DIRECTORY\" writes a scenario to start from");
        return NULL;
    }
    scenario->path = rh_arena_strdup(arena, absolute);
    const char *slash = strrchr(scenario->path, '/');
    scenario->directory = slash == scenario->path
                              ? "/"
                              : rh_arena_strndup(arena, scenario->path, (size_t)(slash - scenario->path));
    char *text = rh_file_read(absolute, RH_YAML_LIMIT, arena, length, error);
    if (!text && error)
        error->code = RH_ERROR_SCENARIO;
    return text;
}

/* One "KEY=VALUE" of --set. */
static bool graft(rh_yaml *yaml, const char *set, rh_arena *arena, rh_error *error)
{
    const char *equals = strchr(set, '=');
    if (!equals || equals == set) {
        rh_error_set(error, RH_ERROR_USAGE, "--set \"%s\" is not KEY=VALUE", set);
        return rh_error_hint(error, "write, for example, --set workload.rate=50");
    }
    /* without the value, which may be a secret */
    const char *key = rh_arena_strndup(arena, set, (size_t)(equals - set));
    const char *name = rh_arena_printf(arena, "--set %s", key);
    rh_yaml *value = rh_yaml_parse(equals + 1, name, error);
    if (!value) {
        if (error)
            error->code = RH_ERROR_USAGE;
        return rh_error_at(error, name, 0, 0);
    }
    return rh_yaml_set(yaml, key, value, error) ||
           rh_error_at(error, "--set", 0, 0); /* which quotes the key */
}

/* SECTION is "workload" or "workload.next". */
static bool check_files(rh_reader *reader, rh_yaml_node *workload, const char *section,
                        rh_workload_source source, size_t files)
{
    bool statistics = source == RH_WORKLOAD_STATISTICS, needs = statistics || source == RH_WORKLOAD_PGBENCH;
    if (needs && files == 0) {
        rh_value_fail(reader, rh_yaml_get(workload, "source"), "%s.source: %s needs %s.path", section,
                      statistics ? "pg_stat_statements" : "pgbench", section);
        return rh_error_hint(reader->error, statistics ? "write path: FILE.csv, an export of the view"
                                                       : "write path: SCRIPT.sql");
    }
    if (!needs && files > 0) {
        rh_value_fail(reader, rh_yaml_get(workload, "path"),
                      "%s.path is only for source: pg_stat_statements or pgbench", section);
        return rh_error_hint(reader->error, "add such a source, or remove the path");
    }
    if (statistics && files > 2) {
        rh_value_fail(reader, rh_yaml_get(workload, "path"), "%s.path: there are more than two snapshots",
                      section);
        return rh_error_hint(reader->error, "give one export, or the earlier and the later of two");
    }
    return true;
}

static bool check_workload(rh_reader *reader, rh_yaml_node *workload)
{
    const rh_scenario *scenario = reader->scenario;
    rh_yaml_node *next = workload ? rh_yaml_get(workload, "next") : NULL;
    if (!check_files(reader, workload, "workload", scenario->workload.source, scenario->workload.file_count))
        return false;
    if (!next || rh_yaml_node_kind(next) != RH_YAML_MAPPING)
        return true;
    if (scenario->workload.source == RH_WORKLOAD_NONE) {
        rh_value_fail(reader, next, "workload.next needs a workload: workload.source is none");
        return rh_error_hint(reader->error, "it is compared with the running release's mix");
    }
    return check_files(reader, next, "workload.next", scenario->workload.next.source,
                       scenario->workload.next.file_count);
}

/* Only plain SQL has no transaction rule of its own. With framework: auto the folder decides (detect.c). */
static bool check_transaction(rh_reader *reader, rh_yaml_node *migrations)
{
    const rh_framework framework = reader->scenario->migrations.framework;
    rh_yaml_node *transaction = rh_yaml_get(migrations, "transaction");
    if (transaction && framework != RH_FRAMEWORK_AUTO && framework != RH_FRAMEWORK_SQL) {
        rh_value_fail(reader, transaction, "migrations.transaction is for plain SQL files (framework: sql)");
        return rh_error_hint(reader->error, "remove it: each migration tool has its own transaction rule");
    }
    return true;
}

/* Files, or a program; and what a program cannot have. */
static bool check_migrations(rh_reader *reader, rh_yaml_node *migrations)
{
    rh_scenario *scenario = reader->scenario;
    const bool wanted = scenario->migrations.framework == RH_FRAMEWORK_COMMAND;
    rh_yaml_node *runners = rh_yaml_get(migrations, "concurrent_runners");
    if (runners && !scenario->migrations.command) {
        rh_value_fail(reader, runners, "migrations.concurrent_runners needs the program that migrates");
        return rh_error_hint(reader->error, "files are replayed by pgrehearse, which takes no lock of the "
                                            "framework's: give it as migrations.command");
    }
    if (!scenario->migrations.command && !(wanted || scenario->migrations.down)) {
        if (scenario->migrations.path)
            return check_transaction(reader, migrations);
        rh_value_fail(reader, migrations, "migrations.path is missing");
        return rh_error_hint(reader->error,
                             "\"pgrehearse init DIRECTORY\" writes a scenario with every key explained");
    }
    if (!scenario->migrations.command) {
        rh_value_fail(reader, rh_yaml_get(migrations, wanted ? "framework" : "down"),
                      "migrations.command is missing");
        return rh_error_hint(reader->error,
                             "name the program that migrates: command: [./manage.py, migrate]");
    }
    if (!wanted && scenario->migrations.framework != RH_FRAMEWORK_AUTO) {
        rh_value_fail(reader, rh_yaml_get(migrations, "framework"),
                      "migrations.command is only for framework: command");
        return rh_error_hint(reader->error, "remove one of the two");
    }
    static const char *const files_only[] = {"path",        "pending",           "history",
                                             "transaction", "statement_timeout", "steps"};
    for (size_t i = 0; i < sizeof files_only / sizeof *files_only; i++)
        if (rh_yaml_get(migrations, files_only[i])) {
            rh_value_fail(reader, rh_yaml_get(migrations, files_only[i]),
                          "migrations.%s is for files, and migrations.command is a program", files_only[i]);
            return rh_error_hint(reader->error, "the program itself knows what to run: remove it");
        }
    scenario->migrations.framework = RH_FRAMEWORK_COMMAND;
    return true;
}

/* Both happen under load. */
static bool check_disturb(rh_reader *reader, rh_yaml_node *root)
{
    static const char *const keys[] = {"disturb", "lock_policy"};
    if (reader->scenario->workload.source != RH_WORKLOAD_NONE)
        return true;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (rh_yaml_get(root, keys[i])) {
            rh_value_fail(reader, rh_yaml_get(root, keys[i]), "%s needs a load, and there is none", keys[i]);
            return rh_error_hint(reader->error, "name migrations and a workload.source, or remove %s",
                                 keys[i]);
        }
    return true;
}

/* Nothing is restored of a clone, and its own server copies it. */
static bool check_clone(rh_reader *reader, rh_yaml_node *backup)
{
    static const char *const others[] = {"path",    "command",  "timeout", "restore_command", "target",
                                         "sha256",  "database", "jobs",    "atomic_snapshot", "csv_null",
                                         "partial", "skip",     "before"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (rh_yaml_get(backup, others[i])) {
            rh_value_fail(reader, rh_yaml_get(backup, others[i]),
                          "backup.%s is not for backup.clone, of which nothing is restored", others[i]);
            return rh_error_hint(reader->error, "remove one of the two");
        }
    if (reader->scenario->staging.kind == RH_STAGING_SERVER)
        return true;
    rh_value_fail(reader, rh_yaml_get(backup, "clone"), "backup.clone needs the server that it is on");
    return rh_error_hint(reader->error,
                         "write staging: {kind: server, url: postgresql://USER@HOST/postgres}");
}

/* A backup that is there, or a program that restores one. */
static bool check_backup(rh_reader *reader, rh_yaml_node *backup)
{
    const rh_scenario *scenario = reader->scenario;
    if (scenario->backup.clone)
        return check_clone(reader, backup);
    if (!scenario->backup.path && !scenario->backup.command) {
        rh_value_fail(reader, backup, "backup.path is missing");
        return rh_error_hint(reader->error,
                             "\"pgrehearse init DIRECTORY\" writes a scenario with every key explained");
    }
    if (scenario->backup.path && scenario->backup.command) {
        rh_value_fail(reader, rh_yaml_get(backup, "command"),
                      "backup has both a path and a command that restores it");
        return rh_error_hint(reader->error, "remove one of the two");
    }
    rh_yaml_node *timeout = rh_yaml_get(backup, "timeout"), *target = rh_yaml_get(backup, "target");
    if (timeout && !scenario->backup.command && !scenario->backup.restore_command) {
        rh_value_fail(reader, timeout, "backup.timeout is for backup.command and backup.restore_command");
        return rh_error_hint(reader->error, "remove it");
    }
    const rh_recovery_target *wanted = &scenario->backup.target;
    if (target && (wanted->time != NULL) + (wanted->name != NULL) + (wanted->lsn != NULL) != 1) {
        rh_value_fail(reader, target, "backup.target has one of time, name and lsn");
        return rh_error_hint(reader->error, "without backup.target the recovery ends with the backup");
    }
    return true;
}

/* Checks that need several keys. */
static bool check_together(rh_reader *reader, rh_yaml_node *root)
{
    rh_scenario *scenario = reader->scenario;
    if (!check_backup(reader, rh_yaml_get(root, "backup")))
        return false;
    rh_yaml_node *staging = rh_yaml_get(root, "staging");
    bool server = scenario->staging.kind == RH_STAGING_SERVER;
    if (server && !scenario->staging.url) {
        rh_value_fail(reader, rh_yaml_get(staging, "kind"), "staging.kind: server needs staging.url");
        return rh_error_hint(reader->error,
                             "write url: postgresql://USER@HOST/DATABASE, or url: ${STAGING_URL}");
    }
    if (!server && scenario->staging.url) {
        rh_value_fail(reader, rh_yaml_get(staging, "url"), "staging.url is only for a given server");
        return rh_error_hint(reader->error, "add kind: server, or remove the url");
    }
    if (server && scenario->staging.snapshot.take) {
        rh_value_fail(reader, rh_yaml_get(staging, "snapshot"), "staging.snapshot is not for a given server");
        return rh_error_hint(reader->error, "remove it: databases there are reset from a template");
    }
    rh_yaml_node *workload = rh_yaml_get(root, "workload");
    if (!workload || !rh_yaml_get(workload, "source"))
        scenario->workload.source =
            scenario->migrations.path || scenario->migrations.command ? RH_WORKLOAD_SCHEMA : RH_WORKLOAD_NONE;
    rh_yaml_node *migrations = rh_yaml_get(root, "migrations");
    if (migrations && rh_yaml_node_kind(migrations) == RH_YAML_MAPPING &&
        !check_migrations(reader, migrations))
        return false;
    return check_workload(reader, workload) && check_disturb(reader, root);
}

bool rh_scenario_load(const char *path, const char *const *sets, size_t set_count, rh_arena *arena,
                      rh_scenario *scenario, rh_error *error)
{
    *scenario = (rh_scenario){0};
    set_defaults(scenario);
    size_t length;
    const char *text = read_file(path, arena, scenario, &length, error);
    rh_yaml *yaml = text ? rh_yaml_parse_bytes(text, length, path, error) : NULL;
    if (!yaml)
        return false;
    rh_sha256_bytes(text, length, scenario->sha256);
    bool ok = true;
    for (size_t i = 0; i < set_count && ok; i++)
        ok = graft(yaml, sets[i], arena, error);
    rh_reader reader = {arena, scenario, error};
    ok = ok && rh_keys_read(&reader, rh_yaml_root(yaml)) && check_together(&reader, rh_yaml_root(yaml));
    rh_yaml_free(yaml);
    return ok;
}
