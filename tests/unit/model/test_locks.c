/* PostgreSQL's lock conflict table, documentation section 13.3.1, as it is printed there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "pgrehearse/model/lock.h"

static void conflicts_are_the_documented_ones(void **state)
{
    (void)state;
    static const char *const table[] = {".......X", "......XX", "....XXXX", "...XXXXX",
                                        "..XX.XXX", "..XXXXXX", ".XXXXXXX", "XXXXXXXX"};
    for (int a = 1; a < RH_LOCK_MODE_COUNT; a++)
        for (int b = 1; b < RH_LOCK_MODE_COUNT; b++)
            assert_int_equal(rh_lock_modes_conflict((rh_lock_mode)a, (rh_lock_mode)b),
                             table[a - 1][b - 1] == 'X');
    for (int a = 0; a < RH_LOCK_MODE_COUNT; a++) {
        assert_false(rh_lock_modes_conflict(RH_LOCK_NONE, (rh_lock_mode)a));
        assert_false(rh_lock_modes_conflict((rh_lock_mode)a, RH_LOCK_NONE));
        assert_int_equal(rh_lock_mode_blocks_reads((rh_lock_mode)a), a == RH_LOCK_ACCESS_EXCLUSIVE);
        assert_int_equal(rh_lock_mode_blocks_writes((rh_lock_mode)a), a >= RH_LOCK_SHARE);
    }
}

static void every_mode_has_its_names(void **state)
{
    (void)state;
    static const char *const names[] = {
        "AccessShareLock", "RowShareLock",          "RowExclusiveLock", "ShareUpdateExclusiveLock",
        "ShareLock",       "ShareRowExclusiveLock", "ExclusiveLock",    "AccessExclusiveLock"};
    for (int i = 0; i < 8; i++) {
        assert_string_equal(rh_lock_mode_name((rh_lock_mode)(i + 1)), names[i]);
        assert_int_equal(rh_lock_mode_named(names[i]), i + 1); /* PostgreSQL's number */
    }
    assert_null(rh_lock_mode_name(RH_LOCK_NONE));
    assert_int_equal(rh_lock_mode_named("SIReadLock"), RH_LOCK_NONE);
    assert_int_equal(rh_lock_mode_named(NULL), RH_LOCK_NONE);
    assert_string_equal(rh_lock_mode_sql(RH_LOCK_SHARE_ROW_EXCLUSIVE), "SHARE ROW EXCLUSIVE");
    assert_string_equal(rh_lock_mode_short(RH_LOCK_SHARE_UPDATE_EXCLUSIVE), "SHARE UPDATE EXCL.");
    assert_string_equal(rh_lock_mode_blocks(RH_LOCK_ACCESS_EXCLUSIVE), "reads and writes");
    assert_string_equal(rh_lock_mode_blocks(RH_LOCK_SHARE), "writes");
    assert_string_equal(rh_lock_mode_blocks(RH_LOCK_NONE), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conflicts_are_the_documented_ones),
        cmocka_unit_test(every_mode_has_its_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
