/* Production is read with limits on time and locks: a part that fails is a gap with its reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "passes/scripted.h"
#include "pgrehearse/profile/profile.h"
#include "profile/session.h"
#include <math.h>
#include <string.h>

static rh_error error;
static rh_json *unknown, *rows;
static rh_profile_session session;

static int begin(void **state)
{
    (void)state;
    script_begin();
    unknown = rh_json_array();
    rows = rh_json_array();
    session = (rh_profile_session){.pg = rh_pg_connect("", ": profile", NULL),
                                   .deadline = rh_clock_monotonic() + 60 * RH_SECOND,
                                   .unknown = unknown};
    return 0;
}

static int end(void **state)
{
    (void)state;
    rh_error_release(&error);
    rh_pg_close(session.pg);
    rh_json_free(unknown);
    rh_json_free(rows);
    return script_open_connections();
}

static const char *why(size_t index)
{
    return rh_json_string(rh_json_get(rh_json_at(unknown, index), "why"));
}

static bool read_part(void)
{
    static const rh_part part = {.name = "statements", .sql = "SELECT 1 AS part_sql"};
    return rh_profile_rows(&session, &part, rows, &error);
}

static void rows_of_a_part(void **state)
{
    (void)state;
    script_rows("part_sql", "{\"a\":1};{\"a\":2}");
    assert_true(read_part());
    assert_int_equal(rh_json_count(rows), 2);
    assert_int_equal(rh_json_count(unknown), 0);
    assert_int_equal(script_sent(NULL, "RELEASE SAVEPOINT part"), 1);
}

static void a_lock_is_waited_for_once_more(void **state)
{
    (void)state;
    script_add((script_rule){.pattern = "part_sql", .action = SCRIPT_REFUSE, .sqlstate = "55P03", .last = 1});
    script_rows("part_sql", "{\"a\":1}");
    assert_true(read_part());
    assert_int_equal(rh_json_count(rows), 1);
    assert_int_equal(rh_json_count(unknown), 0);
}

static void a_lock_that_stays_makes_it_unknown(void **state)
{
    (void)state;
    script_add((script_rule){.pattern = "part_sql", .action = SCRIPT_REFUSE, .sqlstate = "55P03"});
    assert_true(read_part());
    assert_int_equal(script_sent(NULL, "part_sql"), 2);
    assert_string_equal(why(0), "another session held a conflicting lock for longer than 200 ms");
}

static void a_missing_view_says_what_to_do(void **state)
{
    (void)state;
    script_add((script_rule){.pattern = "part_sql", .action = SCRIPT_REFUSE, .sqlstate = "42P01"});
    assert_true(read_part());
    assert_int_equal(script_sent(NULL, "part_sql"), 1);
    assert_non_null(strstr(why(0), "pg_stat_statements is not in this database"));
}

static void a_lost_connection_is_no_gap(void **state)
{
    (void)state;
    script_rows("part_sql", "")->action = SCRIPT_LOSE;
    assert_false(read_part());
    assert_int_equal(error.code, RH_ERROR_LOST);
    assert_int_equal(rh_json_count(unknown), 0);
}

static void behind_its_time_limit_nothing_begins(void **state)
{
    (void)state;
    session.deadline = rh_clock_monotonic();
    assert_true(read_part());
    assert_int_equal(script_sent(NULL, "part_sql"), 0);
    assert_string_equal(why(0), "the time limit was reached before it");
}

static rh_json *probed(rh_probe_kind kind, bool survives)
{
    rh_json *figures = rh_json_object();
    assert_int_equal(rh_profile_run_probe(&session, kind, figures, &error), survives);
    return figures;
}

static void a_probe_gives_its_figure(void **state)
{
    (void)state;
    script_rows("pgrehearse.probe', true", "{\"value\":5}");
    rh_json *figures = probed(RH_PROBE_CPU, true);
    assert_int_equal(rh_json_int(rh_json_get(rh_json_get(figures, "cpu"), "value")), 5);
    assert_int_equal(script_sent(NULL, "ROLLBACK"), 1);
    rh_json_free(figures);
}

static void a_probe_that_says_why_not(void **state)
{
    (void)state;
    script_rows("pgrehearse.probe', true", "{\"why\":\"no-table\"}");
    rh_json *figures = probed(RH_PROBE_CPU, true);
    assert_null(rh_json_get(figures, "cpu"));
    assert_string_equal(why(0), "no-table");
    rh_json_free(figures);
}

static void a_probe_whose_result_is_lost(void **state)
{
    (void)state;
    script_rows("pgrehearse.probe', true", "-");
    rh_json *figures = probed(RH_PROBE_CPU, true);
    assert_non_null(strstr(why(0), "a connection pooler"));
    rh_json_free(figures);
}

static void a_probe_that_commits_resets_its_session(void **state)
{
    (void)state;
    script_add(
        (script_rule){.pattern = "SET statement_timeout", .action = SCRIPT_REFUSE, .sqlstate = "57014"});
    rh_json *figures = probed(RH_PROBE_WAL, true);
    assert_int_equal(script_sent(NULL, "RESET ALL"), 1);
    assert_string_equal(why(0), "it took longer than its time limit and was cancelled");
    rh_json_free(figures);
}

static void a_probe_on_a_lost_server_ends_all(void **state)
{
    (void)state;
    script_rows("pgrehearse.probe', true", "")->action = SCRIPT_LOSE;
    rh_json *figures = probed(RH_PROBE_CPU, false);
    assert_int_equal(error.code, RH_ERROR_LOST);
    rh_json_free(figures);
}

static void staging_is_probed_as_production_was(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_production_facts facts = {0};
    rh_skipped *gaps = NULL;
    size_t count = 0;
    script_rows("pgrehearse.probe', true", "{\"why\":\"no-table\"}");
    assert_true(rh_profile_probe("", false, 1U << RH_PROBE_CPU | 1U << RH_PROBE_SORT, arena, &facts, &gaps,
                                 &count, &error));
    assert_int_equal(count, 2);
    assert_string_equal(gaps[0].what, "probe.cpu");
    assert_true(isnan(facts.staging.value[RH_PROBE_CPU]));
    rh_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)
        test(rows_of_a_part),
        test(a_lock_is_waited_for_once_more),
        test(a_lock_that_stays_makes_it_unknown),
        test(a_missing_view_says_what_to_do),
        test(a_lost_connection_is_no_gap),
        test(behind_its_time_limit_nothing_begins),
        test(a_probe_gives_its_figure),
        test(a_probe_that_says_why_not),
        test(a_probe_whose_result_is_lost),
        test(a_probe_that_commits_resets_its_session),
        test(a_probe_on_a_lost_server_ends_all),
        test(staging_is_probed_as_production_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
