/* The end of the staging server's log, when it has to explain something. */
#pragma once
#include "pgrehearse/base/error.h"
#include <stdint.h>

/* Bytes of the log; 0 when there is none yet. */
int64_t rh_server_log_size(const char *path);
/* Sets RH_ERROR_STAGING (RH_ERROR_NO_SPACE when the log says that the disk is full): WHAT and the last
 * messages that say why, from byte FROM on. Returns false. */
bool rh_server_log_error(const char *path, int64_t from, const char *what, rh_error *error);
