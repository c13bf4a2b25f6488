#include "verify.h"
#include "crc32c.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/interrupt.h"
#include "pgrehearse/base/text.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK_BYTES = 1 << 20 };

static bool differs(const rh_manifest_file *file, const char *what, rh_error *error)
{
    rh_error_set(error, RH_ERROR_BACKUP, "the backup is damaged: %s %s", file->path, what);
    return rh_error_hint(error,
                         "compare the backup with its original by pg_verifybackup, copy it again, or take "
                         "another one");
}

/* CRC-32C of a file as backup_manifest writes it: its bytes in the order of memory. */
static bool crc_of(const char *path, char digest[129], rh_error *error)
{
    uint32_t crc = 0;
    ssize_t n;
    int fd = rh_file_open(path, false, error);
    if (fd < 0)
        return false;
    char *buffer = rh_alloc(BLOCK_BYTES);
    while ((n = read(fd, buffer, BLOCK_BYTES)) > 0 || (n < 0 && errno == EINTR))
        crc = n > 0 ? rh_crc32c(crc, buffer, (size_t)n) : crc;
    if (n < 0)
        rh_error_errno(error, errno, "cannot read %s", path);
    free(buffer);
    close(fd);
    for (int i = 0; i < 4; i++)
        snprintf(digest + 2 * i, 3, "%02x", crc >> 8 * i & 255);
    return n == 0;
}

static bool check(const rh_manifest_file *file, const char *path, int64_t *verified, rh_error *error)
{
    struct stat status;
    char digest[129];
    if (lstat(path, &status) != 0)
        return errno == ENOENT ? differs(file, "is missing", error)
                               : rh_error_errno(error, errno, "cannot read %s", path);
    if (status.st_size != file->size)
        return differs(file, "does not have the size that backup_manifest names", error);
    if (!file->checksum)
        return true;
    bool crc = strcmp(file->algorithm, "CRC32C") == 0;
    if (!(crc ? crc_of(path, digest, error) : rh_file_digest(path, file->algorithm, digest, error)))
        return false;
    if (strcasecmp(digest, file->checksum) != 0)
        return differs(file, "does not have the checksum that backup_manifest names", error);
    (*verified)++;
    return true;
}

bool rh_manifest_verify(const rh_manifest *manifest, const char *directory, const rh_progress *progress,
                        int64_t *verified, rh_error *error)
{
    int64_t done = 0, total = 0;
    bool ok = true;
    *verified = 0;
    for (size_t i = 0; i < manifest->file_count; i++)
        total += manifest->files[i].size;
    for (size_t i = 0; ok && i < manifest->file_count; i++) {
        const rh_manifest_file *file = &manifest->files[i];
        rh_arena *arena = rh_arena_new();
        /* pg_basebackup itself adds to this one (--write-recovery-conf). */
        if (rh_interrupt_requested())
            ok = rh_error_set(error, RH_ERROR_INTERRUPTED, "interrupted while the backup was verified");
        else if (strcmp(file->path, "postgresql.auto.conf") != 0)
            ok = check(file, rh_arena_printf(arena, "%s/%s", directory, file->path), verified, error);
        done += file->size;
        rh_progress_update(progress, "restore", "comparing the files with backup_manifest", done, total,
                           RH_UNIT_BYTES);
        rh_arena_free(arena);
    }
    return ok;
}
