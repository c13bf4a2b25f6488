#include "pgrehearse/base/relation.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_read(void **state)
{
    static const struct {
        const char *text, *written; /* NULL: no name */
    } cases[] = {
        {"a", "a"},
        {"a.b", "a.b"},
        {"Billing.versions", "\"Billing\".versions"},
        {"\"a.b\".\"C \"\"d\"\"\"", "\"a.b\".\"C \"\"d\"\"\""},
        {"9a", "\"9a\""},
        {"", NULL},
        {"a.", NULL},
        {".a", NULL},
        {"a.b.c", NULL},
        {"\"a", NULL},
        {"\"a\"b", NULL},
        {"\"\"", NULL},
        {"a\"b", NULL},
    };
    (void)state;
    rh_arena *arena = rh_arena_new();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rh_relation name;
        const bool ok = rh_relation_parse(cases[i].text, arena, &name);
        assert_int_equal(ok, cases[i].written != NULL);
        if (ok)
            assert_string_equal(rh_relation_text((rh_relation){name.schema, name.name}, arena),
                                cases[i].written);
    }
    rh_relation name;
    char longest[66] = "";
    memset(longest, 'a', 63);
    assert_true(rh_relation_parse(longest, arena, &name));
    longest[63] = 'a';
    assert_false(rh_relation_parse(longest, arena, &name));
    rh_arena_free(arena);
}

static void test_quoting(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    const rh_relation odd = {"my \"s\"", "Order"}, plain = {NULL, "orders"}, reserved = {"public", "order"};
    assert_string_equal(rh_relation_text(odd, arena), "\"my \"\"s\"\"\".\"Order\"");
    assert_string_equal(rh_relation_text(plain, arena), "orders");
    assert_string_equal(rh_relation_text(reserved, arena), "public.\"order\"");
    assert_string_equal(rh_relation_quote(odd, arena), "\"my \"\"s\"\"\".\"Order\"");
    assert_string_equal(rh_relation_quote(plain, arena), "\"orders\"");
    assert_null(rh_relation_text((rh_relation){0}, arena));
    assert_true(rh_relation_equal(rh_relation_of(rh_relation_quote(odd, arena), arena), odd));
    assert_true(rh_relation_equal(rh_relation_of("db.public.\"order\"", arena), reserved));
    assert_null(rh_relation_of(NULL, arena).name);
    rh_arena_free(arena);
}

static void test_comparing(void **state)
{
    (void)state;
    const rh_relation bare = {NULL, "orders"}, full = {"public", "orders"}, other = {"archive", "orders"};
    assert_true(rh_relation_equal(full, full));
    assert_false(rh_relation_equal(full, bare));
    assert_false(rh_relation_equal(full, other));
    assert_true(rh_relation_matches(full, bare));
    assert_true(rh_relation_matches(bare, bare));
    assert_false(rh_relation_matches(full, other));
    assert_false(rh_relation_matches((rh_relation){0}, (rh_relation){0}));
}

static void test_mentions(void **state)
{
    (void)state;
    assert_true(rh_sql_mentions("alter table Orders add x int", "public.orders"));
    assert_true(rh_sql_mentions("DROP TABLE \"My Table\"", "public.\"My Table\""));
    assert_true(rh_sql_mentions("table \"a.b\"", "public.\"a.b\""));
    assert_true(rh_sql_mentions("table \"a\"\"b\"", "\"a\"\"b\""));
    assert_false(rh_sql_mentions("DROP TABLE orders_old", "public.orders"));
    assert_false(rh_sql_mentions("SELECT * FROM orders", "public.\"order\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_read), cmocka_unit_test(test_quoting),
                                       cmocka_unit_test(test_comparing), cmocka_unit_test(test_mentions)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
