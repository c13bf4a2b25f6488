/* Internal to migrations/: the settings in force as a session runs its statements, by value and scope: SET,
 * SET LOCAL, set_config, RESET, DISCARD, transactions, savepoints. */
#pragma once
#include "tree.h"

typedef enum rh_session_setting {
    RH_SESSION_LOCK_TIMEOUT,
    RH_SESSION_STATEMENT_TIMEOUT,
    RH_SESSION_TIME_ZONE,
    RH_SESSION_SEARCH_PATH,
    RH_SESSION_SETTINGS,
} rh_session_setting;

/* As text; NULL: the server's default, which is not known. */
typedef struct rh_session_values {
    const char *session[RH_SESSION_SETTINGS];
    const char *local[RH_SESSION_SETTINGS]; /* SET LOCAL, until the transaction ends; NULL: none */
} rh_session_values;

/* The values when a transaction or a savepoint began, to which a rollback returns. */
typedef struct rh_session_frame {
    const char *savepoint; /* NULL: the transaction itself */
    rh_session_values values;
} rh_session_frame;

typedef struct rh_session {
    rh_arena *arena;
    const char *role;                          /* that logs in, unquoted; NULL: not known */
    const char *defaults[RH_SESSION_SETTINGS]; /* of the server, the database or the role */
    int default_rank[RH_SESSION_SETTINGS];     /* a default of higher rank is kept; 0: the server's */
    rh_session_values now;
    rh_session_frame *frames; /* none: no transaction block is open */
    size_t frame_count;
    bool implicit; /* statements without BEGIN share a transaction all the same */
} rh_session;

/* What a session starts with; other names are ignored. VALUE is copied. */
void rh_session_set_default(rh_session *session, const char *name, const char *value);
/* A new connection. */
void rh_session_connect(rh_session *session);
/* A file begins; IMPLICIT: its statements outside of BEGIN and COMMIT are in a transaction. */
void rh_session_begin_file(rh_session *session, bool implicit);
void rh_session_end_file(rh_session *session);
/* Follows one statement. Also the definitions' ALTER DATABASE … SET and ALTER ROLE … SET, as defaults: those
 * of other roles than session->role are ignored. */
void rh_session_follow(rh_session *session, rh_json *tree);

const char *rh_session_value(const rh_session *session, rh_session_setting setting);
/* A timeout in s; 0: none, or it cannot be read. */
double rh_session_seconds(const rh_session *session, rh_session_setting setting);
/* A wait for a lock ends by lock_timeout or statement_timeout within RH_LONGEST_LOCK_WAIT_S. */
bool rh_session_limits_lock_waits(const rh_session *session);
/* The schemas of the search_path, NULL-ended; NULL: the default. */
const char *const *rh_session_search_path(const rh_session *session);

/* A lock_timeout above this (s) protects nobody: others wait in the queue for as long. */
enum { RH_LONGEST_LOCK_WAIT_S = 60 };
