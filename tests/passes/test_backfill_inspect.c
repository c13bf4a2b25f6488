/* A backfill held against its table: what is refused before a batch runs, and where the mistake is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "backfill/inspect.h"
#include "passes/scripted.h"
#include <string.h>

#define TABLE "pg_catalog.to_regclass($1)"
#define KEY "WITH chosen AS"
#define LAST "SELECT id FROM public.t ORDER BY id DESC LIMIT 1"
#define FIND "count(*) OVER ()"
#define UPDATE "UPDATE public.t SET b = 1"
#define MATCH "SELECT count(*) FROM public.t WHERE id <="

static rh_backfill backfill;
static rh_backfill_target target;
static rh_arena *arena;
static rh_pg *pg;
static rh_error error;

static int begin(void **state)
{
    (void)state;
    script_begin();
    arena = rh_arena_new();
    pg = rh_pg_connect("", ": backfill", NULL);
    backfill = (rh_backfill){.name = "fill",
                             .table = "t",
                             .set = "b = 1",
                             .condition = "b IS NULL",
                             .table_where = {.file = "s.yaml", .line = 2, .column = 1},
                             .key_where = {.file = "s.yaml", .line = 3, .column = 1},
                             .set_where = {.file = "s.yaml", .line = 4, .column = 1},
                             .condition_where = {.file = "s.yaml", .line = 5, .column = 1},
                             .sql_where = {.file = "s.yaml", .line = 6, .column = 1}};
    return 0;
}

static int end(void **state)
{
    (void)state;
    rh_pg_close(pg);
    rh_error_release(&error);
    rh_arena_free(arena);
    return script_open_connections();
}

/* Rules that a test adds come before these: a table of 50 rows to do, which SET changes all. */
static bool inspected(void)
{
    script_rows(TABLE, "public.t t r 16400");
    script_rows(KEY, "id id bigint t t t");
    script_rows(LAST, "900");
    script_rows(FIND, "60 2");
    script_rows(UPDATE, "1;1");
    return rh_backfill_inspect(pg, &backfill, arena, &target, &error);
}

static void refused(int line, const char *message)
{
    assert_false(inspected());
    assert_int_equal(error.code, RH_ERROR_SCENARIO);
    assert_int_equal(error.line, line);
    if (!strstr(error.message, message))
        fail_msg("\"%s\" lacks \"%s\"", error.message, message);
}

static void a_good_one_is_tried_and_rolled_back(void **state)
{
    (void)state;
    assert_true(inspected());
    assert_string_equal(target.table, "public.t");
    assert_string_equal(target.name, "t");
    assert_int_equal(target.key_count, 1);
    assert_string_equal(target.key[0], "id");
    assert_string_equal(target.types[0], "bigint");
    assert_false(target.partitioned);
    assert_int_equal(script_sent(NULL, UPDATE), 1);
    assert_int_equal(script_sent(NULL, "ROLLBACK"), 1);
    assert_int_equal(script_sent(NULL, "COMMIT"), 0);
}

static void a_partitioned_table_is_one(void **state)
{
    (void)state;
    script_rows(TABLE, "public.t t p 16400");
    assert_true(inspected());
    assert_true(target.partitioned);
}

static void pages_are_of_one_table(void **state)
{
    (void)state;
    backfill.walk = RH_WALK_CTID;
    script_rows(TABLE, "public.t t p 16400");
    refused(2, "walk: ctid needs a table that is not partitioned");
}

static void a_program_changes_no_row_of_it(void **state)
{
    (void)state;
    static const char *const command[] = {"rake", NULL};
    backfill.command = command;
    backfill.set = NULL;
    assert_true(inspected());
    assert_int_equal(script_sent(NULL, "UPDATE"), 0);
}

/* ---- the table and its key ---- */

static void no_such_table(void **state)
{
    (void)state;
    script_rows(TABLE, "");
    refused(2, "table \"t\" does not exist");
}

static void no_name(void **state)
{
    (void)state;
    script_rows(TABLE, "")->action = SCRIPT_REFUSE;
    refused(2, "scripted failure");
}

static void a_view(void **state)
{
    (void)state;
    script_rows(TABLE, "public.t t v 16400");
    refused(2, "\"t\" is not a table, but a view");
}

static void a_materialized_view(void **state)
{
    (void)state;
    script_rows(TABLE, "public.t t m 16400");
    refused(2, "but a materialized view");
}

static void a_foreign_table(void **state)
{
    (void)state;
    script_rows(TABLE, "public.t t f 16400");
    refused(2, "but a foreign table");
}

static void a_sequence(void **state)
{
    (void)state;
    script_rows(TABLE, "public.t t S 16400");
    refused(2, "but a relation of another kind");
}

static void no_primary_key(void **state)
{
    (void)state;
    script_rows(KEY, "");
    refused(2, "public.t has no primary key");
    assert_non_null(strstr(error.hint, "key: [id]"));
}

static void a_key_of_too_many_columns(void **state)
{
    (void)state;
    script_rows(KEY, "a a int t t t;b b int t t t;c c int t t t;d d int t t t;e e int t t t;f f int t t t;"
                     "g g int t t t;h h int t t t;i i int t t t");
    refused(2, "too many columns");
}

static void given_key(const char *column)
{
    static const char *columns[1];
    columns[0] = column;
    backfill.key = columns;
    backfill.key_count = 1;
}

static void a_column_that_it_does_not_have(void **state)
{
    (void)state;
    given_key("nr");
    script_rows(KEY, "nr nr - - - f");
    refused(3, "public.t has no column \"nr\"");
}

static void a_column_that_may_be_null(void **state)
{
    (void)state;
    given_key("nr");
    script_rows(KEY, "nr nr integer t f t");
    refused(3, "column \"nr\" of the key may be null");
}

static void a_key_that_is_not_unique(void **state)
{
    (void)state;
    given_key("nr");
    script_rows(KEY, "nr nr integer t t f");
    refused(3, "no unique index has exactly the columns of the key");
}

static void ranges_need_an_integer(void **state)
{
    (void)state;
    backfill.walk = RH_WALK_RANGE;
    script_rows(KEY, "id id uuid f t t");
    refused(2, "walk: range needs a key of one integer column");
}

static void ranges_need_one_column(void **state)
{
    (void)state;
    backfill.walk = RH_WALK_RANGE;
    script_rows(KEY, "tenant tenant integer t t t;id id integer t t t");
    refused(2, "walk: range needs a key of one integer column");
}

static void set_must_not_change_the_key(void **state)
{
    (void)state;
    backfill.set = "b = 1, id = id + 1";
    refused(4, "set changes id, a column of the key");
    assert_int_equal(script_sent(NULL, "BEGIN"), 0);
}

static void own_sql_needs_one_column(void **state)
{
    (void)state;
    backfill.sql = "UPDATE t SET b = 1 WHERE id BETWEEN :from AND :to";
    script_rows(KEY, "tenant tenant integer t t t;id id integer t t t");
    refused(6, "sql needs a key of one column");
}

/* ---- the SQL, on the server ---- */

static void where_that_the_server_refuses(void **state)
{
    (void)state;
    script_rule *rule = script_rows("LIMIT 0", "");
    rule->action = SCRIPT_REFUSE;
    rule->message = "column \"x\" does not exist";
    refused(5, "column \"x\" does not exist");
}

static void set_that_the_server_refuses(void **state)
{
    (void)state;
    script_rule *rule = script_rows(UPDATE, "");
    rule->action = SCRIPT_REFUSE;
    rule->message = "column \"b\" does not exist";
    refused(4, "column \"b\" does not exist");
    assert_int_equal(script_sent(NULL, "ROLLBACK"), 1);
}

static void a_lost_server_is_no_fault_of_the_scenario(void **state)
{
    (void)state;
    script_rows(UPDATE, "")->action = SCRIPT_LOSE;
    assert_false(inspected());
    assert_int_equal(error.code, RH_ERROR_LOST);
}

static void rows_that_still_match_where(void **state)
{
    (void)state;
    script_rows(MATCH, "2");
    refused(5, "2 of 2 rows still match where after set");
}

/* Two rows found, one of them changed: the other has no partner in join:, and still matches. */
static void rows_that_join_leaves_out_may_match(void **state)
{
    (void)state;
    script_rows(UPDATE, "1");
    script_rows(MATCH, "1");
    assert_true(inspected());
}

static void one_changed_row_that_matches_beside_those(void **state)
{
    (void)state;
    script_rows(UPDATE, "1");
    script_rows(MATCH, "2");
    refused(5, "1 of 1 rows still match where after set");
}

static void own_sql_that_changes_no_row(void **state)
{
    (void)state;
    backfill.set = NULL;
    backfill.sql = "UPDATE public.t SET b = 1 WHERE false AND id BETWEEN :from AND :to";
    script_rows(UPDATE, "");
    refused(6, "sql changes none of the first 2 rows");
}

/* Rows of the table that the session has written, before the batch and behind it. */
static void own_sql(const char *before, const char *written)
{
    backfill.set = backfill.condition = NULL;
    backfill.sql = "UPDATE public.t SET b = 1 WHERE id BETWEEN :from AND :to";
    script_rows("pg_stat_xact_user_tables", before)->last = 1;
    script_rows("pg_stat_xact_user_tables", written);
}

static void own_sql_that_changes_another_table(void **state)
{
    (void)state;
    own_sql("7", "7");
    refused(6, "sql changes none of the first 2 rows of public.t");
}

static void own_sql_that_changes_its_table(void **state)
{
    (void)state;
    own_sql("7", "9");
    assert_true(inspected());
}

static void a_server_that_does_not_count_refuses_none(void **state)
{
    (void)state;
    own_sql("-", "-");
    assert_true(inspected());
}

static void a_table_without_rows(void **state)
{
    (void)state;
    script_rows(LAST, "");
    assert_true(inspected());
    assert_int_equal(script_sent(NULL, UPDATE), 0);
    assert_int_equal(script_sent(NULL, "ROLLBACK"), 1);
}

static void without_rows_to_do_nothing_is_tried(void **state)
{
    (void)state;
    script_rows(FIND, "");
    script_rows(MATCH, "2");
    assert_true(inspected());
    assert_int_equal(script_sent(NULL, UPDATE), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)
        test(a_good_one_is_tried_and_rolled_back),
        test(a_partitioned_table_is_one),
        test(pages_are_of_one_table),
        test(a_program_changes_no_row_of_it),
        test(no_such_table),
        test(no_name),
        test(a_view),
        test(a_materialized_view),
        test(a_foreign_table),
        test(a_sequence),
        test(no_primary_key),
        test(a_key_of_too_many_columns),
        test(a_column_that_it_does_not_have),
        test(a_column_that_may_be_null),
        test(a_key_that_is_not_unique),
        test(ranges_need_an_integer),
        test(ranges_need_one_column),
        test(set_must_not_change_the_key),
        test(own_sql_needs_one_column),
        test(where_that_the_server_refuses),
        test(set_that_the_server_refuses),
        test(a_lost_server_is_no_fault_of_the_scenario),
        test(rows_that_still_match_where),
        test(rows_that_join_leaves_out_may_match),
        test(one_changed_row_that_matches_beside_those),
        test(own_sql_that_changes_no_row),
        test(own_sql_that_changes_another_table),
        test(own_sql_that_changes_its_table),
        test(a_server_that_does_not_count_refuses_none),
        test(a_table_without_rows),
        test(without_rows_to_do_nothing_is_tried),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
