/* Runs pg_dump and pg_restore on staging's databases. */
#pragma once
#include "state.h"

/* A directory that these programs can write to with their account; NULL on failure. */
const char *rh_clients_directory(rh_staging *staging, rh_error *error);
/* Runs PROGRAM --dbname=<DATABASE> ARGUMENTS… (NULL-ended), confined; the password, if any, goes by the
 * environment. *STATUS is its exit status and ERRORS (may be NULL) its standard error. False only when it
 * could not be run or was interrupted. */
bool rh_clients_run(rh_staging *staging, const char *program, const char *database,
                    const char *const *arguments, int *status, rh_text *errors, rh_error *error);
