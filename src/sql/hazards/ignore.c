/* "-- pgrehearse: ignore RULE reason" before a statement silences one rule for it. Only comments count, not
 * the same text inside a string. */
#include "pgrehearse/sql/hazards.h"
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/base/text.h"
#include <string.h>
#include <strings.h>

static const char MARK[] = "pgrehearse:";

/* One comment and its place. */
typedef struct comment {
    const char *path;
    char *words; /* behind the mark */
    int line, column;
    rh_arena *arena;
    rh_error *error;
} comment;

static bool refuse(const comment *c, const char *hint)
{
    if (hint)
        rh_error_hint(c->error, "%s", hint);
    return rh_error_at(c->error, c->path, c->line, c->column);
}

static const char *rule_list(rh_arena *arena)
{
    const char *list = "";
    const rh_hazard_rule *rule;
    for (size_t i = 0; (rule = rh_hazard_rule_at(i)); i++)
        list = rh_arena_printf(arena, "%s%s%s", list, i ? ", " : "", rule->id);
    return list;
}

static bool refuse_rule(const comment *c, const char *given)
{
    rh_error_set(c->error, RH_ERROR_SCENARIO, "there is no rule \"%s\" to ignore", given);
    return refuse(c, rh_arena_printf(c->arena, "The rules are %s.", rule_list(c->arena)));
}

/* The next word of *TEXT, ended in place; NULL when there is none. */
static char *next_word(char **text)
{
    char *word = *text + strspn(*text, " \t");
    size_t length = strcspn(word, " \t");
    *text = word + length;
    if (word[length])
        *(*text)++ = '\0';
    return length ? word : NULL;
}

/* The statement that contains COMMENT, or else the next one. */
static rh_statement *statement_of(const comment *c, rh_script *script)
{
    for (size_t i = 0; i < script->statement_count; i++) {
        rh_statement *s = &script->statements[i];
        const rh_grouped_statement *end = s->grouped_count ? &s->grouped[s->grouped_count - 1] : NULL;
        int last = end ? end->line : s->line;
        for (const char *at = end ? end->sql : s->sql; (at = strchr(at, '\n')); at++)
            last++;
        if (last > c->line || (s->line == c->line && s->column > c->column))
            return s;
    }
    return NULL;
}

static bool read_comment(const comment *c, rh_script *script)
{
    char *rest = c->words;
    const char *verb = next_word(&rest), *rule = next_word(&rest);
    char *reason = rest + strspn(rest, " \t");
    for (size_t length = strlen(reason); length && strchr(" \t\r", reason[length - 1]); length--)
        reason[length - 1] = '\0';
    if (!verb || strcmp(verb, "ignore") != 0) {
        rh_error_set(c->error, RH_ERROR_SCENARIO, "\"%s\" is not a directive of pgrehearse",
                     verb ? verb : "");
        return refuse(c, "Write \"-- pgrehearse: ignore RULE reason\" before the statement.");
    }
    if (!rule) {
        rh_error_set(c->error, RH_ERROR_SCENARIO, "ignore names no rule");
        return refuse(c, rh_arena_printf(c->arena, "The rules are %s.", rule_list(c->arena)));
    }
    if (!rh_hazard_rule_exists(rule))
        return refuse_rule(c, rule);
    if (!*reason) {
        rh_error_set(c->error, RH_ERROR_SCENARIO, "ignore %s gives no reason", rule);
        return refuse(c, "Write why it does no harm here: the report shows it.");
    }
    rh_statement *statement = statement_of(c, script);
    if (!statement) {
        rh_error_set(c->error, RH_ERROR_SCENARIO, "no statement follows this ignore %s", rule);
        return refuse(c, "Put it on a line of its own before the statement that it is for.");
    }
    rh_ignored *ignored = rh_arena_add(c->arena, &statement->ignored, &statement->ignored_count);
    *ignored = (rh_ignored){rh_arena_strdup(c->arena, rule), rh_arena_strdup(c->arena, reason), c->line};
    return true;
}

/* The text behind the mark of a comment; NULL when it has none. */
static char *marked_words(const char *text, const rh_sql_token *token, rh_arena *arena)
{
    if (strcmp(token->kind, "SQL_COMMENT") != 0)
        return NULL;
    size_t start = token->start + strlen("--");
    while (start < token->end && strchr(" \t", text[start]))
        start++;
    if (strncasecmp(text + start, MARK, strlen(MARK)) != 0)
        return NULL;
    start += strlen(MARK);
    return rh_arena_strndup(arena, text + start, token->end > start ? token->end - start : 0);
}

bool rh_ignores_read(const char *path, const char *text, rh_arena *arena, rh_script *script, rh_error *error)
{
    if (!strcasestr(text, MARK))
        return true;
    rh_arena *scratch = rh_arena_new();
    rh_sql_token *tokens = NULL;
    size_t count = 0, at = 0;
    bool ok = true;
    comment c = {.path = path, .line = 1, .column = 1, .arena = arena, .error = error};
    rh_sql_scan(text, scratch, &tokens, &count, NULL); /* up to what does not scan */
    for (size_t i = 0; ok && i < count; i++) {
        c.words = marked_words(text, &tokens[i], scratch);
        if (!c.words)
            continue;
        for (; at < tokens[i].start; at++) {
            const unsigned char byte = (unsigned char)text[at];
            c.line += byte == '\n';
            c.column = byte == '\n' ? 1 : c.column + ((byte & 0xc0) != 0x80);
        }
        ok = read_comment(&c, script);
    }
    rh_arena_free(scratch);
    return ok;
}
