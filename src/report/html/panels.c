/* The load under the timeline: response time, throughput, and waiting sessions. */
#include "canvas.h"
#include "pgrehearse/base/text.h"
#include <math.h>

/* Marks in a panel of the load where a lock of a migration blocked other sessions. */
static void shades(rh_canvas *c, double top, double height)
{
    const rh_json *blocked = rh_json_path(c->html->view.report, "contention.blocked");
    for (size_t i = 0; i < rh_json_count(blocked); i++) {
        const rh_json *b = rh_json_at(blocked, i);
        double x = rh_canvas_x(c, rh_view_real(b, "from_s")),
               width = rh_canvas_x(c, rh_view_real(b, "to_s")) - x;
        bool reads = rh_json_bool(rh_json_get(b, "reads"));
        if (width >= 1)
            rh_canvas_box(c, x, top, width, height, reads ? "rw shade" : "w shade", NULL);
    }
}

typedef struct decades {
    int low, high;
    double top;
} decades;

static double y_of(const decades *d, double value)
{
    double share = (log10(value) - d->low) / (d->high - d->low);
    share = share < 0 ? 0 : share > 1 ? 1 : share;
    return d->top + RH_CANVAS_P99_HEIGHT * (1 - share);
}

static bool has_figure(double value)
{
    return !isnan(value) && value > 0;
}

static double x_of_second(const rh_canvas *c, const rh_json *second)
{
    return rh_canvas_x(c, (double)rh_json_int(rh_json_get(second, "second")) + 0.5);
}

/* A line through the seconds that have a figure; broken where one has none. */
static void log_path(rh_canvas *c, const rh_json *seconds, const char *key, const char *class_,
                     const decades *scale)
{
    rh_text d = {0};
    bool pen_down = false;
    for (size_t i = 0; i < rh_json_count(seconds); i++) {
        const rh_json *s = rh_json_at(seconds, i);
        double value = rh_view_real(s, key);
        if (has_figure(value))
            rh_text_printf(&d, "%c%.1f %.1f", pen_down ? 'L' : 'M', x_of_second(c, s), y_of(scale, value));
        pen_down = has_figure(value);
    }
    rh_xml_element(c->xml, "path", NULL, "class", class_, "d", rh_text_string(&d), NULL);
    rh_text_release(&d);
}

/* The surface between two figures, one polygon for every run of seconds that have both. */
static void log_band(rh_canvas *c, const rh_json *seconds, const char *below, const char *above,
                     const char *class_, const decades *scale)
{
    rh_text d = {0};
    size_t count = rh_json_count(seconds);
    for (size_t i = 0, next; i < count; i = next + 1) {
        for (next = i; next < count && has_figure(rh_view_real(rh_json_at(seconds, next), below)) &&
                       has_figure(rh_view_real(rh_json_at(seconds, next), above));
             next++) {
            const rh_json *s = rh_json_at(seconds, next);
            rh_text_printf(&d, "%c%.1f %.1f", next == i ? 'M' : 'L', x_of_second(c, s),
                           y_of(scale, rh_view_real(s, above)));
        }
        for (size_t back = next; back > i; back--) {
            const rh_json *s = rh_json_at(seconds, back - 1);
            rh_text_printf(&d, "L%.1f %.1f", x_of_second(c, s), y_of(scale, rh_view_real(s, below)));
        }
        rh_text_append(&d, next > i ? "Z" : "");
    }
    rh_xml_element(c->xml, "path", NULL, "class", class_, "d", rh_text_string(&d), NULL);
    rh_text_release(&d);
}

static void response_panel(rh_canvas *c, const rh_json *seconds)
{
    static const char *const keys[] = {"response_p50_ms", "response_p99_ms", "response_max_ms"};
    double least = INFINITY, most = 0;
    for (size_t i = 0; i < rh_json_count(seconds); i++) {
        for (size_t k = 0; k < 3; k++) {
            double value = rh_view_real(rh_json_at(seconds, i), keys[k]);
            least = value > 0 && value < least ? value : least;
            most = value > most ? value : most;
        }
    }
    rh_canvas_heading(
        c, "Response time each second: p50 (lower edge), p99 (line), slowest (upper edge); log scale");
    decades d = {.low = 0, .high = 1, .top = c->y};
    if (most > 0) {
        d.low = (int)floor(log10(least));
        d.high = (int)ceil(log10(most));
        d.high = d.high > d.low ? d.high : d.low + 1;
    }
    shades(c, d.top, RH_CANVAS_P99_HEIGHT);
    for (int decade = d.low; decade <= d.high; decade++) {
        double y = y_of(&d, pow(10, decade));
        rh_canvas_line(c, RH_CANVAS_LEFT, y, RH_CANVAS_WIDTH - RH_CANVAS_RIGHT, y, "grid");
        const char *label = decade >= 3 ? rh_view_printf(&c->html->view, "%.0f s", pow(10, decade - 3))
                                        : rh_view_printf(&c->html->view, "%g ms", pow(10, decade));
        rh_canvas_text(c, RH_CANVAS_LEFT - 6, y + 4, "m e", label);
    }
    log_band(c, seconds, keys[1], keys[2], "top", &d);
    log_band(c, seconds, keys[0], keys[1], "band", &d);
    log_path(c, seconds, keys[0], "p50", &d);
    log_path(c, seconds, keys[1], "p99", &d);
    c->y += RH_CANVAS_P99_HEIGHT + RH_CANVAS_GAP;
}

/* A filled stair of one count each second. */
static void count_area(rh_canvas *c, const rh_json *seconds, const char *key, double top, double height,
                       double most, const char *class_)
{
    rh_text d = {0};
    double last_x = RH_CANVAS_LEFT;
    for (size_t i = 0; i < rh_json_count(seconds); i++) {
        const rh_json *s = rh_json_at(seconds, i);
        double second = (double)rh_json_int(rh_json_get(s, "second")),
               value = (double)rh_json_int(rh_json_get(s, key));
        double y = top + height * (1 - (value > 0 ? value : 0) / most);
        if (i == 0)
            rh_text_printf(&d, "M%.1f %.1f", rh_canvas_x(c, second), top + height);
        last_x = rh_canvas_x(c, second + 1);
        rh_text_printf(&d, "L%.1f %.1fL%.1f %.1f", rh_canvas_x(c, second), y, last_x, y);
    }
    rh_text_printf(&d, "L%.1f %.1fZ", last_x, top + height);
    if (rh_json_count(seconds))
        rh_xml_element(c->xml, "path", NULL, "class", class_, "d", rh_text_string(&d), NULL);
    rh_text_release(&d);
}

static void throughput_panel(rh_canvas *c, const rh_json *seconds)
{
    double rate = rh_json_real(rh_json_path(c->html->view.report, "load.rate_per_s")),
           most = rate > 0 ? rate : 1;
    for (size_t i = 0; i < rh_json_count(seconds); i++) {
        double done = (double)rh_json_int(rh_json_get(rh_json_at(seconds, i), "transactions"));
        most = done > most ? done : most;
    }
    rh_canvas_heading(c, "Transactions each second, by intended start (dashed: the rate asked for)");
    double top = c->y;
    shades(c, top, RH_CANVAS_RATE_HEIGHT);
    count_area(c, seconds, "transactions", top, RH_CANVAS_RATE_HEIGHT, most, "area");
    count_area(c, seconds, "errors", top, RH_CANVAS_RATE_HEIGHT, most, "rw");
    rh_canvas_line(c, RH_CANVAS_LEFT, top + RH_CANVAS_RATE_HEIGHT, RH_CANVAS_WIDTH - RH_CANVAS_RIGHT,
                   top + RH_CANVAS_RATE_HEIGHT, "axis");
    rh_canvas_text(c, RH_CANVAS_LEFT - 6, top + RH_CANVAS_RATE_HEIGHT + 2, "m e", "0");
    if (rate > 0) {
        double y = top + RH_CANVAS_RATE_HEIGHT * (1 - rate / most);
        rh_canvas_line(c, RH_CANVAS_LEFT, y, RH_CANVAS_WIDTH - RH_CANVAS_RIGHT, y, "want");
        rh_canvas_text(c, RH_CANVAS_LEFT - 6, y + 4, "m e", rh_view_printf(&c->html->view, "%.0f /s", rate));
    }
    c->y += RH_CANVAS_RATE_HEIGHT + RH_CANVAS_GAP;
}

static double queue_y(int64_t depth, int64_t most, double bottom)
{
    return bottom - RH_CANVAS_QUEUE_HEIGHT * (depth < most ? (double)depth / (double)most : 1);
}

/* A stair; within one column of the drawing only the deepest and the last: thousands of points would show no
 * more. */
static void queue_path(rh_canvas *c, const rh_json *queue, int64_t most, double bottom)
{
    rh_text d = {0};
    double column = RH_CANVAS_LEFT, y = bottom;
    int64_t depth = 0, deepest = 0;
    rh_text_printf(&d, "M%d %.1f", RH_CANVAS_LEFT, bottom);
    for (size_t i = 0; i <= rh_json_count(queue); i++) {
        const rh_json *point = rh_json_at(queue, i);
        double x = point ? rh_canvas_x(c, rh_view_real(point, "at_s")) : RH_CANVAS_WIDTH - RH_CANVAS_RIGHT;
        if (!point || x - column >= 0.5) {
            double top = queue_y(deepest, most, bottom);
            rh_text_printf(&d, "L%.1f %.1f", column, y);
            y = queue_y(depth, most, bottom);
            rh_text_printf(&d, "L%.1f %.1fL%.1f %.1fL%.1f %.1f", column, top, column, y, x, y);
            column = x;
            deepest = 0;
        }
        depth = point ? rh_json_int(rh_json_get(point, "depth")) : depth;
        deepest = depth > deepest ? depth : deepest;
    }
    rh_text_printf(&d, "L%d %.1fZ", RH_CANVAS_WIDTH - RH_CANVAS_RIGHT, bottom);
    rh_xml_element(c->xml, "path", NULL, "class", "n", "d", rh_text_string(&d), NULL);
    rh_text_release(&d);
}

static void queue_panel(rh_canvas *c)
{
    const rh_json *queue = rh_json_path(c->html->view.report, "contention.queue");
    int64_t most = rh_json_int(rh_json_path(c->html->view.report, "contention.deepest_queue"));
    rh_canvas_heading(c, "Sessions waiting for a lock: the depth of the queue");
    double top = c->y, bottom = top + RH_CANVAS_QUEUE_HEIGHT;
    queue_path(c, queue, most, bottom);
    rh_canvas_line(c, RH_CANVAS_LEFT, bottom, RH_CANVAS_WIDTH - RH_CANVAS_RIGHT, bottom, "axis");
    rh_canvas_text(c, RH_CANVAS_LEFT - 6, bottom + 2, "m e", "0");
    rh_canvas_text(c, RH_CANVAS_LEFT - 6, top + 5, "m e",
                   rh_view_printf(&c->html->view, "%lld", (long long)most));
    c->y += RH_CANVAS_QUEUE_HEIGHT + 8;
}

static bool has_queue(const rh_html *html)
{
    return rh_json_count(rh_json_path(html->view.report, "contention.queue")) > 0 &&
           rh_json_int(rh_json_path(html->view.report, "contention.deepest_queue")) > 0;
}

double rh_canvas_panels_height(const rh_html *html)
{
    bool seconds = rh_json_count(rh_json_path(html->view.report, "load.seconds")) > 0;
    double height =
        seconds ? 2 * (RH_CANVAS_HEADING + RH_CANVAS_GAP) + RH_CANVAS_P99_HEIGHT + RH_CANVAS_RATE_HEIGHT : 0;
    return height + (has_queue(html) ? RH_CANVAS_HEADING + RH_CANVAS_QUEUE_HEIGHT + 8 : 0);
}

void rh_canvas_panels(rh_canvas *c)
{
    const rh_json *seconds = rh_json_path(c->html->view.report, "load.seconds");
    if (rh_json_count(seconds) > 0) {
        response_panel(c, seconds);
        throughput_panel(c, seconds);
    }
    if (has_queue(c->html))
        queue_panel(c);
}
