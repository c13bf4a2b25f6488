/* Whether loading rows of one table may need rows of another table. */
#include "statement.h"
#include "toc.h"
#include <stdlib.h>
#include <string.h>

typedef struct functions {
    const char **names;
    size_t count;
    bool operators; /* the archive makes some: what they call is not looked at */
} functions;

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The archive's own functions; an extension's come with their tables. */
static functions read_functions(const rh_toc *toc, rh_arena *arena)
{
    functions f = {0};
    for (size_t i = 0; i < toc->entry_count; i++) {
        const rh_toc_entry *entry = &toc->entries[i];
        f.operators = f.operators || strcmp(entry->desc, "OPERATOR") == 0;
        if (strcmp(entry->desc, "FUNCTION") == 0)
            *rh_arena_add(arena, &f.names, &f.count) =
                rh_arena_strndup(arena, entry->tag, strcspn(entry->tag, "("));
    }
    if (f.count)
        qsort(f.names, f.count, sizeof *f.names, by_name);
    return f;
}

static bool calls(const functions *f, const rh_dump_word *word)
{
    const char *name = word->text;
    if (word->kind != RH_WORD_PLAIN && word->kind != RH_WORD_QUOTED)
        return false;
    return (f->operators && rh_dump_word_is(word, "operator")) ||
           bsearch(&name, f->names, f->count, sizeof *f->names, by_name);
}

/* The server computes it for each row that it loads: CHECK (…), GENERATED ALWAYS AS (…), PARTITION BY … (…).
 */
static bool begins_expression(const rh_dump_word *word)
{
    static const char *const keywords[] = {"check", "as", "range", "list", "hash"};
    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
        if (rh_dump_word_is(word, keywords[i]))
            return true;
    return false;
}

static bool calls_for_each_row(const functions *f, const char *definition)
{
    rh_dump_words words = {definition, definition + strlen(definition)};
    rh_dump_word word;
    while (rh_dump_words_next(&words, &word)) {
        if (!begins_expression(&word) || !rh_dump_words_skip(&words, "("))
            continue;
        for (int depth = 1; depth > 0 && rh_dump_words_next(&words, &word);) {
            depth += rh_dump_word_is(&word, "(") - rh_dump_word_is(&word, ")");
            if (calls(f, &word))
                return true;
        }
    }
    return false;
}

const rh_toc_entry *rh_toc_order_matters(const rh_toc *toc, rh_arena *arena)
{
    const functions f = read_functions(toc, arena);
    for (size_t i = 0; f.count > 0 && i < toc->entry_count; i++) {
        const rh_toc_entry *entry = &toc->entries[i];
        const bool checks = strcmp(entry->desc, "TABLE") == 0 || strcmp(entry->desc, "DOMAIN") == 0;
        if (checks && calls_for_each_row(&f, entry->definition))
            return entry;
    }
    return NULL;
}
