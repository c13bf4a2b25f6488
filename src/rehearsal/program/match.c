#include "match.h"
#include "pgrehearse/adapters/sql_parser.h"
#include <ctype.h>
#include <string.h>

typedef struct known {
    bool used;
    bool printed; /* parsing takes longer than many a statement: once for each, when it is first wanted */
    char fingerprint[17];
} known;

struct rh_program_match {
    const rh_script *script;
    known *known;
    size_t cursor; /* after the last one that was found */
};

rh_program_match *rh_program_match_new(const rh_script *script, rh_arena *arena)
{
    rh_program_match *match = rh_arena_alloc(arena, sizeof *match);
    match->script = script;
    match->known = rh_arena_alloc(arena, (script->statement_count + 1) * sizeof *match->known);
    return match;
}

/* "" when it does not parse. */
static const char *fingerprint_of(rh_program_match *match, size_t index)
{
    known *k = &match->known[index];
    if (!k->printed) {
        k->printed = true;
        if (!rh_sql_fingerprint(match->script->statements[index].sql, k->fingerprint))
            k->fingerprint[0] = '\0';
    }
    return k->fingerprint;
}

/* A and B are alike when every run of digits is the same. */
static bool same_but_for_numbers(const char *a, const char *b)
{
    while (*a && *b) {
        if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
            a += strspn(a, "0123456789");
            b += strspn(b, "0123456789");
        } else if (*a++ != *b++) {
            return false;
        }
    }
    return *a == *b;
}

static size_t take(rh_program_match *match, size_t index)
{
    match->known[index].used = true;
    match->cursor = index + 1;
    return index;
}

size_t rh_program_match_find(rh_program_match *match, const char *sql)
{
    const rh_script *script = match->script;
    const size_t count = script->statement_count;
    char fingerprint[17];
    if (match->cursor < count && !match->known[match->cursor].used &&
        strcmp(script->statements[match->cursor].sql, sql) == 0)
        return take(match, match->cursor);
    if (count == 0)
        return SIZE_MAX;
    bool parsed = rh_sql_fingerprint(sql, fingerprint);
    for (size_t i = 0; parsed && i < count; i++) {
        size_t index = (match->cursor + i) % count;
        if (!match->known[index].used && strcmp(fingerprint_of(match, index), fingerprint) == 0)
            return take(match, index);
    }
    for (size_t i = 0; i < count; i++) {
        size_t index = (match->cursor + i) % count;
        if (!match->known[index].used && same_but_for_numbers(script->statements[index].sql, sql))
            return take(match, index);
    }
    return SIZE_MAX;
}
