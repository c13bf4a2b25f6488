/* Sqitch's plan and registry, and psql's own commands: what is read, and what is refused with its reason. */
#include "plan_fixture.h"

#define PERSON "2024-01-01T00:00:00Z A <a@example.org>"

static void write_project(fixture *f, const char *plan, const char *deploy)
{
    fixture_file(f, "sqitch.plan", rh_arena_printf(f->arena, "%%project=x\n\n%s", plan));
    fixture_file(f, "deploy/a.sql", deploy);
}

static void refused(const char *plan, const char *words, int line)
{
    fixture *f = fixture_begin();
    write_project(f, plan, "select 1;");
    if (fixture_plan(f, NULL))
        fail_msg("not refused: %s", plan);
    if (!strstr(f->error.message, words))
        fail_msg("%s", f->error.message);
    assert_int_equal(f->error.line, line);
    fixture_end(f);
}

static void test_plans(void **state)
{
    (void)state;
    fixture *f = fixture_begin();
    write_project(f, "a " PERSON "\n@v1 " PERSON "\na [a@v1] " PERSON "\n", "select 2;");
    fixture_file(f, "deploy/a@v1.sql", "select 1;");
    fixture_file(f, "revert/a@v1.sql", "select 0;");
    assert_true(fixture_plan(f, NULL));
    assert_string_equal(f->plan.framework_name, "sqitch");
    assert_string_equal(f->plan.framework_reason, "sqitch.plan is the plan of project x");
    assert_string_equal(f->plan.history_table, "sqitch.changes");
    assert_string_equal(fixture_order(f), "a@v1:a* a:a*");
    assert_true(f->plan.migrations[0].has_down);
    assert_string_equal(f->plan.migrations[1].up.statements[0].sql, "select 2");
    fixture_end(f);
    refused("b " PERSON "\n", "its deploy script is missing", 0);
    refused("a [b] " PERSON "\n", "it requires b, which is not planned before it", 3);
    refused("a [!b] " PERSON "\n", "change b does not exist", 3);
    refused("a " PERSON "\na " PERSON "\n", "change a occurs twice", 4);
    refused("a " PERSON "\n@t " PERSON "\n@t " PERSON "\n", "tag @t occurs twice", 5);
    refused("@t " PERSON "\n", "precedes every change", 3);
    refused("a\n", "lacks its time", 3);
    refused("a 2024-01-01T00:00:00Z\n", "lacks its time, or its planner", 3);
    refused("../a " PERSON "\n", "\"../a\" is not a valid change name", 3);
    refused("x/../../a " PERSON "\n", "is not a valid change name", 3);
    refused("HEAD " PERSON "\n", "reserved", 3);
}

static const rh_rows *deployed(fixture *f, const char *id, const char *project, const char *hash)
{
    static const char *columns[] = {"change_id", "script_hash", "change", "project", "committed_at"};
    const char **row = rh_arena_alloc(f->arena, 5 * sizeof *row);
    row[0] = id;
    row[1] = hash;
    row[2] = "a";
    row[3] = project;
    row[4] = "2024-01-01 00:00:00+00";
    rh_rows *rows = rh_arena_alloc(f->arena, sizeof *rows);
    *rows = (rh_rows){.present = true, .columns = columns, .column_count = 5, .row_count = 1};
    rows->rows = rh_arena_alloc(f->arena, sizeof *rows->rows);
    rows->rows[0] = row;
    return rows;
}

static void test_registry(void **state)
{
    (void)state;
    fixture *f = fixture_begin();
    write_project(f, "a " PERSON "\nb [y:a] " PERSON "\n", "select 1;");
    fixture_file(f, "deploy/b.sql", "select 2;");
    assert_false(fixture_plan(f, deployed(f, "0123", "x", NULL)));
    assert_non_null(strstr(f->error.message, "which the plan does not have"));
    assert_false(fixture_plan(f, deployed(f, "0123", "z", NULL)));
    assert_string_equal(f->error.message, "Sqitch refuses to deploy: b requires y:a, which is not deployed");
    assert_int_equal(f->error.line, 4);
    assert_true(fixture_plan(f, deployed(f, "0123", "y", NULL)));
    assert_string_equal(fixture_order(f), "a:a* b:b*");
    fixture_end(f);
}

/* The statements of one deploy script, "line:sql | …", or the error's message and line. */
static const char *script(fixture *f, const char *sql)
{
    write_project(f, "a " PERSON "\n", sql);
    rh_text text = {0};
    const bool ok = fixture_plan(f, NULL);
    if (!ok)
        rh_text_printf(&text, "%d: %s", f->error.line, f->error.message);
    for (size_t i = 0; ok && i < f->plan.migrations[0].up.statement_count; i++) {
        const rh_statement *statement = &f->plan.migrations[0].up.statements[i];
        const char *file = statement->file ? strrchr(statement->file, '/') + 1 : "";
        rh_text_printf(&text, "%s%s%d:%s", i ? " | " : "", file, statement->line, statement->sql);
    }
    const char *copy = rh_arena_strdup(f->arena, rh_text_string(&text));
    rh_text_release(&text);
    return copy;
}

static void test_psql(void **state)
{
    (void)state;
    static const struct {
        const char *sql, *expected;
    } cases[] = {
        {"select ':x', \":x\", 1::int, a[1:2] -- :x\n/* \\! */;", "1:select ':x', \":x\", 1::int, a[1:2]"},
        {"\\set x 1\n\\set y a 'b c'\nselect :x, :'y', :\"y\", :z, :{?x}, :{?z};",
         "3:select 1, 'ab c', \"ab c\", :z, TRUE, FALSE"},
        {"select E'\\'\\\\!', $$ \\! $$, $a$ :x $$ $a$;\n\\echo \\\n",
         "2: psql's \\\\ (two commands on a line) is not replayed"},
        {"select 1\n\\g\nselect 2\n\\x\n;", "1:select 1 | 3:select 2"},
        {"\\i sub/one.sql\nselect 3;", "one.sql1:select 1 | two.sql2:select 2 | 2:select 3"},
        {"select 0;\n\\i sub/../../../etc/passwd\n",
         "2: \\i reads sub/../../../etc/passwd, which lies outside"},
        {"\\i /etc/passwd\n", "1: \\i reads /etc/passwd, which lies outside"},
        {"\\i none.sql", "1: there is no file none.sql"},
        {"\\i loop.sql", "1: files include files too deeply"},
        {"select\n\\i sub/one.sql", "2: \\i within a statement is not replayed"},
        {"select 1;\n\\! rm -rf /\n", "2: \\! starts a program or reaches a file"},
        {"\\set x `id`", "1: a command in backquotes starts a program"},
        {"\\o | cat", "1: \\o starts a program or reaches a file"},
        {"select 1 \\g | cat", "1: \\g starts a program or reaches a file"},
        {"\\w out.sql", "1: \\w starts a program or reaches a file"},
        {"\\setenv PAGER id", "1: \\setenv starts a program or reaches a file"},
        {"\\copy t from program 'id'", "1: \\copy … program runs a program"},
        {"\\copy t from 't.csv'", "1: \\copy reads or writes a file, which is not replayed"},
        {"select 1 \\gexec", "1: psql's \\gexec is not replayed"},
        {"\\if true\nselect 1;\n\\endif", "1: psql's \\if is not replayed"},
        {"\\connect other", "1: psql's \\connect is not replayed"},
        {"\\set AUTOCOMMIT off", "1: with AUTOCOMMIT off psql would continue differently from the replay"},
        {"\\set ON_ERROR_STOP 0",
         "1: with ON_ERROR_STOP off psql would continue differently from the replay"},
        {"\\set prog 'copy t to program ''id'''\n:prog;", "2: COPY … PROGRAM runs a program on the server"},
        {"\\i program.sql", "2: COPY … PROGRAM runs a program on the server"},
        {"copy t from stdin;\n1\n\\.\n",
         "3: COPY … FROM STDIN has its rows in the file, which is not replayed"},
        {"\\restrict abc\n\\d t\n\\dt+ *.*\nselect 1;\n\\unrestrict abc\n", "4:select 1"},
        {"\xef\xbb\xbfselect 1;\r\n\\echo x\r\nselect 2", "1:select 1 | 3:select 2"},
    };
    fixture *f = fixture_begin();
    fixture_file(f, "sub/one.sql", "select 1;\n\\ir two.sql\n");
    fixture_file(f, "sub/two.sql", "\n select 2;");
    fixture_file(f, "loop.sql", "\\i loop.sql");
    fixture_file(f, "program.sql", "\ncopy t to program 'id';");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(script(f, cases[i].sql), cases[i].expected);
    fixture_file(f, "sqitch.conf", "[core]\n\ttop_dir = ../elsewhere\n");
    assert_string_equal(script(f, ""), "0: sqitch.conf: top_dir leads out of the migrations' folder");
    fixture_file(f, "sqitch.conf", "[core]\n\tengine = mysql\n");
    assert_string_equal(script(f, ""), "0: the Sqitch project is for the engine mysql, not for PostgreSQL");
    fixture_file(f, "sqitch.conf", "[engine \"pg\"]\n\tregistry = other\n");
    assert_string_equal(script(f, ""), "0: Sqitch's registry is the schema other, which is not replayed");
    fixture_end(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_plans), cmocka_unit_test(test_registry),
                                       cmocka_unit_test(test_psql)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
