/* Unpacks the tar files of a base backup. */
#include "copy.h"
#include "pgrehearse/adapters/archive.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/text.h"
#include "tar_names.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK_BYTES = 1 << 20, MOST_RATIO = 2000 };

/* The entry's bytes into the new file PATH, whose directory is made. */
static bool write_entry(rh_archive *archive, const char *path, char *buffer, rh_arena *arena, rh_error *error)
{
    int64_t n;
    if (!rh_directory_make(rh_arena_strndup(arena, path, (size_t)(strrchr(path, '/') - path)), 0700, error))
        return false;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return rh_error_errno(error, errno, "cannot create %s", path);
    bool ok = true;
    while (ok && (n = rh_archive_read(archive, buffer, BLOCK_BYTES, error)) != 0) {
        ok = n > 0;
        if (ok && !rh_write_all(fd, buffer, (size_t)n))
            ok = rh_error_errno(error, errno, "cannot write %s", path);
    }
    close(fd);
    return ok;
}

static bool unpack(rh_physical_facts *copy, const char *file, const char *to, const char *inside,
                   const rh_progress *progress, rh_error *error)
{
    rh_archive *archive = rh_archive_open(file, error);
    const char *name;
    int64_t size;
    int more = -1;
    if (!archive)
        return false;
    int64_t room = rh_disk_free(to);
    rh_archive_limit(archive, room > 0 ? room : INT64_C(1) << 40, MOST_RATIO);
    char *buffer = rh_alloc(BLOCK_BYTES);
    bool ok = true;
    while (ok && (more = rh_archive_next(archive, &name, &size, error)) > 0) {
        rh_arena *arena = rh_arena_new();
        name += rh_starts_with(name, "./") ? 2 : 0;
        const char *path = rh_arena_printf(arena, "%s%s", inside, name);
        if (rh_physical_is_incremental(path))
            ok = rh_physical_refuse_incremental(copy->path, file, error);
        else if (!rh_physical_is_transient(path))
            ok = write_entry(archive, rh_arena_printf(arena, "%s/%s", to, path), buffer, arena, error);
        rh_progress_update(progress, "restore", file, rh_archive_position(archive), -1, RH_UNIT_BYTES);
        rh_arena_free(arena);
    }
    free(buffer);
    rh_archive_close(archive);
    if ((!ok || more < 0) && error && !error->file)
        rh_error_at(error, file, 0, 0);
    return ok && more == 0;
}

/* OID.tar, maybe compressed: the OID, in ARENA; NULL: another file. */
static const char *tablespace_of(const char *name, rh_arena *arena)
{
    size_t digits = strspn(name, "0123456789");
    return digits > 0 && rh_starts_with(name + digits, ".tar") ? rh_arena_strndup(arena, name, digits) : NULL;
}

bool rh_physical_unpack(rh_physical_facts *copy, const char *to, rh_arena *arena, const rh_progress *progress,
                        rh_error *error)
{
    char **names = NULL;
    size_t count = 0;
    const char *base = rh_tar_find(copy->path, "base", arena),
               *wal = rh_tar_find(copy->path, "pg_wal", arena);
    if (mkdir(to, 0700) != 0)
        return rh_error_errno(error, errno, "cannot create the directory %s", to);
    bool ok = unpack(copy, base, to, "", progress, error) &&
              rh_directory_list(copy->path, arena, &names, &count, error);
    for (size_t i = 0; ok && i < count; i++) {
        const char *oid = tablespace_of(names[i], arena);
        const char *inside = oid ? rh_arena_printf(arena, "pg_tblspc/%s/", oid) : NULL;
        ok = !oid || (rh_directory_make(rh_arena_printf(arena, "%s/%s", to, inside), 0700, error) &&
                      unpack(copy, rh_arena_printf(arena, "%s/%s", copy->path, names[i]), to, inside,
                             progress, error));
    }
    return ok && (!wal || unpack(copy, wal, to, "pg_wal/", progress, error));
}
