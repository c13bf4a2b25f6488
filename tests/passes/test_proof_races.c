/* The proof of a backfill: beside clients that write to its rows, and two at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "passes/scripted_proof.h"
#include <string.h>

/* The four runs beside clients, in their order: each ends when its clients have come to do their work, and
 * the server lets them. */
enum { LOST, COMPLETE, END, DEADLOCK };

static int begin(void **state)
{
    script_proof_begin(state);
    scripted_of.dual_write = "application";
    script_backfill_run *runs = scripted_backfill.runs;
    runs[LOST] = (script_backfill_run){.until = "UPDATE public.t", .times = 2};
    runs[COMPLETE] = (script_backfill_run){.until = "FOR UPDATE", .times = 1, .also = "DELETE FROM public.t"};
    runs[END] = (script_backfill_run){.until = "nextval('pgrehearse_proof.inserts')", .times = 2};
    runs[DEADLOCK] = (script_backfill_run){.until = "UPDATE public.t", .times = 12};
    return 0;
}

/* The server lets clients write, a row a statement; 20 rows that they changed were changed by the backfill.
 */
static void tried(void)
{
    script_rows("WHERE ctid = ANY", "1")->role = ": proof client";
    script_rows("INSERT INTO public.t", "1")->role = ": proof client";
    script_rows("b.at - a.at < interval", "20 0");
    script_rows("a.old[c.number] <> a.new[c.number]", "0 -");
    assert_true(script_proof_try(rh_proof_races));
}

static const rh_backfill_claim *claim(rh_proof_claim of)
{
    return &scripted_proof->claims[of];
}

static void all_hold(void **state)
{
    (void)state;
    tried();
    script_proof_expect(RH_PROOF_KEEPS_UPDATES, RH_PROOF_HELD, NULL);
    script_proof_says(RH_PROOF_KEEPS_UPDATES, "Clients changed 20 rows");
    script_proof_expect(RH_PROOF_COMPLETE, RH_PROOF_HELD, NULL);
    script_proof_expect(RH_PROOF_ENDS, RH_PROOF_HELD, NULL);
    script_proof_expect(RH_PROOF_NO_DEADLOCK, RH_PROOF_HELD, NULL);
    assert_int_equal(scripted_backfill.copies, 4);
}

/* ---- lost updates ---- */

static void values_of_before_are_lost_updates(void **state)
{
    (void)state;
    script_rows("a.old[c.number] <> a.new[c.number]", "4 1,2");
    tried();
    script_proof_expect(RH_PROOF_KEEPS_UPDATES, RH_PROOF_FAILED, "backfill-whole-row");
    script_proof_says(RH_PROOF_KEEPS_UPDATES, "4 of 20 rows");
    assert_int_equal(claim(RH_PROOF_KEEPS_UPDATES)->rows, 4);
    assert_int_equal(claim(RH_PROOF_KEEPS_UPDATES)->column_count, 2);
    assert_string_equal(claim(RH_PROOF_KEEPS_UPDATES)->columns[1], "a");
}

static void clients_that_met_few_rows_prove_nothing(void **state)
{
    (void)state;
    script_rows("b.at - a.at < interval", "9 0");
    tried();
    script_proof_expect(RH_PROOF_KEEPS_UPDATES, RH_PROOF_UNKNOWN, NULL);
    script_proof_says(RH_PROOF_KEEPS_UPDATES, "changed only 9 rows");
}

static void one_that_fails_beside_clients_keeps_nothing(void **state)
{
    (void)state;
    scripted_backfill.runs[LOST].fails = "could not serialize access";
    tried();
    script_proof_expect(RH_PROOF_KEEPS_UPDATES, RH_PROOF_UNKNOWN, NULL);
    script_proof_says(RH_PROOF_KEEPS_UPDATES, "did not end without an error: could not serialize access");
}

static bool races_without_column(rh_proof *proof, rh_error *error)
{
    proof->columns.items[1].other = NULL;
    return rh_proof_races(proof, error);
}

static void without_a_column_to_change_they_are_unknown(void **state)
{
    (void)state;
    scripted_backfill.runs[0] = scripted_backfill.runs[COMPLETE];
    scripted_backfill.runs[1] = scripted_backfill.runs[END];
    script_rows("ctid = ANY", "1");
    assert_true(script_proof_try(races_without_column));
    script_proof_expect(RH_PROOF_KEEPS_UPDATES, RH_PROOF_UNKNOWN, NULL);
    script_proof_says(RH_PROOF_KEEPS_UPDATES, "public.t has no column that clients may change");
    script_proof_expect(RH_PROOF_NO_DEADLOCK, RH_PROOF_UNKNOWN, NULL);
    script_proof_expect(RH_PROOF_COMPLETE, RH_PROOF_HELD, NULL);
    assert_int_equal(scripted_backfill.started, 2);
}

/* ---- rows missed ---- */

static void rows_behind_its_position_are_skipped(void **state)
{
    (void)state;
    script_rows("FILTER (WHERE EXISTS", "8 2");
    script_rows("ORDER BY id DESC LIMIT 1", "5 0");
    tried();
    script_proof_expect(RH_PROOF_COMPLETE, RH_PROOF_FAILED, "backfill-skip-locked");
    assert_int_equal(claim(RH_PROOF_COMPLETE)->rows, 6);
}

static void rows_ahead_of_its_position_show_an_early_end(void **state)
{
    (void)state;
    script_rows("FILTER (WHERE EXISTS", "8 2");
    script_rows("ORDER BY id DESC LIMIT 1", "1 0");
    tried();
    script_proof_expect(RH_PROOF_COMPLETE, RH_PROOF_FAILED, "backfill-ends-early");
}

/* It is started again, without clients: a run more. */
static void complete_fails(void)
{
    script_backfill_run *runs = scripted_backfill.runs;
    runs[DEADLOCK + 1] = runs[DEADLOCK];
    runs[DEADLOCK] = runs[END];
    runs[END] = (script_backfill_run){0};
    runs[COMPLETE].fails = "lock timeout";
}

static void rows_left_are_a_failure_though_it_ended_badly(void **state)
{
    (void)state;
    complete_fails();
    script_rows("FILTER (WHERE EXISTS", "8 2");
    tried();
    script_proof_expect(RH_PROOF_COMPLETE, RH_PROOF_FAILED, "backfill-ends-early");
    script_proof_says(RH_PROOF_COMPLETE, "also after it had failed and was started again");
}

static void one_that_ended_badly_is_not_complete(void **state)
{
    (void)state;
    complete_fails();
    tried();
    script_proof_expect(RH_PROOF_COMPLETE, RH_PROOF_UNKNOWN, NULL);
    script_proof_expect(RH_PROOF_ENDS, RH_PROOF_HELD, NULL);
    assert_int_equal(scripted_backfill.started, 5);
}

static void inserted_rows_that_nothing_fills_are_missed(void **state)
{
    (void)state;
    scripted_of.dual_write = "none";
    script_rows("FILTER (WHERE EXISTS", "3 3");
    tried();
    script_proof_expect(RH_PROOF_COMPLETE, RH_PROOF_FAILED, "backfill-random-key");
    assert_int_equal(claim(RH_PROOF_COMPLETE)->rows, 3);
}

static void inserted_rows_need_dual_write_to_be_judged(void **state)
{
    (void)state;
    scripted_of.dual_write = NULL;
    script_rows("FILTER (WHERE EXISTS", "3 3");
    tried();
    script_proof_expect(RH_PROOF_COMPLETE, RH_PROOF_UNKNOWN, NULL);
    script_proof_says(RH_PROOF_COMPLETE, "of the rows inserted while it ran 3 are still to do");
}

static void inserted_rows_that_the_application_fills_are_its_own(void **state)
{
    (void)state;
    script_rows("FILTER (WHERE EXISTS", "3 3");
    tried();
    script_proof_expect(RH_PROOF_COMPLETE, RH_PROOF_HELD, NULL);
    script_proof_says(RH_PROOF_COMPLETE, "; the application fills the rows that it inserts");
}

static void clients_that_may_not_delete_say_why(void **state)
{
    (void)state;
    script_rows("UPDATE public.t", "")->role = ": proof client";
    script_rule *denied = script_rows("DELETE FROM public.t", "");
    denied->action = SCRIPT_REFUSE;
    denied->message = "violates foreign key constraint";
    scripted_backfill.runs[COMPLETE] = (script_backfill_run){.until = "DELETE FROM", .times = 2};
    scripted_backfill.runs[DEADLOCK].times = 3;
    tried();
    script_proof_expect(RH_PROOF_COMPLETE, RH_PROOF_UNKNOWN, NULL);
    script_proof_says(RH_PROOF_COMPLETE, "violates foreign key constraint");
}

/* ---- the end ---- */

static void one_that_is_fed_for_ever_never_ends(void **state)
{
    (void)state;
    scripted_backfill.runs[END] = (script_backfill_run){.endless = true};
    script_rows(SCRIPT_PROOF_WATCHED, "140 37");
    tried();
    script_proof_expect(RH_PROOF_ENDS, RH_PROOF_FAILED, "backfill-never-ends");
    script_proof_says(RH_PROOF_ENDS, "it does not end while rows are inserted");
    assert_int_equal(scripted_backfill.killed, 1);
}

static void without_an_insert_the_end_is_unknown(void **state)
{
    (void)state;
    script_rule *denied = script_rows("INSERT INTO public.t", "");
    denied->role = ": proof client";
    denied->action = SCRIPT_REFUSE;
    denied->message = "violates check constraint";
    tried();
    script_proof_expect(RH_PROOF_ENDS, RH_PROOF_UNKNOWN, NULL);
    script_proof_says(RH_PROOF_ENDS, "violates check constraint");
}

/* ---- deadlocks ---- */

static void a_client_that_is_the_victim_is_a_failure(void **state)
{
    (void)state;
    script_rule *victim = script_rows("UPDATE public.t", "");
    *victim = (script_rule){.role = ": proof client",
                            .pattern = "UPDATE public.t",
                            .action = SCRIPT_REFUSE,
                            .sqlstate = "40P01",
                            .message = "deadlock detected"};
    tried();
    script_proof_expect(RH_PROOF_NO_DEADLOCK, RH_PROOF_FAILED, "backfill-lock-order");
}

static void its_own_end_by_one_is_a_failure(void **state)
{
    (void)state;
    scripted_backfill.runs[DEADLOCK].fails = "deadlock detected";
    tried();
    script_proof_expect(RH_PROOF_NO_DEADLOCK, RH_PROOF_FAILED, "backfill-lock-order");
}

static void few_rows_in_pairs_prove_nothing(void **state)
{
    (void)state;
    scripted_backfill.runs[DEADLOCK] = (script_backfill_run){0};
    tried();
    script_proof_expect(RH_PROOF_NO_DEADLOCK, RH_PROOF_UNKNOWN, NULL);
}

static void the_row_that_it_refers_to_is_locked(void **state)
{
    (void)state;
    script_rows("c.confrelid::regclass", "parent public.parents id bigint");
    tried();
    assert_true(script_sent(": proof client", "RETURNING parent::text") > 0);
    assert_true(script_sent(": proof client", "SELECT FROM public.parents WHERE id = $1::bigint FOR UPDATE") >
                0);
}

static void a_client_that_does_not_start_ends_the_proof(void **state)
{
    (void)state;
    script_add((script_rule){.role = ": proof client", .action = SCRIPT_LOSE});
    assert_false(script_proof_try(rh_proof_races));
    assert_true(rh_error_is_set(script_proof_error()));
}

/* ---- two at once ---- */

static bool two(rh_proof *proof, rh_error *error)
{
    rh_proof_hold(proof, RH_PROOF_NO_DEADLOCK, "No deadlock");
    return rh_proof_runners(proof, error);
}

static void two_that_end_as_one_hold(void **state)
{
    (void)state;
    memset(scripted_backfill.runs, 0, sizeof scripted_backfill.runs);
    assert_true(script_proof_try(two));
    assert_string_equal(claim(RH_PROOF_NO_DEADLOCK)->why,
                        "No deadlock; two runners at the same time end with the rows of one");
}

static void the_second_may_refuse(void **state)
{
    (void)state;
    memset(scripted_backfill.runs, 0, sizeof scripted_backfill.runs);
    scripted_backfill.runs[1] = (script_backfill_run){.fails = "another is at work", .refused = true};
    assert_true(script_proof_try(two));
    script_proof_expect(RH_PROOF_NO_DEADLOCK, RH_PROOF_HELD, NULL);
    script_proof_says(RH_PROOF_NO_DEADLOCK, "the second refuses to run");
}

static void a_deadlock_between_them_is_a_failure(void **state)
{
    (void)state;
    memset(scripted_backfill.runs, 0, sizeof scripted_backfill.runs);
    scripted_backfill.runs[1] = (script_backfill_run){.fails = "deadlock detected", .sqlstate = "40P01"};
    assert_true(script_proof_try(two));
    script_proof_expect(RH_PROOF_NO_DEADLOCK, RH_PROOF_FAILED, "backfill-lock-order");
}

static void two_that_both_fail_are_a_failure(void **state)
{
    (void)state;
    memset(scripted_backfill.runs, 0, sizeof scripted_backfill.runs);
    scripted_backfill.runs[0] = scripted_backfill.runs[1] = (script_backfill_run){.fails = "lock timeout"};
    assert_true(script_proof_try(two));
    script_proof_expect(RH_PROOF_NO_DEADLOCK, RH_PROOF_FAILED, "backfill-lock-order");
    script_proof_says(RH_PROOF_NO_DEADLOCK, "both failed: lock timeout");
}

static void other_rows_of_two_are_a_failure(void **state)
{
    (void)state;
    memset(scripted_backfill.runs, 0, sizeof scripted_backfill.runs);
    script_rows(SCRIPT_PROOF_SUMS, "100 1 2 99");
    script_rows(SCRIPT_PROOF_ROWS, "1 11;2 98;3 13");
    assert_true(script_proof_try(two));
    script_proof_expect(RH_PROOF_IDEMPOTENT, RH_PROOF_FAILED, "backfill-not-idempotent");
    assert_int_equal(claim(RH_PROOF_IDEMPOTENT)->rows, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define test(name) cmocka_unit_test_setup_teardown(name, begin, script_proof_end)
        test(all_hold),
        test(values_of_before_are_lost_updates),
        test(clients_that_met_few_rows_prove_nothing),
        test(one_that_fails_beside_clients_keeps_nothing),
        test(without_a_column_to_change_they_are_unknown),
        test(rows_behind_its_position_are_skipped),
        test(rows_ahead_of_its_position_show_an_early_end),
        test(rows_left_are_a_failure_though_it_ended_badly),
        test(one_that_ended_badly_is_not_complete),
        test(inserted_rows_that_nothing_fills_are_missed),
        test(inserted_rows_need_dual_write_to_be_judged),
        test(inserted_rows_that_the_application_fills_are_its_own),
        test(clients_that_may_not_delete_say_why),
        test(one_that_is_fed_for_ever_never_ends),
        test(without_an_insert_the_end_is_unknown),
        test(a_client_that_is_the_victim_is_a_failure),
        test(its_own_end_by_one_is_a_failure),
        test(few_rows_in_pairs_prove_nothing),
        test(the_row_that_it_refers_to_is_locked),
        test(a_client_that_does_not_start_ends_the_proof),
        test(two_that_end_as_one_hold),
        test(the_second_may_refuse),
        test(a_deadlock_between_them_is_a_failure),
        test(two_that_both_fail_are_a_failure),
        test(other_rows_of_two_are_a_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
