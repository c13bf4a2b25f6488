/* Which settings of the backup's database apply, which server is chosen, which locales can be made. */
#include "pgrehearse/adapters/files.h"
#include "staging/binaries.h"
#include "staging/database.h"
#include "staging/locale.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void test_unsafe_settings_are_excepted(void **state)
{
    static const char *const unsafe[] = {"session_preload_libraries",     "local_preload_libraries",
                                         "dynamic_library_path",          "log_statement",
                                         "auto_explain.log_min_duration", "default_tablespace"};
    static const char *const safe[] = {"search_path", "TimeZone", "lock_timeout",
                                       "app.region",  "role",     "default_transaction_read_only",
                                       "lc_monetary"};
    (void)state;
    for (size_t i = 0; i < sizeof unsafe / sizeof *unsafe; i++)
        assert_non_null(rh_database_refusal(unsafe[i], "'x'"));
    for (size_t i = 0; i < sizeof safe / sizeof *safe; i++)
        assert_null(rh_database_refusal(safe[i], "'x'"));
}

static void test_own_sessions_have_no_limits(void **state)
{
    rh_database_setting settings[] = {{.name = "lock_timeout", .value = "'3s'"},
                                      {.name = "search_path", .value = "'app'"},
                                      {.role = "app", .name = "statement_timeout", .value = "'5s'"}};
    rh_database_facts origin = {.settings = settings, .setting_count = 3};
    rh_arena *arena = rh_arena_new();
    (void)state;
    assert_string_equal(rh_database_options(&origin, arena), "-c lock_timeout=0");
    origin.settings = &settings[1];
    origin.setting_count = 1;
    assert_null(rh_database_options(&origin, arena));
    rh_arena_free(arena);
}

static void install(rh_arena *arena, const char *directory, int major)
{
    static const char *const programs[] = {"postgres", "initdb", "pg_dump", "pg_restore", "psql"};
    const char *bin = rh_arena_printf(arena, "%s/%d", directory, major);
    assert_true(rh_directory_make(bin, 0755, NULL));
    const char *script = rh_arena_printf(arena, "#!/bin/sh\necho 'postgres (PostgreSQL) %d.1'\n", major);
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
        const char *path = rh_arena_printf(arena, "%s/%s", bin, programs[i]);
        assert_true(rh_file_write(path, script, strlen(script), NULL));
        assert_int_equal(chmod(path, 0755), 0);
    }
}

static int find(int least, int wanted, rh_arena *arena, const char **found)
{
    const rh_binaries_search search = {.least = least, .wanted = wanted};
    return rh_binaries_find_server(&search, arena, found, NULL);
}

/* Versions that no machine has, found in PATH beside those that it has. */
static void test_server_of_the_backups_version(void **state)
{
    char directory[] = "/tmp/rh-binaries-XXXXXX";
    const char *found;
    rh_arena *arena = rh_arena_new();
    (void)state;
    assert_non_null(mkdtemp(directory));
    install(arena, directory, 91);
    install(arena, directory, 93);
    install(arena, directory, 95);
    const char *before = getenv("PATH");
    setenv("PATH", rh_arena_printf(arena, "%s/95:%s/91:%s/93:%s", directory, directory, directory, before),
           1);
    assert_int_equal(find(0, 91, arena, &found), 91);
    assert_string_equal(found, rh_arena_printf(arena, "%s/91", directory));
    assert_int_equal(find(0, 92, arena, &found), 93);
    assert_int_equal(find(0, 99, arena, &found), 95);
    assert_int_equal(find(0, 0, arena, &found), 95);
    assert_int_equal(find(92, 91, arena, &found), 93);
    setenv("PATH", before, 1);
    rh_tree_remove(directory, NULL);
    rh_arena_free(arena);
}

static void write_program(rh_arena *arena, const char *bindir, const char *script)
{
    const char *path = rh_arena_printf(arena, "%s/postgres", bindir);
    assert_true(rh_file_write(path, script, strlen(script), NULL));
    assert_int_equal(chmod(path, 0755), 0);
}

/* A server that does not print its version is installed: it is neither missing nor another version. */
static void test_server_without_its_version(void **state)
{
    char directory[] = "/tmp/rh-binaries-XXXXXX";
    const char *found;
    rh_error error = {0};
    rh_arena *arena = rh_arena_new();
    (void)state;
    assert_non_null(mkdtemp(directory));
    install(arena, directory, 91);
    const char *bin = rh_arena_printf(arena, "%s/91", directory);
    rh_binaries_search search = {.bindir = bin};
    write_program(arena, bin, "#!/bin/sh\necho 'libpq.so.5: no such file' >&2\nexit 1\n");
    assert_int_equal(rh_binaries_find_server(&search, arena, &found, &error), 0);
    assert_int_equal(error.code, RH_ERROR_IO);
    const char *expected = rh_arena_printf(
        arena, "the version of %s/postgres is not known: postgres failed: libpq.so.5: no such file", bin);
    assert_string_equal(error.message, expected);
    rh_error_release(&error);
    rh_tree_remove(directory, NULL);
    rh_arena_free(arena);
}

/* One that is slow may be the one that is wanted: only the exact version is chosen beside it. */
static void test_slow_server(void **state)
{
    char directory[] = "/tmp/rh-binaries-XXXXXX";
    const char *found;
    rh_error error = {0};
    rh_arena *arena = rh_arena_new();
    (void)state;
    assert_non_null(mkdtemp(directory));
    install(arena, directory, 91);
    install(arena, directory, 93);
    write_program(arena, rh_arena_printf(arena, "%s/93", directory), "#!/bin/sh\nexec sleep 1000\n");
    const char *before = getenv("PATH");
    setenv("PATH", rh_arena_printf(arena, "%s/91:%s/93:%s", directory, directory, before), 1);
    rh_binaries_search search = {.wanted = 93, .patience = RH_SECOND};
    assert_int_equal(rh_binaries_find_server(&search, arena, &found, &error), 0);
    assert_int_equal(error.code, RH_ERROR_SLOW);
    rh_error_release(&error);
    search.wanted = 91;
    assert_int_equal(rh_binaries_find_server(&search, arena, &found, &error), 91);
    setenv("PATH", before, 1);
    rh_tree_remove(directory, NULL);
    rh_arena_free(arena);
}

/* A directory of server programs only is one, and client programs come from elsewhere. */
static void test_client_programs_apart(void **state)
{
    char directory[] = "/tmp/rh-binaries-XXXXXX";
    const char *found, *path;
    rh_arena *arena = rh_arena_new();
    (void)state;
    assert_non_null(mkdtemp(directory));
    install(arena, directory, 91);
    install(arena, directory, 93);
    install(arena, directory, 95);
    const char *server = rh_arena_printf(arena, "%s/95", directory);
    assert_int_equal(unlink(rh_arena_printf(arena, "%s/pg_dump", server)), 0);
    const char *before = getenv("PATH");
    setenv("PATH", rh_arena_printf(arena, "%s/91:%s/93:%s", directory, directory, before), 1);
    rh_binaries_search search = {.bindir = server, .wanted = 95};
    assert_int_equal(rh_binaries_find_server(&search, arena, &found, NULL), 95);
    assert_int_equal(rh_binaries_find_client("pg_restore", &search, arena, &path), 95);
    assert_string_equal(path, rh_arena_printf(arena, "%s/pg_restore", server));
    assert_int_equal(rh_binaries_find_client("pg_dump", &search, arena, &path), 93);
    search.wanted = search.least = 92;
    assert_int_equal(rh_binaries_find_client("pg_dump", &search, arena, &path), 93);
    assert_string_equal(path, rh_arena_printf(arena, "%s/93/pg_dump", directory));
    search.least = 95;
    assert_int_equal(rh_binaries_find_client("pg_dump", &search, arena, &path), 93);
    assert_int_equal(rh_binaries_find_client("pg_nothing", &search, arena, &path), 0);
    assert_null(path);
    setenv("PATH", before, 1);
    rh_tree_remove(directory, NULL);
    rh_arena_free(arena);
}

static void test_locales(void **state)
{
    char directory[] = "/tmp/rh-locale-XXXXXX";
    const char *why = NULL;
    rh_arena *arena = rh_arena_new();
    (void)state;
    assert_true(rh_locale_exists("C"));
    assert_false(rh_locale_exists("xx_XX.UTF-8"));
    assert_non_null(mkdtemp(directory));
    assert_false(rh_locale_make("xx_XX.UTF-8", directory, arena, &why));
    assert_non_null(why);
    assert_false(rh_locale_make("../../etc/x", directory, arena, &why));
    assert_false(rh_locale_make("English_United States.1252", directory, arena, &why));
    if (rh_file_exists("/usr/share/i18n/locales/de_AT")) {
        assert_true(rh_locale_make("de_AT", directory, arena, &why)); /* ISO-8859-1: small */
        assert_true(rh_file_exists(rh_arena_printf(arena, "%s/de_AT/LC_COLLATE", directory)));
    }
    rh_tree_remove(directory, NULL);
    rh_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unsafe_settings_are_excepted),
        cmocka_unit_test(test_own_sessions_have_no_limits),
        cmocka_unit_test(test_server_of_the_backups_version),
        cmocka_unit_test(test_server_without_its_version),
        cmocka_unit_test(test_slow_server),
        cmocka_unit_test(test_client_programs_apart),
        cmocka_unit_test(test_locales),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
