/* Exports of pg_stat_statements: column sets of every version, snapshots, and what may be wrong with them. */
#include "workload/statements/statistics.h"
#include "workload/statements/statistics_time.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static char folder[] = "/tmp/rh-statistics-XXXXXX";
static rh_arena *arena;
static rh_statistics statistics;

static const char *file(const char *name, const char *text)
{
    const char *path = rh_arena_printf(arena, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    return path;
}

static void reads(const char *text)
{
    const char *paths[] = {file("a.csv", text)};
    rh_error error = {0};
    if (!rh_statistics_read(paths, 1, arena, &statistics, &error))
        fail_msg("%s", error.message);
}

static void reads_two(const char *first, const char *second)
{
    const char *paths[] = {file("a.csv", first), file("b.csv", second)};
    rh_error error = {0};
    if (!rh_statistics_read(paths, 2, arena, &statistics, &error))
        fail_msg("%s", error.message);
}

static void complains(const char *text, int line, const char *message)
{
    const char *paths[] = {file("a.csv", text)};
    rh_error error = {0};
    assert_false(rh_statistics_read(paths, 1, arena, &statistics, &error));
    if (!strstr(error.message, message))
        fail_msg("\"%s\" does not say \"%s\"", error.message, message);
    assert_int_equal(error.code, RH_ERROR_SCENARIO);
    assert_int_equal(error.line, line);
    assert_string_equal(error.file, paths[0]);
    rh_error_release(&error);
}

/* The columns of the view in each version, as SELECT * gives them. */
static const char *const versions[][2] = {
    {"12", "userid,dbid,queryid,query,calls,total_time,min_time,max_time,mean_time,stddev_time,rows,"
           "shared_blks_hit,shared_blks_read,shared_blks_dirtied,shared_blks_written,local_blks_hit,"
           "local_blks_read,local_blks_dirtied,local_blks_written,temp_blks_read,temp_blks_written,"
           "blk_read_time,blk_write_time"},
    {"13", "userid,dbid,queryid,query,plans,total_plan_time,min_plan_time,max_plan_time,mean_plan_time,"
           "stddev_plan_time,calls,total_exec_time,min_exec_time,max_exec_time,mean_exec_time,"
           "stddev_exec_time,rows,shared_blks_hit,shared_blks_read,shared_blks_dirtied,"
           "shared_blks_written,local_blks_hit,local_blks_read,local_blks_dirtied,local_blks_written,"
           "temp_blks_read,temp_blks_written,blk_read_time,blk_write_time,wal_records,wal_fpi,wal_bytes"},
    {"14", "userid,dbid,toplevel,queryid,query,plans,total_plan_time,min_plan_time,max_plan_time,"
           "mean_plan_time,stddev_plan_time,calls,total_exec_time,min_exec_time,max_exec_time,"
           "mean_exec_time,stddev_exec_time,rows,shared_blks_hit,shared_blks_read,shared_blks_dirtied,"
           "shared_blks_written,local_blks_hit,local_blks_read,local_blks_dirtied,local_blks_written,"
           "temp_blks_read,temp_blks_written,blk_read_time,blk_write_time,wal_records,wal_fpi,wal_bytes"},
    {"15", "userid,dbid,toplevel,queryid,query,plans,total_plan_time,min_plan_time,max_plan_time,"
           "mean_plan_time,stddev_plan_time,calls,total_exec_time,min_exec_time,max_exec_time,"
           "mean_exec_time,stddev_exec_time,rows,shared_blks_hit,shared_blks_read,shared_blks_dirtied,"
           "shared_blks_written,local_blks_hit,local_blks_read,local_blks_dirtied,local_blks_written,"
           "temp_blks_read,temp_blks_written,blk_read_time,blk_write_time,temp_blk_read_time,"
           "temp_blk_write_time,wal_records,wal_fpi,wal_bytes,jit_functions,jit_generation_time,"
           "jit_inlining_count,jit_inlining_time,jit_optimization_count,jit_optimization_time,"
           "jit_emission_count,jit_emission_time"},
    {"17", "userid,dbid,toplevel,queryid,query,plans,total_plan_time,min_plan_time,max_plan_time,"
           "mean_plan_time,stddev_plan_time,calls,total_exec_time,min_exec_time,max_exec_time,"
           "mean_exec_time,stddev_exec_time,rows,shared_blks_hit,shared_blks_read,shared_blks_dirtied,"
           "shared_blks_written,local_blks_hit,local_blks_read,local_blks_dirtied,local_blks_written,"
           "temp_blks_read,temp_blks_written,shared_blk_read_time,shared_blk_write_time,"
           "local_blk_read_time,local_blk_write_time,temp_blk_read_time,temp_blk_write_time,wal_records,"
           "wal_fpi,wal_bytes,jit_functions,jit_generation_time,jit_inlining_count,jit_inlining_time,"
           "jit_optimization_count,jit_optimization_time,jit_emission_count,jit_emission_time,"
           "jit_deform_count,jit_deform_time,stats_since,minmax_stats_since"},
    {"18", "userid,dbid,toplevel,queryid,query,plans,total_plan_time,min_plan_time,max_plan_time,"
           "mean_plan_time,stddev_plan_time,calls,total_exec_time,min_exec_time,max_exec_time,"
           "mean_exec_time,stddev_exec_time,rows,shared_blks_hit,shared_blks_read,shared_blks_dirtied,"
           "shared_blks_written,local_blks_hit,local_blks_read,local_blks_dirtied,local_blks_written,"
           "temp_blks_read,temp_blks_written,shared_blk_read_time,shared_blk_write_time,"
           "local_blk_read_time,local_blk_write_time,temp_blk_read_time,temp_blk_write_time,wal_records,"
           "wal_fpi,wal_bytes,wal_buffers_full,jit_functions,jit_generation_time,jit_inlining_count,"
           "jit_inlining_time,jit_optimization_count,jit_optimization_time,jit_emission_count,"
           "jit_emission_time,jit_deform_count,jit_deform_time,parallel_workers_to_launch,"
           "parallel_workers_launched,stats_since,minmax_stats_since"},
};

/* A row that says something different in every column that is read. */
static void append_row(char *out, const char *columns)
{
    static const char *const values[][2] = {{"userid", "10"},
                                            {"dbid", "5"},
                                            {"query", "\"SELECT $1,\n2\""},
                                            {"calls", "40"},
                                            {"total_time", "120.5"},
                                            {"total_exec_time", "120.5"},
                                            {"rows", "80"},
                                            {"shared_blks_hit", "300"},
                                            {"shared_blks_read", "20"},
                                            {"toplevel", "t"},
                                            {"queryid", "-99"},
                                            {"stats_since", "2026-01-01 00:00:00+00"},
                                            {"captured_at", "2026-01-01 01:00:00+00"},
                                            {"minmax_stats_since", "2026-01-01 00:00:00+00"}};
    char copy[4000];
    snprintf(copy, sizeof copy, "%s", columns);
    for (char *save = NULL, *name = strtok_r(copy, ",", &save); name; name = strtok_r(NULL, ",", &save)) {
        const char *value = "7";
        for (size_t i = 0; i < sizeof values / sizeof *values; i++)
            if (strcmp(values[i][0], name) == 0)
                value = values[i][1];
        sprintf(out + strlen(out), "%s%s", name == copy ? "" : ",", value);
    }
    strcat(out, "\n");
}

static void check_row(void)
{
    assert_int_equal(statistics.count, 1);
    const rh_statement_stats *s = &statistics.statements[0];
    assert_string_equal(s->query, "SELECT $1,\n2");
    assert_string_equal(s->database, "5");
    assert_true(s->calls == 40);
    assert_true(s->rows == 80);
    assert_true(s->exec_ms == 120.5);
    assert_true(s->blocks == 320);
    assert_int_equal(s->line, 2);
    assert_false(s->nested);
}

static void test_column_sets(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        char text[8000] = "";
        const char *columns = versions[i][1];
        sprintf(text, "%s\n", columns);
        append_row(text, columns);
        reads(text);
        check_row();
        assert_true(isnan(statistics.seconds));
        columns = rh_arena_printf(arena, "captured_at,%s", columns); /* and with our own in front */
        sprintf(text, "%s\n", columns);
        append_row(text, columns);
        reads(text);
        check_row();
        assert_int_equal(statistics.seconds == 3600, strcmp(versions[i][0], "17") >= 0);
    }
}

static void test_order_and_case(void **state)
{
    (void)state;
    reads("\xef\xbb\xbf ROWS,\"Query\",shared_blks_read,CALLS\r\n5,SELECT 1,2,9\r\n");
    assert_true(statistics.statements[0].calls == 9);
    assert_true(statistics.statements[0].rows == 5);
    assert_true(isnan(statistics.statements[0].exec_ms));
    assert_true(isnan(statistics.statements[0].blocks));
    reads("query,calls\n"); /* nothing ran */
    assert_int_equal(statistics.count, 0);
}

static void test_users_are_one(void **state)
{
    (void)state;
    reads(
        "userid,dbid,query,calls,rows,toplevel\n1,5,SELECT 1,3,3,t\n2,5,SELECT 1,4,8,t\n1,6,SELECT 1,1,1,t\n"
        "1,5,SELECT 1,100,100,f\n");
    assert_int_equal(statistics.count, 3);
    assert_true(statistics.statements[0].nested);
    assert_true(statistics.statements[0].calls == 100);
    assert_true(statistics.statements[1].calls == 7);
    assert_true(statistics.statements[1].rows == 11);
}

static void test_age(void **state)
{
    (void)state;
    reads(
        "captured_at,stats_reset,query,calls\n2026-03-01 12:00:00.5+01,2026-03-01 10:00:00+00,SELECT 1,36\n");
    assert_true(fabs(statistics.seconds - 3600.5) < 1e-3);
    assert_non_null(strstr(statistics.basis, "since the last reset"));
    reads("age_s,query,calls\n90,SELECT 1,36\n");
    assert_true(statistics.seconds == 90);
    reads("captured_at,stats_reset,query,calls\n2026-03-01 10:00:00+00,2026-03-01 12:00:00+00,SELECT 1,36\n");
    assert_true(isnan(statistics.seconds)); /* reset after the capture: a clock is wrong */
}

static void test_two_snapshots(void **state)
{
    (void)state;
    const char *first = "captured_at,query,calls,rows\n2026-03-01 10:00:00+00,SELECT 1,100,100\n"
                        "2026-03-01 10:00:00+00,SELECT 2,50,50\n2026-03-01 10:00:00+00,SELECT 3,50,50\n";
    const char *second = "captured_at,query,calls,rows\n2026-03-01 10:10:00+00,SELECT 1,400,700\n"
                         "2026-03-01 10:10:00+00,SELECT 2,10,10\n2026-03-01 10:10:00+00,SELECT 4,5,5\n"
                         "2026-03-01 10:10:00+00,SELECT 3,50,50\n";
    for (int swapped = 0; swapped < 2; swapped++) {
        reads_two(swapped ? second : first, swapped ? first : second);
        assert_true(statistics.seconds == 600);
        assert_int_equal(statistics.count, 4);
        assert_string_equal(statistics.statements[0].query, "SELECT 1");
        assert_true(statistics.statements[0].calls == 300);
        assert_true(statistics.statements[0].rows == 600);
        assert_true(statistics.statements[1].calls == 10); /* evicted and counted anew in between */
        assert_true(statistics.statements[2].calls == 5);
        assert_true(statistics.statements[3].calls == 0); /* not called in that time */
    }
    /* the same in one file */
    char both[2000];
    snprintf(both, sizeof both, "%s%s", first, strchr(second, '\n') + 1);
    reads(both);
    assert_true(statistics.seconds == 600);
    assert_true(statistics.statements[0].calls == 300);
    /* without times: the difference, and no rate */
    reads_two("query,calls\nSELECT 1,10\n", "query,calls\nSELECT 1,30\n");
    assert_true(isnan(statistics.seconds));
    assert_true(statistics.statements[0].calls == 20);
    /* reset in between: everything is newer */
    reads_two(
        "captured_at,stats_reset,query,calls\n2026-03-01 10:00:00+00,2026-01-01 00:00:00+00,SELECT 1,10\n",
        "captured_at,stats_reset,query,calls\n2026-03-01 11:00:00+00,2026-03-01 10:30:00+00,SELECT 1,30\n");
    assert_true(statistics.seconds == 1800);
    assert_true(statistics.statements[0].calls == 30);
}

static void test_cut_off(void **state)
{
    (void)state;
    char text[8000] = "query,calls\n", long_text[1100];
    for (int i = 0; i < 3; i++) {
        memset(long_text, 'a' + i, sizeof long_text);
        long_text[i == 2 ? 700 : 1023] = 0;
        sprintf(text + strlen(text), "SELECT,1\n");
        sprintf(text + strlen(text), "%s,1\n", long_text);
    }
    reads(text);
    size_t cut = 0;
    for (size_t i = 0; i < statistics.count; i++)
        cut += statistics.statements[i].cut_off;
    assert_int_equal(cut, 2);
}

static void test_bad_files(void **state)
{
    (void)state;
    complains("", 1, "has no column query");
    complains("a,b\n1,2\n", 1, "has no column query");
    complains("query,rows\nSELECT 1,2\n", 1, "has no column calls");
    complains("query;calls\nSELECT 1;2\n", 1, "has no column query");
    complains("query,calls\nSELECT 1\n", 2, "1 fields");
    complains("query,calls\nSELECT 1,1\nSELECT 2,1,1\n", 3, "3 fields");
    complains("query,calls\n\"SELECT\n1\",1\nSELECT 2,many\n", 4, "calls must be a number");
    complains("query,calls\nSELECT 1,\n", 2, "calls is empty");
    complains("query,calls\nSELECT 1,-4\n", 2, "calls must be a number");
    complains("query,calls\nSELECT 1,nan\n", 2, "calls must be a number");
    complains("query,calls\nSELECT 1,1e999\n", 2, "calls must be a number");
    complains("query,calls,captured_at\nSELECT 1,1,yesterday\n", 2, "captured_at must be a time");
    complains("query,calls\n\"SELECT 1,1\n", 2, "never closed");
    const char *paths[] = {"/nowhere/a.csv"};
    rh_error error = {0};
    assert_false(rh_statistics_read(paths, 1, arena, &statistics, &error));
    rh_error_release(&error);
}

static void test_times(void **state)
{
    (void)state;
    double s;
    assert_true(rh_statistics_time("1970-01-02 00:00:01+00", &s));
    assert_true(s == 86401);
    assert_true(rh_statistics_time("2026-11-22T12:14:03.25Z", &s));
    assert_true(s == 1795349643.25);
    assert_true(rh_statistics_time("2026-11-22 17:44:03.25+05:30", &s));
    assert_true(s == 1795349643.25);
    assert_true(rh_statistics_time("2024-02-29 00:00:00", &s));
    assert_true(s == 1709164800);
    static const char *const bad[] = {"",
                                      "2026",
                                      "2026-13-01 00:00:00",
                                      "22.11.2026 12:00:00",
                                      "2026-11-22 12:14",
                                      "2026-11-22 12:14:03 CET",
                                      "2026-11-22 12:14:03+",
                                      "2026-11-22 12:14:03Zx"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(rh_statistics_time(bad[i], &s));
}

static int setup(void **state)
{
    (void)state;
    arena = rh_arena_new();
    return mkdtemp(folder) ? 0 : 1;
}

static int teardown(void **state)
{
    (void)state;
    unlink(rh_arena_printf(arena, "%s/a.csv", folder));
    unlink(rh_arena_printf(arena, "%s/b.csv", folder));
    rmdir(folder);
    rh_arena_free(arena);
    return 0;
}

/* Names of roles, in rolname or usename; OIDs name nobody. */
static void test_busiest_user(void **state)
{
    (void)state;
    reads("userid,rolname,query,calls\n10,admin,SELECT 1,5\n20,app,SELECT 2,4\n20,app,SELECT 3,3\n");
    assert_string_equal(statistics.user, "app");
    reads("userid,query,calls\n10,SELECT 1,5\n");
    assert_null(statistics.user);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_busiest_user),
                                       cmocka_unit_test(test_column_sets),
                                       cmocka_unit_test(test_order_and_case),
                                       cmocka_unit_test(test_users_are_one),
                                       cmocka_unit_test(test_age),
                                       cmocka_unit_test(test_two_snapshots),
                                       cmocka_unit_test(test_cut_off),
                                       cmocka_unit_test(test_bad_files),
                                       cmocka_unit_test(test_times)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
