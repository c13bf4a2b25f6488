/* The drawings of a backfill. INDEX makes their ids unique within the page. */
#pragma once
#include "canvas.h"
#include "report/view/backfill.h"

enum { RH_BACKFILL_CHART_WIDTH = 760 };
/* Begins a drawing of that width; ABOUT is read aloud. */
rh_canvas rh_html_backfill_canvas(rh_html *html, const char *id, size_t index, const char *title,
                                  const char *about, int height);
void rh_html_backfill_canvas_end(rh_canvas *canvas);

/* Each setting that ran: duration against p99 ratio, with intervals and gates. The numbers are those of the
 * table of settings. */
void rh_html_backfill_frontier(rh_html *html, const rh_view_backfill *backfill, size_t index);
/* µs and WAL bytes a row, stratum by stratum. */
void rh_html_backfill_strata(rh_html *html, const rh_view_backfill *backfill, size_t index);
/* The standby, and its lag in the confirming runs; nothing where the scenario wants none. */
void rh_html_backfill_standby(rh_html *html, const rh_view_backfill *backfill, size_t index);
/* The course on the calendar; nothing without a schedule. */
void rh_html_backfill_course(rh_html *html, const rh_view_backfill *backfill, size_t index);
/* What the duration of the chosen setting consists of. */
void rh_html_backfill_phases(rh_html *html, const rh_view_backfill *backfill, size_t index);
