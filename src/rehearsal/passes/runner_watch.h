/* Internal to rehearsal/: observes each of several concurrent runners, and whether they overlap. */
#pragma once
#include "pgrehearse/adapters/pg.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/model/passes.h"
#include "pgrehearse/proxy/proxy.h"

/* Shared by all of them. Any thread may use it. */
typedef struct rh_runner_gate rh_runner_gate;
rh_runner_gate *rh_runner_gate_new(size_t count);
void rh_runner_gate_free(rh_runner_gate *gate);
void rh_runner_gate_ended(rh_runner_gate *gate, size_t runner);
/* Asks PG whether a session of the runner waits for a lock; a longer wait than the one in FOUND replaces it.
 * Strings in ARENA. */
bool rh_runner_gate_poll(rh_runner_gate *gate, size_t runner, rh_pg *pg, rh_runner *found, rh_arena *arena,
                         rh_error *error);

/* The statements of one. Lives in ARENA, which is its proxy's until that has stopped. */
typedef struct rh_runner_watch rh_runner_watch;
rh_runner_watch *rh_runner_watch_new(rh_runner_gate *gate, size_t runner, rh_arena *arena);
rh_proxy_events rh_runner_watch_events(rh_runner_watch *watch);

/* After the proxies have stopped: */
/* Counts the statements of WATCH; the last error of one that failed becomes its last line, in ARENA. */
void rh_runner_watch_count(const rh_runner_watch *watch, rh_runner *found, rh_arena *arena);
/* Fills outcome, why and what was repeated, from the runners that FOUND has and what each sent. */
void rh_runner_watch_judge(const rh_runner_watch *const *watches, size_t count, rh_arena *arena,
                           rh_runners *found);
