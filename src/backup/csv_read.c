/* Reads the rows of one small table of a CSV export. */
#include "csv_export.h"
#include <string.h>

typedef struct reading {
    const char *null_word;
    rh_arena *arena;
    rh_rows *rows;
    bool begun; /* the header was read */
} reading;

static bool take(void *user, const rh_csv_record *record, rh_error *error)
{
    (void)error;
    reading *r = user;
    const char **values = rh_arena_alloc(r->arena, (record->count + 1) * sizeof *values);
    for (size_t i = 0; i < record->count; i++)
        if (!r->begun || !rh_csv_is_null(&record->fields[i], r->null_word))
            values[i] = rh_arena_strdup(r->arena, record->fields[i].bytes);
    if (r->begun) {
        *rh_arena_add(r->arena, &r->rows->rows, &r->rows->row_count) = values;
    } else {
        r->rows->columns = values;
        r->rows->column_count = record->count;
    }
    r->begun = true;
    return true;
}

bool rh_csv_read_table(const rh_csv_facts *csv, const char *schema, const char *name, rh_arena *arena,
                       rh_rows *rows, rh_error *error)
{
    reading r = {.null_word = csv->null_word ? csv->null_word : "", .arena = arena, .rows = rows};
    for (size_t i = 0; i < csv->file_count; i++) {
        const char *stem = csv->files[i].stem, *dot = strchr(stem, '.');
        bool qualified =
            dot && strcmp(dot + 1, name) == 0 &&
            (!*schema || (strncmp(stem, schema, (size_t)(dot - stem)) == 0 && schema[dot - stem] == '\0'));
        if (strcmp(stem, name) == 0 || qualified)
            return rh_csv_read_rows(csv->files[i].path, take, &r, NULL, NULL, error);
    }
    return true;
}
