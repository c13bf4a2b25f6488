/* Postgrator itself against the replay. */
#include "fidelity.h"

static const set_file FILES[] = {
    {"001.do.a.sql", "create table a (i int);\ncreate table b (i int);\n"},
    {"001.undo.a.sql", "drop table a, b;"},
    {"002.do.index.sql", "create index concurrently a_i on a (i);"},
    {"002.undo.index.sql", "drop index concurrently a_i;"},
    {"3.do.function.sql",
     "create function f() returns int language plpgsql as $$\r\nbegin\r\n return 1;\r\nend $$;\r\n"
     "select f();"},
    {"3.undo.function.sql", "drop function f();"},
    {"4.do.own.sql", "begin; create table d (i int); commit; create table e (i int);"},
    {"4.undo.own.sql", "drop table d, e;"},
    {"5.do.commit.sql", "create table g (i int); commit; create table h (i int);"},
    {"5.undo.commit.sql", "drop table g; commit; drop table h;"},
    {"6.do.path.sql", "create schema s; set search_path = public, s; create table s.t (i int);"},
    {"6.undo.path.sql", "drop schema s cascade;"},
    {"7.do.sql", "-- nothing\n"},
    {"7.undo.sql", "-- nothing\n"},
    {"10.do.ten.sql", "create table public.m (i int);"},
    {"10.undo.ten.sql", "drop table public.m;"},
};
enum { COUNT = sizeof FILES / sizeof *FILES / 2 };

/* NULL when it is not installed. */
static const char *command(fidelity *f, const char *version)
{
    const char *tools = getenv("RH_TOOLS") ? getenv("RH_TOOLS") : RH_SOURCE_DIRECTORY "/.cache/tools";
    char *module = rh_arena_printf(f->arena, "%s/node_modules/postgrator", tools);
    if (!find_program(f->arena, "node") || !rh_directory_exists(module) ||
        system("node -e 'process.exit(parseInt(process.versions.node) < 20)'") != 0) { /* what it needs */
        print_message("%s is not installed\n", module);
        return NULL;
    }
    return rh_arena_printf(f->arena,
                           "node '%s/tests/server/migrations/postgrator_migrate.mjs' '%s' . %s real %s",
                           RH_SOURCE_DIRECTORY, tools, f->cluster->directory, version);
}

static void test_up_and_down(void **state)
{
    (void)state;
    fidelity *f = fidelity_begin(FILES, sizeof FILES / sizeof *FILES);
    const char *migrate = command(f, "");
    if (!migrate) {
        fidelity_end(f);
        skip();
    }
    fidelity_plan(f, "postgrator");
    assert_int_equal(f->plan.migration_count, COUNT);
    fidelity_run(f, migrate, false);
    assert_true(fidelity_replay(f, RH_UP));
    fidelity_compare(f, "schemaversion", "version");
    fidelity_run(f, command(f, "0"), false);
    assert_true(fidelity_replay(f, RH_DOWN));
    fidelity_compare(f, "schemaversion", "version");
    fidelity_end(f);
}

static void test_failures(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "create table a (i int); select 1/0;",
        "create table a (i int); commit; create table b (i int); select 1/0;",
        "create table a (i int); selekt;",
        "create table a (i int); create index concurrently on a (i);",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        set_file file = {"1.do.a.sql", texts[i]};
        fidelity *f = fidelity_begin(&file, 1);
        const char *migrate = command(f, "");
        if (!migrate) {
            fidelity_end(f);
            skip();
        }
        fidelity_plan(f, "postgrator");
        print_message("%s\n", texts[i]);
        assert_int_equal(fidelity_run(f, migrate, true), fidelity_replay(f, RH_UP));
        fidelity_compare(f, "schemaversion", "version");
        fidelity_end(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_up_and_down), cmocka_unit_test(test_failures)};
    return cmocka_run_group_tests(tests, fidelity_start, fidelity_stop);
}
