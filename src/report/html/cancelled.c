/* Deadlocks with their sessions, and statements that a timeout cancelled. */
#include "html.h"
#include <math.h>

enum { DEADLOCKS_SHOWN = 5, CANCELLED_SHOWN = 12 };

static const char *lock_of(const rh_view *view, const rh_json *row)
{
    const char *mode = rh_view_string(row, "mode"), *relation = rh_view_string(row, "relation"),
               *locktype = rh_view_string(row, "locktype");
    if (!mode && !relation && !locktype)
        return "–";
    return rh_view_printf(view, "%s on %s", mode ? rh_view_mode(mode) : "a lock",
                          relation   ? relation
                          : locktype ? locktype
                                     : "?");
}

static void side(rh_html *html, const rh_json *deadlock, const rh_json *s, bool first, size_t sides)
{
    const rh_view *view = &html->view;
    const char *name = rh_view_string(s, "name"), *sql = rh_view_string(s, "sql");
    rh_html_row(html, NULL);
    if (first) {
        rh_xml_open(html->xml, "td", "class", "f", "rowspan", rh_view_printf(view, "%zu", sides), NULL);
        rh_xml_textf(html->xml, "%.2f s", rh_view_real(deadlock, "at_s"));
        rh_xml_close(html->xml);
    }
    rh_xml_open(html->xml, "td", NULL);
    rh_xml_text(html->xml, name ? rh_view_line(view, name, 80) : "another session");
    if (sql)
        rh_xml_element(html->xml, "code", rh_view_line(view, sql, 200), "class", "sql", NULL);
    rh_xml_close(html->xml);
    rh_html_cell(html, lock_of(view, s));
    rh_xml_open(html->xml, "td", NULL);
    bool waiter = rh_json_bool(rh_json_get(s, "is_victim"));
    rh_xml_element(html->xml, "span", waiter ? "aborted by the server" : "went on", "class",
                   waiter ? "bad" : NULL, NULL);
    rh_xml_close(html->xml);
    rh_html_row_end(html);
}

void rh_html_deadlocks(rh_html *html)
{
    static const char *const columns[] = {"#At", "Session", "Waited for", "Result", NULL};
    const rh_json *list = rh_json_path(html->view.report, "contention.deadlocks");
    size_t count = rh_json_count(list);
    if (count == 0)
        return;
    rh_html_table(html, "Deadlocks: each session held a lock that the other waited for", columns);
    for (size_t i = 0; i < count && i < DEADLOCKS_SHOWN; i++) {
        const rh_json *deadlock = rh_json_at(list, i), *sides = rh_json_get(deadlock, "participants");
        rh_xml_open(html->xml, "tbody", NULL);
        for (size_t k = 0; k < rh_json_count(sides); k++)
            side(html, deadlock, rh_json_at(sides, k), k == 0, rh_json_count(sides));
        rh_xml_close(html->xml);
    }
    rh_html_table_end(html);
    rh_html_more(html, DEADLOCKS_SHOWN, count);
}

void rh_html_cancelled(rh_html *html)
{
    static const char *const columns[] = {"#At", "Session", "Ended by", "#Waited", "For", "Blocker", NULL};
    const rh_view *view = &html->view;
    const rh_json *list = rh_json_path(view->report, "contention.cancelled");
    size_t count = rh_json_count(list);
    if (count == 0)
        return;
    rh_html_table(html, "Statements that a timeout or a deadlock ended", columns);
    rh_xml_open(html->xml, "tbody", NULL);
    for (size_t i = 0; i < count && i < CANCELLED_SHOWN; i++) {
        const rh_json *c = rh_json_at(list, i);
        const char *reason = rh_view_string(c, "reason"), *sqlstate = rh_view_string(c, "sqlstate");
        const char *blocker = rh_view_string(c, "blocker");
        rh_html_row(html, NULL);
        rh_html_figure(html, rh_view_printf(view, "%.2f s", rh_view_real(c, "at_s")));
        rh_html_cell(html, rh_view_line(view, rh_view_string(c, "session"), 80));
        rh_html_cell(html, rh_view_printf(view, "%s (%s)", reason ? reason : "?", sqlstate ? sqlstate : "?"));
        rh_html_figure(html, rh_view_seconds_or(view, rh_view_real(c, "wait_s"), "–"));
        rh_html_cell(html, lock_of(view, c));
        rh_html_cell(html, blocker ? rh_view_line(view, blocker, 80) : "–");
        rh_html_row_end(html);
    }
    rh_xml_close(html->xml);
    rh_html_table_end(html);
    rh_html_more(html, CANCELLED_SHOWN, count);
}
