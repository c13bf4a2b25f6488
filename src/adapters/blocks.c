/* The blocks of files that share them (reflinks): what was written since, and blocks of their own.
 *
 * The first write to a shared block is dearer than the next one: the file system gives it another block
 * first. A file that is made equal to its original in place keeps the blocks that it got so. */
#include "blocks.h"
#include "extents.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/interrupt.h"
#include "pgrehearse/base/text.h"
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { BUFFER_BYTES = 1 << 20, BLOCK_BYTES = 1 << 16 };

bool rh_blocks_copy(int in, int out, off_t offset, off_t length)
{
    char *buffer = rh_alloc(BUFFER_BYTES);
    bool ok = true;
    while (ok && length > 0) {
        if (rh_interrupt_requested()) {
            errno = EINTR;
            ok = false;
            break;
        }
        ssize_t got = pread(in, buffer, length < BUFFER_BYTES ? (size_t)length : BUFFER_BYTES, offset);
        if (got == 0)
            break; /* it became shorter: the caller sets the size */
        ssize_t written = got < 0 ? -1 : pwrite(out, buffer, (size_t)got, offset);
        if (written < 0 && errno != EINTR)
            ok = false;
        offset += written > 0 ? written : 0;
        length -= written > 0 ? written : 0;
    }
    int failed = errno;
    free(buffer);
    errno = failed;
    return ok;
}

/* From the last whole block of OUT on, which is shorter. */
static bool share_rest(int in, int out, off_t have)
{
    const off_t from = have - have % BLOCK_BYTES;
    struct file_clone_range range = {
        .src_fd = in, .src_offset = (uint64_t)from, .dest_offset = (uint64_t)from};
    return ioctl(out, FICLONERANGE, &range) == 0;
}

bool rh_blocks_restore(int in, int out, off_t size, int64_t *copied)
{
    struct stat status;
    rh_range *ranges = NULL;
    size_t count = 0;
    bool ok = fstat(out, &status) == 0 && (status.st_size >= size || share_rest(in, out, status.st_size)) &&
              rh_extents_differ(in, out, size, &ranges, &count);
    for (size_t i = 0; ok && i < count; i++) {
        ok = rh_blocks_copy(in, out, ranges[i].offset, ranges[i].length);
        *copied += ranges[i].length;
    }
    ok = ok && ftruncate(out, size) == 0;
    int failed = errno;
    free(ranges);
    errno = failed;
    return ok;
}

/* ---- blocks of its own for a whole tree ---- */

static bool unshare_file(const char *path, const struct stat *status, int64_t *bytes)
{
    const struct timespec times[2] = {status->st_atim, status->st_mtim};
    rh_range *ranges = NULL;
    size_t count = 0;
    int fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    bool ok = fd >= 0 && rh_extents_shared(fd, status->st_size, &ranges, &count);
    for (size_t i = 0; ok && i < count; i++) {
        ok = rh_blocks_copy(fd, fd, ranges[i].offset, ranges[i].length);
        *bytes += ranges[i].length;
    }
    ok = ok && (count == 0 || futimens(fd, times) == 0);
    int failed = errno;
    if (fd >= 0)
        close(fd);
    free(ranges);
    errno = failed;
    return ok;
}

bool rh_tree_unshare(const char *path, int64_t *bytes, rh_error *error)
{
    char *const paths[] = {rh_strdup(path), NULL};
    FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    bool ok = tree != NULL;
    *bytes = 0;
    for (FTSENT *entry; ok && (entry = fts_read(tree)) != NULL;)
        if (entry->fts_info == FTS_F && entry->fts_statp->st_size > 0)
            ok = unshare_file(entry->fts_path, entry->fts_statp, bytes);
    if (!ok && rh_interrupt_requested())
        rh_error_set(error, RH_ERROR_INTERRUPTED, "interrupted while copying %s", path);
    else if (!ok)
        rh_error_errno(error, errno, "cannot give %s blocks of its own", path);
    if (tree)
        fts_close(tree);
    free(paths[0]);
    return ok;
}

/* ---- does a second write go to the same place? ---- */

static bool write_block(int fd, uint64_t *place)
{
    char block[BLOCK_BYTES];
    memset(block, 'x', sizeof block);
    return pwrite(fd, block, sizeof block, 0) == (ssize_t)sizeof block && fsync(fd) == 0 &&
           rh_extents_place(fd, place);
}

bool rh_overwrites_in_place(const char *directory)
{
    rh_text path = {0};
    rh_text_printf(&path, "%s/probe-XXXXXX", directory);
    int fd = mkostemp(path.data, O_CLOEXEC);
    uint64_t before = 0, after = 1;
    bool known = fd >= 0 && unlink(path.data) == 0 && write_block(fd, &before) && write_block(fd, &after);
    if (fd >= 0)
        close(fd);
    rh_text_release(&path);
    return known && before == after;
}
