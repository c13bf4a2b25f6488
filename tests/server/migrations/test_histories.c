/* The layouts whose own program is not to be had from the package registries: what the replay leaves, and in
 * which transactions, against the documented rule (see the header of each file in frameworks/). */
#include "fidelity.h"

/* Each change with the number of its transaction, then each row of the history with whether it was written in
 * the transaction of a change. */
static void expect(fidelity *f, const char *history, const char *version, const char *expected)
{
    const char *found = fidelity_transactions(f, "replayed", history, version);
    assert_string_equal(found, expected);
}

static void test_goose(void **state)
{
    (void)state;
    static const set_file files[] = {
        {"00001_a.sql",
         "-- +goose Up\ncreate table a (i int);\ncreate table b (i int);\n-- +goose Down\ndrop table b;\n"
         "drop table a;\n"},
        {"00002_index.sql",
         "-- +goose NO TRANSACTION\n-- +goose Up\ncreate index concurrently a_i on a (i);\n"
         "create table c (i int);\n-- +goose Down\ndrop table c;\ndrop index concurrently a_i;\n"},
        {"00003_function.sql",
         "-- +goose Up\n-- +goose StatementBegin\ncreate function f() returns int language "
         "plpgsql as $$\nbegin\n return 1;\nend $$;\n-- +goose StatementEnd\nselect f();\n"
         "-- +goose Down\ndrop function f();\n"},
        {"00004_own.sql", "-- +goose Up\ncreate table d (i int);\ncommit;\ncreate table e (i int);\n"
                          "-- +goose Down\ndrop table d, e;\n"},
        {"00005_cut.sql",
         "-- +goose Up\ncreate table g (i int);\ncreate function h() returns int language sql as "
         "$$\nselect 1;\n$$;\n"},
    };
    fidelity *f = fidelity_begin(files, 5);
    fidelity_plan(f, "goose");
    assert_false(fidelity_replay(f, RH_UP)); /* the last one is cut within the body */
    expect(
        f, "goose_db_version", "version_id",
        "1 CREATE SEQUENCE public.goose_db_version_id_seq\n"
        "1 CREATE TABLE public.goose_db_version\n1 CREATE INDEX public.goose_db_version_pkey\n"
        "1 ALTER SEQUENCE public.goose_db_version_id_seq\n2 CREATE TABLE public.a\n2 CREATE TABLE public.b\n"
        "3 CREATE INDEX public.a_i\n4 CREATE TABLE public.c\n5 CREATE FUNCTION public.f()\n"
        "6 CREATE TABLE public.d\n7 CREATE TABLE public.e\n"
        "0 t\n1 t\n2 f\n3 t\n4 f");
    fidelity_end(f);
}

static void test_diesel(void **state)
{
    (void)state;
    static const set_file files[] = {
        {"2024-01-01-000000_a/up.sql",
         "create table a (i int); create schema s; set search_path = s; create table b (i int);"},
        {"2024-01-01-000000_a/down.sql", "drop schema s cascade; drop table a;"},
        {"2024-01-02-000000_index/up.sql", "create index concurrently a_i on a (i);"},
        {"2024-01-02-000000_index/down.sql", "drop index a_i;"},
        {"2024-01-02-000000_index/metadata.toml", "run_in_transaction = false\n"},
        {"2024-01-03-000000_two/up.sql", "create table c (i int); commit; create table d (i int);"},
        {"2024-01-03-000000_two/down.sql", "drop table c, d;"},
    };
    fidelity *f = fidelity_begin(files, 7);
    fidelity_plan(f, "diesel");
    assert_true(fidelity_replay(f, RH_UP));
    expect(
        f, "__diesel_schema_migrations", "version",
        "1 CREATE TABLE public.__diesel_schema_migrations\n"
        "1 CREATE INDEX public.__diesel_schema_migrations_pkey\n2 CREATE TABLE public.a\n2 CREATE SCHEMA s\n"
        "2 CREATE TABLE s.b\n3 CREATE INDEX public.a_i\n4 CREATE TABLE public.c\n5 CREATE TABLE public.d\n"
        "20240101000000 t\n20240102000000 f\n20240103000000 f");
    assert_true(fidelity_replay(f, RH_DOWN));
    fidelity_execute(f, "replayed",
                     "do $$ begin assert (select count(*) from __diesel_schema_migrations) = 0;"
                     " assert to_regclass('a') is null; end $$");
    fidelity_end(f);
}

static void test_prisma(void **state)
{
    (void)state;
    static const set_file files[] = {
        {"1_a/migration.sql", "create table a (i int); create table b (i int);"},
        {"2_b/migration.sql", "create table c (i int); select 1/0;"},
    };
    fidelity *f = fidelity_begin(files, 2);
    fidelity_plan(f, "prisma");
    assert_false(fidelity_replay(f, RH_UP));
    expect(f, "_prisma_migrations",
           "format('%s %s %s', migration_name, finished_at is not null, applied_steps_count)",
           "1 CREATE TABLE public._prisma_migrations\n"
           "1 CREATE INDEX public._prisma_migrations_pkey\n2 CREATE TABLE public.a\n2 CREATE TABLE public.b\n"
           "1_a t 1 f\n2_b f 0 f");
    fidelity_execute(f, "replayed", "drop table _prisma_migrations");
    assert_false(fidelity_replay(f, RH_UP)); /* P3005 */
    fidelity_end(f);
}

/* With its lock in a transaction Flyway has two connections: the history's row is committed after the script,
 * and the row of a failure is lost. With a lock of the session all goes through one. */
static void flyway_leaves(const char *setting, const char *rows)
{
    const set_file files[] = {
        {"V1__first_step.sql",
         "create table a (i int); set search_path = nowhere; create table public.b (i int);"},
        {"V2__index.sql", "create index concurrently a_i on a (i);"},
        {"V3__own.sql", "create table c (i int); commit; create table d (i int); create table e (i int);"},
        {"R__view.sql", "create view v as select 1;"},
        {"V4__fails.sql", "create table x (i int); select 1/0;"},
        {"V4__fails.sql.conf", "executeInTransaction=false"},
        {"flyway.conf", setting},
    };
    fidelity *f = fidelity_begin(files, 7);
    fidelity_plan(f, "flyway");
    assert_false(fidelity_replay(f, RH_UP));
    const char *expected = rh_arena_printf(
        f->arena,
        "1 CREATE TABLE public.flyway_schema_history\n1 ALTER TABLE public.flyway_schema_history\n"
        "1 CREATE INDEX public.flyway_schema_history_s_idx\n"
        "2 CREATE TABLE public.a\n2 CREATE TABLE public.b\n3 CREATE INDEX public.a_i\n"
        "4 CREATE TABLE public.c\n5 CREATE TABLE public.d\n5 CREATE TABLE public.e\n6 CREATE TABLE "
        "public.x\n%s",
        rows);
    expect(f, "flyway_schema_history",
           "format('%s %s %s %s %s %s', installed_rank, version, description, type, checksum, success)",
           expected);
    fidelity_end(f);
}

static void test_flyway(void **state)
{
    (void)state;
    flyway_leaves("", "1 1 first step SQL -2092560613 t f\n2 2 index SQL 1559341889 t f\n"
                      "3 3 own SQL -1435943010 t f");
    flyway_leaves("flyway.postgresql.transactional.lock=false",
                  "1 1 first step SQL -2092560613 t t\n2 2 index SQL 1559341889 t f\n"
                  "3 3 own SQL -1435943010 t t\n4 4 fails SQL 557158497 f f");
}

/* What the journal does not list never runs; all that is pending is one transaction with its rows. */
static void test_drizzle(void **state)
{
    (void)state;
    static const set_file files[] = {
        {"meta/_journal.json",
         "{\"entries\": [{\"idx\": 0, \"when\": 10, \"tag\": \"0000_a\", \"breakpoints\": true},"
         " {\"idx\": 1, \"when\": 20, \"tag\": \"0001_b\", \"breakpoints\": true}]}"},
        {"0000_a.sql", "create table a (i int);--> statement-breakpoint\ncreate table b (i int);"},
        {"0001_b.sql", "create table c (i int);"},
        {"0002_c.sql", "create table never (i int);"},
    };
    fidelity *f = fidelity_begin(files, 4);
    fidelity_plan(f, "drizzle");
    assert_true(fidelity_replay(f, RH_UP));
    expect(
        f, "drizzle.__drizzle_migrations", "format('%s %s', left(hash, 8), created_at)",
        "1 CREATE SCHEMA drizzle\n2 CREATE SEQUENCE drizzle.__drizzle_migrations_id_seq\n"
        "2 CREATE TABLE drizzle.__drizzle_migrations\n2 CREATE INDEX drizzle.__drizzle_migrations_pkey\n"
        "2 ALTER SEQUENCE drizzle.__drizzle_migrations_id_seq\n3 CREATE TABLE public.a\n3 CREATE TABLE public.b\n"
        "3 CREATE TABLE public.c\n44226876 10 t\nd6bc0659 20 t");
    fidelity_end(f);
}

static void test_sqlx(void **state)
{
    (void)state;
    static const set_file files[] = {
        {"1_a_table.up.sql", "create table a (i int); create table b (i int);"},
        {"1_a_table.down.sql", "drop table a, b;"},
        {"2_index.sql", "-- no-transaction\ncreate index concurrently a_i on a (i);"},
    };
    fidelity *f = fidelity_begin(files, 3);
    f->scenario.migrations.framework = RH_FRAMEWORK_SQLX;
    fidelity_plan(f, "sqlx");
    assert_true(fidelity_replay(f, RH_UP));
    expect(
        f, "_sqlx_migrations",
        "format('%s %s %s %s', version, description, success, left(checksum::text, 10))",
        "1 CREATE TABLE public._sqlx_migrations\n1 CREATE INDEX public._sqlx_migrations_pkey\n"
        "2 CREATE TABLE public.a\n2 CREATE TABLE public.b\n3 CREATE INDEX public.a_i\n1 a table t \\x19bea58c t\n"
        "2 index t \\x12f05a74 f");
    fidelity_end(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_goose),  cmocka_unit_test(test_drizzle), cmocka_unit_test(test_sqlx),
        cmocka_unit_test(test_diesel), cmocka_unit_test(test_prisma),  cmocka_unit_test(test_flyway),
    };
    return cmocka_run_group_tests(tests, fidelity_start, fidelity_stop);
}
