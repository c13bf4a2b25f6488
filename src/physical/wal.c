#include "wal.h"
#include "pgrehearse/adapters/files.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool rh_wal_segment_parse(const char *name, uint32_t segment_bytes, uint32_t *timeline, uint64_t *number)
{
    unsigned int parts[3];
    if (strlen(name) != 24 || strspn(name, "0123456789ABCDEF") != 24 ||
        sscanf(name, "%8X%8X%8X", &parts[0], &parts[1], &parts[2]) != 3)
        return false;
    *timeline = parts[0];
    *number = (uint64_t)parts[1] * ((UINT64_C(1) << 32) / segment_bytes) + parts[2];
    return parts[2] < (UINT64_C(1) << 32) / segment_bytes;
}

const char *rh_wal_segment_name(uint32_t timeline, uint64_t number, uint32_t segment_bytes, rh_arena *arena)
{
    uint64_t each = (UINT64_C(1) << 32) / segment_bytes;
    return rh_arena_printf(arena, "%08X%08" PRIX64 "%08" PRIX64, timeline, number / each, number % each);
}

static bool has(char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* Where a timeline begins within a segment, the file has the name of the new one. */
const char *rh_wal_missing(const rh_wal_range *ranges, size_t count, uint32_t segment_bytes,
                           char *const *names, size_t name_count, rh_arena *arena)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t first = ranges[i].start / segment_bytes;
        uint64_t last = ranges[i].end > 0 ? (ranges[i].end - 1) / segment_bytes : 0;
        for (uint64_t number = first; number <= last; number++) {
            const char *name = rh_wal_segment_name(ranges[i].timeline, number, segment_bytes, arena);
            bool found = has(names, name_count, name);
            for (size_t k = 0; !found && k < count; k++)
                found = k != i && has(names, name_count,
                                      rh_wal_segment_name(ranges[k].timeline, number, segment_bytes, arena));
            if (!found)
                return name;
        }
    }
    return NULL;
}

const char *rh_wal_gap(uint32_t timeline, uint64_t start, uint32_t segment_bytes, char *const *names,
                       size_t name_count, rh_arena *arena)
{
    uint64_t first = start / segment_bytes, last = first, number;
    uint32_t of;
    for (size_t i = 0; i < name_count; i++)
        if (rh_wal_segment_parse(names[i], segment_bytes, &of, &number) && of == timeline && number > last)
            last = number;
    for (number = first; number <= last; number++) {
        const char *name = rh_wal_segment_name(timeline, number, segment_bytes, arena);
        if (!has(names, name_count, name))
            return name;
    }
    return NULL;
}

bool rh_wal_segment_head(const char *path, uint64_t *system, uint64_t *address, int64_t *size)
{
    enum { AT_ADDRESS = 8, AT_SYSTEM = 24, HEADER = 40 };
    unsigned char head[HEADER];
    struct stat status;
    int fd = rh_file_open(path, false, NULL);
    if (fd < 0)
        return false;
    bool read = fstat(fd, &status) == 0 && pread(fd, head, HEADER, 0) == HEADER;
    close(fd);
    memcpy(address, head + AT_ADDRESS, sizeof *address);
    memcpy(system, head + AT_SYSTEM, sizeof *system);
    *size = read ? status.st_size : 0;
    return read;
}
