/* Flyway's scripts: placeholders, checksum, and which of them run without a transaction. */
#include "flyway.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/text.h"
#include <ctype.h>
#include <string.h>
#include <strings.h>

/* ---- placeholders ---- */

/* What the tool learns from its connection or its clock; ParsingContext.java. */
static bool is_of_the_run(const char *name)
{
    static const char *const names[] = {"flyway:database", "flyway:user", "flyway:timestamp",
                                        "flyway:workingDirectory", "flyway:environment"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(name, names[i]) == 0)
            return true;
    return false;
}

/* The value of ${NAME}; NULL: none. */
static const char *placeholder(const char *path, const char *name, rh_arena *arena)
{
    if (strcasecmp(name, "flyway:filename") == 0)
        return rh_base_name(path);
    if (strcasecmp(name, "flyway:defaultSchema") == 0)
        return "public";
    if (strcasecmp(name, "flyway:table") == 0)
        return RH_FLYWAY_TABLE;
    return rh_flyway_setting(path, rh_arena_printf(arena, "placeholders.%s", name), arena);
}

static bool refuse_placeholder(const char *path, int line, const char *name, rh_error *error)
{
    if (is_of_the_run(name)) {
        rh_error_set(error, RH_ERROR_UNSUPPORTED,
                     "${%s} is what Flyway finds when it runs on production, which is not known here", name);
        rh_error_hint(error, "Set flyway.placeholders.%s in flyway.conf: Flyway itself ignores that.", name);
    } else {
        rh_error_set(error, RH_ERROR_SCENARIO, "Flyway has no value for the placeholder ${%s}", name);
        rh_error_hint(
            error,
            "Set flyway.placeholders.%s in a flyway.conf in or above the folder, or set placeholderReplacement=false there.",
            name);
    }
    return rh_error_at(error, path, line, 0);
}

static int line_of(const char *text, const char *at)
{
    int line = 1;
    for (; text < at; text++)
        line += *text == '\n';
    return line;
}

/* TEXT, of the file FILE, with every ${…} replaced as for the script at PATH, also in comments and strings,
 * as the tool's reader does. NULL on failure. */
static char *replace_placeholders(const char *path, const char *file, const char *text, rh_arena *arena,
                                  rh_error *error)
{
    const char *prefix = rh_flyway_setting(path, "placeholderPrefix", arena);
    const char *suffix = rh_flyway_setting(path, "placeholderSuffix", arena);
    prefix = prefix && *prefix ? prefix : "${";
    suffix = suffix && *suffix ? suffix : "}";
    rh_text out = {0};
    const char *at = text, *open;
    bool ok = true;
    while (ok && (open = strstr(at, prefix)) != NULL) {
        const char *start = open + strlen(prefix), *close = strstr(start, suffix);
        const char *end = close ? close : start + strlen(start);
        const char *name = rh_arena_strndup(arena, start, (size_t)(end - start));
        const char *value = placeholder(path, name, arena);
        ok = value || refuse_placeholder(file, line_of(text, open), name, error);
        rh_text_append_bytes(&out, at, (size_t)(open - at));
        rh_text_append(&out, value ? value : "");
        at = close ? close + strlen(suffix) : end;
    }
    rh_text_append(&out, at);
    char *copy = ok ? rh_arena_strdup(arena, rh_text_string(&out)) : NULL;
    rh_text_release(&out);
    return copy;
}

static bool replaces(const char *path, rh_arena *arena)
{
    return rh_flyway_script_is(path, "placeholderReplacement",
                               rh_flyway_is(path, "placeholderReplacement", true, arena), arena);
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
        text = replace_placeholders(path, path, text, scratch, NULL);
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

/* The value of KEY in the script's .conf, its placeholders replaced. NULL: none, or one that cannot be. */
static const char *conf_value(const char *path, const char *key, rh_arena *arena)
{
    const rh_flyway_value found = rh_flyway_script_find(path, key, arena);
    return found.value ? replace_placeholders(path, found.file, found.value, arena, NULL) : NULL;
}

bool rh_flyway_is_left_out(const char *path, rh_arena *arena)
{
    const char *should = conf_value(path, "shouldExecute", arena);
    return should && strcasecmp(should, "false") == 0;
}

static bool check_should_execute(const char *path, rh_arena *arena, rh_error *error)
{
    const rh_flyway_value found = rh_flyway_script_find(path, "shouldExecute", arena);
    const char *should = conf_value(path, "shouldExecute", arena);
    if (!found.value || (should && (strcasecmp(should, "true") == 0 || strcasecmp(should, "false") == 0)))
        return true;
    rh_error_set(error, RH_ERROR_UNSUPPORTED, "shouldExecute=%s of the script is not evaluated here",
                 found.value);
    rh_error_hint(error,
                  "Leave the migration out with a list in migrations.pending, or set it to true or false.");
    return rh_error_at(error, found.file, found.line, 0);
}

bool rh_flyway_read(const char *path, rh_direction direction, rh_arena *arena, rh_sql_reading *reading,
                    rh_error *error)
{
    (void)direction;
    if (!check_should_execute(path, arena, error))
        return false;
    if (replaces(path, arena)) {
        reading->text = replace_placeholders(path, path, reading->text, arena, error);
        if (!reading->text)
            return false;
    }
    const char *own = conf_value(path, "executeInTransaction", arena);
    const bool all = rh_flyway_is(path, "executeInTransaction", true, arena);
    const bool in_one = own ? strcasecmp(own, "true") == 0 : all;
    reading->rule = in_one ? RH_TRANSACTION_ONE : RH_TRANSACTION_EACH;
    reading->rule_given = own || !all;
    reading->may_mix = rh_flyway_is(path, "mixed", false, arena);
    return true;
}

/* The statement's first words outside of parentheses, in capitals, as Parser.java collects them: an
 * identifier in quotes, with a digit or with a dot is none. */
static size_t first_words(const char *sql, char *words, size_t limit)
{
    size_t length = 0;
    int depth = 0;
    for (const char *p = sql; *p;) {
        const char *start = p;
        if (*p == '"' || *p == '\'') {
            const char quote = *p++;
            p += strcspn(p, quote == '"' ? "\"" : "'");
            p += *p != '\0';
        } else if (isalnum((unsigned char)*p) || *p == '_') {
            while (isalnum((unsigned char)*p) || strchr("_.$", *p ? *p : ' '))
                p++;
            bool word = depth == 0;
            for (const char *c = start; c < p; c++)
                word &= isalpha((unsigned char)*c) || *c == '_';
            if (word && length + (size_t)(p - start) + 2 > limit)
                break;
            if (word && length > 0)
                words[length++] = ' ';
            for (; word && start < p; start++)
                words[length++] = (char)toupper((unsigned char)*start);
        } else {
            depth += (*p == '(') - (*p == ')');
            p++;
        }
    }
    words[length] = '\0';
    return length;
}

/* PostgreSQLParser.java, detectCanExecuteInTransaction; REINDEX TABLE CONCURRENTLY is not among them. */
static bool needs_none(const rh_statement *statement)
{
    static const char *const starts[] = {
        "CREATE DATABASE",
        "DROP DATABASE",
        "CREATE TABLESPACE",
        "DROP TABLESPACE",
        "CREATE SUBSCRIPTION",
        "DROP SUBSCRIPTION",
        "ALTER SYSTEM",
        "CREATE INDEX CONCURRENTLY",
        "CREATE UNIQUE INDEX CONCURRENTLY",
        "DROP INDEX CONCURRENTLY",
        "REINDEX SCHEMA",
        "REINDEX DATABASE",
        "REINDEX SYSTEM",
        "REINDEX VERBOSE SCHEMA",
        "REINDEX VERBOSE DATABASE",
        "REINDEX VERBOSE SYSTEM",
        "VACUUM",
        "DISCARD ALL",
    };
    char words[64];
    const size_t length =
        first_words(statement->redacted_sql ? statement->redacted_sql : "", words, sizeof words);
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        const size_t end = strlen(starts[i]);
        if (strncmp(words, starts[i], end) == 0 && (length == end || words[end] == ' '))
            return true;
    }
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
        rh_error_set(
            error, RH_ERROR_SCENARIO,
            "Flyway refuses this file: it mixes statements that cannot run in a transaction with others (and mixed is false)");
        rh_error_hint(error, "Put CONCURRENTLY and the like into a file of their own, or say "
                             "executeInTransaction=false in the script's .conf.");
        return rh_error_at(error, script->file, script->statements[i].line, script->statements[i].column);
    }
    if (!reading->rule_given)
        script->rule = without ? RH_TRANSACTION_EACH : RH_TRANSACTION_ONE;
    return true;
}
