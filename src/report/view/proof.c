/* The claims of a backfill's proof in words. */
#include "backfill.h"
#include <string.h>

static const struct claim_words {
    const char *claim, *words;
} WORDS[] = {
    {"resumes", "resumes after a kill"},
    {"idempotent", "may be repeated"},
    {"complete", "misses no row"},
    {"keeps_updates", "loses no update"},
    {"ends", "ends"},
    {"commits", "commits each batch"},
    {"reads_once", "reads each row once"},
    {"no_deadlock", "no deadlock hits the application"},
    {"stops", "stops when it is asked to"},
    {"contract", "the migrations that follow pass"},
};

static const char *words_of(const char *claim)
{
    for (size_t i = 0; claim && i < sizeof WORDS / sizeof *WORDS; i++)
        if (strcmp(WORDS[i].claim, claim) == 0)
            return WORDS[i].words;
    return claim ? claim : "?";
}

static const char *why_of(const rh_view *view, const rh_json *record)
{
    const char *why = rh_view_string(record, "why"), *defect = rh_view_string(record, "defect"), *list = NULL;
    const rh_json *columns = rh_json_get(record, "columns");
    for (size_t i = 0; i < rh_json_count(columns); i++)
        list = rh_view_printf(view, "%s%s%s", list ? list : "", list ? ", " : "",
                              rh_json_string(rh_json_at(columns, i)));
    const int64_t rows = rh_json_int(rh_json_get(record, "rows"));
    const char *where = list ? rh_view_printf(view, "%s: ", list) : "";
    if (defect && rh_json_get(record, "rows") && rows > 0)
        return rh_view_printf(view, "%s (%s%s rows; %s)", why ? why : "?", where,
                              rh_view_count_or(view, rows, "?"), defect);
    return defect ? rh_view_printf(view, "%s (%s%s)", why ? why : "?", where, defect) : why ? why : "?";
}

void rh_view_claims(const rh_view *view, rh_view_backfill *b)
{
    const rh_json *list = rh_json_get(b->record, "proof");
    for (size_t i = 0; i < rh_json_count(list); i++) {
        const rh_json *record = rh_json_at(list, i);
        const char *outcome = rh_view_string(record, "outcome");
        *rh_arena_add(view->arena, &b->claims, &b->claim_count) =
            (rh_view_claim){.claim = words_of(rh_view_string(record, "claim")),
                            .outcome = outcome ? outcome : "unknown",
                            .why = why_of(view, record),
                            .runs = rh_json_int(rh_json_get(record, "runs"))};
    }
}

static bool held(const rh_view_backfill *b, const char *claim)
{
    const rh_json *list = rh_json_get(b->record, "proof");
    for (size_t i = 0; i < rh_json_count(list); i++)
        if (rh_view_is(rh_json_at(list, i), "claim", claim))
            return rh_view_is(rh_json_at(list, i), "outcome", "held");
    return false;
}

const char *rh_view_proof_words(const rh_view_backfill *b)
{
    static const char *const claims[] = {"resumes", "idempotent", "complete", "keeps_updates"};
    for (size_t i = 0; i < sizeof claims / sizeof *claims; i++)
        if (!held(b, claims[i]))
            return NULL;
    for (size_t i = 0; i < b->claim_count; i++)
        if (strcmp(b->claims[i].outcome, "held") != 0)
            return NULL;
    return "may be killed at any time, repeated, and misses nothing";
}

const char *rh_view_backfill_proof(const rh_view *view, const rh_view_backfill *b)
{
    const char *line = NULL, *why_not = rh_view_string(b->record, "proof_why_not");
    size_t count = 0;
    if (b->claim_count == 0)
        return rh_view_printf(view, "not run: %s", why_not ? why_not : "no reason was recorded");
    for (size_t i = 0; i < b->claim_count; i++) {
        const rh_view_claim *claim = &b->claims[i];
        if (strcmp(claim->outcome, "held") == 0)
            count++;
        else
            line = rh_view_printf(view, "%s%s%s %s: %s", line ? line : "", line ? "; " : "", claim->claim,
                                  claim->outcome, claim->why);
    }
    return line ? rh_view_printf(view, "%zu claims held; %s", count, line) : NULL;
}
