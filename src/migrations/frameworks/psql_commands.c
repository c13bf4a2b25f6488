/* psql's commands: documentation of psql, "Meta-Commands". A command ends with its line. */
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/text.h"
#include "psql_script.h"
#include "psql_walk.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef enum action { SHOWS, SETS, UNSETS, INCLUDES, INCLUDES_BESIDE, REACHES_OUT, COPIES, SENDS } action;

static const struct {
    const char *name;
    action action;
} COMMANDS[] = {
    {"echo", SHOWS},
    {"qecho", SHOWS},
    {"warn", SHOWS},
    {"pset", SHOWS},
    {"timing", SHOWS},
    {"x", SHOWS},
    {"t", SHOWS},
    {"a", SHOWS},
    {"C", SHOWS},
    {"f", SHOWS},
    {"H", SHOWS},
    {"T", SHOWS},
    {"conninfo", SHOWS},
    {"errverbose", SHOWS},
    {"restrict", SHOWS},
    {"unrestrict", SHOWS},
    {"l", SHOWS},
    {"sf", SHOWS},
    {"sv", SHOWS},
    {"z", SHOWS},
    {"set", SETS},
    {"unset", UNSETS},
    {"i", INCLUDES},
    {"include", INCLUDES},
    {"ir", INCLUDES_BESIDE},
    {"include_relative", INCLUDES_BESIDE},
    {"g", SENDS},
    {"!", REACHES_OUT},
    {"o", REACHES_OUT},
    {"out", REACHES_OUT},
    {"w", REACHES_OUT},
    {"write", REACHES_OUT},
    {"e", REACHES_OUT},
    {"edit", REACHES_OUT},
    {"ef", REACHES_OUT},
    {"ev", REACHES_OUT},
    {"s", REACHES_OUT},
    {"setenv", REACHES_OUT},
    {"cd", REACHES_OUT},
    {"lo_import", REACHES_OUT},
    {"lo_export", REACHES_OUT},
    {"copy", COPIES},
};

static bool refuse_unknown(const rh_psql_walk *w, const char *name)
{
    return rh_psql_refuse(w, RH_ERROR_UNSUPPORTED, "framework: command runs the tool with psql as it is.",
                          "psql's \\%s is not replayed", name);
}

static bool refuse_reach(const rh_psql_walk *w, const char *name)
{
    return rh_psql_refuse(w, RH_ERROR_REFUSED,
                          "A rehearsal runs no program and writes no file: take the line out.",
                          "\\%s starts a program or reaches a file", name);
}

/* Those that change what the script does. */
static bool check_set(const rh_psql_walk *w, const char *name, const char *value)
{
    static const char *const special[] = {"AUTOCOMMIT", "ON_ERROR_STOP", "ON_ERROR_ROLLBACK", "SINGLELINE"};
    bool on = value && (strcasecmp(value, "on") == 0 || strcasecmp(value, "true") == 0 ||
                        strcasecmp(value, "1") == 0 || strcasecmp(value, "yes") == 0);
    for (size_t i = 0; i < sizeof special / sizeof *special; i++)
        if (strcmp(name, special[i]) == 0 && on != (i < 2))
            return rh_psql_refuse(w, RH_ERROR_UNSUPPORTED,
                                  "Take the line out, or run the tool as it is with framework: command.",
                                  "with %s %s psql would continue differently from the replay", name,
                                  on ? "on" : "off");
    return true;
}

/* Nothing outside of the tool's folder is read: no absolute path, no "..", no link that leads out. */
static bool include(rh_psql_walk *w, const char *name, bool beside)
{
    rh_psql *p = w->p;
    if (!name)
        return rh_psql_refuse(w, RH_ERROR_SCENARIO, "Name the file.", "\\i names no file");
    if (rh_psql_within_statement(w))
        return rh_psql_refuse(w, RH_ERROR_UNSUPPORTED, "framework: command runs the tool with psql as it is.",
                              "\\i within a statement is not replayed");
    const char *path = *name == '/' ? name
                       : beside     ? rh_path_beside(w->path, name, p->arena)
                                    : rh_arena_printf(p->arena, "%s/%s", p->folder, name);
    char *real = realpath(path, NULL), *root = realpath(p->folder, NULL);
    const bool inside = real && root && rh_starts_with(real, root) && real[strlen(root)] == '/';
    const bool found = real != NULL;
    free(real);
    free(root);
    if (!found)
        return rh_psql_refuse(
            w, RH_ERROR_SCENARIO,
            "psql looks for it in the directory in which the tool runs, or with \\ir beside the file.",
            "there is no file %s", name);
    if (!inside)
        return rh_psql_refuse(w, RH_ERROR_REFUSED,
                              "A rehearsal reads only what lies in the migrations' folder.",
                              "\\i reads %s, which lies outside", name);
    if (w->depth >= RH_PSQL_DEEPEST)
        return rh_psql_refuse(w, RH_ERROR_SCENARIO, "Do they include one another?",
                              "files include files too deeply");
    char *sql = rh_file_read(path, RH_PSQL_LONGEST, p->arena, NULL, p->error);
    return sql && rh_psql_send(w) && rh_psql_read_file(p, path, sql, w->depth + 1);
}

/* A quoted word at AT: a doubled quote is one, and '' knows a backslash's escapes. Returns its length. */
static size_t take_quoted(const char *at, const char *end, rh_text *word)
{
    const char quote = *at, *p = at + 1;
    for (; p < end; p++) {
        static const char letters[] = "bfnrt", meanings[] = "\b\f\n\r\t";
        if (*p == quote && p + 1 < end && p[1] == quote) {
            p++;
        } else if (*p == quote) {
            return (size_t)(p - at) + 1;
        } else if (*p == '\\' && quote == '\'' && p + 1 < end) {
            const char *letter = strchr(letters, *++p);
            rh_text_append_char(word, letter && *p ? meanings[letter - letters] : *p);
            continue;
        }
        rh_text_append_char(word, *p);
    }
    return (size_t)(p - at);
}

/* The words of a command's line; quotes are taken off, variables put in. */
static bool read_words(const rh_psql_walk *w, const char *line, size_t length, char *words[], size_t limit,
                       size_t *count)
{
    rh_psql *p = w->p;
    const char *at = line, *end = line + length;
    *count = 0;
    while (at < end) {
        rh_text word = {0};
        while (at < end && isspace((unsigned char)*at))
            at++;
        const char *start = at;
        while (at < end && !isspace((unsigned char)*at)) {
            size_t used = *at == ':' ? rh_psql_put_variable(p, at, &word) : 0;
            const char quote = *at;
            if (quote == '`' || quote == '\\') {
                rh_text_release(&word);
                return quote == '`' ? rh_psql_refuse(w, RH_ERROR_REFUSED,
                                                     "A rehearsal runs no program: write the value.",
                                                     "a command in backquotes starts a program")
                                    : refuse_unknown(w, "\\ (two commands on a line)");
            }
            if (used == 0 && (quote == '\'' || quote == '"')) {
                used = take_quoted(at, end, &word);
            } else if (used == 0) {
                rh_text_append_char(&word, *at);
                used = 1;
            }
            at = used < (size_t)(end - at) ? at + used : end;
        }
        if (at > start && *count < limit)
            words[(*count)++] = rh_arena_strdup(p->arena, rh_text_string(&word));
        rh_text_release(&word);
    }
    return true;
}

static bool set_variable(rh_psql_walk *w, char *const words[], size_t count)
{
    const char *value = "";
    for (size_t i = 1; i < count; i++)
        value = rh_arena_printf(w->p->arena, "%s%s", value, words[i]);
    if (count == 0)
        return true; /* shows them all */
    if (!check_set(w, words[0], value))
        return false;
    rh_psql_set(w->p, words[0], value);
    return true;
}

static bool copy(const rh_psql_walk *w, const char *line, size_t length)
{
    const char *text = rh_arena_strndup(w->p->arena, line, length);
    if (strcasestr(text, "program"))
        return rh_psql_refuse(w, RH_ERROR_REFUSED, "A rehearsal runs none. Take the line out.",
                              "\\copy … program runs a program");
    return rh_psql_refuse(w, RH_ERROR_UNSUPPORTED, "Load the rows with INSERT, or in a prepare step.",
                          "\\copy reads or writes a file, which is not replayed");
}

static bool run_command(rh_psql_walk *w, const char *name, const char *line, size_t length)
{
    char *words[16];
    size_t count, which = 0, known = sizeof COMMANDS / sizeof *COMMANDS;
    while (which < known && strcmp(COMMANDS[which].name, name) != 0)
        which++;
    if (which == known && *name == '.')
        return rh_psql_refuse(w, RH_ERROR_UNSUPPORTED, "Write the rows as INSERT.",
                              "COPY … FROM STDIN has its rows in the file, which is not replayed");
    if (which == known && *name != 'd')
        return refuse_unknown(w, name);
    const action wanted =
        which == known ? SHOWS : COMMANDS[which].action; /* \d and the like only list objects */
    if (wanted == REACHES_OUT)
        return refuse_reach(w, name);
    if (wanted == COPIES)
        return copy(w, line, length);
    if (!read_words(w, line, length, words, sizeof words / sizeof *words, &count))
        return false;
    switch (wanted) {
    case SETS:
        return set_variable(w, words, count);
    case UNSETS:
        if (count > 0 && !check_set(w, words[0], NULL))
            return false;
        for (size_t i = 0; i < count; i++)
            rh_psql_set(w->p, words[i], NULL);
        return true;
    case INCLUDES:
    case INCLUDES_BESIDE:
        return include(w, count > 0 ? words[0] : NULL, wanted == INCLUDES_BESIDE);
    case SENDS: /* as a semicolon does */
        if (count > 0)
            return refuse_reach(w, name);
        rh_text_append_char(&w->out, ';');
        return true;
    default:
        return true;
    }
}

size_t rh_psql_take_command(rh_psql_walk *w, size_t at)
{
    const char *sql = w->sql;
    size_t name = at + 1, end = at + strcspn(sql + at, "\r\n"), stop = name;
    stop += isalpha((unsigned char)sql[name])
                ? strspn(sql + name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_+")
                : sql[name] != '\0';
    char *word = rh_arena_strndup(w->p->arena, sql + name, stop - name);
    if (!run_command(w, word, sql + (stop < end ? stop : end), stop < end ? end - stop : 0))
        return 0;
    for (size_t i = at; i < end; i++)
        rh_text_append_char(&w->out, ' ');
    return end;
}
