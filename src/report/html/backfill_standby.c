/* The standby beside a backfill: what it replays, and its lag in the runs that confirmed a setting. */
#include "backfill_charts.h"
#include "pgrehearse/base/text.h"
#include "canvas.h"
#include <math.h>
#include <string.h>

enum { LEFT = 64, RIGHT = 20, TOP = 18, PLOT = 90, BOTTOM = TOP + PLOT, HEIGHT = BOTTOM + 20 };

static const rh_json *confirmed_of(const rh_view_backfill *b)
{
    return rh_json_get(rh_json_get(b->record, "standby"), "confirmed");
}

static const char *setting_of(const rh_view_backfill *b, const rh_json *run)
{
    const int64_t number = rh_json_int(rh_json_get(run, "setting"));
    return number >= 0 && (size_t)number < b->setting_count ? b->settings[number].name : "?";
}

static const char *bytes_or_dash(const rh_view *view, const rh_json *object, const char *key)
{
    const double value = rh_view_real(object, key);
    return isnan(value) ? "–" : rh_view_bytes_or(view, llround(value), "–");
}

static void sentence(rh_html *html, const rh_view_backfill *b)
{
    static const char *const names[][2] = {
        {"async", "asynchronous"},
        {"sync", "synchronous: a commit waits until it has flushed the WAL"},
        {"remote_apply", "synchronous: a commit waits until it has replayed the WAL"}};
    const rh_view *view = &html->view;
    const rh_json *standby = rh_json_get(b->record, "standby");
    const char *mode = rh_view_string(standby, "mode"), *why = rh_view_string(standby, "why_not"),
               *replay_why = rh_view_string(standby, "replay_why_not"), *name = mode ? mode : "?";
    if (why) {
        rh_html_paragraph(html, "absent", rh_view_printf(view, "Not measured: %s.", why));
        return;
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        name = strcmp(name, names[i][0]) == 0 ? names[i][1] : name;
    rh_html_paragraph(
        html, NULL,
        rh_view_printf(
            view, "A streaming standby on the same machine, %s. While nothing else ran it replayed %s.", name,
            replay_why ? rh_view_printf(view, "a WAL that was not timed: %s", replay_why)
                       : rh_view_printf(view, "%s of WAL a second (%s timed)",
                                        bytes_or_dash(view, standby, "replay_bytes_per_s"),
                                        bytes_or_dash(view, standby, "replay_bytes"))));
}

static const char *seconds_of(const rh_view *view, const rh_json *run, const char *key)
{
    return rh_view_seconds_or(view, rh_view_real(run, key), "–");
}

static void table(rh_html *html, const rh_view_backfill *b)
{
    static const char *const columns[] = {"Setting",
                                          "#Longest lag",
                                          "#Lag, p99",
                                          "#Largest lag in WAL",
                                          "#At the end, predicted",
                                          "#p99 ratio with it",
                                          "#Rows a second",
                                          NULL};
    const rh_view *view = &html->view;
    const rh_json *list = confirmed_of(b);
    rh_html_table(html, "Settings run again with the standby", columns);
    for (size_t i = 0; i < rh_json_count(list); i++) {
        const rh_json *run = rh_json_at(list, i), *ratio = rh_json_get(run, "response_p99_ratio");
        const char *why = rh_view_string(run, "why_not");
        const double rate = rh_view_real(run, "rows_per_s");
        rh_html_row(html, NULL);
        rh_html_cell(html, why ? rh_view_printf(view, "%s (lag not measured: %s)", setting_of(b, run), why)
                               : setting_of(b, run));
        rh_html_figure(html, seconds_of(view, run, "lag_max_s"));
        rh_html_figure(html, seconds_of(view, run, "lag_p99_s"));
        rh_html_figure(html, bytes_or_dash(view, run, "lag_max_bytes"));
        rh_html_figure(html, seconds_of(view, run, "predicted_lag_s"));
        rh_html_figure(html, rh_view_ratio(view, rh_view_real(ratio, "median")));
        rh_html_figure(html, isnan(rate) ? "–" : rh_view_count_or(view, llround(rate), "–"));
        rh_html_row_end(html);
    }
    rh_html_table_end(html);
}

/* The lag over the first run that has one. */
static void curve(rh_html *html, const rh_view_backfill *b, size_t index)
{
    const rh_view *view = &html->view;
    const rh_json *list = confirmed_of(b), *run = NULL, *course = NULL;
    for (size_t i = 0; i < rh_json_count(list) && rh_json_count(course) < 2; i++) {
        run = rh_json_at(list, i);
        course = rh_json_get(run, "course");
    }
    const size_t count = rh_json_count(course);
    if (count < 2)
        return;
    const double end_s = fmax(rh_view_real(rh_json_at(course, count - 1), "at_s"), 1e-3);
    const double batches_s = fmin(fmax(rh_view_real(run, "elapsed_s"), 0), end_s);
    const double most_s = fmax(rh_view_real(run, "lag_max_s"), 1e-3),
                 width = RH_BACKFILL_CHART_WIDTH - LEFT - RIGHT;
    rh_canvas c = rh_html_backfill_canvas(
        html, "lag", index, rh_view_printf(view, "Lag of the standby with %s", setting_of(b, run)),
        "A line over the run; the table above has the longest.", HEIGHT);
    rh_text d = {0};
    for (size_t i = 0; i < count; i++) {
        const rh_json *point = rh_json_at(course, i);
        rh_text_printf(&d, "%c%.1f %.1f", i ? 'L' : 'M', LEFT + rh_view_real(point, "at_s") / end_s * width,
                       BOTTOM - fmin(rh_view_real(point, "lag_s") / most_s, 1) * PLOT);
    }
    rh_canvas_text(&c, LEFT, 11, "h",
                   "lag: time since the primary's WAL position was the one that the standby has replayed");
    rh_canvas_line(&c, LEFT, BOTTOM, LEFT + width, BOTTOM, "axis");
    rh_canvas_line(&c, LEFT, TOP, LEFT + width, TOP, "grid");
    rh_canvas_line(&c, LEFT + batches_s / end_s * width, TOP, LEFT + batches_s / end_s * width, BOTTOM,
                   "mark");
    rh_canvas_text(&c, LEFT - 6, BOTTOM, "m e", "0");
    rh_canvas_text(&c, LEFT - 6, TOP + 4, "m e", rh_view_seconds(view, most_s));
    rh_xml_element(c.xml, "path", NULL, "class", "p99", "d", rh_text_string(&d), NULL);
    rh_canvas_text(&c, LEFT, BOTTOM + 14, "m", "first batch");
    rh_canvas_text(&c, LEFT + batches_s / end_s * width, BOTTOM + 14, "m e", "last batch");
    rh_html_backfill_canvas_end(&c);
    rh_text_release(&d);
}

void rh_html_backfill_standby(rh_html *html, const rh_view_backfill *b, size_t index)
{
    const rh_json *standby = rh_json_get(b->record, "standby");
    const char *mode = rh_view_string(standby, "mode");
    if (!mode || strcmp(mode, "none") == 0)
        return;
    rh_xml_element(html->xml, "h3", "With a standby", NULL);
    sentence(html, b);
    if (rh_json_count(confirmed_of(b)) == 0)
        return;
    table(html, b);
    curve(html, b, index);
}
