/* The table and the key of a backfill by the backup's definitions: no server. */
#include "backfill/script.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <string.h>

static const char *const SCHEMA[] = {
    "CREATE TABLE public.plain (id bigint NOT NULL, n integer);"
    "ALTER TABLE ONLY public.plain ADD CONSTRAINT plain_pkey PRIMARY KEY (id);"
    "CREATE TABLE public.kinds (a character varying(20) NOT NULL, b uuid NOT NULL, c bit(8) NOT NULL,"
    " d timestamp(3) with time zone NOT NULL, e \"char\" NOT NULL, f shop.\"Kind\" NOT NULL,"
    " g integer[] NOT NULL, h text COLLATE \"C\" NOT NULL, PRIMARY KEY (a, b, c, d, e, f, g, h));"
    "CREATE TABLE public.counted (id serial PRIMARY KEY, other smallint);"
    "CREATE TABLE shop.\"Order lines\" (\"No\" integer PRIMARY KEY);"
    "CREATE TABLE public.keyless (a integer NOT NULL, b integer);"
    "CREATE TABLE public.sliced (id integer PRIMARY KEY) PARTITION BY RANGE (id);"};

typedef struct fixture {
    rh_arena *arena;
    rh_plan plan;
    rh_error error;
    rh_backfill_target target;
} fixture;

static int set_up(void **state)
{
    static fixture f;
    f = (fixture){.arena = rh_arena_new(), .plan = {.schema = SCHEMA, .schema_count = 1}};
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    rh_error_release(&f->error);
    rh_arena_free(f->arena);
    return 0;
}

static bool resolve(fixture *f, rh_backfill backfill)
{
    return rh_backfill_target_of(&backfill, &f->plan, f->arena, &f->target, &f->error);
}

static void the_primary_key_is_the_key(void **state)
{
    fixture *f = *state;
    assert_true(resolve(f, (rh_backfill){.table = "plain"}));
    assert_string_equal(f->target.table, "public.plain");
    assert_int_equal(f->target.key_count, 1);
    assert_string_equal(f->target.key[0], "id");
    assert_string_equal(f->target.types[0], "bigint");
}

/* A length would cut a position short; bit without one is bit(1). */
static void types_are_written_so_that_positions_keep_their_values(void **state)
{
    static const char *const types[] = {"character varying", "uuid",          "bit(8)",    "timestamptz",
                                        "\"char\"",          "shop.\"Kind\"", "integer[]", "text"};
    fixture *f = *state;
    assert_true(resolve(f, (rh_backfill){.table = "public.kinds"}));
    assert_int_equal(f->target.key_count, 8);
    for (size_t i = 0; i < 8; i++)
        assert_string_equal(f->target.types[i], types[i]);
}

static void a_serial_is_an_integer(void **state)
{
    fixture *f = *state;
    assert_true(resolve(f, (rh_backfill){.table = "counted", .walk = RH_WALK_RANGE}));
    assert_string_equal(f->target.types[0], "integer");
}

static void names_are_quoted_where_they_must_be(void **state)
{
    fixture *f = *state;
    assert_true(resolve(f, (rh_backfill){.table = "shop.\"Order lines\""}));
    assert_string_equal(f->target.table, "shop.\"Order lines\"");
    assert_string_equal(f->target.name, "\"Order lines\"");
    assert_string_equal(f->target.key[0], "\"No\"");
}

static void columns_that_are_named_take_the_place_of_a_primary_key(void **state)
{
    fixture *f = *state;
    const char *key[] = {"a"};
    assert_true(resolve(f, (rh_backfill){.table = "keyless", .key = key, .key_count = 1}));
    assert_string_equal(f->target.types[0], "integer");
}

static void without_one_the_key_to_write_is_said(void **state)
{
    fixture *f = *state;
    assert_false(resolve(f, (rh_backfill){.table = "keyless"}));
    assert_int_equal(f->error.code, RH_ERROR_SCENARIO);
    assert_non_null(strstr(f->error.hint, "write key:"));
}

static void a_column_that_may_be_null_is_no_key(void **state)
{
    fixture *f = *state;
    const char *key[] = {"b"};
    assert_false(resolve(f, (rh_backfill){.table = "keyless", .key = key, .key_count = 1}));
    assert_non_null(strstr(f->error.message, "column \"b\" of the key may be null"));
}

static void a_column_that_is_not_there_is_refused(void **state)
{
    fixture *f = *state;
    const char *key[] = {"nothing"};
    assert_false(resolve(f, (rh_backfill){.table = "keyless", .key = key, .key_count = 1}));
    assert_non_null(strstr(f->error.message, "public.keyless has no column \"nothing\""));
}

static void a_table_that_is_not_defined_is_refused(void **state)
{
    fixture *f = *state;
    assert_false(resolve(f, (rh_backfill){.table = "nowhere"}));
    assert_non_null(strstr(f->error.message, "is not defined by the backup"));
}

static void a_range_needs_one_integer(void **state)
{
    fixture *f = *state;
    assert_false(resolve(f, (rh_backfill){.table = "kinds", .walk = RH_WALK_RANGE}));
    assert_non_null(strstr(f->error.message, "walk: range needs a key of one integer column"));
}

static void pages_need_a_table_that_has_some(void **state)
{
    fixture *f = *state;
    assert_true(resolve(f, (rh_backfill){.table = "sliced"}));
    assert_false(resolve(f, (rh_backfill){.table = "sliced", .walk = RH_WALK_CTID}));
    assert_non_null(strstr(f->error.message, "not partitioned"));
}

/* The schema is that of the moment at which the backfill begins. */
static void migrations_before_it_count_and_those_behind_it_do_not(void **state)
{
    fixture *f = *state;
    rh_statement wider = {.sql = "ALTER TABLE keyless ALTER COLUMN a TYPE bigint, ADD PRIMARY KEY (a)"},
                 later = {.sql = "ALTER TABLE keyless ALTER COLUMN a TYPE numeric"};
    rh_migration migrations[] = {
        {.id = "1", .pending = true, .up = {.statements = &wider, .statement_count = 1}},
        {.id = "2", .pending = true, .up = {.statements = &later, .statement_count = 1}}};
    f->plan.migrations = migrations;
    f->plan.migration_count = 2;
    assert_true(resolve(f, (rh_backfill){.table = "keyless", .after = "1"}));
    assert_string_equal(f->target.types[0], "bigint");
    assert_true(resolve(f, (rh_backfill){.table = "keyless"}));
    assert_string_equal(f->target.types[0], "numeric");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_primary_key_is_the_key),
        TEST(types_are_written_so_that_positions_keep_their_values),
        TEST(a_serial_is_an_integer),
        TEST(names_are_quoted_where_they_must_be),
        TEST(columns_that_are_named_take_the_place_of_a_primary_key),
        TEST(without_one_the_key_to_write_is_said),
        TEST(a_column_that_may_be_null_is_no_key),
        TEST(a_column_that_is_not_there_is_refused),
        TEST(a_table_that_is_not_defined_is_refused),
        TEST(a_range_needs_one_integer),
        TEST(pages_need_a_table_that_has_some),
        TEST(migrations_before_it_count_and_those_behind_it_do_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
