/* How a quantity of a statement grows with the size of its relations, by one of several models. */
#pragma once
#include "cost.h"
#include "pgrehearse/model/migration.h"
#include "pgrehearse/model/prediction.h"

typedef struct rh_growth {
    rh_growth_model model;
    rh_cost cost;
    /* Of a statement that joins, and whose samples grow alike in both relations: all for the rows of the one,
     * and all for those of the other. */
    bool ambiguous;
    rh_cost own, joined;
    double line_value, line_measure; /* the least run at the largest size; NAN: none */
} rh_growth;

/* Of the runs of STATEMENT as rh_cost_fit takes them. */
rh_growth rh_growth_fit(const rh_statement *statement, rh_cost_quantity quantity, unsigned passes,
                        double scale_max, rh_growth_model model);
double rh_growth_at(const rh_growth *growth, const rh_work_size *size);
/* What the samples cannot tell: half of the distance, in log space, between the two readings of an ambiguous
 * growth at SIZE; else 0. */
double rh_growth_doubt(const rh_growth *growth, const rh_work_size *size);

/* The model of each class, from samples of PLAN that are held out: each of a statement's two largest samples,
 * as those of half and of a quarter of its size and less predict it. The work's terms, unless another model
 * was off by a fifth less, and by RH_GROWTH_CLEARLY standard errors of the mean difference, in at least
 * RH_GROWTH_HELDOUTS samples of the class. */
void rh_growth_choose(const rh_plan *plan, rh_growth_choice choices[RH_CLASS_COUNT]);
enum { RH_GROWTH_HELDOUTS = 8, RH_GROWTH_CLEARLY = 2 };

/* ", by the straight line, which …"; empty for the work's terms. */
const char *rh_growth_describe(const rh_growth_choice *choice, rh_arena *arena);

/* The largest scale of the scaled runs of STATEMENT that is below LIMIT; 0: none. */
double rh_sample_below(const rh_statement *statement, double limit);
/* The median of its scaled runs of SCALE, and the size of that sample. */
double rh_sample_median(const rh_statement *statement, double scale, rh_work_size *size);
/* Shorter runs on a sample are noise, not evidence. */
#define RH_SAMPLE_FLOOR_S 0.005
