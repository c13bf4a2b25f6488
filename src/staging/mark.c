#include "mark.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/text.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char MAGIC[] = "pgrehearse staging cluster 1\n";

/* In place: renaming a new file over it would leave the lock on the old one. */
bool rh_mark_write(const char *path, const rh_mark *mark, int *lock, rh_error *error)
{
    if (*lock < 0)
        *lock = rh_file_lock(path, error);
    if (*lock < 0)
        return rh_error_set(error, RH_ERROR_STAGING, "another program holds %s", path);
    rh_text text = {0};
    rh_text_printf(&text, "%spid %d\naccount %u\nsocket %s\n", MAGIC, (int)getpid(), mark->uid, mark->socket);
    if (*mark->base)
        rh_text_printf(&text, "data %s\n", mark->base);
    rh_text_append(&text, mark->kept ? "kept\n" : "");
    bool ok = ftruncate(*lock, 0) == 0 && pwrite(*lock, text.data, text.length, 0) == (ssize_t)text.length &&
              fsync(*lock) == 0;
    if (!ok)
        rh_error_errno(error, errno, "cannot write %s", path);
    rh_text_release(&text);
    return ok;
}

bool rh_mark_read(const char *path, rh_mark *mark)
{
    rh_arena *arena = rh_arena_new();
    char *text = rh_file_read(path, 4096, arena, NULL, NULL);
    bool ours = text && rh_starts_with(text, MAGIC);
    *mark = (rh_mark){0};
    if (ours) {
        const char *socket = strstr(text, "\nsocket ");
        if (socket)
            snprintf(mark->socket, sizeof mark->socket, "%.*s", (int)strcspn(socket + 8, "\n"), socket + 8);
        const char *base = strstr(text, "\ndata ");
        if (base)
            snprintf(mark->base, sizeof mark->base, "%.*s", (int)strcspn(base + 6, "\n"), base + 6);
        const char *account = strstr(text, "\naccount ");
        if (account)
            mark->uid = (uid_t)strtoul(account + strlen("\naccount "), NULL, 10);
        mark->kept = strstr(text, "\nkept\n") != NULL;
    }
    rh_arena_free(arena);
    return ours;
}

bool rh_mark_remove_cluster(const char *directory, rh_error *error)
{
    rh_arena *arena = rh_arena_new();
    char **names = NULL;
    size_t count = 0;
    bool ok = rh_directory_list(directory, arena, &names, &count, error);
    for (size_t i = 0; ok && i < count; i++) {
        if (strcmp(names[i], "mark") != 0)
            ok = rh_tree_remove(rh_arena_printf(arena, "%s/%s", directory, names[i]), error);
    }
    ok = ok && rh_tree_remove(directory, error);
    rh_arena_free(arena);
    return ok;
}
