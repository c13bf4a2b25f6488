#include "html.h"
#include "pgrehearse/base/text.h"
#include <string.h>

enum { SQL_SHORT = 400, SQL_MAX = 6000, HAZARDS_SHOWN = 8 };

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

static const char *reason_for(rh_html *html, rh_unmeasured code)
{
    const rh_json *notes = rh_json_get(html->view.report, "not_measured");
    for (size_t i = 0; code < RH_UNMEASURED_COUNT && i < rh_json_count(notes); i++)
        if (rh_view_is(rh_json_at(notes, i), "code", rh_unmeasured_name(code)))
            return rh_view_string(rh_json_at(notes, i), "text");
    const char *what;
    if (rh_view_is(html->view.report, "verdict", "refused"))
        return "the run was refused";
    if (rh_view_first_failure(&html->view, &what))
        return rh_view_printf(&html->view, "%s failed before", what);
    return "it was not part of this run";
}

void rh_html_absent(rh_html *html, const char *what, rh_unmeasured code)
{
    rh_xml_open(html->xml, "p", "class", "absent", NULL);
    rh_xml_textf(html->xml, "%s: not measured (%s).", what, reason_for(html, code));
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

void rh_html_details(rh_html *html, const char *summary, bool open)
{
    rh_xml_open(html->xml, "details", "open", open ? "open" : NULL, NULL);
    rh_xml_element(html->xml, "summary", summary, NULL);
}

void rh_html_details_end(rh_html *html)
{
    rh_xml_close(html->xml);
}

void rh_html_more(rh_html *html, size_t shown, size_t all)
{
    if (all > shown)
        rh_html_paragraph(html, "note",
                          rh_view_printf(&html->view, "and %zu more in report.json", all - shown));
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

/* The same hazard of one or more statements of a migration. */
typedef struct hazard_group {
    const char *rule, *message, *safer, *state, *silenced;
    size_t count;
    double longest_s;     /* of its statements, outside the samples; -1 unknown */
    const char *evidence; /* of that one */
} hazard_group;

static double longest_run(const rh_json *statement)
{
    const rh_json *runs = rh_json_get(statement, "runs");
    double longest = -1;
    for (size_t i = 0; i < rh_json_count(runs); i++) {
        double elapsed = rh_view_real(rh_json_at(runs, i), "elapsed_s");
        if (elapsed > longest && !rh_view_is(rh_json_at(runs, i), "pass", "scaled"))
            longest = elapsed;
    }
    return longest;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static void add_hazard(const rh_view *view, hazard_group **groups, size_t *count, const rh_json *hazard,
                       double elapsed_s)
{
    hazard_group new = {.rule = rh_view_string(hazard, "rule"),
                        .message = rh_view_string(hazard, "message"),
                        .safer = rh_view_string(hazard, "safer"),
                        .state = rh_view_string(hazard, "state"),
                        .silenced = rh_view_string(hazard, "silenced_reason"),
                        .longest_s = -2};
    size_t i = 0;
    while (i < *count &&
           !(same_text((*groups)[i].rule, new.rule) && same_text((*groups)[i].message, new.message) &&
             same_text((*groups)[i].safer, new.safer) && same_text((*groups)[i].state, new.state) &&
             same_text((*groups)[i].silenced, new.silenced)))
        i++;
    if (i == *count)
        *rh_arena_add(view->arena, groups, count) = new;
    hazard_group *group = &(*groups)[i];
    group->count++;
    if (elapsed_s > group->longest_s) {
        group->longest_s = elapsed_s;
        group->evidence = rh_view_string(hazard, "evidence");
    }
}

/* What the measurement refuted, or a comment in the migration silenced: named, with the reason, and no more.
 */
static bool show_quiet_hazard(rh_html *html, const hazard_group *group)
{
    bool refuted = same_text(group->state, "refuted"), silenced = same_text(group->state, "silenced");
    const char *why = refuted ? group->evidence : group->silenced;
    if (!refuted && !silenced)
        return false;
    rh_xml_open(html->xml, "li", "class", "muted", NULL);
    rh_xml_element(html->xml, "span", group->rule, "class", "rule", NULL);
    rh_xml_textf(html->xml, " %s%s%s", refuted ? "refuted" : "is silenced in the migration", why ? ": " : "",
                 rh_view_line(&html->view, why, 300));
    rh_xml_close(html->xml);
    return true;
}

static void show_hazard(rh_html *html, const hazard_group *group, const char *shown)
{
    if (show_quiet_hazard(html, group))
        return;
    rh_xml_open(html->xml, "li", NULL);
    rh_xml_element(html->xml, "span", group->rule, "class", "rule", NULL);
    if (group->count > 1)
        rh_xml_textf(html->xml, " in %zu statements", group->count);
    rh_xml_textf(html->xml, ": %s", rh_view_line(&html->view, group->message, 0));
    if (group->evidence && !same_text(group->evidence, shown))
        rh_xml_textf(html->xml, " Measured%s: %s.", group->count > 1 ? ", the longest" : "",
                     rh_view_line(&html->view, group->evidence, 0));
    if (group->safer) {
        rh_xml_element(html->xml, "span", " Safer:", "class", "good", NULL);
        rh_xml_textf(html->xml, " %s", rh_view_line(&html->view, group->safer, 0));
    }
    rh_xml_close(html->xml);
}

void rh_html_hazards(rh_html *html, const rh_view_migration *migration)
{
    const rh_json *statements = rh_json_get(migration->record, "statements");
    hazard_group *groups = NULL;
    size_t count = 0;
    for (size_t s = 0; s < rh_json_count(statements); s++) {
        const rh_json *hazards = rh_json_get(rh_json_at(statements, s), "hazards");
        for (size_t i = 0; i < rh_json_count(hazards); i++)
            add_hazard(&html->view, &groups, &count, rh_json_at(hazards, i),
                       longest_run(rh_json_at(statements, s)));
    }
    if (count == 0)
        return;
    rh_xml_open(html->xml, "ul", "class", "hazards", NULL);
    for (size_t i = 0; i < count && i < HAZARDS_SHOWN; i++)
        show_hazard(html, &groups[i], i ? groups[i - 1].evidence : NULL);
    if (count > HAZARDS_SHOWN)
        rh_xml_element(html->xml, "li",
                       rh_view_printf(&html->view, "and %zu more, named beside their statements below",
                                      count - HAZARDS_SHOWN),
                       "class", "muted", NULL);
    rh_xml_close(html->xml);
}

void rh_html_hazard_names(rh_html *html, const rh_json *statement)
{
    const rh_json *hazards = rh_json_get(statement, "hazards");
    for (size_t i = 0; i < rh_json_count(hazards); i++) {
        bool quiet = rh_view_is(rh_json_at(hazards, i), "state", "refuted") ||
                     rh_view_is(rh_json_at(hazards, i), "state", "silenced");
        rh_xml_text(html->xml, i ? ", " : "");
        rh_xml_element(html->xml, "span", rh_view_string(rh_json_at(hazards, i), "rule"), "class",
                       quiet ? "muted" : "rule", NULL);
        if (quiet)
            rh_xml_textf(html->xml, " (%s)", rh_view_string(rh_json_at(hazards, i), "state"));
    }
}

const char *rh_html_anchor(rh_html *html, const rh_view_migration *migration)
{
    return rh_view_printf(&html->view, "migration-%td", migration - html->view.migrations + 1);
}
