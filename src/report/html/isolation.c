/* The confinement of the staging server, as probed before it first started. */
#include "html.h"

static void layers(rh_html *html, const rh_json *list)
{
    static const char *const columns[] = {"Layer", "Active", "Detail", NULL};
    rh_html_table(html, "Layers of the isolation", columns);
    rh_xml_open(html->xml, "tbody", NULL);
    for (size_t i = 0; i < rh_json_count(list); i++) {
        const rh_json *layer = rh_json_at(list, i);
        rh_html_row(html, NULL);
        rh_html_cell(html, rh_view_string(layer, "name"));
        rh_html_cell(html, rh_json_bool(rh_json_get(layer, "active")) ? "yes" : "no");
        rh_html_cell(html, rh_view_string(layer, "detail"));
        rh_html_row_end(html);
    }
    rh_xml_close(html->xml);
    rh_html_table_end(html);
}

static void attempts(rh_html *html, const rh_json *list)
{
    static const char *const columns[] = {"Attempt", "Confined", "Same account, not confined", NULL};
    rh_html_table(html, "Attempts to leave the confinement, before the server first started", columns);
    rh_xml_open(html->xml, "tbody", NULL);
    for (size_t i = 0; i < rh_json_count(list); i++) {
        const rh_json *attempt = rh_json_at(list, i);
        bool succeeded = rh_json_bool(rh_json_get(attempt, "succeeded"));
        rh_html_row(html, NULL);
        rh_html_cell(html, rh_view_string(attempt, "attempt"));
        rh_xml_open(html->xml, "td", NULL);
        rh_xml_element(html->xml, "span", succeeded ? "succeeded" : "denied", "class",
                       succeeded ? "bad" : "good", NULL);
        rh_xml_close(html->xml);
        rh_html_cell(html,
                     rh_json_bool(rh_json_get(attempt, "succeeded_unconfined")) ? "succeeded" : "denied");
        rh_html_row_end(html);
    }
    rh_xml_close(html->xml);
    rh_html_table_end(html);
}

void rh_html_isolation(rh_html *html, const rh_json *isolation)
{
    if (rh_json_count(rh_json_get(isolation, "attempts")) == 0)
        return;
    layers(html, rh_json_get(isolation, "layers"));
    attempts(html, rh_json_get(isolation, "attempts"));
}
