/* Sqitch itself, with its psql, against the replay. */
#include "fidelity.h"

static const set_file FILES[] = {
    {"sqitch.conf", "[core]\n\tengine = pg\n[user]\n\tname = A Tester\n\temail = tester@example.org\n"
                    "[deploy]\n\tverify = true\n[deploy \"variables\"]\n\towner = postgres\n"},
    {"sqitch.plan", "%syntax-version=1.0.0\n%project=shop # a note\n%uri=https://example.org/shop/\n\n"
                    "# what there is\n"
                    "schema 2024-01-01T00:00:00Z Ann Planner <ann@example.org> # The schema: first\\nof all\n"
                    "tables/a [schema] 2024-01-02T00:00:00Z Ann Planner <ann@example.org>\n"
                    "  + index [schema tables/a] 2024-01-03T00:00:00Z Bea <bea@example.org> # \xc3\xa9\n"
                    "function [tables/a !other:nothing] 2024-01-04T00:00:00Z Ann Planner <ann@example.org>#\n"
                    "@v1 2024-01-05T00:00:00Z Ann Planner <ann@example.org> # The first\n\n"
                    "include [schema@v1] 2024-01-06T00:00:00Z Ann Planner <ann@example.org>\n"
                    "function [function@v1] 2024-01-07T00:00:00Z Ann Planner <ann@example.org> # again\n"
                    "variables 2024-01-08T00:00:00Z Ann Planner <ann@example.org>\n"
                    "session [shop:variables] 2024-01-09T00:00:00Z Ann Planner <ann@example.org>\n"
                    "@v2 2024-01-10T00:00:00Z Ann Planner <ann@example.org>\n"
                    "plain 2024-01-11T00:00:00Z Ann Planner <ann@example.org>\n"},
    {"deploy/schema.sql", "-- Deploy shop:schema to pg\n\nBEGIN;\n\nCREATE SCHEMA s;\n\nCOMMIT;\n"},
    {"revert/schema.sql", "BEGIN;\nDROP SCHEMA s;\nCOMMIT;\n"},
    {"verify/schema.sql", "BEGIN;\nSELECT 1/count(*) FROM pg_namespace WHERE nspname = 's';\nROLLBACK;\n"},
    {"deploy/tables/a.sql", "BEGIN;\nCREATE TABLE s.a (i int);\nCREATE TABLE s.b (i int);\nCOMMIT;\n"},
    {"revert/tables/a.sql", "BEGIN;\nDROP TABLE s.a, s.b;\nCOMMIT;\n"},
    {"deploy/index.sql", "CREATE INDEX CONCURRENTLY a_i ON s.a (i);\nCREATE INDEX b_i ON s.b (i);\n"},
    {"revert/index.sql", "DROP INDEX CONCURRENTLY s.a_i;\nDROP INDEX s.b_i;\n"},
    {"deploy/function@v1.sql", "BEGIN;\nCREATE FUNCTION s.f() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n "
                               "RETURN 1; -- :owner\nEND $$;\n"
                               "COMMIT;\n"},
    {"revert/function@v1.sql", "DROP FUNCTION s.f();\n"},
    {"deploy/include.sql",
     "\\set ON_ERROR_STOP 1\n\\echo 'it''s here'\n\\i shared/one.sql\n\\ir ../shared/two.sql\n"
     "CREATE TABLE s.i3 (i int);\n"},
    {"shared/one.sql", "BEGIN;\nCREATE TABLE s.i1 (i int);\n"},
    {"shared/two.sql", "CREATE TABLE s.i2 (i int);\nCOMMIT;\n"},
    {"revert/include.sql", "DROP TABLE s.i1, s.i2, s.i3;\n"},
    {"deploy/function.sql", "CREATE OR REPLACE FUNCTION s.f() RETURNS int LANGUAGE sql AS 'SELECT 2';\n"},
    {"revert/function.sql", "CREATE OR REPLACE FUNCTION s.f() RETURNS int LANGUAGE sql AS 'SELECT 1';\n"},
    {"deploy/variables.sql",
     "\\set kind 'big' int\n\\set label 'a ' '''b'''\n\\unset none\n"
     "CREATE TABLE s.v (i :kind, t text DEFAULT :'label', o text DEFAULT :'owner', x int DEFAULT '1'::int);\n"
     "COMMENT ON TABLE s.v IS :'registry';\nSELECT ':owner', 1 \\g\n"},
    {"revert/variables.sql", "DROP TABLE s.v;\n"},
    {"deploy/session.sql", "SET search_path = s;\nCREATE TEMP TABLE t (i int);\nCREATE TABLE x (i int);\n"},
    {"revert/session.sql", "DROP TABLE s.x;\n"},
    {"deploy/plain.sql", "CREATE TABLE plain (i int)"},
    {"revert/plain.sql", "DROP TABLE public.plain;\n"},
};
enum { COUNT = sizeof FILES / sizeof *FILES };

static bool there_is_sqitch(fidelity *f)
{
    return find_program(f->arena, "sqitch") && system("perl -MDBD::Pg -e1 2>/dev/null") == 0;
}

static const char *command(fidelity *f, const char *verb)
{
    return rh_arena_printf(f->arena,
                           "PATH=%s:$PATH HOME=%s SQITCH_CONFIG=./sqitch.conf sqitch %s "
                           "'db:pg://postgres@/real?host=%s'",
                           f->cluster->bindir, f->folder, verb, f->cluster->directory);
}

static void test_deploy_and_revert(void **state)
{
    (void)state;
    fidelity *f = fidelity_begin(FILES, COUNT);
    if (!there_is_sqitch(f)) {
        fidelity_end(f);
        skip();
    }
    fidelity_plan(f, "sqitch");
    assert_int_equal(f->plan.migration_count, 9);
    fidelity_run(f, command(f, "deploy"), false);
    assert_true(fidelity_replay(f, RH_UP));
    fidelity_compare(f, "sqitch.changes", "change_id");
    fidelity_same(f, fidelity_transactions(f, "replayed", "sqitch.events", "change_id || event"),
                  fidelity_transactions(f, "real", "sqitch.events", "change_id || event"));
    fidelity_run(f, command(f, "revert -y"), false);
    assert_true(fidelity_replay(f, RH_DOWN));
    fidelity_compare(f, "sqitch.events", "change_id || event");
    fidelity_end(f);
}

/* What the registry says is deployed is what the replay takes for applied. */
static void test_pending(void **state)
{
    (void)state;
    fidelity *f = fidelity_begin(FILES, COUNT);
    if (!there_is_sqitch(f)) {
        fidelity_end(f);
        skip();
    }
    fidelity_run(f, command(f, "deploy --to include"), false);
    rh_pg *pg = fidelity_connect(f, "real");
    rh_rows history;
    rh_error error = {0};
    assert_true(rh_history_read(pg, "sqitch.changes", f->arena, &history, &error));
    rh_pg_close(pg);
    f->plan.framework_name = NULL;
    assert_true(rh_plan_make(&f->scenario, &history, f->arena, &f->plan, &error));
    for (size_t i = 0; i < f->plan.migration_count; i++)
        assert_int_equal(f->plan.migrations[i].pending, i > 4);
    fidelity_end(f);
}

/* Both end alike, and leave the same behind. */
static void test_failures(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "CREATE TABLE a (i int);\nSELECT 1/0;\n",
        "BEGIN;\nCREATE TABLE a (i int);\nSELECT 1/0;\nCOMMIT;\n",
        "BEGIN;\nCREATE INDEX CONCURRENTLY ON pg_class (oid);\n",
        "CREATE TABLE :missing (i int);\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        set_file files[] = {FILES[0],
                            {"sqitch.plan", "%project=x\n\na 2024-01-01T00:00:00Z A <a@example.org>\n"},
                            {"deploy/a.sql", texts[i]}};
        fidelity *f = fidelity_begin(files, 3);
        if (!there_is_sqitch(f)) {
            fidelity_end(f);
            skip();
        }
        fidelity_plan(f, "sqitch");
        print_message("%s", texts[i]);
        assert_int_equal(fidelity_run(f, command(f, "deploy"), true), fidelity_replay(f, RH_UP));
        fidelity_compare(f, "sqitch.events", "event");
        fidelity_end(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_deploy_and_revert),
                                       cmocka_unit_test(test_pending), cmocka_unit_test(test_failures)};
    return cmocka_run_group_tests(tests, fidelity_start, fidelity_stop);
}
