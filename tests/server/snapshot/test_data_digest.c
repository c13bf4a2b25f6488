/* Two looks at the rows: equal when nothing is lost, whatever its order; else what is lost, by column. */
#include "../cluster.h"
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/snapshot/snapshot.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static test_cluster *cluster;
static rh_pg *pg;
static rh_arena *arena;
static rh_data_options options;

static void run(const char *sql)
{
    rh_error error = {0};
    if (!rh_pg_execute(pg, sql, &error))
        fail_msg("%s: %s", sql, error.message);
}

static const char BEGINNING[] =
    "drop schema if exists s cascade; create schema s;"
    "create table s.t (id int primary key, note text, \"odd \"\"name\" numeric, j jsonb, f float8);"
    "insert into s.t select i, case when i % 2 = 0 then 'note ' || i end, i / 7.0, jsonb_build_object('a', "
    "i), "
    "i / 3.0 from generate_series(1, 1000) i;"
    "create table s.p (id int, v text) partition by range (id);"
    "create table s.p1 partition of s.p for values from (0) to (100);"
    "create table s.p2 partition of s.p for values from (100) to (200);"
    "insert into s.p select i, 'x' || i from generate_series(0, 199) i;"
    "create table s.none (); create table s.empty (a int); create table s.history (version int);"
    "create table s.parent (a int); create table s.child (b int) inherits (s.parent); insert into s.child "
    "values (1, 2);"
    "create sequence s.q; select nextval('s.q') from generate_series(1, 10); create sequence s.unused;";

static rh_data *look(void)
{
    rh_error error = {0};
    rh_data *data = rh_data_read(pg, &options, &error);
    if (!data)
        fail_msg("%s", error.message);
    assert_int_equal(rh_pg_transaction_state(pg), 'I');
    return data;
}

/* What CHANGE does to the data of BEGINNING. */
static rh_data_comparison after(const char *change)
{
    rh_error error = {0};
    rh_data_comparison comparison;
    run(BEGINNING);
    rh_data *before = look();
    run(change);
    rh_data *now = rh_data_read_again(pg, before, &error);
    if (!now)
        fail_msg("%s", error.message);
    rh_data_compare(before, now, arena, &comparison);
    rh_data_free(before);
    rh_data_free(now);
    assert_true(comparison.measured);
    return comparison;
}

static const rh_table_data *table(const rh_data_comparison *comparison, const char *name)
{
    for (size_t i = 0; i < comparison->table_count; i++)
        if (strcmp(comparison->tables[i].table, name) == 0)
            return &comparison->tables[i];
    fail_msg("%s is not told", name);
    return NULL;
}

static void nothing_lost(void **state)
{
    (void)state;
    static const char *const changes[] = {
        "select 1",
        "update s.t set note = note",
        "create table s.copy as table s.t; truncate s.t; insert into s.t select * from s.copy order by id "
        "desc",
        "alter table s.t add extra int default 5",
        "alter table s.t alter id type bigint",
        /* the same values in another order of columns */
        "create table s.new (f float8, j jsonb, note text, \"odd \"\"name\" numeric, id int);"
        "insert into s.new select f, j, note, \"odd \"\"name\", id from s.t; drop table s.t; alter table "
        "s.new "
        "rename to t",
        "insert into s.history values (1)",
        "alter table s.p detach partition s.p1; alter table s.p attach partition s.p1 for values from (0) to "
        "(100)",
        "select nextval('s.q'); select nextval('s.unused')",
        "alter database postgres set timezone = 'Asia/Tokyo'",
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        rh_data_comparison c = after(changes[i]);
        if (c.different || c.not_compared || c.counted_only || c.table_count || c.sequence_count)
            fail_msg("%s: something is told as lost", changes[i]);
        assert_int_equal(c.equal, 6); /* partitions are read through their table; the history is not */
    }
}

static void a_column_is_lost(void **state)
{
    (void)state;
    rh_data_comparison c = after("alter table s.t drop note; alter table s.t add note text");
    const rh_table_data *t = table(&c, "s.t");
    assert_int_equal(c.different, 1);
    assert_int_equal(t->equal, 0);
    assert_int_equal(t->rows_after, 1000);
    assert_int_equal(t->column_count, 1);
    assert_string_equal(t->columns[0].column, "note");
    assert_int_equal(t->columns[0].change, RH_CHANGE_EMPTIED);
    assert_int_equal(t->columns[0].values_before, 500);
    assert_int_equal(t->columns[0].values_lost, 500);

    c = after("alter table s.t drop \"odd \"\"name\"");
    t = table(&c, "s.t");
    assert_int_equal(t->column_count, 1);
    assert_string_equal(t->columns[0].column, "\"odd \"\"name\"");
    assert_int_equal(t->columns[0].change, RH_CHANGE_MISSING);
    assert_int_equal(t->columns[0].values_lost, 1000);
}

static void values_change(void **state)
{
    (void)state;
    rh_data_comparison c = after("update s.t set note = upper(note) where id = 500");
    const rh_table_data *t = table(&c, "s.t");
    assert_int_equal(t->column_count, 1);
    assert_int_equal(t->columns[0].change, RH_CHANGE_CHANGED);
    assert_int_equal(t->columns[0].values_lost, 0);

    /* a rounding, and nulls made of some values */
    c = after(
        "alter table s.t alter \"odd \"\"name\" type numeric(10, 2); update s.t set j = null where id < 11");
    t = table(&c, "s.t");
    assert_int_equal(t->column_count, 2);
    assert_int_equal(t->columns[1].values_lost, 10);

    /* the columns keep their values, but not in their rows */
    c = after("update s.t set note = (array['note 2', 'note 4'])[case id when 2 then 2 else 1 end] where id "
              "in (2, 4)");
    t = table(&c, "s.t");
    assert_int_equal(t->equal, 0);
    assert_int_equal(t->column_count, 0);
    c = after("update s.p set v = 'y' where id = 150");
    assert_int_equal(table(&c, "s.p")->equal, 0);
    c = after("update s.child set b = 3");
    assert_int_equal(c.different, 1);
    assert_int_equal(table(&c, "s.child")->equal, 0);
}

static void rows_and_tables_are_lost(void **state)
{
    (void)state;
    rh_data_comparison c = after("delete from s.t where id > 900; drop table s.p; drop table s.empty");
    assert_int_equal(c.different, 3);
    assert_int_equal(table(&c, "s.t")->rows_after, 900);
    assert_int_equal(table(&c, "s.t")->column_count, 0);
    assert_true(table(&c, "s.p")->missing);
    assert_int_equal(table(&c, "s.p")->rows_before, 200);
    assert_int_equal(table(&c, "s.p")->rows_after, -1);
    assert_true(table(&c, "s.empty")->missing);
    c = after("alter table s.p detach partition s.p2");
    assert_int_equal(table(&c, "s.p")->rows_after, 100);
    c = after("drop sequence s.q; create sequence s.q");
    assert_int_equal(c.sequence_count, 1);
    assert_string_equal(c.sequences[0].sequence, "s.q");
    assert_string_equal(c.sequences[0].before, "10");
    assert_null(c.sequences[0].after);
}

static void limits_are_reported(void **state)
{
    (void)state;
    static const char *const affected[] = {"s.t", "s.p2"};
    options.affected = affected;
    options.affected_count = 2;
    rh_data_comparison c = after("select 1"); /* what is affected is told even when it is equal */
    assert_int_equal(c.table_count, 2);
    assert_true(table(&c, "s.t")->affected);
    assert_true(table(&c, "s.p")->affected);
    options.everything_bytes = 1000;
    c = after("update s.child set b = 3; update s.t set note = 'x'");
    assert_int_equal(c.different, 1);
    assert_int_equal(c.not_compared, 4);
    assert_int_equal(table(&c, "s.child")->equal, -1);
    assert_non_null(strstr(table(&c, "s.child")->why, "did not lock it"));
    options.table_bytes = 10000;
    c = after("update s.t set note = 'x'");
    assert_int_equal(table(&c, "s.t")->depth, RH_DATA_COUNTED);
    assert_int_equal(table(&c, "s.t")->equal, 1);
    assert_non_null(table(&c, "s.t")->why);
    c = after("delete from s.t where id = 1");
    assert_int_equal(table(&c, "s.t")->equal, 0);
    c = after("alter table s.t drop note"); /* seen without reading, but not counted */
    assert_int_equal(table(&c, "s.t")->equal, 0);
    assert_int_equal(table(&c, "s.t")->columns[0].values_lost, -1);
    options.count_bytes = 10000;
    c = after("delete from s.t where id = 1");
    assert_int_equal(table(&c, "s.t")->equal, -1);
}

/* Each lock of a migration names its relation again: that must not count its bytes again. */
static void locks_do_not_multiply_sizes(void **state)
{
    (void)state;
    static const char *affected[200];
    for (size_t i = 0; i < 200; i++)
        affected[i] = "s.t";
    options.affected = affected;
    options.affected_count = 200;
    options.table_bytes = options.everything_bytes = 1 << 20;
    rh_data_comparison c = after("update s.t set note = 'x'");
    assert_int_equal(table(&c, "s.t")->depth, RH_DATA_DIGESTED);
    assert_int_equal(c.not_compared, 0);
}

static void unreadable_facts_are_reported(void **state)
{
    (void)state;
    run(BEGINNING);
    run("create role reader login; grant usage on schema s to reader; grant select on s.p, s.none to reader;"
        "alter table s.p enable row level security");
    const char *key = "user", *value = "reader";
    rh_error error = {0};
    char *conninfo = rh_pg_conninfo_with(test_cluster_conninfo(cluster), 1, &key, &value, &error);
    rh_pg_close(pg);
    pg = rh_pg_connect(conninfo, ": test", &error);
    free(conninfo);
    assert_non_null(pg);
    rh_data *before = look(), *now = rh_data_read_again(pg, before, &error);
    assert_non_null(now);
    rh_data_comparison c;
    rh_data_compare(before, now, arena, &c);
    assert_int_equal(c.equal, 1);
    assert_int_equal(c.not_compared, 5);
    assert_non_null(strstr(table(&c, "s.t")->why, "permission denied"));
    assert_non_null(strstr(table(&c, "s.p")->why, "row-level security"));
    rh_data_free(before);
    rh_data_free(now);
}

static void a_table_that_takes_too_long_is_counted(void **state)
{
    (void)state;
    run(BEGINNING);
    run("insert into s.t (id, note) select i, repeat('x', 2000) from generate_series(2000, 60000) i");
    options.table_timeout = 10 * 1000;
    rh_data *before = look();
    rh_error error = {0};
    rh_data *now = rh_data_read_again(pg, before, &error);
    assert_non_null(now);
    rh_data_comparison c;
    rh_data_compare(before, now, arena, &c);
    assert_int_equal(c.different, 0);
    assert_true(table(&c, "s.t")->depth != RH_DATA_DIGESTED);
    assert_non_null(strstr(table(&c, "s.t")->why, "longer"));
    rh_data_free(before);
    rh_data_free(now);
}

static int start(void **state)
{
    (void)state;
    options = RH_DATA_DEFAULTS;
    options.history_table = "history";
    arena = rh_arena_new();
    pg = rh_pg_connect(test_cluster_conninfo(cluster), ": test", NULL);
    return pg ? 0 : 1;
}

static int stop(void **state)
{
    (void)state;
    rh_pg_close(pg);
    rh_arena_free(arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_lost, start, stop),
        cmocka_unit_test_setup_teardown(a_column_is_lost, start, stop),
        cmocka_unit_test_setup_teardown(values_change, start, stop),
        cmocka_unit_test_setup_teardown(rows_and_tables_are_lost, start, stop),
        cmocka_unit_test_setup_teardown(limits_are_reported, start, stop),
        cmocka_unit_test_setup_teardown(locks_do_not_multiply_sizes, start, stop),
        cmocka_unit_test_setup_teardown(unreadable_facts_are_reported, start, stop),
        cmocka_unit_test_setup_teardown(a_table_that_takes_too_long_is_counted, start, stop),
    };
    cluster = test_cluster_start();
    if (!cluster)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_cluster_stop(cluster);
    return failed;
}
