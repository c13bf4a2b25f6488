/* Who waited behind which disturber: by sessions and times. */
#include "rehearsal/passes/disturb.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
// clang-format off
#include <cmocka.h>
// clang-format on

static rh_run *make_run(rh_arena *arena)
{
    rh_run *run = rh_arena_alloc(arena, sizeof *run);
    run->arena = arena;
    static const rh_disturbance rows[] = {
        {.name = "pg_dump", .migration = "1", .from_s = 1, .to_s = 3, .outcome = RH_DISTURBANCE_STOPPED},
        {.name = "never", .migration = "1", .outcome = RH_DISTURBANCE_NOT_STARTED},
        {.name = "long snapshot", .migration = "2", .from_s = 5, .to_s = 6, .outcome = RH_DISTURBANCE_ENDED},
    };
    for (size_t i = 0; i < 3; i++) {
        rh_disturbance *d = rh_arena_add(arena, &run->disturbances, &run->disturbance_count);
        *d = rows[i];
        d->migration_wait_s = RH_NOT_MEASURED;
        *rh_arena_add(arena, &d->pids, &d->pid_count) = i == 2 ? 11 : 10;
    }
    return run;
}

static void waits_are_accounted(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_run *run = make_run(arena);
    static rh_wait_link chain[] = {{.pid = 20, .name = "migration 1, statement 2", .is_migration = true},
                                   {.pid = 10, .name = "COPY $1"}};
    rh_wait waits[] = {
        {.at_s = 1.2,
         .wait_s = 1,
         .waiter_pid = 20,
         .blocker_pid = 10,
         .root_pid = 10,
         .blocker = "COPY $1",
         .waiter_is_migration = true,
         .migration = "1",
         .statement = 2,
         .relation = "public.a",
         .mode = RH_LOCK_EXCLUSIVE},
        {.at_s = 1.5,
         .wait_s = 0.7,
         .waiter_pid = 30,
         .blocker_pid = 20,
         .root_pid = 10,
         .blocker = "migration 1, statement 2",
         .waiter = "read a",
         .chain = chain,
         .chain_count = 2,
         .relation = "public.a"},
        {.at_s = 1.6, .wait_s = 0.6, .waiter_pid = 31, .blocker_pid = 20, .root_pid = 10, .waiter = "read a"},
        {.at_s = 1.1,
         .wait_s = 0.1,
         .waiter_pid = 20,
         .blocker_pid = 10,
         .root_pid = 10,
         .waiter_is_migration = true},
        {.at_s = 4.5, .wait_s = 0.1, .waiter_pid = 32, .blocker_pid = 10, .blocker = "later", .waiter = "x"},
        {.at_s = 5.1, .wait_s = 0.1, .waiter_pid = 33, .blocker_pid = 40, .root_pid = 41, .waiter = "y"},
    };
    rh_contention contention = {.measured = true, .waits = waits, .wait_count = sizeof waits / sizeof *waits};
    rh_disturb_account(run, &contention);
    const rh_disturbance *dump = &run->disturbances[0];
    assert_true(fabs(dump->migration_wait_s - 1.1) < 1e-9);
    assert_int_equal(dump->behind_count, 3);
    assert_string_equal(dump->behind[0].who, "migration 1, statement 2");
    assert_string_equal(dump->behind[1].who, "migration 1, the bookkeeping of its framework");
    assert_int_equal(dump->behind[1].statement, 0);
    assert_string_equal(dump->behind[2].who, "read a");
    assert_int_equal(dump->behind[2].waits, 2);
    assert_true(fabs(dump->behind[2].longest_s - 0.7) < 1e-9);
    assert_string_equal(waits[0].blocker, "disturber: pg_dump");
    assert_string_equal(waits[1].blocker, "migration 1, statement 2");
    assert_string_equal(waits[1].chain[1].name, "disturber: pg_dump");
    assert_string_equal(chain[1].name, "COPY $1");
    assert_string_equal(waits[4].blocker, "later"); /* another session with the same number */
    assert_true(isnan(run->disturbances[1].migration_wait_s));
    assert_int_equal(run->disturbances[1].behind_count, 0);
    assert_true(run->disturbances[2].migration_wait_s == 0);
    assert_int_equal(run->disturbances[2].behind_count, 0);
    rh_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(waits_are_accounted)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
