/* Tables with few rows: a scan or a rewrite of them is no hazard. */
#include "pgrehearse/backup/backup.h"
#include "dump_stream.h"
#include "toc.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Compressed, in the archive. */
enum { SMALL_BYTES = 4096 };

static int compare_offsets(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The beginnings of all data blocks in order, and the archive's end. None where it does not tell them. */
static int64_t *block_offsets(const rh_toc *toc, const char *path, rh_arena *arena, size_t *count)
{
    struct stat file;
    int64_t *offsets = rh_arena_alloc(arena, (toc->entry_count + 1) * sizeof *offsets);
    *count = 0;
    if (toc->format != RH_TOC_CUSTOM || stat(path, &file) != 0)
        return offsets;
    for (size_t i = 0; i < toc->entry_count; i++)
        if (toc->entries[i].has_data && toc->entries[i].offset > 0)
            offsets[(*count)++] = toc->entries[i].offset;
    offsets[(*count)++] = file.st_size;
    qsort(offsets, *count, sizeof *offsets, compare_offsets);
    return offsets;
}

/* Bytes of ENTRY's data in the archive; -1: not known. */
static int64_t data_bytes(const rh_toc *toc, const rh_toc_entry *entry, const char *path,
                          const int64_t *offsets, size_t count, rh_arena *arena)
{
    struct stat file;
    if (toc->format == RH_TOC_DIRECTORY && entry->file &&
        stat(rh_arena_printf(arena, "%s/%s", path, entry->file), &file) == 0)
        return file.st_size;
    if (toc->format != RH_TOC_CUSTOM || entry->offset <= 0 || count == 0)
        return -1;
    const int64_t *at = bsearch(&entry->offset, offsets, count, sizeof *offsets, compare_offsets);
    return at && at + 1 < offsets + count ? at[1] - at[0] : -1;
}

bool rh_backup_list_small_tables(const rh_backup_facts *facts, rh_arena *arena, rh_listed_tables *tables,
                                 rh_error *error)
{
    rh_toc toc = {0};
    size_t count = 0;
    *tables = (rh_listed_tables){0};
    if (rh_dump_is_text(facts))
        return true;
    if (!rh_toc_read_path(facts->path, arena, &toc, error))
        return false;
    const int64_t *offsets = block_offsets(&toc, facts->path, arena, &count);
    for (size_t i = 0; i < toc.entry_count; i++) {
        const rh_toc_entry *entry = &toc.entries[i];
        if (strcmp(entry->desc, "TABLE DATA") != 0 || !entry->has_data)
            continue;
        const int64_t bytes = data_bytes(&toc, entry, facts->path, offsets, count, arena);
        if (bytes >= 0 && bytes < SMALL_BYTES)
            *rh_arena_add(arena, &tables->tables, &tables->count) =
                (rh_listed_table){.schema = entry->schema, .name = entry->tag};
    }
    return true;
}
