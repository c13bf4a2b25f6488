/* Flyway itself against the replay, where a `flyway` is in the PATH: no package registry has it, so
 * test_histories.c holds the documented rule. It speaks TCP only: the cluster listens on the loopback. */
#include "fidelity.h"
#include <arpa/inet.h>

static const set_file FILES[] = {
    {"flyway.conf", "flyway.placeholders.who=some body\n"},
    {"V1__first_step.sql", "create table a (i int); create schema s; set search_path = s;\n"
                           "create table b (i int);\ninsert into b values (1);"},
    {"V1_1__placeholder.sql",
     "comment on table a is '${who} ${flyway:table} ${flyway:filename}'; -- ${WHO}\n"},
    {"V2__index.sql", "/* alone */ create unique index a_i on a (i);\n"},
    {"V2_1__discard.sql", "drop index\n concurrently a_i;\n"},
    {"V3__own.sql", "create table c (i int); commit; create table d (i int); create table e (i int);"},
    {"V4__each.sql", "create table f (i int); create table g (i int);\nbegin; create table h (i int);\n"
                     "create table h2 (i int); commit;"},
    {"V4__each.sql.conf", "executeInTransaction=false\n"},
    {"V009__role.sql", "grant create on schema public to pg_read_all_data;\nset role pg_read_all_data;\n"
                       "create table r (i int);"},
    {"deep/er/V10.0__sub_folder.sql",
     "\xef\xbb\xbf"
     "create function f1() returns int language plpgsql as $x$ begin return ';'; end $x$;\r\n"
     "create function f2() returns int language sql begin atomic select 1; "
     "end;\r\n"},
    {"V11.sql", "select 1"},
    {"R__b_view.sql", "create or replace view v as select '${who}'::text as who;"},
    {"R__b_a.sql", "create or replace view w as select 1 as i;"},
    {"R__bB.sql", "create or replace view x as select * from w;"},
};
enum { COUNT = sizeof FILES / sizeof *FILES };

static int port;

static int start(void **state)
{
    (void)state;
    char number[16], setting[32];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(fd, (struct sockaddr *)&address, length) ||
        getsockname(fd, (struct sockaddr *)&address, &length))
        return -1;
    close(fd);
    port = ntohs(address.sin_port);
    snprintf(number, sizeof number, "%d", port);
    snprintf(setting, sizeof setting, "port=%d", port);
    setenv("PGPORT", number, 1);
    const char *settings[] = {"listen_addresses=127.0.0.1", setting, NULL};
    cluster = test_cluster_start_with(settings);
    return cluster ? 0 : -1;
}

static const char *command(fidelity *f, const char *program)
{
    return rh_arena_printf(
        f->arena,
        "%s -url=jdbc:postgresql://127.0.0.1:%d/real -user=postgres -locations=filesystem:. "
        "migrate",
        program, port);
}

/* How long a script took is not compared. */
static void compare(fidelity *f)
{
    static const char history[] = "flyway_schema_history";
    fidelity_same(f, fidelity_transactions(f, "replayed", history, "installed_rank"),
                  fidelity_transactions(f, "real", history, "installed_rank"));
    fidelity_execute(f, "real", "update flyway_schema_history set execution_time = 0");
    fidelity_execute(f, "replayed", "update flyway_schema_history set execution_time = 0");
    fidelity_same(f, fidelity_dump(f, "replayed"), fidelity_dump(f, "real"));
}

/* Up both ways. SETTING: a line more for the first file, flyway.conf; NULL: none. */
static void run_set(const set_file *files, size_t count, const char *setting)
{
    fidelity *f = fidelity_begin(files, count);
    const char *program = find_program(f->arena, "flyway");
    if (!program) {
        fidelity_end(f);
        skip();
    }
    if (setting)
        fidelity_write(f, "flyway.conf", rh_arena_printf(f->arena, "%s%s", files[0].text, setting));
    fidelity_plan(f, "flyway");
    fidelity_run(f, command(f, program), false);
    assert_true(fidelity_replay(f, RH_UP));
    compare(f);
    fidelity_end(f);
}

static void test_up(void **state)
{
    (void)state;
    run_set(FILES, COUNT, "");
}

static void test_up_by_one_connection(void **state)
{
    (void)state;
    run_set(FILES, COUNT, "flyway.postgresql.transactional.lock=false\n");
}

static void test_group(void **state)
{
    (void)state;
    run_set(FILES, COUNT, "flyway.group=true\nflyway.mixed=true\n");
}

static void test_group_in_one(void **state)
{
    (void)state;
    static const set_file files[] = {
        {"flyway.conf", "flyway.group=true\n"},
        {"V1__a.sql", "create table a (i int);"},
        {"V2__b.sql", "create table b (i int); set search_path = nowhere;"},
        {"V3__c.sql", "create table public.c (i int);"},
        {"R__v.sql", "create view public.v as select 1 as i;"},
    };
    run_set(files, 5, NULL);
}

/* Both end alike, and leave the same behind. */
static void test_failures(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "-- the lock is the session's\ncreate table a (i int);\nselect 1/0;\n",
        "-- the lock is a transaction's\ncreate table a (i int);\nselect 1/0;\n",
        "create table a (i int);\nselect 1/0;\n",
        "create table a (i int);\ncommit;\ncreate table b (i int);\nselect 1/0;\n",
        "create table a (i int);\nreindex table concurrently a;\n",
        "begin;\ncreate table a (i int);\n",
        "create table a (i int);\nrollback;\ncreate table b (i int);\n",
        "savepoint x;\ncreate table a (i int);\nrollback to x;\ncreate table b (i int);\n",
        "create table a (i int unique deferrable initially deferred);\ninsert into a values (1), (1);\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const set_file files[] = {
            {"V1__a.sql", texts[i]},
            {"V1__a.sql.conf", i < 2 ? "executeInTransaction=false" : ""},
            {"flyway.conf", i == 0 ? "flyway.postgresql.transactional.lock=false" : ""}};
        fidelity *f = fidelity_begin(files, 3);
        const char *program = find_program(f->arena, "flyway");
        if (!program) {
            fidelity_end(f);
            skip();
        }
        fidelity_plan(f, "flyway");
        print_message("%s", texts[i]);
        assert_int_equal(fidelity_run(f, command(f, program), true), fidelity_replay(f, RH_UP));
        compare(f);
        fidelity_end(f);
    }
}

/* What the plan refuses the tool refuses too. */
static void test_refusals(void **state)
{
    (void)state;
    static const set_file sets[][3] = {
        {{"V1__a.sql", "create table a (i int);\nvacuum a;"}},
        {{"V1__a.sql", "select '${none}'"}},
        {{"V1__a.sql", "select 1"}, {"V01.0__b.sql", "select 1"}},
        {{"R__a_b.sql", "select 1"}, {"R__a b.sql", "select 1"}},
        {{"V1__a.sql", "select 1"}, {"V2__b.sql", "vacuum"}, {"flyway.conf", "flyway.group=true"}},
        {{"V1__a.sql", "reindex (verbose) schema s; select 1"}},
    };
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        size_t count = 0;
        while (count < 3 && sets[i][count].name)
            count++;
        fidelity *f = fidelity_begin(sets[i], count);
        const char *program = find_program(f->arena, "flyway");
        if (!program) {
            fidelity_end(f);
            skip();
        }
        rh_error error = {0};
        assert_false(rh_plan_make(&f->scenario, NULL, f->arena, &f->plan, &error));
        print_message("%s\n", error.message);
        rh_error_release(&error);
        assert_false(fidelity_run(f, command(f, program), true));
        fidelity_end(f);
    }
}

/* A second run over what a first one left, with the folder changed in between: both refuse, or both go on. */
static void test_second_run(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text; /* the change */
        bool refused;
    } changes[] = {
        {"V2__b.sql", "select 2; -- edited", true},
        {"V2__other.sql", "select 2", true}, /* beside V2__b: a version twice */
        {"V1.5__between.sql", "select 15", true},
        {"V3__c.sql", "create table c (i int)", false},
        {"R__view.sql", "create or replace view v as select 2 as i", false},
        {"flyway.conf", "flyway.placeholders.x=9", false},
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        static const set_file files[] = {
            {"V1__a.sql", "create table a (i int)"},
            {"V2__b.sql", "select 2"},
            {"R__view.sql", "create or replace view v as select ${x} as i"},
            {"flyway.conf", "flyway.placeholders.x=1"},
        };
        fidelity *f = fidelity_begin(files, 4);
        const char *program = find_program(f->arena, "flyway");
        rh_error error = {0};
        rh_rows history;
        if (!program) {
            fidelity_end(f);
            skip();
        }
        fidelity_plan(f, "flyway");
        fidelity_run(f, command(f, program), false);
        assert_true(fidelity_replay(f, RH_UP));
        fidelity_write(f, changes[i].name, changes[i].text);
        rh_pg *pg = fidelity_connect(f, "real");
        assert_true(rh_history_read(pg, "flyway_schema_history", f->arena, &history, &error));
        rh_pg_close(pg);
        f->plan.framework_name = NULL;
        const bool planned = rh_plan_make(&f->scenario, &history, f->arena, &f->plan, &error);
        print_message("%s: %s\n", changes[i].name, planned ? "goes on" : error.message);
        rh_error_release(&error);
        assert_int_equal(planned, !changes[i].refused);
        assert_int_equal(fidelity_run(f, command(f, program), true), planned);
        if (planned) {
            assert_true(fidelity_replay(f, RH_UP));
            compare(f);
        }
        fidelity_end(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_up),
        cmocka_unit_test(test_group),
        cmocka_unit_test(test_up_by_one_connection),
        cmocka_unit_test(test_group_in_one),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_second_run),
    };
    return cmocka_run_group_tests(tests, start, fidelity_stop);
}
