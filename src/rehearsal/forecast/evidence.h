/* Adds the measured evidence to each hazard. */
#pragma once
#include "pgrehearse/model/run.h"

/* Gives every hazard of a statement that ran its evidence: duration, the strongest lock and how long it was
 * held, and who waited, from the loaded pass or else the last quiet one. */
void rh_evidence_fill(rh_run *run);
