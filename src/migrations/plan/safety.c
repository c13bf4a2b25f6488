/* Refuses, before anything runs, migrations with psql commands or with access to programs and files.
 * Migrations are untrusted input, and this check only reads the text: it gives an early and clear error,
 * but is no sandbox (a function body can build any command). */
#include "pgrehearse/adapters/sql_parser.h"
#include "script.h"
#include <stdio.h>
#include <string.h>

typedef struct checker {
    const char *path, *text;
    const rh_sql_token *tokens;
    size_t count;
    rh_error *error;
} checker;

static bool is_word(const checker *c, size_t index, const char *word)
{
    return index < c->count && rh_sql_token_is(c->text, &c->tokens[index], word);
}

static bool is_kind(const checker *c, size_t index, const char *kind)
{
    return index < c->count && strcmp(c->tokens[index].kind, kind) == 0;
}

static bool refuse(const checker *c, size_t index, rh_error_code code, const char *message, const char *hint)
{
    int line = 1, column = 1;
    for (size_t i = 0; i < c->tokens[index].start; i++) {
        unsigned char byte = (unsigned char)c->text[i];
        line += byte == '\n';
        column = byte == '\n' ? 1 : column + ((byte & 0xc0) != 0x80);
    }
    rh_error_set(c->error, code, "%s", message);
    rh_error_hint(c->error, "%s", hint);
    return rh_error_at(c->error, c->path, line, column);
}

/* COPY at INDEX: what follows its FROM or TO outside of parentheses. */
static bool check_copy(const checker *c, size_t index)
{
    int depth = 0;
    for (size_t i = index + 1; i < c->count && !is_kind(c, i, ";"); i++) {
        if (is_kind(c, i, "("))
            depth++;
        else if (is_kind(c, i, ")"))
            depth--;
        if (depth > 0 || !(is_word(c, i, "from") || is_word(c, i, "to")))
            continue;
        if (is_word(c, i + 1, "program"))
            return refuse(c, index, RH_ERROR_REFUSED, "COPY … PROGRAM runs a program on the server",
                          "A rehearsal runs none. Take the statement out of the migration.");
        if (is_kind(c, i + 1, "SCONST") || is_kind(c, i + 1, "USCONST"))
            return refuse(c, index, RH_ERROR_REFUSED, "COPY reads or writes a file of the server",
                          "A rehearsal opens none. Load the rows with INSERT, or in a prepare step.");
        if (is_word(c, i, "from") && is_word(c, i + 1, "stdin"))
            return refuse(c, index, RH_ERROR_UNSUPPORTED,
                          "COPY … FROM STDIN has its rows in the file, which only psql reads",
                          "Write the rows as INSERT.");
    }
    return true;
}

/* Functions that read or write files of the server (documentation, sections 9.27.9, 35.4 and adminpack's). */
static const char *const FILE_FUNCTIONS[] = {
    "pg_read_file",      "pg_read_binary_file", "pg_stat_file",
    "pg_ls_dir",         "lo_import",           "lo_export",
    "pg_file_write",     "pg_file_rename",      "pg_file_unlink",
    "pg_file_sync",      "pg_logdir_ls",        "pg_ls_logdir",
    "pg_ls_waldir",      "pg_ls_tmpdir",        "pg_ls_archive_statusdir",
    "pg_file_read",      "pg_ls_logicalmapdir", "pg_ls_logicalsnapdir",
    "pg_ls_replslotdir", "pg_file_length",
};

/* Is the token at INDEX the name of one that is called? Privileges on it (… ON FUNCTION name (…)) are not. */
static bool calls_file_function(const char *text, const rh_sql_token *tokens, size_t count, size_t index)
{
    rh_sql_token name = tokens[index];
    if (index + 1 >= count || strcmp(tokens[index + 1].kind, "(") != 0)
        return false;
    if (text[name.start] == '"' && name.end - name.start > 2) {
        name.start++;
        name.end--;
    }
    bool known = false;
    for (size_t i = 0; !known && i < sizeof FILE_FUNCTIONS / sizeof *FILE_FUNCTIONS; i++)
        known = rh_sql_token_is(text, &name, FILE_FUNCTIONS[i]);
    if (!known)
        return false;
    while (index >= 2 && strcmp(tokens[index - 1].kind, ".") == 0)
        index -= 2;
    return index == 0 || !(rh_sql_token_is(text, &tokens[index - 1], "function") ||
                           rh_sql_token_is(text, &tokens[index - 1], "routine"));
}

/* A body in quotes (DO, CREATE FUNCTION): COPY … PROGRAM in it, also inside a string that it executes. */
static const char *body_reaches_out(const char *body, size_t length, rh_arena *arena, int depth)
{
    static const char program[] = "COPY … PROGRAM runs a program on the server",
                      file[] = "it reads or writes a file of the server";
    const char *text = rh_arena_strndup(arena, body, length);
    rh_sql_token *tokens;
    size_t count;
    bool copy = false;
    rh_sql_scan(text, arena, &tokens, &count, NULL);
    for (size_t i = 0; i < count; i++) {
        const char *inside = NULL;
        if (rh_sql_token_is(text, &tokens[i], "copy"))
            copy = true;
        else if (copy && rh_sql_token_is(text, &tokens[i], "program"))
            return program;
        else if (calls_file_function(text, tokens, count, i))
            return file;
        else if (depth < 3 && strcmp(tokens[i].kind, "SCONST") == 0 && tokens[i].end - tokens[i].start > 2)
            inside = body_reaches_out(text + tokens[i].start + 1, tokens[i].end - tokens[i].start - 2, arena,
                                      depth + 1);
        if (inside)
            return inside;
    }
    return NULL;
}

/* The text between a constant's quotes. */
static bool check_body(const checker *c, size_t index, rh_arena *arena)
{
    const char *start = c->text + c->tokens[index].start, *end = c->text + c->tokens[index].end;
    if (*start == '$') {
        size_t tag = strcspn(start + 1, "$") + 2;
        if ((size_t)(end - start) < 2 * tag)
            return true;
        start += tag;
        end -= tag;
    } else {
        start++;
        end--;
    }
    const char *reaches = end > start ? body_reaches_out(start, (size_t)(end - start), arena, 0) : NULL;
    return !reaches || refuse(c, index, RH_ERROR_REFUSED, reaches,
                              "A rehearsal runs no program and opens no file. Take it out of this body.");
}

/* CREATE or ALTER FOREIGN TABLE at INDEX: file_fdw's options name a file of the server or a program. */
static bool check_foreign_table(const checker *c, size_t index)
{
    bool options = false;
    for (size_t i = index; i < c->count && !is_kind(c, i, ";"); i++) {
        options |= is_word(c, i, "options");
        if (!options || !is_kind(c, i + 1, "SCONST"))
            continue;
        if (is_word(c, i, "filename"))
            return refuse(c, i, RH_ERROR_REFUSED, "the foreign table reads a file of the server",
                          "A rehearsal opens none. Take the statement out of the migration.");
        if (is_word(c, i, "program"))
            return refuse(c, i, RH_ERROR_REFUSED, "the foreign table runs a program on the server",
                          "A rehearsal runs none. Take the statement out of the migration.");
    }
    return true;
}

/* Marks of template languages, outside of quotes: Go's and Jinja's, the shell's and Flyway's, ERB's. */
static bool check_template(const checker *c, size_t index)
{
    static const char *const marks[] = {"{{", "{%", "${", "<%="};
    const char *at = c->text + c->tokens[index].start;
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        char message[128];
        if (strncmp(at, marks[i], strlen(marks[i])) != 0)
            continue;
        (void)snprintf(message, sizeof message, "the file is a template (%s … ), which is not expanded here",
                       marks[i]);
        return refuse(c, index, RH_ERROR_UNSUPPORTED, message,
                      "Give the rehearsal the SQL that the template makes, or run the tool itself with "
                      "framework: command.");
    }
    return true;
}

static bool check_meta_command(const checker *c, size_t index)
{
    size_t start = c->tokens[index].start, length = 1 + strcspn(c->text + start + 1, " \t\r\n\\;");
    char message[128];
    (void)snprintf(message, sizeof message, "%.*s is a command of psql's, not SQL",
                   (int)(length < 40 ? length : 40), c->text + start);
    return refuse(c, index, RH_ERROR_REFUSED, message,
                  "psql's commands are not run: they can start programs and read files. Write it as SQL.");
}

/* Where a part of the text left off. */
typedef struct position {
    bool first; /* the next token is a statement's first word */
    bool body;  /* of a statement with a body */
} position;

static bool check_part(const checker *c, position *at, rh_arena *arena)
{
    for (size_t i = 0; i < c->count; i++) {
        if (is_kind(c, i, ";")) {
            *at = (position){.first = true};
            continue;
        }
        if (is_kind(c, i, "\\"))
            return check_meta_command(c, i);
        if (is_kind(c, i, "OPERATOR") && !check_template(c, i))
            return false;
        if (at->first && is_word(c, i, "copy") && !check_copy(c, i))
            return false;
        if (at->first && (is_word(c, i, "create") || is_word(c, i, "alter")) &&
            is_word(c, i + 1, "foreign") && is_word(c, i + 2, "table") && !check_foreign_table(c, i))
            return false;
        if (calls_file_function(c->text, c->tokens, c->count, i))
            return refuse(c, i, RH_ERROR_REFUSED, "the function reads or writes a file of the server",
                          "A rehearsal opens none. Take the call out of the migration.");
        if (is_word(c, i, "do") || is_word(c, i, "function") || is_word(c, i, "procedure"))
            at->body = true;
        if (at->body && is_kind(c, i, "SCONST") && !check_body(c, i, arena))
            return false;
        at->first = false;
    }
    return true;
}

bool rh_script_check_safety(const char *path, const char *text, rh_error *error)
{
    position at = {.first = true};
    if (strncmp(text, "\xef\xbb\xbf", 3) == 0)
        text += 3; /* psql skips it, and no column counts it */
    bool ok = true, more = true;
    for (size_t from = 0; ok && more;) { /* what does not scan is checked as far as it does */
        rh_arena *scratch = rh_arena_new();
        rh_sql_token *tokens;
        size_t count, kept = 0;
        more = rh_sql_scan_part(text, &from, scratch, &tokens, &count, NULL);
        for (size_t i = 0; i < count; i++)
            if (strcmp(tokens[i].kind, "SQL_COMMENT") != 0 && strcmp(tokens[i].kind, "C_COMMENT") != 0)
                tokens[kept++] = tokens[i];
        ok = check_part(&(checker){path, text, tokens, kept, error}, &at, scratch);
        rh_arena_free(scratch);
    }
    return ok;
}
