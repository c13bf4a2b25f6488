/* Copying a tree, and copying back only what changed. Nothing is synced: a staging cluster is disposable. */
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/interrupt.h"
#include "pgrehearse/base/text.h"
#include "blocks.h"
#include "tree_state.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STEP_BYTES = 16 << 20 };

/* A copy or a restore under way. */
typedef struct copy_job {
    const rh_tree_restore_options *restore; /* TO exists: keep what is the same; NULL */
    bool no_reflink, no_range;              /* the file system refused it: do not try again */
    int64_t copied_bytes;
} copy_job;

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/* Owner, mode and times of FROM for the file at PATH (or the descriptor FD, when ≥ 0). */
static bool copy_attributes(int fd, const char *path, const struct stat *from, rh_error *error)
{
    struct timespec times[2] = {from->st_atim, from->st_mtim};
    bool link = S_ISLNK(from->st_mode);
    /* Only root can give a file of another account to that account; others may read it. */
    bool foreign = geteuid() != 0 && from->st_uid != geteuid();
    bool ok = foreign || (fd >= 0 ? fchown(fd, from->st_uid, from->st_gid) == 0
                                  : lchown(path, from->st_uid, from->st_gid) == 0);
    ok = ok &&
         (link || (fd >= 0 ? fchmod(fd, from->st_mode & 07777) : chmod(path, from->st_mode & 07777)) == 0);
    ok = ok && (fd >= 0 ? futimens(fd, times) : utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW)) == 0;
    return ok || rh_error_errno(error, errno, "cannot set owner, mode and times of %s", path);
}

static bool copy_extent(int in, int out, off_t offset, off_t length, copy_job *job)
{
    while (length > 0 && !job->no_range) {
        loff_t from = offset, to = offset;
        size_t step = length < STEP_BYTES ? (size_t)length : STEP_BYTES;
        if (rh_interrupt_requested()) {
            errno = EINTR;
            return false;
        }
        ssize_t copied = copy_file_range(in, &from, out, &to, step, 0);
        if (copied == 0)
            return true;
        if (copied < 0 && (errno == ENOSYS || errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP))
            job->no_range = true;
        else if (copied < 0 && errno != EINTR)
            return false;
        offset += copied > 0 ? copied : 0;
        length -= copied > 0 ? copied : 0;
    }
    return length == 0 || rh_blocks_copy(in, out, offset, length);
}

/* Copies the data between holes, so that sparse files stay sparse. */
static bool copy_extents(int in, int out, off_t size, copy_job *job)
{
    off_t data = 0;
    while (data < size) {
        off_t hole = size, next = lseek(in, data, SEEK_DATA);
        if (next < 0 && errno == ENXIO)
            break; /* nothing but a hole up to the end */
        if (next >= 0) {
            data = next;
            hole = lseek(in, data, SEEK_HOLE);
        }
        if (hole < 0 || hole > size)
            hole = size;
        if (!copy_extent(in, out, data, hole - data, job))
            return false;
        data = hole;
    }
    return ftruncate(out, size) == 0;
}

static bool copy_data(int in, int out, const struct stat *status, copy_job *job)
{
    if (status->st_size == 0)
        return true;
    if (!job->no_reflink) {
        if (ioctl(out, FICLONE, in) == 0)
            return true;
        if (errno == ENOSPC || errno == EDQUOT || errno == EIO)
            return false;
        job->no_reflink = true;
    }
    if ((off_t)status->st_blocks * 512 < status->st_size)
        return copy_extents(in, out, status->st_size, job);
    return copy_extent(in, out, 0, status->st_size, job);
}

static bool copy_file(const char *from, const char *to, const struct stat *status, copy_job *job,
                      rh_error *error)
{
    int in = open(from, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (in < 0)
        return rh_error_errno(error, errno, "cannot read %s", from);
    int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    bool ok = out >= 0 && copy_data(in, out, status, job);
    if (!ok && rh_interrupt_requested())
        rh_error_set(error, RH_ERROR_INTERRUPTED, "interrupted while copying %s", from);
    else if (!ok)
        rh_error_errno(error, errno, "cannot copy %s to %s", from, to);
    ok = ok && copy_attributes(out, to, status, error);
    if (out >= 0)
        close(out);
    close(in);
    job->copied_bytes += status->st_size;
    return ok;
}

static bool copy_link(const char *from, const char *to, const struct stat *status, rh_error *error)
{
    char target[4096];
    ssize_t length = readlink(from, target, sizeof target - 1);
    if (length < 0)
        return rh_error_errno(error, errno, "cannot read the link %s", from);
    target[length] = 0;
    if (symlink(target, to) != 0)
        return rh_error_errno(error, errno, "cannot make the link %s", to);
    return copy_attributes(-1, to, status, error);
}

static bool copy_entry(const char *from, const char *to, copy_job *job, rh_error *error);

/* What TO has and FROM has not. Both lists are sorted. */
static bool remove_extra(const char *to, char **names, size_t count, rh_arena *arena, rh_error *error)
{
    char **have = NULL;
    size_t have_count = 0, next = 0;
    if (!rh_directory_list(to, arena, &have, &have_count, error))
        return false;
    for (size_t i = 0; i < have_count; i++) {
        while (next < count && strcmp(names[next], have[i]) < 0)
            next++;
        if (next < count && strcmp(names[next], have[i]) == 0)
            continue;
        if (!rh_tree_remove(rh_arena_printf(arena, "%s/%s", to, have[i]), error))
            return false;
    }
    return true;
}

static bool copy_directory(const char *from, const char *to, const struct stat *status, copy_job *job,
                           rh_error *error)
{
    rh_arena *arena = rh_arena_new();
    char **names = NULL;
    size_t count = 0;
    bool ok = rh_directory_list(from, arena, &names, &count, error);
    if (ok && mkdir(to, 0700) != 0 && !(job->restore && errno == EEXIST))
        ok = rh_error_errno(error, errno, "cannot create the directory %s", to);
    if (ok && job->restore)
        ok = remove_extra(to, names, count, arena, error);
    for (size_t i = 0; ok && i < count; i++)
        ok = copy_entry(rh_arena_printf(arena, "%s/%s", from, names[i]),
                        rh_arena_printf(arena, "%s/%s", to, names[i]), job, error);
    ok = ok && copy_attributes(-1, to, status, error);
    rh_arena_free(arena);
    return ok;
}

/* Is TO, which is there, what FROM is? Change times catch what sizes and modification times can hide: a write
 * within the same tick, or one followed by utime. */
static bool is_unchanged(const struct stat *from, const struct stat *to, const rh_file_state *then)
{
    return then && rh_file_state_is(then, to) && S_ISREG(from->st_mode) && S_ISREG(to->st_mode) &&
           from->st_size == to->st_size && same_time(from->st_mtim, to->st_mtim) &&
           from->st_mode == to->st_mode && from->st_uid == to->st_uid;
}

/* The same file as then, written since: its blocks alone. False: it is to be copied as a whole. */
static bool restore_in_place(const char *from, const char *to, const struct stat *source,
                             const struct stat *target, const rh_file_state *then, copy_job *job)
{
    if (!job->restore->shared || !then || !S_ISREG(source->st_mode) || !S_ISREG(target->st_mode) ||
        then->status.st_ino != target->st_ino || source->st_dev != target->st_dev || target->st_nlink != 1)
        return false;
    int in = open(from, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    int out = in >= 0 ? open(to, O_RDWR | O_NOFOLLOW | O_CLOEXEC) : -1;
    int64_t copied = 0;
    bool ok = out >= 0 && rh_blocks_restore(in, out, source->st_size, &copied) &&
              copy_attributes(out, to, source, NULL);
    if (out >= 0)
        close(out);
    if (in >= 0)
        close(in);
    job->copied_bytes += ok ? copied : 0;
    return ok;
}

static bool copy_entry(const char *from, const char *to, copy_job *job, rh_error *error)
{
    struct stat source, target;
    if (lstat(from, &source) != 0)
        return rh_error_errno(error, errno, "cannot read %s", from);
    if (job->restore && lstat(to, &target) == 0) {
        const rh_file_state *then = rh_tree_state_find(job->restore->state, to);
        if (is_unchanged(&source, &target, then) || restore_in_place(from, to, &source, &target, then, job))
            return true;
        if (rh_interrupt_requested())
            return rh_error_set(error, RH_ERROR_INTERRUPTED, "interrupted while copying %s", from);
        if (!(S_ISDIR(source.st_mode) && S_ISDIR(target.st_mode)) && !rh_tree_remove(to, error))
            return false;
    }
    if (S_ISDIR(source.st_mode))
        return copy_directory(from, to, &source, job, error);
    if (S_ISREG(source.st_mode))
        return copy_file(from, to, &source, job, error);
    if (S_ISLNK(source.st_mode))
        return copy_link(from, to, &source, error);
    return true; /* sockets and pipes belong to a running program */
}

bool rh_tree_copy(const char *from, const char *to, rh_copy_method *method, rh_error *error)
{
    copy_job job = {0};
    struct stat status;
    if (lstat(to, &status) == 0)
        return rh_error_errno(error, EEXIST, "cannot copy %s to %s", from, to);
    bool ok = copy_entry(from, to, &job, error);
    if (method)
        *method = job.no_reflink ? RH_COPY_RANGE : RH_COPY_REFLINK;
    return ok;
}

bool rh_tree_restore(const char *from, const char *to, const rh_tree_restore_options *options,
                     int64_t *copied_bytes, rh_error *error)
{
    copy_job job = {.restore = options};
    bool ok = copy_entry(from, to, &job, error);
    if (copied_bytes)
        *copied_bytes = job.copied_bytes;
    return ok;
}
