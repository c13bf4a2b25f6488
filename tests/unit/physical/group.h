/* A directory and an arena for a group of tests. */
#pragma once
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/arena.h"
#include <stdlib.h>

static char directory[] = "/tmp/rh-physical-XXXXXX";
static rh_arena *arena;

static int set_up(void **state)
{
    (void)state;
    arena = rh_arena_new();
    return mkdtemp(directory) ? 0 : 1;
}

static int tear_down(void **state)
{
    (void)state;
    rh_arena_free(arena);
    return rh_tree_remove(directory, NULL) ? 0 : 1;
}
