/* Memory by phase: allocate freely, release everything at once.
 *
 * An arena belongs to one thread at a time. Memory is zeroed. When the system has no memory left the program
 * ends with a message (its children end with it), so no caller checks for NULL.
 */
#pragma once
#include <stdarg.h>
#include <stddef.h>

typedef struct rh_arena rh_arena;

rh_arena *rh_arena_new(void);
/* Takes NULL. */
void rh_arena_free(rh_arena *arena);

/* SIZE zeroed bytes, aligned for any type. */
void *rh_arena_alloc(rh_arena *arena, size_t size);
/* A copy of a string; NULL gives NULL. */
char *rh_arena_strdup(rh_arena *arena, const char *string);
/* A copy of the first LENGTH bytes, with a 0 after them. */
char *rh_arena_strndup(rh_arena *arena, const char *string, size_t length);
char *rh_arena_printf(rh_arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *rh_arena_vprintf(rh_arena *arena, const char *format, va_list args);

/* Heap counterparts that end the program when memory runs out. The caller frees. */
void *rh_alloc(size_t size);
void *rh_realloc(void *memory, size_t size);
char *rh_strdup(const char *string);

/* Appends one zeroed item to an array that grows in the arena and returns its address, as the array's type.
 * ITEMS is the address of the array's pointer; COUNT is raised by one. Addresses of earlier items may change;
 * the capacity is implied by COUNT (powers of two), so an array grown this way must only be grown this way:
 *     rh_lock *lock = rh_arena_add(arena, &statement->locks, &statement->lock_count);
 */
#define rh_arena_add(arena, items, count)                                                                    \
    ((__typeof__(*(items)))rh_arena_grow(arena, items, count, sizeof **(items)))
void *rh_arena_grow(rh_arena *arena, void *items, size_t *count, size_t item_size);
