/* Prisma's own schema engine (see prisma_deploy.mjs) against the replay. */
#include "fidelity.h"

static const set_file FILES[] = {
    {"20240101000000_a/migration.sql", "create table a (i int);\ncreate table b (i int);\n"},
    {"20240102000000_index/migration.sql", "create index concurrently a_i on a (i);"},
    {"20240103000000_enum/migration.sql", "create type e as enum ('x');\r\ncreate table c (e e);\r\n"},
    {"20240104000000_function/migration.sql",
     "create function f() returns int language plpgsql as $$\nbegin\n return 1;\nend $$;\nselect f();"},
    {"20240105000000_own/migration.sql", "begin; create table d (i int); commit; create table e2 (i int);"},
    {"20240106000000_commit/migration.sql", "create table g (i int); commit; create table h (i int);"},
    {"20240107000000_path/migration.sql",
     "create schema s; set search_path = public, s; create table s.t (i int);"},
    {"20240108000000_comment/migration.sql", "-- This is an empty migration."},
    {"manual/migration.sql", "create table public.m (i int);"},
};

/* NULL when the engine is not installed. */
static const char *command(fidelity *f)
{
    const char *tools = getenv("RH_TOOLS") ? getenv("RH_TOOLS") : RH_SOURCE_DIRECTORY "/.cache/tools";
    char *wasm = rh_arena_printf(f->arena, "%s/node_modules/@prisma/schema-engine-wasm", tools);
    if (!find_program(f->arena, "node") || !rh_directory_exists(wasm)) {
        print_message("%s is not installed\n", wasm);
        return NULL;
    }
    return rh_arena_printf(f->arena, "node '%s/tests/server/migrations/prisma_deploy.mjs' '%s' . %s real",
                           RH_SOURCE_DIRECTORY, tools, f->cluster->directory);
}

static void test_deploy(void **state)
{
    (void)state;
    fidelity *f = fidelity_begin(FILES, sizeof FILES / sizeof *FILES);
    const char *deploy = command(f);
    if (!deploy) {
        fidelity_end(f);
        skip();
    }
    fidelity_plan(f, "prisma");
    fidelity_run(f, deploy, false);
    assert_true(fidelity_replay(f, RH_UP));
    fidelity_compare(f, "_prisma_migrations", "migration_name");
    fidelity_end(f);
}

/* Both end alike, and leave the same behind, but for the error's text that the tool keeps in its row. */
static void test_failures(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "create table a (i int); select 1/0; create table b (i int);",
        "create table a (i int); commit; create table b (i int); select 1/0;",
        "create table a (i int); create index concurrently on a (i);",
        "create table a (i int); selekt;",
        "savepoint x; create table a (i int);",
        "create schema s; set search_path = s; create table a (i int);",
        "begin; create table a (i int); select 1/0; commit;",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        set_file file = {"1_a/migration.sql", texts[i]};
        fidelity *f = fidelity_begin(&file, 1);
        const char *deploy = command(f);
        if (!deploy) {
            fidelity_end(f);
            skip();
        }
        fidelity_plan(f, "prisma");
        print_message("%s\n", texts[i]);
        assert_int_equal(fidelity_run(f, deploy, true), fidelity_replay(f, RH_UP));
        fidelity_execute(f, "real", "update _prisma_migrations set logs = null");
        fidelity_compare(f, "_prisma_migrations", "migration_name");
        fidelity_end(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_deploy), cmocka_unit_test(test_failures)};
    return cmocka_run_group_tests(tests, fidelity_start, fidelity_stop);
}
