/* Connection strings as URIs: libpq itself must read back what went in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "pgrehearse/adapters/pg.h"
#include <stdlib.h>
#include <string.h>

static void same(const char *conninfo, const char *expected)
{
    rh_error error = {0};
    char *uri = rh_pg_conninfo_uri(conninfo, &error);
    assert_non_null(uri);
    assert_string_equal(uri, expected);
    char *before = rh_pg_conninfo_with(conninfo, 0, NULL, NULL, &error);
    char *after = rh_pg_conninfo_with(uri, 0, NULL, NULL, &error);
    assert_string_equal(before, after);
    free(before);
    free(after);
    free(uri);
}

static void round_trips(void **state)
{
    (void)state;
    same("host=/var/tmp/a port=5432 user=postgres dbname=shop",
         "postgresql://postgres@:5432/shop?host=%2Fvar%2Ftmp%2Fa");
    same("host=db.example port=5433 user='o\\'hara' password='p@ss/:w' dbname='a b' sslmode=require",
         "postgresql://o%27hara:p%40ss%2F%3Aw@db.example:5433/a%20b?sslmode=require");
}

static void invalid_text_is_an_error(void **state)
{
    (void)state;
    rh_error error = {0};
    assert_null(rh_pg_conninfo_uri("nonsense==", &error));
    assert_int_equal(error.code, RH_ERROR_SCENARIO);
    rh_error_release(&error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trips),
        cmocka_unit_test(invalid_text_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
