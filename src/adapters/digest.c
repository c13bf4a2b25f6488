/* SHA-256 of files and directories, and other digests of files. */
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/interrupt.h"
#include "pgrehearse/base/text.h"
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK_BYTES = 1 << 20 };

/* A digest being computed: bytes read so far, the buffer, and the progress to report to. */
typedef struct digest_job {
    const rh_progress *progress;
    const char *stage;
    int64_t done, total;
    char *buffer; /* CHUNK_BYTES */
} digest_job;

/* DIGEST gets two digits a byte, and its end. */
static void to_hex(const unsigned char *raw, size_t size, char *digest)
{
    for (size_t i = 0; i < size; i++) {
        digest[2 * i] = "0123456789abcdef"[raw[i] >> 4];
        digest[2 * i + 1] = "0123456789abcdef"[raw[i] & 15];
    }
    digest[2 * size] = 0;
}

void rh_sha256_bytes(const void *bytes, size_t length, char digest[65])
{
    unsigned char raw[EVP_MAX_MD_SIZE] = {0};
    EVP_Digest(bytes, length, raw, NULL, EVP_sha256(), NULL);
    to_hex(raw, 32, digest);
}

/* LENGTH bytes of a digest that the library may not have. */
static void legacy_digest(const EVP_MD *method, const void *bytes, size_t length, unsigned int wanted,
                          char *digest)
{
    unsigned char raw[EVP_MAX_MD_SIZE] = {0};
    unsigned int size = 0;
    digest[0] = '\0';
    if (EVP_Digest(bytes, length, raw, &size, method, NULL) == 1 && size == wanted)
        for (size_t i = 0; i < wanted; i++)
            (void)snprintf(digest + 2 * i, 3, "%02x", raw[i]);
}

void rh_md5_bytes(const void *bytes, size_t length, char digest[33])
{
    legacy_digest(EVP_md5(), bytes, length, 16, digest);
}

void rh_sha384_bytes(const void *bytes, size_t length, char digest[97])
{
    legacy_digest(EVP_sha384(), bytes, length, 48, digest);
}

void rh_sha1_bytes(const void *bytes, size_t length, char digest[41])
{
    legacy_digest(EVP_sha1(), bytes, length, 20, digest);
}

static bool digest_descriptor(int fd, const char *path, EVP_MD_CTX *context, digest_job *job, rh_error *error)
{
    for (;;) {
        if (rh_interrupt_requested())
            return rh_error_set(error, RH_ERROR_INTERRUPTED, "interrupted while reading %s", path);
        ssize_t got = read(fd, job->buffer, CHUNK_BYTES);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return rh_error_errno(error, errno, "cannot read %s", path);
        if (got == 0)
            return true;
        EVP_DigestUpdate(context, job->buffer, (size_t)got);
        job->done += got;
        rh_progress_update(job->progress, job->stage, path, job->done, job->total, RH_UNIT_BYTES);
    }
}

/* RAW gets EVP_MAX_MD_SIZE bytes at most, *SIZE of them used. */
static bool digest_raw(const char *path, const EVP_MD *method, digest_job *job, unsigned char *raw,
                       unsigned int *size, rh_error *error)
{
    int fd = rh_file_open(path, true, error);
    if (fd < 0)
        return false;
    posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok = context && method && EVP_DigestInit_ex(context, method, NULL) == 1;
    if (!ok)
        rh_error_set(error, RH_ERROR_INTERNAL, "libcrypto lacks the digest for %s", path);
    ok = ok && digest_descriptor(fd, path, context, job, error);
    if (ok)
        EVP_DigestFinal_ex(context, raw, size);
    EVP_MD_CTX_free(context);
    close(fd);
    return ok;
}

static bool digest_file(const char *path, char digest[65], digest_job *job, rh_error *error)
{
    unsigned char raw[EVP_MAX_MD_SIZE] = {0};
    unsigned int size = 0;
    bool ok = digest_raw(path, EVP_sha256(), job, raw, &size, error);
    if (ok)
        to_hex(raw, size, digest);
    return ok;
}

bool rh_file_digest(const char *path, const char *algorithm, char digest[129], rh_error *error)
{
    unsigned char raw[EVP_MAX_MD_SIZE] = {0};
    unsigned int size = 0;
    digest_job job = {.buffer = rh_alloc(CHUNK_BYTES)};
    bool ok = digest_raw(path, EVP_get_digestbyname(algorithm), &job, raw, &size, error);
    if (ok)
        to_hex(raw, size, digest);
    free(job.buffer);
    return ok;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Every file below PATH, relative to it, sorted; links to files count as the file, since pg_restore would
 * read it. */
static bool list_files(const char *path, rh_arena *arena, char ***files, size_t *count, int64_t *bytes,
                       rh_error *error)
{
    char *const paths[] = {rh_arena_strdup(arena, path), NULL};
    FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    bool ok = tree != NULL;
    *files = NULL;
    *count = 0;
    *bytes = 0;
    for (FTSENT *entry; ok && (entry = fts_read(tree));) {
        struct stat status;
        if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR || entry->fts_info == FTS_NS) {
            errno = entry->fts_errno;
            ok = false;
        } else if ((entry->fts_info == FTS_F || entry->fts_info == FTS_SL) &&
                   stat(entry->fts_path, &status) == 0 && S_ISREG(status.st_mode)) {
            char **file = rh_arena_add(arena, files, count);
            *file = rh_arena_strdup(arena, entry->fts_path + strlen(path) + 1);
            *bytes += status.st_size;
        }
    }
    if (!ok)
        rh_error_errno(error, errno, "cannot read %s", path);
    if (tree)
        fts_close(tree);
    if (*count)
        qsort(*files, *count, sizeof **files, compare_paths);
    return ok;
}

static bool digest_directory(const char *path, char digest[65], digest_job *job, rh_error *error)
{
    rh_arena *arena = rh_arena_new();
    rh_text lines = {0};
    char **files = NULL;
    size_t count = 0;
    /* "dir/" and "dir" name the same files. */
    char *root = rh_arena_strdup(arena, path);
    for (size_t length = strlen(root); length > 1 && root[length - 1] == '/'; length--)
        root[length - 1] = 0;
    bool ok = list_files(root, arena, &files, &count, &job->total, error);
    for (size_t i = 0; ok && i < count; i++) {
        char one[65];
        ok = digest_file(rh_arena_printf(arena, "%s/%s", root, files[i]), one, job, error);
        if (ok)
            rh_text_printf(&lines, "%s  %s\n", one, files[i]);
    }
    if (ok)
        rh_sha256_bytes(rh_text_string(&lines), lines.length, digest);
    rh_text_release(&lines);
    rh_arena_free(arena);
    return ok;
}

bool rh_sha256_path(const char *path, char digest[65], int64_t *bytes, const rh_progress *progress,
                    const char *stage, rh_error *error)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return rh_error_errno(error, errno, "cannot read %s", path);
    digest_job job = {.progress = progress, .stage = stage, .total = status.st_size};
    job.buffer = rh_alloc(CHUNK_BYTES);
    bool ok = S_ISDIR(status.st_mode) ? digest_directory(path, digest, &job, error)
                                      : digest_file(path, digest, &job, error);
    free(job.buffer);
    if (ok && bytes)
        *bytes = job.done;
    return ok;
}
