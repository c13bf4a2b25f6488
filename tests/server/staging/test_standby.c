/* The standby of a private cluster: streams, pauses, waits of the primary, its end. */
#include "fixture.h"
#include "staging/standby.h"
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>

static const char *standby_value(fixture *f, const char *sql)
{
    rh_error error = {0};
    rh_pg *pg = rh_pg_connect(rh_staging_standby_conninfo(f->staging), ": test", &error);
    rh_pg_result *result = pg ? rh_pg_query(pg, sql, 0, NULL, &error) : NULL;
    const char *value = result && rh_pg_rows(result) ? rh_pg_value(result, 0, 0) : NULL;
    char *copy = result ? rh_arena_strdup(f->arena, value ? value : "(null)")
                        : rh_arena_printf(f->arena, "(error: %s)", error.message);
    rh_pg_result_free(result);
    rh_pg_close(pg);
    rh_error_release(&error);
    return copy;
}

static void start(fixture *f, rh_standby_mode mode)
{
    const char *why_not = NULL;
    if (!f->staging) {
        assert_ok(f, fixture_start(f));
        fixture_sql(f, "CREATE TABLE t (i int)");
        assert_ok(f, rh_staging_snapshot(f->staging, NULL, &f->error));
    }
    assert_ok(f, rh_staging_standby_start(f->staging, mode, &why_not, &f->error));
    if (why_not)
        fail_msg("%s", why_not);
}

/* Until SQL gives WANTED on the standby. */
static void await(fixture *f, const char *sql, const char *wanted)
{
    const char *last = "";
    for (int i = 0; i < 6000; i++) {
        last = standby_value(f, sql);
        if (strcmp(last, wanted) == 0)
            return;
        usleep(10 * 1000);
    }
    fail_msg("%s is %s, not %s", sql, last, wanted);
}

static void it_streams(void **state)
{
    fixture *f = *state;
    start(f, RH_STANDBY_ASYNC);
    assert_string_equal(standby_value(f, "SELECT pg_is_in_recovery()"), "t");
    fixture_sql(f, "INSERT INTO t VALUES (1)");
    const char *position = fixture_value(f, "SELECT pg_current_wal_insert_lsn()");
    await(f, rh_arena_printf(f->arena, "SELECT pg_last_wal_replay_lsn() >= '%s'", position), "t");
    const char *why_not;
    assert_true(rh_staging_standby_was_up(f->staging, &why_not));
}

static void its_replay_pauses_and_resumes(void **state)
{
    fixture *f = *state;
    start(f, RH_STANDBY_ASYNC);
    standby_value(f, "SELECT pg_wal_replay_pause()");
    await(f, "SELECT pg_get_wal_replay_pause_state()", "paused");
    fixture_sql(f, "INSERT INTO t SELECT generate_series(1, 1000)");
    const char *position = fixture_value(f, "SELECT pg_current_wal_flush_lsn()");
    await(f, rh_arena_printf(f->arena, "SELECT pg_last_wal_receive_lsn() >= '%s'", position), "t");
    assert_string_equal(
        standby_value(f, rh_arena_printf(f->arena, "SELECT pg_last_wal_replay_lsn() < '%s'", position)), "t");
    standby_value(f, "SELECT pg_wal_replay_resume()");
    await(f, rh_arena_printf(f->arena, "SELECT pg_last_wal_replay_lsn() >= '%s'", position), "t");
}

static void a_sync_primary_waits_for_it(void **state)
{
    fixture *f = *state;
    start(f, RH_STANDBY_SYNC);
    assert_string_equal(fixture_value(f, "SELECT sync_state FROM pg_stat_replication"), "sync");
    fixture_sql(f, "INSERT INTO t VALUES (1)");
    const char *why_not;
    assert_true(rh_staging_standby_was_up(f->staging, &why_not));
}

static void remote_apply_shows_the_row_at_once(void **state)
{
    fixture *f = *state;
    start(f, RH_STANDBY_REMOTE_APPLY);
    assert_string_equal(fixture_value(f, "SHOW synchronous_commit"), "remote_apply");
    fixture_sql(f, "INSERT INTO t VALUES (1)");
    assert_string_equal(fixture_value(f, "SELECT replay_lsn >= flush_lsn FROM pg_stat_replication"), "t");
}

static void its_stop_frees_the_primary(void **state)
{
    fixture *f = *state;
    start(f, RH_STANDBY_REMOTE_APPLY);
    assert_ok(f, rh_staging_standby_stop(f->staging, &f->error));
    fixture_sql(f, "INSERT INTO t VALUES (1)"); /* it would wait for ever */
    assert_string_equal(fixture_value(f, "SELECT count(*) FROM pg_replication_slots"), "0");
    assert_null(rh_staging_standby_conninfo(f->staging));
}

static void a_reset_ends_it(void **state)
{
    fixture *f = *state;
    start(f, RH_STANDBY_SYNC);
    fixture_sql(f, "INSERT INTO t VALUES (1)");
    assert_ok(f, rh_staging_reset(f->staging, NULL, &f->error));
    assert_null(rh_staging_standby_conninfo(f->staging));
    assert_string_equal(fixture_value(f, "SELECT count(*) FROM t"), "0");
    assert_string_equal(fixture_value(f, "SELECT count(*) FROM pg_replication_slots"), "0");
}

static void it_is_rebuilt_after_a_reset(void **state)
{
    fixture *f = *state;
    start(f, RH_STANDBY_ASYNC);
    fixture_sql(f, "INSERT INTO t SELECT generate_series(1, 5000)");
    assert_ok(f, rh_staging_reset(f->staging, NULL, &f->error));
    fixture_sql(f, "INSERT INTO t VALUES (7)");
    start(f, RH_STANDBY_REMOTE_APPLY);
    fixture_sql(f, "INSERT INTO t VALUES (8)");
    const char *conninfo = rh_staging_standby_conninfo(f->staging);
    assert_non_null(conninfo);
    rh_pg *pg =
        rh_pg_connect(rh_arena_printf(f->arena, "%s dbname=pgrehearse", conninfo), ": test", &f->error);
    int64_t sum = 0;
    assert_ok(f, pg && rh_pg_query_int(pg, "SELECT sum(i) FROM t", &sum, &f->error));
    rh_pg_close(pg);
    assert_int_equal(sum, 15);
}

/* A Unix socket that answers, where a server's would be. */
static int open_canary(fixture *f)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/.s.PGSQL.5432", f->root);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (const void *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(chmod(address.sun_path, 0777), 0);
    return fd;
}

/* The standby may connect to its primary, and SQL on it to nothing else. */
static void sql_on_it_reaches_nothing(void **state)
{
    fixture *f = *state;
    assert_ok(f, fixture_start(f));
    fixture_sql(f, "CREATE EXTENSION dblink");
    assert_ok(f, rh_staging_snapshot(f->staging, NULL, &f->error));
    start(f, RH_STANDBY_ASYNC);
    const int canary = open_canary(f);
    rh_staging_facts facts;
    assert_ok(f, rh_staging_describe(f->staging, f->arena, &facts, &f->error));
    rh_pg *pg = rh_pg_connect(
        rh_arena_printf(f->arena, "%s dbname=pgrehearse", rh_staging_standby_conninfo(f->staging)), ": test",
        &f->error);
    assert_non_null(pg);
    const char *const attempts[] = {
        rh_arena_printf(
            f->arena, "SELECT public.dblink_connect('host=%s/socket.standby user=postgres dbname=postgres')",
            facts.location),
        rh_arena_printf(f->arena, "SELECT public.dblink_connect('host=%s user=postgres dbname=postgres')",
                        f->root),
        "SELECT public.dblink_connect('host=@abstract user=postgres dbname=postgres')",
        "SELECT public.dblink_connect('host=127.0.0.1 user=postgres dbname=postgres')",
        rh_arena_printf(f->arena, "SELECT pg_read_file('%s/mark')", facts.location),
        rh_arena_printf(f->arena, "SELECT pg_ls_dir('%s/data')", facts.location),
        "COPY (SELECT 1) TO PROGRAM 'cat'",
        rh_arena_printf(f->arena, "COPY (SELECT 1) TO '%s/outside'", f->root)};
    for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++) {
        rh_error denied = {0};
        if (rh_pg_execute(pg, attempts[i], &denied))
            fail_msg("%s succeeded", attempts[i]);
        if (i < 3 && !strstr(denied.message, "could not establish connection"))
            fail_msg("%s: %s", attempts[i], denied.message);
        rh_error_release(&denied);
    }
    rh_pg_close(pg);
    assert_int_equal(accept4(canary, NULL, NULL, SOCK_CLOEXEC), -1);
    close(canary);
}

/* The primary cannot reach the standby, neither its socket nor its files. */
static void the_primary_does_not_reach_it(void **state)
{
    fixture *f = *state;
    start(f, RH_STANDBY_ASYNC);
    rh_staging_facts facts;
    assert_ok(f, rh_staging_describe(f->staging, f->arena, &facts, &f->error));
    assert_true(facts.isolation.proven);
    const char *const attempts[] = {
        rh_arena_printf(f->arena, "SELECT pg_ls_dir('%s/standby')", facts.location),
        rh_arena_printf(
            f->arena,
            "CREATE EXTENSION dblink; SELECT dblink_connect('host=%s/socket.standby user=postgres "
            "dbname=postgres')",
            facts.location)};
    for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++)
        assert_true(rh_starts_with(fixture_value(f, attempts[i]), "(error: "));
}

static void a_lost_one_is_noticed(void **state)
{
    fixture *f = *state;
    const char *why_not = NULL;
    start(f, RH_STANDBY_ASYNC);
    const char *pid = standby_value(f, "SELECT pid FROM pg_stat_activity WHERE backend_type = 'startup'");
    assert_int_equal(kill(atoi(pid), SIGKILL), 0);
    for (int i = 0; i < 6000 && rh_staging_standby_was_up(f->staging, &why_not); i++)
        usleep(10 * 1000);
    assert_non_null(why_not);
    start(f, RH_STANDBY_ASYNC);
    assert_true(rh_staging_standby_was_up(f->staging, &why_not));
}

static void production_without_wal_senders_has_none(void **state)
{
    fixture *f = *state;
    const char *why_not = NULL;
    rh_setting settings[] = {{"max_wal_senders", "0"}};
    f->scenario.staging.settings = settings;
    f->scenario.staging.setting_count = 1;
    assert_ok(f, fixture_start(f));
    assert_ok(f, rh_staging_snapshot(f->staging, NULL, &f->error));
    assert_ok(f, rh_staging_standby_start(f->staging, RH_STANDBY_ASYNC, &why_not, &f->error));
    assert_string_equal(why_not, "max_wal_senders is 0");
    fixture_sql(f, "CREATE TABLE t ()");
}

static void it_goes_with_its_cluster(void **state)
{
    fixture *f = *state;
    char **names;
    size_t count;
    start(f, RH_STANDBY_SYNC);
    const char *pid = standby_value(f, "SELECT pg_backend_pid()");
    rh_staging_free(f->staging, false);
    f->staging = NULL;
    assert_int_equal(kill(atoi(pid), 0), -1);
    assert_true(rh_directory_list(f->root, f->arena, &names, &count, &f->error));
    for (size_t i = 0; i < count; i++)
        if (!strstr(names[i], ".log"))
            fail_msg("%s is left", names[i]);
}

static void disk_is_counted_before(void **state)
{
    (void)state;
    const int64_t gb = INT64_C(1) << 30;
    assert_true(rh_standby_needs(100 * gb, 0, false) > 110 * gb);
    assert_true(rh_standby_needs(100 * gb, 0, true) < 11 * gb);
    assert_true(rh_standby_needs(100 * gb, 100 * gb, false) < 11 * gb);
    assert_true(rh_standby_needs(100 * gb, 40 * gb, false) > 70 * gb);
}

/* A disk with room for the cluster and its snapshot. The mount goes with this program. */
static void too_little_disk_is_said(void **state)
{
    fixture *f = *state;
    const char *why_not = NULL;
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", f->root, "tmpfs", 0, "size=400m,mode=0755") != 0)
        skip();
    assert_ok(f, fixture_start(f));
    assert_ok(f, rh_staging_snapshot(f->staging, NULL, &f->error));
    assert_ok(f, rh_staging_standby_start(f->staging, RH_STANDBY_ASYNC, &why_not, &f->error));
    if (!why_not || !strstr(why_not, "of disk beside the cluster, and"))
        fail_msg("%s", why_not ? why_not : "there is a standby");
    fixture_sql(f, "CREATE TABLE t ()"); /* the primary goes on */
    rh_staging_free(f->staging, false);
    f->staging = NULL;
    assert_int_equal(umount(f->root), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_streams),
        TEST(its_replay_pauses_and_resumes),
        TEST(a_sync_primary_waits_for_it),
        TEST(remote_apply_shows_the_row_at_once),
        TEST(its_stop_frees_the_primary),
        TEST(a_reset_ends_it),
        TEST(it_is_rebuilt_after_a_reset),
        TEST(sql_on_it_reaches_nothing),
        TEST(the_primary_does_not_reach_it),
        TEST(a_lost_one_is_noticed),
        TEST(production_without_wal_senders_has_none),
        TEST(it_goes_with_its_cluster),
        cmocka_unit_test(disk_is_counted_before),
        TEST(too_little_disk_is_said),
    };
    rh_interrupt_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
