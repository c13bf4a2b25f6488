/* A known workload runs on "production" with pg_stat_statements; its export is replayed on a copy. */
#include "load_support.h"
#include "pgrehearse/base/random.h"
#include "pgrehearse/model/load.h"
#include "workload/statements/statistics.h"
#include <math.h>

static test_cluster *cluster;

static const char schema[] =
    "CREATE TABLE customers (id serial PRIMARY KEY, email varchar(60) UNIQUE NOT NULL, name text, tier int);"
    "INSERT INTO customers (email, name, tier) SELECT 'user' || i || '@example.org', 'Name ' || i, i % 5 "
    "FROM generate_series(1, 5000) i;"
    "CREATE TABLE orders (id bigint PRIMARY KEY, customer_id int NOT NULL REFERENCES customers, created_at "
    "timestamptz NOT NULL, total numeric(10,2), state text);"
    "INSERT INTO orders SELECT i, 1 + floor(5000 * power(random(), 3)), '2026-01-01'::timestamptz + i * "
    "interval "
    "'1 minute', (i % 977) / 7.0, (ARRAY['new','paid','sent'])[1 + i % 3] FROM generate_series(1, 60000) i;"
    "CREATE INDEX ON orders (customer_id); CREATE INDEX ON orders (created_at);"
    "CREATE TABLE tags (order_id bigint REFERENCES orders, tag int, PRIMARY KEY (order_id, tag));"
    "INSERT INTO tags SELECT i, i % 7 FROM generate_series(1, 20000) i;"
    "CREATE TABLE sessions (token uuid PRIMARY KEY, customer_id int, seen timestamptz);"
    "INSERT INTO sessions SELECT md5(i::text)::uuid, i % 5000, now() - i * interval '1 second' FROM "
    "generate_series(1, 8000) i;"
    "CREATE TABLE gone (id int PRIMARY KEY, v text); INSERT INTO gone SELECT i, 'x' FROM generate_series(1, "
    "100) i;"
    "CREATE EXTENSION pg_stat_statements; ANALYZE";

/* The workload: each text with how often it runs; %1$d is a number up to 19000, %2$d one up to 5000, %3$02d a
 * day of the month. */
static const struct {
    const char *sql;
    int calls;
} workload[] = {
    {"SELECT * FROM orders WHERE id = %1$d", 400},
    {"SELECT c.name, c.email FROM customers AS c WHERE lower(c.email) = lower('User%1$d@example.org')", 40},
    {"SELECT * FROM orders WHERE customer_id = %2$d ORDER BY created_at DESC LIMIT 10", 100},
    {"SELECT id, total FROM orders WHERE customer_id IN (%2$d, %1$d, 17)", 50},
    {"SELECT count(*) FROM orders WHERE created_at BETWEEN '2026-01-%3$02d' AND '2026-01-%3$02d 23:59'", 20},
    {"SELECT id FROM orders WHERE created_at >= '2026-01-%3$02d' AND created_at < '2026-01-%3$02d 01:00'",
     60},
    {"SELECT id FROM orders WHERE id > %1$d ORDER BY id LIMIT 25", 60},
    {"SELECT count(*) FROM orders WHERE created_at > '2026-02-10 12:00'", 20},
    {"UPDATE orders SET state = 'paid' WHERE id = %1$d", 80},
    {"UPDATE customers SET tier = tier + 1 WHERE id = %2$d", 40},
    {"INSERT INTO orders (id, customer_id, created_at, total, state) VALUES (9%1$d, 7, '2026-05-05', 12.5, "
     "'new') "
     "ON CONFLICT (id) DO NOTHING",
     30},
    {"INSERT INTO customers (email, name, tier) VALUES ('n%1$d', 'N', 1) RETURNING id", 30},
    {"INSERT INTO tags (order_id, tag) VALUES (%1$d, 1%1$d), (%1$d, 2%1$d)", 20},
    {"DELETE FROM sessions WHERE token = 'c4ca4238-a0b9-2382-0dcc-509a6f7%1$05d'", 20},
    {"SELECT v FROM gone WHERE id = %1$d", 30},
    {"SELECT name FROM customers WHERE id = ANY (ARRAY[%2$d, 2, 3]::int[]) AND tier < 9", 20},
    {"SELECT now() - INTERVAL '1 day', EXTRACT(year FROM created_at) FROM orders WHERE id = %1$d", 20},
    {"SELECT nextval('customers_id_seq')", 20},
    {"VACUUM tags", 1},
};
enum { WORKLOAD = sizeof workload / sizeof *workload };

static char csv_path[256];

static void run_production(rh_pg *pg)
{
    rh_random random;
    rh_random_seed(&random, 5);
    load_execute(pg, "SELECT pg_stat_statements_reset()");
    for (int i = 0; i < WORKLOAD; i++)
        for (int j = 0; j < workload[i].calls; j++) {
            char sql[512];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
            int number = 1 + (int)rh_random_below(&random, 19000);
            snprintf(sql, sizeof sql, workload[i].sql, number, 1 + number % 5000, 1 + number % 28);
#pragma GCC diagnostic pop
            rh_error error = {0};
            rh_pg_execute(pg, sql, &error); /* a key twice is an error, as it is on production */
            rh_error_release(&error);
        }
}

static void export(rh_pg *pg)
{
    char sql[512];
    snprintf(csv_path, sizeof csv_path, "%s/statements.csv", cluster->directory);
    snprintf(sql, sizeof sql,
             "COPY (SELECT now() AS captured_at, now() - interval '10 s' AS stats_reset, s.* FROM "
             "pg_stat_statements s) "
             "TO '%s' CSV HEADER",
             csv_path);
    load_execute(pg, sql);
}

static rh_mix mix_with(rh_pg *pg, const rh_profile_values *values, size_t value_count, rh_arena *arena)
{
    rh_mix mix;
    rh_error error = {0};
    const char *paths[] = {csv_path};
    if (!rh_mix_from_statistics(pg, NULL, paths, 1, values, value_count, NULL, 11, arena, &mix, &error))
        fail_msg("%s", error.message);
    return mix;
}

static rh_mix statistics_mix(rh_pg *pg, rh_arena *arena)
{
    return mix_with(pg, NULL, 0, arena);
}

/* Of the values that the statement with TEXT seeks by its first parameter, the share that is VALUE. */
static double share_of_value(const rh_mix *mix, const char *text, const char *value)
{
    for (size_t i = 0; i < mix->template_count; i++) {
        const rh_template *t = &mix->templates[i];
        size_t found = 0;
        for (size_t r = 0; strstr(t->sql, text) && r < t->value_row_count; r++)
            found += t->values[r][0] && strcmp(t->values[r][0], value) == 0;
        if (strstr(t->sql, text))
            return (double)found / (double)t->value_row_count;
    }
    fail_msg("no template with %s", text);
    return 0;
}

static bool tells(const rh_mix *mix, const char *about, const char *reason)
{
    for (size_t i = 0; i < mix->left_out_count; i++)
        if (strstr(mix->left_out[i], about) && strstr(mix->left_out[i], reason))
            return true;
    return false;
}

static void show(const rh_mix *mix)
{
    for (size_t i = 0; i < mix->template_count; i++) {
        const rh_template *t = &mix->templates[i];
        print_message("%5.1f %% %s | rows %.3g of %.3g | blocks %.3g of %.3g | %s\n      %s\n",
                      100 * t->weight, t->name, t->replay->rows, t->replay->production_rows,
                      t->replay->blocks, t->replay->production_blocks,
                      t->replay->caveat ? t->replay->caveat : "ok", t->sql);
    }
    for (size_t i = 0; i < mix->left_out_count; i++)
        print_message("- %s\n", mix->left_out[i]);
}

/* Rows a call of the copy's statements while the load ran, against the export's, over all of them. */
static void compare_rows(rh_pg *pg, const rh_mix *mix)
{
    size_t compared = 0, near = 0;
    for (size_t i = 0; i < mix->template_count; i++) {
        const rh_template *t = &mix->templates[i];
        rh_error error = {0};
        rh_pg_result *r =
            rh_pg_query(pg,
                        "SELECT sum(rows) / sum(calls)::float8, sum(calls) FROM pg_stat_statements s "
                        "JOIN pg_database d ON d.oid = s.dbid AND d.datname = current_database() "
                        "WHERE query = $1",
                        1, &t->sql, &error);
        if (!r)
            fail_msg("%s", error.message);
        double rows = rh_pg_double(r, 0, 0, NAN), calls = rh_pg_double(r, 0, 1, 0);
        rh_pg_result_free(r);
        if (isnan(rows) || calls < 30 || t->replay->caveat)
            continue;
        double want = t->replay->production_rows;
        bool within = fmax(rows, 0.2) <= 2 * fmax(want, 0.2) && fmax(want, 0.2) <= 2 * fmax(rows, 0.2);
        if (!within)
            print_message("%s: %.3g rows a call, on production %.3g\n", t->name, rows, want);
        compared++;
        near += within;
    }
    assert_true(compared >= 7);
    assert_true(near + 1 >= compared);
}

static void test_replay_has_productions_shares_and_rows(void **state)
{
    (void)state;
    rh_pg *pg = load_connect(cluster, "postgres");
    load_execute(pg, "CREATE DATABASE production");
    rh_pg *production = load_connect(cluster, "production");
    load_execute(production, schema);
    run_production(production);
    export(production);
    rh_pg_close(production);
    load_execute(pg, "CREATE DATABASE copy TEMPLATE production");
    rh_pg *copy = load_connect(cluster, "copy");
    load_execute(copy, "DROP TABLE gone; ANALYZE; SELECT pg_stat_statements_reset()");

    rh_arena *arena = rh_arena_new();
    rh_mix mix = statistics_mix(copy, arena);
    show(&mix);
    assert_true(mix.template_count >= 13);
    assert_true(mix.coverage.measured);
    assert_true(mix.coverage.calls > 0.9);
    assert_true(mix.coverage.calls < 1);
    assert_true(mix.coverage.time > 0);
    assert_true(mix.coverage.time < 1);
    assert_true(mix.coverage.rate_per_s > 90);
    assert_true(mix.coverage.rate_per_s < 120);
    assert_true(tells(&mix, "gone", "no such table"));
    size_t caveats = 0;
    for (size_t i = 0; i < mix.template_count; i++)
        caveats += mix.templates[i].replay->caveat != NULL;
    assert_true(caveats <= 3);

    load_execute(copy, "SELECT pg_stat_statements_reset()");
    rh_generator *generator = load_start(cluster, "copy", &mix, 1000, 8);
    load_sleep(4);
    rh_load load;
    rh_generator_finish(generator, arena, &load);
    load_show_errors(&load);
    rh_load_second sum = load_totals(&load);
    assert_int_equal(sum.errors, 0);
    const rh_load_window *window = &load.windows[0];
    for (size_t i = 0; i < mix.template_count; i++) {
        double share = (double)window->templates[i].transactions / (double)window->transactions;
        assert_true(fabs(share - mix.templates[i].weight) < 0.02);
    }
    compare_rows(copy, &mix);
    rh_arena_free(arena);
    rh_pg_close(copy);
    rh_pg_close(pg);
}

/* Everything that an export may hold and that cannot be played: each is told with its reason, and the rest is
 * played. */
/* Production's customer 7 has half of the orders now; the copy is from before. */
static void test_values_are_as_frequent_as_on_production(void **state)
{
    (void)state;
    rh_arena *arena = rh_arena_new();
    rh_pg *pg = load_connect(cluster, "copy");
    const char *common[] = {"7", "no such customer"};
    double frequencies[] = {0.5, 0.1};
    rh_profile_values values = {.schema = "public",
                                .table = "orders",
                                .column = "customer_id",
                                .values = common,
                                .frequencies = frequencies,
                                .count = 2};
    rh_mix before = statistics_mix(pg, arena), after = mix_with(pg, &values, 1, arena);
    const char seeks[] = "WHERE customer_id = $1 ORDER BY";
    assert_true(share_of_value(&before, seeks, "7") < 0.1);
    double share = share_of_value(&after, seeks, "7");
    if (!(share > 0.4 && share < 0.7)) /* of 0.5 and 0.4 of the others */
        fail_msg("%g", share);
    assert_non_null(strstr(after.coverage.basis, "values of 1 column as frequent"));
    assert_null(strstr(before.coverage.basis, "as frequent"));
    rh_pg_close(pg);
    rh_arena_free(arena);
}

static void test_what_is_left_out(void **state)
{
    (void)state;
    rh_pg *pg = load_connect(cluster, "postgres");
    load_execute(pg, "CREATE DATABASE small");
    rh_pg *small = load_connect(cluster, "small");
    load_execute(small, "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'v' FROM "
                        "generate_series(1, 100) i; CREATE TABLE empty (id int PRIMARY KEY); ANALYZE");
    snprintf(csv_path, sizeof csv_path, "%s/bad.csv", cluster->directory);
    FILE *f = fopen(csv_path, "w");
    assert_non_null(f);
    fputs("calls,rows,query,dbid,toplevel\n"
          "1000,1000,SELECT v FROM t WHERE id = $1,5,t\n"
          "500,500,\"SELECT v\nFROM t WHERE id IN ($1 /*, ... */)\",5,t\n"
          "100,0,<insufficient privilege>,5,t\n"
          "90,90,SELECT * FROM t WHERE id = $1 AND,5,t\n"
          "80,80,SELEC nothing,5,t\n"
          "70,0,COMMIT,5,t\n"
          "60,0,SET search_path = $1,5,t\n"
          "50,50,SELECT * FROM elsewhere,6,t\n"
          "2000,40,SELECT * FROM elsewhere WHERE id = $1,6,t\n"
          "40,40,SELECT gone FROM t,5,t\n"
          "30,30,SELECT * FROM dropped,5,t\n"
          "20,20,SELECT pg_terminate_backend($1),5,t\n"
          "19,19,DELETE FROM t,5,t\n"
          "18,18,SELECT * FROM empty WHERE id = $1,5,t\n"
          "900,900,SELECT $1,5,f\n"
          "0,0,SELECT v FROM t WHERE v = $1,5,t\n",
          f);
    fclose(f);
    rh_arena *arena = rh_arena_new();
    rh_mix mix = statistics_mix(small, arena);
    show(&mix);
    assert_int_equal(mix.template_count, 2);
    assert_true(isnan(mix.coverage.rate_per_s));
    assert_true(isnan(mix.coverage.time));
    static const char *const told[][2] = {
        {"<insufficient privilege>", "its text is hidden"},
        {"AND", "truncated"},
        {"SELEC", "does not parse"},
        {"COMMIT", "each template is a separate transaction"},
        {"SET search_path", "a utility command"},
        {"elsewhere WHERE", "it ran in another database (6)"},
        {"gone", "the restored copy refuses it"},
        {"dropped", "has no such table"},
        {"pg_terminate_backend", "reaches beyond its transaction"},
        {"DELETE FROM t", "no parameter says which rows"},
        {"FROM empty", "has no rows"},
        {"1 statement", "without a call in that time"},
        {"1 statement run by functions", "counted themselves (0 %"},
    };
    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        if (!tells(&mix, told[i][0], told[i][1]))
            fail_msg("nothing says that \"%s\" %s", told[i][0], told[i][1]);
    rh_arena_free(arena);
    rh_pg_close(small);
    rh_pg_close(pg);
}

int main(void)
{
    const char *settings[] = {"shared_preload_libraries=pg_stat_statements", NULL};
    cluster = test_cluster_start_with(settings);
    if (!cluster)
        return 1;
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_replay_has_productions_shares_and_rows),
                                       cmocka_unit_test(test_values_are_as_frequent_as_on_production),
                                       cmocka_unit_test(test_what_is_left_out)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_cluster_stop(cluster);
    return failed;
}
