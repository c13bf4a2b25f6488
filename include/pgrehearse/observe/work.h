/* What statements do to relations: other files, new indexes, blocks read, rows changed. */
#pragma once
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/model/work.h"

/* Follows one session, statement by statement. */
typedef struct rh_work_watch rh_work_watch;

/* SIDE: another session in the same database, which stays the caller's. */
rh_work_watch *rh_work_watch_new(rh_pg *side);
/* Takes NULL. */
void rh_work_watch_free(rh_work_watch *watch);

/* Before a statement of MIGRATION that is not BEGIN, SET or the like. RELATION is the one that it is expected
 * to touch; NULL when that is not known: outside of a transaction all relations are looked at then. */
void rh_work_before(rh_work_watch *watch, rh_pg *migration, const char *relation);
/* After it ended well; RELATION as before. Within a transaction MIGRATION's own session is asked (counts are
 * its own, exact); otherwise SIDE, whose counts are those of everybody, so they are right only where nothing
 * else runs, and only once MIGRATION has published its statistics (rh_counters_read_idle). In ARENA; NULL
 * when it could not be read. Before PostgreSQL 15 nothing is counted. */
rh_statement_work *rh_work_after(rh_work_watch *watch, rh_pg *migration, const char *relation,
                                 rh_arena *arena);
/* The transaction has ended, well or not. */
void rh_work_transaction_end(rh_work_watch *watch);
