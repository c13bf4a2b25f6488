/* The terminal's summary: at most 56 lines of 80 columns. */
#include "pgrehearse/base/text.h"
#include "pgrehearse/report/report.h"
#include "report/view/backfill.h"
#include "report/view/view.h"
#include <math.h>
#include <string.h>

enum { WIDTH = 80, MIGRATIONS_MAX = 8, GATES_MAX = 6, NOT_MEASURED_MAX = 3, BACKFILLS_MAX = 3 };

typedef struct page {
    rh_view view;
    rh_text *out;
    bool color;
} page;

/* TEXT cut to WIDTH columns and, padded, on the left or right of them. */
static const char *cell(const page *p, const char *text, size_t width)
{
    const char *line = rh_view_line(&p->view, text, width);
    return rh_view_printf(&p->view, "%s%*s", line, (int)(width - rh_utf8_length(line)), "");
}

static const char *cell_right(const page *p, const char *text, size_t width)
{
    const char *line = rh_view_line(&p->view, text, width);
    return rh_view_printf(&p->view, "%*s%s", (int)(width - rh_utf8_length(line)), "", line);
}

static const char *paint(const page *p, const char *ansi, const char *text)
{
    return p->color ? rh_view_printf(&p->view, "\033[%sm%s\033[0m", ansi, text) : text;
}

static void line(const page *p, const char *text)
{
    rh_text_printf(p->out, "%s\n", rh_view_line(&p->view, text, WIDTH));
}

/* Bytes of TEXT that fit into WIDTH columns, up to a blank where there is one. */
static size_t fitting(const char *text, size_t width)
{
    size_t columns = 0, at = 0, space = 0;
    uint32_t code;
    if (rh_utf8_length(text) <= width)
        return strlen(text);
    for (size_t length; columns < width && (length = rh_utf8_decode(text + at, &code));
         at += length, columns++)
        if (code == ' ')
            space = at;
    return space ? space : at;
}

/* A sentence over at most LINES lines, the first behind MARGIN blanks. */
static void wrap_behind(const page *p, int margin, const char *text, int lines)
{
    const char *rest = rh_view_line(&p->view, text, 0);
    for (int i = 0; *rest; i++) {
        const int indent = i ? margin + 2 : margin;
        size_t width = WIDTH - (size_t)indent, bytes = fitting(rest, width);
        if (i + 1 == lines) {
            rh_text_printf(p->out, "%*s%s\n", indent, "", rh_view_line(&p->view, rest, width));
            return;
        }
        rh_text_printf(p->out, "%*s%.*s\n", indent, "", (int)bytes, rest);
        rest += bytes + (rest[bytes] == ' ');
    }
}

static void wrap_over(const page *p, const char *text, int lines)
{
    wrap_behind(p, 0, text, lines);
}

static void wrap(const page *p, const char *text)
{
    wrap_over(p, text, 3);
}

static const char *verdict_color(const rh_json *report)
{
    return rh_view_is(report, "verdict", "pass")           ? "1;32"
           : rh_view_is(report, "verdict", "inconclusive") ? "1;33"
                                                           : "1;31";
}

static void head(const page *p)
{
    const rh_json *report = p->view.report;
    const char *word = rh_view_verdict_word(&p->view);
    const char *name = rh_json_string(rh_json_path(report, "scenario.name"));
    name = rh_view_line(&p->view, name ? name : "no scenario", 28);
    size_t used = rh_utf8_length(name) + strlen(word) + 4;
    const char *verdict = rh_view_verdict(&p->view);
    const bool fits = rh_utf8_length(verdict) + used <= WIDTH;
    rh_text_printf(p->out, fits ? "%s  %s  %s\n" : "%s  %s\n", name, paint(p, verdict_color(report), word),
                   verdict);
    if (!fits)
        wrap(p, verdict);
    const char *reason = rh_view_string(report, "reason");
    if (reason)
        wrap(p, reason);
    const char *what;
    const rh_json *failure = rh_view_first_failure(&p->view, &what);
    if (failure) {
        wrap_over(p, rh_view_printf(&p->view, "%s: %s", what, rh_view_failure(&p->view, failure)), 7);
        const char *hint = rh_view_string(failure, "hint");
        if (hint)
            wrap_over(p, rh_view_printf(&p->view, "what to do: %s", hint), 4);
    }
}

/* Behind the outcome, which ends in column USED, or below it. */
static void gate_worst(const page *p, const char *worst, size_t used)
{
    const char *text = worst ? rh_view_line(&p->view, worst, 0) : "";
    if (*text && used + 2 + rh_utf8_length(text) <= WIDTH)
        rh_text_printf(p->out, "  %s", text);
    rh_text_append(p->out, "\n");
    if (*text && used + 2 + rh_utf8_length(text) > WIDTH)
        rh_text_printf(p->out, "  %s\n", rh_view_line(&p->view, text, WIDTH - 2));
}

/* The gates of a backfill are several, and what was measured is a setting: lines of their own. */
static void backfill_gate(const page *p, const rh_json *gate, const char *outcome)
{
    const char *limits = rh_view_string(gate, "limit_text"), *detail = rh_view_string(gate, "detail");
    rh_text_printf(p->out, "%s  %s\n", cell(p, rh_view_string(gate, "name"), 39), outcome);
    wrap_behind(p, 2, rh_view_printf(&p->view, "limits: %s", limits ? limits : "none"), 2);
    wrap_behind(p, 2, rh_view_printf(&p->view, "measured: %s", detail ? detail : "nothing"), 3);
}

static void gates(const page *p)
{
    const rh_json *list = rh_json_get(p->view.report, "gates");
    if (rh_json_count(list) == 0)
        return;
    rh_text_printf(p->out, "\n%s %s %s  %s\n", cell(p, "gate", 18), cell_right(p, "limit", 7),
                   cell_right(p, "measured", 12), "outcome");
    for (size_t i = 0; i < rh_json_count(list) && i < GATES_MAX; i++) {
        const rh_json *gate = rh_json_at(list, i);
        bool failed = rh_view_is(gate, "outcome", "failed"), held = rh_view_is(gate, "outcome", "held");
        const char *outcome = failed ? "FAILED"
                              : held ? "held"
                                     : "not measured",
                   *worst = rh_view_string(gate, "detail");
        const char *painted = paint(p, failed ? "31" : held ? "32" : "33", outcome);
        if (rh_view_backfill_setting(&p->view, gate)) {
            backfill_gate(p, gate, painted);
            continue;
        }
        rh_text_printf(p->out, "%s %s %s  %s", cell(p, rh_view_string(gate, "name"), 18),
                       cell_right(p, rh_view_string(gate, "limit_text"), 7),
                       cell_right(p, rh_view_gate_measured(&p->view, gate), 12), painted);
        gate_worst(p, worst, 42 + rh_utf8_length(outcome));
    }
}

static const char *outcome_word(const rh_view_migration *m)
{
    if (strcmp(m->outcome, "failed") == 0)
        return "FAILED";
    if (strcmp(m->outcome, "ok") != 0)
        return "not run";
    return rh_view_is(rh_json_get(m->record, "rollback"), "outcome", "failed") ? "DOWN FAIL" : "ok";
}

/* In parentheses when it was not observed. */
static const char *short_mode(const page *p, const rh_view_migration *m)
{
    const rh_lock_mode mode = rh_lock_mode_named(m->lock_mode);
    const char *words = rh_lock_mode_short(mode);
    if (!words)
        return "–";
    if (m->lock_inferred && mode == RH_LOCK_SHARE_UPDATE_EXCLUSIVE)
        words = "SHARE UPD. EXCL."; /* the columns are few */
    return m->lock_inferred ? rh_view_printf(&p->view, "(%s)", words) : words;
}

/* The widths of the columns. A migration's name has a line above them. */
enum { OUTCOME = 9, TIME = 22, LOCK = 18, WAIT = 8 };

static void migration_row(const page *p, const rh_view_migration *m)
{
    const char *range, *time = rh_view_time(&p->view, m, &range);
    if (range)
        time = rh_view_printf(&p->view, "%s (%s)", time, range);
    const char *word = cell(p, outcome_word(m), OUTCOME);
    bool failed = strcmp(m->outcome, "failed") == 0 ||
                  rh_view_is(rh_json_get(m->record, "rollback"), "outcome", "failed");
    line(p, m->title);
    rh_text_printf(p->out, "  %s %s %s %s %s %s\n", failed ? paint(p, "31", word) : word, cell(p, time, TIME),
                   cell(p, short_mode(p, m), LOCK),
                   cell_right(p, rh_view_seconds_or(&p->view, m->reads_blocked_s, "–"), WAIT),
                   cell_right(p, rh_view_seconds_or(&p->view, m->writes_blocked_s, "–"), WAIT),
                   cell_right(p, rh_view_longest_wait(&p->view, m), WAIT));
}

static void migrations(const page *p)
{
    const rh_view *view = &p->view;
    if (view->migration_count == 0)
        return;
    rh_text_printf(p->out, "\n%s %s %s\n", cell(p, "migration", 2 + OUTCOME + 1 + TIME + 1 + LOCK),
                   cell_right(p, "blocked for", 2 * WAIT + 1), cell_right(p, "longest", WAIT));
    rh_text_printf(p->out, "  %s %s %s %s %s %s\n", cell(p, "outcome", OUTCOME), cell(p, "time alone", TIME),
                   cell(p, "strongest lock", LOCK), cell_right(p, "reads", WAIT),
                   cell_right(p, "writes", WAIT), cell_right(p, "wait", WAIT));
    bool all = view->migration_count <= MIGRATIONS_MAX;
    for (size_t i = 0; i < view->migration_count && i < MIGRATIONS_MAX; i++)
        migration_row(p, all ? &view->migrations[i] : view->by_blocked_time[i]);
    bool inferred = false;
    for (size_t i = 0; i < view->migration_count; i++)
        inferred |= view->migrations[i].lock_inferred;
    if (inferred)
        line(p, "(a lock in parentheses is inferred from the statement's text, not observed)");
    if (!all)
        line(p, rh_view_printf(view, "… and %zu more with equal or less blocking",
                               view->migration_count - MIGRATIONS_MAX));
}

static void backfills(const page *p)
{
    rh_view_backfill *list;
    const size_t count = rh_view_backfills(&p->view, &list);
    for (size_t i = 0; i < count && i < BACKFILLS_MAX; i++) {
        const char *gates = rh_view_backfill_gates(&p->view, &list[i]),
                   *proof = rh_view_backfill_proof(&p->view, &list[i]);
        wrap_over(p, list[i].headline, 5);
        if (list[i].one_statement)
            wrap_behind(p, 2, list[i].one_statement, 2);
        if (gates)
            wrap_behind(p, 2, rh_view_printf(&p->view, "Gates: %s", gates), proof ? 1 : count > 2 ? 2 : 4);
        else if (list[i].advice) /* else it is in the table of gates */
            wrap_behind(p, 2, list[i].advice, 2);
        if (proof) /* else the first line says it */
            wrap_behind(p, 2, rh_view_printf(&p->view, "Proof: %s", proof), 1);
    }
    if (count > BACKFILLS_MAX)
        line(p, rh_view_printf(&p->view, "%zu more backfills, see the report", count - BACKFILLS_MAX));
}

static void sentences(const page *p)
{
    const rh_view *view = &p->view;
    rh_text_append(p->out, "\n");
    backfills(p);
    if (rh_json_get(view->report, "prediction")) {
        wrap_over(p, rh_view_prediction(view), 4);
        if (rh_view_cold(view))
            wrap(p, rh_view_cold(view));
        wrap(p, rh_view_backtest(view));
    }
    if (view->migration_count)
        wrap(p, rh_view_rollback(view));
    if (rh_view_after_failure(view))
        wrap_over(p, rh_view_after_failure(view), 5);
    if (rh_view_interruptions(view))
        wrap_over(p, rh_view_interruptions(view), 4);
    const char *const advice[] = {rh_view_contention(view), rh_view_disturbers(view),
                                  rh_view_lock_policy(view), rh_view_compatibility(view),
                                  rh_view_runners(view)};
    for (size_t i = 0; i < sizeof advice / sizeof *advice; i++)
        if (advice[i])
            wrap(p, advice[i]);
    if (rh_view_isolation(view))
        wrap(p, rh_view_printf(view, "Isolation: %s", rh_view_isolation(view)));
    if (rh_view_roles(view))
        wrap(p, rh_view_printf(view, "Roles: %s", rh_view_roles(view)));
    const rh_json *list = rh_json_get(view->report, "not_measured");
    for (size_t i = 0; i < rh_json_count(list) && i < NOT_MEASURED_MAX; i++)
        wrap_over(p, rh_view_printf(view, "Not measured: %s", rh_view_string(rh_json_at(list, i), "text")),
                  2);
    if (rh_json_count(list) > NOT_MEASURED_MAX)
        line(p, rh_view_printf(view, "Not measured: %zu more, see the report",
                               rh_json_count(list) - NOT_MEASURED_MAX));
    const char *directory = rh_view_string(view->report, "directory");
    if (directory) /* uncut, so that it can be clicked or pasted */
        rh_text_printf(p->out, "Report: %s/report.html\n", rh_view_line(view, directory, 0));
}

bool rh_report_text(const rh_json *report, bool color, rh_text *text, rh_error *error)
{
    if (!rh_json_is_object(report))
        return rh_error_set(error, RH_ERROR_INTERNAL, "no record to render");
    page p = {.out = text, .color = color};
    rh_view_init(&p.view, report);
    head(&p);
    gates(&p);
    migrations(&p);
    sentences(&p);
    rh_view_release(&p.view);
    return true;
}
