/* The forecast of lock waits on production: calls predict/predict.h with the data of a run. */
#pragma once
#include "pgrehearse/model/run.h"

/* With a profile and a pass that ran to its end, fills run->production.locks and the blocked times of
 * run->prediction from it; what is missing goes to run->not_measured. Else does nothing. Call once the
 * statements are predicted. */
void rh_lock_forecast_production(rh_run *run, double level);
