/* Files and histories of other tools are never taken for a framework's own: by marks in the folder, by the
 * backup's tables, and what is said of a history that is not where it should be. */
#include "plan_fixture.h"

typedef struct folder_case {
    const char *files[4][2]; /* name, text */
    const char *tool;        /* named in the refusal; NULL: it is read */
    int line;                /* of the file, or 7: of the scenario */
} folder_case;

static const folder_case FOLDERS[] = {
    {{{"0000_a.sql", "select 1;"}, {"meta/_journal.json", "{}"}}, "Drizzle", 7},
    {{{"0000_a.sql", "select 1;--> statement-breakpoint\nselect 2;"}}, "Drizzle", 1},
    {{{"2024_a/migration.sql", "select 1;"}, {"2024_a/snapshot.json", "{}"}}, "Drizzle", 7},
    {{{"1_a.sql", "select 1;"}, {"atlas.sum", "h1:"}}, "Atlas", 7},
    {{{"1_a.sql", "-- atlas:txmode none\nselect 1;"}}, "Atlas", 1},
    {{{"1_a.sql", "select 1;"}, {".gmrc", "{}"}}, "graphile-migrate", 7},
    {{{"1.sql", "--! Previous: -\n--! Hash: sha1:0\n\nselect 1;"}}, "graphile-migrate", 1},
    {{{"V1__a.sql", "select 1;"}, {"migrations.yml", ""}}, "yandex-pgmigrate", 7},
    {{{"V1__a.sql", "select 1;"}, {"refinery.toml", ""}}, "refinery", 7},
    {{{"a.sql", "-- depends: b\nselect 1;"}}, "yoyo", 1},
    {{{"1.sql", "--liquibase formatted sql\n--changeset a:1\nselect 1;"}}, "Liquibase", 1},
    {{{"1_a.tx.up.sql", "select 1;"}}, "bun", 7},
    {{{"1700000000001_a/up.sql", "select 1;"}}, "Hasura", 7},
    {{{"1_a.sql", "-- no-transaction\nselect 1;"}}, "sqlx", 1},
    {{{"1_a.sql", "-- +migrate Up\nselect 1;\n-- +migrate Down\nselect 2;"}}, "sql-migrate", 3},
    {{{"001_a.sql", "select 1;\n\n---- create above / drop below ----\nselect 2;"}}, "tern", 3},
    {{{"1_a.sql", "-- // a\nselect 1;\r\n-- //@UNDO\r\nselect 2;"}}, "MyBatis Migrations", 3},
    {{{"1.sql", "# --- !Ups\nselect 1;\n# --- !Downs\nselect 2;"}}, "Play evolutions", 3},
    {{{"a.sql", "-- ==== UP ====\nselect 1;\n-- ==== DOWN ====\nselect 2;"}}, "shmig", 3},
    {{{"a.sql", "-- migrate:up\nselect 1;\n-- migrate:down\nselect 2;"}}, "dbmate", 3},
    {{{"a.sql", "select 1;\n--- DOWN ---\nselect 2;"}}, "separates the up migration", 2},
    {{{"a.sql", "select 1;\n/* rollback */\nselect 2;"}}, "separates the up migration", 2},
    /* no marks: in strings and bodies, words among others, nothing to part */
    {{{"a.sql", "select '\n-- +migrate Down\n';"}}, NULL, 0},
    {{{"a.sql", "do $$\n-- rollback\nbegin end $$;"}}, NULL, 0},
    {{{"a.sql", "select 1;\n-- rollback: drop table a\nselect 2;"}}, NULL, 0},
    {{{"a.sql", "begin;\nselect 1;\n-- rollback\nrollback;"}}, NULL, 0},
    {{{"a.sql", "-- down\nselect 1;"}}, NULL, 0},
    {{{"a.sql", "select 1;\n/* down */ select 2;\n/* undo\n*/ /* down */"}}, NULL, 0},
    {{{"a.sql", "select 1; -- undo\nselect 2;"}}, NULL, 0},
};

static void test_marks(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof FOLDERS / sizeof *FOLDERS; i++) {
        const folder_case *c = &FOLDERS[i];
        fixture *f = fixture_begin();
        for (size_t k = 0; k < 4 && c->files[k][0]; k++)
            fixture_file(f, c->files[k][0], c->files[k][1]);
        const bool ok = fixture_plan(f, NULL);
        if (ok != (c->tool == NULL) ||
            (!ok && (!strstr(f->error.message, c->tool) || f->error.line != c->line || !f->error.hint)))
            fail_msg("case %zu, %s: %s (line %d)", i, c->files[0][0],
                     ok ? f->plan.framework_name : f->error.message, f->error.line);
        fixture_end(f);
    }
}

/* framework: sql overrides a mark, but never runs both ways as one. */
static void test_override(void **state)
{
    (void)state;
    fixture *f = fixture_begin();
    f->scenario.migrations.framework = RH_FRAMEWORK_SQL;
    fixture_file(f, "1_a.sql", "-- atlas:txmode none\nselect 1;");
    fixture_file(f, "atlas.sum", "h1:");
    assert_true(fixture_plan(f, NULL));
    assert_string_equal(fixture_script(f, 0, RH_UP), "2:select 1");
    fixture_file(f, "2_b.sql", "select 1;\n-- //@UNDO\nselect 2;");
    assert_false(fixture_plan(f, NULL));
    assert_int_equal(f->error.line, 2);
    assert_non_null(strstr(f->error.message, "MyBatis"));
    fixture_end(f);
}

/* migrations.transaction never turns a tool's folder into plain SQL, whose history would not be read. */
static void test_transaction_of_a_tool(void **state)
{
    (void)state;
    fixture *f = fixture_begin();
    f->scenario.migrations.transaction = RH_FILE_TRANSACTION_FILE;
    f->scenario.migrations.transaction_where = (rh_location){"scenario.yaml", 9, 16};
    fixture_file(f, "1_a.up.sql", "select 1;");
    assert_false(fixture_plan(f, NULL));
    assert_non_null(strstr(f->error.message, "golang-migrate"));
    assert_int_equal(f->error.line, 9);
    f->scenario.migrations.framework = RH_FRAMEWORK_SQL;
    assert_true(fixture_plan(f, NULL));
    fixture_end(f);
    f = fixture_begin();
    f->scenario.migrations.transaction_where = (rh_location){"scenario.yaml", 9, 16};
    fixture_file(f, "a.sql", "select 1;");
    assert_true(fixture_plan(f, NULL));
    assert_string_equal(f->plan.framework_name, "sql");
    fixture_end(f);
}

/* ---- tables ---- */

static const rh_listed_tables *tables(fixture *f, const char *const (*list)[6])
{
    static const char *path[] = {"public"};
    rh_listed_tables *all = rh_arena_alloc(f->arena, sizeof *all);
    *all = (rh_listed_tables){.search_path = path, .search_path_count = 1};
    for (; (*list)[0]; list++) {
        rh_listed_table *table = rh_arena_add(f->arena, &all->tables, &all->count);
        *table = (rh_listed_table){.schema = (*list)[0], .name = (*list)[1]};
        for (size_t i = 2; i < 6 && (*list)[i]; i++)
            *rh_arena_add(f->arena, &table->columns, &table->column_count) = (*list)[i];
    }
    return all;
}

static bool locate(fixture *f, const char *const (*list)[6])
{
    rh_error_release(&f->error);
    f->plan = (rh_plan){0};
    assert_true(rh_plan_detect(&f->scenario, f->arena, &f->plan, &f->error));
    return rh_history_locate(&f->scenario, tables(f, list), f->arena, &f->plan, &f->error);
}

static void expect_refused(fixture *f, const char *const (*list)[6], const char *message, const char *hint)
{
    if (locate(f, list))
        fail_msg("not refused: %s", message);
    assert_int_equal(f->error.code, RH_ERROR_SCENARIO);
    if (!strstr(f->error.message, message) || !strstr(f->error.hint, hint))
        fail_msg("%s\n%s", f->error.message, f->error.hint);
}

static void test_missing(void **state)
{
    static const char *const none[][6] = {{NULL}};
    static const char *const plain[][6] = {{"public", "a", "id"}, {NULL}};
    static const char *const renamed[][6] = {
        {"public", "a", "id"}, {"billing", "applied", "version", "dirty"}, {NULL}};
    static const char *const other[][6] = {{"public", "_sqlx_migrations", "version"}, {NULL}};
    static const char *const own[][6] = {{"public", "_sqlx_migrations", "version"},
                                         {"public", "schema_migrations", "version", "dirty"},
                                         {"auth", "schema_migrations", "version"},
                                         {NULL}};
    (void)state;
    fixture *f = fixture_begin();
    fixture_file(f, "1_a.up.sql", "select 1");
    assert_true(locate(f, none));
    assert_null(f->plan.history_located);
    expect_refused(f, plain, "1 table, but no history table schema_migrations of golang-migrate",
                   "migrations.pending");
    expect_refused(f, renamed, "no history table schema_migrations", "history: billing.applied.");
    expect_refused(f, other, "public._sqlx_migrations, the history table of sqlx", "framework: sql");
    assert_true(locate(f, own));
    assert_string_equal(f->plan.history_located, "public.schema_migrations");
    assert_string_equal(f->plan.history_table, "schema_migrations");
    f->scenario.migrations.pending = RH_PENDING_ALL;
    assert_true(locate(f, plain));
    expect_refused(f, other, "sqlx", "migrations.transaction: file");
    f->scenario.migrations.framework = RH_FRAMEWORK_GOLANG_MIGRATE;
    assert_true(locate(f, other));
    fixture_end(f);
}

/* Who says how plain SQL files are put into transactions has said that they are plain SQL. */
static void test_transaction_of_plain_sql(void **state)
{
    static const char *const other[][6] = {{"public", "_sqlx_migrations", "version"}, {NULL}};
    (void)state;
    fixture *f = fixture_begin();
    fixture_file(f, "1_a.sql", "select 1");
    expect_refused(f, other, "the history table of sqlx", "migrations.transaction: file");
    f->scenario.migrations.transaction = RH_FILE_TRANSACTION_FILE;
    f->scenario.migrations.transaction_where = (rh_location){"scenario.yaml", 9, 16};
    assert_true(locate(f, other));
    fixture_end(f);
}

/* migrations.history, as written, in small letters, or where only one schema has it. */
static void test_given(void **state)
{
    static const char *const list[][6] = {{"public", "a", "id"},
                                          {"Billing", "My.Versions", "version", "dirty"},
                                          {"app", "applied", "version", "dirty"},
                                          {"b", "twice", "version", "dirty"},
                                          {"c", "twice", "version", "dirty"},
                                          {NULL}};
    (void)state;
    fixture *f = fixture_begin();
    fixture_file(f, "1_a.up.sql", "select 1");
    f->scenario.migrations.history = "\"Billing\".\"My.Versions\"";
    assert_true(locate(f, list));
    assert_string_equal(f->plan.history_located, "\"Billing\".\"My.Versions\"");
    f->scenario.migrations.history = "applied";
    assert_true(locate(f, list));
    assert_string_equal(f->plan.history_table, "app.applied");
    f->scenario.migrations.history = "\"App\".\"APPLIED\"";
    assert_true(locate(f, list));
    assert_string_equal(f->plan.history_table, "app.applied");
    f->scenario.migrations.history = "twice";
    expect_refused(f, list, "no history table twice", "b.twice, c.twice");
    f->scenario.migrations.framework = RH_FRAMEWORK_SQL;
    f->plan = (rh_plan){0};
    rh_error_release(&f->error);
    assert_false(rh_plan_detect(&f->scenario, f->arena, &f->plan, &f->error));
    assert_non_null(strstr(f->error.message, "plain SQL files have no history table"));
    fixture_end(f);
}

/* Plain SQL has no history: another tool's is a question, unless the files keep it themselves. */
static void test_plain(void **state)
{
    static const char *const atlas[][6] = {{"atlas_schema_revisions", "atlas_schema_revisions", "version"},
                                           {NULL}};
    static const char *const alembic[][6] = {{"public", "alembic_version", "version_num"}, {NULL}};
    static const char *const app[][6] = {{"public", "migrations", "id", "country"}, {NULL}};
    (void)state;
    fixture *f = fixture_begin();
    fixture_file(f, "1_a.sql", "select 1");
    expect_refused(f, atlas, "the history table of Atlas", "framework: sql");
    expect_refused(f, alembic, "the history table of Alembic", "migrations.command");
    assert_true(locate(f, app));
    fixture_file(f, "1_a.sql", "select 1;\nUPDATE alembic_version SET version_num = '2';");
    assert_true(locate(f, alembic));
    f->scenario.migrations.framework = RH_FRAMEWORK_SQL;
    assert_true(locate(f, atlas));
    fixture_end(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_marks),
        cmocka_unit_test(test_override),
        cmocka_unit_test(test_transaction_of_a_tool),
        cmocka_unit_test(test_missing),
        cmocka_unit_test(test_transaction_of_plain_sql),
        cmocka_unit_test(test_given),
        cmocka_unit_test(test_plain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
