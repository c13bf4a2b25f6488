/* The names of Flyway's files, and the order of their versions. */
#include "flyway.h"
#include "pgrehearse/base/text.h"
#include <string.h>

/* What a file is by its ending, and how much of the name that takes; 0: nothing of Flyway's. */
static size_t ending_of(const char *base, const char **not_sql)
{
    static const struct {
        const char *ending, *not_sql;
    } endings[] = {
        {".sql", NULL},
        {".java", "a program in Java"},
        {".sh", "a shell script"},
        {".bash", "a shell script"},
        {".py", "a script in Python"},
        {".ps1", "a PowerShell script"},
        {".cmd", "a Windows batch script"},
        {".bat", "a Windows batch script"},
    };
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (rh_ends_with(base, endings[i].ending)) {
            *not_sql = endings[i].not_sql;
            return strlen(endings[i].ending);
        }
    return 0;
}

bool rh_flyway_recognise(const char *file_name, rh_arena *arena, rh_migration_file *file)
{
    const char *base = rh_base_name(file_name), kind = *base;
    const size_t ending = ending_of(base, &file->not_sql);
    if (!strchr("VUBR", kind) || kind == '\0' || ending == 0)
        return false;
    char *stem = rh_arena_strndup(arena, base + 1, strlen(base) - 1 - ending);
    char *separator = strstr(stem, "__");
    file->name = "";
    if (separator) {
        file->name = separator + 2;
        *separator = '\0';
    }
    if (kind == 'R') {
        file->id = rh_arena_printf(arena, "R__%s", file->name);
        return separator == stem;
    }
    for (char *p = stem; *p; p++)
        *p = *p == '_' ? '.' : *p;
    if (*stem == '\0' || stem[strspn(stem, "0123456789.")] || *stem == '.' || rh_ends_with(stem, ".") ||
        strstr(stem, ".."))
        return false;
    file->id = kind == 'B' ? rh_arena_printf(arena, "B%s", stem) : stem;
    file->direction = kind == 'U' ? RH_DOWN : RH_UP;
    return true;
}

/* Two runs of digits as numbers of any length; what has ended is 0. */
static int compare_part(const char *a, size_t a_length, const char *b, size_t b_length)
{
    for (; a_length > 0 && *a == '0'; a_length--)
        a++;
    for (; b_length > 0 && *b == '0'; b_length--)
        b++;
    if (a_length != b_length)
        return a_length < b_length ? -1 : 1;
    int order = a_length ? strncmp(a, b, a_length) : 0;
    return (order > 0) - (order < 0);
}

int rh_flyway_compare(const char *a, const char *b)
{
    while (*a || *b) {
        size_t a_length = strcspn(a, "."), b_length = strcspn(b, ".");
        int order = compare_part(a, a_length, b, b_length);
        if (order)
            return order;
        a += a_length + (a[a_length] == '.');
        b += b_length + (b[b_length] == '.');
    }
    return 0;
}

/* As the history has them: "_" is a blank. */
static int compare_descriptions(const char *a, const char *b)
{
    for (;; a++, b++) {
        const unsigned char x = (unsigned char)(*a == '_' ? ' ' : *a),
                            y = (unsigned char)(*b == '_' ? ' ' : *b);
        if (x != y || x == '\0')
            return (x > y) - (x < y);
    }
}

int rh_flyway_compare_files(const rh_migration_file *a, const rh_migration_file *b)
{
    const bool a_last = *a->id == 'R', b_last = *b->id == 'R';
    if (a_last || b_last)
        return a_last && b_last ? compare_descriptions(a->name, b->name) : (int)a_last - (int)b_last;
    const bool a_base = *a->id == 'B', b_base = *b->id == 'B';
    int order = rh_flyway_compare(a->id + a_base, b->id + b_base);
    return order ? order : (int)a_base - (int)b_base;
}

bool rh_flyway_is_repeatable(const rh_migration *migration)
{
    return *migration->id == 'R';
}

bool rh_flyway_is_baseline(const rh_migration *migration)
{
    return *migration->id == 'B';
}

const char *rh_flyway_version(const rh_migration *migration)
{
    return migration->id + rh_flyway_is_baseline(migration);
}

const char *rh_flyway_script_name(const rh_plan *plan, const char *file)
{
    const size_t length = plan->folder ? strlen(plan->folder) : 0;
    if (length == 0 || strncmp(file, plan->folder, length) != 0)
        return rh_base_name(file);
    return file + length + strspn(file + length, "/");
}

const char *rh_flyway_description(const char *file, rh_arena *arena)
{
    const char *none, *base = rh_base_name(file), *separator = strstr(base, "__");
    if (!separator)
        return "";
    return rh_arena_strndup(arena, separator + 2, strlen(separator + 2) - ending_of(base, &none));
}
