/* What a confined child may not do, as a seccomp program made before the fork.
 *
 * Private to process.c. Between fork and exec a program with threads may only make async-signal-safe calls,
 * so the filter is compiled by libseccomp beforehand and loaded by one raw system call in the child.
 */
#pragma once
#include "pgrehearse/base/error.h"
#include <linux/filter.h>
#include <stdbool.h>

typedef struct rh_confinement {
    struct sock_fprog program; /* filter: heap; NULL when nothing is confined */
    char *path; /* the program's path at the one address that execve is allowed with; a mapped page or NULL */
} rh_confinement;

/* PATH: the program that will be executed (shorter than a page). With NO_EXEC the child must call execve with
 * confinement->path itself. Fails with RH_ERROR_IO. */
bool rh_confinement_init(rh_confinement *confinement, const char *path, bool no_exec, bool no_network,
                         rh_error *error);
/* In the child, last before execve. Async-signal-safe; returns 0 or errno. */
int rh_confinement_enter(const rh_confinement *confinement);
void rh_confinement_release(rh_confinement *confinement);
