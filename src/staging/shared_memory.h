/* Shared memory that outlives a PostgreSQL server which was killed (SIGKILL, the kernel's out-of-memory
 * killer).
 *
 * A server that ends in any other way removes it itself; a killed one leaves it to the next start on the same
 * data directory, which a private cluster never sees.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef struct rh_shared_memory {
    char files[4][64]; /* /dev/shm/PostgreSQL.<number> */
    size_t file_count;
    bool has_segment;
    int segment; /* System V */
} rh_shared_memory;

/* The shared memory that the running POSTMASTER has mapped; nothing if /proc is not readable. */
void rh_shared_memory_note(pid_t postmaster, rh_shared_memory *memory);
/* The same for one more process: adds to MEMORY, which begins as {0}. */
void rh_shared_memory_add(pid_t process, rh_shared_memory *memory);
/* Removes what still exists of it, and resets MEMORY. The postmaster must have ended. */
void rh_shared_memory_remove(rh_shared_memory *memory);
