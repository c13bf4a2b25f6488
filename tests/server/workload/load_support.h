/* What the load's server tests share: databases restored from the corpora or made by SQL, and a short run of
 * the load. */
#pragma once
#include "server/cluster.h"
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/workload/workload.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* The conninfo of DATABASE in CLUSTER. */
static inline const char *load_conninfo(const test_cluster *cluster, const char *database)
{
    static char conninfo[256];
    snprintf(conninfo, sizeof conninfo, "host=%s user=postgres dbname=%s", cluster->directory, database);
    return conninfo;
}

static inline rh_pg *load_connect(const test_cluster *cluster, const char *database)
{
    rh_error error = {0};
    rh_pg *pg = rh_pg_connect(load_conninfo(cluster, database), ": test", &error);
    if (!pg)
        fail_msg("%s", error.message);
    return pg;
}

static inline void load_execute(rh_pg *pg, const char *sql)
{
    rh_error error = {0};
    if (!rh_pg_execute(pg, sql, &error))
        fail_msg("%s: %s", sql, error.message);
}

static inline rh_mix load_mix(rh_pg *pg, rh_arena *arena)
{
    rh_error error = {0};
    rh_mix mix;
    if (!rh_mix_from_schema(pg, NULL, NULL, 42, arena, &mix, &error))
        fail_msg("%s", error.message);
    return mix;
}

static inline rh_generator *load_start(const test_cluster *cluster, const char *database, const rh_mix *mix,
                                       double rate, int connections)
{
    rh_error error = {0};
    rh_generator_options options = {.conninfo = load_conninfo(cluster, database),
                                    .mix = mix,
                                    .rate = rate,
                                    .connections = connections,
                                    .seed = 7};
    rh_generator *generator = rh_generator_start(&options, &error);
    if (!generator)
        fail_msg("%s", error.message);
    return generator;
}

static inline void load_sleep(double seconds)
{
    rh_clock_sleep_until(rh_clock_monotonic() + (rh_usec)(seconds * (double)RH_SECOND));
}

/* Until SQL, which counts something on the server, gives EXPECTED. */
static inline void load_await(rh_pg *pg, const char *sql, int64_t expected)
{
    for (int64_t found = -1; found != expected; load_sleep(0.005)) {
        rh_error error = {0};
        if (!rh_pg_query_int(pg, sql, &found, &error))
            fail_msg("%s: %s", sql, error.message);
    }
}

/* Until COUNT more transactions have ended well than when it was called. */
static inline void load_await_transactions(rh_generator *generator, int64_t count)
{
    int64_t before = 0, now = 0;
    rh_generator_progress(generator, &before, NULL, NULL);
    for (now = before; now < before + count; load_sleep(0.005))
        rh_generator_progress(generator, &now, NULL, NULL);
}

static inline void load_show_errors(const rh_load *load)
{
    for (size_t i = 0; i < load->error_count; i++)
        print_message("%lld x %s: %s %s\n", (long long)load->errors[i].count, load->errors[i].template_name,
                      load->errors[i].sqlstate, load->errors[i].message);
}

/* Sums over the seconds; nothing may be lost between arrival and fate, in the seconds as in the windows. */
static inline rh_load_second load_totals(const rh_load *load)
{
    rh_load_second sum = {0};
    int64_t in_windows = 0;
    for (size_t i = 0; i < load->second_count; i++) {
        sum.arrivals += load->seconds[i].arrivals;
        sum.transactions += load->seconds[i].transactions;
        sum.errors += load->seconds[i].errors;
        sum.dropped += load->seconds[i].dropped;
        assert_int_equal(load->seconds[i].second, i);
    }
    for (size_t i = 0; i < load->window_count; i++) {
        const rh_load_window *w = &load->windows[i];
        if (w->kind != RH_WINDOW_DURING || !w->migration)
            in_windows += w->transactions + w->errors + w->dropped;
    }
    assert_int_equal(sum.arrivals, sum.transactions + sum.errors + sum.dropped);
    assert_int_equal(sum.arrivals, in_windows);
    return sum;
}
