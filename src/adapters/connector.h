/* Answers connect() of a confined child that may reach one Unix socket.
 *
 * The child's seccomp filter hands each of its connect() calls to this program (SECCOMP_RET_USER_NOTIF)
 * instead of making it. A thread of ours connects to the socket itself, and puts the connection in the place
 * of the child's descriptor. So the kernel never uses an address that the child can write: a child that names
 * another one is denied, and one that changes it meanwhile gets the permitted connection or none.
 * Private to the adapters of processes. */
#pragma once
#include "pgrehearse/base/error.h"
#include <stdbool.h>

typedef struct rh_connector rh_connector;

/* In the child, async-signal-safe: sends LISTENER over the socket HANDOVER; 0 or errno. */
int rh_connector_send(int handover, int listener);
/* What the child sent over HANDOVER, without waiting; -1: nothing. */
int rh_connector_receive(int handover);
/* Answers at LISTENER, which it takes over, until rh_connector_free. PATH: of the Unix socket. NULL with
 * RH_ERROR_IO. */
rh_connector *rh_connector_start(int listener, const char *path, rh_error *error);
/* Takes NULL. From now on connect() fails in the child with ENOSYS. */
void rh_connector_free(rh_connector *connector);
