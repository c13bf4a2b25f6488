/* Compares two runs side by side, as text: changed, new and missing figures. */
#include "pgrehearse/base/text.h"
#include "pgrehearse/report/report.h"
#include "report/view/backfill.h"
#include "report/view/view.h"
#include <math.h>
#include <string.h>

enum { VICTIMS_MAX = 5 };

typedef struct comparison {
    rh_view a, b;
    rh_text *out;
    bool color;
} comparison;

static const char *cell(const comparison *c, const char *text, int width)
{
    const char *line = rh_view_line(&c->a, text ? text : "–", (size_t)width);
    return rh_view_printf(&c->a, "%s%*s", line, width - (int)rh_utf8_length(line), "");
}

static const char *paint(const comparison *c, const char *ansi, const char *text)
{
    return c->color ? rh_view_printf(&c->a, "\033[%sm%s\033[0m", ansi, text) : text;
}

/* "×1.32 slower"; quiet within 10 %, which repeated runs differ by anyway. */
static const char *change(const comparison *c, double a, double b)
{
    if (isnan(a) || isnan(b) || a <= 0)
        return "";
    double ratio = b / a;
    const char *text = rh_view_printf(&c->a, "×%.2f", ratio);
    if (ratio > 1.1)
        return paint(c, "31", rh_view_printf(&c->a, "%s worse", text));
    if (ratio < 1 / 1.1)
        return paint(c, "32", rh_view_printf(&c->a, "%s better", text));
    return text;
}

/* Characters of TEXT without its colours. */
static size_t visible_length(const char *text)
{
    size_t hidden = 0;
    for (const char *c = strchr(text, '\033'); c; c = strchr(c + 1, '\033'))
        hidden += strcspn(c, "m") + 1;
    return rh_utf8_length(text) - hidden;
}

/* 80 columns: what a column is too narrow for has a line of its own. */
static void row(const comparison *c, const char *name, const char *a, const char *b, const char *remark)
{
    enum { NAME = 27, VALUE = 18, REMARK = 11 };
    if (rh_utf8_length(name) > NAME) {
        rh_text_printf(c->out, "%s\n", rh_view_line(&c->a, name, 80));
        name = "";
    }
    rh_text_printf(c->out, "%s  %s  ", cell(c, name, NAME), cell(c, a, VALUE));
    if (visible_length(remark) > REMARK) {
        rh_text_printf(c->out, "%s\n%*s%s\n", rh_view_line(&c->b, b ? b : "–", VALUE), NAME + 2, "", remark);
        return;
    }
    rh_text_printf(c->out, "%s%s%s\n",
                   remark[0] ? cell(c, b, VALUE) : rh_view_line(&c->b, b ? b : "–", VALUE),
                   remark[0] ? "  " : "", remark);
}

static void seconds_row(const comparison *c, const char *name, double a, double b)
{
    if (isnan(a) && isnan(b))
        return;
    row(c, name, rh_view_seconds_or(&c->a, a, "–"), rh_view_seconds_or(&c->b, b, "–"), change(c, a, b));
}

static void path_row(const comparison *c, const char *name, const char *path, double scale)
{
    seconds_row(c, name, rh_json_real(rh_json_path(c->a.report, path)) * scale,
                rh_json_real(rh_json_path(c->b.report, path)) * scale);
}

static const rh_json *gate_named(const rh_view *view, const char *name)
{
    const rh_json *gates = rh_json_get(view->report, "gates");
    for (size_t i = 0; i < rh_json_count(gates); i++)
        if (rh_view_is(rh_json_at(gates, i), "name", name))
            return rh_json_at(gates, i);
    return NULL;
}

static const char *gate_text(const rh_view *view, const rh_json *gate)
{
    return gate ? rh_view_printf(view, "%s%s", rh_view_gate_measured(view, gate),
                                 rh_view_is(gate, "outcome", "failed") ? " FAILED" : "")
                : "–";
}

static const char *gate_outcome(const rh_json *gate)
{
    return rh_view_is(gate, "outcome", "held")     ? "held"
           : rh_view_is(gate, "outcome", "failed") ? "FAILED"
           : gate                                  ? "not measured"
                                                   : NULL;
}

static bool had_load(const rh_view *view)
{
    return rh_json_path(view->report, "load.windows") != NULL;
}

/* Only a gate that holds no longer fails: one that was not measured proves nothing. */
static const char *gate_change(const comparison *c, const rh_json *a, const rh_json *b)
{
    const bool failed_a = rh_view_is(a, "outcome", "failed"), failed_b = rh_view_is(b, "outcome", "failed");
    if (failed_b && !failed_a)
        return paint(c, "31", "now fails");
    if (failed_a && rh_view_is(b, "outcome", "held"))
        return had_load(&c->a) && !had_load(&c->b) ? paint(c, "33", "held without a load")
                                                   : paint(c, "32", "no longer fails");
    if (b && !rh_view_is(a, "outcome", "not_measured") && rh_view_is(b, "outcome", "not_measured"))
        return paint(c, "33", "no longer measured");
    return "";
}

static void gates(const comparison *c)
{
    static const char *const names[] = {"predicted_duration", "reads_blocked", "writes_blocked",
                                        "response_p99_ratio", "load_errors",   "backup_checksum"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const rh_json *a = gate_named(&c->a, names[i]), *b = gate_named(&c->b, names[i]);
        if (!a && !b)
            continue;
        row(c, rh_view_printf(&c->a, "gate %s", names[i]), gate_text(&c->a, a), gate_text(&c->b, b),
            gate_change(c, a, b));
    }
}

/* "5,000, 100ms, 1": rows, pause, workers. */
static const char *short_setting(const rh_view *view, const rh_view_setting *setting)
{
    if (!setting)
        return NULL;
    const char *pause = rh_view_string(setting->record, "pause");
    return rh_view_printf(
        view, "%s, %s, %lld", rh_view_count_or(view, rh_json_int(rh_json_get(setting->record, "batch")), "?"),
        pause ? pause : "?", (long long)rh_json_int(rh_json_get(setting->record, "workers")));
}

/* Of each backfill: its gates, and the setting to use or the nearest one. */
static void backfills(const comparison *c)
{
    rh_view_backfill *a, *b;
    const size_t count_a = rh_view_backfills(&c->a, &a), count_b = rh_view_backfills(&c->b, &b);
    for (size_t i = 0; i < count_b; i++) {
        const char *gate = rh_view_printf(&c->b, "backfills.%s", b[i].name);
        const rh_json *gate_a = gate_named(&c->a, gate), *gate_b = gate_named(&c->b, gate);
        const rh_view_setting *before = NULL, *after = b[i].chosen;
        for (size_t k = 0; k < count_a; k++)
            if (strcmp(a[k].name, b[i].name) == 0)
                before = a[k].chosen;
        if (gate_a || gate_b)
            row(c, rh_view_printf(&c->b, "gates of backfill %s", b[i].name), gate_outcome(gate_a),
                gate_outcome(gate_b), gate_change(c, gate_a, gate_b));
        const char *short_a = short_setting(&c->a, before), *short_b = short_setting(&c->b, after);
        row(c, rh_view_printf(&c->b, "setting of backfill %s", b[i].name), short_a, short_b,
            short_a && short_b && strcmp(short_a, short_b) != 0 ? paint(c, "1", "changed") : "");
        seconds_row(c, "  duration", before ? before->total_s.median : NAN,
                    after ? after->total_s.median : NAN);
    }
}

/* Nothing where they are equal: what is found under load is long. */
static void count_row(const comparison *c, const char *name, int64_t a, int64_t b)
{
    if (a == b)
        return;
    const char *remark = a < 0 || b < 0 ? "" : b > a ? paint(c, "31", "worse") : paint(c, "32", "better");
    row(c, name, rh_view_count_or(&c->a, a, "–"), rh_view_count_or(&c->b, b, "–"), remark);
}

/* Seconds that differ by more than repeated runs differ anyway. */
static void differing_row(const comparison *c, const char *name, double a, double b)
{
    bool alike = (isnan(a) && isnan(b)) || a == b || (a > 0 && b / a <= 1.1 && b / a >= 1 / 1.1);
    if (!alike)
        seconds_row(c, name, a, b);
}

static void differing_path_row(const comparison *c, const char *name, const char *path)
{
    differing_row(c, name, rh_json_real(rh_json_path(c->a.report, path)),
                  rh_json_real(rh_json_path(c->b.report, path)));
}

static void count_path_row(const comparison *c, const char *name, const char *path)
{
    count_row(c, name, rh_json_int(rh_json_path(c->a.report, path)),
              rh_json_int(rh_json_path(c->b.report, path)));
}

static int64_t items_at(const rh_view *view, const char *path)
{
    const rh_json *list = rh_json_path(view->report, path);
    return list ? (int64_t)rh_json_count(list) : -1;
}

static void list_row(const comparison *c, const char *name, const char *path)
{
    int64_t a = items_at(&c->a, path), b = items_at(&c->b, path);
    if (a > 0 || b > 0)
        count_row(c, name, a, b);
}

static const char *recommended(const rh_view *view)
{
    const rh_json *search = rh_json_get(view->report, "lock_policy");
    int64_t best = rh_json_int(rh_json_get(search, "recommended"));
    if (!search)
        return NULL;
    return best < 0
               ? "none"
               : rh_view_seconds_or(
                     view,
                     rh_view_real(rh_json_at(rh_json_get(search, "overall"), (size_t)best), "lock_timeout_s"),
                     "none");
}

/* The five that stalled longest in B, beside what they had in A; and those that are no victims any more. */
static void waiters(const comparison *c)
{
    rh_view_waiter *a, *b;
    size_t count_a = rh_view_waiters(&c->a, &a), count_b = rh_view_waiters(&c->b, &b);
    for (size_t i = 0; i < count_b && i < VICTIMS_MAX; i++) {
        double before = NAN;
        for (size_t k = 0; k < count_a; k++)
            if (strcmp(a[k].who, b[i].who) == 0)
                before = a[k].longest_stall_ms / 1e3;
        differing_row(c, rh_view_printf(&c->b, "  stall of %s", b[i].who), before,
                      b[i].longest_stall_ms / 1e3);
    }
    for (size_t i = 0; i < count_a && i < VICTIMS_MAX; i++) {
        bool still = false;
        for (size_t k = 0; k < count_b; k++)
            still = still || strcmp(b[k].who, a[i].who) == 0;
        if (!still)
            row(c, rh_view_printf(&c->a, "  stall of %s", a[i].who),
                rh_view_seconds_or(&c->a, a[i].longest_stall_ms / 1e3, "–"), NULL,
                paint(c, "32", "no waiter now"));
    }
}

/* Waits and victims are the load's: without it there are none to compare. */
static void contention(const comparison *c)
{
    const bool load_a = had_load(&c->a), load_b = had_load(&c->b);
    if (load_a != load_b) {
        row(c, "load", load_a ? "yes" : "no", load_b ? "yes" : "no", "lock waits not comparable");
        return;
    }
    path_row(c, "longest lock wait", "contention.longest_wait_s", 1);
    count_path_row(c, "lock waits", "contention.wait_count");
    count_path_row(c, "deepest queue", "contention.deepest_queue");
    differing_path_row(c, "reads blocked, longest stretch", "contention.reads_blocked_s");
    differing_path_row(c, "writes blocked, longest stretch", "contention.writes_blocked_s");
    count_path_row(c, "blocked sessions", "contention.blocked_session_count");
    waiters(c);
    list_row(c, "deadlocks", "contention.deadlocks");
    list_row(c, "cancelled statements", "contention.cancelled");
    list_row(c, "incompatible statements", "compatibility.incompatibilities");
    const char *a = recommended(&c->a), *b = recommended(&c->b);
    if ((a || b) && !(a && b && strcmp(a, b) == 0))
        row(c, "lock_timeout to use", a, b, paint(c, "1", "changed"));
}

static const rh_view_migration *migration_with(const rh_view *view, const char *id)
{
    for (size_t i = 0; i < view->migration_count; i++)
        if (strcmp(view->migrations[i].id, id) == 0)
            return &view->migrations[i];
    return NULL;
}

/* Whether A ran every migration that B ran. */
static bool ran_all_of(const rh_view *a, const rh_view *b)
{
    for (size_t i = 0; i < b->migration_count; i++) {
        const rh_view_migration *other = migration_with(a, b->migrations[i].id);
        if (strcmp(b->migrations[i].outcome, "not_run") != 0 &&
            (!other || strcmp(other->outcome, "not_run") == 0))
            return false;
    }
    return true;
}

static void prediction(const comparison *c)
{
    static const char path[] = "prediction.median_s", name[] = "predicted, all migrations";
    const double a = rh_json_real(rh_json_path(c->a.report, path)),
                 b = rh_json_real(rh_json_path(c->b.report, path));
    if (ran_all_of(&c->a, &c->b) && ran_all_of(&c->b, &c->a))
        seconds_row(c, name, a, b);
    else if (!isnan(a) || !isnan(b))
        row(c, name, rh_view_seconds_or(&c->a, a, "–"), rh_view_seconds_or(&c->b, b, "–"),
            "of other migrations");
}

static double time_of(const rh_view_migration *m)
{
    return m->quiet_runs ? m->quiet_median_s : m->loaded_s;
}

static const char *outcome_change(const comparison *c, const rh_view_migration *a, const rh_view_migration *b)
{
    if (strcmp(a->outcome, b->outcome) == 0)
        return NULL;
    bool worse = strcmp(b->outcome, "ok") != 0;
    return paint(c, worse ? "31" : "32", rh_view_printf(&c->a, "was %s, is %s", a->outcome, b->outcome));
}

static void both(const comparison *c, const rh_view_migration *a, const rh_view_migration *b)
{
    const char *outcome = outcome_change(c, a, b);
    if (outcome)
        row(c, b->title, a->outcome, b->outcome, outcome);
    seconds_row(c, rh_view_printf(&c->b, "%s", b->title), time_of(a), time_of(b));
    if (a->reads_blocked_s > 0 || b->reads_blocked_s > 0)
        seconds_row(c, "  reads blocked", a->reads_blocked_s, b->reads_blocked_s);
    if (a->writes_blocked_s > 0 || b->writes_blocked_s > 0)
        seconds_row(c, "  writes blocked", a->writes_blocked_s, b->writes_blocked_s);
}

static void migrations(const comparison *c)
{
    for (size_t i = 0; i < c->b.migration_count; i++) {
        const rh_view_migration *b = &c->b.migrations[i], *a = migration_with(&c->a, b->id);
        if (a)
            both(c, a, b);
        else
            row(c, b->title, NULL, rh_view_seconds_or(&c->b, time_of(b), b->outcome), "new");
    }
    for (size_t i = 0; i < c->a.migration_count; i++) {
        const rh_view_migration *a = &c->a.migrations[i];
        if (!migration_with(&c->b, a->id))
            row(c, a->title, rh_view_seconds_or(&c->a, time_of(a), a->outcome), NULL, "gone");
    }
}

bool rh_report_compare(const rh_json *a, const rh_json *b, bool color, rh_text *text, rh_error *error)
{
    if (!rh_json_is_object(a) || !rh_json_is_object(b))
        return rh_error_set(error, RH_ERROR_INTERNAL, "no record to compare");
    comparison c = {.out = text, .color = color};
    rh_view_init(&c.a, a);
    rh_view_init(&c.b, b);
    row(&c, "", rh_view_string(a, "run_id"), rh_view_string(b, "run_id"), "");
    row(&c, "scenario", rh_json_string(rh_json_path(a, "scenario.name")),
        rh_json_string(rh_json_path(b, "scenario.name")), "");
    const char *word_a = rh_view_verdict_word(&c.a), *word_b = rh_view_verdict_word(&c.b);
    row(&c, "verdict", word_a, word_b, strcmp(word_a, word_b) == 0 ? "" : paint(&c, "1", "changed"));
    gates(&c);
    prediction(&c);
    path_row(&c, "restore", "backup.restore_s", 1);
    path_row(&c, "load p99 before", "load.windows.before.response_ms.p99", 1e-3);
    path_row(&c, "load p99 during", "load.windows.during.response_ms.p99", 1e-3);
    contention(&c);
    migrations(&c);
    backfills(&c);
    rh_view_release(&c.a);
    rh_view_release(&c.b);
    return true;
}
