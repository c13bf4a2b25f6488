/* Sentences that every page has: verdict, prediction, back-test, failure. */
#include "pgrehearse/base/text.h"
#include "view.h"
#include <math.h>
#include <string.h>

const char *rh_view_verdict_word(const rh_view *view)
{
    static const struct {
        const char *name, *word;
    } words[] = {{"pass", "PASS"},
                 {"fail", "FAIL"},
                 {"inconclusive", "INCONCLUSIVE"},
                 {"error", "ERROR"},
                 {"refused", "REFUSED"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (rh_view_is(view->report, "verdict", words[i].name))
            return words[i].word;
    return "UNKNOWN";
}

const rh_json *rh_view_first_failure(const rh_view *view, const char **what)
{
    const rh_json *failure = rh_json_get(view->report, "failure");
    const char *stage = rh_view_string(view->report, "failed_stage");
    *what = stage ? stage : "the rehearsal";
    for (size_t i = 0; !failure && i < view->migration_count; i++) {
        const rh_view_migration *m = &view->migrations[i];
        failure = rh_json_get(m->record, "error");
        const char *pass = rh_view_string(m->record, "failed_pass");
        *what = rh_view_printf(view, "migration %s%s%s", m->id, pass ? ", " : "", pass ? pass : "");
    }
    for (size_t i = 0; !failure && i < view->migration_count; i++) {
        failure = rh_json_path(view->migrations[i].record, "rollback.error");
        *what = rh_view_printf(view, "rollback of migration %s", view->migrations[i].id);
    }
    return failure;
}

const char *rh_view_failure(const rh_view *view, const rh_json *failure)
{
    const char *file = rh_view_string(failure, "file"), *message = rh_view_string(failure, "message");
    int64_t line = rh_json_int(rh_json_get(failure, "line")),
            column = rh_json_int(rh_json_get(failure, "column"));
    message = message ? message : "no message";
    if (!file)
        return message;
    if (line < 0)
        return rh_view_printf(view, "%s: %s", file, message);
    if (column < 0)
        return rh_view_printf(view, "%s:%lld: %s", file, (long long)line, message);
    return rh_view_printf(view, "%s:%lld:%lld: %s", file, (long long)line, (long long)column, message);
}

static const rh_json *failed_gate(const rh_view *view, const char *name)
{
    const rh_json *gates = rh_json_get(view->report, "gates");
    for (size_t i = 0; i < rh_json_count(gates); i++) {
        const rh_json *gate = rh_json_at(gates, i);
        if (rh_view_is(gate, "outcome", "failed") && rh_view_is(gate, "name", name))
            return gate;
    }
    return NULL;
}

/* What a failed gate means for the release, the most serious first. */
static const char *gates_sentence(const rh_view *view)
{
    static const struct {
        const char *name, *format;
    } sentences[] = {
        {"reads_blocked", "Would block reads for %s: do not run as is"},
        {"writes_blocked", "Would block writes for %s: do not run as is"},
        {"load_errors", "Would make %s transactions fail: do not run as is"},
        {"response_p99_ratio", "Would make responses %s times slower (99th percentile): do not run as is"},
        {"predicted_duration", "Would take %s, longer than allowed: do not run as is"},
        {"backup_checksum", "Rehearsed on a backup without a checksum of all its bytes"},
    };
    for (size_t i = 0; i < sizeof sentences / sizeof *sentences; i++) {
        const rh_json *gate = failed_gate(view, sentences[i].name);
        if (!gate)
            continue;
        const char *measured = rh_view_gate_measured(view, gate), *marker = strstr(sentences[i].format, "%s");
        if (!marker)
            return sentences[i].format;
        return rh_view_printf(view, "%.*s%s%s", (int)(marker - sentences[i].format), sentences[i].format,
                              measured, marker + 2);
    }
    return NULL;
}

/* Names the first migration whose rollback fails. */
static const char *rollback_sentence(const rh_view *view)
{
    const rh_view_migration *first = NULL;
    size_t failed = 0;
    for (size_t i = 0; i < view->migration_count; i++) {
        if (!rh_json_path(view->migrations[i].record, "rollback.error"))
            continue;
        first = first ? first : &view->migrations[i];
        failed++;
    }
    if (!first)
        return NULL;
    if (failed > 1)
        return rh_view_printf(view, "The rollback of %s and %zu more failed: it cannot be rolled back",
                              first->title, failed - 1);
    return rh_view_printf(view, "The rollback of %s failed: it cannot be rolled back", first->title);
}

static const char *fail_sentence(const rh_view *view)
{
    for (size_t i = 0; i < view->migration_count; i++)
        if (strcmp(view->migrations[i].outcome, "failed") == 0)
            return rh_view_printf(view, "Migration %s failed: do not run", view->migrations[i].title);
    const char *no_way_back = rollback_sentence(view);
    if (no_way_back)
        return no_way_back;
    if (rh_view_is(view->report, "verify_outcome", "failed"))
        return "The migrations ran, but the checks after them failed: do not run as is";
    const char *sentence = gates_sentence(view);
    return sentence ? sentence : "Do not run as is";
}

const char *rh_view_verdict(const rh_view *view)
{
    const rh_json *report = view->report;
    const char *reason = rh_view_string(report, "reason");
    if (rh_view_is(report, "verdict", "fail"))
        return fail_sentence(view);
    if (rh_view_is(report, "verdict", "refused"))
        return "Refused by the safety guard: nothing was run";
    if (rh_view_is(report, "verdict", "error") && rh_json_int(rh_json_get(report, "exit_code")) == 130)
        return "Interrupted: no result for the migrations";
    if (rh_view_is(report, "verdict", "error"))
        return "The rehearsal itself failed: no result for the migrations";
    if (rh_view_is(report, "verdict", "inconclusive"))
        return "Inconclusive: something that the verdict needs was not measured";
    if (!rh_view_is(report, "verdict", "pass"))
        return reason ? reason : "No verdict";
    if (view->migration_count == 0)
        return "The backup restores; there was no migration to rehearse";
    if (rh_json_count(rh_json_get(report, "gates")) == 0)
        return "Every migration ran; the scenario sets no gates";
    return "Every gate held in this rehearsal";
}

/* Names the first migration that failed; NULL: none. */
static const char *failed_migration(const rh_view *view)
{
    for (size_t i = 0; i < view->migration_count; i++)
        if (strcmp(view->migrations[i].outcome, "failed") == 0)
            return rh_view_printf(view, "migration %s", view->migrations[i].id);
    return NULL;
}

/* "for up to 2.1 s": what a lock of the set keeps others waiting on production, by the forecast from its own
 * transactions where there is one, else by what was measured under load. *MEASURED: false when neither is. */
static const char *stretch(const rh_view *view, const char *figure, bool *measured)
{
    const rh_json *locks = rh_json_path(view->report, "production.locks");
    double expected_s = rh_view_real(locks, rh_view_printf(view, "%s_s", figure));
    double high_s = rh_view_real(locks, rh_view_printf(view, "%s_high_s", figure));
    double held_s =
        rh_view_real(rh_json_get(view->report, "prediction"), rh_view_printf(view, "%s_s", figure));
    *measured = true;
    if (!isnan(expected_s) && !isnan(high_s) && high_s > 0)
        return rh_view_printf(view, "for %s (at most %s)", rh_view_seconds(view, expected_s),
                              rh_view_seconds(view, high_s));
    double longest_s = isnan(expected_s) ? held_s : expected_s;
    *measured = !isnan(longest_s);
    return longest_s > 0 ? rh_view_printf(view, "for up to %s", rh_view_seconds(view, longest_s)) : NULL;
}

/* ", blocking reads for up to 2.1 s and writes for up to 2.8 s" */
static const char *blocking(const rh_view *view)
{
    bool reads_known, writes_known;
    const char *reads = stretch(view, "reads_blocked", &reads_known);
    const char *writes = stretch(view, "writes_blocked", &writes_known);
    if (!reads_known || !writes_known)
        return "; which sessions they block was not measured";
    if (!reads && !writes)
        return ", blocking neither reads nor writes";
    if (reads && writes && strcmp(reads, writes) == 0)
        return rh_view_printf(view, ", blocking reads and writes %s at a stretch", reads);
    if (reads && writes)
        return rh_view_printf(view, ", blocking reads %s and writes %s at a stretch", reads, writes);
    return rh_view_printf(view, ", blocking %s %s at a stretch", reads ? "reads" : "writes",
                          reads ? reads : writes);
}

/* FIGURE: the prediction P of the whole, or its figure under load. */
static const char *interval(const rh_view *view, const rh_json *p, const rh_json *figure)
{
    double low = rh_view_real(figure, "low_s"), high = rh_view_real(figure, "high_s");
    if (!isnan(low) && !isnan(high))
        return rh_view_printf(view, "%s interval: %s to %s", rh_view_percent(view, rh_view_real(p, "level")),
                              rh_view_seconds(view, low), rh_view_seconds(view, high));
    int runs = 0;
    for (size_t i = 0; i < view->migration_count; i++)
        runs = runs < view->migrations[i].quiet_runs ? view->migrations[i].quiet_runs : runs;
    return rh_view_printf(view,
                          "not enough evidence for an interval: %d quiet run%s, a larger repeat gives one",
                          runs, runs == 1 ? "" : "s");
}

/* "9.8 s under load (90 % interval: …), 4.7 s alone"; without a load "4.7 s (…)". */
static const char *durations(const rh_view *view, const rh_json *p)
{
    const rh_json *loaded = rh_json_get(p, "under_load");
    const char *alone = rh_view_seconds(view, rh_view_real(p, "median_s"));
    if (!loaded)
        return rh_view_printf(view, "%s (%s)", alone, interval(view, p, p));
    return rh_view_printf(view, "%s under load (%s), %s alone",
                          rh_view_seconds(view, rh_view_real(loaded, "median_s")), interval(view, p, loaded),
                          alone);
}

const char *rh_view_prediction(const rh_view *view)
{
    const rh_json *p = rh_json_get(view->report, "prediction");
    double median = rh_view_real(p, "median_s");
    if (isnan(median)) {
        const char *failed = failed_migration(view);
        return failed ? rh_view_printf(
                            view, "No prediction for the whole: %s failed, and nothing after it ran.", failed)
                      : "No prediction: nothing to predict from was measured.";
    }
    const char *where = rh_json_bool(rh_json_get(p, "translated"))
                            ? "On production"
                            : "On a machine like staging (hardware not translated)";
    size_t all = view->migration_count, ran = 0;
    for (size_t i = 0; i < all; i++)
        ran += strcmp(view->migrations[i].outcome, "not_run") != 0;
    const char *what = all == 1    ? "the pending migration"
                       : ran < all ? rh_view_printf(view, "%zu of the %zu pending migrations", ran, all)
                                   : rh_view_printf(view, "the %zu pending migrations", all);
    return rh_view_printf(view, "%s %s would take %s%s.", where, what, durations(view, p), blocking(view));
}

const char *rh_view_cold(const rh_view *view)
{
    const rh_json *p = rh_json_get(view->report, "prediction");
    const char *basis = rh_view_string(p, "cold_basis");
    double cold = rh_view_real(p, "cold_s"), median = rh_view_real(p, "median_s");
    if (!basis || isnan(median) || !rh_json_path(view->report, "production.profile"))
        return NULL;
    if (isnan(cold))
        return rh_view_printf(view, "How long it takes with cold caches is not known (%s).", basis);
    return rh_view_printf(view, "With cold caches on production, it would take %s (%s).",
                          rh_view_seconds(view, cold), basis);
}

const char *rh_view_backtest(const rh_view *view)
{
    const rh_json *backtest = rh_json_path(view->report, "prediction.backtest");
    size_t rows = rh_json_count(rh_json_get(backtest, "rows"));
    double error = rh_view_real(backtest, "median_abs_error"), bias = rh_view_real(backtest, "bias");
    double coverage = rh_view_real(backtest, "coverage");
    if (rows == 0)
        return "Back-test: no prediction was written before a run, so none could be scored.";
    if (isnan(error) && failed_migration(view))
        return rh_view_printf(view, "Back-test: not scored, because %s failed.", failed_migration(view));
    if (isnan(error))
        return rh_view_printf(view,
                              rows == 1 ? "Back-test: 1 prediction is too few to score."
                                        : "Back-test: %zu predictions are too few to score.",
                              rows);
    const rh_json *baselines = rh_json_get(backtest, "baselines");
    const char *best = NULL;
    double best_error = INFINITY;
    for (size_t i = 0; i < rh_json_count(baselines); i++) {
        double e = rh_view_real(rh_json_at(baselines, i), "median_abs_error");
        if (e < best_error) {
            best_error = e;
            best = rh_view_string(rh_json_at(baselines, i), "name");
        }
    }
    const int64_t within = rh_json_int(rh_json_get(backtest, "within_interval")),
                  all = rh_json_int(rh_json_get(backtest, "with_interval"));
    const char *text =
        rh_view_printf(view, "Back-test: %zu statements predicted before they ran were off by %s (median)",
                       rows, rh_view_percent(view, error));
    if (rh_view_string(backtest, "summary")) {
        text = rh_view_printf(
            view, "Back-test: on this database, such predictions were off by %.0f %% in the median; ",
            100 * error);
        text = all > 0 ? rh_view_printf(view, "%s%lld of %lld fell in their interval", text,
                                        (long long)within, (long long)all)
                       : rh_view_printf(view, "%sthere was not enough evidence to give them intervals", text);
        bias = coverage = NAN; /* included */
    }
    if (!isnan(bias) && fabs(bias) >= 0.005)
        text = rh_view_printf(view, "%s, on average %s too %s", text, rh_view_percent(view, fabs(bias)),
                              bias > 0 ? "long" : "short");
    if (best)
        text = rh_view_printf(view, "%s; the best naive baseline (%s) by %s", text, best,
                              rh_view_percent(view, best_error));
    if (!isnan(coverage))
        text =
            rh_view_printf(view, "%s; %s fell inside their interval", text, rh_view_percent(view, coverage));
    return rh_view_printf(view, "%s.", text);
}
