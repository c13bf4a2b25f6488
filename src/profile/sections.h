/* Internal to profile/: the sections of a profile. */
#pragma once
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/model/profile.h"

typedef struct rh_part {
    const char *name;   /* of the member in JSON, of the part in CSV */
    const char *sql;    /* one SELECT, without a semicolon */
    const char *before; /* a statement to run first; its result does not matter; NULL */
    bool many;          /* any number of rows: an array; else one row: an object */
    bool again;         /* read a second time, a second later */
    bool requested;     /* only on request: values of the data */
} rh_part;

/* In the order in which they are read; COUNT of them. */
const rh_part *rh_profile_parts(size_t *count);
/* The one named NAME, or NULL. */
const rh_part *rh_profile_part(const char *name);

typedef struct rh_probe_part {
    const char *name; /* "probe.cpu" */
    const char *sql;  /* one DO, without a semicolon; leaves an object in the setting pgrehearse.probe */
    bool own;         /* commits itself: not within a transaction block */
} rh_probe_part;
const rh_probe_part *rh_profile_probe_part(rh_probe_kind kind);
