/* What killed runs left: marked, and not locked by a living one. */
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/staging/mark.h"
#include "pgrehearse/staging/shared_memory.h"
#include "pgrehearse/staging/staging.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const rh_usec PATIENCE = 6 * RH_SECOND;

/* Is PID a process whose working directory is DATA? A postmaster's is; a number used again is somebody
 * else's. */
static bool serves(pid_t pid, const char *data)
{
    char link[64], directory[4096];
    snprintf(link, sizeof link, "/proc/%d/cwd", (int)pid);
    ssize_t length = readlink(link, directory, sizeof directory - 1);
    if (length < 0)
        return false;
    directory[length] = 0;
    return strcmp(directory, data) == 0;
}

static bool wait_for_end(pid_t pid, const char *data)
{
    rh_usec deadline = rh_clock_monotonic() + PATIENCE;
    while (serves(pid, data)) {
        if (rh_clock_monotonic() > deadline)
            return false;
        usleep(10 * 1000);
    }
    return true;
}

/* The kernel has sent it SIGQUIT when its run died; this is for what did not follow. */
static void stop_server(const char *directory, rh_arena *arena)
{
    const char *data = rh_arena_printf(arena, "%s/data", directory);
    const char *pid_file =
        rh_file_read(rh_arena_printf(arena, "%s/postmaster.pid", data), 4096, arena, NULL, NULL);
    pid_t pid = pid_file ? rh_leading_int(pid_file) : 0;
    if (pid <= 1 || !serves(pid, data))
        return;
    rh_shared_memory memory;
    rh_shared_memory_note(pid, &memory);
    kill(pid, SIGQUIT);
    if (!wait_for_end(pid, data)) {
        kill(pid, SIGKILL);
        wait_for_end(pid, data);
    }
    rh_shared_memory_remove(&memory);
}

/* Only a path that we would have made ourselves. */
static bool is_our_socket(const char *socket, const char *name, rh_arena *arena)
{
    return strcmp(socket, rh_arena_printf(arena, "/tmp/%s.socket", name)) == 0;
}

static bool clear_one(const char *directory, const char *name, rh_arena *arena, const rh_progress *progress)
{
    const char *path = rh_arena_printf(arena, "%s/%s", directory, name);
    const char *mark_path = rh_arena_printf(arena, "%s/mark", path);
    struct stat status;
    rh_mark mark;
    if (lstat(path, &status) != 0 || !S_ISDIR(status.st_mode) || status.st_uid != geteuid())
        return false;
    if (lstat(mark_path, &status) != 0 || !S_ISREG(status.st_mode) || status.st_uid != geteuid())
        return false;
    int lock = rh_file_lock(mark_path, NULL);
    if (lock < 0)
        return false; /* its run lives */
    bool removed = false;
    if (rh_mark_read(mark_path, &mark) && !mark.kept) {
        rh_error error = {0};
        stop_server(path, arena);
        removed = rh_mark_remove_cluster(path, &error);
        if (removed && is_our_socket(mark.socket, name, arena))
            rh_tree_remove(mark.socket, NULL);
        rh_progress_note(progress, "staging",
                         removed ? "removed %s, which a killed run had left%s%s"
                                 : "%s of a killed run could not be removed%s%s",
                         path, removed ? "" : ": ", removed ? "" : error.message);
        rh_error_release(&error);
    }
    close(lock);
    return removed;
}

int rh_staging_clear_leftovers(const char *directory, const rh_progress *progress)
{
    rh_arena *arena = rh_arena_new();
    char *real = realpath(directory ? directory : "/var/tmp", NULL);
    const char *prefix = rh_arena_printf(arena, "pgrehearse-%u-", geteuid());
    char **names = NULL;
    size_t count = 0;
    int removed = 0;
    if (real && rh_directory_list(real, arena, &names, &count, NULL)) {
        for (size_t i = 0; i < count; i++) {
            if (rh_starts_with(names[i], prefix) && clear_one(real, names[i], arena, progress))
                removed++;
        }
    }
    free(real);
    rh_arena_free(arena);
    return removed;
}
