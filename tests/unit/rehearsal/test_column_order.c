/* Which migrations go by the order of a table's columns. */
#include "rehearsal/passes/column_order.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static bool depends(const char *sql, rh_statement_class expected)
{
    rh_statement statement = {.sql = sql, .class_expected = expected};
    rh_migration migration = {.up = {.statements = &statement, .statement_count = 1}};
    return rh_depends_on_column_order(&migration);
}

static void a_star_takes_the_columns_as_they_are(void **state)
{
    (void)state;
    assert_true(depends("CREATE TABLE c AS SELECT * FROM t", RH_CLASS_DATA_CHANGE));
    assert_true(depends("CREATE VIEW v AS SELECT t.*, 1 FROM t", RH_CLASS_CATALOG));
    assert_true(depends("UPDATE t SET a = a * 2", RH_CLASS_DATA_CHANGE)); /* in doubt */
}

static void so_does_an_insert_without_columns(void **state)
{
    (void)state;
    assert_true(depends("INSERT INTO t VALUES (1, 2)", RH_CLASS_DATA_CHANGE));
    assert_true(
        depends("WITH x AS (SELECT 1) INSERT INTO public.\"T\" SELECT a, b FROM x", RH_CLASS_DATA_CHANGE));
    assert_true(depends("COPY public.t FROM STDIN", RH_CLASS_DATA_CHANGE));
}

static void code_that_runs_at_once_may(void **state)
{
    (void)state;
    assert_true(depends("DO $$BEGIN PERFORM 1; END$$", RH_CLASS_PROCEDURE));
}

static void a_program_may(void **state)
{
    const char *const command[] = {"rake", "db:migrate", NULL};
    const rh_migration migration = {.command = command};
    (void)state;
    assert_true(rh_depends_on_column_order(&migration));
}

static void names_do_not(void **state)
{
    (void)state;
    assert_false(depends("INSERT INTO public.t (a, b) VALUES (1, 2)", RH_CLASS_DATA_CHANGE));
    assert_false(depends("INSERT INTO t DEFAULT VALUES", RH_CLASS_DATA_CHANGE));
    assert_false(depends("COPY t (a, b) FROM STDIN", RH_CLASS_DATA_CHANGE));
    assert_false(depends("UPDATE t SET n = (SELECT count(*) FROM u) /* all * */", RH_CLASS_DATA_CHANGE));
    assert_false(depends("COMMENT ON TABLE t IS 'SELECT * FROM u'", RH_CLASS_CATALOG));
    assert_false(depends("ALTER TABLE t ADD into_ int", RH_CLASS_CATALOG));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_star_takes_the_columns_as_they_are),
        cmocka_unit_test(so_does_an_insert_without_columns),
        cmocka_unit_test(code_that_runs_at_once_may),
        cmocka_unit_test(a_program_may),
        cmocka_unit_test(names_do_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
