/* The lexer, on anything: the pieces are the input byte by byte, and do not depend on how it is portioned.
 * For libFuzzer
 * (-fsanitize=fuzzer, with RH_FUZZER defined), or by itself over mutations of a fixed corpus. */
#include "backup/dump_lexer.h"
#include "pgrehearse/base/random.h"
#include "pgrehearse/base/text.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct seen {
    rh_text all, shape;
} seen;

static bool note(void *user, const rh_dump_piece *piece, rh_error *error)
{
    (void)error;
    seen *s = user;
    rh_text_append_bytes(&s->all, piece->bytes, piece->length);
    if (piece->start > piece->length || piece->line > piece->end_line)
        abort();
    /* COPY data come in as many pieces as the portions make of them. */
    if (piece->kind != RH_DUMP_COPY_DATA || piece->first)
        rh_text_printf(&s->shape, "%d %d;", piece->kind, (int)piece->line);
    return true;
}

static rh_error_code lex(const uint8_t *data, size_t size, size_t portion, seen *s)
{
    rh_error error = {0};
    *s = (seen){0};
    rh_dump_lexer *lexer = rh_dump_lexer_new("fuzz", note, s);
    bool fine = true;
    for (size_t i = 0; fine && i < size; i += portion)
        fine = rh_dump_lexer_feed(lexer, (const char *)data + i, size - i < portion ? size - i : portion,
                                  &error);
    fine = fine && rh_dump_lexer_finish(lexer, &error);
    if (fine == rh_error_is_set(&error))
        abort();
    rh_error_code code = error.code;
    rh_dump_lexer_free(lexer);
    rh_error_release(&error);
    return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    seen whole, bytes, few;
    rh_error_code code = lex(data, size, size + 1, &whole);
    if (code != lex(data, size, 1, &bytes) || code != lex(data, size, 7, &few))
        abort();
    if (code == RH_OK && (whole.all.length != size || (size > 0 && memcmp(whole.all.data, data, size) != 0)))
        abort();
    if (strcmp(rh_text_string(&whole.shape), rh_text_string(&bytes.shape)) != 0 ||
        strcmp(rh_text_string(&whole.shape), rh_text_string(&few.shape)) != 0)
        abort();
    seen *all[] = {&whole, &bytes, &few};
    for (size_t i = 0; i < 3; i++) {
        rh_text_release(&all[i]->all);
        rh_text_release(&all[i]->shape);
    }
    return 0;
}

#ifndef RH_FUZZER
/* What seeds are put together from. */
static const char *const tokens[] = {"COPY",
                                     " t ",
                                     "(a, b)",
                                     "FROM",
                                     " stdin",
                                     ";",
                                     "\n",
                                     "\\.",
                                     "\\.\n",
                                     "\r\n",
                                     "'",
                                     "''",
                                     "\"",
                                     "$$",
                                     "$a$",
                                     "$1",
                                     "E'",
                                     "e'",
                                     "U&'",
                                     "\\",
                                     "\\!",
                                     "\\restrict x\n",
                                     "--",
                                     "/*",
                                     "*/",
                                     "(",
                                     ")",
                                     "BEGIN",
                                     "END",
                                     "CREATE FUNCTION",
                                     "CASE",
                                     "1e",
                                     "a",
                                     "SELECT",
                                     "\t",
                                     "-",
                                     "/",
                                     "*",
                                     "SET standard_conforming_strings = off;",
                                     "\xc3\xa9",
                                     "-- PostgreSQL database dump\n",
                                     "-- PostgreSQL database dump complete\n",
                                     "PROGRAM",
                                     "\\connect x\n",
                                     "&",
                                     "u",
                                     "0"};

int main(void)
{
    rh_random random;
    rh_random_seed(&random, 42);
    for (int run = 0; run < 300000; run++) {
        rh_text input = {0};
        for (uint64_t n = rh_random_below(&random, 24); n > 0; n--) {
            rh_text_append(&input, tokens[rh_random_below(&random, sizeof tokens / sizeof *tokens)]);
            if (rh_random_below(&random, 8) == 0)
                rh_text_append_char(&input, (char)rh_random_below(&random, 256));
        }
        LLVMFuzzerTestOneInput((const uint8_t *)rh_text_string(&input), input.length);
        rh_text_release(&input);
    }
    puts("300000 inputs");
    return 0;
}
#endif
