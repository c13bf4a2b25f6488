/* The class of a statement: expected by its parse tree, then as measured. */
#pragma once
#include "pgrehearse/sql/tree.h"
#include "pgrehearse/model/lock.h"
#include "pgrehearse/model/statement.h"

/* A longer statement is a long list of rows: its parse tree would be many times its size. Bytes. */
enum { RH_PARSE_LIMIT = 128 * 1024 };

/* Fills class, phase, command tag, expected lock and relation, and needs_no_transaction of one statement.
 * TREE may be NULL (the statement does not parse, or is too long): then only the first words are used. */
void rh_classify(rh_statement *statement, rh_json *tree, rh_arena *arena);

/* Sets these five fields. Lock and relation are either both set or both empty. */
void rh_classify_set(rh_statement *s, const char *tag, rh_statement_class class_, rh_phase phase,
                     rh_lock_mode lock, const char *relation);

/* BODY of an AlterTableStmt. */
void rh_classify_alter_table(rh_statement *s, rh_json *body, rh_arena *arena);

/* The class of COMMAND, an AlterTableCmd, alone; and the one of two classes that holds its lock longer. */
rh_statement_class rh_classify_command(rh_json *command);
rh_statement_class rh_classify_heavier(rh_statement_class a, rh_statement_class b);

/* The lock that BODY, a VacuumStmt, takes on each table. */
rh_lock_mode rh_classify_vacuum_mode(rh_json *body);

/* Why ADD COLUMN rewrites the table. */
typedef enum rh_column_rewrite {
    RH_COLUMN_FREE,      /* it does not: no default, or one that is the same for all rows */
    RH_COLUMN_VOLATILE,  /* a volatile default */
    RH_COLUMN_SERIAL,    /* serial or identity: a value from a sequence for every row */
    RH_COLUMN_GENERATED, /* GENERATED … STORED */
} rh_column_rewrite;
rh_column_rewrite rh_classify_added_column(rh_json *column_def);
/* True if existing rows get a value for the column: a default, a sequence's number, an expression. */
bool rh_classify_has_default(rh_json *column_def);

/* The mode of a LockStmt (LOCK TABLE), whose parse node holds the mode's number. */
rh_lock_mode rh_lock_mode_of_statement(rh_json *lock);

/* Sets class_, class_measured, class_differs and class_evidence (in ARENA) of a statement by the work and
 * locks of RUN: changed files, built indexes, blocks read, rows changed. Sets nothing if these do not
 * determine the class (an empty table, a server without the counts, BEGIN and the like). */
void rh_classify_measured(rh_statement *statement, const rh_statement_run *run, rh_arena *arena);

/* The effect of a statement on its transaction block. */

typedef enum rh_transaction_verb {
    RH_VERB_NONE,      /* nothing */
    RH_VERB_BEGIN,     /* BEGIN, START TRANSACTION */
    RH_VERB_END,       /* COMMIT, END, ROLLBACK, ABORT, PREPARE TRANSACTION */
    RH_VERB_CHAIN,     /* COMMIT or ROLLBACK AND CHAIN: ends one and begins the next */
    RH_VERB_SAVEPOINT, /* SAVEPOINT, RELEASE, ROLLBACK TO: only within the file's own BEGIN */
    RH_VERB_SETTING,   /* SET, RESET, SHOW, SET TRANSACTION, SET CONSTRAINTS */
} rh_transaction_verb;

/* By the statement's words, so also if it does not parse. */
rh_transaction_verb rh_transaction_verb_of(const char *sql);

/* A column that a statement assigns in existing rows. */
typedef struct rh_assigned {
    rh_relation table;
    const char *column; /* without quotes */
} rh_assigned;

/* Adds the columns that SQL assigns by its text: UPDATE, MERGE, ON CONFLICT DO UPDATE, also within WITH.
 * False if there may be others (a DO block, a function, a statement that does not parse). In ARENA. */
bool rh_sql_assigned(const char *sql, rh_arena *arena, rh_assigned **items, size_t *count);
