/* What a confined child may not do, prepared before the fork: a seccomp program, a Landlock ruleset,
 * namespaces.
 *
 * Private to the adapters of processes. Between fork and exec a program with threads may only make
 * async-signal-safe calls, so libseccomp compiles the filter beforehand; the child loads it by one system
 * call.
 */
#pragma once
#include "namespaces.h"
#include "pgrehearse/adapters/process.h"
#include <linux/filter.h>

typedef struct rh_confinement {
    struct sock_fprog program; /* filter: heap; NULL when nothing is confined */
    char *path; /* the program's path at the one address that execve is allowed with; a mapped page or NULL */
    int ruleset; /* Landlock, close-on-exec; -1: none */
    bool limited;
    bool listens; /* connect() is answered by this program: connector.h */
    rh_namespaces namespaces;
} rh_confinement;

/* PATH: the program that will be executed (shorter than a page). With OPTIONS->no_exec the child must call
 * execve with confinement->path itself. Fails with RH_ERROR_IO. */
bool rh_confinement_init(rh_confinement *confinement, const char *path, const rh_process_options *options,
                         rh_error *error);
/* In the child, async-signal-safe, 0 or errno: the namespaces, before it gives up root. */
int rh_confinement_separate(const rh_confinement *confinement);
/* The same, as the account that it runs as, before the last preparations: no capability is left. */
int rh_confinement_drop(const rh_confinement *confinement);
/* The same, last before execve, with PR_SET_NO_NEW_PRIVS: Landlock from descriptor RULESET, then seccomp,
 * whose listener goes over HANDOVER if the confinement listens. */
int rh_confinement_enter(const rh_confinement *confinement, int ruleset, int handover);
void rh_confinement_release(rh_confinement *confinement);
