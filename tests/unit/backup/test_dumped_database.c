/* What a dump says of the database itself. */
#include "backup/database.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

static rh_arena *arena;
static rh_database_facts facts;

static int set_up(void **state)
{
    (void)state;
    arena = rh_arena_new();
    facts = (rh_database_facts){0};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rh_arena_free(arena);
    return 0;
}

static void note(const char *sql)
{
    rh_database_note(&facts, sql, strlen(sql), arena);
}

static void test_create(void **state)
{
    (void)state;
    note("CREATE DATABASE \"Shop x\" WITH TEMPLATE = template0 ENCODING = 'LATIN1' LOCALE_PROVIDER = libc "
         "LOCALE = "
         "'de_DE' CONNECTION LIMIT = 5;");
    assert_true(facts.created);
    assert_string_equal(facts.name, "Shop x");
    assert_string_equal(facts.encoding, "LATIN1");
    assert_string_equal(facts.provider, "libc");
    assert_string_equal(facts.collate, "de_DE");
    assert_string_equal(facts.ctype, "de_DE");
    note("ALTER DATABASE \"Shop x\" OWNER TO \"Owner\";");
    assert_string_equal(facts.owner, "Owner");
}

static void test_create_before_15(void **state)
{
    (void)state;
    note("CREATE DATABASE shop WITH TEMPLATE = template0 ENCODING = 'UTF8' LC_COLLATE = 'en_US.UTF-8' "
         "LC_CTYPE = 'C';");
    assert_string_equal(facts.provider, "libc");
    assert_string_equal(facts.collate, "en_US.UTF-8");
    assert_string_equal(facts.ctype, "C");
}

static void test_create_icu(void **state)
{
    (void)state;
    note("CREATE DATABASE shop WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE_PROVIDER = icu LOCALE = "
         "'en_US.UTF-8' ICU_LOCALE = 'en-US' ICU_RULES = '&a < ''b''';");
    assert_string_equal(facts.provider, "icu");
    assert_string_equal(facts.collate, "en_US.UTF-8");
    assert_string_equal(facts.locale, "en-US");
    assert_string_equal(facts.icu_rules, "'&a < ''b'''");
}

static void test_settings(void **state)
{
    (void)state;
    note("ALTER DATABASE shop SET search_path TO 'app', 'public';");
    note("ALTER DATABASE shop SET \"TimeZone\" TO 'Europe/Paris';");
    note("ALTER DATABASE shop SET \"app.region\" TO 'eu';");
    note("ALTER ROLE \"Web App\" IN DATABASE shop SET statement_timeout TO '5s'");
    note("ALTER ROLE other SET statement_timeout TO '5s';"); /* of every database */
    assert_int_equal(facts.setting_count, 4);
    assert_string_equal(facts.settings[0].name, "search_path");
    assert_string_equal(facts.settings[0].value, "'app', 'public'");
    assert_null(facts.settings[0].role);
    assert_string_equal(facts.settings[1].name, "TimeZone");
    assert_string_equal(facts.settings[2].name, "app.region");
    assert_string_equal(facts.settings[3].role, "Web App");
    assert_string_equal(facts.settings[3].value, "'5s'");
}

static void test_grants(void **state)
{
    (void)state;
    note("REVOKE CONNECT,TEMPORARY ON DATABASE shop FROM PUBLIC;");
    note("GRANT CONNECT ON DATABASE \"a b\" TO app;\n");
    note("GRANT SELECT ON TABLE public.database TO app;");
    assert_int_equal(facts.grant_count, 2);
    assert_string_equal(facts.grants[0].before, "REVOKE CONNECT,TEMPORARY ON DATABASE ");
    assert_string_equal(facts.grants[0].after, " FROM PUBLIC");
    assert_string_equal(facts.grants[1].after, " TO app");
}

static void test_encoding_of_the_dump(void **state)
{
    (void)state;
    note("SET client_encoding = 'LATIN1';");
    assert_string_equal(facts.dump_encoding, "LATIN1");
    assert_null(facts.encoding);
    assert_false(facts.created);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_create, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_create_before_15, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_create_icu, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_settings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_grants, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_encoding_of_the_dump, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
