/* Compatibility of the running and the next release. */
#include "html.h"
#include <math.h>

enum { ROWS_SHOWN = 30 };

static const char *when(const rh_view *view, const rh_json *row)
{
    const char *broken = rh_view_string(row, "broken_by"), *mended = rh_view_string(row, "fixed_by");
    const char *from = broken ? rh_view_printf(view, "after %s", rh_view_line(view, broken, 50))
                              : "before the first migration";
    return mended ? rh_view_printf(view, "%s, until %s", from, rh_view_line(view, mended, 50))
                  : rh_view_printf(view, "%s, to the end", from);
}

/* What to do about it: deploy order, or the migration. */
static const char *advice(const rh_json *row)
{
    if (rh_view_is(row, "application", "next"))
        return rh_view_string(row, "fixed_by") ? "deploy the next release only after that migration"
                                               : "the next release does not fit the new schema";
    return "split the migration: expand first, contract once no old release runs";
}

static void incompatibility_row(rh_html *html, const rh_json *row)
{
    const rh_view *view = &html->view;
    const char *sqlstate = rh_view_string(row, "sqlstate"), *message = rh_view_string(row, "message");
    rh_html_row(html, NULL);
    rh_html_cell(html, rh_view_is(row, "application", "next") ? "next" : "running");
    rh_xml_open(html->xml, "td", NULL);
    rh_xml_text(html->xml, rh_view_line(view, rh_view_string(row, "template"), 100));
    rh_html_sql(html, rh_view_string(row, "sql"));
    rh_xml_close(html->xml);
    rh_html_figure(html, rh_view_percent(view, rh_view_real(row, "share")));
    rh_html_cell(html, when(view, row));
    rh_xml_open(html->xml, "td", NULL);
    rh_xml_textf(html->xml, "%s%s%s%s", rh_view_line(view, message ? message : "no message", 200),
                 sqlstate ? " (" : "", sqlstate ? sqlstate : "", sqlstate ? ")" : "");
    int64_t failed = rh_json_int(rh_json_get(row, "failed")), tried = rh_json_int(rh_json_get(row, "tried"));
    rh_xml_element(html->xml, "div",
                   rh_view_printf(view, "%lld of %lld calls; to do: %s", (long long)failed, (long long)tried,
                                  advice(row)),
                   "class", "muted", NULL);
    rh_xml_close(html->xml);
    rh_html_row_end(html);
}

void rh_html_compatibility(rh_html *html)
{
    static const char *const columns[] = {"Release", "Its statement", "#Share of calls",
                                          "Fails",   "How",           NULL};
    const rh_json *c = rh_json_get(html->view.report, "compatibility"),
                  *list = rh_json_get(c, "incompatibilities");
    if (!c)
        return;
    rh_html_section(html, "compatibility",
                    "Compatibility: the old release on the new schema, and the new on the old");
    rh_html_paragraph(html, NULL, rh_view_compatibility(&html->view));
    if (rh_json_count(list)) {
        rh_html_table(html, "Statements that fail on the schema of another release", columns);
        rh_xml_open(html->xml, "tbody", NULL);
        for (size_t i = 0; i < rh_json_count(list) && i < ROWS_SHOWN; i++)
            incompatibility_row(html, rh_json_at(list, i));
        rh_xml_close(html->xml);
        rh_html_table_end(html);
        rh_html_more(html, ROWS_SHOWN, rh_json_count(list));
    }
    rh_html_section_end(html);
}
