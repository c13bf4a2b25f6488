/* A regular file, read once from its start to its end, with its SHA-256 on the way. */
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/interrupt.h"
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER_BYTES = 1 << 20 };

struct rh_hashed_file {
    int fd, failed; /* errno of a failed read */
    char *path;
    EVP_MD_CTX *context;
    const rh_progress *progress;
    const char *stage;
    int64_t read, size; /* READ: into the buffer, in all */
    size_t at, filled;
    char buffer[BUFFER_BYTES];
};

rh_hashed_file *rh_hashed_file_open(const char *path, bool follow, rh_error *error)
{
    struct stat status;
    int fd = rh_file_open(path, follow, error);
    if (fd < 0)
        return NULL;
    rh_hashed_file *file = rh_alloc(sizeof *file);
    memset(file, 0, offsetof(rh_hashed_file, buffer));
    file->fd = fd;
    file->path = rh_strdup(path);
    file->size = fstat(fd, &status) == 0 ? status.st_size : -1;
    posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    file->context = EVP_MD_CTX_new();
    if (file->context && EVP_DigestInit_ex(file->context, EVP_sha256(), NULL) == 1)
        return file;
    rh_error_set(error, RH_ERROR_INTERNAL, "libcrypto has no SHA-256");
    rh_hashed_file_close(file);
    return NULL;
}

void rh_hashed_file_close(rh_hashed_file *file)
{
    if (!file)
        return;
    EVP_MD_CTX_free(file->context);
    close(file->fd);
    free(file->path);
    free(file);
}

void rh_hashed_file_progress(rh_hashed_file *file, const rh_progress *progress, const char *stage)
{
    file->progress = progress;
    file->stage = stage;
}

/* False at the end, after a failure, and when asked to stop. */
static bool fill(rh_hashed_file *file)
{
    ssize_t got;
    do {
        if (rh_interrupt_requested())
            file->failed = EINTR;
        got = file->failed ? -1 : read(file->fd, file->buffer, BUFFER_BYTES);
    } while (got < 0 && !file->failed && errno == EINTR);
    if (got < 0 && !file->failed)
        file->failed = errno;
    file->at = 0;
    file->filled = got > 0 ? (size_t)got : 0;
    EVP_DigestUpdate(file->context, file->buffer, file->filled);
    file->read += (int64_t)file->filled;
    rh_progress_update(file->progress, file->stage, file->path, file->read, file->size, RH_UNIT_BYTES);
    return got > 0;
}

/* COUNT bytes into BUFFER (NULL: nowhere); how many there were. */
static int64_t take(rh_hashed_file *file, char *buffer, int64_t count)
{
    int64_t done = 0;
    while (done < count && (file->at < file->filled || fill(file))) {
        int64_t here = (int64_t)(file->filled - file->at), piece = count - done < here ? count - done : here;
        if (buffer)
            memcpy(buffer + done, file->buffer + file->at, (size_t)piece);
        file->at += (size_t)piece;
        done += piece;
    }
    return done;
}

size_t rh_hashed_file_read(void *file, void *buffer, size_t size)
{
    return (size_t)take(file, buffer, (int64_t)size);
}

bool rh_hashed_file_skip(rh_hashed_file *file, int64_t count)
{
    return take(file, NULL, count) == count;
}

int64_t rh_hashed_file_position(const rh_hashed_file *file)
{
    return file->read - (int64_t)(file->filled - file->at);
}

bool rh_hashed_file_end(rh_hashed_file *file, char digest[65], rh_error *error)
{
    unsigned char raw[EVP_MAX_MD_SIZE] = {0};
    take(file, NULL, INT64_MAX);
    if (file->failed == EINTR)
        return rh_error_set(error, RH_ERROR_INTERRUPTED, "interrupted while reading %s", file->path);
    if (file->failed)
        return rh_error_errno(error, file->failed, "cannot read %s", file->path);
    EVP_DigestFinal_ex(file->context, raw, NULL);
    for (size_t i = 0; i < 32; i++)
        (void)snprintf(digest + 2 * i, 3, "%02x", raw[i]);
    return true;
}
