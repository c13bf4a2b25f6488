/* epoll: one loop a thread; descriptors, a wake-up from other threads, and one timer on an absolute monotonic
 * deadline with microsecond resolution. A turn of the loop is one system call, and setting the events or the
 * deadline that are set already is none. */
#pragma once
#include "pgrehearse/base/clock.h"
#include "pgrehearse/base/error.h"
#include <stdbool.h>

typedef struct rh_loop rh_loop;
typedef struct rh_watch rh_watch; /* a descriptor being watched */

enum { RH_READABLE = 1, RH_WRITABLE = 2 };

rh_loop *rh_loop_new(rh_error *error);
/* Closes every handle and frees. Takes NULL. */
void rh_loop_free(rh_loop *loop);
/* Runs until rh_loop_stop. */
void rh_loop_run(rh_loop *loop);
void rh_loop_stop(rh_loop *loop);
/* The one deadline of the loop: calls CALLBACK once at or after DEADLINE (monotonic µs). Setting again
 * replaces it; 0 disarms. */
void rh_loop_deadline(rh_loop *loop, rh_usec deadline, void (*callback)(void *user), void *user);
/* Watches a duplicate of FD: whoever owns FD may close it at any time. Nothing is reported before
 * rh_watch_events; 0 pauses. Remove from the loop's thread, also from within CALLBACK; NULL is fine. An error
 * of the descriptor is reported as readable. */
rh_watch *rh_loop_watch(rh_loop *loop, int fd, void (*callback)(void *user, int events), void *user,
                        rh_error *error);
void rh_watch_events(rh_watch *watch, int events);
void rh_watch_remove(rh_watch *watch);
/* CALLBACK runs in the loop's thread after rh_loop_wake was called from any thread. Set before the loop runs.
 */
bool rh_loop_on_wake(rh_loop *loop, void (*callback)(void *user), void *user, rh_error *error);
void rh_loop_wake(rh_loop *loop);
/* For a loop whose deadlines are to be met also where others keep every core busy: the calling thread runs as
 * soon as it wakes, as far as the system lets it (a short slice: Linux 6.12; a lower nice value: with
 * privileges). */
void rh_loop_prompt_thread(void);
