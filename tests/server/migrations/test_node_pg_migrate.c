/* node-pg-migrate itself against the replay: all that is pending is one transaction. */
#include "fidelity.h"

static const set_file FILES[] = {
    {"1704067200001_a.sql", "-- Up Migration\ncreate table a (i int);\ncreate table b (i int);\n\n"
                            "-- Down Migration\ndrop table b;\ndrop table a;\n"},
    {"1704067200002_plain.sql",
     "-- up migration\ninsert into a values (1); create table c (i int)\n-- Down Migration\ndrop table c;"},
    {"1704067200003_turned.sql",
     "-- down migration\ndrop table d\n---- UP   migration ----\ncreate table d (i int);"},
    {"1704067200004_function.sql", "-- Up Migration\r\ncreate function f() returns int language plpgsql as "
                                   "$$\r\nbegin\r\n return 1;\r\nend $$;\r\n"
                                   "select f();\r\n-- Down Migration\r\ndrop function f();\r\n"},
    {"1704067200005_path.sql",
     "-- Up Migration\ncreate schema s; set search_path = public, s; create table s.t (i int);\n"
     "-- Down Migration\ndrop schema s cascade;"},
    {"1704067200006_enum.sql", "-- Up Migration\ncreate type e as enum ('x', '-- Down Migration');\n"
                               "-- Down Migration\ndrop type e;"},
    {"1704067200007_empty.sql", "-- Up Migration\n\n-- Down Migration\n"},
    {"1704067200008_last.sql",
     "-- Up Migration\nalter table a add j int;\n-- Down Migration\nalter table a drop j;"},
};
enum { COUNT = sizeof FILES / sizeof *FILES };

static const char *command(fidelity *f, const char *program, const char *verb)
{
    return rh_arena_printf(f->arena, "DATABASE_URL='postgres://postgres@/real?host=%s' %s %s -m .",
                           f->cluster->directory, program, verb);
}

static void test_up_and_down(void **state)
{
    (void)state;
    fidelity *f = fidelity_begin(FILES, COUNT);
    const char *program = find_program(f->arena, "node-pg-migrate");
    if (!program) {
        fidelity_end(f);
        skip();
    }
    fidelity_plan(f, "node-pg-migrate");
    assert_int_equal(f->plan.pending_count, 1);
    fidelity_run(f, command(f, program, "up"), false);
    assert_true(fidelity_replay(f, RH_UP));
    fidelity_compare(f, "pgmigrations", "name");
    fidelity_run(f, command(f, program, "down 8"), false);
    assert_true(fidelity_replay(f, RH_DOWN));
    fidelity_compare(f, "pgmigrations", "name");
    fidelity_end(f);
}

/* Both end alike, and leave the same behind. */
static void test_failures(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "create table b (i int); select 1/0;",
        "create index concurrently on a (i);",
        "selekt;",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        set_file files[] = {{"1_a.sql", "-- Up Migration\ncreate table a (i int);"}, {"2_b.sql", texts[i]}};
        fidelity *f = fidelity_begin(files, 2);
        const char *program = find_program(f->arena, "node-pg-migrate");
        if (!program) {
            fidelity_end(f);
            skip();
        }
        fidelity_plan(f, "node-pg-migrate");
        print_message("%s\n", texts[i]);
        assert_int_equal(fidelity_run(f, command(f, program, "up"), true), fidelity_replay(f, RH_UP));
        assert_non_null(strstr(f->failure->file, "2_b.sql"));
        /* The tool had drawn an id for the first row, and took it back with the rest. */
        fidelity_execute(f, "real", "alter sequence pgmigrations_id_seq restart");
        fidelity_execute(f, "replayed", "alter sequence pgmigrations_id_seq restart");
        fidelity_compare(f, "pgmigrations", "name");
        fidelity_end(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_up_and_down), cmocka_unit_test(test_failures)};
    return cmocka_run_group_tests(tests, fidelity_start, fidelity_stop);
}
