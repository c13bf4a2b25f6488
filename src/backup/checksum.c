/* Checksums beside the backup. */
#include "csv_export.h"
#include "pgrehearse/backup/backup.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/text.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST_LIST = 64 << 20, HEX_DIGITS = 64 };

/* 64 hex digits and no more at TEXT, in lower case. */
static bool read_digest(const char *text, char digest[65])
{
    if (strspn(text, "0123456789abcdefABCDEF") != HEX_DIGITS)
        return false;
    for (size_t i = 0; i < HEX_DIGITS; i++)
        digest[i] = (char)tolower((unsigned char)text[i]);
    digest[HEX_DIGITS] = 0;
    return true;
}

/* The name of a line of GNU's that begins with a backslash has \\ and \n in it. */
static void unescape(char *name)
{
    char *out = name;
    for (; *name; name++)
        *out++ = *name != '\\' ? *name : *++name == 'n' ? '\n' : *name;
    *out = 0;
}

/* Reads LINE (which it changes): its digest and name ("" when it has a digest only). */
static bool read_line(char *line, char digest[65], const char **name)
{
    bool escaped = *line == '\\';
    line += escaped;
    size_t length = strcspn(line, "\r\n");
    line[length] = 0;
    static const char bsd[] = "SHA256 (";
    if (rh_starts_with(line, bsd)) {
        char *end = strrchr(line, ')');
        if (!end || !rh_starts_with(end, ") = ") || !read_digest(end + 4, digest))
            return false;
        *end = 0;
        *name = line + strlen(bsd);
    } else {
        if (!read_digest(line, digest))
            return false;
        char *rest = line + HEX_DIGITS;
        if (*rest && *rest != ' ' && *rest != '\t')
            return false;
        rest += strspn(rest, " \t");
        rest += *rest == '*';
        if (escaped)
            unescape(rest);
        *name = rest;
    }
    while (rh_starts_with(*name, "./"))
        *name += 2;
    return true;
}

bool rh_checksum_find(const char *text, const char *name, bool alone, char digest[65])
{
    char one[65], *copy = rh_strdup(text), *state = NULL;
    size_t count = 0;
    bool found = false;
    for (char *line = strtok_r(copy, "\n", &state); line && !found; line = strtok_r(NULL, "\n", &state)) {
        const char *of;
        if (!read_line(line, one, &of))
            continue;
        count++;
        found = strcmp(of, name) == 0;
        memcpy(digest, one, sizeof one);
    }
    free(copy);
    return found || (alone && count == 1);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* "PATH is no checksum file"; nothing is taken for a checksum that is none. */
static bool no_checksum(const char *path, const char *of, rh_error *error)
{
    rh_error_set(error, RH_ERROR_BACKUP, "%s has no SHA-256 of %s", path, of);
    rh_error_hint(error, "write it with: sha256sum %s > %s.sha256; or remove it", of, of);
    return rh_error_at(error, path, 0, 0);
}

static bool mismatch(const char *path, const char *from, rh_error *error)
{
    rh_error_release(error);
    rh_error_set(error, RH_ERROR_BACKUP,
                 "the backup is damaged, or is another one: %s does not have the SHA-256 of %s", path, from);
    rh_error_hint(error, "copy the backup again, or name its own checksum");
    return rh_error_at(error, path, 0, 0);
}

/* What was found: the digest that the whole must have, or a list of those of a directory's files. */
typedef struct expected {
    const char *from; /* NULL: nothing */
    char digest[65];
    const char *list, *prefix; /* of names in LIST */
} expected;

/* The list of a backup in directory format: inside of it, or beside it with its name before each file's. */
static void find_list(const char *path, const char *const *lists, size_t count, rh_arena *arena, expected *e)
{
    char digest[65];
    const char *inside = rh_arena_printf(arena, "%s/SHA256SUMS", path), *text;
    if ((text = rh_file_read(inside, LARGEST_LIST, arena, NULL, NULL)) &&
        rh_checksum_find(text, "toc.dat", false, digest)) {
        *e = (expected){.from = "SHA256SUMS", .list = text, .prefix = ""};
        return;
    }
    for (size_t i = 0; i < count && !e->from; i++) {
        const char *prefix = rh_arena_printf(arena, "%s/", base_name(path));
        text = rh_file_read(lists[i], LARGEST_LIST, arena, NULL, NULL);
        if (text && rh_checksum_find(text, rh_arena_printf(arena, "%stoc.dat", prefix), false, digest))
            *e = (expected){.from = base_name(lists[i]), .list = text, .prefix = prefix};
        else if (text && rh_checksum_find(text, "toc.dat", false, digest))
            *e = (expected){.from = base_name(lists[i]), .list = text, .prefix = ""};
    }
}

static bool find(const rh_scenario *scenario, const char *path, rh_arena *arena, expected *e, rh_error *error)
{
    const char *own = rh_arena_printf(arena, "%s.sha256", path), *name = base_name(path);
    const char *const lists[] = {
        own, rh_arena_printf(arena, "%.*sSHA256SUMS", (int)(strlen(path) - strlen(name)), path)};
    bool directory = rh_directory_exists(path);
    if (scenario->backup.sha256) {
        e->from = "backup.sha256";
        memcpy(e->digest, scenario->backup.sha256, sizeof e->digest);
        return true;
    }
    if (directory)
        find_list(path, lists, sizeof lists / sizeof *lists, arena, e);
    for (size_t i = 0; i < sizeof lists / sizeof *lists && !e->from; i++) {
        if (!rh_file_exists(lists[i]))
            continue;
        const char *text = rh_file_read(lists[i], LARGEST_LIST, arena, NULL, error);
        if (!text)
            return false;
        if (rh_checksum_find(text, name, lists[i] == own, e->digest))
            e->from = base_name(lists[i]);
        else if (lists[i] == own)
            return no_checksum(own, name, error);
    }
    return true;
}

/* Every file of the directory has its line, and its digest. */
static bool check_list(const char *path, const expected *e, rh_arena *arena, const rh_progress *progress,
                       rh_error *error)
{
    char **names = NULL, wanted[65], found[65];
    size_t count = 0;
    if (!rh_directory_list(path, arena, &names, &count, error))
        return false;
    for (size_t i = 0; i < count; i++) {
        const char *file = rh_arena_printf(arena, "%s/%s", path, names[i]);
        bool dump = strstr(names[i], ".dat") || strstr(names[i], ".toc") || strstr(names[i], ".csv") ||
                    strstr(names[i], ".sql");
        bool listed =
            rh_checksum_find(e->list, rh_arena_printf(arena, "%s%s", e->prefix, names[i]), false, wanted);
        if (!listed && dump)
            return no_checksum(e->from, file, error);
        if (listed &&
            (!rh_sha256_path(file, found, NULL, progress, "backup", error) || strcmp(wanted, found) != 0))
            return mismatch(file, e->from, error);
    }
    return true;
}

/* What the compression vouches for, by the flags of its first bytes. */
static const char *by_compression(const rh_backup_facts *facts, rh_arena *arena)
{
    unsigned char head[16] = {0};
    FILE *file = rh_file_stream(facts->path, NULL);
    bool read = file && fread(head, 1, sizeof head, file) == sizeof head;
    if (file)
        fclose(file);
    const char *c = facts->compression;
    bool has = read &&
               (strcmp(c, "gzip") == 0 || strcmp(c, "bzip2") == 0 || (strcmp(c, "xz") == 0 && head[7] & 15) ||
                (strcmp(c, "zstd") == 0 && head[4] & 4) || (strcmp(c, "lz4") == 0 && head[4] & 4));
    if (has)
        return rh_arena_printf(arena, "the checksum that %s has of the data", c);
    return strcmp(facts->container, "zip") == 0 ? "the CRC-32 that zip has of the data" : NULL;
}

static void describe(rh_backup_facts *facts, const expected *e, rh_arena *arena)
{
    static const char nothing[] = "nothing: a changed byte may go unnoticed";
    const rh_physical_facts *copy = facts->physical;
    if (copy) {
        facts->checksum.whole = copy->manifest_algorithm != NULL;
        facts->checksum.vouched =
            copy->manifest_algorithm
                ? rh_arena_printf(arena, "the checksums (%s) in backup_manifest", copy->manifest_algorithm)
                : nothing;
        return;
    }
    const char *compression = facts->shape == RH_SHAPE_PLAIN ? by_compression(facts, arena) : NULL;
    facts->checksum.whole = e->from || compression;
    facts->checksum.from = e->from;
    if (e->from)
        facts->checksum.vouched = rh_arena_printf(arena, "the SHA-256 in %s", e->from);
    else if (compression)
        facts->checksum.vouched = compression;
    else if (facts->shape != RH_SHAPE_PLAIN && strcmp(facts->compression, "gzip") == 0)
        facts->checksum.vouched = "gzip's checksums of the rows only, not of the definitions";
    else
        facts->checksum.vouched = nothing;
}

static bool choose_null(const rh_scenario *scenario, rh_backup_facts *facts, rh_error *error)
{
    const rh_location *where = &scenario->backup.where;
    if (facts->csv)
        return rh_csv_choose_null(facts->csv, scenario->backup.csv_null, error);
    if (!scenario->backup.csv_null)
        return true;
    rh_error_set(error, RH_ERROR_SCENARIO, "backup.csv_null is for a folder of CSV files, and %s is none",
                 facts->path);
    rh_error_hint(error, "remove the key");
    return rh_error_at(error, where->file, where->line, where->column);
}

bool rh_backup_examine(const rh_scenario *scenario, rh_arena *arena, rh_backup_facts *facts,
                       const rh_progress *progress, rh_error *error)
{
    const char *path = scenario->backup.path;
    expected e = {0};
    rh_error own = {0};
    bool fine = rh_backup_inspect(path, arena, facts, progress, &own);
    fine = fine && choose_null(scenario, facts, &own);
    bool known = (fine ? !facts->physical : own.code == RH_ERROR_BACKUP) &&
                 find(scenario, path, arena, &e, fine ? &own : NULL);
    fine = fine && (known || facts->physical);
    if (known && e.list) {
        rh_error differs = {0};
        if (!check_list(path, &e, arena, progress, &differs) && rh_error_is_set(&differs)) {
            rh_error_move(&own, &differs);
            fine = false;
        }
        rh_error_release(&differs);
    } else if (known && e.from &&
               (facts->sha256[0] || rh_sha256_path(path, facts->sha256, NULL, progress, "backup", NULL)) &&
               strcmp(e.digest, facts->sha256) != 0) {
        fine = mismatch(path, e.from, &own);
        const rh_location *where = &scenario->backup.sha256_where;
        if (scenario->backup.sha256)
            rh_error_at(&own, where->file, where->line, where->column);
    }
    if (fine)
        describe(facts, &e, arena);
    else if (error)
        rh_error_move(error, &own);
    rh_error_release(&own);
    return fine;
}
