/* Hazards, found by rules in a statement's text, the schema's definitions and the settings in force, before
 * anything is measured. */
#pragma once
#include "pgrehearse/sql/catalog.h"
#include "pgrehearse/sql/tree.h"
#include "pgrehearse/model/migration.h"
#include "pgrehearse/model/statement.h"

/* The settings in force as a session runs its statements, by value and scope: SET,
 * SET LOCAL, set_config, RESET, DISCARD, transactions, savepoints. */

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
    const char *role;                          /* the login role, unquoted; NULL: not known */
    const char *defaults[RH_SESSION_SETTINGS]; /* of the server, the database or the role */
    int default_rank[RH_SESSION_SETTINGS];     /* a default of higher rank is kept; 0: the server's */
    rh_session_values now;
    rh_session_frame *frames; /* none: no transaction block is open */
    size_t frame_count;
    bool implicit; /* statements without BEGIN share an implicit transaction */
} rh_session;

/* Sets the initial value of a setting; other names are ignored. VALUE is copied. */
void rh_session_set_default(rh_session *session, const char *name, const char *value);
/* Resets the values for a new connection. */
void rh_session_connect(rh_session *session);
/* A file begins; IMPLICIT: its statements outside of BEGIN and COMMIT are in a transaction. */
void rh_session_begin_file(rh_session *session, bool implicit);
void rh_session_end_file(rh_session *session);
/* Applies the effect of one statement. ALTER DATABASE … SET and ALTER ROLE … SET change defaults; those of
 * roles other than session->role are ignored. */
void rh_session_follow(rh_session *session, rh_json *tree);

const char *rh_session_value(const rh_session *session, rh_session_setting setting);
/* A timeout in s; 0: none, or not a valid value. */
double rh_session_seconds(const rh_session *session, rh_session_setting setting);
/* True if lock_timeout or statement_timeout ends a lock wait within RH_LONGEST_LOCK_WAIT_S. */
bool rh_session_limits_lock_waits(const rh_session *session);
/* The schemas of the search_path, NULL-ended; NULL: the default. */
const char *const *rh_session_search_path(const rh_session *session);

/* A longer lock_timeout (s) counts as none: other sessions queue behind the waiting statement for as long. */
enum { RH_LONGEST_LOCK_WAIT_S = 60 };

/* A column that this release adds. */
typedef struct rh_expansion {
    const char *table, *column;
    bool has_default;
} rh_expansion;

/* The state that earlier statements of the release leave for later ones: schema, settings, added columns.
 * Pass the statements in the order they run. Zero-initialise all but ARENA. */
typedef struct rh_hazard_context {
    rh_arena *arena;
    rh_catalog *catalog;    /* the schema before the next statement; created by rh_hazards_catalog */
    rh_session session;     /* the settings before the next statement */
    int server_major;       /* of production's server; 0: not known */
    bool is_down;           /* the statements are a down migration's and do not change the catalog */
    rh_expansion *expanded; /* columns that the release adds to existing tables */
    size_t expanded_count;
} rh_hazard_context;

/* The catalog of CONTEXT, created empty by the first call. */
rh_catalog *rh_hazards_catalog(rh_hazard_context *context);
/* Applies the backup's definitions. */
void rh_hazards_learn_backup(rh_hazard_context *context, const char *const *texts, size_t count);

/* Sets the fields of STATEMENT that follow from its sql: redacted text, class, expected locks, hazards. */
void rh_statement_fill(rh_statement *statement, rh_hazard_context *context);

/* Adds the hazards of one statement; without TREE, only those that need no parse tree. */
void rh_hazards_of_statement(rh_hazard_context *context, rh_statement *statement, rh_json *tree);
/* Adds the hazards that follow from other statements of the same transaction and from the settings in force,
 * for the statements from index FROM on. SESSION: the settings before the file's first statement. */
void rh_hazards_of_script(rh_hazard_context *context, const rh_session *session, rh_script *script,
                          size_t from);
/* Sets unknown_effect if the statement runs code whose effect its text does not show: a function, a DO block.
 */
void rh_hazards_unknown_work(rh_hazard_context *context, rh_statement *statement, rh_json *tree);
/* True if the statement's duration grows with the rows of a table that existed before, or that was filled. */
bool rh_hazards_works_long(const rh_catalog *catalog, const rh_statement *statement, rh_json *tree);

/* The table whose rows the statement works on; NULL: not in the catalog, or several that are not all new or
 * small. */
const rh_catalog_table *rh_hazards_changed_table(const rh_catalog *catalog, const rh_statement *statement,
                                                 rh_json *tree, rh_arena *arena);

/* Adds a hazard to STATEMENT if row-level security hid rows from RUN. */
void rh_hazards_add_hidden_rows(rh_statement *statement, const rh_statement_run *run, rh_arena *arena);

/* Appends one; MESSAGE and SAFER in the arena. */
void rh_hazard_add(rh_hazard_context *context, rh_statement *statement, const char *rule, const char *message,
                   const char *safer);

/* Reads the comments "-- pgrehearse: ignore RULE reason" in TEXT, the content of SCRIPT's file, into its
 * statements. An unknown rule, a missing reason, or no statement after it: RH_ERROR_SCENARIO with file, line
 * and column. */
bool rh_ignores_read(const char *path, const char *text, rh_arena *arena, rh_script *script, rh_error *error);

/* A hazard rule. Its id never changes. */
typedef struct rh_hazard_rule {
    const char *id, *summary;
} rh_hazard_rule;
/* All of them by id; NULL past the last. */
const rh_hazard_rule *rh_hazard_rule_at(size_t index);
bool rh_hazard_rule_exists(const char *id);
/* Marks the hazards of STATEMENT that comments before it silence. */
void rh_hazards_silence(rh_statement *statement);
