/* Drawing functions of the timeline's parts: one axis of seconds, rows from top to bottom. */
#pragma once
#include "html.h"
#include "report/view/timeline.h"

enum {
    RH_CANVAS_WIDTH = 1120,
    RH_CANVAS_LEFT = 240,
    RH_CANVAS_RIGHT = 14,
    RH_CANVAS_LANE = 19,
    RH_CANVAS_HEADING = 18,
    RH_CANVAS_P99_HEIGHT = 132,
    RH_CANVAS_RATE_HEIGHT = 76,
    RH_CANVAS_QUEUE_HEIGHT = 54,
    RH_CANVAS_GAP = 26
};

typedef struct rh_canvas {
    rh_html *html;
    rh_xml *xml;
    const rh_timeline *timeline;
    double y; /* the next free row */
} rh_canvas;

/* The x coordinate of a second; times outside the axis are at its edge. */
double rh_canvas_x(const rh_canvas *c, double at_s);
void rh_canvas_text(rh_canvas *c, double x, double y, const char *class_, const char *text);
void rh_canvas_line(rh_canvas *c, double x1, double y1, double x2, double y2, const char *class_);
/* TITLE (shown under the pointer, read aloud) may be NULL. */
void rh_canvas_box(rh_canvas *c, double x, double y, double width, double height, const char *class_,
                   const char *title);
void rh_canvas_heading(rh_canvas *c, const char *text);

/* heatmap.c: nothing, and height 0, if no lock blocked other sessions. */
double rh_canvas_heat_height(const rh_html *html, const rh_timeline *timeline);
void rh_canvas_heat(rh_canvas *c);

/* panels.c: the load's response time and throughput, and the queue; nothing where nothing was measured.
 */
double rh_canvas_panels_height(const rh_html *html);
void rh_canvas_panels(rh_canvas *c);
