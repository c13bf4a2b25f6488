/* The proof of a backfill: what the undisturbed run says, and runs that are repeated. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "passes/scripted_proof.h"
#include <string.h>

static bool referenced_in(const rh_proof_place *place)
{
    script_rows(SCRIPT_PROOF_COLUMNS, "id id t - - t;a a f a+1 a f;b b f - b f");
    return script_proof_try_in(place, rh_proof_reference_run);
}

static bool referenced(void)
{
    return referenced_in(script_proof_place());
}

static const rh_backfill_claim *claim(rh_proof_claim of)
{
    return &scripted_proof->claims[of];
}

/* ---- the undisturbed run ---- */

static void a_run_in_batches_commits(void **state)
{
    (void)state;
    assert_true(referenced());
    assert_true(scripted_proof->reference.made);
    script_proof_expect(RH_PROOF_COMMITS, RH_PROOF_HELD, NULL);
    script_proof_says(RH_PROOF_COMMITS, "10 transactions for 100 rows, at most 10 rows in one");
    script_proof_expect(RH_PROOF_COMPLETE, RH_PROOF_UNKNOWN, NULL);
    assert_true(scripted_proof->columns.items[2].owned);
    assert_false(scripted_proof->columns.items[1].owned);
}

static void one_transaction_for_all_fails(void **state)
{
    (void)state;
    script_rows(SCRIPT_PROOF_COUNTS, "100 100 1 100");
    assert_true(referenced());
    script_proof_expect(RH_PROOF_COMMITS, RH_PROOF_FAILED, "backfill-in-one-transaction");
    assert_int_equal(claim(RH_PROOF_COMMITS)->rows, 100);
}

static void a_batch_without_bound_fails(void **state)
{
    (void)state;
    script_rows(SCRIPT_PROOF_COUNTS, "100 100 3 41");
    assert_true(referenced());
    script_proof_expect(RH_PROOF_COMMITS, RH_PROOF_FAILED, "backfill-key-not-unique");
}

static void a_transaction_over_many_batches_fails(void **state)
{
    (void)state;
    scripted_of.condition = NULL;
    script_rows("min(a.xact_start)", "3");
    scripted_backfill.runs[0] = (script_backfill_run){.endless = true};
    script_rows(SCRIPT_PROOF_WATCHED, "1000 100");
    assert_true(referenced());
    script_proof_expect(RH_PROOF_COMMITS, RH_PROOF_FAILED, "backfill-held-snapshot");
    script_proof_says(RH_PROOF_COMMITS, "while 3 batches were committed");
}

static void one_that_writes_again_and_again_is_ended(void **state)
{
    (void)state;
    scripted_backfill.runs[0] = (script_backfill_run){.endless = true};
    script_rows(SCRIPT_PROOF_WATCHED, "331 40");
    assert_true(referenced());
    assert_false(scripted_proof->reference.made);
    assert_int_equal(scripted_backfill.killed, 1);
    script_proof_expect(RH_PROOF_ENDS, RH_PROOF_FAILED, "backfill-never-ends");
    script_proof_says(RH_PROOF_ENDS, "331 writes for 100 rows");
}

static void without_a_good_end_nothing_is_known(void **state)
{
    (void)state;
    scripted_backfill.runs[0] =
        (script_backfill_run){.fails = "column c does not exist", .sqlstate = "42703"};
    assert_true(referenced());
    assert_false(scripted_proof->reference.made);
    for (int i = 0; i < RH_PROOF_CLAIM_COUNT; i++) {
        script_proof_expect((rh_proof_claim)i, RH_PROOF_UNKNOWN, NULL);
        script_proof_says((rh_proof_claim)i, "column c does not exist");
    }
}

static void one_that_changes_nothing_proves_nothing(void **state)
{
    (void)state;
    script_rows(SCRIPT_PROOF_COUNTS, "0 0 0 0");
    assert_true(referenced());
    assert_false(scripted_proof->reference.made);
    for (int i = 0; i < RH_PROOF_CLAIM_COUNT; i++) {
        script_proof_expect((rh_proof_claim)i, RH_PROOF_UNKNOWN, NULL);
        script_proof_says((rh_proof_claim)i, "without changing a row of public.t");
    }
}

static void its_own_deadlock_is_a_failure(void **state)
{
    (void)state;
    scripted_backfill.runs[0] = (script_backfill_run){.fails = "deadlock detected", .sqlstate = "40P01"};
    assert_true(referenced());
    script_proof_expect(RH_PROOF_NO_DEADLOCK, RH_PROOF_FAILED, "backfill-lock-order");
}

static void rows_that_it_never_wrote_are_left(void **state)
{
    (void)state;
    script_rows("xmin::text::bigint NOT IN", "7");
    script_rows("WHERE (b IS NULL", "9");
    assert_true(referenced());
    script_proof_expect(RH_PROOF_COMPLETE, RH_PROOF_FAILED, "backfill-rows-left");
    assert_int_equal(claim(RH_PROOF_COMPLETE)->rows, 7);
}

static void rows_to_do_after_it_wrote_them_are_left(void **state)
{
    (void)state;
    script_rows("xmin::text::bigint NOT IN", "0");
    script_rows("WHERE (b IS NULL", "9");
    assert_true(referenced());
    script_proof_expect(RH_PROOF_COMPLETE, RH_PROOF_FAILED, "backfill-rows-left");
    script_proof_says(RH_PROOF_COMPLETE, "9 rows are still to do after it has written them");
}

static void in_a_sample_those_are_a_note(void **state)
{
    (void)state;
    rh_proof_place sampled = *script_proof_place();
    sampled.sampled = true;
    script_rows("xmin::text::bigint NOT IN", "0");
    script_rows("WHERE (b IS NULL", "9");
    assert_true(referenced_in(&sampled));
    script_proof_expect(RH_PROOF_COMPLETE, RH_PROOF_UNKNOWN, NULL);
    assert_int_equal(scripted_proof->notes->count, 1);
    assert_non_null(strstr(scripted_proof->notes->items[0].text, "9 rows of the sample"));
}

/* A program says neither what it sets nor which rows are to do. */
static void what_a_program_fills_is_found(void **state)
{
    (void)state;
    scripted_of.set = scripted_of.condition = NULL;
    script_rows(SCRIPT_PROOF_SUMS, "100 1 2 0")->last = 1;
    assert_true(referenced());
    assert_true(scripted_proof->columns.items[2].owned);
    assert_false(scripted_proof->columns.items[1].owned);
    assert_string_equal(scripted_proof->condition, "b IS NULL");
}

static void a_program_that_leaves_nulls_has_no_condition(void **state)
{
    (void)state;
    scripted_of.set = scripted_of.condition = NULL;
    script_rows("WHERE (b IS NULL", "4");
    script_rows(SCRIPT_PROOF_SUMS, "100 1 2 0")->last = 1;
    assert_true(referenced());
    assert_null(scripted_proof->condition);
    assert_int_equal(scripted_proof->reference.left, RH_UNKNOWN);
    script_proof_expect(RH_PROOF_COMPLETE, RH_PROOF_UNKNOWN, NULL);
}

static void values_by_chance_are_not_compared(void **state)
{
    (void)state;
    script_rows(SCRIPT_PROOF_SUMS, "100 1 2 0")->last = 1;
    script_rows(SCRIPT_PROOF_SUMS, "100 1 2 3")->last = 1;
    script_rows(SCRIPT_PROOF_SUMS, "100 1 2 4");
    assert_true(referenced());
    assert_true(scripted_proof->columns.items[2].varies);
    assert_false(scripted_proof->columns.items[0].varies);
}

static void a_lost_server_ends_the_proof(void **state)
{
    (void)state;
    script_rows(SCRIPT_PROOF_PLACES, "")->action = SCRIPT_LOSE;
    assert_false(referenced());
    assert_int_equal(script_proof_error()->code, RH_ERROR_LOST);
}

static void a_session_of_it_that_stays_is_an_error(void **state)
{
    (void)state;
    script_rows("SELECT count(*) FROM pg_catalog.pg_stat_activity", "1")->action = SCRIPT_LOSE;
    assert_false(referenced());
    assert_int_equal(script_proof_error()->code, RH_ERROR_LOST);
    assert_int_equal(scripted_backfill.open, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_run_in_batches_commits, script_proof_begin, script_proof_end),
        cmocka_unit_test_setup_teardown(one_transaction_for_all_fails, script_proof_begin, script_proof_end),
        cmocka_unit_test_setup_teardown(a_batch_without_bound_fails, script_proof_begin, script_proof_end),
        cmocka_unit_test_setup_teardown(a_transaction_over_many_batches_fails, script_proof_begin,
                                        script_proof_end),
        cmocka_unit_test_setup_teardown(one_that_writes_again_and_again_is_ended, script_proof_begin,
                                        script_proof_end),
        cmocka_unit_test_setup_teardown(without_a_good_end_nothing_is_known, script_proof_begin,
                                        script_proof_end),
        cmocka_unit_test_setup_teardown(one_that_changes_nothing_proves_nothing, script_proof_begin,
                                        script_proof_end),
        cmocka_unit_test_setup_teardown(its_own_deadlock_is_a_failure, script_proof_begin, script_proof_end),
        cmocka_unit_test_setup_teardown(rows_that_it_never_wrote_are_left, script_proof_begin,
                                        script_proof_end),
        cmocka_unit_test_setup_teardown(rows_to_do_after_it_wrote_them_are_left, script_proof_begin,
                                        script_proof_end),
        cmocka_unit_test_setup_teardown(in_a_sample_those_are_a_note, script_proof_begin, script_proof_end),
        cmocka_unit_test_setup_teardown(what_a_program_fills_is_found, script_proof_begin, script_proof_end),
        cmocka_unit_test_setup_teardown(a_program_that_leaves_nulls_has_no_condition, script_proof_begin,
                                        script_proof_end),
        cmocka_unit_test_setup_teardown(values_by_chance_are_not_compared, script_proof_begin,
                                        script_proof_end),
        cmocka_unit_test_setup_teardown(a_lost_server_ends_the_proof, script_proof_begin, script_proof_end),
        cmocka_unit_test_setup_teardown(a_session_of_it_that_stays_is_an_error, script_proof_begin,
                                        script_proof_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
