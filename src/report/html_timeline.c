/* The timeline: statements, locks, response time, throughput and queue on one axis of seconds since the load
 * began. */
#include "html.h"
#include "timeline.h"
#include "pgrehearse/base/text.h"
#include <math.h>
#include <string.h>

enum {
    WIDTH = 1120,
    LEFT = 216,
    RIGHT = 14,
    LANE = 19,
    P99_HEIGHT = 132,
    RATE_HEIGHT = 76,
    QUEUE_HEIGHT = 54,
    GAP = 26
};

typedef struct canvas {
    rh_html *html;
    rh_xml *xml;
    const rh_timeline *timeline;
    double y; /* the next free row */
} canvas;

static double x_of(const canvas *c, double at_s)
{
    double share = (at_s - c->timeline->from_s) / (c->timeline->to_s - c->timeline->from_s);
    share = share < 0 ? 0 : share > 1 ? 1 : share;
    return LEFT + share * (WIDTH - LEFT - RIGHT);
}

static void text_at(canvas *c, double x, double y, const char *class_, const char *text)
{
    rh_xml_open(c->xml, "text", "class", class_, NULL);
    rh_xml_attributef(c->xml, "x", "%.1f", x);
    rh_xml_attributef(c->xml, "y", "%.1f", y);
    rh_xml_text(c->xml, text);
    rh_xml_close(c->xml);
}

static void line_at(canvas *c, double x1, double y1, double x2, double y2, const char *class_)
{
    rh_xml_open(c->xml, "line", "class", class_, NULL);
    rh_xml_attributef(c->xml, "x1", "%.1f", x1);
    rh_xml_attributef(c->xml, "y1", "%.1f", y1);
    rh_xml_attributef(c->xml, "x2", "%.1f", x2);
    rh_xml_attributef(c->xml, "y2", "%.1f", y2);
    rh_xml_close(c->xml);
}

static void box_at(canvas *c, double x, double y, double width, double height, const char *class_,
                   const char *title)
{
    rh_xml_open(c->xml, "rect", "class", class_, NULL);
    rh_xml_attributef(c->xml, "x", "%.1f", x);
    rh_xml_attributef(c->xml, "y", "%.1f", y);
    rh_xml_attributef(c->xml, "width", "%.1f", width);
    rh_xml_attributef(c->xml, "height", "%.1f", height);
    if (title)
        rh_xml_element(c->xml, "title", title, NULL);
    rh_xml_close(c->xml);
}

static const char *blocking_class(rh_blocking blocking)
{
    return blocking == RH_BLOCKS_READS ? "rw" : blocking == RH_BLOCKS_WRITES ? "w" : "n";
}

static void heading(canvas *c, const char *text)
{
    text_at(c, 0, c->y + 11, "h", text);
    c->y += 18;
}

/* A bar with its duration beside it: to the right, or to the left where the right edge is near. */
static void bar(canvas *c, double from_s, double to_s, rh_blocking blocking, const char *label,
                const char *title)
{
    double x = x_of(c, from_s), width = x_of(c, to_s) - x;
    width = width < 2 ? 2 : width;
    box_at(c, x, c->y + 3, width, LANE - 6, blocking_class(blocking), title);
    if (!label)
        return;
    bool left = x + width + 60 > WIDTH - RIGHT;
    text_at(c, left ? x - 4 : x + width + 4, c->y + 13, left ? "e" : NULL, label);
}

static void statement_lanes(canvas *c)
{
    const rh_view *view = &c->html->view;
    heading(c, "Statements");
    for (size_t i = 0; i < c->timeline->statement_count; i++) {
        const rh_timeline_statement *s = &c->timeline->statements[i];
        text_at(c, 0, c->y + 13, NULL, rh_view_line(view, s->label, 34));
        line_at(c, LEFT, c->y + LANE / 2.0, WIDTH - RIGHT, c->y + LANE / 2.0, "grid");
        bar(c, s->from_s, s->to_s, s->blocking, rh_view_seconds(view, s->to_s - s->from_s),
            rh_view_printf(view, "%s, from %.2f s to %.2f s, blocks %s", s->label, s->from_s, s->to_s,
                           s->blocking == RH_BLOCKS_READS    ? "reads and writes"
                           : s->blocking == RH_BLOCKS_WRITES ? "writes"
                                                             : "neither reads nor writes"));
        c->y += LANE;
    }
    c->y += 8;
}

static void lock_lanes(canvas *c)
{
    const rh_view *view = &c->html->view;
    if (c->timeline->lane_count == 0)
        return;
    heading(c, "Locks held");
    for (size_t i = 0; i < c->timeline->lane_count; i++) {
        const rh_timeline_lane *lane = &c->timeline->lanes[i];
        const char *mode = rh_view_mode(view, lane->mode);
        const char *relation = lane->relation ? lane->relation : "?";
        text_at(c, 0, c->y + 13, NULL, rh_view_line(view, rh_view_printf(view, "%s %s", relation, mode), 37));
        line_at(c, LEFT, c->y + LANE / 2.0, WIDTH - RIGHT, c->y + LANE / 2.0, "grid");
        for (size_t s = 0; s < lane->span_count; s++)
            bar(c, lane->spans[s].from_s, lane->spans[s].to_s, lane->blocking, NULL,
                rh_view_printf(view, "%s on %s, held %s from %.2f s", mode, relation,
                               rh_view_seconds(view, lane->spans[s].to_s - lane->spans[s].from_s),
                               lane->spans[s].from_s));
        c->y += LANE;
    }
    c->y += 8;
}

/* Where a lock of a migration kept others out, behind a panel of the load. */
static void shades(canvas *c, double top, double height)
{
    const rh_json *blocked = rh_json_path(c->html->view.report, "contention.blocked");
    for (size_t i = 0; i < rh_json_count(blocked); i++) {
        const rh_json *b = rh_json_at(blocked, i);
        double x = x_of(c, rh_view_real(b, "from_s")), width = x_of(c, rh_view_real(b, "to_s")) - x;
        bool reads = rh_json_bool(rh_json_get(b, "reads"));
        if (width >= 1)
            box_at(c, x, top, width, height, reads ? "rw shade" : "w shade", NULL);
    }
}

static double y_log(double value, int low, int high, double top)
{
    double share = (log10(value) - low) / (high - low);
    share = share < 0 ? 0 : share > 1 ? 1 : share;
    return top + P99_HEIGHT * (1 - share);
}

/* A line through the seconds that have a figure; broken where one has none. */
static void log_path(canvas *c, const rh_json *seconds, const char *key, const char *class_, int low,
                     int high, double top)
{
    rh_text d = {0};
    bool pen_down = false;
    for (size_t i = 0; i < rh_json_count(seconds); i++) {
        const rh_json *s = rh_json_at(seconds, i);
        double value = rh_view_real(s, key), at = (double)rh_json_int(rh_json_get(s, "second")) + 0.5;
        if (isnan(value) || value <= 0) {
            pen_down = false;
            continue;
        }
        rh_text_printf(&d, "%c%.1f %.1f", pen_down ? 'L' : 'M', x_of(c, at), y_log(value, low, high, top));
        pen_down = true;
    }
    rh_xml_element(c->xml, "path", NULL, "class", class_, "d", rh_text_string(&d), NULL);
    rh_text_release(&d);
}

static void response_panel(canvas *c, const rh_json *seconds)
{
    double least = INFINITY, most = 0;
    for (size_t i = 0; i < rh_json_count(seconds); i++) {
        double p50 = rh_view_real(rh_json_at(seconds, i), "response_p50_ms");
        double p99 = rh_view_real(rh_json_at(seconds, i), "response_p99_ms");
        least = p50 > 0 && p50 < least ? p50 : least;
        most = p99 > most ? p99 : most;
    }
    if (!(most > 0))
        return;
    int low = (int)floor(log10(least < most ? least : most)), high = (int)ceil(log10(most));
    high = high > low ? high : low + 1;
    heading(c, "Response time each second (p99 strong, p50 faint; log scale)");
    double top = c->y;
    shades(c, top, P99_HEIGHT);
    for (int decade = low; decade <= high; decade++) {
        double y = y_log(pow(10, decade), low, high, top);
        line_at(c, LEFT, y, WIDTH - RIGHT, y, "grid");
        const char *label = decade >= 3 ? rh_view_printf(&c->html->view, "%.0f s", pow(10, decade - 3))
                                        : rh_view_printf(&c->html->view, "%g ms", pow(10, decade));
        text_at(c, LEFT - 6, y + 4, "m e", label);
    }
    log_path(c, seconds, "response_p50_ms", "p50", low, high, top);
    log_path(c, seconds, "response_p99_ms", "p99", low, high, top);
    c->y += P99_HEIGHT + GAP;
}

/* A filled stair of one count each second. */
static void count_area(canvas *c, const rh_json *seconds, const char *key, double top, double height,
                       double most, const char *class_)
{
    rh_text d = {0};
    double last_x = LEFT;
    for (size_t i = 0; i < rh_json_count(seconds); i++) {
        const rh_json *s = rh_json_at(seconds, i);
        double second = (double)rh_json_int(rh_json_get(s, "second")),
               value = (double)rh_json_int(rh_json_get(s, key));
        double y = top + height * (1 - (value > 0 ? value : 0) / most);
        if (i == 0)
            rh_text_printf(&d, "M%.1f %.1f", x_of(c, second), top + height);
        last_x = x_of(c, second + 1);
        rh_text_printf(&d, "L%.1f %.1fL%.1f %.1f", x_of(c, second), y, last_x, y);
    }
    rh_text_printf(&d, "L%.1f %.1fZ", last_x, top + height);
    if (rh_json_count(seconds))
        rh_xml_element(c->xml, "path", NULL, "class", class_, "d", rh_text_string(&d), NULL);
    rh_text_release(&d);
}

static void throughput_panel(canvas *c, const rh_json *seconds)
{
    double rate = rh_json_real(rh_json_path(c->html->view.report, "load.rate_per_s")),
           most = rate > 0 ? rate : 1;
    for (size_t i = 0; i < rh_json_count(seconds); i++) {
        double done = (double)rh_json_int(rh_json_get(rh_json_at(seconds, i), "transactions"));
        most = done > most ? done : most;
    }
    heading(c, "Transactions each second, by intended start (dashed: the rate asked for)");
    double top = c->y;
    shades(c, top, RATE_HEIGHT);
    count_area(c, seconds, "transactions", top, RATE_HEIGHT, most, "area");
    count_area(c, seconds, "errors", top, RATE_HEIGHT, most, "rw");
    line_at(c, LEFT, top + RATE_HEIGHT, WIDTH - RIGHT, top + RATE_HEIGHT, "axis");
    text_at(c, LEFT - 6, top + RATE_HEIGHT + 2, "m e", "0");
    if (rate > 0) {
        double y = top + RATE_HEIGHT * (1 - rate / most);
        line_at(c, LEFT, y, WIDTH - RIGHT, y, "want");
        text_at(c, LEFT - 6, y + 4, "m e", rh_view_printf(&c->html->view, "%.0f /s", rate));
    }
    c->y += RATE_HEIGHT + GAP;
}

static void queue_panel(canvas *c)
{
    const rh_json *queue = rh_json_path(c->html->view.report, "contention.queue");
    int64_t most = rh_json_int(rh_json_path(c->html->view.report, "contention.deepest_queue"));
    if (rh_json_count(queue) == 0 || most < 1)
        return;
    heading(c, "Sessions waiting for a lock");
    double top = c->y, bottom = top + QUEUE_HEIGHT, y = bottom;
    rh_text d = {0};
    rh_text_printf(&d, "M%d %.1f", LEFT, bottom);
    for (size_t i = 0; i < rh_json_count(queue); i++) {
        const rh_json *point = rh_json_at(queue, i);
        double x = x_of(c, rh_view_real(point, "at_s"));
        double share = (double)rh_json_int(rh_json_get(point, "depth")) / (double)most;
        rh_text_printf(&d, "L%.1f %.1f", x, y);
        y = bottom - QUEUE_HEIGHT * (share > 1 ? 1 : share);
        rh_text_printf(&d, "L%.1f %.1f", x, y);
    }
    rh_text_printf(&d, "L%d %.1fL%d %.1fZ", WIDTH - RIGHT, y, WIDTH - RIGHT, bottom);
    rh_xml_element(c->xml, "path", NULL, "class", "n", "d", rh_text_string(&d), NULL);
    rh_text_release(&d);
    line_at(c, LEFT, bottom, WIDTH - RIGHT, bottom, "axis");
    text_at(c, LEFT - 6, bottom + 2, "m e", "0");
    text_at(c, LEFT - 6, top + 5, "m e", rh_view_printf(&c->html->view, "%lld", (long long)most));
    c->y += QUEUE_HEIGHT + 8;
}

static double tick_step(double span)
{
    double step = pow(10, floor(log10(span / 8)));
    double ratio = span / 8 / step;
    return step * (ratio > 5 ? 10 : ratio > 2 ? 5 : ratio > 1 ? 2 : 1);
}

static void axis(canvas *c)
{
    const rh_timeline *t = c->timeline;
    double step = tick_step(t->to_s - t->from_s);
    line_at(c, LEFT, c->y, WIDTH - RIGHT, c->y, "axis");
    int first = (int)ceil(t->from_s / step), last = (int)floor(t->to_s / step + 1e-6);
    for (int tick = first; tick <= last; tick++) {
        double at = tick * step;
        line_at(c, x_of(c, at), c->y, x_of(c, at), c->y + 4, "axis");
        text_at(c, x_of(c, at), c->y + 16, "m c",
                rh_view_printf(&c->html->view, "%g s", round(at * 1e6) / 1e6));
    }
    c->y += 22;
}

/* Where each migration began: a mark through all lanes, named above where there is room. */
static void marks(canvas *c, double bottom)
{
    double last_label = -1e9;
    for (size_t i = 0; i < c->timeline->mark_count; i++) {
        const rh_timeline_mark *m = &c->timeline->marks[i];
        double x = x_of(c, m->at_s);
        line_at(c, x, 16, x, bottom, "mark");
        const char *label = rh_view_line(&c->html->view, m->label, 10);
        double width = 6.4 * (double)strlen(label) + 8;
        if (x - width / 2 < last_label)
            continue;
        text_at(c, x, 11, "m c", label);
        last_label = x + width / 2;
    }
}

static void legend(rh_html *html)
{
    static const char *const entries[][2] = {
        {"k-rw", "blocks reads and writes"}, {"k-w", "blocks writes"}, {"k-n", "blocks neither"}};
    rh_xml_open(html->xml, "p", "class", "legend", NULL);
    for (size_t i = 0; i < 3; i++) {
        rh_xml_open(html->xml, "span", NULL);
        rh_xml_element(html->xml, "i", NULL, "class", entries[i][0], NULL);
        rh_xml_text(html->xml, entries[i][1]);
        rh_xml_close(html->xml);
        rh_xml_text(html->xml, " ");
    }
    rh_xml_text(
        html->xml,
        "Seconds since the load began; dotted: a migration begins; tinted: a lock of it keeps others out.");
    rh_xml_close(html->xml);
}

/* The height is known only when all is drawn, so it is added up first. */
static double height_of(const rh_timeline *t, bool seconds, bool queue)
{
    double height = 16 + 18 + LANE * (double)t->statement_count + 8;
    height += t->lane_count ? 18 + LANE * (double)t->lane_count + 8 : 0;
    height += seconds ? 18 + P99_HEIGHT + GAP + 18 + RATE_HEIGHT + GAP : 0;
    return height + (queue ? 18 + QUEUE_HEIGHT + 8 : 0) + 26;
}

static void draw(rh_html *html, const rh_timeline *timeline)
{
    const rh_json *report = html->view.report, *seconds = rh_json_path(report, "load.seconds");
    canvas c = {.html = html, .xml = html->xml, .timeline = timeline, .y = 16};
    double height = height_of(timeline, rh_json_count(seconds) > 0,
                              rh_json_count(rh_json_path(report, "contention.queue")) > 0);
    rh_xml_open(html->xml, "svg", "xmlns", "http://www.w3.org/2000/svg", "role", "img", "aria-labelledby",
                "tl-title tl-desc", "viewBox", rh_view_printf(&html->view, "0 0 %d %.0f", WIDTH, height),
                NULL);
    rh_xml_element(html->xml, "title", "Timeline of the loaded pass", "id", "tl-title", NULL);
    rh_xml_element(html->xml, "desc",
                   rh_view_printf(&html->view,
                                  "%zu statements and %zu locks as bars, then the load's response time, "
                                  "throughput and lock queue, over %.0f "
                                  "seconds. The tables below have the figures.",
                                  timeline->statement_count, timeline->lane_count,
                                  timeline->to_s - timeline->from_s),
                   "id", "tl-desc", NULL);
    marks(&c, height - 26);
    statement_lanes(&c);
    lock_lanes(&c);
    if (rh_json_count(seconds)) {
        response_panel(&c, seconds);
        throughput_panel(&c, seconds);
    }
    queue_panel(&c);
    axis(&c);
    rh_xml_close(html->xml);
}

void rh_html_timeline(rh_html *html)
{
    rh_timeline timeline;
    rh_html_section(html, "timeline", "Timeline of the loaded pass");
    if (!rh_json_get(html->view.report, "load") || !rh_timeline_gather(&html->view, &timeline)) {
        rh_html_absent(html, "Timeline", "load");
        rh_html_section_end(html);
        return;
    }
    legend(html);
    rh_xml_open(html->xml, "div", "class", "scroll chart", "tabindex", "0", "role", "region", "aria-label",
                "Timeline", NULL);
    draw(html, &timeline);
    rh_xml_close(html->xml);
    if (timeline.hidden_statements)
        rh_html_paragraph(
            html, "note",
            rh_view_printf(&html->view,
                           "%zu statements are not drawn: they took less than %s or found no room.",
                           timeline.hidden_statements, rh_view_seconds(&html->view, timeline.visible_s)));
    rh_html_section_end(html);
}
