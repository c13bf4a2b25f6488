/* Rollback of each migration. */
#include "pgrehearse/base/units.h"
#include "html.h"
#include "pgrehearse/base/text.h"
#include <string.h>

enum { LIST_MAX = 40 };

static void more(rh_html *html, size_t count)
{
    if (count > LIST_MAX)
        rh_xml_element(html->xml, "li",
                       rh_view_printf(&html->view, "and %zu more, in report.json", count - LIST_MAX), NULL);
}

void rh_html_differences(rh_html *html, const rh_json *list)
{
    for (size_t i = 0; i < rh_json_count(list) && i < LIST_MAX; i++) {
        const rh_json *d = rh_json_at(list, i);
        const char *object = rh_view_string(d, "object"), *change = rh_view_string(d, "change");
        const char *before = rh_view_string(d, "before"), *after = rh_view_string(d, "after");
        rh_xml_open(html->xml, "li", NULL);
        rh_xml_textf(html->xml, "%s %s", object ? object : "?", change ? change : "differs");
        if (before || after) {
            rh_xml_text(html->xml, ": ");
            rh_xml_element(html->xml, "code", rh_view_line(&html->view, before ? before : "nothing", 200),
                           NULL);
            rh_xml_text(html->xml, " → ");
            rh_xml_element(html->xml, "code", rh_view_line(&html->view, after ? after : "nothing", 200),
                           NULL);
        }
        rh_xml_close(html->xml);
    }
    more(html, rh_json_count(list));
}

/* "1,000 rows before, 900 after; column note emptied (500 values lost)" */
static const char *table_words(const rh_html *html, const rh_json *table)
{
    const rh_view *view = &html->view;
    const rh_json *columns = rh_json_get(table, "columns");
    const char *text;
    if (rh_json_bool(rh_json_get(table, "missing")))
        return rh_view_printf(
            view, "missing, with %s row%s",
            rh_view_count_or(view, rh_json_int(rh_json_get(table, "rows_before")), "uncounted"),
            rh_plural(rh_json_int(rh_json_get(table, "rows_before"))));
    text = rh_view_printf(view, "%s row%s before, %s after",
                          rh_view_count_or(view, rh_json_int(rh_json_get(table, "rows_before")), "uncounted"),
                          rh_plural(rh_json_int(rh_json_get(table, "rows_before"))),
                          rh_view_count_or(view, rh_json_int(rh_json_get(table, "rows_after")), "uncounted"));
    for (size_t i = 0; i < rh_json_count(columns) && i < LIST_MAX; i++) {
        const rh_json *column = rh_json_at(columns, i);
        const char *name = rh_view_string(column, "column"), *change = rh_view_string(column, "change");
        text = rh_view_printf(
            view, "%s; column %s %s (%s of %s values lost)", text, name ? rh_view_line(view, name, 80) : "?",
            change ? change : "differs",
            rh_view_count_or(view, rh_json_int(rh_json_get(column, "values_lost")), "an unknown number"),
            rh_view_count_or(view, rh_json_int(rh_json_get(column, "values_before")), "unknown"));
    }
    return text;
}

void rh_html_data(rh_html *html, const rh_json *data)
{
    const rh_json *tables = rh_json_get(data, "tables"), *sequences = rh_json_get(data, "sequences");
    size_t shown = 0;
    for (size_t i = 0; i < rh_json_count(tables); i++) {
        const rh_json *table = rh_json_at(tables, i), *equal = rh_json_get(table, "equal");
        const char *name = rh_view_string(table, "table"), *why = rh_view_string(table, "reason");
        if ((equal && rh_json_bool(equal) && !why) || ++shown > LIST_MAX)
            continue;
        rh_xml_open(html->xml, "li", NULL);
        rh_xml_textf(html->xml, "rows of %s: %s", name ? rh_view_line(&html->view, name, 100) : "?",
                     equal && !rh_json_bool(equal) ? table_words(html, table)
                     : equal                       ? "as many as before, not read"
                                                   : "not compared");
        if (why)
            rh_xml_textf(html->xml, " (%s)", rh_view_line(&html->view, why, 200));
        rh_xml_close(html->xml);
    }
    more(html, shown);
    for (size_t i = 0; i < rh_json_count(sequences) && i < LIST_MAX; i++) {
        const rh_json *s = rh_json_at(sequences, i);
        const char *after = rh_view_string(s, "after");
        rh_xml_element(html->xml, "li",
                       rh_view_printf(&html->view, "sequence %s is set back from %s to %s",
                                      rh_view_line(&html->view, rh_view_string(s, "sequence"), 100),
                                      rh_view_string(s, "before"), after ? after : "its start"),
                       NULL);
    }
}

/* Each statement of the down migration, like those of the up migration: its time, its strongest lock. */
static void is_down(rh_html *html, const rh_json *statements)
{
    const rh_view *view = &html->view;
    const size_t count = rh_json_count(statements);
    if (count == 0)
        return;
    rh_html_details(
        html, rh_view_printf(view, "%zu statement%s of the down migration", count, count == 1 ? "" : "s"),
        false);
    rh_xml_open(html->xml, "ul", NULL);
    for (size_t i = 0; i < count && i < LIST_MAX; i++) {
        const rh_json *statement = rh_json_at(statements, i), *lock = rh_view_strongest_lock_of(statement);
        const rh_json *run = rh_json_at(rh_json_get(statement, "runs"), 0);
        const char *sql = rh_view_string(statement, "sql"), *relation = rh_view_string(lock, "relation");
        rh_xml_open(html->xml, "li", NULL);
        rh_xml_textf(html->xml, "line %lld: ", (long long)rh_json_int(rh_json_get(statement, "line")));
        rh_xml_element(html->xml, "code", sql ? rh_view_line(view, sql, 200) : "?", NULL);
        rh_xml_textf(html->xml, " %s",
                     rh_view_seconds_or(view, rh_view_real(run, "elapsed_s"), "did not run"));
        if (lock)
            rh_xml_textf(html->xml, ", %s on %s, held %s", rh_view_mode(rh_view_string(lock, "mode")),
                         relation ? relation : "?",
                         rh_view_seconds_or(view, rh_view_real(lock, "held_s"), "–"));
        rh_xml_close(html->xml);
    }
    more(html, count);
    rh_xml_close(html->xml);
    rh_html_details_end(html);
}

static void under(rh_html *html, const rh_json *rollback)
{
    const rh_json *list = rh_json_get(rollback, "differences"), *data = rh_json_get(rollback, "data");
    const rh_json *failure = rh_json_get(rollback, "error");
    const char *why = rh_view_string(rollback, "reason");
    if (!why && !failure)
        return;
    rh_html_row(html, "under");
    rh_xml_open(html->xml, "td", "colspan", "6", NULL);
    if (failure)
        rh_html_paragraph(html, "bad", rh_view_failure(&html->view, failure));
    if (why && !failure) /* the failure has the same reason, with its place */
        rh_html_paragraph(html, NULL,
                          rh_view_printf(&html->view, "%s: %s.", rh_view_reversibility(rollback),
                                         rh_view_line(&html->view, why, 0)));
    rh_xml_open(html->xml, "ul", NULL);
    rh_html_data(html, data);
    rh_html_differences(html, list);
    rh_xml_close(html->xml);
    is_down(html, rh_json_get(rollback, "statements"));
    rh_xml_close(html->xml);
    rh_html_row_end(html);
}

static const char *class_of(const rh_json *rollback)
{
    if (rh_view_is(rollback, "reversibility", "reversible"))
        return "good";
    if (rh_view_is(rollback, "reversibility", "reversible_with_loss"))
        return "warn";
    return rh_json_get(rollback, "reversibility") ? "bad" : "muted";
}

static void lock_cell(rh_html *html, const rh_json *statements)
{
    const rh_view *view = &html->view;
    const rh_json *lock = rh_view_strongest_lock(statements);
    const char *relation = rh_view_string(lock, "relation");
    rh_xml_open(html->xml, "td", "class", "locks", NULL);
    if (!lock) {
        rh_xml_text(html->xml, "–");
    } else {
        rh_xml_textf(html->xml, "%s on %s", rh_view_mode(rh_view_string(lock, "mode")),
                     relation ? relation : "?");
        rh_xml_element(html->xml, "span",
                       rh_view_printf(view, ", held %s", rh_view_seconds(view, rh_view_real(lock, "held_s"))),
                       "class", "muted", NULL);
    }
    rh_xml_close(html->xml);
}

static void row(rh_html *html, const char *title, const rh_json *rollback)
{
    const rh_view *view = &html->view;
    bool has_down = rh_json_bool(rh_json_get(rollback, "has_down"));
    rh_xml_open(html->xml, "tbody", NULL);
    rh_html_row(html, NULL);
    rh_html_cell(html, rh_view_line(view, title, 80));
    rh_html_cell(html, has_down ? "yes" : rh_view_string(rollback, "file") ? "no statements" : "none");
    rh_xml_open(html->xml, "td", NULL);
    rh_xml_element(html->xml, "span", rh_view_reversibility(rollback), "class", class_of(rollback), NULL);
    rh_xml_close(html->xml);
    rh_html_figure(html, rh_view_seconds_or(view, rh_view_real(rollback, "elapsed_s"), "–"));
    rh_html_figure(html, rh_view_seconds_or(view, rh_view_real(rollback, "reapply_s"), "–"));
    lock_cell(html, rh_json_get(rollback, "statements"));
    rh_html_row_end(html);
    under(html, rollback);
    rh_xml_close(html->xml);
}

void rh_html_rollback(rh_html *html)
{
    static const char *const columns[] = {"Migration", "Down migration", "Verdict",
                                          "#Down",     "#Reapplied",     "Strongest lock of the rollback",
                                          NULL};
    const rh_json *set = rh_json_get(html->view.report, "rollback");
    bool any = false;
    for (size_t i = 0; i < html->view.migration_count; i++)
        any = any || rh_json_path(html->view.migrations[i].record, "rollback.reversibility");
    rh_html_section(html, "rollback", "Rollback");
    if (!any) {
        rh_html_absent(html, "Rollback", RH_UNMEASURED_ROLLBACK);
    } else {
        rh_html_paragraph(html, NULL, rh_view_rollback(&html->view));
        rh_html_table(html,
                      "Each migration went up, down and up again, alone and with warm caches. The schema was "
                      "compared object by object, the rows of what existed before by count and digest",
                      columns);
        for (size_t i = 0; i < html->view.migration_count; i++)
            row(html, html->view.migrations[i].title,
                rh_json_get(html->view.migrations[i].record, "rollback"));
        if (set)
            row(html, "all of them together", set);
        rh_html_table_end(html);
    }
    rh_html_section_end(html);
}
