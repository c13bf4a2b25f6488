/* Databases of ours on a given server: marks, lease, guard, snapshot by template, and what dead runs leave.
 */
#include "fixture.h"
#include "server/cluster.h"

static test_cluster *cluster;

static int start_server(void **state)
{
    if (fixture_set_up(state))
        return -1;
    fixture *f = *state;
    f->scenario.staging.kind = RH_STAGING_SERVER;
    f->scenario.staging.url = test_cluster_conninfo(cluster);
    return 0;
}

static const char *on_server(fixture *f, const char *sql)
{
    rh_error error = {0};
    rh_pg *pg = rh_pg_connect(test_cluster_conninfo(cluster), ": test", &error);
    rh_pg_result *result = pg ? rh_pg_query(pg, sql, 0, NULL, &error) : NULL;
    char *copy = result ? rh_arena_strdup(f->arena, rh_pg_rows(result) ? rh_pg_value(result, 0, 0) : "(none)")
                        : rh_arena_printf(f->arena, "(error: %s)", error.message);
    rh_pg_result_free(result);
    rh_pg_close(pg);
    rh_error_release(&error);
    return copy;
}

static const char *databases(fixture *f)
{
    return on_server(f, "SELECT coalesce(string_agg(datname, ' ' ORDER BY datname), '') FROM pg_database "
                        "WHERE datname NOT IN ('postgres', 'template0', 'template1')");
}

static void test_snapshot_and_reset(void **state)
{
    fixture *f = *state;
    rh_setting setting = {"work_mem", "7MB"};
    f->scenario.staging.settings = &setting;
    f->scenario.staging.setting_count = 1;
    assert_ok(f, fixture_start(f));
    fixture_sql(f,
                "CREATE TABLE t AS SELECT i FROM generate_series(1, 1000) i; CREATE TABLE dropped (a int)");
    assert_ok(f, rh_staging_snapshot(f->staging, NULL, &f->error));
    for (int i = 0; i < 2; i++) {
        fixture_sql(f, "DELETE FROM t; DROP TABLE dropped; CREATE TABLE created (a int)");
        assert_ok(f, rh_staging_reset(f->staging, NULL, &f->error));
        assert_string_equal(fixture_value(f, "SELECT count(*) FROM t"), "1000");
        assert_string_equal(
            fixture_value(f, "SELECT to_regclass('dropped') || coalesce(to_regclass('created')::text, '')"),
            "dropped");
    }
    const char *why_not = NULL;
    assert_ok(f, rh_staging_sample(f->staging, 0.5, f->arena, &why_not, &f->error));
    assert_null(why_not);
    assert_string_equal(fixture_value(f, "SELECT count(*) FROM t"), "1000"); /* small: whole */
    assert_true(rh_ends_with(fixture_value(f, "SELECT current_database()"), "_sample"));
    rh_staging_facts facts;
    assert_ok(f, rh_staging_describe(f->staging, f->arena, &facts, &f->error));
    assert_string_equal(facts.reset_method, "template database");
    assert_true(fixture_noted(f, "settings are not applied"));
    assert_ok(f, rh_staging_reset(f->staging, NULL, &f->error));
    assert_null(strstr(databases(f), "sample"));
    rh_staging_free(f->staging, false);
    f->staging = NULL;
    assert_string_equal(databases(f), "");
}

static void test_leftovers_of_dead_runs_only(void **state)
{
    fixture *f = *state;
    on_server(f, "CREATE DATABASE pgrehearse_0000000a");
    on_server(f, "COMMENT ON DATABASE pgrehearse_0000000a IS 'pgrehearse 0000000a lock 10'");
    on_server(f, "CREATE DATABASE pgrehearse_0000000b"); /* no mark */
    on_server(f, "CREATE DATABASE pgrehearse_0000000c");
    on_server(f, "COMMENT ON DATABASE pgrehearse_0000000c IS 'pgrehearse kept'");
    on_server(f, "CREATE DATABASE other");
    on_server(f, "COMMENT ON DATABASE other IS 'pgrehearse 0000000a lock 10'");
    assert_ok(f, fixture_start(f)); /* a run that lives, with a database of its own */
    fixture second = {.arena = f->arena, .scenario = f->scenario};
    snprintf(second.root, sizeof second.root, "%s", f->root);
    assert_ok(&second, fixture_start(&second));
    const char *now = databases(f);
    assert_null(strstr(now, "0000000a"));
    assert_non_null(strstr(now, "0000000b"));
    assert_non_null(strstr(now, "0000000c"));
    assert_non_null(strstr(now, "other"));
    assert_string_equal(fixture_value(f, "SELECT 1"), "1");
    rh_staging_free(second.staging, false);
    rh_staging_free(f->staging, true);
    f->staging = NULL;
    now = databases(f);
    assert_ok(f, fixture_start(f)); /* leaves what was kept */
    rh_staging_free(f->staging, false);
    f->staging = NULL;
    assert_string_equal(databases(f), now);
    on_server(f, "DROP DATABASE other");
}

/* A subscription keeps its database from being dropped: by a reset, at the end, and by the next run. */
static void test_subscriptions_are_detached(void **state)
{
    static const char subscribe[] =
        "CREATE SUBSCRIPTION %s CONNECTION 'host=/no/such dbname=x' PUBLICATION p "
        "WITH (connect = false, slot_name = 'precious')";
    fixture *f = *state;
    on_server(f, "CREATE DATABASE pgrehearse_0000000d");
    on_server(f, "COMMENT ON DATABASE pgrehearse_0000000d IS 'pgrehearse 0000000d lock 13'");
    rh_pg *dead = rh_pg_connect(
        rh_arena_printf(f->arena, "%s dbname=pgrehearse_0000000d", test_cluster_conninfo(cluster)), ": test",
        &f->error);
    assert_ok(f, dead && rh_pg_executef(dead, &f->error, subscribe, "lost"));
    rh_pg_close(dead);
    assert_ok(f, fixture_start(f));
    assert_null(strstr(databases(f), "0000000d"));
    fixture_sql(f, rh_arena_printf(f->arena, subscribe, "restored"));
    assert_ok(f, rh_staging_snapshot(f->staging, NULL, &f->error));
    assert_ok(f, rh_staging_reset(f->staging, NULL, &f->error));
    fixture_sql(f, rh_arena_printf(f->arena, subscribe, "migrated"));
    rh_staging_free(f->staging, false);
    f->staging = NULL;
    assert_string_equal(on_server(f, "SELECT count(*) FROM pg_subscription"), "0");
    assert_null(strstr(databases(f), "snapshot"));
}

/* Somebody put a database of their own in the place of ours. */
static void test_a_mark_that_is_gone(void **state)
{
    fixture *f = *state;
    assert_ok(f, fixture_start(f));
    assert_ok(f, rh_staging_snapshot(f->staging, NULL, &f->error));
    const char *name = fixture_value(f, "SELECT current_database()");
    on_server(f, rh_arena_printf(f->arena, "COMMENT ON DATABASE %s IS NULL", name));
    assert_false(rh_staging_reset(f->staging, NULL, &f->error));
    assert_int_equal(f->error.code, RH_ERROR_REFUSED);
    rh_staging_free(f->staging, false);
    f->staging = NULL;
    assert_non_null(strstr(databases(f), name));
    on_server(f, rh_arena_printf(f->arena, "DROP DATABASE %s", name));
}

static void test_guard(void **state)
{
    fixture *f = *state;
    on_server(f, "CREATE ROLE visitor LOGIN");
    f->scenario.staging.url =
        rh_arena_printf(f->arena, "host=%s user=visitor dbname=postgres", cluster->directory);
    assert_false(fixture_start(f));
    assert_int_equal(f->error.code, RH_ERROR_REFUSED);
    assert_non_null(strstr(f->error.message, "may not create databases"));
    assert_int_equal(f->error.line, 7);
    rh_error_release(&f->error);

    f->scenario.staging.url = "host=/no/such/place user=secretive password=hunter2";
    assert_false(fixture_start(f));
    assert_null(strstr(f->error.message, "hunter2"));
    rh_error_release(&f->error);

    f->scenario.staging.url = test_cluster_conninfo(cluster);
    rh_staging_request request = {.scenario = &f->scenario, .minimum_major = 99};
    assert_null(rh_staging_start(&request, &f->error));
    assert_int_equal(f->error.code, RH_ERROR_BACKUP);
}

static void test_neutralise(void **state)
{
    fixture *f = *state;
    assert_ok(f, fixture_start(f));
    fixture_sql(f, "CREATE SUBSCRIPTION news CONNECTION 'host=/no/such dbname=x' PUBLICATION p "
                   "WITH (connect = false, slot_name = 'precious')");
    fixture_sql(f, "ALTER SUBSCRIPTION news ENABLE");
    fixture_sql(f, "CREATE SCHEMA cron; CREATE TABLE cron.job (jobid int, active boolean); INSERT INTO "
                   "cron.job VALUES (1, true)");
    assert_ok(f, rh_staging_neutralise(f->staging, &f->error));
    assert_string_equal(
        fixture_value(f, "SELECT subenabled || ' ' || coalesce(subslotname, 'none') FROM pg_subscription"),
        "false none");
    assert_string_equal(fixture_value(f, "SELECT active FROM cron.job"), "f");
    assert_true(fixture_noted(f, "subscription news disabled"));
    assert_true(fixture_noted(f, "scheduled jobs in cron.job"));
    assert_ok(f, rh_staging_neutralise(f->staging, &f->error)); /* again: nothing to do */
    fixture_sql(f, "DROP SUBSCRIPTION news");
}

static void test_lost_server(void **state)
{
    fixture *f = *state;
    assert_ok(f, fixture_start(f));
    assert_true(rh_staging_alive(f->staging, &f->error));
    on_server(f, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = "
                 "'pgrehearse: lease'");
    assert_false(rh_staging_alive(f->staging, &f->error));
    assert_int_equal(f->error.code, RH_ERROR_STAGING);
    assert_non_null(strstr(f->error.hint, "next run"));
    rh_staging_free(f->staging, false);
    f->staging = NULL;
    assert_ok(f, (rh_error_release(&f->error), fixture_start(f))); /* the next run clears it away */
    rh_staging_free(f->staging, false);
    f->staging = NULL;
    assert_null(strstr(databases(f), "snapshot"));
}

#define SERVER_TEST(name) cmocka_unit_test_setup_teardown(name, start_server, fixture_tear_down)

int main(void)
{
    rh_interrupt_install();
    cluster = test_cluster_start_with((const char *const[]){"wal_level=logical", NULL});
    if (!cluster)
        return 1;
    const struct CMUnitTest tests[] = {
        SERVER_TEST(test_snapshot_and_reset),
        SERVER_TEST(test_leftovers_of_dead_runs_only),
        SERVER_TEST(test_a_mark_that_is_gone),
        SERVER_TEST(test_guard),
        SERVER_TEST(test_neutralise),
        SERVER_TEST(test_lost_server),
        SERVER_TEST(test_subscriptions_are_detached),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_cluster_stop(cluster);
    return failed;
}
