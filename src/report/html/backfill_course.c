/* The course of a backfill on the calendar: rows done over time, with the band of the interval. */
#include "backfill_charts.h"
#include "pgrehearse/base/text.h"
#include <math.h>

enum {
    WIDTH = 760,
    LEFT = 64,
    RIGHT = 20,
    TOP = 16,
    PLOT = 180,
    BOTTOM = TOP + PLOT,
    HEIGHT = BOTTOM + 36,
    TICKS = 4
};

typedef struct course {
    rh_canvas canvas;
    const rh_view *view;
    const rh_json *points;
    size_t count;
    double rows; /* all */
} course;

static double x_of(const course *c, size_t i)
{
    return LEFT + (double)(WIDTH - LEFT - RIGHT) * (double)i / (double)(c->count - 1);
}

static double y_of(const course *c, size_t i, const char *key)
{
    const rh_json *rows = rh_json_get(rh_json_at(c->points, i), "rows");
    const double value = rh_view_real(rows, key);
    return BOTTOM - PLOT * fmin((isnan(value) ? rh_view_real(rows, "median") : value) / c->rows, 1);
}

static void draw_band(course *c)
{
    rh_text path = {0};
    for (size_t i = 0; i < c->count; i++)
        rh_text_printf(&path, "%s%.1f %.1f", i ? "L" : "M", x_of(c, i), y_of(c, i, "high"));
    for (size_t i = c->count; i-- > 0;)
        rh_text_printf(&path, "L%.1f %.1f", x_of(c, i), y_of(c, i, "low"));
    rh_text_append(&path, "z");
    rh_xml_element(c->canvas.xml, "path", NULL, "class", "band", "d", rh_text_string(&path), NULL);
    rh_text_release(&path);
}

static void draw_line(course *c)
{
    rh_text path = {0};
    for (size_t i = 0; i < c->count; i++)
        rh_text_printf(&path, "%s%.1f %.1f", i ? "L" : "M", x_of(c, i), y_of(c, i, "median"));
    rh_xml_element(c->canvas.xml, "path", NULL, "class", "p99", "d", rh_text_string(&path), NULL);
    rh_text_release(&path);
}

static void draw_axes(course *c)
{
    rh_canvas *canvas = &c->canvas;
    for (int i = 0; i <= TICKS; i++) {
        const size_t at = (c->count - 1) * (size_t)i / TICKS;
        const double x = x_of(c, at), y = BOTTOM - (double)PLOT * i / TICKS;
        rh_canvas_line(canvas, LEFT, y, WIDTH - RIGHT, y, i ? "grid" : "axis");
        rh_canvas_text(canvas, LEFT - 6, y + 4, "m e", rh_view_printf(c->view, "%d %%", 100 * i / TICKS));
        rh_canvas_text(canvas, x, BOTTOM + 15,
                       i == 0       ? "m"
                       : i == TICKS ? "m e"
                                    : "m c",
                       rh_view_course_moment(c->view, rh_json_at(c->points, at)));
    }
}

void rh_html_backfill_course(rh_html *html, const rh_view_backfill *b, size_t index)
{
    const rh_view *view = &html->view;
    course c = {
        .view = view, .points = rh_json_get(b->record, "course"), .rows = rh_view_real(b->record, "rows")};
    c.count = rh_json_count(c.points);
    if (!rh_view_string(rh_json_get(b->record, "schedule"), "zone") || !b->chosen)
        return;
    rh_xml_element(html->xml, "h3", "Predicted progress on the calendar", NULL);
    if (c.count < 2 || !(c.rows > 0)) {
        const char *why = rh_view_string(b->record, "finish_why");
        rh_html_paragraph(html, "absent",
                          rh_view_printf(view, "No predicted progress: %s.", why ? why : "no setting ran"));
        return;
    }
    rh_html_paragraph(
        html, NULL,
        rh_view_printf(
            view, "Rows done with %s; the band is the interval at %s. Closed hours are level. Times of %s.",
            b->chosen->name, rh_view_percent(view, rh_view_real(b->record, "level")),
            rh_view_string(rh_json_get(b->record, "schedule"), "zone")));
    c.canvas = rh_html_backfill_canvas(html, "course", index, "Rows done over time",
                                       "A line, and the band in which the progress is expected.", HEIGHT);
    draw_axes(&c);
    draw_band(&c);
    draw_line(&c);
    rh_html_backfill_canvas_end(&c.canvas);
}
