/* Reads the last lines of the staging server's log, for error messages. */
#pragma once
#include "pgrehearse/base/error.h"
#include <stdbool.h>
#include <stdint.h>

/* Sets RH_ERROR_STAGING (RH_ERROR_NO_SPACE when the log says that the disk is full): WHAT and the last
 * messages that say why; SHOWN is the log to name. Returns false. */
bool rh_server_log_error(const char *path, const char *shown, const char *what, rh_error *error);
/* Appends the log's messages to SHOWN without values of the data and literals (rh_redact): a migration can
 * make the server log anything. Details, statements and lines that continue are left out; at most 4 MiB. */
bool rh_server_log_show(const char *path, const char *shown, rh_error *error);
/* The log has TEXT in what was written since it had FROM bytes (of the next 64 KiB). */
bool rh_server_log_says(const char *path, int64_t from, const char *text);
