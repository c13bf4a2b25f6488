#include "contents.h"
#include "statement.h"
#include "pgrehearse/base/text.h"
#include <stdlib.h>
#include <string.h>

static bool is_one_of(const char *desc, const char *const *descs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(desc, descs[i]) == 0)
            return true;
    return false;
}

static bool is_unlogged(const char *definition)
{
    rh_dump_words words = {definition, definition + strlen(definition)};
    return rh_dump_words_skip(&words, "create") && rh_dump_words_skip(&words, "unlogged");
}

/* Rows of a partitioned table are its partitions'. */
static bool keeps_rows(const char *definition)
{
    rh_dump_words words = {definition, definition + strlen(definition)};
    rh_dump_word word;
    int depth = 0;
    while (rh_dump_words_next(&words, &word)) {
        depth += rh_dump_word_is(&word, "(") - rh_dump_word_is(&word, ")");
        if (depth == 0 && rh_dump_word_is(&word, "partition") && rh_dump_words_skip(&words, "by"))
            return false;
    }
    return true;
}

static bool creates_public(const rh_dump_entry *entry, const char *definition)
{
    rh_dump_words words = {definition, definition + strlen(definition)};
    return strcmp(entry->desc, "SCHEMA") == 0 && strcmp(entry->tag, "public") == 0 &&
           rh_dump_words_skip(&words, "create");
}

void rh_contents_add(rh_contents *c, const rh_dump_entry *entry, const char *definition)
{
    static const char *const settings[] = {"ENCODING",   "STDSTRINGS", "STDCONFORMINGSTRINGS",
                                           "SEARCHPATH", "DATABASE",   "DATABASE PROPERTIES"};
    static const char *const relations[] = {"TABLE", "VIEW", "MATERIALIZED VIEW", "FOREIGN TABLE",
                                            "SEQUENCE"};
    if (is_one_of(entry->desc, settings, sizeof settings / sizeof *settings))
        return;
    c->entries++;
    if (strcmp(entry->desc, "BLOB") != 0) /* there may be millions */
        *rh_arena_add(c->arena, &c->names, &c->name_count) = rh_dump_entry_name(entry, c->arena);
    if (is_one_of(entry->desc, relations, sizeof relations / sizeof *relations))
        *rh_arena_add(c->arena, &c->relations, &c->relation_count) = *entry;
    c->not_null = c->not_null || (strcmp(entry->desc, "TABLE") == 0 && strcasestr(definition, "NOT NULL"));
    c->creates_public = c->creates_public || creates_public(entry, definition);
    c->large_objects += rh_starts_with(entry->desc, "BLOB");
    c->sequences += strcmp(entry->desc, "SEQUENCE") == 0;
    c->post_data += rh_dump_entry_is_post_data(entry);
    if (strcmp(entry->desc, "TABLE") == 0 && is_unlogged(definition))
        *rh_arena_add(c->arena, &c->unlogged, &c->unlogged_count) = *entry;
    else if (strcmp(entry->desc, "TABLE") == 0 && keeps_rows(definition))
        *rh_arena_add(c->arena, &c->tables, &c->table_count) = *entry;
    else if (strcmp(entry->desc, "MATERIALIZED VIEW DATA") == 0)
        *rh_arena_add(c->arena, &c->populated, &c->populated_count) = *entry;
    else if (strcmp(entry->desc, "TABLE DATA") == 0)
        *rh_arena_add(c->arena, &c->data, &c->data_count) = *entry;
}

static int by_name(const void *a, const void *b)
{
    const rh_dump_entry *one = a, *other = b;
    int order = strcmp(one->schema, other->schema);
    return order ? order : strcmp(one->tag, other->tag);
}

bool rh_contents_have_table(const rh_contents *c, const char *schema, const char *name)
{
    rh_dump_entry wanted = {.schema = schema, .tag = name};
    for (size_t i = 0; i < c->table_count; i++)
        if (by_name(&c->tables[i], &wanted) == 0)
            return true;
    for (size_t i = 0; i < c->unlogged_count; i++)
        if (by_name(&c->unlogged[i], &wanted) == 0)
            return true;
    return false;
}

/* Those of TABLES without an entry among the data, which are sorted. */
static rh_dump_entry *without_rows(rh_contents *c, const rh_dump_entry *tables, size_t table_count,
                                   size_t *count)
{
    rh_dump_entry *found = NULL;
    *count = 0;
    for (size_t i = 0; i < table_count; i++)
        if (!c->data_count || !bsearch(&tables[i], c->data, c->data_count, sizeof *c->data, by_name))
            *rh_arena_add(c->arena, &found, count) = tables[i];
    return found;
}

rh_dump_entry *rh_contents_empty_unlogged(rh_contents *c, size_t *count)
{
    return without_rows(c, c->unlogged, c->unlogged_count, count);
}

rh_dump_entry *rh_contents_unpopulated(rh_contents *c, size_t *count)
{
    rh_dump_entry *found = NULL;
    *count = 0;
    if (c->populated_count)
        qsort(c->populated, c->populated_count, sizeof *c->populated, by_name);
    for (size_t i = 0; i < c->relation_count; i++)
        if (strcmp(c->relations[i].desc, "MATERIALIZED VIEW") == 0 &&
            !(c->populated_count &&
              bsearch(&c->relations[i], c->populated, c->populated_count, sizeof *c->populated, by_name)))
            *rh_arena_add(c->arena, &found, count) = c->relations[i];
    return found;
}

rh_missing_part rh_contents_missing_part(rh_contents *c, rh_dump_entry **tables, size_t *count)
{
    *tables = NULL;
    *count = 0;
    if (c->entries == 0)
        return RH_MISSING_ALL;
    if (c->relation_count == 0 && c->data_count + c->post_data > 0)
        return RH_MISSING_DEFINITIONS;
    if (c->table_count > 0 && c->data_count == 0)
        return RH_MISSING_DATA;
    if (c->data_count)
        qsort(c->data, c->data_count, sizeof *c->data, by_name);
    *tables = without_rows(c, c->tables, c->table_count, count);
    /* A table without a key is usual. A database of several without a single key, index or trigger is not,
     * nor is one whose columns are NOT NULL, as those of a primary key are. */
    if (c->post_data == 0 && (c->table_count > 1 || c->sequences > 0 || c->not_null))
        return RH_MISSING_POST_DATA;
    return *count > 0 ? RH_MISSING_TABLE_DATA : RH_MISSING_NOTHING;
}
