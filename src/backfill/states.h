/* The effects that occur only in a whole backfill: full page images after checkpoints, and vacuums. */
#pragma once
#include "census.h"

typedef struct rh_backfill_states {
    rh_backfill_pages pages;
    double index_pages;
    rh_backfill_prices prices;
    rh_backfill_checkpoints checkpoints; /* rates not set */
    rh_backfill_vacuum vacuum;
    double cost_delay_ms, cost_limit; /* of autovacuum for the table */
    bool autovacuum;                  /* of the server */
    bool vacuum_measured;
    double hot_share; /* of the table's updates; RH_NOT_MEASURED */
    /* where the sample is in its own checkpoint cycle */
    int64_t redo, wal; /* of the last checkpoint; when it was last read */
    double rows;       /* changed since that checkpoint */
} rh_backfill_states;

/* The pages of the table and its indexes, and the server's settings; ANALYZE has run. In ARENA. */
bool rh_states_read(rh_pg *pg, const rh_backfill *backfill, const rh_backfill_target *target,
                    const rh_backfill_census *census, rh_arena *arena, rh_backfill_states *states,
                    rh_error *error);

/* Reads how many of the table's updates were HOT; the sessions that made them have ended. */
bool rh_states_read_hot(rh_pg *pg, const rh_backfill_target *target, rh_backfill_states *states,
                        rh_error *error);

/* Writes a checkpoint: the next change of every page writes a full page image. */
bool rh_states_checkpoint(rh_pg *pg, rh_backfill_states *states, rh_error *error);

/* Gives the COUNT batches that ran since the last call the pages that they changed first since a checkpoint.
 * PG is asked whether there was one meanwhile. */
struct rh_backfill_measured;
bool rh_states_follow(rh_pg *pg, rh_backfill_states *states, struct rh_backfill_measured *batches,
                      size_t count, rh_error *error);
