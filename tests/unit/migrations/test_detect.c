/* framework: auto: what is found in a folder and why, and the question where two fit. */
#include "plan_fixture.h"

typedef struct folder_case {
    const char *files[5][2]; /* name, text */
    const char *framework;   /* NULL: refused */
    const char *why;         /* a part of the reason, or of the refusal */
} folder_case;

static const folder_case CASES[] = {
    /* each layout by itself */
    {{{"b.sql", "select 1"}}, "sql", "1 file named as plain SQL names it, such as b.sql"},
    {{{"1_a.up.sql", "select 1"}, {"1_a.down.sql", "select 1"}},
     "golang-migrate",
     "2 files named as golang-migrate"},
    {{{"1_a_up.sql", "select 1"}}, "golang-migrate", "such as 1_a_up.sql"},
    {{{"1_a.postgres.up.sql", "select 1"}}, "pop", "1_a.postgres.up.sql has a tag such as .postgres"},
    {{{"1_a.up.sql", "select 1"}, {"2_b.up.fizz", "x"}, {"2_b.down.fizz", "x"}}, "pop", "2_b."},
    {{{"1_a.up.sql", "select 1"}, {"2_b.up.sql", "-- morph:nontransactional\nselect 1"}},
     "morph",
     "2_b.up.sql has a line \"-- morph:nontransactional\""},
    {{{"V1__a.sql", "select 1"}}, "flyway", "named as Flyway names it, such as V1__a.sql"},
    {{{"1_a.sql", "-- migrate:up\n-- migrate:down\n"}}, "dbmate", "1_a.sql has a line \"-- migrate:up\""},
    {{{"1_a.sql", "-- +goose Up\n"}}, "goose", "1_a.sql has a line \"-- +goose\""},
    {{{"2024-01-01-000000_a/up.sql", "select 1"}}, "diesel", "2024-01-01-000000_a/up.sql"},
    {{{"2024_a/migration.sql", "select 1"}}, "prisma", "2024_a/migration.sql"},
    {{{"1.do.a.sql", "select 1"}}, "postgrator", "1.do.a.sql"},
    {{{"sqitch.conf", "[core]\n\tengine = pg\n"},
      {"sqitch.plan", "%project=x\n\na 2024-01-01T00:00:00Z A <a@b> # c\n"},
      {"deploy/a.sql", "select 1"}},
     "sqitch",
     "sqitch.plan is the plan of project x"},
    {{{"1_a.sql", "-- Up Migration\nselect 1;\n"}},
     "node-pg-migrate",
     "1_a.sql has a line \"-- Up Migration\""},
    {{{"structure.sql", "select 1;\nINSERT INTO \"schema_migrations\" (version) VALUES ('1');\n"}},
     "rails",
     "structure.sql records its versions"},
    {{{"structure.sql", "select 1;"}, {"migrate/1_a.rb", "class A"}}, "rails", "1 migration in Ruby"},
    /* names alike, told apart by what is in them */
    {{{"structure.sql", "select 1;"}}, "sql", "such as structure.sql"},
    {{{"a.SQL", "select 1"}, {"b.Down.Sql", "select 1"}}, "sql", "2 files named as plain SQL"},
    {{{"1_a.sql", "select 1"}}, "sql", "such as 1_a.sql"},
    {{{"1_a.sql", "select '\n-- migrated:up'"}}, "sql", "such as 1_a.sql"},
    {{{"V1_a.sql", "select 1"}, {"v2__b.sql", "select 1"}}, "sql", "such as V1_a.sql"},
    {{{"1_a.sql", "select 1"}, {"1_a.down.sql", "select 1"}}, "sql", "2 files named as plain SQL"},
    {{{"a/1_a.sql", "select 1"}, {"b.sql", "select 1"}, {"down/b.sql", ""}},
     "sql",
     "such as b.sql; SQL that is not read: a/"},
    {{{"1_a.up.sql", "select 1"}, {"readme.sql", "select 1"}},
     "golang-migrate",
     "1 file named as golang-migrate"},
    {{{"1_a.up.sql", "select 1"}, {"1_a.postgres.up.sql", "select 1"}},
     "pop",
     "1_a.postgres.up.sql has a tag"},
    {{{"20240101_a/up.sql", "select 1"}, {"20240101_a/down.sql", "select 1"}, {"x.sql", "select 1"}},
     "diesel",
     "2 files named as diesel names them"},
    /* two that fit alike */
    {{{"1_a.sql", "-- migrate:up\n-- migrate:down\n"}, {"2_b.sql", "-- +goose Up\n"}},
     NULL,
     "dbmate's (1_a.sql has a line \"-- migrate:up\") or goose's (2_b.sql has a line \"-- +goose\")"},
    {{{"1_a.up.sql", "-- morph:nontransactional\n"}, {"1_a.autocommit.up.sql", "select 1"}},
     NULL,
     "pop's (1_a.autocommit.up.sql has a tag such as .postgres or .autocommit, or is Fizz) or morph's"},
    {{{"1_a.sql", "-- Up Migration\n"}, {"2_b.sql", "-- +goose Up\n"}}, NULL, "or node-pg-migrate's"},
    {{{"V1__a.sql", "select 1"}, {"1_a.up.sql", "select 1"}}, NULL, "golang-migrate's"},
    {{{"1_a/up.sql", "select 1"}, {"2_b/migration.sql", "select 1"}}, NULL, "diesel's"},
    {{{"V1__a.sql", "select 1"}, {"1.do.a.sql", "select 1"}}, NULL, "flyway's"},
    {{{"1_a.sql", "-- +goose Up\n"}, {"structure.sql", "INSERT INTO \"schema_migrations\" (version) VALUES"}},
     NULL,
     "goose's (1_a.sql has a line \"-- +goose\") or rails's"},
    /* none */
    {{{"a.txt", "select 1"}}, NULL, "holds no migrations"},
};

static void test_folders(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const folder_case *c = &CASES[i];
        fixture *f = fixture_begin();
        for (size_t k = 0; k < 5 && c->files[k][0]; k++)
            fixture_file(f, c->files[k][0], c->files[k][1]);
        const bool ok = rh_plan_detect(&f->scenario, f->arena, &f->plan, &f->error);
        const char *said = ok ? f->plan.framework_reason : f->error.message;
        if (ok != (c->framework != NULL) || !strstr(said, c->why) ||
            (ok && strcmp(f->plan.framework_name, c->framework) != 0))
            fail_msg("case %zu, %s: %s: %s", i, c->files[0][0], ok ? f->plan.framework_name : "refused",
                     said);
        if (!ok) {
            assert_int_equal(f->error.code, RH_ERROR_SCENARIO);
            assert_int_equal(f->error.line, 7); /* the scenario's `migrations:` */
            assert_non_null(f->error.hint);
        }
        fixture_end(f);
    }
}

/* A folder of something else says what to write instead. */
static void test_hints(void **state)
{
    static const char *const cases[][3] = {
        {"v1/001.sql", "select 1", "There is SQL in v1/ (001.sql)"},
        {"prisma/migrations/1_a/README.md", "x", "named NAME.sql"},
        {"a/b/V1.SQL", "select 1", "There is SQL in a/b/"},
        {"versions/0001_a.py", "from alembic import op",
         "of Alembic, not SQL: run the tool by migrations.command"},
        {"0001_initial.py", "from django.db import migrations", "[./manage.py, migrate]"},
        {"0001_a.py", "", "0001_a.py is a program, not SQL"},
        {"1-a.js", "module.exports = {up: (queryInterface) => 0}", "of Sequelize"},
        {"a.ts", "export class A implements MigrationInterface {}", "of TypeORM"},
        {"2024_create.php", "use Illuminate\\Database", "[php, artisan, migrate]"},
        {"20240101_a.exs", "defmodule A do", "of Ecto"},
        {"changelog.xml", "<databaseChangeLog>", "of Liquibase"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fixture *f = fixture_begin();
        fixture_file(f, cases[i][0], cases[i][1]);
        assert_false(rh_plan_detect(&f->scenario, f->arena, &f->plan, &f->error));
        if (!strstr(f->error.message, "holds no migrations") || !strstr(f->error.hint, cases[i][2]))
            fail_msg("%s: %s", cases[i][0], f->error.hint);
        fixture_end(f);
    }
}

/* What is asked for is taken, though another fits better. */
static void test_requested(void **state)
{
    (void)state;
    fixture *f = fixture_begin();
    fixture_file(f, "1_a.sql", "-- +goose Up\n");
    fixture_file(f, "2_b.up.sql", "-- +goose Up\n");
    f->scenario.migrations.framework = RH_FRAMEWORK_GOLANG_MIGRATE;
    assert_true(rh_plan_detect(&f->scenario, f->arena, &f->plan, &f->error));
    assert_string_equal(f->plan.framework_name, "golang-migrate");
    assert_string_equal(f->plan.framework_reason,
                        "the scenario says so; 1 file named as golang-migrate names it, such "
                        "as 2_b.up.sql");
    f->scenario.migrations.framework = RH_FRAMEWORK_FLYWAY;
    assert_false(rh_plan_detect(&f->scenario, f->arena, &f->plan, &f->error));
    assert_string_equal(f->error.hint,
                        "flyway's files are named V1__name.sql, U1__name.sql, R__name.sql, B1__name.sql.");
    fixture_end(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_folders), cmocka_unit_test(test_requested),
                                       cmocka_unit_test(test_hints)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
