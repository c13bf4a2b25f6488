/* The prediction: a bar per statement with its interval, components and evidence. */
#include "html.h"
#include "report/view/prediction_bars.h"
#include <math.h>
#include <string.h>

enum { WIDTH = 1120, LEFT = 250, RIGHT = 150, LANE = 24, BARS_SHOWN = 16, ROWS_SHOWN = 60 };

static const struct {
    const char *class_, *name, *meaning;
} PARTS[RH_PARTS] = {{"cpu", "CPU", "CPU, copies to and from the page cache included"},
                     {"read", "read", "waiting for the device to read"},
                     {"write", "write", "waiting for the device to write"},
                     {"wal", "WAL", "waiting for WAL to be written and flushed"},
                     {"wait", "waiting", "waiting for locks, workers, other transactions"}};

static void box(rh_xml *xml, double x, double y, double width, double height, const char *class_,
                const char *title)
{
    rh_xml_open(xml, "rect", "class", class_, NULL);
    rh_xml_attributef(xml, "x", "%.1f", x);
    rh_xml_attributef(xml, "y", "%.1f", y);
    rh_xml_attributef(xml, "width", "%.1f", width);
    rh_xml_attributef(xml, "height", "%.1f", height);
    if (title)
        rh_xml_element(xml, "title", title, NULL);
    rh_xml_close(xml);
}

static void text(rh_xml *xml, double x, double y, const char *class_, const char *words)
{
    rh_xml_open(xml, "text", "class", class_, NULL);
    rh_xml_attributef(xml, "x", "%.1f", x);
    rh_xml_attributef(xml, "y", "%.1f", y);
    rh_xml_text(xml, words);
    rh_xml_close(xml);
}

static void line(rh_xml *xml, double x1, double y1, double x2, double y2, const char *class_)
{
    rh_xml_open(xml, "line", "class", class_, NULL);
    rh_xml_attributef(xml, "x1", "%.1f", x1);
    rh_xml_attributef(xml, "y1", "%.1f", y1);
    rh_xml_attributef(xml, "x2", "%.1f", x2);
    rh_xml_attributef(xml, "y2", "%.1f", y2);
    rh_xml_close(xml);
}

static void whisker(rh_xml *xml, double low_x, double high_x, double y)
{
    line(xml, low_x, y, high_x, y, "whisker");
    line(xml, low_x, y - 4, low_x, y + 4, "whisker");
    line(xml, high_x, y - 4, high_x, y + 4, "whisker");
}

/* One statement: its parts side by side up to the median, the interval across. */
static void draw_bar(rh_html *html, const rh_prediction_bar *b, double y, double scale)
{
    const rh_view *view = &html->view;
    double x = LEFT, end = LEFT + b->median_s * scale;
    text(html->xml, 0, y + 15, NULL, rh_view_line(view, b->label, 38));
    line(html->xml, LEFT, y + LANE / 2.0, WIDTH - RIGHT, y + LANE / 2.0, "grid");
    if (!b->has_parts)
        box(html->xml, x, y + 4, fmax(b->median_s * scale, 1), LANE - 8, "p-whole",
            rh_view_printf(view, "%s: %s; its components are not known", b->label,
                           rh_view_seconds(view, b->median_s)));
    for (int i = 0; b->has_parts && i < RH_PARTS; i++) {
        double width = b->parts_s[i] * scale;
        if (width < 0.4)
            continue;
        box(html->xml, x, y + 4, width, LANE - 8, rh_view_printf(view, "p-%s", PARTS[i].class_),
            rh_view_printf(view, "%s, %s: %s", b->label, PARTS[i].meaning,
                           rh_view_seconds(view, b->parts_s[i])));
        if (width > 7.5 * (double)strlen(PARTS[i].name) + 6)
            text(html->xml, x + 4, y + 15.5, rh_view_printf(view, "t-%s", PARTS[i].class_), PARTS[i].name);
        x += width;
    }
    bool interval = !isnan(b->low_s) && !isnan(b->high_s);
    if (interval) {
        whisker(html->xml, LEFT + b->low_s * scale, LEFT + b->high_s * scale, y + LANE - 4);
        end = fmax(end, LEFT + b->high_s * scale);
    }
    text(html->xml, end + 6, y + 15, NULL,
         interval ? rh_view_printf(view, "%s (%s)", rh_view_seconds(view, b->median_s),
                                   rh_view_range(view, b->low_s, b->high_s))
                  : rh_view_printf(view, "%s, no interval", rh_view_seconds(view, b->median_s)));
}

static void legend(rh_html *html)
{
    rh_xml_open(html->xml, "p", "class", "legend", NULL);
    for (int i = 0; i < RH_PARTS; i++) {
        rh_xml_open(html->xml, "span", NULL);
        rh_xml_element(html->xml, "i", NULL, "class", rh_view_printf(&html->view, "k-%s", PARTS[i].class_),
                       NULL);
        rh_xml_text(html->xml, PARTS[i].meaning);
        rh_xml_close(html->xml);
        rh_xml_text(html->xml, " ");
    }
    rh_xml_text(html->xml, "The line under a bar: its interval.");
    rh_xml_close(html->xml);
}

static void chart(rh_html *html, const rh_prediction_bar *bars, size_t count)
{
    const rh_view *view = &html->view;
    size_t shown = count < BARS_SHOWN ? count : BARS_SHOWN;
    double most = 0;
    bool parts = false;
    for (size_t i = 0; i < shown; i++) {
        parts = parts || bars[i].has_parts;
        most = fmax(most, bars[i].median_s);
        most = isnan(bars[i].high_s) ? most : fmax(most, bars[i].high_s);
    }
    if (!(most > 0))
        return;
    if (parts)
        legend(html);
    else
        rh_html_paragraph(html, "legend",
                          "What each duration consists of is not known. The line under a bar: its interval.");
    rh_xml_open(html->xml, "div", "class", "scroll chart", "tabindex", "0", "role", "region", "aria-label",
                "Predicted duration of each statement", NULL);
    rh_xml_open(html->xml, "svg", "xmlns", "http://www.w3.org/2000/svg", "role", "img", "aria-labelledby",
                "pr-title pr-desc", "viewBox", rh_view_printf(view, "0 0 %d %zu", WIDTH, shown * LANE + 4),
                NULL);
    rh_xml_element(html->xml, "title", "Predicted duration of each statement, with its interval", "id",
                   "pr-title", NULL);
    rh_xml_element(html->xml, "desc",
                   "One bar a statement, the longest first. The table below has the figures.", "id",
                   "pr-desc", NULL);
    for (size_t i = 0; i < shown; i++)
        draw_bar(html, &bars[i], (double)(i * LANE), (WIDTH - LEFT - RIGHT) / most);
    rh_xml_close(html->xml);
    rh_xml_close(html->xml);
    if (count > shown)
        rh_html_paragraph(html, "note",
                          rh_view_printf(view,
                                         "Not drawn: %zu statement%s shorter than the shortest of these.",
                                         count - shown, count - shown == 1 ? "" : "s"));
}

static void table_row(rh_html *html, const rh_prediction_bar *b)
{
    const rh_view *view = &html->view;
    rh_html_row(html, NULL);
    rh_html_cell(html, rh_view_line(view, b->label, 60));
    rh_html_figure(html, rh_view_seconds(view, b->median_s));
    rh_html_figure(html,
                   isnan(b->low_s) || isnan(b->high_s) ? "none" : rh_view_range(view, b->low_s, b->high_s));
    rh_html_figure(html, rh_view_seconds_or(view, b->staging_s, "–"));
    for (int i = 0; i < RH_PARTS; i++)
        rh_html_figure(html, b->has_parts ? rh_view_seconds(view, b->parts_s[i]) : "–");
    rh_xml_open(html->xml, "td", NULL);
    rh_xml_text(html->xml, rh_view_line(view, b->drivers ? b->drivers : "–", 300));
    if (b->narrows)
        rh_xml_element(html->xml, "div",
                       rh_view_printf(view, "To reduce it: %s", rh_view_line(view, b->narrows, 300)), "class",
                       "muted", NULL);
    if (b->basis)
        rh_xml_element(html->xml, "div", rh_view_printf(view, "Basis: %s", rh_view_line(view, b->basis, 300)),
                       "class", "muted", NULL);
    if (b->cold_basis)
        rh_xml_element(html->xml, "div",
                       rh_view_printf(view, "With cold caches: %s (%s)", rh_view_seconds(view, b->cold_s),
                                      rh_view_line(view, b->cold_basis, 300)),
                       "class", "muted", NULL);
    rh_xml_close(html->xml);
    rh_html_row_end(html);
}

static void table(rh_html *html, const rh_prediction_bar *bars, size_t count)
{
    static const char *const columns[] = {
        "Statement", "#Predicted", "#Interval", "#On staging", "#CPU",
        "#Read",     "#Write",     "#WAL",      "#Waiting",    "Source of the uncertainty",
        NULL};
    rh_html_details(html, "Each statement: figures, sources of the uncertainty, how to reduce it", false);
    rh_html_table(html, "Predictions, the longest first", columns);
    rh_xml_open(html->xml, "tbody", NULL);
    for (size_t i = 0; i < count && i < ROWS_SHOWN; i++)
        table_row(html, &bars[i]);
    rh_xml_close(html->xml);
    rh_html_table_end(html);
    rh_html_more(html, ROWS_SHOWN, count);
    rh_html_details_end(html);
}

static void sentence(rh_html *html, const char *before, const char *words)
{
    if (!words)
        return;
    rh_xml_open(html->xml, "p", NULL);
    rh_xml_element(html->xml, "strong", before, NULL);
    rh_xml_textf(html->xml, " %s%s", words, rh_ends_with(words, ".") ? "" : ".");
    rh_xml_close(html->xml);
}

void rh_html_prediction(rh_html *html)
{
    const rh_view *view = &html->view;
    const rh_json *p = rh_json_get(view->report, "prediction");
    rh_html_section(html, "prediction", "Prediction for production");
    if (!p) {
        rh_html_absent(html, "Prediction", RH_UNMEASURED_PREDICTION);
        rh_html_section_end(html);
        return;
    }
    rh_xml_open(html->xml, "p", NULL);
    rh_xml_textf(html->xml, "WAL %s; disk at its peak %s. ",
                 rh_view_bytes_or(view, rh_json_int(rh_json_get(p, "wal_bytes")), "not measured"),
                 rh_view_bytes_or(view, rh_json_int(rh_json_get(p, "disk_peak_bytes")), "not measured"));
    rh_xml_text(html->xml, rh_view_backtest(view));
    rh_xml_close(html->xml);
    const char *caches = rh_view_string(p, "cache_state"), *cold = rh_view_cold(view);
    if (caches || cold)
        rh_html_paragraph(
            html, NULL,
            rh_view_printf(view, "%s%s%s", caches ? caches : "", caches ? ". " : "", cold ? cold : ""));
    sentence(html, "The uncertainty comes from:", rh_view_string(p, "uncertainty_source"));
    sentence(html, "To reduce it:", rh_view_string(p, "uncertainty_reduced_by"));
    rh_prediction_bar *bars;
    size_t count = rh_prediction_bars(view, &bars);
    chart(html, bars, count);
    if (count)
        table(html, bars, count);
    rh_html_paragraph(html, "note", rh_view_printf(view, "Basis: %s.", rh_view_string(p, "basis")));
    if (rh_view_string(p, "under_load_basis"))
        rh_html_paragraph(html, "note",
                          rh_view_printf(view, "Under load: %s.", rh_view_string(p, "under_load_basis")));
    const rh_json *applied = rh_json_path(view->report, "production.history.corrections");
    for (size_t i = 0; i < rh_json_count(applied) && i < 6; i++)
        rh_html_paragraph(html, "note", rh_json_string(rh_json_at(applied, i)));
    rh_html_lock_forecast(html);
    rh_html_section_end(html);
}
