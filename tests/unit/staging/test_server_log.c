/* What the end of a server's log is made to say. */
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/staging/server_log.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void check(const char *log, int64_t from, rh_error_code code, const char *message)
{
    char path[] = "/tmp/pgrehearse-log-XXXXXX";
    rh_error error = {0};
    close(mkstemp(path));
    assert_true(rh_file_write(path, log, strlen(log), &error));
    assert_int_equal(rh_server_log_size(path), strlen(log));
    assert_false(rh_server_log_error(path, from, "it ended", &error));
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
          0, RH_ERROR_STAGING,
          "it ended: server process (PID 7) was terminated by signal 11: Segmentation fault");
    check("", 0, RH_ERROR_STAGING, "it ended");
    check(AT "FATAL:  a\n" AT "FATAL:  b\n" AT "FATAL:  b\n" AT "PANIC:  c\n" AT "FATAL:  d\n", 0,
          RH_ERROR_STAGING, "it ended: b; c; d");
}

static void test_full_disk(void **state)
{
    (void)state;
    check(AT "PANIC:  could not write to file \"pg_wal/xlogtemp.1\": No space left on device\n", 0,
          RH_ERROR_NO_SPACE,
          "it ended: could not write to file \"pg_wal/xlogtemp.1\": No space left on device");
}

static void test_an_earlier_run_in_the_same_log(void **state)
{
    (void)state;
    const char *old = AT "PANIC:  No space left on device\n";
    check(AT "PANIC:  No space left on device\n" AT "FATAL:  lock file exists\n", (int64_t)strlen(old),
          RH_ERROR_STAGING, "it ended: lock file exists");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_only_what_explains),
                                       cmocka_unit_test(test_full_disk),
                                       cmocka_unit_test(test_an_earlier_run_in_the_same_log)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
