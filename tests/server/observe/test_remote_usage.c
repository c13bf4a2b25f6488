/* What a session on another machine tells of its own backend, held against /proc, which is here after all. */
#include "sessions.h"
#include "pgrehearse/adapters/process.h"
#include "pgrehearse/observe/counters.h"

static rh_pg *migration, *side;

static int start(void **state)
{
    (void)state;
    return start_cluster(NULL, "shop") ? 0 : -1;
}

static int open_sessions(void **state)
{
    (void)state;
    migration = connect_as(": migration");
    side = connect_as(": observer");
    return 0;
}

static int close_sessions(void **state)
{
    (void)state;
    rh_pg_close(migration);
    rh_pg_close(side);
    return 0;
}

static const char *show(const char *setting)
{
    rh_pg_result *result = rh_pg_query(migration, setting, 0, NULL, NULL);
    const char *value = result ? rh_arena_strdup(arena, rh_pg_value(result, 0, 0)) : "(error)";
    rh_pg_result_free(result);
    return value;
}

static const char WORK[] =
    "SELECT count(pg_catalog.md5(g::text)) FROM pg_catalog.generate_series(1, 400000) g";

static void measures_like_proc(const char *begin)
{
    rh_counters_access access = {.local = false};
    rh_counters before, after;
    rh_statement_run told = {0};
    run(migration, begin);
    if (rh_pg_transaction_state(migration) == 'T') { /* calibrated when idle, as at a pass's begin */
        run(migration, "COMMIT");
        rh_counters_read_idle(migration, side, &access, &before);
        run(migration, begin);
    }
    char state = rh_pg_transaction_state(migration);
    rh_counters_read_idle(migration, side, &access, &before);
    double from = rh_proc_cpu(rh_pg_backend_pid(migration));
    run(migration, WORK);
    double spent = rh_proc_cpu(rh_pg_backend_pid(migration)) - from;
    rh_counters_read_idle(migration, side, &access, &after);
    rh_counters_difference(&before, &after, &told);
    assert_int_equal(rh_pg_transaction_state(migration), state);
    assert_false(access.refused);
    assert_non_null(strstr(told.cpu_source, "log_statement_stats"));
    assert_string_equal(told.io_source, told.cpu_source);
    if (fabs(told.cpu_user_s + told.cpu_system_s - spent) > 0.05 * spent)
        fail_msg("told %g s, spent %g s", told.cpu_user_s + told.cpu_system_s, spent);
    assert_true(told.read_bytes >= 0);
    assert_true(told.write_bytes >= 0);
    assert_true(told.wal_bytes >= 0);
}

static void test_between_transactions(void **state)
{
    (void)state;
    measures_like_proc("");
}

static void test_in_a_transaction(void **state)
{
    (void)state;
    measures_like_proc("BEGIN");
    assert_string_equal(show("SHOW log_statement_stats"), "off");
    run(migration, "COMMIT");
}

/* A short statement is not made of what asking costs. */
static void test_nothing_costs_nothing(void **state)
{
    (void)state;
    rh_counters_access access = {.local = false};
    rh_counters before, after;
    double least = INFINITY;
    for (int i = 0; i < 20; i++) {
        rh_statement_run told = {0};
        rh_counters_read_idle(migration, side, &access, &before);
        rh_counters_read_idle(migration, side, &access, &after);
        rh_counters_difference(&before, &after, &told);
        least = fmin(least, told.cpu_user_s + told.cpu_system_s);
    }
    assert_true(access.asking_s > 0);
    assert_true(least < access.asking_s); /* the reading itself is taken off */
}

/* The first word in a transaction is still the migration's, and its settings are as it made them. */
static void test_leaves_nothing_behind(void **state)
{
    (void)state;
    rh_counters_access access = {.local = false};
    rh_counters read;
    run(migration, "SET client_min_messages = error");
    rh_counters_read_idle(migration, side, &access, &read);
    run(migration, "BEGIN");
    rh_counters_read_idle(migration, side, &access, &read);
    assert_non_null(read.cpu_source);
    run(migration, "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; SET LOCAL client_min_messages = warning");
    rh_counters_read_idle(migration, side, &access, &read);
    assert_string_equal(show("SHOW client_min_messages"), "warning");
    assert_string_equal(show("SHOW transaction_isolation"), "serializable");
    run(migration, "COMMIT");
    assert_string_equal(show("SHOW client_min_messages"), "error");
    assert_string_equal(show("SHOW log_statement_stats"), "off");
}

static void test_failed_transaction(void **state)
{
    (void)state;
    rh_counters_access access = {.local = false};
    rh_counters read;
    run(migration, "BEGIN");
    rh_pg_execute(migration, "SELECT 1/0", NULL);
    rh_counters_read_idle(migration, side, &access, &read);
    assert_true(isnan(read.cpu_s));
    assert_true(!read.cpu_source);
    assert_int_equal(rh_pg_transaction_state(migration), 'E');
    run(migration, "ROLLBACK");
    rh_counters_read_idle(migration, side, &access, &read);
    assert_non_null(read.cpu_source);
}

/* SET ROLE within a transaction takes the right away for as long as it lasts, and nothing breaks. */
static void test_roles_without_the_right(void **state)
{
    (void)state;
    rh_counters_access access = {.local = false};
    rh_counters read;
    run(migration, "CREATE ROLE plain; BEGIN; SET LOCAL ROLE plain");
    rh_counters_read_idle(migration, side, &access, &read);
    assert_null(read.cpu_source);
    assert_int_equal(rh_pg_transaction_state(migration), 'T');
    assert_string_equal(show("SELECT current_user"), "plain");
    run(migration, "COMMIT");
    assert_false(access.refused);
    rh_counters_read_idle(migration, side, &access, &read);
    assert_non_null(read.cpu_source);
    run(migration, "SET ROLE plain");
    rh_counters_read_idle(migration, side, &access, &read);
    assert_true(access.refused);
    assert_true(isnan(read.cpu_s));
    assert_true(read.read_bytes == RH_UNKNOWN);
    assert_true(read.wal_bytes > 0); /* what SQL tells everybody */
    if (rh_pg_server_version(migration) < 150000)
        return;
    access.refused = false;
    run(migration, "RESET ROLE; GRANT SET ON PARAMETER log_statement_stats TO plain; SET ROLE plain");
    rh_counters_read_idle(migration, side, &access, &read);
    assert_false(access.refused);
    assert_non_null(read.cpu_source);
}

extern const char rh_sql_counters_io[];

static void io_sums(const char *view, int64_t fsyncs_at_least, int64_t read, int64_t written)
{
    run(side, "BEGIN; SET LOCAL allow_system_table_mods = on");
    run(side, view);
    rh_pg_result *result = rh_pg_query(side, rh_sql_counters_io, 0, NULL, NULL);
    assert_non_null(result);
    assert_int_equal(rh_pg_rows(result), 1);
    assert_true(rh_pg_int(result, 0, 0, -1) >= 0);
    assert_true(rh_pg_int(result, 0, 1, -1) >= fsyncs_at_least);
    assert_int_equal(rh_pg_int(result, 0, 2, -1), read);
    assert_int_equal(rh_pg_int(result, 0, 3, -1), written);
    rh_pg_result_free(result);
    run(side, "ROLLBACK");
}

/* With views of the columns that the documentation of 16 and of 18 gives; the real ones on such a server. */
static void test_pg_stat_io(void **state)
{
    (void)state;
    if (rh_pg_server_version(side) >= 160000) {
        rh_counters_access access = {.local = false};
        rh_counters before, after;
        rh_statement_run told = {0};
        run(migration, "CREATE TABLE t AS SELECT g, repeat('x', 500) AS x FROM generate_series(1, 20000) g");
        rh_counters_read_idle(migration, side, &access, &before);
        run(migration,
            "CREATE TABLE u AS SELECT g, repeat('x', 500) AS x FROM generate_series(1, 20000) g; CHECKPOINT");
        rh_counters_read_idle(migration, side, &access, &after);
        rh_counters_difference(&before, &after, &told);
        assert_non_null(strstr(told.cache_source, "pg_stat_io"));
        assert_true(told.cached_write_bytes > 8 << 20);
        assert_true(told.cached_read_bytes >= 0);
        assert_true(told.wal_images >= 0);
        assert_true(told.fsyncs >= 0);
        return;
    }
    io_sums("CREATE VIEW pg_catalog.pg_stat_io AS SELECT * FROM (VALUES "
            "('client backend', 'relation', 'normal', 10::bigint, 3::bigint, 2::bigint, 8192::bigint, "
            "5::bigint), "
            "('client backend', 'relation', 'bulkread', 100, 0, NULL, 8192, NULL), "
            "('background worker', 'relation', 'normal', 1, 0, 0, 8192, 0), "
            "('checkpointer', 'relation', 'normal', NULL, 900, NULL, 8192, 70), "
            "('client backend', 'temp relation', 'normal', 4, 4, 4, 8192, NULL)) "
            "v (backend_type, object, context, reads, writes, extends, op_bytes, fsyncs)",
            5, (10 + 100 + 1 + 4) * 8192, (3 + 2 + 4 + 4) * 8192);
    io_sums("CREATE VIEW pg_catalog.pg_stat_io AS SELECT * FROM (VALUES "
            "('client backend', 'relation', 'normal', 10::bigint, 81920::numeric, 3::bigint, 24576::numeric, "
            "2::bigint, 16384::numeric, 5::bigint), "
            "('client backend', 'wal', 'normal', 0, 0, 9, 99999, NULL, NULL, 11), "
            "('checkpointer', 'wal', 'normal', 0, 0, 1, 8192, NULL, NULL, 2), "
            "('checkpointer', 'relation', 'normal', NULL, NULL, 900, 7372800, NULL, NULL, 70)) "
            "v (backend_type, object, context, reads, read_bytes, writes, write_bytes, extends, "
            "extend_bytes, fsyncs)",
            5 + 11 + 2, 81920, 24576 + 16384);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_between_transactions, open_sessions, close_sessions),
        cmocka_unit_test_setup_teardown(test_in_a_transaction, open_sessions, close_sessions),
        cmocka_unit_test_setup_teardown(test_nothing_costs_nothing, open_sessions, close_sessions),
        cmocka_unit_test_setup_teardown(test_leaves_nothing_behind, open_sessions, close_sessions),
        cmocka_unit_test_setup_teardown(test_failed_transaction, open_sessions, close_sessions),
        cmocka_unit_test_setup_teardown(test_roles_without_the_right, open_sessions, close_sessions),
        cmocka_unit_test_setup_teardown(test_pg_stat_io, open_sessions, close_sessions),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
