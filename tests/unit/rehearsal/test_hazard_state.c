/* Hazards by what was measured. */
#include "pgrehearse/model/facts.h"
#include "rehearsal/forecast/evidence.h"
#include "rehearsal/forecast/hazard_state.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A transaction of two statements. */
typedef struct world {
    rh_arena *arena;
    rh_migration migration;
    rh_statement statements[2];
    rh_statement_run runs[2];
    rh_lock locks[2];
    rh_statement_work work;
    rh_relation_work relation;
} world;

static int set_up(void **state)
{
    world *w = calloc(1, sizeof *w);
    w->arena = rh_arena_new();
    w->migration = (rh_migration){.id = "1", .up = {.statements = w->statements, .statement_count = 2}};
    w->relation = (rh_relation_work){.relation = "public.part",
                                     .kind = 'r',
                                     .pages_before = 5000,
                                     .rows_before = 400000,
                                     .pages_after = RH_UNKNOWN,
                                     .blocks_read = 5000,
                                     .scans = 1};
    w->work = (rh_statement_work){.relations = &w->relation, .relation_count = 1, .counted = true};
    for (int i = 0; i < 2; i++) {
        w->locks[i] = (rh_lock){.relation = i ? "public.part" : "public.parent",
                                .mode = RH_LOCK_ACCESS_EXCLUSIVE,
                                .held_s = 1,
                                .blocks_reads = true,
                                .blocks_writes = true};
        w->runs[i] = (rh_statement_run){.pass = RH_PASS_KIND_QUIET,
                                        .elapsed_s = 0.02,
                                        .lock_wait_limit_s = RH_NOT_MEASURED,
                                        .locks = &w->locks[i],
                                        .lock_count = 1,
                                        .work = i ? &w->work : NULL};
        w->statements[i] = (rh_statement){.ordinal = i + 1,
                                          .class_ = RH_CLASS_CATALOG,
                                          .class_expected = RH_CLASS_CATALOG,
                                          .runs = &w->runs[i],
                                          .run_count = 1};
    }
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    world *w = *state;
    rh_arena_free(w->arena);
    free(w);
    return 0;
}

static const rh_hazard *hazard(world *w, int index, const char *rule)
{
    static const int one[] = {1, 1};
    const rh_measured m = rh_measured_of(&w->migration, (size_t)index, one, w->arena);
    rh_hazards_measure(&m);
    const rh_statement *s = &w->statements[index];
    for (size_t h = 0; h < s->hazard_count; h++)
        if (strcmp(s->hazards[h].rule, rule) == 0)
            return &s->hazards[h];
    return NULL;
}

static void expect_text_hazard(world *w, int index, const char *rule)
{
    rh_statement *s = &w->statements[index];
    *rh_arena_add(w->arena, &s->hazards, &s->hazard_count) = (rh_hazard){.rule = rule};
}

static void the_timeout_in_force_decides(void **state)
{
    world *w = *state;
    assert_null(hazard(w, 0, "missing-lock-timeout")); /* nobody asked */
    w->runs[0].lock_wait_limit_s = 0;
    assert_int_equal(hazard(w, 0, "missing-lock-timeout")->state, RH_HAZARD_MEASURED);
    w->runs[0].lock_wait_limit_s = 2; /* set by the server, say: the text's warning goes */
    assert_null(hazard(w, 0, "missing-lock-timeout"));
    w->runs[0].lock_wait_limit_s = 3600;
    assert_non_null(hazard(w, 0, "missing-lock-timeout"));
    w->runs[1].lock_wait_limit_s = 0; /* the queue has formed already */
    assert_null(hazard(w, 1, "missing-lock-timeout"));
}

static void an_inferred_lock_measures_nothing(void **state)
{
    world *w = *state;
    w->runs[0].lock_wait_limit_s = 0;
    w->locks[0].inferred = true;
    assert_int_equal(hazard(w, 0, "missing-lock-timeout")->state, RH_HAZARD_EXPECTED);
}

static void the_servers_error_confirms_it(void **state)
{
    world *w = *state;
    rh_failure failure = {.sqlstate = "25001", .line = 3};
    w->statements[0].line = 3;
    w->migration.failure = &failure;
    expect_text_hazard(w, 0, "enum-value-in-transaction");
    assert_int_equal(hazard(w, 0, "enum-value-in-transaction")->state, RH_HAZARD_EXPECTED);
    failure.sqlstate = "55P04";
    assert_int_equal(hazard(w, 0, "enum-value-in-transaction")->state, RH_HAZARD_MEASURED);
}

static void a_scan_names_what_was_read(void **state)
{
    world *w = *state;
    w->statements[1].class_ = RH_CLASS_HEAP_SCAN;
    w->statements[1].class_measured = true;
    const rh_hazard *found = hazard(w, 1, "scan-access-exclusive");
    assert_non_null(strstr(found->message, "public.part "));
    assert_non_null(strstr(found->safer, "ALTER TABLE public.part "));
}

static void what_is_small_is_no_hazard(void **state)
{
    world *w = *state;
    w->statements[1].class_ = RH_CLASS_HEAP_SCAN;
    w->statements[1].class_measured = true;
    w->relation.rows_before = 3;
    w->relation.pages_before = w->relation.blocks_read = 1;
    assert_null(hazard(w, 1, "scan-access-exclusive"));
    expect_text_hazard(w, 1, "set-not-null-scan");
    assert_int_equal(hazard(w, 1, "set-not-null-scan")->state, RH_HAZARD_REFUTED);
    w->statements[1].prediction.median_s = 20; /* on production it is not */
    assert_int_equal(hazard(w, 1, "set-not-null-scan")->state, RH_HAZARD_MEASURED);
}

static void batches_do_not_change_all_rows(void **state)
{
    static const struct {
        const char *sql;
        bool hazard;
    } cases[] = {
        {"DO $$BEGIN LOOP UPDATE part SET a = 1 WHERE id > i; EXIT WHEN NOT FOUND; COMMIT ; END LOOP; END$$",
         false},
        {"do $$begin for i in 1..9 loop update part set a = 1; commit;\nend loop; end$$", false},
        {"DO $$BEGIN LOOP UPDATE part SET a = 1 WHERE id = i; END LOOP; COMMIT; END$$", true},
        {"DO $$BEGIN UPDATE part SET a = 1; COMMIT; END$$", true},
        {"DO $$BEGIN LOOP UPDATE part SET committed = 1; END LOOP; END$$", true},
    };
    world *w = *state;
    w->statements[1].class_ = RH_CLASS_DATA_CHANGE;
    w->statements[1].class_expected = RH_CLASS_PROCEDURE;
    w->statements[1].class_measured = true;
    w->relation.rows_before = w->relation.rows_updated = 20000;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        w->statements[1].sql = cases[i].sql;
        w->statements[1].hazard_count = 0;
        assert_int_equal(hazard(w, 1, "whole-table-update") != NULL, cases[i].hazard);
    }
}

static void work_behind_a_lock_counts_by_its_time(void **state)
{
    world *w = *state;
    assert_null(hazard(w, 1, "lock-then-long-work"));
    expect_text_hazard(w, 1, "lock-then-long-work");
    assert_int_equal(hazard(w, 1, "lock-then-long-work")->state, RH_HAZARD_REFUTED);
    w->statements[1].hazard_count = 0;
    w->runs[1].elapsed_s = 0.3;
    const rh_hazard *found = hazard(w, 1, "lock-then-long-work");
    assert_int_equal(found->state, RH_HAZARD_MEASURED);
    assert_non_null(strstr(found->message, "Statement 1 took ACCESS EXCLUSIVE on public.parent"));
    w->statements[1].hazard_count = 0;
    w->locks[0].blocks_reads = w->locks[0].blocks_writes = false; /* a table of its own */
    assert_null(hazard(w, 1, "lock-then-long-work"));
}

/* A lock and three statements behind it: the one that worked longest is reported, whatever the text warned
 * of. */
static void long_work_is_reported_once(void **state)
{
    world *w = *state;
    rh_statement statements[4];
    rh_statement_run runs[4];
    const double elapsed_s[] = {0.01, 0.02, 0.4, 3};
    for (int i = 0; i < 4; i++) {
        runs[i] = w->runs[i > 0];
        runs[i].elapsed_s = elapsed_s[i];
        statements[i] = w->statements[i > 0];
        statements[i].ordinal = i + 1;
        statements[i].runs = &runs[i];
    }
    rh_hazard warning = {.rule = "lock-then-long-work"};
    statements[1].hazards = &warning;
    statements[1].hazard_count = 1;
    w->migration.up = (rh_script){.statements = statements, .statement_count = 4, .rule = RH_TRANSACTION_ONE};
    rh_run run = {.arena = w->arena, .plan = {.migrations = &w->migration, .migration_count = 1}};
    rh_evidence_fill(&run);
    size_t found[4] = {0};
    for (int i = 0; i < 4; i++)
        for (size_t h = 0; h < statements[i].hazard_count; h++)
            found[i] += strcmp(statements[i].hazards[h].rule, "lock-then-long-work") == 0;
    assert_int_equal(found[1], 0);
    assert_int_equal(found[2], 0);
    assert_int_equal(found[3], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_timeout_in_force_decides, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_inferred_lock_measures_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_servers_error_confirms_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_scan_names_what_was_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_small_is_no_hazard, set_up, tear_down),
        cmocka_unit_test_setup_teardown(batches_do_not_change_all_rows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(work_behind_a_lock_counts_by_its_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(long_work_is_reported_once, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
