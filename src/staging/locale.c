#include "locale.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/adapters/process.h"
#include "pgrehearse/base/text.h"
#include <ctype.h>
#include <errno.h>
#include <glob.h>
#include <locale.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define SOURCES "/usr/share/i18n"
static const rh_usec PATIENCE = 60 * RH_SECOND;

bool rh_locale_exists(const char *name)
{
    locale_t locale = newlocale(LC_ALL_MASK, name, (locale_t)0);
    if (locale)
        freelocale(locale);
    return locale != (locale_t)0;
}

/* The parts of "language_TERRITORY.codeset@modifier". */
typedef struct parts {
    const char *input;   /* language_TERRITORY@modifier: a file of locales/ */
    const char *codeset; /* NULL: none */
} parts;

/* False for what no locale is called, and what must not become part of a path. */
static bool split(const char *name, rh_arena *arena, parts *found)
{
    for (const char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("_.@-", *c))
            return false;
    if (!isalpha((unsigned char)*name) || strstr(name, ".."))
        return false;
    size_t language = strcspn(name, ".@");
    const char *modifier = strchr(name, '@') ? strchr(name, '@') : "";
    const char *dot = name[language] == '.' ? name + language + 1 : NULL;
    found->input = rh_arena_printf(arena, "%.*s%s", (int)language, name, modifier);
    found->codeset = dot ? rh_arena_strndup(arena, dot, strcspn(dot, "@")) : NULL;
    return true;
}

/* As the C library compares codesets: letters and digits only, without case. */
static bool same_codeset(const char *a, const char *b)
{
    for (;; a++, b++) {
        while (*a && !isalnum((unsigned char)*a))
            a++;
        while (*b && !isalnum((unsigned char)*b))
            b++;
        if (tolower((unsigned char)*a) != tolower((unsigned char)*b))
            return false;
        if (!*a)
            return true;
    }
}

/* The charmap of a name without a codeset: "de_AT ISO-8859-1" in SUPPORTED. */
static const char *default_charmap(const char *name, rh_arena *arena)
{
    size_t length = strlen(name);
    const char *list = rh_file_read(SOURCES "/SUPPORTED", 1 << 20, arena, NULL, NULL);
    for (const char *line = list; line && *line; line += strcspn(line, "\n"), line += *line == '\n')
        if (strncmp(line, name, length) == 0 && line[length] == ' ')
            return rh_arena_strndup(arena, line + length + 1, strcspn(line + length + 1, " \r\n"));
    return NULL;
}

static const char *charmap_of(const char *codeset, rh_arena *arena)
{
    glob_t found = {0};
    const char *charmap = NULL;
    if (glob(SOURCES "/charmaps/*", 0, NULL, &found) == 0)
        for (size_t i = 0; !charmap && i < found.gl_pathc; i++) {
            const char *file = strrchr(found.gl_pathv[i], '/') + 1;
            size_t length = strlen(file) - (rh_ends_with(file, ".gz") ? 3 : 0);
            const char *name = rh_arena_strndup(arena, file, length);
            if (same_codeset(name, codeset))
                charmap = name;
        }
    globfree(&found);
    return charmap;
}

bool rh_locale_make(const char *name, const char *directory, rh_arena *arena, const char **why)
{
    parts of;
    if (!split(name, arena, &of)) {
        *why = "the C library of this system does not have a locale of that name";
        return false;
    }
    const char *charmap = of.codeset ? charmap_of(of.codeset, arena) : default_charmap(name, arena);
    if (!charmap || !rh_file_exists(rh_arena_printf(arena, SOURCES "/locales/%s", of.input))) {
        *why = "its sources are not in " SOURCES " (Debian: apt install locales)";
        return false;
    }
    const char *path = rh_arena_printf(arena, "%s/%s", directory, name);
    const char *argv[] = {"localedef", "-c", "-i", of.input, "-f", charmap, path, NULL};
    rh_process_options options = {.argv = argv, .directory = "/", .no_network = true};
    rh_text output = {0};
    rh_error failed = {0};
    rh_process_run(&options, PATIENCE, &output, &failed); /* warnings, too, end it with status 1 */
    rh_text_release(&output);
    rh_error_release(&failed);
    *why = "localedef could not compile it";
    return rh_file_exists(rh_arena_printf(arena, "%s/LC_COLLATE", path));
}

/* ---- for a cluster ---- */

/* The locales that sessions and objects of the backup's database name. */
static size_t wanted_locales(const rh_database_facts *origin, const char *names[2])
{
    size_t count = 0;
    const char *const all[] = {origin->collate, origin->ctype};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i] && *all[i] && (count == 0 || strcmp(names[0], all[i]) != 0))
            names[count++] = all[i];
    return count;
}

/* C.UTF-8 is the C library's own. */
static bool is_c(const char *name)
{
    return strcasecmp(name, "C") == 0 || strcasecmp(name, "POSIX") == 0 || strncasecmp(name, "C.", 2) == 0;
}

bool rh_locale_prepare(rh_staging *staging, rh_error *error)
{
    const char *names[2] = {0};
    size_t count = wanted_locales(staging->origin, names);
    bool missing = false;
    for (size_t i = 0; i < count; i++)
        missing = missing || !rh_locale_exists(names[i]);
    if (!missing)
        return true;
    const char *directory = rh_arena_printf(staging->arena, "%s/locale", staging->cluster.directory);
    if (mkdir(directory, 0755) != 0 || chmod(directory, 0755) != 0)
        return rh_error_errno(error, errno, "cannot create the directory %s", directory);
    /* Where LOCPATH is set, the C library does not look into its archive: so all of them are made. */
    for (size_t i = 0; i < count && !staging->locale_missing; i++) {
        if (is_c(names[i]) && rh_locale_exists(names[i]))
            continue;
        rh_progress_update(staging->progress, "staging", names[i], -1, -1, RH_UNIT_NONE);
        if (!rh_locale_make(names[i], directory, staging->arena, &staging->locale_why))
            staging->locale_missing = names[i];
    }
    if (staging->locale_missing)
        return true;
    staging->locale_path = rh_arena_printf(staging->arena, "%s:/usr/lib/locale", directory);
    return !staging->uid || rh_tree_chown(directory, staging->uid, staging->gid, error);
}
