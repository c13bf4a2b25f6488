/* Lock waits: waiters, blockers, cancelled statements; every wait, and the accuracy of the measurement. */
#include "html.h"
#include <math.h>
#include <string.h>

enum { VICTIMS_SHOWN = 10, BLOCKERS_SHOWN = 12, WAITS_SHOWN = 50, NAMED = 3 };

static const char *change_ms(const rh_view *view, double before_ms, double during_ms)
{
    if (isnan(before_ms) && isnan(during_ms))
        return "–";
    return rh_view_printf(view, "%s → %s", rh_view_seconds_or(view, before_ms / 1e3, "–"),
                          rh_view_seconds_or(view, during_ms / 1e3, "–"));
}

static const char *severity_class(double stall_s)
{
    return stall_s >= 1 ? "bad" : stall_s >= 0.1 ? "warn" : NULL;
}

static void errors_cell(rh_html *html, const rh_view_waiter *v)
{
    const rh_view *view = &html->view;
    rh_xml_open(html->xml, "td", "class", "f", NULL);
    rh_xml_element(html->xml, "span", rh_view_count_or(view, v->errors, "–"), "class",
                   v->errors > 0 ? "bad" : NULL, NULL);
    if (v->retries > 0)
        rh_xml_element(html->xml, "div", rh_view_printf(view, "%lld tried again", (long long)v->retries),
                       "class", "muted", NULL);
    if (v->dropped > 0)
        rh_xml_element(html->xml, "div", rh_view_printf(view, "%lld dropped", (long long)v->dropped), "class",
                       "muted", NULL);
    rh_xml_close(html->xml);
}

static void victim_row(rh_html *html, const rh_view_waiter *v)
{
    const rh_view *view = &html->view;
    rh_html_row(html, NULL);
    rh_xml_open(html->xml, "td", NULL);
    rh_xml_text(html->xml, rh_view_line(view, v->who, 80));
    if (!v->is_template)
        rh_xml_element(html->xml, "div", v->is_migration ? "the migration itself" : "not of the load",
                       "class", "muted", NULL);
    rh_xml_close(html->xml);
    rh_html_figure(html, change_ms(view, v->p50_before_ms, v->p50_during_ms));
    rh_html_figure(html, change_ms(view, v->p99_before_ms, v->p99_during_ms));
    rh_html_figure_marked(html, rh_view_seconds_or(view, v->longest_stall_ms / 1e3, "–"),
                          severity_class(v->longest_stall_ms / 1e3));
    rh_html_figure(html, rh_view_count_or(view, v->waits, "–"));
    rh_html_figure(html, v->waits ? rh_view_seconds(view, v->longest_wait_s) : "–");
    errors_cell(html, v);
    rh_xml_open(html->xml, "td", NULL);
    rh_xml_text(html->xml, v->behind ? rh_view_line(view, v->behind, 80) : "no lock");
    if (v->relation)
        rh_xml_element(html->xml, "div",
                       rh_view_printf(view, "wanted %s on %s", rh_view_mode(v->mode), v->relation), "class",
                       "muted", NULL);
    rh_xml_close(html->xml);
    rh_html_row_end(html);
}

static void waiters(rh_html *html)
{
    static const char *const columns[] = {"Who",
                                          "#p50 before → during",
                                          "#p99 before → during",
                                          "#Longest stall",
                                          "#Lock waits",
                                          "#Longest wait",
                                          "#Errors",
                                          "Root blocker of the longest wait",
                                          NULL};
    rh_view_waiter *list;
    size_t count = rh_view_waiters(&html->view, &list);
    size_t recorded = rh_json_count(rh_json_path(html->view.report, "contention.blocked_sessions"));
    int64_t all = rh_json_int(rh_json_path(html->view.report, "contention.blocked_session_count"));
    if (count == 0)
        return;
    rh_html_table(
        html,
        "Sessions that waited or failed while migrations ran, the longest stall first. Response times count "
        "from the intended start.",
        columns);
    rh_xml_open(html->xml, "tbody", NULL);
    for (size_t i = 0; i < count && i < VICTIMS_SHOWN; i++)
        victim_row(html, &list[i]);
    rh_xml_close(html->xml);
    rh_html_table_end(html);
    rh_html_more(html, VICTIMS_SHOWN, count + (all > (int64_t)recorded ? (size_t)all - recorded : 0));
}

/* "read orders (12 waits, longest 2.1 s); …" */
static void kept_waiting(rh_html *html, const rh_json *blocker)
{
    const rh_view *view = &html->view;
    const rh_json *list = rh_json_get(blocker, "blocked_sessions");
    rh_xml_open(html->xml, "td", NULL);
    for (size_t i = 0; i < rh_json_count(list) && i < NAMED; i++) {
        const rh_json *waiter = rh_json_at(list, i);
        int64_t waits = rh_json_int(rh_json_get(waiter, "waits"));
        rh_xml_open(html->xml, "div", NULL);
        rh_xml_textf(html->xml, "%s ", rh_view_line(view, rh_view_string(waiter, "session"), 80));
        rh_xml_element(html->xml, "span",
                       rh_view_printf(view, "%lld ×, longest %s", (long long)waits,
                                      rh_view_seconds(view, rh_view_real(waiter, "longest_wait_s"))),
                       "class", "muted nw", NULL);
        rh_xml_close(html->xml);
    }
    int64_t all = rh_json_int(rh_json_get(blocker, "blocked_session_count"));
    if (all > NAMED)
        rh_xml_element(html->xml, "div", rh_view_printf(view, "and %lld more kinds", (long long)all - NAMED),
                       "class", "muted", NULL);
    rh_xml_close(html->xml);
}

static const char *kept_out(const rh_view *view, const rh_json *blocker)
{
    const rh_json *modes = rh_json_get(blocker, "blocked_modes");
    const char *text = "";
    for (size_t i = 0; i < rh_json_count(modes); i++)
        text = rh_view_printf(view, "%s%s%s", text, i ? ", " : "",
                              rh_view_mode(rh_json_string(rh_json_at(modes, i))));
    return text;
}

/* What a DBA would do about this row: shorten what the migration holds, or keep the other one away. */
static const char *advice(const rh_view *view, const rh_json *blocker)
{
    int64_t through = rh_json_int(rh_json_get(blocker, "queued_behind_migration"));
    if (rh_view_string(blocker, "migration"))
        return NULL;
    if (through > 0)
        return rh_view_printf(
            view,
            "%lld of these were queued behind the migration's own request, not behind this session: a "
            "lock_timeout in the migration bounds their wait",
            (long long)through);
    if (!rh_json_bool(rh_json_get(blocker, "blocked_load")))
        return "only the migration waited: end or avoid such transactions while it runs";
    return NULL;
}

static void blocker_row(rh_html *html, const rh_json *blocker)
{
    const rh_view *view = &html->view;
    const char *what = advice(view, blocker);
    rh_html_row(html, NULL);
    rh_xml_open(html->xml, "td", NULL);
    rh_xml_text(html->xml, rh_view_line(view, rh_view_string(blocker, "session"), 100));
    if (what)
        rh_xml_element(html->xml, "div", what, "class", "muted", NULL);
    rh_xml_close(html->xml);
    rh_html_cell(html, rh_view_blocker(view, blocker));
    rh_html_cell(html, kept_out(view, blocker));
    rh_html_figure(html, rh_view_count_or(view, rh_json_int(rh_json_get(blocker, "waits")), "–"));
    rh_html_figure(html, rh_view_seconds(view, rh_view_real(blocker, "wait_s")));
    double longest_s = rh_view_real(blocker, "longest_wait_s");
    rh_html_figure_marked(html, rh_view_seconds(view, longest_s), severity_class(longest_s));
    kept_waiting(html, blocker);
    rh_html_row_end(html);
}

static void blockers(rh_html *html)
{
    static const char *const columns[] = {"In the way", "It held",  "Blocked modes", "#Waits",
                                          "#In all",    "#Longest", "Who waited",    NULL};
    const rh_json *list = rh_json_path(html->view.report, "contention.blockers");
    int64_t all = rh_json_int(rh_json_path(html->view.report, "contention.blocker_count"));
    if (rh_json_count(list) == 0)
        return;
    rh_html_table(html, "Blockers: the session at the end of each chain, the most waiting first", columns);
    rh_xml_open(html->xml, "tbody", NULL);
    for (size_t i = 0; i < rh_json_count(list) && i < BLOCKERS_SHOWN; i++)
        blocker_row(html, rh_json_at(list, i));
    rh_xml_close(html->xml);
    rh_html_table_end(html);
    rh_html_more(html, BLOCKERS_SHOWN, all > 0 ? (size_t)all : 0);
}

/* Who blocked; who stood behind whom; and the statement that ran, when a client in between hides it. */
static void in_the_way(rh_html *html, const rh_json *wait)
{
    const rh_view *view = &html->view;
    const char *blocker = rh_view_string(wait, "blocker"), *migration = rh_view_string(wait, "migration");
    const rh_json *chain = rh_json_get(wait, "chain");
    rh_xml_open(html->xml, "td", NULL);
    rh_xml_text(html->xml, rh_view_line(view, blocker ? blocker : "unknown", 120));
    for (size_t i = 1; i < rh_json_count(chain); i++) {
        const char *name = rh_view_string(rh_json_at(chain, i), "name");
        rh_xml_element(html->xml, "div",
                       rh_view_printf(view, "behind %s", rh_view_line(view, name ? name : "unknown", 100)),
                       "class", "muted", NULL);
    }
    int64_t ordinal = rh_json_int(rh_json_get(wait, "statement"));
    if (migration && !rh_json_bool(rh_json_get(rh_json_at(chain, 0), "is_migration")))
        rh_xml_element(
            html->xml, "div",
            rh_view_printf(view, "during %s%s", rh_view_line(view, migration, 40),
                           ordinal > 0 ? rh_view_printf(view, " statement %lld", (long long)ordinal) : ""),
            "class", "muted", NULL);
    rh_xml_close(html->xml);
}

static void wait_row(rh_html *html, const rh_json *wait)
{
    const rh_view *view = &html->view;
    const char *relation = rh_view_string(wait, "relation"), *locktype = rh_view_string(wait, "locktype");
    const char *concurrently = rh_view_string(wait, "progress_phase"),
               *template_ = rh_view_string(wait, "template");
    rh_html_row(html, NULL);
    rh_html_figure(html, rh_view_printf(view, "%.2f s", rh_view_real(wait, "at_s")));
    rh_html_figure(html, rh_view_seconds(view, rh_view_real(wait, "wait_s")));
    rh_xml_open(html->xml, "td", NULL);
    rh_xml_textf(html->xml, "%s on %s", rh_view_mode(rh_view_string(wait, "mode")),
                 relation   ? relation
                 : locktype ? locktype
                            : "?");
    if (concurrently)
        rh_xml_element(html->xml, "div", concurrently, "class", "muted", NULL);
    if (rh_view_is(wait, "source", "server_log"))
        rh_xml_element(html->xml, "div", "from the server's log", "class", "muted", NULL);
    rh_xml_close(html->xml);
    rh_html_cell(html, rh_view_line(view, template_ ? template_ : rh_view_string(wait, "waiter"), 120));
    in_the_way(html, wait);
    rh_html_row_end(html);
}

static void every_wait(rh_html *html, const rh_json *contention, int64_t all)
{
    static const char *const columns[] = {"#At", "#Waited", "For the lock", "Victim", "In the way", NULL};
    const rh_view *view = &html->view;
    const rh_json *waits = rh_json_get(contention, "waits");
    rh_html_details(html,
                    all > WAITS_SHOWN ? rh_view_printf(view, "The longest %d waits, one by one", WAITS_SHOWN)
                                      : "Every wait, one by one",
                    false);
    rh_html_table(html,
                  all > WAITS_SHOWN
                      ? rh_view_printf(view, "The longest %d of %lld; all are in samples/waits.csv",
                                       WAITS_SHOWN, (long long)all)
                      : "The longest first; also in samples/waits.csv",
                  columns);
    rh_xml_open(html->xml, "tbody", NULL);
    for (size_t i = 0; i < rh_json_count(waits) && i < WAITS_SHOWN; i++)
        wait_row(html, rh_json_at(waits, i));
    rh_xml_close(html->xml);
    rh_html_table_end(html);
    rh_html_details_end(html);
}

static void server_log(rh_html *html, const rh_json *log)
{
    const rh_view *view = &html->view;
    const char *why_not = rh_view_string(log, "reason");
    if (!rh_json_bool(rh_json_get(log, "read"))) {
        rh_xml_textf(html->xml, " Not cross-checked with the server's log%s%s.", why_not ? ": " : "",
                     why_not ? why_not : "");
        return;
    }
    double off_ms = rh_view_real(log, "longest_difference_ms");
    rh_xml_textf(
        html->xml,
        " Cross-check: the server's own log has %lld waits of %s or more; the samples missed %lld of them%s.",
        (long long)rh_json_int(rh_json_get(log, "waits")),
        rh_view_seconds(view, rh_view_real(log, "threshold_ms") / 1e3),
        (long long)rh_json_int(rh_json_get(log, "merged")),
        isnan(off_ms) ? ""
                      : rh_view_printf(view, ", and the two differed by %s at most",
                                       rh_view_seconds(view, off_ms / 1e3)));
}

static void sampler(rh_html *html, const rh_json *contention)
{
    const rh_view *view = &html->view;
    const rh_json *s = rh_json_get(contention, "sampler");
    double cpu_s = rh_view_real(s, "cpu_s"), elapsed_s = rh_view_real(s, "elapsed_s");
    rh_xml_open(html->xml, "p", "class", "note", NULL);
    rh_xml_textf(html->xml, "The sampler took %s samples, every %s while a statement ran, and used %s of CPU",
                 rh_view_count_or(view, rh_json_int(rh_json_get(s, "samples")), "an unknown number of"),
                 rh_view_seconds(view, rh_view_real(s, "interval_ms") / 1e3), rh_view_seconds(view, cpu_s));
    if (elapsed_s > 0 && !isnan(cpu_s))
        rh_xml_textf(html->xml, " (%s of one core)", rh_view_percent(view, cpu_s / elapsed_s));
    rh_xml_textf(html->xml, ". It observed every wait of %s or longer; shorter ones may be missing. ",
                 rh_view_seconds(view, rh_view_real(s, "shortest_sure_wait_ms") / 1e3));
    rh_xml_text(html->xml, rh_json_bool(rh_json_get(s, "waitstart_available"))
                               ? "Waits are timed from the server's own waitstart."
                               : "This server has no waitstart: waits are timed from their first sample.");
    server_log(html, rh_json_get(contention, "server_log"));
    rh_xml_close(html->xml);
}

void rh_html_waits(rh_html *html)
{
    const rh_json *contention = rh_json_get(html->view.report, "contention");
    rh_html_section(html, "waits", "Lock waits: waiters and blockers");
    if (!contention) {
        rh_html_absent(html, "Lock waits", RH_UNMEASURED_LOAD);
        rh_html_section_end(html);
        return;
    }
    rh_html_paragraph(html, NULL, rh_view_contention(&html->view));
    waiters(html);
    blockers(html);
    rh_html_deadlocks(html);
    rh_html_cancelled(html);
    int64_t all = rh_json_int(rh_json_get(contention, "wait_count"));
    if (all > 0)
        every_wait(html, contention, all);
    sampler(html, contention);
    rh_html_section_end(html);
}
