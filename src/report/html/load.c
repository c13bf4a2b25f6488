/* The load's templates before, during and after the migrations. */
#include "html.h"
#include <math.h>
#include <string.h>

static const rh_json *template_of(const rh_json *window, const char *name)
{
    const rh_json *templates = rh_json_get(window, "templates");
    for (size_t i = 0; i < rh_json_count(templates); i++)
        if (rh_view_is(rh_json_at(templates, i), "name", name))
            return rh_json_at(templates, i);
    return NULL;
}

static void milliseconds(rh_html *html, const rh_json *object, const char *path)
{
    double value = rh_json_real(rh_json_path(object, path));
    rh_html_figure(html, rh_view_seconds_or(&html->view, value / 1e3, "–"));
}

/* One row: p50 and p99 in each window; errors over all. */
static void load_row(rh_html *html, const char *name, const char *kind, const rh_json *const rows[3])
{
    int64_t errors = 0, transactions = 0;
    for (int i = 0; i < 3; i++) {
        int64_t e = rh_json_int(rh_json_get(rows[i], "errors")),
                t = rh_json_int(rh_json_get(rows[i], "transactions"));
        errors += e > 0 ? e : 0;
        transactions += t > 0 ? t : 0;
    }
    rh_html_row(html, NULL);
    rh_html_cell(html, rh_view_line(&html->view, name, 100));
    rh_html_cell(html, kind);
    rh_html_figure(html, rh_view_count_or(&html->view, transactions, "–"));
    for (int i = 0; i < 3; i++) {
        milliseconds(html, rows[i], "response_ms.p50");
        milliseconds(html, rows[i], "response_ms.p99");
    }
    milliseconds(html, rows[1], "response_ms.max");
    rh_html_figure_marked(html, rh_view_count_or(&html->view, errors, "–"), errors ? "bad" : NULL);
    rh_html_row_end(html);
}

static void templates(rh_html *html, const rh_json *load)
{
    static const char *const columns[] = {"Template",    "Kind",        "#Transactions", "#p50 before",
                                          "#p99 before", "#p50 during", "#p99 during",   "#p50 after",
                                          "#p99 after",  "#max during", "#Errors",       NULL};
    static const char *const keys[] = {"windows.before", "windows.during", "windows.after"};
    const rh_json *windows[3], *list = rh_json_path(load, "mix.templates");
    for (int i = 0; i < 3; i++)
        windows[i] = rh_json_path(load, keys[i]);
    rh_html_table(html, "Response time, from the intended start: a stalled second shows as a second",
                  columns);
    rh_xml_open(html->xml, "tbody", NULL);
    load_row(html, "all", "", windows);
    for (size_t i = 0; i < rh_json_count(list); i++) {
        const rh_json *template = rh_json_at(list, i), *rows[3];
        const char *name = rh_view_string(template, "name"), *kind = rh_view_string(template, "kind");
        for (int w = 0; w < 3; w++)
            rows[w] = name ? template_of(windows[w], name) : NULL;
        load_row(html, name ? name : "?", kind ? kind : "", rows);
    }
    rh_xml_close(html->xml);
    rh_html_table_end(html);
}

static void load_errors(rh_html *html, const rh_json *load)
{
    static const char *const columns[] = {
        "Template", "SQLSTATE", "Message", "#Times", "#Before the migrations", NULL};
    const rh_json *errors = rh_json_get(load, "errors");
    if (rh_json_count(errors) == 0)
        return;
    rh_html_table(html, "Errors of the load", columns);
    rh_xml_open(html->xml, "tbody", NULL);
    for (size_t i = 0; i < rh_json_count(errors); i++) {
        const rh_json *error = rh_json_at(errors, i);
        const char *sqlstate = rh_view_string(error, "sqlstate");
        rh_html_row(html, NULL);
        rh_html_cell(html, rh_view_line(&html->view, rh_view_string(error, "template"), 100));
        rh_html_cell(html, sqlstate ? sqlstate : "–");
        rh_html_cell(html, rh_view_line(&html->view, rh_view_string(error, "message"), 200));
        rh_html_figure(html, rh_view_count_or(&html->view, rh_json_int(rh_json_get(error, "count")), "–"));
        rh_html_figure(html, rh_view_count_or(&html->view, rh_json_int(rh_json_get(error, "before")), "–"));
        rh_html_row_end(html);
    }
    rh_xml_close(html->xml);
    rh_html_table_end(html);
}

/* How much of production the mix plays, and what of it does not replay as it ran there. */
static void coverage(rh_html *html, const rh_json *mix)
{
    static const char *const columns[] = {"Template", "#Share", "Caveat", NULL};
    const rh_view *view = &html->view;
    const rh_json *c = rh_json_get(mix, "coverage"), *list = rh_json_get(mix, "templates");
    if (!rh_json_is_object(c))
        return;
    double time = rh_view_real(c, "time");
    const char *of_time =
        isnan(time) ? "" : rh_view_printf(view, " and %.1f %% of its execution time", 100 * time);
    rh_xml_open(html->xml, "p", NULL);
    rh_xml_textf(html->xml, "The mix covers %.1f %% of production's calls%s, by %s.",
                 100 * rh_view_real(c, "calls"), of_time, rh_view_string(c, "basis"));
    rh_xml_close(html->xml);
    size_t doubts = 0;
    for (size_t i = 0; i < rh_json_count(list); i++) {
        const rh_json *row = rh_json_at(list, i);
        const char *caveat = rh_json_string(rh_json_path(row, "replay.caveat"));
        if (!caveat)
            continue;
        if (doubts++ == 0) {
            rh_html_table(html, "Templates that may differ from production's statements", columns);
            rh_xml_open(html->xml, "tbody", NULL);
        }
        rh_html_row(html, NULL);
        rh_html_cell(html, rh_view_line(view, rh_view_string(row, "name"), 100));
        rh_html_figure(html, rh_view_printf(view, "%.1f %%", 100 * rh_view_real(row, "weight")));
        rh_html_cell(html, rh_view_line(view, caveat, 200));
        rh_html_row_end(html);
    }
    if (doubts > 0) {
        rh_xml_close(html->xml);
        rh_html_table_end(html);
    }
}

void rh_html_load(rh_html *html)
{
    const rh_view *view = &html->view;
    const rh_json *load = rh_json_get(view->report, "load");
    rh_html_section(html, "load", "The load");
    if (!load) {
        rh_html_absent(html, "Load", RH_UNMEASURED_LOAD);
        rh_html_section_end(html);
        return;
    }
    const char *source = rh_json_string(rh_json_path(load, "mix.source"));
    rh_xml_open(html->xml, "p", NULL);
    rh_xml_textf(html->xml,
                 "%.0f transactions per second, open loop with Poisson arrivals, over %lld connections; mix "
                 "from: %s. ",
                 rh_view_real(load, "rate_per_s"), (long long)rh_json_int(rh_json_get(load, "connections")),
                 source ? source : "unknown");
    rh_xml_textf(html->xml, "The generator was late by %s on average and %s at most, and used %s of CPU.",
                 rh_view_seconds(view, rh_view_real(load, "pacing_lag_mean_ms") / 1e3),
                 rh_view_seconds(view, rh_view_real(load, "pacing_lag_max_ms") / 1e3),
                 rh_view_seconds(view, rh_view_real(load, "generator_cpu_s")));
    rh_xml_close(html->xml);
    if (rh_json_bool(rh_json_get(load, "saturated")))
        rh_html_paragraph(html, "warn",
                          "Staging could not hold this rate even without a migration: response times say "
                          "more about staging than about the "
                          "migrations.");
    templates(html, load);
    load_errors(html, load);
    coverage(html, rh_json_get(load, "mix"));
    const rh_json *left_out = rh_json_path(load, "mix.omitted");
    rh_xml_open(html->xml, "ul", "class", "note", NULL);
    for (size_t i = 0; i < rh_json_count(left_out); i++)
        rh_xml_element(html->xml, "li", rh_json_string(rh_json_at(left_out, i)), NULL);
    rh_xml_close(html->xml);
    rh_html_section_end(html);
}
