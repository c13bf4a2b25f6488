/* Internal to observe/: the effects of statements on relations, without those of the observing queries. */
#pragma once
#include "pgrehearse/observe/observe.h"
#include "pgrehearse/observe/counters.h"

/* Relations as one sample found them. */
typedef struct rh_work_samples {
    rh_committed_relation *items;
    size_t count;
    int64_t target; /* OID of the statement's own table, whose size is wanted; 0: not seen */
} rh_work_samples;

struct rh_work_watch {
    rh_pg *side;
    rh_arena *arena;           /* of the transaction, or of the statement outside of one */
    rh_work_samples committed; /* before the transaction or the statement */
    rh_work_samples made;      /* by the transaction: not there as committed */
    rh_work_samples last;      /* within the transaction: after the statement before */
    bool open;                 /* LAST was read in the transaction under way */
    bool all;                  /* outside of a transaction: every relation is looked at */
};

/* pgrehearse's own queries have read tables since rh_work_after: that is not the next statement's work. */
void rh_work_forget(rh_work_watch *watch);
