/* The safer form of a migration (plan --safer): other statements with the same result that block less. */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/model/migration.h"
#include <stdbool.h>
#include <stddef.h>

typedef struct rh_safer_step {
    const char *sql;         /* with the literals of the user's file, without semicolon */
    int statement;           /* ordinal of the statement that it replaces */
    const char *rule;        /* of the hazard that it avoids; NULL: the statement is unchanged */
    const char *begin, *end; /* lines that the framework needs around it (goose's StatementBegin); NULL */
    bool alone;              /* cannot run in a transaction block */
    bool after_commit;       /* the steps before it must be committed, or it would run under their locks */
    bool opens, closes; /* the first and the last of steps that must be one transaction in any framework */
    bool later;         /* in a later release: once no instance of the old one runs */
    const char *note;   /* a remark; NULL */
    /* Of an UPDATE or DELETE in batches: a batch with the keys :from and :to, its table as SQL writes it, and
     * the column of the table's key. NULL */
    const char *batch, *batch_table, *batch_key;
} rh_safer_step;

/* One migration, or for frameworks that commit after each statement the whole file. */
typedef struct rh_safer_file {
    const char *directive; /* lines that the framework needs at the top; NULL: none */
    const char *note;      /* other requirements of the framework ("a metadata.toml beside it …"); NULL */
    bool transaction;      /* the file is one transaction */
    bool later;            /* in a later release */
    rh_safer_step *steps;
    size_t step_count;
} rh_safer_file;

/* A hazard that the rewriting does not avoid. */
typedef struct rh_safer_left {
    int statement;
    const char *rule, *advice; /* both NULL: the statement does not parse, so it was not analysed */
    const char *why;           /* why it cannot be rewritten here; NULL: the rule has no mechanical rewrite */
} rh_safer_left;

typedef struct rh_safer {
    rh_safer_file *files;
    size_t file_count;
    bool changed; /* false: FILES have the statements of the migration */
    rh_safer_left *left;
    size_t left_count;
} rh_safer;

/* Rewrites the up migrations of PLAN with statements that block less, for every hazard that has a mechanical
 * rewrite; the others are in LEFT. Silenced hazards stay. One rh_safer per migration; those that are not
 * pending are empty. Whether a rewrite is possible depends on the tables at that point, by PLAN's schema and
 * the earlier migrations. Strings have the literals of the user's files, and are in ARENA. */
rh_safer *rh_safer_make(const rh_plan *plan, rh_arena *arena);
