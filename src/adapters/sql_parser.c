/* Splitting SQL into statements, and parsing them. Scanning is in sql_scan.c, redaction in sql_redact.c. */
#include "sql_place.h"
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/base/scan.h"
#include "pgrehearse/base/text.h"
#include "sql_lexer.h"
#include <jansson.h>
#include <pg_query.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool check_utf8(const char *sql, const char *file_name, rh_error *error)
{
    for (size_t offset = 0; sql[offset];) {
        uint32_t code;
        size_t length = rh_utf8_decode(sql + offset, &code);
        if (code == 0xfffd && length == 1) {
            rh_sql_place at = rh_sql_place_of(sql, offset);
            rh_error_set(error, RH_ERROR_SCENARIO, "byte 0x%02x is not UTF-8", (unsigned char)sql[offset]);
            rh_error_hint(error, "Save the file as UTF-8.");
            return rh_error_at(error, file_name, at.line, at.column);
        }
        offset += length;
    }
    return true;
}

typedef struct splitter {
    const char *sql;
    rh_arena *arena;
    rh_sql_span **spans;
    size_t *count;
    rh_sql_place at;
    size_t words; /* tokens of the statement so far */
    bool routine; /* CREATE [OR REPLACE] FUNCTION | PROCEDURE: its body may be BEGIN ATOMIC … END */
    int parentheses, atomic_depth;
    size_t start, end; /* of the statement so far */
} splitter;

static void finish_statement(splitter *s)
{
    if (s->words > 0) {
        rh_sql_place_advance(&s->at, s->sql, s->start);
        rh_sql_span *span = rh_arena_add(s->arena, s->spans, s->count);
        *span = (rh_sql_span){s->start, s->end - s->start, s->at.line, s->at.column};
    }
    s->words = 0;
    s->routine = false;
    s->parentheses = s->atomic_depth = 0;
}

/* The same rule as psql's (fe_utils/psqlscan.l), but BEGIN counts only before ATOMIC. */
static void follow_atomic(splitter *s, const rh_sql_token *token, const rh_sql_token *next)
{
    if (s->words < 4 &&
        (rh_sql_token_is(s->sql, token, "function") || rh_sql_token_is(s->sql, token, "procedure")))
        s->routine = strncasecmp(s->sql + s->start, "create", 6) == 0;
    if (!s->routine || s->parentheses > 0)
        return;
    if (s->atomic_depth == 0 && next && rh_sql_token_is(s->sql, token, "begin") &&
        rh_sql_token_is(s->sql, next, "atomic"))
        s->atomic_depth = 1;
    else if (s->atomic_depth > 0 && rh_sql_token_is(s->sql, token, "case"))
        s->atomic_depth++;
    else if (s->atomic_depth > 0 && rh_sql_token_is(s->sql, token, "end"))
        s->atomic_depth--;
}

static void split_token(splitter *s, const rh_sql_token *token, const rh_sql_token *next)
{
    const char kind = token->kind[0];
    if (strcmp(token->kind, "SQL_COMMENT") == 0 || strcmp(token->kind, "C_COMMENT") == 0)
        return;
    if (kind == ';' && s->parentheses == 0 && s->atomic_depth == 0) {
        finish_statement(s);
        return;
    }
    if (s->words == 0)
        s->start = token->start;
    s->end = token->end;
    if (kind == '(')
        s->parentheses++;
    else if (kind == ')' && s->parentheses > 0)
        s->parentheses--;
    else if (strcmp(token->kind, "KEYWORD") == 0)
        follow_atomic(s, token, next);
    s->words++;
}

static bool split_part(splitter *s, size_t *from, rh_error *problem)
{
    rh_arena *scratch = rh_arena_new();
    rh_sql_token *tokens;
    size_t count;
    const bool more = rh_sql_scan_part(s->sql, from, scratch, &tokens, &count, problem);
    for (size_t i = 0; i < count; i++)
        split_token(s, &tokens[i], i + 1 < count ? &tokens[i + 1] : NULL);
    rh_arena_free(scratch);
    return more;
}

bool rh_sql_split(const char *sql, const char *file_name, rh_arena *arena, rh_sql_span **spans, size_t *count,
                  rh_error *error)
{
    *spans = NULL;
    *count = 0;
    if (!check_utf8(sql, file_name, error))
        return false;
    const size_t mark = strncmp(sql, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    rh_error problem = {0};
    splitter s = {.sql = sql, .arena = arena, .spans = spans, .count = count, .at = {mark, 1, 1}};
    for (size_t from = mark; split_part(&s, &from, &problem);)
        ;
    const bool whole = !rh_error_is_set(&problem);
    if (!whole) {
        const size_t stop = rh_sql_offset_of_place(sql, problem.line, problem.column);
        if (s.words == 0)
            s.start = stop;
        s.words++;
        s.end = strlen(sql);
        rh_error_set(error, RH_ERROR_SCENARIO, "%s", problem.message);
        rh_error_hint(error, "Close the quote or comment that begins here.");
        rh_error_at(error, file_name, problem.line, problem.column - (problem.line == 1 && mark ? 1 : 0));
    }
    finish_statement(&s);
    rh_error_release(&problem);
    return whole;
}

/* libpg_query writes a negative integer like 0, without a value. Its place in SQL has the sign and the
 * digits.
 */
static bool restore_negative(rh_json *node, void *data)
{
    const char *sql = *(const char *const *)data;
    rh_json *constant = rh_json_get(node, "A_Const"), *integer = rh_json_get(constant, "ival");
    const int64_t location = rh_json_int(rh_json_get(constant, "location"));
    if (!integer || rh_json_get(integer, "ival") || location <= 0)
        return false;
    const char *text = sql + location;
    if (*text != '-')
        return false;
    while (*text == '-' || *text == '(')
        text = rh_sql_skip_blanks(text + 1);
    rh_json_add_int(integer, "ival", -strtoll(text, NULL, 10));
    return false;
}

rh_json *rh_sql_parse(const char *sql, rh_error *error)
{
    PgQueryParseResult result = pg_query_parse(sql);
    rh_json *statement = NULL;
    if (result.error) {
        rh_sql_place at = rh_sql_place_of(sql, rh_sql_offset_of_character(sql, result.error->cursorpos));
        rh_sql_redact_message(result.error->message);
        rh_error_set(error, RH_ERROR_SQL, "%s", result.error->message);
        rh_error_sqlstate(error, "42601");
        rh_error_at(error, NULL, at.line, at.column);
    } else {
        rh_json *tree = rh_json_parse(result.parse_tree, strlen(result.parse_tree), "parse tree", error);
        statement = rh_json_get(rh_json_at(rh_json_get(tree, "stmts"), 0), "stmt");
        if (statement)
            json_incref(statement); /* outlives the tree it hangs in */
        else
            rh_error_set(error, RH_ERROR_SQL, "there is no statement");
        if (strchr(sql, '-'))
            rh_json_visit(statement, restore_negative, &sql);
        rh_json_free(tree);
    }
    pg_query_free_parse_result(result);
    return statement;
}

int rh_sql_parser_version(void)
{
    return PG_VERSION_NUM / 10000;
}

bool rh_sql_parses(const char *sql)
{
    PgQueryProtobufParseResult result = pg_query_parse_protobuf(sql);
    const bool parses = !result.error;
    pg_query_free_protobuf_parse_result(result);
    return parses;
}

bool rh_sql_fingerprint(const char *sql, char fingerprint[17])
{
    PgQueryFingerprintResult result = pg_query_fingerprint(sql);
    bool known = !result.error && result.fingerprint_str;
    fingerprint[0] = '\0';
    if (known)
        strncat(fingerprint, result.fingerprint_str, 16);
    pg_query_free_fingerprint_result(result);
    return known;
}
