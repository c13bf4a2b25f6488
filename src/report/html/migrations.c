/* The table of migrations (the longest blocking first), and every statement in the order of execution. */
#include "pgrehearse/base/statistics.h"
#include "html.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    MIGRATIONS_SHOWN = 40,
    EXPLAINED_OPEN = 3,
    HURT_SHOWN = 3,
    STATEMENTS_SHOWN = 150,
    STATEMENTS_OPEN = 16
};

static const char *p99_change(const rh_view *view, const rh_view_migration *m)
{
    if (isnan(m->p99_during_ms))
        return "–";
    return rh_view_printf(view, "%s → %s", rh_view_seconds_or(view, m->p99_before_ms / 1e3, "–"),
                          rh_view_seconds(view, m->p99_during_ms / 1e3));
}

static const char *outcome_class(const rh_view_migration *m)
{
    return m->failed ? "bad" : strcmp(m->outcome, "ok") == 0 ? "good" : "warn";
}

static const char *outcome_text(const rh_view_migration *m)
{
    if (strcmp(m->outcome, "not_run") == 0)
        return "not run";
    return m->failed && strcmp(m->outcome, "ok") == 0 ? "ok (rollback failed)" : m->outcome;
}

static void waiters(rh_html *html, const rh_view_migration *m)
{
    const rh_json *impact = rh_json_get(m->record, "impact"), *list = rh_json_get(impact, "blocked_sessions");
    if (rh_json_count(list) == 0)
        return;
    rh_xml_open(html->xml, "p", NULL);
    rh_xml_text(html->xml, "Blocked: ");
    for (size_t i = 0; i < rh_json_count(list) && i < HURT_SHOWN; i++) {
        const rh_json *waiter = rh_json_at(list, i);
        int64_t waits = rh_json_int(rh_json_get(waiter, "waits"));
        rh_xml_textf(html->xml, "%s%s (%lld wait%s, longest %s)", i ? "; " : "",
                     rh_view_line(&html->view, rh_view_string(waiter, "session"), 80), (long long)waits,
                     waits == 1 ? "" : "s",
                     rh_view_seconds(&html->view, rh_view_real(waiter, "longest_wait_s")));
    }
    int64_t all = rh_json_int(rh_json_get(impact, "blocked_template_count"));
    if (all > HURT_SHOWN)
        rh_xml_textf(html->xml, "; and %lld more kinds", (long long)all - HURT_SHOWN);
    rh_xml_text(html->xml, ".");
    rh_xml_close(html->xml);
}

/* "2 hazards: type-change, missing-lock-timeout", each rule once. */
static const char *hazards_in_short(const rh_view *view, const rh_view_migration *m)
{
    const rh_json *statements = rh_json_get(m->record, "statements");
    const char *rules = "";
    for (size_t s = 0; s < rh_json_count(statements); s++) {
        const rh_json *hazards = rh_json_get(rh_json_at(statements, s), "hazards");
        for (size_t i = 0; i < rh_json_count(hazards); i++) {
            const char *rule = rh_view_string(rh_json_at(hazards, i), "rule");
            if (rule && !strstr(rules, rule) && strlen(rules) < 120)
                rules =
                    rh_view_printf(view, "%s%s%s", rules, rules[0] ? ", " : "", rh_view_line(view, rule, 40));
        }
    }
    return rules[0] ? rh_view_printf(view, "Hazards and safer alternatives: %s", rules) : "Blocked sessions";
}

static void explanation(rh_html *html, const rh_view_migration *m, bool open)
{
    const rh_json *failure = rh_json_get(m->record, "error");
    bool has_waiters = rh_json_count(rh_json_path(m->record, "impact.blocked_sessions")) > 0;
    if (m->hazard_count == 0 && !has_waiters && !failure)
        return;
    rh_html_row(html, "under");
    rh_xml_open(html->xml, "td", "colspan", "9", NULL);
    rh_xml_open(html->xml, "div", "class", "wide", NULL);
    if (failure)
        rh_html_paragraph(html, "bad", rh_view_failure(&html->view, failure));
    const rh_json *left = rh_view_left_by_failure(m->record);
    if (left) {
        rh_html_paragraph(html, NULL, rh_view_after_failure(&html->view));
        rh_html_left_behind(html, left);
    }
    if (m->hazard_count > 0 || has_waiters) {
        rh_html_details(html, hazards_in_short(&html->view, m), open);
        waiters(html, m);
        rh_html_hazards(html, m);
        rh_html_details_end(html);
    }
    rh_xml_close(html->xml);
    rh_xml_close(html->xml);
    rh_html_row_end(html);
}

static const char *severity_class(double blocked_s)
{
    return blocked_s >= 1 ? "bad" : blocked_s >= 0.1 ? "warn" : NULL;
}

/* Whether its statements are on the page: those of the first migrations are, up to a number. */
static bool shows_statements(const rh_view *view, const rh_view_migration *m)
{
    size_t before = 0;
    for (const rh_view_migration *other = view->migrations; other < m; other++)
        before += rh_json_count(rh_json_get(other->record, "statements"));
    return before < STATEMENTS_SHOWN;
}

static void who_row(rh_html *html, const rh_view_migration *m, bool open)
{
    const rh_view *view = &html->view;
    const char *range, *time = rh_view_time(view, m, &range);
    rh_xml_open(html->xml, "tbody", NULL);
    rh_html_row(html, NULL);
    rh_xml_open(html->xml, "td", NULL);
    if (shows_statements(&html->view, m))
        rh_xml_element(html->xml, "a", rh_view_line(view, m->title, 56), "href",
                       rh_view_printf(view, "#%s", rh_html_anchor(html, m)), NULL);
    else
        rh_xml_text(html->xml, rh_view_line(view, m->title, 56));
    rh_xml_close(html->xml);
    rh_xml_open(html->xml, "td", NULL);
    rh_xml_element(html->xml, "span", outcome_text(m), "class", outcome_class(m), NULL);
    rh_xml_close(html->xml);
    rh_xml_open(html->xml, "td", "class", "f", NULL);
    rh_xml_text(html->xml, time);
    if (range)
        rh_xml_element(html->xml, "div", range, "class", "muted", NULL);
    rh_xml_close(html->xml);
    rh_html_cell(html, m->lock_mode ? rh_view_printf(view, "%s on %s%s", rh_view_mode(m->lock_mode),
                                                     m->lock_relation ? m->lock_relation : "no relation",
                                                     m->lock_inferred ? " (inferred)" : "")
                                    : "–");
    rh_html_figure_marked(html, rh_view_seconds_or(view, m->reads_blocked_s, "–"),
                          severity_class(m->reads_blocked_s));
    rh_html_figure_marked(html, rh_view_seconds_or(view, m->writes_blocked_s, "–"),
                          severity_class(m->writes_blocked_s));
    rh_html_figure(html, rh_view_count_or(view, m->load_waits, "–"));
    rh_html_figure(html, rh_view_longest_wait(view, m));
    rh_html_figure(html, p99_change(view, m));
    rh_html_row_end(html);
    explanation(html, m, open);
    rh_xml_close(html->xml);
}

/* False when there is nothing to show, and it says why. */
static bool has_migrations(rh_html *html)
{
    if (!rh_json_get(html->view.report, "plan"))
        rh_html_absent(html, "Migrations", RH_UNMEASURED_COUNT);
    else if (html->view.migration_count == 0)
        rh_html_paragraph(html, NULL, "No migration was pending.");
    else
        return true;
    return false;
}

void rh_html_wait_table(rh_html *html)
{
    static const char *const columns[] = {
        "Migration",       "Outcome", "#Time alone",   "Strongest lock",       "#Reads blocked",
        "#Writes blocked", "#Waits",  "#Longest wait", "#p99 before → during", NULL};
    rh_html_section(html, "who", "Blocked sessions");
    if (has_migrations(html)) {
        rh_html_table(html,
                      "Migrations, the longest blocking first. Waits are those of the load. –: not measured.",
                      columns);
        for (size_t i = 0; i < html->view.migration_count && i < MIGRATIONS_SHOWN; i++)
            who_row(html, html->view.by_blocked_time[i], i < EXPLAINED_OPEN);
        rh_html_table_end(html);
        rh_html_more(html, MIGRATIONS_SHOWN, html->view.migration_count);
    }
    rh_html_section_end(html);
}

/* Over a statement's runs of one pass: how many, the median and the range. */
typedef struct spread {
    size_t count;
    double median_s, min_s, max_s;
    int64_t rows, wal_bytes; /* of the last */
} spread;

static spread spread_of(const rh_json *statement, const char *pass)
{
    const rh_json *runs = rh_json_get(statement, "runs");
    double *times = rh_alloc((rh_json_count(runs) + 1) * sizeof *times);
    spread s = {0, NAN, NAN, NAN, -1, -1};
    for (size_t i = 0; i < rh_json_count(runs); i++) {
        const rh_json *run = rh_json_at(runs, i);
        double elapsed = rh_view_real(run, "elapsed_s");
        if (!rh_view_is(run, "pass", pass) || isnan(elapsed))
            continue;
        times[s.count++] = elapsed;
        s.rows = rh_json_int(rh_json_get(run, "rows"));
        s.wal_bytes = rh_json_int(rh_json_get(run, "wal_bytes"));
    }
    if (s.count) {
        s.median_s = rh_median(times, s.count);
        s.min_s = times[0];
        s.max_s = times[s.count - 1];
    }
    free(times);
    return s;
}

static void locks_cell(rh_html *html, const rh_json *statement)
{
    const rh_json *locks = rh_json_get(statement, "locks");
    size_t count = rh_json_count(locks);
    rh_xml_open(html->xml, "td", "class", "locks", NULL);
    if (count == 0)
        rh_xml_text(html->xml, "–");
    for (size_t i = 0; i < count && i < 3; i++) {
        const rh_json *lock = rh_json_at(locks, i);
        const char *relation = rh_view_string(lock, "relation");
        rh_xml_open(html->xml, "div", NULL);
        rh_xml_textf(html->xml, "%s on %s", rh_view_mode(rh_view_string(lock, "mode")),
                     relation ? relation : "?");
        rh_xml_element(html->xml, "span",
                       rh_json_bool(rh_json_get(lock, "inferred"))
                           ? ", inferred from the text, not observed"
                           : rh_view_printf(&html->view, ", held %s",
                                            rh_view_seconds(&html->view, rh_view_real(lock, "held_s"))),
                       "class", "muted", NULL);
        rh_xml_close(html->xml);
    }
    if (count > 3)
        rh_xml_element(html->xml, "div",
                       rh_view_printf(&html->view, "and %zu more, in samples/locks.csv", count - 3), "class",
                       "muted", NULL);
    rh_xml_close(html->xml);
}

static void prediction_cell(rh_html *html, const rh_json *statement)
{
    const rh_view *view = &html->view;
    const rh_json *p = rh_json_get(statement, "prediction");
    double low = rh_view_real(p, "low_s"), high = rh_view_real(p, "high_s");
    const char *median = rh_view_seconds_or(view, rh_view_real(p, "median_s"), "–");
    rh_xml_open(html->xml, "td", "class", "f", "title", rh_view_string(p, "basis"), NULL);
    rh_xml_text(html->xml, median);
    if (!isnan(low) && !isnan(high))
        rh_xml_element(html->xml, "div", rh_view_range(view, low, high), "class", "muted", NULL);
    else if (p)
        rh_xml_element(html->xml, "div", "no interval", "class", "muted", NULL);
    const rh_json *loaded = rh_json_get(p, "under_load");
    if (loaded)
        rh_xml_element(
            html->xml, "div",
            rh_view_printf(view, "%s under load", rh_view_seconds(view, rh_view_real(loaded, "median_s"))),
            NULL);
    rh_xml_close(html->xml);
}

/* What it did, what its text promised where that differs, and what was measured. */
static void class_cell(rh_html *html, const rh_json *statement)
{
    const rh_view *view = &html->view;
    const char *class_ = rh_view_string(statement, "class"), *phase = rh_view_string(statement, "phase");
    const char *expected = rh_view_string(statement, "class_expected"),
               *evidence = rh_view_string(statement, "class_evidence");
    rh_xml_open(html->xml, "td", "title", evidence, NULL);
    rh_xml_textf(html->xml, "%s%s%s", class_ ? class_ : "–", phase ? ", " : "", phase ? phase : "");
    if (rh_json_bool(rh_json_get(statement, "class_differs"))) {
        rh_xml_element(html->xml, "div",
                       rh_view_printf(view, "its text says %s", expected ? expected : "something else"),
                       "class", "warn", NULL);
        if (evidence)
            rh_xml_element(html->xml, "div", rh_view_line(view, evidence, 240), "class", "muted", NULL);
    }
    rh_xml_close(html->xml);
}

/* The phases of its last quiet run that was looked at, in the order that they came. */
static void phases(rh_html *html, const rh_json *statement)
{
    const rh_view *view = &html->view;
    const rh_json *runs = rh_json_get(statement, "runs"), *list = NULL;
    for (size_t i = 0; i < rh_json_count(runs); i++)
        if (rh_view_is(rh_json_at(runs, i), "pass", "quiet") &&
            rh_json_count(rh_json_get(rh_json_at(runs, i), "progress_phases")) > 0)
            list = rh_json_get(rh_json_at(runs, i), "progress_phases");
    rh_text text = {0};
    for (size_t i = 0; i < rh_json_count(list); i++) {
        const rh_json *phase = rh_json_at(list, i);
        double cpu = rh_view_real(phase, "cpu_s");
        rh_text_printf(&text, "%s%s %s", text.length ? ", " : "", rh_view_string(phase, "phase"),
                       rh_view_seconds(view, rh_view_real(phase, "elapsed_s")));
        if (!isnan(cpu))
            rh_text_printf(&text, " (CPU %s)", rh_view_seconds(view, cpu));
    }
    if (text.length > 0)
        rh_xml_element(html->xml, "div", rh_view_printf(view, "Phases: %s", text.data), "class", "muted",
                       NULL);
    rh_text_release(&text);
}

static void statement_row(rh_html *html, const rh_json *statement)
{
    const rh_view *view = &html->view;
    spread quiet = spread_of(statement, "quiet"), loaded = spread_of(statement, "loaded");
    const spread *counted = loaded.count ? &loaded : &quiet;
    rh_html_row(html, NULL);
    rh_html_figure(html, rh_view_count_or(view, rh_json_int(rh_json_get(statement, "line")), "–"));
    rh_xml_open(html->xml, "td", NULL);
    rh_html_sql(html, rh_view_string(statement, "sql"));
    rh_html_hazard_names(html, statement);
    phases(html, statement);
    rh_xml_close(html->xml);
    class_cell(html, statement);
    rh_xml_open(html->xml, "td", "class", "f", NULL);
    rh_xml_text(html->xml, rh_view_seconds_or(view, quiet.median_s, "–"));
    if (quiet.count > 1) {
        rh_xml_element(html->xml, "div", rh_view_range(view, quiet.min_s, quiet.max_s), "class", "muted",
                       NULL);
        rh_xml_element(html->xml, "div", rh_view_printf(view, "%zu runs", quiet.count), "class", "muted",
                       NULL);
    }
    rh_xml_close(html->xml);
    rh_html_figure(html, rh_view_seconds_or(view, loaded.median_s, "–"));
    locks_cell(html, statement);
    rh_html_figure(html, rh_view_count_or(view, counted->rows, "–"));
    rh_html_figure(html, rh_view_bytes_or(view, counted->wal_bytes, "–"));
    prediction_cell(html, statement);
    rh_html_row_end(html);
}

/* At most MOST of them; returns how many. */
static size_t statements_of(rh_html *html, const rh_view_migration *m, size_t most)
{
    static const char *const rules[][2] = {
        {"each", "every statement by itself"},
        {"one", "one transaction"},
        {"own", "sent as one query: one transaction, but for its own BEGIN and COMMIT"}};
    const rh_json *statements = rh_json_get(m->record, "statements");
    const char *file = rh_view_string(m->record, "file"), *rule = "";
    for (size_t i = 0; i < 3; i++)
        if (rh_view_is(m->record, "transaction", rules[i][0]))
            rule = rules[i][1];
    if (rh_json_count(statements) == 1)
        rule = "one statement";
    rh_xml_open(html->xml, "tbody", "id", rh_html_anchor(html, m), NULL);
    rh_html_row(html, "group");
    rh_xml_open(html->xml, "th", "colspan", "9", "scope", "rowgroup", NULL);
    rh_xml_text(html->xml, rh_view_line(&html->view, m->title, 100));
    rh_xml_element(html->xml, "span",
                   rh_view_printf(&html->view, "%s · %s · %s", outcome_text(m),
                                  rh_view_line(&html->view, rh_view_basename(file), 100), rule),
                   NULL);
    rh_xml_close(html->xml);
    rh_html_row_end(html);
    size_t count = rh_json_count(statements) < most ? rh_json_count(statements) : most;
    for (size_t i = 0; i < count; i++)
        statement_row(html, rh_json_at(statements, i));
    rh_xml_close(html->xml);
    return count;
}

void rh_html_statements(rh_html *html)
{
    static const char *const columns[] = {"#Line", "Statement", "Class", "#Time alone", "#Under load",
                                          "Locks", "#Rows",     "#WAL",  "#Predicted",  NULL};
    const rh_view *view = &html->view;
    rh_html_section(html, "statements", "Every statement");
    if (has_migrations(html)) {
        size_t all = 0, shown = 0;
        for (size_t i = 0; i < view->migration_count; i++)
            all += rh_json_count(rh_json_get(view->migrations[i].record, "statements"));
        rh_html_details(
            html, rh_view_printf(view, "%zu statement%s in the order they run", all, all == 1 ? "" : "s"),
            all <= STATEMENTS_OPEN);
        rh_html_table(
            html,
            "Literals are replaced. Locks are those held under load where there was one. The class is the "
            "measured one where it could be measured.",
            columns);
        for (size_t i = 0; i < view->migration_count && shown < STATEMENTS_SHOWN; i++)
            shown += statements_of(html, &view->migrations[i], STATEMENTS_SHOWN - shown);
        rh_html_table_end(html);
        rh_html_more(html, shown, all);
        rh_html_details_end(html);
    }
    rh_html_section_end(html);
}
