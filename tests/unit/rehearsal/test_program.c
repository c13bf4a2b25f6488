/* A program's statements from one run to the next, and which of them took a lock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "rehearsal/program/environment.h"
#include "rehearsal/program/locks.h"
#include "rehearsal/program/match.h"

static void the_same_statement_is_found_again(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_statement statements[] = {
        {.sql = "BEGIN"},
        {.sql = "CREATE TABLE copy_16432 AS SELECT * FROM orders WHERE id < 10"},
        {.sql = "CREATE INDEX i_16432 ON copy_16432 (id)"},
        {.sql = "COMMIT"},
        {.sql = "BEGIN"},
        {.sql = "UPDATE orders SET note = 'a' WHERE id = 1"},
    };
    rh_script script = {.statements = statements, .statement_count = sizeof statements / sizeof *statements};
    rh_program_match *match = rh_program_match_new(&script, arena);
    assert_int_equal(rh_program_match_find(match, "BEGIN"), 0);
    assert_int_equal(
        rh_program_match_find(match, "CREATE TABLE copy_7 AS SELECT * FROM orders WHERE id < 99"), 1);
    assert_int_equal(rh_program_match_find(match, "CREATE INDEX i_7 ON copy_7 (id)"), 2);
    assert_int_equal(rh_program_match_find(match, "CREATE INDEX i_8 ON copy_8 (id)"),
                     SIZE_MAX); /* it was taken */
    assert_int_equal(rh_program_match_find(match, "UPDATE orders SET note = 'b' WHERE id = 2"), 5);
    assert_int_equal(rh_program_match_find(match, "BEGIN"), 4);
    assert_int_equal(rh_program_match_find(match, "BEGIN"), SIZE_MAX);
    assert_int_equal(rh_program_match_find(match, "COMMIT"), 3);
    assert_int_equal(rh_program_match_find(match, "VACUUM orders"), SIZE_MAX);
    rh_arena_free(arena);
}

static void locks_follow_from_the_text(void **state)
{
    (void)state;
    assert_true(rh_program_may_lock("ALTER TABLE t ADD x int", RH_LOCK_ACCESS_EXCLUSIVE));
    assert_false(rh_program_may_lock("select 1 from t", RH_LOCK_SHARE));
    assert_true(rh_program_may_lock("UPDATE t SET x = 1", RH_LOCK_ROW_EXCLUSIVE));
    assert_false(rh_program_may_lock("COMMIT", RH_LOCK_ACCESS_SHARE));
    assert_true(rh_program_may_lock("LOCK TABLE t IN ACCESS EXCLUSIVE MODE", RH_LOCK_ACCESS_EXCLUSIVE));
    assert_true(rh_program_may_lock("lock t", RH_LOCK_ACCESS_EXCLUSIVE));
    assert_false(rh_program_may_lock("LOCK TABLE t IN ACCESS SHARE MODE", RH_LOCK_ACCESS_EXCLUSIVE));
    assert_true(
        rh_program_may_lock("LOCK TABLE t IN SHARE ROW EXCLUSIVE MODE NOWAIT", RH_LOCK_SHARE_ROW_EXCLUSIVE));
    assert_false(rh_program_may_lock("LOCK TABLE t IN SHARE ROW EXCLUSIVE MODE", RH_LOCK_ROW_EXCLUSIVE));

    assert_true(rh_is_control_or_lock_statement("  RESET statement_timeout"));
    assert_true(rh_is_control_or_lock_statement("LOCK TABLE t"));
    assert_false(rh_is_control_or_lock_statement("SELECT swap()"));
}

/* Of standard output, which may be rows, only PostgreSQL's own words; an error that was seen keeps its names.
 */
static void its_output_contains_no_rows(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    static const char raw[] = "column \"Roe\" of relation \"orders\" does not exist";
    assert_string_equal(rh_program_message(arena, "", "rows:\nJane Roe\n", NULL, NULL), "«…»");
    assert_string_equal(rh_program_message(arena, "made no table\n", "Jane Roe\n", NULL, NULL),
                        "made no table");
    const char *said = rh_arena_printf(arena, "x.sql:1: ERROR:  %s\nDETAIL:  Roe\n", raw);
    assert_string_equal(
        rh_program_message(arena, said, "", raw, "column \"«…»\" of relation \"orders\" is missing"),
        "x.sql:1: ERROR:  column \"«…»\" of relation \"orders\" is missing");
    assert_string_equal(rh_program_message(arena, "", "", raw, "x"), "");
    rh_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_statement_is_found_again),
        cmocka_unit_test(locks_follow_from_the_text),
        cmocka_unit_test(its_output_contains_no_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
