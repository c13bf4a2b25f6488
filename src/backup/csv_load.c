/* Loads the rows of a CSV export: its own COPY a table, in the text format, whose lines are its rows. */
#include "csv_table.h"
#include "pgrehearse/base/relation.h"
#include "embedded/backup.h"
#include <stdlib.h>
#include <string.h>

enum { PORTION = 64 * 1024 };

typedef struct loading {
    rh_restoring *r;
    rh_pg *pg;
    const rh_exported_table *table;
    const char *name;     /* of the table, as SQL writes it */
    const char **columns; /* of the header's fields; NULL: computed by the server */
    size_t width;
    rh_text rows; /* to be sent */
    int64_t count;
    bool copying;
} loading;

/* ---- the header ---- */

static bool fail_of_header(const loading *l, const rh_csv_field *field, const char *what,
                           const rh_text *columns, rh_error *error)
{
    rh_error_set(error, RH_ERROR_BACKUP, "%s", what);
    if (columns && columns->length)
        rh_error_hint(error, "the columns of %s that no field names: %s", l->name, columns->data);
    else
        rh_error_hint(error, "the first line names the columns: COPY … TO … (FORMAT csv, HEADER)");
    return rh_error_at(error, l->table->file->path, (int)field->line, field->column);
}

/* Columns that the header lacks. */
static void unnamed_columns(const loading *l, const rh_pg_result *columns, rh_text *names)
{
    for (size_t i = 0; i < rh_pg_rows(columns); i++) {
        bool named = rh_pg_bool(columns, i, 1);
        for (size_t k = 0; k < l->width; k++)
            named = named || (l->columns[k] && strcmp(l->columns[k], rh_pg_value(columns, i, 0)) == 0);
        if (!named)
            rh_text_printf(names, "%s%s", names->length ? ", " : "", rh_pg_value(columns, i, 0));
    }
}

/* Its values may be data, where the header is missing: they are not shown. */
static bool match(loading *l, const rh_csv_record *header, const rh_pg_result *columns, rh_error *error)
{
    const rh_csv_field *unknown = NULL, *twice = NULL;
    size_t known = 0;
    l->width = header->count;
    l->columns = rh_arena_alloc(l->r->arena, l->width * sizeof *l->columns);
    for (size_t k = 0; k < l->width; k++) {
        const rh_csv_field *field = &header->fields[k];
        size_t i = 0;
        while (i < rh_pg_rows(columns) && strcmp(rh_pg_value(columns, i, 0), field->bytes) != 0)
            i++;
        bool found = i < rh_pg_rows(columns);
        known += found;
        if (!found && !unknown)
            unknown = field;
        if (found && !rh_pg_bool(columns, i, 1))
            l->columns[k] = rh_arena_strdup(l->r->arena, field->bytes);
        for (size_t other = 0; other < k; other++)
            twice = strcmp(header->fields[other].bytes, field->bytes) == 0 ? field : twice;
    }
    rh_text names = {0};
    unnamed_columns(l, columns, &names);
    bool fine = true;
    if (known == 0)
        fine = fail_of_header(l, header->fields,
                              "the first line is no header: it names no column of the table", NULL, error);
    else if (unknown)
        fine = fail_of_header(l, unknown, "the table has no column of the name in this field of the header",
                              &names, error);
    else if (twice)
        fine = fail_of_header(l, twice, "the header has this field twice", &names, error);
    else if (names.length)
        rh_restoring_add_missing(l->r, rh_arena_printf(l->r->arena, "columns of %s: %s", l->name, names.data),
                                 "the file has no such fields: each row has the column's default");
    rh_text_release(&names);
    return fine;
}

static bool begin(loading *l, const rh_csv_record *header, rh_error *error)
{
    rh_pg_result *columns = rh_pg_query(l->pg, rh_sql_csv_columns, 1, &l->table->oid, error);
    bool fine = columns && match(l, header, columns, error);
    rh_pg_result_free(columns);
    rh_text sql = {0};
    rh_text_printf(&sql, "COPY %s (", l->name);
    for (size_t k = 0, n = 0; fine && k < l->width; k++)
        if (l->columns[k]) {
            rh_text_append(&sql, n++ ? ", " : "");
            rh_text_append_quoted(&sql, l->columns[k]);
        }
    rh_text_append(&sql, ") FROM STDIN");
    l->copying = fine && rh_pg_copy_in_begin(l->pg, sql.data, error);
    rh_text_release(&sql);
    return l->copying;
}

/* ---- rows ---- */

static void append_value(rh_text *out, const rh_csv_field *field)
{
    for (const char *p = field->bytes, *end = p + field->length; p < end;) {
        size_t plain = strcspn(p, "\\\t\n\r");
        rh_text_append_bytes(out, p, plain);
        p += plain;
        if (p < end) {
            char escaped[2] = {'\\', *p == '\t' ? 't' : *p == '\n' ? 'n' : *p == '\r' ? 'r' : '\\'};
            rh_text_append_bytes(out, escaped, 2);
            p++;
        }
    }
}

static bool put(loading *l, rh_error *error)
{
    bool fine = l->rows.length == 0 || rh_pg_copy_in_put(l->pg, l->rows.data, l->rows.length, error);
    rh_text_clear(&l->rows);
    return fine;
}

static bool take(void *user, const rh_csv_record *row, rh_error *error)
{
    loading *l = user;
    if (!l->copying)
        return begin(l, row, error);
    if (row->count != l->width)
        return rh_error_set(error, RH_ERROR_BACKUP, "the file changed while it was read");
    for (size_t k = 0, n = 0; k < l->width; k++) {
        if (!l->columns[k])
            continue;
        rh_text_append(&l->rows, n++ ? "\t" : "");
        if (rh_csv_is_null(&row->fields[k], l->r->facts->csv->null_word))
            rh_text_append(&l->rows, "\\N");
        else
            append_value(&l->rows, &row->fields[k]);
    }
    rh_text_append(&l->rows, "\n");
    l->count++;
    return l->rows.length < PORTION || put(l, error);
}

/* ---- where the server refused it ---- */

typedef struct search {
    int64_t row;   /* to go, the header included */
    size_t column; /* index of its field */
    int line, column_at;
} search;

static bool seek(void *user, const rh_csv_record *row, rh_error *error)
{
    (void)error;
    search *s = user;
    if (s->row-- > 0)
        return true;
    const rh_csv_field *field = &row->fields[s->column < row->count ? s->column : 0];
    s->line = (int)(s->column < row->count ? field->line : row->fields[0].line);
    s->column_at = s->column < row->count ? field->column : 0;
    return false;
}

/* Reads the file once more, up to that row. */
static void locate(const loading *l, const rh_pg_copy_place *place, rh_error *failure)
{
    search s = {.row = place->line, .column = SIZE_MAX};
    rh_error ignored = {0};
    for (size_t k = 0; k < l->width && *place->column; k++)
        if (l->columns[k] && strcmp(l->columns[k], place->column) == 0)
            s.column = k;
    if (place->line > 0)
        rh_csv_read_rows(l->table->file->path, seek, &s, NULL, NULL, &ignored);
    rh_error_release(&ignored);
    rh_error_at(failure, l->table->file->path, s.line, s.column_at);
}

static bool fail_of_rows(const loading *l, const rh_pg_copy_place *place, rh_error *failure, rh_error *error)
{
    if (failure->code == RH_ERROR_SQL) {
        failure->code = RH_ERROR_BACKUP;
        if (strncmp(failure->sqlstate, "22", 2) == 0 && !failure->hint)
            rh_error_hint(
                failure, "is it meant to be NULL? In this backup that is %s; backup.csv_null changes it",
                *l->r->facts->csv->null_word
                    ? rh_arena_printf(l->r->arena, "the word %s without quotes", l->r->facts->csv->null_word)
                    : "an empty field without quotes");
        rh_error_context(failure, "could not load %s", l->name);
    }
    locate(l, place, failure);
    if (error)
        rh_error_move(error, failure);
    rh_error_release(failure);
    return false;
}

static bool end(loading *l, rh_error *error)
{
    rh_pg_copy_place place = {0};
    rh_error failure = {0};
    int64_t rows = rh_pg_copy_in_end(l->pg, &place, &failure);
    if (rh_error_is_set(&failure))
        return fail_of_rows(l, &place, &failure, error);
    if (rows == l->count && rows == l->table->file->rows)
        return true;
    rh_error_set(error, RH_ERROR_BACKUP, "the file had %lld rows, and %lld are in %s",
                 (long long)l->table->file->rows, (long long)rows, l->name);
    return rh_error_at(error, l->table->file->path, 0, 0);
}

/* The definitions may bring rows, which are the file's, too. */
static bool check_empty(const loading *l, rh_error *error)
{
    rh_text sql = {0};
    rh_text_printf(&sql, "SELECT EXISTS (SELECT FROM %s)", l->name);
    rh_pg_result *result = rh_pg_query(l->pg, sql.data, 0, NULL, error);
    bool filled = result && rh_pg_bool(result, 0, 0);
    rh_pg_result_free(result);
    rh_text_release(&sql);
    if (filled) {
        rh_error_set(error, RH_ERROR_BACKUP, "%s has rows already, from %s", l->name,
                     rh_base_name(l->r->facts->csv->definitions));
        rh_error_hint(error, "write the definitions without rows: pg_dump --schema-only");
        rh_error_at(error, l->table->file->path, 0, 0);
    }
    return result && !filled;
}

bool rh_csv_load_table(rh_restoring *r, rh_pg *pg, const rh_exported_table *table, rh_csv_progress *progress,
                       rh_error *error)
{
    loading l = {.r = r, .pg = pg, .table = table};
    l.name = rh_relation_quote((rh_relation){table->schema, table->name}, r->arena);
    rh_error own = {0};
    bool fine = check_empty(&l, &own) &&
                rh_csv_read_rows(table->file->path, take, &l, progress, NULL, &own) && put(&l, &own);
    if (fine)
        fine = end(&l, &own);
    else if (l.copying)
        rh_pg_copy_in_end(pg, &(rh_pg_copy_place){0}, &(rh_error){.code = RH_ERROR_INTERRUPTED});
    rh_text_release(&l.rows);
    progress->before += table->file->bytes;
    if (!fine && error)
        rh_error_move(error, &own);
    rh_error_release(&own);
    return fine;
}
