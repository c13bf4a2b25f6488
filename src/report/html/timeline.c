/* The timeline: statements, locks, response time, throughput and queue on one axis of seconds since the load
 * began. */
#include "canvas.h"
#include <math.h>
#include <string.h>

static const char *blocking_class(rh_blocking blocking)
{
    return blocking == RH_BLOCKS_READS ? "rw" : blocking == RH_BLOCKS_WRITES ? "w" : "n";
}

/* A bar with its duration beside it: to the right, or to the left where the right edge is near. */
static void bar(rh_canvas *c, double from_s, double to_s, rh_blocking blocking, const char *label,
                const char *title)
{
    double x = rh_canvas_x(c, from_s), width = rh_canvas_x(c, to_s) - x;
    width = width < 2 ? 2 : width;
    rh_canvas_box(c, x, c->y + 3, width, RH_CANVAS_LANE - 6, blocking_class(blocking), title);
    if (!label)
        return;
    bool left = x + width + 60 > RH_CANVAS_WIDTH - RH_CANVAS_RIGHT;
    rh_canvas_text(c, left ? x - 4 : x + width + 4, c->y + 13, left ? "e" : NULL, label);
}

static void statement_lanes(rh_canvas *c)
{
    const rh_view *view = &c->html->view;
    rh_canvas_heading(c, "Statements");
    for (size_t i = 0; i < c->timeline->statement_count; i++) {
        const rh_timeline_statement *s = &c->timeline->statements[i];
        rh_canvas_text(c, 0, c->y + 13, NULL, rh_view_line(view, s->label, 34));
        rh_canvas_line(c, RH_CANVAS_LEFT, c->y + RH_CANVAS_LANE / 2.0, RH_CANVAS_WIDTH - RH_CANVAS_RIGHT,
                       c->y + RH_CANVAS_LANE / 2.0, "grid");
        bar(c, s->from_s, s->to_s, s->blocking, rh_view_seconds(view, s->to_s - s->from_s),
            rh_view_printf(view, "%s, from %.2f s to %.2f s, blocks %s", s->label, s->from_s, s->to_s,
                           s->blocking == RH_BLOCKS_READS    ? "reads and writes"
                           : s->blocking == RH_BLOCKS_WRITES ? "writes"
                                                             : "neither reads nor writes"));
        c->y += RH_CANVAS_LANE;
    }
    c->y += 8;
}

static void lock_lanes(rh_canvas *c)
{
    const rh_view *view = &c->html->view;
    if (c->timeline->lane_count == 0)
        return;
    rh_canvas_heading(c, "Locks held");
    for (size_t i = 0; i < c->timeline->lane_count; i++) {
        const rh_timeline_lane *lane = &c->timeline->lanes[i];
        const char *mode = rh_lock_mode_sql(lane->mode);
        const char *relation = lane->relation ? lane->relation : "?";
        rh_canvas_text(
            c, 0, c->y + 13, NULL,
            rh_view_line(view, rh_view_printf(view, "%s %s", relation, rh_lock_mode_short(lane->mode)), 36));
        rh_canvas_line(c, RH_CANVAS_LEFT, c->y + RH_CANVAS_LANE / 2.0, RH_CANVAS_WIDTH - RH_CANVAS_RIGHT,
                       c->y + RH_CANVAS_LANE / 2.0, "grid");
        for (size_t s = 0; s < lane->span_count; s++)
            bar(c, lane->spans[s].from_s, lane->spans[s].to_s, lane->blocking, NULL,
                rh_view_printf(view, "%s on %s, held %s from %.2f s", mode, relation,
                               rh_view_seconds(view, lane->spans[s].to_s - lane->spans[s].from_s),
                               lane->spans[s].from_s));
        c->y += RH_CANVAS_LANE;
    }
    c->y += 8;
}

static double tick_step(double span)
{
    double step = pow(10, floor(log10(span / 8)));
    double ratio = span / 8 / step;
    return step * (ratio > 5 ? 10 : ratio > 2 ? 5 : ratio > 1 ? 2 : 1);
}

static void axis(rh_canvas *c)
{
    const rh_timeline *t = c->timeline;
    double step = tick_step(t->to_s - t->from_s);
    rh_canvas_line(c, RH_CANVAS_LEFT, c->y, RH_CANVAS_WIDTH - RH_CANVAS_RIGHT, c->y, "axis");
    int first = (int)ceil(t->from_s / step), last = (int)floor(t->to_s / step + 1e-6);
    for (int tick = first; tick <= last; tick++) {
        double at = tick * step;
        rh_canvas_line(c, rh_canvas_x(c, at), c->y, rh_canvas_x(c, at), c->y + 4, "axis");
        rh_canvas_text(c, rh_canvas_x(c, at), c->y + 16, "m c",
                       rh_view_printf(&c->html->view, "%g s", round(at * 1e6) / 1e6));
    }
    c->y += 22;
}

/* Where each migration began: a mark through all lanes, named above where there is room. */
static void marks(rh_canvas *c, double bottom)
{
    double last_label = -1e9;
    for (size_t i = 0; i < c->timeline->mark_count; i++) {
        const rh_timeline_mark *m = &c->timeline->marks[i];
        double x = rh_canvas_x(c, m->at_s);
        rh_canvas_line(c, x, 16, x, bottom, "mark");
        const char *label = rh_view_line(&c->html->view, m->label, 10);
        double width = 6.4 * (double)strlen(label) + 8;
        if (x - width / 2 < last_label)
            continue;
        rh_canvas_text(c, x, 11, "m c", label);
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
        "Seconds since the load began; dotted: a migration begins; tinted: one of its locks blocks other sessions.");
    rh_xml_close(html->xml);
}

enum { TOP = 16, LANES_GAP = 8, AXIS_HEIGHT = 26 };

/* The height is known only when all is drawn, so it is added up first. */
static double height_of(const rh_html *html, const rh_timeline *t)
{
    double height = TOP + RH_CANVAS_HEADING + RH_CANVAS_LANE * (double)t->statement_count + LANES_GAP;
    if (t->lane_count)
        height += RH_CANVAS_HEADING + RH_CANVAS_LANE * (double)t->lane_count + LANES_GAP;
    return height + rh_canvas_heat_height(html, t) + rh_canvas_panels_height(html) + AXIS_HEIGHT;
}

static void draw(rh_html *html, const rh_timeline *timeline)
{
    rh_canvas c = {.html = html, .xml = html->xml, .timeline = timeline, .y = TOP};
    double height = height_of(html, timeline);
    rh_xml_open(html->xml, "svg", "xmlns", "http://www.w3.org/2000/svg", "role", "img", "aria-labelledby",
                "tl-title tl-desc", "viewBox",
                rh_view_printf(&html->view, "0 0 %d %.0f", RH_CANVAS_WIDTH, height), NULL);
    rh_xml_element(html->xml, "title", "Timeline of the loaded pass", "id", "tl-title", NULL);
    rh_xml_element(
        html->xml, "desc",
        rh_view_printf(&html->view,
                       "%zu statements and %zu locks as bars, where reads and writes of each relation "
                       "were blocked, then the load's response time, throughput and lock queue, over "
                       "%.0f seconds. The tables below have the figures.",
                       timeline->statement_count, timeline->lane_count, timeline->to_s - timeline->from_s),
        "id", "tl-desc", NULL);
    marks(&c, height - AXIS_HEIGHT);
    statement_lanes(&c);
    lock_lanes(&c);
    rh_canvas_heat(&c);
    rh_canvas_panels(&c);
    axis(&c);
    rh_xml_close(html->xml);
}

void rh_html_timeline(rh_html *html)
{
    rh_timeline timeline;
    rh_html_section(html, "timeline", "Timeline of the loaded pass");
    if (!rh_json_get(html->view.report, "load") || !rh_timeline_gather(&html->view, &timeline)) {
        rh_html_absent(html, "Timeline", RH_UNMEASURED_LOAD);
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
            rh_view_printf(&html->view, "Not drawn: %zu statement%s that took less than %s or found no room.",
                           timeline.hidden_statements, timeline.hidden_statements == 1 ? "" : "s",
                           rh_view_seconds(&html->view, timeline.visible_s)));
    rh_html_section_end(html);
}
