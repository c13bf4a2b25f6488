/* Lists what a run did not measure, from its results. */
#pragma once
#include "pgrehearse/model/run.h"

/* Adds a sentence to run->not_measured for each kind of thing that was not: locks that no sample saw,
 * statements that the parser does not know, classes that empty tables hide, rows that the rollback did not
 * compare, tables without load, another hardware than staging's, cold caches. When everything has run. */
void rh_unmeasured_add(rh_run *run);
