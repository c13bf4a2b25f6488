#include "gates.h"
#include "rehearsal/passes/backfill.h"
#include "pgrehearse/base/units.h"
#include "pgrehearse/predict/predict.h"
#include <math.h>
#include <string.h>

static void not_measured(rh_gate *gate, const char *why)
{
    gate->measured = RH_NOT_MEASURED;
    gate->worst = why;
}

/* True if each statement's prediction is translated to production, but for statements that take next to no
 * time. Otherwise the total would contain durations of staging. */
static bool is_translated(const rh_run *run)
{
    for (size_t m = 0; m < run->plan.migration_count; m++)
        for (size_t i = 0; i < run->plan.migrations[m].up.statement_count; i++) {
            const rh_prediction *p = &run->plan.migrations[m].up.statements[i].prediction;
            if (p->median_s >= RH_PREDICT_FLOOR_S && !p->translated)
                return false;
        }
    return run->prediction.translated;
}

static void check_duration(const rh_run *run, rh_gate *gate)
{
    const rh_run_prediction *prediction = &run->prediction;
    const bool loaded = prediction->loaded.basis;
    const double median_s = loaded ? prediction->loaded.median_s : prediction->median_s;
    gate->measured = loaded ? prediction->loaded.high_s : prediction->high_s;
    gate->worst = loaded ? "upper end of the interval for all pending migrations under load"
                         : "upper end of the interval for all pending migrations";
    if (run->production.profile && !is_translated(run) && !(median_s > gate->limit)) {
        not_measured(gate,
                     "the duration could not be translated to production: its profile lacks what that needs");
        return;
    }
    if (!isnan(gate->measured))
        return;
    if (median_s > gate->limit) { /* too long even without knowing how sure */
        gate->measured = median_s;
        gate->worst = "the median for all pending migrations; there is not enough evidence for an interval";
    } else {
        gate->worst =
            isnan(median_s) ? "no quiet pass completed" : "not enough evidence for an interval: raise repeat";
    }
}

/* Raises the gate's figure to the forecast for production. Without an upper bound of the forecast, the gate
 * was not measured. Inferred locks contribute an upper bound, and never make the gate fail. */
static void check_forecast(const rh_run *run, rh_gate *gate, bool reads)
{
    const rh_lock_forecasts *locks = &run->production.locks;
    const rh_lock_forecast *row = reads ? locks->reads_worst : locks->writes_worst;
    double high = !locks->made ? RH_NOT_MEASURED
                  : reads      ? locks->reads_blocked_high_s
                               : locks->writes_blocked_high_s;
    const double at_most = reads ? locks->reads_at_most_s : locks->writes_at_most_s;
    if (gate->measured > gate->limit)
        return; /* failed already */
    if (row && row->blocked_s > gate->limit &&
        !(high > gate->limit)) { /* too long without knowing how sure */
        high = row->blocked_s;
    } else if (isnan(high) && locks->made && at_most <= gate->limit) {
        if (at_most > gate->measured) {
            gate->measured = at_most;
            gate->worst = "predicted for production: an upper bound, which counts inferred locks";
        }
        return;
    } else if (isnan(high)) {
        not_measured(gate, rh_arena_printf(run->arena, "on production: %s",
                                           locks->unknown ? locks->unknown : "nothing was replayed"));
        return;
    }
    if (!row || high < gate->measured)
        return;
    gate->measured = high;
    gate->worst = rh_arena_printf(run->arena, "predicted for production: migration %s, statement %d on %s",
                                  row->migration, row->statement, row->relation);
}

/* An inferred lock blocked others for at most as long as its statement took. If that time exceeds the gate's
 * limit, the gate was not measured; an inferred lock never makes a gate fail. */
static void check_unseen(const rh_run *run, rh_gate *gate, bool reads)
{
    const rh_unseen_lock unseen = rh_plan_unseen_lock(&run->plan, NULL, reads);
    if (!unseen.lock || unseen.lock->held_s <= gate->measured || gate->measured > gate->limit)
        return;
    char duration[32];
    gate->worst = rh_arena_printf(
        run->arena,
        "migration %s, statement %d: its locks were not observed; it ran for %s, so they were held for at most that long",
        unseen.migration->id, unseen.statement->ordinal,
        rh_duration_format(unseen.lock->held_s, duration, sizeof duration));
    gate->measured = unseen.lock->held_s > gate->limit ? RH_NOT_MEASURED : unseen.lock->held_s;
}

/* The longest wait, as a sentence. */
static const char *longest_wait(const rh_run *run, const rh_wait *wait)
{
    return rh_arena_printf(run->arena, "%s waited for %s behind %s%s%s%s",
                           wait->waiter ? wait->waiter : "a session",
                           wait->relation   ? wait->relation
                           : wait->locktype ? wait->locktype
                                            : "a lock",
                           wait->blocker, wait->migration ? " (migration " : "",
                           wait->migration ? wait->migration : "", wait->migration ? ")" : "");
}

/* The longest time for which readers (else writers) of a relation were blocked. */
static void check_blocked(const rh_run *run, rh_gate *gate, bool reads)
{
    const rh_contention *contention = &run->contention;
    if (!contention->measured) {
        not_measured(gate, contention->lost ? contention->lost : "no pass was observed to its end");
        return;
    }
    const rh_blocked_interval *worst = NULL;
    gate->measured = reads ? contention->reads_blocked_s : contention->writes_blocked_s;
    for (size_t i = 0; i < contention->blocked_count; i++) {
        const rh_blocked_interval *b = &contention->blocked[i];
        if ((reads ? b->reads : b->writes) && (!worst || b->to_s - b->from_s > worst->to_s - worst->from_s))
            worst = b;
    }
    const char *how = run->load.measured ? "" : " (in a quiet pass: there was no load)";
    gate->worst = worst ? rh_arena_printf(run->arena, "migration %s, statement %d on %s%s", worst->migration,
                                          worst->statement, worst->relation, how)
                        : rh_arena_printf(run->arena, "nothing was blocked%s", how);
    const rh_wait *wait = rh_contention_longest_wait(contention, NULL, reads);
    if (wait && wait->wait_s >= gate->measured && !(worst && worst->to_s - worst->from_s >= wait->wait_s))
        gate->worst = longest_wait(run, wait);
    check_unseen(run, gate, reads);
    if (run->production.profile)
        check_forecast(run, gate, reads);
}

static const rh_load_window *window(const rh_load *load, rh_window_kind kind)
{
    for (size_t i = 0; i < load->window_count; i++)
        if (load->windows[i].kind == kind && !load->windows[i].migration)
            return &load->windows[i];
    return NULL;
}

static void check_response(const rh_run *run, rh_gate *gate)
{
    const rh_load_window *before = window(&run->load, RH_WINDOW_BEFORE);
    const rh_load_window *during = window(&run->load, RH_WINDOW_DURING);
    if (!run->load.measured || !before || !during || !(before->response_ms.p99 > 0) ||
        isnan(during->response_ms.p99)) {
        not_measured(gate, "no load ran before and during the migrations");
        return;
    }
    const rh_load_window *worst = NULL;
    for (size_t i = 0; i < run->load.window_count; i++) {
        const rh_load_window *w = &run->load.windows[i];
        if (w->kind == RH_WINDOW_DURING && w->migration &&
            (!worst || w->response_ms.p99 > worst->response_ms.p99))
            worst = w;
    }
    if (run->load.saturated) {
        not_measured(
            gate,
            "the server could not hold the load's rate, so response times are dominated by queueing in the client");
        return;
    }
    gate->measured = during->response_ms.p99 / before->response_ms.p99;
    gate->worst = rh_arena_printf(run->arena, "p99 %.1f ms before, %.1f ms during%s%s",
                                  before->response_ms.p99, during->response_ms.p99,
                                  worst ? "; worst in migration " : "", worst ? worst->migration : "");
}

/* The most frequent error; NULL: there was none. */
static const rh_load_error *most_frequent(const rh_load *load)
{
    const rh_load_error *worst = NULL;
    for (size_t i = 0; i < load->error_count; i++)
        if (!worst || load->errors[i].count > worst->count)
            worst = &load->errors[i];
    return worst;
}

static int64_t arrivals_of(const rh_load_window *w, const char *template_name)
{
    for (size_t i = 0; w && i < w->template_count; i++)
        if (strcmp(w->templates[i].name, template_name) == 0)
            return w->templates[i].transactions + w->templates[i].errors;
    return 0;
}

/* The number of E's errors, if they are missing privileges (42501), that are not due to the migrations: all
 * of them, unless their rate per arrival is significantly higher from the first migration on than before it;
 * then as many as the earlier rate gives. */
static double expected_refusals(const rh_load *load, const rh_load_error *e)
{
    if (e->before == 0 || strcmp(e->sqlstate, "42501") != 0)
        return 0;
    const double before = (double)arrivals_of(window(load, RH_WINDOW_BEFORE), e->template_name),
                 later = (double)(arrivals_of(window(load, RH_WINDOW_DURING), e->template_name) +
                                  arrivals_of(window(load, RH_WINDOW_AFTER), e->template_name)),
                 seen = (double)(e->count - e->before),
                 expected = before > 0 ? (double)e->before / before * later : 0;
    /* three standard deviations of the difference of two counts */
    const double chance = before > 0 ? 3 * sqrt(expected * (1 + later / before)) + 3 : 0;
    return seen <= expected + chance ? seen : expected;
}

static void check_errors(const rh_run *run, rh_gate *gate)
{
    const rh_load *load = &run->load;
    if (!load->measured) {
        not_measured(gate, "no load ran");
        return;
    }
    gate->measured = 0;
    for (size_t i = 0; i < load->window_count; i++)
        if (!load->windows[i].migration && load->windows[i].kind != RH_WINDOW_BEFORE)
            gate->measured += (double)load->windows[i].errors;
    double expected = 0;
    for (size_t i = 0; i < load->error_count; i++)
        expected += expected_refusals(load, &load->errors[i]);
    gate->measured = fmax(0, floor(gate->measured - expected + 0.5));
    const rh_load_error *worst = most_frequent(load);
    gate->worst =
        worst ? rh_arena_printf(run->arena, "%s: %s", worst->template_name, worst->message) : "no errors";
    if (gate->measured == 0 && expected > 0)
        gate->worst = rh_arena_printf(
            run->arena,
            "%.0f errors for missing privileges are not counted: as many occur before any migration",
            expected);
}

/* Why the loaded pass does not show the whole effect of the migrations; NULL if it does. */
static const char *why_partial(const rh_run *run)
{
    const rh_plan *plan = &run->plan;
    for (size_t m = 0; m < plan->migration_count; m++)
        if (plan->migrations[m].pending && plan->migrations[m].outcome != RH_OUTCOME_OK)
            return rh_arena_printf(run->arena,
                                   plan->migrations[m].outcome == RH_OUTCOME_FAILED
                                       ? "migration %s failed, so the rest of it was not measured"
                                       : "migration %s was not run",
                                   plan->migrations[m].id);
    for (size_t i = 0; i < run->pass_count; i++)
        if (!run->passes[i].complete)
            return rh_arena_printf(run->arena, "the %s did not complete", run->passes[i].name);
    bool loaded = !(run->scenario->passes & RH_PASS_LOADED) ||
                  run->scenario->workload.source == RH_WORKLOAD_NONE || run->plan.pending_count == 0 ||
                  !run->failure;
    for (size_t i = 0; !loaded && i < run->pass_count; i++)
        loaded = run->passes[i].kind == RH_PASS_KIND_LOADED;
    return loaded ? NULL : "the run ended before the load had run";
}

/* A pass that did not complete can show that a gate fails, but not that it holds. */
static void judge(const rh_run *run, rh_gate *gate)
{
    bool is_partial = gate->kind != RH_GATE_PREDICTED_DURATION && gate->measured <= gate->limit;
    const char *why = is_partial ? why_partial(run) : NULL;
    if (why)
        not_measured(gate, why);
    gate->outcome = isnan(gate->measured)          ? RH_GATE_NOT_MEASURED
                    : gate->measured > gate->limit ? RH_GATE_FAILED
                                                   : RH_GATE_HELD;
}

static void check_checksum(const rh_run *run, rh_gate *gate)
{
    const rh_checksum_fact *checksum = &run->backup.checksum;
    if (!checksum->vouched) {
        not_measured(gate, "the backup was not read");
        return;
    }
    gate->measured = checksum->whole ? 0 : 1;
    gate->worst = rh_arena_printf(run->arena, "the backup's bytes are checked by %s", checksum->vouched);
}

void rh_gates_check(rh_run *run)
{
    for (rh_gate_kind kind = 0; kind < RH_GATE_COUNT; kind++) {
        const rh_gate_limit *limit = &run->scenario->gates[kind];
        if (!limit->set)
            continue;
        rh_gate *gate = rh_arena_add(run->arena, &run->gates, &run->gate_count);
        gate->kind = kind;
        gate->name = rh_gate_kind_name(kind);
        gate->limit = limit->limit;
        gate->limit_text = limit->text;
        if (kind == RH_GATE_PREDICTED_DURATION)
            check_duration(run, gate);
        else if (kind == RH_GATE_READS_BLOCKED || kind == RH_GATE_WRITES_BLOCKED)
            check_blocked(run, gate, kind == RH_GATE_READS_BLOCKED);
        else if (kind == RH_GATE_RESPONSE_P99_RATIO)
            check_response(run, gate);
        else if (kind == RH_GATE_BACKUP_CHECKSUM)
            check_checksum(run, gate);
        else
            check_errors(run, gate);
        judge(run, gate);
    }
    rh_backfill_gates(run);
}
