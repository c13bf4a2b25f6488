#include "pgrehearse/snapshot/snapshot.h"
#include "data_state.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/base/units.h"
#include "embedded/snapshot.h"
#include <stdlib.h>
#include <string.h>

const rh_data_options RH_DATA_DEFAULTS = {
    .everything_bytes = INT64_C(1) << 30,
    .table_bytes = INT64_C(1) << 30,
    .count_bytes = INT64_C(16) << 30,
    .table_timeout = 60 * RH_SECOND,
};

/* A target list has at most 1664 entries: the count, the row's digest, and two a column. */
enum { COLUMNS_MAX = 800 };

/* ---- tables and sequences ---- */

/* The values' text must not depend on settings that a migration may change. */
static const char SETTINGS[] =
    "set local search_path = pg_catalog; set local role none; set local row_security = off;"
    " set local timezone = 'UTC'; set local datestyle = 'ISO, MDY'; set local intervalstyle = 'iso_8601';"
    " set local bytea_output = 'hex'; set local extra_float_digits = 3; set local lc_monetary = 'C';"
    " set local xmlbinary = 'base64'; set local lock_timeout = '10s'";

/* One transaction for all tables: nothing that is read may change meanwhile anyhow. */
static bool begin(rh_pg *pg, rh_usec timeout, rh_error *error)
{
    return rh_pg_executef(pg, error, "begin read only; %s; set local statement_timeout = %lld", SETTINGS,
                          (long long)(timeout / 1000));
}

/* From here on, for each statement. */
static bool limit(rh_pg *pg, rh_usec timeout, rh_error *error)
{
    return rh_pg_executef(pg, error, "set local statement_timeout = %lld", (long long)(timeout / 1000));
}

static bool end(rh_pg *pg, rh_error *error)
{
    return rh_pg_execute(pg, "rollback", error);
}

/* {"public.orders","public.\"Odd\""} as a literal. */
static char *affected_literal(const rh_data_options *options)
{
    rh_text array = {0};
    rh_text_append_char(&array, '{');
    for (size_t i = 0; i < options->affected_count; i++) {
        rh_text_append(&array, i ? ",\"" : "\"");
        for (const char *c = options->affected[i]; *c; c++) {
            if (*c == '"' || *c == '\\')
                rh_text_append_char(&array, '\\');
            rh_text_append_char(&array, *c);
        }
        rh_text_append_char(&array, '"');
    }
    rh_text_append_char(&array, '}');
    char *literal = rh_pg_quote_literal(rh_text_string(&array));
    rh_text_release(&array);
    return literal;
}

static bool list_tables(rh_pg *pg, rh_data *data, rh_error *error)
{
    enum { NAME, PARTITIONED, BYTES, AFFECTED, COLUMN };
    char *affected = affected_literal(&data->options);
    char *history = rh_pg_quote_literal(data->options.history_table ? data->options.history_table : "");
    char *registry =
        rh_pg_quote_literal(data->options.history_registry ? data->options.history_registry : "");
    bool ok = rh_pg_executef(pg, error,
                             "set pgrehearse.affected = %s; set pgrehearse.history = %s;"
                             " set pgrehearse.history_registry = %s",
                             affected, history, registry);
    free(affected);
    free(history);
    free(registry);
    rh_pg_result *result = ok ? rh_pg_query_again(pg, rh_sql_data_tables, 0, NULL, error) : NULL;
    if (!result)
        return false;
    table_state *table = NULL;
    for (size_t i = 0; i < rh_pg_rows(result); i++) {
        const char *name = rh_pg_value(result, i, NAME), *column = rh_pg_value(result, i, COLUMN);
        if (!table || strcmp(table->name, name) != 0) {
            table = rh_arena_add(data->arena, &data->tables, &data->table_count);
            *table = (table_state){.name = rh_arena_strdup(data->arena, name),
                                   .partitioned = rh_pg_bool(result, i, PARTITIONED),
                                   .affected = rh_pg_bool(result, i, AFFECTED),
                                   .present = true,
                                   .bytes = rh_pg_int(result, i, BYTES, 0),
                                   .rows = -1};
        }
        if (column) {
            column_state *added = rh_arena_add(data->arena, &table->columns, &table->column_count);
            *added =
                (column_state){.name = rh_arena_strdup(data->arena, column), .present = true, .values = -1};
        }
    }
    rh_pg_result_free(result);
    return true;
}

static bool read_sequences(rh_pg *pg, rh_data *data, rh_error *error)
{
    rh_pg_result *result = rh_pg_query_again(pg, rh_sql_data_sequences, 0, NULL, error);
    for (size_t i = 0; result && i < rh_pg_rows(result); i++) {
        sequence_state *sequence = rh_arena_add(data->arena, &data->sequences, &data->sequence_count);
        *sequence = (sequence_state){.name = rh_arena_strdup(data->arena, rh_pg_value(result, i, 0)),
                                     .last_value = rh_arena_strdup(data->arena, rh_pg_value(result, i, 1)),
                                     .upwards = rh_pg_bool(result, i, 2)};
    }
    rh_pg_result_free(result);
    return result != NULL;
}

/* ---- the depth of each table's comparison ---- */

static const char *too_large(rh_data *data, int64_t bytes, int64_t limit, const char *what)
{
    char has[32], may[32];
    return rh_arena_printf(data->arena, "it has %s, %s up to %s", rh_size_format(bytes, has, sizeof has),
                           what, rh_size_format(limit, may, sizeof may));
}

static void choose_depths(rh_data *data)
{
    const rh_data_options *options = &data->options;
    int64_t everything = 0;
    for (size_t i = 0; i < data->table_count; i++)
        everything += data->tables[i].bytes;
    for (size_t i = 0; i < data->table_count; i++) {
        table_state *table = &data->tables[i];
        if (everything > options->everything_bytes && !table->affected) {
            table->why = "the database is large and the migration did not lock it for writing";
        } else if (table->bytes > options->count_bytes) {
            table->why = too_large(data, table->bytes, options->count_bytes, "rows are counted");
        } else if (table->bytes > options->table_bytes) {
            table->depth = RH_DATA_COUNTED;
            table->why = too_large(data, table->bytes, options->table_bytes, "rows are compared");
        } else {
            table->depth = RH_DATA_DIGESTED;
        }
    }
}

/* ---- reading ---- */

static const char *from_clause(const table_state *table)
{
    return table->partitioned ? "" : "only "; /* children by inheritance are tables of their own */
}

/* Heap. */
static char *digest_sql(const table_state *table)
{
    rh_text row = {0}, columns = {0}, sql = {0};
    for (size_t i = 0; i < table->column_count; i++) {
        const char *name = table->columns[i].name;
        if (!table->columns[i].present)
            continue;
        rh_text_printf(&row, "%st.%s", row.length ? ", " : "", name);
        if (table->column_count <= COLUMNS_MAX)
            rh_text_printf(&columns, ", sum(hashtextextended((t.%s)::text collate \"C\", 0)), count((t.%s))",
                           name, name);
    }
    rh_text_printf(&sql,
                   "select count(*), sum(hashtextextended(row(%s)::text collate \"C\", 0))%s from %s%s t",
                   rh_text_string(&row), rh_text_string(&columns), from_clause(table), table->name);
    rh_text_release(&row);
    rh_text_release(&columns);
    return sql.data;
}

static void take_digest(rh_data *data, table_state *table, const rh_pg_result *result)
{
    size_t at = 2;
    table->rows = rh_pg_int(result, 0, 0, 0);
    table->digest = rh_arena_strdup(data->arena, rh_pg_value(result, 0, 1));
    table->whole = true;
    for (size_t i = 0; i < table->column_count; i++) {
        column_state *column = &table->columns[i];
        table->whole = table->whole && column->present;
        if (!column->present || at + 1 >= rh_pg_columns(result))
            continue;
        column->digest = rh_arena_strdup(data->arena, rh_pg_value(result, 0, at));
        column->values = rh_pg_int(result, 0, at + 1, 0);
        at += 2;
    }
}

/* If the server refused to read the table, records why it is not compared and returns true. Every other error
 * ends the comparison: false. */
static bool record_unreadable(rh_data *data, table_state *table, rh_error *failed)
{
    bool late = strcmp(failed->sqlstate, "57014") == 0;
    if (failed->code != RH_ERROR_SQL && failed->code != RH_ERROR_TIMEOUT)
        return false;
    table->why = late ? rh_arena_printf(data->arena, "reading it took longer than %.0f s",
                                        rh_seconds(data->options.table_timeout))
                      : rh_arena_printf(data->arena, "it could not be read: %s", failed->message);
    table->depth = late && table->depth == RH_DATA_DIGESTED ? RH_DATA_COUNTED : RH_DATA_NOT_COMPARED;
    rh_error_release(failed);
    return true;
}

/* A failure ends the transaction: the next table gets another. */
static bool read_table(rh_pg *pg, rh_data *data, table_state *table, rh_error *error)
{
    while (table->present && table->depth != RH_DATA_NOT_COMPARED) {
        bool whole = table->depth == RH_DATA_DIGESTED;
        rh_error failed = {0};
        char *sql = whole ? digest_sql(table) : NULL;
        if (!whole) {
            rh_text count = {0};
            rh_text_printf(&count, "select count(*) from %s%s", from_clause(table), table->name);
            sql = count.data;
        }
        rh_pg_result *result = rh_pg_query(pg, sql, 0, NULL, &failed);
        free(sql);
        if (result) {
            if (whole)
                take_digest(data, table, result);
            else
                table->rows = rh_pg_int(result, 0, 0, 0);
            rh_pg_result_free(result);
            return true;
        }
        if (!record_unreadable(data, table, &failed) || !end(pg, &failed) ||
            !begin(pg, data->options.table_timeout, &failed)) {
            rh_error_context(&failed, "comparing the rows of %s", table->name);
            if (error)
                rh_error_move(error, &failed);
            rh_error_release(&failed);
            return false;
        }
    }
    return true;
}

static rh_data *new_data(const rh_data_options *options)
{
    rh_arena *arena = rh_arena_new();
    rh_data *data = rh_arena_alloc(arena, sizeof *data);
    data->arena = arena;
    data->options = *options;
    return data;
}

/* DATA when OK, else freed and NULL. */
static rh_data *finish(rh_data *data, bool ok, rh_usec began)
{
    if (!ok) {
        rh_data_free(data);
        return NULL;
    }
    data->options.affected = NULL; /* the caller's */
    data->options.affected_count = 0;
    data->elapsed_s = rh_seconds(rh_clock_monotonic() - began);
    return data;
}

rh_data *rh_data_read(rh_pg *pg, const rh_data_options *options, rh_error *error)
{
    rh_usec began = rh_clock_monotonic();
    rh_data *data = new_data(options);
    bool ok = begin(pg, 0, error) && list_tables(pg, data, error) && read_sequences(pg, data, error) &&
              limit(pg, options->table_timeout, error);
    choose_depths(data);
    for (size_t i = 0; ok && i < data->table_count; i++)
        ok = read_table(pg, data, &data->tables[i], error);
    return finish(data, end(pg, ok ? error : NULL) && ok, began);
}

/* ---- again ---- */

static int by_table_name(const void *key, const void *item)
{
    return strcmp(key, ((const table_state *)item)->name);
}

static const table_state *find_table(const rh_data *data, const char *name)
{
    return data->table_count
               ? bsearch(name, data->tables, data->table_count, sizeof *data->tables, by_table_name)
               : NULL;
}

static bool has_column(const table_state *table, const char *name)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (strcmp(table->columns[i].name, name) == 0)
            return true;
    return false;
}

/* WAS as it is to be read again: its columns in its order, those that are left. */
static table_state as_before(rh_data *data, const table_state *was, const table_state *is)
{
    table_state again = {.name = rh_arena_strdup(data->arena, was->name),
                         .partitioned = is && is->partitioned,
                         .affected = was->affected,
                         .present = is != NULL,
                         .bytes = is ? is->bytes : 0,
                         .depth = was->depth,
                         .why = rh_arena_strdup(data->arena, was->why),
                         .rows = -1};
    for (size_t i = 0; i < was->column_count; i++) {
        column_state *column = rh_arena_add(data->arena, &again.columns, &again.column_count);
        *column = (column_state){.name = rh_arena_strdup(data->arena, was->columns[i].name),
                                 .present = is && has_column(is, was->columns[i].name),
                                 .values = -1};
    }
    return again;
}

rh_data *rh_data_read_again(rh_pg *pg, const rh_data *before, rh_error *error)
{
    rh_usec began = rh_clock_monotonic();
    rh_data *now = new_data(&before->options), *data = new_data(&before->options);
    bool ok = begin(pg, 0, error) && list_tables(pg, now, error) && read_sequences(pg, data, error) &&
              limit(pg, before->options.table_timeout, error);
    for (size_t i = 0; ok && i < before->table_count; i++) {
        table_state *table = rh_arena_add(data->arena, &data->tables, &data->table_count);
        *table = as_before(data, &before->tables[i], find_table(now, before->tables[i].name));
        ok = read_table(pg, data, table, error);
    }
    rh_data_free(now);
    return finish(data, end(pg, ok ? error : NULL) && ok, began);
}

void rh_data_free(rh_data *data)
{
    if (data)
        rh_arena_free(data->arena);
}
