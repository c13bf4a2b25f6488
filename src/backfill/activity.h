/* What a server does beside batches: page images, checkpoints, vacuums, temporary files; and what becomes of
 * the table. From PostgreSQL 15 on, whose sessions can be made to publish their statistics. */
#pragma once
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/model/backfill.h"

/* Reads the cumulative counters of PG's server and of TABLE with its partitions; all unknown below 15. */
bool rh_activity_read(rh_pg *pg, const char *table, rh_arena *arena, rh_backfill_activity *activity,
                      rh_error *error);
/* AFTER − BEFORE. */
rh_backfill_activity rh_activity_between(const rh_backfill_activity *before,
                                         const rh_backfill_activity *after);
/* Adds ONE to SUM; what either does not know is unknown. */
void rh_activity_add(rh_backfill_activity *sum, const rh_backfill_activity *one);
