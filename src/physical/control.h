/* global/pg_control, as PostgreSQL 12 to 18 write it on a little-endian machine with 64 bits. */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/error.h"
#include "pgrehearse/model/facts.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* DBState of catalog/pg_control.h. */
typedef enum rh_control_state {
    RH_CONTROL_STARTUP,
    RH_CONTROL_SHUTDOWNED,
    RH_CONTROL_SHUTDOWNED_IN_RECOVERY,
    RH_CONTROL_SHUTDOWNING,
    RH_CONTROL_IN_CRASH_RECOVERY,
    RH_CONTROL_IN_ARCHIVE_RECOVERY,
    RH_CONTROL_IN_PRODUCTION,
    RH_CONTROL_STATE_COUNT
} rh_control_state;
/* As pg_controldata prints it. */
const char *rh_control_state_name(rh_control_state state);

typedef struct rh_control {
    uint64_t system_identifier;
    uint32_t version, catalog; /* of pg_control itself, and of the system catalogs */
    rh_control_state state;
    int64_t time;                                /* of its last change, in seconds since 1970 */
    uint64_t checkpoint, redo, minimum_recovery; /* LSN; minimum_recovery 0: none */
    uint32_t timeline;
    uint32_t next_xid, oldest_xid; /* at the last checkpoint; without the epoch */
    uint32_t segment_bytes;        /* of WAL */
    int max_prepared, max_locks;   /* transactions, locks a transaction */
    bool page_checksums;
} rh_control;

/* From the file's first bytes. RH_ERROR_BACKUP with what is wrong: cut off, another byte order, another
 * program's, not of PostgreSQL MAJOR, damaged. */
bool rh_control_parse(const unsigned char *bytes, size_t length, int major, rh_control *control,
                      rh_error *error);
/* The same from DIRECTORY/global/pg_control. */
bool rh_control_read(const char *directory, int major, rh_control *control, rh_error *error);
/* Files the server's identity and its state into COPY. */
void rh_control_record(const rh_control *control, rh_physical_facts *copy, rh_arena *arena);
