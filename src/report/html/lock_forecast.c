/* The forecast of lock waits on production, part of the prediction. */
#include "html.h"
#include <math.h>
#include <stdlib.h>

enum { ROWS_SHOWN = 12 };

static double figure(const rh_json *row, const char *key)
{
    double value = rh_view_real(row, key);
    return isnan(value) ? -1 : value;
}

static int longest_blocked(const void *left, const void *right)
{
    const rh_json *a = *(const rh_json *const *)left, *b = *(const rh_json *const *)right;
    double x = figure(a, "blocked_high_s"), y = figure(b, "blocked_high_s");
    if (x == y) {
        x = figure(a, "blocked_s");
        y = figure(b, "blocked_s");
    }
    return (x < y) - (x > y);
}

static void two_lines(rh_html *html, const char *above, const char *below)
{
    rh_xml_open(html->xml, "td", "class", "f", NULL);
    rh_xml_text(html->xml, above);
    if (below)
        rh_xml_element(html->xml, "div", below, "class", "muted", NULL);
    rh_xml_close(html->xml);
}

/* "97 % within 1 s": the first moment by which it is nearly sure, or else the last that is known. */
static const char *chance(const rh_view *view, const rh_json *row)
{
    const rh_json *list = rh_json_get(row, "granted_within"), *last = NULL;
    for (size_t i = 0; i < rh_json_count(list); i++) {
        last = rh_json_at(list, i);
        if (rh_view_real(last, "probability") >= 0.95)
            break;
    }
    if (!last)
        return "–";
    return rh_view_printf(view, "%s within %s", rh_view_percent(view, rh_view_real(last, "probability")),
                          rh_view_seconds(view, rh_view_real(last, "t_s")));
}

static const char *attempts(const rh_view *view, const rh_json *row)
{
    double timeout_s = rh_view_real(row, "lock_timeout_s"), tries = rh_view_real(row, "attempts");
    if (isnan(timeout_s))
        return NULL;
    if (timeout_s == 0)
        return "no lock_timeout";
    if (isnan(tries))
        return rh_view_real(row, "granted_probability") == 0
                   ? rh_view_printf(view, "never within lock_timeout %s", rh_view_seconds(view, timeout_s))
                   : NULL;
    return rh_view_printf(view, "%.1f attempts at lock_timeout %s", tries, rh_view_seconds(view, timeout_s));
}

static void queue_cells(rh_html *html, const rh_json *row)
{
    const rh_view *view = &html->view;
    double waiting = rh_view_real(row, "queued_connections"), out_s = rh_view_real(row, "pool_exhausted_s"),
           drain_s = rh_view_real(row, "drain_s");
    rh_xml_open(html->xml, "td", "class", "f", NULL);
    rh_xml_text(html->xml, isnan(waiting) ? "–" : rh_view_printf(view, "%.0f", waiting));
    if (!isnan(out_s))
        rh_xml_element(html->xml, "div",
                       rh_view_printf(view, "none free after %s", rh_view_seconds(view, out_s)), "class",
                       "bad", NULL);
    rh_xml_close(html->xml);
    bool never = !rh_json_bool(rh_json_get(row, "drains"));
    rh_html_figure_marked(html, never ? "never" : rh_view_seconds_or(view, drain_s, "–"),
                          never ? "bad" : NULL);
}

static void forecast_row(rh_html *html, const rh_json *row)
{
    const rh_view *view = &html->view;
    const char *migration = rh_view_string(row, "migration"),
               *unknown = rh_view_string(row, "unknown_reason");
    const char *relation = rh_view_string(row, "relation");
    bool concurrent = rh_json_bool(rh_json_get(row, "concurrent"));
    double high_s = rh_view_real(row, "blocked_high_s"), wait_high_s = rh_view_real(row, "wait_high_s");
    rh_html_row(html, NULL);
    rh_xml_open(html->xml, "td", NULL);
    rh_xml_textf(html->xml, "%s.%lld", rh_view_line(view, migration ? migration : "?", 40),
                 (long long)rh_json_int(rh_json_get(row, "statement")));
    rh_xml_element(html->xml, "div",
                   rh_view_printf(view, "%s on %s%s", rh_view_mode(rh_view_string(row, "mode")),
                                  relation ? relation : "?",
                                  rh_json_bool(rh_json_get(row, "inferred")) ? " (inferred)" : ""),
                   "class", "muted", NULL);
    if (unknown)
        rh_xml_element(html->xml, "div", rh_view_printf(view, "Not known: %s", unknown), "class", "warn",
                       NULL);
    rh_xml_close(html->xml);
    two_lines(html, chance(view, row), attempts(view, row));
    two_lines(html, rh_view_seconds_or(view, rh_view_real(row, "wait_s"), "–"),
              isnan(wait_high_s) ? NULL
                                 : rh_view_printf(view, "at most %s", rh_view_seconds(view, wait_high_s)));
    two_lines(html, concurrent ? "none" : rh_view_seconds_or(view, rh_view_real(row, "blocked_s"), "–"),
              concurrent || isnan(high_s)
                  ? NULL
                  : rh_view_printf(view, "at most %s", rh_view_seconds(view, high_s)));
    rh_html_cell(html, concurrent                                        ? "–"
                       : rh_json_bool(rh_json_get(row, "blocks_reads"))  ? "reads and writes"
                       : rh_json_bool(rh_json_get(row, "blocks_writes")) ? "writes"
                                                                         : "neither");
    queue_cells(html, row);
    rh_html_row_end(html);
}

void rh_html_lock_forecast(rh_html *html)
{
    static const char *const columns[] = {
        "Statement",           "#Lock granted",        "#Wait", "#Others blocked", "Blocks",
        "#Connections queued", "#Queue drained after", NULL};
    const rh_view *view = &html->view;
    const rh_json *locks = rh_json_path(view->report, "production.locks"),
                  *list = rh_json_get(locks, "statements");
    size_t count = rh_json_count(list);
    if (!locks)
        return;
    rh_xml_element(html->xml, "h3", "Lock waits on production", NULL);
    const char *unknown = rh_view_string(locks, "unknown_reason");
    if (unknown)
        rh_html_paragraph(html, "note",
                          rh_view_printf(view, "The longest blocked time is not known: %s.", unknown));
    if (count == 0) {
        rh_html_paragraph(html, NULL,
                          "No statement waits for a lock on production or makes other sessions wait.");
        return;
    }
    const rh_json **order = rh_arena_alloc(view->arena, count * sizeof *order);
    for (size_t i = 0; i < count; i++)
        order[i] = rh_json_at(list, i);
    qsort(order, count, sizeof *order, longest_blocked);
    double connections = rh_view_real(locks, "connections");
    const char *from = rh_view_string(locks, "connections_basis");
    rh_html_table(
        html,
        rh_view_printf(
            view,
            "From production's own transactions and rates; “At most” holds at a level of %s. The pool: %s. The longest first.",
            rh_view_percent(view, rh_view_real(locks, "level")),
            isnan(connections)
                ? "not known"
                : rh_view_printf(view, "%.0f connections (%s)", connections, from ? from : "?")),
        columns);
    rh_xml_open(html->xml, "tbody", NULL);
    for (size_t i = 0; i < count && i < ROWS_SHOWN; i++)
        forecast_row(html, order[i]);
    rh_xml_close(html->xml);
    rh_html_table_end(html);
    rh_html_more(html, ROWS_SHOWN, count);
    const char *basis = rh_view_string(order[0], "basis");
    if (basis)
        rh_html_paragraph(html, "note", rh_view_printf(view, "Basis: %s.", basis));
}
