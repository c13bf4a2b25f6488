/* The trials of each lock_timeout, their effect, and the recommended one. */
#include "html.h"
#include <math.h>

enum { CASES_SHOWN = 12 };

static const char *timeout_of(const rh_view *view, const rh_json *policy)
{
    return rh_view_seconds_or(view, rh_view_real(policy, "lock_timeout_s"), "none");
}

static void policy_row(rh_html *html, const rh_json *p)
{
    const rh_view *view = &html->view;
    int64_t tries = rh_json_int(rh_json_get(p, "trials")),
            successes = rh_json_int(rh_json_get(p, "successes"));
    int64_t most = rh_json_int(rh_json_get(p, "attempts_max")),
            errors = rh_json_int(rh_json_get(p, "load_errors"));
    bool recommended = rh_json_bool(rh_json_get(p, "recommended"));
    const char *failure = rh_view_string(p, "failure");
    rh_html_row(html, NULL);
    rh_xml_open(html->xml, "td", "class", "f", NULL);
    rh_xml_element(html->xml, recommended ? "strong" : "span", timeout_of(view, p), NULL);
    rh_xml_close(html->xml);
    rh_html_figure_marked(html, rh_view_printf(view, "%lld of %lld", (long long)successes, (long long)tries),
                          successes < tries ? "bad" : NULL);
    double mean = rh_view_real(p, "attempts_mean");
    rh_html_figure(html, isnan(mean) || most < 0
                             ? "–"
                             : rh_view_printf(view, "%.1f (at most %lld)", mean, (long long)most));
    double median_s = rh_view_real(p, "total_s_median"), max_s = rh_view_real(p, "total_s_max");
    rh_html_figure(html, isnan(median_s)
                             ? "–"
                             : rh_view_printf(view, "%s (at most %s)", rh_view_seconds(view, median_s),
                                              rh_view_seconds_or(view, max_s, "?")));
    rh_html_figure(html, rh_view_seconds_or(view, rh_view_real(p, "response_p99_ms") / 1e3, "–"));
    double worst_s = rh_view_real(p, "response_max_ms") / 1e3;
    rh_html_figure_marked(html, rh_view_seconds_or(view, worst_s, "–"),
                          worst_s >= 1     ? "bad"
                          : worst_s >= 0.5 ? "warn"
                                           : NULL);
    rh_html_figure_marked(html, rh_view_count_or(view, errors, "–"), errors > 0 ? "bad" : NULL);
    rh_xml_open(html->xml, "td", NULL);
    if (recommended)
        rh_xml_element(html->xml, "span", "use this one", "class", "good", NULL);
    else if (failure)
        rh_xml_element(html->xml, "span", rh_view_line(view, failure, 120), "class", "muted", NULL);
    rh_xml_close(html->xml);
    rh_html_row_end(html);
}

static void policies(rh_html *html, const char *caption, const rh_json *list)
{
    static const char *const columns[] = {"#lock_timeout", "#Succeeded", "#Attempts",
                                          "#Total time",   "#Load p99",  "#Worst response",
                                          "#Errors",       "",           NULL};
    rh_html_table(html, caption, columns);
    rh_xml_open(html->xml, "tbody", NULL);
    for (size_t i = 0; i < rh_json_count(list); i++)
        policy_row(html, rh_json_at(list, i));
    rh_xml_close(html->xml);
    rh_html_table_end(html);
}

static void settings(rh_html *html, const rh_json *search)
{
    const rh_json *list = rh_json_get(search, "settings");
    for (size_t i = 0; i < rh_json_count(list); i++) {
        const rh_json *setting = rh_json_at(list, i);
        const char *where = rh_view_string(setting, "target"), *text = rh_view_string(setting, "text");
        rh_xml_element(html->xml, "h3",
                       rh_view_printf(&html->view, "Ready to paste, %s", where ? where : "?"), NULL);
        rh_xml_element(html->xml, "pre", text ? text : "", NULL);
    }
}

static void invalid_indexes(rh_html *html, const rh_json *found)
{
    const rh_json *list = rh_json_get(found, "invalid_indexes");
    for (size_t i = 0; i < rh_json_count(list); i++) {
        const rh_json *index = rh_json_at(list, i);
        bool dropped = rh_json_bool(rh_json_get(index, "dropped"));
        const char *name = rh_view_string(index, "name");
        rh_html_paragraph(
            html, dropped ? "note" : "bad",
            rh_view_printf(
                &html->view,
                dropped
                    ? "An attempt that timed out left the invalid index %s; it was dropped before the next. "
                      "On production: DROP INDEX CONCURRENTLY."
                    : "An attempt that timed out left the invalid index %s, and it could not be dropped.",
                name ? name : "?"));
    }
}

static void case_details(rh_html *html, const rh_json *found)
{
    const rh_view *view = &html->view;
    const char *migration = rh_view_string(found, "migration"), *relation = rh_view_string(found, "relation");
    int64_t first = rh_json_int(rh_json_get(found, "first_statement")),
            last = rh_json_int(rh_json_get(found, "last_statement")),
            best = rh_json_int(rh_json_get(found, "recommended"));
    const rh_json *list = rh_json_get(found, "policies");
    const char *which =
        first == last ? rh_view_printf(view, "statement %lld", (long long)first)
                      : rh_view_printf(view, "statements %lld to %lld", (long long)first, (long long)last);
    rh_html_details(
        html,
        rh_view_printf(view, "%s, %s: %s on %s; %s", rh_view_line(view, migration ? migration : "?", 60),
                       which, rh_view_mode(rh_view_string(found, "mode")), relation ? relation : "?",
                       best >= 0 ? rh_view_printf(view, "lock_timeout %s",
                                                  timeout_of(view, rh_json_at(list, (size_t)best)))
                                 : "none succeeded in every trial"),
        false);
    rh_html_sql(html, rh_view_string(found, "statement"));
    if (rh_view_string(found, "reason"))
        rh_html_paragraph(html, NULL, rh_view_printf(view, "Why: %s.", rh_view_string(found, "reason")));
    policies(html, "Each lock_timeout on this transaction alone", list);
    invalid_indexes(html, found);
    rh_html_details_end(html);
}

void rh_html_lock_policy(rh_html *html)
{
    const rh_view *view = &html->view;
    const rh_json *search = rh_json_get(view->report, "lock_policy"), *cases = rh_json_get(search, "cases");
    if (!search)
        return;
    rh_html_section(html, "lock-policy", "Lock policy: which lock_timeout to use");
    rh_html_paragraph(html, "headline", rh_view_lock_policy(view));
    if (rh_json_bool(rh_json_get(search, "measured"))) {
        settings(html, search);
        const char *backoff = rh_view_string(search, "backoff");
        policies(
            html,
            rh_view_printf(
                view,
                "All transactions together: up to %lld attempts a trial, pauses of %s; %.0f transactions per second%s",
                (long long)rh_json_int(rh_json_get(search, "attempts")), backoff ? backoff : "none",
                rh_view_real(search, "rate_per_s"),
                rh_json_bool(rh_json_get(search, "with_disturbers")) ? ", together with the disturbers" : ""),
            rh_json_get(search, "overall"));
    }
    for (size_t i = 0; i < rh_json_count(cases) && i < CASES_SHOWN; i++)
        case_details(html, rh_json_at(cases, i));
    rh_html_more(html, CASES_SHOWN, rh_json_count(cases));
    const rh_json *not_tried = rh_json_get(search, "not_tried");
    for (size_t i = 0; i < rh_json_count(not_tried) && i < CASES_SHOWN; i++)
        rh_html_paragraph(html, "note",
                          rh_view_printf(view, "Not tried: %s.", rh_json_string(rh_json_at(not_tried, i))));
    rh_html_more(html, CASES_SHOWN, rh_json_count(not_tried));
    rh_html_section_end(html);
}
