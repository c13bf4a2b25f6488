/* The drawings of a backfill. INDEX makes their ids unique within the page. */
#pragma once
#include "html.h"
#include "report/view/backfill.h"

/* Each setting that ran: duration against p99 ratio, with intervals and gates. The numbers are those of the
 * table of settings. */
void rh_html_backfill_frontier(rh_html *html, const rh_view_backfill *backfill, size_t index);
/* µs and WAL bytes a row, stratum by stratum. */
void rh_html_backfill_strata(rh_html *html, const rh_view_backfill *backfill, size_t index);
/* What the duration of the chosen setting consists of. */
void rh_html_backfill_phases(rh_html *html, const rh_view_backfill *backfill, size_t index);
