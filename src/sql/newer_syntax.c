#include "newer_syntax.h"
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/sql/tree.h"
#include <string.h>

/* Words that follow one another, and the version that first knows them. "_": any token; "*": any number of
 * them. */
static const struct phrase {
    const char *words[6];
    int version;
} PHRASES[] = {
    {{"not", "enforced"}, 18},
    {{"without", "overlaps"}, 18},
    {{"period"}, 18},
    {{"virtual"}, 18},
    {{"alter", "constraint", "_", "inherit"}, 18},
    {{"alter", "constraint", "_", "no", "inherit"}, 18},
    {{"alter", "constraint", "_", "enforced"}, 18},
    {{"alter", "domain", "_", "add", "constraint", "_"}, 17},
    {{"generated", "always", "as", "("}, 18}, /* without STORED, which older parsers ask for */
    {{"add", "not", "null"}, 18},
    {{"constraint", "_", "not", "null"}, 18},
    {{"returning", "with"}, 18},
    {{"analyze", "only"}, 18},
    {{"vacuum", "only"}, 18},
    {{"not", "matched", "by"}, 17},
    {{"json_table"}, 17},
    {{"json_query"}, 17},
    {{"json_value"}, 17},
    {{"json_exists"}, 17},
    {{"json_scalar"}, 17},
    {{"json_serialize"}, 17},
    {{"set", "expression"}, 17},
    {{"set", "statistics", "default"}, 17},
    {{"set", "access", "method", "default"}, 17},
    {{"at", "local"}, 17},
    {{"merge", "*", "returning"}, 17},
    {{"json_array"}, 16},
    {{"json_object"}, 16},
    {{"json_arrayagg"}, 16},
    {{"json_objectagg"}, 16},
    {{"is", "json"}, 16},
    {{"is", "not", "json"}, 16},
    {{"create", "statistics", "on"}, 16},
    {{"reindex", "database"}, 16},
    {{"reindex", "system"}, 16},
    {{"set", "storage", "default"}, 16},
    {{"storage"}, 16},
};

static bool is(const char *sql, const rh_sql_token *token, const char *word)
{
    return rh_sql_token_is(sql, token, word);
}

/* The phrase's WORDS stand in the statement from its token AT on. */
static bool stands_at(const char *sql, const rh_sql_token *tokens, size_t count, size_t at,
                      const struct phrase *phrase)
{
    bool any = false;
    for (size_t w = 0; w < 6 && phrase->words[w];) {
        if (strcmp(phrase->words[w], "*") == 0) {
            any = true;
            w++;
            continue;
        }
        if (at >= count)
            return false;
        const bool same = strcmp(phrase->words[w], "_") == 0 || is(sql, &tokens[at], phrase->words[w]);
        if (!same && !any)
            return false;
        at++;
        w += same;
        any = any && !same;
    }
    return true;
}

/* 1_000, 0x1F, 0o17, 0b1 */
static bool is_newer_number(const char *sql, const rh_sql_token *token)
{
    const char *text = sql + token->start;
    const size_t length = token->end - token->start;
    if (strcmp(token->kind, "ICONST") != 0 && strcmp(token->kind, "FCONST") != 0)
        return false;
    return memchr(text, '_', length) || (length > 2 && text[0] == '0' && strchr("xXoObB", text[1]));
}

static int version_of(const char *sql, const rh_sql_token *tokens, size_t count)
{
    int version = 0;
    for (size_t at = 0; at < count; at++) {
        if (version < 16 && is_newer_number(sql, &tokens[at]))
            version = 16;
        for (size_t i = 0; i < sizeof PHRASES / sizeof *PHRASES; i++)
            if (PHRASES[i].version > version && stands_at(sql, tokens, count, at, &PHRASES[i]))
                version = PHRASES[i].version;
    }
    return version;
}

/* The table that ALTER TABLE names, as the statement writes it; NULL: it is no ALTER TABLE. */
static const char *altered_table(const char *sql, const rh_sql_token *tokens, size_t count, rh_arena *arena)
{
    size_t at = 2;
    if (count < 3 || !is(sql, &tokens[0], "alter") || !is(sql, &tokens[1], "table"))
        return NULL;
    if (at + 2 < count && is(sql, &tokens[at], "if"))
        at += 2;
    at += is(sql, &tokens[at], "only");
    if (at >= count)
        return NULL;
    const size_t start = tokens[at].start;
    while (at + 2 < count && tokens[at + 1].kind[0] == '.')
        at += 2;
    return rh_arena_strndup(arena, sql + start, tokens[at].end - start);
}

void rh_describe_newer(rh_statement *statement, const rh_catalog *catalog, rh_arena *arena)
{
    rh_sql_token *tokens = NULL;
    size_t count = 0;
    rh_clauses_scan(statement->sql, arena, &tokens, &count);
    const int version = version_of(statement->sql, tokens, count);
    statement->parse_error =
        version
            ? rh_arena_printf(
                  arena,
                  "not understood (needs PostgreSQL %d?): the parser is that of PostgreSQL %d, so its class, "
                  "locks and hazards are not known from the text",
                  version, rh_sql_parser_version())
            : rh_arena_printf(
                  arena,
                  "not understood: a syntax error, or syntax newer than the parser's PostgreSQL %d; its class, "
                  "locks and hazards are not known from the text",
                  rh_sql_parser_version());
    const char *table = altered_table(statement->sql, tokens, count, arena);
    if (!table)
        return;
    statement->command_tag = "ALTER TABLE";
    rh_expected_lock *lock = rh_arena_add(arena, &statement->expected_locks, &statement->expected_lock_count);
    const rh_relation ref = rh_relation_of(table, arena);
    const rh_catalog_table *found = rh_catalog_find(catalog, ref.schema, ref.name);
    *lock = (rh_expected_lock){.relation = found && !found->guessed ? rh_catalog_name(found, arena) : table,
                               .mode = RH_LOCK_ACCESS_EXCLUSIVE,
                               .because = "at most: not understood"};
    statement->expected_lock = lock->mode;
    statement->expected_relation = lock->relation;
}
