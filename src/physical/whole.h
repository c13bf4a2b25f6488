/* Whether files are missing whose absence a recovery does not tell. */
#pragma once
#include "control.h"

/* A server that recovers reads what it lacks of pg_xact as zeroes: rows vanish without a message.
 * RH_ERROR_BACKUP names a file of COPY that DIRECTORY lacks. What a base backup (with a label) lacks may come
 * with its WAL: there, only directories that are empty are refused. */
bool rh_physical_check_whole(const rh_physical_facts *copy, const char *directory, const rh_control *control,
                             rh_error *error);
