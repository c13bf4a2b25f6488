/* Sums over the waits (who waited, who was in the way) and the heat of blocked relations: pure computations.
 */
#include "report/view/heat.h"
#include "fixture.h"
#include "pgrehearse/report/report.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static const char M13[] = "migration 000013, statement 1";

static rh_wait *wait_of(rh_run *run, const char *template_name, double wait_s, rh_lock_mode mode)
{
    rh_contention *c = &run->contention;
    rh_wait *w = rh_arena_add(run->arena, &c->waits, &c->wait_count);
    *w = (rh_wait){.at_s = 1,
                   .wait_s = wait_s,
                   .locktype = "relation",
                   .relation = "public.orders",
                   .mode = mode,
                   .waiter = "SELECT … FROM orders",
                   .template_name = template_name,
                   .migration = "000013",
                   .statement = 1};
    return w;
}

static void link_of(rh_run *run, rh_wait *w, const char *name, bool is_migration, const char *waits_for)
{
    rh_wait_link *links = (rh_wait_link *)w->chain;
    rh_wait_link *link = rh_arena_add(run->arena, &links, &w->chain_count);
    *link = (rh_wait_link){.pid = 40 + (int)w->chain_count,
                           .name = name,
                           .is_migration = is_migration,
                           .locktype = waits_for ? "relation" : NULL,
                           .relation = waits_for,
                           .mode = waits_for ? RH_LOCK_ACCESS_EXCLUSIVE : RH_LOCK_NONE};
    w->chain = links;
    w->blocked_by_migration = w->blocked_by_migration || is_migration;
}

/* An idle transaction keeps migration 000013 out, two templates queue behind the migration; later the
 * migration holds its lock, and one of them waits for it. */
static rh_run *queue_behind(rh_arena *arena)
{
    rh_run *run = fixture_full(arena);
    run->contention.waits = NULL;
    run->contention.wait_count = 0;
    rh_wait *own = wait_of(run, NULL, 5, RH_LOCK_ACCESS_EXCLUSIVE);
    own->waiter = "ALTER TABLE orders …";
    own->waiter_is_migration = true;
    link_of(run, own, "disturber: idle transaction", false, NULL);
    rh_wait *history = wait_of(run, NULL, 0.1, RH_LOCK_ACCESS_EXCLUSIVE);
    history->waiter = "TRUNCATE schema_migrations";
    history->waiter_is_migration = true;
    history->statement = 0;
    history->relation = "public.schema_migrations";
    link_of(run, history, "disturber: pg_dump", false, NULL);
    for (int i = 0; i < 3; i++) {
        rh_wait *w = wait_of(run, i < 2 ? "read orders" : "update orders", 4 - i,
                             i < 2 ? RH_LOCK_ACCESS_SHARE : RH_LOCK_ROW_EXCLUSIVE);
        link_of(run, w, M13, true, "public.orders");
        link_of(run, w, "disturber: idle transaction", false, NULL);
    }
    link_of(run, wait_of(run, "read orders", 0.5, RH_LOCK_ACCESS_SHARE), M13, true, NULL);
    return run;
}

static double real(const rh_json *row, const char *key)
{
    return rh_json_real(rh_json_get(row, key));
}

static int64_t integer(const rh_json *row, const char *key)
{
    return rh_json_int(rh_json_get(row, key));
}

static const char *string(const rh_json *row, const char *key)
{
    return rh_json_string(rh_json_get(row, key));
}

static void waiters_are_added_up(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_json *record = rh_report_json(queue_behind(arena));
    const rh_json *victims = rh_json_path(record, "contention.blocked_sessions");
    assert_int_equal(rh_json_int(rh_json_path(record, "contention.blocked_session_count")), 4);
    assert_int_equal(rh_json_count(victims), 4);
    const rh_json *own = rh_json_at(victims, 0), *reads = rh_json_at(victims, 1);
    assert_string_equal(string(own, "session"), M13);
    assert_true(rh_json_bool(rh_json_get(own, "is_migration")));
    assert_null(string(own, "template"));
    assert_string_equal(string(reads, "session"), "read orders");
    assert_string_equal(string(reads, "template"), "read orders");
    assert_int_equal(integer(reads, "waits"), 3);
    assert_true(fabs(real(reads, "wait_s") - 7.5) < 1e-9);
    assert_true(real(reads, "longest_wait_s") == 4);
    assert_string_equal(string(reads, "longest_wait_root_blocker"), "disturber: idle transaction");
    assert_string_equal(string(rh_json_at(victims, 3), "session"),
                        "migration 000013, its framework's bookkeeping");
    rh_json_free(record);
    rh_arena_free(arena);
}

static void blockers_are_the_ends_of_the_chains(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_json *record = rh_report_json(queue_behind(arena));
    const rh_json *blockers = rh_json_path(record, "contention.blockers");
    assert_int_equal(rh_json_count(blockers), 3);
    const rh_json *idle = rh_json_at(blockers, 0), *own = rh_json_at(blockers, 1);
    assert_string_equal(string(idle, "session"), "disturber: idle transaction");
    assert_null(string(idle, "migration"));
    assert_string_equal(string(idle, "relation"), "public.orders");
    assert_int_equal(integer(idle, "waits"), 4);
    assert_int_equal(integer(idle, "queued_behind_migration"),
                     3); /* they queue because the migration asked */
    assert_true(rh_json_bool(rh_json_get(idle, "blocked_load")));
    assert_int_equal(integer(idle, "blocked_session_count"), 3);
    assert_int_equal(rh_json_count(rh_json_get(idle, "blocked_modes")), 3);
    assert_string_equal(string(rh_json_at(rh_json_get(idle, "blocked_sessions"), 0), "session"),
                        "read orders");
    assert_string_equal(string(own, "session"), M13);
    assert_string_equal(string(own, "migration"), "000013");
    assert_int_equal(integer(own, "queued_behind_migration"), 0);
    assert_string_equal(string(own, "mode"), "ShareLock"); /* as the loaded run held it */
    rh_json_free(record);
    rh_arena_free(arena);
}

static void missing_names_are_accepted(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_run *run = fixture_full(arena);
    run->contention.wait_count = 0;
    run->contention.waits = NULL;
    rh_wait *w = wait_of(run, NULL, 1, RH_LOCK_NONE);
    w->waiter = w->relation = w->locktype = w->migration = NULL;
    rh_json *record = rh_report_json(run);
    const rh_json *blocker = rh_json_at(rh_json_path(record, "contention.blockers"), 0);
    assert_string_equal(string(blocker, "session"), "an unknown session");
    assert_int_equal(rh_json_count(rh_json_get(blocker, "blocked_modes")), 0);
    rh_json_free(record);
    rh_arena_free(arena);
}

static void many_waits_are_cut_but_counted(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_run *run = fixture_full(arena);
    run->contention.wait_count = 0;
    run->contention.waits = NULL;
    for (int i = 0; i < 10000; i++) {
        rh_wait *w =
            wait_of(run, rh_arena_printf(arena, "template %d", i % 300), 1e-3 * (i + 1), RH_LOCK_SHARE);
        link_of(run, w, rh_arena_printf(arena, "blocker %d", i % 70), false, NULL);
    }
    rh_json *record = rh_report_json(run);
    const rh_json *contention = rh_json_get(record, "contention");
    assert_int_equal(integer(contention, "blocked_session_count"), 300);
    assert_int_equal(rh_json_count(rh_json_get(contention, "blocked_sessions")), 100);
    assert_int_equal(integer(contention, "blocker_count"), 70);
    assert_int_equal(rh_json_count(rh_json_get(contention, "blockers")), 50);
    assert_string_equal(string(rh_json_at(rh_json_get(contention, "blocked_sessions"), 0), "session"),
                        "template 99");
    rh_json_free(record);
    rh_arena_free(arena);
}

static void blocked(rh_json *list, const char *relation, double from_s, double to_s, bool reads, bool writes)
{
    rh_json *row = rh_json_add_object(list, NULL);
    rh_json_add_string(row, "relation", relation);
    rh_json_add_real(row, "from_s", from_s);
    rh_json_add_real(row, "to_s", to_s);
    rh_json_add_bool(row, "reads", reads);
    rh_json_add_bool(row, "writes", writes);
}

static void heatmap_is_the_share_of_each_interval(void **state)
{
    (void)state;
    rh_json *report = rh_json_object();
    rh_json *list = rh_json_add_array(rh_json_add_object(report, "contention"), "blocked");
    blocked(list, "a", 2, 4, true, true);
    blocked(list, "a", 3, 5, false, true);    /* overlaps: counts once */
    blocked(list, "a", 3.2, 3.4, true, true); /* lies within */
    blocked(list, "a", 7.1, 7.2, false, true);
    blocked(list, "b", 0, 10, true, true);
    blocked(list, "c", 5, 5, true, true); /* took no time */
    rh_view view;
    rh_view_init(&view, report);
    rh_heat_strip *strips;
    assert_int_equal(rh_heat_gather(&view, 0, 10, 10, &strips), 2);
    assert_string_equal(strips[0].relation, "b");
    assert_int_equal(strips[0].reads.cell_count, 1);
    assert_true(strips[0].reads.cells[0].to_s == 10);
    const rh_heat_strip *a = &strips[1];
    assert_true(fabs(a->reads.total_s - 2) < 1e-9);
    assert_true(fabs(a->writes.total_s - 3.1) < 1e-9);
    assert_true(fabs(a->writes.longest_s - 3) < 1e-9);
    assert_int_equal(a->reads.cell_count, 1);
    assert_int_equal(a->reads.cells[0].level, RH_HEAT_LEVELS);
    assert_int_equal(a->writes.cell_count, 2);
    assert_true(a->writes.cells[0].from_s == 2);
    assert_true(a->writes.cells[0].to_s == 5);
    assert_int_equal(a->writes.cells[1].level, 1); /* a tenth of that second */
    rh_view_release(&view);
    rh_json_free(report);
}

static void heatmap_leaves_out_what_is_outside_the_span(void **state)
{
    (void)state;
    rh_json *report = rh_json_object();
    rh_json *list = rh_json_add_array(rh_json_add_object(report, "contention"), "blocked");
    blocked(list, NULL, -3, 1.5, true, true);
    blocked(list, "z", 99, 100, true, true);
    rh_view view;
    rh_view_init(&view, report);
    rh_heat_strip *strips;
    assert_int_equal(rh_heat_gather(&view, 0, 10, 10, &strips), 2);
    assert_int_equal(strips[0].reads.cell_count, 2); /* a whole second and half of one */
    assert_int_equal(strips[0].reads.cells[1].level, RH_HEAT_LEVELS / 2);
    assert_int_equal(strips[1].reads.cell_count, 0);
    rh_view_release(&view);
    rh_json_free(report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waiters_are_added_up),
        cmocka_unit_test(blockers_are_the_ends_of_the_chains),
        cmocka_unit_test(missing_names_are_accepted),
        cmocka_unit_test(many_waits_are_cut_but_counted),
        cmocka_unit_test(heatmap_is_the_share_of_each_interval),
        cmocka_unit_test(heatmap_leaves_out_what_is_outside_the_span),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
