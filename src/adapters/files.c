/* Single files and directories, and whole trees where nothing is copied. */
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/base/units.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

bool rh_write_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(fd, bytes, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        bytes += written;
        length -= (size_t)written;
    }
    return true;
}

static char *refuse_large(const char *path, int64_t limit, rh_error *error)
{
    char size[32];
    rh_error_set(error, RH_ERROR_UNSUPPORTED, "%s is larger than %s", path,
                 rh_size_format(limit, size, sizeof size));
    return NULL;
}

/* /proc and pipes of the caller's own do not know their size beforehand: reads until the end, doubling. */
static char *read_all(int fd, const char *path, int64_t limit, size_t *length, rh_error *error)
{
    struct stat status;
    if (fstat(fd, &status) != 0 || S_ISDIR(status.st_mode)) {
        rh_error_errno(error, S_ISDIR(status.st_mode) ? EISDIR : errno, "cannot read %s", path);
        return NULL;
    }
    if (status.st_size > limit) /* before anything of its size is allocated */
        return refuse_large(path, limit, error);
    size_t capacity = status.st_size > 0 ? (size_t)status.st_size + 1 : 4096, used = 0;
    char *data = rh_alloc(capacity + 1);
    for (;;) {
        if (used > (size_t)limit) {
            refuse_large(path, limit, error);
            break;
        }
        if (used == capacity)
            data = rh_realloc(data, (capacity *= 2) + 1);
        ssize_t got = read(fd, data + used, capacity - used);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            rh_error_errno(error, errno, "cannot read %s", path);
            break;
        }
        if (got == 0) {
            *length = used;
            return data;
        }
        used += (size_t)got;
    }
    free(data);
    return NULL;
}

const char *rh_file_kind(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
        return NULL;
    case S_IFDIR:
        return "a directory";
    case S_IFLNK:
        return "a symbolic link";
    case S_IFIFO:
        return "a named pipe";
    case S_IFSOCK:
        return "a socket";
    default:
        return "a device";
    }
}

int rh_file_open(const char *path, bool follow, rh_error *error)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (follow ? 0 : O_NOFOLLOW));
    const char *kind = NULL;
    if (fd < 0 && errno == ELOOP && !follow)
        kind = "a symbolic link";
    else if (fd < 0 && errno == ENXIO) /* so the kernel answers to open() of a socket */
        kind = "a socket";
    else if (fd < 0 || fstat(fd, &status) != 0)
        rh_error_errno(error, errno, "cannot read %s", path);
    else if (!(follow && rh_starts_with(path, "/dev/fd/"))) /* <(…): a pipe that the caller has open */
        kind = rh_file_kind(status.st_mode);
    if (kind)
        rh_error_set(error, RH_ERROR_IO, "%s is %s, not a file", path, kind);
    if (fd >= 0 && (kind || rh_error_is_set(error))) {
        close(fd);
        fd = -1;
    }
    return fd;
}

FILE *rh_file_stream(const char *path, rh_error *error)
{
    int fd = rh_file_open(path, true, error);
    FILE *file = fd >= 0 ? fdopen(fd, "rb") : NULL;
    if (fd >= 0 && !file) {
        rh_error_errno(error, errno, "cannot read %s", path);
        close(fd);
    }
    return file;
}

char *rh_file_read(const char *path, int64_t limit, rh_arena *arena, size_t *length, rh_error *error)
{
    int fd = rh_file_open(path, true, error);
    if (fd < 0)
        return NULL;
    size_t size = 0;
    char *data = read_all(fd, path, limit > 0 ? limit : RH_FILE_MOST, &size, error);
    close(fd);
    if (!data)
        return NULL;
    char *copy = rh_arena_strndup(arena, data, size);
    free(data);
    if (length)
        *length = size;
    return copy;
}

/* The directory that holds PATH: its length within PATH; "." has none. */
static void sync_directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    rh_text directory = {0};
    if (slash)
        rh_text_append_bytes(&directory, path, slash == path ? 1 : (size_t)(slash - path));
    else
        rh_text_append(&directory, ".");
    int fd = open(directory.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    rh_text_release(&directory);
}

bool rh_file_write(const char *path, const char *text, size_t length, rh_error *error)
{
    uint64_t random = 0;
    rh_text temporary = {0};
    if (getrandom(&random, sizeof random, 0) != sizeof random)
        return rh_error_errno(error, errno, "cannot write %s", path);
    rh_text_printf(&temporary, "%s.%016llx.tmp", path, (unsigned long long)random);
    int fd = open(temporary.data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    bool ok = fd >= 0 && rh_write_all(fd, text, length) && fsync(fd) == 0;
    int saved = errno;
    if (fd >= 0)
        close(fd);
    if (ok && rename(temporary.data, path) != 0) {
        ok = false;
        saved = errno;
    }
    if (ok)
        sync_directory_of(path);
    else {
        unlink(temporary.data);
        rh_error_errno(error, saved, "cannot write %s", path);
    }
    rh_text_release(&temporary);
    return ok;
}

bool rh_file_append(const char *path, const char *text, size_t length, rh_error *error)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    bool ok = fd >= 0 && rh_write_all(fd, text, length) && fsync(fd) == 0;
    if (!ok)
        rh_error_errno(error, errno, "cannot write %s", path);
    if (fd >= 0)
        close(fd);
    return ok;
}

bool rh_file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

bool rh_directory_exists(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

bool rh_directory_make(const char *path, mode_t mode, rh_error *error)
{
    char *prefix = rh_strdup(path);
    bool ok = true;
    for (char *slash = prefix + 1; ok && *prefix && slash; slash++) {
        slash = strchr(slash, '/');
        if (slash)
            *slash = 0;
        if (mkdir(prefix, slash ? 0777 : mode) != 0 && !(errno == EEXIST && rh_directory_exists(prefix)))
            ok = rh_error_errno(error, errno, "cannot create the directory %s", prefix);
        if (!slash)
            break;
        *slash = '/';
    }
    free(prefix);
    return ok;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

bool rh_directory_list(const char *path, rh_arena *arena, char ***names, size_t *count, rh_error *error)
{
    *names = NULL;
    *count = 0;
    DIR *directory = opendir(path);
    if (!directory)
        return rh_error_errno(error, errno, "cannot read the directory %s", path);
    struct dirent *entry;
    while ((errno = 0, entry = readdir(directory)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            char **name = rh_arena_add(arena, names, count);
            *name = rh_arena_strdup(arena, entry->d_name);
        }
    }
    bool ok = errno == 0 || rh_error_errno(error, errno, "cannot read the directory %s", path);
    closedir(directory);
    if (*count)
        qsort(*names, *count, sizeof **names, compare_names);
    return ok;
}

/* By descriptors, never by whole paths: a directory that is replaced by a link meanwhile has no effect.
 */
static bool remove_at(int parent, const char *name, const char *shown, rh_error *error)
{
    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
        return true;
    if (errno != EISDIR && errno != EPERM)
        return rh_error_errno(error, errno, "cannot remove %s", shown);
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
    if (!directory) {
        rh_error_errno(error, errno, "cannot remove %s", shown);
        if (fd >= 0)
            close(fd);
        return false;
    }
    bool ok = true;
    for (struct dirent *entry; ok && (entry = readdir(directory));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        rh_text below = {0};
        rh_text_printf(&below, "%s/%s", shown, entry->d_name);
        ok = remove_at(dirfd(directory), entry->d_name, below.data, error);
        rh_text_release(&below);
    }
    closedir(directory);
    if (ok && unlinkat(parent, name, AT_REMOVEDIR) != 0 && errno != ENOENT)
        ok = rh_error_errno(error, errno, "cannot remove %s", shown);
    return ok;
}

bool rh_tree_remove(const char *path, rh_error *error)
{
    return remove_at(AT_FDCWD, path, path, error);
}

/* Opens PATH for a walk that does not follow links. */
static FTS *walk(const char *path, rh_error *error)
{
    char *const paths[] = {rh_strdup(path), NULL};
    FTS *tree = rh_file_exists(path) ? fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL) : NULL;
    free(paths[0]);
    if (!tree)
        rh_error_errno(error, errno, "cannot read %s", path);
    return tree;
}

/* The next entry; NULL at the end or on failure (error set). A file that vanished meanwhile is no failure. */
static FTSENT *walk_next(FTS *tree, rh_error *error)
{
    errno = 0;
    FTSENT *entry = fts_read(tree);
    while (entry && entry->fts_info == FTS_NS && entry->fts_errno == ENOENT)
        entry = fts_read(tree);
    if (!entry && errno != 0)
        rh_error_errno(error, errno, "cannot read a directory");
    if (entry && (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR || entry->fts_info == FTS_NS)) {
        rh_error_errno(error, entry->fts_errno, "cannot read %s", entry->fts_path);
        return NULL;
    }
    return entry;
}

/* Closes TREE (NULL: it never opened); FAILURE goes to ERROR, if that is not set. True when there was none.
 */
static bool walk_end(FTS *tree, rh_error *failure, rh_error *error)
{
    if (tree)
        fts_close(tree);
    bool ok = !rh_error_is_set(failure);
    if (!ok && error && !rh_error_is_set(error))
        rh_error_move(error, failure);
    rh_error_release(failure);
    return ok;
}

bool rh_tree_chown(const char *path, uid_t uid, gid_t gid, rh_error *error)
{
    rh_error failure = {0};
    FTS *tree = walk(path, &failure);
    for (FTSENT *entry; tree && (entry = walk_next(tree, &failure));) {
        if (entry->fts_info != FTS_DP && lchown(entry->fts_path, uid, gid) != 0)
            rh_error_errno(&failure, errno, "cannot change the owner of %s", entry->fts_path);
    }
    return walk_end(tree, &failure, error);
}

bool rh_tree_bytes(const char *path, int64_t *bytes, rh_error *error)
{
    rh_error failure = {0};
    FTS *tree = walk(path, &failure);
    *bytes = 0;
    for (FTSENT *entry; tree && (entry = walk_next(tree, &failure));) {
        if (entry->fts_info == FTS_F)
            *bytes += entry->fts_statp->st_size;
    }
    return walk_end(tree, &failure, error);
}

int64_t rh_disk_free(const char *path)
{
    struct statvfs status;
    if (statvfs(path, &status) != 0)
        return -1;
    return (int64_t)status.f_bavail * (int64_t)status.f_frsize;
}

int rh_file_lock(const char *path, rh_error *error)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        rh_error_errno(error, errno, "cannot lock %s", path);
        return -1;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    if (errno != EWOULDBLOCK)
        rh_error_errno(error, errno, "cannot lock %s", path);
    close(fd);
    return -1;
}

char *rh_path_beside(const char *file, const char *path, rh_arena *arena)
{
    const char *slash = strrchr(file, '/');
    if (path[0] == '/' || !slash)
        return rh_arena_strdup(arena, path);
    return rh_arena_printf(arena, "%.*s%s", (int)(slash + 1 - file), file, path);
}
