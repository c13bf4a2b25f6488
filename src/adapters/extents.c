#include "extents.h"
#include "pgrehearse/base/arena.h"
#include <errno.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>

enum { AT_ONCE = 512 };

/* What does not lie as it is at fe_physical, or not yet. */
static const uint32_t UNPROVEN = FIEMAP_EXTENT_UNKNOWN | FIEMAP_EXTENT_DELALLOC | FIEMAP_EXTENT_ENCODED |
                                 FIEMAP_EXTENT_NOT_ALIGNED | FIEMAP_EXTENT_DATA_INLINE |
                                 FIEMAP_EXTENT_DATA_TAIL;

typedef struct extent {
    off_t offset, end;
    uint64_t place;
    bool proven, shared;
} extent;

/* The extents of a file with data in the order of their offsets; holes and allocated blocks that were never
 * written, which read as zeros, are between them. */
typedef struct extent_list {
    extent *items;
    size_t count, capacity;
} extent_list;

static void add(extent_list *list, const struct fiemap_extent *found)
{
    if (found->fe_flags & FIEMAP_EXTENT_UNWRITTEN)
        return;
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? 2 * list->capacity : 64;
        list->items = rh_realloc(list->items, list->capacity * sizeof *list->items);
    }
    list->items[list->count++] = (extent){.offset = (off_t)found->fe_logical,
                                          .end = (off_t)(found->fe_logical + found->fe_length),
                                          .place = found->fe_physical,
                                          .proven = !(found->fe_flags & UNPROVEN),
                                          .shared = found->fe_flags & FIEMAP_EXTENT_SHARED};
}

static bool read_extents(int fd, off_t size, extent_list *list)
{
    struct fiemap *map = rh_alloc(sizeof *map + AT_ONCE * sizeof map->fm_extents[0]);
    uint64_t next = 0;
    bool ok = true, last = false;
    while (ok && !last && next < (uint64_t)size) {
        *map = (struct fiemap){.fm_start = next,
                               .fm_length = (uint64_t)size - next,
                               .fm_flags = FIEMAP_FLAG_SYNC,
                               .fm_extent_count = AT_ONCE};
        ok = ioctl(fd, FS_IOC_FIEMAP, map) == 0;
        last = ok && map->fm_mapped_extents == 0;
        for (uint32_t i = 0; ok && i < map->fm_mapped_extents; i++) {
            const struct fiemap_extent *found = &map->fm_extents[i];
            add(list, found);
            next = found->fe_logical + found->fe_length;
            last = found->fe_flags & FIEMAP_EXTENT_LAST;
        }
    }
    int failed = errno;
    free(map);
    errno = failed;
    return ok;
}

/* ---- ranges ---- */

typedef struct range_list {
    rh_range *items;
    size_t count, capacity;
} range_list;

static void add_range(range_list *list, off_t from, off_t to)
{
    rh_range *last = list->count ? &list->items[list->count - 1] : NULL;
    if (last && last->offset + last->length == from) {
        last->length += to - from;
        return;
    }
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? 2 * list->capacity : 64;
        list->items = rh_realloc(list->items, list->capacity * sizeof *list->items);
    }
    list->items[list->count++] = (rh_range){from, to - from};
}

/* The extent of LIST that holds AT, or the one behind it; *NEXT moves forward only. */
static const extent *extent_at(const extent_list *list, size_t *next, off_t at)
{
    while (*next < list->count && list->items[*next].end <= at)
        (*next)++;
    return *next < list->count ? &list->items[*next] : NULL;
}

static bool holds(const extent *e, off_t at)
{
    return e && e->offset <= at;
}

/* How far what holds at AT goes on: to the end of the extent, or to the next one. */
static off_t reaches(const extent *e, off_t at, off_t size)
{
    off_t to = !e ? size : holds(e, at) ? e->end : e->offset;
    return to < size ? to : size;
}

static bool same(const extent *a, const extent *b, off_t at)
{
    if (!holds(a, at) || !holds(b, at))
        return !holds(a, at) && !holds(b, at);
    return a->proven && b->proven &&
           a->place + (uint64_t)(at - a->offset) == b->place + (uint64_t)(at - b->offset);
}

bool rh_extents_differ(int a, int b, off_t size, rh_range **ranges, size_t *count)
{
    extent_list of_a = {0}, of_b = {0};
    range_list found = {0};
    bool ok = read_extents(a, size, &of_a) && read_extents(b, size, &of_b);
    int failed = errno;
    size_t next_a = 0, next_b = 0;
    for (off_t at = 0; ok && at < size;) {
        const extent *in_a = extent_at(&of_a, &next_a, at), *in_b = extent_at(&of_b, &next_b, at);
        off_t to_a = reaches(in_a, at, size), to_b = reaches(in_b, at, size), to = to_a < to_b ? to_a : to_b;
        if (!same(in_a, in_b, at))
            add_range(&found, at, to);
        at = to;
    }
    free(of_a.items);
    free(of_b.items);
    *ranges = found.items;
    *count = found.count;
    errno = failed;
    return ok;
}

bool rh_extents_shared(int a, off_t size, rh_range **ranges, size_t *count)
{
    extent_list of_a = {0};
    range_list found = {0};
    bool ok = read_extents(a, size, &of_a);
    int failed = errno;
    for (size_t i = 0; ok && i < of_a.count && of_a.items[i].offset < size; i++)
        if (of_a.items[i].shared)
            add_range(&found, of_a.items[i].offset, of_a.items[i].end < size ? of_a.items[i].end : size);
    free(of_a.items);
    *ranges = found.items;
    *count = found.count;
    errno = failed;
    return ok;
}

bool rh_extents_place(int fd, uint64_t *place)
{
    extent_list list = {0};
    bool ok = read_extents(fd, 1, &list) && list.count > 0 && list.items[0].proven;
    if (ok)
        *place = list.items[0].place;
    free(list.items);
    return ok;
}
