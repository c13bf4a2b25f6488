/* Mutations of a fixed corpus, by a fixed seed: bytes changed, pieces cut out, doubled, or taken from another
 * input. */
#pragma once
#include "pgrehearse/base/random.h"
#include "pgrehearse/base/text.h"
#include <stdint.h>
#include <string.h>

static inline void mutate_once(rh_random *random, const char *const *corpus, size_t count, rh_text *text)
{
    static const char bytes[] = "\"',;:$\\\n\r()-+*/%<>=0123456789eE.tf \xc3\xff";
    size_t at = (size_t)rh_random_below(random, text->length + 1);
    size_t length = (size_t)rh_random_below(random, 12);
    if (length > text->length - at)
        length = text->length - at;
    rh_text out = {0};
    rh_text_append_bytes(&out, rh_text_string(text), at);
    switch (rh_random_below(random, 4)) {
    case 0: /* a byte more */
        rh_text_append_char(&out, bytes[rh_random_below(random, sizeof bytes - 1)]);
        length = 0;
        break;
    case 1: /* a piece less */
        break;
    case 2: /* a piece twice */
        rh_text_append_bytes(&out, rh_text_string(text) + at, length);
        length = 0;
        break;
    default: { /* a piece of another one instead */
        const char *other = corpus[rh_random_below(random, count)];
        size_t size = strlen(other), from = (size_t)rh_random_below(random, size);
        rh_text_append_bytes(&out, other + from, (size_t)rh_random_below(random, size - from + 1));
    }
    }
    rh_text_append(&out, rh_text_string(text) + at + length);
    rh_text_release(text);
    *text = out;
}

static inline void mutate_all(const char *const *corpus, size_t count, int runs,
                              int (*target)(const uint8_t *data, size_t size))
{
    rh_random random;
    rh_random_seed(&random, 42);
    for (int run = 0; run < runs; run++) {
        rh_text text = {0};
        rh_text_append(&text, corpus[(size_t)run % count]);
        for (uint64_t n = (size_t)run < count ? 0 : 1 + rh_random_below(&random, 6); n > 0; n--)
            mutate_once(&random, corpus, count, &text);
        target((const uint8_t *)rh_text_string(&text), text.length);
        rh_text_release(&text);
    }
}
