/* Proof that a confinement holds: a child of this program, confined as a server would be, attempts to leave
 * it.
 *
 * Everything that it attempts to reach was opened for it: sockets that listen, files, this program itself.
 * The same attempts are made by a child of the same account without the confinement: what that one is denied,
 * too, proves nothing about the confinement.
 */
#pragma once
#include "pgrehearse/adapters/process.h"

typedef enum rh_probe_attempt {
    RH_PROBE_UNIX_SOCKET,
    RH_PROBE_UNIX_SOCKET_SHORT, /* by an address as short as an internet address */
    RH_PROBE_UNIX_DATAGRAM,
    RH_PROBE_ABSTRACT_SOCKET,
    RH_PROBE_TCP,
    RH_PROBE_UDP,
    RH_PROBE_CREATE_FILE,
    RH_PROBE_WRITE_FILE,
    RH_PROBE_READ_FILE,
    RH_PROBE_EXECUTE,
    RH_PROBE_SIGNAL,
    RH_PROBE_READ_MEMORY,
    RH_PROBE_NAMESPACE,
    RH_PROBE_ATTEMPTS
} rh_probe_attempt;

typedef struct rh_probe_result {
    bool confined[RH_PROBE_ATTEMPTS]; /* the attempt succeeded in the confined child */
    bool free[RH_PROBE_ATTEMPTS];     /* and in the other one */
} rh_probe_result;

/* Attempts in a child that is started with OPTIONS, but for what it executes. DIRECTORY: empty, outside of
 * the confinement, and so short that a Unix socket fits; filled, and not tidied up. Fails (RH_ERROR_REFUSED)
 * when the attempts could not be made. */
bool rh_probe_confinement(const rh_process_options *options, const char *directory, rh_probe_result *result,
                          rh_error *error);
