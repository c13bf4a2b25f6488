/* The proxy's reader and its session, on anything from both sides: however the bytes are cut the same
 * messages come out, nothing is read beyond them, and every statement that ended had begun. For libFuzzer
 * (-fsanitize=fuzzer, with RH_FUZZER defined), or by itself over mutations of a fixed conversation. */
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/random.h"
#include "proxy/session.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct tally {
    int begun, ended;
    rh_text seen;
} tally;

static void on_begun(void *user, rh_proxy_statement *s)
{
    tally *t = user;
    s->mark = t;
    t->begun++;
}

static void on_ended(void *user, const rh_proxy_statement *s)
{
    tally *t = user;
    t->ended += s->sql != NULL;
    if (s->sql && s->mark != t)
        abort();
    rh_text_printf(&t->seen, "%s|%s|%s;", s->sql ? s->sql : "-", s->command_tag,
                   s->sqlstate ? s->sqlstate : "");
}

static void on_transaction(void *user, int connection, rh_usec at)
{
    (void)connection;
    (void)at;
    rh_text_append(&((tally *)user)->seen, "#");
}

/* DATA is made of chunks: a byte that says from whom and how long, and that many bytes. They are read in
 * pieces of PIECE. */
static char *converse(const uint8_t *data, size_t size, size_t piece)
{
    tally t = {0};
    rh_proxy_session_events events = {
        .user = &t, .begun = on_begun, .ended = on_ended, .transaction_ended = on_transaction};
    rh_proxy_session *session = rh_proxy_session_new(1, 10, &events);
    rh_message_reader readers[2] = {{.kept = RH_SESSION_CLIENT_TYPES, .untyped = true},
                                    {.kept = RH_SESSION_SERVER_TYPES}};
    rh_usec now = 0;
    for (size_t at = 0; at < size;) {
        int from = data[at] & 1;
        size_t length = data[at++] >> 1;
        for (size_t end = length < size - at ? at + length : size; at < end;) {
            bool complete;
            size_t count = end - at < piece ? end - at : piece;
            char *part = rh_alloc(count); /* so that a sanitizer sees what is read beyond it */
            memcpy(part, data + at, count);
            rh_message_reader *reader = &readers[from];
            size_t read = rh_message_read(reader, part, count, &complete);
            if (read == 0 || read > count)
                abort();
            at += read;
            if (complete && from == 0) {
                if (rh_proxy_session_holds(session, &reader->message) != RH_HOLD_NOT)
                    rh_proxy_session_waited(session, now, now);
                rh_proxy_session_sent(session, &reader->message, now);
                reader->untyped = false;
            } else if (complete) {
                rh_proxy_session_received(session, &reader->message, now);
            }
            free(part);
        }
    }
    if (t.ended > t.begun)
        abort();
    rh_proxy_session_free(session);
    rh_message_reader_release(&readers[0]);
    rh_message_reader_release(&readers[1]);
    return t.seen.data ? t.seen.data : rh_strdup("");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *whole = converse(data, size, 128);
    static const size_t pieces[] = {1, 2, 5};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        char *cut = converse(data, size, pieces[i]);
        if (strcmp(whole, cut) != 0)
            abort();
        free(cut);
    }
    free(whole);
    return 0;
}

#ifndef RH_FUZZER
#define CHUNK(from, bytes)                                                                                   \
    {                                                                                                        \
        from, bytes, sizeof(bytes) - 1                                                                       \
    }
static const struct {
    int from;
    const char *bytes;
    size_t length;
} seeds[] = {
    CHUNK(0, "\0\0\0\x11\0\3\0\0user\0a\0\0"),
    CHUNK(1, "R\0\0\0\x08\0\0\0\0K\0\0\0\x0c\0\0\0\7\0\0\0\1Z\0\0\0\5I"),
    CHUNK(0, "Q\0\0\0\x0d"
             "select 1\0"),
    CHUNK(1, "C\0\0\0\x0dSELECT 1\0Z\0\0\0\5I"),
    CHUNK(0, "Q\0\0\0\13commit\0"),
    CHUNK(1, "C\0\0\0\13COMMIT\0Z\0\0\0\5T"),
    CHUNK(0, "P\0\0\0\x11\0alter t\0\0\0B\0\0\0\x0c\0\0\0\0\0\0\0\0"),
    CHUNK(0, "D\0\0\0\6P\0E\0\0\0\x09\0\0\0\0\0S\0\0\0\4"),
    CHUNK(1, "1\0\0\0\4"
             "2\0\0\0\4n\0\0\0\4"),
    CHUNK(1, "C\0\0\0\x0dSELECT 1\0"),
    CHUNK(1, "Z\0\0\0\5I"),
    CHUNK(1, "E\0\0\0\x0e"
             "C42P01\0Mno\0\0"),
    CHUNK(1, "G\0\0\0\7\0\0\0"),
    CHUNK(0, "d\0\0\0\6xx"),
    CHUNK(0, "c\0\0\0\4"),
    CHUNK(0, "f\0\0\0\5\0"),
    CHUNK(0, "C\0\0\0\6S\0"),
    CHUNK(0, "F\0\0\0\x08\0\0\0\0"),
    CHUNK(1, "s\0\0\0\4I\0\0\0\4"
             "3\0\0\0\4"),
    CHUNK(0, "S\0\0\0\4"),
};

int main(void)
{
    rh_random random;
    rh_random_seed(&random, 7);
    const size_t count = sizeof seeds / sizeof *seeds;
    for (int run = 0; run < 60000; run++) {
        rh_text input = {0};
        /* mostly the conversation in its order, with something left out, repeated or damaged */
        for (size_t i = 0; i < count + 6; i++) {
            uint64_t dice = rh_random_below(&random, 10);
            size_t which = dice < 6 ? i % count : rh_random_below(&random, count);
            if (dice == 9)
                continue;
            rh_text_append_char(&input, (char)(seeds[which].length << 1 | (unsigned)seeds[which].from));
            rh_text_append_bytes(&input, seeds[which].bytes, seeds[which].length);
            if (rh_random_below(&random, 30) == 0)
                input.data[rh_random_below(&random, input.length)] = (char)rh_random_below(&random, 256);
        }
        LLVMFuzzerTestOneInput((const uint8_t *)rh_text_string(&input), input.length);
        rh_text_release(&input);
    }
    puts("60000 inputs");
    return 0;
}
#endif
