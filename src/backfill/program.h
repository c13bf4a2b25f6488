/* The team's program: its arguments, and what it says when it fails. */
#pragma once
#include "pgrehearse/adapters/process.h"
#include "pgrehearse/backfill/backfill.h"

/* A part of the rows, by the first and the last key, as texts. */
typedef struct rh_program_range {
    const char *from, *to;
} rh_program_range;

/* Whether one of ARGUMENTS (NULL: none) has PLACEHOLDER in it. */
bool rh_program_mentions(const char *const *arguments, const char *placeholder);
/* The command itself names {from} and {to}: without them it cannot be run. */
bool rh_program_needs_range(const rh_backfill *backfill);

/* Its command (AGAIN: its resume) with the values of SETTING, NULL-ended, in ARENA. RANGE (NULL: all rows) is
 * filled in, and range: appended. */
const char *const *rh_program_arguments(const rh_backfill *backfill, const rh_backfill_setting *setting,
                                        const rh_program_range *range, bool again, rh_arena *arena);

/* The last line that it wrote, without values of the data; "" if there is none. In ARENA. */
const char *rh_program_said(const rh_process *process, rh_arena *arena);
