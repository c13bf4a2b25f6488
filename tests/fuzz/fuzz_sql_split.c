/* The splitter and the redactor, on anything: statements are in order, within the text, and each by itself is
 * one statement; no quoted constant survives redaction. For libFuzzer (-fsanitize=fuzzer, with RH_FUZZER
 * defined), or by itself over mutations of a fixed corpus. */
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/base/random.h"
#include "pgrehearse/base/text.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Says which input it was before it ends the program. */
static void failed(const char *sql, int line)
{
    fprintf(stderr, "line %d: input [%s]\n", line, sql);
    abort();
}

static void check_spans(const char *sql, rh_arena *arena)
{
    rh_error error = {0};
    rh_sql_span *spans;
    size_t count, end = 0, length = strlen(sql);
    bool whole = rh_sql_split(sql, "fuzz", arena, &spans, &count, &error);
    if (whole == rh_error_is_set(&error))
        failed(sql, __LINE__);
    for (size_t i = 0; i < count; i++) {
        if (spans[i].offset < end || spans[i].length == 0 || spans[i].offset + spans[i].length > length ||
            spans[i].line < 1 || spans[i].column < 1)
            failed(sql, __LINE__);
        end = spans[i].offset + spans[i].length;
        if (!whole && i + 1 == count)
            break; /* the unfinished rest */
        if (strncmp(sql + spans[i].offset, "\xef\xbb\xbf", 3) == 0)
            continue; /* a word in the middle, a mark at the beginning */
        char *one = rh_arena_strndup(arena, sql + spans[i].offset, spans[i].length);
        rh_sql_span *again;
        size_t again_count;
        if (!rh_sql_split(one, "fuzz", arena, &again, &again_count, NULL) || again_count != 1 ||
            again[0].length != spans[i].length)
            failed(sql, __LINE__);
    }
    rh_error_release(&error);
}

static void check_redaction(const char *sql, rh_arena *arena)
{
    char *redacted = rh_sql_redact(sql, arena);
    rh_sql_token *tokens;
    size_t count;
    rh_sql_scan(redacted, arena, &tokens, &count, NULL);
    for (size_t i = 0; i < count; i++)
        if (rh_ends_with(tokens[i].kind, "SCONST") || strcmp(tokens[i].kind, "BCONST") == 0 ||
            strcmp(tokens[i].kind, "XCONST") == 0)
            failed(sql, __LINE__);
    if (strlen(redacted) > 4096)
        failed(sql, __LINE__);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rh_arena *arena = rh_arena_new();
    char *sql = rh_arena_strndup(arena, (const char *)data, size);
    check_spans(sql, arena);
    check_redaction(sql, arena);
    rh_json_free(rh_sql_parse(sql, NULL));
    rh_arena_free(arena);
    return 0;
}

#ifndef RH_FUZZER
static const char *const tokens[] = {
    "'",
    "''",
    "\"",
    "$$",
    "$a$",
    "E'",
    "U&'",
    "U&\"",
    "N'",
    "B'01'",
    "\\",
    ";",
    ";",
    "(",
    ")",
    "--",
    "\n",
    "/*",
    "*/",
    " ",
    " ",
    "a",
    "1",
    "1.5e3",
    "$1",
    "::",
    "select ",
    "begin ",
    "end ",
    "atomic ",
    "case ",
    "create ",
    "or ",
    "replace ",
    "function f() ",
    "procedure p() ",
    "insert into t values ",
    "'s'",
    "set ",
    "x.y ",
    "= ",
    "to ",
    "varchar",
    "(3)",
    "uescape '!'",
    "\xc3\xa9",
    "\r\n",
    "\xef\xbb\xbf",
    "…",
    "copy t from stdin",
};

int main(void)
{
    rh_random random;
    rh_random_seed(&random, 42);
    for (int run = 0; run < 15000; run++) {
        rh_text input = {0};
        for (uint64_t n = rh_random_below(&random, 24); n > 0; n--) {
            rh_text_append(&input, tokens[rh_random_below(&random, sizeof tokens / sizeof *tokens)]);
            if (rh_random_below(&random, 16) == 0)
                rh_text_append_char(&input, (char)rh_random_below(&random, 256));
        }
        LLVMFuzzerTestOneInput((const uint8_t *)rh_text_string(&input), input.length);
        rh_text_release(&input);
    }
    puts("15000 inputs");
    return 0;
}
#endif
