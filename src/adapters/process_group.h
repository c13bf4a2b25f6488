/* The processes of a child's process group. Private to the adapters of processes. */
#pragma once
#include <stddef.h>
#include <sys/types.h>

/* STATE as /proc has it: 'R', 'S', 'T' … */
typedef void (*rh_process_group_visit)(void *user, pid_t member, char state);

/* Calls VISIT (may be NULL) for every process of GROUP that has not ended; returns how many there are. 0
 * where /proc does not tell. kill(-GROUP, 0) would count a leader that has ended and is not reaped, too. */
size_t rh_process_group_each(pid_t group, rh_process_group_visit visit, void *user);
