/* Completes the lock waits of a pass with what the load's clients know, after both have ended. */
#pragma once
#include "pgrehearse/model/run.h"

/* Names sessions of the load by their template: as waiters, in chains of blockers (with " (idle in
 * transaction)" after the name), in deadlocks. */
void rh_contention_name_templates(const rh_run *run, rh_contention *contention);

/* Adds the load's statements that a timeout or a deadlock ended. Times count from BEGAN (monotonic) in PASS.
 */
void rh_contention_add_cancelled(const rh_run *run, rh_pass_kind pass, rh_usec began,
                                 rh_contention *contention);
