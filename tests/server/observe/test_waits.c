/* What the account tells of chains, deadlocks, timeouts and CONCURRENTLY, against a real lock manager. */
#include "sessions.h"
#include "pgrehearse/observe/observe.h"

static rh_pg *watcher;
static char log_path[128];

static int start(void **state)
{
    (void)state;
    static const char *const settings[] = {"log_lock_waits=on",
                                           "log_line_prefix=%m [%p] ",
                                           "log_timezone=UTC",
                                           "deadlock_timeout=200ms",
                                           "log_error_verbosity=terse",
                                           "max_prepared_transactions=2",
                                           NULL};
    if (!start_cluster(settings, "shop"))
        return -1;
    snprintf(log_path, sizeof log_path, "%s/log", cluster->directory);
    watcher = connect_as(": observer");
    run(watcher,
        "CREATE TABLE a (id int PRIMARY KEY, n int); INSERT INTO a SELECT i, 0 FROM generate_series(1, 9) i;"
        "CREATE TABLE b (id int PRIMARY KEY, n int); INSERT INTO b SELECT i, 0 FROM generate_series(1, 9) i");
    return 0;
}

static int close_and_stop(void **state)
{
    rh_pg_close(watcher);
    return stop(state);
}

/* What the sampler saw, completed from the log from byte FROM on. */
static rh_contention finish_with_log(rh_sampler *sampler, int64_t from)
{
    rh_contention contention = {0};
    rh_sampler_finish(sampler, arena, &contention);
    assert_true(contention.measured);
    rh_lock_log_source source = {.path = log_path, .from = from, .began = sampler_began, .side = watcher};
    rh_lock_log_merge(&source, arena, &contention);
    assert_true(contention.log.read);
    assert_true(contention.log.threshold_ms == 200);
    return contention;
}

static void assert_link(const rh_wait_link *link, const rh_pg *pg, const char *relation, rh_lock_mode mode)
{
    assert_int_equal(link->pid, rh_pg_backend_pid(pg));
    if (mode) {
        assert_string_equal(link->relation, relation);
        assert_int_equal(link->mode, mode);
    } else {
        assert_null(link->locktype);
    }
}

/* A reader that idles, the migration behind it, an update behind that in another table's row, and a lock
 * behind that: every link is told, down to the root. */
static void test_chain_to_the_root(void **state)
{
    (void)state;
    rh_pg *reader = connect_as(": load"), *migration = connect_as(": migration");
    rh_sampler *sampler = start_sampler(migration, false);
    client altering, updating, locking;
    run(reader, "BEGIN; SELECT count(*) FROM a");
    run(migration, "BEGIN; UPDATE b SET n = 1 WHERE id = 1");
    rh_sampler_statement(sampler, "000020", 2);
    begin_over(&altering, migration, "ALTER TABLE a ADD COLUMN x int");
    await_waiters(watcher, 1);
    begin(&updating, "UPDATE b SET n = 2 WHERE id = 1");
    await_waiters(watcher, 2);
    begin(&locking, "BEGIN; LOCK TABLE b IN EXCLUSIVE MODE; COMMIT");
    await_waiters(watcher, 3);
    await_look(watcher, sampler);
    run(reader, "COMMIT");
    end(&altering);
    rh_sampler_statement(sampler, NULL, 0);
    run(migration, "ROLLBACK");
    end(&updating);
    end(&locking);
    rh_contention contention = {0};
    rh_sampler_finish(sampler, arena, &contention);
    const rh_wait *own = wait_of(&contention, migration), *third = NULL;
    assert_int_equal(own->chain_count, 1);
    assert_link(&own->chain[0], reader, NULL, RH_LOCK_NONE);
    third = wait_of(&contention, updating.pg);
    assert_string_equal(third->locktype, "transactionid");
    assert_string_equal(third->relation, "public.b");
    assert_int_equal(third->chain_count, 2);
    assert_true(third->chain[0].is_migration);
    assert_link(&third->chain[0], migration, "public.a", RH_LOCK_ACCESS_EXCLUSIVE);
    assert_link(&third->chain[1], reader, NULL, RH_LOCK_NONE);
    assert_true(third->chain[1].name);
    assert_true(strstr(third->chain[1].name, "(idle in transaction)"));
    assert_int_equal(third->root_pid, rh_pg_backend_pid(reader));
    assert_int_equal(contention.deadlock_count, 0);
    const client *all[] = {&updating, &locking};
    for (int i = 0; i < 2; i++)
        rh_pg_close(all[i]->pg);
    rh_pg_close(migration);
    rh_pg_close(reader);
}

/* One that only waits in the same queue is in the way too (a soft blocker), and one wait may have several. */
static void test_soft_and_several_blockers(void **state)
{
    (void)state;
    rh_pg *first = connect_as(": load"), *second = connect_as(": load"),
          *migration = connect_as(": migration");
    rh_sampler *sampler = start_sampler(migration, false);
    client altering, reading;
    run(first, "BEGIN; SELECT count(*) FROM a");
    run(second, "BEGIN; SELECT count(*) FROM a");
    rh_sampler_statement(sampler, "000021", 1);
    begin_over(&altering, migration, "ALTER TABLE a ADD COLUMN y int");
    await_waiters(watcher, 1);
    begin(&reading, "SELECT count(*) FROM a");
    double both_s = await_held_s(watcher, sampler, 2, 0);
    run(first, "COMMIT");
    sleep_ms(300 + 3 * (int)(both_s * 1e3)); /* longer than both of them */
    await_look(watcher, sampler);
    run(second, "COMMIT");
    end(&altering);
    end(&reading);
    rh_contention contention = {0};
    rh_sampler_finish(sampler, arena, &contention);
    const rh_wait *own = wait_of(&contention, migration), *behind = wait_of(&contention, reading.pg);
    assert_int_equal(own->blocker_pid, rh_pg_backend_pid(second)); /* it was in the way longer */
    assert_int_equal(behind->blocker_pid, rh_pg_backend_pid(migration));
    assert_int_equal(behind->root_pid, rh_pg_backend_pid(second));
    assert_int_equal(behind->chain_count, 2);
    assert_link(&behind->chain[0], migration, "public.a", RH_LOCK_ACCESS_EXCLUSIVE);
    rh_pg_close(reading.pg);
    rh_pg_close(migration);
    rh_pg_close(second);
    rh_pg_close(first);
}

static void test_deadlock(void **state)
{
    (void)state;
    int64_t from = rh_lock_log_length(log_path);
    rh_pg *migration = connect_as(": migration"), *other = connect_as(": load");
    rh_sampler *sampler = start_sampler(migration, false);
    client altering, updating;
    run(migration, "BEGIN; UPDATE a SET n = 1 WHERE id = 1");
    run(other, "BEGIN; UPDATE b SET n = 1 WHERE id = 4711 OR id = 1");
    rh_sampler_statement(sampler, "000022", 2);
    run(other, "SET deadlock_timeout = '3s'"); /* it finds the deadlock: time for a look on a busy machine */
    begin_over(&altering, migration, "ALTER TABLE b ADD COLUMN z int");
    await_waiters(watcher, 1);
    sleep_ms(300); /* the migration's own search is over */
    begin_over(&updating, other, "UPDATE a SET n = 4711 WHERE id = 1");
    end(&altering);
    run(migration, "ROLLBACK");
    end(&updating);
    run(other, "ROLLBACK");
    rh_contention contention = finish_with_log(sampler, from);
    assert_true(altering.ok != updating.ok);
    const rh_pg *victim = altering.ok ? other : migration;
    assert_int_equal(contention.deadlock_count, 1);
    const rh_deadlock *deadlock = contention.deadlocks;
    assert_int_equal(deadlock->side_count, 2);
    assert_string_equal(deadlock->migration, "000022");
    for (int i = 0; i < 2; i++) {
        const rh_deadlock_side *side = &deadlock->sides[i];
        assert_int_equal(side->is_victim, side->pid == rh_pg_backend_pid(victim));
        assert_int_equal(side->blocked_by_pid, deadlock->sides[1 - i].pid);
        assert_string_equal(side->relation, side->is_migration ? "public.b" : "public.a");
        assert_int_equal(side->mode, side->is_migration ? RH_LOCK_ACCESS_EXCLUSIVE : RH_LOCK_SHARE);
        assert_null(strstr(side->statement, "4711"));
        assert_non_null(strstr(side->statement, side->is_migration ? "ALTER TABLE b" : "UPDATE a"));
    }
    rh_pg_close(migration);
    rh_pg_close(other);
}

static void test_lock_timeout(void **state)
{
    (void)state;
    int64_t from = rh_lock_log_length(log_path);
    rh_pg *migration = connect_as(": migration"), *other = connect_as(": load");
    rh_sampler *sampler = start_sampler(migration, false);
    rh_sampler_statement(sampler, "000023", 1);
    run(migration, "BEGIN; LOCK TABLE a");
    run(other, "SET lock_timeout = '2s'");
    client reading;
    begin_over(&reading, other, "SELECT count(*) FROM a");
    end(&reading);
    assert_string_equal(reading.sqlstate, "55P03");
    await_look(watcher, sampler);
    run(migration, "ROLLBACK");
    rh_contention contention = finish_with_log(sampler, from);
    rh_cancellation event = {.at_s = rh_seconds(reading.ended - sampler_began),
                             .pid = rh_pg_backend_pid(other),
                             .who = "read a",
                             .sqlstate = reading.sqlstate,
                             .message = "canceling statement due to lock timeout"};
    assert_true(rh_cancelled_add(&event, arena, &contention));
    const rh_wait *wait = wait_of(&contention, other);
    assert_int_equal(contention.cancelled_count, 1);
    assert_string_equal(contention.cancelled->relation, "public.a");
    assert_int_equal(contention.cancelled->mode, RH_LOCK_ACCESS_SHARE);
    assert_true(contention.cancelled->wait_s == wait->wait_s);
    assert_waited(wait, 2, reading.took_s, &contention);
    rh_pg_close(migration);
    rh_pg_close(other);
}

/* Each of the three waits of CREATE INDEX CONCURRENTLY has its own transaction in the way, which leads to it.
 */
static void test_the_three_waits_of_concurrently(void **state)
{
    (void)state;
    static const char *const phases[] = {"waiting for writers before build",
                                         "waiting for writers before validation",
                                         "waiting for old snapshots"};
    rh_pg *migration = connect_as(": migration"), *writers[2], *snapshot = connect_as(": load");
    rh_sampler *sampler = start_sampler(migration, false);
    for (int i = 0; i < 2; i++)
        writers[i] = connect_as(": load");
    run(writers[0], "BEGIN; UPDATE a SET n = 5 WHERE id = 5");
    rh_sampler_statement(sampler, "000024", 1);
    client building;
    begin_over(&building, migration, "CREATE INDEX CONCURRENTLY a_n ON a (n)");
    await_held_s(watcher, sampler, 1, 80);
    run(writers[1], "BEGIN; UPDATE a SET n = 6 WHERE id = 6");
    run(writers[0], "COMMIT");
    rh_pg_close(writers[0]);
    await_held_s(watcher, sampler, 1, 80);
    run(snapshot, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM b");
    run(writers[1], "COMMIT");
    rh_pg_close(writers[1]);
    await_held_s(watcher, sampler, 1, 80);
    run(snapshot, "COMMIT");
    end(&building);
    assert_true(building.ok);
    rh_sampler_statement(sampler, NULL, 0);
    rh_contention contention = {0};
    rh_sampler_finish(sampler, arena, &contention);
    for (int phase = 0; phase < 3; phase++) {
        const rh_wait *wait = NULL;
        for (size_t i = 0; i < contention.wait_count; i++)
            if (contention.waits[i].concurrently &&
                strcmp(contention.waits[i].concurrently, phases[phase]) == 0)
                wait = &contention.waits[i];
        assert_non_null(wait);
        assert_true(wait->waiter_is_migration);
        assert_string_equal(wait->locktype, "virtualxid");
        assert_string_equal(wait->relation, "public.a");
        assert_true(wait->wait_s > 0.05);
        assert_int_equal(wait->chain_count, 1);
    }
    rh_pg_close(migration);
    rh_pg_close(snapshot);
}

/* The log saw a wait that no sample can have seen: it is merged and counted; what both saw is the same
 * length. */
static void test_the_log_is_merged(void **state)
{
    (void)state;
    int64_t from = rh_lock_log_length(log_path);
    rh_pg *migration = connect_as(": migration");
    client unseen, seen;
    run(migration, "BEGIN; LOCK TABLE b");
    begin(&unseen, "SELECT count(*) FROM b");
    await_waiters(watcher, 1);
    rh_usec waiting = rh_clock_monotonic();
    sleep_ms(400);
    double unseen_s = rh_seconds(rh_clock_monotonic() - waiting);
    run(migration, "COMMIT");
    end(&unseen);
    rh_sampler *sampler = start_sampler(migration, false);
    rh_sampler_statement(sampler, "000025", 1);
    run(migration, "BEGIN; LOCK TABLE b");
    begin(&seen, "SELECT count(*) FROM b");
    double seen_s = await_held_s(watcher, sampler, 1, 400);
    run(migration, "COMMIT");
    end(&seen);
    rh_sampler_statement(sampler, NULL, 0);
    await_look(watcher, sampler);
    rh_contention contention = finish_with_log(sampler, from);
    assert_int_equal(contention.log.waits, 2);
    assert_int_equal(contention.log.merged, 1);
    assert_int_equal(contention.wait_count, 2);
    const rh_wait *merged = wait_of(&contention, unseen.pg);
    assert_int_equal(merged->source, RH_WAIT_SERVER_LOG);
    assert_string_equal(merged->relation, "public.b");
    assert_int_equal(merged->mode, RH_LOCK_ACCESS_SHARE);
    assert_waited(merged, unseen_s, unseen.took_s, &contention);
    assert_true(merged->at_s < 0);
    const rh_wait *sampled = wait_of(&contention, seen.pg);
    assert_int_equal(sampled->source, RH_WAIT_SAMPLER);
    assert_waited(sampled, seen_s, seen.took_s, &contention);
    assert_true(contention.log.longest_difference_ms >= 0);
    rh_pg_close(migration);
    rh_pg_close(unseen.pg);
    rh_pg_close(seen.pg);
}

/* A load client that is killed while it waits, and a blocker that is killed: the rest of the account stands.
 */
static void test_killed_sessions(void **state)
{
    (void)state;
    rh_pg *migration = connect_as(": migration"), *blocker = connect_as(": load");
    rh_sampler *sampler = start_sampler(migration, false);
    client killed, waiting, altering;
    char sql[80];
    rh_sampler_statement(sampler, "000026", 1);
    run(migration, "BEGIN; LOCK TABLE a");
    begin(&killed, "SELECT count(*) FROM a");
    begin(&waiting, "SELECT count(*) FROM a");
    double killed_s = await_held_s(watcher, sampler, 2, 100);
    int killed_pid = rh_pg_backend_pid(killed.pg), blocker_pid = rh_pg_backend_pid(blocker);
    snprintf(sql, sizeof sql, "SELECT pg_terminate_backend(%d, 5000)", killed_pid);
    run(watcher, sql);
    end(&killed);
    double whole_s = killed_s + await_held_s(watcher, sampler, 1, 200);
    run(migration, "COMMIT");
    end(&waiting);
    rh_sampler_statement(sampler, "000026", 2);
    run(blocker, "BEGIN; SELECT count(*) FROM a");
    begin_over(&altering, migration, "ALTER TABLE a ADD COLUMN w int");
    double own_s = await_held_s(watcher, sampler, 1, 100);
    snprintf(sql, sizeof sql, "SELECT pg_terminate_backend(%d, 5000)", blocker_pid);
    run(watcher, sql);
    end(&altering);
    rh_sampler_statement(sampler, NULL, 0);
    await_look(watcher, sampler);
    rh_contention contention = {0};
    rh_sampler_finish(sampler, arena, &contention);
    assert_true(contention.measured);
    assert_int_equal(contention.wait_count, 3);
    const rh_wait *cut = wait_of_pid(&contention, killed_pid), *whole = wait_of(&contention, waiting.pg);
    assert_waited(cut, killed_s, killed.took_s, &contention);
    assert_waited(whole, whole_s, waiting.took_s, &contention);
    assert_int_equal(whole->blocker_pid, rh_pg_backend_pid(migration));
    const rh_wait *own = wait_of(&contention, migration);
    assert_int_equal(own->blocker_pid, blocker_pid);
    assert_waited(own, own_s, altering.took_s, &contention);
    assert_int_equal(contention.deadlock_count, 0);
    rh_pg_close(migration);
    rh_pg_close(blocker);
    rh_pg_close(killed.pg);
    rh_pg_close(waiting.pg);
}

/* Between two looks on the server, and in none of the client's samples: a wait that begins when the statement
 * has long been running, and another that a client asks for. */
static void test_a_wait_in_a_long_statement(void **state)
{
    (void)state;
    rh_pg *migration = connect_as(": migration"), *holder = connect_as(": load");
    rh_sampler *sampler = start_sampler(migration, false);
    client sleeping, waiting;
    rh_sampler_statement(sampler, "000027", 1);
    begin_over(&sleeping, migration, "SELECT pg_sleep(1.6)");
    sleep_ms(1200); /* by now the sampler itself looks twice a second */
    run(holder, "BEGIN; LOCK TABLE a");
    begin(&waiting, "SELECT count(*) FROM a");
    double waiting_s = await_held_s(watcher, NULL, 1, 0);
    run(holder, "COMMIT");
    end(&waiting);
    end(&sleeping);
    rh_sampler_statement(sampler, NULL, 0);
    sleep_ms(300); /* idle */
    client asked;
    run(holder, "BEGIN; LOCK TABLE b");
    begin(&asked, "SELECT count(*) FROM b");
    await_held_s(watcher, sampler, 1, 0);
    run(holder, "COMMIT");
    end(&asked);
    await_look(watcher, sampler);
    rh_contention contention = {0};
    rh_sampler_finish(sampler, arena, &contention);
    assert_true(contention.measured);
    const rh_wait *wait = wait_of(&contention, waiting.pg);
    assert_string_equal(wait->relation, "public.a");
    assert_int_equal(wait->blocker_pid, rh_pg_backend_pid(holder));
    assert_waited(wait, waiting_s, waiting.took_s, &contention);
    assert_string_equal(wait->migration, "000027");
    assert_string_equal(wait_of(&contention, asked.pg)->relation, "public.b");
    assert_true(contention.samples > 60); /* 50 looks a second, whoever takes them */
    assert_true(contention.shortest_sure_wait_ms >= 20);
    rh_pg_close(migration);
    rh_pg_close(holder);
    rh_pg_close(waiting.pg);
    rh_pg_close(asked.pg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chain_to_the_root),
        cmocka_unit_test(test_soft_and_several_blockers),
        cmocka_unit_test(test_deadlock),
        cmocka_unit_test(test_lock_timeout),
        cmocka_unit_test(test_the_three_waits_of_concurrently),
        cmocka_unit_test(test_the_log_is_merged),
        cmocka_unit_test(test_killed_sessions),
        cmocka_unit_test(test_a_wait_in_a_long_statement),
    };
    return cmocka_run_group_tests(tests, start, close_and_stop);
}
