#include "tool_marks.h"
#include "detect.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/base/scan.h"
#include <ctype.h>
#include <string.h>
#include <strings.h>

/* ---- comments ---- */

/* In small letters, with single blanks. The comment begins so. */
static const struct {
    const char *tool, *start;
    bool both_directions;
} COMMENTS[] = {
    {"sql-migrate", "-- +migrate down", true},
    {"sql-migrate", "-- +migrate up", false},
    {"tern", "---- create above / drop below ----", true},
    {"tern", "---- tern: disable-tx ----", false},
    {"MyBatis Migrations", "-- //@undo", true},
    {"MyBatis Migrations", "--//@undo", true},
    {"MyBatis Migrations", "-- @undo", true},
    {"MyBatis Migrations", "--@undo", true},
    {"Play evolutions", "# --- !downs", true},
    {"Play evolutions", "#--- !downs", true},
    {"Play evolutions", "-- !downs", true},
    {"Play evolutions", "--- !downs", true},
    {"Play evolutions", "# --- !ups", false},
    {"Play evolutions", "#--- !ups", false},
    {"Play evolutions", "-- !ups", false},
    {"Play evolutions", "--- !ups", false},
    {"dbmate", "-- migrate:down", true},
    {"dbmate", "--migrate:down", true},
    {"dbmate", "-- migrate:up", false},
    {"goose", "-- +goose down", true},
    {"goose", "--+goose down", true},
    {"goose", "-- +goose up", false},
    {"node-pg-migrate", "-- down migration", true},
    {"node-pg-migrate", "-- up migration", false},
    {"micrate", "-- +micrate down", true},
    {"micrate", "-- +micrate up", false},
    {"rambler", "-- rambler down", true},
    {"rambler", "-- rambler up", false},
    {"shmig", "-- ==== down ====", true},
    {"shmig", "-- ==== up ====", false},
    {"Liquibase", "--liquibase formatted sql", false},
    {"Liquibase", "-- liquibase formatted sql", false},
    {"Liquibase", "--changeset ", false},
    {"graphile-migrate", "--! previous:", false},
    {"graphile-migrate", "--! no-transaction", false},
    {"graphile-migrate", "--!include ", false},
    {"Atlas", "-- atlas:", false},
    {"yoyo", "-- depends:", false},
    {"yoyo", "-- transactional:", false},
    {"bun", "--bun:split", false},
    {"Drizzle", "--> statement-breakpoint", false},
};

/* COMMENT (to the end of its line) in small letters with single blanks. */
static void normalise(const char *comment, size_t length, rh_text *out)
{
    rh_text_clear(out);
    for (size_t i = 0; i < length; i++) {
        const bool blank = isspace((unsigned char)comment[i]);
        if (!blank)
            rh_text_append_char(out, (char)tolower((unsigned char)comment[i]));
        else if (i + 1 < length && !isspace((unsigned char)comment[i + 1]))
            rh_text_append_char(out, ' ');
    }
}

/* "down", "--- rollback ---", "@undo": only a word for a down migration. */
static bool names_down(const char *comment)
{
    static const char *const words[] = {
        "down",         "downs",          "undo",         "rollback",         "revert",
        "migrate down", "migration down", "down section", "rollback section", NULL};
    const char *from = comment + strspn(comment, "-#+=*@!/:_ <>[]");
    size_t length = strlen(from);
    while (length > 0 && strchr("-#+=*@!/:_ <>[]", from[length - 1]))
        length--;
    for (size_t i = 0; words[i]; i++)
        if (strlen(words[i]) == length && strncmp(from, words[i], length) == 0)
            return true;
    return false;
}

/* The comment that begins at AT; 0: none that is a mark by itself: a block comment of several lines, or one
 * with SQL behind it. */
static size_t comment_length(const char *text, size_t at, bool own_line)
{
    if ((text[at] == '-' && text[at + 1] == '-') || (text[at] == '#' && own_line))
        return strcspn(text + at, "\n");
    if (text[at] != '/' || text[at + 1] != '*')
        return 0;
    const size_t length = rh_scan_past(text, at) - at, line = strcspn(text + at, "\n");
    return length <= line && length + strspn(text + at + length, " \t\r") == line ? length : 0;
}

/* Is there a statement, other than a ROLLBACK, from AT on? */
static bool statement_follows(const char *text, size_t at)
{
    while (text[at]) {
        const char c = text[at];
        if ((c == '-' && text[at + 1] == '-') || (c == '/' && text[at + 1] == '*')) {
            at = rh_scan_past(text, at);
            continue;
        }
        if (!isspace((unsigned char)c) && c != ';')
            return strncasecmp(text + at, "rollback", 8) != 0;
        at++;
    }
    return false;
}

/* Which mark the comment at AT is. STATEMENT: SQL precedes it. */
static bool read_comment(const char *text, size_t at, size_t length, bool own_line, bool statement,
                         rh_text *scratch, rh_tool_mark *mark)
{
    normalise(text + at, length, scratch);
    const char *comment = rh_text_string(scratch);
    *mark = (rh_tool_mark){0};
    for (size_t i = 0; i < sizeof COMMENTS / sizeof *COMMENTS; i++) {
        if (!rh_starts_with(comment, COMMENTS[i].start))
            continue;
        if (!own_line && !rh_starts_with(COMMENTS[i].start, "-->"))
            continue;
        mark->tool = COMMENTS[i].tool;
        mark->both_directions = COMMENTS[i].both_directions;
        return true;
    }
    if (at == 0 && rh_starts_with(comment, "-- no-transaction")) {
        mark->tool = "sqlx";
        return true;
    }
    mark->both_directions =
        own_line && statement && names_down(comment) && statement_follows(text, at + length);
    return mark->both_directions;
}

bool rh_marks_in_text(const char *text, rh_arena *arena, rh_tool_mark *mark)
{
    rh_text scratch = {0};
    bool own_line = true, statement = false;
    int line = 1;
    *mark = (rh_tool_mark){0};
    for (size_t at = 0; text[at] && !mark->both_directions;) {
        const size_t length = comment_length(text, at, own_line);
        const bool comment = length > 0;
        rh_tool_mark found;
        if (comment && read_comment(text, at, length, own_line, statement, &scratch, &found) &&
            (!mark->text || found.both_directions)) {
            *mark = found;
            mark->text =
                rh_arena_strndup(arena, text + at, length - (length > 0 && text[at + length - 1] == '\r'));
            mark->line = line;
        }
        const size_t next = comment ? at + length : rh_scan_past(text, at);
        if (!comment && !isspace((unsigned char)text[at]) && text[at] != ';' &&
            strncmp(text + at, "/*", 2) != 0)
            statement = true;
        for (; at < next; at++) {
            own_line = text[at] == '\n' || (own_line && isspace((unsigned char)text[at]));
            line += text[at] == '\n';
        }
    }
    rh_text_release(&scratch);
    return mark->text != NULL;
}

/* ---- files beside them ---- */

static const struct {
    const char *tool, *file; /* relative to the folder */
    const char *text;        /* which the file has; NULL: the file is enough */
} FILES[] = {
    {"Drizzle", "meta/_journal.json", NULL},
    {"Atlas", "atlas.sum", NULL},
    {"graphile-migrate", ".gmrc", NULL},
    {"graphile-migrate", "../.gmrc", NULL},
    {"graphile-migrate", "../../.gmrc", NULL},
    {"graphile-migrate", "../.gmrc.js", NULL},
    {"graphile-migrate", "../../.gmrc.js", NULL},
    {"yandex-pgmigrate", "migrations.yml", NULL},
    {"yandex-pgmigrate", "../migrations.yml", NULL},
    {"tern", "tern.conf", NULL},
    {"yoyo", "yoyo.ini", NULL},
    {"yoyo", "../yoyo.ini", NULL},
    {"refinery", "refinery.toml", NULL},
    {"refinery", "../refinery.toml", NULL},
    {"refinery", "../Cargo.toml", "refinery"},
    {"sqlx", "../.sqlx", NULL},
    {"sqlx", "../Cargo.toml", "sqlx"},
    {"sql-migrate", "../dbconfig.yml", NULL},
    {"Hasura", "../../config.yaml", "metadata_directory"},
    {"Hasura", "../config.yaml", "metadata_directory"},
    {"Sqitch", "../sqitch.plan", NULL},
};

static bool file_has(const char *path, const char *words)
{
    rh_arena *scratch = rh_arena_new();
    const char *text = rh_file_read(path, INT64_C(1) << 24, scratch, NULL, NULL);
    const bool has = text && strcasestr(text, words);
    rh_arena_free(scratch);
    return has;
}

/* Supabase's folder is known by its path. */
static bool is_supabase(const char *folder, rh_arena *arena)
{
    return rh_ends_with(folder, "/supabase/migrations") ||
           file_has(rh_arena_printf(arena, "%s/../config.toml", folder), "project_id");
}

/* The tool of a file beside the migrations, and the file's name; NULL: none. */
static const char *tool_beside(const char *folder, rh_arena *arena, const char **file)
{
    for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++) {
        const char *path = rh_arena_printf(arena, "%s/%s", folder, FILES[i].file);
        *file = FILES[i].file;
        if (FILES[i].text ? rh_file_exists(path) && file_has(path, FILES[i].text)
                          : rh_file_exists(path) || rh_directory_exists(path))
            return FILES[i].tool;
    }
    *file = "../config.toml";
    return is_supabase(folder, arena) ? "Supabase" : NULL;
}

/* The tool of a file's own name or of what lies beside that one file. */
static const char *tool_of_name(const rh_migration_file *file, rh_arena *arena, const char **why)
{
    const size_t digits = strspn(file->file, "0123456789");
    if (rh_ends_with(file->file, "/migration.sql") &&
        rh_file_exists(rh_path_beside(file->path, "snapshot.json", arena))) {
        *why = "with a snapshot.json beside it";
        return "Drizzle 1.0";
    }
    if (rh_ends_with(file->file, ".tx.up.sql") || rh_ends_with(file->file, ".tx.down.sql")) {
        *why = "with .tx in its name";
        return "bun";
    }
    if (digits == 13 && rh_ends_with(file->file, "/up.sql")) {
        *why = "in a folder that is named by milliseconds";
        return "Hasura";
    }
    return NULL;
}

/* ---- what is refused ---- */

static bool refuse_beside(const rh_scenario *scenario, const rh_framework_rules *rules, const char *tool,
                          const char *file, rh_arena *arena, rh_error *error)
{
    rh_error_set(
        error, RH_ERROR_SCENARIO,
        "%s carries a mark of %s (%s); read as %s it would have another history and other transactions",
        scenario->migrations.path, tool, file, rules->name);
    rh_error_hint(error, "%s", rh_tool_advice(rh_tool_named(tool), arena));
    return rh_error_at_migrations(scenario, error);
}

static bool refuse_mark(const rh_tool_mark *mark, const char *path, const char *read_as, rh_arena *arena,
                        rh_error *error)
{
    const rh_tool *tool = mark->tool ? rh_tool_named(mark->tool) : NULL;
    if (mark->both_directions)
        rh_error_set(
            error, RH_ERROR_SCENARIO,
            "\"%s\" separates the up migration from the down migration%s%s, and as %s both would run",
            mark->text, tool ? " for " : "", tool ? tool->name : "", read_as);
    else
        rh_error_set(error, RH_ERROR_SCENARIO, "\"%s\" is a mark of %s, and the file would be read as %s",
                     mark->text, tool->name, read_as);
    if (tool && tool->framework)
        rh_error_hint(error,
                      "Set migrations.framework: %s, or split the file into NAME.up.sql and NAME.down.sql.",
                      tool->framework);
    else if (mark->both_directions)
        rh_error_hint(error,
                      "Split the file into NAME.up.sql and NAME.down.sql, or run %s itself by "
                      "migrations.command%s.",
                      tool ? tool->name : "the tool",
                      tool ? "" : "; if it is only a comment, change its words");
    else
        rh_error_hint(error, "%s", rh_tool_advice(tool, arena));
    return rh_error_at(error, path, mark->line, 0);
}

bool rh_marks_check(const rh_scenario *scenario, const rh_framework_rules *rules,
                    const rh_migration_files *list, rh_arena *arena, rh_error *error)
{
    const char *file, *folder = scenario->migrations.path;
    const char *tool = rh_directory_exists(folder) ? tool_beside(folder, arena, &file) : NULL;
    if (tool)
        return refuse_beside(scenario, rules, tool, file, arena, error);
    for (size_t i = 0; i < list->count; i++) {
        const char *why, *named = tool_of_name(&list->files[i], arena, &why);
        rh_arena *scratch = rh_arena_new();
        const char *text = rh_file_read(list->files[i].path, INT64_C(1) << 24, scratch, NULL, NULL);
        rh_tool_mark mark;
        bool ok = true;
        if (named)
            ok = refuse_beside(scenario, rules, named,
                               rh_arena_printf(arena, "%s, %s", list->files[i].file, why), arena, error);
        else if (text && rh_marks_in_text(text, arena, &mark))
            ok = refuse_mark(&mark, list->files[i].path, rules->name, arena, error);
        rh_arena_free(scratch);
        if (!ok)
            return false;
    }
    return true;
}

bool rh_marks_check_direction(const char *path, const char *text, rh_error *error)
{
    rh_arena *scratch = rh_arena_new();
    rh_tool_mark mark;
    bool ok = !rh_marks_in_text(text, scratch, &mark) || !mark.both_directions ||
              refuse_mark(&mark, path, "plain SQL", scratch, error);
    rh_arena_free(scratch);
    return ok;
}

bool rh_files_mention(const char *folder, const char *words, rh_arena *arena)
{
    char **names;
    size_t count;
    if (!rh_directory_exists(folder))
        return file_has(folder, words);
    if (!rh_directory_list(folder, arena, &names, &count, NULL))
        return false;
    for (size_t i = 0; i < count; i++)
        if (rh_ends_with(names[i], ".sql") &&
            file_has(rh_arena_printf(arena, "%s/%s", folder, names[i]), words))
            return true;
    return false;
}
