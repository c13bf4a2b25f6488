/* The directories of a private cluster, their owner, and initdb. */
#pragma once
#include "state.h"

/* Chooses the server's account and creates the cluster's directories with the mark. */
bool rh_cluster_make_directories(rh_staging *staging, const char *log_directory, rh_error *error);
/* Makes a directory for the server's account alone. */
bool rh_cluster_make_private(const rh_account *account, const char *path, rh_error *error);
/* Runs initdb, confined, as the server's account. */
bool rh_cluster_initialize(rh_staging *staging, rh_error *error);
/* Marks a stopped cluster as kept, and changes its owner to an account with a name, which PostgreSQL's
 * programs need. */
void rh_cluster_keep(rh_staging *staging);
