/* The tables of a backup and the search_path of its database: from the table of contents of archives, from
 * the statements of plain SQL. */
#include "create_table.h"
#include "pgrehearse/backup/backup.h"
#include "dump_stream.h"
#include "toc.h"
#include <string.h>

/* ---- CREATE TABLE ---- */

void rh_create_table_columns(rh_dump_words words, rh_arena *arena, const char ***columns, size_t *count)
{
    static const char *const not_columns[] = {"constraint", "primary", "unique", "check",
                                              "foreign",    "exclude", "like"};
    rh_dump_word word;
    int depth = 0;
    bool first = true;
    *columns = NULL;
    *count = 0;
    while (rh_dump_words_next(&words, &word)) {
        if (rh_dump_word_is(&word, "(")) {
            depth++;
            continue;
        }
        if (rh_dump_word_is(&word, ")") && --depth == 0)
            return;
        bool column = depth == 1 && first && (word.kind == RH_WORD_PLAIN || word.kind == RH_WORD_QUOTED);
        for (size_t i = 0; word.kind == RH_WORD_PLAIN && i < sizeof not_columns / sizeof *not_columns; i++)
            column = column && strcmp(word.text, not_columns[i]) != 0;
        if (column)
            *rh_arena_add(arena, columns, count) = rh_arena_strdup(arena, word.text);
        first = depth == 1 && rh_dump_word_is(&word, ",");
    }
}

bool rh_create_table_name(rh_dump_words *words, char schema[RH_NAME_SIZE], char name[RH_NAME_SIZE])
{
    *schema = *name = '\0';
    if (!rh_dump_words_skip(words, "create"))
        return false;
    rh_dump_words_skip(words, "unlogged");
    if (!rh_dump_words_skip(words, "table"))
        return false;
    if (rh_dump_words_skip(words, "if")) {
        rh_dump_words_skip(words, "not");
        rh_dump_words_skip(words, "exists");
    }
    return rh_dump_words_name(words, schema, name);
}

/* ---- the list ---- */

typedef struct listing {
    rh_arena *arena;
    rh_listed_tables *tables;
    char schema[RH_NAME_SIZE]; /* where a plain dump creates what it does not qualify */
} listing;

static void add_table(listing *l, const char *schema, const char *name, rh_dump_words definition)
{
    rh_listed_table *table = rh_arena_add(l->arena, &l->tables->tables, &l->tables->count);
    *table = (rh_listed_table){.schema = rh_arena_strdup(l->arena, schema),
                               .name = rh_arena_strdup(l->arena, name)};
    rh_create_table_columns(definition, l->arena, &table->columns, &table->column_count);
}

/* ALTER DATABASE name SET search_path TO 'a', "b", c; or = a, b. */
static void read_search_path(listing *l, rh_dump_words words)
{
    char name[RH_NAME_SIZE];
    rh_dump_word word;
    if (!rh_dump_words_skip(&words, "alter") || !rh_dump_words_skip(&words, "database") ||
        !rh_dump_words_name(&words, NULL, name) || !rh_dump_words_skip(&words, "set") ||
        !rh_dump_words_skip(&words, "search_path") ||
        (!rh_dump_words_skip(&words, "to") && !rh_dump_words_skip(&words, "=")))
        return;
    l->tables->search_path = NULL;
    l->tables->search_path_count = 0;
    while (rh_dump_words_next(&words, &word) && !rh_dump_word_is(&word, ";"))
        if (word.kind != RH_WORD_CHARACTER)
            *rh_arena_add(l->arena, &l->tables->search_path, &l->tables->search_path_count) =
                rh_arena_strdup(l->arena, word.text);
}

/* Dumps of before 2018 set the search_path instead of qualifying names. */
static void follow_search_path(listing *l, rh_dump_words words)
{
    rh_dump_word word;
    if (rh_dump_words_skip(&words, "set") && rh_dump_words_skip(&words, "search_path") &&
        rh_dump_words_skip(&words, "=") && rh_dump_words_next(&words, &word) &&
        (word.kind == RH_WORD_PLAIN || word.kind == RH_WORD_QUOTED))
        strcpy(l->schema, strlen(word.text) < RH_NAME_SIZE ? word.text : "public");
}

static bool take(void *user, const rh_dump_piece *piece, rh_error *error)
{
    (void)error;
    listing *l = user;
    char schema[RH_NAME_SIZE], name[RH_NAME_SIZE];
    if (piece->kind != RH_DUMP_STATEMENT)
        return true;
    rh_dump_words words = {piece->bytes + piece->start, piece->bytes + piece->length}, definition = words;
    follow_search_path(l, words);
    read_search_path(l, words);
    if (rh_create_table_name(&definition, schema, name))
        add_table(l, *schema ? schema : l->schema, name, definition);
    return true;
}

/* One property of the database a line. */
static void read_properties(listing *l, const char *definition)
{
    for (const char *line = definition; *line; line += strcspn(line, "\n"), line += *line == '\n')
        read_search_path(l, (rh_dump_words){line, line + strcspn(line, "\n")});
}

static bool list_archive(listing *l, const rh_backup_facts *facts, rh_error *error)
{
    char schema[RH_NAME_SIZE], name[RH_NAME_SIZE];
    rh_toc toc = {0};
    if (!rh_toc_read_path(facts->path, l->arena, &toc, error))
        return false;
    for (size_t i = 0; i < toc.entry_count; i++) {
        const rh_toc_entry *entry = &toc.entries[i];
        rh_dump_words words = {entry->definition, entry->definition + strlen(entry->definition)};
        if (strcmp(entry->desc, "DATABASE PROPERTIES") == 0)
            read_properties(l, entry->definition);
        else if (strcmp(entry->desc, "TABLE") == 0 && rh_create_table_name(&words, schema, name))
            add_table(l, entry->schema, entry->tag, words);
    }
    return true;
}

bool rh_backup_list_tables(const rh_backup_facts *facts, rh_arena *arena, rh_listed_tables *tables,
                           rh_error *error)
{
    static const char *default_path[] = {"public"};
    *tables = (rh_listed_tables){.search_path = default_path, .search_path_count = 1};
    listing l = {.arena = arena, .tables = tables, .schema = "public"};
    return rh_dump_is_text(facts) ? rh_dump_stream(facts, take, &l, NULL, "", error)
                                  : list_archive(&l, facts, error);
}
