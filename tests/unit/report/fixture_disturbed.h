/* fixture_full with disturbers beside two migrations, and a lock policy that was searched for. */
#pragma once
#include "fixture.h"

static inline void add_disturbances(rh_arena *arena, rh_run *run)
{
    static const rh_disturbance rows[] = {
        {.kind = RH_DISTURBER_IDLE_IN_TRANSACTION,
         .name = "idle transaction on public.orders",
         .table = "public.orders",
         .migration = "000012",
         .from_s = 10.2,
         .to_s = 15.9,
         .outcome = RH_DISTURBANCE_STOPPED,
         .migration_wait_s = 5.41},
        {.kind = RH_DISTURBER_PG_DUMP,
         .name = "pg_dump",
         .migration = "000012",
         .from_s = 10.1,
         .to_s = 10.9,
         .outcome = RH_DISTURBANCE_ENDED,
         .detail = "pg_dump ended by itself after 0.8 s: the database is small"},
        {.kind = RH_DISTURBER_AUTOVACUUM,
         .name = "autovacuum of public.events",
         .table = "public.events",
         .migration = "000014",
         .from_s = RH_NOT_MEASURED,
         .to_s = RH_NOT_MEASURED,
         .outcome = RH_DISTURBANCE_NOT_STARTED,
         .detail = "no autovacuum worker to prevent wraparound started within 20 s"},
    };
    static const rh_disturbed behind[] = {
        {"migration 000012, statement 1", true, 1, "public.orders", RH_LOCK_ACCESS_EXCLUSIVE, 1, 5.41, 5.41},
        {"read orders by key", false, 0, "public.orders", RH_LOCK_ACCESS_SHARE, 212, 489.3, 5.38},
        {"update orders", false, 0, "public.orders", RH_LOCK_ROW_EXCLUSIVE, 31, 77.1, 5.2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        rh_disturbance *d = rh_arena_add(arena, &run->disturbances, &run->disturbance_count);
        *d = rows[i];
        if (d->outcome != RH_DISTURBANCE_NOT_STARTED)
            *rh_arena_add(arena, &d->pids, &d->pid_count) = 4711 + (int)i;
    }
    for (size_t i = 0; i < sizeof behind / sizeof *behind; i++)
        *rh_arena_add(arena, &run->disturbances[0].behind, &run->disturbances[0].behind_count) = behind[i];
}

static inline void add_lock_policies(rh_arena *arena, rh_lock_policy **policies, size_t *count)
{
    static const rh_lock_policy rows[] = {
        {.lock_timeout_s = 0.05,
         .tries = 3,
         .successes = 2,
         .attempts_max = 9,
         .attempts_mean = 8.5,
         .total_s_median = 11.2,
         .total_s_max = 14.6,
         .lock_wait_s_max = 0.051,
         .response_max_ms = 131,
         .response_p99_ms = 48,
         .failure = "canceling statement due to lock timeout"},
        {.lock_timeout_s = 0.2,
         .tries = 3,
         .successes = 3,
         .attempts_max = 7,
         .attempts_mean = 6.3,
         .total_s_median = 10.4,
         .total_s_max = 11.8,
         .lock_wait_s_max = 0.203,
         .response_max_ms = 287,
         .response_p99_ms = 190,
         .recommended = true},
        {.lock_timeout_s = 5,
         .tries = 3,
         .successes = 3,
         .attempts_max = 2,
         .attempts_mean = 2,
         .total_s_median = 15.1,
         .total_s_max = 15.3,
         .lock_wait_s_max = 5.01,
         .response_max_ms = 5083,
         .response_p99_ms = 4800,
         .load_errors = 2},
        {.lock_timeout_s = 0,
         .tries = 1,
         .successes = 1,
         .attempts_max = 1,
         .attempts_mean = 1,
         .total_s_median = 10.1,
         .total_s_max = 10.1,
         .lock_wait_s_max = RH_NOT_MEASURED,
         .response_max_ms = 10092,
         .response_p99_ms = 9700,
         .load_errors = 4},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        *rh_arena_add(arena, policies, count) = rows[i];
}

static inline void add_lock_policy(rh_arena *arena, rh_lock_policy_search *search)
{
    static const rh_lock_policy_setting settings[] = {
        {"in the migration", "SET lock_timeout = '200ms';"},
        {"golang-migrate: the database URL", "?lock_timeout=200"},
    };
    *search = (rh_lock_policy_search){
        .measured = true,
        .attempts = 10,
        .tries = 3,
        .backoff = "twice the lock_timeout (at least 200 ms), doubled each time, "
                   "at most 10 s",
        .rate_per_s = 100,
        .elapsed_s = 96.4,
        .disturbed = true,
        .recommended = 1,
        .why = "of those that got through every time, 200 ms affected the load least"};
    rh_lock_policy_case *found = rh_arena_add(arena, &search->cases, &search->case_count);
    *found = (rh_lock_policy_case){.migration = "000012",
                                   .first_statement = 1,
                                   .last_statement = 1,
                                   .line = 3,
                                   .statement = "ALTER TABLE orders ADD COLUMN public_id uuid",
                                   .relation = "public.orders",
                                   .mode = RH_LOCK_ACCESS_EXCLUSIVE,
                                   .hold_s = 0.484,
                                   .recommended = 1,
                                   .why = "it got through every time, and no other hurt the load less"};
    add_lock_policies(arena, &found->policies, &found->policy_count);
    *rh_arena_add(arena, &found->invalid_indexes, &found->invalid_index_count) =
        (rh_invalid_index){"public.events_customer_idx", true};
    add_lock_policies(arena, &search->overall, &search->overall_count);
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        *rh_arena_add(arena, &search->settings, &search->setting_count) = settings[i];
    *rh_arena_add(arena, &search->not_tried, &search->not_tried_count) =
        "migration 000019, statement 1: the search's limit of 5 min was reached";
}

static inline rh_run *fixture_disturbed(rh_arena *arena)
{
    rh_run *run = fixture_full(arena);
    add_disturbances(arena, run);
    add_lock_policy(arena, &run->lock_policy);
    return run;
}
