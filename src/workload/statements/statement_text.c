#include "statement_text.h"
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/base/text.h"
#include <stdlib.h>
#include <string.h>

typedef struct tokens {
    const char *sql;
    rh_sql_token *items;
    size_t count;
} tokens;

static bool scan(const char *sql, rh_arena *arena, tokens *all)
{
    *all = (tokens){.sql = sql};
    return rh_sql_scan(sql, arena, &all->items, &all->count, NULL);
}

static bool is_kind(const tokens *all, size_t i, const char *kind)
{
    return i < all->count && strcmp(all->items[i].kind, kind) == 0;
}

static bool is_word(const tokens *all, size_t i, const char *word)
{
    return i < all->count && rh_sql_token_is(all->sql, &all->items[i], word);
}

static int number_of(const tokens *all, size_t i)
{
    return is_kind(all, i, "PARAM") ? atoi(all->sql + all->items[i].start + 1) : 0;
}

/* Tokens from I on that name a type which a constant may follow: INTERVAL, TIMESTAMP WITH TIME ZONE …; 0: not
 * there. */
static size_t type_name(const tokens *all, size_t i)
{
    static const char *const names[] = {"interval", "date",   "timestamp", "timestamptz",
                                        "time",     "timetz", NULL};
    for (size_t n = 0; names[n]; n++) {
        if (!is_word(all, i, names[n]))
            continue;
        if ((is_word(all, i + 1, "with") || is_word(all, i + 1, "without")) && is_word(all, i + 2, "time"))
            return is_word(all, i + 3, "zone") ? 4 : 0;
        return 1;
    }
    return 0;
}

static bool is_shortened(const tokens *all, size_t i)
{
    static const char mark[] = "/*, ... */";
    return is_kind(all, i, "PARAM") && is_kind(all, i + 1, "C_COMMENT") &&
           strncmp(all->sql + all->items[i + 1].start, mark, sizeof mark - 1) == 0;
}

static void append(rh_text *out, const tokens *all, size_t first, size_t last)
{
    rh_text_append_bytes(out, all->sql + all->items[first].start,
                         all->items[last].end - all->items[first].start);
}

/* Copies what begins at token I, in its playable form; returns how many tokens that were, 0: nothing special
 * begins here. */
static size_t rewrite(const tokens *all, size_t i, size_t list_size, int *highest, bool *shortened,
                      rh_text *out)
{
    size_t words = type_name(all, i);
    if (words > 0 && is_kind(all, i + words, "PARAM")) {
        append(out, all, i + words, i + words);
        rh_text_append(out, "::");
        append(out, all, i, i + words - 1);
        return words + 1;
    }
    if (is_word(all, i, "extract") && is_kind(all, i + 1, "(") && is_kind(all, i + 2, "PARAM") &&
        is_word(all, i + 3, "from")) {
        rh_text_append(out, "pg_catalog.date_part(");
        append(out, all, i + 2, i + 2);
        rh_text_append(out, ",");
        return 4;
    }
    if (is_shortened(all, i)) {
        *shortened = true;
        append(out, all, i, i);
        for (size_t more = 1; more < list_size; more++)
            rh_text_printf(out, ", $%d", ++*highest);
        return 2;
    }
    return 0;
}

const char *rh_statement_replayable(const char *query, size_t list_size, bool *shortened, rh_arena *arena)
{
    tokens all;
    *shortened = false;
    if (!scan(query, arena, &all))
        return query;
    int highest = 0;
    for (size_t i = 0; i < all.count; i++)
        highest = number_of(&all, i) > highest ? number_of(&all, i) : highest;
    rh_text out = {0};
    size_t copied = 0;
    for (size_t i = 0; i < all.count;) {
        rh_text_append_bytes(&out, query + copied, all.items[i].start - copied);
        size_t used = rewrite(&all, i, list_size, &highest, shortened, &out);
        if (used == 0) {
            append(&out, &all, i, i);
            used = 1;
        }
        copied = all.items[i + used - 1].end;
        i += used;
    }
    rh_text_append(&out, query + copied);
    const char *playable = rh_arena_strdup(arena, rh_text_string(&out));
    rh_text_release(&out);
    return playable;
}

/* The new number of the parameter with the old NUMBER. */
static size_t renumber(int number, int **from, size_t *kept, rh_arena *arena)
{
    for (size_t i = 0; i < *kept; i++)
        if ((*from)[i] == number)
            return i + 1;
    *rh_arena_add(arena, from, kept) = number;
    return *kept;
}

const char *rh_statement_replace(const char *sql, const char *const *texts, size_t count, int **from,
                                 size_t *kept, rh_arena *arena)
{
    tokens all;
    *from = NULL;
    *kept = 0;
    if (!scan(sql, arena, &all))
        return sql;
    rh_text out = {0};
    size_t copied = 0;
    for (size_t i = 0; i < all.count; i++) {
        int number = number_of(&all, i);
        if (number == 0)
            continue;
        const char *text = (size_t)number <= count && texts[number - 1] ? texts[number - 1] : "\1";
        rh_text_append_bytes(&out, sql + copied, all.items[i].start - copied);
        for (; *text; text++) {
            if (*text == '\1')
                rh_text_printf(&out, "$%zu", renumber(number, from, kept, arena));
            else
                rh_text_append_char(&out, *text);
        }
        copied = all.items[i].end;
    }
    rh_text_append(&out, sql + copied);
    const char *replaced = rh_arena_strdup(arena, rh_text_string(&out));
    rh_text_release(&out);
    return replaced;
}

const char *rh_statement_on_conflict(const char *sql, rh_arena *arena)
{
    tokens all;
    if (!scan(sql, arena, &all))
        return sql;
    for (size_t i = all.count; i-- > 0;)
        if (is_word(&all, i, "returning"))
            return rh_arena_printf(arena, "%.*sON CONFLICT DO NOTHING %s", (int)all.items[i].start, sql,
                                   sql + all.items[i].start);
    size_t end = strlen(sql);
    while (end > 0 && strchr("; \t\r\n", sql[end - 1]))
        end--;
    return rh_arena_printf(arena, "%.*s ON CONFLICT DO NOTHING", (int)end, sql);
}
