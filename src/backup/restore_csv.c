/* Restores a CSV export: its definitions are a plain dump, and in its midst the rows are loaded. */
#include "csv_table.h"
#include "dump_stream.h"
#include "embedded/backup.h"
#include "statement.h"
#include <string.h>

/* ---- when ---- */

typedef struct counting {
    int64_t count, last;
} counting;

/* ALTER TABLE of columns and partitions; not of constraints, which check rows that are there. */
static bool alters_shape(rh_dump_words words)
{
    static const char *const constraints[] = {"constraint", "primary", "unique",
                                              "check",      "foreign", "exclude"};
    static const char *const others[] = {"owner",   "enable", "disable",  "force",  "no",
                                         "cluster", "reset",  "validate", "replica"};
    char schema[RH_NAME_SIZE], name[RH_NAME_SIZE];
    rh_dump_words_skip(&words, "only");
    if (rh_dump_words_skip(&words, "if"))
        rh_dump_words_skip(&words, "exists");
    rh_dump_words_skip(&words, "only");
    if (!rh_dump_words_name(&words, schema, name))
        return false;
    rh_dump_words_skip(&words, "*");
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (rh_dump_words_skip(&words, others[i]))
            return false;
    bool adds = rh_dump_words_skip(&words, "add");
    for (size_t i = 0; adds && i < sizeof constraints / sizeof *constraints; i++)
        if (rh_dump_words_skip(&words, constraints[i]))
            return false;
    return true;
}

static bool shapes_table(const char *sql, size_t length)
{
    static const char *const anything[] = {"do", "select", "call", "insert", "copy"};
    rh_dump_words words = {sql, sql + length};
    for (size_t i = 0; i < sizeof anything / sizeof *anything; i++)
        if (rh_dump_words_skip(&words, anything[i]))
            return true;
    if (rh_dump_words_skip(&words, "alter"))
        return rh_dump_words_skip(&words, "table") && alters_shape(words);
    if (!rh_dump_words_skip(&words, "create"))
        return rh_dump_words_skip(&words, "drop") && rh_dump_words_skip(&words, "table");
    rh_dump_words_skip(&words, "unlogged");
    return rh_dump_words_skip(&words, "table") || rh_dump_words_skip(&words, "schema");
}

static bool count_piece(void *user, const rh_dump_piece *piece, rh_error *error)
{
    (void)error;
    counting *c = user;
    if (piece->kind != RH_DUMP_STATEMENT && piece->kind != RH_DUMP_PART)
        return true;
    if (piece->first && shapes_table(piece->bytes + piece->start, piece->length - piece->start))
        c->last = c->count + 1;
    c->count += piece->last;
    return true;
}

bool rh_csv_rows_after(const rh_backup_facts *facts, int64_t *statement, rh_error *error)
{
    counting c = {0};
    if (!rh_dump_stream(facts, count_piece, &c, NULL, "", error))
        return false;
    *statement = c.last;
    return true;
}

/* ---- rows ---- */

/* Column COLUMN of each row of ASIDE is run; the last column names what it is about. */
static bool run_all(rh_restoring *r, rh_pg *pg, const rh_pg_result *aside, size_t column, rh_error *error)
{
    for (size_t i = 0; i < rh_pg_rows(aside); i++) {
        rh_error failure = {0};
        if (rh_pg_execute(pg, rh_pg_value(aside, i, column), &failure))
            continue;
        if (failure.code == RH_ERROR_SQL)
            failure.code = RH_ERROR_BACKUP;
        rh_error_context(&failure, "after the rows were loaded, %s", rh_pg_value(aside, i, 2));
        if (strcmp(failure.sqlstate, "23503") == 0)
            rh_error_hint(&failure, "were the files exported at different moments? Export them in one "
                                    "transaction: BEGIN ISOLATION LEVEL REPEATABLE READ");
        rh_error_at(&failure, r->facts->path, 0, 0);
        rh_error_move(error, &failure);
        return false;
    }
    return true;
}

static bool load_files(rh_restoring *r, rh_pg *pg, const rh_exported_tables *tables, rh_error *error)
{
    rh_csv_progress progress = {.progress = r->progress, .stage = "restore", .total = r->facts->bytes};
    for (size_t i = 0; i < tables->count; i++)
        if (tables->tables[i].file && !rh_csv_load_table(r, pg, &tables->tables[i], &progress, error))
            return false;
    return true;
}

bool rh_csv_load(rh_restoring *r, rh_error *error)
{
    rh_exported_tables tables;
    rh_pg *pg = rh_pg_connect(r->target->conninfo, "restore", error);
    rh_pg_result *aside = pg ? rh_pg_query(pg, rh_sql_csv_set_aside, 0, NULL, error) : NULL;
    bool fine = aside && rh_csv_assign(r, pg, &tables, error) && run_all(r, pg, aside, 0, error) &&
                load_files(r, pg, &tables, error) && run_all(r, pg, aside, 1, error);
    rh_pg_result_free(aside);
    rh_pg_close(pg);
    return fine;
}

/* ---- at the end ---- */

static bool set_sequences(rh_restoring *r, rh_pg *pg, rh_error *error)
{
    int64_t set = 0;
    rh_pg_result *sequences = rh_pg_query(pg, rh_sql_csv_sequences, 0, NULL, error);
    bool fine = sequences != NULL;
    for (size_t i = 0; fine && i < rh_pg_rows(sequences); i++) {
        const char *sql = rh_pg_value(sequences, i, 2);
        rh_dump_entry entry = {"SEQUENCE SET", rh_pg_value(sequences, i, 0), rh_pg_value(sequences, i, 1),
                               ""};
        rh_pg_result *result = sql ? rh_pg_query(pg, sql, 0, NULL, error) : NULL;
        if (!sql)
            rh_restoring_skip(
                r, rh_dump_entry_name(&entry, r->arena),
                "CSV files have no sequences, and no column is filled by this one: it starts at its first value");
        fine = !sql || result;
        set += sql != NULL;
        rh_pg_result_free(result);
    }
    rh_pg_result_free(sequences);
    if (fine && set > 0)
        rh_restoring_skip(
            r,
            rh_arena_printf(r->arena, "SEQUENCE SET of %lld sequence%s", (long long)set, set == 1 ? "" : "s"),
            "CSV files have none: each was set to the last value of the columns that it fills");
    return fine;
}

/* SELECT and everything else of the views are the backup's own, as in a dump. */
static bool refresh_views(rh_restoring *r, rh_pg *pg, rh_error *error)
{
    rh_pg_result *views = rh_pg_query(pg, rh_sql_csv_views, 0, NULL, error);
    bool fine = views != NULL;
    for (size_t i = 0; fine && i < rh_pg_rows(views); i++) {
        rh_error failure = {0};
        rh_dump_entry entry = {"MATERIALIZED VIEW DATA", rh_arena_strdup(r->arena, rh_pg_value(views, i, 0)),
                               rh_arena_strdup(r->arena, rh_pg_value(views, i, 1)), ""};
        rh_contents_add(&r->contents, &entry, "");
        if (rh_restoring_excludes(r, &entry, ""))
            continue;
        fine = rh_pg_execute(pg, rh_pg_value(views, i, 2), &failure);
        rh_restoring_skip(r, rh_dump_entry_name(&entry, r->arena),
                          "CSV files have no rows of it: it was refreshed from its tables");
        if (!fine) {
            if (failure.code == RH_ERROR_SQL)
                failure.code = RH_ERROR_BACKUP;
            rh_error_context(&failure, "could not restore %s", rh_dump_entry_name(&entry, r->arena));
            rh_error_at(&failure, rh_dump_path(r->facts), 0, 0);
            rh_error_move(error, &failure);
        }
    }
    rh_pg_result_free(views);
    return fine;
}

bool rh_csv_settle(rh_restoring *r, rh_error *error)
{
    rh_pg *pg = rh_pg_connect(r->target->conninfo, "restore", error);
    bool fine = pg && set_sequences(r, pg, error) && refresh_views(r, pg, error);
    rh_pg_close(pg);
    return fine;
}
