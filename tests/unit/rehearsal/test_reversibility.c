/* The verdict of a way back, from what was found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "rehearsal/passes/reversibility.h"
#include <string.h>

static rh_arena *arena;

static int start(void **state)
{
    (void)state;
    arena = rh_arena_new();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    rh_arena_free(arena);
    return 0;
}

static rh_rollback ran(void)
{
    return (rh_rollback){
        .outcome = RH_OUTCOME_OK, .has_down = true, .schema_restored = 1, .data = {.measured = true}};
}

static void differ(rh_rollback *rollback, const char *object, rh_change change)
{
    rh_difference *d = rh_arena_add(arena, &rollback->differences, &rollback->difference_count);
    *d = (rh_difference){object, change, NULL, NULL};
    rollback->schema_restored = 0;
}

static rh_table_data *table(rh_rollback *rollback, const char *name, int64_t before, int64_t after)
{
    rh_table_data *t = rh_arena_add(arena, &rollback->data.tables, &rollback->data.table_count);
    *t =
        (rh_table_data){.table = name, .depth = RH_DATA_DIGESTED, .rows_before = before, .rows_after = after};
    return t;
}

static void column(rh_table_data *t, const char *name, rh_change change, int64_t lost)
{
    rh_column_change *c = rh_arena_add(arena, &t->columns, &t->column_count);
    *c = (rh_column_change){name, change, 2000, 2000 - lost, lost};
}

static void expect(rh_rollback *rollback, rh_reversibility reversibility, const char *why)
{
    rh_reversibility_judge(rollback, arena);
    assert_string_equal(rollback->why, why);
    assert_int_equal(rollback->reversibility, reversibility);
}

static void without_a_run(void **state)
{
    (void)state;
    rh_rollback none = {.schema_restored = -1},
                failed = {.outcome = RH_OUTCOME_FAILED, .has_down = true, .schema_restored = -1};
    expect(&none, RH_REVERSIBILITY_IRREVERSIBLE, "no down migration");
    expect(&failed, RH_REVERSIBILITY_BROKEN, "the down migration failed");
    failed.schema_restored = 1;
    expect(&failed, RH_REVERSIBILITY_BROKEN, "running it again failed");
    rh_failure error = {.message = "statement 1: no such table"};
    failed.failure = &error;
    expect(&failed, RH_REVERSIBILITY_BROKEN, "running it again failed: statement 1: no such table");
    rh_rollback unknown = {.has_down = true, .schema_restored = -1};
    rh_reversibility_judge(&unknown, arena);
    assert_int_equal(unknown.reversibility, RH_REVERSIBILITY_UNKNOWN);
    assert_null(unknown.why);
}

static void nothing_is_lost(void **state)
{
    (void)state;
    rh_rollback rollback = ran();
    table(&rollback, "public.orders", 10, 10)->equal = 1;
    expect(&rollback, RH_REVERSIBILITY_FULL, "schema and rows are restored");
    differ(&rollback, "table public.kept", RH_CHANGE_ADDED);
    differ(&rollback, "column public.orders.a", RH_CHANGE_MOVED);
    rollback.data.counted_only = 1;
    rollback.data.not_compared = 1200;
    expect(
        &rollback, RH_REVERSIBILITY_FULL,
        "schema and rows are restored; leaves behind table public.kept; columns in another order; rows only counted in 1 table; rows not compared in 1,200 tables");
}

static void data_is_lost(void **state)
{
    (void)state;
    rh_rollback rollback = ran();
    column(table(&rollback, "public.orders", 2000, 2000), "note", RH_CHANGE_EMPTIED, 1234);
    expect(&rollback, RH_REVERSIBILITY_LOSSY, "column note of public.orders, 1,234 values");
    column(&rollback.data.tables[0], "a", RH_CHANGE_CHANGED, 0);
    column(&rollback.data.tables[0], "b", RH_CHANGE_CHANGED, -1);
    table(&rollback, "public.items", 11, 10);
    table(&rollback, "public.more", 10, 12);
    expect(&rollback, RH_REVERSIBILITY_LOSSY,
           "column note of public.orders, 1,234 values, column a of public.orders, whose values changed, "
           "column b of public.orders, values not counted and 2 more");
    rollback = ran();
    table(&rollback, "t", 10, 12);
    table(&rollback, "u", 5, 5);
    expect(&rollback, RH_REVERSIBILITY_LOSSY,
           "the earlier rows of t, which has 2 rows more, rows of u, whose values are in other rows");
    rollback = ran();
    rh_sequence_change sequence = {"public.q", "10", NULL};
    rollback.data.sequences = &sequence;
    rollback.data.sequence_count = 1;
    expect(&rollback, RH_REVERSIBILITY_LOSSY, "sequence public.q, which is set back from 10 to its start");
}

static void the_schema_is_not_restored(void **state)
{
    (void)state;
    rh_rollback rollback = ran();
    differ(&rollback, "column t.note", RH_CHANGE_MISSING);
    differ(&rollback, "table gone", RH_CHANGE_MISSING);
    column(table(&rollback, "t", 2000, 2000), "note", RH_CHANGE_MISSING, 5);
    rh_table_data *gone = table(&rollback, "gone", 7, -1);
    gone->missing = true;
    table(&rollback, "empty", 0, -1)->missing = true;
    expect(
        &rollback, RH_REVERSIBILITY_IRREVERSIBLE,
        "the down migration does not restore column t.note (missing), table gone (missing); lost: column note "
        "of t, 5 values, table gone, 7 rows");
    rollback = ran();
    differ(&rollback, "index i", RH_CHANGE_CHANGED);
    expect(&rollback, RH_REVERSIBILITY_IRREVERSIBLE, "the down migration does not restore index i (changed)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_a_run, start, stop),
        cmocka_unit_test_setup_teardown(nothing_is_lost, start, stop),
        cmocka_unit_test_setup_teardown(data_is_lost, start, stop),
        cmocka_unit_test_setup_teardown(the_schema_is_not_restored, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
