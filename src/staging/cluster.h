/* The directories of a private cluster, their owner, and initdb. */
#pragma once
#include "state.h"

/* Chooses the server's account; makes the cluster's directory with its mark and all that lies in it. */
bool rh_cluster_make_directories(rh_staging *staging, const char *log_directory, rh_error *error);
/* initdb, confined; what it makes belongs to the server's account. */
bool rh_cluster_initialize(rh_staging *staging, rh_error *error);
/* Marks a stopped cluster as kept, and gives it to an account that has a name: PostgreSQL's programs want
 * one. */
void rh_cluster_keep(rh_staging *staging);
