#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "scripted_proof.h"
#include <stdlib.h>
#include <string.h>

script_backfill scripted_backfill;
rh_backfill scripted_of;
rh_proof *scripted_proof;

static rh_arena *arena;
static rh_error problem;

/* ---- the runner ---- */

typedef struct scripted_run {
    const script_backfill_run *script;
    int sent, also; /* before it */
    bool killed, stopped;
} scripted_run;

static void *start(const rh_runner_start *start_, rh_error *error)
{
    (void)error;
    script_backfill *s = &scripted_backfill;
    scripted_run *run = rh_alloc(sizeof *run);
    if (s->started == SCRIPT_BACKFILL_RUNS)
        abort();
    *run = (scripted_run){.script = &s->runs[s->started++]};
    run->sent = run->script->until ? script_sent(NULL, run->script->until) : 0;
    run->also = run->script->also ? script_sent(NULL, run->script->also) : 0;
    s->again += start_->again;
    s->open++;
    return run;
}

static bool has_ended(void *data, rh_runner_end *end)
{
    const scripted_run *run = data;
    const script_backfill_run *script = run->script;
    const bool killed = run->killed;
    if (!killed && script->endless && (!run->stopped || script->ignores_stop))
        return false;
    if (!killed && script->until && script_sent(NULL, script->until) - run->sent < script->times)
        return false;
    if (!killed && script->also && script_sent(NULL, script->also) == run->also)
        return false;
    *end = (rh_runner_end){.ok = !killed && !script->fails,
                           .refused = script->refused,
                           .message = killed ? "killed" : script->fails,
                           .sqlstate = script->sqlstate};
    return true;
}

static void end_run(void *data)
{
    scripted_run *run = data;
    run->killed = true;
    scripted_backfill.killed++;
}

static void end_at_commit(void *data)
{
    scripted_run *run = data;
    run->killed = true;
    scripted_backfill.killed_at_commit++;
}

static void stop(void *data)
{
    scripted_run *run = data;
    run->stopped = true;
    scripted_backfill.stopped++;
}

static void free_run(void *data)
{
    scripted_backfill.open -= data != NULL;
    free(data);
}

static const rh_backfill_runner runner = {.name = "script",
                                          .start = start,
                                          .has_ended = has_ended,
                                          .kill = end_run,
                                          .kill_at_commit = end_at_commit,
                                          .stop = stop,
                                          .free = free_run};

/* ---- the place ---- */

static bool make_copy(void *data, rh_proof_sessions *sessions, rh_error *error)
{
    (void)data, (void)error;
    scripted_backfill.copies++;
    *sessions = (rh_proof_sessions){"dbname=copy", "dbname=copy user=backfill"};
    return true;
}

static void crash(void *data)
{
    (void)data;
    scripted_backfill.crashes++;
}

static bool restart(void *data, rh_error *error)
{
    (void)data, (void)error;
    scripted_backfill.restarts++;
    return true;
}

static bool contract(void *data, const char **why, bool *of_rows, rh_error *error)
{
    (void)data;
    if (scripted_backfill.contract_unknown)
        return rh_error_set(error, RH_ERROR_LOST, "the server is gone");
    *why = scripted_backfill.contract_why;
    *of_rows = scripted_backfill.contract_of_rows;
    return true;
}

const rh_proof_place *script_proof_place(void)
{
    static const rh_proof_place place = {
        .fresh = make_copy, .crash = crash, .restart = restart, .contract = contract, .seed = 1};
    return &place;
}

/* ---- the proof ---- */

static void add_rules(void)
{
    script_rows(SCRIPT_PROOF_WATCHED, "100 10");
    script_rows(SCRIPT_PROOF_COUNTS, "100 100 10 10");
    script_rows(SCRIPT_PROOF_SUMS, "100 1 2 3");
    script_rows(SCRIPT_PROOF_ROWS, "1 11;2 12;3 13");
}

/* The undisturbed run, as it would have been read. */
static rh_proof_reference reference(void)
{
    static const char *before[] = {"1", "2", "0"}, *after[] = {"1", "2", "3"};
    static int64_t keys[] = {1, 2, 3}, digests[] = {11, 12, 13};
    rh_proof_reference r = {
        .made = true,
        .before = {.rows = 100, .sums = before},
        .after = {.rows = 100, .sums = after, .keys = keys, .digests = digests, .count = 3},
        .counts = {.writes = 100, .rows = 100, .transactions = 10, .largest = 10}};
    for (int i = 1; i <= 100; i++)
        *rh_arena_add(arena, &r.places, &r.place_count) = rh_arena_printf(arena, "(0,%d)", i);
    return r;
}

static rh_proof *make_proof(const rh_proof_place *place)
{
    static rh_digest_column columns[3];
    rh_proof *proof = rh_arena_alloc(arena, sizeof *proof);
    columns[0] = (rh_digest_column){.plain = "id", .name = "id", .is_key = true, .required = true};
    columns[1] = (rh_digest_column){.plain = "a", .name = "a", .other = "a + 1", .insert = "a"};
    columns[2] = (rh_digest_column){.plain = "b", .name = "b", .insert = "b", .owned = true};
    *proof = (rh_proof){
        .backfill = &scripted_of,
        .place = place,
        .arena = arena,
        .notes = rh_arena_alloc(arena, sizeof *proof->notes),
        .runner = &runner,
        .counts_batches = true,
        .stops = true,
        .target = {.table = "public.t", .name = "t", .key = {"id"}, .types = {"bigint"}, .key_count = 1},
        .setting = {.batch = 10, .workers = 1},
        .columns = {columns, 3},
        .condition = scripted_of.condition,
        .rows = 100,
        .reference = reference()};
    *proof->notes = (rh_notes){0};
    for (int i = 0; i < RH_PROOF_CLAIM_COUNT; i++)
        proof->claims[i] = (rh_backfill_claim){.claim = (rh_proof_claim)i, .rows = RH_UNKNOWN};
    add_rules();
    return proof;
}

/* ---- a test ---- */

int script_proof_begin(void **state)
{
    (void)state;
    script_begin();
    scripted_backfill = (script_backfill){0};
    scripted_of = (rh_backfill){.name = "fill", .table = "t", .set = "b = 1", .condition = "b IS NULL"};
    scripted_proof = NULL;
    arena = rh_arena_new();
    return 0;
}

int script_proof_end(void **state)
{
    (void)state;
    rh_error_release(&problem);
    rh_arena_free(arena);
    return script_open_connections() + scripted_backfill.open;
}

bool script_proof_try_in(const rh_proof_place *place, bool (*part)(rh_proof *, rh_error *))
{
    scripted_proof = make_proof(place);
    const bool ok = part(scripted_proof, &problem);
    rh_pg_close(scripted_proof->side);
    return ok;
}

bool script_proof_try(bool (*part)(rh_proof *, rh_error *))
{
    return script_proof_try_in(script_proof_place(), part);
}

rh_error *script_proof_error(void)
{
    return &problem;
}

void script_proof_expect(rh_proof_claim claim, rh_proof_outcome outcome, const char *defect)
{
    const rh_backfill_claim *found = &scripted_proof->claims[claim];
    assert_string_equal(rh_proof_outcome_name(found->outcome), rh_proof_outcome_name(outcome));
    assert_string_equal(found->defect ? found->defect : "", defect ? defect : "");
}

void script_proof_says(rh_proof_claim claim, const char *text)
{
    const char *why = scripted_proof->claims[claim].why;
    if (!why || !strstr(why, text))
        fail_msg("\"%s\" lacks \"%s\"", why ? why : "", text);
}
