#include "manifest.h"
#include "label.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/adapters/json.h"
#include <string.h>
#include <strings.h>

static bool damaged(const char *name, const char *why, rh_error *error)
{
    rh_error_set(error, RH_ERROR_BACKUP, "%s is damaged: %s", name, why);
    rh_error_hint(error, "copy the backup again; without its manifest its files cannot be checked");
    return rh_error_at(error, name, 0, 0);
}

/* Its last line has the SHA-256 of all lines before. */
static bool check_own(const char *text, size_t length, const char *name, rh_error *error)
{
    static const char key[] = "\"Manifest-Checksum\": \"";
    const char *found = NULL, *next = memmem(text, length, key, sizeof key - 1);
    for (; next; next = memmem(next + 1, length - (size_t)(next + 1 - text), key, sizeof key - 1))
        found = next;
    if (!found || length - (size_t)(found - text) < sizeof key - 1 + 64)
        return damaged(name, "it has no checksum of its own at its end, so it was cut off", error);
    char digest[65];
    rh_sha256_bytes(text, (size_t)(found - text), digest);
    if (strncasecmp(found + sizeof key - 1, digest, 64) != 0)
        return damaged(name, "it does not have the checksum that it names", error);
    return true;
}

/* "Encoded-Path" of names that are not UTF-8: hexadecimal. */
static const char *decode(const char *hex, rh_arena *arena)
{
    static const char digits[] = "0123456789abcdef";
    size_t length = hex ? strlen(hex) / 2 : 0;
    char *path = rh_arena_alloc(arena, length + 1);
    for (size_t i = 0; i < length; i++) {
        const char *high = strchr(digits, hex[2 * i] | 32), *low = strchr(digits, hex[2 * i + 1] | 32);
        if (!high || !low)
            return NULL;
        path[i] = (char)((high - digits) << 4 | (low - digits));
    }
    return length ? path : NULL;
}

/* A path that leaves the data directory is no file of it. */
static bool is_inside(const char *path)
{
    return path && *path && *path != '/' && strcmp(path, "..") != 0 && strncmp(path, "../", 3) != 0 &&
           !strstr(path, "/../") && (strlen(path) < 3 || strcmp(path + strlen(path) - 3, "/..") != 0);
}

static bool read_entries(const rh_json *root, const char *name, rh_arena *arena, rh_manifest *manifest,
                         rh_error *error)
{
    const rh_json *files = rh_json_get(root, "Files"), *ranges = rh_json_get(root, "WAL-Ranges");
    for (size_t i = 0; i < rh_json_count(files); i++) {
        const rh_json *from = rh_json_at(files, i);
        const char *path = rh_json_string(rh_json_get(from, "Path"));
        rh_manifest_file *file = rh_arena_add(arena, &manifest->files, &manifest->file_count);
        *file = (rh_manifest_file){
            .path = path ? rh_arena_strdup(arena, path)
                         : decode(rh_json_string(rh_json_get(from, "Encoded-Path")), arena),
            .size = rh_json_int(rh_json_get(from, "Size")),
            .algorithm = rh_arena_strdup(arena, rh_json_string(rh_json_get(from, "Checksum-Algorithm"))),
            .checksum = rh_arena_strdup(arena, rh_json_string(rh_json_get(from, "Checksum")))};
        if (!is_inside(file->path) || file->size < 0)
            return damaged(name, "an entry has no valid path or size", error);
    }
    for (size_t i = 0; i < rh_json_count(ranges); i++) {
        const rh_json *from = rh_json_at(ranges, i);
        rh_wal_range *range = rh_arena_add(arena, &manifest->ranges, &manifest->range_count);
        range->timeline = (uint32_t)rh_json_int(rh_json_get(from, "Timeline"));
        if (!rh_lsn_parse(rh_json_string(rh_json_get(from, "Start-LSN")), &range->start) ||
            !rh_lsn_parse(rh_json_string(rh_json_get(from, "End-LSN")), &range->end))
            return damaged(name, "a range of WAL has no valid LSN", error);
    }
    return manifest->file_count > 0 || damaged(name, "it lists no files", error);
}

bool rh_manifest_parse(const char *text, size_t length, const char *name, rh_arena *arena,
                       rh_manifest *manifest, rh_error *error)
{
    rh_error own = {0};
    *manifest = (rh_manifest){0};
    if (!check_own(text, length, name, error))
        return false;
    rh_json *root = rh_json_parse(text, length, name, &own);
    if (!root)
        damaged(name, own.message, error);
    rh_error_release(&own);
    bool ok = root && read_entries(root, name, arena, manifest, error);
    rh_json_free(root);
    return ok;
}

bool rh_manifest_read(const char *path, rh_arena *arena, rh_manifest *manifest, rh_error *error)
{
    size_t length = 0;
    rh_arena *scratch = rh_arena_new();
    const char *text = rh_file_read(path, 0, scratch, &length, error);
    bool ok = text && rh_manifest_parse(text, length, path, arena, manifest, error);
    rh_arena_free(scratch);
    return ok;
}
