/* Which of production's settings reach a rehearsal. */
#include "staging/settings.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_what_reaches_outside_is_kept_out(void **state)
{
    (void)state;
    static const char *const names[] = {
        "listen_addresses",
        "port",
        "archive_command",
        "archive_mode",
        "Archive_Library",
        "restore_command",
        "primary_conninfo",
        "synchronous_standby_names",
        "shared_preload_libraries",
        "session_preload_libraries",
        "data_directory",
        "hba_file",
        "unix_socket_directories",
        "ssl",
        "ssl_passphrase_command",
        "log_destination",
        "log_statement",
        "cluster_name",
        "recovery_target_time",
        "wal_receiver_status_interval",
        "cron.database_name",
        "external_pid_file",
        "include_dir",
        "temp_tablespaces",
        "archive_cleanup_command",
        "lc_messages",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *why = rh_settings_refusal(names[i], "x");
        if (!why || !*why)
            fail_msg("%s would be applied", names[i]);
    }
    assert_non_null(rh_settings_refusal("huge_pages", "on"));
    assert_null(rh_settings_refusal("huge_pages", "try"));
    assert_non_null(rh_settings_refusal("io_method", "io_uring"));
    assert_null(rh_settings_refusal("io_method", "worker"));
}

static void test_what_shapes_the_timing_is_applied(void **state)
{
    (void)state;
    static const char *const names[] = {
        "shared_buffers",     "work_mem",           "maintenance_work_mem",
        "max_wal_size",       "checkpoint_timeout", "fsync",
        "wal_level",          "wal_compression",    "autovacuum",
        "autovacuum_naptime", "lock_timeout",       "statement_timeout",
        "max_connections",    "random_page_cost",   "effective_cache_size",
        "full_page_writes",   "synchronous_commit", "jit",
        "TimeZone",           "max_wal_senders",    "pg_stat_statements.max",
        "row_security",       "search_path",        "wal_buffers",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (rh_settings_refusal(names[i], "x"))
            fail_msg("%s would not be applied", names[i]);
    }
}

static void test_computed_settings_are_left_out_silently(void **state)
{
    (void)state;
    assert_string_equal(rh_settings_refusal("server_version_num", "150004"), "");
    assert_string_equal(rh_settings_refusal("block_size", "8192"), "");
    assert_string_equal(rh_settings_refusal("transaction_isolation", "read committed"), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_what_reaches_outside_is_kept_out),
                                       cmocka_unit_test(test_what_shapes_the_timing_is_applied),
                                       cmocka_unit_test(test_computed_settings_are_left_out_silently)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
