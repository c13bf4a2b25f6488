#include "backfill.h"
#include "pgrehearse/base/clock.h"
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

/* A moment of the record by the clocks there; NaN for null. */
static double moment_of(const rh_json *object, const char *key)
{
    rh_civil_time time;
    const char *text = rh_view_string(object, key);
    return text && rh_civil_parse(text, &time) ? (double)time.local_s : NAN;
}

static rh_view_setting setting_of(const rh_view *view, const rh_json *record)
{
    const char *pause = rh_view_string(record, "pause"), *state = rh_view_string(record, "state");
    const rh_json *finish = rh_json_get(record, "finish");
    const int64_t workers = rh_json_int(rh_json_get(record, "workers"));
    const char *pacing = rh_view_printf(view, "pause %s, %lld worker%s", pause ? pause : "?",
                                        (long long)workers, workers == 1 ? "" : "s");
    return (rh_view_setting){
        .record = record,
        .name =
            rh_view_printf(view, "%s rows a batch, %s",
                           rh_view_count_or(view, rh_json_int(rh_json_get(record, "batch")), "?"), pacing),
        .pacing = pacing,
        .state = state ? state : "not_run",
        .ran = rh_json_int(rh_json_get(record, "batches")) > 0,
        .recommended = rh_json_bool(rh_json_get(record, "recommended")),
        .total_s = figure_of(record, "total_s"),
        .p99_ratio = figure_of(record, "response_p99_ratio"),
        .finish_s = {moment_of(finish, "median"), moment_of(finish, "low"), moment_of(finish, "high")},
        .dead_share = figure_of(record, "dead_share"),
        .disk_bytes = figure_of(record, "disk_peak_bytes"),
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

const char *rh_view_moment(const rh_view *view, double local_s)
{
    static const rh_zone utc = {.name = "UTC"};
    static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    char stamp[32];
    if (isnan(local_s))
        return "not known";
    rh_zone_format(&utc, (int64_t)local_s, stamp, sizeof stamp);
    stamp[10] = ' ';
    return rh_view_printf(view, "%s %.16s", days[((int64_t)local_s / 86400 + 3) % 7], stamp);
}

const char *rh_view_course_moment(const rh_view *view, const rh_json *point)
{
    const char *moment = rh_view_moment(view, moment_of(point, "at"));
    return strlen(moment) > 9 ? rh_view_printf(view, "%.4s%s", moment, moment + 9) : moment;
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
    if (kind == RH_BACKFILL_GATE_FINISH_BY)
        return rh_view_moment(view, value);
    if (kind == RH_BACKFILL_GATE_DEAD_ROWS)
        return rh_view_percent(view, value);
    if (kind == RH_BACKFILL_GATE_DISK)
        return rh_view_bytes_or(view, llround(value), "?");
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
    if (kind == RH_BACKFILL_GATE_DEAD_ROWS)
        return setting->dead_share;
    if (kind == RH_BACKFILL_GATE_DISK)
        return setting->disk_bytes;
    if (kind == RH_BACKFILL_GATE_FINISH_BY)
        return setting->finish_s;
    if (!has_load && kind != RH_BACKFILL_GATE_WAL_RATE)
        return (rh_view_figure){NAN, NAN, NAN};
    if (kind == RH_BACKFILL_GATE_P99_RATIO)
        return setting->p99_ratio;
    const double value = rh_view_real(setting->record, keys[kind]);
    rh_view_figure figure = {value, value, value};
    /* Who comes at the wrong moment waits as long as a batch takes. */
    if (kind == RH_BACKFILL_GATE_LOCK_WAIT)
        figure.high = fmax(value, rh_view_real(setting->record, "locks_max_s"));
    return figure;
}

static rh_view_backfill_gate gate_of(const rh_view *view, const rh_view_backfill *b, const rh_json *record)
{
    const char *name = rh_view_string(record, "name");
    rh_view_backfill_gate gate = {.name = name ? name : "?",
                                  .limit_text = rh_view_string(record, "limit_text"),
                                  .limit = rh_view_is(record, "name", "finish_by")
                                               ? moment_of(record, "limit_text")
                                               : rh_view_real(record, "limit"),
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
        b->headline = rh_view_backfill_headline(view, b);
        b->one_statement = rh_view_backfill_one_statement(view, b);
        b->parts = rh_view_backfill_parts(view, b);
        b->tested = rh_view_backfill_tested(view, b);
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
