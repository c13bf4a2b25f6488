/* Behind which statement of the definitions the rows of a CSV export are loaded. */
#include "backup/csv_export.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void expect(const char *definitions, int64_t statement)
{
    char path[] = "/tmp/rh-definitions-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, definitions, strlen(definitions)), strlen(definitions));
    close(fd);
    rh_csv_facts csv = {.definitions = path};
    rh_backup_facts facts = {.path = "/tmp", .shape = RH_SHAPE_CSV, .csv = &csv};
    rh_error error = {0};
    int64_t after = -1;
    if (!rh_csv_rows_after(&facts, &after, &error))
        fail_msg("%s", error.message);
    unlink(path);
    if (after != statement)
        fail_msg("[%s]: %d, not %d", definitions, (int)after, (int)statement);
}

static void behind_the_tables_of_a_dump(void **state)
{
    (void)state;
    expect(
        "SET client_encoding = 'UTF8';\nCREATE TABLE public.a (id int);\nCREATE SEQUENCE public.s;\n"
        "ALTER TABLE ONLY public.a ALTER COLUMN id SET DEFAULT nextval('public.s');\n"
        "ALTER TABLE ONLY public.a ADD CONSTRAINT a_pkey PRIMARY KEY (id);\nCREATE INDEX i ON public.a (id);\n"
        "CREATE TRIGGER t BEFORE INSERT ON public.a FOR EACH ROW EXECUTE FUNCTION f();\n"
        "ALTER TABLE public.a ENABLE ROW LEVEL SECURITY;\nALTER TABLE public.a OWNER TO b;\n"
        "ALTER TABLE ONLY public.a REPLICA IDENTITY FULL;\nGRANT SELECT ON TABLE public.a TO b;\n",
        4);
    expect("CREATE TABLE p (id int) PARTITION BY LIST (id);\nCREATE TABLE q (id int);\n"
           "ALTER TABLE ONLY p ATTACH PARTITION q FOR VALUES IN (1);\nALTER INDEX i ATTACH PARTITION k;\n",
           3);
}

static void behind_the_last_table_of_other_definitions(void **state)
{
    (void)state;
    expect(
        "CREATE TABLE a (id int PRIMARY KEY);\nCREATE INDEX ON a (id);\nCREATE UNLOGGED TABLE b (id int);\n"
        "ALTER TABLE IF EXISTS b ADD COLUMN n int;\nALTER TABLE b ADD FOREIGN KEY (id) REFERENCES a;\n",
        4);
    expect(
        "CREATE TABLE a (id int);\nALTER TABLE a RENAME COLUMN id TO key;\nALTER TABLE a DROP COLUMN key;\n"
        "ALTER TABLE a ADD CHECK (true);\n",
        3);
    expect(
        "CREATE TABLE a (id int);\nDO $$ BEGIN EXECUTE 'CREATE TABLE b (id int)'; END $$;\nCREATE VIEW v AS SELECT 1;\n",
        2);
    expect("CREATE EXTENSION citext;\n", 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(behind_the_tables_of_a_dump),
        cmocka_unit_test(behind_the_last_table_of_other_definitions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
