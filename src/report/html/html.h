/* Sections of report.html. A section without data says "not measured" with the reason; it never shows an
 * empty chart. */
#pragma once
#include "pgrehearse/adapters/xml.h"
#include "pgrehearse/model/attempt.h"
#include "report/view/view.h"

typedef struct rh_html {
    rh_view view;
    rh_xml *xml;
} rh_html;

/* style.c: the style sheet. It has neither < nor & in it, so it is the same as HTML and as XML. */
extern const char RH_HTML_STYLE[];

/* elements.c */
void rh_html_section(rh_html *html, const char *id, const char *title);
void rh_html_section_end(rh_html *html);
void rh_html_paragraph(rh_html *html, const char *class_, const char *text);
/* "WHAT: not measured" and the text of the run's first note with CODE (RH_UNMEASURED_COUNT: none has it), or
 * the stage that failed before. */
void rh_html_absent(rh_html *html, const char *what, rh_unmeasured code);
/* COLUMNS: NULL-ended titles; one that begins with '#' is a column of figures, set to the right. */
void rh_html_table(rh_html *html, const char *caption, const char *const *columns);
void rh_html_table_end(rh_html *html);
void rh_html_row(rh_html *html, const char *class_);
void rh_html_row_end(rh_html *html);
void rh_html_cell(rh_html *html, const char *text);
void rh_html_figure(rh_html *html, const char *text);
/* A figure with a style: CLASS_ "bad", "warn" or NULL. */
void rh_html_figure_marked(rh_html *html, const char *text, const char *class_);
/* Statement text, wrapped; of a long one, only the beginning is visible. */
void rh_html_sql(rh_html *html, const char *sql);
/* The hazards of a migration with their safer alternatives, as a list: a hazard of several statements once,
 * with the measurement of the longest. Nothing if there are none. */
void rh_html_hazards(rh_html *html, const rh_view_migration *migration);
/* The rules of a statement's hazards. */
void rh_html_hazard_names(rh_html *html, const rh_json *statement);
/* An id that is safe in a link: "migration-000012-3" of prefix "migration" and index. */
const char *rh_html_anchor(rh_html *html, const rh_view_migration *migration);

/* Opens a collapsed section with the title SUMMARY. */
void rh_html_details(rh_html *html, const char *summary, bool open);
void rh_html_details_end(rh_html *html);
/* "and 12 more in report.json" when ALL is more than SHOWN. */
void rh_html_more(rh_html *html, size_t shown, size_t all);

/* rollback.c: list items, of a list that the caller has opened. */
void rh_html_differences(rh_html *html, const rh_json *list);
/* Tables that differ or were not read, and sequences that were set back; DATA may be NULL. */
void rh_html_data(rh_html *html, const rh_json *data);

/* The sections, each in a file of its own. */
void rh_html_prediction(rh_html *html);
/* Part of it; nothing without a forecast. */
void rh_html_lock_forecast(rh_html *html);
void rh_html_timeline(rh_html *html);
void rh_html_wait_table(rh_html *html);
void rh_html_statements(rh_html *html);
void rh_html_waits(rh_html *html);
/* These four: nothing unless the scenario has it. */
void rh_html_disturbers(rh_html *html);
void rh_html_lock_policy(rh_html *html);
void rh_html_compatibility(rh_html *html);
void rh_html_runners(rh_html *html);
/* A section a backfill of the scenario. */
void rh_html_backfills(rh_html *html);
/* cancelled.c: parts of the lock waits; nothing when there was none. */
void rh_html_deadlocks(rh_html *html);
void rh_html_cancelled(rh_html *html);
void rh_html_load(rh_html *html);
void rh_html_rollback(rh_html *html);
/* Nothing unless the scenario has it. */
void rh_html_interruptions(rh_html *html);
/* A list of the differences in an interruption record: rows, schema. */
void rh_html_left_behind(rh_html *html, const rh_json *interruption);
void rh_html_backtest(rh_html *html);
void rh_html_environment(rh_html *html);
/* production.c: part of the environment; nothing without a profile. */
/* isolation.c: ISOLATION of staging. */
void rh_html_isolation(rh_html *html, const rh_json *isolation);
void rh_html_production(rh_html *html);
