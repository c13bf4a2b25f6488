/* Blocked intervals from the account of runs. */
#include "pgrehearse/observe/observe.h"
#include "pgrehearse/model/facts.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const rh_usec BEGAN = 50 * RH_SECOND;

typedef struct fixture {
    rh_arena *arena;
    rh_plan plan;
    rh_contention contention;
} fixture;

static int set_up(void **state)
{
    fixture *f = rh_alloc(sizeof *f);
    f->arena = rh_arena_new();
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    rh_arena_free(f->arena);
    free(f);
    return 0;
}

static rh_migration *add_migration(fixture *f, const char *id)
{
    rh_migration *migration = rh_arena_add(f->arena, &f->plan.migrations, &f->plan.migration_count);
    migration->id = id;
    return migration;
}

static rh_statement_run *add_run(fixture *f, rh_migration *migration, rh_pass_kind pass, double started_s)
{
    rh_statement *statement =
        rh_arena_add(f->arena, &migration->up.statements, &migration->up.statement_count);
    statement->ordinal = (int)migration->up.statement_count;
    rh_statement_run *run = rh_arena_add(f->arena, &statement->runs, &statement->run_count);
    run->pass = pass;
    run->started = BEGAN + (rh_usec)(started_s * 1e6);
    return run;
}

static rh_lock *add_lock(fixture *f, rh_statement_run *run, const char *relation, rh_lock_mode mode,
                         double held_s)
{
    rh_lock *lock = rh_arena_add(f->arena, &run->locks, &run->lock_count);
    lock->relation = relation;
    lock->mode = mode;
    lock->held_s = held_s;
    lock->blocks_reads = rh_lock_mode_blocks_reads(mode);
    lock->blocks_writes = rh_lock_mode_blocks_writes(mode);
    return lock;
}

static const rh_blocked_interval *intervals(fixture *f, size_t expected)
{
    rh_blocked_intervals(&f->plan, RH_PASS_KIND_LOADED, BEGAN, f->arena, &f->contention);
    assert_int_equal(f->contention.blocked_count, expected);
    return f->contention.blocked;
}

static rh_wait *add_wait(fixture *f, double at_s, double wait_s, rh_lock_mode mode, bool by_load)
{
    rh_wait *wait = rh_arena_add(f->arena, &f->contention.waits, &f->contention.wait_count);
    *wait = (rh_wait){.at_s = at_s, .wait_s = wait_s, .relation = "public.a", .mode = mode};
    wait->chain = rh_arena_alloc(f->arena, sizeof *wait->chain);
    wait->chain_count = 1;
    wait->chain[0].is_load = by_load;
    return wait;
}

static void test_waits_behind_other_sessions_count(void **state)
{
    fixture *f = *state;
    rh_statement_run *run = add_run(f, add_migration(f, "1"), RH_PASS_KIND_LOADED, 2);
    add_lock(f, run, "public.a", RH_LOCK_ACCESS_EXCLUSIVE, 0.5);
    add_wait(f, 0, 1.5, RH_LOCK_ACCESS_SHARE, false); /* over before the first statement */
    add_wait(f, 2, 9, RH_LOCK_ACCESS_SHARE, true);    /* the load's own doing */
    intervals(f, 1);
    assert_true(fabs(f->contention.reads_blocked_s - 0.5) < 1e-9);
    add_wait(f, 3, 2, RH_LOCK_ACCESS_SHARE, false);
    add_wait(f, 3, 4, RH_LOCK_EXCLUSIVE, false)->relation = NULL; /* a row's lock: only writers wait for it */
    intervals(f, 1);
    assert_true(fabs(f->contention.reads_blocked_s - 2) < 1e-9);
    assert_true(fabs(f->contention.writes_blocked_s - 4) < 1e-9);
}

static void test_an_inferred_lock_blocks_no_session(void **state)
{
    fixture *f = *state;
    rh_statement_run *run = add_run(f, add_migration(f, "1"), RH_PASS_KIND_LOADED, 2);
    add_lock(f, run, "public.a", RH_LOCK_ACCESS_EXCLUSIVE, 3)->inferred = true;
    intervals(f, 0);
    assert_true(f->contention.reads_blocked_s == 0);
}

static void test_an_index_is_its_table(void **state)
{
    fixture *f = *state;
    rh_statement_run *run = add_run(f, add_migration(f, "1"), RH_PASS_KIND_LOADED, 2);
    add_lock(f, run, "public.a_pkey", RH_LOCK_ACCESS_EXCLUSIVE, 3)->table = "public.a";
    add_lock(f, run, "public.a", RH_LOCK_SHARE, 4);
    const rh_blocked_interval *blocked = intervals(f, 2);
    assert_string_equal(blocked[0].relation, "public.a");
    assert_string_equal(blocked[1].relation, "public.a");
}

static void test_modes_say_what_is_blocked(void **state)
{
    fixture *f = *state;
    rh_statement_run *run = add_run(f, add_migration(f, "1"), RH_PASS_KIND_LOADED, 2);
    add_lock(f, run, "public.a", RH_LOCK_ACCESS_EXCLUSIVE, 0.5);
    add_lock(f, run, "public.b", RH_LOCK_SHARE, 0.75);
    add_lock(f, run, "public.c", RH_LOCK_SHARE_UPDATE_EXCLUSIVE, 3);
    const rh_blocked_interval *blocked = intervals(f, 2);
    assert_string_equal(blocked[0].relation, "public.a");
    assert_string_equal(blocked[0].migration, "1");
    assert_int_equal(blocked[0].statement, 1);
    assert_float_equal(blocked[0].from_s, 2, 1e-9);
    assert_float_equal(blocked[0].to_s, 2.5, 1e-9);
    assert_true(blocked[0].reads);
    assert_true(blocked[0].writes);
    assert_true(!blocked[1].reads);
    assert_true(blocked[1].writes);
    assert_float_equal(f->contention.reads_blocked_s, 0.5, 1e-9);
    assert_float_equal(f->contention.writes_blocked_s, 0.75, 1e-9);
}

static void test_statements_of_one_transaction_are_one_stretch(void **state)
{
    fixture *f = *state;
    rh_migration *migration = add_migration(f, "1");
    add_lock(f, add_run(f, migration, RH_PASS_KIND_LOADED, 1), "public.a", RH_LOCK_ACCESS_EXCLUSIVE, 2);
    add_lock(f, add_run(f, migration, RH_PASS_KIND_LOADED, 2), "public.a", RH_LOCK_ACCESS_EXCLUSIVE, 1);
    add_lock(f, add_run(f, migration, RH_PASS_KIND_LOADED, 3.0005), "public.a", RH_LOCK_ACCESS_EXCLUSIVE, 1);
    const rh_blocked_interval *blocked = intervals(f, 1);
    assert_int_equal(blocked[0].statement, 1);
    assert_float_equal(blocked[0].to_s, 4.0005, 1e-9);
    assert_float_equal(f->contention.reads_blocked_s, 3.0005, 1e-9);
}

static void test_a_pause_and_another_relation_divide(void **state)
{
    fixture *f = *state;
    rh_migration *migration = add_migration(f, "1");
    add_lock(f, add_run(f, migration, RH_PASS_KIND_LOADED, 1), "public.a", RH_LOCK_ACCESS_EXCLUSIVE, 1);
    add_lock(f, add_run(f, migration, RH_PASS_KIND_LOADED, 2.002), "public.a", RH_LOCK_ACCESS_EXCLUSIVE,
             1.25);
    add_lock(f, add_run(f, migration, RH_PASS_KIND_LOADED, 3.25), "public.b", RH_LOCK_ACCESS_EXCLUSIVE, 1);
    const rh_blocked_interval *blocked = intervals(f, 3);
    assert_string_equal(blocked[2].relation, "public.b");
    assert_float_equal(f->contention.reads_blocked_s, 1.25, 1e-9);
}

static void test_writes_stretch_over_modes(void **state)
{
    fixture *f = *state;
    rh_migration *migration = add_migration(f, "1");
    add_lock(f, add_run(f, migration, RH_PASS_KIND_LOADED, 1), "public.a", RH_LOCK_SHARE, 4);
    add_lock(f, add_run(f, migration, RH_PASS_KIND_LOADED, 3), "public.a", RH_LOCK_ACCESS_EXCLUSIVE, 2);
    add_lock(f, add_run(f, migration, RH_PASS_KIND_LOADED, 5), "public.a", RH_LOCK_SHARE, 0.5);
    const rh_blocked_interval *blocked = intervals(f, 2);
    assert_int_equal(blocked[0].mode, RH_LOCK_SHARE);
    assert_float_equal(blocked[0].to_s, 5.5, 1e-9);
    assert_float_equal(f->contention.reads_blocked_s, 2, 1e-9);
    assert_float_equal(f->contention.writes_blocked_s, 4.5, 1e-9);
}

static void test_what_does_not_count(void **state)
{
    fixture *f = *state;
    rh_migration *migration = add_migration(f, "1");
    add_lock(f, add_run(f, migration, RH_PASS_KIND_QUIET, 1), "public.a", RH_LOCK_ACCESS_EXCLUSIVE, 4);
    add_lock(f, add_run(f, migration, RH_PASS_KIND_LOADED, -5), "public.a", RH_LOCK_ACCESS_EXCLUSIVE, 4);
    rh_statement_run *run = add_run(f, migration, RH_PASS_KIND_LOADED, 1);
    add_lock(f, run, "public.a", RH_LOCK_ACCESS_EXCLUSIVE, RH_NOT_MEASURED);
    rh_lock *made = add_lock(f, run, "public.made_here", RH_LOCK_ACCESS_EXCLUSIVE, 9);
    made->blocks_reads = made->blocks_writes = false;
    intervals(f, 0);
    assert_float_equal(f->contention.reads_blocked_s, 0, 0);
    assert_float_equal(f->contention.writes_blocked_s, 0, 0);
}

int main(void)
{
#define WITH_PLAN(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_PLAN(test_modes_say_what_is_blocked),
        WITH_PLAN(test_an_index_is_its_table),
        WITH_PLAN(test_an_inferred_lock_blocks_no_session),
        WITH_PLAN(test_waits_behind_other_sessions_count),
        WITH_PLAN(test_statements_of_one_transaction_are_one_stretch),
        WITH_PLAN(test_a_pause_and_another_relation_divide),
        WITH_PLAN(test_writes_stretch_over_modes),
        WITH_PLAN(test_what_does_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
