/* Gates and the verdict. A gate that was not measured makes the verdict inconclusive, never a pass. */
#pragma once
#include "pgrehearse/base/error.h"
#include "pgrehearse/model/run.h"

/* Measures every gate of the scenario against what the run found. */
void rh_gates_check(rh_run *run);

/* Sets verdict, exit_code and reason from, in this order: what ended the run early (ERROR, may be unset),
 * failed migrations, rollbacks and verify steps, failed gates, gates that could not be measured. */
void rh_verdict_decide(rh_run *run, const rh_error *error);
