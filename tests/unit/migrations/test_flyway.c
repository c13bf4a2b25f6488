/* Flyway's layout: names and order, placeholders, settings, transactions, what its history says and what it
 * refuses. The sources of the rules are in frameworks/flyway*.c. */
#include "plan_fixture.h"

typedef const char *flyway_row[6]; /* rank, version, description, type, checksum, success */

static const rh_rows *flyway_history(fixture *f, const flyway_row *values, size_t count)
{
    static const char *columns[] = {"installed_rank", "version",  "description",
                                    "type",           "checksum", "success"};
    rh_rows *rows = rh_arena_alloc(f->arena, sizeof *rows);
    *rows = (rh_rows){.present = true, .columns = columns, .column_count = 6, .row_count = count};
    rows->rows = rh_arena_alloc(f->arena, (count + 1) * sizeof *rows->rows);
    for (size_t i = 0; i < count; i++) {
        rows->rows[i] = rh_arena_alloc(f->arena, sizeof *values);
        memcpy(rows->rows[i], values[i], sizeof *values);
    }
    return rows;
}

static void test_flyway_names(void **state)
{
    (void)state;
    fixture *f = fixture_begin();
    fixture_file(f, "V1__first_step.sql", "");
    fixture_file(f, "deep/er/V1_10__b.sql", "");
    fixture_file(f, "V1.9.0__c.sql", "");
    fixture_file(f, "U1.9__c.sql", "select 1");
    fixture_file(f, "V20240101000000000000000__long.sql", "");
    fixture_file(f, "V3.sql", "");
    fixture_file(f, "R__z_view.sql", "");
    fixture_file(f, "R__a_view.sql", "");
    fixture_file(f, "Vx__bad.sql", "bad");
    fixture_file(f, "v4__bad.sql", "bad");
    fixture_file(f, "V__bad.sql", "bad");
    fixture_file(f, "R1__bad.sql", "bad");
    fixture_file(f, "V5__bad.txt", "bad");
    fixture_file(f, "afterMigrate.sql", "bad");
    assert_true(fixture_plan(f, NULL));
    assert_string_equal(f->plan.framework_name, "flyway");
    assert_string_equal(fixture_order(f), "1:first_step* 1.9.0:c* 1.10:b* 3:* 20240101000000000000000:long* "
                                          "R__a_view:a_view* R__z_view:z_view*");
    assert_true(f->plan.migrations[1].has_down);
    assert_false(f->plan.migrations[0].has_down);
    fixture_file(f, "V3.0__again.sql", "");
    assert_false(fixture_plan(f, NULL));
    assert_non_null(strstr(f->error.message, "two files are the up migration of 3"));
    fixture_end(f);
}

static void test_flyway_baselines(void **state)
{
    (void)state;
    fixture *f = fixture_begin();
    fixture_file(f, "V1__a.sql", "");
    fixture_file(f, "B2__b.sql", "");
    fixture_file(f, "V2__b.sql", "");
    fixture_file(f, "V3__c.sql", "");
    assert_true(fixture_plan(f, NULL));
    assert_string_equal(fixture_order(f), "1:a 2:b B2:b* 3:c*");
    assert_string_equal(f->plan.migrations[0].skipped, "the baseline B2 replaces it");
    static const flyway_row baseline[] = {{"1", "2", "<< Flyway Baseline >>", "BASELINE", NULL, "t"}};
    assert_true(fixture_plan(f, flyway_history(f, baseline, 1)));
    assert_string_equal(fixture_order(f), "1:a 2:b B2:b 3:c*");
    assert_string_equal(f->plan.migrations[1].skipped, "it is not above the baseline 2");
    assert_false(f->plan.migrations[1].applied_in_backup);
    fixture_end(f);
}

static void test_flyway_history(void **state)
{
    (void)state;
    fixture *f = fixture_begin();
    fixture_file(f, "V1__first_step.sql", "\xef\xbb\xbfselect 1;\r\nselect 2;\n");
    fixture_file(f, "V2__b.sql", "select 3;");
    fixture_file(f, "V3__c.sql", "select 4;");
    fixture_file(f, "R__view.sql", "view ${flyway:filename}");
    static const flyway_row good[] = {{"1", "1", "first step", "SQL", "-593479011", "t"},
                                      {"2", NULL, "view", "SQL", "1", "t"},
                                      {"3", "2.0", "b", "SQL", NULL, "t"},
                                      {"4", "2", "b", "UNDO_SQL", NULL, "t"},
                                      {"5", "9", "future", "SQL", "7", "t"}};
    assert_true(fixture_plan(f, flyway_history(f, good, 4)));
    assert_string_equal(fixture_order(f), "1:first_step 2:b* 3:c* R__view:view*");
    static const flyway_row view[] = {{"1", NULL, "view", "SQL", "1162800148", "t"}};
    assert_true(fixture_plan(f, flyway_history(f, view, 1)));
    assert_string_equal(fixture_order(f), "1:first_step* 2:b* 3:c* R__view:view");
    static const struct {
        flyway_row rows[2];
        const char *words;
    } bad[] = {
        {{{"1", "1", "first step", "SQL", "5", "t"}}, "checksum mismatch for migration version 1: 5"},
        {{{"1", "1", "other", "SQL", NULL, "t"}}, "description mismatch for migration version 1"},
        {{{"1", "1", "first step", "SQL", NULL, "f"}}, "failed migration to version 1"},
        {{{"1", "3", "c", "SQL", NULL, "t"}}, "version 1 is not applied in the database, which is at 3"},
        {{{"1", "1.5", "c", "SQL", NULL, "t"}},
         "version 1.5 is applied in the database and not in the folder"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(fixture_plan(f, flyway_history(f, bad[i].rows, 1)));
        if (!strstr(f->error.message, bad[i].words))
            fail_msg("%s", f->error.message);
    }
    fixture_file(f, "flyway.conf", "# x\nflyway.outOfOrder = true\n");
    assert_true(fixture_plan(f, flyway_history(f, bad[3].rows, 1)));
    assert_string_equal(fixture_order(f), "1:first_step* 2:b* 3:c R__view:view*");
    fixture_end(f);
}

static void test_flyway_scripts(void **state)
{
    (void)state;
    fixture *f = fixture_begin();
    fixture_file(f, "V1__a.sql", "select 1; select 2");
    fixture_file(f, "V2__b.sql", "/* x */ create  unique\nindex concurrently i on t (a); vacuum t");
    fixture_file(f, "V3__c.sql", "select 1");
    fixture_file(f, "V3__c.sql.conf", "executeInTransaction=false\r\n");
    fixture_file(f, "V4__d.sql", "select '${name}', ${flyway:table}; -- ${EMPTY}\nselect ${name}");
    fixture_file(f, "flyway.conf", "flyway.placeholders.name=x y\nflyway.placeholders.empty=\n");
    fixture_file(f, "V5__e.sql", "select '${none}'");
    fixture_file(f, "V5__e.sql.conf", "placeholderReplacement=false");
    assert_true(fixture_plan(f, NULL));
    assert_int_equal(f->plan.migrations[0].up.rule, RH_TRANSACTION_ONE);
    assert_int_equal(f->plan.migrations[1].up.rule, RH_TRANSACTION_EACH);
    assert_int_equal(f->plan.migrations[2].up.rule, RH_TRANSACTION_EACH);
    assert_string_equal(fixture_script(f, 3, RH_UP), "1:select 'x y', flyway_schema_history | 2:select x y");
    assert_string_equal(fixture_script(f, 4, RH_UP), "1:select '${none}'");
    fixture_file(f, "V6__f.sql", "select 1;\nselect '${none}'");
    assert_false(fixture_plan(f, NULL));
    assert_string_equal(f->error.message, "Flyway has no value for the placeholder ${none}");
    assert_int_equal(f->error.line, 2);
    fixture_file(f, "V6__f.sql", "select 1;\ndrop index concurrently i");
    assert_false(fixture_plan(f, NULL));
    assert_non_null(strstr(f->error.message, "Flyway refuses this file"));
    assert_int_equal(f->error.line, 2);
    fixture_file(f, "flyway.conf",
                 "flyway.mixed=true\nflyway.placeholders.name=\nflyway.placeholders.empty=\n");
    assert_true(fixture_plan(f, NULL));
    assert_int_equal(f->plan.migrations[5].up.rule, RH_TRANSACTION_EACH);
    fixture_end(f);
}

/* Repeatables in the order of their descriptions, where "_" is a blank; endings that are no SQL are gaps. */
static void test_flyway_order(void **state)
{
    (void)state;
    fixture *f = fixture_begin();
    fixture_file(f, "R__aB.sql", "");
    fixture_file(f, "R__a_c.sql", "");
    fixture_file(f, "V010__ten.sql", "");
    fixture_file(f, "V9.1__b.sql", "");
    fixture_file(f, "V009.01.0__again.txt", "");
    fixture_file(f, "afterMigrate.sql", "");
    fixture_file(f, "beforeEachMigrate__x.sql", "");
    fixture_file(f, "afterwards.sql", "");
    assert_true(fixture_plan(f, NULL));
    assert_string_equal(fixture_order(f), "9.1:b* 010:ten* R__a_c:a_c* R__aB:aB*");
    assert_string_equal(
        f->plan.framework_reason,
        "4 files named as Flyway names them, such as R__aB.sql; callbacks, which are not run: "
        "afterMigrate.sql, beforeEachMigrate__x.sql");
    fixture_file(f, "V9_01_00__again.sql", "");
    assert_false(fixture_plan(f, NULL));
    assert_non_null(strstr(f->error.message, "two files are the up migration of 9.01.00"));
    fixture_file(f, "V9_01_00__again.sql", NULL);
    fixture_file(f, "V11__shell.sh", "");
    assert_false(fixture_plan(f, NULL));
    assert_string_equal(f->error.message, "migration 11 is a shell script, not SQL");
    fixture_file(f, "V11__shell.sh", NULL);
    fixture_file(f, "R__a c.sql", "");
    assert_false(fixture_plan(f, NULL));
    assert_non_null(strstr(f->error.message, "two files are the up migration of R__a"));
    fixture_end(f);
}

/* What is not transactional by the first words outside of parentheses. */
static void test_flyway_transactions(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        rh_transaction_rule rule;
    } cases[] = {
        {"create database d", RH_TRANSACTION_EACH},
        {"DROP /* x */ TABLESPACE t", RH_TRANSACTION_EACH},
        {"create subscription s connection '' publication p", RH_TRANSACTION_EACH},
        {"alter system set a = 1", RH_TRANSACTION_EACH},
        {"drop index concurrently if exists i", RH_TRANSACTION_EACH},
        {"create unique index concurrently on t (a)", RH_TRANSACTION_EACH},
        {"reindex (verbose) schema s", RH_TRANSACTION_EACH},
        {"reindex system d", RH_TRANSACTION_EACH},
        {"vacuum (full) t", RH_TRANSACTION_EACH},
        {"discard all", RH_TRANSACTION_EACH},
        {"reindex table concurrently t", RH_TRANSACTION_ONE},
        {"reindex (concurrently) schema s", RH_TRANSACTION_EACH},
        {"alter type e add value 'x'", RH_TRANSACTION_ONE},
        {"create index \"concurrently\" on t (a)", RH_TRANSACTION_ONE},
        {"discard plans", RH_TRANSACTION_ONE},
        {"refresh materialized view concurrently v", RH_TRANSACTION_ONE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fixture *f = fixture_begin();
        fixture_file(f, "V1__a.sql", cases[i].sql);
        if (!fixture_plan(f, NULL))
            fail_msg("%s: %s", cases[i].sql, f->error.message);
        if (f->plan.migrations[0].up.rule != cases[i].rule)
            fail_msg("%s", cases[i].sql);
        fixture_end(f);
    }
}

static bool has_hazard(const rh_statement *statement, const char *rule)
{
    for (size_t i = 0; i < statement->hazard_count; i++)
        if (strcmp(statement->hazards[i].rule, rule) == 0)
            return true;
    return false;
}

/* The tool's own lock is in a transaction by default. */
static void test_flyway_lock(void **state)
{
    (void)state;
    fixture *f = fixture_begin();
    fixture_file(f, "V1__a.sql", "create index concurrently i on t (a)");
    fixture_file(f, "V2__b.sql", "create index j on t (a)");
    assert_true(fixture_plan(f, NULL));
    assert_true(has_hazard(&f->plan.migrations[0].up.statements[0], "concurrently-behind-tool-lock"));
    assert_false(has_hazard(&f->plan.migrations[1].up.statements[0], "concurrently-behind-tool-lock"));
    fixture_file(f, "flyway.toml", "[flyway.postgresql.transactional]\nlock = false # ours\n");
    assert_true(fixture_plan(f, NULL));
    assert_false(has_hazard(&f->plan.migrations[0].up.statements[0], "concurrently-behind-tool-lock"));
    fixture_file(f, "flyway.toml", "[flyway]\npostgresql.transactional.lock=true");
    assert_true(fixture_plan(f, NULL));
    assert_true(has_hazard(&f->plan.migrations[0].up.statements[0], "concurrently-behind-tool-lock"));
    fixture_end(f);
}

static void test_flyway_settings(void **state)
{
    (void)state;
    fixture *f = fixture_begin();
    fixture_file(f, "V1__a.sql", "select '@@name@@', '${left}'");
    fixture_file(f, "flyway.conf", "flyway.placeholders.name=conf\n");
    fixture_file(f, "flyway.toml",
                 "# about\n[flyway]\nplaceholderPrefix = '@@'\nplaceholderSuffix=\"@@\"\n"
                 "locations = [\"filesystem:a\", 'b']\n\n[flyway.placeholders]\n\"other\" = \"x\"\nname = "
                 "\"to\\\"ml\" # x\n");
    assert_true(fixture_plan(f, NULL));
    assert_string_equal(fixture_script(f, 0, RH_UP), "1:select 'to\"ml', '${left}'");
    setenv("FLYWAY_PLACEHOLDERS_NAME", "environment", 1);
    assert_true(fixture_plan(f, NULL));
    unsetenv("FLYWAY_PLACEHOLDERS_NAME");
    assert_string_equal(fixture_script(f, 0, RH_UP), "1:select 'environment', '${left}'");
    static const struct {
        const char *file, *text, *message;
        int line;
    } refused[] = {
        {"flyway.conf", "# x\nflyway.table=schema_version\n",
         "flyway.table is schema_version, which is not supported", 2},
        {"flyway.conf", "flyway.schemas=app\n", "flyway.schemas is app, which is not supported", 1},
        {"flyway.toml", "[flyway]\nschemas = [\"app\", \"public\"]\n",
         "flyway.schemas is app,public, which is not supported", 2},
        {"flyway.toml", "[flyway]\n\ntarget = \"7\"", "flyway.target is 7, which is not supported", 3},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        fixture_file(f, "flyway.conf", NULL);
        fixture_file(f, "flyway.toml", NULL);
        fixture_file(f, refused[i].file, refused[i].text);
        fixture_file(f, "V1__a.sql", "select 1");
        assert_false(fixture_plan(f, NULL));
        assert_string_equal(f->error.message, refused[i].message);
        assert_int_equal(f->error.code, RH_ERROR_UNSUPPORTED);
        assert_int_equal(f->error.line, refused[i].line);
        assert_non_null(strstr(f->error.file, refused[i].file));
    }
    fixture_file(f, "flyway.toml", NULL);
    setenv("FLYWAY_SQL_MIGRATION_PREFIX", "X", 1);
    assert_false(fixture_plan(f, NULL));
    unsetenv("FLYWAY_SQL_MIGRATION_PREFIX");
    assert_string_equal(f->error.message, "flyway.sqlMigrationPrefix is X, which is not supported");
    assert_int_equal(f->error.line, 7);
    fixture_file(f, "flyway.conf", "flyway.schemas=public\nflyway.table=flyway_schema_history\n");
    assert_true(fixture_plan(f, NULL));
    fixture_end(f);
}

/* Of the tool's own placeholders those of its connection are not known; a script's .conf has them too. */
static void test_flyway_script_conf(void **state)
{
    (void)state;
    fixture *f = fixture_begin();
    fixture_file(f, "V1__a.sql", "select\n'${flyway:database}'");
    assert_false(fixture_plan(f, NULL));
    assert_int_equal(f->error.code, RH_ERROR_UNSUPPORTED);
    assert_int_equal(f->error.line, 2);
    fixture_file(f, "flyway.conf",
                 "flyway.placeholders.flyway:database=shop\nflyway.placeholders.go=false\n");
    fixture_file(f, "V2__b.sql", "select 1");
    fixture_file(f, "V2__b.sql.conf", "executeInTransaction=${go}");
    fixture_file(f, "V3__c.sql", "select 1");
    fixture_file(f, "V3__c.sql.conf", "# x\nshouldExecute=${go}\n");
    assert_true(fixture_plan(f, NULL));
    assert_string_equal(fixture_script(f, 0, RH_UP), "1:select\n'shop'");
    assert_int_equal(f->plan.migrations[1].up.rule, RH_TRANSACTION_EACH);
    assert_string_equal(fixture_order(f), "1:a* 2:b* 3:c");
    assert_string_equal(f->plan.migrations[2].skipped, "its .conf says shouldExecute=false");
    fixture_file(f, "V3__c.sql.conf", "# x\nshouldExecute=${go}==x\n");
    assert_false(fixture_plan(f, NULL));
    assert_int_equal(f->error.code, RH_ERROR_UNSUPPORTED);
    assert_string_equal(f->error.message, "shouldExecute=${go}==x of the script is not evaluated here");
    assert_non_null(strstr(f->error.file, "V3__c.sql.conf"));
    assert_int_equal(f->error.line, 2);
    fixture_end(f);
}

static void test_flyway_group(void **state)
{
    (void)state;
    fixture *f = fixture_begin();
    fixture_file(f, "flyway.conf", "flyway.group=true\n");
    fixture_file(f, "V1__a.sql", "create table a (i int)");
    fixture_file(f, "V2__b.sql", "create table b (i int)");
    assert_true(fixture_plan(f, NULL));
    assert_string_equal(fixture_order(f), "1:a … b (2 in one transaction)* 2:b");
    assert_int_equal(f->plan.migrations[0].up.statement_count, 2);
    fixture_file(f, "V3__c.sql", "vacuum a");
    assert_false(fixture_plan(f, NULL));
    assert_string_equal(f->error.message,
                        "Flyway refuses the group: 3 runs without a transaction, and others do "
                        "not (and mixed is false)");
    assert_non_null(strstr(f->error.file, "V3__c.sql"));
    fixture_file(f, "flyway.conf", "flyway.group=true\nflyway.mixed=true\n");
    assert_true(fixture_plan(f, NULL));
    assert_string_equal(fixture_order(f), "1:a* 2:b* 3:c*");
    assert_int_equal(f->plan.migrations[0].up.rule, RH_TRANSACTION_EACH);
    fixture_end(f);
}

/* One refusal or none for a folder with versions 1 and 3 and the repeatable "view". */
static void test_flyway_validation(void **state)
{
    (void)state;
    static const struct {
        const char *settings;
        flyway_row rows[4];
        const char *expected; /* the order, or a refusal's words */
    } cases[] = {
        {"", {{"1", NULL, "gone view", "SQL", "1", "t"}}, "repeatable migration \"gone view\" is applied"},
        {"flyway.ignoreMigrationPatterns=repeatable:missing",
         {{"1", NULL, "gone view", "SQL", "1", "t"}},
         "1:a* 3:c* R__view:view*"},
        {"", {{"1", NULL, "view", "SQL", "1", "f"}}, "failed repeatable migration (view)"},
        {"",
         {{"1", "2", "b", "SQL", "1", "t"}},
         "version 2 is applied in the database and not in the folder"},
        {"flyway.ignoreMigrationPatterns=x, *:missing ,versioned:ignored",
         {{"1", "2", "b", "SQL", "1", "t"}},
         "1:a 3:c* R__view:view*"},
        {"flyway.ignoreMigrationPatterns=*:missing",
         {{"1", "9", "later", "SQL", "1", "t"}},
         "version 9 is applied in the database and not in the folder"},
        {"", {{"1", "9", "later", "SQL", "1", "f"}, {"2", "1", "a", "SQL", NULL, "t"}}, "which is at 9"},
        /* undone, and then its file taken away */
        {"",
         {{"1", "1", "a", "SQL", NULL, "t"},
          {"2", "2", "b", "SQL", "1", "t"},
          {"3", "2", "b", "UNDO_SQL", NULL, "t"}},
         "1:a 3:c* R__view:view*"},
        /* undone: what is below it is no gap */
        {"",
         {{"1", "3", "c", "SQL", NULL, "t"}, {"2", "3", "c", "UNDO_SQL", NULL, "t"}},
         "1:a* 3:c* R__view:view*"},
        /* marked as deleted by `repair`; ranks tell the order, not the rows */
        {"",
         {{"3", "2", "b", "DELETE", "1", "t"},
          {"1", "1", "a", "SQL", NULL, "t"},
          {"2", "2", "b", "SQL", "1", "t"}},
         "1:a 3:c* R__view:view*"},
        {"",
         {{"1", NULL, "gone view", "SQL", "1", "t"}, {"2", NULL, "gone view", "DELETE", "1", "t"}},
         "1:a* 3:c* R__view:view*"},
        /* the last run of a repeatable counts */
        {"",
         {{"1", NULL, "view", "SQL", "-1", "t"}, {"2", NULL, "view", "SQL", "-1931733373", "t"}},
         "1:a* 3:c* R__view:view"},
        /* in Java then, in SQL now */
        {"",
         {{"1", "1", "a", "JDBC", NULL, "t"}},
         "version 1 is applied in the database and not in the folder"},
        {"flyway.validateOnMigrate=false", {{"1", "1", "other", "SQL", "5", "t"}}, "1:a 3:c* R__view:view*"},
        {"flyway.validateOnMigrate=false",
         {{"1", "1", "a", "SQL", "5", "f"}},
         "failed migration to version 1"},
        {"flyway.validateOnMigrate=false", {{"1", "3", "c", "SQL", "5", "t"}}, "1:a 3:c R__view:view*"},
        {"flyway.outOfOrder=true", {{"1", "3", "c", "SQL", NULL, "t"}}, "1:a* 3:c R__view:view*"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t count = 0;
        fixture *f = fixture_begin();
        fixture_file(f, "V1__a.sql", "select 1");
        fixture_file(f, "V3__c.sql", "select 3");
        fixture_file(f, "R__view.sql", "x");
        fixture_file(f, "flyway.conf", cases[i].settings);
        while (count < 4 && cases[i].rows[count][0])
            count++;
        const bool ok = fixture_plan(f, flyway_history(f, cases[i].rows, count));
        const char *found = ok ? fixture_order(f) : f->error.message;
        if (ok != rh_starts_with(cases[i].expected, "1:") || !strstr(found, cases[i].expected))
            fail_msg("case %zu: %s", i, found);
        fixture_end(f);
    }
}

/* A history without a row is none for the baselines; baselineOnMigrate is for a database without one. */
static void test_flyway_first_run(void **state)
{
    (void)state;
    fixture *f = fixture_begin();
    fixture_file(f, "V1__a.sql", "");
    fixture_file(f, "B2__b.sql", "");
    fixture_file(f, "V3__c.sql", "");
    assert_true(fixture_plan(f, flyway_history(f, NULL, 0)));
    assert_string_equal(fixture_order(f), "1:a B2:b* 3:c*");
    static const flyway_row one[] = {{"1", "1", "a", "SQL", NULL, "t"}};
    assert_true(fixture_plan(f, flyway_history(f, one, 1)));
    assert_string_equal(fixture_order(f), "1:a B2:b 3:c*");
    assert_string_equal(f->plan.migrations[1].skipped, "the database has a history already");
    static const flyway_row based[] = {{"1", "2", "b", "SQL_BASELINE", "0", "t"}};
    assert_true(fixture_plan(f, flyway_history(f, based, 1)));
    assert_string_equal(fixture_order(f), "1:a B2:b 3:c*");
    assert_true(f->plan.migrations[1].applied_in_backup);
    fixture_file(f, "flyway.conf", "flyway.baselineOnMigrate=true\n");
    assert_true(fixture_plan(f, NULL));
    assert_string_equal(fixture_order(f), "1:a B2:b* 3:c*");
    assert_string_equal(f->plan.migrations[0].skipped, "baselineOnMigrate takes it as applied");
    fixture_file(f, "flyway.conf", "flyway.baselineOnMigrate=true\nflyway.baselineVersion=2.0\n");
    assert_true(fixture_plan(f, NULL));
    assert_string_equal(fixture_order(f), "1:a B2:b 3:c*");
    fixture_end(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flyway_names),       cmocka_unit_test(test_flyway_baselines),
        cmocka_unit_test(test_flyway_history),     cmocka_unit_test(test_flyway_scripts),
        cmocka_unit_test(test_flyway_order),       cmocka_unit_test(test_flyway_transactions),
        cmocka_unit_test(test_flyway_lock),        cmocka_unit_test(test_flyway_settings),
        cmocka_unit_test(test_flyway_script_conf), cmocka_unit_test(test_flyway_group),
        cmocka_unit_test(test_flyway_validation),  cmocka_unit_test(test_flyway_first_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
