/* fixture_full where production is known: predictions translated, with intervals and what they consist of;
 * lock waits forecast; two releases tried on each other's schema. */
#pragma once
#include "fixture.h"

static inline void fixture_parts(rh_run *run)
{
    for (size_t m = 0; m < run->plan.migration_count; m++) {
        rh_script *up = &run->plan.migrations[m].up;
        for (size_t s = 0; s < up->statement_count; s++) {
            rh_prediction *p = &up->statements[s].prediction;
            double t = p->median_s;
            p->low_s = 0.8 * t;
            p->high_s = 1.35 * t;
            p->parts = (rh_duration_parts){0.55 * t, 0.2 * t, 0.1 * t, 0.1 * t, 0.05 * t};
            p->staging_s = 0.7 * t;
            p->translated = true;
            p->basis = "1/64, 1/32 and 1/16 of the pages, 3 quiet passes, both probes";
            p->drivers = "reading: production's device was probed for 2 s only";
            p->narrows = "a longer probe: pgrehearse profile --probe-bytes 1GB";
            p->loaded = (rh_loaded_prediction){1.4 * t, t, 2 * t, 0.1, 1.35, "times the slowdown"};
        }
    }
    rh_run_prediction *p = &run->prediction;
    p->translated = true;
    p->low_s = 19.4;
    p->high_s = 27.3;
    p->parts = (rh_duration_parts){12.6, 4.5, 2.3, 2.3, 1.1};
    p->staging_s = 15.9;
    p->drivers = "reading, by the probe of production's device";
    p->narrows = "a longer probe";
    p->loaded = (rh_loaded_prediction){
        31.2, 26.4, 38.9,
        0.8,  1.33, "the prediction alone, times what the load slowed each statement down by"};
    p->backtest.inside = 18;
    p->backtest.with_interval = 20;
    p->backtest.sentence =
        "On this database, such predictions were off by 6 % in the median; 18 of 20 fell in their interval.";
}

static inline void fixture_lock_forecasts(rh_arena *arena, rh_lock_forecasts *locks)
{
    static const rh_lock_chance chances[] = {{0.1, 0.41}, {1, 0.78}, {5, 0.962}, {60, 0.999}};
    static const rh_lock_forecast rows[] = {
        {.migration = "000012",
         .statement = 1,
         .relation = "public.orders",
         .mode = RH_LOCK_ACCESS_EXCLUSIVE,
         .blocks_reads = true,
         .blocks_writes = true,
         .lock_timeout_s = 0,
         .lock_timeout_source = "PostgreSQL's default",
         .chances = chances,
         .chance_count = 4,
         .granted = 1,
         .attempts = 1,
         .wait_s = 0.62,
         .wait_high_s = 3.1,
         .wait_total_s = 0.62,
         .hold_s = 5.9,
         .hold_high_s = 7.8,
         .blocked_s = 6.5,
         .blocked_high_s = 10.4,
         .reads_per_s = 310,
         .writes_per_s = 44,
         .waiting = 100,
         .unserved_requests = 1803,
         .pool_exhausted_s = 0.31,
         .drain_s = INFINITY,
         .basis = "120 looks over 10 min at production's open transactions"},
        {.migration = "000014",
         .statement = 1,
         .relation = "public.order_items",
         .mode = RH_LOCK_SHARE_UPDATE_EXCLUSIVE,
         .concurrent = true,
         .lock_timeout_s = 0.2,
         .lock_timeout_source = "the migration",
         .chances = chances,
         .chance_count = 1,
         .granted = 0.41,
         .attempts = 2.4,
         .wait_s = 0.05,
         .wait_high_s = 0.2,
         .wait_total_s = 0.33,
         .hold_s = 1.4,
         .hold_high_s = 1.9,
         .blocked_s = RH_NOT_MEASURED,
         .blocked_high_s = RH_NOT_MEASURED,
         .waiting = RH_NOT_MEASURED,
         .unserved_requests = RH_NOT_MEASURED,
         .pool_exhausted_s = RH_NOT_MEASURED,
         .drain_s = RH_NOT_MEASURED,
         .unknown = "production's profile does not have public.order_items"},
    };
    *locks = (rh_lock_forecasts){.made = true,
                                 .level = 0.9,
                                 .samples = 120,
                                 .watched_s = 600,
                                 .connections = 100,
                                 .connections_basis = "max_connections",
                                 .service_per_s = 5200,
                                 .reads_blocked_s = 6.5,
                                 .reads_blocked_high_s = 10.4,
                                 .writes_blocked_s = 6.5,
                                 .writes_blocked_high_s = 10.4};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        *rh_arena_add(arena, &locks->rows, &locks->row_count) = rows[i];
}

static inline rh_run *fixture_production(rh_arena *arena)
{
    rh_run *run = fixture_full(arena);
    fixture_parts(run);
    fixture_lock_forecasts(arena, &run->production.locks);
    return run;
}
