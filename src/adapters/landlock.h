/* Landlock by system call: glibc has no wrappers, and the headers of a distribution may be older than its
 * kernel. Private to the adapters of processes. */
#pragma once
#include "pgrehearse/adapters/process.h"

/* The kernel's ABI version; 0: it has no Landlock. */
int rh_landlock_abi(void);
/* A ruleset for LIMITS that denies everything else which this ABI can deny. *RULESET: close-on-exec, -1
 * without Landlock. */
bool rh_landlock_make(const rh_confinement_limits *limits, int *ruleset, rh_error *error);
/* In the child, async-signal-safe: adds /dev/shm, which may be the child's own, and enters. 0 or errno. */
int rh_landlock_enter(int ruleset);
