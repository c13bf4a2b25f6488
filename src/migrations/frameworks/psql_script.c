/* A script as psql reads it: documentation of psql, "Variables" and "SQL Interpolation"; what is outside of
 * quotes is found as fe_utils/psqlscan.l finds it. */
#include "psql_walk.h"
#include "migrations/plan/script.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/scan.h"
#include "pgrehearse/base/text.h"
#include "psql_script.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

bool rh_psql_refuse(const rh_psql_walk *w, rh_error_code code, const char *hint, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    rh_error_set(w->p->error, code, "%s", rh_arena_vprintf(w->p->arena, format, args));
    va_end(args);
    rh_error_hint(w->p->error, "%s", hint);
    return rh_error_at(w->p->error, w->path, w->line, 0);
}

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

static size_t name_length(const char *text)
{
    size_t length = 0;
    while (isalnum((unsigned char)text[length]) || text[length] == '_' || (unsigned char)text[length] >= 0x80)
        length++;
    return length;
}

size_t rh_psql_put_variable(const rh_psql *p, const char *text, rh_text *out)
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

bool rh_psql_send(rh_psql_walk *w)
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

bool rh_psql_within_statement(const rh_psql_walk *w)
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

static bool walk_file(rh_psql_walk *w)
{
    for (size_t at = 0; w->sql[at];) {
        size_t used = 0;
        if (w->sql[at] == '\\') {
            at = rh_psql_take_command(w, at);
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
            used = rh_psql_put_variable(w->p, w->sql + at, &w->out);
        const size_t end = used ? at + used : rh_scan_past(w->sql, at);
        if (!used)
            rh_text_append_bytes(&w->out, w->sql + at, end - at);
        for (; at < end; at++)
            w->line += w->sql[at] == '\n';
    }
    return true;
}

bool rh_psql_read_file(rh_psql *p, const char *path, const char *sql, int depth)
{
    rh_psql_walk w = {.p = p, .path = path, .sql = sql, .line = 1, .depth = depth, .own = depth == 0};
    if (rh_starts_with(sql, "\xef\xbb\xbf"))
        w.sql += 3; /* psql skips it */
    bool ok =
        walk_file(&w) && rh_script_check_safety(path, rh_text_string(&w.out), p->error) && rh_psql_send(&w);
    rh_text_release(&w.out);
    return ok;
}

bool rh_psql_read(rh_psql *p, const char *sql)
{
    size_t none = 0; /* a script without statements has pieces, too: none */
    rh_arena_add(p->arena, &p->pieces, &none);
    return rh_psql_read_file(p, p->path, sql, 0);
}

bool rh_psql_append(rh_psql *p, const char *path)
{
    char *sql = rh_file_read(path, RH_PSQL_LONGEST, p->arena, NULL, p->error);
    return sql && rh_psql_read_file(p, path, sql, 1);
}

void rh_psql_give(const rh_psql *p, rh_sql_reading *reading)
{
    reading->text = rh_arena_strdup(p->arena, rh_text_string(&p->text));
    reading->rule = RH_TRANSACTION_EACH;
    reading->pieces = p->pieces;
    reading->piece_files = p->files;
    reading->piece_count = p->piece_count;
}
