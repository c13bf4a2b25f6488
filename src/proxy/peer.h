/* Internal to proxy/: finds the operating system account of a local connection's client. */
#pragma once
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/types.h>

/* The account that owns the socket at the other end of a connection within this machine: CLIENT is its
 * address, OURS the one it connected to. TABLE is the text of /proc/net/tcp. False when the connection is not
 * in it. */
bool rh_peer_find(const char *table, const struct sockaddr_in *client, const struct sockaddr_in *ours,
                  uid_t *uid);
/* Whether the connection FD of 127.0.0.1 is this account's or root's. */
bool rh_peer_is_ours(int fd);
