/* Removes literals from SQL that is shown (rh_sql_redact). */
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/base/text.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { OUTPUT_MAX = 4096, INPUT_MAX = 64 * 1024 };
static const char ELLIPSIS[] = "…";

typedef struct redactor {
    const char *sql;
    const rh_sql_token *tokens;
    size_t count;
    int next_parameter;
    rh_text out;
} redactor;

static bool kind_is(const rh_sql_token *token, const char *kind)
{
    return strcmp(token->kind, kind) == 0;
}

static bool is_comment(const rh_sql_token *token)
{
    return kind_is(token, "SQL_COMMENT") || kind_is(token, "C_COMMENT");
}

static bool is_constant(const rh_sql_token *token)
{
    return rh_ends_with(token->kind, "CONST");
}

/* varchar(30), numeric(10, 2), timestamp(3): lengths of a type, part of the schema. */
static bool is_type_length(const redactor *r, size_t index)
{
    static const char *const types[] = {"varchar",  "char",  "character", "varying", "numeric",
                                        "decimal",  "dec",   "bit",       "time",    "timestamp",
                                        "interval", "float", "second"};
    while (index > 0 && (kind_is(&r->tokens[index], "ICONST") || r->tokens[index].kind[0] == ','))
        index--;
    if (index == 0 || r->tokens[index].kind[0] != '(' || !kind_is(&r->tokens[index - 1], "KEYWORD"))
        return false;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (rh_sql_token_is(r->sql, &r->tokens[index - 1], types[i]))
            return true;
    return false;
}

/* The value of SET name.of.ours = word is data though the scanner calls it an identifier. */
static size_t custom_setting_value(const redactor *r)
{
    size_t i = 0;
    if (r->count < 5 || !rh_sql_token_is(r->sql, &r->tokens[i++], "set"))
        return SIZE_MAX;
    if (rh_sql_token_is(r->sql, &r->tokens[i], "local") || rh_sql_token_is(r->sql, &r->tokens[i], "session"))
        i++;
    bool dotted = false;
    for (; i + 1 < r->count; i++) {
        dotted |= r->tokens[i].kind[0] == '.';
        if (r->tokens[i].kind[0] == '=' || rh_sql_token_is(r->sql, &r->tokens[i], "to"))
            return dotted ? i + 1 : SIZE_MAX;
    }
    return SIZE_MAX;
}

/* A parameter for a constant: apart from a word or a "$" before it, with which it would be another token. */
static void put_parameter(redactor *r)
{
    unsigned char last = r->out.length > 0 ? (unsigned char)r->out.data[r->out.length - 1] : ' ';
    if (last == '$' || last == '_' || last >= 0x80 || isalnum(last))
        rh_text_append_char(&r->out, ' ');
    rh_text_printf(&r->out, "$%d", r->next_parameter++);
}

static void redact_tokens(redactor *r)
{
    const size_t value = custom_setting_value(r);
    size_t end = 0;
    for (size_t i = 0; i < r->count && r->out.length <= OUTPUT_MAX; i++) {
        const rh_sql_token *token = &r->tokens[i];
        if (r->out.length > 0 && token->start > end)
            rh_text_append_char(&r->out, ' ');
        end = token->end;
        if ((is_constant(token) && !(kind_is(token, "ICONST") && is_type_length(r, i))) || i >= value)
            put_parameter(r);
        else
            rh_text_append_bytes(&r->out, r->sql + token->start, token->end - token->start);
    }
}

/* New parameters are numbered after those that the text has, as pg_query_normalize does. */
static int highest_parameter(const redactor *r)
{
    long highest = 0;
    for (size_t i = 0; i < r->count; i++) {
        if (!kind_is(&r->tokens[i], "PARAM"))
            continue;
        long number = strtol(r->sql + r->tokens[i].start + 1, NULL, 10);
        if (number > highest && number < 65536)
            highest = number;
    }
    return (int)highest;
}

/* At most LIMIT bytes, not within a character. */
static size_t character_boundary(const char *text, size_t limit)
{
    while (limit > 0 && ((unsigned char)text[limit] & 0xc0) == 0x80)
        limit--;
    return limit;
}

char *rh_sql_redact(const char *sql, rh_arena *arena)
{
    rh_arena *scratch = rh_arena_new();
    size_t length = strlen(sql);
    bool cut = length > INPUT_MAX;
    if (cut)
        sql = rh_arena_strndup(scratch, sql, character_boundary(sql, INPUT_MAX));

    rh_sql_token *tokens;
    size_t count;
    cut |= !rh_sql_scan(sql, scratch, &tokens, &count, NULL);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (!is_comment(&tokens[i]))
            tokens[kept++] = tokens[i];

    redactor r = {.sql = sql, .tokens = tokens, .count = kept};
    r.next_parameter = highest_parameter(&r) + 1;
    redact_tokens(&r);
    cut |= r.out.length > OUTPUT_MAX;
    if (cut && r.out.length > OUTPUT_MAX - strlen(ELLIPSIS)) {
        r.out.length = character_boundary(r.out.data, OUTPUT_MAX - strlen(ELLIPSIS));
        r.out.data[r.out.length] = '\0';
    }
    if (cut)
        rh_text_append(&r.out, ELLIPSIS);
    char *redacted = rh_arena_strdup(arena, rh_text_string(&r.out));
    rh_text_release(&r.out);
    rh_arena_free(scratch);
    return redacted;
}

void rh_sql_redact_message(char *message)
{
    static const char near[] = " at or near \"";
    char *at = message ? strstr(message, near) : NULL;
    if (!at)
        return;
    const char *text = at + strlen(near);
    bool word = *text && strchr("0123456789'$", *text) == NULL;
    if (!word || strchr(text, '\'') || strlen(text) > 64)
        *at = '\0';
}
