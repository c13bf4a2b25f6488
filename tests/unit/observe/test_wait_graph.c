/* The wait graph on samples made by hand: times are in ms after second 0. */
#include "observe/wait_graph.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { MIGRATION = 100, MAX_WAITERS = 16 };

typedef struct fixture {
    rh_arena *arena;
    rh_wait_graph *graph;
    rh_contention contention;
    /* The sample at hand. */
    rh_wait_sample samples[MAX_WAITERS];
    int blockers[MAX_WAITERS][3];
    size_t count;
    const char *migration;
} fixture;

static const rh_usec BEGAN = 1000 * RH_SECOND;

static rh_usec ms(double value)
{
    return BEGAN + (rh_usec)(value * 1000);
}

static int set_up(void **state)
{
    fixture *f = rh_alloc(sizeof *f);
    f->arena = rh_arena_new();
    f->graph = rh_wait_graph_new(BEGAN);
    f->migration = "000007";
    rh_wait_graph_migration(f->graph, MIGRATION);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    rh_wait_graph_free(f->graph);
    rh_arena_free(f->arena);
    free(f);
    return 0;
}

/* PID waits in the next sample, since STARTED_MS (negative: unknown), behind up to three blockers (-1 ends).
 */
static rh_wait_sample *waits(fixture *f, int pid, double started_ms, int blocker, int second, int third)
{
    const int given[3] = {blocker, second, third};
    rh_wait_sample *sample = &f->samples[f->count];
    *sample = (rh_wait_sample){.wait_started = started_ms < 0 ? 0 : ms(started_ms),
                               .waiter_pid = pid,
                               .blocker_pids = f->blockers[f->count],
                               .locktype = "relation",
                               .identity = "relation/5/16384",
                               .relation = "public.orders",
                               .mode = RH_LOCK_ACCESS_SHARE,
                               .query = "SELECT $1",
                               .migration = f->migration,
                               .statement = f->migration ? 3 : 0};
    while (sample->blocker_count < 3 && given[sample->blocker_count] >= 0) {
        f->blockers[f->count][sample->blocker_count] = given[sample->blocker_count];
        sample->blocker_count++;
    }
    f->count++;
    return sample;
}

static void take(fixture *f, double at_ms)
{
    rh_wait_graph_add(f->graph, ms(at_ms), f->samples, f->count);
    f->count = 0;
}

static void take_knowing(fixture *f, double at_ms, rh_wait_session session)
{
    rh_wait_graph_add_with(f->graph, ms(at_ms), f->samples, f->count, &session, 1);
    f->count = 0;
}

static const rh_wait *finish(fixture *f, double at_ms, size_t expected)
{
    rh_wait_graph_finish(f->graph, ms(at_ms), f->arena, &f->contention);
    assert_int_equal(f->contention.wait_count, expected);
    return f->contention.waits;
}

static void assert_near(double value, double expected)
{
    assert_float_equal(value, expected, 1e-6);
}

static void test_length_from_waitstart_to_the_middle(void **state)
{
    fixture *f = *state;
    waits(f, 1, 13, MIGRATION, -1, -1);
    take(f, 20);
    waits(f, 1, 13, MIGRATION, -1, -1);
    take(f, 40);
    take(f, 60);
    const rh_wait *wait = finish(f, 80, 1);
    assert_near(wait->at_s, 0.013);
    assert_near(wait->wait_s, 0.037); /* until 50, between 40 and 60 */
    assert_true(wait->exact_start);
    assert_true(wait->blocked_by_migration);
    assert_true(!wait->waiter_is_migration);
    assert_string_equal(wait->blocker, "migration 000007, statement 3");
    assert_string_equal(wait->relation, "public.orders");
    assert_near(f->contention.longest_wait_s, 0.037);
    assert_int_equal(f->contention.queue_count, 2);
    assert_int_equal(f->contention.queue[0].depth, 1);
    assert_near(f->contention.queue[1].at_s, 0.050);
    assert_int_equal(f->contention.queue[1].depth, 0);
}

static void test_evidence_of_the_end(void **state)
{
    fixture *f = *state;
    waits(f, 1, 10, 2, -1, -1);
    take(f, 20);
    take_knowing(f, 40, (rh_wait_session){.pid = 1, .statement_ended = ms(23)}); /* the waiter's next query */
    waits(f, 1, 110, 2, -1, -1);
    take(f, 120);
    take_knowing(f, 140,
                 (rh_wait_session){.pid = 2, .transaction_ended = ms(121)}); /* the blocker's commit */
    waits(f, 1, 210, 2, -1, -1);
    take(f, 220);
    take_knowing(f, 240, (rh_wait_session){.pid = 1, .statement_ended = ms(205)}); /* says nothing: older */
    const rh_wait *wait = finish(f, 300, 3);
    assert_near(wait[0].wait_s, 0.013);
    assert_near(wait[1].wait_s, 0.011);
    assert_near(wait[2].wait_s, 0.020);
}

static void test_next_wait_ends_the_one_before(void **state)
{
    fixture *f = *state;
    waits(f, 1, 10, MIGRATION, -1, -1);
    take(f, 20);
    waits(f, 1, 24, MIGRATION, -1, -1); /* same session and lock, another waitstart: another wait */
    take(f, 40);
    take(f, 60);
    const rh_wait *wait = finish(f, 60, 2);
    assert_near(wait[0].wait_s, 0.014);
    assert_near(wait[1].wait_s, 0.026);
    assert_int_equal(f->contention.deepest_queue, 1);
}

static void test_waitstart_that_jitters_or_comes_late(void **state)
{
    fixture *f = *state;
    waits(f, 1, -1, MIGRATION, -1, -1);
    take(f, 20);
    waits(f, 1, 19.5, MIGRATION, -1, -1);
    take(f, 40);
    waits(f, 1, 19.503, MIGRATION, -1, -1);
    take(f, 60);
    waits(f, 1, -1, MIGRATION, -1, -1);
    take(f, 80);
    const rh_wait *wait = finish(f, 80, 1);
    assert_near(wait->at_s, 0.0195);
    assert_near(wait->wait_s, 0.0605); /* still waiting at the end */
    assert_true(wait->exact_start);
}

static void test_unknown_waitstart(void **state)
{
    fixture *f = *state;
    waits(f, 1, -1, MIGRATION, -1, -1);
    take(f, 20);
    waits(f, 1, -1, MIGRATION, -1, -1);
    take(f, 40);
    take(f, 60);
    const rh_wait *wait = finish(f, 60, 1);
    assert_false(wait->exact_start);
    assert_near(wait->at_s, 0.020);
    assert_near(wait->wait_s, 0.030);
}

static void test_vanishing_and_coming_back_is_two_waits(void **state)
{
    fixture *f = *state;
    waits(f, 1, -1, MIGRATION, -1, -1);
    take(f, 20);
    take(f, 40);
    waits(f, 1, -1, MIGRATION, -1, -1);
    take(f, 60);
    take(f, 80);
    const rh_wait *wait = finish(f, 80, 2);
    assert_near(wait[0].wait_s, 0.010);
    assert_near(wait[1].at_s, 0.060);
}

static void test_another_lock_is_another_wait(void **state)
{
    fixture *f = *state;
    waits(f, 1, -1, MIGRATION, -1, -1);
    take(f, 20);
    waits(f, 1, -1, MIGRATION, -1, -1)->identity = "relation/5/16390";
    take(f, 40);
    waits(f, 1, -1, MIGRATION, -1, -1);
    f->samples[0].identity = "relation/5/16390";
    f->samples[0].mode = RH_LOCK_ROW_EXCLUSIVE;
    take(f, 60);
    finish(f, 60, 3);
}

static void test_chain_of_three(void **state)
{
    fixture *f = *state;
    for (int at = 20; at <= 60; at += 20) {
        waits(f, 3, 5, 2, -1, -1);
        waits(f, 2, 4, MIGRATION, -1, -1);
        waits(f, MIGRATION, 3, 9, -1, -1);
        take_knowing(f, at, (rh_wait_session){.pid = 9, .name = "VACUUM (idle in transaction)"});
    }
    take(f, 80);
    const rh_wait *wait = finish(f, 80, 3);
    assert_int_equal(wait[0].waiter_pid, MIGRATION);
    assert_true(wait[0].waiter_is_migration);
    assert_true(!wait[0].blocked_by_migration);
    assert_string_equal(wait[0].blocker, "VACUUM (idle in transaction)");
    assert_int_equal(wait[0].root_pid, 9);
    assert_int_equal(wait[1].blocker_pid, MIGRATION);
    assert_int_equal(wait[1].root_pid, 9);
    assert_true(wait[1].blocked_by_migration);
    assert_int_equal(wait[2].blocker_pid, 2);
    assert_string_equal(wait[2].blocker, "SELECT $1");
    assert_int_equal(wait[2].root_pid, 9);
    assert_true(wait[2].blocked_by_migration);
    assert_int_equal(f->contention.deepest_queue, 3);
}

static void test_ten_on_one_relation(void **state)
{
    fixture *f = *state;
    for (int at = 20; at <= 100; at += 20) {
        for (int pid = 1; pid <= 10; pid++)
            if (pid * 8 < at)
                waits(f, pid, pid * 8, MIGRATION, -1, -1);
        take(f, at);
    }
    assert_int_equal(rh_wait_graph_waiting(f->graph), 10);
    take(f, 120);
    assert_int_equal(rh_wait_graph_waiting(f->graph), 0);
    const rh_wait *wait = finish(f, 120, 10);
    assert_int_equal(f->contention.deepest_queue, 10);
    assert_int_equal(f->contention.queue_count, 11);
    for (int i = 0; i < 10; i++) {
        assert_near(wait[i].at_s, (i + 1) * 0.008);
        assert_near(wait[i].at_s + wait[i].wait_s, 0.110);
        assert_near(f->contention.queue[i].at_s, (i + 1) * 0.008);
        assert_int_equal(f->contention.queue[i].depth, i + 1);
    }
    assert_int_equal(f->contention.queue[10].depth, 0);
}

static void test_holder_before_queued(void **state)
{
    fixture *f = *state;
    waits(f, 2, 1, 7, -1, -1);
    waits(f, 3, 2, 2, 7, -1); /* behind 2 in the queue, but 7 holds the lock */
    take(f, 20);
    const rh_wait *wait = finish(f, 20, 2);
    assert_int_equal(wait[1].blocker_pid, 7);
    assert_false(wait[1].blocked_by_migration);
    assert_string_equal(wait[1].blocker, "an unknown session");
}

static void test_longest_blocker_is_named(void **state)
{
    fixture *f = *state;
    waits(f, 1, 10, 7, -1, -1);
    take(f, 20);
    for (int at = 40; at <= 100; at += 20) {
        waits(f, 1, 10, MIGRATION, -1, -1);
        take(f, at);
    }
    waits(f, 1, 10, 0, -1, -1);
    take(f, 120);
    const rh_wait *wait = finish(f, 120, 1);
    assert_int_equal(wait->blocker_pid, MIGRATION);
    assert_true(wait->blocked_by_migration);
}

/* The migration gets its lock at 90 ms: whoever waits behind it was longest behind the reader all the same.
 */
static void test_longest_root_is_named(void **state)
{
    fixture *f = *state;
    for (int at = 20; at <= 80; at += 20) {
        waits(f, 1, 10, MIGRATION, -1, -1);
        waits(f, MIGRATION, 5, 9, -1, -1);
        take(f, at);
    }
    waits(f, 1, 10, MIGRATION, -1, -1);
    take(f, 100);
    waits(f, 1, 10, 7, -1, -1);
    take(f, 175); /* longer than any spell behind the migration, shorter than both */
    const rh_wait *wait = finish(f, 175, 2);
    assert_int_equal(wait[1].waiter_pid, 1);
    assert_int_equal(wait[1].blocker_pid, MIGRATION);
    assert_int_equal(wait[1].root_pid, 9);
}

static void test_deadlock_has_an_end(void **state)
{
    fixture *f = *state;
    waits(f, 1, 1, 2, -1, -1);
    waits(f, 2, 2, 1, -1, -1);
    waits(f, 3, 3, 1, -1, -1); /* leads into the circle */
    waits(f, 4, 4, 4, -1, -1); /* behind itself */
    take(f, 20);
    const rh_wait *wait = finish(f, 20, 4);
    assert_int_equal(wait[0].root_pid, 2);
    assert_int_equal(wait[1].root_pid, 1);
    assert_true(wait[2].root_pid == 1 || wait[2].root_pid == 2);
    assert_false(wait[2].blocked_by_migration);
    assert_int_equal(wait[3].root_pid, 4);
}

static const char *upper(void *user, const char *relation)
{
    (void)user;
    return strcmp(relation, "OID 5") == 0 ? "public.orders" : relation;
}

static void test_chain_has_every_link(void **state)
{
    fixture *f = *state;
    for (int at = 20; at <= 60; at += 20) {
        waits(f, 3, 5, 2, -1, -1)->concurrently = "waiting for old snapshots";
        waits(f, 2, 4, MIGRATION, -1, -1)->mode = RH_LOCK_ROW_EXCLUSIVE;
        waits(f, MIGRATION, 3, 9, -1, -1)->relation = "OID 5";
        take_knowing(f, at, (rh_wait_session){.pid = 9, .name = "VACUUM (idle in transaction)"});
    }
    take(f, 80);
    rh_wait_graph_rename(f->graph, upper, NULL);
    const rh_wait *wait = &finish(f, 80, 3)[2];
    assert_string_equal(wait->concurrently, "waiting for old snapshots");
    assert_int_equal(wait->chain_count, 3);
    const rh_wait_link *chain = wait->chain;
    assert_int_equal(chain[0].pid, 2);
    assert_int_equal(chain[0].mode, RH_LOCK_ROW_EXCLUSIVE);
    assert_string_equal(chain[0].relation, "public.orders");
    assert_false(chain[0].is_migration);
    assert_int_equal(chain[1].pid, MIGRATION);
    assert_true(chain[1].is_migration);
    assert_string_equal(chain[1].name, "migration 000007, statement 3");
    assert_string_equal(chain[1].relation, "public.orders");
    assert_int_equal(chain[2].pid, 9);
    assert_null(chain[2].locktype);
    assert_string_equal(chain[2].name, "VACUUM (idle in transaction)");
}

/* Behind 2 the whole time, first behind 2 alone, then behind 2 behind 9: the chain that stood longest is
 * told. */
static void test_chain_that_lasted_longest(void **state)
{
    fixture *f = *state;
    waits(f, 1, 10, 2, -1, -1);
    take(f, 20);
    for (int at = 40; at <= 80; at += 20) {
        waits(f, 1, 10, 2, -1, -1);
        waits(f, 2, 30, 9, -1, -1);
        take(f, at);
    }
    const rh_wait *wait = finish(f, 80, 2);
    assert_int_equal(wait[0].waiter_pid, 1);
    assert_int_equal(wait[0].chain_count, 2);
    assert_int_equal(wait[0].chain[1].pid, 9);
}

static void two_in_a_circle(fixture *f, double at_ms)
{
    waits(f, 12, 1, 11, -1, -1)->query = "UPDATE b";
    waits(f, 11, 2, 7, 12, -1)->query = "UPDATE a"; /* the way back is not by the first blocker */
    waits(f, 13, 3, 11, -1, -1);                    /* leads into the circle, is not on it */
    take(f, at_ms);
}

static void test_deadlock_has_both_sides(void **state)
{
    fixture *f = *state;
    rh_wait_graph_migration(f->graph, 12);
    two_in_a_circle(f, 20);
    two_in_a_circle(f, 40);
    const rh_wait_session after[] = {{.pid = 11, .aborted = true}, {.pid = 12, .transaction_ended = ms(41)}};
    rh_wait_graph_add_with(f->graph, ms(60), NULL, 0, after, 2);
    finish(f, 80, 3);
    assert_int_equal(f->contention.deadlock_count, 1);
    const rh_deadlock *deadlock = f->contention.deadlocks;
    assert_near(deadlock->at_s, 0.050);
    assert_string_equal(deadlock->migration, "000007");
    assert_int_equal(deadlock->side_count, 2);
    assert_int_equal(deadlock->sides[0].pid, 11);
    assert_int_equal(deadlock->sides[0].blocked_by_pid, 12);
    assert_string_equal(deadlock->sides[0].statement, "UPDATE a");
    assert_true(deadlock->sides[0].is_victim);
    assert_false(deadlock->sides[1].is_victim);
    assert_true(deadlock->sides[1].is_migration);
    assert_string_equal(deadlock->sides[1].name, "migration 000007, statement 3");
    assert_string_equal(deadlock->sides[1].relation, "public.orders");
}

static void test_deadlock_without_a_known_victim(void **state)
{
    fixture *f = *state;
    two_in_a_circle(f, 20);
    const rh_wait_session after[] = {{.pid = 11, .transaction_ended = ms(25)},
                                     {.pid = 12, .transaction_ended = ms(26)}};
    rh_wait_graph_add_with(f->graph, ms(40), NULL, 0, after, 2);
    two_in_a_circle(f, 60); /* the same two once more: another deadlock, still under way at the end */
    finish(f, 80, 6);
    assert_int_equal(f->contention.deadlock_count, 2);
    for (int i = 0; i < 2; i++)
        assert_false(f->contention.deadlocks[i].sides[0].is_victim ||
                     f->contention.deadlocks[i].sides[1].is_victim);
    assert_near(f->contention.deadlocks[1].at_s, 0.060);
}

static void test_prepared_transaction_and_unknown_session(void **state)
{
    fixture *f = *state;
    f->migration = NULL;
    waits(f, 1, 1, 0, -1, -1);
    waits(f, 2, 2, -1, -1, -1);
    take(f, 20);
    const rh_wait *wait = finish(f, 20, 2);
    assert_string_equal(wait[0].blocker, "a prepared transaction");
    assert_null(wait[0].migration);
    assert_string_equal(wait[1].blocker, "an unknown session");
}

static void test_statement_and_late_names(void **state)
{
    fixture *f = *state;
    f->migration = NULL;
    waits(f, 1, 1, 7, -1, -1)->relation = "OID 5";
    take(f, 20);
    f->migration = "000008";
    waits(f, 1, 1, MIGRATION, -1, -1)->relation = "OID 5";
    take(f, 40);
    rh_wait_graph_rename(f->graph, upper, NULL);
    const rh_wait *wait = finish(f, 40, 1);
    assert_string_equal(wait->migration, "000008");
    assert_int_equal(wait->statement, 3);
    assert_string_equal(wait->relation, "public.orders");
}

static void test_nothing_to_report(void **state)
{
    fixture *f = *state;
    take(f, 20);
    finish(f, 40, 0);
    assert_int_equal(f->contention.queue_count, 0);
    rh_wait_graph_free(NULL);
}

int main(void)
{
#define WITH_GRAPH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_GRAPH(test_length_from_waitstart_to_the_middle),
        WITH_GRAPH(test_evidence_of_the_end),
        WITH_GRAPH(test_next_wait_ends_the_one_before),
        WITH_GRAPH(test_waitstart_that_jitters_or_comes_late),
        WITH_GRAPH(test_unknown_waitstart),
        WITH_GRAPH(test_vanishing_and_coming_back_is_two_waits),
        WITH_GRAPH(test_another_lock_is_another_wait),
        WITH_GRAPH(test_chain_of_three),
        WITH_GRAPH(test_ten_on_one_relation),
        WITH_GRAPH(test_holder_before_queued),
        WITH_GRAPH(test_longest_blocker_is_named),
        WITH_GRAPH(test_longest_root_is_named),
        WITH_GRAPH(test_deadlock_has_an_end),
        WITH_GRAPH(test_chain_has_every_link),
        WITH_GRAPH(test_chain_that_lasted_longest),
        WITH_GRAPH(test_deadlock_has_both_sides),
        WITH_GRAPH(test_deadlock_without_a_known_victim),
        WITH_GRAPH(test_prepared_transaction_and_unknown_session),
        WITH_GRAPH(test_statement_and_late_names),
        WITH_GRAPH(test_nothing_to_report),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
