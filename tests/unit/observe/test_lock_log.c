/* The server's log of lock waits, beside an account from samples, without a server. */
#include "pgrehearse/model/facts.h"
#include "pgrehearse/observe/observe.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

typedef struct fixture {
    rh_arena *arena;
    char path[64];
    rh_usec began; /* monotonic, second 0 */
    rh_contention contention;
} fixture;

static int set_up(void **state)
{
    fixture *f = rh_alloc(sizeof *f);
    f->arena = rh_arena_new();
    f->began = rh_clock_monotonic() - 100 * RH_SECOND;
    snprintf(f->path, sizeof f->path, "/tmp/pgrehearse-log-XXXXXX");
    int fd = mkstemp(f->path);
    assert_true(fd >= 0);
    close(fd);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    unlink(f->path);
    rh_arena_free(f->arena);
    free(f);
    return 0;
}

/* Appends a line as the server writes it, AT_S after second 0. */
static void say(fixture *f, double at_s, int pid, const char *text)
{
    rh_usec wall = f->began + (rh_usec)(at_s * 1e6) + rh_clock_wall() - rh_clock_monotonic();
    time_t second = wall / RH_SECOND;
    struct tm tm;
    char stamp[32];
    strftime(stamp, sizeof stamp, "%Y-%m-%d %H:%M:%S", gmtime_r(&second, &tm));
    FILE *file = fopen(f->path, "a");
    fprintf(file, "%s.%03d UTC [%d] LOG:  %s\n", stamp, (int)(wall % RH_SECOND / 1000), pid, text);
    fclose(file);
}

static rh_wait *sampled(fixture *f, int pid, double at_s, double wait_s)
{
    rh_wait *wait = rh_arena_add(f->arena, &f->contention.waits, &f->contention.wait_count);
    *wait = (rh_wait){.waiter_pid = pid,
                      .at_s = at_s,
                      .wait_s = wait_s,
                      .locktype = "relation",
                      .relation = "public.orders",
                      .mode = RH_LOCK_ACCESS_SHARE,
                      .waiter = "SELECT $1",
                      .blocker = "migration 000007, statement 2"};
    return wait;
}

static rh_lock_log *merge(fixture *f, int64_t from)
{
    rh_lock_log_source source = {.path = f->path, .from = from, .began = f->began};
    rh_lock_log_merge(&source, f->arena, &f->contention);
    return &f->contention.log;
}

static void test_lines(void **state)
{
    fixture *f = *state;
    rh_logged_wait w;
    assert_true(
        rh_logged_wait_parse("2026-11-22 12:14:03.123 UTC [4711] LOG:  process 4711 still waiting for "
                             "ShareLock on transaction 789 after 1000.123 ms",
                             f->arena, &w));
    assert_int_equal(w.kind, RH_LOGGED_WAITING);
    assert_int_equal(w.pid, 4711);
    assert_int_equal(w.mode, RH_LOCK_SHARE);
    assert_string_equal(w.locktype, "transactionid");
    assert_int_equal(w.relation, 0);
    assert_float_equal(w.waited_ms, 1000.123, 1e-9);
    assert_int_equal(w.at, INT64_C(1795349643123000));
    assert_true(rh_logged_wait_parse(
        "2026-11-22 12:14:03.123 UTC [4] LOG:  process 4 acquired ExclusiveLock on tuple "
        "(0,17) of relation 16384 of database 5 after 1500.1 ms",
        f->arena, &w));
    assert_int_equal(w.kind, RH_LOGGED_ACQUIRED);
    assert_string_equal(w.locktype, "tuple");
    assert_int_equal(w.relation, 16384);
    assert_true(rh_logged_wait_parse(
        "2026-11-22 12:14:03.123 UTC [4] LOG:  process 4 detected deadlock while waiting "
        "for AccessExclusiveLock on relation 16390 of database 5 after 1000.0 ms",
        f->arena, &w));
    assert_int_equal(w.kind, RH_LOGGED_DEADLOCK);
    assert_int_equal(w.relation, 16390);
    assert_true(
        rh_logged_wait_parse("2026-11-22 12:14:03.123 UTC [4] LOG:  process 4 avoided deadlock for ShareLock "
                             "on relation 16390 of database 5 by rearranging queue order after 1000.0 ms",
                             f->arena, &w));
    assert_int_equal(w.kind, RH_LOGGED_REARRANGED);
    static const char *const others[] = {
        "",
        "2026-11-22 12:14:03.123 UTC [4] LOG:  checkpoint starting: time",
        "2026-11-22 12:14:03.123 UTC [4] LOG:  process 4 still waiting for ShareLock",
        "2026-11-22 12:14:03.123 UTC [4] LOG:  process 4 still waiting for ShareLock on transaction 7 after",
        "2026-11-22 12:14:03.123 UTC [4] LOG:  process x acquired ShareLock on transaction 7 after 3.0 ms",
        "2026-11-22 12:14:03.123 CET [4] LOG:  process 4 acquired ShareLock on transaction 7 after 3.0 ms",
        "process 4 acquired ShareLock on transaction 7 after 3.0 ms"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(rh_logged_wait_parse(others[i], f->arena, &w));
}

static void test_wait_in_log_and_samples(void **state)
{
    fixture *f = *state;
    sampled(f, 11, 10, 1.5012);
    say(f, 11, 11,
        "process 11 still waiting for AccessShareLock on relation 16384 of database 5 after 1000.1 ms");
    say(f, 11.5, 11, "process 11 acquired AccessShareLock on relation 16384 of database 5 after 1500.2 ms");
    const rh_lock_log *log = merge(f, 0);
    assert_true(log->read);
    assert_null(log->why_not);
    assert_int_equal(log->waits, 1);
    assert_int_equal(log->merged, 0);
    assert_float_equal(log->longest_difference_ms, 1.0, 1e-6);
    assert_int_equal(f->contention.wait_count, 1);
}

/* On a busy machine a backend is not scheduled between its wait and the stamp of its line. */
static void test_late_stamps(void **state)
{
    fixture *f = *state;
    sampled(f, 11, 10, 1.5);
    say(f, 10.55, 11,
        "process 11 still waiting for AccessShareLock on relation 16384 of database 5 after 200.1 ms");
    say(f, 11.9, 11, "process 11 acquired AccessShareLock on relation 16384 of database 5 after 1500.2 ms");
    const rh_lock_log *log = merge(f, 0);
    assert_int_equal(log->waits, 1);
    assert_int_equal(log->merged, 0);
    assert_int_equal(f->contention.wait_count, 1);
}

static void test_two_waits_of_a_session(void **state)
{
    fixture *f = *state;
    sampled(f, 11, 10, 0.5);
    say(f, 10.5, 11, "process 11 acquired AccessShareLock on relation 16384 of database 5 after 500.0 ms");
    say(f, 11.01, 11, "process 11 acquired AccessShareLock on relation 16384 of database 5 after 500.0 ms");
    const rh_lock_log *log = merge(f, 0);
    assert_int_equal(log->waits, 2);
    assert_int_equal(log->merged, 1);
}

static void test_wait_only_in_log(void **state)
{
    fixture *f = *state;
    sampled(f, 11, 9.96, 2.04);
    say(f, 3, 14, "process 14 still waiting for ShareLock on transaction 700 after 1000.0 ms");
    int64_t from = rh_lock_log_length(f->path); /* the pass before */
    say(f, 11, 12,
        "process 12 still waiting for AccessShareLock on relation 16384 of database 5 after 1000.0 ms");
    say(f, 12, 12, "process 12 acquired AccessShareLock on relation 16384 of database 5 after 2000.0 ms");
    say(f, 12, 11, "process 11 acquired AccessShareLock on relation 16384 of database 5 after 2000.0 ms");
    say(f, 12, 13, "process 13 still waiting for ShareLock on transaction 789 after 1000.5 ms");
    const rh_lock_log *log = merge(f, from);
    assert_int_equal(log->waits, 3);
    assert_int_equal(log->merged, 2);
    assert_int_equal(f->contention.wait_count, 3);
    assert_int_equal(f->contention.deepest_queue, 3);
    assert_true(f->contention.queue_count >= 4);
    const rh_wait *second = &f->contention.waits[1], *third = &f->contention.waits[2];
    assert_int_equal(second->waiter_pid, 12);
    assert_int_equal(second->source, RH_WAIT_SERVER_LOG);
    assert_float_equal(second->at_s, 10, 0.005);
    assert_float_equal(second->wait_s, 2, 1e-9);
    assert_string_equal(second->relation, "OID 16384");
    assert_string_equal(second->blocker, "an unknown session");
    assert_int_equal(second->chain_count, 0);
    assert_int_equal(third->waiter_pid, 13);
    assert_null(third->relation);
}

/* Samples call it its leader's. */
static void test_a_parallel_worker(void **state)
{
    fixture *f = *state;
    sampled(f, 11, 10.0004, 1.2);
    say(f, 11.2, 99, "process 99 acquired AccessShareLock on relation 16384 of database 5 after 1200.0 ms");
    assert_int_equal(merge(f, 0)->merged, 0);
}

static void test_nothing_in_common(void **state)
{
    fixture *f = *state;
    sampled(f, 11, 10, 1.2);
    say(f, 11.2, 11, "process 11 acquired ShareLock on relation 16384 of database 5 after 1200.0 ms");
    const rh_lock_log *log = merge(f, 0);
    assert_int_equal(log->merged, 1);
    assert_true(isnan(log->longest_difference_ms));
}

static rh_deadlock *circle(fixture *f, double at_s, int first, int second)
{
    rh_deadlock *deadlock = rh_arena_add(f->arena, &f->contention.deadlocks, &f->contention.deadlock_count);
    deadlock->at_s = at_s;
    const int pids[] = {first, second};
    for (int i = 0; i < 2; i++) {
        rh_deadlock_side *side = rh_arena_add(f->arena, &deadlock->sides, &deadlock->side_count);
        *side = (rh_deadlock_side){.pid = pids[i], .blocked_by_pid = pids[1 - i], .statement = "UPDATE a"};
    }
    return deadlock;
}

static void test_the_log_has_deadlocks(void **state)
{
    fixture *f = *state;
    circle(f, 5, 11, 12)->sides[0].is_victim = true;
    circle(f, 7, 13, 14); /* resolved by letting somebody overtake */
    say(f, 5.004, 12,
        "process 12 detected deadlock while waiting for ShareLock on transaction 789 after 1000.0 ms");
    say(f, 7.0, 13,
        "process 13 avoided deadlock for ShareLock on transaction 790 by rearranging queue order after "
        "1000.0 ms");
    say(f, 9, 15,
        "process 15 detected deadlock while waiting for ShareLock on transaction 791 after 10.0 ms");
    merge(f, 0);
    assert_int_equal(f->contention.deadlock_count, 2);
    const rh_deadlock *first = &f->contention.deadlocks[0], *unseen = &f->contention.deadlocks[1];
    assert_int_equal(first->side_count, 2);
    assert_false(first->sides[0].is_victim);
    assert_true(first->sides[1].is_victim);
    assert_float_equal(first->at_s, 5.004, 0.005);
    assert_int_equal(unseen->side_count, 1);
    assert_int_equal(unseen->sides[0].pid, 15);
    assert_true(unseen->sides[0].is_victim);
    assert_int_equal(unseen->sides[0].mode, RH_LOCK_SHARE);
}

/* The samples were further apart than a second. */
static void test_a_deadlock_between_rare_samples(void **state)
{
    fixture *f = *state;
    circle(f, 5, 11, 12)->migration = "000007";
    f->contention.shortest_sure_wait_ms = 4000;
    say(f, 7, 12,
        "process 12 detected deadlock while waiting for ShareLock on transaction 789 after 1000.0 ms");
    merge(f, 0);
    assert_int_equal(f->contention.deadlock_count, 1);
    assert_string_equal(f->contention.deadlocks[0].migration, "000007");
}

static void test_no_log(void **state)
{
    fixture *f = *state;
    rh_lock_log_source source = {.path = NULL, .why_not = "given server", .began = f->began};
    circle(f, 5, 11, 12);
    rh_lock_log_merge(&source, f->arena, &f->contention);
    assert_false(f->contention.log.read);
    assert_string_equal(f->contention.log.why_not, "given server");
    assert_int_equal(f->contention.deadlock_count, 1);
    source.path = "/nonexistent/server.log";
    rh_lock_log_merge(&source, f->arena, &f->contention);
    assert_false(f->contention.log.read);
    assert_non_null(f->contention.log.why_not);
    assert_int_equal(rh_lock_log_length(source.path), 0);
}

static void test_cancelled_statements(void **state)
{
    fixture *f = *state;
    sampled(f, 11, 1, 0.5);
    sampled(f, 11, 10, 0.05);
    circle(f, 20, 11, 12);
    rh_cancellation event = {.at_s = 10.051,
                             .pid = 11,
                             .who = "read orders",
                             .sqlstate = "55P03",
                             .message = "canceling statement due to lock timeout",
                             .migration = "000007",
                             .statement = 2};
    assert_true(rh_cancelled_add(&event, f->arena, &f->contention));
    event.at_s = 30;
    event.sqlstate = "57014";
    event.message = "canceling statement due to statement timeout";
    assert_true(rh_cancelled_add(&event, f->arena, &f->contention));
    event.message = "canceling statement due to user request";
    assert_false(rh_cancelled_add(&event, f->arena, &f->contention));
    event.at_s = 20.01;
    event.pid = 12;
    event.sqlstate = "40P01";
    event.message = "deadlock detected";
    assert_true(rh_cancelled_add(&event, f->arena, &f->contention));
    event.at_s = 40;
    assert_true(rh_cancelled_add(&event, f->arena, &f->contention));
    event.sqlstate = "55P03";
    event.message = "could not obtain lock on relation \"orders\"";
    assert_true(rh_cancelled_add(&event, f->arena, &f->contention));
    const rh_cancelled *c = f->contention.cancelled;
    assert_int_equal(f->contention.cancelled_count, 5);
    assert_string_equal(c[0].reason, "lock_timeout");
    assert_float_equal(c[0].wait_s, 0.05, 1e-9);
    assert_string_equal(c[0].relation, "public.orders");
    assert_string_equal(c[0].blocker, "migration 000007, statement 2");
    assert_string_equal(c[1].reason, "statement_timeout");
    assert_true(isnan(c[1].wait_s)); /* it waited for no lock */
    assert_null(c[1].relation);
    assert_string_equal(c[2].reason, "deadlock");
    assert_string_equal(c[4].reason, "nowait");
    assert_int_equal(f->contention.deadlock_count, 2); /* the second only its victim knows */
    assert_true(f->contention.deadlocks[0].sides[1].is_victim);
    assert_string_equal(f->contention.deadlocks[0].sides[1].name, "read orders");
    assert_string_equal(f->contention.deadlocks[0].migration, "000007");
    assert_int_equal(f->contention.deadlocks[1].side_count, 1);
}

int main(void)
{
#define WITH_LOG(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_LOG(test_lines),
        WITH_LOG(test_wait_in_log_and_samples),
        WITH_LOG(test_late_stamps),
        WITH_LOG(test_two_waits_of_a_session),
        WITH_LOG(test_wait_only_in_log),
        WITH_LOG(test_a_parallel_worker),
        WITH_LOG(test_nothing_in_common),
        WITH_LOG(test_the_log_has_deadlocks),
        WITH_LOG(test_a_deadlock_between_rare_samples),
        WITH_LOG(test_no_log),
        WITH_LOG(test_cancelled_statements),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
