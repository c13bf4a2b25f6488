/* The team's program on a part of the rows, and the batches that it commits there: a batch is a transaction
 * that writes to the table, as the proxy sees it. */
#pragma once
#include "program.h"
#include "statements.h"

typedef struct rh_program_part rh_program_part;

typedef struct rh_program_part_options {
    const rh_backfill *backfill;
    const rh_backfill_target *target;
    rh_backfill_setting setting;
    rh_program_range range; /* outlives the part, as all of this does */
    const rh_backfill_programs *programs;
    const char *conninfo; /* of our own sessions */
} rh_program_part_options;

rh_program_part *rh_program_part_start(const rh_program_part_options *options, rh_error *error);
bool rh_program_part_has_ended(rh_program_part *part);
/* Batches, and rows by the statements' own counts, so far. */
int64_t rh_program_part_batches(rh_program_part *part);
int64_t rh_program_part_rows(rh_program_part *part);
/* Ends it, by SIGTERM where it heeds that, and waits until the server is rid of its sessions. Batches that
 * were committed count. */
bool rh_program_part_stop(rh_program_part *part, rh_error *error);

/* What it did, after its end or the stop. In ARENA. */
typedef struct rh_program_report {
    /* In the order in which they ended. CHANGED is RH_UNKNOWN where the statement did not say it. The time
     * between two batches of a connection belongs to the second, but for the pause. */
    rh_backfill_batch *batches;
    size_t batch_count;
    int *pids; /* of its sessions */
    size_t pid_count;
    int status;       /* of the program, if it ended by itself */
    const char *said; /* its last line */
    bool hidden;      /* it called a procedure or ran a DO block, whose transactions are not seen */
} rh_program_report;
rh_program_report rh_program_part_report(rh_program_part *part, rh_arena *arena);
void rh_program_part_free(rh_program_part *part); /* ends it first; takes NULL */
