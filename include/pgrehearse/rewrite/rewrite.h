/* The safer form of a migration (plan --safer): other statements with the same result that block less. */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/model/migration.h"
#include <stdbool.h>
#include <stddef.h>

typedef struct rh_safer_step {
    const char *sql;         /* to be pasted: it has the literals of the user's own file, and no semicolon */
    int statement;           /* ordinal of the statement that it stands for */
    const char *rule;        /* that it answers; NULL: the statement as it was */
    const char *begin, *end; /* lines that the framework wants around it (goose's StatementBegin); NULL */
    bool alone;              /* cannot run in a transaction block */
    /* only once what stands before it is committed, or its lock would be held through it */
    bool after_commit;
    bool opens,
        closes; /* the first and the last of steps that are one transaction whatever the framework does */
    bool later; /* not in this release: once no instance of the old one runs */
    const char *note; /* what to know of it; NULL */
} rh_safer_step;

/* One migration, or for frameworks that commit after each statement the whole file. */
typedef struct rh_safer_file {
    const char *directive; /* lines that the framework wants at the top; NULL: none */
    const char *note;      /* what else it wants, in words ("a metadata.toml beside it …"); NULL */
    bool transaction;      /* all of it is one transaction */
    bool later;            /* in a later release */
    rh_safer_step *steps;
    size_t step_count;
} rh_safer_file;

/* A hazard that takes more than another way to write it. */
typedef struct rh_safer_left {
    int statement;
    const char *rule, *advice; /* both NULL: it was not understood, so not analysed */
    const char *why;           /* it is not mechanical here; NULL: it never is */
} rh_safer_left;

typedef struct rh_safer {
    rh_safer_file *files;
    size_t file_count;
    bool changed; /* false: FILES would say what the migration says */
    rh_safer_left *left;
    size_t left_count;
} rh_safer;

/* The ways up of PLAN by statements that block less, for every hazard whose remedy is mechanical; the rest is
 * in LEFT. Silenced hazards stay. One a migration, those that are not pending are empty. What is mechanical
 * depends on the tables as they are by then: PLAN's schema and the migrations before tell. The texts have the
 * literals of the user's files, and are in ARENA. */
rh_safer *rh_safer_make(const rh_plan *plan, rh_arena *arena);
