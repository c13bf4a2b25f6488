/* The operating-system account that a private server runs as, when this program is root.
 *
 * The account "postgres" can connect to every other server of the machine by peer authentication. So the
 * server gets a user and a group id of its own, which no account has: PostgreSQL's server needs no entry in
 * /etc/passwd, only initdb does. All processes with that id belong to the server and end with it.
 */
#pragma once
#include "pgrehearse/base/error.h"
#include <stdbool.h>
#include <sys/types.h>

typedef struct rh_account {
    uid_t uid; /* 0: this program is not root, and the server runs as the same account */
    gid_t gid;
    bool own; /* no other process uses it */
    int lock; /* reserves the id while this program lives; -1 */
} rh_account;

/* The account "postgres", else "nobody"; false if neither exists. */
bool rh_account_common(rh_account *account, rh_error *error);
/* Reserves a free id; false if there is none (in a container's user namespace). */
bool rh_account_choose(rh_account *account);
/* Reserves the id of a killed run, from its mark; false if a running run has it, or pgrehearse did not choose
 * it. */
bool rh_account_claim(rh_account *account, uid_t uid);
/* Kills every process of such an id until none is left, and removes their shared memory. */
void rh_account_end(const rh_account *account);
void rh_account_release(rh_account *account);
