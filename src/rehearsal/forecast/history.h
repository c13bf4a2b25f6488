/* Earlier runs of a scenario, read from their run directories. */
#pragma once
#include "pgrehearse/model/run.h"

/* Fills run->production.history from the folder that the scenario names, or else the one in which run
 * directories lie by default (BY_DEFAULT: this one does): of every run of the same scenario's name that began
 * before this one, the rows of its back-test, and of its score.json if "pgrehearse score" wrote one. At most
 * the latest 200. Runs that cannot be read are listed in history.skipped; they are no error. */
void rh_history_runs(rh_run *run, bool by_default);
