#include "backfill_charts.h"
#include <math.h>
#include <string.h>

enum { WIDTH = RH_BACKFILL_CHART_WIDTH, LEFT = 64, RIGHT = 20 };

static const double TICKS[] = {1, 2, 5}, FINE[] = {1, 1.5, 2, 3, 4, 5, 6, 8};

rh_canvas rh_html_backfill_canvas(rh_html *html, const char *id, size_t index, const char *title,
                                  const char *about, int height)
{
    const rh_view *view = &html->view;
    const char *anchor = rh_view_printf(view, "%s-%zu", id, index + 1);
    rh_xml_open(html->xml, "div", "class", "scroll chart", "tabindex", "0", "role", "region", "aria-label",
                title, NULL);
    rh_xml_open(html->xml, "svg", "xmlns", "http://www.w3.org/2000/svg", "class", "small", "role", "img",
                "aria-labelledby", rh_view_printf(view, "%s-title %s-desc", anchor, anchor), "viewBox",
                rh_view_printf(view, "0 0 %d %d", WIDTH, height), NULL);
    rh_xml_element(html->xml, "title", title, "id", rh_view_printf(view, "%s-title", anchor), NULL);
    rh_xml_element(html->xml, "desc", about, "id", rh_view_printf(view, "%s-desc", anchor), NULL);
    return (rh_canvas){.html = html, .xml = html->xml};
}

void rh_html_backfill_canvas_end(rh_canvas *c)
{
    rh_xml_close(c->xml);
    rh_xml_close(c->xml);
}

/* ---- frontier ---- */

/* A logarithmic axis. */
typedef struct axis {
    double low, high;  /* of the figures */
    double from, span; /* in the drawing; SPAN is negative upwards */
} axis;

static void include(axis *a, double value)
{
    if (!(value > 0))
        return;
    a->low = fmin(a->low, value);
    a->high = fmax(a->high, value);
}

static double place(const axis *a, double value)
{
    const double share = log(fmax(value, a->low) / a->low) / log(a->high / a->low);
    return a->from + a->span * fmin(share, 1);
}

typedef struct frontier {
    rh_canvas canvas;
    const rh_view *view;
    axis x, y;
} frontier;

enum { TOP = 16, PLOT = 250, BOTTOM = TOP + PLOT, FRONTIER_HEIGHT = BOTTOM + 46 };

static bool is_drawn(const rh_view_setting *s)
{
    return s->ran && s->total_s.median > 0 && s->p99_ratio.median > 0;
}

/* The axis on which GATE is a line; NULL: it has none. */
static axis *axis_of(frontier *f, const rh_view_backfill_gate *gate)
{
    return strcmp(gate->name, "duration") == 0             ? &f->x
           : strcmp(gate->name, "response_p99_ratio") == 0 ? &f->y
                                                           : NULL;
}

/* The figures, their intervals, and the gates that are near them. */
static bool measure_axes(frontier *f, const rh_view_backfill *b)
{
    bool any = false;
    f->x = (axis){INFINITY, 0, LEFT, WIDTH - LEFT - RIGHT};
    f->y = (axis){INFINITY, 0, BOTTOM, -PLOT};
    for (size_t i = 0; i < b->setting_count; i++) {
        const rh_view_setting *s = &b->settings[i];
        if (!is_drawn(s))
            continue;
        any = true;
        const double xs[] = {s->total_s.median, s->total_s.low, s->total_s.high},
                     ys[] = {s->p99_ratio.median, s->p99_ratio.low, s->p99_ratio.high};
        for (size_t k = 0; k < 3; k++) {
            include(&f->x, xs[k]);
            include(&f->y, ys[k]);
        }
    }
    include(&f->y, 1);
    for (size_t i = 0; any && i < b->gate_count; i++) {
        axis *a = axis_of(f, &b->gates[i]);
        if (a && b->gates[i].limit < 4 * a->high)
            include(a, b->gates[i].limit);
    }
    for (axis *a = &f->x; any && a; a = a == &f->x ? &f->y : NULL) {
        a->low /= 1.15;
        a->high *= 1.15;
    }
    return any;
}

static void draw_ticks(frontier *f, const axis *a, bool upwards)
{
    rh_canvas *c = &f->canvas;
    const double ratio = a->high / a->low, *ticks = ratio < 5 ? FINE : TICKS;
    const size_t count = ratio < 5     ? sizeof FINE / sizeof *FINE
                         : ratio > 200 ? 1
                                       : sizeof TICKS / sizeof *TICKS;
    for (int power = (int)floor(log10(a->low)); power <= (int)ceil(log10(a->high)); power++)
        for (size_t i = 0; i < count; i++) {
            const double value = ticks[i] * pow(10, power), at = place(a, value);
            if (value < a->low || value > a->high)
                continue;
            if (upwards) {
                rh_canvas_line(c, LEFT, at, WIDTH - RIGHT, at, "grid");
                rh_canvas_text(c, LEFT - 6, at + 4, "m e", rh_view_printf(f->view, "×%g", value));
            } else {
                rh_canvas_line(c, at, TOP, at, BOTTOM, "grid");
                rh_canvas_text(c, at, BOTTOM + 15, "m c", rh_view_seconds(f->view, value));
            }
        }
}

static void draw_gates(frontier *f, const rh_view_backfill *b)
{
    rh_canvas *c = &f->canvas;
    for (size_t i = 0; i < b->gate_count; i++) {
        const double limit = b->gates[i].limit;
        const axis *a = axis_of(f, &b->gates[i]);
        const char *text = rh_view_printf(f->view, "gate %s", b->gates[i].limit_text);
        if (!a || !(limit > a->low && limit < a->high))
            continue;
        const double at = place(a, limit);
        if (a == &f->y) {
            rh_canvas_line(c, LEFT, at, WIDTH - RIGHT, at, "want");
            rh_canvas_text(c, WIDTH - RIGHT, at - 4, "e", text);
        } else {
            rh_canvas_line(c, at, TOP, at, BOTTOM, "want");
            rh_canvas_text(c, at - 4, TOP + 10, "e", text);
        }
    }
}

/* The shape says what the colour says: a disc, a diamond, a cross. */
static void draw_mark(rh_canvas *c, double x, double y, const rh_view_setting *s, const char *title)
{
    const bool held = rh_view_is(s->record, "state", "held"),
               failed = rh_view_is(s->record, "state", "failed");
    const char *shape = held     ? "m-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0z"
                        : failed ? "m-5 -5l10 10m-10 0l10 -10"
                                 : "m0 -6l6 6l-6 6l-6 -6z";
    rh_xml_open(c->xml, "path", "class", held ? "s-held" : failed ? "s-failed" : "s-unclear", NULL);
    rh_xml_attributef(c->xml, "d", "M%.1f %.1f%s", x, y, shape);
    rh_xml_element(c->xml, "title", title, NULL);
    rh_xml_close(c->xml);
    if (!s->recommended)
        return;
    rh_xml_open(c->xml, "circle", "class", "s-ring", "r", "10.5", NULL);
    rh_xml_attributef(c->xml, "cx", "%.1f", x);
    rh_xml_attributef(c->xml, "cy", "%.1f", y);
    rh_xml_close(c->xml);
}

static void draw_setting(frontier *f, const rh_view_setting *s, size_t number)
{
    rh_canvas *c = &f->canvas;
    const double x = place(&f->x, s->total_s.median), y = place(&f->y, s->p99_ratio.median);
    if (s->total_s.low > 0 && s->total_s.high > 0)
        rh_canvas_line(c, place(&f->x, s->total_s.low), y, place(&f->x, s->total_s.high), y, "span");
    if (s->p99_ratio.low > 0 && s->p99_ratio.high > 0)
        rh_canvas_line(c, x, place(&f->y, s->p99_ratio.low), x, place(&f->y, s->p99_ratio.high), "span");
    draw_mark(c, x, y, s,
              rh_view_printf(f->view, "%s: %s, p99 %s, %s", s->name,
                             rh_view_seconds(f->view, s->total_s.median),
                             rh_view_ratio(f->view, s->p99_ratio.median), rh_view_setting_state(s)));
    rh_canvas_text(c, x + 13, y - 8, NULL, rh_view_printf(f->view, "%zu", number));
}

void rh_html_backfill_frontier(rh_html *html, const rh_view_backfill *b, size_t index)
{
    frontier f = {.view = &html->view};
    if (!measure_axes(&f, b)) {
        rh_html_paragraph(html, "absent",
                          "Duration against response time: not measured (no setting ran under load).");
        return;
    }
    rh_html_paragraph(html, "legend",
                      "● holds every gate  ◇ unclear  ✕ fails a gate  ◯ around it: recommended. The lines "
                      "are intervals; dashed: the gates. The numbers are those of the table below.");
    f.canvas = rh_html_backfill_canvas(
        html, "frontier", index, "Each setting: duration of the backfill, effect on the load",
        "One point for each setting that ran. The table below has the figures.", FRONTIER_HEIGHT);
    draw_ticks(&f, &f.x, false);
    draw_ticks(&f, &f.y, true);
    rh_canvas_line(&f.canvas, LEFT, BOTTOM, WIDTH - RIGHT, BOTTOM, "axis");
    rh_canvas_line(&f.canvas, LEFT, TOP, LEFT, BOTTOM, "axis");
    rh_canvas_text(&f.canvas, LEFT, 10, "h", "p99 of the load's response time, with / without the backfill");
    rh_canvas_text(&f.canvas, WIDTH - RIGHT, BOTTOM + 34, "h e", "duration of the whole backfill");
    draw_gates(&f, b);
    for (size_t i = 0; i < b->setting_count; i++)
        if (is_drawn(&b->settings[i]))
            draw_setting(&f, &b->settings[i], i + 1);
    rh_html_backfill_canvas_end(&f.canvas);
}

/* ---- cost along the key ---- */

enum { BARS = 84, PANEL = BARS + 40 };

static void draw_panel(rh_canvas *c, const rh_json *strata, const char *key, const char *title,
                       const char *(*format)(const rh_view *view, double value), const char *class_)
{
    const rh_view *view = &c->html->view;
    const size_t count = rh_json_count(strata);
    const double step = (double)(WIDTH - LEFT - RIGHT) / (double)count, floor_y = c->y + PANEL - 16;
    double most = 0;
    for (size_t i = 0; i < count; i++)
        most = fmax(most, rh_view_real(rh_json_at(strata, i), key)); /* fmax leaves NaN out */
    rh_canvas_text(c, LEFT, c->y + 11, "h", title);
    rh_canvas_line(c, LEFT, floor_y, WIDTH - RIGHT, floor_y, "axis");
    rh_canvas_line(c, LEFT, floor_y - BARS, WIDTH - RIGHT, floor_y - BARS, "grid");
    rh_canvas_text(c, LEFT - 6, floor_y, "m e", "0");
    rh_canvas_text(c, LEFT - 6, floor_y - BARS + 4, "m e", format(view, most));
    for (size_t i = 0; i < count; i++) {
        const double value = rh_view_real(rh_json_at(strata, i), key), x = LEFT + (double)i * step;
        if (isnan(value)) {
            rh_canvas_text(c, x + step / 2, floor_y - 4, "m c", "–");
            continue;
        }
        const double height = fmax(value / most * BARS, 1);
        rh_canvas_box(c, x + 2, floor_y - height, fmax(step - 4, 1), height, class_,
                      rh_view_printf(view, "part %zu of %zu: %s per row", i + 1, count, format(view, value)));
    }
    rh_canvas_text(c, LEFT, floor_y + 13, "m", "first rows");
    rh_canvas_text(c, WIDTH - RIGHT, floor_y + 13, "m e", "last rows");
    c->y += PANEL + 4;
}

static const char *microseconds(const rh_view *view, double value)
{
    return rh_view_printf(view, "%.0f µs", value);
}

static const char *bytes(const rh_view *view, double value)
{
    return rh_view_bytes_or(view, llround(value), "?");
}

void rh_html_backfill_strata(rh_html *html, const rh_view_backfill *b, size_t index)
{
    const rh_json *strata = rh_json_get(b->record, "strata");
    size_t measured = 0;
    for (size_t i = 0; i < rh_json_count(strata); i++)
        measured += !isnan(rh_view_real(rh_json_at(strata, i), "us_per_row"));
    if (measured == 0) {
        rh_html_paragraph(html, "absent", "Cost along the key: not measured (no batch ran without load).");
        return;
    }
    rh_html_paragraph(
        html, NULL,
        rh_view_printf(
            &html->view,
            "The rows to do in %zu parts, in the order in which batches take them; %s. Measured "
            "without load.",
            rh_json_count(strata),
            measured == rh_json_count(strata)
                ? "batches ran in each"
                : rh_view_printf(&html->view, "batches ran in %zu, the others have a dash", measured)));
    rh_canvas c =
        rh_html_backfill_canvas(html, "strata", index, "Cost per row, along the key",
                                "Two bars for each part of the rows: time and WAL per row.", 2 * PANEL + 10);
    draw_panel(&c, strata, "us_per_row", "Time a row", microseconds, "p-cpu");
    draw_panel(&c, strata, "wal_bytes_per_row", "WAL a row", bytes, "p-wal");
    rh_html_backfill_canvas_end(&c);
}

/* ---- phases ---- */

static const struct {
    const char *key, *class_, *name;
} PHASES[] = {{"find_s", "read", "find the rows"},
              {"update_s", "cpu", "update"},
              {"commit_s", "wal", "commit"},
              {"pause_s", "wait", "pause"}};
enum { PHASE_COUNT = sizeof PHASES / sizeof *PHASES };

void rh_html_backfill_phases(rh_html *html, const rh_view_backfill *b, size_t index)
{
    const rh_view *view = &html->view;
    double all = 0;
    for (size_t i = 0; b->chosen && i < PHASE_COUNT; i++)
        all += fmax(rh_view_real(b->chosen->record, PHASES[i].key), 0);
    if (!(all > 0)) {
        rh_html_paragraph(html, "absent", "What the duration consists of: not measured (no setting ran).");
        return;
    }
    rh_xml_open(html->xml, "p", "class", "legend", NULL);
    for (size_t i = 0; i < PHASE_COUNT; i++) {
        const double share = fmax(rh_view_real(b->chosen->record, PHASES[i].key), 0) / all;
        rh_xml_open(html->xml, "span", NULL);
        rh_xml_element(html->xml, "i", NULL, "class", rh_view_printf(view, "k-%s", PHASES[i].class_), NULL);
        rh_xml_textf(html->xml, "%s %s", PHASES[i].name, rh_view_percent(view, share));
        rh_xml_close(html->xml);
        rh_xml_text(html->xml, " ");
    }
    rh_xml_close(html->xml);
    rh_canvas c = rh_html_backfill_canvas(
        html, "phases", index, rh_view_printf(view, "Time of the batches with %s", b->chosen->name),
        "One bar; the line above has the shares.", 26);
    double x = 0;
    for (size_t i = 0; i < PHASE_COUNT; i++) {
        const double seconds = fmax(rh_view_real(b->chosen->record, PHASES[i].key), 0),
                     width = seconds / all * WIDTH;
        if (width < 0.4)
            continue;
        rh_canvas_box(&c, x, 2, width, 20, rh_view_printf(view, "p-%s", PHASES[i].class_),
                      rh_view_printf(view, "%s: %s", PHASES[i].name, rh_view_seconds(view, seconds)));
        if (width > 90)
            rh_canvas_text(&c, x + 5, 16, "t-cpu", PHASES[i].name);
        x += width;
    }
    rh_html_backfill_canvas_end(&c);
}
