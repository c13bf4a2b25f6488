/* The PostgreSQL adapter against a real server: errors without data, timing, cancelling, losing the server,
 * copying. */
#include "server/cluster.h"
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/base/interrupt.h"
#include "pgrehearse/base/text.h"
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cmocka.h>

static test_cluster *cluster;

static int start(void **state)
{
    (void)state;
    cluster = test_cluster_start();
    return cluster ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    test_cluster_stop(cluster);
    return 0;
}

static rh_pg *connect_as(const char *role)
{
    rh_error error = {0};
    rh_pg *pg = rh_pg_connect(test_cluster_conninfo(cluster), role, &error);
    if (!pg)
        fail_msg("%s", error.message);
    return pg;
}

static void test_connect_names_its_role(void **state)
{
    (void)state;
    rh_pg *pg = connect_as(": tester");
    rh_pg_result *result = rh_pg_query(
        pg, "SELECT current_setting('application_name'), pg_backend_pid(), true, NULL", 0, NULL, NULL);
    assert_non_null(result);
    assert_int_equal(rh_pg_rows(result), 1);
    assert_int_equal(rh_pg_columns(result), 4);
    assert_string_equal(rh_pg_value(result, 0, 0), "pgrehearse: tester");
    assert_int_equal(rh_pg_int(result, 0, 1, -1), rh_pg_backend_pid(pg));
    assert_true(rh_pg_bool(result, 0, 2));
    assert_null(rh_pg_value(result, 0, 3));
    assert_int_equal(rh_pg_int(result, 0, 3, 42), 42);
    assert_true(rh_pg_is_unix_socket(pg));
    rh_pg_result_free(result);
    rh_pg_close(pg);
}

static void test_connect_refused(void **state)
{
    (void)state;
    rh_error error = {0};
    assert_null(rh_pg_connect("host=/nonexistent dbname=x", "", &error));
    assert_int_equal(error.code, RH_ERROR_LOST);
    assert_null(strchr(error.message, '\n'));
    rh_error_release(&error);
    assert_null(rh_pg_connect("host=/tmp password=abc secretpart", "", &error));
    assert_int_equal(error.code, RH_ERROR_USAGE);
    assert_null(strstr(error.message, "secretpart"));
    rh_error_release(&error);
    assert_null(rh_pg_connect("nosuchoption=1", "", &error));
    assert_non_null(strstr(error.message, "nosuchoption"));
    rh_error_release(&error);
}

static void test_parameters(void **state)
{
    (void)state;
    rh_pg *pg = connect_as("");
    rh_error error = {0};
    const char *parameters[] = {"41", NULL};
    rh_pg_result *result = rh_pg_query(pg, "SELECT $1::int + 1, $2::text IS NULL", 2, parameters, &error);
    assert_non_null(result);
    assert_int_equal(rh_pg_int(result, 0, 0, 0), 42);
    assert_true(rh_pg_bool(result, 0, 1));
    rh_pg_result_free(result);
    int64_t value = 0;
    assert_true(rh_pg_query_int(pg, "SELECT 7", &value, &error));
    assert_int_equal(value, 7);
    assert_false(rh_pg_query_int(pg, "SELECT 7 WHERE false", &value, &error));
    rh_error_release(&error);
    rh_pg_close(pg);
}

static void test_error_place_counts_characters(void **state)
{
    (void)state;
    rh_pg *pg = connect_as("");
    rh_error error = {0};
    assert_false(rh_pg_execute(pg, "SELECT 'äöü',\n  'ß', nosuch", &error));
    assert_int_equal(error.code, RH_ERROR_SQL);
    assert_string_equal(error.sqlstate, "42703");
    assert_int_equal(error.line, 2);
    assert_int_equal(error.column, 8);
    assert_null(error.file);
    rh_error_release(&error);
    rh_pg_close(pg);
}

/* Fails SQL and checks the message, which must not hold SECRET anywhere. */
static void expect(rh_pg *pg, const char *sql, const char *sqlstate, const char *message, const char *secret)
{
    rh_error error = {0};
    assert_false(rh_pg_execute(pg, sql, &error));
    assert_string_equal(error.sqlstate, sqlstate);
    assert_string_equal(error.message, message);
    assert_null(strstr(error.message, secret));
    if (error.hint)
        assert_null(strstr(error.hint, secret));
    rh_error_release(&error);
}

static void test_no_value_reaches_an_error(void **state)
{
    (void)state;
    rh_pg *pg = connect_as("");
    assert_true(rh_pg_execute(pg,
                              "CREATE TABLE people (email text PRIMARY KEY, age int CHECK (age > 0));"
                              "INSERT INTO people VALUES ('joe@secret', 5), ('9secret', 6)",
                              NULL));
    expect(pg, "INSERT INTO people VALUES ('joe@secret', 1)", "23505",
           "duplicate key value violates unique constraint \"people_pkey\"", "secret");
    expect(pg, "INSERT INTO people VALUES ('new-secret', -1)", "23514",
           "new row for relation \"people\" violates check constraint \"people_age_check\"", "secret");
    expect(pg, "SELECT (email || '\"x')::int FROM people", "22P02",
           "invalid input syntax for type integer: \"«…»\"«…»\"", "secret");
    expect(pg, "COPY (SELECT 1) TO PROGRAM 'exit 3; secret'", "38000", "program \"«…»\" failed", "secret");
    expect(pg,
           "DO $$ DECLARE r record; BEGIN FOR r IN SELECT * FROM people LOOP "
           "RAISE EXCEPTION 'bad person %, aged %', r.email, r.age USING HINT = 'ask ' || r.email; END LOOP; "
           "END $$",
           "P0001", "bad person «…», aged «…»", "secret");
    rh_pg_close(pg);
}

static void test_timed(void **state)
{
    (void)state;
    rh_pg *pg = connect_as("");
    rh_error error = {0};
    rh_pg_timing timing;
    assert_true(
        rh_pg_timed(pg, "CREATE TEMP TABLE t AS SELECT generate_series(1, 1000) AS i", 0, &timing, &error));
    assert_int_equal(timing.rows, 1000);
    assert_true(rh_pg_timed(pg, "UPDATE t SET i = i + 1 WHERE i <= 10", 0, &timing, &error));
    assert_string_equal(timing.command_tag, "UPDATE 10");
    assert_int_equal(timing.rows, 10);
    assert_true(rh_pg_timed(pg, "SELECT i FROM t", 0, &timing, &error));
    assert_int_equal(timing.rows, 1000);
    assert_true(rh_pg_timed(pg, "SET work_mem = '5MB'", 0, &timing, &error));
    assert_int_equal(timing.rows, -1);
    assert_true(rh_pg_timed(pg, "SELECT pg_sleep(0.05)", 0, &timing, &error));
    assert_true(timing.ended - timing.started >= 50000);
    assert_false(rh_pg_timed(pg, "SELECT 1/0", 0, &timing, &error));
    assert_true(timing.ended >= timing.started);
    assert_string_equal(error.sqlstate, "22012");
    rh_error_release(&error);
    assert_false(rh_pg_timed(pg, "COPY t FROM STDIN", 0, &timing, &error));
    rh_error_release(&error);
    assert_true(rh_pg_timed(pg, "COPY t TO STDOUT", 0, &timing, &error));
    assert_int_equal(timing.rows, 1000);
    rh_pg_close(pg);
}

static void test_timeout_cancels_and_keeps_the_connection(void **state)
{
    (void)state;
    rh_pg *pg = connect_as("");
    rh_error error = {0};
    rh_pg_timing timing;
    assert_false(rh_pg_timed(pg, "SELECT pg_sleep(60)", 50000, &timing, &error));
    assert_int_equal(error.code, RH_ERROR_TIMEOUT);
    rh_error_release(&error);
    assert_true(rh_pg_execute(pg, "BEGIN", &error));
    assert_int_equal(rh_pg_transaction_state(pg), 'T');
    assert_false(rh_pg_execute(pg, "SELEC", &error));
    rh_error_release(&error);
    assert_int_equal(rh_pg_transaction_state(pg), 'E');
    assert_true(rh_pg_execute(pg, "ROLLBACK", &error));
    assert_int_equal(rh_pg_transaction_state(pg), 'I');
    rh_pg_close(pg);
}

/* When the statement of the session runs. */
static void *interrupt_it(void *session)
{
    const char *sql = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    for (int64_t asleep = 0; asleep == 0; usleep(5000))
        if (!rh_pg_query_int(session, sql, &asleep, NULL))
            break;
    raise(SIGTERM);
    return NULL;
}

static void test_interrupt_cancels(void **state)
{
    (void)state;
    rh_interrupt_install();
    rh_pg *pg = connect_as(""), *other = connect_as("");
    rh_error error = {0};
    pthread_t thread;
    pthread_create(&thread, NULL, interrupt_it, other);
    assert_false(rh_pg_execute(pg, "SELECT pg_sleep(60)", &error));
    pthread_join(thread, NULL);
    assert_int_equal(error.code, RH_ERROR_INTERRUPTED);
    rh_error_release(&error);
    assert_null(rh_pg_connect(test_cluster_conninfo(cluster), "", &error));
    assert_int_equal(error.code, RH_ERROR_INTERRUPTED);
    rh_error_release(&error);
    rh_interrupt_hold(); /* clean-up still reaches the server */
    assert_true(rh_pg_execute(pg, "SELECT 1", &error));
    rh_interrupt_release();
    rh_interrupt_reset();
    rh_pg_close(other);
    rh_pg_close(pg);
}

static void test_terminated_is_lost(void **state)
{
    (void)state;
    rh_pg *victim = connect_as(""), *other = connect_as("");
    rh_error error = {0};
    assert_true(
        rh_pg_executef(other, &error, "SELECT pg_terminate_backend(%d, 5000)", rh_pg_backend_pid(victim)));
    assert_false(rh_pg_execute(victim, "SELECT 1", &error));
    assert_int_equal(error.code, RH_ERROR_LOST);
    assert_string_equal(error.sqlstate, "57P01");
    rh_error_release(&error);
    assert_false(rh_pg_execute(victim, "SELECT 1", &error));
    assert_int_equal(error.code, RH_ERROR_LOST);
    rh_error_release(&error);
    rh_pg_close(victim);
    rh_pg_close(other);
}

/* A row that does not fit into memory is no failure of the statement's. */
static void test_large_row_is_unread(void **state)
{
    (void)state;
    rh_pg *pg = connect_as(": large");
    rh_error error = {0};
    struct rlimit before, limit;
    assert_int_equal(getrlimit(RLIMIT_DATA, &before), 0);
    limit = (struct rlimit){.rlim_cur = 200 << 20, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_DATA, &limit), 0);
    bool ok = rh_pg_timed(pg, "SELECT pg_catalog.repeat('x', 120000000)", 0, &(rh_pg_timing){0}, &error);
    assert_int_equal(setrlimit(RLIMIT_DATA, &before), 0);
    assert_false(ok);
    assert_true(error.code == RH_ERROR_IO || error.code == RH_ERROR_LOST);
    rh_error_release(&error);
    rh_pg_close(pg);
}

static void test_copy_between(void **state)
{
    (void)state;
    rh_pg *from = connect_as(""), *to = connect_as("");
    rh_error error = {0};
    assert_true(rh_pg_execute(to, "CREATE TEMP TABLE copied (i int, t text)", &error));
    int64_t rows = rh_pg_copy_between(
        from, "COPY (SELECT i, repeat('x', 100) FROM generate_series(1, 50000) i) TO STDOUT", to,
        "COPY copied FROM STDIN", &error);
    assert_int_equal(rows, 50000);
    assert_int_equal(
        rh_pg_copy_between(from, "COPY (SELECT 1/(i-30000), '' FROM generate_series(1, 50000) i) TO STDOUT",
                           to, "COPY copied FROM STDIN", &error),
        -1);
    assert_string_equal(error.sqlstate, "22012");
    rh_error_release(&error);
    assert_int_equal(rh_pg_copy_between(from,
                                        "COPY (SELECT 'x', 'y' FROM generate_series(1, 50000) i) TO STDOUT",
                                        to, "COPY copied FROM STDIN", &error),
                     -1);
    assert_string_equal(error.sqlstate, "22P02");
    rh_error_release(&error);
    assert_int_equal(rh_pg_copy_between(from, "SELECT 1", to, "COPY copied FROM STDIN", &error), -1);
    rh_error_release(&error);
    int64_t count = 0; /* both connections are fit for use again */
    assert_true(rh_pg_query_int(to, "SELECT count(*) FROM copied", &count, &error));
    assert_int_equal(count, 50000);
    assert_true(rh_pg_execute(from, "SELECT 1", &error));
    rh_pg_close(from);
    rh_pg_close(to);
}

static rh_pg_poll wait_async(rh_pg *pg, int64_t *rows, char *sqlstate)
{
    for (;;) {
        struct pollfd fd = {.fd = rh_pg_socket(pg), .events = POLLIN};
        poll(&fd, 1, 10000);
        rh_pg_poll poll_state = rh_pg_consume(pg, rows, sqlstate);
        if (poll_state != RH_PG_BUSY)
            return poll_state;
    }
}

static void test_async(void **state)
{
    (void)state;
    rh_error error = {0};
    rh_pg *pg = rh_pg_connect_start(test_cluster_conninfo(cluster), ": load", &error);
    assert_non_null(pg);
    short events = POLLOUT;
    rh_pg_connecting how;
    do {
        struct pollfd fd = {.fd = rh_pg_socket(pg), .events = events};
        poll(&fd, 1, 10000);
        how = rh_pg_connect_poll(pg);
        events = how == RH_PG_CONNECT_READING ? POLLIN : POLLOUT;
    } while (how == RH_PG_CONNECT_READING || how == RH_PG_CONNECT_WRITING);
    assert_int_equal(how, RH_PG_CONNECT_DONE);
    assert_true(rh_pg_set_nonblocking(pg, &error));
    assert_true(rh_pg_prepare(pg, "one", "SELECT 10 / $1::int FROM generate_series(1, 3)", &error));
    const char *good[] = {"5"}, *bad[] = {"0"};
    int64_t rows = 0;
    char sqlstate[6];
    assert_true(rh_pg_send_prepared(pg, "one", 1, good));
    assert_int_equal(wait_async(pg, &rows, sqlstate), RH_PG_DONE);
    assert_int_equal(rows, 3);
    assert_null(rh_pg_failure(pg));
    assert_true(rh_pg_send_prepared(pg, "one", 1, bad));
    assert_int_equal(wait_async(pg, &rows, sqlstate), RH_PG_FAILED);
    assert_string_equal(sqlstate, "22012");
    assert_string_equal(rh_pg_failure(pg), "division by zero");
    assert_true(rh_pg_send(pg, "SELECT pg_terminate_backend(pg_backend_pid())"));
    assert_int_equal(wait_async(pg, &rows, sqlstate), RH_PG_LOST);
    assert_string_equal(sqlstate, "57P01");
    rh_pg_close(pg);
}

static void test_quoting_and_conninfo(void **state)
{
    (void)state;
    rh_pg *pg = connect_as("");
    char *literal = rh_pg_quote_literal("it's \\ ok"), *identifier = rh_quote_identifier("a\"b");
    rh_text sql = {0};
    rh_text_printf(&sql, "SELECT %s AS %s", literal, identifier);
    rh_pg_result *result = rh_pg_query(pg, sql.data, 0, NULL, NULL);
    assert_string_equal(rh_pg_value(result, 0, 0), "it's \\ ok");
    assert_string_equal(rh_pg_column_name(result, 0), "a\"b");
    rh_pg_result_free(result);
    rh_text_release(&sql);
    free(literal);
    free(identifier);
    const char *keys[] = {"dbname"}, *values[] = {"it's"};
    rh_error error = {0};
    char *with = rh_pg_conninfo_with("postgresql://joe:pw@h:1/x", 1, keys, values, &error);
    assert_non_null(strstr(with, "dbname='it\\'s'"));
    assert_non_null(strstr(with, "user='joe'"));
    char *display = rh_pg_conninfo_display(with);
    assert_string_equal(display, "joe@h:1/it's");
    free(display);
    free(with);
    assert_null(rh_pg_conninfo_with("a=b=c", 0, NULL, NULL, &error));
    assert_int_equal(error.code, RH_ERROR_USAGE);
    rh_error_release(&error);
    rh_pg_close(pg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connect_names_its_role),
        cmocka_unit_test(test_connect_refused),
        cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_error_place_counts_characters),
        cmocka_unit_test(test_no_value_reaches_an_error),
        cmocka_unit_test(test_timed),
        cmocka_unit_test(test_timeout_cancels_and_keeps_the_connection),
        cmocka_unit_test(test_interrupt_cancels),
        cmocka_unit_test(test_terminated_is_lost),
        cmocka_unit_test(test_large_row_is_unread),
        cmocka_unit_test(test_copy_between),
        cmocka_unit_test(test_async),
        cmocka_unit_test(test_quoting_and_conninfo),
    };
    return cmocka_run_group_tests_name("pg", tests, start, stop);
}
