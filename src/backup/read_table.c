/* Reads the rows of one small table from the backup: from COPY data or INSERTs. */
#include "create_table.h"
#include "csv_export.h"
#include "pgrehearse/adapters/process.h"
#include "pgrehearse/backup/backup.h"
#include "dump_stream.h"
#include "statement.h"
#include "pgrehearse/base/text.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

typedef struct reading {
    char schema[RH_NAME_SIZE], name[RH_NAME_SIZE]; /* schema "" matches any */
    rh_arena *arena;
    rh_rows *rows;
    bool copying;  /* the COPY data that come are the table's */
    bool complete; /* all was read: the rest of the dump does not matter */
    rh_text line;  /* of COPY data, across pieces */
} reading;

static bool is_the_table(const reading *r, const char *schema, const char *name)
{
    return strcmp(r->name, name) == 0 && (!*r->schema || !*schema || strcmp(r->schema, schema) == 0);
}

static void add_column(reading *r, const char *name)
{
    const char **column = rh_arena_add(r->arena, &r->rows->columns, &r->rows->column_count);
    *column = rh_arena_strdup(r->arena, name);
}

/* "(a, b)": replaces the columns; leaves WORDS behind it. */
static void read_columns(reading *r, rh_dump_words *words)
{
    char name[RH_NAME_SIZE];
    if (!rh_dump_words_skip(words, "("))
        return;
    r->rows->columns = NULL;
    r->rows->column_count = 0;
    do {
        if (rh_dump_words_name(words, NULL, name))
            add_column(r, name);
    } while (rh_dump_words_skip(words, ","));
    rh_dump_words_skip(words, ")");
}

static const char **add_row(reading *r, size_t columns)
{
    const char ***row = rh_arena_add(r->arena, &r->rows->rows, &r->rows->row_count);
    /* A row is as wide as the columns, whatever the line says. */
    size_t width = columns > r->rows->column_count ? columns : r->rows->column_count;
    *row = rh_arena_alloc(r->arena, (width + 1) * sizeof **row);
    return *row;
}

/* A string's value, of any length: quotes doubled, backslashes in E''. */
static const char *string_value(reading *r, const rh_dump_word *word)
{
    const char *p = word->raw, *end = word->raw + word->raw_length - 1;
    bool escapes = *p == 'E' || *p == 'e';
    if (*p == '$')
        return rh_arena_strdup(r->arena, word->text);
    p += *p == '\'' ? 1 : 2;
    rh_text value = {0};
    for (; p < end; p++) {
        if (escapes && *p == '\\' && p + 1 < end) {
            p++;
            rh_text_append_char(&value, *p == 'n' ? '\n' : *p == 't' ? '\t' : *p == 'r' ? '\r' : *p);
            continue;
        }
        rh_text_append_char(&value, *p);
        if (*p == '\'' && p + 1 < end && p[1] == '\'')
            p++;
    }
    const char *copy = rh_arena_strdup(r->arena, rh_text_string(&value));
    rh_text_release(&value);
    return copy;
}

/* INSERT INTO name [(columns)] VALUES (…), (…) */
static void read_insert(reading *r, rh_dump_words words)
{
    rh_dump_word word;
    const char *values[256];
    read_columns(r, &words);
    if (rh_dump_words_skip(&words, "overriding"))
        while (rh_dump_words_next(&words, &word) && !rh_dump_word_is(&word, "value"))
            ;
    if (!rh_dump_words_skip(&words, "values"))
        return;
    while (rh_dump_words_skip(&words, "(")) {
        size_t count = 0;
        const char *start = NULL, *end = NULL; /* of a value that is not a string, verbatim */
        bool string = false;
        for (int depth = 0; rh_dump_words_next(&words, &word);) {
            bool over = depth == 0 && (rh_dump_word_is(&word, ",") || rh_dump_word_is(&word, ")"));
            if (over && count < sizeof values / sizeof *values) {
                size_t length = start ? (size_t)(end - start) : 0;
                if (!string)
                    values[count] = length == 4 && strncasecmp(start, "null", 4) == 0
                                        ? NULL
                                        : rh_arena_strndup(r->arena, start ? start : "", length);
                count++;
                start = NULL;
                string = false;
            }
            if (over && rh_dump_word_is(&word, ")"))
                break;
            if (over)
                continue;
            depth += rh_dump_word_is(&word, "(") - rh_dump_word_is(&word, ")");
            if (word.kind == RH_WORD_STRING && !start && count < sizeof values / sizeof *values) {
                values[count] = string_value(r, &word);
                string = true;
            }
            start = start ? start : word.raw;
            end = word.raw + word.raw_length;
        }
        const char **row = add_row(r, count);
        if (count > 0)
            memcpy(row, values, count * sizeof *row);
        rh_dump_words_skip(&words, ",");
    }
}

/* One field of COPY's text format (documentation of COPY, "Text Format"). */
static const char *copy_value(reading *r, const char *field, size_t length)
{
    if (length == 2 && memcmp(field, "\\N", 2) == 0)
        return NULL;
    char *value = rh_arena_alloc(r->arena, length + 1), *out = value;
    for (size_t i = 0; i < length; i++) {
        char c = field[i];
        if (c == '\\' && i + 1 < length) {
            static const char letters[] = "bfnrtv", meanings[] = "\b\f\n\r\t\v";
            c = field[++i];
            const char *letter = strchr(letters, c);
            if (letter)
                c = meanings[letter - letters];
        }
        *out++ = c;
    }
    *out = 0;
    return value;
}

/* A line of COPY data; true at "\.". */
static bool read_line(reading *r, const char *line, size_t length)
{
    if (length > 0 && line[length - 1] == '\r')
        length--;
    if (length == 2 && memcmp(line, "\\.", 2) == 0)
        return true;
    size_t fields = 1, index = 0;
    for (size_t i = 0; i < length; i++)
        fields += line[i] == '\t';
    const char **row = add_row(r, fields), *at = line, *end = line + length;
    for (;;) {
        const char *tab = memchr(at, '\t', (size_t)(end - at));
        row[index++] = copy_value(r, at, (size_t)((tab ? tab : end) - at));
        if (!tab)
            return false;
        at = tab + 1;
    }
}

static bool take_data(reading *r, const rh_dump_piece *piece)
{
    const char *at = piece->bytes, *end = at + piece->length;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        rh_text_append_bytes(&r->line, at, (size_t)((newline ? newline : end) - at));
        if (!newline)
            return true;
        if (read_line(r, rh_text_string(&r->line), r->line.length))
            r->complete = true;
        rh_text_clear(&r->line);
        at = newline + 1;
    }
    return !r->complete;
}

static bool take(void *user, const rh_dump_piece *piece, rh_error *error)
{
    (void)error;
    reading *r = user;
    char schema[RH_NAME_SIZE] = "", name[RH_NAME_SIZE] = "";
    if (piece->kind == RH_DUMP_COPY_DATA)
        return !r->copying || take_data(r, piece);
    if (piece->kind != RH_DUMP_STATEMENT)
        return true;
    rh_dump_words words = {piece->bytes + piece->start, piece->bytes + piece->length};
    r->copying = false;
    if (rh_dump_words_skip(&words, "copy")) {
        rh_dump_words_name(&words, schema, name);
        r->copying = is_the_table(r, schema, name);
        if (r->copying) {
            r->rows->present = true;
            read_columns(r, &words);
        }
    } else if (rh_dump_words_skip(&words, "insert")) {
        rh_dump_words_skip(&words, "into");
        rh_dump_words_name(&words, schema, name);
        if (is_the_table(r, schema, name)) {
            r->rows->present = true;
            read_insert(r, words);
        }
    } else if (rh_create_table_name(&words, schema, name) && is_the_table(r, schema, name)) {
        r->rows->present = true;
        rh_create_table_columns(words, r->arena, &r->rows->columns, &r->rows->column_count);
    }
    return true;
}

/* pg_restore writes the one table as SQL, which reads like any dump. */
static bool read_archive(reading *r, const rh_backup_facts *facts, const char *bindir, rh_error *error)
{
    const char *argv[] = {rh_arena_printf(r->arena, "%s/pg_restore", bindir),
                          "--no-owner",
                          "--no-acl",
                          "--file=-",
                          rh_arena_printf(r->arena, "--table=%s", r->name),
                          facts->path,
                          *r->schema ? rh_arena_printf(r->arena, "--schema=%s", r->schema) : NULL,
                          NULL};
    rh_process_options options = {.argv = argv, .no_exec = true, .no_network = true};
    rh_text sql = {0};
    bool fine = rh_process_run(&options, 0, &sql, error);
    rh_dump_lexer *lexer = rh_dump_lexer_new(facts->path, take, r);
    rh_error own = {0};
    fine = fine && (rh_dump_lexer_feed(lexer, rh_text_string(&sql), sql.length, &own) || r->complete ||
                    !rh_error_is_set(&own));
    if (rh_error_is_set(&own) && error)
        rh_error_move(error, &own);
    rh_error_release(&own);
    rh_dump_lexer_free(lexer);
    rh_text_release(&sql);
    return fine;
}

bool rh_backup_read_table(const rh_backup_facts *facts, const char *bindir, const char *table,
                          rh_arena *arena, rh_rows *rows, rh_error *error)
{
    reading r = {.arena = arena, .rows = rows};
    rh_dump_words words = {table, table + strlen(table)};
    *rows = (rh_rows){0};
    rh_dump_words_name(&words, r.schema, r.name);
    bool fine;
    if (rh_dump_is_text(facts)) {
        rh_error own = {0};
        fine = rh_dump_stream(facts, take, &r, NULL, "", &own) || r.complete;
        if (!fine && error)
            rh_error_move(error, &own);
        rh_error_release(&own);
    } else {
        fine = read_archive(&r, facts, bindir, error);
    }
    rh_text_release(&r.line);
    return fine && (!facts->csv || !rows->present ||
                    rh_csv_read_table(facts->csv, r.schema, r.name, arena, rows, error));
}
