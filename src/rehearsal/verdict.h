/* The verdict of a run. */
#pragma once
#include "pgrehearse/base/error.h"
#include "pgrehearse/model/run.h"

/* Sets verdict, exit_code and reason from, in this order: what ended the run early (ERROR, may be unset),
 * failed migrations, rollbacks and verify steps, failed gates, gates that could not be measured. */
void rh_verdict_decide(rh_run *run, const rh_error *error);
