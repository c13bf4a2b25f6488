/* The timeline's data from the record: bars, lanes and time span. */
#pragma once
#include "view.h"
#include "pgrehearse/model/lock.h"

typedef enum rh_blocking { RH_BLOCKS_NOTHING, RH_BLOCKS_WRITES, RH_BLOCKS_READS } rh_blocking;

typedef struct rh_timeline_statement {
    const char *label; /* "000012 ALTER TABLE" */
    double from_s, to_s;
    rh_blocking blocking;
} rh_timeline_statement;

typedef struct rh_timeline_span {
    double from_s, to_s;
} rh_timeline_span;

/* One relation in one mode. */
typedef struct rh_timeline_lane {
    const char *relation;
    rh_lock_mode mode;
    rh_blocking blocking;
    rh_timeline_span *spans;
    size_t span_count;
    double total_s;
} rh_timeline_lane;

typedef struct rh_timeline_mark {
    double at_s;
    const char *label;
} rh_timeline_mark;

typedef struct rh_timeline {
    double from_s, to_s;
    double visible_s; /* shorter bars are not drawn */
    rh_timeline_statement *statements;
    size_t statement_count, hidden_statements;
    rh_timeline_lane *lanes;
    size_t lane_count;
    rh_timeline_mark *marks; /* a migration begins */
    size_t mark_count;
} rh_timeline;

/* In the view's arena. False if the loaded pass has nothing to draw. */
bool rh_timeline_gather(const rh_view *view, rh_timeline *timeline);
