/* What the files of a tree were at one moment, to tell later which of them were written. */
#include "tree_state.h"
#include "pgrehearse/base/arena.h"
#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>

struct rh_tree_state {
    rh_arena *arena;
    size_t root;          /* length of the tree's own path */
    rh_file_state *files; /* by path */
    size_t count;
};

static int by_path(const void *a, const void *b)
{
    return strcmp(((const rh_file_state *)a)->path, ((const rh_file_state *)b)->path);
}

static bool read_files(rh_tree_state *state, FTS *tree, rh_error *error)
{
    FTSENT *entry;
    while (errno = 0, (entry = fts_read(tree)) != NULL) {
        if (entry->fts_info == FTS_DP)
            continue;
        if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR || entry->fts_info == FTS_NS)
            return rh_error_errno(error, entry->fts_errno, "cannot read %s", entry->fts_path);
        *rh_arena_add(state->arena, &state->files, &state->count) = (rh_file_state){
            .path = rh_arena_strdup(state->arena, entry->fts_path), .status = *entry->fts_statp};
    }
    return errno == 0 || rh_error_errno(error, errno, "cannot read a directory");
}

rh_tree_state *rh_tree_state_read(const char *path, rh_error *error)
{
    rh_arena *arena = rh_arena_new();
    rh_tree_state *state = rh_arena_alloc(arena, sizeof *state);
    char *const paths[] = {rh_arena_strdup(arena, path), NULL};
    *state = (rh_tree_state){.arena = arena, .root = strlen(path)};
    FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    bool ok = tree ? read_files(state, tree, error) : rh_error_errno(error, errno, "cannot read %s", path);
    if (tree)
        fts_close(tree);
    if (ok)
        qsort(state->files, state->count, sizeof *state->files, by_path);
    else
        rh_tree_state_free(state);
    return ok ? state : NULL;
}

void rh_tree_state_free(rh_tree_state *state)
{
    if (state)
        rh_arena_free(state->arena);
}

const rh_file_state *rh_tree_state_find(const rh_tree_state *state, const char *path)
{
    const rh_file_state key = {.path = path};
    return state ? bsearch(&key, state->files, state->count, sizeof *state->files, by_path) : NULL;
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

bool rh_file_state_is(const rh_file_state *file, const struct stat *status)
{
    const struct stat *then = &file->status;
    return then->st_dev == status->st_dev && then->st_ino == status->st_ino &&
           then->st_size == status->st_size && same_time(then->st_mtim, status->st_mtim) &&
           same_time(then->st_ctim, status->st_ctim);
}

/* ---- comparing two ---- */

static const char *difference(const struct stat *then, const struct stat *now)
{
    return (then->st_mode & S_IFMT) != (now->st_mode & S_IFMT)          ? "is of another kind"
           : then->st_mode != now->st_mode                              ? "has another mode"
           : then->st_uid != now->st_uid || then->st_gid != now->st_gid ? "has another owner"
           : !S_ISREG(then->st_mode)                                    ? NULL
           : then->st_size != now->st_size                              ? "has another size"
           : !same_time(then->st_mtim, now->st_mtim)                    ? "has another modification time"
                                                                        : NULL;
}

static const char *sentence(const rh_tree_state *state, const rh_file_state *file, const char *what,
                            rh_arena *arena)
{
    const char *path = file->path + state->root;
    return rh_arena_printf(arena, "%s %s", *path ? path + 1 : file->path, what);
}

const char *rh_tree_state_difference(const rh_tree_state *then, const rh_tree_state *now, rh_arena *arena)
{
    size_t a = 0, b = 0;
    while (a < then->count || b < now->count) {
        const rh_file_state *was = a < then->count ? &then->files[a] : NULL;
        const rh_file_state *is = b < now->count ? &now->files[b] : NULL;
        const int order = !was ? 1 : !is ? -1 : strcmp(was->path, is->path);
        if (order != 0)
            return order < 0 ? sentence(then, was, "is missing", arena) : sentence(now, is, "is new", arena);
        const char *what = difference(&was->status, &is->status);
        if (what)
            return sentence(then, was, what, arena);
        a++, b++;
    }
    return NULL;
}
