/* Errors are values: a code, a message, where in the user's own file, and what to do next.
 *
 * Every function that can fail returns bool (true: done) or a pointer (NULL: failed) and takes an rh_error *
 * last, which may be NULL. The first error set stays: a later rh_error_set on a set error is ignored, so
 * clean-up code cannot hide the cause. Lower layers never print; only cli/ does.
 */
#pragma once
#include <stdarg.h>
#include <stdbool.h>

typedef enum rh_error_code {
    RH_OK = 0,
    RH_ERROR_USAGE,       /* the command line is wrong */
    RH_ERROR_SCENARIO,    /* the scenario or a file it names is wrong */
    RH_ERROR_REFUSED,     /* the safety guard refused the run */
    RH_ERROR_BACKUP,      /* the backup is unreadable, damaged or too new */
    RH_ERROR_STAGING,     /* staging would not start, or stopped */
    RH_ERROR_SQL,         /* the server refused a statement; sqlstate is set */
    RH_ERROR_MIGRATION,   /* a migration, its rollback or a verify step failed */
    RH_ERROR_TIMEOUT,     /* a limit of the scenario ran out: the migration's fault */
    RH_ERROR_SLOW,        /* a limit of pgrehearse itself ran out: says nothing about the migration */
    RH_ERROR_LOST,        /* the connection to the server is lost */
    RH_ERROR_IO,          /* a file could not be read or written */
    RH_ERROR_NO_SPACE,    /* the disk is full */
    RH_ERROR_INTERRUPTED, /* a signal asked to stop */
    RH_ERROR_UNSUPPORTED, /* understood, but this version does not do it */
    RH_ERROR_INTERNAL,    /* a bug in pgrehearse */
} rh_error_code;

/* Zero-initialised means "no error". Owns its strings. */
typedef struct rh_error {
    rh_error_code code;
    char sqlstate[6]; /* "" unless the server sent one */
    char *message;    /* what happened; one line */
    char *hint;       /* what to do next; NULL if there is nothing to say */
    char *file;       /* the user's file it is about; NULL if none */
    int line, column; /* in that file, from 1; 0 if unknown */
} rh_error;

/* Sets code and message unless an error is set already. Always returns false, for `return rh_error_set(...)`.
 */
bool rh_error_set(rh_error *error, rh_error_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Adds what to do next, the place, or the server's SQLSTATE to a set error. Each returns false. */
bool rh_error_hint(rh_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool rh_error_at(rh_error *error, const char *file, int line, int column);
bool rh_error_sqlstate(rh_error *error, const char *sqlstate);

/* Puts "context: " before the message of a set error. Returns false. */
bool rh_error_context(rh_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* RH_ERROR_NO_SPACE for ENOSPC and EDQUOT, else RH_ERROR_IO: the message is "what: strerror". Returns false.
 */
bool rh_error_errno(rh_error *error, int errno_value, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

bool rh_error_is_set(const rh_error *error);

/* Moves FROM into TO (released first) and leaves FROM empty. */
void rh_error_move(rh_error *to, rh_error *from);

/* Frees the strings and makes it "no error" again. Takes NULL. */
void rh_error_release(rh_error *error);
