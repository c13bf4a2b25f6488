#include "tar_names.h"
#include "pgrehearse/adapters/files.h"

const char *rh_tar_find(const char *directory, const char *stem, rh_arena *arena)
{
    static const char *const endings[] = {"", ".gz", ".lz4", ".zst"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        const char *path = rh_arena_printf(arena, "%s/%s.tar%s", directory, stem, endings[i]);
        if (rh_file_exists(path))
            return path;
    }
    return NULL;
}
