/* Durations out of server logs in their three formats, and odd ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "pgrehearse/adapters/files.h"
#include "score/logged.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct got {
    rh_arena *arena;
    rh_logged rows[10];
    size_t count, statements;
} got;

static void take(void *user, const rh_logged *logged)
{
    got *g = user;
    if (g->count == 10)
        fail_msg("more statements than there are");
    g->rows[g->count] = *logged;
    g->rows[g->count].sql = rh_arena_strdup(g->arena, logged->sql);
    g->rows[g->count++].session = rh_arena_strdup(g->arena, logged->session);
}

static bool try_read(got *g, const char *text, rh_error *error)
{
    char path[] = "/tmp/rh-log-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    *g = (got){.arena = rh_arena_new()};
    bool ok = rh_logged_read(path, g->arena, take, g, &g->statements, error);
    unlink(path);
    assert_true(!ok || g->statements == g->count);
    return ok;
}

static got read_log(const char *text, size_t count)
{
    got g;
    rh_error error = {0};
    if (!try_read(&g, text, &error))
        fail_msg("%s", error.message);
    assert_int_equal(g.count, count);
    return g;
}

static void is(const rh_logged *row, const char *session, double seconds, int line, const char *sql)
{
    assert_string_equal(row->session, session);
    assert_string_equal(row->sql, sql);
    assert_int_equal(row->line, line);
    if (fabs(row->seconds - seconds) > 1e-9)
        fail_msg("%g s is not %g", row->seconds, seconds);
}

static void plain(void **state)
{
    (void)state;
    got g = read_log(
        "2026-11-22 15:42:00.123 UTC [4711] LOG:  starting PostgreSQL 15\n"
        "2026-11-22 15:42:01 UTC [12] LOG:  duration: 1234.500 ms  statement: ALTER TABLE a\n"
        "\tADD COLUMN b text;\n"
        "2026-11-22 15:42:01 UTC [13] ERROR:  canceling statement due to lock timeout\n"
        "2026-11-22 15:42:01 UTC [13] STATEMENT:  ALTER TABLE a ADD COLUMN c text\n"
        "\tLOG:  duration: 9 ms  statement: not a line of its own\n"
        "2026-11-22 15:42:02 UTC [12] LOG:  duration: 0.1 ms  parse <unnamed>: SELECT $1\n"
        "2026-11-22 15:42:02 UTC [12] LOG:  duration: 0.2 ms  bind <unnamed>: SELECT $1\n"
        "2026-11-22 15:42:02 UTC [12] LOG:  duration: 7 ms  execute <unnamed>: SELECT 'ERROR:  x', $1\r\n"
        "2026-11-22 15:42:02 UTC [12] DETAIL:  parameters: $1 = 'x'\n",
        2);
    is(&g.rows[0], "12", 1.2345, 2, "ALTER TABLE a\nADD COLUMN b text;");
    is(&g.rows[1], "12", 0.007, 9, "SELECT 'ERROR:  x', $1");
    rh_arena_free(g.arena);
}

/* log_statement with log_duration, of two sessions at once, and a lock that was waited for. */
static void in_two_lines(void **state)
{
    (void)state;
    got g =
        read_log("db=shop,12 LOG:  statement: VACUUM a\n"
                 "db=shop,user 13 LOG:  statement: ALTER TABLE b ADD c int\n"
                 "db=shop,user 13 LOG:  process 13 still waiting for AccessExclusiveLock on relation 1 of "
                 "database 5 after 1000.1 ms\n"
                 "db=shop,user 13 LOG:  process 13 acquired AccessExclusiveLock on relation 1 of database 5 "
                 "after 1500 ms\n"
                 "db=shop,user 13 LOG:  duration: 1600 ms\n"
                 "db=shop,user 13 LOG:  duration: 5 ms\n"
                 "db=shop,user 14 LOG:  duration: 5 ms  statement: SELECT 1\n",
                 2);
    is(&g.rows[0], "13", 1.6, 2, "ALTER TABLE b ADD c int");
    assert_true(fabs(g.rows[0].lock_wait_s - 1.5) < 1e-9);
    assert_true(g.rows[1].lock_wait_s == 0);
    rh_arena_free(g.arena);
}

#define CSV(message)                                                                                         \
    "2026-11-22 15:42:00.123 UTC,\"u\",\"shop\",99,\"[local]\",6700aa.63,2,\"ALTER TABLE\",2026-11-22 "      \
    "15:41:00 UTC,3/4,0,LOG,00000,\"" message "\",,,,,,,,,\"psql\",\"client backend\",,0\n"

static void csvlog(void **state)
{
    (void)state;
    got g = read_log(CSV("duration: 12.5 ms  statement: ALTER TABLE \"\"Odd\"\"\n ADD b text")
                         CSV("connection received") CSV("duration: 3 ms  statement: SELECT 1"),
                     2);
    is(&g.rows[0], "6700aa.63", 0.0125, 1, "ALTER TABLE \"Odd\"\n ADD b text");
    is(&g.rows[1], "6700aa.63", 0.003, 4, "SELECT 1");
    rh_arena_free(g.arena);
}

static void jsonlog(void **state)
{
    (void)state;
    got g = read_log(
        "{\"timestamp\":\"x\",\"pid\":99,\"session_id\":\"a.63\",\"error_severity\":\"LOG\",\"message\":"
        "\"duration: 12.5 ms  statement: ALTER TABLE a\\nADD b text\"}\n"
        "\n{\"session_id\":\"a.63\",\"error_severity\":\"ERROR\",\"message\":\"duration: 1 ms  statement: "
        "no\"}\n{\"session_id\":\"a.6", /* being written */
        1);
    is(&g.rows[0], "a.63", 0.0125, 1, "ALTER TABLE a\nADD b text");
    rh_arena_free(g.arena);
    rh_error error = {0};
    assert_false(try_read(&g, "{\"error_severity\":\"LOG\"}\n{oops\n{\"x\":1}\n", &error));
    assert_int_equal(error.line, 2);
    rh_error_release(&error);
    rh_arena_free(g.arena);
}

static void formats(void **state)
{
    (void)state;
    assert_int_equal(rh_logged_format("migration,statement,seconds\n12,1,3\n"), RH_LOG_NONE);
    assert_int_equal(rh_logged_format(""), RH_LOG_NONE);
    assert_int_equal(rh_logged_format("{\"a\": 1}"), RH_LOG_NONE);
    assert_int_equal(rh_logged_format("2026"), RH_LOG_NONE);
    assert_int_equal(rh_logged_format("\n[1] LOG:  x\n"), RH_LOG_PLAIN);
    assert_int_equal(rh_logged_format(CSV("several\nlines")), RH_LOG_CSV);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain),   cmocka_unit_test(in_two_lines), cmocka_unit_test(csvlog),
        cmocka_unit_test(jsonlog), cmocka_unit_test(formats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
