/* PostgreSQL's lock conflict table, documentation section 13.3.1, as it is printed there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "pgrehearse/model/migration.h"

static const char *const MODES[] = {
    "AccessShareLock", "RowShareLock",          "RowExclusiveLock", "ShareUpdateExclusiveLock",
    "ShareLock",       "ShareRowExclusiveLock", "ExclusiveLock",    "AccessExclusiveLock"};

static void conflicts_are_the_documented_ones(void **state)
{
    (void)state;
    static const char *const table[] = {".......X", "......XX", "....XXXX", "...XXXXX",
                                        "..XX.XXX", "..XXXXXX", ".XXXXXXX", "XXXXXXXX"};
    for (int a = 0; a < 8; a++)
        for (int b = 0; b < 8; b++)
            assert_int_equal(rh_lock_modes_conflict(MODES[a], MODES[b]), table[a][b] == 'X');
    assert_false(rh_lock_modes_conflict("AccessShareLock", "SIReadLock"));
    assert_false(rh_lock_modes_conflict(NULL, "AccessShareLock"));
}

static void words_follow_the_table(void **state)
{
    (void)state;
    assert_string_equal(rh_lock_mode_blocks("AccessExclusiveLock"), "reads and writes");
    assert_string_equal(rh_lock_mode_blocks("ShareLock"), "writes");
    assert_string_equal(rh_lock_mode_blocks("nonsense"), "unknown");
    assert_string_equal(rh_lock_mode_words("ShareRowExclusiveLock"), "SHARE ROW EXCLUSIVE");
    assert_string_equal(rh_lock_mode_words("nonsense"), "nonsense");
    for (int i = 0; i < 8; i++)
        assert_int_equal(rh_lock_mode_strength(MODES[i]), i + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conflicts_are_the_documented_ones),
        cmocka_unit_test(words_follow_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
