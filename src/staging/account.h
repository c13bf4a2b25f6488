/* The operating-system account that a private server runs as, when this program is root.
 *
 * "postgres" is let in by every other server of the machine that trusts peer authentication. So the server
 * gets a user and a group id of its own, which no account has: PostgreSQL's server needs no entry for it in
 * /etc/passwd, only initdb does. Whatever runs as that id is the server's, and ends with it.
 */
#pragma once
#include "pgrehearse/base/error.h"
#include <stdbool.h>
#include <sys/types.h>

typedef struct rh_account {
    uid_t uid; /* 0: we are not root, and stay who we are */
    gid_t gid;
    bool own; /* no other process uses it */
    int lock; /* keeps it ours while this program lives; -1 */
} rh_account;

/* "postgres", else "nobody"; false when neither exists. */
bool rh_account_common(rh_account *account, rh_error *error);
/* A free one; false when this machine (a container's user namespace) has none to give. */
bool rh_account_choose(rh_account *account);
/* That of a dead run, from its mark: false when a living run has it, or when it is none of this program's. */
bool rh_account_claim(rh_account *account, uid_t uid);
/* Kills every process of an account of its own until none is left; removes the shared memory that they leave.
 */
void rh_account_end(const rh_account *account);
void rh_account_release(rh_account *account);
