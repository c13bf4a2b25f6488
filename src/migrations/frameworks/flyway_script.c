/* Flyway's scripts: settings, placeholders, checksum, and which of them run without a transaction. */
#include "flyway.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/text.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- settings ---- */

/* The value of KEY in a text of key=value lines, the last one's; NULL: none. */
static const char *value_of(const char *text, const char *key, rh_arena *arena)
{
    const char *found = NULL;
    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        const char *p = line + strspn(line, " \t");
        if (strncasecmp(p, key, strlen(key)) != 0)
            continue;
        p += strlen(key) + strspn(p + strlen(key), " \t");
        if (*p != '=')
            continue;
        p += 1 + strspn(p + 1, " \t");
        size_t length = strcspn(p, "\r\n");
        while (length > 0 && isspace((unsigned char)p[length - 1]))
            length--;
        found = rh_arena_strndup(arena, p, length);
    }
    return found;
}

const char *rh_flyway_script_setting(const char *path, const char *key, rh_arena *arena)
{
    char *beside = rh_arena_printf(arena, "%s.conf", path);
    char *text = rh_file_exists(beside) ? rh_file_read(beside, 0, arena, NULL, NULL) : NULL;
    return text ? value_of(text, key, arena) : NULL;
}

const char *rh_flyway_setting(const char *path, const char *key, rh_arena *arena)
{
    char *folder = rh_arena_strdup(arena, path), *slash;
    const char *name = rh_arena_printf(arena, "flyway.%s", key);
    for (int up = 0; up < 6 && (slash = strrchr(folder, '/')) != NULL; up++) {
        *slash = '\0';
        char *file = rh_arena_printf(arena, "%s/flyway.conf", folder);
        char *text = rh_file_exists(file) ? rh_file_read(file, 0, arena, NULL, NULL) : NULL;
        if (text)
            return value_of(text, name, arena);
    }
    return NULL;
}

static bool is_true(const char *value, bool otherwise)
{
    return value ? strcasecmp(value, "true") == 0 : otherwise;
}

/* ---- placeholders ---- */

/* The value of ${NAME}: the tool's own ones as far as they are known without a database, else
 * flyway.placeholders.NAME or FLYWAY_PLACEHOLDERS_NAME. */
static const char *placeholder(const char *path, const char *name, rh_arena *arena)
{
    if (strcasecmp(name, "flyway:filename") == 0)
        return strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    if (strcasecmp(name, "flyway:defaultSchema") == 0)
        return "public";
    if (strcasecmp(name, "flyway:table") == 0)
        return "flyway_schema_history";
    const char *value = rh_flyway_setting(path, rh_arena_printf(arena, "placeholders.%s", name), arena);
    if (value)
        return value;
    char *variable = rh_arena_printf(arena, "FLYWAY_PLACEHOLDERS_%s", name);
    for (char *p = variable; *p; p++)
        *p = (char)toupper((unsigned char)*p);
    return getenv(variable);
}

static bool refuse_placeholder(const char *path, const char *text, const char *at, const char *name,
                               rh_error *error)
{
    int line = 1;
    for (const char *p = text; p < at; p++)
        line += *p == '\n';
    rh_error_set(error, RH_ERROR_SCENARIO, "Flyway has no value for the placeholder ${%s}", name);
    rh_error_hint(error,
                  "Set flyway.placeholders.%s in a flyway.conf in or above the folder, or say "
                  "placeholderReplacement=false there.",
                  name);
    return rh_error_at(error, path, line, 0);
}

/* TEXT with every ${…} replaced, also in comments and strings, as the tool's reader does. NULL on failure. */
static char *replace_placeholders(const char *path, const char *text, rh_arena *arena, rh_error *error)
{
    rh_text out = {0};
    const char *at = text, *open;
    bool ok = true;
    while (ok && (open = strstr(at, "${")) != NULL) {
        const char *close = strchr(open, '}');
        if (!close)
            close = open + strlen(open);
        const char *name = rh_arena_strndup(arena, open + 2, (size_t)(close - open) - 2);
        const char *value = placeholder(path, name, arena);
        ok = value || refuse_placeholder(path, text, open, name, error);
        rh_text_append_bytes(&out, at, (size_t)(open - at));
        rh_text_append(&out, value ? value : "");
        at = *close ? close + 1 : close;
    }
    rh_text_append(&out, at);
    char *copy = ok ? rh_arena_strdup(arena, rh_text_string(&out)) : NULL;
    rh_text_release(&out);
    return copy;
}

static bool replaces(const char *path, rh_arena *arena)
{
    const char *own = rh_flyway_script_setting(path, "placeholderReplacement", arena);
    return is_true(own, is_true(rh_flyway_setting(path, "placeholderReplacement", arena), true));
}

/* ---- checksum ---- */

static uint32_t crc32_add(uint32_t crc, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        crc ^= (unsigned char)bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (0xedb88320U & (0U - (crc & 1U)));
    }
    return crc;
}

bool rh_flyway_checksum(const char *path, bool repeatable, int32_t *checksum)
{
    rh_arena *scratch = rh_arena_new();
    char *text = rh_file_read(path, 0, scratch, NULL, NULL);
    if (text && repeatable && replaces(path, scratch))
        text = replace_placeholders(path, text, scratch, NULL);
    if (text) {
        uint32_t crc = 0xffffffffU;
        const char *at = text + (strncmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0);
        while (*at) {
            size_t length = strcspn(at, "\r\n");
            crc = crc32_add(crc, at, length);
            at += length + (at[length] != '\0');
        }
        *checksum = (int32_t)(crc ^ 0xffffffffU);
    }
    rh_arena_free(scratch);
    return text != NULL;
}

/* ---- the script ---- */

bool rh_flyway_read(const char *path, rh_direction direction, rh_arena *arena, rh_sql_reading *reading,
                    rh_error *error)
{
    (void)direction;
    const char *should = rh_flyway_script_setting(path, "shouldExecute", arena);
    if (should && strcasecmp(should, "true") != 0) {
        rh_error_set(error, RH_ERROR_UNSUPPORTED,
                     "the script's .conf says shouldExecute=%s, which is not evaluated here", should);
        rh_error_hint(error,
                      "Leave the migration out with a list in migrations.pending, or take the line out.");
        return rh_error_at(error, path, 0, 0);
    }
    if (replaces(path, arena) && strstr(reading->text, "${")) {
        reading->text = replace_placeholders(path, reading->text, arena, error);
        if (!reading->text)
            return false;
    }
    const char *own = rh_flyway_script_setting(path, "executeInTransaction", arena);
    const bool all = is_true(rh_flyway_setting(path, "executeInTransaction", arena), true);
    reading->rule = is_true(own, all) ? RH_TRANSACTION_ONE : RH_TRANSACTION_EACH;
    reading->rule_given = own || !all;
    reading->may_mix = is_true(rh_flyway_setting(path, "mixed", arena), false);
    return true;
}

/* PostgreSQLParser.java, detectCanExecuteInTransaction; REINDEX TABLE CONCURRENTLY is not among them. */
static bool needs_none(const rh_statement *statement)
{
    static const char *const starts[] = {
        "CREATE DATABASE ",
        "DROP DATABASE ",
        "CREATE TABLESPACE ",
        "DROP TABLESPACE ",
        "CREATE SUBSCRIPTION ",
        "DROP SUBSCRIPTION ",
        "ALTER SYSTEM ",
        "CREATE INDEX CONCURRENTLY ",
        "CREATE UNIQUE INDEX CONCURRENTLY ",
        "DROP INDEX CONCURRENTLY ",
        "REINDEX SCHEMA ",
        "REINDEX DATABASE ",
        "REINDEX SYSTEM ",
        "REINDEX VERBOSE SCHEMA ",
        "REINDEX VERBOSE DATABASE ",
        "REINDEX VERBOSE SYSTEM ",
        "VACUUM",
        "DISCARD ALL",
    };
    for (size_t i = 0; statement->redacted_sql && i < sizeof starts / sizeof *starts; i++)
        if (strncasecmp(statement->redacted_sql, starts[i], strlen(starts[i])) == 0)
            return true;
    return false;
}

bool rh_flyway_settle(rh_script *script, const rh_sql_reading *reading, rh_error *error)
{
    bool within = false, without = false;
    for (size_t i = 0; i < script->statement_count; i++) {
        const bool none = needs_none(&script->statements[i]);
        within |= !none;
        without |= none;
        if (!within || !without || reading->rule_given || reading->may_mix)
            continue;
        rh_error_set(error, RH_ERROR_SCENARIO,
                     "Flyway refuses this file: it has statements that need a transaction's absence beside "
                     "others (and mixed is false)");
        rh_error_hint(error, "Put CONCURRENTLY and the like into a file of their own, or say "
                             "executeInTransaction=false in the script's .conf.");
        return rh_error_at(error, script->file, script->statements[i].line, script->statements[i].column);
    }
    if (!reading->rule_given)
        script->rule = without ? RH_TRANSACTION_EACH : RH_TRANSACTION_ONE;
    return true;
}
