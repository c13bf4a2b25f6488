/* Batches by each walk, and what is refused before a batch runs. */
#include "../cluster.h"
#include "backfill/census.h"
#include "backfill/inspect.h"
#include "backfill/states.h"
#include "backfill/worker.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
// clang-format off
#include <cmocka.h>
// clang-format on

static test_cluster *cluster;
static rh_pg *pg;
static rh_arena *arena;

static void run(const char *sql)
{
    rh_error error = {0};
    if (!rh_pg_execute(pg, sql, &error))
        fail_msg("%s: %s", sql, error.message);
}

static int64_t number(const char *sql)
{
    rh_error error = {0};
    int64_t value = -1;
    if (!rh_pg_query_int(pg, sql, &value, &error))
        fail_msg("%s: %s", sql, error.message);
    return value;
}

static const char TABLES[] =
    "drop schema if exists s cascade; create schema s; set search_path = s;"
    "create table t (id bigint primary key, a int, b int, note text);"
    "insert into t select i * 3, i, case when i % 4 = 0 then i * 2 end, repeat('x', 50) "
    "from generate_series(1, 10000) i; delete from t where id between 6000 and 15000;"
    "create table \"Odd t\" (tenant text, n int, v int, primary key (tenant, n));"
    "insert into \"Odd t\" select 'c' || i % 7, i, null from generate_series(1, 3000) i;"
    "create table loose (a int, b int unique, c int not null); insert into loose values (1, 2, 3);"
    "create view v as select * from t;"
    "create table parted (id int primary key, a int) partition by range (id);"
    "create table parted_1 partition of parted for values from (0) to (2000);"
    "create table parted_2 partition of parted for values from (2000) to (4000);"
    "create table parted_3 partition of parted for values from (4000) to (9000);"
    "insert into parted select i, i from generate_series(1, 6000) i;"
    "create table price (id int primary key, cents int); insert into price select i, i from generate_series(1, 5000) i;";

static int start(void **state)
{
    (void)state;
    rh_error error = {0};
    cluster = test_cluster_start();
    if (!cluster)
        return -1;
    pg = rh_pg_connect(cluster->conninfo, ": test", &error);
    return pg ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    rh_pg_close(pg);
    return 0;
}

static int fresh(void **state)
{
    (void)state;
    arena = rh_arena_new();
    run(TABLES);
    return 0;
}

static int done(void **state)
{
    (void)state;
    rh_arena_free(arena);
    return 0;
}

static rh_backfill declare(const char *table, const char *set, const char *condition)
{
    return (rh_backfill){.name = "b",
                         .table = table,
                         .set = set,
                         .condition = condition,
                         .lock_timeout = RH_SECOND / 10,
                         .where = {"s.yaml", 1, 1},
                         .table_where = {"s.yaml", 2, 1},
                         .set_where = {"s.yaml", 3, 1},
                         .condition_where = {"s.yaml", 4, 1},
                         .key_where = {"s.yaml", 5, 1}};
}

static rh_backfill_target inspect(const rh_backfill *b)
{
    rh_error error = {0};
    rh_backfill_target target;
    if (!rh_backfill_inspect(pg, b, arena, &target, &error))
        fail_msg("%s", error.message);
    return target;
}

/* The whole backfill in batches of ROWS; returns the batches that changed rows. */
static size_t run_whole(const rh_backfill *b, int64_t rows)
{
    rh_error error = {0};
    const rh_backfill_target target = inspect(b);
    const rh_backfill_statements sql = rh_backfill_statements_of(b, &target, arena);
    const char *conninfo = rh_arena_printf(arena, "%s options='-c search_path=s'", cluster->conninfo);
    const rh_backfill_worker_options options = {
        .conninfo = conninfo, .backfill = b, .statements = &sql, .count_wal = true};
    rh_backfill_worker *worker = rh_backfill_worker_open(&options, &error);
    rh_backfill_cursor cursor = {0};
    size_t count = 0;
    if (!worker || !rh_backfill_last_position(pg, b, &target, arena, &cursor.upper, &error))
        fail_msg("%s", error.message);
    while (!cursor.ended) {
        rh_backfill_batch batch = {0};
        if (!rh_backfill_worker_batch(worker, &cursor, rows, &batch, &error))
            fail_msg("%s", error.message);
        assert_true(batch.changed <= rows || b->walk == RH_WALK_CTID);
        assert_true(batch.changed == 0 || batch.wal_bytes > 0);
        count += batch.changed > 0;
        assert_true(count < 10000);
    }
    rh_backfill_cursor_release(&cursor);
    rh_backfill_worker_close(worker);
    return count;
}

static void refuses(const rh_backfill *b, int line, const char *message)
{
    rh_error error = {0};
    rh_backfill_target target;
    if (rh_backfill_inspect(pg, b, arena, &target, &error))
        fail_msg("accepted; should say \"%s\"", message);
    if (!strstr(error.message, message))
        fail_msg("\"%s\" does not say \"%s\"", error.message, message);
    assert_int_equal(error.code, RH_ERROR_SCENARIO);
    assert_int_equal(error.line, line);
    assert_int_equal(rh_pg_transaction_state(pg), 'I');
    rh_error_release(&error);
}

/* ---- walks ---- */

static void keyset_changes_each_row_once(void **state)
{
    (void)state;
    const rh_backfill b = declare("t", "b = a * 2", "b is null");
    const int64_t to_do = number("select count(*) from t where b is null");
    assert_int_equal(run_whole(&b, 500), (to_do + 499) / 500);
    assert_int_equal(number("select count(*) from t where b is distinct from a * 2"), 0);
}

static void range_skips_gaps(void **state)
{
    (void)state;
    rh_backfill b = declare("t", "b = a * 2", "b is null");
    b.walk = RH_WALK_RANGE;
    assert_true(run_whole(&b, 3000) <= 8); /* 21,000 of 30,000 values */
    assert_int_equal(number("select count(*) from t where b is distinct from a * 2"), 0);
}

static void ctid_reads_all_pages(void **state)
{
    (void)state;
    rh_backfill b = declare("t", "b = a * 2", "b is null");
    b.walk = RH_WALK_CTID;
    assert_true(run_whole(&b, 10) > 5);
    assert_int_equal(number("select count(*) from t where b is distinct from a * 2"), 0);
}

static void remaining_ends(void **state)
{
    (void)state;
    rh_backfill b = declare("t", "b = a * 2", "b is null");
    b.walk = RH_WALK_REMAINING;
    run_whole(&b, 700);
    assert_int_equal(number("select count(*) from t where b is distinct from a * 2"), 0);
}

static rh_backfill own(const char *sql, rh_backfill_own kind, const char *condition)
{
    rh_backfill b = declare("t", NULL, condition);
    b.sql = sql;
    b.own = kind;
    b.walk = kind == RH_OWN_LIMIT ? RH_WALK_REMAINING : RH_WALK_KEYSET;
    b.sql_where = (rh_location){"s.yaml", 6, 1};
    return b;
}

#define NEXT "(select id from t where id > :after and b is null order by id limit :limit)"

static void own_sql_goes_on_behind_its_last_key(void **state)
{
    (void)state;
    const rh_backfill b =
        own("update t set b = a * 2 where id in " NEXT " returning id", RH_OWN_AFTER, "b is null");
    const int64_t to_do = number("select count(*) from t where b is null");
    assert_int_equal(run_whole(&b, 500), (to_do + 499) / 500);
    assert_int_equal(number("select count(*) from t where b is distinct from a * 2"), 0);
}

static void own_sql_by_texts_and_uuids(void **state)
{
    (void)state;
    run("create table names (name text primary key, n int); insert into names select 'n' || i from "
        "generate_series(1, 900) i;"
        "create table ids (id uuid primary key, n int); insert into ids select gen_random_uuid() from "
        "generate_series(1, 900)");
    rh_backfill b =
        own("update names set n = 1 where name in (select name from names where name > :after order by "
            "name limit :limit) returning name",
            RH_OWN_AFTER, NULL);
    b.table = "names";
    assert_int_equal(run_whole(&b, 100), 9);
    assert_int_equal(number("select count(*) from names where n is null"), 0);
    b.table = "ids";
    b.sql =
        "update ids set n = 1 where id in (select id from ids where id > :after order by id limit :limit) "
        "returning id";
    assert_int_equal(run_whole(&b, 100), 9);
    assert_int_equal(number("select count(*) from ids where n is null"), 0);
}

static void own_sql_without_a_position(void **state)
{
    (void)state;
    const rh_backfill b =
        own("update t set b = a * 2 where id in (select id from t where b is null limit :limit)",
            RH_OWN_LIMIT, "b is null");
    run_whole(&b, 700);
    assert_int_equal(number("select count(*) from t where b is distinct from a * 2"), 0);
}

static void own_sql_with_a_limit_that_is_refused(void **state)
{
    (void)state;
    rh_backfill b = own("update t set b = a * 2 where id > :after and :limit > 0 returning id", RH_OWN_AFTER,
                        "b is null");
    refuses(&b, 6, "rows with a :limit of 100");
    b.sql =
        "update t set b = a * 2 where id in (select id from t where b is null and :after is not null order by id "
        "limit :limit) returning 5::bigint";
    refuses(&b, 6, "returned no key greater than :after");
    b.sql = "update t set b = a * 2 where id in " NEXT " and false returning id";
    refuses(&b, 6, "rows of s.t to do");
    b.sql = "update t set note = '' where id in " NEXT " returning id";
    refuses(&b, 4, "100 of 100 rows still match where after sql");
    b.sql = "update t set b = a * 2 where id in " NEXT " returning note";
    refuses(&b, 6, "cannot be matched");
    b.table = "price";
    b.condition = NULL;
    b.sql = "update t set b = a where id in " NEXT " returning id::int";
    refuses(&b, 6, "sql changes none of the 5000 rows of s.price to do");
    run("create table days (day time primary key)");
    b.table = "days";
    refuses(&b, 6, "no known value of type time without time zone");
}

static void composite_keys_and_quoted_names(void **state)
{
    (void)state;
    const rh_backfill b = declare("\"Odd t\"", "v = n + 1", NULL);
    assert_int_equal(run_whole(&b, 250), 12);
    assert_int_equal(number("select count(*) from \"Odd t\" where v is distinct from n + 1"), 0);
}

static void other_tables_are_joined(void **state)
{
    (void)state;
    rh_backfill b = declare("t", "b = p.cents", "b is null");
    b.from = "price p";
    b.join = "p.id = t.a";
    run_whole(&b, 500);
    assert_int_equal(number("select count(*) from t where a <= 5000 and a % 4 <> 0 and b is distinct from a"),
                     0);
    assert_int_equal(number("select count(*) from t where a > 5000 and a % 4 <> 0 and b is not null"), 0);
}

static void a_comment_ends_nothing(void **state)
{
    (void)state;
    const rh_backfill b = declare("t", "b = a * 2 -- twice", "b is null -- to do");
    run_whole(&b, 5000);
    assert_int_equal(number("select count(*) from t where b is distinct from a * 2"), 0);
}

/* Another session holds a row until the batch has failed for it once. */
static void a_locked_row_is_tried_again(void **state)
{
    (void)state;
    rh_error error = {0};
    const rh_backfill b = declare("t", "b = a * 2", "b is null");
    const rh_backfill_target target = inspect(&b);
    const rh_backfill_statements sql = rh_backfill_statements_of(&b, &target, arena);
    const rh_backfill_worker_options options = {
        .conninfo = cluster->conninfo, .backfill = &b, .statements = &sql};
    rh_backfill_worker *worker = rh_backfill_worker_open(&options, &error);
    rh_backfill_cursor cursor = {0};
    rh_backfill_batch batch = {0};
    assert_non_null(worker);
    assert_true(rh_backfill_last_position(pg, &b, &target, arena, &cursor.upper, &error));
    run("begin; select from t where id = 303 for update"); /* the 76th row to do */
    assert_true(rh_backfill_worker_batch(worker, &cursor, 1000, &batch, &error));
    assert_true(batch.retries > 0);
    assert_true(batch.changed > 0 && batch.changed <= 75); /* half of the rows each time: those before it */
    run("rollback");
    while (!cursor.ended)
        assert_true(rh_backfill_worker_batch(worker, &cursor, 1000, &batch, &error));
    assert_int_equal(number("select count(*) from t where b is distinct from a * 2"), 0);
    rh_backfill_cursor_release(&cursor);
    rh_backfill_worker_close(worker);
}

/* ---- census ---- */

static void strata_have_as_many_rows(void **state)
{
    (void)state;
    rh_error error = {0};
    const rh_backfill b = declare("t", "b = a * 2", "b is null");
    const rh_backfill_target target = inspect(&b);
    rh_backfill_census census;
    assert_true(rh_backfill_census_take(pg, &b, &target, arena, &census, &error));
    assert_int_equal(census.table_rows, number("select count(*) from t"));
    assert_int_equal(census.rows, number("select count(*) from t where b is null"));
    assert_int_equal(census.count, RH_BACKFILL_STRATA);
    int64_t sum = 0;
    for (size_t i = 0; i < census.count; i++) {
        sum += census.strata[i].rows;
        assert_true(census.strata[i].rows <= census.rows / RH_BACKFILL_STRATA + 1);
    }
    assert_int_equal(sum, census.rows);
    assert_int_equal(census.cursors[0].at.size, 0);
    assert_string_equal(census.cursors[1].at.values[0], census.cursors[0].upper.values[0]);
    rh_backfill_census_release(&census);
}

/* The census numbers the rows; a column of the key may be called "number", too. */
static void a_key_called_number(void **state)
{
    (void)state;
    rh_error error = {0};
    run("create table numbered (number int, k0 int, v int, primary key (number, k0));"
        "insert into numbered select i, i from generate_series(1, 1000) i");
    const rh_backfill b = declare("numbered", "v = 1", "v is null");
    const rh_backfill_target target = inspect(&b);
    rh_backfill_census census;
    if (!rh_backfill_census_take(pg, &b, &target, arena, &census, &error))
        fail_msg("%s", error.message);
    assert_int_equal(census.count, RH_BACKFILL_STRATA);
    rh_backfill_census_release(&census);
}

static void strata_of_pages_have_all_rows(void **state)
{
    (void)state;
    rh_error error = {0};
    rh_backfill b = declare("t", "b = a * 2", "b is null");
    b.walk = RH_WALK_CTID;
    const rh_backfill_target target = inspect(&b);
    rh_backfill_census census;
    int64_t sum = 0;
    assert_true(rh_backfill_census_take(pg, &b, &target, arena, &census, &error));
    for (size_t i = 0; i < census.count; i++)
        sum += census.strata[i].rows;
    assert_int_equal(sum, census.rows);
    rh_backfill_census_release(&census);
}

/* The parent has no pages; each partition has a page 0. */
static void pages_of_partitions_are_counted(void **state)
{
    (void)state;
    rh_error error = {0};
    rh_backfill_census census;
    rh_backfill_states states;
    run("analyze parted");
    const rh_backfill b = declare("parted", "a = 1", NULL);
    const rh_backfill_target target = inspect(&b);
    const int64_t bytes = number("select sum(pg_relation_size(relid)) from pg_partition_tree('parted')");
    assert_true(rh_backfill_census_take(pg, &b, &target, arena, &census, &error));
    assert_int_equal(census.rows, 6000);
    assert_int_equal(census.pages, bytes / 8192);
    assert_true(census.table_bytes >= bytes);
    assert_true(census.index_bytes > 0);
    assert_true(rh_states_read(pg, &b, &target, &census, arena, &states, &error));
    assert_in_range((int64_t)(6000 * states.pages.along + 0.5), census.pages - 1, census.pages + 1);
    assert_true(states.vacuum.on);
    rh_backfill_census_release(&census);
}

static void a_partition_without_autovacuum_is_not_vacuumed(void **state)
{
    (void)state;
    rh_error error = {0};
    rh_backfill_census census;
    rh_backfill_states states;
    run("alter table parted_2 set (autovacuum_enabled = off, autovacuum_vacuum_threshold = 7000)");
    const rh_backfill b = declare("parted", "a = 1", NULL);
    const rh_backfill_target target = inspect(&b);
    assert_true(rh_backfill_census_take(pg, &b, &target, arena, &census, &error));
    assert_true(rh_states_read(pg, &b, &target, &census, arena, &states, &error));
    assert_false(states.vacuum.on);
    assert_true(states.vacuum.threshold == 7000);
    rh_backfill_census_release(&census);
}

/* ---- refused ---- */

static void tables_and_keys(void **state)
{
    (void)state;
    static const char *b_column[] = {"b"}, *c_column[] = {"c"}, *none[] = {"nothing"};
    rh_backfill b = declare("nowhere", "a = 1", NULL);
    refuses(&b, 2, "does not exist");
    b = declare("parted", "a = 1", NULL);
    b.walk = RH_WALK_CTID;
    refuses(&b, 2, "walk: ctid needs a table that is not partitioned");
    b = declare("v", "a = 1", NULL);
    refuses(&b, 2, "is not a table, but a view");
    b = declare("loose", "a = 1", NULL);
    refuses(&b, 2, "has no primary key");
    b.key = b_column;
    b.key_count = 1;
    refuses(&b, 5, "may be null");
    b.key = c_column;
    refuses(&b, 5, "no unique index");
    b.key = none;
    refuses(&b, 5, "has no column");
    b = declare("\"Odd t\"", "v = 1", NULL);
    b.walk = RH_WALK_RANGE;
    refuses(&b, 2, "one integer column");
}

static void sql_of_the_scenario(void **state)
{
    (void)state;
    rh_backfill b = declare("t", "id = 1", NULL);
    refuses(&b, 3, "a column of the key");
    b = declare("t", "nothing = 1", NULL);
    refuses(&b, 3, "nothing");
    b = declare("t", "b = 1", "nothing is null");
    refuses(&b, 4, "nothing");
}

/* It changes rows, and finds none of these by what it should go by. */
static void own_sql_for_another_table(void **state)
{
    (void)state;
    rh_backfill b = declare("t", NULL, NULL);
    b.sql_where = (rh_location){.line = 6};
    b.sql = "UPDATE price SET cents = 1 WHERE id BETWEEN :from AND :to";
    refuses(&b, 6, "sql changes none of the first 100 rows of s.t");
    assert_int_equal(number("select count(*) from price where cents = 1"), 1);
    b.sql = "UPDATE t SET b = 1 WHERE id BETWEEN :from AND :to";
    inspect(&b);
}

static void rows_that_still_match(void **state)
{
    (void)state;
    rh_backfill b = declare("t", "b = null", "b is null");
    refuses(&b, 4, "rows still match where after set");
    assert_int_equal(number("select count(*) from t where b is null"),
                     number("select count(*) from t where a % 4 <> 0"));
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, fresh, done)
    const struct CMUnitTest tests[] = {
        EACH(keyset_changes_each_row_once),
        EACH(range_skips_gaps),
        EACH(ctid_reads_all_pages),
        EACH(remaining_ends),
        EACH(own_sql_goes_on_behind_its_last_key),
        EACH(own_sql_by_texts_and_uuids),
        EACH(own_sql_without_a_position),
        EACH(own_sql_with_a_limit_that_is_refused),
        EACH(composite_keys_and_quoted_names),
        EACH(other_tables_are_joined),
        EACH(a_comment_ends_nothing),
        EACH(a_locked_row_is_tried_again),
        EACH(strata_have_as_many_rows),
        EACH(a_key_called_number),
        EACH(strata_of_pages_have_all_rows),
        EACH(pages_of_partitions_are_counted),
        EACH(a_partition_without_autovacuum_is_not_vacuumed),
        EACH(tables_and_keys),
        EACH(sql_of_the_scenario),
        EACH(own_sql_for_another_table),
        EACH(rows_that_still_match),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
