/* Concurrent runners: whether the program's advisory lock serialised them. */
#include "html.h"
#include <math.h>

enum { DIFFERENCES_SHOWN = 10 };

static void runner_row(rh_html *html, const rh_json *runner, size_t number)
{
    const rh_view *view = &html->view;
    int64_t status = rh_json_int(rh_json_get(runner, "exit_status"));
    double wait_s = rh_view_real(runner, "lock_wait_s");
    const char *waited_for = rh_view_string(runner, "waited_for"), *output = rh_view_string(runner, "output");
    rh_html_row(html, NULL);
    rh_html_figure(html, rh_view_printf(view, "%zu", number));
    rh_html_figure_marked(html, rh_view_printf(view, "%lld", (long long)status), status ? "bad" : NULL);
    rh_html_figure(html, rh_view_seconds_or(view, rh_view_real(runner, "elapsed_s"), "–"));
    rh_html_figure(html, rh_view_count_or(view, rh_json_int(rh_json_get(runner, "statements")), "–"));
    rh_html_figure(html, rh_view_count_or(view, rh_json_int(rh_json_get(runner, "changes")), "–"));
    rh_html_cell(html, wait_s > 0 ? rh_view_printf(view, "%s for %s", rh_view_seconds(view, wait_s),
                                                   waited_for ? rh_view_line(view, waited_for, 80) : "a lock")
                                  : "–");
    rh_html_cell(html, output ? rh_view_line(view, output, 200) : "–");
    rh_html_row_end(html);
}

void rh_html_runners(rh_html *html)
{
    static const char *const columns[] = {"#Program", "#Exit status", "#Took",     "#Statements",
                                          "#Changes", "Waited",       "Said last", NULL};
    const rh_view *view = &html->view;
    const rh_json *record = rh_json_get(view->report, "concurrent_runners"),
                  *list = rh_json_get(record, "runners");
    if (!record)
        return;
    bool bad = rh_view_is(record, "outcome", "both_ran") || rh_view_is(record, "outcome", "collided");
    rh_html_section(html, "runners", "Concurrent runners");
    rh_html_paragraph(html, bad ? "bad" : NULL, rh_view_runners(view));
    rh_html_table(html, "Programs started at the same time", columns);
    rh_xml_open(html->xml, "tbody", NULL);
    for (size_t i = 0; i < rh_json_count(list); i++)
        runner_row(html, rh_json_at(list, i), i + 1);
    rh_xml_close(html->xml);
    rh_html_table_end(html);
    const char *sql = rh_view_string(record, "repeated_sql");
    if (sql) {
        rh_html_paragraph(html, NULL,
                          rh_view_printf(view, "%lld changes were made more than once, the first:",
                                         (long long)rh_json_int(rh_json_get(record, "repeated_changes"))));
        rh_html_sql(html, sql);
    }
    const rh_json *rows = rh_json_get(record, "row_differences"),
                  *schema = rh_json_get(record, "differences");
    if (rh_json_count(rows) + rh_json_count(schema) > 0) {
        rh_html_paragraph(html, NULL, "Differences from a run of one program alone:");
        rh_xml_open(html->xml, "ul", NULL);
        rh_html_differences(html, schema);
        for (size_t i = 0; i < rh_json_count(rows) && i < DIFFERENCES_SHOWN; i++)
            rh_xml_element(html->xml, "li", rh_json_string(rh_json_at(rows, i)), NULL);
        rh_xml_close(html->xml);
        rh_html_more(html, DIFFERENCES_SHOWN, rh_json_count(rows));
    }
    rh_html_section_end(html);
}
