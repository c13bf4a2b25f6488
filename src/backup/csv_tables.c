/* Which file of a CSV export belongs to which table. */
#include "csv_table.h"
#include "embedded/backup.h"
#include <string.h>
#include <strings.h>

static bool read_tables(rh_restoring *r, rh_pg *pg, rh_exported_tables *tables, rh_error *error)
{
    rh_pg_result *rows = rh_pg_query(pg, rh_sql_csv_tables, 0, NULL, error);
    for (size_t i = 0; rows && i < rh_pg_rows(rows); i++)
        *rh_arena_add(r->arena, &tables->tables, &tables->count) =
            (rh_exported_table){.schema = rh_arena_strdup(r->arena, rh_pg_value(rows, i, 0)),
                                .name = rh_arena_strdup(r->arena, rh_pg_value(rows, i, 1)),
                                .partitioned = *rh_pg_value(rows, i, 2) == 'p',
                                .oid = rh_arena_strdup(r->arena, rh_pg_value(rows, i, 3)),
                                .of_extension = rh_pg_bool(rows, i, 4),
                                .ancestors = rh_arena_strdup(r->arena, rh_pg_value(rows, i, 5))};
    rh_pg_result_free(rows);
    return rows != NULL;
}

/* STEM is the table's name, with or without its schema. */
static bool is_named(const rh_exported_table *table, const char *stem,
                     int (*compare)(const char *, const char *))
{
    size_t schema = strlen(table->schema), length = strlen(stem);
    if (compare(stem, table->name) == 0)
        return true;
    if (length <= schema || stem[schema] != '.' || compare(stem + schema + 1, table->name) != 0)
        return false;
    return compare == strcmp ? strncmp(stem, table->schema, schema) == 0
                             : strncasecmp(stem, table->schema, schema) == 0;
}

/* How many tables a file may belong to; *FOUND is one of them. */
static size_t find(const rh_exported_tables *tables, const char *stem,
                   int (*compare)(const char *, const char *), rh_exported_table **found)
{
    size_t count = 0;
    for (size_t i = 0; i < tables->count; i++)
        if (is_named(&tables->tables[i], stem, compare)) {
            *found = &tables->tables[i];
            count++;
        }
    return count;
}

/* backup.skip leaves out the table that the file is named for, and so the table is not there. */
static bool is_left_out(rh_restoring *r, const char *stem)
{
    const char *dot = strchr(stem, '.');
    rh_dump_entry data = {"TABLE DATA",
                          dot ? rh_arena_strndup(r->arena, stem, (size_t)(dot - stem)) : "public",
                          dot ? dot + 1 : stem, ""};
    return rh_restoring_excludes(r, &data, "");
}

static bool fail_of_file(rh_restoring *r, const rh_csv_file *file, size_t count,
                         const rh_exported_tables *tables, rh_error *error)
{
    const char **names = rh_arena_alloc(r->arena, (tables->count + 1) * sizeof *names);
    for (size_t i = 0; i < tables->count; i++)
        names[i] = strchr(file->stem, '.')
                       ? rh_arena_printf(r->arena, "%s.%s", tables->tables[i].schema, tables->tables[i].name)
                       : tables->tables[i].name;
    const char *nearest = rh_nearest(file->stem, names, tables->count);
    if (count > 1)
        rh_error_set(error, RH_ERROR_BACKUP, "%zu tables of the definitions are named %s", count, file->stem);
    else
        rh_error_set(error, RH_ERROR_BACKUP, "the definitions have no table %s%s%s%s", file->stem,
                     nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
    rh_error_hint(error, "name the file schema.table.csv, and leave only files of tables in the folder");
    return rh_error_at(error, file->path, 0, 0);
}

static bool assign_file(rh_restoring *r, const rh_csv_file *file, rh_exported_tables *tables, rh_error *error)
{
    rh_exported_table *table = NULL;
    size_t count = find(tables, file->stem, strcmp, &table);
    if (count == 0)
        count = find(tables, file->stem, strcasecmp, &table);
    if (count == 0 && is_left_out(r, file->stem))
        return true;
    if (count != 1)
        return fail_of_file(r, file, count, tables, error);
    rh_dump_entry data = {"TABLE DATA", table->schema, table->name, ""};
    if (table->of_extension)
        rh_restoring_skip(r, rh_dump_entry_name(&data, r->arena), "its rows are those of its extension");
    else if (table->file) {
        rh_error_set(error, RH_ERROR_BACKUP, "%s and %s are both files of the table %s.%s",
                     rh_base_name(table->file->path), rh_base_name(file->path), table->schema, table->name);
        rh_error_hint(error, "leave one of them in the folder");
        return rh_error_at(error, file->path, 0, 0);
    } else if (!rh_restoring_excludes(r, &data, ""))
        table->file = file;
    return true;
}

static bool is_within(const rh_exported_table *table, const rh_exported_table *other, rh_arena *arena)
{
    return strstr(table->ancestors, rh_arena_printf(arena, ",%s,", other->oid)) != NULL;
}

/* Whether another table that TABLE is a partition of has a file, with the rows of TABLE, too. */
static const rh_exported_table *parent_with_file(rh_restoring *r, const rh_exported_tables *tables,
                                                 const rh_exported_table *table)
{
    for (size_t i = 0; *table->ancestors && i < tables->count; i++) {
        const rh_exported_table *other = &tables->tables[i];
        if (other != table && other->file && other->partitioned && is_within(table, other, r->arena))
            return other;
    }
    return NULL;
}

static void note_missing(rh_restoring *r, const rh_exported_table *table)
{
    rh_dump_entry data = {"TABLE DATA", table->schema, table->name, ""};
    bool left_out = false;
    for (size_t i = 0; i < r->target->skip_count; i++)
        left_out = left_out || rh_skip_covers(r->target->skip[i].entry, &data, "");
    if (left_out)
        rh_restoring_accepts_absent(r, &data);
    else
        rh_restoring_add_missing(r, rh_dump_entry_name(&data, r->arena),
                                 rh_arena_printf(r->arena,
                                                 "the folder has no file of this table (%s.%s.csv); "
                                                 "backup.skip can accept that",
                                                 table->schema, table->name));
}

bool rh_csv_assign(rh_restoring *r, rh_pg *pg, rh_exported_tables *tables, rh_error *error)
{
    const rh_csv_facts *csv = r->facts->csv;
    *tables = (rh_exported_tables){0};
    if (!read_tables(r, pg, tables, error))
        return false;
    for (size_t i = 0; i < csv->file_count; i++)
        if (!assign_file(r, &csv->files[i], tables, error))
            return false;
    for (size_t i = 0; i < tables->count; i++) {
        const rh_exported_table *table = &tables->tables[i], *parent = parent_with_file(r, tables, table);
        if (table->file && parent) {
            rh_error_set(error, RH_ERROR_BACKUP, "the rows of %s.%s would be there twice: %s has them, too",
                         table->schema, table->name, rh_base_name(parent->file->path));
            rh_error_hint(error,
                          "leave the files of the partitions in the folder, or the one of their table");
            return rh_error_at(error, table->file->path, 0, 0);
        }
        if (!table->partitioned && !table->of_extension && !table->file && !parent)
            note_missing(r, table);
        /* What dumps say of their rows is said here. */
        rh_contents_add(&r->contents, &(rh_dump_entry){"TABLE DATA", table->schema, table->name, ""}, "");
    }
    return true;
}
