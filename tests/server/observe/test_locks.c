/* The exact account of a session's own locks, and what it consumed. */
#include "server/cluster.h"
#include "pgrehearse/observe/counters.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static test_cluster *cluster;
static rh_pg *migration, *side;
static rh_arena *arena;

static int start(void **state)
{
    (void)state;
    cluster = test_cluster_start();
    if (!cluster)
        return -1;
    arena = rh_arena_new();
    migration = rh_pg_connect(test_cluster_conninfo(cluster), ": migration", NULL);
    side = rh_pg_connect(test_cluster_conninfo(cluster), ": observer", NULL);
    return migration && side ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    rh_pg_close(migration);
    rh_pg_close(side);
    rh_arena_free(arena);
    test_cluster_stop(cluster);
    return 0;
}

static void run(const char *sql)
{
    rh_error error = {0};
    if (!rh_pg_execute(migration, sql, &error))
        fail_msg("%s: %s", sql, error.message);
}

static int end_transaction(void **state)
{
    (void)state;
    return rh_pg_execute(migration, "ROLLBACK; DROP SCHEMA IF EXISTS shop CASCADE", NULL) ? 0 : -1;
}

static int make_tables(void **state)
{
    (void)state;
    run("CREATE SCHEMA shop; CREATE TABLE shop.orders (id bigint PRIMARY KEY, note text);"
        "CREATE TABLE shop.\"Line items\" (id bigint PRIMARY KEY, order_id bigint);"
        "CREATE INDEX note_index ON shop.orders (note); CREATE VIEW shop.recent AS SELECT * FROM "
        "shop.orders");
    return 0;
}

static size_t held(rh_lock **locks)
{
    rh_error error = {0};
    size_t count = 0;
    if (!rh_locks_held_with(migration, side, arena, locks, &count, &error))
        fail_msg("%s", error.message);
    return count;
}

static void assert_lock(const rh_lock *lock, const char *relation, rh_lock_mode mode, bool reads, bool writes)
{
    assert_string_equal(lock->relation, relation);
    assert_int_equal(lock->mode, mode);
    assert_int_equal(lock->blocks_reads, reads);
    assert_int_equal(lock->blocks_writes, writes);
    assert_true(isnan(lock->held_s));
}

static void test_rewrite_is_one_lock(void **state)
{
    (void)state;
    rh_lock *locks;
    run("BEGIN; ALTER TABLE shop.orders ADD COLUMN token uuid DEFAULT gen_random_uuid()");
    assert_int_equal(held(&locks), 1); /* neither the new heap, nor indexes and TOAST */
    assert_lock(&locks[0], "shop.orders", RH_LOCK_ACCESS_EXCLUSIVE, true, true);
}

static void test_index_build_blocks_writes_only(void **state)
{
    (void)state;
    rh_lock *locks;
    run("BEGIN; CREATE INDEX ON shop.orders (id, note)");
    assert_int_equal(held(&locks), 1);
    assert_lock(&locks[0], "shop.orders", RH_LOCK_SHARE, false, true);
}

static void test_reindexed_index_stands_beside_its_table(void **state)
{
    (void)state;
    rh_lock *locks;
    run("BEGIN; REINDEX INDEX shop.note_index");
    assert_int_equal(held(&locks), 2);
    assert_lock(&locks[0], "shop.note_index", RH_LOCK_ACCESS_EXCLUSIVE, true, true);
    assert_lock(&locks[1], "shop.orders", RH_LOCK_SHARE, false, true);
}

static void test_index_alone(void **state)
{
    (void)state;
    rh_lock *locks;
    run("BEGIN; ALTER INDEX shop.note_index RENAME TO other_index");
    assert_int_equal(held(&locks), 1);
    assert_lock(&locks[0], "shop.other_index", RH_LOCK_SHARE_UPDATE_EXCLUSIVE, false, false);
}

static void test_dropped_relations_keep_their_names(void **state)
{
    (void)state;
    rh_lock *locks;
    run("BEGIN; DROP TABLE shop.\"Line items\"");
    assert_int_equal(held(&locks), 1);
    assert_lock(&locks[0], "shop.\"Line items\"", RH_LOCK_ACCESS_EXCLUSIVE, true, true);
    size_t count;
    assert_true(rh_locks_held(migration, arena, &locks, &count, NULL));
    assert_true(count >= 1);
    assert_ptr_equal(strstr(locks[0].relation, "OID "), locks[0].relation);
}

static void test_new_table_blocks_no_session(void **state)
{
    (void)state;
    rh_lock *locks;
    run("BEGIN; CREATE TABLE shop.parcels (id bigint PRIMARY KEY, order_id bigint REFERENCES shop.orders);"
        "ALTER TABLE shop.parcels ADD COLUMN weight int; SAVEPOINT s; CREATE TABLE shop.carriers (id int);"
        "CREATE TEMP TABLE scratch (id int); LOCK TABLE scratch");
    size_t count = held(&locks);
    for (size_t i = 0; i < count; i++) {
        bool is_old = strcmp(locks[i].relation, "shop.orders") == 0;
        assert_int_equal(locks[i].blocks_writes, is_old);
        assert_false(locks[i].blocks_reads);
    }
    assert_int_equal(count, 4);
}

static void test_strongest_mode_of_several(void **state)
{
    (void)state;
    rh_lock *locks;
    run("BEGIN; SELECT * FROM shop.recent; UPDATE shop.orders SET note = ''; "
        "LOCK TABLE shop.orders IN SHARE ROW EXCLUSIVE MODE");
    assert_int_equal(held(&locks), 2);
    assert_lock(&locks[0], "shop.orders", RH_LOCK_SHARE_ROW_EXCLUSIVE, false, true);
    assert_lock(&locks[1], "shop.recent", RH_LOCK_ACCESS_SHARE, false, false);
}

static void test_nothing_held_outside_a_transaction(void **state)
{
    (void)state;
    rh_lock *locks;
    run("ALTER TABLE shop.orders ADD COLUMN more int");
    assert_int_equal(held(&locks), 0);
}

static void test_from_outside(void **state)
{
    (void)state;
    rh_lock *locks;
    size_t count;
    run("BEGIN; CREATE INDEX ON shop.orders (id, note); CREATE TABLE shop.parcels (id bigint)");
    assert_true(rh_locks_of_pid(side, rh_pg_backend_pid(migration), arena, &locks, &count, NULL));
    assert_int_equal(count, 1);
    assert_lock(&locks[0], "shop.orders", RH_LOCK_SHARE, false, true);
}

static void test_locks_of_a_lost_session(void **state)
{
    (void)state;
    rh_error error = {0};
    rh_lock *locks;
    size_t count;
    rh_pg *lost = rh_pg_connect(test_cluster_conninfo(cluster), ": migration", NULL);
    assert_true(rh_pg_executef(side, NULL, "SELECT pg_terminate_backend(%d, 5000)", rh_pg_backend_pid(lost)));
    assert_false(rh_locks_held(lost, arena, &locks, &count, &error));
    assert_int_equal(error.code, RH_ERROR_LOST);
    assert_non_null(strstr(error.message, "locks"));
    rh_error_release(&error);
    rh_pg_close(lost);
}

static void test_counters_of_a_known_statement(void **state)
{
    (void)state;
    rh_counters before, after;
    rh_statement_run consumed = {0};
    int pid = rh_pg_backend_pid(migration);
    rh_counters_read(side, pid, true, &before);
    run("INSERT INTO shop.orders SELECT i, repeat('x', 100) FROM generate_series(1, 20000) i");
    rh_counters_read(side, pid, true, &after);
    rh_counters_difference(&before, &after, &consumed);
    assert_true(consumed.cpu_user_s + consumed.cpu_system_s > 0.005);
    assert_true(consumed.wal_bytes > 20000 * 100);
    assert_true(consumed.wal_bytes < 20000 * 1000);
    assert_true(consumed.write_bytes >= 0);
    assert_int_equal(consumed.temp_bytes, RH_UNKNOWN); /* not published yet, so not told */
    assert_int_equal(consumed.shared_hit_blocks, RH_UNKNOWN);
}

static void test_published_counters(void **state)
{
    (void)state;
    rh_counters_access access = {.local = true};
    rh_counters before, after;
    rh_statement_run consumed = {0};
    rh_counters_read_idle(migration, side, &access, &before);
    run("SET work_mem = '64kB'; SELECT count(*) FROM (SELECT i FROM generate_series(1, 50000) i ORDER BY -i) "
        "s;"
        "RESET work_mem");
    rh_counters_read_idle(migration, side, &access, &after);
    rh_counters_difference(&before, &after, &consumed);
    if (rh_pg_server_version(migration) < 150000) {
        assert_int_equal(consumed.temp_bytes, RH_UNKNOWN);
        return;
    }
    assert_true(consumed.temp_bytes > 50000 * 4);
    run("BEGIN");
    rh_counters_read_idle(migration, side, &access, &after);
    assert_int_equal(after.temp_bytes, RH_UNKNOWN);
}

static void test_counters_of_another_machine(void **state)
{
    (void)state;
    rh_counters counters;
    rh_counters_read(side, rh_pg_backend_pid(migration), false, &counters);
    assert_true(isnan(counters.cpu_user_s));
    assert_true(isnan(counters.cpu_system_s));
    assert_int_equal(counters.read_bytes, RH_UNKNOWN);
    assert_true(counters.wal_bytes > 0);
}

int main(void)
{
#define WITH_TABLES(test) cmocka_unit_test_setup_teardown(test, make_tables, end_transaction)
    const struct CMUnitTest tests[] = {
        WITH_TABLES(test_rewrite_is_one_lock),
        WITH_TABLES(test_index_build_blocks_writes_only),
        WITH_TABLES(test_reindexed_index_stands_beside_its_table),
        WITH_TABLES(test_index_alone),
        WITH_TABLES(test_dropped_relations_keep_their_names),
        WITH_TABLES(test_new_table_blocks_no_session),
        WITH_TABLES(test_strongest_mode_of_several),
        WITH_TABLES(test_nothing_held_outside_a_transaction),
        WITH_TABLES(test_from_outside),
        cmocka_unit_test(test_locks_of_a_lost_session),
        WITH_TABLES(test_counters_of_a_known_statement),
        WITH_TABLES(test_published_counters),
        cmocka_unit_test(test_counters_of_another_machine),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
