/* Migrations are untrusted input: what only psql understands, or what reaches a program or a file, is refused
 * before anything runs. This reads the text; it is not the sandbox (a function body can build any command),
 * only the early, clear answer. */
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

/* A body in quotes (DO, CREATE FUNCTION): COPY … PROGRAM in it, also inside a string that it executes. */
static bool body_runs_program(const char *body, size_t length, rh_arena *arena, int depth)
{
    const char *text = rh_arena_strndup(arena, body, length);
    rh_sql_token *tokens;
    size_t count;
    bool copy = false;
    rh_sql_scan(text, arena, &tokens, &count, NULL);
    for (size_t i = 0; i < count; i++) {
        if (rh_sql_token_is(text, &tokens[i], "copy"))
            copy = true;
        else if (copy && rh_sql_token_is(text, &tokens[i], "program"))
            return true;
        else if (depth < 3 && strcmp(tokens[i].kind, "SCONST") == 0 && tokens[i].end - tokens[i].start > 2 &&
                 body_runs_program(text + tokens[i].start + 1, tokens[i].end - tokens[i].start - 2, arena,
                                   depth + 1))
            return true;
    }
    return false;
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
    if (end <= start || !body_runs_program(start, (size_t)(end - start), arena, 0))
        return true;
    return refuse(c, index, RH_ERROR_REFUSED, "COPY … PROGRAM runs a program on the server",
                  "A rehearsal runs none. Take it out of this body.");
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

bool rh_script_check_safety(const char *path, const char *text, rh_arena *arena, rh_error *error)
{
    rh_sql_token *tokens;
    size_t count;
    if (strncmp(text, "\xef\xbb\xbf", 3) == 0)
        text += 3;                                   /* psql skips it, and no column counts it */
    rh_sql_scan(text, arena, &tokens, &count, NULL); /* what does not scan is checked as far as it does */
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (strcmp(tokens[i].kind, "SQL_COMMENT") != 0 && strcmp(tokens[i].kind, "C_COMMENT") != 0)
            tokens[kept++] = tokens[i];
    checker c = {path, text, tokens, kept, error};
    bool first = true, body = false; /* the statement's first word; a statement with a body */
    for (size_t i = 0; i < kept; i++) {
        if (is_kind(&c, i, ";")) {
            first = true;
            body = false;
            continue;
        }
        if (is_kind(&c, i, "\\"))
            return check_meta_command(&c, i);
        if (first && is_word(&c, i, "copy") && !check_copy(&c, i))
            return false;
        if (is_word(&c, i, "do") || is_word(&c, i, "function") || is_word(&c, i, "procedure"))
            body = true;
        if (body && is_kind(&c, i, "SCONST") && !check_body(&c, i, arena))
            return false;
        first = false;
    }
    return true;
}
