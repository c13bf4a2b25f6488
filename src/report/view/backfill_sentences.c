/* Backfills in sentences. */
#include "backfill.h"
#include <math.h>
#include <string.h>

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

const char *rh_view_backfill_one_statement(const rh_view *view, const rh_view_backfill *b)
{
    const rh_json *one = rh_json_get(b->record, "one_statement");
    const char *migration = rh_view_string(one, "migration");
    const double alone_s = rh_view_real(one, "alone_s"), loaded_s = rh_view_real(one, "beside_load_s"),
                 wait_s = rh_view_real(one, "lock_wait_s");
    if (!migration)
        return NULL;
    const char *text = rh_view_printf(view, "As one statement (%lld of migration %s)",
                                      (long long)rh_json_int(rh_json_get(one, "statement")), migration);
    if (isnan(alone_s) && isnan(loaded_s))
        return rh_view_printf(view, "%s: not measured.", text);
    if (!isnan(alone_s))
        text = rh_view_printf(view, "%s: %s without load", text, rh_view_seconds(view, alone_s));
    if (!isnan(loaded_s))
        text = rh_view_printf(view, "%s%s %s with the load, which waited for its locks for up to %s", text,
                              isnan(alone_s) ? ":" : ",", rh_view_seconds(view, loaded_s),
                              rh_view_seconds(view, wait_s));
    return rh_view_printf(view, "%s; it holds them until its end.", text);
}

/* MOMENT without its day if that is the one of OTHER. */
static const char *same_day(const char *moment, const char *other)
{
    enum { DAY = sizeof "Fri 2026-12-04 " - 1 };
    return strlen(moment) > DAY && strncmp(moment, other, DAY) == 0 ? moment + DAY : moment;
}

/* "done Fri 2026-12-04 03:10 (90 %: … – …), "; empty without a schedule. */
static const char *finish_of(const rh_view *view, const rh_view_backfill *b)
{
    const rh_view_figure *finish = &b->chosen->finish_s;
    const char *why = rh_view_string(b->record, "finish_why");
    if (!rh_view_string(rh_json_get(b->record, "schedule"), "zone"))
        return "";
    if (isnan(finish->median))
        return rh_view_printf(view, "no finishing date: %s; ", why ? why : "its duration was not measured");
    const char *median = rh_view_moment(view, finish->median);
    if (isnan(finish->low) || isnan(finish->high))
        return rh_view_printf(view, "done %s, no interval; ", median);
    return rh_view_printf(view, "done %s (%s – %s); ", median,
                          same_day(rh_view_moment(view, finish->low), median),
                          same_day(rh_view_moment(view, finish->high), median));
}

/* ", 38 GB of disk", at its peak; empty where it is not known. */
static const char *disk_of(const rh_view *view, const rh_view_backfill *b)
{
    const rh_view_figure *disk = &b->chosen->disk_bytes;
    if (isnan(disk->median))
        return "";
    return rh_view_printf(view, ", %s of disk", rh_view_bytes_or(view, llround(disk->median), "?"));
}

const char *rh_view_backfill_parts(const rh_view *view, const rh_view_backfill *b)
{
    const rh_json *parts = b->chosen ? rh_json_get(b->chosen->record, "parts") : NULL;
    const double sampled_s = rh_view_real(parts, "sampled_s"), images_s = rh_view_real(parts, "images_s"),
                 vacuum_s = rh_view_real(parts, "vacuum_s"), checkpoints = rh_view_real(parts, "checkpoints"),
                 vacuums = rh_view_real(parts, "vacuums"), share = rh_view_real(parts, "beside_vacuum_share");
    if (isnan(sampled_s))
        return NULL;
    const char *text =
        rh_view_printf(view, "Extrapolated from the sample, the batches take %s; %s full page images %s %s",
                       rh_view_seconds(view, sampled_s), images_s < 0 ? "fewer" : "more",
                       images_s < 0 ? "save" : "add", rh_view_seconds(view, fabs(images_s)));
    if (checkpoints > 0)
        text = rh_view_printf(view, "%s (%.0f checkpoint%s)", text, checkpoints, checkpoints == 1 ? "" : "s");
    if (vacuums > 0)
        return rh_view_printf(view, "%s; %.0f vacuum%s during %s of the time add%s %s%s.", text, vacuums,
                              vacuums == 1 ? "" : "s", rh_view_percent(view, share), vacuums == 1 ? "s" : "",
                              rh_view_seconds(view, fmax(vacuum_s, 0)),
                              rh_json_bool(rh_json_get(parts, "vacuum_behind"))
                                  ? ": vacuum does not keep up, more rows die meanwhile than it removes"
                                  : "");
    return rh_view_printf(view, "%s; no vacuum runs during it.", text);
}

/* Which model the duration is from, and why. */
static const char *model_of(const rh_view *view, const rh_view_backfill *b)
{
    static const struct {
        const char *key, *name;
    } MODELS[] = {{"states", "the sample with page images and vacuums (model states)"},
                  {"exponential_mean", "the exponential mean of the last batches"},
                  {"mix", "the geometric mean of both"}};
    const rh_json *errors = rh_json_get(b->record, "model_errors");
    const char *model = rh_view_string(b->record, "model"), *text = "";
    for (size_t i = 0; model && i < sizeof MODELS / sizeof *MODELS; i++)
        if (strcmp(MODELS[i].key, model) == 0)
            text = rh_view_printf(view, "The duration is predicted by %s", MODELS[i].name);
    if (!rh_json_bool(rh_json_get(b->record, "model_chosen")))
        return rh_view_printf(view, "%s: there are too few stretches to prefer another model.", text);
    return rh_view_printf(
        view, "%s, chosen by the mean errors of these stretches: states %s, exponential mean %s, both %s.",
        text, rh_view_percent(view, expm1(rh_view_real(errors, "states"))),
        rh_view_percent(view, expm1(rh_view_real(errors, "exponential_mean"))),
        rh_view_percent(view, expm1(rh_view_real(errors, "mix"))));
}

const char *rh_view_backfill_tested(const rh_view *view, const rh_view_backfill *b)
{
    const rh_json *errors = rh_json_get(b->record, "errors"),
                  *stretches = rh_json_get(b->record, "stretches");
    const size_t count = rh_json_count(stretches);
    if (rh_json_count(errors) == 0)
        return NULL;
    const rh_json *ours = rh_json_at(errors, 0);
    const char *text = rh_view_printf(
        view,
        "Of %zu stretch%s of consecutive batches, each predicted before it ran, the median error was %s (worst %s)",
        count, count == 1 ? "" : "es", rh_view_percent(view, rh_view_real(ours, "median_abs_error")),
        rh_view_percent(view, rh_view_real(ours, "worst_abs_error")));
    for (size_t i = 1; i < rh_json_count(errors); i++) {
        const rh_json *other = rh_json_at(errors, i);
        const char *name = rh_view_string(other, "name");
        text = rh_view_printf(view, "%s%s%s %s", text,
                              i == 1 ? "; other estimates from the same batches: " : ", ", name ? name : "?",
                              rh_view_percent(view, rh_view_real(other, "median_abs_error")));
    }
    return rh_view_printf(
        view, "%s. %s%s", text, model_of(view, b),
        rh_json_bool(rh_json_get(b->record, "enough_stretches"))
            ? ""
            : " They are too few for the level: the interval is as wide as the largest error.");
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

/* "the standby at most 2 s behind; "; empty if the chosen setting was not run with a standby. */
static const char *lag_of(const rh_view *view, const rh_view_backfill *b)
{
    const rh_json *lag = rh_json_get(b->chosen->record, "replica_lag_s");
    const double median = rh_view_real(lag, "median"), high = rh_view_real(lag, "high");
    if (isnan(median))
        return "";
    return high > median
               ? rh_view_printf(view, "replication lag at most %s (upper end %s); ",
                                rh_view_seconds(view, median), rh_view_seconds(view, high))
               : rh_view_printf(view, "replication lag at most %s; ", rh_view_seconds(view, median));
}

const char *rh_view_backfill_headline(const rh_view *view, const rh_view_backfill *b)
{
    const char *why = rh_view_string(b->record, "why_not");
    const char *proof = rh_view_proof_words(b);
    if (!b->measured)
        return rh_view_printf(view, "Backfill %s of %s: not measured: %s%s%s", b->name, b->table,
                              why ? why : "no reason was recorded", proof ? "; it " : "", proof ? proof : "");
    const char *rows = rh_view_count_or(view, rh_json_int(rh_json_get(b->record, "rows")), "?");
    if (!b->chosen)
        return rh_view_printf(view, "Backfill %s of %s, %s rows: no setting was run%s%s.", b->name, b->table,
                              rows, proof ? "; it " : "", proof ? proof : "");
    const double wal = rh_view_real(b->chosen->record, "wal_bytes");
    const char *wal_text = isnan(wal)
                               ? "WAL not measured"
                               : rh_view_printf(view, "%s of WAL", rh_view_bytes_or(view, llround(wal), "?"));
    return rh_view_printf(view, "Backfill %s of %s, %s rows: %s%s: %s; %s%s; %s%s%s%s%s.", b->name, b->table,
                          rows, b->chosen->recommended ? "" : "no setting holds every gate; the nearest, ",
                          b->chosen->name, duration_of(view, b), finish_of(view, b), load_of(view, b),
                          lag_of(view, b), wal_text, disk_of(view, b), proof ? "; " : "", proof ? proof : "");
}
