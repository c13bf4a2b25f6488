/* A good scenario, damaged a few thousand times: each either loads or is refused with a message and a place.
 * Meant to run under the sanitizers too; the seed is fixed, so a failure comes back. */
#include "pgrehearse/adapters/yaml.h"
#include "pgrehearse/base/random.h"
#include "scenario/keys.h"
#include "pgrehearse/scenario/scenario.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
// clang-format off
#include <cmocka.h>
// clang-format on

enum { ROUNDS = 4000, CAPACITY = 8192, MARGIN = 128 };

static const char *const TOKENS[] = {
    "&a ",       "*a",       "{",
    "}",         "[",        "]",
    ": ",        "\n",       "- ",
    "? ",        "|\n",      "> \n",
    "!!str ",    "\"",       "'",
    "#",         "${",       "}",
    "---\n",     "$$",       "%YAML 1.2",
    "${PATH}",   "null",     "  ",
    "\t",        "~",        "\\0",
    "ä",         "\v",       "-1",
    "1e999",     "10 ms",    "99999999999999999999",
    "workload:", "prepare:", "<<: *a\n",
};

/* A tangle of everything that YAML has, which no scenario needs. */
static const char TANGLE[] =
    "name: &n x\nbackup: {path: b, jobs: 2}\nverify: &v\n  - sql: *n\n  - command: [a, *n, \"q\\n\"]\n"
    "prepare: *v\nstaging:\n  settings: {a: |\n    text\n    more\n  }\ngates: {reads_blocked: 1s}\n";

typedef struct text {
    char bytes[CAPACITY + 1];
    size_t length;
} text;

static void replace(text *t, size_t at, size_t removed, const char *with, size_t length)
{
    if (removed > t->length - at)
        removed = t->length - at;
    if (t->length - removed + length > CAPACITY - MARGIN)
        return;
    char piece[MARGIN];
    memcpy(piece, with, length); /* it may point into the text */
    memmove(t->bytes + at + length, t->bytes + at + removed, t->length - at - removed);
    memcpy(t->bytes + at, piece, length);
    t->length += length - removed;
}

static void damage(text *t, rh_random *random)
{
    size_t at = rh_random_below(random, t->length + 1), from = rh_random_below(random, t->length + 1);
    size_t length = rh_random_below(random, 60);
    const char *token = TOKENS[rh_random_below(random, sizeof TOKENS / sizeof *TOKENS)];
    char byte = (char)rh_random_below(random, 256);
    switch (rh_random_below(random, 4)) {
    case 0:
        replace(t, at, length / 3, "", 0);
        break;
    case 1:
        replace(t, at, 0, token, strlen(token));
        break;
    case 2:
        replace(t, at, 1, &byte, 1);
        break;
    default:
        replace(t, at, 0, t->bytes + from, length < t->length - from ? length : t->length - from);
    }
    t->bytes[t->length] = 0;
}

static void check(const text *t, int round)
{
    rh_error error = {0};
    rh_arena *arena = rh_arena_new();
    rh_scenario scenario = {.path = "/nowhere/s.yaml", .directory = "/nowhere"};
    rh_reader reader = {arena, &scenario, &error};
    rh_yaml *yaml = rh_yaml_parse_bytes(t->bytes, t->length, "s.yaml", &error);
    bool ok = yaml && rh_keys_read(&reader, rh_yaml_root(yaml));
    rh_yaml_free(yaml);
    bool told =
        error.code == RH_ERROR_SCENARIO && error.message && *error.message && error.file && error.line > 0;
    if (ok == rh_error_is_set(&error) || (!ok && !told))
        fail_msg("round %d: code %d, \"%s\", line %d of:\n%s", round, (int)error.code,
                 error.message ? error.message : "", error.line, t->bytes);
    rh_error_release(&error);
    rh_arena_free(arena);
}

static void test_mutations(void **state)
{
    (void)state;
    rh_random random;
    rh_random_seed(&random, 20261122);
    static text t;
    for (int round = 0; round < ROUNDS; round++) {
        const char *start = round % 3 ? rh_scenario_template() : TANGLE;
        t.length = strlen(start);
        memcpy(t.bytes, start, t.length + 1);
        for (uint64_t times = 1 + rh_random_below(&random, 8); times > 0; times--)
            damage(&t, &random);
        check(&t, round);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_mutations)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
