/* psql's own commands: documentation of psql, "Meta-Commands", "Variables" and "SQL Interpolation"; what is
 * outside of quotes is found as fe_utils/psqlscan.l finds it. A command ends with its line. */
#include "migrations/plan/script.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/base/scan.h"
#include "psql_script.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { DEEPEST = 8, LONGEST = 64 * 1024 * 1024 }; /* files that include files; bytes of a file */

/* One file under way. */
typedef struct walk {
    rh_psql *p;
    const char *path, *sql;
    rh_text out; /* the file with its commands blanked and its variables put in */
    size_t sent; /* of OUT: what became statements already */
    int line;    /* at the end of OUT */
    int depth;
    bool own; /* the script itself, not an included file */
} walk;

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

/* ---- refusals ---- */

static bool refuse(const walk *w, rh_error_code code, const char *hint, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static bool refuse(const walk *w, rh_error_code code, const char *hint, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    rh_error_set(w->p->error, code, "%s", rh_arena_vprintf(w->p->arena, format, args));
    va_end(args);
    rh_error_hint(w->p->error, "%s", hint);
    return rh_error_at(w->p->error, w->path, w->line, 0);
}

static bool refuse_unknown(const walk *w, const char *name)
{
    return refuse(w, RH_ERROR_UNSUPPORTED, "framework: command runs the tool with psql as it is.",
                  "psql's \\%s is not replayed", name);
}

static bool refuse_reach(const walk *w, const char *name)
{
    return refuse(w, RH_ERROR_REFUSED, "A rehearsal runs no program and writes no file: take the line out.",
                  "\\%s starts a program or reaches a file", name);
}

/* ---- variables ---- */

static const char *variable(const rh_psql *p, const char *name)
{
    for (size_t i = p->variable_count; i-- > 0;)
        if (strcmp(p->variables[i].name, name) == 0)
            return p->variables[i].value; /* NULL: unset again */
    return NULL;
}

void rh_psql_set(rh_psql *p, const char *name, const char *value)
{
    rh_setting *setting = rh_arena_add(p->arena, &p->variables, &p->variable_count);
    *setting = (rh_setting){rh_arena_strdup(p->arena, name), rh_arena_strdup(p->arena, value)};
}

/* Those that change what the script does. */
static bool check_set(const walk *w, const char *name, const char *value)
{
    static const char *const special[] = {"AUTOCOMMIT", "ON_ERROR_STOP", "ON_ERROR_ROLLBACK", "SINGLELINE"};
    bool on = value && (strcasecmp(value, "on") == 0 || strcasecmp(value, "true") == 0 ||
                        strcasecmp(value, "1") == 0 || strcasecmp(value, "yes") == 0);
    for (size_t i = 0; i < sizeof special / sizeof *special; i++)
        if (strcmp(name, special[i]) == 0 && on != (i < 2))
            return refuse(w, RH_ERROR_UNSUPPORTED,
                          "Take the line out, or run the tool as it is with framework: command.",
                          "with %s %s psql would continue differently from the replay", name,
                          on ? "on" : "off");
    return true;
}

static size_t name_length(const char *text)
{
    size_t length = 0;
    while (isalnum((unsigned char)text[length]) || text[length] == '_' || (unsigned char)text[length] >= 0x80)
        length++;
    return length;
}

/* :name, :'name', :"name" or :{?name} at TEXT; its value goes to OUT. 0: it is none that is set. */
static size_t put_variable(const rh_psql *p, const char *text, rh_text *out)
{
    const bool test = text[1] == '{' && text[2] == '?';
    const char quote = text[1] == '\'' || text[1] == '"' ? text[1] : '\0';
    const size_t start = test ? 3 : quote ? 2 : 1, length = name_length(text + start);
    const char close = test ? '}' : quote;
    if (length == 0 || (close && text[start + length] != close))
        return 0;
    const char *value = variable(p, rh_arena_strndup(p->arena, text + start, length));
    if (test)
        rh_text_append(out, value ? "TRUE" : "FALSE");
    if (!value && !test)
        return 0;
    char *quoted = quote == '\'' ? rh_pg_quote_literal(value) : quote ? rh_quote_identifier(value) : NULL;
    if (!test)
        rh_text_append(out, quoted ? quoted : value);
    free(quoted);
    return start + length + (close != '\0');
}

/* ---- statements ---- */

/* What came since the last include becomes statements. */
static bool send(walk *w)
{
    rh_psql *p = w->p;
    const char *text = rh_text_string(&w->out) + w->sent;
    rh_sql_span *spans;
    size_t count;
    rh_error problem = {0};
    const bool whole = rh_sql_split(text, w->path, p->arena, &spans, &count, &problem);
    if (!whole && count == 0) { /* not UTF-8 */
        rh_error_move(p->error, &problem);
        return false;
    }
    rh_error_release(&problem);
    int line = 1;
    for (size_t i = 0; i < w->sent; i++)
        line += rh_text_string(&w->out)[i] == '\n';
    for (size_t i = 0; i < count; i++) {
        size_t files = p->piece_count;
        rh_sql_span *piece = rh_arena_add(p->arena, &p->pieces, &p->piece_count);
        *rh_arena_add(p->arena, &p->files, &files) = w->own ? NULL : w->path;
        *piece = spans[i];
        piece->offset += p->text.length;
        piece->line += line - 1;
    }
    rh_text_append(&p->text, text);
    rh_text_append_char(&p->text, '\n');
    w->sent = w->out.length;
    return true;
}

/* Whether a statement is under way at the end of OUT. */
static bool within_statement(const walk *w)
{
    rh_arena *scratch = rh_arena_new();
    rh_sql_token *tokens;
    size_t count;
    rh_sql_scan(rh_text_string(&w->out) + w->sent, scratch, &tokens, &count, NULL);
    while (count > 0 && rh_ends_with(tokens[count - 1].kind, "COMMENT"))
        count--;
    bool within = count > 0 && strcmp(tokens[count - 1].kind, ";") != 0;
    rh_arena_free(scratch);
    return within;
}

/* ---- commands ---- */

static bool read_file(rh_psql *p, const char *path, const char *sql, int depth);

/* Nothing outside of the tool's folder is read: no absolute path, no "..", no link that leads out. */
static bool include(walk *w, const char *name, bool beside)
{
    rh_psql *p = w->p;
    if (!name)
        return refuse(w, RH_ERROR_SCENARIO, "Name the file.", "\\i names no file");
    if (within_statement(w))
        return refuse(w, RH_ERROR_UNSUPPORTED, "framework: command runs the tool with psql as it is.",
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
        return refuse(w, RH_ERROR_SCENARIO,
                      "psql searches it where the tool runs, or with \\ir beside the file.",
                      "there is no file %s", name);
    if (!inside)
        return refuse(w, RH_ERROR_REFUSED, "A rehearsal reads only what lies in the migrations' folder.",
                      "\\i reads %s, which lies outside", name);
    if (w->depth >= DEEPEST)
        return refuse(w, RH_ERROR_SCENARIO, "Do they include one another?", "files include files too deeply");
    char *sql = rh_file_read(path, LONGEST, p->arena, NULL, p->error);
    return sql && send(w) && read_file(p, path, sql, w->depth + 1);
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
static bool read_words(const walk *w, const char *line, size_t length, char *words[], size_t limit,
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
            size_t used = *at == ':' ? put_variable(p, at, &word) : 0;
            const char quote = *at;
            if (quote == '`' || quote == '\\') {
                rh_text_release(&word);
                return quote == '`'
                           ? refuse(w, RH_ERROR_REFUSED, "A rehearsal runs no program: write the value.",
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

static bool set_variable(walk *w, char *const words[], size_t count)
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

static bool copy(const walk *w, const char *line, size_t length)
{
    const char *text = rh_arena_strndup(w->p->arena, line, length);
    if (strcasestr(text, "program"))
        return refuse(w, RH_ERROR_REFUSED, "A rehearsal runs none. Take the line out.",
                      "\\copy … program runs a program");
    return refuse(w, RH_ERROR_UNSUPPORTED, "Load the rows with INSERT, or in a prepare step.",
                  "\\copy reads or writes a file, which is not replayed");
}

static bool run_command(walk *w, const char *name, const char *line, size_t length)
{
    char *words[16];
    size_t count, which = 0, known = sizeof COMMANDS / sizeof *COMMANDS;
    while (which < known && strcmp(COMMANDS[which].name, name) != 0)
        which++;
    if (which == known && *name == '.')
        return refuse(w, RH_ERROR_UNSUPPORTED, "Write the rows as INSERT.",
                      "COPY … FROM STDIN has its rows in the file, which is not replayed");
    if (which == known && *name != 'd')
        return refuse_unknown(w, name);
    const action wanted = which == known ? SHOWS : COMMANDS[which].action; /* \d and its kin list things */
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

/* The command at SQL[AT]; returns where its line ends, or 0 when it was refused. */
static size_t take_command(walk *w, size_t at)
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

static bool walk_file(walk *w)
{
    for (size_t at = 0; w->sql[at];) {
        size_t used = 0;
        if (w->sql[at] == '\\') {
            at = take_command(w, at);
            if (at == 0)
                return false;
            continue;
        }
        if (w->sql[at] == ':' && (w->sql[at + 1] == ':' || w->sql[at + 1] == '=')) {
            rh_text_append_bytes(&w->out, w->sql + at, 2);
            at += 2;
            continue;
        }
        if (w->sql[at] == ':')
            used = put_variable(w->p, w->sql + at, &w->out);
        const size_t end = used ? at + used : rh_scan_past(w->sql, at);
        if (!used)
            rh_text_append_bytes(&w->out, w->sql + at, end - at);
        for (; at < end; at++)
            w->line += w->sql[at] == '\n';
    }
    return true;
}

static bool read_file(rh_psql *p, const char *path, const char *sql, int depth)
{
    walk w = {.p = p, .path = path, .sql = sql, .line = 1, .depth = depth, .own = depth == 0};
    if (rh_starts_with(sql, "\xef\xbb\xbf"))
        w.sql += 3; /* psql skips it */
    bool ok = walk_file(&w) && rh_script_check_safety(path, rh_text_string(&w.out), p->error) && send(&w);
    rh_text_release(&w.out);
    return ok;
}

bool rh_psql_read(rh_psql *p, const char *sql)
{
    size_t none = 0; /* a script without statements has pieces, too: none */
    rh_arena_add(p->arena, &p->pieces, &none);
    return read_file(p, p->path, sql, 0);
}

bool rh_psql_append(rh_psql *p, const char *path)
{
    char *sql = rh_file_read(path, LONGEST, p->arena, NULL, p->error);
    return sql && read_file(p, path, sql, 1);
}

void rh_psql_give(const rh_psql *p, rh_sql_reading *reading)
{
    reading->text = rh_arena_strdup(p->arena, rh_text_string(&p->text));
    reading->rule = RH_TRANSACTION_EACH;
    reading->pieces = p->pieces;
    reading->piece_files = p->files;
    reading->piece_count = p->piece_count;
}
