#include "fixture.h"
#include "pgrehearse/report/report.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

typedef rh_run *(*maker)(rh_arena *arena);

static int validate(const char *path)
{
    char command[4096];
    snprintf(command, sizeof command,
             "python3 '%s/tests/unit/report/validate.py' '%s/reports/report.schema.json' '%s'",
             RH_SOURCE_DIRECTORY, RH_SOURCE_DIRECTORY, path);
    return system(command);
}

static int validate_json(const rh_json *record)
{
    char path[] = "/tmp/rh-record-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    char *text = rh_json_format(record);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    free(text);
    int status = validate(path);
    unlink(path);
    return status;
}

static bool can_validate(void)
{
    if (system("python3 -c 'import jsonschema' 2>/dev/null") == 0)
        return true;
    print_message("skipped: python3-jsonschema is not installed\n");
    return false;
}

static rh_run *empty(rh_arena *arena)
{
    return rh_arena_alloc(arena, sizeof(rh_run));
}

static void every_record_fits_the_schema(void **state)
{
    (void)state;
    if (!can_validate())
        return;
    maker makers[] = {fixture_full,    fixture_quiet, fixture_failed, fixture_refused,
                      fixture_hostile, fixture_start, empty};
    for (size_t i = 0; i < sizeof makers / sizeof *makers; i++) {
        rh_arena *arena = rh_arena_new();
        rh_json *record = rh_report_json(makers[i](arena));
        assert_int_equal(validate_json(record), 0);
        rh_json_free(record);
        rh_arena_free(arena);
    }
}

static void the_schema_refuses_what_it_does_not_know(void **state)
{
    (void)state;
    if (!can_validate())
        return;
    rh_arena *arena = rh_arena_new();
    rh_json *record = rh_report_json(fixture_refused(arena));
    rh_json_add_string(record, "password", "secret");
    assert_int_not_equal(validate_json(record), 0);
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

static void impact_is_of_the_migration_alone(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_run *run = fixture_full(arena);
    /* Another interval that touches 000012's on the same relation makes one stretch; one on another relation
     * does not. */
    static const rh_blocked_interval more[] = {
        {"public.orders", "ShareLock", "000012", 1, 16.6, 17.0, false, true},
        {"public.customers", "ShareLock", "000012", 1, 16.6, 19.0, false, true},
    };
    for (size_t i = 0; i < 2; i++)
        *(rh_blocked_interval *)rh_arena_add(arena, &run->contention.blocked, &run->contention.blocked_count,
                                             sizeof *more) = more[i];
    rh_json *record = rh_report_json(run);
    rh_json *impact = rh_json_get(rh_json_at(rh_json_get(record, "migrations"), 11), "impact");
    assert_true(fabs(rh_json_real(rh_json_get(impact, "reads_blocked_s")) - 6.389) < 1e-5);
    assert_true(fabs(rh_json_real(rh_json_get(impact, "writes_blocked_s")) - 6.779) < 1e-5);
    assert_int_equal(rh_json_int(rh_json_get(impact, "victim_waits")), 20);
    assert_true(fabs(rh_json_real(rh_json_get(impact, "longest_victim_wait_s")) - 6.379) < 1e-5);
    assert_true(rh_json_count(rh_json_get(impact, "victims")) > 1);
    rh_json *concurrent = rh_json_get(rh_json_at(rh_json_get(record, "migrations"), 13), "impact");
    assert_true(rh_json_real(rh_json_get(concurrent, "reads_blocked_s")) == 0);
    assert_true(rh_json_is_null(rh_json_get(concurrent, "longest_victim_wait_s")));
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
        *(rh_wait *)rh_arena_add(arena, &run->contention.waits, &run->contention.wait_count, sizeof wait) =
            wait;
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_record_fits_the_schema),
        cmocka_unit_test(the_schema_refuses_what_it_does_not_know),
        cmocka_unit_test(what_was_not_measured_is_null),
        cmocka_unit_test(impact_is_of_the_migration_alone),
        cmocka_unit_test(only_the_longest_waits_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
