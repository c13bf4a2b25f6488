/* The proof of a backfill: killed at ten moments, and started again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "passes/scripted_proof.h"
#include <string.h>

/* Ten kills, each of a run that does not end by itself, and the run that resumes it. */
static int begin_with(void **state, const char *held)
{
    script_proof_begin(state);
    scripted_of.proof.kills = 10;
    for (int i = 0; i < 20; i += 2)
        scripted_backfill.runs[i] = (script_backfill_run){.endless = true};
    script_rows("'advisory'", held);
    script_rows("'PgSleep'", "1");
    return 0;
}

static int begin(void **state)
{
    return begin_with(state, "1");
}

static const rh_backfill_claim *resumes(void)
{
    return &scripted_proof->claims[RH_PROOF_RESUMES];
}

static void each_resumed_run_ends_as_without_the_kill(void **state)
{
    (void)state;
    assert_true(script_proof_try(rh_proof_kills));
    script_proof_expect(RH_PROOF_RESUMES, RH_PROOF_HELD, NULL);
    script_proof_says(RH_PROOF_RESUMES,
                      "10 kills (2 at a random moment; 2 before COMMIT; 2 after COMMIT, before its answer; "
                      "2 in the pause; 1 crash of the server; 1 crash of the server with "
                      "synchronous_commit off)");
    assert_int_equal(resumes()->runs, 10);
    assert_int_equal(scripted_backfill.again, 10);
    assert_int_equal(scripted_backfill.killed_at_commit, 2);
    assert_int_equal(scripted_backfill.crashes, 2);
    assert_int_equal(scripted_backfill.restarts, 2);
    assert_int_equal(script_sent(": proof", "synchronous_commit = off"), 1);
}

static void what_is_held_is_released(void **state)
{
    (void)state;
    assert_true(script_proof_try(rh_proof_kills));
    assert_int_equal(script_sent(": proof", "pg_advisory_lock("), 2);
    assert_int_equal(script_sent(": proof", "pg_advisory_unlock("), 2);
}

static void a_server_of_others_is_not_crashed(void **state)
{
    (void)state;
    rh_proof_place others = *script_proof_place();
    others.crash = NULL;
    assert_true(script_proof_try_in(&others, rh_proof_kills));
    script_proof_expect(RH_PROOF_RESUMES, RH_PROOF_HELD, NULL);
    script_proof_says(RH_PROOF_RESUMES, "4 at a random moment");
    assert_int_equal(scripted_backfill.restarts, 0);
}

static void other_rows_after_a_kill_fail(void **state)
{
    (void)state;
    script_rows(SCRIPT_PROOF_SUMS, "100 1 2 3")->last = 9;
    script_rows(SCRIPT_PROOF_SUMS, "100 1 2 99");
    script_rows(SCRIPT_PROOF_ROWS, "1 11;2 98;3 97");
    assert_true(script_proof_try(rh_proof_kills));
    script_proof_expect(RH_PROOF_RESUMES, RH_PROOF_FAILED, "backfill-no-resume");
    script_proof_says(RH_PROOF_RESUMES, "(1 of 10 kills)");
    script_proof_says(RH_PROOF_RESUMES, "synchronous_commit off), it ends with other rows");
    assert_int_equal(resumes()->rows, 2);
    assert_int_equal(resumes()->column_count, 1);
    assert_string_equal(resumes()->columns[0], "b");
}

static void the_first_failure_is_kept(void **state)
{
    (void)state;
    script_rows(SCRIPT_PROOF_SUMS, "100 1 2 3")->last = 7;
    script_rows(SCRIPT_PROOF_SUMS, "100 1 98 3")->last = 1;
    script_rows(SCRIPT_PROOF_SUMS, "100 1 2 99");
    assert_true(script_proof_try(rh_proof_kills));
    script_proof_says(RH_PROOF_RESUMES, "(after COMMIT, before its answer)");
    script_proof_says(RH_PROOF_RESUMES, "(3 of 10 kills)");
    assert_string_equal(resumes()->columns[0], "a");
    assert_int_equal(resumes()->column_count, 1);
}

static void a_run_that_does_not_resume_fails(void **state)
{
    (void)state;
    scripted_backfill.runs[1] = (script_backfill_run){.fails = "the state file is locked", .refused = true};
    assert_true(script_proof_try(rh_proof_kills));
    script_proof_expect(RH_PROOF_RESUMES, RH_PROOF_FAILED, "backfill-no-resume");
    script_proof_says(RH_PROOF_RESUMES,
                      "(before COMMIT), it fails: the state file is locked (1 of 10 kills)");
}

static void rows_left_after_a_kill_fail(void **state)
{
    (void)state;
    script_rows("WHERE (b IS NULL", "6");
    assert_true(script_proof_try(rh_proof_kills));
    script_proof_expect(RH_PROOF_RESUMES, RH_PROOF_FAILED, "backfill-no-resume");
    script_proof_says(RH_PROOF_RESUMES, "ends with 6 rows still to do (10 of 10 kills)");
    assert_int_equal(resumes()->rows, 6);
}

static void a_batch_may_be_written_twice(void **state)
{
    (void)state;
    script_rows(SCRIPT_PROOF_COUNTS, "110 100 11 10");
    assert_true(script_proof_try(rh_proof_kills));
    script_proof_expect(RH_PROOF_RESUMES, RH_PROOF_HELD, NULL);
    script_proof_says(RH_PROOF_RESUMES, "at most 10 rows were written twice, a batch has 10");
}

static void more_than_a_batch_written_twice_fails(void **state)
{
    (void)state;
    script_rows(SCRIPT_PROOF_COUNTS, "111 100 12 10");
    assert_true(script_proof_try(rh_proof_kills));
    script_proof_expect(RH_PROOF_RESUMES, RH_PROOF_FAILED, "backfill-no-resume");
    assert_int_equal(resumes()->rows, 11);
}

/* No kill of that moment counts, nor is it tried again. */
static void a_moment_that_does_not_come_is_no_kill(void **state)
{
    script_proof_end(state);
    begin_with(state, "0");
    scripted_backfill.runs[0] = (script_backfill_run){.until = "'advisory'", .times = 1};
    assert_true(script_proof_try(rh_proof_kills));
    script_proof_expect(RH_PROOF_RESUMES, RH_PROOF_HELD, NULL);
    script_proof_says(RH_PROOF_RESUMES, "9 kills (3 at a random moment; 2 after COMMIT");
    assert_int_equal(resumes()->runs, 9);
}

static void kills_behind_its_end_prove_nothing(void **state)
{
    (void)state;
    memset(scripted_backfill.runs, 0, sizeof scripted_backfill.runs);
    assert_true(script_proof_try(rh_proof_kills));
    script_proof_expect(RH_PROOF_RESUMES, RH_PROOF_UNKNOWN, NULL);
    script_proof_says(RH_PROOF_RESUMES, "only 0 of 10 kills hit a run before its end");
}

static void without_kills_nothing_is_said(void **state)
{
    (void)state;
    scripted_of.proof.kills = 0;
    assert_true(script_proof_try(rh_proof_kills));
    assert_null(resumes()->why);
    assert_int_equal(scripted_backfill.started, 0);
}

static void a_lock_is_released_though_the_server_fails(void **state)
{
    (void)state;
    script_begin();
    script_rows("'advisory'", "")->action = SCRIPT_TIME_OUT;
    assert_false(script_proof_try(rh_proof_kills));
    assert_int_equal(script_proof_error()->code, RH_ERROR_TIMEOUT);
    assert_int_equal(script_sent(": proof", "pg_advisory_unlock("), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define test(name) cmocka_unit_test_setup_teardown(name, begin, script_proof_end)
        test(each_resumed_run_ends_as_without_the_kill),
        test(what_is_held_is_released),
        test(a_server_of_others_is_not_crashed),
        test(other_rows_after_a_kill_fail),
        test(the_first_failure_is_kept),
        test(a_run_that_does_not_resume_fails),
        test(rows_left_after_a_kill_fail),
        test(a_batch_may_be_written_twice),
        test(more_than_a_batch_written_twice_fails),
        test(a_moment_that_does_not_come_is_no_kill),
        test(kills_behind_its_end_prove_nothing),
        test(without_kills_nothing_is_said),
        test(a_lock_is_released_though_the_server_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
