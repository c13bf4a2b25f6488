/* Gates. One that was not measured makes the verdict inconclusive, never a pass. */
#pragma once
#include "pgrehearse/model/run.h"

/* Measures every gate of the scenario against what the run found. */
void rh_gates_check(rh_run *run);
