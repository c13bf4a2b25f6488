/* Runs pg_dump and pg_restore on staging's databases. */
#pragma once
#include "state.h"

/* A directory that these programs can write to with their account; NULL on failure. */
const char *rh_clients_directory(rh_staging *staging, rh_error *error);
/* Chooses pg_dump and pg_restore for the server, whose major version is known. MINIMUM_MAJOR: least version
 * of a pg_restore that reads the backup, which fails without one; 0: the backup needs none. */
bool rh_clients_choose(rh_staging *staging, int minimum_major, rh_error *error);
/* Runs PROGRAM --dbname=<DATABASE> ARGUMENTS… (NULL-ended), confined; the password, if any, goes by the
 * environment. *STATUS is its exit status and ERRORS (may be NULL) its standard error. False only when it
 * could not be run or was interrupted. */
bool rh_clients_run(rh_staging *staging, const rh_client_program *program, const char *database,
                    const char *const *arguments, int *status, rh_text *errors, rh_error *error);
