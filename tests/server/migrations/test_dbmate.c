/* dbmate itself against the replay. */
#include "fidelity.h"

static const set_file FILES[] = {
    {"20240101000000_shops.sql",
     "-- shops\n\n-- migrate:up\ncreate table shops (id int primary key, name text);\n"
     "insert into shops values (1, 'é; -- migrate:down');\n\n"
     "-- migrate:down\ndrop table shops;\n"},
    {"20240102000000_index.sql", "-- migrate:up transaction:false\n"
                                 "create index concurrently shops_name on shops (name);\n"
                                 "-- migrate:down transaction:false\ndrop index concurrently shops_name;\n"},
    {"20240103000000_function.sql",
     "-- migrate:up\ncreate function f() returns int language plpgsql as $$\nbegin\n  return 1;\nend;\n$$;\n"
     "select f();\n--migrate:down\ndrop function f();"},
    {"20240104_two.sql", "-- migrate:up transaction:false\ncreate table a (i int); create table b (i int);\n"
                         "-- migrate:down\ndrop table a, b;\n"},
    {"5-crlf.sql",
     "-- migrate:up\r\ncreate table crlf (i int);\r\n-- migrate:down  foo:bar\r\ndrop table crlf;\r\n"},
    {"06_empty.sql", "-- migrate:up\n-- nothing\n-- migrate:down\n"},
    {"20240107000000_path.sql", "-- migrate:up\ncreate schema s;\nset local search_path = public, s;\n"
                                "create table s.t (i int);\n-- migrate:down\ndrop schema s cascade;\n"},
    {"20240108000000_own_begin.sql", "-- migrate:up\nbegin; create table own (i int);\n"
                                     "-- migrate:down\ndrop table own;\n"},
    {"ignored.sql", "select 1/0"},
    {"1_ignored.txt", "select 1/0"},
};
enum { GOOD = 8 };

static const char *command(fidelity *f, const char *program, const char *verb)
{
    return rh_arena_printf(
        f->arena, "%s -u 'postgres:///real?user=postgres&host=%s&sslmode=disable' -d . --no-dump-schema %s",
        program, f->cluster->directory, verb);
}

static void test_up_and_down(void **state)
{
    (void)state;
    fidelity *f = fidelity_begin(FILES, sizeof FILES / sizeof *FILES);
    const char *program = find_program(f->arena, "dbmate");
    if (!program) {
        fidelity_end(f);
        skip();
    }
    fidelity_plan(f, "dbmate");
    assert_int_equal(f->plan.migration_count, GOOD);
    fidelity_run(f, command(f, program, "migrate"), false);
    assert_true(fidelity_replay(f, RH_UP));
    fidelity_compare(f, "schema_migrations", "version");
    for (size_t i = 0; i < GOOD; i++)
        fidelity_run(f, command(f, program, "rollback"), false);
    assert_true(fidelity_replay(f, RH_DOWN));
    fidelity_compare(f, "schema_migrations", "version");
    fidelity_end(f);
}

/* Files that fail half-way, or end the tool's transaction: both leave the same behind. */
static void test_failures(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "-- migrate:up\ncreate table a (i int); select 1/0;\n-- migrate:down\n",
        "-- migrate:up transaction:false\ncreate table a (i int); select 1/0;\n-- migrate:down\n",
        "-- migrate:up\ncreate table a (i int); commit; create table b (i int); select 1/0;\n-- "
        "migrate:down\n",
        "-- migrate:up\ncreate table a (i int); commit; create table b (i int);\n-- migrate:down\n",
        "-- migrate:up\ncreate table a (i int); create index concurrently on a (i);\n-- migrate:down\n",
        "-- migrate:up\ncreate table a (i int); selekt;\n-- migrate:down\n",
        "-- migrate:up\nset search_path = nowhere; create table public.a (i int);\n-- migrate:down\n",
        "-- migrate:up\ncreate schema s; set search_path = s; create table a (i int);\n-- migrate:down\n",
        "-- migrate:up\nsavepoint x; create table a (i int); rollback to x;\n-- migrate:down\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        set_file file = {"1_a.sql", texts[i]};
        fidelity *f = fidelity_begin(&file, 1);
        const char *program = find_program(f->arena, "dbmate");
        if (!program) {
            fidelity_end(f);
            skip();
        }
        fidelity_plan(f, "dbmate");
        print_message("%s", texts[i]);
        assert_int_equal(fidelity_run(f, command(f, program, "migrate"), true), fidelity_replay(f, RH_UP));
        fidelity_compare(f, "schema_migrations", "version");
        fidelity_end(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_up_and_down), cmocka_unit_test(test_failures)};
    return cmocka_run_group_tests(tests, fidelity_start, fidelity_stop);
}
