#include "pgrehearse/base/arena.h"
#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A chunk is zeroed: the first ones of an arena that may stay small are small. */
enum { CHUNK_MIN = 1024, CHUNK_MAX = 64 * 1024 };

typedef struct chunk {
    struct chunk *next;
    size_t used, size;
    alignas(max_align_t) unsigned char data[];
} chunk;

struct rh_arena {
    chunk *chunks;
    size_t chunk_size; /* of the next chunk */
};

static void *checked(void *memory)
{
    if (!memory) {
        static const char message[] = "pgrehearse: out of memory\n";
        fwrite(message, 1, sizeof message - 1, stderr);
        abort();
    }
    return memory;
}

void *rh_alloc(size_t size)
{
    return checked(calloc(1, size ? size : 1));
}

void *rh_realloc(void *memory, size_t size)
{
    return checked(realloc(memory, size ? size : 1));
}

char *rh_strdup(const char *string)
{
    return checked(strdup(string));
}

rh_arena *rh_arena_new(void)
{
    rh_arena *arena = rh_alloc(sizeof *arena);
    arena->chunk_size = CHUNK_MIN;
    return arena;
}

void rh_arena_free(rh_arena *arena)
{
    if (!arena)
        return;
    for (chunk *c = arena->chunks; c;) {
        chunk *next = c->next;
        free(c);
        c = next;
    }
    free(arena);
}

void *rh_arena_alloc(rh_arena *arena, size_t size)
{
    size_t rounded = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    chunk *c = arena->chunks;
    if (!c || c->size - c->used < rounded) {
        size_t capacity = rounded > arena->chunk_size ? rounded : arena->chunk_size;
        chunk *fresh = rh_alloc(sizeof(chunk) + capacity);
        fresh->size = capacity;
        /* A big block goes behind the current chunk, whose free space is still of use. */
        if (c && rounded > arena->chunk_size / 4) {
            fresh->next = c->next;
            c->next = fresh;
        } else {
            fresh->next = c;
            arena->chunks = fresh;
        }
        if (arena->chunk_size < CHUNK_MAX)
            arena->chunk_size *= 2;
        c = fresh;
    }
    void *memory = c->data + c->used;
    c->used += rounded;
    return memory;
}

char *rh_arena_strndup(rh_arena *arena, const char *string, size_t length)
{
    char *copy = rh_arena_alloc(arena, length + 1);
    memcpy(copy, string, length);
    return copy;
}

char *rh_arena_strdup(rh_arena *arena, const char *string)
{
    return string ? rh_arena_strndup(arena, string, strlen(string)) : NULL;
}

char *rh_arena_vprintf(rh_arena *arena, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    char *string = rh_arena_alloc(arena, length < 0 ? 1 : (size_t)length + 1);
    if (length >= 0)
        vsnprintf(string, (size_t)length + 1, format, again);
    va_end(again);
    return string;
}

char *rh_arena_printf(rh_arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *string = rh_arena_vprintf(arena, format, args);
    va_end(args);
    return string;
}

void *rh_arena_grow(rh_arena *arena, void *items, size_t *count, size_t item_size)
{
    unsigned char *array;
    memcpy(&array, items, sizeof array);
    size_t n = *count;
    if (n == 0 || (n & (n - 1)) == 0) { /* a power of two: full */
        unsigned char *larger = rh_arena_alloc(arena, (n ? 2 * n : 1) * item_size);
        if (n)
            memcpy(larger, array, n * item_size);
        array = larger;
        memcpy(items, &array, sizeof array);
    }
    *count = n + 1;
    return array + n * item_size;
}
