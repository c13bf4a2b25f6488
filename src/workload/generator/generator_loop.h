/* Internal to workload/generator/: the loop of the load's thread. */
#pragma once
#include "generator.h"

/* The oldest arrival that waits; the queue is not empty. */
load_work rh_generator_queue_pop(rh_generator *generator);
/* Sets the loop's deadline for the next arrival, wake-up or end of a phase. */
void rh_generator_arm(rh_generator *generator);
/* Another thread asks to stop. What was due by now still arrives: nothing is dropped. */
void rh_generator_on_wake(void *user);
