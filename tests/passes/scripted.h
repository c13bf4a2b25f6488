/* A scripted connection, staging server, load and proxy in place of the real ones, so that a pass of a
 * rehearsal runs in a unit test. Linked before the libraries, these definitions are found first.
 *
 * Every connection of the code under test answers by the script: the first rule that fits a connection's role
 * and the text that it sends. What no rule fits succeeds: a query gives no rows, a number is 0. Transaction
 * states follow BEGIN, COMMIT, ROLLBACK and failures. Nothing waits, unless a rule says so. Any thread.
 */
#pragma once
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/model/run.h"
#include "pgrehearse/staging/staging.h"

typedef enum script_action {
    SCRIPT_ANSWER,  /* with the rule's rows */
    SCRIPT_REFUSE,  /* the server's error with sqlstate and message; RH_ERROR_SQL, the transaction has failed
                     */
    SCRIPT_LOSE,    /* the connection is lost: RH_ERROR_LOST, and so is all that it is asked later */
    SCRIPT_TIME_OUT /* RH_ERROR_TIMEOUT, as after the statement's limit */
} script_action;

typedef struct script_rule {
    const char *role;    /* ": migration"; NULL: any connection */
    const char *pattern; /* occurs in the text, in any case; NULL: it is about connecting */
    script_action action;
    const char *sqlstate, *message;
    const char *const *values; /* of the rows, in order; NULL is SQL NULL */
    size_t columns, rows;
    int first, last;   /* the first and the last time that it applies, from 1; 0: from the first, for ever */
    const char *until; /* answers once any connection has sent a text with this in it */
    void (*then)(void *user); /* called when it applies, before the answer */
    void *user;
} script_rule;

/* Forgets all rules and all that was sent; a staging server is there, alive. */
void script_begin(void);
/* Rules added first are looked at first. Copied. */
void script_add(script_rule rule);
/* Adds a rule by which a text with PATTERN in it is answered with ROWS: columns separated by blanks, rows by
 * ";", "-" is SQL NULL. Returns it, to be narrowed. */
script_rule *script_rows(const char *pattern, const char *rows);
/* How often connections of ROLE (NULL: any) sent a text with PATTERN in it. */
int script_sent(const char *role, const char *pattern);
/* Connections that were opened and not closed. */
int script_open_connections(void);

/* ---- staging ---- */

typedef struct script_staging {
    int resets, sample_runs, crashes, restarts;
    int fail_reset; /* the reset of this number fails; 0: none does */
    bool dead;      /* its server has ended */
    const char *sample_why_not;
    rh_admission admission;                      /* of every role but its own */
    bool ordinary_roles;                         /* none but its own is a superuser */
    const char *migrations_role, *workload_role; /* that sessions use; NULL: its own */
} script_staging;
extern script_staging scripted_staging;
/* What passes are given. */
rh_staging *script_staging_handle(void);

/* ---- the load ---- */

typedef struct script_load {
    bool no_templates; /* the mix is empty */
    bool fail_start;
    int started, finished, windows;
    const char *window_migrations[8]; /* of windows with a migration, in order */
    size_t window_migration_count;
    rh_load_error *errors; /* that the load reports */
    size_t error_count;
} script_load;
extern script_load scripted_load;

/* ---- programs ---- */

/* What the program sends through each proxy, NULL-ended: delivered when the proxy stops. */
extern const char *const *scripted_program;

/* ---- a run to rehearse ---- */

/* Pending migrations "1", "2" …, with the statements up and down that the arrays give, each NULL-ended
 * ("down" may be NULL). Passes: all. Release RUN's arena. */
typedef struct script_migration {
    const char *const *up, *const *down;
} script_migration;
rh_run *script_run(rh_scenario *scenario, const script_migration *migrations, size_t count);
/* For the end of a test: releases both; returns how many connections are still open. */
int script_end(rh_run *run, rh_error *error);
/* The sentence in run->not_measured that has TEXT in it; NULL: none. */
const char *script_not_measured(const rh_run *run, const char *text);
