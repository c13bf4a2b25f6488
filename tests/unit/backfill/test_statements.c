/* The statements of a batch, by walk, for one column and for several. */
#include "backfill/statements.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
// clang-format off
#include <cmocka.h>
// clang-format on

static rh_arena *arena;

static int start(void **state)
{
    (void)state;
    arena = rh_arena_new();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    rh_arena_free(arena);
    return 0;
}

static const rh_backfill_target ONE = {
    .table = "public.orders", .name = "orders", .key = {"id"}, .types = {"bigint"}, .key_count = 1};
static const rh_backfill_target TWO = {.table = "public.\"Line\"",
                                       .name = "\"Line\"",
                                       .key = {"tenant", "n"},
                                       .types = {"text", "integer"},
                                       .key_count = 2};

static rh_backfill_statements of(rh_backfill_walk walk, const rh_backfill_target *target)
{
    const rh_backfill b = {.set = "a = 1", .condition = "a IS NULL", .walk = walk};
    return rh_backfill_statements_of(&b, target, arena);
}

static void has(const char *sql, const char *part)
{
    if (!strstr(sql, part))
        fail_msg("\"%s\" lacks \"%s\"", sql, part);
}

static void keyset_goes_by_the_key(void **state)
{
    (void)state;
    const rh_backfill_statements sql = of(RH_WALK_KEYSET, &ONE);
    assert_int_equal(sql.position_size, 1);
    has(sql.find_first, "WHERE id <= $1::bigint");
    has(sql.find_first, "LIMIT $2::bigint");
    has(sql.find_next, "WHERE id > $1::bigint AND id <= $2::bigint");
    has(sql.find_next, "ORDER BY id DESC LIMIT 1");
    has(sql.update_first, "UPDATE public.orders SET a = 1\nWHERE orders.id <= $1::bigint");
    has(sql.update_next, "orders.id > $1::bigint AND orders.id <= $2::bigint\n  AND (a IS NULL\n)");
}

static void several_columns_compare_as_a_row(void **state)
{
    (void)state;
    const rh_backfill_statements sql = of(RH_WALK_KEYSET, &TWO);
    assert_int_equal(sql.position_size, 2);
    has(sql.find_next, "(tenant, n) > ($1::text, $2::integer) AND (tenant, n) <= ($3::text, $4::integer)");
    has(sql.find_next, "LIMIT $5::bigint");
    has(sql.find_next, "ORDER BY tenant DESC, n DESC LIMIT 1");
    has(sql.update_next, "(\"Line\".tenant, \"Line\".n) > ($1::text, $2::integer)");
}

static void range_begins_with_a_row(void **state)
{
    (void)state;
    const rh_backfill_statements sql = of(RH_WALK_RANGE, &ONE);
    has(sql.find_first, "min(id)");
    has(sql.find_first, "least(low + $2::bigint - 1, $1::bigint)");
    has(sql.find_next, "least(low + $3::bigint - 1, $2::bigint)");
}

static void ctid_counts_pages(void **state)
{
    (void)state;
    const rh_backfill_statements sql = of(RH_WALK_CTID, &TWO);
    assert_int_equal(sql.position_size, 1);
    has(sql.find_first, "least(0 + $2::bigint, $1::bigint)");
    has(sql.find_next, "least($1::bigint + $3::bigint, $2::bigint)");
    has(sql.update_first, "\"Line\".ctid >= '(0,0)'::tid");
    has(sql.update_next, "\"Line\".ctid < ('(' || $2 || ',0)')::tid");
}

static void remaining_has_no_position(void **state)
{
    (void)state;
    const rh_backfill_statements sql = of(RH_WALK_REMAINING, &ONE);
    assert_null(sql.find_first);
    assert_int_equal(sql.position_size, 0);
    has(sql.update_first,
        "(orders.id) IN (\n  SELECT id FROM public.orders WHERE (a IS NULL\n) LIMIT $1::bigint)");
    assert_string_equal(sql.update_first, sql.update_next);
}

static void sources_are_joined(void **state)
{
    (void)state;
    const rh_backfill b = {.set = "a = c.a", .from = "customers c", .join = "c.id = orders.customer"};
    const rh_backfill_statements sql = rh_backfill_statements_of(&b, &ONE, arena);
    has(sql.update_first, "SET a = c.a\nFROM customers c\nWHERE ");
    has(sql.update_first, "AND (c.id = orders.customer\n)");
    assert_null(strstr(sql.find_first, "customers"));
}

static void the_end_is_the_greatest_position(void **state)
{
    (void)state;
    rh_backfill b = {.set = "a = 1"};
    has(rh_backfill_last_sql(&b, &TWO, arena),
        "SELECT tenant, n FROM public.\"Line\" ORDER BY tenant DESC, n DESC LIMIT 1");
    has(rh_backfill_count_up_to(&b, &ONE, arena),
        "SELECT count(*) FROM public.orders WHERE id <= $1::bigint");
    b.walk = RH_WALK_CTID;
    has(rh_backfill_last_sql(&b, &TWO, arena), "pg_relation_size('public.\"Line\"'::regclass)");
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, start, stop)
    const struct CMUnitTest tests[] = {
        EACH(keyset_goes_by_the_key),           EACH(several_columns_compare_as_a_row),
        EACH(range_begins_with_a_row),          EACH(ctid_counts_pages),
        EACH(remaining_has_no_position),        EACH(sources_are_joined),
        EACH(the_end_is_the_greatest_position),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
