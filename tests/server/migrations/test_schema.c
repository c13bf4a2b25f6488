/* Every kind of change is seen, and none where there is none. */
#include "../cluster.h"
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/migrations/migrations.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static test_cluster *cluster;
static rh_pg *pg;

static void run(const char *sql)
{
    rh_error error = {0};
    if (!rh_pg_execute(pg, sql, &error))
        fail_msg("%s: %s", sql, error.message);
}

static rh_schema *look(void)
{
    rh_error error = {0};
    rh_schema *schema = rh_schema_read(pg, &error);
    if (!schema)
        fail_msg("%s", error.message);
    assert_int_equal(rh_pg_transaction_state(pg), 'I');
    return schema;
}

static const char *const BEGINNING =
    "drop schema if exists s cascade; create schema s; set search_path = s;"
    "create type color as enum ('red', 'green'); create domain small as int check (value < 10);"
    "create type pair as (a int, b text);"
    "create table t (id int primary key, a text default 'x', b int, gone int); alter table t drop gone;"
    "create table u (id int primary key, t int references t); create table p (id int) partition by range "
    "(id);"
    "create table p1 partition of p for values from (0) to (10);"
    "create sequence q; create view v as select id from t; create materialized view m as select id from t;"
    "create index i on t (a); create function f(x int) returns int language sql as 'select 1';"
    "create function trig() returns trigger language plpgsql as 'begin return new; end';"
    "create trigger g before insert on t for each row execute function trig();"
    "create statistics st on a, b from t; comment on table t is 'old'; grant select on t to public;";

/* SQL → an object that differs then, and how. */
static const char *const CHANGES[][3] = {
    {"alter table t add c int", "column s.t.c", "added"},
    {"alter table t drop b", "column s.t.b", "missing"},
    {"alter table t alter a set default 'y'", "column s.t.a", "changed"},
    {"alter table t alter a set not null", "column s.t.a", "changed"},
    {"alter table t alter a type varchar(5)", "column s.t.a", "changed"},
    {"alter table t alter a set storage external", "column s.t.a", "changed"},
    {"alter table t alter a set statistics 7", "column s.t.a", "changed"},
    {"alter table t alter a set (n_distinct = 5)", "column s.t.a", "changed"},
    {"alter table t rename b to c", "column s.t.c", "added"},
    {"alter table t drop a; alter table t add a text default 'x'", "order of the columns of table s.t", "moved"},
    {"alter table t drop a; alter table t add a text", "column s.t.a", "changed"},
    {"alter table t add constraint k check (b > 0) not valid", "constraint s.t.k", "added"},
    {"alter table u drop constraint u_t_fkey", "constraint s.u.u_t_fkey", "missing"},
    {"create index j on t (b)", "index s.j", "added"},
    {"drop index i; create index i on t (b)", "index s.i", "changed"},
    {"alter table t set (fillfactor = 50)", "table s.t", "changed"},
    {"alter table u set unlogged", "table s.u", "changed"},
    {"alter table t enable row level security", "table s.t", "changed"},
    {"create policy y on t using (id > 1)", "policy s.t.y", "added"},
    {"alter table p detach partition p1", "table s.p1", "changed"},
    {"alter type color add value 'blue'", "type s.color", "changed"},
    {"alter type pair add attribute c int", "column s.pair.c", "added"},
    {"alter domain small set default 3", "domain s.small", "changed"},
    {"alter domain small drop constraint small_check", "constraint s.small.small_check", "missing"},
    {"alter sequence q increment 5", "sequence s.q", "changed"},
    {"create or replace view v as select id from t where id > 0", "view s.v", "changed"},
    {"drop materialized view m", "materialized view s.m", "missing"},
    {"create or replace function f(x int) returns int language sql as 'select 2'", "function s.f(x integer)",
     "changed"},
    {"create function f(x text) returns int language sql as 'select 2'", "function s.f(x text)", "added"},
    {"alter table t disable trigger g", "trigger s.t.g", "changed"},
    {"create rule r as on insert to u do also select 1", "rule s.u.r", "added"},
    {"drop statistics st", "statistics s.st", "missing"},
    {"comment on table t is 'new'", "comment on table s.t", "changed"},
    {"comment on column t.a is 'new'", "comment on column a of table s.t", "added"},
    {"revoke select on t from public", "privileges on table s.t", "changed"},
    {"grant execute on function f to pg_monitor", "privileges on function s.f(x integer)", "changed"},
    {"alter table t owner to other", "owner of table s.t", "changed"},
    {"create extension pg_trgm schema s", "extension pg_trgm", "added"},
    {"create publication pub for table t", "publication pub", "added"},
    {"create event trigger e on ddl_command_end execute function public.s_event()", "event trigger e",
     "added"},
    {"alter default privileges in schema s grant select on tables to public",
     "default privileges of postgres in s for r", "added"},
    {"create schema z", "schema z", "added"},
    {"create role r1", "role r1", "added"},
};

static void clean(void)
{
    run("reset role; set client_min_messages = error; drop event trigger if exists e; drop publication if "
        "exists pub;"
        "drop extension if exists pg_trgm; drop schema if exists z; drop role if exists r1");
    run(BEGINNING);
}

static void test_changes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof CHANGES / sizeof *CHANGES; i++) {
        clean();
        rh_schema *before = look();
        run(CHANGES[i][0]);
        rh_schema *after = look();
        rh_arena *arena = rh_arena_new();
        rh_difference *differences;
        size_t count, found = 0;
        rh_schema_compare(before, after, arena, &differences, &count);
        for (size_t k = 0; k < count; k++)
            if (strcmp(differences[k].object, CHANGES[i][1]) == 0) {
                found++;
                assert_string_equal(differences[k].change, CHANGES[i][2]);
                if (strncmp(CHANGES[i][1], "comment", 7) == 0)
                    continue; /* its text is not shown */
                assert_true((differences[k].before == NULL) == (strcmp(CHANGES[i][2], "added") == 0));
                assert_true((differences[k].after == NULL) == (strcmp(CHANGES[i][2], "missing") == 0));
            }
        if (found != 1)
            fail_msg("%s: %zu differences, first %s, %zu of %s", CHANGES[i][0], count,
                     count ? differences[0].object : "none", found, CHANGES[i][1]);
        rh_arena_free(arena);
        rh_schema_free(before);
        rh_schema_free(after);
    }
}

/* There and back again, with what such a way leaves behind in the catalog but not in the schema. */
static void test_no_changes(void **state)
{
    (void)state;
    static const char *const ways[] = {
        "alter table t add c int; alter table t drop c",
        "grant insert on t to public; revoke insert on t from public",
        "grant execute on function f to pg_monitor; revoke execute on function f from pg_monitor",
        "select nextval('q'), nextval('q')",
        "insert into t values (1, 'x', 2); analyze t; delete from t",
        "create temp table tt (i int)",
        "create table x (i serial primary key); drop table x",
        "create extension pg_trgm schema s; drop extension pg_trgm",
        "alter table t alter b type bigint; alter table t alter b type int",
        /* as newer minor versions do it by themselves when a type is changed */
        "update pg_attribute set attoptions = '{pg_attver=7}' where attrelid = 't'::regclass",
        "vacuum full t",
        "set search_path = ''",
        "set role other",
    };
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        clean();
        run("grant usage on schema s to other");
        rh_schema *before = look();
        if (strncmp(ways[i], "vacuum", 6) == 0)
            run("commit");
        run(ways[i]);
        rh_schema *after = look();
        rh_arena *arena = rh_arena_new();
        rh_difference *differences;
        size_t count;
        rh_schema_compare(before, after, arena, &differences, &count);
        if (count > 0)
            fail_msg("%s: %s %s: %s → %s", ways[i], differences[0].object, differences[0].change,
                     differences[0].before ? differences[0].before : "-",
                     differences[0].after ? differences[0].after : "-");
        assert_true(rh_schema_object_count(after) > 50);
        rh_arena_free(arena);
        rh_schema_free(before);
        rh_schema_free(after);
    }
}

/* A long definition is shown from a little before its first difference. */
static void test_excerpt(void **state)
{
    (void)state;
    clean();
    run("do $$ begin execute format('create function long() returns void language plpgsql as %L', "
        "'begin ' || repeat('perform \"é\"(); ', 180) || 'perform old(); end'); end $$");
    rh_schema *before = look();
    run("do $$ begin execute format('create or replace function long() returns void language plpgsql as %L', "
        "'begin ' || repeat('perform \"é\"(); ', 180) || 'perform new(); end'); end $$");
    rh_schema *after = look();
    rh_arena *arena = rh_arena_new();
    rh_difference *differences;
    size_t count;
    rh_schema_compare(before, after, arena, &differences, &count);
    assert_int_equal(count, 1);
    assert_non_null(strstr(differences[0].before, "old"));
    assert_non_null(strstr(differences[0].after, "new"));
    assert_true(strlen(differences[0].before) < 700);
    rh_arena_free(arena);
    rh_schema_free(before);
    rh_schema_free(after);
}

/* SQL on the beginning → what is told of it, in all. */
static void test_order_and_literals(void **state)
{
    static const struct {
        const char *sql, *object, *before, *after;
    } cases[] = {
        /* what stands behind a column that has gone has not changed */
        {"alter table t drop a", "column s.t.a|index s.i|statistics s.st", NULL, NULL},
        {"alter table t drop a; alter table t add a text default 'x'; alter table t add c int",
         "column s.t.c|index s.i|order of the columns of table s.t|statistics s.st", NULL, NULL},
        /* no literal is shown, nor a text that somebody wrote */
        {"alter table t alter a set default 'secret'", "column s.t.a", "text default $1::text",
         "(the same but for a literal or a comment, which are not shown)"},
        {"alter table u add check (id <> 77)", "constraint s.u.u_id_check", NULL, "CHECK ((id <> $1))"},
        {"comment on table t is 'secret'", "comment on table s.t", NULL, NULL},
        {"create or replace function f(x int) returns int language sql as 'select 2 /* secret */ + x'",
         "function s.f(x integer)", NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        clean();
        rh_schema *before = look();
        run(cases[i].sql);
        rh_schema *after = look();
        rh_arena *arena = rh_arena_new();
        rh_difference *differences;
        size_t count;
        const char *objects = "";
        rh_schema_compare(before, after, arena, &differences, &count);
        for (size_t k = 0; k < count; k++) {
            objects = rh_arena_printf(arena, "%s%s%s", objects, k ? "|" : "", differences[k].object);
            assert_true(!differences[k].before || !strstr(differences[k].before, "secret"));
            assert_true(!differences[k].after || !strstr(differences[k].after, "secret"));
        }
        assert_string_equal(objects, cases[i].object);
        if (cases[i].before)
            assert_string_equal(differences[0].before, cases[i].before);
        if (cases[i].after)
            assert_string_equal(differences[0].after, cases[i].after);
        rh_arena_free(arena);
        rh_schema_free(before);
        rh_schema_free(after);
    }
}

static void test_lost(void **state)
{
    (void)state;
    rh_pg *doomed = rh_pg_connect(test_cluster_conninfo(cluster), "doomed", NULL);
    rh_pg_executef(pg, NULL, "select pg_terminate_backend(%d)", rh_pg_backend_pid(doomed));
    rh_error error = {0};
    assert_null(rh_schema_read(doomed, &error));
    assert_int_equal(error.code, RH_ERROR_LOST);
    rh_error_release(&error);
    rh_pg_close(doomed);
}

static int start(void **state)
{
    (void)state;
    cluster = test_cluster_start();
    pg = cluster ? rh_pg_connect(test_cluster_conninfo(cluster), "test", NULL) : NULL;
    if (!pg)
        return -1;
    run("create role other; set client_min_messages = error;"
        "create function s_event() returns event_trigger language plpgsql as 'begin end'");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    rh_pg_close(pg);
    test_cluster_stop(cluster);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changes), cmocka_unit_test(test_no_changes),
        cmocka_unit_test(test_excerpt), cmocka_unit_test(test_order_and_literals),
        cmocka_unit_test(test_lost),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
