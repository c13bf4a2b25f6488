/* Folders → plans: order, names, history, pending lists, refusals. */
#include "plan_fixture.h"
#include <sys/stat.h>

static void test_plain_order(void **state)
{
    (void)state;
    fixture *f = fixture_begin();
    fixture_file(f, "10_ten.sql", "select 10");
    fixture_file(f, "9_nine.sql", "select 9;\nselect 10;");
    fixture_file(f, "9_nine.down.sql", "select -9");
    fixture_file(f, "down/10_ten.sql", "select -10");
    fixture_file(f, "0001.sql", "");
    fixture_file(f, "seed.up.sql", "-- nothing");
    fixture_file(f, "seed.undo.sql", "select 1");
    fixture_file(f, "README.md", "no");
    fixture_file(f, ".9_nine.sql.swp", "no");
    assert_true(fixture_plan(f, NULL));
    assert_string_equal(fixture_order(f), "0001:0001* 9_nine:nine* 10_ten:ten* seed:seed*");
    assert_string_equal(f->plan.framework_name, "sql");
    assert_null(f->plan.history_table);
    assert_int_equal(f->plan.pending_count, 4);
    const rh_migration *nine = &f->plan.migrations[1], *ten = &f->plan.migrations[2];
    assert_true(nine->has_down);
    assert_true(rh_ends_with(ten->down.file, "/down/10_ten.sql"));
    assert_int_equal(nine->up.rule, RH_TRANSACTION_EACH);
    assert_int_equal(nine->up.statement_count, 2);
    assert_int_equal(nine->up.statements[1].line, 2);
    assert_int_equal(strlen(nine->up.sha256), 64);
    assert_int_equal(f->plan.migrations[0].up.statement_count, 0);
    assert_int_equal(f->plan.migrations[3].up.statement_count, 0);
    fixture_end(f);
}

static void test_plain_errors(void **state)
{
    (void)state;
    fixture *f = fixture_begin();
    assert_false(fixture_plan(f, NULL));
    assert_int_equal(f->error.code, RH_ERROR_SCENARIO);
    assert_int_equal(f->error.line, 7);
    fixture_file(f, "a.sql", "");
    fixture_file(f, "b.down.sql", "");
    assert_true(fixture_plan(f, NULL));
    assert_non_null(strstr(f->plan.framework_reason, "b.down.sql has no up migration and never runs"));
    fixture_file(f, "b.sql", "");
    fixture_file(f, "b.undo.sql", "");
    assert_false(fixture_plan(f, NULL));
    assert_non_null(strstr(f->error.message, "two files"));
    f->scenario.migrations.path = "/nonexistent/folder";
    assert_false(fixture_plan(f, NULL));
    assert_int_equal(f->error.code, RH_ERROR_SCENARIO);
    fixture_end(f);
}

static void test_one_file_and_none(void **state)
{
    (void)state;
    fixture *f = fixture_begin();
    fixture_file(f, "only.sql", "select 1");
    f->scenario.migrations.path = rh_arena_printf(f->arena, "%s/only.sql", f->folder);
    assert_true(fixture_plan(f, NULL));
    assert_string_equal(fixture_order(f), "only:only*");
    f->scenario.migrations.path = NULL;
    assert_true(fixture_plan(f, NULL));
    assert_int_equal(f->plan.migration_count, 0);
    assert_null(f->plan.history_table);
    fixture_end(f);
}

/* Names as golang-migrate reads them (its own tool's answers, v4.19.1). */
static void test_golang_migrate_names(void **state)
{
    (void)state;
    fixture *f = fixture_begin();
    fixture_file(f, "10_a.up.sql", "");
    fixture_file(f, "9_b.up.txt", "");
    fixture_file(f, "002_c.up.sql.bak", "");
    fixture_file(f, "3_x.UP.sql", "bad");
    fixture_file(f, "4.up.sql", "bad");
    fixture_file(f, "x5_a.up.sql", "bad");
    fixture_file(f, "6_a.sql", "bad");
    fixture_file(f, "7_.up.sql", "");
    fixture_file(f, "8_a.b.up.down.sql", "select 1");
    fixture_file(f, "10_other.down.sql", "select 1");
    fixture_file(f, "99999999999999999999_past_uint64.up.sql", "bad");
    fixture_file(f, "11_dir.up.sql/x", "");
    assert_true(fixture_plan(f, NULL));
    assert_string_equal(f->plan.framework_name, "golang-migrate");
    assert_string_equal(f->plan.history_table, "schema_migrations");
    assert_string_equal(fixture_order(f), "002:c* 7:* 8:a.b.up* 9:b* 10:a*");
    assert_null(f->plan.migrations[2].up.file);
    assert_true(f->plan.migrations[2].has_down);
    assert_true(f->plan.migrations[4].has_down);
    assert_int_equal(f->plan.migrations[4].up.rule, RH_TRANSACTION_OWN);
    fixture_end(f);
}

static void test_golang_migrate_errors(void **state)
{
    (void)state;
    fixture *f = fixture_begin();
    fixture_file(f, "1_a.up.sql", "");
    fixture_file(f, "01_b.up.sql", "");
    assert_false(fixture_plan(f, NULL));
    assert_int_equal(f->error.code, RH_ERROR_SCENARIO);
    assert_non_null(strstr(f->error.message, "two files"));
    fixture_end(f);

    f = fixture_begin();
    fixture_file(f, "9223372036854775807_a.up.sql", "");
    assert_true(fixture_plan(f, NULL));
    fixture_file(f, "9223372036854775808_a.up.sql", "");
    assert_false(fixture_plan(f, NULL));
    assert_int_equal(f->error.code, RH_ERROR_SCENARIO);
    fixture_end(f);
}

static void test_history(void **state)
{
    (void)state;
    fixture *f = fixture_begin();
    fixture_file(f, "1_a.up.sql", "select 1");
    fixture_file(f, "2_b.up.sql", "select 1");
    fixture_file(f, "10_c.up.sql", "select 1");
    assert_true(fixture_plan(f, fixture_history(f, "2", "f")));
    assert_string_equal(fixture_order(f), "1:a 2:b 10:c*");
    assert_true(f->plan.migrations[0].applied_in_backup);
    assert_int_equal(f->plan.migrations[0].up.statement_count, 0);
    assert_int_equal(f->plan.migrations[2].up.statement_count, 1);
    assert_true(fixture_plan(f, fixture_history(f, NULL, NULL)));
    assert_int_equal(f->plan.pending_count, 3);
    assert_true(fixture_plan(f, &(rh_rows){.present = false}));
    assert_int_equal(f->plan.pending_count, 3);

    assert_false(fixture_plan(f, fixture_history(f, "2", "t")));
    assert_int_equal(f->error.code, RH_ERROR_SCENARIO);
    assert_non_null(strstr(f->error.message, "dirty at version 2"));
    assert_false(fixture_plan(f, fixture_history(f, "-1", "true")));
    assert_false(fixture_plan(f, fixture_history(f, "7", "f")));
    assert_non_null(strstr(f->error.message, "version 7"));
    f->scenario.migrations.pending = RH_PENDING_ALL;
    assert_true(fixture_plan(f, fixture_history(f, "2", "f")));
    assert_string_equal(fixture_order(f), "1:a* 2:b* 10:c*");
    assert_true(f->plan.migrations[0].applied_in_backup);
    fixture_end(f);
}

static void test_choice(void **state)
{
    (void)state;
    fixture *f = fixture_begin();
    fixture_file(f, "001_init.up.sql", "");
    fixture_file(f, "002_users.up.sql", "");
    fixture_file(f, "010_users.up.sql", "");
    f->scenario.migrations.pending = RH_PENDING_LIST;
    const char *ids[] = {"1", "010_users", "002_users.up.sql"};
    f->scenario.migrations.pending_ids = ids;
    f->scenario.migrations.pending_id_count = 3;
    assert_true(fixture_plan(f, NULL));
    assert_string_equal(fixture_order(f), "001:init* 002:users* 010:users*");

    f->scenario.only = (const char *[]){"0010"};
    f->scenario.only_count = 1;
    assert_true(fixture_plan(f, NULL));
    assert_string_equal(fixture_order(f), "001:init 002:users 010:users*");
    f->scenario.only = (const char *[]){"users"};
    assert_false(fixture_plan(f, NULL));
    assert_int_equal(f->error.code, RH_ERROR_USAGE);
    assert_non_null(strstr(f->error.message, "could be"));
    f->scenario.only = (const char *[]){"inti"};
    assert_false(fixture_plan(f, NULL));
    assert_string_equal(f->error.hint, "Did you mean init?");
    f->scenario.only = NULL;
    ids[1] = "3";
    assert_false(fixture_plan(f, NULL));
    assert_int_equal(f->error.code, RH_ERROR_SCENARIO);
    f->scenario.migrations.pending = RH_PENDING_AUTO;
    f->scenario.only = (const char *[]){"1"};
    assert_false(fixture_plan(f, fixture_history(f, "1", "f")));
    assert_int_equal(f->error.code, RH_ERROR_USAGE);
    fixture_end(f);
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        rh_error_code code;
        int line, column;
    } cases[] = {
        {"select 1;\n\\! rm -rf /\n", RH_ERROR_REFUSED, 2, 1},
        {"\\echo don't\n", RH_ERROR_REFUSED, 1, 1},
        {"select 1 \\gexec", RH_ERROR_REFUSED, 1, 10},
        {"\xef\xbb\xbf\\i x", RH_ERROR_REFUSED, 1, 1},
        {"select 1;\n  copy t from program 'curl evil'", RH_ERROR_REFUSED, 2, 3},
        {"COPY (select ',' from t) TO /* x */ PROGRAM 'x'", RH_ERROR_REFUSED, 1, 1},
        {"\xef\xbb\xbf"
         "copy t to program 'x'",
         RH_ERROR_REFUSED, 1, 1},
        {"copy t(a,b) from '/etc/passwd' csv", RH_ERROR_REFUSED, 1, 1},
        {"copy t to E'/tmp/x'", RH_ERROR_REFUSED, 1, 1},
        {"do $$ begin\n execute 'copy t to program ''x'''; end $$", RH_ERROR_REFUSED, 1, 4},
        {"create function f() returns void language sql as $f$ copy t from program 'x' $f$", RH_ERROR_REFUSED,
         1, 50},
        {"select 1, pg_read_file ('/etc/passwd')", RH_ERROR_REFUSED, 1, 11},
        {"insert into t select * from pg_catalog.pg_ls_dir('.')", RH_ERROR_REFUSED, 1, 40},
        {"select \"lo_import\"('/etc/passwd')", RH_ERROR_REFUSED, 1, 8},
        {"do $$ begin perform pg_read_binary_file('x'); end $$", RH_ERROR_REFUSED, 1, 4},
        {"do $$ begin execute 'select lo_export(1, ''/tmp/x'')'; end $$", RH_ERROR_REFUSED, 1, 4},
        {"create foreign table f (a text) server s options (format 'csv', filename '/etc/passwd')",
         RH_ERROR_REFUSED, 1, 65},
        {"select 1; alter foreign table f options (set program 'x')", RH_ERROR_REFUSED, 1, 46},
        {"select pg_ls_replslotdir('x')", RH_ERROR_REFUSED, 1, 8},
        {"select 1;\ncopy t from stdin;\n1\tdon't\n\\.\n", RH_ERROR_UNSUPPORTED, 2, 1},
        {"alter table t\n owner to {{ .Owner }}", RH_ERROR_UNSUPPORTED, 2, 11},
        {"{% if x %}select 1{% endif %}", RH_ERROR_UNSUPPORTED, 1, 1},
        {"create table ${schema}.t (i int)", RH_ERROR_UNSUPPORTED, 1, 14},
        {"select <%= 1 %>", RH_ERROR_UNSUPPORTED, 1, 8},
        {"select 'a\xff'", RH_ERROR_SCENARIO, 1, 10},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fixture *f = fixture_begin();
        fixture_file(f, "1.sql", cases[i].sql);
        assert_false(fixture_plan(f, NULL));
        assert_int_equal(f->error.code, cases[i].code);
        assert_int_equal(f->error.line, cases[i].line);
        assert_int_equal(f->error.column, cases[i].column);
        assert_true(rh_ends_with(f->error.file, "/1.sql"));
        assert_non_null(f->error.hint);
        fixture_end(f);
    }
}

static void test_accepted(void **state)
{
    (void)state;
    static const char *const accepted[] = {
        "select '\\! x', E'\\\\', $$ \\i $$ -- \\x\n/* \\y */",
        "copy t to stdout",
        "insert into program values ('copy')",
        "comment on table copy is 'copy from program ''x'''",
        "selct 1; copy",
        "select '{{1}}'::int[], '${x}', \"<%= x %>\" -- {{",
        "revoke execute on function pg_catalog.pg_read_file(text) from public",
        "select 'pg_read_file()' as pg_read_file",
        "select 'never closed",
        "",
    };
    for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++) {
        fixture *f = fixture_begin();
        fixture_file(f, "1.sql", accepted[i]);
        assert_true(fixture_plan(f, NULL));
        fixture_end(f);
    }
}

/* What editors and people do to files, line for line. */
static void test_unusual_texts(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        const char *statements[4];
    } cases[] = {
        {"select 1;\r\nselect 2;\r\n", {"1:select 1", "2:select 2"}},
        {"\xef\xbb\xbfselect 1;\nselect 2", {"1:select 1", "2:select 2"}},
        {"select 1;\rselect 2;\r", {"1:select 1", "1:select 2"}},
        {"select $a$ $b$ ; $b$ $$ ; $$ $a$;\nselect 2;;\n;",
         {"1:select $a$ $b$ ; $b$ $$ ; $$ $a$", "2:select 2"}},
        {"do $x$ begin execute $y$ select $z$;$z$; $y$; end $x$; select 2",
         {"1:do $x$ begin execute $y$ select $z$;$z$; $y$; end $x$", "1:select 2"}},
        {"select ';' -- ;\n/* ; /* ; */ ; */ ; select \";\"", {"1:select ';'", "2:select \";\""}},
        {"select E'\\';';\nselect U&'\\0061;';", {"1:select E'\\';'", "2:select U&'\\0061;'"}},
        {"create function f() returns int language sql begin atomic select 1; select case when true then 1 "
         "end; end; "
         "select 3",
         {"1:create function f() returns int language sql begin atomic select 1; select case when true then "
          "1 end; end",
          "1:select 3"}},
        {"\n\n  \t\n", {0}},
        {"-- only this", {0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fixture *f = fixture_begin();
        fixture_file(f, "1.sql", cases[i].sql);
        assert_true(fixture_plan(f, NULL));
        const rh_script *up = &f->plan.migrations[0].up;
        size_t count = 0;
        while (count < 4 && cases[i].statements[count])
            count++;
        assert_int_equal(up->statement_count, count);
        for (size_t s = 0; s < count; s++)
            assert_string_equal(
                rh_arena_printf(f->arena, "%d:%s", up->statements[s].line, up->statements[s].sql),
                cases[i].statements[s]);
        fixture_end(f);
    }
}

/* Size costs in proportion: a statement of 10 MB, and 100,000 of them, each with its place. */
static void test_big_files(void **state)
{
    (void)state;
    fixture *f = fixture_begin();
    rh_text text = {0};
    rh_text_append(&text, "select '");
    for (int i = 0; i < 10 * 1024 * 1024 / 16; i++)
        rh_text_append(&text, "0123456;89abcde\n");
    rh_text_append(&text, "';\n");
    for (int i = 0; i < 100000; i++)
        rh_text_printf(&text, "insert into t values (%d, $$;$$);\n", i);
    fixture_file(f, "1.sql", text.data);
    rh_text_release(&text);
    assert_true(fixture_plan(f, NULL));
    const rh_script *up = &f->plan.migrations[0].up;
    assert_int_equal(rh_script_sent(up), 100001);
    assert_int_equal(up->statement_count, 2);
    assert_int_equal(up->statements[1].grouped[99998].line, 10 * 1024 * 1024 / 16 + 100001);
    assert_true(strlen(up->statements[0].redacted_sql) < 100);
    fixture_end(f);
}

/* What a file takes in memory is bounded: INSERTs that go together are one statement. */
static void test_too_many_statements(void **state)
{
    (void)state;
    fixture *f = fixture_begin();
    rh_text text = {0};
    for (int i = 0; i < 500001; i++)
        rh_text_append(&text, "end;\n");
    fixture_file(f, "1.sql", text.data);
    rh_text_release(&text);
    assert_false(fixture_plan(f, NULL));
    assert_int_equal(f->error.code, RH_ERROR_UNSUPPORTED);
    assert_int_equal(f->error.line, 500001);
    fixture_end(f);
}

/* What is open where a long file is cut for reading stays open: strings, quotes and comments that hold
 * semicolons at the ends of lines. */
static void test_long_file_with_open_quotes(void **state)
{
    (void)state;
    static const char *const openings[][2] = {
        {"select '", "'"}, {"do $x$ ", " $x$"}, {"select 1 /* ", " */"}, {"select \"", "\""}};
    fixture *f = fixture_begin();
    rh_text text = {0};
    for (int i = 0; i < 40; i++) {
        rh_text_append(&text, openings[i % 4][0]);
        for (int k = 0; k < 2000; k++)
            rh_text_append(&text, k % 7 == 0 ? ";\r\n" : "select 2;\n");
        rh_text_printf(&text, "%s;\n", openings[i % 4][1]);
    }
    rh_text_append(&text, "create function f() returns int language sql begin atomic\n");
    for (int k = 0; k < 60000; k++)
        rh_text_append(&text, "select 2;\n");
    rh_text_append(&text, "end;\nselect 3");
    fixture_file(f, "1.sql", text.data);
    rh_text_release(&text);
    assert_true(fixture_plan(f, NULL));
    const rh_script *up = &f->plan.migrations[0].up;
    assert_int_equal(up->statement_count, 42);
    for (int i = 0; i < 40; i++)
        assert_int_equal(up->statements[i].line, i * 2001 + 1);
    assert_string_equal(up->statements[41].sql, "select 3");
    fixture_end(f);
}

/* A file of very many statements: changes of rows that follow one another are told together, and nothing
 * else. */
static void test_grouped_statements(void **state)
{
    (void)state;
    fixture *f = fixture_begin();
    rh_text text = {0};
    rh_text_append(&text, "set lock_timeout = '1s';\n");
    for (int i = 0; i < 600; i++)
        rh_text_printf(&text, "insert into t values (%d, 'secret');\n", i);
    rh_text_append(&text, "alter table t add a int;\nupdate t set b = 1;\ninsrt into t values (1);\n");
    for (int i = 0; i < 600; i++)
        rh_text_printf(&text, "update t set a = %d where id = %d;\n", i, i);
    rh_text_append(&text, "-- pgrehearse: ignore drop-table it is empty\ndrop table u;");
    fixture_file(f, "1.sql", text.data);
    assert_true(fixture_plan(f, NULL));
    const rh_script *up = &f->plan.migrations[0].up;
    assert_int_equal(rh_script_sent(up), 1205);
    assert_int_equal(up->statement_count, 7);
    assert_int_equal(up->statements[1].grouped_count, 599);
    assert_string_equal(up->statements[1].redacted_sql,
                        "insert into t values ($1, $2) /* and 599 more of this table */");
    assert_string_equal(up->statements[3].hazards[0].rule, "whole-table-update");
    assert_int_equal(up->statements[4].class_, RH_CLASS_UNCLASSIFIED);
    assert_int_equal(up->statements[5].grouped[598].line, 1204);
    assert_int_equal(up->statements[6].ordinal, 7);
    assert_string_equal(up->statements[6].hazards[0].silenced, "it is empty");
    /* By turns into two tables: by table there would be a thousand and more. */
    rh_text_clear(&text);
    for (int i = 0; i < 1200; i++)
        rh_text_printf(&text, "insert into t%d values (%d);\n", i % 2, i);
    fixture_file(f, "1.sql", text.data);
    rh_text_release(&text);
    assert_true(fixture_plan(f, NULL));
    up = &f->plan.migrations[0].up;
    assert_int_equal(up->statement_count, 2);
    assert_int_equal(up->statements[1].grouped_count, 1198);
    fixture_end(f);
}

static void test_nul_and_marks(void **state)
{
    (void)state;
    fixture *f = fixture_begin();
    fixture_file(f, "1_a.up.sql", "\xef\xbb\xbfselect 1;\r\nselect 2\r\n");
    assert_true(fixture_plan(f, NULL));
    /* golang-migrate sends the mark, and the server refuses it */
    assert_string_equal(f->plan.migrations[0].up.statements[0].sql, "\xef\xbb\xbfselect 1");
    assert_string_equal(f->plan.migrations[0].up.statements[1].sql, "select 2");
    f->scenario.migrations.framework = RH_FRAMEWORK_SQL;
    assert_true(fixture_plan(f, NULL));
    assert_string_equal(f->plan.migrations[0].up.statements[0].sql, "select 1");
    char *path = rh_arena_printf(f->arena, "%s/1_a.up.sql", f->folder);
    assert_true(rh_file_write(path, "select 1;\n\0select 2", 19, NULL));
    assert_false(fixture_plan(f, NULL));
    assert_int_equal(f->error.code, RH_ERROR_SCENARIO);
    assert_int_equal(f->error.line, 2);
    fixture_end(f);
}

/* SQL → whether it is refused on a given server; nothing of it is refused in the embedded cluster. */
static void test_given_server(void **state)
{
    static const struct {
        const char *sql;
        bool refused;
    } cases[] = {
        {"select 1;\n  DROP DATABASE shop", true},
        {"/* x */ alter system set work_mem = '5MB'", true},
        {"create role r", true},
        {"ALTER USER r PASSWORD 'x'", true},
        {"create subscription s connection '' publication p", true},
        {"grant a to b", true},
        {"grant connect on database shop to b", true},
        {"comment on database shop is ''", true},
        {"reassign owned by a to b", true},
        {"create server s foreign data wrapper postgres_fdw options (host 'production')", true},
        {"import foreign schema public from server s into f", true},
        {"select * from dblink('host=production', 'select 1') as t (i int)", true},
        {"select public.dblink_connect('x')", true},
        {"create table role (id int)", false},
        {"alter table \"user\" add system int", false},
        {"create user mapping for public server s", false},
        {"grant select on t to b", false},
        {"comment on table t is 'database'", false},
        {"drop function f", false},
        {"select 'create role r'", false},
        {"select 'dblink(1)', dblink from t", false},
        {"", false},
    };
    (void)state;
    fixture *f = fixture_begin();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fixture_file(f, "1.sql", cases[i].sql);
        f->scenario.staging.kind = RH_STAGING_EMBEDDED;
        assert_true(fixture_plan(f, NULL));
        f->scenario.staging.kind = RH_STAGING_SERVER;
        if (fixture_plan(f, NULL) == cases[i].refused)
            fail_msg("%s: %s", cases[i].sql, cases[i].refused ? "not refused" : f->error.message);
        if (cases[i].refused)
            assert_int_equal(f->error.code, RH_ERROR_REFUSED);
    }
    fixture_file(f, "1.sql", cases[0].sql);
    assert_false(fixture_plan(f, NULL));
    assert_int_equal(f->error.line, 2);
    assert_int_equal(f->error.column, 3);
    fixture_file(f, "1.sql", "select 1");
    fixture_file(f, "1.down.sql", "drop role r");
    assert_false(fixture_plan(f, NULL));
    assert_true(rh_ends_with(f->error.file, "/1.down.sql"));
    fixture_end(f);
}

/* migrations.transaction, of plain SQL. */
static void test_plain_transactions(void **state)
{
    (void)state;
    fixture *f = fixture_begin();
    f->scenario.migrations.framework = RH_FRAMEWORK_SQL;
    fixture_file(f, "1_a.sql", "select 1; select 2");
    fixture_file(f, "2_b.sql", "select 3");
    assert_true(fixture_plan(f, NULL));
    assert_int_equal(f->plan.migrations[0].up.rule, RH_TRANSACTION_EACH);
    f->scenario.migrations.transaction = RH_FILE_TRANSACTION_FILE;
    assert_true(fixture_plan(f, NULL));
    assert_int_equal(f->plan.pending_count, 2);
    assert_int_equal(f->plan.migrations[1].up.rule, RH_TRANSACTION_ONE);
    f->scenario.migrations.transaction = RH_FILE_TRANSACTION_ALL;
    assert_true(fixture_plan(f, NULL));
    assert_int_equal(f->plan.pending_count, 1);
    assert_string_equal(fixture_script(f, 0, RH_UP), "1:select 1 | 1:select 2 | 1:select 3");
    fixture_end(f);
}

/* A way down without statements is none; what it says is another matter than that there is none. */
static void test_empty_down_migrations(void **state)
{
    static const char *const empty[] = {"",   "\n",           "-- nothing\n/* at all */",
                                        ";;", "\xef\xbb\xbf", "BEGIN;\nCOMMIT;"};
    (void)state;
    fixture *f = fixture_begin();
    fixture_file(f, "1_a.sql", "select 1");
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++) {
        fixture_file(f, "1_a.down.sql", empty[i]);
        assert_true(fixture_plan(f, NULL));
        assert_false(f->plan.migrations[0].has_down);
        assert_true(f->plan.migrations[0].down_is_empty);
    }
    fixture_file(f, "1_a.down.sql", "select 1");
    assert_true(fixture_plan(f, NULL));
    assert_true(f->plan.migrations[0].has_down);
    fixture_file(f, "1_a.down.sql", NULL);
    assert_true(fixture_plan(f, NULL));
    assert_false(f->plan.migrations[0].has_down);
    assert_false(f->plan.migrations[0].down_is_empty);
    fixture_end(f);
}

/* A link brings in nothing from outside of the folder, or of the repository that holds it. */
static void test_links(void **state)
{
    (void)state;
    fixture *f = fixture_begin();
    char *outer = f->folder, *inner = rh_arena_printf(f->arena, "%s/migrations", outer);
    char *link = rh_arena_printf(f->arena, "%s/migrations/2_b.sql", outer);
    fixture_file(f, "shared.sql", "select 2");
    assert_int_equal(mkdir(inner, 0700), 0);
    fixture_file(f, "migrations/1_a.sql", "select 1");
    f->scenario.migrations.path = inner;
    static const char *const outside[] = {"/etc/passwd", "../shared.sql"};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(symlink(outside[i], link), 0);
        assert_false(fixture_plan(f, NULL));
        assert_int_equal(f->error.code, RH_ERROR_REFUSED);
        assert_non_null(f->error.hint);
        assert_int_equal(unlink(link), 0);
    }
    assert_int_equal(symlink("1_a.sql", link), 0);
    assert_true(fixture_plan(f, NULL));
    assert_int_equal(unlink(link), 0);
    assert_int_equal(symlink("../shared.sql", link), 0);
    assert_int_equal(mkdir(rh_arena_printf(f->arena, "%s/.git", outer), 0700), 0);
    assert_true(fixture_plan(f, NULL));
    assert_string_equal(fixture_script(f, 1, RH_UP), "1:select 2");
    fixture_end(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_order),
        cmocka_unit_test(test_plain_errors),
        cmocka_unit_test(test_one_file_and_none),
        cmocka_unit_test(test_golang_migrate_names),
        cmocka_unit_test(test_golang_migrate_errors),
        cmocka_unit_test(test_history),
        cmocka_unit_test(test_choice),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_nul_and_marks),
        cmocka_unit_test(test_unusual_texts),
        cmocka_unit_test(test_big_files),
        cmocka_unit_test(test_too_many_statements),
        cmocka_unit_test(test_long_file_with_open_quotes),
        cmocka_unit_test(test_grouped_statements),
        cmocka_unit_test(test_given_server),
        cmocka_unit_test(test_plain_transactions),
        cmocka_unit_test(test_empty_down_migrations),
        cmocka_unit_test(test_links),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
