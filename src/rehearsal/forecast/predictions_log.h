/* predictions.log: what is predicted of the quiet passes, before they run. */
#pragma once
#include "pgrehearse/base/error.h"
#include "pgrehearse/model/run.h"

/* Appends a JSON line a statement of RUN's back-test and flushes the file. */
bool rh_predictions_write(const rh_run *run, rh_error *error);
