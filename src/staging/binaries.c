/* Where PostgreSQL's programs are, and which major version they are. */
#include "binaries.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/adapters/process.h"
#include "pgrehearse/base/text.h"
#include <glob.h>
#include <stdlib.h>
#include <string.h>

static const rh_usec PATIENCE = 20 * RH_SECOND;

/* "pg_restore (PostgreSQL) 15.18 (Debian …)" → 15; 0 when it does not run. */
static int major_of(const char *bindir, const char *program, rh_arena *arena)
{
    const char *path = rh_arena_printf(arena, "%s/%s", bindir, program);
    if (!rh_file_exists(path))
        return 0;
    rh_text said = {0};
    rh_process_options options = {.argv = (const char *const[]){path, "--version", NULL}, .directory = "/"};
    int major = 0;
    if (rh_process_run(&options, PATIENCE, &said, NULL)) {
        const char *number = strstr(rh_text_string(&said), "(PostgreSQL) ");
        major = number ? rh_leading_int(number + strlen("(PostgreSQL) ")) : 0;
    }
    rh_text_release(&said);
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

/* Debian's /usr/bin/pg_restore is a wrapper that picks a version by itself: not an installation. */
static void add_path(rh_arena *arena, const char ***directories, size_t *count)
{
    const char *path = getenv("PATH");
    for (const char *part = path; part && *part;) {
        size_t length = strcspn(part, ":");
        char *directory = rh_arena_strndup(arena, part, length);
        char *real = realpath(rh_arena_printf(arena, "%s/pg_restore", directory), NULL);
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

/* Of at least major version LEAST, if there is one. */
static int choose(const char *bindir, const char *const *programs, int least, int wanted, rh_arena *arena,
                  const char **found)
{
    const char **directories = NULL;
    size_t count = 0;
    if (bindir) {
        const char **only = rh_arena_add(arena, &directories, &count);
        *only = bindir;
    } else {
        add_path(arena, &directories, &count);
        add_glob("/usr/lib/postgresql/*/bin", arena, &directories, &count);
        add_glob("/usr/pgsql-*/bin", arena, &directories, &count);
        add_glob("/usr/local/pgsql/bin", arena, &directories, &count);
    }
    int best = 0;
    *found = NULL;
    for (size_t i = 0; i < count; i++) {
        bool complete = true;
        for (const char *const *program = programs; *program; program++)
            complete = complete && rh_file_exists(rh_arena_printf(arena, "%s/%s", directories[i], *program));
        int major = complete ? major_of(directories[i], programs[0], arena) : 0;
        bool enough = major >= least || best < least;
        if (major > 0 && enough && (is_better(major, best, wanted) || (best < least && major >= least))) {
            best = major;
            *found = directories[i];
        }
    }
    return best;
}

int rh_staging_find_binaries(const char *bindir, rh_arena *arena, const char **found)
{
    return choose(bindir, (const char *const[]){"pg_restore", NULL}, 0, 0, arena, found);
}

int rh_binaries_find_server(const char *bindir, int least, int wanted, rh_arena *arena, const char **found)
{
    return choose(bindir, (const char *const[]){"postgres", "initdb", "pg_dump", "pg_restore", "psql", NULL},
                  least, wanted, arena, found);
}
