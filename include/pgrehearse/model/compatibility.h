/* Whether two releases of the application can share a database while one replaces the other: the running
 * one's statements on the schema that the migrations make, the next one's on every schema before that. */
#pragma once
#include "pgrehearse/model/load.h"

typedef enum rh_release { RH_RELEASE_CURRENT, RH_RELEASE_NEXT } rh_release;
const char *rh_release_name(rh_release release); /* "current", "next" */

/* A template that fails on a schema that is not its release's own. One row a stretch of migrations. */
typedef struct rh_incompatibility {
    rh_release application;    /* whose template it is */
    const char *template_name; /* as in its mix */
    const char *sql;           /* without constants */
    double share;              /* of its mix's arrivals, 0 … 1 */
    const char *broken_by;     /* the first migration after which it fails; NULL: it fails before the first */
    const char *mended_by;     /* the first after which it works again; NULL: it fails to the end */
    const char *sqlstate, *message;
    int tried, failed; /* calls where it failed first; all of them went well on its own schema */
} rh_incompatibility;

typedef struct rh_compatibility {
    bool measured;
    bool next_measured;               /* the next release's mix was tried, too */
    size_t current_tried, next_tried; /* templates */
    rh_incompatibility *rows;         /* the running release's first, then in the order of the migrations */
    size_t row_count;
    rh_mix next; /* the next release's: its coverage and what it leaves out; no templates: there is none */
} rh_compatibility;
