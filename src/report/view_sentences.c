/* The sentences that stand on every page: verdict, prediction, back-test, failure. */
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

/* What a failed gate means to whoever runs the migrations, the gravest first. */
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
    };
    for (size_t i = 0; i < sizeof sentences / sizeof *sentences; i++) {
        const rh_json *gate = failed_gate(view, sentences[i].name);
        if (!gate)
            continue;
        const char *measured = rh_view_gate_measured(view, gate), *marker = strstr(sentences[i].format, "%s");
        return rh_view_printf(view, "%.*s%s%s", (int)(marker - sentences[i].format), sentences[i].format,
                              measured, marker + 2);
    }
    return NULL;
}

/* Names the first whose way back fails. */
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
        return rh_view_printf(view, "The rollback of %s and %zu more failed: there is no way back",
                              first->title, failed - 1);
    return rh_view_printf(view, "The rollback of %s failed: there is no way back", first->title);
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
        return "Interrupted: nothing can be said about the migrations";
    if (rh_view_is(report, "verdict", "error"))
        return "The rehearsal itself failed: nothing can be said about the migrations";
    if (rh_view_is(report, "verdict", "inconclusive"))
        return "Inconclusive: something that the verdict needs was not measured";
    if (!rh_view_is(report, "verdict", "pass"))
        return reason ? reason : "No verdict";
    if (view->migration_count == 0)
        return "The backup restores; there was no migration to rehearse";
    if (rh_json_count(rh_json_get(report, "gates")) == 0)
        return "Every migration ran; no gate was set to hold them against";
    return "Every gate held in this rehearsal";
}

/* Names the first migration that failed on its way up; NULL: none. */
static const char *failed_migration(const rh_view *view)
{
    for (size_t i = 0; i < view->migration_count; i++)
        if (strcmp(view->migrations[i].outcome, "failed") == 0)
            return rh_view_printf(view, "migration %s", view->migrations[i].id);
    return NULL;
}

const char *rh_view_prediction(const rh_view *view)
{
    const rh_json *p = rh_json_get(view->report, "prediction");
    double median = rh_view_real(p, "median_s"), low = rh_view_real(p, "low_s"),
           high = rh_view_real(p, "high_s");
    double level = rh_view_real(p, "level");
    if (isnan(median)) {
        const char *failed = failed_migration(view);
        return failed ? rh_view_printf(
                            view, "No prediction for the whole: %s failed, and nothing after it ran.", failed)
                      : "No prediction: nothing to predict from was measured.";
    }
    const char *tail = rh_json_bool(rh_json_get(p, "translated"))
                           ? "Hardware translated to production's."
                           : "Hardware not translated: this is for a machine like staging.";
    const char *head =
        view->migration_count == 1
            ? rh_view_printf(view, "The one pending migration: %s", rh_view_seconds(view, median))
            : rh_view_printf(view, "All %zu pending migrations: %s", view->migration_count,
                             rh_view_seconds(view, median));
    if (!isnan(low) && !isnan(high))
        return rh_view_printf(view, "%s (%s interval: %s to %s). %s", head, rh_view_percent(view, level),
                              rh_view_seconds(view, low), rh_view_seconds(view, high), tail);
    int runs = 0;
    for (size_t i = 0; i < view->migration_count; i++)
        runs = runs < view->migrations[i].quiet_runs ? view->migrations[i].quiet_runs : runs;
    return rh_view_printf(
        view, "%s; not enough evidence for an interval (%d quiet run%s; a larger repeat gives one). %s", head,
        runs, runs == 1 ? "" : "s", tail);
}

const char *rh_view_backtest(const rh_view *view)
{
    const rh_json *backtest = rh_json_path(view->report, "prediction.backtest");
    size_t rows = rh_json_count(rh_json_get(backtest, "rows"));
    double error = rh_view_real(backtest, "median_abs_error"), bias = rh_view_real(backtest, "bias");
    double coverage = rh_view_real(backtest, "coverage");
    if (rows == 0)
        return "Back-test: no prediction was written down before a run, so none could be scored.";
    if (isnan(error) && failed_migration(view))
        return rh_view_printf(view, "Back-test: not scored, because %s failed.", failed_migration(view));
    if (isnan(error))
        return rh_view_printf(view, "Back-test: %zu predictions are too few to score.", rows);
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
    const char *text =
        rh_view_printf(view, "Back-test: %zu statements predicted before they ran were off by %s (median)",
                       rows, rh_view_percent(view, error));
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
