/* goose itself against the replay, where it is installed: no package registry has it, so test_histories.c
 * holds the documented rule. */
#include "fidelity.h"

static const set_file FILES[] = {
    {"00001_a.sql", "-- about\n\n-- +goose Up\n-- comment\ncreate table a (i int); create table b (i int);\n"
                    "insert into a values (1); -- done\n\n-- +goose Down\ndrop table b;\n  drop table a;\n"},
    {"00002_index.sql", "-- +goose no transaction\n-- +goose Up\ncreate index concurrently a_i on a (i);\n"
                        "create table c (i int); create table c2 (i int);\n"
                        "-- +goose Down\ndrop table c, c2;\ndrop index concurrently a_i;\n"},
    {"00003_function.sql",
     "-- +goose Up\r\n-- +goose StatementBegin\r\ncreate function f() returns int language "
     "plpgsql as $$\r\nbegin\r\n return 1;\r\nend $$;\r\n-- +goose StatementEnd\r\nselect f();"
     "\r\n-- +goose Down\r\ndrop function f();\r\n"},
    {"00004_own.sql", "-- +goose Up\ncreate table d (i int);\ncommit;\ncreate table e (i int);\n"
                      "-- +goose Down\ndrop table d, e;\n"},
    {"00005_begin.sql", "-- +goose Up\nbegin;\ncreate table g (i int);\n-- +goose Down\ndrop table g;\n"},
    {"6_string.sql", "-- +goose Up\ncreate table h (t text default 'a; b'); comment on table h is '-- c;';\n"
                     "-- +goose statementbegin\ncomment on column h.t is ';\n';\n-- +goose statementend\n"
                     "-- +goose Down\ndrop table h;\n"},
    {"20240101000000_path.sql", "-- +goose Up\ncreate schema s;\nset local search_path = public, s;\n"
                                "create table s.t (i int);\n-- +goose Down\ndrop schema s cascade;\n"},
    {"20240102000000_empty.sql", "-- +goose Up\n-- nothing\n-- +goose Down\n"},
};
enum { COUNT = sizeof FILES / sizeof *FILES };

static const char *command(fidelity *f, const char *program, const char *verb)
{
    return rh_arena_printf(f->arena,
                           "%s -dir . postgres 'host=%s user=postgres dbname=real sslmode=disable' %s",
                           program, f->cluster->directory, verb);
}

static void test_up_and_down(void **state)
{
    (void)state;
    fidelity *f = fidelity_begin(FILES, COUNT);
    const char *program = find_program(f->arena, "goose");
    if (!program) {
        fidelity_end(f);
        skip();
    }
    fidelity_plan(f, "goose");
    assert_int_equal(f->plan.migration_count, COUNT);
    fidelity_run(f, command(f, program, "up"), false);
    assert_true(fidelity_replay(f, RH_UP));
    fidelity_compare(f, "goose_db_version", "version_id");
    for (size_t i = 0; i < COUNT; i++)
        fidelity_run(f, command(f, program, "down"), false);
    assert_true(fidelity_replay(f, RH_DOWN));
    fidelity_compare(f, "goose_db_version", "version_id");
    fidelity_end(f);
}

/* Both end alike, and leave the same behind. */
static void test_failures(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "-- +goose Up\ncreate table a (i int);\nselect 1/0;\n",
        "-- +goose NO TRANSACTION\n-- +goose Up\ncreate table a (i int);\nselect 1/0;\n",
        "-- +goose NO TRANSACTION\n-- +goose Up\ncreate table a (i int); select 1/0;\n",
        "-- +goose Up\ncreate table a (i int);\ncommit;\ncreate table b (i int);\nselect 1/0;\n",
        "-- +goose Up\ncreate table a (i int);\ncreate index concurrently on a (i);\n",
        "-- +goose Up\ncreate table a (i int);\ncreate function h() returns int language sql as $$\nselect "
        "1;\n$$;\n",
        "-- +goose Up\ncreate table a (i int);\nset search_path = nowhere;\n",
        "-- +goose Up\ncreate table a (i int);\nrollback;\n",
        "-- +goose Up\nsavepoint x;\ncreate table a (i int);\nrollback to x;\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        set_file file = {"1_a.sql", texts[i]};
        fidelity *f = fidelity_begin(&file, 1);
        const char *program = find_program(f->arena, "goose");
        if (!program) {
            fidelity_end(f);
            skip();
        }
        fidelity_plan(f, "goose");
        print_message("%s", texts[i]);
        assert_int_equal(fidelity_run(f, command(f, program, "up"), true), fidelity_replay(f, RH_UP));
        fidelity_compare(f, "goose_db_version", "version_id");
        fidelity_end(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_up_and_down), cmocka_unit_test(test_failures)};
    return cmocka_run_group_tests(tests, fidelity_start, fidelity_stop);
}
