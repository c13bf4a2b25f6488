/* The sampler against waits whose truth is known because the test made them. */
#include "sessions.h"
#include "pgrehearse/adapters/process.h"
#include "pgrehearse/observe/counters.h"

static rh_pg *looker; /* waits for what the test is about; in another database, where no lock is in its way */

/* gate(1) returns when nobody holds the advisory lock 1; no lock is waited for. */
static int start(void **state)
{
    (void)state;
    if (!start_cluster(NULL, "postgres"))
        return -1;
    rh_error error = {0};
    char elsewhere[200];
    snprintf(elsewhere, sizeof elsewhere, "host=%s user=postgres dbname=template1", cluster->directory);
    looker = rh_pg_connect(elsewhere, ": observer", &error);
    rh_pg *pg = connect_as(": setup");
    run(pg,
        "CREATE TABLE accounts (id int PRIMARY KEY, balance int); INSERT INTO accounts VALUES (1, 0), (2, 0);"
        "CREATE TABLE big AS SELECT i AS id FROM generate_series(1, 100) i;"
        "CREATE FUNCTION gate(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN "
        "WHILE $1 = 1 AND NOT pg_try_advisory_xact_lock_shared(1) LOOP PERFORM pg_sleep(0.005); END LOOP; "
        "RETURN $1; END $$");
    rh_pg_close(pg);
    return looker ? 0 : -1;
}

static int close_and_stop(void **state)
{
    rh_pg_close(looker);
    return stop(state);
}

/* The migration holds ACCESS EXCLUSIVE; three wait behind it. */
static void three_behind_one(bool without_waitstart, rh_contention *contention)
{
    rh_pg *migration = connect_as(": migration"), *observer = connect_as(": observer");
    rh_sampler *sampler = start_sampler(migration, without_waitstart);
    rh_sampler_statement(sampler, "000007", 2);
    run(migration, "BEGIN; ALTER TABLE accounts ADD COLUMN note text");
    client clients[3], watcher;
    begin(&clients[0], "SELECT balance FROM accounts WHERE id = 4711");
    begin(&clients[1], "UPDATE accounts SET balance = 5 WHERE id = 1");
    begin(&clients[2], "SELECT count(*) FROM accounts");
    begin_over(&watcher, observer, "SELECT count(*) FROM accounts");
    double held_s = await_held_s(looker, NULL, 4, 0);
    run(migration, "ROLLBACK");
    rh_sampler_statement(sampler, NULL, 0);
    for (int i = 0; i < 3; i++)
        end(&clients[i]);
    end(&watcher);
    rh_sampler_finish(sampler, arena, contention);
    assert_true(contention->measured);
    assert_null(contention->lost);
    assert_int_equal(contention->wait_count, 3); /* the tool's own sessions do not count */
    assert_int_equal(contention->deepest_queue, 3);
    for (int i = 0; i < 3; i++) {
        const rh_wait *wait = wait_of(contention, clients[i].pg);
        assert_waited(wait, held_s, clients[i].took_s, contention);
        assert_string_equal(wait->relation, "public.accounts");
        assert_int_equal(wait->blocker_pid, rh_pg_backend_pid(migration));
        assert_int_equal(wait->root_pid, rh_pg_backend_pid(migration));
        assert_string_equal(wait->blocker, "migration 000007, statement 2");
        assert_string_equal(wait->migration, "000007");
        assert_int_equal(wait->statement, 2);
        assert_true(wait->blocked_by_migration);
        assert_false(wait->waiter_is_migration);
        assert_int_equal(wait->exact_start, !without_waitstart);
        rh_pg_close(clients[i].pg);
    }
    assert_string_equal(contention->waits[0].locktype, "relation");
    rh_pg_close(migration);
    rh_pg_close(observer);
}

static void test_three_behind_the_migration(void **state)
{
    (void)state;
    rh_contention contention = {0};
    three_behind_one(false, &contention);
    assert_true(contention.waitstart_available);
    assert_true(contention.samples > 1);
    assert_true(contention.sampler_cpu_s > 0);
    assert_true(contention.shortest_sure_wait_ms > 0);
    for (size_t i = 0; i < contention.wait_count; i++)
        assert_null(strstr(contention.waits[i].waiter, "4711"));
}

static void test_before_waitstart(void **state)
{
    (void)state;
    rh_contention contention = {0};
    three_behind_one(true, &contention);
    assert_false(contention.waitstart_available);
}

/* The migration queues behind a reader, and a client behind the migration. The migration is cancelled, so
 * that it never holds the lock: the reader is the only root. */
static void test_chain_through_the_migration(void **state)
{
    (void)state;
    rh_pg *migration = connect_as(": migration"), *reader = connect_as(": load");
    rh_sampler *sampler = start_sampler(migration, false);
    run(reader, "BEGIN; SELECT count(*) FROM accounts WHERE balance <> 12345");
    client altering, victim;
    rh_sampler_statement(sampler, "000008", 1);
    begin_over(&altering, migration, "ALTER TABLE accounts ADD COLUMN extra int");
    await_waiters(looker, 1);
    begin(&victim, "SELECT count(*) FROM accounts");
    double held_s = await_held_s(looker, NULL, 2, 0);
    char cancel[60];
    snprintf(cancel, sizeof cancel, "SELECT pg_cancel_backend(%d)", rh_pg_backend_pid(migration));
    run(looker, cancel);
    end(&altering);
    rh_sampler_statement(sampler, NULL, 0);
    end(&victim);
    run(reader, "COMMIT");
    rh_contention contention = {0};
    rh_sampler_finish(sampler, arena, &contention);
    assert_int_equal(contention.wait_count, 2);
    const rh_wait *own = wait_of(&contention, migration), *behind = wait_of(&contention, victim.pg);
    assert_true(own->waiter_is_migration);
    assert_false(own->blocked_by_migration);
    assert_int_equal(own->mode, RH_LOCK_ACCESS_EXCLUSIVE);
    assert_int_equal(own->blocker_pid, rh_pg_backend_pid(reader));
    assert_non_null(strstr(own->blocker, "(idle in transaction)"));
    assert_null(strstr(own->blocker, "12345"));
    assert_waited(own, held_s, altering.took_s, &contention);
    assert_int_equal(behind->blocker_pid, rh_pg_backend_pid(migration));
    assert_int_equal(behind->root_pid, rh_pg_backend_pid(reader));
    assert_true(behind->blocked_by_migration);
    rh_pg_close(migration);
    rh_pg_close(reader);
    rh_pg_close(victim.pg);
}

static void test_row_waits_name_the_table(void **state)
{
    (void)state;
    rh_pg *migration = connect_as(": migration");
    rh_sampler *sampler = start_sampler(migration, false);
    rh_sampler_statement(sampler, "000009", 1);
    run(migration, "BEGIN; UPDATE accounts SET balance = 1");
    client victim;
    begin(&victim, "UPDATE accounts SET balance = 2 WHERE id = 2");
    await_held_s(looker, NULL, 1, 0);
    run(migration, "COMMIT");
    rh_sampler_statement(sampler, NULL, 0);
    end(&victim);
    rh_contention contention = {0};
    rh_sampler_finish(sampler, arena, &contention);
    const rh_wait *wait = wait_of(&contention, victim.pg);
    assert_string_equal(wait->locktype, "transactionid");
    assert_string_equal(wait->relation, "public.accounts");
    assert_int_equal(wait->mode, RH_LOCK_SHARE);
    rh_pg_close(migration);
    rh_pg_close(victim.pg);
}

/* Runs SQL, which calls gate(1), as STATEMENT of migration 000010 until it has been sampled; returns the
 * least time for which it held its locks. */
static double run_gated(rh_pg *migration, rh_sampler *sampler, int statement, const char *sql)
{
    client building;
    rh_pg *holder = connect_as(": load"); /* advisory locks are of one database */
    run(holder, "SELECT pg_advisory_lock(1)");
    rh_sampler_statement(sampler, "000010", statement);
    begin_over(&building, migration, sql);
    for (int64_t naps = 0; naps == 0; sleep_ms(5)) {
        rh_error error = {0};
        if (!rh_pg_query_int(looker, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'",
                             &naps, &error))
            fail_msg("%s", error.message);
    }
    await_look(looker, sampler);
    rh_usec from = rh_clock_monotonic();
    await_look(looker, sampler);
    double held_s = rh_seconds(rh_clock_monotonic() - from);
    await_look(looker, sampler);
    rh_pg_close(holder);
    end(&building);
    assert_true(building.ok);
    rh_sampler_statement(sampler, NULL, 0);
    return held_s;
}

static void test_autocommit_statement_from_outside(void **state)
{
    (void)state;
    rh_pg *migration = connect_as(": migration");
    rh_sampler *sampler = start_sampler(migration, false);
    double held_s = run_gated(migration, sampler, 1, "CREATE INDEX big_hash ON big (gate(id))");
    run_gated(migration, sampler, 2, "CREATE INDEX CONCURRENTLY big_id ON big (gate(id))");
    await_look(looker, NULL); /* the index is visible to everybody now, and yet it is nobody's business */
    rh_lock *locks;
    size_t held = rh_sampler_locks(sampler, "000010", 1, 0, arena, &locks);
    for (size_t i = 0; held != 1 && i < held; i++)
        print_message("%s %s %.3f s\n", locks[i].relation, rh_lock_mode_name(locks[i].mode), locks[i].held_s);
    assert_int_equal(held, 1);
    assert_string_equal(locks[0].relation, "public.big");
    assert_int_equal(locks[0].mode, RH_LOCK_SHARE);
    assert_true(locks[0].held_s >= held_s);
    assert_true(locks[0].blocks_writes);
    assert_true(!locks[0].blocks_reads);
    size_t count = rh_sampler_locks(sampler, "000010", 2, 0, arena, &locks);
    assert_true(count >= 1);
    for (size_t i = 0; i < count; i++)
        if (strcmp(locks[i].relation, "public.big") == 0) {
            assert_int_equal(locks[i].mode, RH_LOCK_SHARE_UPDATE_EXCLUSIVE);
            assert_false(locks[i].blocks_writes);
        } else {
            assert_false(locks[i].blocks_writes || locks[i].blocks_reads);
        }
    assert_int_equal(rh_sampler_locks(sampler, "000011", 1, 0, arena, &locks), 0);
    assert_true(rh_sampler_worker_cpu(sampler, "000010", 1) >= 0);
    rh_contention contention = {0};
    rh_sampler_finish(sampler, arena, &contention);
    assert_int_equal(contention.wait_count, 0);
    assert_int_equal(contention.queue_count, 0);
    rh_pg_close(migration);
}

static double phase_s(const rh_progress_phase *phases, size_t count, const char *part, double *cpu_s)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        if (strstr(phases[i].phase, part)) {
            sum += phases[i].elapsed_s;
            *cpu_s += phases[i].cpu_s;
        }
    return sum;
}

/* Phases of an index build and of VACUUM FULL add up to the statement, and their CPU to the backend's. */
static void test_phases_of_commands(void **state)
{
    (void)state;
    rh_pg *migration = connect_as(": migration");
    if (rh_pg_server_version(migration) < 140000) {
        rh_pg_close(migration);
        skip();
    }
    run(migration, "CREATE TABLE heap AS SELECT i, md5(i::text) AS hash FROM generate_series(1, 600000) i; "
                   "ANALYZE heap; SET max_parallel_maintenance_workers = 0");
    rh_sampler *sampler = start_sampler(migration, false);
    /* An expression makes the scan longer than the time up to the first sample. */
    const char *const statements[] = {"CREATE INDEX heap_hash ON heap (md5(md5(hash)))", "VACUUM FULL heap",
                                      "SELECT 1"};
    const char *const parts[][2] = {{"building index: scanning table", "building index"},
                                    {"seq scanning heap", "rebuilding index"}};
    rh_usec took[3];
    double cpu_s[3];
    for (int i = 0; i < 3; i++) {
        double before = rh_proc_cpu(rh_pg_backend_pid(migration));
        rh_usec began = rh_clock_monotonic();
        rh_sampler_statement(sampler, "000020", i + 1);
        run(migration, statements[i]);
        rh_sampler_statement(sampler, NULL, 0);
        took[i] = rh_clock_monotonic() - began;
        cpu_s[i] = rh_proc_cpu(rh_pg_backend_pid(migration)) - before;
    }
    await_look(looker, NULL);
    rh_progress_phase *phases[3];
    size_t counts[3];
    for (int i = 0; i < 3; i++)
        counts[i] = rh_sampler_phases(sampler, "000020", i + 1, arena, &phases[i]);
    rh_contention contention = {0};
    rh_sampler_finish(sampler, arena, &contention);
    for (int i = 0; i < 2; i++) {
        double all_cpu = 0, ignored = 0, tolerance = tolerance_s(&contention);
        double all = phase_s(phases[i], counts[i], "", &all_cpu);
        for (size_t k = 0; k < counts[i]; k++)
            print_message("%s: %s %.3f s, CPU %.3f s\n", phases[i][k].command, phases[i][k].phase,
                          phases[i][k].elapsed_s, phases[i][k].cpu_s);
        assert_true(fabs(all - rh_seconds(took[i])) < 0.1 * rh_seconds(took[i]) + tolerance);
        assert_true(fabs(all_cpu - cpu_s[i]) < 0.1 * cpu_s[i] + tolerance);
        for (int k = 0; k < 2; k++)
            assert_true(phase_s(phases[i], counts[i], parts[i][k], &ignored) > 0);
        assert_true(phases[i][0].wal_bytes >= 0);
        assert_true(phases[i][0].read_bytes >= 0);
    }
    assert_int_equal(counts[2], 0);
    rh_pg_close(migration);
}

static void test_lost_connection_is_reported(void **state)
{
    (void)state;
    rh_pg *migration = connect_as(": migration");
    rh_sampler *sampler = start_sampler(migration, false);
    rh_sampler_statement(sampler, "000012", 1);
    await_look(looker, NULL);
    run(migration, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                   "WHERE application_name = 'pgrehearse: sampler'");
    rh_contention contention = {0};
    rh_sampler_finish(sampler, arena, &contention);
    assert_false(contention.measured);
    assert_non_null(contention.lost);
    rh_pg_close(migration);
}

static void test_a_locked_catalog_does_not_hold_it_up(void **state)
{
    (void)state;
    rh_pg *migration = connect_as(": migration");
    rh_sampler *sampler = start_sampler(migration, false);
    run(migration, "BEGIN; LOCK TABLE pg_class IN ACCESS EXCLUSIVE MODE");
    rh_sampler_statement(sampler, "000013", 1);
    run(migration, "LOCK TABLE accounts IN ACCESS EXCLUSIVE MODE");
    for (int i = 0; i < 3; i++)
        await_look(looker, NULL);
    run(migration, "ROLLBACK");
    rh_sampler_statement(sampler, NULL, 0);
    rh_contention contention = {0};
    rh_sampler_finish(sampler, arena, &contention);
    assert_true(contention.measured);
    assert_true(contention.samples >= 3);
    rh_pg_close(migration);
}

static void test_no_server(void **state)
{
    (void)state;
    rh_error error = {0};
    rh_sampler_options options = {.conninfo = "host=/nonexistent dbname=postgres"};
    assert_null(rh_sampler_start(&options, &error));
    assert_int_equal(error.code, RH_ERROR_LOST);
    rh_error_release(&error);
    rh_sampler_finish(NULL, arena, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_three_behind_the_migration),
        cmocka_unit_test(test_before_waitstart),
        cmocka_unit_test(test_chain_through_the_migration),
        cmocka_unit_test(test_row_waits_name_the_table),
        cmocka_unit_test(test_autocommit_statement_from_outside),
        cmocka_unit_test(test_phases_of_commands),
        cmocka_unit_test(test_lost_connection_is_reported),
        cmocka_unit_test(test_a_locked_catalog_does_not_hold_it_up),
        cmocka_unit_test(test_no_server),
    };
    return cmocka_run_group_tests(tests, start, close_and_stop);
}
