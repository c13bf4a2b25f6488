/* The scenario: what is read, what is the default, and what every kind of mistake is told, with its place. */
#include "pgrehearse/adapters/files.h"
#include "scenario/keys.h"
#include "pgrehearse/scenario/scenario.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
// clang-format off
#include <cmocka.h>
// clang-format on

static char folder[] = "/tmp/rh_test_scenario_XXXXXX";
static rh_arena *arena;
static rh_scenario scenario;

static void write_file(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0644);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static int make_folder(void **state)
{
    (void)state;
    char path[256];
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
    snprintf(path, sizeof path, "%s/migrations", folder);
    mkdir(path, 0755);
    write_file("b.dump", "x");
    write_file("mask.sql", "select 1");
    write_file("todo.sql", "-- to be written\n/* still */ ;\n");
    write_file("run.sh", "#!/bin/sh\n");
    chmod("run.sh", 0755);
    setenv("RH_T_RATE", "42", 1);
    setenv("RH_T_URL", "postgresql://u:geheim@h/d", 1);
    unsetenv("RH_T_UNSET");
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    rh_error error = {0};
    assert_int_equal(chdir("/"), 0);
    return rh_tree_remove(folder, &error) ? 0 : -1;
}

static int new_arena(void **state)
{
    (void)state;
    arena = rh_arena_new();
    return 0;
}

static int free_arena(void **state)
{
    (void)state;
    rh_arena_free(arena);
    return 0;
}

static bool load(const char *text, const char *set, rh_error *error)
{
    write_file("s.yaml", text);
    return rh_scenario_load("s.yaml", set ? &set : NULL, set ? 1 : 0, arena, &scenario, error);
}

static void loads(const char *text, const char *set)
{
    rh_error error = {0};
    if (!load(text, set, &error))
        fail_msg("%s:%d:%d: %s", error.file ? error.file : "", error.line, error.column, error.message);
}

#define BASE "name: n\nbackup: {path: b.dump}\n" /* two lines */

static void complains(const char *text, int line, int column, const char *message, const char *hint)
{
    rh_error error = {0};
    assert_false(load(text, NULL, &error));
    assert_int_equal(error.code, RH_ERROR_SCENARIO);
    if (!strstr(error.message, message))
        fail_msg("\"%s\" does not say \"%s\"", error.message, message);
    if (hint && (!error.hint || !strstr(error.hint, hint)))
        fail_msg("the hint \"%s\" does not say \"%s\"", error.hint ? error.hint : "(none)", hint);
    assert_string_equal(error.file, "s.yaml");
    assert_int_equal(error.line, line);
    assert_int_equal(error.column, column);
    rh_error_release(&error);
}

static void test_defaults(void **state)
{
    (void)state;
    loads(BASE, NULL);
    char path[256];
    snprintf(path, sizeof path, "%s/b.dump", folder);
    assert_string_equal(scenario.backup.path, path);
    assert_string_equal(scenario.directory, folder);
    assert_int_equal(strlen(scenario.sha256), 64);
    assert_int_equal(scenario.backup.jobs, sysconf(_SC_NPROCESSORS_ONLN));
    assert_int_equal(scenario.staging.kind, RH_STAGING_EMBEDDED);
    assert_string_equal(scenario.staging.directory, "/var/tmp");
    assert_null(scenario.migrations.path);
    assert_int_equal(scenario.workload.source, RH_WORKLOAD_NONE);
    assert_true(scenario.workload.rate == 0); /* production's */
    assert_int_equal(scenario.workload.connections, 0);
    assert_int_equal(scenario.workload.before, 10 * RH_SECOND);
    assert_true(scenario.rollback);
    assert_int_equal(scenario.repeat, 3);
    assert_int_equal(scenario.passes, RH_PASS_ALL);
    assert_null(scenario.only);
    for (int i = 0; i < RH_GATE_COUNT; i++)
        assert_false(scenario.gates[i].set);
    loads(BASE "migrations: {path: migrations}\n", NULL);
    assert_int_equal(scenario.workload.source, RH_WORKLOAD_SCHEMA);
}

static void test_every_key(void **state)
{
    (void)state;
    loads(
        "name: shop 2026\n"
        "backup:\n  path: b.dump\n  jobs: 7\n"
        "staging:\n  kind: server\n  url: ${RH_T_URL}\n  directory: /tmp\n  bindir: .\n"
        "  settings: {shared_buffers: 1GB, log_line_prefix: '$$ %m'}\n"
        "prepare:\n  - sql: mask.sql\n  - command: [./run.sh, $$HOME, '${RH_T_RATE}']\n"
        "migrations:\n  path: migrations\n  framework: golang-migrate\n  pending: [000012, x]\n"
        "  statement_timeout: 2min\n"
        "workload:\n  source: none\n  rate: ${RH_T_RATE}\n  connections: 20\n  before: 250ms\n  after: 0\n  "
        "seed: 9\n"
        "rollback: no\nverify:\n  - command: [make]\nrepeat: 5\n"
        "gates: {predicted_duration: 15min, reads_blocked: 500ms, writes_blocked: 2s, response_p99_ratio: 3,"
        " load_errors: 0}\n",
        NULL);
    assert_string_equal(scenario.name, "shop 2026");
    assert_int_equal(scenario.backup.jobs, 7);
    assert_int_equal(scenario.backup.where.line, 3);
    assert_int_equal(scenario.staging.kind, RH_STAGING_SERVER);
    assert_string_equal(scenario.staging.url, "postgresql://u:geheim@h/d");
    assert_int_equal(scenario.staging.setting_count, 2);
    assert_string_equal(scenario.staging.settings[1].value, "$ %m");
    assert_int_equal(scenario.prepare_count, 2);
    assert_int_equal(scenario.prepare[0].kind, RH_STEP_SQL);
    assert_int_equal(scenario.prepare[0].where.line, 12);
    char program[256];
    snprintf(program, sizeof program, "%s/", folder);
    assert_memory_equal(scenario.prepare[1].argv[0], program, strlen(program));
    assert_string_equal(scenario.prepare[1].argv[1], "$HOME");
    assert_string_equal(scenario.prepare[1].argv[2], "42");
    assert_null(scenario.prepare[1].argv[3]);
    assert_int_equal(scenario.migrations.framework, RH_FRAMEWORK_GOLANG_MIGRATE);
    assert_int_equal(scenario.migrations.pending, RH_PENDING_LIST);
    assert_string_equal(scenario.migrations.pending_ids[0], "000012");
    assert_int_equal(scenario.migrations.statement_timeout, 120 * RH_SECOND);
    assert_int_equal(scenario.workload.source, RH_WORKLOAD_NONE);
    assert_true(scenario.workload.rate == 42);
    assert_int_equal(scenario.workload.before, 250000);
    assert_int_equal(scenario.workload.after, 0);
    assert_int_equal(scenario.workload.seed, 9);
    assert_false(scenario.rollback);
    assert_string_equal(scenario.verify[0].argv[0], "make");
    assert_true(scenario.gates[RH_GATE_PREDICTED_DURATION].limit == 900);
    assert_string_equal(scenario.gates[RH_GATE_PREDICTED_DURATION].text, "15min");
    assert_int_equal(scenario.gates[RH_GATE_READS_BLOCKED].where.line, 30);
    assert_true(scenario.gates[RH_GATE_LOAD_ERRORS].set);
}

static void test_unknown_keys(void **state)
{
    (void)state;
    complains(BASE "migrations:\n  path: migrations\n  pendng: all\n", 5, 3,
              "unknown key \"pendng\" in migrations; did you mean \"pending\"?",
              "the keys of migrations: path, framework, pending, history, transaction, role, "
              "statement_timeout, command, down");
    complains(BASE "verfiy: []\n", 3, 1, "unknown key \"verfiy\"; did you mean \"verify\"?", "name, backup");
    complains(BASE "pending: all\n", 3, 1, "unknown key \"pending\"; did you mean \"migrations.pending\"?",
              NULL);
    complains(BASE "zzz: 1\n", 3, 1, "unknown key \"zzz\"", "the keys of a scenario");
    complains(BASE "workload.rate: 1\n", 3, 1, "unknown key \"workload.rate\"", NULL);
    complains(BASE "Name: x\n", 3, 1, "did you mean \"name\"", NULL);
}

static void test_missing(void **state)
{
    (void)state;
    complains("", 1, 1, "the scenario is empty", "init");
    complains("- a\n", 1, 1, "not a scenario file", NULL);
    complains("just text\n", 1, 1, "not a scenario file", NULL);
    complains("name: n\n", 1, 1, "backup is missing", NULL);
    complains("backup: {path: b.dump}\n", 1, 1, "name is missing", NULL);
    complains("name: n\nbackup:\n", 2, 1, "backup.path is missing", NULL);
    complains("name: n\nbackup: {clone: shop}\n", 2, 17, "backup.clone needs the server", NULL);
    complains("name: n\nbackup: {clone: shop, skip: [a]}\n", 2, 29, "backup.skip is not for backup.clone",
              NULL);
    complains("name: n\nbackup: {jobs: 2}\n", 2, 9, "backup.path is missing", NULL);
    complains("name: n\nbackup: b.dump\n", 2, 9, "backup must be a map of keys", NULL);
    complains(BASE "migrations: {pending: all}\n", 3, 13, "migrations.path is missing", NULL);
    complains("name:\nbackup: {path: b.dump}\n", 1, 1, "name has no value", NULL);
    complains("name: a/b\nbackup: {path: b.dump}\n", 1, 7, "name must be", NULL);
    complains("name: ..\nbackup: {path: b.dump}\n", 1, 7, "name must be", NULL);
    loads(BASE "staging:\nproduction:\n", NULL);
}

static void test_wrong_values(void **state)
{
    (void)state;
    complains(BASE "workload: {before: 10}\n", 3, 20, "workload.before has no unit: \"10\"",
              "write 10ms, 10s");
    complains(BASE "workload: {before: 10 sec}\n", 3, 20, "must be a duration, not \"10 sec\"", "ms, s, min");
    complains(BASE "gates:\n  reads_blocked: 500 MB\n", 4, 18, "gates.reads_blocked must be a duration",
              NULL);
    complains(BASE "gates: {response_p99_ratio: 3x}\n", 3, 29, "must be a number, not \"3x\"", NULL);
    complains(BASE "gates: {response_p99_ratio: nan}\n", 3, 29, "must be a number", NULL);
    complains(BASE "gates: {load_errors: -1}\n", 3, 22, "between 0 and", NULL);
    complains(BASE "repeat: 0\n", 3, 9, "repeat must be between 1 and 1000", NULL);
    complains(BASE "repeat: two\n", 3, 9, "must be a whole number, not \"two\"", NULL);
    complains(BASE "repeat: 1.5\n", 3, 9, "must be a whole number", NULL);
    complains(BASE "repeat: [1]\n", 3, 9, "a single value, not a list", NULL);
    complains(BASE "repeat: 99999999999999999999\n", 3, 9, "between 1 and 1000", NULL);
    complains(BASE "rollback: maybe\n", 3, 11, "true or false, not \"maybe\"", NULL);
    complains(BASE "staging: {kind: embeded}\n", 3, 17, "did you mean \"embedded\"?",
              "one of: embedded, server");
    complains(BASE "staging: {isolation: none}\n", 3, 22, "cannot be \"none\"", "one of: full, weak");
    complains(BASE "staging: {kind: \"postgresql://u:geheim@h/d\"}\n", 3, 17, "what is written there", NULL);
    complains(BASE "staging: {kind: geheim}\n", 3, 17, "what is written there", NULL);
    complains(BASE "staging: {kind: server}\n", 3, 17, "needs staging.url", "STAGING_URL");
    complains(BASE "staging: {url: x}\n", 3, 16, "only for a given server", "kind: server");
    complains(BASE "staging: {snapshot: {take: [zfs]}}\n", 3, 21, "staging.snapshot.reset is missing", NULL);
    complains(BASE "staging: {snapshot: {reset: [zfs]}}\n", 3, 21, "staging.snapshot.take is missing", NULL);
    complains(BASE "staging: {snapshot: zfs}\n", 3, 21, "must be a map of keys", NULL);
    complains(BASE "staging: {snapshot: {take: zfs, reset: [zfs]}}\n", 3, 28, "must be a list", "[sh, -c,");
    complains(BASE "staging: {snapshot: {take: [zfs], reset: []}}\n", 3, 42, "must be a list", NULL);
    complains(BASE "staging: {snapshot: {take: [a], reset: [a], rest: [a]}}\n", 3, 45,
              "did you mean \"reset\"?", "take, reset, remove");
    complains(BASE "staging: {snapshot: {take: [a], reset: [a], timeout: 5}}\n", 3, 54, "unit", NULL);
    complains(BASE "staging: {snapshot: {take: [./no], reset: [a]}}\n", 3, 29, "./no", NULL);
    complains(BASE "staging: {snapshot: {take: [a], reset: [a], directory: none}}\n", 3, 56, "none", NULL);
    complains(BASE "staging: {kind: server, url: x, snapshot: {take: [a], reset: [a]}}\n", 3, 43,
              "not for a given server", "template");
    complains(BASE "staging: {directory: b.dump}\n", 3, 22, "must be a directory", NULL);
    complains(BASE "migrations: {path: migrations, pending: some}\n", 3, 41, "cannot be \"some\"",
              "pending: [some]");
    complains(BASE "migrations: {path: migrations, pending: [[1]]}\n", 3, 42, "single value", NULL);
}

static void test_missing_files(void **state)
{
    (void)state;
    complains("name: n\nbackup: {path: none.dump}\n", 2, 16, "there is no \"none.dump\"", "looked for /");
    complains(BASE "migrations:\n  path: nowhere\n", 4, 9, "migrations.path: there is no \"nowhere\"", NULL);
    complains(BASE "prepare:\n  - sql: no.sql\n", 4, 10, "sql: there is no \"no.sql\"", NULL);
    complains(BASE "prepare:\n  - sql: migrations\n", 4, 10, "is a directory", NULL);
    complains(BASE "verify:\n  - command: [./mask.sql]\n", 4, 15, "not an executable program", "executable");
    complains(BASE "verify:\n  - command: make test\n", 4, 14, "must be a list", "[make, test]");
    complains(BASE "verify:\n  - {sql: mask.sql, command: [make]}\n", 4, 5, "either sql or command", NULL);
    complains(BASE "verify:\n  - sql: mask.sql\n  - sql: todo.sql\n", 5, 5, "checks nothing",
              "for each fault");
    write_file("large.sql", "");
    assert_int_equal(truncate("large.sql", (256 << 20) + 1), 0);
    complains(BASE "prepare:\n  - sql: large.sql\n", 4, 10, "larger than 256 MB", "psql");
    complains(BASE "staging:\n  settings: large.sql\n", 4, 13, "larger than 4.0 MB", NULL);
    complains(BASE "verify:\n  - mask.sql\n", 4, 5, "either sql or command", NULL);
    complains(BASE "verify: mask.sql\n", 3, 9, "must be a list of steps", "dash");
    rh_error error = {0};
    assert_false(rh_scenario_load("absent.yaml", NULL, 0, arena, &scenario, &error));
    assert_int_equal(error.code, RH_ERROR_SCENARIO);
    assert_non_null(strstr(error.message, "No such file"));
    rh_error_release(&error);
    assert_false(rh_scenario_load("migrations", NULL, 0, arena, &scenario, &error));
    assert_non_null(strstr(error.message, "directory"));
    rh_error_release(&error);
}

static void test_variables(void **state)
{
    (void)state;
    complains("name: ${RH_T_UNSET}\nbackup: {path: b.dump}\n", 1, 7, "RH_T_UNSET is not set", "$$");
    complains("name: ${}\nbackup: {path: b.dump}\n", 1, 7, "without a variable's name", NULL);
    complains("name: ${A\nbackup: {path: b.dump}\n", 1, 7, "without a variable's name", NULL);
    loads("name: a$$${RH_T_RATE}$b\nbackup: {path: b.dump}\n", NULL);
    assert_string_equal(scenario.name, "a$42$b");
    /* what came from the environment may be a secret: it is not repeated */
    complains(BASE "repeat: ${RH_T_URL}\n", 3, 9, "not \"${RH_T_URL}\"", NULL);
}

static void test_workload_files(void **state)
{
    (void)state;
    loads(BASE "workload:\n  source: pg_stat_statements\n  path: b.dump\n", NULL);
    assert_int_equal(scenario.workload.source, RH_WORKLOAD_STATISTICS);
    assert_int_equal(scenario.workload.file_count, 1);
    assert_true(scenario.workload.rate == 0); /* production's */
    loads(BASE "workload: {source: pg_stat_statements, rate: 5, path: [b.dump, {file: b.dump, weight: 3}]}\n",
          NULL);
    assert_int_equal(scenario.workload.file_count, 2);
    assert_true(scenario.workload.files[0].weight == 1);
    assert_true(scenario.workload.files[1].weight == 3);
    assert_true(scenario.workload.rate == 5);
    loads(BASE "workload: {source: pgbench, path: b.dump@7}\n", NULL);
    assert_int_equal(scenario.workload.source, RH_WORKLOAD_PGBENCH);
    assert_true(scenario.workload.files[0].weight == 7);
    complains(BASE "workload:\n  source: pgbench\n", 4, 11, "needs workload.path", "SCRIPT.sql");
    complains(BASE "workload:\n  source: pgbench\n  path: no.sql@2\n", 5, 9, "there is no", NULL);
    complains(BASE "workload:\n  source: pg_stat_statements\n", 4, 11,
              "workload.source: pg_stat_statements needs workload.path", "path: FILE.csv");
    complains(BASE "workload:\n  source: pg_stat_statements\n  path: x.csv\n", 5, 9,
              "workload.path: there is no \"x.csv\"", NULL);
    complains(BASE "workload:\n  source: pg_stat_statements\n  path: .\n", 5, 9, "is a directory", NULL);
    complains(BASE "workload:\n  path: b.dump\n", 4, 9, "workload.path is only for source", NULL);
    complains(BASE "workload:\n  source: pg_stat_statements\n  path: [b.dump, b.dump, b.dump]\n", 5, 9,
              "more than two snapshots", NULL);
    complains(BASE "workload:\n  path: [{weight: 1}]\n", 4, 10, "has the keys file and weight", NULL);
    complains(BASE "workload:\n  path: []\n", 4, 9, "is an empty list", NULL);
}

static void test_next_release(void **state)
{
    (void)state;
    loads(BASE "workload: {source: schema}\n", NULL);
    assert_int_equal(scenario.workload.next.source, RH_WORKLOAD_NONE);
    loads(BASE "workload:\n  source: pgbench\n  path: b.dump\n  next:\n    source: pg_stat_statements\n"
               "    path: [b.dump, b.dump]\n",
          NULL);
    assert_int_equal(scenario.workload.source, RH_WORKLOAD_PGBENCH);
    assert_int_equal(scenario.workload.file_count, 1);
    assert_int_equal(scenario.workload.next.source, RH_WORKLOAD_STATISTICS);
    assert_int_equal(scenario.workload.next.file_count, 2);
    complains(BASE "workload:\n  source: schema\n  next: {source: schema}\n", 5, 18,
              "workload.next.source cannot be", NULL);
    complains(BASE "workload:\n  source: schema\n  next: {path: b.dump}\n", 5, 9, "next.source is missing",
              NULL);
    complains(BASE "workload:\n  source: schema\n  next: {source: pgbench}\n", 5, 18,
              "workload.next.source: pgbench needs workload.next.path", "SCRIPT.sql");
    complains(BASE "workload:\n  source: none\n  next: {source: pgbench, path: b.dump}\n", 5, 9,
              "needs a workload", NULL);
}

static void test_profile(void **state)
{
    (void)state;
    loads(BASE "production:\n  profile: b.dump\n", NULL);
    assert_true(strstr(scenario.production.profile, "/b.dump") != NULL);
    assert_int_equal(scenario.production.where.line, 4);
    complains(BASE "production:\n  profile: no.json\n", 4, 12, "there is no \"no.json\"", NULL);
    complains(BASE "production: {profile: migrations}\n", 3, 23, "must be a file", NULL);
}

/* A program instead of files: what it can have. */
static void test_command(void **state)
{
    (void)state;
    loads(BASE "migrations:\n  command: [sh, -c, migrate]\n  down: [sh]\n", NULL);
    assert_int_equal(scenario.migrations.framework, RH_FRAMEWORK_COMMAND);
    assert_string_equal(scenario.migrations.command[2], "migrate");
    assert_null(scenario.migrations.command[3]);
    assert_string_equal(scenario.migrations.down[0], "sh");
    assert_int_equal(scenario.workload.source, RH_WORKLOAD_SCHEMA);
    complains(BASE "migrations: {framework: command}\n", 3, 25, "migrations.command is missing",
              "./manage.py");
    complains(BASE "migrations: {path: migrations, down: [sh]}\n", 3, 38, "migrations.command is missing",
              NULL);
    complains(BASE "migrations: {framework: sql, command: [sh]}\n", 3, 25, "only for framework: command",
              NULL);
    complains(BASE "migrations: {path: migrations, command: [sh]}\n", 3, 20, "migrations.path is for files",
              NULL);
    complains(BASE "migrations: {command: [sh], pending: all}\n", 3, 38, "migrations.pending is for files",
              NULL);
    complains(BASE "migrations: {command: make}\n", 3, 23, "command must be a list", "[make, test]");
    complains(BASE "migrations: {command: [./mask.sql]}\n", 3, 24, "not an executable program", NULL);
}

#define LOADED BASE "migrations: {path: migrations}\n" /* three lines */

static void test_disturb(void **state)
{
    (void)state;
    loads(LOADED "disturb:\n  - pg_dump\n  - idle_in_transaction: {table: shop.orders, for: 30s}\n"
                 "  - query:\n      sql: mask.sql\n      migrations: [12, first]\n  - snapshot:\n"
                 "  - autovacuum: {table: '\"Odd\"'}\n",
          NULL);
    assert_int_equal(scenario.disturb_count, 5);
    assert_int_equal(scenario.disturb[0].kind, RH_DISTURBER_PG_DUMP);
    assert_int_equal(scenario.disturb[0].duration, 10 * RH_SECOND);
    assert_int_equal(scenario.disturb[1].kind, RH_DISTURBER_IDLE_IN_TRANSACTION);
    assert_string_equal(scenario.disturb[1].table, "shop.orders");
    assert_int_equal(scenario.disturb[1].duration, 30 * RH_SECOND);
    assert_int_equal(scenario.disturb[1].where.line, 6);
    assert_non_null(strstr(scenario.disturb[2].sql, "/mask.sql"));
    assert_int_equal(scenario.disturb[2].migration_count, 2);
    assert_string_equal(scenario.disturb[2].migrations[1], "first");
    assert_int_equal(scenario.disturb[3].kind, RH_DISTURBER_SNAPSHOT);
    assert_string_equal(scenario.disturb[4].table, "\"Odd\"");

    complains(LOADED "disturb: pg_dump\n", 4, 10, "must be a list", "- pg_dump");
    complains(LOADED "disturb: [pgdump]\n", 4, 11, "did you mean \"pg_dump\"", "snapshot");
    complains(LOADED "disturb:\n  - vacuum: {}\n", 5, 5, "cannot be \"vacuum\"", "autovacuum");
    complains(LOADED "disturb:\n  - [pg_dump]\n", 5, 5, "one kind", NULL);
    complains(LOADED "disturb:\n  - {pg_dump: , snapshot: }\n", 5, 5, "one kind", NULL);
    complains(LOADED "disturb:\n  - autovacuum\n", 5, 5, "autovacuum needs a table", "{table: NAME}");
    complains(LOADED "disturb:\n  - pg_dump: {table: t}\n", 5, 15, "unknown key \"table\"",
              "for, migrations");
    complains(LOADED "disturb:\n  - snapshot: {migration: [1]}\n", 5, 16, "did you mean \"migrations\"",
              NULL);
    complains(LOADED "disturb:\n  - snapshot: {for: 10}\n", 5, 21, "no unit", "10s");
    complains(LOADED "disturb:\n  - snapshot: {for: 0}\n", 5, 21, "greater than 0", NULL);
    complains(LOADED "disturb:\n  - snapshot: 10s\n", 5, 15, "must be a map", "{for: 10s}");
    complains(LOADED "disturb:\n  - snapshot: {migrations: 12}\n", 5, 28, "must be a list", NULL);
    complains(LOADED "disturb:\n  - query: {sql: no.sql}\n", 5, 18, "there is no \"no.sql\"", NULL);
    complains(LOADED "disturb:\n  - query: {sql: mask.sql, table: t}\n", 5, 5, "either a table or sql", NULL);
    complains(BASE "disturb: [pg_dump]\n", 3, 10, "needs a load", NULL);
}

static void test_lock_policy(void **state)
{
    (void)state;
    static const rh_usec defaults[] = {50000, 200000, 1000000, 5000000, 0};
    loads(LOADED "lock_policy: search\n", NULL);
    assert_true(scenario.lock_policy.search);
    assert_int_equal(scenario.lock_policy.timeout_count, 5);
    assert_memory_equal(scenario.lock_policy.timeouts, defaults, sizeof defaults);
    assert_int_equal(scenario.lock_policy.attempts, 10);
    assert_int_equal(scenario.lock_policy.tries, 3);
    loads(LOADED "lock_policy: {timeouts: [2s, 0, 10ms, 2000ms, 10ms], attempts: 5, tries: 1, limit: 1min}\n",
          NULL);
    assert_int_equal(scenario.lock_policy.timeout_count, 3);
    assert_int_equal(scenario.lock_policy.timeouts[0], 10000);
    assert_int_equal(scenario.lock_policy.timeouts[1], 2000000);
    assert_int_equal(scenario.lock_policy.timeouts[2], 0);
    assert_int_equal(scenario.lock_policy.attempts, 5);
    assert_int_equal(scenario.lock_policy.limit, 60 * RH_SECOND);
    loads(LOADED, NULL);
    assert_false(scenario.lock_policy.search);

    complains(LOADED "lock_policy: serch\n", 4, 14, "did you mean \"search\"", "tries");
    complains(LOADED "lock_policy: [search]\n", 4, 14, "must be a single value", "tries");
    complains(LOADED "lock_policy: {attemps: 3}\n", 4, 15, "did you mean \"attempts\"", "limit");
    complains(LOADED "lock_policy: {attempts: 0}\n", 4, 25, "between 1 and", NULL);
    complains(LOADED "lock_policy: {timeouts: 1s}\n", 4, 25, "must be a list", "50ms");
    complains(LOADED "lock_policy: {timeouts: [100us]}\n", 4, 26, "whole milliseconds", NULL);
    complains(LOADED "lock_policy: {limit: 0}\n", 4, 22, "greater than 0", NULL);
    complains(LOADED "workload: {source: none}\nlock_policy: search\n", 5, 14, "needs a load", NULL);
}

static void test_set(void **state)
{
    (void)state;
    loads(BASE, "workload.rate=7.5");
    assert_true(scenario.workload.rate == 7.5);
    loads(BASE "repeat: 2\n", "repeat=4");
    assert_int_equal(scenario.repeat, 4);
    loads(BASE, "verify=[{sql: mask.sql}]");
    assert_int_equal(scenario.verify_count, 1);
    loads("name: n\n", "backup.path=b.dump");
    static const char *const bad[][2] = {{"workload.rate=fast", "must be a number"},
                                         {"workload.rat=1", "did you mean \"rate\""},
                                         {"rate", "not KEY=VALUE"},
                                         {"=1", "not KEY=VALUE"},
                                         {"name.x=1", "has no keys"},
                                         {"repeat=[", "not valid YAML"},
                                         {"repeat=", "no value"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        rh_error error = {0};
        assert_false(load(BASE, bad[i][0], &error));
        assert_int_equal(error.code, RH_ERROR_USAGE);
        if (!strstr(error.message, bad[i][1]))
            fail_msg("\"%s\" does not say \"%s\"", error.message, bad[i][1]);
        assert_int_equal(error.line, 0);
        rh_error_release(&error);
    }
}

static void test_template(void **state)
{
    (void)state;
    write_file("backup.dump", "x");
    loads(rh_scenario_template(), NULL);
    assert_string_equal(scenario.name, "my-database");
    /* every key is in it, if only as a comment */
    for (size_t i = 0; rh_keys_name(i); i++) {
        const char *dot = strrchr(rh_keys_name(i), '.'), *name = dot ? dot + 1 : rh_keys_name(i);
        char with_colon[64];
        snprintf(with_colon, sizeof with_colon, "%s:", name);
        if (!strstr(rh_scenario_template(), with_colon))
            fail_msg("the template lacks %s", rh_keys_name(i));
    }
}

/* The row of docs/scenario.md about KEY: a cell of it is the key in backticks. Sections are bold. */
static const char *row_of(const char *text, const char *key)
{
    char code[80], bold[80];
    snprintf(code, sizeof code, "`%s`", key);
    snprintf(bold, sizeof bold, "| **%s**", key);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        const char *found = strstr(line, code), *cell = strchr(*line ? line + 1 : line, '|');
        if (strncmp(line, bold, strlen(bold)) == 0 || (*line == '|' && found && found < cell))
            return rh_arena_strndup(arena, line, strcspn(line, "\n"));
    }
    return NULL;
}

/* docs/scenario.md has each key with the words and the limits of its value. */
static void test_reference(void **state)
{
    (void)state;
    size_t length;
    rh_error error = {0};
    char *text = rh_file_read(RH_SOURCE_DIRECTORY "/docs/scenario.md", 1 << 20, arena, &length, &error);
    assert_non_null(text);
    for (size_t i = 0; rh_keys_name(i); i++) {
        const char *row = row_of(text, rh_keys_name(i));
        const rh_key_limits limits = rh_keys_limits(i);
        if (!row)
            fail_msg("docs/scenario.md lacks %s", rh_keys_name(i));
        for (size_t w = 0; w < limits.word_count; w++)
            if (!limits.words[w].instead &&
                !strstr(row, rh_arena_printf(arena, "`%s`", limits.words[w].word)))
                fail_msg("docs/scenario.md: %s lacks `%s`", rh_keys_name(i), limits.words[w].word);
        const char *range = rh_arena_printf(arena, "%.9g to %.9g", limits.low, limits.high);
        if (limits.high > 0 && limits.high < 1e9 && !strstr(row, range))
            fail_msg("docs/scenario.md: %s lacks \"%s\"", rh_keys_name(i), range);
    }
}

/* docs/frameworks.md has a row for each. */
static void test_frameworks(void **state)
{
    (void)state;
    size_t length;
    rh_error error = {0};
    char *text = rh_file_read(RH_SOURCE_DIRECTORY "/docs/frameworks.md", 1 << 20, arena, &length, &error);
    assert_non_null(text);
    for (size_t i = 0; rh_keys_name(i); i++) {
        const rh_key_limits limits = rh_keys_limits(i);
        for (size_t w = 0; strcmp(rh_keys_name(i), "migrations.framework") == 0 && w < limits.word_count; w++)
            if (strcmp(limits.words[w].word, "auto") != 0 && !limits.words[w].instead &&
                !strstr(text, rh_arena_printf(arena, "\n| `%s`", limits.words[w].word)))
                fail_msg("docs/frameworks.md lacks %s", limits.words[w].word);
    }
}

/* docs/scenario.md has no key that a scenario cannot have. */
static void test_reference_has_no_more(void **state)
{
    (void)state;
    size_t length;
    rh_error error = {0};
    char *text = rh_file_read(RH_SOURCE_DIRECTORY "/docs/scenario.md", 1 << 20, arena, &length, &error);
    assert_non_null(text);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        char *end = strncmp(line, "| `", 3) == 0 ? strchr(line + 1, '|') : NULL;
        for (char *key = end ? strchr(line, '`') : NULL; key && key < end; key = strchr(key, '`')) {
            const size_t size = strcspn(key + 1, "`");
            bool known = false;
            for (size_t i = 0; rh_keys_name(i) && !known; i++)
                known = strlen(rh_keys_name(i)) == size && strncmp(rh_keys_name(i), key + 1, size) == 0;
            if (!known)
                fail_msg("docs/scenario.md has %.*s, which is not a key", (int)size, key + 1);
            key += size + 2;
        }
    }
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, new_arena, free_arena)
    const struct CMUnitTest tests[] = {
        EACH(test_defaults),
        EACH(test_every_key),
        EACH(test_unknown_keys),
        EACH(test_missing),
        EACH(test_wrong_values),
        EACH(test_missing_files),
        EACH(test_variables),
        EACH(test_workload_files),
        EACH(test_command),
        EACH(test_set),
        EACH(test_profile),
        EACH(test_template),
        EACH(test_disturb),
        EACH(test_lock_policy),
        EACH(test_next_release),
        EACH(test_reference),
        EACH(test_reference_has_no_more),
        EACH(test_frameworks),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
