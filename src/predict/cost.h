/* The cost of a statement as a function of the sizes of its relations, with physical terms by class. */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/model/statement.h"

/* The terms; each class uses some of them. */
typedef enum rh_cost_term {
    RH_TERM_FIXED,           /* parsing, catalogs, locks, the commit's flush */
    RH_TERM_ROWS,            /* reading, copying, checking, logging each row */
    RH_TERM_SORT,            /* rows · log₂ rows: comparisons of a sort, the way down a b-tree */
    RH_TERM_REFERENCED_ROWS, /* rows of the other relations: the parents of a foreign key, a join */
    RH_TERM_BUFFERS, /* hinge: bytes of heap and indexes beyond shared_buffers, read again and written early
                      */
    RH_TERM_SPILL,   /* hinge: bytes of a sort beyond maintenance_work_mem, written to runs and read back */
    RH_TERM_COUNT
} rh_cost_term;
/* "fixed", "rows", "sort" … */
const char *rh_cost_term_name(rh_cost_term term);
/* Its value at SIZE for a statement of CLASS; 0: the class does not have it. */
double rh_cost_term_value(rh_cost_term term, rh_statement_class class_, const rh_work_size *size);

/* A size's measure for linear scaling: rows where they are known, else bytes. */
double rh_work_measure(const rh_work_size *size);

/* What is counted. */
typedef enum rh_cost_quantity {
    RH_COST_ELAPSED, /* s, without lock waits */
    RH_COST_CPU,     /* s, user and system, with parallel workers */
    RH_COST_READ,    /* bytes from the device */
    RH_COST_WRITE,   /* bytes to the device */
    RH_COST_WAL,     /* bytes */
    RH_COST_TEMP,    /* bytes */
    RH_COST_FSYNCS,
    RH_COST_QUANTITIES
} rh_cost_quantity;
/* Of one run; NAN when it was not measured. */
double rh_cost_measured(const rh_statement_run *run, rh_cost_quantity quantity);
/* Its median over the quiet runs of STATEMENT that measured it; NAN without one. */
double rh_cost_quiet_median(const rh_statement *statement, rh_cost_quantity quantity);

typedef struct rh_cost {
    rh_statement_class class_;
    double coefficient[RH_TERM_COUNT];
    size_t observations;      /* 0: nothing to go by */
    double smallest, largest; /* measures of the observations: the extrapolation starts at the largest */
    double residual;          /* median |log(fitted / observed)|; NAN: nothing to go by */
} rh_cost;

/* Fits QUANTITY of the runs of STATEMENT whose pass is in PASSES (bits 1 << rh_pass_kind) and whose scale is
 * at most SCALE_MAX, the least of each scale's repeats: non-negative least squares of the relative error,
 * reweighted so that a scale that was disturbed counts less (Huber, Robust Statistics, 1981). */
rh_cost rh_cost_fit(const rh_statement *statement, rh_cost_quantity quantity, unsigned passes,
                    double scale_max);
/* Without the terms in WITHOUT (bits 1 << rh_cost_term). */
rh_cost rh_cost_fit_without(const rh_statement *statement, rh_cost_quantity quantity, unsigned passes,
                            double scale_max, unsigned without);
/* At SIZE. */
double rh_cost_at(const rh_cost *cost, const rh_work_size *size);
/* The share of each term in rh_cost_at, in words: "rows 71 %, sort 20 %, fixed 9 %". */
const char *rh_cost_describe(const rh_cost *cost, const rh_work_size *size, rh_arena *arena);
