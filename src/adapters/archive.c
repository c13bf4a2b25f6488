#include "pgrehearse/adapters/archive.h"
#include "gzip_stream.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/interrupt.h"
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Two layers, so that the lower one can be read to its very end (where the checksums are) after the container
 * has reported its end: bytes of the file → [gzip | filter] → container. Without compression the
 * container reads the file itself, because zip needs to seek. */
struct rh_archive {
    char *path;
    int fd;
    rh_gzip *gzip;          /* compression is gzip */
    struct archive *filter; /* any other compression */
    struct archive *container;
    struct archive_entry *entry; /* read ahead by open; NULL once handed out */
    bool ended;
    const char *compression;
    int64_t unpacked, free_bytes, ratio;
    bool is_bomb;
};

enum { BLOCK_SIZE = 128 * 1024 };

static bool damaged(rh_archive *archive, struct archive *layer, rh_error *error)
{
    const char *why = archive_error_string(layer);
    if (rh_interrupt_requested())
        return rh_error_set(error, RH_ERROR_INTERRUPTED, "interrupted while reading %s", archive->path);
    if (archive->is_bomb) {
        rh_error_set(error, RH_ERROR_REFUSED,
                     "the compressed data unpack to more than %lld times their size (%lld bytes so far)",
                     (long long)archive->ratio, (long long)archive->unpacked);
        rh_error_hint(error,
                      "this looks like a decompression bomb; if it is a real dump, decompress it first");
    } else {
        rh_error_set(error, RH_ERROR_BACKUP, "damaged or truncated %s data: %s",
                     strcmp(archive->compression, "none") == 0 ? rh_archive_container(archive)
                                                               : archive->compression,
                     why ? why : "unknown error");
        rh_error_hint(error, "compare the file's checksum with the original's, or make the dump again");
    }
    return rh_error_at(error, archive->path, 0, 0);
}

/* Counts what came out; false once that is out of all proportion. */
static bool within_limit(rh_archive *archive, int64_t count)
{
    archive->unpacked += count;
    if (archive->unpacked > archive->free_bytes) {
        int64_t position = rh_archive_position(archive);
        if (archive->unpacked / archive->ratio > position)
            archive->is_bomb = true;
    }
    return !archive->is_bomb;
}

/* The container's source: the next bytes of the lower layer. */
static la_ssize_t read_lower(struct archive *container, void *user, const void **bytes)
{
    rh_archive *archive = user;
    la_ssize_t count;
    if (rh_interrupt_requested()) {
        archive_set_error(container, EINTR, "interrupted");
        return -1;
    }
    if (archive->gzip) {
        const char *why = NULL;
        count = rh_gzip_read(archive->gzip, bytes, &why);
        if (count < 0)
            archive_set_error(container, EIO, "%s", why);
    } else {
        size_t size = 0;
        la_int64_t offset;
        int status = archive_read_data_block(archive->filter, bytes, &size, &offset);
        count = status == ARCHIVE_EOF ? 0 : (la_ssize_t)size;
        if (status != ARCHIVE_EOF && status != ARCHIVE_OK) {
            const char *why = archive_error_string(archive->filter);
            archive_set_error(container, EIO, "%s", why ? why : "unknown error");
            count = -1;
        }
    }
    if (count > 0 && !within_limit(archive, count)) {
        archive_set_error(container, EIO, "decompression bomb");
        count = -1;
    }
    return count;
}

/* Which compression: gzip by its magic, the others by libarchive. Leaves archive->gzip or archive->filter
 * set, or neither. */
static bool open_lower(rh_archive *archive, rh_error *error)
{
    unsigned char magic[2] = {0, 0};
    ssize_t n = pread(archive->fd, magic, sizeof magic, 0);
    if (n < 0)
        return rh_error_errno(error, errno, "cannot read %s", archive->path);
    if (n == 2 && magic[0] == 0x1f && magic[1] == 0x8b) {
        archive->compression = "gzip";
        archive->gzip = rh_gzip_new(archive->fd);
        return archive->gzip || rh_error_set(error, RH_ERROR_INTERNAL, "zlib would not start");
    }
    struct archive *filter = archive_read_new();
    archive_read_support_filter_bzip2(filter);
    archive_read_support_filter_lz4(filter);
    archive_read_support_filter_xz(filter);
    archive_read_support_filter_zstd(filter);
    archive_read_support_format_raw(filter);
    archive_read_support_format_empty(filter);
    archive->filter = filter;
    struct archive_entry *entry;
    bool opened = archive_read_open_fd(filter, archive->fd, BLOCK_SIZE) == ARCHIVE_OK;
    /* The filter is known once it is open: read before the first header, which may be damaged. */
    static const char *const known[] = {"bzip2", "lz4", "xz", "zstd"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (archive_filter_count(filter) > 1 && strcmp(archive_filter_name(filter, 0), known[i]) == 0)
            archive->compression = known[i];
    int status = opened ? archive_read_next_header(filter, &entry) : ARCHIVE_FATAL;
    if (status != ARCHIVE_OK && status != ARCHIVE_EOF)
        return damaged(archive, filter, error);
    if (strcmp(archive->compression, "none") == 0) {
        archive_read_free(filter);
        archive->filter = NULL;
        if (lseek(archive->fd, 0, SEEK_SET) != 0)
            return rh_error_errno(error, errno, "cannot read %s from its start", archive->path);
    }
    return true;
}

/* Reads the container's next header: 1, 0 at the end, -1. */
static int read_header(rh_archive *archive, rh_error *error)
{
    if (rh_interrupt_requested()) {
        damaged(archive, archive->container, error);
        return -1;
    }
    int status = archive_read_next_header(archive->container, &archive->entry);
    if (status == ARCHIVE_EOF) {
        archive->entry = NULL;
        return 0;
    }
    /* A warning is about a name or an attribute that cannot be expressed here; the data are good. */
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN) {
        archive->entry = NULL;
        damaged(archive, archive->container, error);
        return -1;
    }
    return 1;
}

static uint64_t little_endian(const unsigned char *bytes, int count)
{
    uint64_t value = 0;
    while (count-- > 0)
        value = value << 8 | bytes[count];
    return value;
}

/* libarchive holds a zip's whole directory, some 300 bytes for each member: not more than 16 MiB of it. The
 * directory ends where its end record begins, in the file's last 64 KiB. */
static bool zip_is_reasonable(rh_archive *archive, rh_error *error)
{
    enum { TAIL = 65536 + 22, END_RECORD = 22, LOCATOR = 20, LARGEST = 16 << 20 };
    struct stat status;
    unsigned char *tail = rh_alloc(TAIL), record[56];
    int64_t begin = INT64_MAX, end = 0;
    ssize_t n = -1, at = 0;
    if (fstat(archive->fd, &status) == 0)
        n = pread(archive->fd, tail, TAIL, status.st_size > TAIL ? status.st_size - TAIL : 0);
    for (at = n - END_RECORD; at >= 0 && memcmp(tail + at, "PK\5\6", 4) != 0; at--)
        ;
    if (at >= 0) {
        end = status.st_size - n + at;
        int64_t length = (int64_t)little_endian(tail + at + 12, 4),
                offset = (int64_t)little_endian(tail + at + 16, 4);
        if (at >= LOCATOR && memcmp(tail + at - LOCATOR, "PK\6\7", 4) == 0 &&
            pread(archive->fd, record, sizeof record,
                  (off_t)(little_endian(tail + at - LOCATOR + 8, 8) & INT64_MAX)) == sizeof record) {
            length = (int64_t)(little_endian(record + 40, 8) & INT64_MAX);
            offset = (int64_t)(little_endian(record + 48, 8) & INT64_MAX);
        }
        begin = offset < end - length ? offset : end - length;
    }
    free(tail);
    if (begin == INT64_MAX || end - begin <= LARGEST)
        return true;
    rh_error_set(error, RH_ERROR_REFUSED, "the zip file lists too many files: more than 16 MiB of names");
    rh_error_hint(error, "unpack it, and name the dump inside");
    return rh_error_at(error, archive->path, 0, 0);
}

static bool open_container(rh_archive *archive, rh_error *error)
{
    if (!archive->gzip && !archive->filter && !zip_is_reasonable(archive, error))
        return false;
    struct archive *container = archive->container = archive_read_new();
    archive_read_support_format_tar(container);
    archive_read_support_format_zip(container);
    archive_read_support_format_raw(container);
    archive_read_support_format_empty(container);
    int status = archive->gzip || archive->filter
                     ? archive_read_open(container, archive, NULL, read_lower, NULL)
                     : archive_read_open_fd(container, archive->fd, BLOCK_SIZE);
    if (status != ARCHIVE_OK)
        return damaged(archive, container, error);
    int more = read_header(archive, error);
    archive->ended = more == 0;
    return more >= 0;
}

rh_archive *rh_archive_open(const char *path, rh_error *error)
{
    rh_archive *archive = rh_alloc(sizeof *archive);
    *archive = (rh_archive){.fd = -1, .compression = "none", .free_bytes = INT64_C(1) << 30, .ratio = 1000};
    archive->path = rh_strdup(path);
    archive->fd = rh_file_open(path, true, error);
    if (archive->fd < 0)
        goto failed;
    if (!open_lower(archive, error) || !open_container(archive, error))
        goto failed;
    return archive;
failed:
    rh_archive_close(archive);
    return NULL;
}

void rh_archive_close(rh_archive *archive)
{
    if (!archive)
        return;
    archive_read_free(archive->container);
    archive_read_free(archive->filter);
    rh_gzip_free(archive->gzip);
    if (archive->fd >= 0)
        close(archive->fd);
    free(archive->path);
    free(archive);
}

const char *rh_archive_compression(const rh_archive *archive)
{
    return archive->compression;
}

const char *rh_archive_container(const rh_archive *archive)
{
    if (!archive->container)
        return "none";
    switch (archive_format(archive->container) & ARCHIVE_FORMAT_BASE_MASK) {
    case ARCHIVE_FORMAT_TAR:
        return "tar";
    case ARCHIVE_FORMAT_ZIP:
        return "zip";
    default:
        return "none";
    }
}

/* The container may end before the compressed stream does: its checksum is at the end. */
static bool drain_lower(rh_archive *archive, rh_error *error)
{
    const void *bytes;
    la_ssize_t count = 0;
    while ((archive->gzip || archive->filter) &&
           (count = read_lower(archive->container, archive, &bytes)) > 0)
        ;
    return count >= 0 || damaged(archive, archive->container, error);
}

static bool safe_name(const char *name)
{
    if (name[0] == '/')
        return false;
    for (const char *part = name; part; part = strchr(part, '/')) {
        part += *part == '/';
        if (part[0] == '.' && part[1] == '.' && (part[2] == '/' || part[2] == 0))
            return false;
    }
    return true;
}

int rh_archive_next(rh_archive *archive, const char **name, int64_t *size, rh_error *error)
{
    for (bool first = archive->entry != NULL;; first = false) {
        int more = archive->ended ? 0 : first ? 1 : read_header(archive, error);
        if (more < 0)
            return -1;
        if (more == 0) {
            archive->ended = true;
            return drain_lower(archive, error) ? 0 : -1;
        }
        struct archive_entry *entry = archive->entry;
        archive->entry = NULL;
        bool bare = strcmp(rh_archive_container(archive), "none") == 0;
        if (!bare && archive_entry_filetype(entry) != AE_IFREG)
            continue;
        const char *found = archive_entry_pathname_utf8(entry);
        if (!found)
            found = archive_entry_pathname(entry);
        *name = bare || !found ? "" : found;
        *size = archive_entry_size_is_set(entry) ? archive_entry_size(entry) : -1;
        if (!safe_name(*name)) {
            rh_error_set(error, RH_ERROR_REFUSED, "the archive's entry \"%s\" points outside of it", *name);
            rh_error_hint(error, "an entry's name must be relative and without \"..\"; pack the dump again");
            rh_error_at(error, archive->path, 0, 0);
            return -1;
        }
        return 1;
    }
}

int64_t rh_archive_read(rh_archive *archive, void *buffer, size_t size, rh_error *error)
{
    la_ssize_t count = rh_interrupt_requested() ? -1 : archive_read_data(archive->container, buffer, size);
    bool counted_below = archive->gzip || archive->filter;
    if (count > 0 && !counted_below && !within_limit(archive, count))
        count = -1;
    if (count < 0) {
        damaged(archive, archive->container, error);
        return -1;
    }
    return count;
}

int64_t rh_archive_position(const rh_archive *archive)
{
    if (archive->gzip)
        return rh_gzip_position(archive->gzip);
    struct archive *lowest = archive->filter ? archive->filter : archive->container;
    return lowest ? archive_filter_bytes(lowest, -1) : 0;
}

void rh_archive_limit(rh_archive *archive, int64_t free_bytes, int64_t ratio)
{
    archive->free_bytes = free_bytes;
    archive->ratio = ratio;
}
