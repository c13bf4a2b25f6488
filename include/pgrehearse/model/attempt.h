/* One execution of a migration: what it gave. Whether that is the migration's outcome is for the caller to
 * say. */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/model/migration.h"

/* What was left out of the measurements, and why: a sentence each. */
typedef struct rh_notes {
    const char **items;
    size_t count;
} rh_notes;

/* Adds a sentence, in ARENA, unless it is there already (a pass that was repeated). */
void rh_note(rh_notes *notes, rh_arena *arena, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Adds all of FROM. */
void rh_notes_add(rh_notes *notes, rh_arena *arena, const rh_notes *from);

/* A statement of the script that ended well. */
typedef struct rh_attempted_statement {
    size_t index;          /* in the script; those that the attempt adds come behind the script's own */
    rh_statement_run *run; /* whatever observes the pass may complete it until the attempt is filed */
    const char *unattributed_because; /* a program's: why its work is not known, as a clause; NULL */
} rh_attempted_statement;

typedef struct rh_attempt {
    const rh_migration *migration;
    rh_direction direction;
    rh_outcome outcome;                 /* RH_OUTCOME_NOT_RUN: it was interrupted, or never began */
    rh_failure *failure;                /* NULL unless it failed */
    double elapsed_s;                   /* as rh_replay and rh_program_run say */
    int failed_statement;               /* ordinal; 0: none failed, or a command of the tool's own */
    rh_attempted_statement *statements; /* in the order they ran; none unless they were recorded */
    size_t statement_count;
    size_t known_count;        /* a program's: statements of its script when it began */
    const rh_statement *added; /* a program's: those that its script did not have then */
    size_t added_count;
    rh_notes notes; /* what was not measured of it */
} rh_attempt;

/* What a program's time has besides its statements': it also starts, computes and waits. */
double rh_attempt_own_s(const rh_attempt *attempt);
/* The script that it executed. */
const rh_script *rh_attempt_script(const rh_attempt *attempt);

/* Adds the attempt's statements to MIGRATION's script, and its runs to them. */
void rh_migration_add_runs(rh_migration *migration, const rh_attempt *attempt, rh_arena *arena);
/* Makes the attempt's outcome MIGRATION's, over all passes: one that failed once has failed. */
void rh_migration_conclude(rh_migration *migration, const rh_attempt *attempt);
