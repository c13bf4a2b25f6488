/* backup_label: where the recovery of a base backup begins. No I/O. */
#pragma once
#include "pgrehearse/base/arena.h"
#include <stdbool.h>
#include <stdint.h>

typedef struct rh_backup_label {
    uint64_t start_lsn;
    uint32_t timeline;
    const char *label, *started_at; /* NULL: it does not say */
    bool from_standby;
    const char *incremental_from; /* an LSN: an incremental backup; NULL: a full one */
} rh_backup_label;

/* False if TEXT is no backup_label: without its first line, or cut off. */
bool rh_backup_label_parse(const char *text, rh_arena *arena, rh_backup_label *label);
/* "0/2000028" → number; false if it is none. */
bool rh_lsn_parse(const char *text, uint64_t *lsn);
const char *rh_lsn_format(uint64_t lsn, rh_arena *arena);
