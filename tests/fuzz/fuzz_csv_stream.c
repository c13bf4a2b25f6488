/* CSV as a stream, on anything: portions do not matter, an error has its place, and rows that are written
 * again are read as the same rows. For libFuzzer (-fsanitize=fuzzer, with RH_FUZZER defined), or by itself
 * over mutations of a fixed corpus. */
#include "pgrehearse/adapters/csv.h"
#include "pgrehearse/base/text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Writes each row with every field in quotes that had some or needs them. */
static bool write_row(void *user, const rh_csv_record *record, rh_error *error)
{
    (void)error;
    rh_text *out = user;
    for (size_t i = 0; i < record->count; i++) {
        const rh_csv_field *field = &record->fields[i];
        rh_text_append(out, i ? "," : "");
        rh_text_append(out, field->quoted ? "\"" : "");
        for (size_t k = 0; k < field->length; k++)
            rh_text_append(out, (char[]){field->bytes[k], field->bytes[k] == '"' ? '"' : '\0', '\0'});
        rh_text_append(out, field->quoted ? "\"" : "");
    }
    rh_text_append(out, "\n");
    return true;
}

static bool read_in(const char *text, size_t length, size_t portion, rh_text *out, rh_error *error)
{
    rh_csv_stream *stream = rh_csv_stream_new("f", write_row, out);
    bool fine = true;
    for (size_t at = 0, n = portion < 3 ? 3 : portion; fine && at < length; at += n, n = portion) {
        n = n < length - at ? n : length - at;
        fine = rh_csv_stream_feed(stream, text + at, n, error);
    }
    fine = fine && rh_csv_stream_finish(stream, error);
    rh_csv_stream_free(stream);
    return fine;
}

static void check(bool holds, const uint8_t *data, size_t size, int line)
{
    if (holds)
        return;
    fprintf(stderr, "line %d: input [%.*s]\n", line, (int)size, (const char *)data);
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rh_text whole = {0}, parts = {0}, again = {0};
    rh_error error = {0}, other = {0}, none = {0};
    const char *text = (const char *)data;
    bool fine = read_in(text, size, size + 1, &whole, &error);
    check(read_in(text, size, 1 + size % 5, &parts, &other) == fine, data, size, __LINE__);
    check(strcmp(rh_text_string(&whole), rh_text_string(&parts)) == 0, data, size, __LINE__);
    check(error.line == other.line && error.column == other.column, data, size, __LINE__);
    check(fine == !rh_error_is_set(&error) && (fine || error.line > 0), data, size, __LINE__);
    bool marked = strncmp(rh_text_string(&whole), "\xef\xbb\xbf", 3) == 0; /* a second one is data */
    if (fine && !marked) {
        check(read_in(rh_text_string(&whole), whole.length, whole.length + 1, &again, &none), data, size,
              __LINE__);
        check(strcmp(rh_text_string(&whole), rh_text_string(&again)) == 0, data, size, __LINE__);
    }
    rh_error_release(&error);
    rh_error_release(&other);
    rh_text_release(&whole);
    rh_text_release(&parts);
    rh_text_release(&again);
    return 0;
}

#ifndef RH_FUZZER
#include "mutate.h"

static const char *const corpus[] = {
    "id,name,note\n1,\"a \"\"b\"\"\nc\",\n2,,\"\"\n3,\\N,\"\\N\"\n",
    "\xef\xbb\xbfid,name\r\n1,\"x\r\ny\"\r\n2,caf\xc3\xa9\r\n",
    "id,name\r1,2\r\r3,4\n",
    "one\n\n\"\"\n1\n\n",
};

int main(void)
{
    mutate_all(corpus, sizeof corpus / sizeof *corpus, 30000, LLVMFuzzerTestOneInput);
    return 0;
}
#endif
