#include "html.h"
#include "pgrehearse/base/utf8.h"
#include <ctype.h>
#include <string.h>

enum { SQL_SHORT = 400, SQL_MAX = 6000 };

void rh_html_section(rh_html *html, const char *id, const char *title)
{
    rh_xml_open(html->xml, "section", "id", id, "aria-labelledby",
                rh_view_printf(&html->view, "%s-title", id), NULL);
    rh_xml_element(html->xml, "h2", title, "id", rh_view_printf(&html->view, "%s-title", id), NULL);
}

void rh_html_section_end(rh_html *html)
{
    rh_xml_close(html->xml);
}

void rh_html_paragraph(rh_html *html, const char *class_, const char *text)
{
    rh_xml_element(html->xml, "p", text, "class", class_, NULL);
}

static bool mentions(const char *sentence, const char *keyword)
{
    size_t length = strlen(keyword);
    for (; sentence && *sentence; sentence++)
        if (strncasecmp(sentence, keyword, length) == 0)
            return true;
    return false;
}

static const char *reason_for(rh_html *html, const char *keyword)
{
    const rh_json *sentences = rh_json_get(html->view.report, "not_measured");
    for (size_t i = 0; i < rh_json_count(sentences); i++)
        if (mentions(rh_json_string(rh_json_at(sentences, i)), keyword))
            return rh_json_string(rh_json_at(sentences, i));
    const char *what;
    if (rh_view_is(html->view.report, "verdict", "refused"))
        return "the run was refused";
    if (rh_view_first_failure(&html->view, &what))
        return rh_view_printf(&html->view, "%s failed before it", what);
    return "this run did not do it";
}

void rh_html_absent(rh_html *html, const char *what, const char *keyword)
{
    rh_xml_open(html->xml, "p", "class", "absent", NULL);
    rh_xml_textf(html->xml, "%s: not measured (%s).", what, reason_for(html, keyword));
    rh_xml_close(html->xml);
}

void rh_html_table(rh_html *html, const char *caption, const char *const *columns)
{
    rh_xml_open(html->xml, "div", "class", "scroll", "role", "region", "tabindex", "0", "aria-label", caption,
                NULL);
    rh_xml_open(html->xml, "table", NULL);
    rh_xml_element(html->xml, "caption", caption, NULL);
    rh_xml_open(html->xml, "thead", NULL);
    rh_xml_open(html->xml, "tr", NULL);
    for (size_t i = 0; columns[i]; i++) {
        bool figure = columns[i][0] == '#';
        rh_xml_element(html->xml, "th", columns[i] + figure, "scope", "col", "class", figure ? "f" : NULL,
                       NULL);
    }
    rh_xml_close(html->xml);
    rh_xml_close(html->xml);
}

void rh_html_table_end(rh_html *html)
{
    rh_xml_close(html->xml);
    rh_xml_close(html->xml);
}

void rh_html_row(rh_html *html, const char *class_)
{
    rh_xml_open(html->xml, "tr", "class", class_, NULL);
}

void rh_html_row_end(rh_html *html)
{
    rh_xml_close(html->xml);
}

void rh_html_cell(rh_html *html, const char *text)
{
    rh_xml_element(html->xml, "td", text, NULL);
}

void rh_html_figure(rh_html *html, const char *text)
{
    rh_html_figure_marked(html, text, NULL);
}

void rh_html_figure_marked(rh_html *html, const char *text, const char *class_)
{
    rh_xml_open(html->xml, "td", "class", "f", NULL);
    if (class_)
        rh_xml_element(html->xml, "span", text, "class", class_, NULL);
    else
        rh_xml_text(html->xml, text);
    rh_xml_close(html->xml);
}

void rh_html_sql(rh_html *html, const char *sql)
{
    if (!sql) {
        rh_xml_element(html->xml, "span", "text withheld", "class", "muted", NULL);
        return;
    }
    size_t length = rh_utf8_length(sql);
    if (length <= SQL_SHORT) {
        rh_xml_element(html->xml, "code", sql, "class", "sql", NULL);
        return;
    }
    rh_xml_open(html->xml, "details", NULL);
    rh_xml_open(html->xml, "summary", NULL);
    rh_xml_element(html->xml, "code", rh_view_line(&html->view, sql, 160), NULL);
    rh_xml_close(html->xml);
    const char *shown = length <= SQL_MAX ? sql : rh_view_printf(&html->view, "%.*s", SQL_MAX, sql);
    rh_xml_element(html->xml, "code", shown, "class", "sql", NULL);
    if (length > SQL_MAX)
        rh_xml_element(html->xml, "span",
                       rh_view_printf(&html->view, "the first %d of %zu characters", SQL_MAX, length),
                       "class", "muted", NULL);
    rh_xml_close(html->xml);
}

/* What was measured is of the statement, so it is said once. */
void rh_html_hazards(rh_html *html, const rh_json *statement)
{
    const rh_json *hazards = rh_json_get(statement, "hazards");
    const char *said = "";
    if (rh_json_count(hazards) == 0)
        return;
    rh_xml_open(html->xml, "ul", "class", "hazards", NULL);
    for (size_t i = 0; i < rh_json_count(hazards); i++) {
        const rh_json *hazard = rh_json_at(hazards, i);
        const char *evidence = rh_view_string(hazard, "evidence"), *safer = rh_view_string(hazard, "safer");
        rh_xml_open(html->xml, "li", NULL);
        rh_xml_element(html->xml, "span", rh_view_string(hazard, "rule"), "class", "rule", NULL);
        rh_xml_textf(html->xml, ": %s", rh_view_line(&html->view, rh_view_string(hazard, "message"), 0));
        if (evidence && strcmp(evidence, said) != 0)
            rh_xml_textf(html->xml, " Measured: %s.", rh_view_line(&html->view, evidence, 0));
        said = evidence ? evidence : said;
        if (safer) {
            rh_xml_element(html->xml, "span", " Safer:", "class", "good", NULL);
            rh_xml_textf(html->xml, " %s", rh_view_line(&html->view, safer, 0));
        }
        rh_xml_close(html->xml);
    }
    rh_xml_close(html->xml);
}

void rh_html_hazard_names(rh_html *html, const rh_json *statement)
{
    const rh_json *hazards = rh_json_get(statement, "hazards");
    for (size_t i = 0; i < rh_json_count(hazards); i++) {
        rh_xml_text(html->xml, i ? ", " : "");
        rh_xml_element(html->xml, "span", rh_view_string(rh_json_at(hazards, i), "rule"), "class", "rule",
                       NULL);
    }
}

const char *rh_html_anchor(rh_html *html, const rh_view_migration *migration)
{
    return rh_view_printf(&html->view, "migration-%td", migration - html->view.migrations + 1);
}
