/* Scanning SQL into tokens, and places in its text. */
#include "sql_place.h"
#include "pgrehearse/adapters/sql_parser.h"
#include "sql_lexer.h"
#include <pg_query.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void rh_sql_place_advance(rh_sql_place *at, const char *sql, size_t offset)
{
    for (; at->offset < offset; at->offset++) {
        unsigned char c = (unsigned char)sql[at->offset];
        if (c == '\n') {
            at->line++;
            at->column = 1;
        } else if ((c & 0xc0) != 0x80) {
            at->column++;
        }
    }
}

rh_sql_place rh_sql_place_of(const char *sql, size_t offset)
{
    rh_sql_place at = {0, 1, 1};
    rh_sql_place_advance(&at, sql, offset);
    return at;
}

size_t rh_sql_offset_of_character(const char *sql, int position)
{
    size_t offset = 0;
    for (int i = 1; i < position && sql[offset]; i++)
        do
            offset++;
        while (((unsigned char)sql[offset] & 0xc0) == 0x80);
    return offset;
}

size_t rh_sql_offset_of_place(const char *sql, int line, int column)
{
    size_t offset = 0;
    for (int l = 1; l < line; l++)
        offset += strcspn(sql + offset, "\n") + 1;
    return offset + rh_sql_offset_of_character(sql + offset, column);
}

/* Numbers of enum Token in libpg_query 15's pg_query.proto. Those past C_COMMENT are keywords. */
enum { TOKEN_IDENT = 258, TOKEN_C_COMMENT = 276 };

static const char *token_kind(unsigned token)
{
    static const char *const names[] = {"IDENT",    "UIDENT",   "FCONST",      "SCONST",   "USCONST",
                                        "BCONST",   "XCONST",   "OPERATOR",    "ICONST",   "PARAM",
                                        "TYPECAST", "OPERATOR", "OPERATOR",    "OPERATOR", "OPERATOR",
                                        "OPERATOR", "OPERATOR", "SQL_COMMENT", "C_COMMENT"};
    static const char *const characters[] = {"(", ")", ",", ";", ".", "=", ":", "\\", "[", "]"};
    if (token > TOKEN_C_COMMENT)
        return "KEYWORD";
    if (token >= TOKEN_IDENT)
        return names[token - TOKEN_IDENT];
    for (size_t i = 0; i < sizeof characters / sizeof *characters; i++)
        if (token == (unsigned char)characters[i][0])
            return characters[i];
    return "OPERATOR";
}

/* The two messages of pg_query.proto that a scan answers with are small enough to read by hand:
 * ScanResult {1: version, 2: repeated ScanToken {1: start, 2: end, 4: token, 5: keyword_kind}}, all varints.
 */
static uint64_t read_varint(const unsigned char **at, const unsigned char *end)
{
    uint64_t value = 0;
    for (int shift = 0; *at < end && shift < 64; shift += 7) {
        unsigned char byte = *(*at)++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            break;
    }
    return value;
}

static rh_sql_token read_token(const unsigned char *at, const unsigned char *end)
{
    rh_sql_token token = {.kind = "OPERATOR"};
    while (at < end) {
        uint64_t field = read_varint(&at, end) >> 3, value = read_varint(&at, end);
        if (field == 1)
            token.start = (size_t)value;
        else if (field == 2)
            token.end = (size_t)value;
        else if (field == 4)
            token.kind = token_kind((unsigned)value);
    }
    return token;
}

static void read_tokens(const PgQueryProtobuf *pbuf, rh_arena *arena, rh_sql_token **tokens, size_t *count)
{
    enum { FIELD_VERSION = 1 << 3, FIELD_TOKEN = 2 << 3 | 2 };
    const unsigned char *at = (const unsigned char *)pbuf->data, *end = at + pbuf->len;
    while (at < end) {
        uint64_t field = read_varint(&at, end), value = read_varint(&at, end);
        if (field != FIELD_TOKEN)
            continue;
        if (value > (uint64_t)(end - at))
            break;
        rh_sql_token *token = rh_arena_add(arena, tokens, count);
        *token = read_token(at, at + value);
        at += value;
    }
}

/* libpg_query 15 puts the end of U&'…' and U&"…" at their beginning. Only blanks are between a
 * token and the next one (comments are tokens), so the end is where the blanks before the next one begin. */
static void repair_ends(const char *sql, size_t length, rh_sql_token *tokens, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(tokens[i].kind, "UIDENT") != 0 && strcmp(tokens[i].kind, "USCONST") != 0)
            continue;
        size_t end = i + 1 < count ? tokens[i + 1].start : length;
        while (end > tokens[i].start + 1 && strchr(" \t\n\r\f", sql[end - 1]))
            end--;
        tokens[i].end = end;
    }
}

/* Our own scanner knows no keywords: libpg_query's is asked for each word. */
static void name_keywords(const char *sql, rh_sql_token *tokens, size_t count)
{
    enum { LONGEST = 24 };
    for (size_t i = 0; i < count; i++) {
        const size_t length = tokens[i].end - tokens[i].start;
        char word[LONGEST + 1];
        if (strcmp(tokens[i].kind, "IDENT") != 0 || sql[tokens[i].start] == '"' || length > LONGEST)
            continue;
        memcpy(word, sql + tokens[i].start, length);
        word[length] = '\0';
        rh_arena *scratch = rh_arena_new();
        rh_sql_token *named = NULL;
        size_t named_count = 0;
        PgQueryScanResult result = pg_query_scan(word);
        if (!result.error)
            read_tokens(&result.pbuf, scratch, &named, &named_count);
        if (named_count == 1)
            tokens[i].kind = named[0].kind;
        pg_query_free_scan_result(result);
        rh_arena_free(scratch);
    }
}

/* Scans SQL, or as much of it as scans: *STOP is the offset of the first bad token, or SIZE_MAX. What
 * libpg_query's scanner refuses, our own reads: only a quote or a comment that is never closed ends it. */
static void scan_up_to(const char *sql, rh_arena *arena, rh_sql_token **tokens, size_t *count, size_t *stop,
                       rh_error *error)
{
    PgQueryScanResult result = pg_query_scan(sql);
    *tokens = NULL;
    *count = 0;
    *stop = SIZE_MAX;
    if (!result.error) {
        read_tokens(&result.pbuf, arena, tokens, count);
        repair_ends(sql, strlen(sql), *tokens, *count);
    } else {
        const char *open = rh_sql_lex(sql, arena, tokens, count, stop);
        name_keywords(sql, *tokens, *count);
        if (open) {
            rh_error_set(error, RH_ERROR_SQL, "%s", open);
            rh_error_sqlstate(error, "42601");
        }
    }
    pg_query_free_scan_result(result);
}

bool rh_sql_scan(const char *sql, rh_arena *arena, rh_sql_token **tokens, size_t *count, rh_error *error)
{
    rh_error problem = {0};
    size_t stop;
    scan_up_to(sql, arena, tokens, count, &stop, &problem);
    if (stop == SIZE_MAX)
        return true;
    rh_sql_place at = rh_sql_place_of(sql, stop);
    rh_error_at(&problem, NULL, at.line, at.column);
    if (error && !rh_error_is_set(error))
        rh_error_move(error, &problem);
    rh_error_release(&problem);
    return false;
}

/* Where the part that begins at FROM may end, at least SIZE bytes on: behind a line that ends with a
 * semicolon, or at the text's end (*LAST). */
static size_t part_end(const char *sql, size_t from, size_t size, bool *last)
{
    size_t end = from + strnlen(sql + from, size);
    for (const char *line; sql[end] && (line = strchr(sql + end, '\n')) != NULL;) {
        end = (size_t)(line - sql) + 1;
        if (line[-1] == ';' || (line[-1] == '\r' && line[-2] == ';'))
            break;
    }
    if (sql[end] && sql[end - 1] != '\n')
        end += strlen(sql + end);
    *last = sql[end] == '\0';
    return end;
}

bool rh_sql_scan_part(const char *sql, size_t *from, rh_arena *arena, rh_sql_token **tokens, size_t *count,
                      rh_error *error)
{
    enum { PART = 256 * 1024 };
    const size_t start = *from;
    bool last = false;
    *tokens = NULL;
    *count = 0;
    if (!sql[start])
        return false;
    for (size_t size = PART;; size *= 4) { /* a longer one where a quote or a comment is open at its end */
        const size_t end = part_end(sql, start, size, &last);
        if (last)
            break;
        rh_arena *scratch = rh_arena_new();
        rh_sql_token *found = NULL;
        size_t found_count = 0, stop;
        rh_error open = {0};
        char *part = rh_alloc(end - start + 1);
        memcpy(part, sql + start, end - start);
        scan_up_to(part, scratch, &found, &found_count, &stop, &open);
        const bool whole = stop == SIZE_MAX;
        if (whole) {
            *tokens = rh_arena_alloc(arena, (found_count + 1) * sizeof **tokens);
            *count = found_count;
            for (size_t i = 0; i < found_count; i++)
                (*tokens)[i] = (rh_sql_token){found[i].kind, found[i].start + start, found[i].end + start};
        }
        free(part);
        rh_error_release(&open);
        rh_arena_free(scratch);
        if (whole) {
            *from = end;
            return true;
        }
    }
    rh_error problem = {0};
    size_t stop;
    scan_up_to(sql + start, arena, tokens, count, &stop, &problem);
    for (size_t i = 0; i < *count; i++) {
        (*tokens)[i].start += start;
        (*tokens)[i].end += start;
    }
    *from = start + strlen(sql + start);
    if (stop == SIZE_MAX)
        return true;
    rh_sql_place at = rh_sql_place_of(sql, start + stop);
    rh_error_at(&problem, NULL, at.line, at.column);
    if (error && !rh_error_is_set(error))
        rh_error_move(error, &problem);
    rh_error_release(&problem);
    return false;
}

bool rh_sql_token_is(const char *sql, const rh_sql_token *token, const char *word)
{
    size_t length = token->end - token->start;
    return strlen(word) == length && strncasecmp(sql + token->start, word, length) == 0;
}
