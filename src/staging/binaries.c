/* Finds PostgreSQL's programs and their major version. */
#include "binaries.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/adapters/process.h"
#include "pgrehearse/base/text.h"
#include <glob.h>
#include <stdlib.h>
#include <string.h>

/* "pg_restore (PostgreSQL) 15.18 (Debian …)" → 15; 0 when it does not say so. */
static int major_of(const char *path, rh_usec patience, rh_error *error)
{
    rh_text output = {0};
    rh_process_options options = {.argv = (const char *const[]){path, "--version", NULL}, .directory = "/"};
    int major = 0;
    if (rh_process_run(&options, patience, &output, error)) {
        const char *number = strstr(rh_text_string(&output), "(PostgreSQL) ");
        major = number ? rh_leading_int(number + strlen("(PostgreSQL) ")) : 0;
        if (major == 0)
            rh_error_set(error, RH_ERROR_STAGING, "it does not print one");
    }
    rh_text_release(&output);
    if (major == 0)
        rh_error_context(error, "the version of %s is not known", path);
    return major;
}

static void add_glob(const char *pattern, rh_arena *arena, const char ***directories, size_t *count)
{
    glob_t found = {0};
    if (glob(pattern, 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++) {
            const char **directory = rh_arena_add(arena, directories, count);
            *directory = rh_arena_strdup(arena, found.gl_pathv[i]);
        }
    }
    globfree(&found);
}

/* Where PROGRAM is. Debian's /usr/bin/pg_restore is a wrapper that picks a version by itself: not an
 * installation. */
static void add_path(const char *program, rh_arena *arena, const char ***directories, size_t *count)
{
    const char *path = getenv("PATH");
    for (const char *part = path; part && *part;) {
        size_t length = strcspn(part, ":");
        char *directory = rh_arena_strndup(arena, part, length);
        char *real = realpath(rh_arena_printf(arena, "%s/%s", directory, program), NULL);
        if (real && directory[0] == '/' && !rh_ends_with(real, "/pg_wrapper")) {
            const char **added = rh_arena_add(arena, directories, count);
            *added = directory;
        }
        free(real);
        part += part[length] ? length + 1 : length;
    }
}

/* The exact version before the next newer ones, these before the older: is MAJOR a better choice than BEST?
 */
static bool is_better(int major, int best, int wanted)
{
    if (best == 0 || wanted == 0)
        return major > best;
    if ((major >= wanted) != (best >= wanted))
        return major >= wanted;
    return major >= wanted ? major < best : major > best;
}

static bool has_all(const char *bindir, const char *const *programs, rh_arena *arena)
{
    bool complete = true;
    for (const char *const *program = programs; *program; program++)
        complete = complete && rh_file_exists(rh_arena_printf(arena, "%s/%s", bindir, *program));
    return complete;
}

/* An installation without its version may be the one that is wanted: a broken one is passed over for another,
 * one that had no time to answer only for the exact version. */
static bool is_certain(int best, int wanted, const rh_error *unknown)
{
    bool slow = unknown->code == RH_ERROR_SLOW || unknown->code == RH_ERROR_INTERRUPTED;
    return !rh_error_is_set(unknown) || (best > 0 && (!slow || best == wanted));
}

static int choose(const rh_binaries_search *search, const char *const *programs, rh_arena *arena,
                  const char **found, rh_error *error)
{
    const char **directories = NULL;
    size_t count = 0;
    if (search->bindir) {
        const char **only = rh_arena_add(arena, &directories, &count);
        *only = search->bindir;
    } else {
        add_path(programs[0], arena, &directories, &count);
        add_glob("/usr/lib/postgresql/*/bin", arena, &directories, &count);
        add_glob("/usr/pgsql-*/bin", arena, &directories, &count);
        add_glob("/usr/local/pgsql/bin", arena, &directories, &count);
    }
    int best = 0, least = search->least;
    rh_usec patience = search->patience ? search->patience : RH_PROCESS_PATIENCE;
    rh_error unknown = {0};
    *found = NULL;
    for (size_t i = 0; i < count; i++) {
        if (!has_all(directories[i], programs, arena))
            continue;
        rh_error why = {0};
        int major = major_of(rh_arena_printf(arena, "%s/%s", directories[i], programs[0]), patience, &why);
        if (major == 0 && (!rh_error_is_set(&unknown) || why.code == RH_ERROR_SLOW))
            rh_error_move(&unknown, &why);
        rh_error_release(&why);
        bool enough = major >= least || best < least;
        if (major > 0 && enough &&
            (is_better(major, best, search->wanted) || (best < least && major >= least))) {
            best = major;
            *found = directories[i];
        }
    }
    if (!is_certain(best, search->wanted, &unknown)) {
        best = 0;
        *found = NULL;
        if (error)
            rh_error_move(error, &unknown);
    }
    rh_error_release(&unknown);
    return best;
}

int rh_staging_find_binaries(const char *bindir, rh_arena *arena, const char **found, rh_error *error)
{
    const rh_binaries_search search = {.bindir = bindir}, everywhere = {0};
    const char *const programs[] = {"pg_restore", NULL};
    rh_error why = {0};
    int major = choose(&search, programs, arena, found, &why);
    if (major == 0 && bindir && !rh_error_is_set(&why)) /* a directory of server programs only */
        major = choose(&everywhere, programs, arena, found, &why);
    if (major == 0 && !rh_error_is_set(&why)) {
        rh_error_set(&why, RH_ERROR_STAGING, "PostgreSQL's client programs are not installed");
        rh_error_hint(&why, "apt install postgresql-client, or name their directory in staging.bindir");
    }
    if (error)
        rh_error_move(error, &why);
    rh_error_release(&why);
    return major;
}

int rh_binaries_find_server(const rh_binaries_search *search, rh_arena *arena, const char **found,
                            rh_error *error)
{
    return choose(search, (const char *const[]){"postgres", "initdb", NULL}, arena, found, error);
}

int rh_binaries_find_client(const char *name, const rh_binaries_search *search, rh_arena *arena,
                            const char **path)
{
    const char *const programs[] = {name, NULL};
    const char *directory = NULL;
    rh_binaries_search elsewhere = *search;
    elsewhere.bindir = NULL;
    int major = search->bindir ? choose(search, programs, arena, &directory, NULL) : 0;
    if (major == 0 || major < search->least)
        major = choose(&elsewhere, programs, arena, &directory, NULL);
    *path = directory ? rh_arena_printf(arena, "%s/%s", directory, name) : NULL;
    return major;
}
