/* A server's shared memory by its own mappings: the names in /proc are the same for every version of
 * PostgreSQL. */
#include "shared_memory.h"
#include "pgrehearse/base/text.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/shm.h>
#include <unistd.h>

static const char FILE_PREFIX[] = "/dev/shm/PostgreSQL.";

static void note_file(rh_shared_memory *memory, const char *path)
{
    for (size_t i = 0; i < memory->file_count; i++)
        if (strcmp(memory->files[i], path) == 0)
            return;
    if (memory->file_count == sizeof memory->files / sizeof *memory->files ||
        strlen(path) >= sizeof *memory->files || strchr(path, ' '))
        return; /* the blank: "(deleted)" */
    snprintf(memory->files[memory->file_count++], sizeof *memory->files, "%s", path);
}

/* "from-to rights offset device inode   path"; of a System V segment the inode is its id. */
static void note_mapping(rh_shared_memory *memory, const char *line)
{
    for (int i = 0; i < 4; i++) {
        line += strcspn(line, " ");
        line += strspn(line, " ");
    }
    char *path = NULL;
    long inode = strtol(line, &path, 10);
    path += strspn(path, " ");
    if (rh_starts_with(path, FILE_PREFIX)) {
        note_file(memory, path);
    } else if (rh_starts_with(path, "/SYSV")) {
        memory->has_segment = true;
        memory->segment = (int)inode;
    }
}

void rh_shared_memory_add(pid_t process, rh_shared_memory *memory)
{
    char name[32], line[4096];
    snprintf(name, sizeof name, "/proc/%d/maps", (int)process);
    FILE *maps = fopen(name, "re");
    while (maps && fgets(line, sizeof line, maps)) {
        line[strcspn(line, "\n")] = 0;
        note_mapping(memory, line);
    }
    if (maps)
        fclose(maps);
}

void rh_shared_memory_note(pid_t postmaster, rh_shared_memory *memory)
{
    *memory = (rh_shared_memory){0};
    rh_shared_memory_add(postmaster, memory);
}

/* The segments that backends made, the statistics' among them, are not mapped by the postmaster. But their
 * numbers stand in its control segment, whose layout is not the same in every version: so any word of it that
 * is the number of a file. Smaller words are counters. */
static void remove_listed(const char *control)
{
    enum { SMALLEST = 1 << 16 };
    uint32_t words[1024];
    char path[64];
    FILE *file = fopen(control, "re");
    for (size_t count; file && (count = fread(words, sizeof *words, 1024, file)) > 0;) {
        for (size_t i = 0; i < count; i++) {
            snprintf(path, sizeof path, "%s%" PRIu32, FILE_PREFIX, words[i]);
            if (words[i] >= SMALLEST && strcmp(path, control) != 0)
                unlink(path);
        }
    }
    if (file)
        fclose(file);
}

void rh_shared_memory_remove(rh_shared_memory *memory)
{
    for (size_t i = 0; i < memory->file_count; i++) {
        remove_listed(memory->files[i]);
        unlink(memory->files[i]);
    }
    /* With a backend still attached it goes when that one does. */
    if (memory->has_segment)
        shmctl(memory->segment, IPC_RMID, NULL);
    *memory = (rh_shared_memory){0};
}
