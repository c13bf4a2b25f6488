/* Profiles of a real server: as a superuser, as a role with pg_monitor only, as nobody in particular, beside
 * locks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "pgrehearse/adapters/files.h"
#include "pgrehearse/profile/profile.h"
#include "server/cluster.h"
#include <math.h>

static test_cluster *cluster;
static char superuser[160], monitor[160], plain[160];

static void run(const char *conninfo, const char *sql)
{
    rh_error error = {0};
    rh_pg *pg = rh_pg_connect(conninfo, ": test", &error);
    if (!pg || !rh_pg_execute(pg, sql, &error))
        fail_msg("%s", error.message);
    rh_pg_close(pg);
}

static int start(void **state)
{
    (void)state;
    static const char *const settings[] = {"shared_preload_libraries=pg_stat_statements",
                                           "shared_buffers=16MB",
                                           "archive_command=geheim",
                                           "work_mem=5MB",
                                           "wal_level=logical",
                                           NULL};
    cluster = test_cluster_start_with(settings);
    if (!cluster)
        return -1;
    snprintf(superuser, sizeof superuser, "host=%s user=postgres dbname=shop options='-c lock_timeout=5s'",
             cluster->directory);
    snprintf(monitor, sizeof monitor, "host=%s user=mon dbname=shop", cluster->directory);
    snprintf(plain, sizeof plain, "host=%s user=nobody dbname=shop", cluster->directory);
    run(cluster->conninfo, "CREATE ROLE mon LOGIN IN ROLE pg_monitor");
    run(cluster->conninfo, "CREATE ROLE nobody LOGIN");
    run(cluster->conninfo, "CREATE DATABASE shop");
    run(superuser,
        "CREATE SCHEMA ext; GRANT USAGE ON SCHEMA ext TO mon; CREATE EXTENSION pg_stat_statements SCHEMA ext;"
        "CREATE TABLE orders AS SELECT g AS id, repeat('kunde', 12) AS note FROM generate_series(1, 300000) "
        "g;"
        "CREATE UNIQUE INDEX orders_id ON orders (id); CREATE TABLE fresh (a int); ANALYZE orders");
    run(superuser, "INSERT INTO fresh SELECT 1");
    run(superuser, "SELECT 4711 FROM orders WHERE note = 'geheim' /* geheim */ LIMIT 1");
    run(superuser, "CREATE ROLE r1 LOGIN PASSWORD 'geheim'");
    run(superuser, "SELECT count(*) FROM orders -- geheim 'quoted\n WHERE note <> E'geheim' AND id > 815");
    run(superuser, "CREATE TABLE \"odd 'n\"\"ame\" (v varchar(30) DEFAULT 'geheim', n numeric(10,2))");
    run(superuser, "DO $a1$ BEGIN PERFORM 'geheim'; END $a1$");
    run(superuser, "ALTER ROLE r1 SET myapp.token = 'geheim'");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    test_cluster_stop(cluster);
    return 0;
}

typedef struct taken {
    rh_arena *arena;
    rh_json *root;
    rh_profile profile;
    char *text;
    double seconds;
} taken;

static taken take(const char *conninfo, unsigned probes, rh_usec watch)
{
    rh_error error = {0};
    rh_profile_options options = {.probes = probes, .watch = watch};
    rh_usec began = rh_clock_monotonic();
    taken t = {.arena = rh_arena_new(), .root = rh_profile_collect(conninfo, &options, &error)};
    t.seconds = rh_seconds(rh_clock_monotonic() - began);
    if (!t.root || !rh_profile_parse(t.root, "test", t.arena, &t.profile, &error))
        fail_msg("%s", error.message);
    t.text = rh_json_format(t.root);
    return t;
}

static void drop(taken *t)
{
    free(t->text);
    rh_json_free(t->root);
    rh_arena_free(t->arena);
}

static const rh_profile_relation *table(const taken *t, const char *name)
{
    for (size_t i = 0; i < t->profile.relation_count; i++)
        if (strcmp(t->profile.relations[i].name, name) == 0)
            return &t->profile.relations[i];
    fail_msg("there is no table %s", name);
    return NULL;
}

static const char *why(const taken *t, const char *what)
{
    for (size_t i = 0; i < t->profile.unknown_count; i++)
        if (strcmp(t->profile.unknown[i].what, what) == 0)
            return t->profile.unknown[i].why;
    return NULL;
}

static bool has_statement(const taken *t, const char *part)
{
    for (size_t i = 0; i < t->profile.statement_count; i++)
        if (t->profile.statements[i].query && strstr(t->profile.statements[i].query, part))
            return true;
    return false;
}

static void nothing_of_the_data(const taken *t)
{
    const char *secrets[] = {"geheim", "kunde", "quoted"};
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
        if (strstr(t->text, secrets[i]))
            fail_msg("\"%s\" is in the profile", secrets[i]);
    assert_false(has_statement(t, "4711")); /* elsewhere digits may be a clock's */
    assert_false(has_statement(t, "815"));
}

static void as_superuser(void **state)
{
    (void)state;
    taken t = take(superuser, RH_PROBES_ALL, 0);
    assert_string_equal(t.profile.database, "shop");
    assert_non_null(t.profile.system_identifier);
    assert_int_equal(t.profile.in_recovery, 0);
    assert_true(t.profile.database_bytes > 20 << 20);
    assert_true(t.profile.cpu_count > 0);
    assert_true(t.profile.memory_bytes > 0);
    assert_true(t.profile.disk_free_bytes > 0);
    const rh_profile_relation *orders = table(&t, "orders"), *fresh = table(&t, "fresh");
    assert_int_equal(orders->tuples, 300000);
    assert_int_equal(orders->bytes, orders->pages * 8192);
    assert_true(orders->index_bytes > 1 << 20);
    assert_true(orders->bloat_bytes >= 0);
    assert_true(orders->bloat_bytes < orders->bytes / 10);
    assert_true(orders->row_bytes > 50);
    assert_true(orders->row_bytes < 80);
    assert_true(orders->inserts_per_s >= 0);
    assert_int_equal(fresh->tuples, RH_UNKNOWN); /* never analysed */
    assert_int_equal(fresh->bytes, 8192);
    assert_int_equal(t.profile.index_count, 1);
    assert_true(t.profile.indexes[0].is_unique);
    assert_true(t.profile.indexes[0].scans >= 0);
    assert_true(has_statement(&t, "WHERE note = $"));
    assert_true(has_statement(&t, "varchar(30)"));
    assert_true(has_statement(&t, "\"odd 'n\"\"ame\""));
    assert_true(t.profile.samples == 1);
    assert_true(t.profile.commits_per_s >= 0);
    for (int kind = 0; kind < RH_PROBE_COUNT; kind++)
        assert_true(t.profile.probe.value[kind] > 0 || why(&t, rh_probe_name((rh_probe_kind)kind)) == NULL);
    assert_true(t.profile.probe.value[RH_PROBE_CPU] > 0);
    assert_true(t.profile.probe.value[RH_PROBE_WAL] > 0);
    assert_int_equal(t.profile.warning_count, 0);
    nothing_of_the_data(&t);
    drop(&t);
}

static void as_monitor(void **state)
{
    (void)state;
    taken t = take(monitor, RH_PROBES_ALL, 0);
    assert_non_null(t.profile.system_identifier);
    assert_int_equal(table(&t, "orders")->tuples, 300000);
    assert_true(table(&t, "orders")->bytes > 0);
    assert_int_equal(table(&t, "orders")->bloat_bytes, RH_UNKNOWN); /* widths are not for its eyes */
    assert_int_equal(t.profile.memory_bytes, RH_UNKNOWN);
    assert_non_null(why(&t, "machine"));
    assert_true(t.profile.wal_directory_bytes > 0);
    assert_true(has_statement(&t, "WHERE note = $"));
    assert_int_equal(t.profile.samples, 1);
    assert_true(t.profile.probe.value[RH_PROBE_CPU] > 0);
    assert_true(t.profile.probe.value[RH_PROBE_SORT] > 0);
    assert_true(t.profile.probe.value[RH_PROBE_CACHED] > 0);
    assert_true(isnan(t.profile.probe.value[RH_PROBE_SEQUENTIAL]));
    assert_non_null(strstr(why(&t, "probe.sequential"), "may read"));
    nothing_of_the_data(&t);
    drop(&t);
}

/* Without pg_monitor less is seen, and what would be too low is null, not 0. */
static void as_role_without_privileges(void **state)
{
    (void)state;
    taken t = take(plain, 0, 0);
    assert_int_equal(t.profile.samples, 0);
    assert_non_null(strstr(why(&t, "transactions"), "pg_monitor"));
    assert_non_null(why(&t, "wal"));
    assert_int_equal(t.profile.wal_directory_bytes, RH_UNKNOWN);
    assert_false(has_statement(&t, "orders"));
    assert_true(table(&t, "orders")->bytes > 0);
    assert_string_equal(why(&t, "probe.cpu"), "switched off on the command line");
    nothing_of_the_data(&t);
    drop(&t);
}

/* Another session holds ACCESS EXCLUSIVE on a table, a third waits for it on another: nobody is waited for.
 */
static void beside_locks(void **state)
{
    (void)state;
    rh_error error = {0};
    rh_pg *holder = rh_pg_connect(superuser, ": holder", &error),
          *reader = rh_pg_connect(superuser, ": reader", &error),
          *waiter = rh_pg_connect(superuser, ": waiter", &error);
    assert_non_null(holder);
    assert_true(rh_pg_execute(holder, "BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE", &error));
    assert_true(rh_pg_execute(reader, "BEGIN; SELECT count(*) FROM fresh", &error));
    assert_true(rh_pg_send(waiter, "BEGIN; LOCK TABLE fresh IN ACCESS EXCLUSIVE MODE"));
    for (int64_t waiting = 0; waiting == 0;)
        assert_true(
            rh_pg_query_int(holder, "SELECT count(*) FROM pg_locks WHERE NOT granted", &waiting, &error));
    /* it ends by itself: nobody lets go before */
    taken t = take(superuser, 1u << RH_PROBE_SEQUENTIAL | 1u << RH_PROBE_RANDOM | 1u << RH_PROBE_CACHED, 0);
    const rh_profile_relation *orders = table(&t, "orders"), *fresh = table(&t, "fresh");
    assert_int_equal(orders->bytes, RH_UNKNOWN);
    assert_int_equal(orders->index_bytes, RH_UNKNOWN);
    assert_int_equal(orders->tuples, 300000); /* the catalog is not locked */
    assert_int_equal(fresh->bytes, RH_UNKNOWN);
    assert_non_null(why(&t, "probe.sequential"));
    assert_non_null(why(&t, "probe.random"));
    bool seen = false;
    for (size_t i = 0; i < t.profile.age_count; i++)
        seen = seen || (t.profile.ages[i].name && strcmp(t.profile.ages[i].name, "orders") == 0 &&
                        t.profile.ages[i].mode == RH_LOCK_ACCESS_EXCLUSIVE);
    assert_true(seen);
    drop(&t);
    rh_pg_close(holder);
    rh_pg_close(reader);
    rh_pg_close(waiter);
}

/* A transaction that is open all the time is seen at every look, with the strongest lock that it holds. */
static void watching(void **state)
{
    (void)state;
    rh_error error = {0};
    rh_pg *open = rh_pg_connect(superuser, ": open", &error);
    assert_true(
        rh_pg_execute(open, "BEGIN; SELECT 1 FROM orders LIMIT 1; INSERT INTO fresh VALUES (2)", &error));
    taken t = take(monitor, 0, RH_SECOND);
    assert_true(t.profile.samples >= 3);
    double all = 0, fresh = 0;
    for (size_t i = 0; i < t.profile.age_count; i++) {
        const rh_profile_ages *ages = &t.profile.ages[i];
        all += ages->name ? 0 : ages->transactions;
        if (ages->name && strcmp(ages->name, "fresh") == 0) {
            assert_int_equal(ages->mode, RH_LOCK_ROW_EXCLUSIVE);
            fresh += ages->transactions;
        }
    }
    assert_true(all == (double)t.profile.samples);
    assert_true(fresh == (double)t.profile.samples);
    drop(&t);
    rh_pg_close(open);
}

/* Values of the data only for whoever asks, and only of what the role may read. */
static void most_common_values(void **state)
{
    (void)state;
    rh_error error = {0};
    const char *roles[] = {superuser, monitor};
    for (int i = 0; i < 2; i++) {
        rh_profile_options options = {.most_common_values = true};
        rh_arena *arena = rh_arena_new();
        rh_profile profile;
        rh_json *root = rh_profile_collect(roles[i], &options, &error);
        assert_non_null(root);
        assert_true(rh_profile_parse(root, "test", arena, &profile, &error));
        assert_int_equal(profile.value_count, i == 0 ? 1 : 0);
        if (i == 0) {
            assert_string_equal(profile.values[0].table, "orders");
            assert_string_equal(profile.values[0].column, "note");
            assert_int_equal(strncmp(profile.values[0].values[0], "kundekunde", 10), 0);
            assert_true(profile.values[0].frequencies[0] == 1);
        }
        bool told = false;
        for (size_t k = 0; k < profile.unknown_count; k++)
            told = told || strcmp(profile.unknown[k].what, "values") == 0;
        assert_true(told == (i == 1));
        rh_json_free(root);
        rh_arena_free(arena);
    }
}

/* A partitioned table is what its partitions are. */
static void partitioned(void **state)
{
    (void)state;
    run(superuser,
        "CREATE TABLE log (at int) PARTITION BY RANGE (at); CREATE TABLE log_1 PARTITION OF log FOR VALUES "
        "FROM (0) TO (10); CREATE TABLE log_2 PARTITION OF log FOR VALUES FROM (10) TO (20); "
        "INSERT INTO log SELECT g % 20 FROM generate_series(1, 5000) g; ANALYZE log");
    taken t = take(monitor, 0, 0);
    const rh_profile_relation *log = table(&t, "log");
    assert_true(log->is_partitioned);
    assert_string_equal(table(&t, "log_1")->parent, "log");
    assert_int_equal(log->tuples, 5000);
    assert_int_equal(log->bytes, table(&t, "log_1")->bytes + table(&t, "log_2")->bytes);
    assert_true(log->inserts_per_s >= 0);
    drop(&t);
    run(superuser, "DROP TABLE log");
}

/* What production has of a profile afterwards: nothing. */
static void leaves_no_objects(void **state)
{
    (void)state;
    rh_error error = {0};
    rh_pg *pg = rh_pg_connect(superuser, ": test", &error);
    int64_t before, after;
    assert_true(rh_pg_query_int(pg, "SELECT count(*) FROM pg_class", &before, &error));
    assert_true(rh_pg_execute(pg, "SELECT pg_create_logical_replication_slot('cdc', 'pgoutput')", &error));
    taken t = take(superuser, 1u << RH_PROBE_WAL | 1u << RH_PROBE_CPU, 0);
    assert_true(rh_pg_query_int(pg, "SELECT count(*) FROM pg_class", &after, &error));
    assert_int_equal(before, after);
    assert_non_null(strstr(why(&t, "probe.wal"), "logical replication slot"));
    assert_true(rh_pg_execute(pg, "SELECT pg_drop_replication_slot('cdc')", &error));
    drop(&t);
    rh_pg_close(pg);
}

static void the_script_gives_the_same(void **state)
{
    (void)state;
    rh_error error = {0};
    rh_arena *arena = rh_arena_new();
    rh_text script = {0};
    rh_profile_options options = {.probes = 1u << RH_PROBE_CPU | 1u << RH_PROBE_WAL, .watch = RH_SECOND / 2};
    char sql[96], csv[96], command[800];
    snprintf(sql, sizeof sql, "%s/p.sql", cluster->directory);
    snprintf(csv, sizeof csv, "%s/p.csv", cluster->directory);
    rh_profile_script(&options, &script);
    assert_true(rh_file_write(sql, rh_text_string(&script), script.length, &error));
    rh_text_release(&script);
    snprintf(command, sizeof command, "%s/psql -X -f %s '%s' > %s 2>/dev/null", cluster->bindir, sql, monitor,
             csv);
    assert_int_equal(system(command), 0);
    taken live = take(monitor, 1u << RH_PROBE_CPU, 0);
    rh_profile profile;
    if (!rh_profile_read(csv, arena, &profile, &error))
        fail_msg("%s (line %d)", error.message, error.line);
    assert_string_equal(profile.source, "csv");
    assert_string_equal(profile.system_identifier, live.profile.system_identifier);
    assert_int_equal(profile.relation_count, live.profile.relation_count);
    assert_int_equal(profile.setting_count, live.profile.setting_count);
    assert_int_equal(profile.index_count, live.profile.index_count);
    assert_int_equal(profile.samples, 3);
    assert_true(profile.commits_per_s >= 0);
    assert_true(profile.probe.value[RH_PROBE_CPU] > 0);
    assert_true(profile.probe.value[RH_PROBE_WAL] > 0);
    assert_int_equal(profile.warning_count, 0);
    char *text = rh_file_read(csv, 0, arena, NULL, &error);
    assert_null(strstr(text, "geheim"));
    assert_null(strstr(text, "kunde"));
    bool machine = false;
    for (size_t i = 0; i < profile.unknown_count; i++) {
        machine = machine || strcmp(profile.unknown[i].what, "machine") == 0;
        assert_string_not_equal(profile.unknown[i].what, "what came last");
    }
    assert_true(machine);
    drop(&live);
    rh_arena_free(arena);
}

/* ---- beside staging ---- */

static bool said(const rh_production_facts *facts, const char *part)
{
    for (size_t i = 0; i < facts->sentence_count; i++)
        if (strstr(facts->sentences[i], part))
            return true;
    return false;
}

static void the_guard_detects_production(void **state)
{
    (void)state;
    rh_error error = {0};
    bool checked;
    taken t = take(monitor, 0, 0);
    assert_false(rh_profile_guard(&t.profile, plain, &checked, &error));
    assert_int_equal(error.code, RH_ERROR_REFUSED);
    assert_true(checked);
    rh_error_release(&error);
    t.profile.system_identifier = "7";
    assert_true(rh_profile_guard(&t.profile, plain, &checked, &error));
    assert_true(checked);
    t.profile.system_identifier = NULL;
    assert_true(rh_profile_guard(&t.profile, plain, &checked, &error));
    assert_false(checked);
    drop(&t);
}

static void compared_with_a_copy(void **state)
{
    (void)state;
    rh_error error = {0};
    char copy[160], other[160];
    run(cluster->conninfo, "CREATE DATABASE copy TEMPLATE shop");
    run(cluster->conninfo, "CREATE DATABASE other");
    snprintf(copy, sizeof copy, "host=%s user=postgres dbname=copy", cluster->directory);
    snprintf(other, sizeof other, "host=%s user=postgres dbname=other", cluster->directory);
    run(copy, "CREATE TABLE only_here (a int); INSERT INTO orders SELECT id + 1000000, note FROM orders");
    run(other, "CREATE TABLE only_here (a int)");
    taken t = take(monitor, 0, 0);
    rh_production_facts facts = {0};
    assert_true(rh_profile_compare(&t.profile, copy, t.arena, &facts, &error));
    assert_true(said(&facts, "lacks 1 of the backup's 4 tables: public.only_here"));
    assert_true(said(&facts, "smaller on production than in the backup: public.orders"));
    assert_true(said(&facts, "never analysed"));
    assert_true(said(&facts, "is smaller than the restored backup"));
    assert_true(said(&facts, "not known of production: machine"));
    assert_true(said(&facts, "--watch"));
    t.profile.version_num = 120000;
    t.profile.taken_s -= 90 * 86400;
    t.profile.in_recovery = 1;
    t.profile.probe.cut_short[RH_PROBE_SORT] = true;
    facts = (rh_production_facts){0};
    assert_true(rh_profile_compare(&t.profile, copy, t.arena, &facts, &error));
    assert_true(said(&facts, "production is PostgreSQL 12"));
    assert_true(said(&facts, "90 days old"));
    assert_true(said(&facts, "on a standby"));
    assert_true(said(&facts, "\"sort\" ended early"));
    assert_false(rh_profile_compare(&t.profile, other, t.arena, &facts, &error));
    assert_int_equal(error.code, RH_ERROR_SCENARIO);
    assert_non_null(strstr(error.message, "of another database"));
    rh_error_release(&error);
    drop(&t);
}

static void the_probe_on_staging(void **state)
{
    (void)state;
    rh_error error = {0};
    rh_arena *arena = rh_arena_new();
    rh_production_facts facts = {0};
    rh_skipped *unknown = NULL;
    size_t count = 0;
    for (int round = 0; round < 2; round++)
        assert_true(rh_profile_probe(superuser, true, 1u << RH_PROBE_CPU | 1u << RH_PROBE_SEQUENTIAL, arena,
                                     &facts, &unknown, &count, &error));
    const rh_probe *probe = &facts.staging;
    assert_int_equal(facts.round_count, 2);
    assert_true(probe->value[RH_PROBE_CPU] >= facts.rounds[0].value[RH_PROBE_CPU]);
    assert_true(isnan(probe->value[RH_PROBE_SORT]));
    assert_true(probe->value[RH_PROBE_SEQUENTIAL] > 0 || count > 0);
    rh_arena_free(arena);
}

static void no_server(void **state)
{
    (void)state;
    rh_error error = {0};
    rh_profile_options options = {0};
    assert_null(rh_profile_collect("host=/nonexistent dbname=x", &options, &error));
    assert_int_equal(error.code, RH_ERROR_LOST);
    rh_error_release(&error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_superuser),
        cmocka_unit_test(as_monitor),
        cmocka_unit_test(as_role_without_privileges),
        cmocka_unit_test(beside_locks),
        cmocka_unit_test(watching),
        cmocka_unit_test(most_common_values),
        cmocka_unit_test(partitioned),
        cmocka_unit_test(leaves_no_objects),
        cmocka_unit_test(the_script_gives_the_same),
        cmocka_unit_test(the_guard_detects_production),
        cmocka_unit_test(compared_with_a_copy),
        cmocka_unit_test(the_probe_on_staging),
        cmocka_unit_test(no_server),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
