/* Internal to workload/: the interface that every kind of disturber implements. */
#pragma once
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/adapters/process.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/workload/workload.h"

typedef struct rh_disturbing rh_disturbing;

/* How a kind is started, looked after and stopped. The first is called by whoever starts the disturbers,
 * afterwards everything by their thread. */
typedef struct rh_disturber_methods {
    /* Starts it and waits until it is in place. False: it is not, and ERROR says why. */
    bool (*start)(rh_disturbing *d, rh_error *error);
    /* Looks after it; true when it has ended by itself: then DETAIL says how. */
    bool (*check)(rh_disturbing *d);
    /* Ends it, whether it was ever in place or not, and frees what it has. */
    void (*stop)(rh_disturbing *d);
    /* Undoes what it changed, once its migration has ended; may be NULL. */
    void (*undo)(rh_disturbing *d);
} rh_disturber_methods;

extern const rh_disturber_methods rh_disturb_session_methods, rh_disturb_pg_dump_methods,
    rh_disturb_autovacuum_methods;

/* One disturber at work. */
struct rh_disturbing {
    const rh_disturber *spec;
    const rh_disturb_place *place;
    const rh_disturber_methods *methods;
    rh_arena *arena;
    rh_pg *side;       /* the disturbers' own, for looking around */
    const char *table; /* qualified and quoted; NULL */
    const char *name;
    int number; /* unique in this process */
    rh_usec from, to;
    bool running;
    rh_disturbance_outcome outcome;
    const char *detail;
    int *pids;
    size_t pid_count;
    int fd; /* to be polled for reading; -1 */

    rh_pg *session;       /* of those that are one */
    rh_process *process;  /* pg_dump */
    const char *fifo;     /* its output */
    int pipe;             /* our end of that; -1 */
    int64_t wanted_bytes; /* of its output that are still taken */
    int64_t oid;          /* autovacuum: of the table */
    rh_usec seen;         /* a worker, last */
    bool changed;         /* settings */
};

void rh_disturb_add_pid(rh_disturbing *d, int pid);

typedef struct rh_disturb_table {
    int64_t pages, oid, age; /* age: in transactions */
    bool is_partitioned;
} rh_disturb_table;
/* Resolves the spec's table, or without one the largest, to d->table and FOUND (may be NULL). */
bool rh_disturb_find_table(rh_disturbing *d, rh_disturb_table *found, rh_error *error);
/* "12.3 s" since it was in place, in the arena. */
const char *rh_disturb_passed(const rh_disturbing *d);
