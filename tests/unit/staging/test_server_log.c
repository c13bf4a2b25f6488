/* What the end of a server's log is made to say. */
#include "pgrehearse/adapters/files.h"
#include "staging/server_log.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void check(const char *log, rh_error_code code, const char *message)
{
    char path[] = "/tmp/pgrehearse-log-XXXXXX";
    rh_error error = {0};
    close(mkstemp(path));
    assert_true(rh_file_write(path, log, strlen(log), &error));
    assert_false(rh_server_log_error(path, path, "it ended", &error));
    unlink(path);
    assert_int_equal(error.code, code);
    assert_string_equal(error.message, message);
    assert_non_null(strstr(error.hint, path));
    rh_error_release(&error);
}

#define AT "2026-11-22 13:18:42.417 UTC [17096] "

static void test_only_what_explains(void **state)
{
    (void)state;
    check(AT "LOG:  database system is ready to accept connections\n" AT
             "FATAL:  the database system is starting up\n" AT
             "LOG:  server process (PID 7) was terminated by signal 11: Segmentation fault\n" AT
             "FATAL:  terminating connection due to administrator command\n",
          RH_ERROR_STAGING,
          "it ended: server process (PID 7) was terminated by signal 11: Segmentation fault");
    check("", RH_ERROR_STAGING, "it ended");
    check(AT "FATAL:  a\n" AT "FATAL:  b\n" AT "FATAL:  b\n" AT "PANIC:  c\n" AT "FATAL:  d\n",
          RH_ERROR_STAGING, "it ended: b; c; d");
}

static void test_full_disk(void **state)
{
    (void)state;
    check(AT "PANIC:  could not write to file \"pg_wal/xlogtemp.1\": No space left on device\n",
          RH_ERROR_NO_SPACE,
          "it ended: could not write to file \"pg_wal/xlogtemp.1\": No space left on device");
}

static void test_values_are_not_shown(void **state)
{
    (void)state;
    static const char log[] =
        AT "LOG:  database system is ready to accept connections\n" AT
           "LOG:  row jane.roe@example.org of 4111 1111\n\tRoe goes on\n" AT
           "ERROR:  relation \"Roe\" does not exist\n" AT "STATEMENT:  SELECT 'Roe'\n" AT
           "DETAIL:  parameters: $1 = 'Roe'\n" AT "LOG:  statement: SELECT 'Roe', 1\n"
           "postgres: could not find a valid command-line option\n";
    char path[] = "/tmp/pgrehearse-log-XXXXXX", shown[64];
    rh_error error = {0};
    close(mkstemp(path));
    snprintf(shown, sizeof shown, "%s.shown", path);
    assert_true(rh_file_write(path, log, strlen(log), &error));
    assert_true(rh_server_log_show(path, shown, &error));
    rh_arena *arena = rh_arena_new();
    assert_string_equal(rh_file_read(shown, 0, arena, NULL, &error),
                        AT "LOG:  database system is ready to accept connections\n" AT
                           "LOG:  row «…» of «…»\n" AT "ERROR:  relation \"«…»\" does not exist\n" AT
                           "LOG:  statement: SELECT '«…»', 1\n"
                           "postgres: could not find a valid command-line option\n");
    rh_arena_free(arena);
    unlink(path);
    unlink(shown);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_only_what_explains),
                                       cmocka_unit_test(test_full_disk),
                                       cmocka_unit_test(test_values_are_not_shown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
