/* A marked directory of a run, for what a program of the user's restores before there is a cluster. */
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/staging/staging.h"
#include "mark.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

bool rh_place_make(const char *parent, rh_arena *arena, rh_place *place, rh_error *error)
{
    uint32_t random = 0;
    *place = (rh_place){.lock = -1};
    if (!rh_directory_make(parent, 0755, error))
        return false;
    char *real = realpath(parent, NULL);
    if (!real)
        return rh_error_errno(error, errno, "cannot use the directory %s", parent);
    while (getrandom(&random, sizeof random, 0) != sizeof random)
        continue;
    const char *directory =
        rh_arena_printf(arena, "%s/pgrehearse-%u-%08x", real, geteuid(), random & 0x7fffffffU);
    free(real);
    /* As a cluster's: the program may run as another account, and chowns what is in it. */
    if (mkdir(directory, 0711) != 0)
        return rh_error_errno(error, errno, "cannot create the directory %s", directory);
    place->directory = directory;
    return rh_mark_write(rh_arena_printf(arena, "%s/mark", directory), &(rh_mark){0}, &place->lock, error);
}

bool rh_place_remove(rh_place *place, rh_error *error)
{
    bool ok = !place->directory || rh_mark_remove_cluster(place->directory, error);
    if (place->lock >= 0)
        close(place->lock);
    *place = (rh_place){.lock = -1};
    return ok;
}
