/* The private cluster: start, confinement, settings, snapshot and reset, its death. */
#include "fixture.h"
#include "staging/server_life.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static size_t entries(fixture *f)
{
    char **names;
    size_t count;
    assert_true(rh_directory_list(f->root, f->arena, &names, &count, &f->error));
    return count;
}

static void test_start_and_free(void **state)
{
    fixture *f = *state;
    assert_ok(f, fixture_start(f));
    assert_string_equal(fixture_value(f, "SELECT current_user || ' ' || current_database()"),
                        "pgrehearse_superuser pgrehearse");
    assert_string_equal(fixture_value(f, "SHOW server_encoding"), "UTF8");
    assert_true(rh_staging_alive(f->staging, &f->error));
    assert_int_equal(entries(f), 1); /* the cluster; server.log is made when it has ended */
    rh_staging_facts facts;
    assert_ok(f, rh_staging_describe(f->staging, f->arena, &facts, &f->error));
    assert_true(facts.local);
    assert_true(facts.server_version_num > 90000);
    assert_null(facts.reset_method);
    assert_true(facts.cpu_count > 0);
    assert_true(facts.memory_bytes > 0);
    const char *pid = fixture_value(f, "SELECT pg_backend_pid()");
    assert_true(atoi(pid) > 0);
    rh_staging_free(f->staging, false);
    f->staging = NULL;
    assert_int_equal(entries(f), 1);
    while (kill(atoi(pid), 0) == 0)
        usleep(10 * 1000);
}

static void test_confined(void **state)
{
    fixture *f = *state;
    assert_ok(f, fixture_start(f));
    const char *said = fixture_value(f, "CREATE TABLE t (line text); COPY t FROM PROGRAM 'id'");
    assert_true(rh_starts_with(said, "(error: "));
    said = fixture_value(f, "COPY (SELECT 1) TO PROGRAM 'cat'");
    assert_true(rh_starts_with(said, "(error: "));
    assert_string_equal(fixture_value(f, "SHOW listen_addresses"), "");
    /* A standby connection, or archiving, that a dump asked for by ALTER SYSTEM, stays without effect after a
     * restart. */
    fixture_sql(f, "ALTER SYSTEM SET listen_addresses = '*'");
    fixture_sql(f, "ALTER SYSTEM SET archive_mode = on");
    fixture_sql(f, "ALTER SYSTEM SET archive_command = 'touch /tmp/pgrehearse-archived'");
    fixture_sql(f, "ALTER SYSTEM SET log_statement = 'all'");
    assert_ok(f, rh_staging_snapshot(f->staging, NULL, &f->error));
    assert_string_equal(fixture_value(f, "SHOW listen_addresses"), "");
    assert_string_equal(fixture_value(f, "SHOW archive_mode"), "off");
    fixture_sql(f, "SELECT 'a-secret-literal'::text");
    said = fixture_value(f, "SELECT 'another-secret'::int");
    assert_true(rh_starts_with(said, "(error: "));
    assert_true(fixture_noted(f, "no TCP listener"));
    assert_true(fixture_noted(f, "was denied every connection"));
    rh_staging_free(f->staging, false);
    f->staging = NULL;
    size_t length;
    const char *log =
        rh_file_read(rh_arena_printf(f->arena, "%s/server.log", f->root), 0, f->arena, &length, &f->error);
    assert_non_null(log);
    assert_non_null(strstr(log, "ready to accept connections"));
    assert_null(strstr(log, "secret"));
}

/* The server reaches nothing outside: tried before its first start, and here by SQL. */
static void test_isolated(void **state)
{
    fixture *f = *state;
    rh_staging_facts facts;
    assert_ok(f, fixture_start(f));
    assert_ok(f, rh_staging_describe(f->staging, f->arena, &facts, &f->error));
    assert_true(facts.isolation.proven);
    assert_null(facts.isolation.why_not);
    assert_true(facts.isolation.attempt_count >= 13);
    for (size_t i = 0; i < facts.isolation.attempt_count; i++)
        assert_false(facts.isolation.attempts[i].succeeded);
    assert_true(facts.isolation.attempts[0].succeeded_unconfined);
    assert_int_equal(chmod(f->root, 0777), 0);
    const char *outside = rh_arena_printf(f->arena, "%s/outside", f->root);
    const char *const attempts[] = {
        rh_arena_printf(f->arena, "COPY (SELECT 1) TO '%s'", outside),
        rh_arena_printf(f->arena, "SELECT lo_export(lo_from_bytea(0, 'x'), '%s')", outside),
        rh_arena_printf(f->arena, "SELECT pg_read_file('%s/mark')", facts.location),
        rh_arena_printf(f->arena,
                        "CREATE EXTENSION dblink; SELECT dblink_connect('host=%s/socket user=postgres "
                        "dbname=pgrehearse connect_timeout=5')",
                        facts.location)};
    for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++)
        assert_true(rh_starts_with(fixture_value(f, attempts[i]), "(error: "));
    /* The server's own environment: what the caller's has is not in it. */
    assert_string_equal(fixture_value(f, "SELECT position('CMOCKA' IN encode(pg_read_binary_file("
                                         "'/proc/' || pg_backend_pid() || '/environ'), 'escape'))"),
                        "0");
    /* A file that a server writes when it starts, and removes when it stops. */
    fixture_sql(f, rh_arena_printf(f->arena, "ALTER SYSTEM SET external_pid_file = '%s'", outside));
    assert_ok(f, rh_staging_snapshot(f->staging, NULL, &f->error));
    assert_false(rh_file_exists(outside));
}

/* From here on the kernel has no Landlock and permits no namespace. */
static bool deny_layers(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_landlock_create_ruleset, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_unshare, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
    };
    struct sock_fprog program = {sizeof code / sizeof *code, code};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

/* In a child: 0, or which step was wrong. */
static int start_without_layers(fixture *f)
{
    rh_staging_facts facts;
    if (!deny_layers())
        return 1;
    if (fixture_start(f) || f->error.code != RH_ERROR_REFUSED)
        return 2;
    if (!f->error.message || !strstr(f->error.message, "create a file outside the cluster"))
        return 3;
    rh_error_release(&f->error);
    f->scenario.staging.isolation = RH_ISOLATION_WEAK;
    if (!fixture_start(f) || !rh_staging_describe(f->staging, f->arena, &facts, &f->error))
        return 4;
    if (facts.isolation.proven || !facts.isolation.why_not || facts.isolation.layers[1].active)
        return 5;
    rh_staging_free(f->staging, false);
    return 0;
}

/* First of all tests: which layers there are is remembered. */
static void test_without_layers(void **state)
{
    fixture *f = *state;
    int status = -1;
    pid_t child = fork();
    if (child == 0)
        _exit(start_without_layers(f));
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* Where the server could replace a file by a link, we write none. */
static void test_link_in_data(void **state)
{
    fixture *f = *state;
    rh_staging_facts facts;
    assert_ok(f, fixture_start(f));
    assert_ok(f, rh_staging_describe(f->staging, f->arena, &facts, &f->error));
    const char *outside = rh_arena_printf(f->arena, "%s/outside", f->root);
    assert_ok(f, rh_file_write(outside, "as it was", 9, &f->error));
    static const char *const names[] = {"postgresql.conf", "pgrehearse.conf", "pg_hba.conf"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *path = rh_arena_printf(f->arena, "%s/data/%s", facts.location, names[i]);
        unlink(path);
        assert_int_equal(symlink(outside, path), 0);
    }
    assert_ok(f, rh_staging_snapshot(f->staging, NULL, &f->error));
    assert_ok(f, rh_staging_reset(f->staging, NULL, &f->error));
    assert_string_equal(rh_file_read(outside, 0, f->arena, NULL, &f->error), "as it was");
}

static void test_settings(void **state)
{
    fixture *f = *state;
    rh_setting settings[] = {{"shared_buffers", "64MB"},
                             {"work_mem", "7MB"},
                             {"archive_command", "cp %p /x"},
                             {"shared_preload_libraries", "pg_cron"},
                             {"Random_Page_Cost", "1.1"},
                             {"my_app.user's", "x"},
                             {"log_min_duration_statement", "0"},
                             {"server_version", "14.2"},
                             {"max_connections", "15"}};
    settings[5] = (rh_setting){"my_app.tenant", "it's \\ 'x'"};
    f->scenario.staging.settings = settings;
    f->scenario.staging.setting_count = sizeof settings / sizeof *settings;
    assert_ok(f, fixture_start(f));
    assert_string_equal(fixture_value(f, "SHOW fsync"), "off");
    assert_string_equal(fixture_value(f, "SHOW wal_level"), "minimal");
    assert_ok(f, rh_staging_snapshot(f->staging, NULL, &f->error));
    assert_string_equal(fixture_value(f, "SHOW fsync"), "on");
    assert_string_equal(fixture_value(f, "SHOW shared_buffers"), "64MB");
    assert_string_equal(fixture_value(f, "SHOW work_mem"), "7MB");
    assert_string_equal(fixture_value(f, "SHOW random_page_cost"), "1.1");
    assert_string_equal(fixture_value(f, "SHOW my_app.tenant"), "it's \\ 'x'");
    assert_string_equal(fixture_value(f, "SHOW shared_preload_libraries"), "");
    assert_string_equal(fixture_value(f, "SHOW max_connections"), "40"); /* room for the load */
    rh_staging_facts facts;
    assert_ok(f, rh_staging_describe(f->staging, f->arena, &facts, &f->error));
    int seen = 0;
    for (size_t i = 0; i < facts.setting_count; i++) {
        const rh_setting_fact *fact = &facts.settings[i];
        assert_string_not_equal(fact->name, "server_version");
        if (strcmp(fact->name, "shared_buffers") == 0) {
            seen++;
            assert_string_equal(fact->value, "64MB");
            assert_non_null(fact->restore_value);
            assert_string_equal(fact->production_value, "64MB");
        } else if (strcmp(fact->name, "max_connections") == 0) {
            seen++;
            assert_string_equal(fact->value, "40");
            assert_string_equal(fact->production_value, "15");
        } else if (strcmp(fact->name, "fsync") == 0) {
            seen++;
            assert_string_equal(fact->value, "on");
            assert_string_equal(fact->restore_value, "off");
            assert_null(fact->production_value);
        }
    }
    assert_int_equal(seen, 3);
    assert_true(fixture_noted(f, "archive_command of production is not applied"));
    assert_true(fixture_noted(f, "shared_preload_libraries of production is not applied"));
    assert_true(fixture_noted(f, "log_min_duration_statement of production is not applied"));
    assert_false(fixture_noted(f, "server_version"));
}

static void check_bad_setting(fixture *f, const char *name, const char *value, const char *message,
                              const char *hint)
{
    rh_setting setting = {name, value};
    f->scenario.staging.settings = &setting;
    f->scenario.staging.setting_count = 1;
    assert_false(fixture_start(f));
    assert_int_equal(f->error.code, RH_ERROR_SCENARIO);
    assert_non_null(strstr(f->error.message, message));
    assert_non_null(f->error.hint);
    assert_non_null(strstr(f->error.hint, hint));
    assert_string_equal(f->error.file, "scenario.yaml");
    assert_int_equal(f->error.line, 7);
    rh_error_release(&f->error);
    assert_false(rh_directory_exists(rh_arena_printf(f->arena, "%s/server.log", f->root)));
}

static void test_bad_settings(void **state)
{
    fixture *f = *state;
    check_bad_setting(f, "work_men", "4MB", "work_men", "did you mean work_mem?");
    check_bad_setting(f, "work_mem", "4XB", "invalid value for parameter \"work_mem\"", "Valid units");
    check_bad_setting(f, "shared_buffers", "500TB", "shared_buffers", "");
    check_bad_setting(f, "shared_buffers", "7TB", "does not fit", "three quarters");
    assert_int_equal(entries(f), 0);
}

static void test_missing_server(void **state)
{
    fixture *f = *state;
    rh_staging_request request = {.scenario = &f->scenario, .log_directory = f->root, .minimum_major = 99};
    assert_null(rh_staging_start(&request, &f->error));
    assert_int_equal(f->error.code, RH_ERROR_BACKUP);
    assert_non_null(strstr(f->error.message, "PostgreSQL 99"));
    assert_non_null(strstr(f->error.hint, "postgresql-99"));
    rh_error_release(&f->error);
    f->scenario.staging.bindir = "/usr/bin";
    assert_false(fixture_start(f));
    assert_int_equal(f->error.code, RH_ERROR_STAGING);
    assert_string_equal(f->error.file, "scenario.yaml");
    assert_int_equal(entries(f), 0);
}

static const char *digest(fixture *f)
{
    return fixture_value(f, "SELECT count(*) || ' ' || sum(hashtextextended(t::text, 0)) FROM t");
}

static void test_snapshot_and_reset(void **state)
{
    fixture *f = *state;
    assert_ok(f, fixture_start(f));
    fixture_sql(f, "CREATE TABLE t AS SELECT i, md5(i::text) AS x FROM generate_series(1, 20000) i;"
                   "ALTER TABLE t ADD PRIMARY KEY (i); CREATE TABLE dropped (a int); CREATE SEQUENCE s;"
                   "SELECT setval('s', 42)");
    const char *before = digest(f);
    assert_ok(f, rh_staging_snapshot(f->staging, NULL, &f->error));
    assert_string_equal(digest(f), before);
    for (int i = 0; i < 3; i++) {
        fixture_sql(
            f,
            "UPDATE t SET x = 'changed' WHERE i % 7 = 0; DROP TABLE dropped; CREATE TABLE created (b text);"
            "CREATE INDEX ON t (x); ALTER TABLE t ADD y int DEFAULT 3; SELECT nextval('s')");
        fixture_sql(f, "CHECKPOINT");
        fixture_sql(f, "DELETE FROM t WHERE i > 10000"); /* after the checkpoint: in the WAL only */
        fixture_sql(f, "ALTER SYSTEM SET work_mem = '9MB'");
        assert_string_not_equal(digest(f), before);
        assert_ok(f, rh_staging_reset(f->staging, NULL, &f->error));
        assert_string_equal(digest(f), before);
        assert_string_equal(
            fixture_value(
                f, "SELECT to_regclass('dropped') || ' ' || coalesce(to_regclass('created')::text, '-')"),
            "dropped -");
        assert_string_equal(fixture_value(f, "SELECT last_value FROM s"), "42");
        assert_string_equal(fixture_value(f, "SHOW work_mem"), "4MB");
    }
    rh_staging_facts facts;
    assert_ok(f, rh_staging_describe(f->staging, f->arena, &facts, &f->error));
    assert_non_null(facts.reset_method);
    assert_int_equal(facts.resets, 3);
    assert_true(facts.reset_s > 0);
    assert_true(facts.snapshot_s > 0);
    assert_true(facts.snapshot_bytes > 1 << 20);
}

static bool recovered(fixture *f)
{
    rh_server_life life = {0};
    rh_pg *pg = rh_pg_connect(rh_staging_conninfo(f->staging), ": life", NULL);
    bool noted = pg && rh_server_life_note(pg, &life);
    rh_pg_close(pg);
    return noted && life.recovered;
}

/* A crash before the first session is seen by the statistics that recovery discards. */
static void test_crash_is_known_afterwards(void **state)
{
    fixture *f = *state;
    assert_ok(f, fixture_start(f));
    assert_ok(f, rh_staging_snapshot(f->staging, NULL, &f->error));
    assert_false(recovered(f));
    assert_ok(f, rh_staging_reset(f->staging, NULL, &f->error));
    assert_false(recovered(f));
    int writer =
        atoi(fixture_value(f, "SELECT pid FROM pg_stat_activity WHERE backend_type = 'background writer'"));
    assert_true(writer > 0 && kill(writer, SIGKILL) == 0);
    while (rh_staging_was_up(f->staging, &f->error))
        usleep(10 * 1000);
    assert_int_equal(f->error.code, RH_ERROR_LOST);
    rh_error_release(&f->error);
    assert_ok(f, rh_staging_accept_restart(f->staging, &f->error));
    assert_true(recovered(f));
    assert_ok(f, rh_staging_reset(f->staging, NULL, &f->error));
    assert_false(recovered(f));
    assert_ok(f, rh_staging_was_up(f->staging, &f->error));
}

static void test_death_in_the_middle(void **state)
{
    fixture *f = *state;
    assert_ok(f, fixture_start(f));
    char *pid_file = NULL;
    rh_staging_facts facts;
    assert_ok(f, rh_staging_describe(f->staging, f->arena, &facts, &f->error));
    pid_file = rh_file_read(rh_arena_printf(f->arena, "%s/data/postmaster.pid", facts.location), 0, f->arena,
                            NULL, &f->error);
    assert_non_null(pid_file);
    mapped memory;
    note_mapped(f, atoi(pid_file), &memory);
    assert_int_equal(kill(atoi(pid_file), SIGKILL), 0);
    while (rh_staging_alive(f->staging, &f->error))
        usleep(10 * 1000);
    assert_int_equal(f->error.code, RH_ERROR_STAGING);
    assert_non_null(strstr(f->error.message, "killed by signal 9"));
    assert_non_null(strstr(f->error.hint, "server.log"));
    rh_error_release(&f->error);
    assert_false(rh_staging_reset(f->staging, NULL, &f->error));
    rh_staging_free(f->staging, false);
    f->staging = NULL;
    assert_int_equal(entries(f), 1);
    assert_none_left(&memory);
}

static void test_long_directory(void **state)
{
    fixture *f = *state;
    char name[101] = "";
    memset(name, 'd', 100);
    char *long_directory = rh_arena_printf(f->arena, "%s/%s with 'quotes", f->root, name);
    f->scenario.staging.directory = long_directory;
    assert_ok(f, fixture_start(f));
    assert_string_equal(fixture_value(f, "SELECT 1"), "1");
    assert_non_null(strstr(rh_staging_conninfo(f->staging), "/tmp/pgrehearse-"));
    const char *sockets = fixture_value(f, "SHOW unix_socket_directories");
    char *socket = rh_arena_strndup(f->arena, sockets + 1, strlen(sockets) - 2);
    assert_true(rh_directory_exists(socket));
    rh_staging_free(f->staging, false);
    f->staging = NULL;
    assert_false(rh_directory_exists(socket));
}

static void test_kept(void **state)
{
    fixture *f = *state;
    assert_ok(f, fixture_start(f));
    fixture_sql(f, "CREATE TABLE t (a int)");
    rh_staging_free(f->staging, true);
    f->staging = NULL;
    assert_int_equal(rh_staging_clear_leftovers(f->root, NULL), 0);
    assert_int_equal(entries(f), 2);
}

static void test_interrupted_start(void **state)
{
    fixture *f = *state;
    raise(SIGINT);
    assert_false(fixture_start(f));
    assert_int_equal(f->error.code, RH_ERROR_INTERRUPTED);
    rh_interrupt_reset();
    assert_int_equal(entries(f), 0);
}

/* What roles and databases bring along: libraries, and a log that would hold statements. */
static void test_neutralised_settings(void **state)
{
    fixture *f = *state;
    assert_ok(f, fixture_start(f));
    fixture_sql(
        f, "CREATE ROLE app; ALTER ROLE app SET log_statement = 'all'; ALTER ROLE app SET work_mem = '5MB';"
           "ALTER DATABASE pgrehearse SET log_min_duration_statement = 0;"
           "ALTER ROLE app IN DATABASE pgrehearse SET session_preload_libraries = 'auto_explain'");
    assert_ok(f, rh_staging_neutralise(f->staging, &f->error));
    assert_string_equal(fixture_value(f, "SELECT string_agg(setconfig::text, ' ') FROM pg_db_role_setting"),
                        "{work_mem=5MB}");
    assert_true(fixture_noted(f, "setting log_statement of role app reset"));
    assert_true(fixture_noted(f, "of role app in database pgrehearse reset"));
}

static void test_tablespace_outside(void **state)
{
    fixture *f = *state;
    assert_ok(f, fixture_start(f));
    char *place = rh_arena_printf(f->arena, "%s/elsewhere", f->root);
    assert_int_equal(mkdir(place, 0700), 0);
    if (rh_staging_uid(f->staging))
        assert_int_equal(chown(place, rh_staging_uid(f->staging), rh_staging_gid(f->staging)), 0);
    const char *said =
        fixture_value(f, rh_arena_printf(f->arena, "CREATE TABLESPACE far LOCATION '%s'", place));
    assert_true(rh_starts_with(said, "(error: "));
    assert_ok(f, rh_staging_snapshot(f->staging, NULL, &f->error));
}

int main(void)
{
    rh_interrupt_install();
    const struct CMUnitTest tests[] = {
        TEST(test_without_layers),
        TEST(test_start_and_free),
        TEST(test_confined),
        TEST(test_isolated),
        TEST(test_link_in_data),
        TEST(test_settings),
        TEST(test_bad_settings),
        TEST(test_missing_server),
        TEST(test_snapshot_and_reset),
        TEST(test_death_in_the_middle),
        TEST(test_crash_is_known_afterwards),
        TEST(test_long_directory),
        TEST(test_kept),
        TEST(test_interrupted_start),
        TEST(test_neutralised_settings),
        TEST(test_tablespace_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
