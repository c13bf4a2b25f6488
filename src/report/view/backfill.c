#include "backfill.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/model/backfill.h"
#include <math.h>
#include <string.h>

static const char GATE[] = "backfills."; /* before the name, in gates[] */

/* ---- settings ---- */

static rh_view_figure figure_of(const rh_json *object, const char *key)
{
    const rh_json *figure = rh_json_get(object, key);
    return (rh_view_figure){rh_view_real(figure, "median"), rh_view_real(figure, "low"),
                            rh_view_real(figure, "high")};
}

static rh_view_setting setting_of(const rh_view *view, const rh_json *record)
{
    const char *pause = rh_view_string(record, "pause"), *state = rh_view_string(record, "state");
    const int64_t workers = rh_json_int(rh_json_get(record, "workers"));
    return (rh_view_setting){
        .record = record,
        .name = rh_view_printf(view, "%s rows a batch, pause %s, %lld worker%s",
                               rh_view_count_or(view, rh_json_int(rh_json_get(record, "batch")), "?"),
                               pause ? pause : "?", (long long)workers, workers == 1 ? "" : "s"),
        .state = state ? state : "not_run",
        .ran = rh_json_int(rh_json_get(record, "batches")) > 0,
        .recommended = rh_json_bool(rh_json_get(record, "recommended")),
        .total_s = figure_of(record, "total_s"),
        .p99_ratio = figure_of(record, "response_p99_ratio"),
    };
}

static const rh_view_setting *fastest(const rh_view_backfill *b, const char *state)
{
    const rh_view_setting *best = NULL;
    for (size_t i = 0; i < b->setting_count; i++) {
        const rh_view_setting *s = &b->settings[i];
        if (s->ran && strcmp(s->state, state) == 0 && s->total_s.median > 0 &&
            (!best || s->total_s.median < best->total_s.median))
            best = s;
    }
    return best;
}

/* As the pass chooses: the recommended one; else the fastest that is unclear; else the fastest that failed.
 */
static const rh_view_setting *choose(const rh_view_backfill *b)
{
    for (size_t i = 0; i < b->setting_count; i++)
        if (b->settings[i].recommended)
            return &b->settings[i];
    const rh_view_setting *unclear = fastest(b, "unclear");
    return unclear ? unclear : fastest(b, "failed");
}

const char *rh_view_setting_state(const rh_view_setting *setting)
{
    return strcmp(setting->state, "not_run") == 0 ? "not run" : setting->state;
}

const char *rh_view_ratio(const rh_view *view, double ratio)
{
    if (isnan(ratio))
        return "not measured";
    return rh_view_printf(view, ratio < 9.95 ? "×%.2f" : "×%.0f", ratio);
}

/* ---- gates ---- */

static const char *gate_text(const rh_view *view, rh_backfill_gate_kind kind, double value)
{
    if (kind == RH_BACKFILL_GATE_LOCK_WAIT || kind == RH_BACKFILL_GATE_DURATION ||
        kind == RH_BACKFILL_GATE_REPLICA_LAG)
        return rh_view_seconds(view, value);
    if (kind == RH_BACKFILL_GATE_WAL_RATE)
        return rh_view_printf(view, "%s a second", rh_view_bytes_or(view, llround(value), "?"));
    if (kind == RH_BACKFILL_GATE_P99_RATIO)
        return rh_view_ratio(view, value);
    return rh_view_count_or(view, llround(value), "?");
}

/* What KIND measured with SETTING. Without load nothing was waiting. */
static rh_view_figure gate_figure(const rh_view_setting *setting, rh_backfill_gate_kind kind, bool has_load)
{
    static const char *const keys[RH_BACKFILL_GATE_COUNT] = {[RH_BACKFILL_GATE_LOCK_WAIT] = "lock_wait_s",
                                                             [RH_BACKFILL_GATE_WAL_RATE] = "wal_bytes_per_s",
                                                             [RH_BACKFILL_GATE_LOAD_ERRORS] = "load_errors"};
    if (kind == RH_BACKFILL_GATE_DURATION)
        return setting->total_s;
    if (kind == RH_BACKFILL_GATE_REPLICA_LAG)
        return figure_of(setting->record, "replica_lag_s");
    if (!has_load && kind != RH_BACKFILL_GATE_WAL_RATE)
        return (rh_view_figure){NAN, NAN, NAN};
    if (kind == RH_BACKFILL_GATE_P99_RATIO)
        return setting->p99_ratio;
    const double value = rh_view_real(setting->record, keys[kind]);
    rh_view_figure figure = {value, value, value};
    /* Who comes at the wrong moment waits as long as a batch takes. */
    if (kind == RH_BACKFILL_GATE_LOCK_WAIT)
        figure.high = fmax(value, rh_view_real(setting->record, "batch_max_s"));
    return figure;
}

static rh_view_backfill_gate gate_of(const rh_view *view, const rh_view_backfill *b, const rh_json *record)
{
    const char *name = rh_view_string(record, "name");
    rh_view_backfill_gate gate = {.name = name ? name : "?",
                                  .limit_text = rh_view_string(record, "limit_text"),
                                  .limit = rh_view_real(record, "limit"),
                                  .figure = NAN,
                                  .high = NAN,
                                  .reading = "not measured",
                                  .outcome = "not_measured"};
    int kind = 0;
    while (kind < RH_BACKFILL_GATE_COUNT &&
           !rh_view_is(record, "name", rh_backfill_gate_name((rh_backfill_gate_kind)kind)))
        kind++;
    if (!b->chosen || kind == RH_BACKFILL_GATE_COUNT)
        return gate;
    const bool has_load = rh_view_real(b->record, "rate_per_s") > 0;
    const rh_view_figure f = gate_figure(b->chosen, (rh_backfill_gate_kind)kind, has_load);
    gate.figure = f.median;
    gate.high = f.high;
    if (isnan(f.median))
        return gate;
    gate.reading = gate_text(view, (rh_backfill_gate_kind)kind, f.median);
    if (isnan(f.high))
        gate.reading = rh_view_printf(view, "%s, no interval", gate.reading);
    else if (f.high > f.median)
        gate.reading = rh_view_printf(view, "%s (may be %s)", gate.reading,
                                      gate_text(view, (rh_backfill_gate_kind)kind, f.high));
    if (f.low > gate.limit)
        gate.outcome = "failed";
    else if (f.high <= gate.limit)
        gate.outcome = "held";
    return gate;
}

static const char *gate_line(const rh_view *view, const rh_view_backfill_gate *gate)
{
    const bool known = strcmp(gate->outcome, "not_measured") != 0;
    return rh_view_printf(view, "%s %s, limit %s: %s", gate->name, gate->reading,
                          gate->limit_text ? gate->limit_text : "?", known ? gate->outcome : "unclear");
}

const char *rh_view_backfill_gates(const rh_view *view, const rh_view_backfill *b)
{
    const char *line = NULL;
    for (size_t i = 0; i < b->gate_count; i++)
        line =
            rh_view_printf(view, "%s%s%s", line ? line : "", line ? "; " : "", gate_line(view, &b->gates[i]));
    return line;
}

/* ---- sentences ---- */

static const char *duration_of(const rh_view *view, const rh_view_backfill *b)
{
    const rh_view_figure *total = &b->chosen->total_s;
    if (isnan(total->median))
        return "its duration not measured";
    const char *median = rh_view_seconds(view, total->median);
    if (isnan(total->low) || isnan(total->high))
        return rh_view_printf(view, "%s on staging, no interval", median);
    return rh_view_printf(view, "%s on staging (%s: %s)", median,
                          rh_view_percent(view, rh_view_real(b->record, "level")),
                          rh_view_range(view, total->low, total->high));
}

static const char *load_of(const rh_view *view, const rh_view_backfill *b)
{
    const rh_view_figure *ratio = &b->chosen->p99_ratio;
    const double wait_s = rh_view_real(b->chosen->record, "lock_wait_s");
    if (!(rh_view_real(b->record, "rate_per_s") > 0))
        return "its effect on the load not measured";
    const char *text = "the load's p99 not measured";
    if (!isnan(ratio->median))
        text = rh_view_printf(view, "the load's p99 %s", rh_view_ratio(view, ratio->median));
    if (!isnan(ratio->low) && !isnan(ratio->high))
        text = rh_view_printf(view, "%s (%s–%s)", text, rh_view_ratio(view, ratio->low),
                              rh_view_ratio(view, ratio->high) + strlen("×"));
    return rh_view_printf(view, "%s, longest lock wait %s", text, rh_view_seconds(view, wait_s));
}

/* Of the chosen setting; NULL: it was not run with a standby. */
static const char *lag_of(const rh_view *view, const rh_view_backfill *b)
{
    const rh_view_figure lag = figure_of(b->chosen->record, "replica_lag_s");
    if (isnan(lag.median))
        return NULL;
    return lag.high > lag.median
               ? rh_view_printf(view, "the standby at most %s behind, at the end maybe %s",
                                rh_view_seconds(view, lag.median), rh_view_seconds(view, lag.high))
               : rh_view_printf(view, "the standby at most %s behind", rh_view_seconds(view, lag.median));
}

static const char *headline_of(const rh_view *view, const rh_view_backfill *b)
{
    const char *why = rh_view_string(b->record, "why_not");
    const char *proof = rh_view_proof_words(b);
    if (!b->measured)
        return rh_view_printf(view, "Backfill %s of %s: not measured: %s%s%s", b->name, b->table,
                              why ? why : "no reason was recorded", proof ? "; it " : "", proof ? proof : "");
    const char *rows = rh_view_count_or(view, rh_json_int(rh_json_get(b->record, "rows")), "?");
    if (!b->chosen)
        return rh_view_printf(view, "Backfill %s of %s, %s rows: no setting was run.", b->name, b->table,
                              rows);
    const double wal = rh_view_real(b->chosen->record, "wal_bytes");
    const char *wal_text = isnan(wal)
                               ? "WAL not measured"
                               : rh_view_printf(view, "%s of WAL", rh_view_bytes_or(view, llround(wal), "?"));
    const char *lag = lag_of(view, b);
    return rh_view_printf(view, "Backfill %s of %s, %s rows: %s%s: %s; %s; %s%s%s%s%s.", b->name, b->table,
                          rows, b->chosen->recommended ? "" : "no setting holds every gate; the nearest, ",
                          b->chosen->name, duration_of(view, b), load_of(view, b), lag ? lag : "",
                          lag ? "; " : "", wal_text, proof ? "; " : "", proof ? proof : "");
}

size_t rh_view_backfills(const rh_view *view, rh_view_backfill **backfills)
{
    const rh_json *list = rh_json_get(view->report, "backfills");
    size_t count = 0;
    *backfills = NULL;
    for (size_t i = 0; i < rh_json_count(list); i++) {
        rh_view_backfill *b = rh_arena_add(view->arena, backfills, &count);
        const rh_json *record = rh_json_at(list, i), *settings = rh_json_get(record, "settings"),
                      *gates = rh_json_get(record, "gates");
        const char *name = rh_view_string(record, "name"), *table = rh_view_string(record, "table");
        *b = (rh_view_backfill){.record = record,
                                .name = name ? name : "?",
                                .table = table ? table : "?",
                                .measured = rh_json_bool(rh_json_get(record, "measured"))};
        for (size_t s = 0; s < rh_json_count(settings); s++)
            *rh_arena_add(view->arena, &b->settings, &b->setting_count) =
                setting_of(view, rh_json_at(settings, s));
        b->chosen = choose(b);
        for (size_t g = 0; g < rh_json_count(gates); g++)
            *rh_arena_add(view->arena, &b->gates, &b->gate_count) = gate_of(view, b, rh_json_at(gates, g));
        rh_view_claims(view, b);
        b->headline = headline_of(view, b);
        b->advice = b->measured ? rh_view_string(record, "advice") : NULL;
    }
    return count;
}

const char *rh_view_backfill_setting(const rh_view *view, const rh_json *gate)
{
    const char *name = rh_view_string(gate, "name");
    if (!name || !rh_starts_with(name, GATE))
        return NULL;
    rh_view_backfill *list;
    const size_t count = rh_view_backfills(view, &list);
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i].name, name + strlen(GATE)) == 0)
            return !list[i].chosen               ? "not measured"
                   : list[i].chosen->recommended ? list[i].chosen->name
                                                 : "no setting";
    return "not measured";
}
