#include "pgrehearse/sql/classify.h"
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/base/scan.h"
#include <string.h>
#include <strings.h>

/* The words of a short statement in order, comments left out. */
typedef struct words {
    const char *sql;
    const rh_sql_token *tokens;
    size_t count;
} words;

static bool is(const words *w, size_t index, const char *word)
{
    return index < w->count && rh_sql_token_is(w->sql, &w->tokens[index], word);
}

/* After COMMIT, END, ROLLBACK or ABORT. */
static rh_transaction_verb end_verb(const words *w)
{
    size_t at = 1;
    if (is(w, at, "prepared"))
        return RH_VERB_NONE;
    if (is(w, at, "work") || is(w, at, "transaction"))
        at++;
    if (is(w, at, "to"))
        return RH_VERB_SAVEPOINT;
    return is(w, at, "and") && is(w, at + 1, "chain") ? RH_VERB_CHAIN : RH_VERB_END;
}

static rh_transaction_verb verb_of_words(const words *w)
{
    if (is(w, 0, "begin") || is(w, 0, "start"))
        return RH_VERB_BEGIN;
    if (is(w, 0, "commit") || is(w, 0, "end") || is(w, 0, "rollback") || is(w, 0, "abort"))
        return end_verb(w);
    if (is(w, 0, "prepare"))
        return is(w, 1, "transaction") ? RH_VERB_END : RH_VERB_NONE;
    if (is(w, 0, "savepoint") || is(w, 0, "release"))
        return RH_VERB_SAVEPOINT;
    return RH_VERB_SETTING;
}

rh_transaction_verb rh_transaction_verb_of(const char *sql)
{
    static const char *const first_words[] = {"begin",   "start",     "commit",  "end", "rollback", "abort",
                                              "prepare", "savepoint", "release", "set", "reset",    "show"};
    sql = rh_sql_skip_blanks(sql);
    size_t length = strspn(sql, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
    bool candidate = false;
    for (size_t i = 0; i < sizeof first_words / sizeof *first_words; i++)
        candidate |= strlen(first_words[i]) == length && strncasecmp(sql, first_words[i], length) == 0;
    if (!candidate)
        return RH_VERB_NONE;
    rh_arena *scratch = rh_arena_new();
    rh_sql_token *tokens;
    size_t count, kept = 0;
    rh_sql_scan(sql, scratch, &tokens, &count, NULL);
    for (size_t i = 0; i < count; i++)
        if (strcmp(tokens[i].kind, "SQL_COMMENT") != 0 && strcmp(tokens[i].kind, "C_COMMENT") != 0)
            tokens[kept++] = tokens[i];
    words w = {sql, tokens, kept};
    rh_transaction_verb verb = kept > 0 ? verb_of_words(&w) : RH_VERB_NONE;
    rh_arena_free(scratch);
    return verb;
}
