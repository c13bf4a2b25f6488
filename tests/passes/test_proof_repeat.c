/* The proof of a backfill: runs that are repeated, stopped, or two at once; pages read; the migrations behind
 * it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "passes/scripted_proof.h"
#include <string.h>

static const rh_backfill_claim *claim(rh_proof_claim of)
{
    return &scripted_proof->claims[of];
}

/* ---- twice ---- */

static bool twice(rh_proof *proof, rh_error *error)
{
    return rh_proof_fresh(proof, error) && rh_proof_twice(proof, error);
}

static void nothing_is_written_again(void **state)
{
    (void)state;
    scripted_backfill.runs[1] = (script_backfill_run){.endless = true};
    assert_true(script_proof_try(twice));
    script_proof_expect(RH_PROOF_IDEMPOTENT, RH_PROOF_HELD, NULL);
    script_proof_says(RH_PROOF_IDEMPOTENT,
                      "A second run writes nothing; repeating the first half changes nothing");
    assert_int_equal(claim(RH_PROOF_IDEMPOTENT)->runs, 4);
    assert_int_equal(scripted_backfill.killed, 1);
}

static void the_same_may_be_written_again(void **state)
{
    (void)state;
    script_rows(SCRIPT_PROOF_COUNTS, "100 100 10 10")->last = 1;
    script_rows(SCRIPT_PROOF_COUNTS, "140 100 20 10");
    assert_true(script_proof_try(twice));
    script_proof_expect(RH_PROOF_IDEMPOTENT, RH_PROOF_HELD, NULL);
    script_proof_says(RH_PROOF_IDEMPOTENT, "writes the same values again: 40 rows");
}

static void a_first_half_that_was_not_stopped_is_not_claimed(void **state)
{
    (void)state;
    assert_true(script_proof_try(twice));
    script_proof_expect(RH_PROOF_IDEMPOTENT, RH_PROOF_HELD, NULL);
    assert_string_equal(claim(RH_PROOF_IDEMPOTENT)->why, "A second run writes nothing");
    assert_int_equal(claim(RH_PROOF_IDEMPOTENT)->runs, 3);
}

static void other_rows_after_a_second_run_fail(void **state)
{
    (void)state;
    script_rows(SCRIPT_PROOF_SUMS, "100 1 2 99");
    script_rows(SCRIPT_PROOF_ROWS, "1 11;2 98;4 14");
    assert_true(script_proof_try(twice));
    script_proof_expect(RH_PROOF_IDEMPOTENT, RH_PROOF_FAILED, "backfill-not-idempotent");
    assert_int_equal(claim(RH_PROOF_IDEMPOTENT)->rows, 3); /* changed, missing, added */
    assert_int_equal(claim(RH_PROOF_IDEMPOTENT)->column_count, 1);
    assert_string_equal(claim(RH_PROOF_IDEMPOTENT)->columns[0], "b");
    assert_int_equal(claim(RH_PROOF_IDEMPOTENT)->runs, 2);
}

static void a_column_that_it_does_not_own_fails_too(void **state)
{
    (void)state;
    script_rows(SCRIPT_PROOF_SUMS, "100 1 99 3");
    assert_true(script_proof_try(twice));
    script_proof_expect(RH_PROOF_IDEMPOTENT, RH_PROOF_FAILED, "backfill-not-idempotent");
    assert_int_equal(claim(RH_PROOF_IDEMPOTENT)->rows, RH_UNKNOWN);
    assert_string_equal(claim(RH_PROOF_IDEMPOTENT)->columns[0], "a");
}

static void rows_added_fail_though_no_sum_differs(void **state)
{
    (void)state;
    script_rows(SCRIPT_PROOF_SUMS, "101 1 2 3");
    assert_true(script_proof_try(twice));
    script_proof_expect(RH_PROOF_IDEMPOTENT, RH_PROOF_FAILED, "backfill-not-idempotent");
}

static void a_second_run_that_fails_is_a_failure(void **state)
{
    (void)state;
    scripted_backfill.runs[0] = (script_backfill_run){.fails = "duplicate key"};
    assert_true(script_proof_try(twice));
    script_proof_expect(RH_PROOF_IDEMPOTENT, RH_PROOF_FAILED, "backfill-not-idempotent");
    script_proof_says(RH_PROOF_IDEMPOTENT, "Run a second time, it fails: duplicate key");
}

static void half_of_it_again_may_fail(void **state)
{
    (void)state;
    scripted_backfill.runs[1] = (script_backfill_run){.endless = true};
    script_rows(SCRIPT_PROOF_SUMS, "100 1 2 3")->last = 2;
    script_rows(SCRIPT_PROOF_SUMS, "100 1 2 98");
    script_rows(SCRIPT_PROOF_ROWS, "1 11;2 12;3 98");
    assert_true(script_proof_try(twice));
    script_proof_expect(RH_PROOF_IDEMPOTENT, RH_PROOF_FAILED, "backfill-not-idempotent");
    script_proof_says(RH_PROOF_IDEMPOTENT, "Started again after its first half");
    assert_int_equal(claim(RH_PROOF_IDEMPOTENT)->rows, 1);
}

static bool twice_by_chance(rh_proof *proof, rh_error *error)
{
    proof->columns.items[2].varies = true;
    return twice(proof, error);
}

static void other_values_by_chance_are_unknown(void **state)
{
    (void)state;
    script_rows(SCRIPT_PROOF_SUMS, "100 1 2 99");
    script_rows(SCRIPT_PROOF_COUNTS, "100 100 10 10")->last = 1;
    script_rows(SCRIPT_PROOF_COUNTS, "200 100 20 10");
    assert_true(script_proof_try(twice_by_chance));
    script_proof_expect(RH_PROOF_IDEMPOTENT, RH_PROOF_UNKNOWN, NULL);
    script_proof_says(RH_PROOF_IDEMPOTENT, "writes 100 rows again, and gives b other values");
}

static void what_was_not_compared_is_named(void **state)
{
    (void)state;
    scripted_backfill.runs[1] = (script_backfill_run){.endless = true};
    assert_true(script_proof_try(twice_by_chance));
    script_proof_expect(RH_PROOF_IDEMPOTENT, RH_PROOF_HELD, NULL);
    script_proof_says(RH_PROOF_IDEMPOTENT, "(not compared: b, which depend on the time or on chance)");
}

/* ---- stopped ---- */

static void it_stops_and_goes_on(void **state)
{
    (void)state;
    scripted_backfill.runs[0] = (script_backfill_run){.endless = true};
    script_rows("SELECT clock_timestamp()", "12:00");
    script_rows("journal.at > $1", "2");
    assert_true(script_proof_try(rh_proof_stops));
    script_proof_expect(RH_PROOF_STOPS, RH_PROOF_HELD, NULL);
    script_proof_says(RH_PROOF_STOPS, "ended after 2 more batches");
    script_proof_expect(RH_PROOF_RESUMES, RH_PROOF_UNKNOWN, NULL);
    assert_int_equal(scripted_backfill.stopped, 1);
    assert_int_equal(scripted_backfill.again, 1);
}

static void many_batches_behind_the_request_fail(void **state)
{
    (void)state;
    scripted_backfill.runs[0] = (script_backfill_run){.endless = true};
    script_rows("SELECT clock_timestamp()", "12:00");
    script_rows("journal.at > $1", "3");
    assert_true(script_proof_try(rh_proof_stops));
    script_proof_expect(RH_PROOF_STOPS, RH_PROOF_FAILED, "backfill-does-not-stop");
}

static void one_that_ignores_the_request_fails(void **state)
{
    (void)state;
    scripted_backfill.runs[0] = (script_backfill_run){.endless = true, .ignores_stop = true};
    script_rows("SELECT clock_timestamp()", "12:00");
    script_rows(SCRIPT_PROOF_WATCHED, "100 10")->last = 1;
    script_rows(SCRIPT_PROOF_WATCHED, "400 40");
    assert_true(script_proof_try(rh_proof_stops));
    script_proof_expect(RH_PROOF_STOPS, RH_PROOF_FAILED, "backfill-does-not-stop");
    script_proof_says(RH_PROOF_STOPS, "the same rows repeatedly");
    assert_int_equal(scripted_backfill.killed, 1);
}

static void one_that_ended_before_says_nothing(void **state)
{
    (void)state;
    assert_true(script_proof_try(rh_proof_stops));
    script_proof_expect(RH_PROOF_STOPS, RH_PROOF_UNKNOWN, NULL);
    assert_int_equal(scripted_backfill.stopped, 0);
}

static void rows_left_behind_a_stop_are_no_resume(void **state)
{
    (void)state;
    script_rows("SELECT clock_timestamp()", "12:00");
    scripted_backfill.runs[0] = (script_backfill_run){.endless = true};
    script_rows("WHERE (b IS NULL", "5");
    assert_true(script_proof_try(rh_proof_stops));
    script_proof_expect(RH_PROOF_STOPS, RH_PROOF_HELD, NULL);
    script_proof_expect(RH_PROOF_RESUMES, RH_PROOF_FAILED, "backfill-no-resume");
    assert_int_equal(claim(RH_PROOF_RESUMES)->rows, 5);
}

/* ---- pages read ---- */

/* PAGES of the table with batches of 10 and of 2 rows, BATCHES of the second run. */
static void reads(const char *pages, const char *pages_small, const char *counts_small, const char *size)
{
    script_rows("heap_blks_read", pages)->last = 1;
    script_rows("heap_blks_read", pages_small);
    script_rows(SCRIPT_PROOF_COUNTS, "100 100 10 10")->last = 1;
    script_rows(SCRIPT_PROOF_COUNTS, counts_small);
    script_rows("pg_relation_size", size);
    assert_true(script_proof_try(rh_proof_reads));
}

static void a_batch_reads_its_own_pages(void **state)
{
    (void)state;
    reads("1000", "1120", "100 100 50 2", "400");
    script_proof_expect(RH_PROOF_READS_ONCE, RH_PROOF_HELD, NULL);
    script_proof_says(RH_PROOF_READS_ONCE, "reads 3.0 more pages, of a table of 400");
    assert_int_equal(scripted_proof->setting.batch, 10);
}

static void one_that_walks_over_the_table_fails(void **state)
{
    (void)state;
    reads("1000", "1840", "100 100 50 2", "400");
    script_proof_expect(RH_PROOF_READS_ONCE, RH_PROOF_FAILED, "backfill-rescan");
    script_proof_says(RH_PROOF_READS_ONCE, "reads 21 more pages");
}

static void batches_that_it_does_not_follow_say_nothing(void **state)
{
    (void)state;
    reads("1000", "1840", "100 100 12 10", "400");
    script_proof_expect(RH_PROOF_READS_ONCE, RH_PROOF_UNKNOWN, NULL);
}

static void a_small_table_says_nothing(void **state)
{
    (void)state;
    reads("1000", "1840", "100 100 50 2", "63");
    assert_null(claim(RH_PROOF_READS_ONCE)->why);
}

static void pages_that_the_server_does_not_count_are_unknown(void **state)
{
    (void)state;
    reads("-", "1120", "100 100 50 2", "400");
    script_proof_expect(RH_PROOF_READS_ONCE, RH_PROOF_UNKNOWN, NULL);
}

/* ---- the migrations behind it ---- */

static void they_pass(void **state)
{
    (void)state;
    assert_true(script_proof_try(rh_proof_contract));
    script_proof_expect(RH_PROOF_CONTRACT, RH_PROOF_HELD, NULL);
}

static void they_fail_because_of_its_rows(void **state)
{
    (void)state;
    scripted_backfill.contract_why = "migration 3 fails: column b contains null values";
    scripted_backfill.contract_of_rows = true;
    assert_true(script_proof_try(rh_proof_contract));
    script_proof_expect(RH_PROOF_CONTRACT, RH_PROOF_FAILED, "backfill-contract");
    script_proof_says(RH_PROOF_CONTRACT, "column b contains null values");
}

static void they_fail_for_another_reason(void **state)
{
    (void)state;
    scripted_backfill.contract_why = "migration 3 fails: permission denied";
    assert_true(script_proof_try(rh_proof_contract));
    script_proof_expect(RH_PROOF_CONTRACT, RH_PROOF_UNKNOWN, NULL);
}

static void a_server_lost_is_an_error(void **state)
{
    (void)state;
    scripted_backfill.contract_unknown = true;
    assert_false(script_proof_try(rh_proof_contract));
    assert_int_equal(script_proof_error()->code, RH_ERROR_LOST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define test(name) cmocka_unit_test_setup_teardown(name, script_proof_begin, script_proof_end)
        test(nothing_is_written_again),
        test(the_same_may_be_written_again),
        test(a_first_half_that_was_not_stopped_is_not_claimed),
        test(other_rows_after_a_second_run_fail),
        test(a_column_that_it_does_not_own_fails_too),
        test(rows_added_fail_though_no_sum_differs),
        test(a_second_run_that_fails_is_a_failure),
        test(half_of_it_again_may_fail),
        test(other_values_by_chance_are_unknown),
        test(what_was_not_compared_is_named),
        test(it_stops_and_goes_on),
        test(many_batches_behind_the_request_fail),
        test(one_that_ignores_the_request_fails),
        test(one_that_ended_before_says_nothing),
        test(rows_left_behind_a_stop_are_no_resume),
        test(a_batch_reads_its_own_pages),
        test(one_that_walks_over_the_table_fails),
        test(batches_that_it_does_not_follow_say_nothing),
        test(a_small_table_says_nothing),
        test(pages_that_the_server_does_not_count_are_unknown),
        test(they_pass),
        test(they_fail_because_of_its_rows),
        test(they_fail_for_another_reason),
        test(a_server_lost_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
