/* Completes the lock waits of a pass with what the load's clients know, after both have ended. */
#pragma once
#include "pgrehearse/model/run.h"

/* Sessions of the load are told by their template's name, wherever they stand in the account: as waiters, as
 * links of a chain ("… (idle in transaction)" after the name), as sides of a deadlock. */
void rh_contention_name_templates(const rh_run *run, rh_contention *contention);

/* The load's statements that a timeout or a deadlock ended. BEGAN: monotonic, second 0 of the account, whose
 * pass is PASS. */
void rh_contention_add_cancelled(const rh_run *run, rh_pass_kind pass, rh_usec began,
                                 rh_contention *contention);
