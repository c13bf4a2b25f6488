/* Disturbers: what they were, which migrations waited for them, and the sessions queued behind. */
#include "html.h"
#include <math.h>

enum { ROWS_SHOWN = 20, BEHIND_SHOWN = 4 };

static const char *kind_words(const rh_json *disturbance)
{
    static const char *const kinds[][2] = {
        {"pg_dump", "ACCESS SHARE on every table until it ends: statements that need ACCESS EXCLUSIVE wait"},
        {"idle_in_transaction",
         "a row lock and the table lock of an UPDATE, until the session is terminated"},
        {"query", "ACCESS SHARE on the tables that it reads, until it ends"},
        {"autovacuum", "SHARE UPDATE EXCLUSIVE; it is not cancelled, because it prevents wraparound"},
        {"snapshot", "a snapshot that CREATE INDEX CONCURRENTLY must wait for"}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (rh_view_is(disturbance, "kind", kinds[i][0]))
            return kinds[i][1];
    return NULL;
}

static void queued_cell(rh_html *html, const rh_json *disturbance)
{
    const rh_view *view = &html->view;
    const rh_json *list = rh_json_get(disturbance, "blocked_sessions");
    size_t shown = 0, others = 0;
    rh_xml_open(html->xml, "td", NULL);
    for (size_t i = 0; i < rh_json_count(list); i++) {
        const rh_json *who = rh_json_at(list, i);
        if (rh_json_bool(rh_json_get(who, "is_migration")))
            continue;
        if (++others > BEHIND_SHOWN)
            continue;
        shown++;
        rh_xml_open(html->xml, "div", NULL);
        rh_xml_textf(html->xml, "%s ", rh_view_line(view, rh_view_string(who, "session"), 80));
        rh_xml_element(html->xml, "span",
                       rh_view_printf(view, "%lld ×, longest %s",
                                      (long long)rh_json_int(rh_json_get(who, "waits")),
                                      rh_view_seconds(view, rh_view_real(who, "longest_wait_s"))),
                       "class", "muted nw", NULL);
        rh_xml_close(html->xml);
    }
    if (others > shown)
        rh_xml_element(html->xml, "div", rh_view_printf(view, "and %zu more kinds", others - shown), "class",
                       "muted", NULL);
    if (others == 0)
        rh_xml_text(html->xml, rh_view_is(disturbance, "outcome", "not_started") ? "–" : "none");
    rh_xml_close(html->xml);
}

static void waited_cell(rh_html *html, const rh_json *disturbance)
{
    const rh_view *view = &html->view;
    const rh_json *list = rh_json_get(disturbance, "blocked_sessions");
    double wait_s = rh_view_real(disturbance, "migration_wait_s");
    rh_xml_open(html->xml, "td", "class", "f", NULL);
    if (rh_view_is(disturbance, "outcome", "not_started"))
        rh_xml_text(html->xml, "–");
    else
        rh_xml_element(html->xml, "span", wait_s > 0 ? rh_view_seconds(view, wait_s) : "not at all", "class",
                       wait_s >= 1     ? "bad"
                       : wait_s >= 0.1 ? "warn"
                                       : NULL,
                       NULL);
    for (size_t i = 0; i < rh_json_count(list); i++) {
        const rh_json *who = rh_json_at(list, i);
        const char *relation = rh_view_string(who, "relation");
        int64_t ordinal = rh_json_int(rh_json_get(who, "statement"));
        if (!rh_json_bool(rh_json_get(who, "is_migration")))
            continue;
        rh_xml_element(html->xml, "div",
                       rh_view_printf(view, "%s, %s%s%s",
                                      ordinal > 0 ? rh_view_printf(view, "statement %lld", (long long)ordinal)
                                                  : "the framework's own bookkeeping",
                                      rh_view_mode(rh_view_string(who, "mode")), relation ? " on " : "",
                                      relation ? relation : ""),
                       "class", "muted", NULL);
        break;
    }
    rh_xml_close(html->xml);
}

static void disturbance_row(rh_html *html, const rh_json *d)
{
    const rh_view *view = &html->view;
    double from_s = rh_view_real(d, "from_s"), to_s = rh_view_real(d, "to_s");
    const char *detail = rh_view_string(d, "detail"), *words = kind_words(d);
    bool started = !rh_view_is(d, "outcome", "not_started");
    rh_html_row(html, NULL);
    rh_html_cell(html, rh_view_line(view, rh_view_string(d, "migration"), 60));
    rh_xml_open(html->xml, "td", NULL);
    rh_xml_text(html->xml, rh_view_line(view, rh_view_string(d, "name"), 80));
    if (words)
        rh_xml_element(html->xml, "div", words, "class", "muted", NULL);
    if (detail)
        rh_xml_element(html->xml, "div", rh_view_line(view, detail, 200), "class", started ? "muted" : "warn",
                       NULL);
    rh_xml_close(html->xml);
    rh_html_figure(html,
                   started && !isnan(to_s - from_s) ? rh_view_seconds(view, to_s - from_s) : "not started");
    waited_cell(html, d);
    queued_cell(html, d);
    rh_html_row_end(html);
}

/* Those that blocked a session first, in the order they ran; then the others. */
static void rows(rh_html *html, const rh_json *list, bool waited, size_t *shown)
{
    for (size_t i = 0; i < rh_json_count(list); i++) {
        const rh_json *d = rh_json_at(list, i);
        if ((rh_json_count(rh_json_get(d, "blocked_sessions")) > 0) != waited || *shown == ROWS_SHOWN)
            continue;
        disturbance_row(html, d);
        ++*shown;
    }
}

void rh_html_disturbers(rh_html *html)
{
    static const char *const columns[] = {"Beside migration",      "Disturber and its locks",   "#For",
                                          "#The migration waited", "Sessions queued behind it", NULL};
    const rh_json *list = rh_json_get(html->view.report, "disturbances");
    size_t shown = 0;
    if (rh_json_count(list) == 0)
        return;
    rh_html_section(html, "disturbers", "Disturbers: concurrent activity");
    rh_html_table(html, "Those that blocked a session first", columns);
    rh_xml_open(html->xml, "tbody", NULL);
    rows(html, list, true, &shown);
    rows(html, list, false, &shown);
    rh_xml_close(html->xml);
    rh_html_table_end(html);
    rh_html_more(html, shown, rh_json_count(list));
    rh_html_section_end(html);
}
