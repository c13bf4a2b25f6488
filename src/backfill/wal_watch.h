/* A position of a server in the WAL, read 20 times a second by a thread of its own.
 *
 * Each look is a short statement: a transaction that stays open on a standby holds its replay up, or is
 * cancelled by it. */
#pragma once
#include "lag.h"
#include "pgrehearse/base/error.h"

/* What a primary has written, and what a standby has replayed. What is not flushed belongs to no transaction
 * that has committed, unless these do not wait for it: a standby without it is not behind. */
#define RH_WAL_WRITTEN                                                                                       \
    "SELECT (CASE WHEN pg_catalog.current_setting('synchronous_commit') = 'off' "                            \
    "THEN pg_catalog.pg_current_wal_insert_lsn() ELSE pg_catalog.pg_current_wal_flush_lsn() END "            \
    "- '0/0'::pg_lsn)::bigint"
#define RH_WAL_REPLAYED "SELECT (pg_catalog.pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::bigint"

typedef struct rh_wal_watch rh_wal_watch;
typedef struct rh_wal_watch_options {
    const char *conninfo, *sql; /* SQL gives one number; outlives the watch */
    /* A primary whose commits wait for the server that is watched; NULL. When that one is lost, they are
     * released, repeatedly until the watch ends. */
    const char *release;
} rh_wal_watch_options;

rh_wal_watch *rh_wal_watch_start(const rh_wal_watch_options *options, rh_error *error);
/* Ends it. The points are in ARENA, their times in seconds of the monotonic clock. *LOST: the server was lost
 * meanwhile. Takes NULL. */
rh_wal_points rh_wal_watch_finish(rh_wal_watch *watch, rh_arena *arena, bool *lost);
