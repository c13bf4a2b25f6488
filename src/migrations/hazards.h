/* Internal to migrations/: what is known to hurt in production, by rule, before anything is measured. */
#pragma once
#include "known.h"
#include "pgrehearse/model/migration.h"
#include "session.h"
#include "tree.h"

/* A column that this release adds. */
typedef struct rh_expansion {
    const char *table, *column;
    bool has_default;
} rh_expansion;

/* What earlier statements of the release mean for later ones: statements must be shown in the order they run.
 * Zero-initialise all but ARENA. */
typedef struct rh_hazard_context {
    rh_arena *arena;
    rh_known *known;        /* the schema as the next statement finds it; rh_hazards_known makes it */
    rh_session session;     /* the settings likewise */
    bool way_down;          /* its statements change nothing that is known */
    rh_expansion *expanded; /* what the release adds to tables that were there */
    size_t expanded_count;
} rh_hazard_context;

/* What CONTEXT knows, empty at first. */
rh_known *rh_hazards_known(rh_hazard_context *context);
/* The backup's definitions. */
void rh_hazards_learn_backup(rh_hazard_context *context, const char *const *texts, size_t count);

/* The hazards of one statement; TREE may be NULL: then there is none that needs the parse. */
void rh_hazards_of_statement(rh_hazard_context *context, rh_statement *statement, rh_json *tree);
/* Those that come from a statement's company in its transaction and from the settings in force, for the
 * statements from index FROM on. SESSION: as the file's first statement found it. */
void rh_hazards_of_script(rh_hazard_context *context, const rh_session *session, rh_script *script,
                          size_t from);
/* The text does not tell what the statement does: a function of the user's, a DO block. */
void rh_hazards_unknown_work(rh_hazard_context *context, rh_statement *statement, rh_json *tree);
/* Its work grows with the rows of a table that others use, or that was filled. */
bool rh_hazards_works_long(const rh_known *known, const rh_statement *statement, rh_json *tree);

/* The table whose rows the statement works on; NULL: nothing tells of it, or it goes through several that are
 * not all new or small. */
const rh_known_table *rh_hazards_worked_on(const rh_known *known, const rh_statement *statement,
                                           rh_json *tree, rh_arena *arena);

/* Appends one; MESSAGE and SAFER in the arena. */
void rh_hazard_add(rh_hazard_context *context, rh_statement *statement, const char *rule, const char *message,
                   const char *safer);

/* Gives the statements of SCRIPT what the comments of TEXT, its file's, silence. An unknown rule, a missing
 * reason, no statement behind it: RH_ERROR_SCENARIO with file, line and column. */
bool rh_ignores_read(const char *path, const char *text, rh_arena *arena, rh_script *script, rh_error *error);

/* ---- within hazards*.c ---- */

/* A statement under the rules. */
typedef struct rh_hazard_subject {
    rh_hazard_context *context;
    rh_arena *arena;
    rh_statement *statement;
    const char *table;           /* as it is shown */
    const rh_known_table *known; /* NULL: nothing tells of it */
} rh_hazard_subject;

/* FORMAT is the message; SAFER likewise in the arena. */
#define RH_HAZARD(subject, rule, message, safer)                                                             \
    rh_hazard_add((subject)->context, (subject)->statement, rule, message, safer)

/* IDENTIFIER as SQL writes it; "…" for NULL. */
const char *rh_hazard_quoted(const rh_hazard_subject *s, const char *identifier);
bool rh_hazard_is(const rh_statement *statement, const char *rule);
/* The release itself added the column: nobody uses it yet. */
bool rh_hazard_column_is_new(const rh_hazard_subject *s, const char *column);
/* TABLE has partitions, or is to have. */
bool rh_hazard_is_partitioned(const rh_known_table *table);
/* A valid CHECK proves that COLUMN has no NULL, or the column is NOT NULL. */
bool rh_hazard_proven_not_null(const rh_known_table *table, const char *column);

/* COLUMN: of a column's own constraint, as SQL writes it; NULL: the table's. */
void rh_hazards_of_constraint(const rh_hazard_subject *s, rh_json *constraint, const char *column);
void rh_hazards_of_alter_table(const rh_hazard_subject *s, rh_json *body);
void rh_hazards_of_partition(const rh_hazard_subject *s, rh_json *bound, const rh_known_table *parent,
                             rh_known_ref partition);
void rh_hazards_of_detach(const rh_hazard_subject *s, rh_json *command);
/* DROP, RENAME, SET SCHEMA, TRUNCATE, ALTER TYPE, ALTER DOMAIN. */
void rh_hazards_of_object(const rh_hazard_subject *s, const char *kind, rh_json *body);
/* UPDATE and DELETE, also within WITH. */
void rh_hazards_of_changes(const rh_hazard_subject *s, rh_json *tree);
