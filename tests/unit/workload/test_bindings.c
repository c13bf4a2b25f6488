/* What each parameter meets, over many shapes of statements; and the texts that normalisation leaves. */
#include "workload/statements/bindings.h"
#include "workload/statements/statement_text.h"
#include "pgrehearse/base/text.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static mix_column orders[] = {
    {.name = "id"}, {.name = "customer_id"}, {.name = "created_at"}, {.name = "state"}};
static mix_column customers[] = {{.name = "id"}, {.name = "email"}, {.name = "name"}};
static mix_column other[] = {{.name = "id"}, {.name = "secret"}};
static const mix_table tables[] = {
    {.relation = {"app", "orders"}, .name = "app.orders", .columns = other, .column_count = 2},
    {.relation = {"public", "orders"}, .name = "public.orders", .columns = orders, .column_count = 4},
    {.relation = {"public", "customers"},
     .name = "public.customers",
     .columns = customers,
     .column_count = 3},
};

static rh_arena *arena;
static mix_statement bound;

static void read_statement(const char *sql)
{
    rh_error error = {0};
    if (!rh_mix_bind(sql, tables, 3, arena, &bound, &error))
        fail_msg("%s: %s", sql, error.message);
}

/* "orders.id=" : one word a parameter: table.column and a letter for the kind; -: none. */
static void binds(const char *sql, const char *expected)
{
    static const char letters[] = {
        [MIX_BIND_NONE] = '-',   [MIX_BIND_EQUAL] = '=', [MIX_BIND_OTHER] = '!',   [MIX_BIND_ANY] = 'A',
        [MIX_BIND_LOW] = '>',    [MIX_BIND_HIGH] = '<',  [MIX_BIND_PATTERN] = '~', [MIX_BIND_SET] = 'S',
        [MIX_BIND_INSERT] = 'I', [MIX_BIND_STEP] = '+',  [MIX_BIND_LIMIT] = 'L',   [MIX_BIND_OFFSET] = 'O'};
    read_statement(sql);
    rh_text text = {0};
    for (size_t i = 0; i < bound.parameter_count; i++) {
        const mix_binding *b = &bound.parameters[i];
        rh_text_append(&text, i ? " " : "");
        if (b->table)
            rh_text_printf(&text, "%s.%s", strchr(b->table->name, '.') + 1,
                           b->table->columns[b->column].name);
        rh_text_append_char(&text, letters[b->kind]);
        if (b->element)
            rh_text_printf(&text, "%zu", b->element);
    }
    if (strcmp(rh_text_string(&text), expected) != 0)
        fail_msg("%s:\n  %s\n  expected %s", sql, rh_text_string(&text), expected);
    rh_text_release(&text);
}

static void test_comparisons(void **state)
{
    (void)state;
    binds("SELECT * FROM orders WHERE id = $1", "orders.id=");
    binds("SELECT * FROM orders o WHERE $1 = o.id", "orders.id=");
    binds("SELECT * FROM orders WHERE id = $1::bigint AND state <> $2", "orders.id= orders.state!");
    binds("SELECT * FROM orders WHERE id IN ($1, $2, $3)", "orders.id= orders.id=1 orders.id=2");
    binds("SELECT * FROM orders WHERE id NOT IN ($1)", "orders.id=");
    binds("SELECT * FROM orders WHERE id = ANY ($1)", "orders.idA");
    binds("SELECT * FROM orders WHERE id = ANY ($1::int[])", "orders.idA");
    binds("SELECT * FROM orders WHERE id = ANY (ARRAY[$1, $2])", "orders.id= orders.id=1");
    binds("SELECT * FROM orders WHERE created_at BETWEEN $1 AND $2", "orders.created_at> orders.created_at<");
    binds("SELECT * FROM orders WHERE created_at >= $1 AND $2 > created_at",
          "orders.created_at> orders.created_at<");
    binds("SELECT * FROM orders WHERE (customer_id, id) > ($1, $2) LIMIT $3",
          "orders.customer_id> orders.id> L");
    binds("SELECT * FROM orders WHERE (customer_id, id) IN (($1, $2), ($3, $4))",
          "orders.customer_id= orders.id= orders.customer_id=1 orders.id=1");
    binds("SELECT * FROM customers WHERE email LIKE $1 OR name ILIKE $2", "customers.email~ customers.name~");
    binds("SELECT * FROM customers WHERE lower(email) = lower($1)", "customers.email=");
    assert_int_equal(bound.parameters[0].letters, MIX_CASE_LOWER);
    binds("SELECT * FROM customers WHERE email IS NOT DISTINCT FROM $1", "customers.email=");
    binds("SELECT * FROM orders ORDER BY id LIMIT $1 OFFSET $2", "L O");
    assert_true(bound.limited);
    binds("SELECT id + $1 FROM orders", "orders.id+");
    binds("SELECT $1 FROM orders WHERE length(state) > $2", "- -");
    binds("SELECT count(*) FROM orders WHERE id = $3", "- - orders.id=");
    assert_true(bound.aggregates);
    binds("SELECT * FROM orders WHERE id > $1 AND customer_id = $1",
          "orders.customer_id="); /* the stronger */
}

static void test_names(void **state)
{
    (void)state;
    binds("SELECT * FROM app.orders WHERE secret = $1", "orders.secret=");
    assert_string_equal(bound.table->name, "app.orders");
    binds("SELECT * FROM orders WHERE secret = $1", "-"); /* public.orders has none */
    binds("SELECT * FROM orders o JOIN customers c ON c.id = o.customer_id WHERE c.email = $1 AND o.id = $2",
          "customers.email= orders.id=");
    assert_int_not_equal(bound.parameters[0].entry, bound.parameters[1].entry);
    binds("SELECT * FROM orders a, orders b WHERE a.id = $1 AND b.id = $2", "orders.id= orders.id=");
    assert_int_not_equal(bound.parameters[0].entry, bound.parameters[1].entry);
    binds("SELECT * FROM orders a WHERE a.id = $1 AND a.state = $2", "orders.id= orders.state=");
    assert_int_equal(bound.parameters[0].entry, bound.parameters[1].entry);
    binds("SELECT * FROM (SELECT * FROM orders WHERE state = $1) s WHERE s.id = $2",
          "orders.state= orders.id=");
    binds("WITH s AS (SELECT * FROM orders WHERE state = $1) SELECT * FROM s WHERE s.id = $2",
          "orders.state= orders.id=");
    binds(
        "SELECT * FROM customers c WHERE EXISTS (SELECT FROM orders WHERE customer_id = c.id AND email = $1)",
        "customers.email=");
    binds("SELECT id FROM orders WHERE id = $1 UNION ALL SELECT id FROM customers WHERE email = $2 LIMIT $3",
          "orders.id= customers.email= L");
    binds("SELECT * FROM nowhere WHERE id = $1", "-");
    assert_null(bound.table);
    binds("WITH RECURSIVE r AS (SELECT * FROM r WHERE id = $1) SELECT * FROM r WHERE id = $2", "- -");
}

static void test_writes(void **state)
{
    (void)state;
    binds("INSERT INTO orders (id, state) VALUES ($1, $2), ($3, upper($4))",
          "orders.idI orders.stateI orders.idI1 orders.stateI1");
    assert_int_equal(bound.kind, MIX_STATEMENT_INSERT);
    assert_int_equal(bound.value_rows, 2);
    assert_int_equal(bound.values[0][1], 2);
    assert_int_equal(bound.values[1][0], 3);
    assert_int_equal(bound.values[1][1], 0); /* not the parameter itself */
    binds("INSERT INTO customers VALUES ($1, $2::text, $3)",
          "customers.idI customers.emailI customers.nameI");
    assert_int_equal(bound.values[0][1], 2);
    binds("INSERT INTO customers (email, name) VALUES ($1, $2) ON CONFLICT (email) DO UPDATE SET name = $3",
          "customers.emailI customers.nameI customers.nameS");
    assert_int_equal(bound.conflict, MIX_CONFLICT_UPDATE);
    binds("INSERT INTO orders (id, customer_id) SELECT $1, id FROM customers WHERE email = $2 ON CONFLICT DO "
          "NOTHING",
          "orders.idI customers.email=");
    assert_int_equal(bound.conflict, MIX_CONFLICT_NOTHING);
    binds("UPDATE orders SET state = $1, customer_id = customer_id + $2 WHERE id = $3",
          "orders.stateS orders.customer_id+ orders.id=");
    assert_true(bound.where);
    assert_true(bound.writes);
    binds(
        "UPDATE orders o SET (state, customer_id) = ($1, $2) FROM customers c WHERE c.id = o.customer_id AND "
        "c.email = $3",
        "orders.stateS orders.customer_idS customers.email=");
    binds("UPDATE orders SET state = coalesce($1, state) WHERE id = $2", "orders.stateS orders.id=");
    binds("DELETE FROM orders USING customers WHERE customers.id = customer_id AND email = $1",
          "customers.email=");
    assert_string_equal(bound.table->name, "public.orders");
    binds("WITH d AS (DELETE FROM orders WHERE id = $1 RETURNING *) SELECT * FROM d", "orders.id=");
    assert_true(bound.writes);
    binds("SELECT * FROM orders WHERE id = $1 FOR UPDATE", "orders.id=");
    assert_true(bound.writes);
    binds("MERGE INTO orders o USING customers c ON c.id = o.customer_id WHEN MATCHED AND c.email = $1 THEN "
          "DELETE",
          "customers.email=");
}

static void test_kinds(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        mix_statement_kind kind;
    } kinds[] = {{"BEGIN", MIX_STATEMENT_TRANSACTION},
                 {"SAVEPOINT a", MIX_STATEMENT_TRANSACTION},
                 {"VACUUM orders", MIX_STATEMENT_UTILITY},
                 {"SET a = 1", MIX_STATEMENT_UTILITY},
                 {"COPY orders TO STDOUT", MIX_STATEMENT_UTILITY},
                 {"SELECT 1 INTO t", MIX_STATEMENT_UTILITY},
                 {"DELETE FROM orders", MIX_STATEMENT_DELETE}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        read_statement(kinds[i].sql);
        assert_int_equal(bound.kind, kinds[i].kind);
    }
    read_statement("SELECT dblink_exec($1, $2)");
    assert_string_equal(bound.function, "dblink_exec");
    read_statement("SELECT * FROM orders WHERE pg_advisory_lock($1) IS NULL");
    assert_string_equal(bound.function, "pg_advisory_lock");
    read_statement("SELECT pg_advisory_xact_lock($1)");
    assert_null(bound.function);
    rh_error error = {0};
    assert_false(rh_mix_bind("SELECT * FROM orders WHERE id =", tables, 3, arena, &bound, &error));
    assert_non_null(strstr(error.message, "at end of input"));
    rh_error_release(&error);
}

static void playable(const char *query, size_t list, const char *expected)
{
    bool shortened;
    assert_string_equal(rh_statement_replayable(query, list, &shortened, arena), expected);
    assert_int_equal(shortened, strstr(query, "/*, ... */") != NULL);
}

static void test_texts(void **state)
{
    (void)state;
    playable("SELECT now() - INTERVAL $1", 1, "SELECT now() - $1::INTERVAL");
    playable("SELECT DATE $1, timestamp with time zone $2", 1,
             "SELECT $1::DATE, $2::timestamp with time zone");
    playable("SELECT date, time FROM t WHERE a = $1", 1, "SELECT date, time FROM t WHERE a = $1");
    playable("SELECT EXTRACT($1 FROM a)", 1, "SELECT pg_catalog.date_part($1, a)");
    playable("SELECT extract(year FROM a)", 1, "SELECT extract(year FROM a)");
    playable("SELECT * FROM t WHERE a IN ($1 /*, ... */) AND b = $2", 3,
             "SELECT * FROM t WHERE a IN ($1, $3, $4) AND b = $2");
    playable("SELECT 'interval $1' -- $2\n", 1, "SELECT 'interval $1' -- $2\n");
    playable("SELECT 'unfinished", 1, "SELECT 'unfinished");

    int *from;
    size_t kept;
    const char *texts[] = {NULL, "(7 + \2)", "(\1::text || 'x')"};
    assert_string_equal(rh_statement_replace("VALUES ($1, $2), ($3, $4, $1)", texts, 3, &from, &kept, arena),
                        "VALUES ($1, (7 + \2)), (($2::text || 'x'), $3, $1)");
    assert_int_equal(kept, 3);
    assert_int_equal(from[0], 1);
    assert_int_equal(from[1], 3);
    assert_int_equal(from[2], 4);
    assert_string_equal(rh_statement_on_conflict("INSERT INTO t VALUES ($1) RETURNING id", arena),
                        "INSERT INTO t VALUES ($1) ON CONFLICT DO NOTHING RETURNING id");
    assert_string_equal(rh_statement_on_conflict("INSERT INTO t VALUES ($1); ", arena),
                        "INSERT INTO t VALUES ($1) ON CONFLICT DO NOTHING");
}

static int setup(void **state)
{
    (void)state;
    arena = rh_arena_new();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rh_arena_free(arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_comparisons), cmocka_unit_test(test_names),
                                       cmocka_unit_test(test_writes), cmocka_unit_test(test_kinds),
                                       cmocka_unit_test(test_texts)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
