/* Interrupted migrations. */
#include "html.h"
#include <string.h>

static const char *how_words(const rh_view *view, const rh_json *i)
{
    const char *how = rh_view_is(i, "kind", "server_restarted") ? "server crashed" : "connection lost";
    double after = rh_view_real(i, "after_s");
    const char *when = rh_json_bool(rh_json_get(i, "in_statement")) ? "into" : "after the start of";
    return rh_view_printf(view, "%s, %s %s statement %lld", how, rh_view_seconds_or(view, after, "too late"),
                          when, (long long)rh_json_int(rh_json_get(i, "statement")));
}

static const char *names(const rh_view *view, const rh_json *list)
{
    const char *text = NULL;
    for (size_t i = 0; i < rh_json_count(list) && i < 5; i++)
        text = rh_view_printf(view, "%s%s%s", text ? text : "", text ? ", " : "",
                              rh_view_line(view, rh_json_string(rh_json_at(list, i)), 80));
    if (rh_json_count(list) > 5)
        text = rh_view_printf(view, "%s and %zu more", text, rh_json_count(list) - 5);
    return text;
}

static const char *state_words(const rh_json *i)
{
    if (rh_view_is(i, "state", "as_before"))
        return "as before";
    if (!rh_view_is(i, "state", "applied"))
        return "partly applied";
    return rh_json_bool(rh_json_get(i, "in_statement")) ? "continued to its end"
                                                        : "completed before the interruption";
}

static const char *again_words(const rh_view *view, const rh_json *i)
{
    const char *again = rh_view_string(i, "rerun"), *repaired = rh_view_string(i, "rerun_after_repair");
    if (!again)
        return "not tried";
    if (!repaired)
        return again;
    return rh_view_printf(view, "%s; after the history table is repaired: %s", again, repaired);
}

void rh_html_left_behind(rh_html *html, const rh_json *interruption)
{
    if (rh_view_is(interruption, "state", "as_before"))
        return;
    rh_xml_open(html->xml, "ul", NULL);
    rh_html_data(html, rh_json_get(interruption, "data"));
    rh_html_differences(html, rh_json_get(interruption, "differences"));
    rh_xml_close(html->xml);
}

static void under(rh_html *html, const rh_json *i)
{
    const char *error = rh_view_string(i, "error"),
               *still = names(&html->view, rh_json_get(i, "invalid_after_rerun"));
    if (!error && !still && rh_view_is(i, "state", "as_before"))
        return;
    rh_html_row(html, "under");
    rh_xml_open(html->xml, "td", "colspan", "6", NULL);
    if (error)
        rh_html_paragraph(html, NULL, rh_view_line(&html->view, error, 0));
    if (still)
        rh_html_paragraph(html, "bad",
                          rh_view_printf(&html->view, "Invalid even after running it again: %s.", still));
    rh_html_left_behind(html, i);
    rh_xml_close(html->xml);
    rh_html_row_end(html);
}

static void row(rh_html *html, const rh_view_migration *m, const rh_json *i)
{
    const rh_view *view = &html->view;
    const char *invalid = names(view, rh_json_get(i, "invalid_indexes")),
               *history = rh_view_string(i, "history");
    bool good = rh_view_is(i, "rerun", "ok") && rh_json_count(rh_json_get(i, "invalid_after_rerun")) == 0;
    rh_xml_open(html->xml, "tbody", NULL);
    rh_html_row(html, NULL);
    rh_html_cell(html, rh_view_line(view, m->title, 80));
    rh_html_cell(html, how_words(view, i));
    rh_html_cell(html, state_words(i));
    rh_html_cell(html, invalid ? invalid : "none");
    rh_html_cell(html, history ? rh_view_line(view, history, 200) : "none kept");
    rh_xml_open(html->xml, "td", NULL);
    rh_xml_element(html->xml, "span", again_words(view, i), "class", good ? "good" : "warn", NULL);
    rh_xml_close(html->xml);
    rh_html_row_end(html);
    under(html, i);
    rh_xml_close(html->xml);
}

void rh_html_interruptions(rh_html *html)
{
    static const char *const columns[] = {"Migration",     "Interruption", "State found", "Invalid indexes",
                                          "History table", "Run again",    NULL};
    if (!rh_json_bool(rh_json_path(html->view.report, "scenario.interrupt")))
        return;
    rh_html_section(html, "interruptions", "Interrupted");
    const char *sentence = rh_view_interruptions(&html->view);
    if (!sentence) {
        rh_html_absent(html, "Interruption", RH_UNMEASURED_INTERRUPTION);
    } else {
        rh_html_paragraph(html, NULL, sentence);
        rh_html_table(html,
                      "Each migration was killed in the middle of its longest statement, then run again",
                      columns);
        for (size_t m = 0; m < html->view.migration_count; m++) {
            const rh_json *list = rh_json_get(html->view.migrations[m].record, "interruptions");
            for (size_t i = 0; i < rh_json_count(list); i++)
                row(html, &html->view.migrations[m], rh_json_at(list, i));
        }
        rh_html_table_end(html);
    }
    rh_html_section_end(html);
}
