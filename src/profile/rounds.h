/* Several rounds of the probes. */
#pragma once
#include "pgrehearse/model/profile.h"

/* The best of the COUNT ROUNDS, probe by probe, since what else the machine does only ever slows a probe
 * down; spread: how far the median round is from it. A round without a figure counts for nothing. Parallel
 * speed-up, which a disturbance moves either way, is the median. */
rh_probe rh_probe_of_rounds(const rh_probe *rounds, size_t count);
