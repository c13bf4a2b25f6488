/* A verdict is never better than what was measured. */
#include "rehearsal/gates.h"
#include "rehearsal/verdict.h"
#include "pgrehearse/rehearsal/rehearsal.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct world {
    rh_scenario scenario;
    rh_run run;
} world;

static int set_up(void **state)
{
    world *w = calloc(1, sizeof *w);
    w->run.arena = rh_arena_new();
    w->run.scenario = &w->scenario;
    w->run.prediction.median_s = w->run.prediction.high_s = RH_NOT_MEASURED;
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    world *w = *state;
    rh_arena_free(w->run.arena);
    free(w);
    return 0;
}

/* Checks the one gate again. */
static const rh_gate *check(world *w, rh_gate_kind kind, double limit)
{
    w->run.gates = NULL;
    w->run.gate_count = 0;
    for (int k = 0; k < RH_GATE_COUNT; k++)
        w->scenario.gates[k] = (rh_gate_limit){.set = k == (int)kind, .limit = limit, .text = "limit"};
    rh_gates_check(&w->run);
    assert_int_equal(w->run.gate_count, 1);
    return &w->run.gates[0];
}

static void verdict_is(world *w, const rh_error *error, rh_verdict verdict, int exit_code, const char *reason)
{
    rh_verdict_decide(&w->run, error);
    assert_string_equal(w->run.reason, reason);
    assert_int_equal(w->run.verdict, verdict);
    assert_int_equal(w->run.exit_code, exit_code);
}

static void duration_needs_an_interval(void **state)
{
    world *w = *state;
    const rh_gate *gate = check(w, RH_GATE_PREDICTED_DURATION, 10);
    assert_int_equal(gate->outcome, RH_GATE_NOT_MEASURED);
    assert_string_equal(gate->worst, "no quiet pass completed");
    w->run.prediction.median_s = 5;
    gate = check(w, RH_GATE_PREDICTED_DURATION, 10);
    assert_int_equal(gate->outcome, RH_GATE_NOT_MEASURED);
    assert_string_equal(gate->worst, "not enough evidence for an interval: raise repeat");
    w->run.prediction.median_s = 11;
    gate = check(w, RH_GATE_PREDICTED_DURATION, 10);
    assert_int_equal(gate->outcome, RH_GATE_FAILED);
    assert_true(gate->measured == 11);
    w->run.prediction.high_s = 9.5;
    assert_int_equal(check(w, RH_GATE_PREDICTED_DURATION, 10)->outcome, RH_GATE_HELD);
    assert_int_equal(check(w, RH_GATE_PREDICTED_DURATION, 9.5)->outcome, RH_GATE_HELD);
    assert_int_equal(check(w, RH_GATE_PREDICTED_DURATION, 9.4)->outcome, RH_GATE_FAILED);
    rh_profile profile = {0};
    w->run.production.profile = &profile; /* there is a production, and these are staging's figures */
    w->run.prediction.median_s = 5;
    gate = check(w, RH_GATE_PREDICTED_DURATION, 10);
    assert_int_equal(gate->outcome, RH_GATE_NOT_MEASURED);
    assert_non_null(strstr(gate->worst, "translated"));
    assert_int_equal(check(w, RH_GATE_PREDICTED_DURATION, 4)->outcome, RH_GATE_FAILED);
    w->run.prediction.translated = true;
    rh_statement statement = {.prediction = {.median_s = 1}};
    rh_migration migration = {.up = {.statements = &statement, .statement_count = 1}};
    w->run.plan = (rh_plan){.migrations = &migration, .migration_count = 1};
    assert_int_equal(check(w, RH_GATE_PREDICTED_DURATION, 10)->outcome, RH_GATE_NOT_MEASURED);
    statement.prediction.translated = true;
    assert_int_equal(check(w, RH_GATE_PREDICTED_DURATION, 10)->outcome, RH_GATE_HELD);
}

static void under_load_counts_where_there_was_one(void **state)
{
    world *w = *state;
    w->run.prediction.median_s = 5;
    w->run.prediction.high_s = 6;
    w->run.prediction.loaded =
        (rh_loaded_prediction){.median_s = 8, .low_s = 7, .high_s = 11, .basis = "as loaded"};
    assert_int_equal(check(w, RH_GATE_PREDICTED_DURATION, 10)->outcome, RH_GATE_FAILED);
}

static void blocked_names_the_worst(void **state)
{
    world *w = *state;
    const rh_gate *gate = check(w, RH_GATE_READS_BLOCKED, 1);
    assert_int_equal(gate->outcome, RH_GATE_NOT_MEASURED);
    rh_blocked_interval blocked[] = {
        {.relation = "public.a", .migration = "12", .statement = 1, .from_s = 0, .to_s = 3, .writes = true},
        {.relation = "public.b", .migration = "13", .statement = 2, .from_s = 5, .to_s = 7, .reads = true},
        {.relation = "public.c", .migration = "14", .statement = 1, .from_s = 8, .to_s = 9, .reads = true}};
    w->run.contention = (rh_contention){.measured = true,
                                        .blocked = blocked,
                                        .blocked_count = 3,
                                        .reads_blocked_s = 2,
                                        .writes_blocked_s = 3};
    gate = check(w, RH_GATE_READS_BLOCKED, 1);
    assert_int_equal(gate->outcome, RH_GATE_FAILED);
    assert_string_equal(gate->worst,
                        "migration 13, statement 2 on public.b (in a quiet pass: there was no load)");
    w->run.load.measured = true;
    gate = check(w, RH_GATE_WRITES_BLOCKED, 3);
    assert_int_equal(gate->outcome, RH_GATE_HELD);
    assert_string_equal(gate->worst, "migration 12, statement 1 on public.a");
    w->run.contention.blocked_count = 0;
    assert_string_equal(check(w, RH_GATE_WRITES_BLOCKED, 3)->worst, "nothing was blocked");
}

/* A lock that no look saw is not 0: at most as long as its statement took, and beyond the limit not measured.
 */
static void an_unseen_lock_is_not_zero(void **state)
{
    world *w = *state;
    rh_lock lock = {.relation = "public.a", .inferred = true, .held_s = 0.0012, .blocks_writes = true};
    rh_statement_run run = {.pass = RH_PASS_KIND_LOADED, .locks = &lock, .lock_count = 1};
    rh_statement statement = {.ordinal = 2, .runs = &run, .run_count = 1};
    rh_migration migration = {.id = "7", .up = {.statements = &statement, .statement_count = 1}};
    w->run.plan = (rh_plan){.migrations = &migration, .migration_count = 1};
    w->run.contention = (rh_contention){.measured = true};
    w->run.load.measured = true;
    const rh_gate *gate = check(w, RH_GATE_WRITES_BLOCKED, 1);
    assert_int_equal(gate->outcome, RH_GATE_HELD);
    assert_true(gate->measured == 0.0012);
    assert_string_equal(gate->worst,
                        "migration 7, statement 2: its locks were not observed; it ran for 1.2 ms, so they "
                        "were held for at most that long");
    assert_true(isnan(rh_plan_blocked_s(&w->run.plan, "7", false, 0)));
    assert_true(rh_plan_blocked_s(&w->run.plan, "7", false, 0.5) == 0.5);
    assert_true(rh_plan_blocked_s(&w->run.plan, "8", false, 0) == 0);
    assert_true(check(w, RH_GATE_READS_BLOCKED, 1)->measured == 0); /* nobody who reads meets it */
    w->run.contention.writes_blocked_s = 0.5;
    assert_true(check(w, RH_GATE_WRITES_BLOCKED, 1)->measured == 0.5);
    lock.held_s = 2;
    assert_int_equal(check(w, RH_GATE_WRITES_BLOCKED, 1)->outcome, RH_GATE_NOT_MEASURED);
    w->run.contention.writes_blocked_s = 1.5;
    assert_int_equal(check(w, RH_GATE_WRITES_BLOCKED, 1)->outcome, RH_GATE_FAILED);
}

/* With a profile the forecast for production counts as well, and what it cannot say is not measured. */
static void an_incomplete_pass_holds_no_gate(void **state)
{
    world *w = *state;
    rh_migration migration = {.id = "1", .pending = true, .outcome = RH_OUTCOME_FAILED};
    w->run.plan = (rh_plan){.migrations = &migration, .migration_count = 1, .pending_count = 1};
    w->run.contention = (rh_contention){.measured = true, .reads_blocked_s = 0.1};
    const rh_gate *gate = check(w, RH_GATE_READS_BLOCKED, 1);
    assert_int_equal(gate->outcome, RH_GATE_NOT_MEASURED);
    assert_true(isnan(gate->measured));
    assert_non_null(strstr(gate->worst, "migration 1 failed"));
    w->run.contention.reads_blocked_s = 2; /* what is too long already stays so */
    assert_int_equal(check(w, RH_GATE_READS_BLOCKED, 1)->outcome, RH_GATE_FAILED);
    migration.outcome = RH_OUTCOME_OK;
    w->run.contention.reads_blocked_s = 0.1;
    assert_int_equal(check(w, RH_GATE_READS_BLOCKED, 1)->outcome, RH_GATE_HELD);
    rh_pass_record pass = {.kind = RH_PASS_KIND_LOADED, .name = "loaded pass"};
    w->run.passes = &pass;
    w->run.pass_count = 1;
    assert_int_equal(check(w, RH_GATE_READS_BLOCKED, 1)->outcome, RH_GATE_NOT_MEASURED);
    w->run.contention = (rh_contention){.lost = "the catalog was locked"};
    assert_string_equal(check(w, RH_GATE_READS_BLOCKED, 1)->worst, "the catalog was locked");
}

static void blocked_on_production(void **state)
{
    world *w = *state;
    rh_profile profile = {0};
    rh_lock_forecast row = {
        .migration = "12", .statement = 1, .relation = "public.a", .blocks_reads = true, .blocked_s = 2};
    w->run.contention = (rh_contention){.measured = true, .reads_blocked_s = 1};
    w->run.load.measured = true;
    w->run.production.profile = &profile;
    const rh_gate *gate = check(w, RH_GATE_READS_BLOCKED, 4);
    assert_int_equal(gate->outcome, RH_GATE_NOT_MEASURED);
    assert_string_equal(gate->worst, "on production: nothing was replayed");
    w->run.production.locks = (rh_lock_forecasts){.made = true,
                                                  .reads_blocked_s = 2,
                                                  .reads_blocked_high_s = 3,
                                                  .reads_worst = &row,
                                                  .unknown = "why not"};
    gate = check(w, RH_GATE_READS_BLOCKED, 4);
    assert_int_equal(gate->outcome, RH_GATE_HELD);
    assert_true(gate->measured == 3);
    assert_string_equal(gate->worst, "predicted for production: migration 12, statement 1 on public.a");
    assert_int_equal(check(w, RH_GATE_READS_BLOCKED, 2.5)->outcome, RH_GATE_FAILED);
    w->run.production.locks.reads_blocked_high_s = RH_NOT_MEASURED;
    w->run.production.locks.reads_at_most_s = RH_NOT_MEASURED;
    gate = check(w, RH_GATE_READS_BLOCKED, 2.5);
    assert_int_equal(gate->outcome, RH_GATE_NOT_MEASURED);
    assert_string_equal(gate->worst, "on production: why not");
    gate = check(w, RH_GATE_READS_BLOCKED, 1.5); /* too long, however unsure */
    assert_int_equal(gate->outcome, RH_GATE_FAILED);
    assert_true(gate->measured == 2);
    assert_int_equal(check(w, RH_GATE_READS_BLOCKED, 0.5)->outcome, RH_GATE_FAILED); /* on staging already */
    w->run.production.locks.reads_worst = NULL;
    w->run.production.locks.reads_blocked_high_s = 0;
    gate = check(w, RH_GATE_READS_BLOCKED, 1); /* seen on staging, though not predicted */
    assert_true(gate->measured == 1);
}

/* What follows from a text only is a bound: it fails no gate, and holds one that it is within. */
static void an_inferred_lock_fails_no_gate_on_production(void **state)
{
    world *w = *state;
    rh_profile profile = {0};
    w->run.contention = (rh_contention){.measured = true, .reads_blocked_s = 1};
    w->run.load.measured = true;
    w->run.production.profile = &profile;
    w->run.production.locks = (rh_lock_forecasts){.made = true,
                                                  .reads_blocked_s = RH_NOT_MEASURED,
                                                  .reads_blocked_high_s = RH_NOT_MEASURED,
                                                  .reads_at_most_s = 9,
                                                  .unknown = "no look saw it"};
    const rh_gate *gate = check(w, RH_GATE_READS_BLOCKED, 4);
    assert_int_equal(gate->outcome, RH_GATE_NOT_MEASURED);
    assert_string_equal(gate->worst, "on production: no look saw it");
    gate = check(w, RH_GATE_READS_BLOCKED, 10);
    assert_int_equal(gate->outcome, RH_GATE_HELD);
    assert_true(gate->measured == 9);
}

static void response_compares_during_with_before(void **state)
{
    world *w = *state;
    rh_load_window windows[] = {
        {.kind = RH_WINDOW_BEFORE, .response_ms = {.p99 = 2}},
        {.kind = RH_WINDOW_DURING, .migration = "12", .response_ms = {.p99 = 4}},
        {.kind = RH_WINDOW_DURING, .migration = "13", .response_ms = {.p99 = 9}},
        {.kind = RH_WINDOW_DURING, .response_ms = {.p99 = 7}},
    };
    w->run.load = (rh_load){.windows = windows, .window_count = 4};
    assert_int_equal(check(w, RH_GATE_RESPONSE_P99_RATIO, 3)->outcome, RH_GATE_NOT_MEASURED);
    w->run.load.measured = true;
    const rh_gate *gate = check(w, RH_GATE_RESPONSE_P99_RATIO, 3);
    assert_int_equal(gate->outcome, RH_GATE_FAILED);
    assert_true(fabs(gate->measured - 3.5) < 1e-9);
    assert_string_equal(gate->worst, "p99 2.0 ms before, 7.0 ms during; worst in migration 13");
    windows[0].response_ms.p99 = RH_NOT_MEASURED; /* nothing came back before */
    assert_int_equal(check(w, RH_GATE_RESPONSE_P99_RATIO, 3)->outcome, RH_GATE_NOT_MEASURED);
    windows[0].response_ms.p99 = 2;
    windows[3].response_ms.p99 = RH_NOT_MEASURED; /* nor during */
    assert_int_equal(check(w, RH_GATE_RESPONSE_P99_RATIO, 3)->outcome, RH_GATE_NOT_MEASURED);
}

static void errors_before_are_not_the_migrations(void **state)
{
    world *w = *state;
    rh_load_window windows[] = {
        {.kind = RH_WINDOW_BEFORE, .errors = 100},
        {.kind = RH_WINDOW_DURING, .migration = "12", .errors = 3},
        {.kind = RH_WINDOW_DURING, .errors = 3},
        {.kind = RH_WINDOW_AFTER, .errors = 1},
    };
    rh_load_error errors[] = {
        {.template_name = "update orders", .message = "violates row-level security", .count = 1},
        {.template_name = "read orders", .message = "column does not exist", .count = 3}};
    w->run.load = (rh_load){.windows = windows, .window_count = 4, .errors = errors, .error_count = 2};
    assert_int_equal(check(w, RH_GATE_LOAD_ERRORS, 0)->outcome, RH_GATE_NOT_MEASURED);
    w->run.load.measured = true;
    const rh_gate *gate = check(w, RH_GATE_LOAD_ERRORS, 3);
    assert_int_equal(gate->outcome, RH_GATE_FAILED);
    assert_true(gate->measured == 4);
    assert_string_equal(gate->worst, "read orders: column does not exist");
    assert_int_equal(check(w, RH_GATE_LOAD_ERRORS, 4)->outcome, RH_GATE_HELD);
}

static void the_worst_outcome_decides(void **state)
{
    world *w = *state;
    rh_migration migrations[] = {{.id = "12", .outcome = RH_OUTCOME_OK}, {.id = "13"}};
    w->run.plan = (rh_plan){.migrations = migrations, .migration_count = 2};
    verdict_is(w, NULL, RH_VERDICT_PASS, RH_EXIT_OK, "everything ran; the scenario sets no gates");

    check(w, RH_GATE_LOAD_ERRORS, 0);
    verdict_is(w, NULL, RH_VERDICT_INCONCLUSIVE, RH_EXIT_INCONCLUSIVE,
               "gate load_errors could not be measured: no load ran");
    w->run.load.saturated = true;
    verdict_is(w, NULL, RH_VERDICT_INCONCLUSIVE, RH_EXIT_INCONCLUSIVE,
               "the server could not hold the load's rate even without a migration (saturated): lower "
               "workload.rate");
    w->run.prediction.high_s = 2;
    check(w, RH_GATE_PREDICTED_DURATION, 1);
    verdict_is(w, NULL, RH_VERDICT_FAIL, RH_EXIT_GATE,
               "gate predicted_duration failed: upper end of the interval for all pending migrations");
    w->run.verify_outcome = RH_OUTCOME_FAILED;
    verdict_is(w, NULL, RH_VERDICT_FAIL, RH_EXIT_MIGRATION, "a verify step failed");
    migrations[1].rollback.outcome = RH_OUTCOME_FAILED;
    verdict_is(w, NULL, RH_VERDICT_FAIL, RH_EXIT_MIGRATION, "the rollback of migration 13 failed");
    migrations[0].outcome = RH_OUTCOME_FAILED;
    migrations[0].failed_pass = "quiet pass 1 of 3";
    verdict_is(w, NULL, RH_VERDICT_FAIL, RH_EXIT_MIGRATION, "migration 12 failed in the quiet pass 1 of 3");

    rh_error error = {0};
    rh_error_set(&error, RH_ERROR_STAGING, "the server died");
    verdict_is(w, &error, RH_VERDICT_ERROR, RH_EXIT_FAILED, "the server died");
    rh_error_release(&error);
    rh_error_set(&error, RH_ERROR_REFUSED, "not ours");
    verdict_is(w, &error, RH_VERDICT_REFUSED, RH_EXIT_REFUSED, "not ours");
    rh_error_release(&error);
    rh_error_set(&error, RH_ERROR_INTERRUPTED, "interrupted");
    verdict_is(w, &error, RH_VERDICT_ERROR, RH_EXIT_INTERRUPTED, "interrupted");
    rh_error_release(&error);
}

/* A program that takes longer than we wait for it says nothing of the migration. */
static void a_backfill_of_which_nothing_is_known_is_inconclusive(void **state)
{
    world *w = *state;
    const rh_backfill backfill = {.name = "totals"};
    rh_backfill_claim claims[] = {{.claim = RH_PROOF_RESUMES, .why = "it fails"},
                                  {.claim = RH_PROOF_COMMITS, .why = "it fails"}};
    rh_backfill_result result = {
        .backfill = &backfill, .claims = claims, .claim_count = 2, .recommended = -1};
    w->run.backfills = &result;
    w->run.backfill_count = 1;
    verdict_is(w, NULL, RH_VERDICT_INCONCLUSIVE, 3, "nothing of backfill totals could be proven: it fails");
    claims[1].outcome = RH_PROOF_HELD;
    verdict_is(w, NULL, RH_VERDICT_PASS, 0, "everything ran; the scenario sets no gates");
    result.claim_count = 0; /* proof: none */
    verdict_is(w, NULL, RH_VERDICT_PASS, 0, "everything ran; the scenario sets no gates");
    result.claim_count = 2;
    claims[1].outcome = RH_PROOF_FAILED;
    verdict_is(w, NULL, RH_VERDICT_FAIL, 2, "the proof of backfill totals: commits: it fails");
}

static void a_limit_of_pgrehearse_fails_no_migration(void **state)
{
    world *w = *state;
    rh_error error = {0};
    rh_error_set(&error, RH_ERROR_SLOW, "initdb had not ended");
    verdict_is(w, &error, RH_VERDICT_ERROR, RH_EXIT_FAILED, "initdb had not ended");
    rh_error_release(&error);
}

static void an_error_of_a_migration_is_a_failure(void **state)
{
    world *w = *state;
    rh_error error = {0};
    rh_error_set(&error, RH_ERROR_TIMEOUT, "a limit ran out");
    verdict_is(w, &error, RH_VERDICT_FAIL, RH_EXIT_MIGRATION, "a limit ran out");
    rh_error_release(&error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(duration_needs_an_interval, set_up, tear_down),
        cmocka_unit_test_setup_teardown(under_load_counts_where_there_was_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(blocked_names_the_worst, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_incomplete_pass_holds_no_gate, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_unseen_lock_is_not_zero, set_up, tear_down),
        cmocka_unit_test_setup_teardown(blocked_on_production, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_inferred_lock_fails_no_gate_on_production, set_up, tear_down),
        cmocka_unit_test_setup_teardown(response_compares_during_with_before, set_up, tear_down),
        cmocka_unit_test_setup_teardown(errors_before_are_not_the_migrations, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_worst_outcome_decides, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_error_of_a_migration_is_a_failure, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_backfill_of_which_nothing_is_known_is_inconclusive, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_limit_of_pgrehearse_fails_no_migration, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
