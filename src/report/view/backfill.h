/* Backfills as every page shows them: settings, gates at the setting to use, sentences. */
#pragma once
#include "view.h"

typedef struct rh_view_figure {
    double median, low, high; /* NaN where nothing was measured, or the evidence is not enough */
} rh_view_figure;

typedef struct rh_view_setting {
    const rh_json *record;
    const char *name;   /* "1,000 rows a batch, pause 0, 1 worker" */
    const char *pacing; /* "pause 0, 1 worker" */
    const char *state;  /* "held", "unclear", "failed", "excluded", "not_run" */
    bool ran, recommended;
    rh_view_figure total_s, p99_ratio;
    rh_view_figure finish_s; /* since 1970 by the clocks of the schedule's zone */
    rh_view_figure dead_share, disk_bytes;
} rh_view_setting;

/* A gate of a backfill at one setting. */
typedef struct rh_view_backfill_gate {
    const char *name, *limit_text;
    double limit;
    double figure, high; /* s, bytes a second, a ratio or a count; HIGH must be within the limit */
    const char *reading; /* "1.01 (may be 2.03)" */
    const char *outcome; /* "held", "failed", "not_measured" */
} rh_view_backfill_gate;

typedef struct rh_view_claim {
    const char *claim;   /* in words for people: "resumes after a kill" */
    const char *outcome; /* "held", "failed", "unknown" */
    const char *why;     /* with the columns that are wrong */
    int64_t runs;
} rh_view_claim;

typedef struct rh_view_backfill {
    const rh_json *record;
    const char *name, *table;
    bool measured;
    rh_view_setting *settings;
    size_t setting_count;
    const rh_view_setting *chosen; /* the recommended one, else the nearest that ran; NULL: none ran */
    rh_view_backfill_gate *gates;  /* of CHOSEN */
    size_t gate_count;
    rh_view_claim *claims;
    size_t claim_count;
    const char
        *headline; /* rows, setting, duration, finishing date, p99 ratio, longest wait, WAL, disk, proof */
    const char *one_statement; /* what the statement that it replaces took; NULL: it replaces none */
    const char *parts;         /* a sentence: what the duration consists of; NULL: nothing ran */
    const char *tested;        /* a sentence: how far predictions of stretches were off; NULL: none ran */
    const char *advice;        /* why that setting; NULL if HEADLINE says it */
} rh_view_backfill;

/* The recommended setting as a tool has it. */
typedef struct rh_view_paste {
    const char *tool, *text;
} rh_view_paste;
/* *LIST in the view's arena; none where no setting is recommended, or these tools cannot have it. */
size_t rh_view_backfill_paste(const rh_view *view, const rh_view_backfill *backfill, rh_view_paste **list);

/* *BACKFILLS in the view's arena. Returns how many. */
size_t rh_view_backfills(const rh_view *view, rh_view_backfill **backfills);
/* All gates in one line: "lock_wait 0 (may be 201 ms), limit 250ms: held; …"; NULL: none is set. */
const char *rh_view_backfill_gates(const rh_view *view, const rh_view_backfill *backfill);
/* What did not hold in one line: "8 claims held; resumes after a kill failed: …"; "not run: …"; NULL: all
 * of it held, which the headline says. */
const char *rh_view_backfill_proof(const rh_view *view, const rh_view_backfill *backfill);
/* "held" … in words for people: "not run". */
const char *rh_view_setting_state(const rh_view_setting *setting);
/* "Fri 2026-12-04 03:10": of seconds since 1970 by the clocks of a zone. */
const char *rh_view_moment(const rh_view *view, double local_s);
/* "Fri 12-04 03:10": of a point of course[]. */
const char *rh_view_course_moment(const rh_view *view, const rh_json *point);
/* "×1.21"; "not measured" for NaN. */
const char *rh_view_ratio(const rh_view *view, double ratio);
/* Of GATE, a row of gates[]: the recommended setting of its backfill, or "none holds"; NULL: it is no gate of
 * a backfill. */
const char *rh_view_backfill_setting(const rh_view *view, const rh_json *gate);
/* Fills the claims of BACKFILL from its record. */
void rh_view_claims(const rh_view *view, rh_view_backfill *backfill);
/* "may be killed at any time, repeated, and misses nothing"; NULL unless every claim held, and these are
 * among them. */
const char *rh_view_proof_words(const rh_view_backfill *backfill);

/* The sentences of rh_view_backfill, which rh_view_backfills fills in. */
const char *rh_view_backfill_one_statement(const rh_view *view, const rh_view_backfill *backfill);
const char *rh_view_backfill_headline(const rh_view *view, const rh_view_backfill *backfill);
const char *rh_view_backfill_parts(const rh_view *view, const rh_view_backfill *backfill);
const char *rh_view_backfill_tested(const rh_view *view, const rh_view_backfill *backfill);
