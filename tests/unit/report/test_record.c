#include "fixture_disturbed.h"
#include "pgrehearse/report/report.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>
#include "validate.h"

typedef rh_run *(*maker)(rh_arena *arena);

static rh_run *empty(rh_arena *arena)
{
    return rh_arena_alloc(arena, sizeof(rh_run));
}

/* A lock that is got in the end, one that never is, and one of which nothing is known. */
static void with_forecasts(rh_run *run)
{
    static const rh_lock_chance chances[] = {{0, 0.4}, {1, 0.9}};
    static rh_lock_forecast rows[] = {{.migration = "000012",
                                       .statement = 1,
                                       .relation = "public.orders",
                                       .mode = RH_LOCK_ACCESS_EXCLUSIVE,
                                       .blocks_reads = true,
                                       .blocks_writes = true,
                                       .lock_timeout_s = 2,
                                       .lock_timeout_source = "the migration",
                                       .chances = chances,
                                       .chance_count = 2,
                                       .granted = 0.95,
                                       .attempts = 1.05,
                                       .wait_s = 0.3,
                                       .wait_high_s = 1,
                                       .wait_total_s = 0.4,
                                       .hold_s = 6,
                                       .hold_high_s = 7,
                                       .blocked_s = 6.3,
                                       .blocked_high_s = 8,
                                       .reads_per_s = 90,
                                       .writes_per_s = 10,
                                       .waiting = 97,
                                       .unserved_requests = 533,
                                       .pool_exhausted_s = 0.97,
                                       .drain_s = 1.2,
                                       .basis = "400 looks"},
                                      {.migration = "000013",
                                       .statement = 1,
                                       .relation = "public.orders",
                                       .mode = RH_LOCK_SHARE,
                                       .blocks_writes = true,
                                       .lock_timeout_s = 1,
                                       .attempts = INFINITY,
                                       .wait_s = RH_NOT_MEASURED,
                                       .wait_total_s = INFINITY,
                                       .drain_s = INFINITY},
                                      {.migration = "000014",
                                       .statement = 1,
                                       .relation = "public.x",
                                       .mode = RH_LOCK_SHARE,
                                       .lock_timeout_s = RH_NOT_MEASURED,
                                       .granted = RH_NOT_MEASURED,
                                       .attempts = RH_NOT_MEASURED,
                                       .wait_s = RH_NOT_MEASURED,
                                       .hold_s = RH_NOT_MEASURED,
                                       .drain_s = RH_NOT_MEASURED,
                                       .unknown = "the profile does not have it"}};
    static const char *applied[] = {"rewrite: 20 % longer than predicted"};
    run->production.locks = (rh_lock_forecasts){.made = true,
                                                .level = 0.9,
                                                .samples = 400,
                                                .watched_s = 100,
                                                .connections = 97,
                                                .connections_basis = "max_connections",
                                                .service_per_s = RH_NOT_MEASURED,
                                                .rows = rows,
                                                .row_count = 3,
                                                .reads_blocked_s = 6.3,
                                                .reads_blocked_high_s = 8,
                                                .writes_blocked_s = RH_NOT_MEASURED,
                                                .writes_blocked_high_s = RH_NOT_MEASURED,
                                                .unknown = "public.x is not in the profile"};
    run->production.history = (rh_history){
        .directory = "/runs", .runs = 2, .row_count = 14, .applied = applied, .applied_count = 1};
}

/* Production's profile, with one probe on both sides, one on one side, and a replica that tells nothing. */
static rh_run *with_profile(rh_arena *arena)
{
    rh_run *run = fixture_quiet(arena);
    rh_profile *profile = rh_arena_alloc(arena, sizeof *profile);
    *profile = (rh_profile){.path = "/p.json",
                            .source = "json",
                            .taken_s = 1700000000,
                            .version = "15.4",
                            .version_num = 150004,
                            .database = "shop",
                            .database_bytes = 5000000000,
                            .disk_free_bytes = RH_UNKNOWN,
                            .cpu_count = RH_UNKNOWN,
                            .memory_bytes = RH_UNKNOWN,
                            .commits_per_s = 250,
                            .wal_bytes_per_s = RH_NOT_MEASURED};
    for (int kind = 0; kind < RH_PROBE_COUNT; kind++)
        profile->probe.value[kind] = run->production.staging.value[kind] = RH_NOT_MEASURED;
    profile->probe.value[RH_PROBE_CPU] = 1e6;
    run->production.staging.value[RH_PROBE_CPU] = 1.3e6;
    profile->probe.value[RH_PROBE_WAL] = 0.002;
    run->production.staging.value[RH_PROBE_WAL] = 0.001;
    profile->probe.value[RH_PROBE_SEQUENTIAL] = 5e8;
    rh_profile_replica *replica = rh_arena_add(arena, &profile->replicas, &profile->replica_count);
    *replica = (rh_profile_replica){"standby", NULL, NULL, RH_UNKNOWN, RH_NOT_MEASURED};
    rh_skipped *unknown = rh_arena_add(arena, &profile->unknown, &profile->unknown_count);
    *unknown = (rh_skipped){"disk", "PostgreSQL does not report it"};
    run->production.profile = profile;
    with_forecasts(run);
    return run;
}

static void production_stands_beside_staging(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_error error = {0};
    rh_json *record = rh_report_json(with_profile(arena));
    const rh_json *probe = rh_json_path(record, "production.profile.probe");
    assert_int_equal(rh_json_count(probe), RH_PROBE_COUNT);
    assert_true(
        fabs(rh_json_real(rh_json_get(rh_json_at(probe, RH_PROBE_CPU), "staging_speed_ratio")) - 1.3) < 1e-9);
    assert_true(rh_json_real(rh_json_get(rh_json_at(probe, RH_PROBE_WAL), "staging_speed_ratio")) == 2);
    assert_null(rh_json_get(rh_json_at(probe, RH_PROBE_SEQUENTIAL), "staging_speed_ratio"));
    assert_null(rh_json_path(record, "production.profile.watched_s"));
    assert_false(rh_json_bool(rh_json_path(record, "production.translated")));
    const rh_json *locks = rh_json_path(record, "production.locks.statements");
    assert_int_equal(rh_json_count(locks), 3);
    assert_true(rh_json_real(rh_json_get(rh_json_at(locks, 0), "attempts")) == 1.05);
    assert_true(rh_json_is_null(rh_json_get(rh_json_at(locks, 1), "attempts")));
    assert_false(rh_json_bool(rh_json_get(rh_json_at(locks, 1), "drains")));
    assert_true(rh_json_bool(rh_json_get(rh_json_at(locks, 0), "drains")));
    assert_int_equal(rh_json_int(rh_json_path(record, "production.history.runs")), 2);
    rh_text html = {0};
    assert_true(rh_report_html(record, &html, &error));
    assert_non_null(strstr(rh_text_string(&html), "1.30 ×"));
    assert_non_null(strstr(rh_text_string(&html), "2.00 ×"));
    assert_non_null(strstr(rh_text_string(&html), "not translated"));
    rh_text_release(&html);
    rh_json_free(record);
    rh_arena_free(arena);
}

static void every_record_fits_the_schema(void **state)
{
    (void)state;
    if (!can_validate())
        return;
    maker makers[] = {fixture_full,    fixture_quiet, fixture_interrupted, fixture_failed,    fixture_refused,
                      fixture_hostile, fixture_start, with_profile,        fixture_disturbed, empty};
    const int count = sizeof makers / sizeof *makers;
    char directory[] = "/tmp/rh-records-XXXXXX";
    assert_non_null(mkdtemp(directory));
    for (int i = 0; i < count; i++) {
        rh_arena *arena = rh_arena_new();
        rh_json *record = rh_report_json(makers[i](arena));
        write_record(directory, i, record);
        rh_json_free(record);
        rh_arena_free(arena);
    }
    int status = validate("", directory);
    remove_records(directory, count);
    assert_int_equal(status, 0);
}

static void the_schema_refuses_unknown_keys(void **state)
{
    (void)state;
    if (!can_validate())
        return;
    rh_arena *arena = rh_arena_new();
    rh_json *record = rh_report_json(fixture_refused(arena));
    rh_json_add_string(record, "password", "secret");
    char directory[] = "/tmp/rh-records-XXXXXX";
    assert_non_null(mkdtemp(directory));
    write_record(directory, 0, record);
    int status = validate("", directory);
    remove_records(directory, 1);
    assert_int_not_equal(status, 0);
    rh_json_free(record);
    rh_arena_free(arena);
}

static void what_was_not_measured_is_null(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_json *record = rh_report_json(fixture_failed(arena));
    assert_true(rh_json_is_null(rh_json_get(record, "load")));
    assert_true(rh_json_is_null(rh_json_get(record, "contention")));
    assert_true(rh_json_is_null(rh_json_get(record, "prediction")));
    rh_json *migration = rh_json_at(rh_json_get(record, "migrations"), 14);
    assert_string_equal(rh_json_string(rh_json_get(migration, "outcome")), "failed");
    assert_true(rh_json_is_null(rh_json_get(migration, "impact")));
    assert_true(rh_json_is_null(rh_json_path(migration, "rollback.schema_restored")));
    assert_true(rh_json_is_null(rh_json_path(migration, "rollback.elapsed_s")));
    assert_int_equal(rh_json_int(rh_json_path(migration, "error.line")), 4);
    rh_json_free(record);

    record = rh_report_json(fixture_start(arena));
    assert_true(rh_json_is_null(rh_json_get(record, "backup")));
    assert_true(rh_json_is_null(rh_json_get(record, "staging")));
    rh_json_free(record);
    rh_arena_free(arena);
}

static void impact_counts_one_migration_only(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_run *run = fixture_full(arena);
    /* Another interval that touches 000012's on the same relation makes one stretch; one on another relation
     * does not. */
    static const rh_blocked_interval more[] = {
        {"public.orders", "000012", RH_LOCK_SHARE, 1, 16.6, 17.0, false, true},
        {"public.customers", "000012", RH_LOCK_SHARE, 1, 16.6, 19.0, false, true},
    };
    for (size_t i = 0; i < 2; i++)
        *rh_arena_add(arena, &run->contention.blocked, &run->contention.blocked_count) = more[i];
    rh_json *record = rh_report_json(run);
    rh_json *impact = rh_json_get(rh_json_at(rh_json_get(record, "migrations"), 11), "impact");
    assert_true(fabs(rh_json_real(rh_json_get(impact, "reads_blocked_s")) - 6.389) < 1e-5);
    assert_true(fabs(rh_json_real(rh_json_get(impact, "writes_blocked_s")) - 6.779) < 1e-5);
    assert_int_equal(rh_json_int(rh_json_get(impact, "load_waits")), 20);
    assert_true(fabs(rh_json_real(rh_json_get(impact, "longest_load_wait_s")) - 6.379) < 1e-5);
    assert_true(rh_json_count(rh_json_get(impact, "blocked_sessions")) > 1);
    rh_json *concurrent = rh_json_get(rh_json_at(rh_json_get(record, "migrations"), 13), "impact");
    assert_true(rh_json_real(rh_json_get(concurrent, "reads_blocked_s")) == 0);
    assert_true(rh_json_is_null(rh_json_get(concurrent, "longest_load_wait_s")));
    rh_json_free(record);
    rh_arena_free(arena);
}

static void only_the_longest_waits_are_kept(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_run *run = fixture_full(arena);
    rh_wait wait = run->contention.waits[0];
    for (int i = 0; i < 3000; i++) {
        wait.wait_s = 0.001 * i;
        *rh_arena_add(arena, &run->contention.waits, &run->contention.wait_count) = wait;
    }
    rh_json *record = rh_report_json(run);
    rh_json *waits = rh_json_path(record, "contention.waits");
    assert_int_equal(rh_json_count(waits), 2000);
    assert_int_equal(rh_json_int(rh_json_path(record, "contention.wait_count")), run->contention.wait_count);
    double previous = 1e9;
    for (size_t i = 0; i < 2000; i++) {
        double wait_s = rh_json_real(rh_json_get(rh_json_at(waits, i), "wait_s"));
        assert_true(wait_s <= previous);
        previous = wait_s;
    }
    rh_json_free(record);
    rh_arena_free(arena);
}

static void disturbers_and_policies_are_recorded(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_json *record = rh_report_json(fixture_disturbed(arena));
    rh_json *disturbances = rh_json_get(record, "disturbances");
    assert_int_equal(rh_json_count(disturbances), 3);
    rh_json *idle = rh_json_at(disturbances, 0), *never = rh_json_at(disturbances, 2);
    assert_string_equal(rh_json_string(rh_json_get(idle, "outcome")), "stopped");
    assert_int_equal(rh_json_count(rh_json_get(idle, "blocked_sessions")), 3);
    assert_true(
        rh_json_is_null(rh_json_get(rh_json_at(rh_json_get(idle, "blocked_sessions"), 1), "statement")));
    assert_string_equal(rh_json_string(rh_json_get(never, "outcome")), "not_started");
    assert_true(rh_json_is_null(rh_json_get(never, "from_s")));
    rh_json *policies = rh_json_get(rh_json_at(rh_json_path(record, "lock_policy.cases"), 0), "policies");
    assert_int_equal(rh_json_count(policies), 4);
    assert_true(rh_json_is_null(rh_json_get(rh_json_at(policies, 3), "lock_timeout_s")));
    assert_true(rh_json_is_null(rh_json_get(rh_json_at(policies, 3), "lock_wait_s_max")));
    assert_int_equal(rh_json_int(rh_json_path(record, "lock_policy.recommended")), 1);
    rh_json_free(record);
    record = rh_report_json(fixture_full(arena));
    assert_int_equal(rh_json_count(rh_json_get(record, "disturbances")), 0);
    assert_true(rh_json_is_null(rh_json_get(record, "lock_policy")));
    rh_json_free(record);
    rh_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(production_stands_beside_staging),
        cmocka_unit_test(every_record_fits_the_schema),
        cmocka_unit_test(the_schema_refuses_unknown_keys),
        cmocka_unit_test(what_was_not_measured_is_null),
        cmocka_unit_test(impact_counts_one_migration_only),
        cmocka_unit_test(disturbers_and_policies_are_recorded),
        cmocka_unit_test(only_the_longest_waits_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
