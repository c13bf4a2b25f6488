/* A PostgreSQL server's log, for the durations in it: the plain format (any log_line_prefix; sessions are
 * distinguished by %p in brackets or as a word of its own), csvlog, jsonlog. Messages must be English
 * (lc_messages = C).
 */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/error.h"
#include <stdbool.h>
#include <stddef.h>

typedef enum rh_log_format { RH_LOG_NONE, RH_LOG_PLAIN, RH_LOG_CSV, RH_LOG_JSON } rh_log_format;
/* What TEXT (the beginning of a file) is: RH_LOG_NONE when it is no server log. */
rh_log_format rh_logged_format(const char *text);

/* A statement that ended well, as log_min_duration_statement, or log_duration with log_statement, tells. */
typedef struct rh_logged {
    const char *sql;     /* as it was sent: with literals, maybe several statements */
    const char *session; /* "1234"; "" when the prefix does not tell */
    double seconds;      /* from its arrival to its end */
    double lock_wait_s;  /* of that, as log_lock_waits tells; 0 when it says nothing */
    int line;            /* where it begins, from 1 */
} rh_logged;

/* Calls TAKE for every such statement of the log at PATH, in order. What *LOGGED points to lives until TAKE
 * returns. *STATEMENTS is their number. Files of more than 1 GiB are RH_ERROR_USAGE. */
bool rh_logged_read(const char *path, rh_arena *arena, void (*take)(void *user, const rh_logged *logged),
                    void *user, size_t *statements, rh_error *error);
