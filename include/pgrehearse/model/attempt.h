/* The result of one execution of a migration. The caller decides whether it is the migration's outcome. */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/model/migration.h"

/* What was not measured, or only with a reservation. */
typedef enum rh_unmeasured {
    RH_UNMEASURED_BACKUP_CHECKSUM,
    RH_UNMEASURED_BACKUP_INCOMPLETE,
    RH_UNMEASURED_PHYSICAL_COPY,
    RH_UNMEASURED_SERVER_VERSION,
    RH_UNMEASURED_DATABASE_LOCALE,
    RH_UNMEASURED_DATABASE_SETTINGS,
    RH_UNMEASURED_PRODUCTION_GUARD,
    RH_UNMEASURED_PRODUCTION_PROFILE,
    RH_UNMEASURED_PRODUCTION_LOCK_WAITS,
    RH_UNMEASURED_HARDWARE,
    RH_UNMEASURED_COLD_CACHES,
    RH_UNMEASURED_ROLES,
    RH_UNMEASURED_MIGRATIONS,
    RH_UNMEASURED_STATEMENT_LOCKS,
    RH_UNMEASURED_STATEMENT_HAZARDS,
    RH_UNMEASURED_STATEMENT_WORK,
    RH_UNMEASURED_STATEMENT_RESOURCES,
    RH_UNMEASURED_PROGRAM_STATEMENTS,
    RH_UNMEASURED_MASKED_CONSTRAINTS,
    RH_UNMEASURED_SCALED_PASSES,
    RH_UNMEASURED_PREDICTION,
    RH_UNMEASURED_LOAD,
    RH_UNMEASURED_LOAD_TEMPLATES,
    RH_UNMEASURED_LOAD_CONNECTIONS,
    RH_UNMEASURED_LOAD_CONSTRAINTS,
    RH_UNMEASURED_LOCK_WAITS,
    RH_UNMEASURED_COMPATIBILITY,
    RH_UNMEASURED_DISTURBERS,
    RH_UNMEASURED_ROLLBACK,
    RH_UNMEASURED_ROLLBACK_ROWS,
    RH_UNMEASURED_INTERRUPTION,
    RH_UNMEASURED_LOCK_POLICY,
    RH_UNMEASURED_DISK_SPACE,
    RH_UNMEASURED_BACKFILL,
    RH_UNMEASURED_OTHER, /* in records of schema_version 1, which have no codes */
    RH_UNMEASURED_COUNT
} rh_unmeasured;
const char *rh_unmeasured_name(rh_unmeasured code);

/* One thing that was not measured, with its reason as a sentence. */
typedef struct rh_note {
    rh_unmeasured code;
    const char *text;
} rh_note;

typedef struct rh_notes {
    rh_note *items;
    size_t count;
} rh_notes;

/* Adds a note, its text in ARENA, unless NOTES has the same text already (from a repeated pass). */
void rh_notes_printf(rh_notes *notes, rh_arena *arena, rh_unmeasured code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Adds all of FROM. */
void rh_notes_add(rh_notes *notes, rh_arena *arena, const rh_notes *from);

/* A statement of the script that succeeded. */
typedef struct rh_attempted_statement {
    size_t index;                    /* in the script; the statements in ADDED follow the script's own */
    rh_statement_run *run;           /* the observer of the pass completes it after the attempt */
    const char *unattributed_reason; /* of a program: why its work is not known, as a clause; NULL */
} rh_attempted_statement;

typedef struct rh_attempt {
    const rh_migration *migration;
    rh_direction direction;
    rh_outcome outcome;                 /* RH_OUTCOME_NOT_RUN: it was interrupted, or did not begin */
    rh_failure *failure;                /* NULL unless it failed */
    double elapsed_s;                   /* see rh_replay and rh_program_run */
    int failed_statement;               /* ordinal; 0: none failed, or a command of the framework itself */
    rh_attempted_statement *statements; /* in the order of execution; empty unless they were recorded */
    size_t statement_count;
    size_t known_count;        /* of a program: the statements of its script when it began */
    const rh_statement *added; /* of a program: statements that were observed and not in its script */
    size_t added_count;
    rh_notes notes; /* what was not measured */
} rh_attempt;

/* The time of a program outside its statements, in which it starts, computes and waits. */
double rh_attempt_own_s(const rh_attempt *attempt);
/* The script that it executed. */
const rh_script *rh_attempt_script(const rh_attempt *attempt);

/* Adds the attempt's statements to MIGRATION's script, and its runs to them. */
void rh_migration_add_runs(rh_migration *migration, const rh_attempt *attempt, rh_arena *arena);
/* Combines the attempt's outcome with MIGRATION's: a migration that failed in any pass has failed. */
void rh_migration_conclude(rh_migration *migration, const rh_attempt *attempt);
