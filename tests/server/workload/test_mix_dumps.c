/* The mix of real dumps: every template runs, at 200 a second, without an error. */
#include "load_support.h"

static test_cluster *cluster;

static int start(void **state)
{
    (void)state;
    cluster = test_cluster_start();
    return cluster ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    test_cluster_stop(cluster);
    return 0;
}

/* Makes DATABASE and runs PROGRAM, a shell command, to restore DUMP into it. */
static void restore(const char *database, const char *dump, const char *program)
{
    if (access(dump, R_OK) != 0) {
        print_message("skipped: %s is not here\n", dump);
        skip();
    }
    char command[1024];
    snprintf(command, sizeof command, "'%s/createdb' -h %s -U postgres %s", cluster->bindir,
             cluster->directory, database);
    assert_int_equal(system(command), 0);
    snprintf(command, sizeof command, "DUMP='%s' BIN='%s' HOST='%s' DB='%s'; %s", dump, cluster->bindir,
             cluster->directory, database, program);
    int status = system(command);
    (void)status; /* roles that are missing here are no matter */
    rh_pg *pg = load_connect(cluster, database);
    load_execute(pg, "ANALYZE");
    rh_pg_close(pg);
}

#define QUIET ">/dev/null 2>&1"
#define PSQL "\"$BIN/psql\" -X -q -h $HOST -U postgres -d $DB -f \"$DUMP\" " QUIET
#define PG_RESTORE "\"$BIN/pg_restore\" -O -x -h $HOST -U postgres -d $DB \"$DUMP\" " QUIET
#define TAR "tar xzOf \"$DUMP\" --wildcards '*.sql' | \"$BIN/psql\" -X -q -h $HOST -U postgres -d $DB " QUIET

/* Checks the shape of the mix, plays it, and expects neither errors nor lost arrivals. */
static void play(const char *database, size_t at_least, bool writes)
{
    rh_pg *pg = load_connect(cluster, database);
    rh_arena *arena = rh_arena_new();
    rh_mix mix = load_mix(pg, arena);
    double weight = 0, written = 0;
    for (size_t i = 0; i < mix.template_count; i++) {
        weight += mix.templates[i].weight;
        if (mix.templates[i].kind == RH_TEMPLATE_WRITE)
            written += mix.templates[i].weight;
        assert_null(strstr(mix.templates[i].sql, "*"));
    }
    for (size_t i = 0; i < mix.left_out_count; i++)
        print_message("%s: %s\n", database, mix.left_out[i]);
    print_message("%s: %zu templates, %.0f %% writes\n", database, mix.template_count, 100 * written);
    assert_true(mix.template_count >= at_least);
    assert_true(weight > 0.999);
    assert_true(weight < 1.001);
    if (writes)
        assert_true(written > 0.1 && written < 0.35);
    rh_generator *generator = load_start(cluster, database, &mix, 200, 8);
    load_sleep(2);
    rh_load load;
    rh_generator_finish(generator, arena, &load);
    load_show_errors(&load);
    print_message(
        "%s: response p50 %.2f p99 %.2f ms, pacing lag mean %.3f max %.3f ms, generator CPU %.3f s\n",
        database, load.windows[0].response_ms.p50, load.windows[0].response_ms.p99, load.pacing_lag_mean_ms,
        load.pacing_lag_max_ms, load.generator_cpu_s);
    rh_load_second sum = load_totals(&load);
    assert_true(sum.arrivals > 300);
    assert_int_equal(sum.errors, 0);
    assert_int_equal(sum.dropped, 0);
    assert_int_equal(load.error_count, 0);
    rh_arena_free(arena);
    rh_pg_close(pg);
}

static void test_pagila(void **state)
{
    (void)state;
    restore("pagila", RH_CORPORA "/dumps/pagila.sql", PSQL);
    play("pagila", 30, true);
}

static void test_pagila_archive(void **state)
{
    (void)state;
    restore("pagila94", RH_CORPORA "/dumps/pagila-9.4.backup", PG_RESTORE);
    play("pagila94", 30, true);
}

static void test_chinook(void **state)
{
    (void)state;
    restore("chinook", RH_CORPORA "/dumps/chinook.sql", PSQL);
    play("chinook", 30, true);
}

static void test_netflix(void **state)
{
    (void)state;
    restore("netflix", RH_CORPORA "/dumps/netflix.sql", PSQL);
    play("netflix", 2, false);
}

static void test_dellstore(void **state)
{
    (void)state;
    restore("dellstore", RH_CORPORA "/dumps/dellstore2-normal-1.0.tar.gz", TAR);
    play("dellstore", 15, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pagila),  cmocka_unit_test(test_pagila_archive), cmocka_unit_test(test_chinook),
        cmocka_unit_test(test_netflix), cmocka_unit_test(test_dellstore),
    };
    return cmocka_run_group_tests_name("mix_dumps", tests, start, stop);
}
