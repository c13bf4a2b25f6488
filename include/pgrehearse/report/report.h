/* report.json from a run; pages from report.json. No server. */
#pragma once
#include "pgrehearse/adapters/json.h"
#include "pgrehearse/base/error.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/model/run.h"
#include "pgrehearse/model/prediction.h"

enum { RH_REPORT_SCHEMA_VERSION = 2 };

/* The record, as reports/report.schema.json describes it. The caller frees. */
rh_json *rh_report_json(const rh_run *run);
/* The record in the file PATH. One of an earlier schema_version gets today's keys. The caller frees. */
rh_json *rh_report_read(const char *path, rh_error *error);
/* Writes report.json, report.html, report.md, junit.xml and samples/ *.csv into run->directory. Writes what
 * it can and returns false when a page is missing; of a page that could not be written no earlier version
 * stays. */
bool rh_report_write(const rh_run *run, rh_error *error);

/* Pages, from the record alone (so that `pgrehearse report` renders again). */
bool rh_report_html(const rh_json *report, rh_text *html, rh_error *error);
bool rh_report_markdown(const rh_json *report, rh_text *markdown, rh_error *error);
bool rh_report_junit(const rh_json *report, rh_text *xml, rh_error *error);
/* The terminal's summary: at most a screen (24–40 lines of 100 columns). COLOR: ANSI. */
bool rh_report_text(const rh_json *report, bool color, rh_text *text, rh_error *error);
/* Two nights side by side, as text. */
bool rh_report_compare(const rh_json *a, const rh_json *b, bool color, rh_text *text, rh_error *error);
/* A score as a table for people, and as score.json (the caller frees). */
void rh_report_score(const rh_score *score, rh_text *text);
rh_json *rh_report_score_json(const rh_score *score);
