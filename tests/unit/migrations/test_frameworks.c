/* The layouts of migration tools: names, order, directives, history, what each refuses, and the choice among
 * them. */
#include "plan_fixture.h"

/* ---- dbmate ---- */

static void test_dbmate(void **state)
{
    (void)state;
    fixture *f = fixture_begin();
    fixture_file(f, "20240102_b.sql",
                 "-- x\n-- migrate:up  transaction:true transaction:false\nselect 1; select\n2;\n"
                 "--   migrate:down\r\nselect 3");
    fixture_file(f, "10_a.sql",
                 "-- migrate:up a:b:c transaction:false:x\n-- migrate:down transaction:falsely\n");
    fixture_file(f, "9.sql", "-- migrate:up\nselect '\n-- migrate:downs'; \n-- migrate:down");
    fixture_file(f, "x.sql", "bad");
    assert_true(fixture_plan(f, NULL));
    assert_string_equal(f->plan.framework_name, "dbmate");
    assert_string_equal(f->plan.history_table, "schema_migrations");
    assert_string_equal(f->plan.framework_reason, "10_a.sql has a line \"-- migrate:up\"");
    assert_string_equal(fixture_order(f), "10:a* 20240102:b* 9:*");
    assert_int_equal(f->plan.migrations[0].up.rule, RH_TRANSACTION_ONE);
    assert_int_equal(f->plan.migrations[0].down.rule, RH_TRANSACTION_ONE);
    assert_int_equal(f->plan.migrations[1].up.rule, RH_TRANSACTION_OWN);
    assert_int_equal(f->plan.migrations[1].down.rule, RH_TRANSACTION_ONE);
    assert_string_equal(fixture_script(f, 1, RH_UP), "3:select 1 | 3:select\n2");
    assert_string_equal(fixture_script(f, 1, RH_DOWN), "6:select 3");
    assert_string_equal(fixture_script(f, 2, RH_UP), "2:select '\n-- migrate:downs'");
    assert_true(f->plan.migrations[1].has_down);
    assert_true(fixture_plan(f, fixture_versions(f, "version", (const char *[]){"9", "77", NULL})));
    assert_string_equal(fixture_order(f), "10:a* 20240102:b* 9:");
    assert_false(fixture_plan(f, fixture_history(f, "9", "f")));
    assert_non_null(strstr(f->error.message, "not dbmate's"));
    fixture_file(f, "9_again.sql", "-- migrate:up\n-- migrate:down");
    assert_true(fixture_plan(f, NULL)); /* dbmate runs both, and the second row fails */
    assert_string_equal(fixture_order(f), "10:a* 20240102:b* 9:* 9:again*");
    fixture_end(f);
}

static void test_dbmate_refusals(void **state)
{
    (void)state;
    fixture_refused("dbmate", "1_a.sql", "select 1;\n-- migrate:up\n-- migrate:down\n", "before", 1);
    fixture_refused("dbmate", "1_a.sql", "--\n-- migrate:up\nselect 1;\n", "no line \"-- migrate:down\"", 2);
    fixture_refused("dbmate", "1_a.sql", "-- migrate:down\n-- migrate:up\n", "no line \"-- migrate:down\"",
                    2);
    fixture_refused("dbmate", "1_a.sql", "-- migrate:up\n-- migrate:down\n-- migrate:up\n-- migrate:down",
                    "twice", 3);
    fixture_refused("dbmate", "1_a.sql", "-- migrate:up\n-- migrate:down\n-- migrate:down", "two lines", 3);
    fixture *f = fixture_begin();
    fixture_file(f, "1_a.sql", "select 1");
    fixture_file(f, "2_b.sql", "-- migrate:up\n-- migrate:down\n");
    assert_false(fixture_plan(f, NULL));
    assert_non_null(strstr(f->error.message, "dbmate refuses this file: it has no line \"-- migrate:up\""));
    fixture_end(f);
}

/* ---- goose ---- */

static void test_goose(void **state)
{
    (void)state;
    fixture *f = fixture_begin();
    fixture_file(f, "00002_b.sql",
                 "-- about\n\n-- +goose Up\n-- comment\nselect 1; select\n 2; -- done\n\n"
                 "--+goose statementBEGIN\n-- in\nselect\n';\n';\n-- +goose StatementEnd\n"
                 "-- +goose down\n  -- c\n  select 3;\n");
    fixture_file(f, "1_a.sql",
                 "-- +goose no transaction\r\n-- +goose Up\r\nselect 1;select 2;\r\n\r\nselect 3;\r\n");
    fixture_file(f, "10_c.go", "package migrations");
    fixture_file(f, "11_c_test.go", "package migrations");
    assert_false(fixture_plan(f, NULL));
    assert_int_equal(f->error.code, RH_ERROR_UNSUPPORTED);
    assert_string_equal(f->error.message, "migration 10 is a program in Go, not SQL");
    assert_string_equal(f->plan.framework_reason,
                        "00002_b.sql has a line \"-- +goose\"; programs in Go, which are "
                        "not replayed: 10_c.go");
    const char *list[] = {"1", "2"};
    f->scenario.migrations.pending = RH_PENDING_LIST;
    f->scenario.migrations.pending_ids = list;
    f->scenario.migrations.pending_id_count = 2;
    assert_true(fixture_plan(f, NULL));
    assert_string_equal(f->plan.framework_name, "goose");
    assert_string_equal(fixture_order(f), "1:a* 2:b* 10:c");
    assert_string_equal(fixture_script(f, 0, RH_UP), "3:select 1;select 2; | 5:select 3");
    assert_int_equal(f->plan.migrations[0].up.rule, RH_TRANSACTION_EACH);
    assert_false(f->plan.migrations[0].has_down);
    assert_int_equal(f->plan.migrations[1].up.rule, RH_TRANSACTION_ONE);
    assert_string_equal(fixture_script(f, 1, RH_UP), "5:select 1 | 5:select\n 2 | 10:select\n';\n'");
    assert_string_equal(fixture_script(f, 1, RH_DOWN), "16:select 3");
    assert_int_equal(f->plan.migrations[1].down.statements[0].column, 3);
    fixture_end(f);
}

/* The tool stores an empty statement at the line after the StatementEnd, which is lost with it. */
static void test_goose_empty_statement(void **state)
{
    (void)state;
    fixture *f = fixture_begin();
    fixture_file(f, "1_a.sql",
                 "-- +goose Up\nselect 1;\n-- +goose StatementBegin\n-- +goose StatementEnd\n"
                 "select 2;\nselect 3;\n");
    assert_true(fixture_plan(f, NULL));
    assert_string_equal(fixture_script(f, 0, RH_UP), "2:select 1 | 6:select 3");
    fixture_end(f);
}

static void test_goose_history(void **state)
{
    (void)state;
    fixture *f = fixture_begin();
    fixture_file(f, "1_a.sql", "-- +goose Up\n");
    fixture_file(f, "2_b.sql", "-- +goose Up\n");
    fixture_file(f, "3_c.sql", "-- +goose Up\n");
    assert_true(fixture_plan(f, fixture_versions(f, "version_id", (const char *[]){"0", "1", "2", NULL})));
    assert_string_equal(fixture_order(f), "1:a 2:b 3:c*");
    assert_false(fixture_plan(f, fixture_versions(f, "version_id", (const char *[]){"0", "1", "3", NULL})));
    assert_string_equal(
        f->error.message,
        "migration 2 is missing below version 3, which the database has: goose refuses to run");
    assert_false(fixture_plan(f, fixture_versions(f, "version", (const char *[]){NULL})));
    fixture_file(f, "002_again.sql", "-- +goose Up\n");
    assert_false(fixture_plan(f, NULL));
    assert_non_null(strstr(f->error.message, "two files are the up migration of 2"));
    fixture_end(f);
}

static void test_goose_refusals(void **state)
{
    (void)state;
    fixture_refused("goose", "1_a.sql", "-- +goose Up\nselect 1\n", "no semicolon", 2);
    fixture_refused("goose", "1_a.sql", "-- +goose Up\nselect 1\n-- +goose Down\nselect 2;\n",
                    "up migration has no semicolon", 3);
    fixture_refused("goose", "1_a.sql", "select 0;\n-- +goose Up\n", "before", 1);
    fixture_refused("goose", "1_a.sql", "-- +goose Up\n-- +goose Up\n", "second", 2);
    fixture_refused("goose", "1_a.sql", "-- +goose Down\n", "once, after", 1);
    fixture_refused("goose", "1_a.sql", "-- +goose Up\n -- +goose Down\n", "beginning of its line", 2);
    fixture_refused("goose", "1_a.sql", "-- +goose Up\n-- +goose StatementBegin\nselect 1;\n",
                    "no StatementEnd", 3);
    fixture_refused("goose", "1_a.sql", "-- +goose Up\n-- +goose StatementEnd\n", "without its", 2);
    fixture_refused("goose", "1_a.sql", "-- +goose Upwards\n", "does not know", 1);
    fixture_refused("goose", "1_a.sql", "-- +goose Up\n-- +goose Up +goose Down\n", "does not know", 2);
    char *line = calloc(1, (4 << 20) + 32);
    memset(strcpy(line, "-- +goose Up\nselect 1; --") + 25, 'x', 4 << 20);
    fixture_refused("goose", "1_a.sql", line, "4 MiB", 2);
    free(line);
    fixture *f = fixture_begin();
    fixture_file(f, "1_a.sql",
                 "-- +goose ENVSUB ON\n-- +goose Up\nselect 1; -- $\n-- +goose ENVSUB OFF\nselect '$';\n");
    assert_false(fixture_plan(f, NULL));
    assert_int_equal(f->error.code, RH_ERROR_UNSUPPORTED);
    assert_int_equal(f->error.line, 3);
    fixture_file(f, "1_a.sql", "-- +goose Up\n");
    fixture_file(f, "seed.sql", "select 1;\n");
    assert_false(fixture_plan(f, NULL));
    assert_non_null(strstr(f->error.file, "seed.sql"));
    fixture_end(f);
}

/* ---- Diesel ---- */

static void test_diesel(void **state)
{
    (void)state;
    fixture *f = fixture_begin();
    fixture_file(f, "2024-01-02-000000_b/up.sql", "select 1; select 2");
    fixture_file(f, "2024-01-02-000000_b/down.sql", "select 3");
    fixture_file(f, "00000000000000_diesel_initial_setup/up.sql", "select 4");
    fixture_file(f, "20240101000000_a_b/up.sql", "create index concurrently i on t (a)");
    fixture_file(f, "20240101000000_a_b/metadata.toml", "# x\nrun_in_transaction = false # y\n");
    fixture_file(f, "3/up.sql", "--");
    fixture_file(f, "3/metadata.toml", "other = 1\n[x]\nrun_in_transaction = true\n");
    fixture_file(f, "4/up.sql", "--");
    fixture_file(f, "4/down.sql", "");
    fixture_file(f, "4/metadata.toml", "run_in_transaction = yes\n");
    fixture_file(f, ".hidden/up.sql", "bad");
    fixture_file(f, "README.md", "bad");
    assert_true(fixture_plan(f, NULL));
    assert_string_equal(f->plan.framework_name, "diesel");
    assert_string_equal(f->plan.history_table, "__diesel_schema_migrations");
    assert_string_equal(fixture_order(f),
                        "00000000000000:diesel_initial_setup* 20240101000000:a_b* 20240102000000:b* 3:* 4:*");
    assert_int_equal(f->plan.migrations[0].up.rule, RH_TRANSACTION_ONE);
    assert_int_equal(f->plan.migrations[1].up.rule, RH_TRANSACTION_OWN);
    assert_int_equal(f->plan.migrations[3].up.rule, RH_TRANSACTION_OWN);
    assert_int_equal(f->plan.migrations[4].up.rule, RH_TRANSACTION_ONE);
    assert_true(f->plan.migrations[2].has_down);
    assert_false(f->plan.migrations[1].has_down);
    assert_false(f->plan.migrations[4].has_down);
    assert_string_equal(fixture_script(f, 2, RH_DOWN), "1:select 3");
    assert_true(
        fixture_plan(f, fixture_versions(f, "version", (const char *[]){"20240102000000", "3", NULL})));
    assert_string_equal(fixture_order(f), "00000000000000:diesel_initial_setup* 20240101000000:a_b* "
                                          "20240102000000:b 3: 4:*");
    fixture_file(f, "2024-0101000000_twice/up.sql", "select 1");
    assert_false(fixture_plan(f, NULL));
    assert_non_null(strstr(f->error.message, "two migrations have the version 20240101000000"));
    fixture_end(f);
    fixture_refused("Diesel", "1_a/up.sql", "", "it is empty", 0);
    f = fixture_begin();
    fixture_file(f, "1_a/up.sql", "select 1");
    fixture_file(f, "docs/readme.md", "x");
    assert_false(fixture_plan(f, NULL));
    assert_string_equal(f->error.message,
                        "Diesel refuses this file: this folder of the migrations has no up.sql");
    assert_non_null(strstr(f->error.file, "/docs"));
    fixture_end(f);
}

/* ---- Prisma ---- */

static const rh_rows *prisma_history(fixture *f, const char *const (*values)[4], size_t count)
{
    static const char *columns[] = {"migration_name", "finished_at", "rolled_back_at", "checksum"};
    rh_rows *rows = rh_arena_alloc(f->arena, sizeof *rows);
    *rows = (rh_rows){.present = true, .columns = columns, .column_count = 4, .row_count = count};
    rows->rows = rh_arena_alloc(f->arena, count * sizeof *rows->rows);
    for (size_t i = 0; i < count; i++) {
        rows->rows[i] = rh_arena_alloc(f->arena, sizeof *values);
        memcpy(rows->rows[i], values[i], sizeof *values);
    }
    return rows;
}

static void test_prisma(void **state)
{
    (void)state;
    fixture *f = fixture_begin();
    fixture_file(f, "migration_lock.toml", "provider = \"postgresql\"");
    fixture_file(f, "20240102_b/migration.sql", "select 1; select 2");
    fixture_file(f, "20240101000000_a/migration.sql", "select 3");
    fixture_file(f, "manual/migration.sql", "select 3");
    assert_true(fixture_plan(f, NULL));
    assert_string_equal(f->plan.framework_name, "prisma");
    assert_string_equal(fixture_order(f), "20240101000000_a:a* 20240102_b:b* manual:manual*");
    assert_int_equal(f->plan.migrations[0].up.rule, RH_TRANSACTION_OWN);
    assert_false(f->plan.migrations[0].has_down);
    static const char *const applied[][4] = {
        {"20240101000000_a", "2024-01-01", NULL,
         "3efaf2f2e7527fc540b26c1517859b5446dff36e946f40b56f25f6941b170cc2"},
        {"20240102_b", NULL, "2024-01-01", "x"},
        {"manual", "2024-01-02", NULL, "x"}};
    assert_true(fixture_plan(f, prisma_history(f, applied, 3)));
    assert_string_equal(fixture_order(f), "20240101000000_a:a 20240102_b:b* manual:manual");
    assert_non_null(strstr(f->plan.framework_reason, "; manual was edited after it was applied"));
    assert_null(strstr(f->plan.framework_reason, "20240101000000_a was edited"));
    static const char *const failed[][4] = {{"20240101000000_a", NULL, NULL, "x"}};
    assert_false(fixture_plan(f, prisma_history(f, failed, 1)));
    assert_non_null(strstr(f->error.message, "P3009"));
    fixture_end(f);
}

/* ---- Pop, morph, postgrator, and two names of one way ---- */

static void test_pop(void **state)
{
    (void)state;
    fixture *f = fixture_begin();
    fixture_file(f, "20200102_b.up.sql", "select 1");
    fixture_file(f, "20200102_b.postgres.up.sql", "select 2; select 3");
    fixture_file(f, "20200102_b.mysql.up.sql", "bad");
    fixture_file(f, "20200102_b.down.sql", "select 4");
    fixture_file(f, "sub/20200103_c.pgx.autocommit.up.sql", "select 5");
    fixture_file(f, "20200104_d.sqlite3.up.sql", "bad");
    fixture_file(f, "20200101_a.pg.autocommit.up.sql", "select 6");
    fixture_file(f, "20200105.up.sql", "bad");
    assert_true(fixture_plan(f, NULL));
    assert_string_equal(f->plan.framework_name, "pop");
    assert_string_equal(fixture_order(f), "20200101:a* 20200102:b* 20200103:c*");
    assert_string_equal(fixture_script(f, 1, RH_UP), "1:select 2 | 1:select 3");
    assert_int_equal(f->plan.migrations[0].up.rule, RH_TRANSACTION_OWN);
    assert_int_equal(f->plan.migrations[1].up.rule, RH_TRANSACTION_ONE);
    assert_true(f->plan.migrations[1].has_down);
    fixture_file(f, "20200103_c.up.sql", "select\n{{ .Name }}");
    assert_true(fixture_plan(f, NULL)); /* outranked */
    fixture_file(f, "20200106_e.up.sql", "select\n{{ .Name }}");
    assert_false(fixture_plan(f, NULL));
    assert_int_equal(f->error.code, RH_ERROR_UNSUPPORTED);
    assert_int_equal(f->error.line, 2);
    fixture_file(f, "20200106_e.up.sql", "");
    fixture_file(f, "20200107_f.up.fizz", "create_table");
    assert_false(fixture_plan(f, NULL));
    assert_non_null(strstr(f->error.message, "migration 20200107 is written in Fizz"));
    fixture_end(f);
}

static void test_morph(void **state)
{
    (void)state;
    fixture *f = fixture_begin();
    fixture_file(f, "000001_a.up.sql", "select 1");
    fixture_file(f, "000001_a.down.sql", "select 2");
    fixture_file(f, "10_b.up.sql", "select 3");
    fixture_file(f, "9_c.up.sql", "-- morph:nontransactional\ncreate index concurrently i on t (a)");
    assert_true(fixture_plan(f, NULL));
    assert_string_equal(f->plan.framework_name, "morph");
    assert_string_equal(fixture_order(f), "000001:a* 10:b* 9:c*");
    assert_int_equal(f->plan.migrations[1].up.rule, RH_TRANSACTION_ONE);
    assert_int_equal(f->plan.migrations[2].up.rule, RH_TRANSACTION_OWN);
    assert_true(fixture_plan(f, fixture_versions(f, "name", (const char *[]){"b", NULL})));
    assert_string_equal(fixture_order(f), "000001:a* 10:b 9:c*");
    assert_false(fixture_plan(f, fixture_versions(f, "name", (const char *[]){"b", "x", "y", "z", NULL})));
    assert_non_null(strstr(f->error.message, "morph refuses"));
    fixture_end(f);
}

static void test_postgrator(void **state)
{
    (void)state;
    fixture *f = fixture_begin();
    fixture_file(f, "001.do.sql", "select 1");
    fixture_file(f, "001.undo.sql", "select 2");
    fixture_file(f, "2.do.two words.extra.sql", "select 3");
    fixture_file(f, "10.do.ten.sql", "select 4");
    fixture_file(f, "11.done.sql", "bad");
    fixture_file(f, "x.do.sql", "bad");
    assert_true(fixture_plan(f, NULL));
    assert_string_equal(f->plan.framework_name, "postgrator");
    assert_string_equal(fixture_order(f), "1:* 2:two words* 10:ten*");
    assert_int_equal(f->plan.migrations[0].up.rule, RH_TRANSACTION_OWN);
    assert_true(f->plan.migrations[0].has_down);
    assert_true(fixture_plan(f, fixture_versions(f, "version", (const char *[]){"0", "2", NULL})));
    assert_string_equal(fixture_order(f), "1: 2:two words 10:ten*");
    assert_non_null(f->plan.migrations[0].skipped);
    static const char *columns[] = {"version", "md5"};
    const char *row[] = {"1", "11111111111111111111111111111111"}, **rows[] = {row};
    rh_rows history = {.present = true, .columns = columns, .column_count = 2, .rows = rows, .row_count = 1};
    assert_false(fixture_plan(f, &history));
    assert_non_null(strstr(f->error.message, "edited after it was applied"));
    row[1] = "95adb6e77a0884d9e50232cb8c5c969d";
    assert_true(fixture_plan(f, &history));
    fixture_file(f, "12.do.script.js", "x");
    assert_false(fixture_plan(f, &history));
    assert_non_null(strstr(f->error.message, "a script in JavaScript"));
    fixture_end(f);
}

/* ---- golang-migrate's other names; node-pg-migrate ---- */

static void test_golang_migrate_underscore(void **state)
{
    (void)state;
    fixture *f = fixture_begin();
    fixture_file(f, "000001_a_up.sql", "select 1; select 2");
    fixture_file(f, "000001_a_down.sql", "select 3");
    fixture_file(f, "000002_b_up.sql", "select 4");
    assert_true(fixture_plan(f, NULL));
    assert_string_equal(f->plan.framework_name, "golang-migrate");
    assert_string_equal(fixture_order(f), "000001:a* 000002:b*");
    assert_true(f->plan.migrations[0].has_down);
    assert_string_equal(fixture_script(f, 0, RH_DOWN), "1:select 3");
    fixture_file(f, "000003_c.up.go", "package migrations");
    fixture_file(f, "000003_c.down.sql", "select 5");
    assert_false(fixture_plan(f, NULL));
    assert_string_equal(f->error.message, "migration 000003 is a program in Go, not SQL");
    fixture_end(f);
}

static void test_node_pg_migrate(void **state)
{
    (void)state;
    fixture *f = fixture_begin();
    fixture_file(f, "10_b.sql", "-- Down Migration\nselect 1;\n--- UP  migration\nselect 2;\nselect 3;");
    fixture_file(f, "9_a.sql", "-- Up Migration\nselect 4;\n-- Down Migration\nselect 5;");
    assert_true(fixture_plan(f, NULL));
    assert_string_equal(f->plan.framework_name, "node-pg-migrate");
    assert_string_equal(f->plan.framework_reason, "9_a.sql has a line \"-- Up Migration\"");
    assert_string_equal(fixture_order(f), "9_a:a … b (2 in one transaction)* 10_b:b");
    assert_int_equal(f->plan.pending_count, 1);
    assert_string_equal(fixture_script(f, 0, RH_UP), "2:select 4 | 4:select 2 | 5:select 3");
    assert_string_equal(fixture_script(f, 0, RH_DOWN), "2:select 1 | 4:select 5");
    assert_non_null(strstr(f->plan.migrations[0].up.statements[1].file, "10_b.sql"));
    assert_int_equal(f->plan.migrations[0].up.rule, RH_TRANSACTION_ONE);
    assert_true(fixture_plan(f, fixture_versions(f, "name", (const char *[]){"9_a", NULL})));
    assert_string_equal(fixture_order(f), "9_a:a 10_b:b*");
    assert_false(fixture_plan(f, fixture_versions(f, "name", (const char *[]){"10_b", NULL})));
    assert_non_null(
        strstr(f->error.message, "migration 9_a, which is not applied, comes before 10_b, which is"));
    fixture_file(f, "11_c.sql", "select 6;");
    assert_true(fixture_plan(f, NULL)); /* no way down, so there is none for all */
    assert_false(f->plan.migrations[0].has_down);
    fixture_file(f, "12_d.js", "x");
    assert_false(fixture_plan(f, NULL));
    assert_string_equal(f->error.message, "migration 12_d is a program in JavaScript, not SQL");
    fixture_end(f);
}

static void test_rails(void **state)
{
    (void)state;
    fixture *f = fixture_begin();
    fixture_file(
        f, "structure.sql",
        "\\restrict x\nSET check_function_bodies = false;\nCREATE TABLE a (i int);\n\\unrestrict x\n"
        "INSERT INTO \"schema_migrations\" (version) VALUES\n('20240102000000'),\n('20240101000000');\n");
    fixture_file(f, "migrate/20240101000000_a.rb", "class A");
    fixture_file(f, "migrate/20240102000000_b.rb", "class B");
    assert_true(fixture_plan(f, NULL));
    assert_string_equal(f->plan.framework_name, "rails");
    assert_string_equal(f->plan.framework_reason,
                        "structure.sql records its versions; 2 migrations in Ruby, which are not replayed");
    assert_string_equal(fixture_order(f), "structure:structure* 20240101000000:a 20240102000000:b");
    assert_int_equal(f->plan.migrations[0].up.statement_count, 3);
    assert_int_equal(f->plan.migrations[0].up.statements[1].line, 3);
    assert_int_equal(f->plan.migrations[0].up.rule, RH_TRANSACTION_EACH);
    assert_true(fixture_plan(
        f, fixture_versions(f, "version", (const char *[]){"20240101000000", "20240102000000", NULL})));
    assert_int_equal(f->plan.pending_count, 0);
    assert_string_equal(f->plan.migrations[0].skipped, "the database has its structure already");
    assert_false(fixture_plan(f, fixture_versions(f, "version", (const char *[]){"20240101000000", NULL})));
    assert_string_equal(f->error.message, "migration 20240102000000 is a program in Ruby, not SQL");
    assert_int_equal(f->error.code, RH_ERROR_UNSUPPORTED);
    fixture_end(f);
}

/* A folder of a migration without its file. */
static void test_prisma_without_file(void **state)
{
    (void)state;
    fixture *f = fixture_begin();
    fixture_file(f, "20240101_a/migration.sql", "select 1");
    fixture_file(f, "20240102_b/README.md", "moved");
    assert_false(fixture_plan(f, NULL));
    assert_int_equal(f->error.code, RH_ERROR_SCENARIO);
    assert_non_null(strstr(f->error.message, "P3015"));
    assert_true(rh_ends_with(f->error.file, "/20240102_b"));
    fixture_end(f);
}

/* Two folders of one version: Diesel runs one, which is not known. Applied both, it runs neither. */
static void test_diesel_duplicates(void **state)
{
    (void)state;
    fixture *f = fixture_begin();
    fixture_file(f, "1_a/up.sql", "select 1");
    fixture_file(f, "1_b/up.sql", "select 1");
    assert_false(fixture_plan(f, NULL));
    assert_non_null(strstr(f->error.message, "two migrations have the version 1"));
    assert_true(fixture_plan(f, fixture_versions(f, "version", (const char *[]){"1", NULL})));
    assert_string_equal(fixture_order(f), "1:a 1:b");
    fixture_end(f);
}

/* A way down whose way up is gone: a version of its own, refused, or one that never runs. */
static void test_orphan_downs(void **state)
{
    static const struct {
        const char *names[2], *order; /* NULL: refused */
    } cases[] = {
        {{"1_a.up.sql", "2_b.down.sql"}, "1:a* 2:b*"},
        {{"1_a/up.sql", "2_b/down.sql"}, NULL},
        {{"V1__a.sql", "U2__b.sql"}, "1:a*"},
        {{"1.do.a.sql", "2.undo.b.sql"}, "1:a*"},
        {{"1_a.postgres.up.sql", "2_b.postgres.down.sql"}, "1:a*"},
        {{"a.sql", "b.undo.sql"}, "a:a*"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fixture *f = fixture_begin();
        fixture_file(f, cases[i].names[0], "select 1");
        fixture_file(f, cases[i].names[1], "select 1");
        const bool ok = fixture_plan(f, NULL);
        if (ok != (cases[i].order != NULL) || (ok && strcmp(fixture_order(f), cases[i].order) != 0))
            fail_msg("%s: %s", cases[i].names[1], ok ? fixture_order(f) : f->error.message);
        if (ok && f->plan.migration_count == 1 && !strstr(f->plan.framework_reason, "never runs"))
            fail_msg("%s", f->plan.framework_reason);
        fixture_end(f);
    }
}

/* ---- Drizzle, sqlx ---- */

static void test_drizzle(void **state)
{
    (void)state;
    fixture *f = fixture_begin();
    fixture_file(
        f, "meta/_journal.json",
        "{\"entries\": [{\"when\": 1700000000000, \"tag\": \"0000_a\"}, {\"when\": 1700000001000, \"tag\": "
        "\"0001_b\"}, {\"when\": 1700000002000, \"tag\": \"0002_c\"}]}");
    fixture_file(f, "0000_a.sql", "select 1");
    fixture_file(f, "0001_b.sql",
                 "select 2;--> statement-breakpoint\nselect\n3;\n--> statement-breakpoint\nselect 4");
    fixture_file(f, "0003_d.sql", "select 'never'");
    assert_false(fixture_plan(f, NULL));
    assert_non_null(strstr(f->error.message, "its file is missing"));
    fixture_file(f, "0002_c.sql", "select 5");
    assert_true(fixture_plan(f, fixture_versions(f, "created_at", (const char *[]){"1700000000000", NULL})));
    assert_string_equal(f->plan.framework_name, "drizzle");
    assert_int_equal(f->plan.pending_count, 1); /* all in one transaction */
    assert_string_equal(fixture_script(f, 1, RH_UP), "1:select 2 | 2:select\n3 | 5:select 4 | 1:select 5");
    assert_true(f->plan.migrations[0].applied_in_backup);
    fixture_end(f);
}

static void test_sqlx(void **state)
{
    (void)state;
    fixture *f = fixture_begin();
    fixture_file(f, "10_b.sql", "-- no-transaction\nselect 1; select 2");
    fixture_file(f, "2_a.up.sql", "select 1");
    fixture_file(f, "2_a.down.sql", "select 2");
    fixture_file(f, "readme.sql", "ignored");
    f->scenario.migrations.framework = RH_FRAMEWORK_SQLX;
    assert_true(fixture_plan(f, NULL));
    assert_string_equal(fixture_order(f), "2:a* 10:b*");
    assert_int_equal(f->plan.migrations[0].up.rule, RH_TRANSACTION_ONE);
    assert_true(f->plan.migrations[0].has_down);
    assert_int_equal(f->plan.migrations[1].up.rule, RH_TRANSACTION_OWN);
    static const char *columns[] = {"version", "success", "checksum"};
    const char *row[] = {"2", "t", NULL}, **row_list[] = {row};
    const rh_rows history = {
        .present = true, .columns = columns, .column_count = 3, .rows = row_list, .row_count = 1};
    assert_true(fixture_plan(f, &history));
    assert_string_equal(fixture_order(f), "2:a 10:b*");
    row[2] = "\\x00";
    assert_false(fixture_plan(f, &history));
    assert_non_null(strstr(f->error.message, "was edited"));
    row[1] = "f";
    assert_false(fixture_plan(f, &history));
    assert_non_null(strstr(f->error.message, "is recorded as failed"));
    row[0] = "3", row[1] = "t";
    assert_false(fixture_plan(f, &history));
    assert_non_null(strstr(f->error.message, "not in the folder"));
    fixture_file(f, "x_c.sql", "select 1");
    assert_false(fixture_plan(f, NULL));
    assert_non_null(strstr(f->error.message, "begin with an integer"));
    fixture_end(f);
}

/* ---- a version twice ---- */

static void test_twice(void **state)
{
    (void)state;
    static const struct {
        const char *names[2], *text, *framework;
    } cases[] = {
        {{"1_a.up.sql", "01_b.up.sql"}, "select 1", "golang-migrate"},
        {{"1_a.sql", "001_b.sql"}, "-- +goose Up\n", "goose"},
        {{"1_a/up.sql", "1_b/up.sql"}, "select 1", "diesel"},
        {{"V1__a.sql", "V1.0__b.sql"}, "select 1", "flyway"},
        {{"1_a.postgres.up.sql", "1_a.pgx.up.sql"}, "select 1", "pop"},
        {{"1_a.up.sql", "1_a.up.x.sql"}, "-- morph:nontransactional\n", "morph"},
        {{"1.do.a.sql", "01.do.b.sql"}, "select 1", "postgrator"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fixture *f = fixture_begin();
        fixture_file(f, cases[i].names[0], cases[i].text);
        assert_true(fixture_plan(f, NULL));
        assert_string_equal(f->plan.framework_name, cases[i].framework);
        fixture_file(f, cases[i].names[1], cases[i].text);
        if (fixture_plan(f, NULL))
            fail_msg("%s takes a version twice", cases[i].framework);
        assert_int_equal(f->error.code, RH_ERROR_SCENARIO);
        if (!strstr(f->error.message, "two files are the up migration of") &&
            !strstr(f->error.message, "two migrations have the version 1"))
            fail_msg("%s: %s", cases[i].framework, f->error.message);
        assert_non_null(strstr(f->error.file, f->folder));
        fixture_end(f);
    }
}

/* golang-migrate knows only where it stands: a version that the folder lacks, or a run that failed. */
static void test_golang_migrate_history(void **state)
{
    (void)state;
    fixture *f = fixture_begin();
    fixture_file(f, "1_a.up.sql", "select 1");
    fixture_file(f, "3_c.up.sql", "select 1");
    assert_true(fixture_plan(f, fixture_history(f, "1", "f")));
    assert_string_equal(fixture_order(f), "1:a 3:c*");
    assert_false(fixture_plan(f, fixture_history(f, "2", "f")));
    assert_string_equal(f->error.message,
                        "the database is at version 2, which the migrations folder does not have");
    assert_int_equal(f->error.line, 7);
    assert_false(fixture_plan(f, fixture_history(f, "1", "t")));
    assert_non_null(
        strstr(f->error.message, "the database is dirty at version 1: golang-migrate itself would refuse"));
    assert_true(fixture_plan(f, fixture_history(f, "-1", "f")));
    assert_string_equal(fixture_order(f), "1:a* 3:c*");
    fixture_end(f);
}

/* ---- the choice ---- */

static void test_two_fit(void **state)
{
    (void)state;
    fixture *f = fixture_begin();
    fixture_file(f, "1_a.sql", "select 1");
    assert_true(fixture_plan(f, NULL));
    assert_string_equal(f->plan.framework_name, "sql");
    f->scenario.migrations.framework = RH_FRAMEWORK_GOLANG_MIGRATE;
    assert_false(fixture_plan(f, NULL));
    assert_non_null(strstr(f->error.hint, "000001_name.up.sql"));
    f->scenario.migrations.framework = RH_FRAMEWORK_AUTO;
    fixture_file(f, "2_b.up.sql", "select 1");
    assert_true(fixture_plan(f, NULL));
    assert_string_equal(f->plan.framework_name, "golang-migrate");
    fixture_file(f, "1_a.sql", "-- migrate:up\n-- migrate:down\n");
    fixture_file(f, "3_c.sql", "-- +goose Up\n");
    f->scenario.migrations.framework = RH_FRAMEWORK_AUTO;
    assert_false(fixture_plan(f, NULL));
    assert_non_null(strstr(f->error.message, "could be dbmate's (1_a.sql has a line \"-- migrate:up\") or "
                                             "goose's (3_c.sql has a line \"-- +goose\")"));
    assert_string_equal(f->error.hint, "Say which with migrations.framework: dbmate, or goose.");
    assert_int_equal(f->error.line, 7);
    fixture_end(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dbmate),
        cmocka_unit_test(test_dbmate_refusals),
        cmocka_unit_test(test_goose),
        cmocka_unit_test(test_goose_empty_statement),
        cmocka_unit_test(test_goose_history),
        cmocka_unit_test(test_goose_refusals),
        cmocka_unit_test(test_diesel),
        cmocka_unit_test(test_prisma),
        cmocka_unit_test(test_pop),
        cmocka_unit_test(test_morph),
        cmocka_unit_test(test_postgrator),
        cmocka_unit_test(test_golang_migrate_underscore),
        cmocka_unit_test(test_node_pg_migrate),
        cmocka_unit_test(test_rails),
        cmocka_unit_test(test_prisma_without_file),
        cmocka_unit_test(test_drizzle),
        cmocka_unit_test(test_sqlx),
        cmocka_unit_test(test_diesel_duplicates),
        cmocka_unit_test(test_orphan_downs),
        cmocka_unit_test(test_twice),
        cmocka_unit_test(test_golang_migrate_history),
        cmocka_unit_test(test_two_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
