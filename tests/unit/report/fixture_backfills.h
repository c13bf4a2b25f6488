/* fixture_quiet with three backfills: one with a setting to use, one where none holds, one not measured. */
#pragma once
#include "fixture.h"
#include "pgrehearse/model/backfill.h"
#include <math.h>

static const rh_backfill_figure FIXTURE_UNKNOWN = {RH_NOT_MEASURED, RH_NOT_MEASURED, RH_NOT_MEASURED};

static inline rh_backfill_cell fixture_cell(int64_t batch, const char *pause, double total_s, double ratio)
{
    return (rh_backfill_cell){
        .setting = {.batch = batch, .pause = {.text = pause}, .workers = 1},
        .state = RH_CELL_HELD,
        .batches = 114,
        .rows = 114 * batch,
        .elapsed_s = 60,
        .rows_per_s = 1e6 / total_s,
        .find_s = 2,
        .update_s = 40,
        .commit_s = 8,
        .pause_s = 10,
        .batch_p50_s = 0.05,
        .batch_p90_s = 0.08,
        .batch_max_s = 0.14,
        .locks_max_s = 0.14,
        .wal_per_s = 8e6,
        .activity = {.page_images = 21000,
                     .checkpoints = 1,
                     .temp_bytes = 0,
                     .autovacuums = 2,
                     .updated = 114 * batch,
                     .hot = 57 * batch,
                     .table_bytes = 48 << 20},
        .p99_ratio = {ratio, 0.9 * ratio, 1.1 * ratio},
        .response_p99_ms = 30 * ratio,
        .baseline_p99_ms = 30,
        .lock_wait_s = 0.12,
        .busy_s = {0.8 * total_s, 0.7 * total_s, 0.9 * total_s},
        .total_s = {total_s, 0.9 * total_s, 1.2 * total_s},
        .wal_bytes = {212e9, RH_NOT_MEASURED, RH_NOT_MEASURED},
        .replica_lag_s = {RH_NOT_MEASURED, RH_NOT_MEASURED, RH_NOT_MEASURED},
        .finish_s = {1796158800 + total_s, 1796158800 + 0.9 * total_s, 1796158800 + 1.2 * total_s},
        .whole = {.sampled_s = 0.7 * total_s,
                  .images_s = 0.06 * total_s,
                  .images = 4e6,
                  .cycle_rows = 1e6,
                  .vacuums = {.count = 3, .elapsed_s = total_s, .beside_s = 0.4 * total_s},
                  .dead_share = {0.27, 0.22, 0.34},
                  .disk_bytes = {38e9, 35e9, 44e9},
                  .final_bytes = 53e9},
    };
}

static inline rh_backfill_cell *fixture_add_cell(rh_run *run, rh_backfill_result *result,
                                                 rh_backfill_cell cell)
{
    rh_backfill_cell *added = rh_arena_add(run->arena, &result->cells, &result->cell_count);
    *added = cell;
    return added;
}

static inline rh_backfill *fixture_backfill(rh_run *run, const char *name)
{
    rh_scenario *scenario = rh_arena_alloc(run->arena, sizeof *scenario);
    *scenario = *run->scenario;
    run->scenario = scenario;
    rh_backfill *b = rh_arena_add(run->arena, &scenario->backfills, &scenario->backfill_count);
    *b = (rh_backfill){.name = name, .table = "orders", .set = "total = price * quantity"};
    return b;
}

static inline void fixture_backfill_gate(rh_run *run, const char *name, const char *limits,
                                         rh_gate_outcome outcome, const char *why)
{
    rh_gate *gate = rh_arena_add(run->arena, &run->gates, &run->gate_count);
    *gate = (rh_gate){.kind = RH_GATE_BACKFILL,
                      .name = name,
                      .limit_text = limits,
                      .limit = RH_NOT_MEASURED,
                      .measured = RH_NOT_MEASURED,
                      .outcome = outcome,
                      .worst = why};
}

static inline void fixture_recommended(rh_run *run)
{
    rh_backfill *b = fixture_backfill(run, "order_totals");
    b->gates[RH_BACKFILL_GATE_P99_RATIO] = (rh_gate_limit){.set = true, .text = "1.5", .limit = 1.5};
    b->gates[RH_BACKFILL_GATE_LOCK_WAIT] = (rh_gate_limit){.set = true, .text = "250ms", .limit = 0.25};
    b->gates[RH_BACKFILL_GATE_DURATION] = (rh_gate_limit){.set = true, .text = "12h", .limit = 43200};
    rh_backfill_result *r = rh_arena_add(run->arena, &run->backfills, &run->backfill_count);
    *r = (rh_backfill_result){
        .backfill = b,
        .measured = true,
        .table = "public.orders",
        .key = "id",
        .statement = "UPDATE public.orders SET total = price * quantity\nWHERE orders.id > $1::bigint",
        .table_rows = 90000000,
        .rows = 84200000,
        .table_bytes = 9502720000,
        .index_bytes = 6053888000,
        .changed = 595000,
        .recommended = 0,
        .advice = "5,000 rows a batch, pause 100ms, 1 worker: the fastest setting that holds every gate.",
        .level = 0.9,
        .rate_per_s = 180};
    static rh_zone_step berlin = {0, 3600};
    b->schedule =
        (rh_backfill_schedule){.set = true,
                               .start_s = 1796158800,
                               .zone = {.name = "Europe/Berlin", .steps = &berlin, .step_count = 1}};
    for (int i = 0; i < 5; i++)
        *rh_arena_add(run->arena, &r->course, &r->course_count) = (rh_backfill_course_point){
            1796158800 + 7200 * i, {21.05e6 * i, fmin(17.54e6 * i, 84.2e6), fmin(23.39e6 * i, 84.2e6)}};
    for (size_t i = 0; i < 10; i++)
        *rh_arena_add(run->arena, &r->stretches, &r->stretch_count) =
            (rh_backfill_stretch){.stratum = i,
                                  .batches = 20,
                                  .rows = 100000,
                                  .model = RH_MODEL_STATES,
                                  .us_per_row = {100, 90, 110},
                                  .states_us_per_row = 100,
                                  .naive_us_per_row = {80, 120, 115, 96},
                                  .actual_us_per_row = 96 + (double)i};
    r->score = (rh_stretch_score){.count = 10,
                                  .with_interval = 10,
                                  .inside = 10,
                                  .enough = true,
                                  .model = RH_MODEL_STATES,
                                  .chosen = true,
                                  .model_error = {0.03, 0.14, 0.08},
                                  .half_width = 0.06,
                                  .ours = {"pgrehearse", 0.03, 0.05, -0.01},
                                  .naive = {{"first rows", 0.2, 0.24, -0.2},
                                            {"last second", 0.19, 0.25, 0.19},
                                            {"exponential mean", 0.14, 0.2, 0.14},
                                            {"random batches", 0.05, 0.09, -0.04}}};
    fixture_add_cell(run, r, fixture_cell(5000, "100ms", 24000, 1.21))->recommended = true;
    rh_backfill_cell *unclear = fixture_add_cell(run, r, fixture_cell(5000, "0", 15000, 1.4));
    unclear->state = RH_CELL_UNCLEAR;
    unclear->why = "response_p99_ratio is 1.4, but may be 1.54: the gate is 1.5";
    rh_backfill_cell *failed = fixture_add_cell(run, r, fixture_cell(10000, "0", 12000, 2.5));
    failed->state = RH_CELL_FAILED;
    failed->why = "response_p99_ratio is 2.5, the gate 1.5";
    *fixture_add_cell(run, r, (rh_backfill_cell){0}) = (rh_backfill_cell){
        .setting = {.batch = 50000, .pause = {.text = "0"}, .workers = 2},
        .state = RH_CELL_EXCLUDED,
        .why = "a batch alone takes 480 ms, the gate on lock_wait is 250ms",
        .p99_ratio = FIXTURE_UNKNOWN,
        .busy_s = FIXTURE_UNKNOWN,
        .total_s = FIXTURE_UNKNOWN,
        .wal_bytes = FIXTURE_UNKNOWN,
        .elapsed_s = RH_NOT_MEASURED,
        .response_p99_ms = RH_NOT_MEASURED,
        .baseline_p99_ms = RH_NOT_MEASURED,
        .lock_wait_s = RH_NOT_MEASURED,
        .finish_s = FIXTURE_UNKNOWN,
        .replica_lag_s = FIXTURE_UNKNOWN,
        .whole = {.dead_share = FIXTURE_UNKNOWN,
                  .disk_bytes = FIXTURE_UNKNOWN,
                  .final_bytes = RH_NOT_MEASURED},
    };
    for (int i = 0; i < 4; i++)
        *rh_arena_add(run->arena, &r->strata, &r->stratum_count) =
            (rh_backfill_stratum){.rows = 21050000,
                                  .batches = i < 3 ? 3 : 0,
                                  .us_per_row = i < 3 ? 20 + 10 * i : RH_NOT_MEASURED,
                                  .wal_per_row = i < 3 ? 450 : RH_NOT_MEASURED};
    *rh_arena_add(run->arena, &r->bounds, &r->bound_count) = (rh_backfill_bound){
        "rows of a batch", 20000, "A row takes 12.5 µs, so that more than 20,000 rows take 250 ms."};
    *rh_arena_add(run->arena, &r->claims, &r->claim_count) = (rh_backfill_claim){.claim = RH_PROOF_RESUMES,
                                                                                 .outcome = RH_PROOF_HELD,
                                                                                 .why = "20 kills",
                                                                                 .runs = 20,
                                                                                 .rows = RH_UNKNOWN};
    *rh_arena_add(run->arena, &r->claims, &r->claim_count) = (rh_backfill_claim){
        .claim = RH_PROOF_IDEMPOTENT, .outcome = RH_PROOF_HELD, .why = "Nothing", .runs = 4};
    *rh_arena_add(run->arena, &r->claims, &r->claim_count) = (rh_backfill_claim){
        .claim = RH_PROOF_COMPLETE, .outcome = RH_PROOF_HELD, .why = "None left", .runs = 1};
    *rh_arena_add(run->arena, &r->claims, &r->claim_count) = (rh_backfill_claim){
        .claim = RH_PROOF_KEEPS_UPDATES, .outcome = RH_PROOF_HELD, .why = "518 rows", .runs = 1};
    fixture_backfill_gate(run, "backfills.order_totals",
                          "response_p99_ratio 1.5, lock_wait 250ms, duration 12h", RH_GATE_HELD, r->advice);
}

/* Without load, and with one setting that takes too long. */
static inline void fixture_none_holds(rh_run *run)
{
    rh_backfill *b = fixture_backfill(run, "emails");
    b->gates[RH_BACKFILL_GATE_LOCK_WAIT] = (rh_gate_limit){.set = true, .text = "250ms", .limit = 0.25};
    b->gates[RH_BACKFILL_GATE_DURATION] = (rh_gate_limit){.set = true, .text = "1h", .limit = 3600};
    rh_backfill_result *r = rh_arena_add(run->arena, &run->backfills, &run->backfill_count);
    *r = (rh_backfill_result){.backfill = b,
                              .measured = true,
                              .table = "public.customers",
                              .key = "tenant, id",
                              .statement = "UPDATE public.customers SET email = lower(email)",
                              .table_rows = 100,
                              .rows = 100,
                              .recommended = -1,
                              .advice = "No setting holds every gate. The nearest is 1,000 rows a batch, "
                                        "pause 0, 1 worker: duration is 2 h 0 min, the gate 1h.",
                              .level = 0.9};
    rh_backfill_cell *cell = fixture_add_cell(run, r, fixture_cell(1000, "0", 7200, 1));
    cell->state = RH_CELL_FAILED;
    cell->why = "duration is 2 h 0 min, the gate 1h";
    cell->p99_ratio = FIXTURE_UNKNOWN;
    cell->lock_wait_s = 0;
    cell->wal_bytes = FIXTURE_UNKNOWN;
    cell->whole.disk_bytes = FIXTURE_UNKNOWN;
    rh_backfill_claim *claim = rh_arena_add(run->arena, &r->claims, &r->claim_count);
    *claim = (rh_backfill_claim){.claim = RH_PROOF_KEEPS_UPDATES,
                                 .outcome = RH_PROOF_FAILED,
                                 .defect = "backfill-whole-row",
                                 .why = "12 of 90 rows have their earlier values again",
                                 .runs = 1,
                                 .rows = 12};
    *rh_arena_add(run->arena, &claim->columns, &claim->column_count) = "note";
    *rh_arena_add(run->arena, &r->claims, &r->claim_count) =
        (rh_backfill_claim){.claim = RH_PROOF_STOPS, .outcome = RH_PROOF_UNKNOWN, .why = "it ended before"};
    fixture_backfill_gate(run, "backfills.emails", "lock_wait 250ms, duration 1h", RH_GATE_FAILED, r->advice);
}

static inline rh_run *fixture_backfills(rh_arena *arena)
{
    rh_run *run = fixture_quiet(arena);
    fixture_recommended(run);
    fixture_none_holds(run);
    rh_backfill_result *r = rh_arena_add(arena, &run->backfills, &run->backfill_count);
    *r = (rh_backfill_result){.backfill = fixture_backfill(run, "3"),
                              .why_not = "no row matches where.",
                              .proof_why_not = "no row is left to do",
                              .table = "public.orders",
                              .recommended = -1,
                              .chosen = -1,
                              .level = 0.9};
    return run;
}
