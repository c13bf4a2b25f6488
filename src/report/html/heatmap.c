/* The heat map under the timeline: for each relation, when its reads and its writes were blocked. */
#include "canvas.h"
#include "report/view/heat.h"

enum {
    STRIPS_SHOWN = 8,
    ROW = 11,
    STRIP = 2 * ROW + 5,
    BINS = RH_CANVAS_WIDTH - RH_CANVAS_LEFT - RH_CANVAS_RIGHT
};

static size_t strips_of(const rh_html *html, const rh_timeline *timeline, rh_heat_strip **strips)
{
    return rh_heat_gather(&html->view, timeline->from_s, timeline->to_s, BINS, strips);
}

double rh_canvas_heat_height(const rh_html *html, const rh_timeline *timeline)
{
    rh_heat_strip *strips;
    size_t count = strips_of(html, timeline, &strips);
    size_t shown = count < STRIPS_SHOWN ? count : STRIPS_SHOWN;
    return count ? RH_CANVAS_HEADING + STRIP * (double)shown + (count > shown ? 14 : 0) + 8 : 0;
}

static void draw_row(rh_canvas *c, const rh_heat_strip *strip, const rh_heat_row *row, const char *what,
                     const char *color)
{
    const rh_view *view = &c->html->view;
    double middle = c->y + ROW / 2.0;
    rh_canvas_text(
        c, RH_CANVAS_LEFT - 6, c->y + ROW - 1.5, "m e s",
        rh_view_printf(view, "%s %s", what, row->total_s > 0 ? rh_view_seconds(view, row->total_s) : "–"));
    rh_canvas_line(c, RH_CANVAS_LEFT, middle, RH_CANVAS_WIDTH - RH_CANVAS_RIGHT, middle, "grid");
    for (size_t i = 0; i < row->cell_count; i++) {
        const rh_heat_cell *cell = &row->cells[i];
        double x = rh_canvas_x(c, cell->from_s);
        rh_canvas_box(c, x, c->y + 1, rh_canvas_x(c, cell->to_s) - x, ROW - 2,
                      rh_view_printf(view, "%s h%d", color, cell->level),
                      rh_view_printf(view, "%s of %s blocked from %.2f s, for %s", what, strip->relation,
                                     cell->from_s, rh_view_seconds(view, cell->to_s - cell->from_s)));
    }
    c->y += ROW;
}

void rh_canvas_heat(rh_canvas *c)
{
    const rh_view *view = &c->html->view;
    rh_heat_strip *strips;
    size_t count = strips_of(c->html, c->timeline, &strips);
    if (count == 0)
        return;
    rh_canvas_heading(c, "Blocked time of each relation (total; darker: a larger part of the interval)");
    for (size_t i = 0; i < count && i < STRIPS_SHOWN; i++) {
        rh_canvas_text(c, 0, c->y + ROW + 3, NULL, rh_view_line(view, strips[i].relation, 22));
        draw_row(c, &strips[i], &strips[i].reads, "reads", "rw");
        draw_row(c, &strips[i], &strips[i].writes, "writes", "w");
        c->y += STRIP - 2 * ROW;
    }
    if (count > STRIPS_SHOWN) {
        rh_canvas_text(c, 0, c->y + 9, "m",
                       rh_view_printf(view,
                                      "and %zu more relations, blocked for less; all are in report.json",
                                      count - STRIPS_SHOWN));
        c->y += 14;
    }
    c->y += 8;
}
