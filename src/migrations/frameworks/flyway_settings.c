/* Flyway's settings, as far as they change what a migration does: from the environment, else from the nearest
 * flyway.toml, else from the nearest flyway.conf, in or above the folder
 * (internal/configuration/ConfigUtils.java; "Configuration order" in the documentation). */
#include "flyway.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/relation.h"
#include "pgrehearse/base/text.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A line of a file of settings, without blanks around it. */
typedef struct setting_line {
    const char *text;
    size_t length;
    int number;
} setting_line;

/* The next one from *AT; false at the end. */
static bool next_line(const char **at, setting_line *line)
{
    if (!**at)
        return false;
    const char *p = *at + strspn(*at, " \t\r"), *end = *at + strcspn(*at, "\n");
    *at = end + (*end == '\n');
    while (end > p && isspace((unsigned char)end[-1]))
        end--;
    line->text = p;
    line->length = end > p ? (size_t)(end - p) : 0;
    line->number++;
    return true;
}

/* Where the value of a line "KEY = value" begins; NULL: the line is not one of KEY. */
static const char *value_start(const setting_line *line, const char *key)
{
    const char *end = line->text + line->length, *p = line->text + strlen(key);
    if (line->length < strlen(key) || strncasecmp(line->text, key, strlen(key)) != 0)
        return NULL;
    p += strspn(p, " \t");
    if (p >= end || *p != '=')
        return NULL;
    p += 1 + strspn(p + 1, " \t");
    return p < end ? p : end;
}

static rh_flyway_value find_in_conf(const char *text, const char *key, rh_arena *arena)
{
    rh_flyway_value found = {0};
    setting_line line = {0};
    while (next_line(&text, &line)) {
        const char *start = value_start(&line, key);
        if (start)
            found = (rh_flyway_value){
                .value = rh_arena_strndup(arena, start, (size_t)(line.text + line.length - start)),
                .line = line.number};
    }
    return found;
}

/* ---- flyway.toml ---- */

/* A string in quotes from AT, at its opening one; AT is moved behind it. */
static void read_quoted(const char **at, const char *end, rh_text *out)
{
    const char quote = **at;
    for ((*at)++; *at < end && **at != quote; (*at)++) {
        if (**at == '\\' && quote == '"' && *at + 1 < end)
            (*at)++;
        rh_text_append_char(out, **at);
    }
    *at += *at < end;
}

/* A string, the strings of an array with commas between them, or the bare word. */
static const char *toml_value(const char *at, const char *end, rh_arena *arena)
{
    rh_text out = {0};
    if (*at == '[') {
        for (size_t count = 0; at < end && *at != ']';) {
            if (*at != '"' && *at != '\'') {
                at++;
                continue;
            }
            if (count++ > 0)
                rh_text_append_char(&out, ',');
            read_quoted(&at, end, &out);
        }
    } else if (*at == '"' || *at == '\'') {
        read_quoted(&at, end, &out);
    } else {
        const char *comment = memchr(at, '#', (size_t)(end - at));
        for (end = comment ? comment : end; end > at && isspace((unsigned char)end[-1]);)
            end--;
        rh_text_append_bytes(&out, at, (size_t)(end - at));
    }
    const char *copy = rh_arena_strdup(arena, rh_text_string(&out));
    rh_text_release(&out);
    return copy;
}

/* Is KEY, the whole of it, SECTION's and the line's together? Then where the value begins. */
static const char *toml_start(const setting_line *line, const char *section, const char *key)
{
    const size_t length = strlen(section);
    if (length > 0 && (strncasecmp(key, section, length) != 0 || key[length] != '.'))
        return NULL;
    return value_start(line, length > 0 ? key + length + 1 : key);
}

static rh_flyway_value find_in_toml(const char *text, const char *key, rh_arena *arena)
{
    rh_flyway_value found = {0};
    setting_line line = {0};
    const char *section = "";
    while (next_line(&text, &line)) {
        const char *end = line.text + line.length;
        if (line.length > 0 && *line.text == '[') {
            const char *close = memchr(line.text, ']', line.length);
            section = rh_arena_strndup(arena, line.text + 1, (size_t)((close ? close : end) - line.text - 1));
            continue;
        }
        const char *start = toml_start(&line, section, key);
        if (start && start < end)
            found = (rh_flyway_value){.value = toml_value(start, end, arena), .line = line.number};
    }
    return found;
}

/* ---- which of them ---- */

/* FLYWAY_OUT_OF_ORDER for outOfOrder; a placeholder's name has no capitals of its own. */
static const char *from_environment(const char *key, rh_arena *arena)
{
    rh_text name = {0};
    const bool plain = rh_starts_with(key, "placeholders.");
    rh_text_append(&name, "FLYWAY_");
    for (const char *p = key; *p; p++) {
        if (!plain && isupper((unsigned char)*p))
            rh_text_append_char(&name, '_');
        rh_text_append_char(&name, *p == '.' ? '_' : (char)toupper((unsigned char)*p));
    }
    const char *value = getenv(name.data);
    rh_text_release(&name);
    return value ? rh_arena_strdup(arena, value) : NULL;
}

rh_flyway_value rh_flyway_find(const char *path, const char *key, rh_arena *arena)
{
    static const struct {
        const char *file;
        rh_flyway_value (*find)(const char *text, const char *key, rh_arena *arena);
    } kinds[] = {{"flyway.toml", find_in_toml}, {"flyway.conf", find_in_conf}};
    rh_flyway_value found = {.value = from_environment(key, arena)};
    const char *name = rh_arena_printf(arena, "flyway.%s", key);
    for (size_t k = 0; k < 2 && !found.value; k++) {
        char *folder = rh_arena_strdup(arena, path), *slash;
        for (int up = 0; up < 6 && (slash = strrchr(folder, '/')) != NULL; up++) {
            *slash = '\0';
            const char *file = rh_arena_printf(arena, "%s/%s", folder, kinds[k].file);
            char *text = rh_file_exists(file) ? rh_file_read(file, 0, arena, NULL, NULL) : NULL;
            if (!text)
                continue;
            found = kinds[k].find(text, name, arena);
            found.file = file;
            break;
        }
    }
    return found;
}

const char *rh_flyway_setting(const char *path, const char *key, rh_arena *arena)
{
    return rh_flyway_find(path, key, arena).value;
}

static bool is_true(const char *value, bool otherwise)
{
    return value ? strcasecmp(value, "true") == 0 : otherwise;
}

bool rh_flyway_is(const char *path, const char *key, bool otherwise, rh_arena *arena)
{
    return is_true(rh_flyway_setting(path, key, arena), otherwise);
}

rh_flyway_value rh_flyway_script_find(const char *path, const char *key, rh_arena *arena)
{
    const char *beside = rh_arena_printf(arena, "%s.conf", path);
    char *text = rh_file_exists(beside) ? rh_file_read(beside, 0, arena, NULL, NULL) : NULL;
    rh_flyway_value found = text ? find_in_conf(text, key, arena) : (rh_flyway_value){0};
    found.file = beside;
    return found;
}

bool rh_flyway_script_is(const char *path, const char *key, bool otherwise, rh_arena *arena)
{
    return is_true(rh_flyway_script_find(path, key, arena).value, otherwise);
}

/* ---- what is not imitated ---- */

bool rh_flyway_check_settings(const rh_plan *plan, const char *path, rh_arena *arena, rh_error *error)
{
    rh_relation table;
    if (!rh_relation_parse(plan->history_table, arena, &table))
        table.name = RH_FLYWAY_TABLE;
    const struct {
        const char *key, *value; /* the only one that changes nothing here */
    } fixed[] = {
        {"sqlMigrationPrefix", "V"},
        {"undoSqlMigrationPrefix", "U"},
        {"baselineMigrationPrefix", "B"},
        {"repeatableSqlMigrationPrefix", "R"},
        {"sqlMigrationSeparator", "__"},
        {"sqlMigrationSuffixes", ".sql"},
        {"placeholderSeparator", ":"},
        {"table", table.name},
        {"defaultSchema", "public"},
        {"schemas", "public"},
        {"target", "latest"},
        {"cherryPick", ""},
        {"initSql", ""},
        {"encoding", "UTF-8"},
        {"skipExecutingMigrations", "false"},
    };
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        const rh_flyway_value found = rh_flyway_find(path, fixed[i].key, arena);
        if (!found.value || !*found.value || strcasecmp(found.value, fixed[i].value) == 0)
            continue;
        rh_error_set(error, RH_ERROR_UNSUPPORTED, "flyway.%s is %s, which is not supported", fixed[i].key,
                     found.value);
        if (strcmp(fixed[i].key, "table") == 0)
            rh_error_hint(error, "Set migrations.history: %s.", found.value);
        else
            rh_error_hint(error, "Run Flyway itself with migrations.command, or rehearse with %s.",
                          *fixed[i].value ? fixed[i].value : "none");
        return found.file ? rh_error_at(error, found.file, found.line, 0) : false;
    }
    return true;
}
