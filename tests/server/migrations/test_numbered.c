/* golang-migrate and morph, whose files are named alike, by themselves and by the replay, where they are in
 * the PATH (`migrate`, `morph`): no package registry has them. Without them test_replay.c and the unit tests
 * hold the documented rules. */
#include "fidelity.h"

typedef struct tool {
    const char *framework, *program, *option, *history, *version, *mark;
} tool;

static const tool GOLANG_MIGRATE = {"golang-migrate",    "migrate", "-database",
                                    "schema_migrations", "version", ""};
static const tool MORPH = {"morph",         "morph",   "-dsn",
                           "db_migrations", "version", "-- morph:nontransactional\n"};

/* "%s" is the mark of a file without a transaction. */
static const set_file FILES[] = {
    {"000001_a.up.sql", "create table a (i int); create table b (i int); insert into a values (1);"},
    {"000001_a.down.sql", "drop table b; drop table a;"},
    {"000002_index.up.sql", "%screate index concurrently a_i on a (i);\n"},
    {"000002_index.down.sql", "%sdrop index concurrently a_i"},
    {"000003_function.up.sql",
     "create function f() returns int language plpgsql as $$ begin return 1; end $$;\r\n"
     "select f();\r\n"},
    {"000003_function.down.sql", "drop function f();"},
    {"000004_two.up.sql", "%screate table d (i int); create table e (i int);"},
    {"000004_two.down.sql", "%sdrop table d; drop table e;"},
    {"000005_own.up.sql",
     "%sbegin; create table g (i int); commit; create table h (i int); create table h2 (i int);"},
    {"000005_own.down.sql", "drop table g, h, h2;"},
    {"000006_path.up.sql", "create schema s; create table s.t (i int);"},
    {"000006_path.down.sql", "drop schema s cascade;"},
    {"000007_empty.up.sql", "-- nothing\n"},
    {"000007_empty.down.sql", "-- nothing\n"},
    {"000010_last.up.sql", "comment on table a is 'a; b'"},
    {"000010_last.down.sql", "comment on table a is null"},
};
enum { COUNT = sizeof FILES / sizeof *FILES };

static const char *command(fidelity *f, const tool *t, const char *program, const char *verb)
{
    return rh_arena_printf(f->arena, "%s -path . %s 'postgres://postgres@/real?host=%s&sslmode=disable' %s",
                           program, t->option, f->cluster->directory, verb);
}

static const char *marked(fidelity *f, const tool *t, const char *text)
{
    return strncmp(text, "%s", 2) == 0 ? rh_arena_printf(f->arena, "%s%s", t->mark, text + 2) : text;
}

static void run_set(const tool *t)
{
    fidelity *f = fidelity_begin(NULL, 0);
    const char *program = find_program(f->arena, t->program);
    if (!program) {
        fidelity_end(f);
        skip();
    }
    for (size_t i = 0; i < COUNT; i++)
        fidelity_write(f, FILES[i].name, marked(f, t, FILES[i].text));
    fidelity_plan(f, t->framework);
    fidelity_run(f, command(f, t, program, "up"), false);
    assert_true(fidelity_replay(f, RH_UP));
    fidelity_compare(f, t->history, t->version);
    fidelity_run(f, command(f, t, program, "down"), false);
    assert_true(fidelity_replay(f, RH_DOWN));
    fidelity_compare(f, t->history, t->version);
    fidelity_end(f);
}

/* Both end alike, and leave the same behind. */
static void run_failures(const tool *t)
{
    static const char *const texts[] = {
        "create table a (i int); select 1/0;",
        "%screate table a (i int); select 1/0;",
        "%sbegin; create table a (i int); commit; create table b (i int); select 1/0;",
        "%screate table a (i int); commit; create table b (i int); select 1/0;",
        "%sbegin; create table a (i int); select 1/0; commit;",
        "create table a (i int); create index concurrently on a (i);",
        "%screate table a (i int); selec 1;",
        "%ssavepoint x; create table a (i int);",
        "%screate table a (i int); rollback; create table b (i int);",
        "create table a (i int unique deferrable initially deferred); insert into a values (1), (1);",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        fidelity *f = fidelity_begin(NULL, 0);
        const char *program = find_program(f->arena, t->program);
        if (!program) {
            fidelity_end(f);
            skip();
        }
        fidelity_write(f, "1_a.up.sql", marked(f, t, texts[i]));
        f->scenario.migrations.framework = t == &MORPH ? RH_FRAMEWORK_MORPH : RH_FRAMEWORK_GOLANG_MIGRATE;
        fidelity_plan(f, t->framework);
        print_message("%s\n", texts[i]);
        assert_int_equal(fidelity_run(f, command(f, t, program, "up"), true), fidelity_replay(f, RH_UP));
        fidelity_compare(f, t->history, t->version);
        fidelity_end(f);
    }
}

static void test_golang_migrate(void **state)
{
    (void)state;
    run_set(&GOLANG_MIGRATE);
}

static void test_golang_migrate_failures(void **state)
{
    (void)state;
    run_failures(&GOLANG_MIGRATE);
}

static void test_morph(void **state)
{
    (void)state;
    run_set(&MORPH);
}

static void test_morph_failures(void **state)
{
    (void)state;
    run_failures(&MORPH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golang_migrate),
        cmocka_unit_test(test_golang_migrate_failures),
        cmocka_unit_test(test_morph),
        cmocka_unit_test(test_morph_failures),
    };
    return cmocka_run_group_tests(tests, fidelity_start, fidelity_stop);
}
