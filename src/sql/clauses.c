#include "pgrehearse/sql/tree.h"
#include "pgrehearse/base/text.h"
#include <string.h>
#include <strings.h>

static bool is_name(const rh_sql_token *token)
{
    return strcmp(token->kind, "IDENT") == 0 || strcmp(token->kind, "UIDENT") == 0 ||
           strcmp(token->kind, "KEYWORD") == 0;
}

/* Text that is appended to a clause must not become part of a comment. */
bool rh_clauses_scan(const char *sql, rh_arena *arena, rh_sql_token **tokens, size_t *count)
{
    size_t kept = 0;
    if (!rh_sql_scan(sql, arena, tokens, count, NULL))
        return false;
    for (size_t i = 0; i < *count; i++)
        if (!strstr((*tokens)[i].kind, "COMMENT"))
            (*tokens)[kept++] = (*tokens)[i];
    *count = kept;
    return true;
}

/* The index of the first token behind "ALTER TABLE [IF EXISTS] [ONLY] name [*]". */
static size_t skip_head(const char *sql, const rh_sql_token *tokens, size_t count)
{
    size_t i = 2;
    if (i + 1 < count && rh_sql_token_is(sql, &tokens[i], "if"))
        i += 2;
    if (i < count && rh_sql_token_is(sql, &tokens[i], "only"))
        i++;
    while (i + 1 < count && is_name(&tokens[i]) && strcmp(tokens[i + 1].kind, ".") == 0)
        i += 2;
    i++;
    if (i < count && tokens[i].end == tokens[i].start + 1 && sql[tokens[i].start] == '*')
        i++;
    return i;
}

static void add_piece(const char *sql, size_t from, size_t to, rh_arena *arena, rh_clauses *p)
{
    size_t count = p->count;
    *rh_arena_add(arena, &p->words, &count) = rh_arena_strndup(arena, sql + from, to - from);
    *rh_arena_add(arena, &p->offsets, &p->count) = from;
}

/* Splits the text at its top-level commas, from token FIRST on, up to the end or an unmatched closing
 * parenthesis. */
static bool split_at_commas(const char *sql, const rh_sql_token *tokens, size_t count, size_t first,
                            rh_arena *arena, rh_clauses *p)
{
    int depth = 0;
    for (size_t i = first; i <= count; i++) {
        const char *kind = i < count ? tokens[i].kind : ")";
        depth += strchr("([", kind[0]) != NULL;
        depth -= strchr(")]", kind[0]) != NULL;
        const bool end = depth < 0;
        if (!end && (depth > 0 || strcmp(kind, ",") != 0))
            continue;
        if (i > first)
            add_piece(sql, tokens[first].start, tokens[i - 1].end, arena, p);
        first = i + 1;
        if (end)
            break;
    }
    return p->count > 0;
}

bool rh_clauses_of_alter_table(const char *sql, rh_json *body, rh_arena *arena, rh_clauses *p)
{
    rh_sql_token *tokens = NULL;
    size_t count = 0;
    *p = (rh_clauses){0};
    if (!rh_tree_is(body, "objtype", "OBJECT_TABLE") || !rh_clauses_scan(sql, arena, &tokens, &count))
        return false;
    const size_t first = skip_head(sql, tokens, count);
    if (first >= count)
        return false;
    p->head = rh_arena_strndup(arena, sql, tokens[first - 1].end);
    return split_at_commas(sql, tokens, count, first, arena, p) &&
           p->count == rh_json_count(rh_json_get(body, "cmds"));
}

bool rh_clauses_of_create_table(const char *sql, rh_json *body, rh_arena *arena, rh_clauses *p)
{
    rh_sql_token *tokens = NULL;
    size_t count = 0, open = 0;
    *p = (rh_clauses){0};
    if (!rh_clauses_scan(sql, arena, &tokens, &count))
        return false;
    while (open < count && strcmp(tokens[open].kind, "(") != 0)
        open++;
    return open < count && split_at_commas(sql, tokens, count, open + 1, arena, p) &&
           p->count == rh_json_count(rh_json_get(body, "tableElts"));
}

const char *rh_clauses_constraint(const char *sql, rh_json *constraints, size_t index, size_t end,
                                  rh_arena *arena)
{
    size_t from = (size_t)rh_json_int(rh_json_path(rh_json_at(constraints, index), "Constraint.location"));
    if (index + 1 < rh_json_count(constraints)) {
        int64_t next = rh_json_int(rh_json_path(rh_json_at(constraints, index + 1), "Constraint.location"));
        end = next > (int64_t)from ? (size_t)next : end;
    }
    while (end > from && strchr(" \t\r\n", sql[end - 1]))
        end--;
    return rh_arena_strndup(arena, sql + from, end > from ? end - from : 0);
}

const char *rh_clauses_definition(const char *words, rh_arena *arena)
{
    rh_sql_token *tokens = NULL;
    size_t count = 0;
    if (!rh_clauses_scan(words, arena, &tokens, &count) || count < 3 ||
        !rh_sql_token_is(words, &tokens[0], "constraint"))
        return words;
    return words + tokens[2].start;
}

bool rh_clauses_names(const char *sql, const rh_sql_token *token, const char *name)
{
    const char *text = sql + token->start;
    size_t length = token->end - token->start;
    if (!is_name(token))
        return false;
    if (*text != '"')
        return strlen(name) == length && strncasecmp(text, name, length) == 0;
    return strlen(name) + 2 == length && strncmp(text + 1, name, length - 2) == 0;
}

static bool word_at(const char *sql, const rh_sql_token *tokens, size_t count, size_t i, const char *word)
{
    return i < count && rh_sql_token_is(sql, &tokens[i], word);
}

/* A word of the grammar that is a column's name elsewhere: AT TIME ZONE, EXTRACT(year FROM …), DATE '…'. */
static bool is_of_grammar(const char *sql, const rh_sql_token *tokens, size_t count, size_t i)
{
    return (i + 1 < count && strcmp(tokens[i + 1].kind, "SCONST") == 0) ||
           (word_at(sql, tokens, count, i, "at") && word_at(sql, tokens, count, i + 1, "time")) ||
           (word_at(sql, tokens, count, i, "time") && word_at(sql, tokens, count, i + 1, "zone")) ||
           (i > 0 && word_at(sql, tokens, count, i, "zone") && word_at(sql, tokens, count, i - 1, "time")) ||
           (i > 1 && strcmp(tokens[i - 1].kind, "(") == 0 && word_at(sql, tokens, count, i - 2, "extract"));
}

/* A word by itself is a column; after a cast it is a type, before a parenthesis a function. */
static bool is_column(const char *sql, const rh_sql_token *tokens, size_t count, size_t i)
{
    static const char *const before[] = {"as", "collate", "references", "using", "constraint"};
    if (i + 1 < count && (strcmp(tokens[i + 1].kind, "(") == 0 || strcmp(tokens[i + 1].kind, ".") == 0))
        return false;
    if (is_of_grammar(sql, tokens, count, i))
        return false;
    if (i == 0)
        return true;
    if (strcmp(tokens[i - 1].kind, "TYPECAST") == 0)
        return false;
    for (size_t k = 0; k < sizeof before / sizeof *before; k++)
        if (rh_sql_token_is(sql, &tokens[i - 1], before[k]))
            return false;
    return true;
}

const char *rh_clauses_rename(const char *text, size_t from, const char *until, const char *column,
                              const char *to, rh_arena *arena)
{
    rh_sql_token *tokens = NULL;
    size_t count = 0, done = 0;
    rh_text out = {0};
    if (!rh_clauses_scan(text, arena, &tokens, &count))
        return NULL;
    for (size_t i = 0; i < count; i++) {
        if (until && rh_sql_token_is(text, &tokens[i], until))
            break;
        if (tokens[i].start < from || !rh_clauses_names(text, &tokens[i], column) ||
            !is_column(text, tokens, count, i))
            continue;
        rh_text_append_bytes(&out, text + done, tokens[i].start - done);
        rh_text_append(&out, to);
        done = tokens[i].end;
    }
    rh_text_append(&out, text + done);
    const char *renamed = rh_arena_strdup(arena, rh_text_string(&out));
    rh_text_release(&out);
    return renamed;
}

bool rh_clauses_mention(const char *text, const char *name, rh_arena *arena)
{
    rh_sql_token *tokens = NULL;
    size_t count = 0;
    rh_clauses_scan(text, arena, &tokens, &count);
    for (size_t i = 0; i < count; i++)
        if (rh_clauses_names(text, &tokens[i], name))
            return true;
    return false;
}

size_t rh_clauses_behind_table(const char *sql, rh_arena *arena)
{
    rh_sql_token *tokens = NULL;
    size_t count = 0, i = 0;
    rh_clauses_scan(sql, arena, &tokens, &count);
    while (i < count && !rh_sql_token_is(sql, &tokens[i], "on"))
        i++;
    i++;
    if (i < count && rh_sql_token_is(sql, &tokens[i], "only"))
        i++;
    while (i + 2 < count && strcmp(tokens[i + 1].kind, ".") == 0)
        i += 2;
    return i + 1 < count ? tokens[i + 1].start : 0;
}
