/* report.md: fits a comment on a merge request; GitHub's and GitLab's Markdown. */
#include "pgrehearse/report/report.h"
#include "report/view/backfill.h"
#include "report/view/view.h"
#include <string.h>

enum { MIGRATIONS_MAX = 10, LIST_MAX = 5, ROWS_MAX = 3, TEXT_MAX = 200, SENTENCE_MAX = 500 };

typedef struct page {
    rh_view view;
    rh_text *out;
} page;

/* One line with every special character escaped, also within a table. */
static const char *plain_within(const page *p, const char *text, size_t width)
{
    rh_text escaped = {0};
    for (const char *c = rh_view_line(&p->view, text, width); *c; c++) {
        if (strchr("&<>|`*[]\\@~", *c))
            rh_text_printf(&escaped, "&#%d;", *c);
        else
            rh_text_append_char(&escaped, *c);
    }
    const char *result = rh_arena_strdup(p->view.arena, rh_text_string(&escaped));
    rh_text_release(&escaped);
    return result;
}

static const char *plain(const page *p, const char *text)
{
    return plain_within(p, text, TEXT_MAX);
}

static void cells(const page *p, size_t count, const char *const *texts)
{
    for (size_t i = 0; i < count; i++)
        rh_text_printf(p->out, "| %s ", texts[i]);
    rh_text_append(p->out, "|\n");
}

static void head(const page *p)
{
    const rh_json *report = p->view.report;
    const char *name = rh_json_string(rh_json_path(report, "scenario.name"));
    rh_text_printf(p->out, "## %s: %s\n\n**%s**", plain(p, name ? name : "rehearsal"),
                   rh_view_verdict_word(&p->view), plain(p, rh_view_verdict(&p->view)));
    const char *reason = rh_view_string(report, "reason");
    if (reason)
        rh_text_printf(p->out, " (%s)", plain(p, reason));
    rh_text_append(p->out, "\n\n");
    if (rh_json_get(report, "prediction"))
        rh_text_printf(p->out, "%s\n\n", plain_within(p, rh_view_prediction(&p->view), SENTENCE_MAX));
    if (rh_view_cold(&p->view))
        rh_text_printf(p->out, "%s\n\n", plain_within(p, rh_view_cold(&p->view), SENTENCE_MAX));
    const char *what;
    const rh_json *failure = rh_view_first_failure(&p->view, &what);
    if (!failure)
        return;
    rh_text_printf(p->out, "%s: %s", plain(p, what),
                   plain_within(p, rh_view_failure(&p->view, failure), SENTENCE_MAX));
    const char *hint = rh_view_string(failure, "hint");
    if (hint)
        rh_text_printf(p->out, " *What to do:* %s", plain(p, hint));
    rh_text_append(p->out, "\n\n");
    if (rh_view_after_failure(&p->view))
        rh_text_printf(p->out, "%s\n\n", plain_within(p, rh_view_after_failure(&p->view), SENTENCE_MAX));
}

static void gates(const page *p)
{
    const rh_json *list = rh_json_get(p->view.report, "gates");
    if (rh_json_count(list) == 0)
        return;
    rh_text_append(p->out,
                   "| gate | limit | measured | outcome | what |\n| --- | ---: | ---: | --- | --- |\n");
    for (size_t i = 0; i < rh_json_count(list); i++) {
        const rh_json *gate = rh_json_at(list, i);
        const char *outcome = rh_view_is(gate, "outcome", "held")     ? "held"
                              : rh_view_is(gate, "outcome", "failed") ? "**failed**"
                                                                      : "not measured";
        cells(p, 5,
              (const char *[]){
                  plain(p, rh_view_string(gate, "name")), plain(p, rh_view_string(gate, "limit_text")),
                  rh_view_gate_measured(&p->view, gate), outcome, plain(p, rh_view_string(gate, "detail"))});
    }
    rh_text_append(p->out, "\n");
}

static const char *migration_outcome(const rh_view_migration *m)
{
    if (strcmp(m->outcome, "failed") == 0)
        return "**failed**";
    if (strcmp(m->outcome, "ok") != 0)
        return "not run";
    return m->failed ? "ok, **rollback failed**" : "ok";
}

static void migrations(const page *p)
{
    const rh_view *view = &p->view;
    if (view->migration_count == 0)
        return;
    rh_text_append(p->out, "| migration | outcome | time alone | strongest lock | reads blocked | writes "
                           "blocked | longest wait |\n"
                           "| --- | --- | ---: | --- | ---: | ---: | ---: |\n");
    bool all = view->migration_count <= MIGRATIONS_MAX;
    for (size_t i = 0; i < view->migration_count && i < MIGRATIONS_MAX; i++) {
        const rh_view_migration *m = all ? &view->migrations[i] : view->by_blocked_time[i];
        const char *range, *time = rh_view_time(view, m, &range);
        const char *lock = m->lock_mode ? rh_view_printf(view, "%s on %s%s", rh_view_mode(m->lock_mode),
                                                         m->lock_relation ? m->lock_relation : "?",
                                                         m->lock_inferred ? " (inferred)" : "")
                                        : "–";
        cells(p, 7,
              (const char *[]){plain(p, m->title), migration_outcome(m),
                               range ? rh_view_printf(view, "%s (%s)", time, range) : time, plain(p, lock),
                               rh_view_seconds_or(view, m->reads_blocked_s, "–"),
                               rh_view_seconds_or(view, m->writes_blocked_s, "–"),
                               rh_view_longest_wait(view, m)});
    }
    if (!all)
        rh_text_printf(p->out, "\n%zu more migrations with equal or less blocking.\n",
                       view->migration_count - MIGRATIONS_MAX);
    rh_text_append(p->out, "\n");
}

static void proof(const page *p, const rh_view_backfill *b)
{
    if (b->claim_count == 0) {
        rh_text_printf(p->out, "Proof: %s.\n\n",
                       plain_within(p, rh_view_backfill_proof(&p->view, b), SENTENCE_MAX));
        return;
    }
    rh_text_append(p->out, "| Claim of the proof | Outcome | |\n| --- | --- | --- |\n");
    for (size_t i = 0; i < b->claim_count; i++)
        rh_text_printf(p->out, "| %s | %s | %s |\n", b->claims[i].claim, b->claims[i].outcome,
                       plain_within(p, b->claims[i].why, SENTENCE_MAX));
    rh_text_append(p->out, "\n");
}

/* The recommended setting as tools have it. */
static void paste(const page *p, const rh_view_backfill *b)
{
    rh_view_paste *list;
    const size_t count = rh_view_backfill_paste(&p->view, b, &list);
    if (count == 0)
        return;
    rh_text_append(p->out, "| Tool | Recommended setting to paste |\n| --- | --- |\n");
    for (size_t i = 0; i < count; i++)
        rh_text_printf(p->out, "| %s | %s |\n", plain(p, list[i].tool),
                       plain_within(p, list[i].text, SENTENCE_MAX));
    rh_text_append(p->out, "\n");
}

static void backfills(const page *p)
{
    const rh_view *view = &p->view;
    rh_view_backfill *list;
    const size_t count = rh_view_backfills(view, &list);
    for (size_t i = 0; i < count && i < LIST_MAX; i++) {
        const char *gates = rh_view_backfill_gates(view, &list[i]);
        rh_text_printf(p->out, "%s\n", plain_within(p, list[i].headline, SENTENCE_MAX));
        if (list[i].one_statement)
            rh_text_printf(p->out, "- %s\n", plain_within(p, list[i].one_statement, SENTENCE_MAX));
        if (list[i].tested)
            rh_text_printf(p->out, "- %s\n", plain_within(p, list[i].tested, SENTENCE_MAX));
        if (gates)
            rh_text_printf(p->out, "- Gates: %s\n", plain_within(p, gates, SENTENCE_MAX));
        if (list[i].advice)
            rh_text_printf(p->out, "- %s%s\n",
                           list[i].chosen && list[i].chosen->recommended ? "Recommended: " : "",
                           plain_within(p, list[i].advice, SENTENCE_MAX));
        rh_text_append(p->out, "\n");
        proof(p, &list[i]);
        paste(p, &list[i]);
    }
    if (count > LIST_MAX)
        rh_text_printf(p->out, "%zu more backfills in report.html\n\n", count - LIST_MAX);
}

static void hazards(const page *p)
{
    size_t shown = 0, found = 0;
    for (size_t i = 0; i < p->view.migration_count; i++) {
        const rh_view_migration *m = p->view.by_blocked_time[i];
        const rh_json *statements = rh_json_get(m->record, "statements");
        for (size_t s = 0; s < rh_json_count(statements); s++) {
            const rh_json *list = rh_json_get(rh_json_at(statements, s), "hazards");
            for (size_t h = 0; h < rh_json_count(list); h++, found++) {
                const rh_json *hazard = rh_json_at(list, h);
                if (rh_view_is(hazard, "state", "refuted") || rh_view_is(hazard, "state", "silenced")) {
                    found--; /* counted by the loop */
                    continue;
                }
                const char *safer = rh_view_string(hazard, "safer");
                if (shown == LIST_MAX)
                    continue;
                shown++;
                int64_t line = rh_json_int(rh_json_get(rh_json_at(statements, s), "line"));
                rh_text_printf(p->out, "- %s %s %lld: %s%s%s\n", plain(p, m->id),
                               line > 0 ? "line" : "statement", line > 0 ? (long long)line : (long long)s + 1,
                               plain(p, rh_view_string(hazard, "message")), safer ? " Safer: " : "",
                               plain(p, safer));
            }
        }
    }
    if (found > shown)
        rh_text_printf(p->out, "- %zu more in report.html\n", found - shown);
    if (found)
        rh_text_append(p->out, "\n");
}

/* "a → b" of two figures in ms. */
static const char *change(const page *p, double before_ms, double during_ms)
{
    return rh_view_printf(&p->view, "%s → %s", rh_view_seconds_or(&p->view, before_ms / 1e3, "–"),
                          rh_view_seconds_or(&p->view, during_ms / 1e3, "–"));
}

static void waiters(const page *p)
{
    rh_view_waiter *list;
    size_t count = rh_view_waiters(&p->view, &list);
    if (count == 0)
        return;
    rh_text_append(
        p->out,
        "| session | p99 before → during | longest stall | lock waits | errors | root blocker |\n| --- | "
        "---: | ---: | ---: | ---: | --- |\n");
    for (size_t i = 0; i < count && i < ROWS_MAX; i++)
        cells(p, 6,
              (const char *[]){plain_within(p, list[i].who, 60),
                               change(p, list[i].p99_before_ms, list[i].p99_during_ms),
                               rh_view_seconds_or(&p->view, list[i].longest_stall_ms / 1e3, "–"),
                               rh_view_count_or(&p->view, list[i].waits, "–"),
                               rh_view_count_or(&p->view, list[i].errors, "–"),
                               plain_within(p, list[i].behind ? list[i].behind : "no lock", 60)});
    if (count > ROWS_MAX)
        rh_text_printf(p->out, "\n%zu more sessions in report.html\n", count - ROWS_MAX);
    rh_text_append(p->out, "\n");
}

static void incompatibilities(const page *p)
{
    const rh_json *list = rh_json_path(p->view.report, "compatibility.incompatibilities");
    for (size_t i = 0; i < rh_json_count(list) && i < ROWS_MAX; i++) {
        const rh_json *row = rh_json_at(list, i);
        const char *broken = rh_view_string(row, "broken_by");
        rh_text_printf(p->out, "- %s release, %s: fails %s%s: %s\n",
                       rh_view_is(row, "application", "next") ? "next" : "running",
                       plain_within(p, rh_view_string(row, "template"), 60),
                       broken ? "after " : "before the first migration",
                       broken ? plain_within(p, broken, 60) : "",
                       plain_within(p, rh_view_string(row, "message"), 120));
    }
    if (rh_json_count(list) > ROWS_MAX)
        rh_text_printf(p->out, "- %zu more in report.html\n", rh_json_count(list) - ROWS_MAX);
    rh_text_append(p->out, rh_json_count(list) ? "\n" : "");
}

/* What was found out under load, a sentence each. */
static void advice(const page *p)
{
    const rh_view *view = &p->view;
    if (rh_view_contention(view))
        rh_text_printf(p->out, "%s\n\n", plain_within(p, rh_view_contention(view), SENTENCE_MAX));
    waiters(p);
    if (rh_view_disturbers(view))
        rh_text_printf(p->out, "%s\n\n", plain_within(p, rh_view_disturbers(view), SENTENCE_MAX));
    if (rh_view_lock_policy(view))
        rh_text_printf(p->out, "%s\n\n", plain_within(p, rh_view_lock_policy(view), SENTENCE_MAX));
    if (rh_view_compatibility(view))
        rh_text_printf(p->out, "%s\n\n", plain_within(p, rh_view_compatibility(view), SENTENCE_MAX));
    incompatibilities(p);
    if (rh_view_runners(view))
        rh_text_printf(p->out, "%s\n\n", plain_within(p, rh_view_runners(view), SENTENCE_MAX));
}

static void rollback_losses(const page *p)
{
    size_t shown = 0;
    for (size_t i = 0; i < p->view.migration_count && shown < LIST_MAX; i++) {
        const rh_view_migration *m = &p->view.migrations[i];
        const rh_json *rollback = rh_json_get(m->record, "rollback");
        if (rh_view_rollback_works(rollback))
            continue;
        rh_text_printf(p->out, "- %s is %s: %s\n", plain(p, m->id), rh_view_reversibility(rollback),
                       plain(p, rh_view_string(rollback, "reason")));
        shown++;
    }
    if (shown)
        rh_text_append(p->out, "\n");
}

static void details(const page *p)
{
    const rh_view *view = &p->view;
    const rh_json *report = view->report;
    rh_text_append(
        p->out,
        "<details><summary>Back-test, lock waits, hazards, rollback, what was not measured</summary>\n\n");
    rh_text_printf(p->out, "%s\n\n", plain_within(p, rh_view_backtest(view), SENTENCE_MAX));
    advice(p);
    hazards(p);
    rh_text_printf(p->out, "%s\n\n", plain(p, rh_view_rollback(view)));
    rollback_losses(p);
    if (rh_view_interruptions(view))
        rh_text_printf(p->out, "%s\n\n", plain(p, rh_view_interruptions(view)));
    if (rh_view_isolation(view))
        rh_text_printf(p->out, "Isolation: %s\n\n", plain_within(p, rh_view_isolation(view), SENTENCE_MAX));
    if (rh_view_roles(view))
        rh_text_printf(p->out, "Roles: %s\n\n", plain(p, rh_view_roles(view)));
    const rh_json *list = rh_json_get(report, "not_measured");
    for (size_t i = 0; i < rh_json_count(list) && i < LIST_MAX; i++)
        rh_text_printf(p->out, "- not measured: %s\n", plain(p, rh_view_string(rh_json_at(list, i), "text")));
    if (rh_json_count(list) > LIST_MAX)
        rh_text_printf(p->out, "- not measured: %zu more\n", rh_json_count(list) - LIST_MAX);
    const char *server = rh_json_string(rh_json_path(report, "staging.server_version"));
    const char *backup = rh_json_string(rh_json_path(report, "backup.path"));
    const char *sha = rh_json_string(rh_json_path(report, "backup.sha256"));
    const char *vouched = rh_json_string(rh_json_path(report, "backup.integrity_checked_by"));
    rh_text_printf(p->out, "\nPostgreSQL %s; backup %s%s%.12s%s%s; run %s; pgrehearse %s.\n\n</details>\n",
                   plain(p, server ? server : "never started"),
                   plain(p, backup ? rh_view_basename(backup) : "not read"), sha ? ", sha256 " : "",
                   sha ? sha : "", vouched ? ", its bytes checked by " : "", vouched ? plain(p, vouched) : "",
                   plain(p, rh_view_string(report, "run_id")),
                   plain(p, rh_view_string(report, "tool_version")));
}

bool rh_report_markdown(const rh_json *report, rh_text *markdown, rh_error *error)
{
    if (!rh_json_is_object(report))
        return rh_error_set(error, RH_ERROR_INTERNAL, "no record to render");
    page p = {.out = markdown};
    rh_view_init(&p.view, report);
    head(&p);
    gates(&p);
    migrations(&p);
    backfills(&p);
    details(&p);
    rh_view_release(&p.view);
    return true;
}
