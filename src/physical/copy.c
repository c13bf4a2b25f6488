#include "copy.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/interrupt.h"
#include "pgrehearse/base/text.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char stage[] = "restore";

/* A copy under way. */
typedef struct copy_walk {
    bool dry; /* nothing is copied */
    rh_physical_facts *copy;
    rh_arena *arena;
    const rh_progress *progress;
    char *root; /* the copy's real path, or that of the directory that it was restored into */
    int64_t bytes, files;
} copy_walk;

void rh_physical_note(rh_physical_facts *copy, rh_arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    *rh_arena_add(arena, &copy->neutralised, &copy->neutralised_count) =
        rh_arena_vprintf(arena, format, args);
    va_end(args);
}

bool rh_physical_is_transient(const char *path)
{
    static const char *const files[] = {"postmaster.pid", "postmaster.opts", NULL};
    static const char *const inside[] = {"pg_dynshmem/", "pg_notify/",   "pg_serial/",  "pg_snapshots/",
                                         "pg_stat_tmp/", "pg_subtrans/", "pg_replslot/"};
    const char *base = rh_base_name(path);
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++)
        if (rh_starts_with(path, inside[i]))
            return true;
    return rh_is_one_of(path, files) || rh_starts_with(base, "pgsql_tmp") ||
           rh_starts_with(base, "pg_internal.init");
}

bool rh_physical_is_needed(const char *name)
{
    static const char *const kept[] = {"PG_VERSION",   "backup_label", "base",        "global",
                                       "pg_commit_ts", "pg_dynshmem",  "pg_logical",  "pg_multixact",
                                       "pg_notify",    "pg_replslot",  "pg_serial",   "pg_snapshots",
                                       "pg_stat",      "pg_stat_tmp",  "pg_subtrans", "pg_tblspc",
                                       "pg_twophase",  "pg_wal",       "pg_xact",     NULL};
    return rh_is_one_of(name, kept);
}

bool rh_physical_is_incremental(const char *path)
{
    return rh_starts_with(rh_base_name(path), "INCREMENTAL.");
}

bool rh_physical_refuse_incremental(const char *path, const char *at, rh_error *error)
{
    rh_error_set(error, RH_ERROR_BACKUP,
                 "%s is an incremental backup: it has only the blocks that changed since an earlier backup",
                 path);
    rh_error_hint(error,
                  "combine the full backup and its incrementals in their order with pg_combinebackup, after "
                  "pg_verifybackup of each, and name the result");
    return rh_error_at(error, at, 0, 0);
}

/* ---- links ---- */

static bool refuse_link(const copy_walk *walk, const char *path, const char *target, const char *why,
                        rh_error *error)
{
    const char *from = rh_arena_printf(walk->arena, "%s/%s", walk->copy->path, path);
    rh_error_set(error, RH_ERROR_BACKUP, "%s is a symbolic link to %s: %s", from, target, why);
    rh_error_hint(
        error,
        "put the files of the same moment in place of the link (a directory %s), or take the backup "
        "with pg_basebackup",
        path);
    return rh_error_at(error, from, 0, 0);
}

static bool is_below(const char *path, const char *directory)
{
    size_t length = strlen(directory);
    return strncmp(path, directory, length) == 0 && path[length] == '/';
}

/* A tablespace elsewhere may be the one of the server that still runs: then its files are not of the moment
 * of the others. WAL is read from wherever it lies if the label or a clean shutdown says which of it counts.
 */
static bool may_follow(const copy_walk *walk, const char *path, const char *real)
{
    const rh_physical_facts *copy = walk->copy;
    if (is_below(real, walk->root))
        return true;
    if (strcmp(path, "pg_wal") == 0)
        return copy->label || copy->shut_down;
    return copy->manifest && copy->manifest_algorithm;
}

/* Configuration, certificates and logs lie at the top, and are not taken over. */
static bool is_dispensable(const char *path)
{
    static const char *const endings[] = {".conf", ".crt", ".key", ".pem", ".crl", "log", "conf.d"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (!strchr(path, '/') && rh_ends_with(path, endings[i]))
            return true;
    return false;
}

static bool is_tablespace(const char *path)
{
    const char *oid = path + strlen("pg_tblspc/");
    return rh_starts_with(path, "pg_tblspc/") && *oid && oid[strspn(oid, "0123456789")] == 0;
}

/* *REAL (heap): the directory to read instead; NULL: left out. */
static bool follow(copy_walk *walk, const char *from, const char *path, char **real, rh_error *error)
{
    char target[4096];
    ssize_t length = readlink(from, target, sizeof target - 1);
    *real = NULL;
    if (length < 0)
        return rh_error_errno(error, errno, "cannot read the link %s", from);
    target[length] = 0;
    if (is_dispensable(path))
        return true;
    if (strcmp(path, "pg_wal") != 0 && !is_tablespace(path))
        return refuse_link(walk, path, target, "only tablespaces and pg_wal may be links", error);
    *real = realpath(from, NULL);
    if (!*real || !rh_directory_exists(*real))
        return refuse_link(walk, path, target, "which is no directory here", error);
    if (!may_follow(walk, path, *real))
        return refuse_link(walk, path, target,
                           "whether its files are of the same moment as the copy is not known", error);
    return true;
}

/* ---- the walk ---- */

static bool bring(copy_walk *walk, const char *from, const char *to, const char *path, rh_error *error);

/* What the program that restored the copy put beside the server's files: its restore_command may read that.
 */
static bool stays(const copy_walk *walk, const char *from, const char *path, const char *name)
{
    return walk->copy->within && !*path && !rh_physical_is_needed(name) &&
           rh_directory_exists(rh_arena_printf(walk->arena, "%s/%s", from, name));
}

/* The manifest, the configuration and pg_control, which a restore_command may read (pgBackRest's does), are
 * still read where they were: these are copied. */
static bool transfer(const copy_walk *walk, const char *from, const char *to, const char *path,
                     rh_error *error)
{
    bool beside = !strchr(path, '/') && !rh_physical_is_needed(path);
    if (!walk->copy->within || beside || strcmp(path, "global/pg_control") == 0)
        return rh_tree_copy(from, to, NULL, error);
    return rename(from, to) == 0 || rh_error_errno(error, errno, "cannot move %s", from);
}

static bool bring_directory(copy_walk *walk, const char *from, const char *to, const char *path,
                            rh_error *error)
{
    rh_arena *arena = rh_arena_new();
    char **names = NULL;
    size_t count = 0;
    bool ok = rh_directory_list(from, arena, &names, &count, error);
    if (ok && !walk->dry && mkdir(to, 0700) != 0)
        ok = rh_error_errno(error, errno, "cannot create the directory %s", to);
    for (size_t i = 0; ok && i < count; i++) {
        if (stays(walk, from, path, names[i]))
            continue;
        const char *inner = *path ? rh_arena_printf(arena, "%s/%s", path, names[i]) : names[i];
        if (!walk->dry && rh_starts_with(inner, "pg_replslot/"))
            rh_physical_note(walk->copy, walk->arena, "replication slot %s removed", names[i]);
        if (!rh_physical_is_transient(inner))
            ok = bring(walk, rh_arena_printf(arena, "%s/%s", from, names[i]),
                       rh_arena_printf(arena, "%s/%s", to, names[i]), inner, error);
    }
    rh_arena_free(arena);
    return ok;
}

static bool bring_file(copy_walk *walk, const char *from, const char *to, const char *path, int64_t size,
                       rh_error *error)
{
    if (rh_physical_is_incremental(path))
        return rh_physical_refuse_incremental(walk->copy->path, from, error);
    if (walk->dry)
        return true;
    if (!transfer(walk, from, to, path, error))
        return false;
    if (chmod(to, 0600) != 0)
        return rh_error_errno(error, errno, "cannot set the mode of %s", to);
    walk->files++;
    walk->bytes += size;
    rh_progress_update(walk->progress, stage, "copying the files", walk->bytes, -1, RH_UNIT_BYTES);
    return true;
}

static bool bring(copy_walk *walk, const char *from, const char *to, const char *path, rh_error *error)
{
    struct stat status;
    char *real = NULL;
    if (rh_interrupt_requested())
        return rh_error_set(error, RH_ERROR_INTERRUPTED, "interrupted while copying %s", from);
    if (lstat(from, &status) != 0)
        return rh_error_errno(error, errno, "cannot read %s", from);
    if (S_ISDIR(status.st_mode))
        return bring_directory(walk, from, to, path, error);
    if (S_ISREG(status.st_mode))
        return bring_file(walk, from, to, path, status.st_size, error);
    if (!S_ISLNK(status.st_mode))
        return true; /* a socket of a server that ran */
    bool ok =
        follow(walk, from, path, &real, error) && (!real || bring_directory(walk, real, to, path, error));
    free(real);
    return ok;
}

/* Where the two lie on different file systems, nothing can be shared: room for the copy and its snapshot. */
static bool check_room(const copy_walk *walk, const char *to, rh_error *error)
{
    struct stat source, target;
    int64_t bytes = 0;
    const char *parent = rh_arena_strndup(walk->arena, to, (size_t)(strrchr(to, '/') - to));
    if (stat(walk->copy->path, &source) != 0 || stat(parent, &target) != 0 || source.st_dev == target.st_dev)
        return true;
    int64_t room = rh_disk_free(parent);
    if (!rh_tree_bytes(walk->copy->path, &bytes, error))
        return false;
    if (room < 0 || room / 2 >= bytes)
        return true;
    rh_error_set(
        error, RH_ERROR_NO_SPACE,
        "the copy has %lld MB; with the snapshot for the resets it needs twice that, and %lld MB are free",
        (long long)(bytes >> 20), (long long)(room >> 20));
    return rh_error_hint(error,
                         "set staging.directory to a larger place, best on the backup's own file system "
                         "with reflinks (XFS, btrfs)");
}

/* Heap. */
static char *find_root(const rh_physical_facts *copy)
{
    return realpath(copy->within ? copy->within : copy->path, NULL);
}

bool rh_physical_copy_directory(rh_physical_facts *copy, const char *to, rh_arena *arena,
                                const rh_progress *progress, rh_error *error)
{
    copy_walk walk = {.copy = copy, .arena = arena, .progress = progress, .root = find_root(copy)};
    char *from = realpath(copy->path, NULL);
    bool ok = walk.root && from ? check_room(&walk, to, error) && bring_directory(&walk, from, to, "", error)
                                : rh_error_errno(error, errno, "cannot read %s", copy->path);
    free(from);
    free(walk.root);
    return ok;
}

bool rh_physical_walk(const rh_physical_facts *copy, rh_error *error)
{
    rh_physical_facts seen = *copy;
    copy_walk walk = {.copy = &seen, .arena = rh_arena_new(), .dry = true, .root = find_root(copy)};
    char *from = realpath(copy->path, NULL);
    bool ok = walk.root && from ? bring_directory(&walk, from, "", "", error)
                                : rh_error_errno(error, errno, "cannot read %s", copy->path);
    free(from);
    free(walk.root);
    rh_arena_free(walk.arena);
    return ok;
}
