/* Namespaces of a confined child. Private to the adapters of processes. */
#pragma once
#include "pgrehearse/adapters/process.h"

typedef struct rh_namespaces {
    bool user, network, ipc, mounts;     /* which to enter */
    bool loopback;                       /* bring up the device of the network namespace */
    const rh_confinement_limits *limits; /* mounts: what its file tree consists of; borrowed */
    char uid_map[32], gid_map[32];       /* user: the lines that keep our own ids */
} rh_namespaces;

/* Which of them this machine lets us enter. Forks once, then remembers. */
const rh_namespaces *rh_namespaces_here(void);
/* In the child, async-signal-safe: 0 or errno. */
int rh_namespaces_enter(const rh_namespaces *namespaces);
