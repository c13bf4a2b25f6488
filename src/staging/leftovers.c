/* Removes clusters of killed runs: marked, and not locked by a running one. */
#include "account.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/text.h"
#include "mark.h"
#include "shared_memory.h"
#include "pgrehearse/staging/staging.h"
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const rh_usec PATIENCE = 6 * RH_SECOND;

/* True if the working directory of process PID is DATA, as of a server's processes. The pid may have been
 * reused by another program. */
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

/* Sends SIGNAL_NUMBER (0: none) to every process of the server on DATA, and notes its shared memory in MEMORY
 * (may be NULL). Returns how many there are. By /proc: what the server wrote into its directory is not
 * trusted. */
static size_t each_process(const char *data, int signal_number, rh_shared_memory *memory)
{
    size_t count = 0;
    DIR *processes = opendir("/proc");
    for (const struct dirent *entry; processes && (entry = readdir(processes)) != NULL;) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (pid <= 1 || !serves(pid, data))
            continue;
        count++;
        if (memory)
            rh_shared_memory_add(pid, memory);
        if (signal_number)
            kill(pid, signal_number);
    }
    if (processes)
        closedir(processes);
    return count;
}

static void wait_for_end(const char *data)
{
    rh_usec deadline = rh_clock_monotonic() + PATIENCE;
    while (each_process(data, 0, NULL) > 0 && rh_clock_monotonic() < deadline)
        rh_clock_sleep_until(rh_clock_monotonic() + RH_SECOND / 100);
}

/* The kernel has sent it SIGQUIT when its run died; this is for what did not follow. */
static void stop_server(const char *data)
{
    rh_shared_memory memory = {0};
    if (each_process(data, 0, &memory) > 0) {
        each_process(data, SIGQUIT, NULL);
        wait_for_end(data);
        each_process(data, SIGKILL, NULL);
        wait_for_end(data);
        rh_shared_memory_remove(&memory);
    }
}

static void stop_servers(const char *directory, const char *base, uid_t uid, rh_arena *arena)
{
    rh_account account;
    stop_server(rh_arena_printf(arena, "%s/standby", directory));
    stop_server(rh_arena_printf(arena, "%s/data", *base ? base : directory));
    if (rh_account_claim(&account, uid))
        rh_account_end(&account);
    rh_account_release(&account);
}

/* Only a path that we would have made ourselves. */
static bool is_our_socket(const char *socket, const char *name, rh_arena *arena)
{
    return strcmp(socket, rh_arena_printf(arena, "/tmp/%s.socket", name)) == 0;
}

/* The same of the directory of its data directory, which the mark alone would not show to be ours. */
static bool is_our_base(const char *base, const char *name)
{
    struct stat status;
    return *base == '/' && strcmp(rh_base_name(base), name) == 0 && lstat(base, &status) == 0 &&
           S_ISDIR(status.st_mode) && status.st_uid == geteuid();
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
        const bool apart = is_our_base(mark.base, name);
        stop_servers(path, apart ? mark.base : "", mark.uid, arena);
        removed = (!apart || rh_tree_remove(mark.base, &error)) && rh_mark_remove_cluster(path, &error);
        if (removed && is_our_socket(mark.socket, name, arena)) {
            rh_tree_remove(mark.socket, NULL);
            rh_tree_remove(rh_arena_printf(arena, "%s.canary", mark.socket), NULL);
        }
        if (removed) /* which is there even if the primary's lies beside the cluster */
            rh_tree_remove(rh_arena_printf(arena, "/tmp/%s.socket.standby", name), NULL);
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
