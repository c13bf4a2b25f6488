/* What `plan` shows of a plan made by hand. */
#include "cli/plan.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
// clang-format off
#include <cmocka.h>
// clang-format on

static rh_hazard hazards[] = {{.rule = "rewrite",
                               .message = "the whole table is written anew while nobody can read it",
                               .safer = "add the column without a default first"}};
static rh_statement statements[] = {
    {.ordinal = 1,
     .line = 2,
     .redacted_sql = "ALTER TABLE orders\n  ADD COLUMN id uuid DEFAULT gen_random_uuid()",
     .command_tag = "ALTER TABLE",
     .class_ = RH_CLASS_REWRITE,
     .expected_lock = RH_LOCK_ACCESS_EXCLUSIVE,
     .expected_relation = "public.orders",
     .hazards = hazards,
     .hazard_count = 1},
    {.ordinal = 2,
     .line = 5,
     .redacted_sql = "COMMIT",
     .command_tag = "COMMIT",
     .class_ = RH_CLASS_TRANSACTION},
    {.ordinal = 3,
     .line = 6,
     .redacted_sql = "CREATE INDEX CONCURRENTLY i ON orders (id)",
     .command_tag = "CREATE INDEX",
     .class_ = RH_CLASS_INDEX_CONCURRENT,
     .expected_lock = RH_LOCK_SHARE_UPDATE_EXCLUSIVE,
     .expected_relation = "public.orders",
     .needs_no_transaction = true},
};
static rh_migration migrations[] = {
    {.id = "000001", .name = "init", .applied_in_backup = true},
    {.id = "000002",
     .name = "add_id",
     .pending = true,
     .has_down = true,
     .up = {.file = "/s/m/2.up.sql",
            .rule = RH_TRANSACTION_OWN,
            .statements = statements,
            .statement_count = 3}},
    {.id = "000003", .name = "later"},
};
static const rh_plan plan = {.framework_name = "golang-migrate",
                             .framework_reason = "its files end in .up.sql",
                             .history_table = "schema_migrations",
                             .migrations = migrations,
                             .migration_count = 3,
                             .pending_count = 1};
static const rh_backup_facts backup = {
    .path = "/s/b", .shape = RH_SHAPE_PGDUMP_CUSTOM, .bytes = 2048, .dump_version = "15.4"};
static rh_scenario scenario = {.name = "shop", .directory = "/s", .path = "/s/s.yaml"};

static void test_transactions(void **state)
{
    (void)state;
    int numbers[3];
    rh_script script = migrations[1].up;
    assert_int_equal(rh_plan_transactions(&script, numbers), 2);
    assert_int_equal(numbers[1], 1);
    assert_int_equal(numbers[2], 2);
    script.rule = RH_TRANSACTION_ONE;
    assert_int_equal(rh_plan_transactions(&script, numbers), 1);
    script.rule = RH_TRANSACTION_EACH;
    assert_int_equal(rh_plan_transactions(&script, numbers), 3);
    /* between the file's own BEGIN and COMMIT; ROLLBACK TO ends nothing */
    rh_statement own[] = {{.class_ = RH_CLASS_CATALOG, .redacted_sql = "BEGIN_IS_NO_VERB"},
                          {.class_ = RH_CLASS_TRANSACTION, .redacted_sql = "begin"},
                          {.class_ = RH_CLASS_TRANSACTION, .redacted_sql = "ROLLBACK WORK TO s"},
                          {.class_ = RH_CLASS_TRANSACTION, .redacted_sql = "SET work_mem = $1"},
                          {.class_ = RH_CLASS_TRANSACTION, .redacted_sql = "Rollback"},
                          {.class_ = RH_CLASS_QUERY, .redacted_sql = "SELECT 1"}};
    static const int expected[] = {1, 2, 2, 2, 2, 3};
    int found[6];
    assert_int_equal(
        rh_plan_transactions(
            &(rh_script){.rule = RH_TRANSACTION_EACH, .statements = own, .statement_count = 6}, found),
        3);
    assert_memory_equal(found, expected, sizeof expected);
    script.statement_count = 0;
    assert_int_equal(rh_plan_transactions(&script, numbers), 0);
}

static void test_text(void **state)
{
    (void)state;
    rh_text text = {0};
    scenario.migrations.path = "/s/m";
    rh_plan_text(&scenario, &plan, &backup, &text);
    assert_string_equal(rh_text_string(&text),
                        "shop: 1 pending of 3 migrations\n"
                        "  backup     pg_dump custom format, 2.0 kB, by pg_dump 15.4\n"
                        "  framework  golang-migrate: its files end in .up.sql\n"
                        "  history    schema_migrations\n"
                        "  applied    000001\n"
                        "  left out   000003\n"
                        "\n000002 add_id\n"
                        "  m/2.up.sql, with a down migration\n"
                        "  3 statements in 2 transactions\n"
                        "    transaction 1 of 2\n"
                        "      1.  ALTER TABLE orders ADD COLUMN id uuid DEFAULT gen_random_uuid()\n"
                        "          line 2, rewrite\n"
                        "          lock    ACCESS EXCLUSIVE on public.orders: blocks reads and writes\n"
                        "                  until commit\n"
                        "          hazard  the whole table is written anew while nobody can read it\n"
                        "                  (rewrite)\n"
                        "          safer   add the column without a default first\n"
                        "      2.  COMMIT\n"
                        "          line 5, transaction\n"
                        "    transaction 2 of 2\n"
                        "      3.  CREATE INDEX CONCURRENTLY i ON orders (id)\n"
                        "          line 6, index concurrent, cannot run in a transaction\n"
                        "          lock    SHARE UPDATE EXCLUSIVE on public.orders: blocks schema changes\n"
                        "                  and VACUUM\n");
    rh_text_release(&text);
    scenario.migrations.path = NULL;
    rh_plan_text(&scenario, &(rh_plan){0}, &backup, &text);
    assert_non_null(strstr(rh_text_string(&text), "shop: no migrations"));
    rh_text_release(&text);
}

static void test_json(void **state)
{
    (void)state;
    rh_json *json = rh_plan_json(&scenario, &plan, &backup);
    assert_int_equal(rh_json_int(rh_json_get(json, "pending")), 1);
    rh_json *migration = rh_json_at(rh_json_get(json, "migrations"), 1);
    assert_string_equal(rh_json_string(rh_json_get(migration, "transaction")), "own");
    assert_int_equal(rh_json_int(rh_json_get(migration, "transactions")), 2);
    rh_json *statement = rh_json_at(rh_json_get(migration, "statements"), 2);
    assert_int_equal(rh_json_int(rh_json_get(statement, "transaction")), 2);
    assert_string_equal(rh_json_string(rh_json_get(statement, "blocks")), "schema changes and VACUUM");
    assert_true(rh_json_bool(rh_json_get(statement, "needs_no_transaction")));
    assert_true(rh_json_is_null(rh_json_get(rh_json_at(rh_json_get(json, "migrations"), 2), "statements")));
    rh_json_free(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_transactions), cmocka_unit_test(test_text),
                                       cmocka_unit_test(test_json)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
