/* A public project's golang-migrate set, up and down as its own tool ran it. RH_REAL_MIGRATIONS names a
 * folder with migrations/ and what the tool itself left: reference-up.sql (pg_dump -s --no-owner after all
 * ways up, without \restrict lines) and roundtrip.tsv (version, name, up, down, schema_after_down, up_again,
 * schema_after_up_again a line: each migration up, down and up again from the state where all earlier ones
 * are applied). Skipped where there is none. */
#include "../cluster.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/migrations/plan.h"
#include "pgrehearse/migrations/replay.h"
#include "pgrehearse/snapshot/snapshot.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static test_cluster *cluster;
static rh_arena *arena;
static rh_plan plan;
static const char *folder;

static rh_pg *connect_to(const char *database)
{
    static const char *keys[] = {"dbname"};
    char *conninfo = rh_pg_conninfo_with(test_cluster_conninfo(cluster), 1, keys, &database, NULL);
    rh_error error = {0};
    rh_pg *pg = rh_pg_connect(conninfo, "test", &error);
    if (!pg)
        fail_msg("%s", error.message);
    free(conninfo);
    return pg;
}

static void admin(const char *sql)
{
    rh_pg *pg = connect_to("postgres");
    rh_error error = {0};
    if (!rh_pg_execute(pg, sql, &error))
        fail_msg("%s: %s", sql, error.message);
    rh_pg_close(pg);
}

/* One invocation of the tool: a session of its own. */
static bool step(rh_migration *migration, rh_direction direction)
{
    rh_pg *pg = connect_to("real");
    rh_error error = {0};
    rh_replay_options options = {.direction = direction};
    bool ok = rh_replay(pg, &plan, migration, &options, arena, &error).outcome == RH_OUTCOME_OK;
    if (!ok)
        print_message("    %s\n", error.message);
    rh_error_release(&error);
    rh_pg_close(pg);
    return ok;
}

static rh_schema *read_schema(void)
{
    rh_pg *pg = connect_to("real");
    rh_error error = {0};
    rh_schema *schema = rh_schema_read(pg, &error);
    if (!schema)
        fail_msg("%s", error.message);
    rh_pg_close(pg);
    return schema;
}

static const char *compare(const rh_schema *before, const rh_schema *after)
{
    rh_difference *differences;
    size_t count;
    rh_schema_compare(before, after, arena, &differences, &count);
    return count == 0 ? "same" : "differs";
}

static void load(void)
{
    rh_scenario scenario = {.path = "/scenario.yaml"};
    scenario.migrations.path = rh_arena_printf(arena, "%s/migrations", folder);
    rh_error error = {0};
    if (!rh_plan_make(&scenario, NULL, arena, &plan, &error))
        fail_msg("%s:%d: %s", error.file, error.line, error.message);
    assert_string_equal(plan.framework_name, "golang-migrate");
    assert_true(plan.migration_count >= 100);
    size_t statements = 0, unclassified = 0;
    for (size_t i = 0; i < plan.migration_count; i++)
        for (size_t k = 0; k < plan.migrations[i].up.statement_count; k++) {
            statements++;
            unclassified += plan.migrations[i].up.statements[k].class_ == RH_CLASS_UNCLASSIFIED;
        }
    print_message("%zu migrations, %zu statements up, %zu unclassified\n", plan.migration_count, statements,
                  unclassified);
}

static const char *dump(void)
{
    char *command = rh_arena_printf(arena, "%s/pg_dump --no-owner -s -d '%s dbname=real'", cluster->bindir,
                                    test_cluster_conninfo(cluster));
    rh_text text = {0};
    char line[8192];
    FILE *pipe = popen(command, "r");
    while (fgets(line, sizeof line, pipe))
        if (!rh_starts_with(line, "\\restrict ") && !rh_starts_with(line, "\\unrestrict ") &&
            !rh_starts_with(line, "-- Dumped "))
            rh_text_append(&text, line);
    assert_int_equal(pclose(pipe), 0);
    const char *copy = rh_arena_strdup(arena, text.data);
    rh_text_release(&text);
    return copy;
}

/* All ways up in one session; the dump must be the tool's own, to the byte. */
static void test_up(void **state)
{
    (void)state;
    if (!folder)
        skip();
    load();
    admin("create database real");
    rh_pg *pg = connect_to("real");
    for (size_t i = 0; i < plan.migration_count; i++) {
        rh_replay_options options = {.direction = RH_UP};
        rh_error error = {0};
        if (rh_replay(pg, &plan, &plan.migrations[i], &options, arena, &error).outcome != RH_OUTCOME_OK)
            fail_msg("%s", error.message);
    }
    rh_pg_close(pg);
    char *path = rh_arena_printf(arena, "%s/reference-up.sql", folder);
    char *reference = rh_file_read(path, 0, arena, NULL, NULL);
    assert_non_null(reference);
    const char *dumped = dump(), *versions = strstr(reference, "-- Dumped from");
    assert_non_null(versions);
    char *after = strchr(strchr(versions, '\n') + 1, '\n') + 1;
    memmove(reference + (versions - reference), after, strlen(after) + 1);
    assert_string_equal(dumped, reference);
    admin("drop database real");
}

static const char *expected_round_trip(const char *tsv, const rh_migration *migration)
{
    char *version = rh_arena_printf(arena, "\n%s\t", migration->id);
    const char *line = strstr(tsv, version);
    return line ? rh_arena_strndup(arena, line + 1, strcspn(line + 1, "\n")) : NULL;
}

/* "ok ok same ok same", as the tool's own line has it. */
static const char *round_trip(rh_migration *migration)
{
    rh_schema *before = read_schema(), *after = NULL, *back = NULL, *again = NULL;
    const char *down = "-", *restored = "-", *up2 = "-", *repeated = "-";
    bool up = step(migration, RH_UP);
    admin("drop database if exists keep");
    after = read_schema();
    admin("create database keep template real");
    if (up && (down = step(migration, RH_DOWN) ? "ok" : "FAIL", *down == 'o')) {
        back = read_schema();
        restored = compare(before, back);
        up2 = step(migration, RH_UP) ? "ok" : "FAIL";
        again = read_schema();
        if (*up2 == 'o')
            repeated = compare(after, again);
    }
    admin("drop database real");
    admin("alter database keep rename to real");
    rh_schema_free(before);
    rh_schema_free(after);
    rh_schema_free(back);
    rh_schema_free(again);
    return rh_arena_printf(arena, "%s\t%s\t%s\t%s\t%s", up ? "ok" : "FAIL", down, restored, up2, repeated);
}

static void test_round_trips(void **state)
{
    (void)state;
    if (!folder)
        skip();
    char *tsv = rh_file_read(rh_arena_printf(arena, "%s/roundtrip.tsv", folder), 0, arena, NULL, NULL);
    assert_non_null(tsv);
    load();
    admin("create database real");
    rh_pg *pg = connect_to("real");
    assert_true(rh_history_prepare(pg, &plan, NULL));
    rh_pg_close(pg);
    size_t wrong = 0, alike = 0;
    for (size_t i = 0; i < plan.migration_count; i++) {
        const char *expected = expected_round_trip(tsv, &plan.migrations[i]);
        const char *found = round_trip(&plan.migrations[i]);
        if (!expected)
            continue;
        char up[8], down[8], restored[32], up2[8], repeated[32];
        assert_int_equal(sscanf(expected, "%*[^\t]\t%*[^\t]\t%7[^\t]\t%7[^\t]\t%31[^\t]\t%7[^\t]\t%31[^\t]",
                                up, down, restored, up2, repeated),
                         5);
        restored[strcspn(restored, ":")] = repeated[strcspn(repeated, ":")] = '\0';
        const char *wanted = rh_arena_printf(arena, "%s\t%s\t%s\t%s\t%s", up, down, restored, up2, repeated);
        if (strcmp(wanted, found) == 0) {
            alike++;
        } else {
            wrong++;
            print_message("%s: the tool: %s; the replay: %s\n", plan.migrations[i].id, wanted, found);
        }
    }
    print_message("%zu round trips as the tool's own, %zu otherwise\n", alike, wrong);
    assert_int_equal(wrong, 0);
}

static int start(void **state)
{
    (void)state;
    folder = getenv("RH_REAL_MIGRATIONS");
    arena = rh_arena_new();
    if (!folder)
        print_message("skipped: RH_REAL_MIGRATIONS is not set\n");
    cluster = folder ? test_cluster_start() : NULL;
    return 0;
}

static int stop(void **state)
{
    (void)state;
    if (cluster)
        test_cluster_stop(cluster);
    rh_arena_free(arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_up), cmocka_unit_test(test_round_trips)};
    return cmocka_run_group_tests(tests, start, stop);
}
