/* Disturbers: what else production runs while a migration wants its locks. They are started together, each
 * ends when its time is over, and all of them are stopped together. */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/error.h"
#include "pgrehearse/model/disturb.h"
#include <sys/types.h>

/* Where they run. */
typedef struct rh_disturb_place {
    const char *conninfo;  /* of the database in which migrations run */
    const char *pg_dump;   /* the program */
    const char *directory; /* pg_dump can open files in it */
    uid_t uid;             /* what pg_dump runs as when we are root; 0: as we are */
    gid_t gid;
    bool own_cluster; /* the server is ours: its settings may be changed, transaction numbers burnt */
} rh_disturb_place;

typedef struct rh_disturbers rh_disturbers;

/* What has to be done once before the load begins, while nothing else runs: an autovacuum is only forced on a
 * table that is old, so transaction numbers are burnt (110,000: a second of work). What fails is told when
 * the disturber starts. False only with RH_ERROR_INTERRUPTED. */
bool rh_disturb_prepare(const rh_disturb_place *place, const rh_disturber *specs, size_t count,
                        rh_error *error);

/* Starts COUNT disturbers, beside the migration MIGRATION, and waits until each is in place: its locks taken,
 * its snapshot there, its worker at work (30 s at most). One that cannot be started is told by the rows of
 * rh_disturbers_stop. Call from the main thread (pg_dump is a child). NULL only with RH_ERROR_INTERRUPTED or
 * when there is no memory for a thread. SPECS must outlive it. */
rh_disturbers *rh_disturbers_start(const rh_disturb_place *place, const rh_disturber *const *specs,
                                   size_t count, rh_error *error);

/* How many were in place. */
size_t rh_disturbers_started(const rh_disturbers *disturbers);

/* Stops every one that still runs, waits until its sessions have gone (5 s at most), frees, and appends a row
 * each to ROWS in ARENA, without who was behind it; BEGAN is second 0 of its times. Also after an interrupt.
 * Takes NULL. */
void rh_disturbers_stop(rh_disturbers *disturbers, const char *migration, rh_usec began, rh_arena *arena,
                        rh_disturbance **rows, size_t *row_count);
