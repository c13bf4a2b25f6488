/* staging.settings from a map, a postgresql.conf and a CSV of pg_settings. */
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/scenario/scenario.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
// clang-format off
#include <cmocka.h>
// clang-format on

static char folder[] = "/tmp/rh_test_settings_XXXXXX";
static rh_arena *arena;
static rh_scenario scenario;

static void write_file(const char *name, const char *text)
{
    int fd = open(name, O_CREAT | O_TRUNC | O_WRONLY, 0644);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static int begin(void **state)
{
    (void)state;
    arena = rh_arena_new();
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
    write_file("b.dump", "x");
    write_file("s.yaml", "name: n\nbackup: {path: b.dump}\nstaging:\n  settings: settings\n");
    return 0;
}

static int end(void **state)
{
    (void)state;
    rh_error error = {0};
    rh_arena_free(arena);
    assert_int_equal(chdir("/"), 0);
    return rh_tree_remove(folder, &error) ? 0 : -1;
}

static void reads(const char *text)
{
    rh_error error = {0};
    write_file("settings", text);
    if (!rh_scenario_load("s.yaml", NULL, 0, arena, &scenario, &error))
        fail_msg("%s:%d: %s", error.file ? error.file : "", error.line, error.message);
}

static void complains(const char *text, int line, const char *message)
{
    rh_error error = {0};
    write_file("settings", text);
    assert_false(rh_scenario_load("s.yaml", NULL, 0, arena, &scenario, &error));
    assert_int_equal(error.code, RH_ERROR_SCENARIO);
    if (!strstr(error.message, message))
        fail_msg("\"%s\" does not say \"%s\"", error.message, message);
    assert_int_equal(error.line, line);
    rh_error_release(&error);
}

static const char *value(const char *name)
{
    for (size_t i = 0; i < scenario.staging.setting_count; i++)
        if (strcmp(scenario.staging.settings[i].name, name) == 0)
            return scenario.staging.settings[i].value;
    return NULL;
}

static void test_csv(void **state)
{
    (void)state;
    reads("\xef\xbb\xbfname,setting,unit\r\nshared_buffers,16384,8kB\r\nwork_mem,4096,kB\r\n"
          "max_wal_size,1024,MB\r\nautovacuum_vacuum_cost_delay,0.5,ms\r\nwal_buffers,-1,8kB\r\ntemp_file_"
          "limit,0,kB\r\n"
          "\"search_path\",\"\"\"$user\"\", public\",\r\nserver_version,15.4,\r\nrandom_page_cost,1.1,\r\n"
          "min_wal_size,5,16MB\n");
    assert_string_equal(value("shared_buffers"), "131072kB");
    assert_string_equal(value("work_mem"), "4096kB");
    assert_string_equal(value("max_wal_size"), "1024MB");
    assert_string_equal(value("autovacuum_vacuum_cost_delay"), "0.5ms");
    assert_string_equal(value("wal_buffers"), "-1");
    assert_string_equal(value("temp_file_limit"), "0");
    assert_string_equal(value("search_path"), "\"$user\", public");
    assert_string_equal(value("random_page_cost"), "1.1");
    assert_string_equal(value("min_wal_size"), "80MB");
    assert_null(value("server_version"));
    reads("setting,name,context,source\n8192,block_size2,internal,default\n5,a,user,default\n6,b,user,"
          "configuration file\n");
    assert_int_equal(scenario.staging.setting_count, 1);
    assert_string_equal(value("b"), "6");
}

static void test_bad_csv(void **state)
{
    (void)state;
    complains("name,setting\nwork_mem,4MB\nno name,1\n", 3, "not a row of pg_settings");
    complains("unit,name,setting\nkB,work_mem\n", 2, "not a row of pg_settings");
}

static void test_conf(void **state)
{
    (void)state;
    mkdir("conf.d", 0755);
    write_file("conf.d/10.conf", "jit = off\nwork_mem = 1MB\n");
    write_file("conf.d/README", "not settings\n");
    reads("# comment\n\nwork_mem = 4MB # trailing\r\nshared_buffers 1GB\nlog_line_prefix = 'it''s %m "
          "\\'x\\''#c\n"
          "maintenance_work_mem='64MB'\ninclude_dir = 'conf.d'\ninclude_if_exists 'none.conf'\nblock_size = "
          "8192\n"
          "pg_stat_statements.max=10\n");
    assert_string_equal(value("work_mem"), "1MB");
    assert_string_equal(value("shared_buffers"), "1GB");
    assert_string_equal(value("log_line_prefix"), "it's %m 'x'");
    assert_string_equal(value("maintenance_work_mem"), "64MB");
    assert_string_equal(value("jit"), "off");
    assert_string_equal(value("pg_stat_statements.max"), "10");
    assert_null(value("block_size"));
    assert_int_equal(scenario.staging.setting_count, 6);
    reads("");
    assert_int_equal(scenario.staging.setting_count, 0);
}

static void test_bad_conf(void **state)
{
    (void)state;
    complains("jit = off\nwork_mem = '4MB\n", 2, "not a line of postgresql.conf: \"work_mem\"");
    complains("work_mem = 4 MB\n", 1, "not a line of postgresql.conf");
    complains("work_mem\n", 1, "not a line of postgresql.conf");
    complains("include 'none.conf'\n", 1, "an included file is missing: \"none.conf\"");
    complains("include_dir 'none'\n", 1, "an included file is missing");
    complains("include 'settings'\n", 1, "included too deeply");
    complains("<html>\n", 1, "not a line of postgresql.conf");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_csv), cmocka_unit_test(test_bad_csv),
                                       cmocka_unit_test(test_conf), cmocka_unit_test(test_bad_conf)};
    return cmocka_run_group_tests(tests, begin, end);
}
