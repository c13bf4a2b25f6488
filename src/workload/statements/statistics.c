#include "statistics.h"
#include "pgrehearse/workload/workload.h"
#include "statistics_time.h"
#include "pgrehearse/adapters/csv.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The columns that are read, each under the names that it had or has. */
typedef enum column_id {
    COLUMN_QUERY,
    COLUMN_CALLS,
    COLUMN_ROWS,
    COLUMN_EXEC_MS,
    COLUMN_HIT,
    COLUMN_READ,
    COLUMN_DATABASE,
    COLUMN_USER,
    COLUMN_QUERYID,
    COLUMN_TOPLEVEL,
    COLUMN_CAPTURED,
    COLUMN_RESET,
    COLUMN_SINCE,
    COLUMN_AGE,
    COLUMN_COUNT
} column_id;

static const char *const NAMES[COLUMN_COUNT][8] = {
    [COLUMN_QUERY] = {"query"},
    [COLUMN_CALLS] = {"calls"},
    [COLUMN_ROWS] = {"rows"},
    [COLUMN_EXEC_MS] = {"total_exec_time", "total_time"}, /* since 13; 12 */
    [COLUMN_HIT] = {"shared_blks_hit"},
    [COLUMN_READ] = {"shared_blks_read"},
    [COLUMN_DATABASE] = {"dbid", "datname"},
    [COLUMN_USER] = {"rolname", "usename", "userid"},
    [COLUMN_QUERYID] = {"queryid"},
    [COLUMN_TOPLEVEL] = {"toplevel"},
    [COLUMN_CAPTURED] = {"captured_at", "now", "snapshot_at", "collected_at", "clock_timestamp",
                         "statement_timestamp", "transaction_timestamp"},
    [COLUMN_RESET] = {"stats_reset"},
    [COLUMN_SINCE] = {"stats_since"},
    [COLUMN_AGE] = {"age_s"},
};

/* One row of one file. */
typedef struct entry {
    rh_statement_stats statement;
    const char *user, *queryid;
    double captured, reset, since, age; /* s since 1970; age in s; NaN when missing */
} entry;

typedef struct entries {
    entry *items;
    size_t count;
} entries;

typedef struct reading {
    const char *path;
    rh_csv_table table;
    int columns[COLUMN_COUNT];
    rh_arena *arena;
    rh_error *error;
} reading;

static bool is_name(const char *field, const char *name)
{
    field += strspn(field, " \t");
    size_t length = strlen(name);
    return strncasecmp(field, name, length) == 0 && field[length + strspn(field + length, " \t")] == 0;
}

static int find_column(const rh_csv_row *header, const char *const names[8])
{
    for (int n = 0; n < 8 && names[n]; n++)
        for (size_t i = 0; i < header->count; i++)
            if (is_name(header->fields[i], names[n]))
                return (int)i;
    return -1;
}

static bool fail_header(const reading *r, const char *missing)
{
    const rh_csv_row *header = &r->table.header;
    rh_error_set(r->error, RH_ERROR_SCENARIO,
                 "this is not an export of pg_stat_statements: it has no column %s", missing);
    if (header->count == 1 && strpbrk(header->fields[0], ";\t|"))
        rh_error_hint(r->error, "its fields are not separated by commas: export with csv header");
    else
        rh_error_hint(r->error, "the first line names the columns; run in psql: " RH_STATISTICS_EXPORT);
    return rh_error_at(r->error, r->path, 1, 0);
}

static const char *field(const reading *r, const rh_csv_row *row, column_id column)
{
    int index = r->columns[column];
    return index >= 0 ? row->fields[index] : "";
}

/* A figure that is not negative; NaN when the column is missing or the field empty. */
static bool read_figure(const reading *r, const rh_csv_row *row, column_id column, double *value)
{
    const char *text = field(r, row, column);
    *value = NAN;
    if (!*text)
        return true;
    char *end;
    errno = 0;
    double figure = strtod(text, &end);
    if (*end || text[strspn(text, "+-.0123456789eE")] || !isfinite(figure) || figure < 0) {
        rh_error_set(r->error, RH_ERROR_SCENARIO, "%s must be a number that is not negative, not \"%.40s\"",
                     NAMES[column][0], text);
        rh_error_hint(r->error, "export it again, in psql: " RH_STATISTICS_EXPORT);
        return rh_error_at(r->error, r->path, row->line, 0);
    }
    *value = figure;
    return true;
}

static bool read_time(const reading *r, const rh_csv_row *row, column_id column, double *value)
{
    const char *text = field(r, row, column);
    *value = NAN;
    if (!*text || rh_statistics_time(text, value))
        return true;
    rh_error_set(r->error, RH_ERROR_SCENARIO,
                 "%s must be a time such as 2026-11-22 12:14:03+00, not \"%.40s\"", NAMES[column][0], text);
    rh_error_hint(r->error, "export it with DateStyle ISO");
    return rh_error_at(r->error, r->path, row->line, 0);
}

static bool read_row(const reading *r, const rh_csv_row *row, entries *all)
{
    if (row->count != r->table.header.count) {
        rh_error_set(r->error, RH_ERROR_SCENARIO, "this row has %zu fields, the first line names %zu columns",
                     row->count, r->table.header.count);
        rh_error_hint(r->error, "a quote is missing or the file was cut off: export it again");
        return rh_error_at(r->error, r->path, row->line, 0);
    }
    double hit, read;
    entry *e = rh_arena_add(r->arena, &all->items, &all->count);
    rh_statement_stats *s = &e->statement;
    *e = (entry){.user = field(r, row, COLUMN_USER), .queryid = field(r, row, COLUMN_QUERYID)};
    s->query = field(r, row, COLUMN_QUERY);
    s->database = field(r, row, COLUMN_DATABASE);
    s->line = row->line;
    const char *toplevel = field(r, row, COLUMN_TOPLEVEL);
    s->nested = strcasecmp(toplevel, "f") == 0 || strcasecmp(toplevel, "false") == 0;
    bool ok = read_figure(r, row, COLUMN_CALLS, &s->calls) && read_figure(r, row, COLUMN_ROWS, &s->rows) &&
              read_figure(r, row, COLUMN_EXEC_MS, &s->exec_ms) && read_figure(r, row, COLUMN_HIT, &hit) &&
              read_figure(r, row, COLUMN_READ, &read) && read_figure(r, row, COLUMN_AGE, &e->age) &&
              read_time(r, row, COLUMN_CAPTURED, &e->captured) &&
              read_time(r, row, COLUMN_RESET, &e->reset) && read_time(r, row, COLUMN_SINCE, &e->since);
    if (!ok)
        return false;
    s->blocks = hit + read;
    if (isnan(s->calls)) {
        rh_error_set(r->error, RH_ERROR_SCENARIO, "calls is empty");
        rh_error_hint(r->error, "export it again, in psql: " RH_STATISTICS_EXPORT);
        return rh_error_at(r->error, r->path, row->line, 0);
    }
    return true;
}

static bool read_file(const char *path, rh_arena *arena, entries *all, rh_error *error)
{
    reading r = {.path = path, .arena = arena, .error = error};
    if (!rh_csv_read(path, arena, &r.table, error)) {
        if (error && error->code == RH_ERROR_IO && error->line > 0)
            error->code = RH_ERROR_SCENARIO;
        return false;
    }
    for (int c = 0; c < COLUMN_COUNT; c++)
        r.columns[c] = find_column(&r.table.header, NAMES[c]);
    if (r.columns[COLUMN_QUERY] < 0)
        return fail_header(&r, "query");
    if (r.columns[COLUMN_CALLS] < 0)
        return fail_header(&r, "calls");
    for (size_t i = 0; i < r.table.row_count; i++)
        if (!read_row(&r, &r.table.rows[i], all))
            return false;
    return true;
}

/* ---- snapshots ---- */

static int compare_keys(const entry *a, const entry *b)
{
    int by = strcmp(a->statement.database, b->statement.database);
    by = by ? by : strcmp(a->statement.query, b->statement.query);
    by = by ? by : (int)a->statement.nested - (int)b->statement.nested;
    by = by ? by : strcmp(a->user, b->user);
    return by ? by : strcmp(a->queryid, b->queryid);
}

static int by_key(const void *a, const void *b)
{
    return compare_keys(a, b);
}

static double later(double a, double b)
{
    return isnan(a) || b > a ? b : a;
}

static double earlier(double a, double b)
{
    return isnan(a) || b < a ? b : a;
}

/* A file with several values of captured_at holds several snapshots: the first and the last count. */
static void split(rh_arena *arena, const entries *all, entries *first, entries *last)
{
    double low = NAN, high = NAN;
    for (size_t i = 0; i < all->count; i++) {
        low = earlier(low, all->items[i].captured);
        high = later(high, all->items[i].captured);
    }
    for (size_t i = 0; i < all->count; i++) {
        const entry *e = &all->items[i];
        entries *to = low < high && e->captured == low    ? first
                      : low < high && e->captured != high ? NULL
                                                          : last;
        if (to)
            *rh_arena_add(arena, &to->items, &to->count) = *e;
    }
}

/* What was counted after the earlier snapshot. A figure that went down was reset in between: it then counts
 * from 0. */
static void subtract(entries *last, entries *first)
{
    if (first->count == 0 || last->count == 0)
        return;
    qsort(first->items, first->count, sizeof *first->items, by_key);
    for (size_t i = 0; i < last->count; i++) {
        rh_statement_stats *s = &last->items[i].statement;
        const entry *before =
            bsearch(&last->items[i], first->items, first->count, sizeof *first->items, by_key);
        if (!before || before->statement.calls > s->calls)
            continue;
        s->calls -= before->statement.calls;
        s->rows = fmax(0, s->rows - before->statement.rows);
        s->exec_ms = fmax(0, s->exec_ms - before->statement.exec_ms);
        s->blocks = fmax(0, s->blocks - before->statement.blocks);
    }
}

/* ---- how long it was counted ---- */

typedef struct moments {
    double captured, reset, since, age;
} moments;

static moments moments_of(const entries *all)
{
    moments m = {NAN, NAN, NAN, NAN};
    for (size_t i = 0; i < all->count; i++) {
        m.captured = later(m.captured, all->items[i].captured);
        m.reset = later(m.reset, all->items[i].reset);
        m.since = earlier(m.since, all->items[i].since);
        m.age = later(m.age, all->items[i].age);
    }
    return m;
}

static void measure_interval(rh_arena *arena, const entries *first, const entries *last, bool two,
                             rh_statistics *out)
{
    moments end = moments_of(last), begin = moments_of(first);
    double start = two ? begin.captured : !isnan(end.reset) ? end.reset : end.since;
    if (two && end.reset > begin.captured)
        start = end.reset;
    out->seconds = end.captured - start;
    if (!two && !isnan(end.age))
        out->seconds = end.age;
    if (!(out->seconds > 0))
        out->seconds = NAN;
    if (isnan(out->seconds))
        out->basis = two ? "the difference of two snapshots; they do not say when they were taken"
                         : "the counts since the last reset; the export does not say when that was";
    else if (two)
        out->basis = rh_arena_printf(arena, "the difference of two snapshots, %.0f s apart", out->seconds);
    else
        out->basis = rh_arena_printf(arena, "the counts of the %.0f s since the last reset", out->seconds);
}

/* ---- one statement a text ---- */

static double add(double a, double b)
{
    return isnan(a) ? b : isnan(b) ? a : a + b;
}

/* The same text by several users, or with several ids, is one statement. LAST is sorted by key. */
static void merge(rh_arena *arena, const entries *last, rh_statistics *out)
{
    for (size_t i = 0; i < last->count; i++) {
        const rh_statement_stats *s = &last->items[i].statement;
        rh_statement_stats *previous = out->count ? &out->statements[out->count - 1] : NULL;
        if (previous && strcmp(previous->query, s->query) == 0 && previous->nested == s->nested &&
            strcmp(previous->database, s->database) == 0) {
            previous->calls += s->calls;
            previous->rows = add(previous->rows, s->rows);
            previous->exec_ms = add(previous->exec_ms, s->exec_ms);
            previous->blocks = add(previous->blocks, s->blocks);
        } else {
            *rh_arena_add(arena, &out->statements, &out->count) = *s;
        }
    }
}

/* Names of roles, not their OIDs: who called most. */
static const char *busiest_user(const entries *last)
{
    const char *busiest = NULL;
    double most = 0;
    for (size_t i = 0; i < last->count; i++) {
        const char *user = last->items[i].user;
        double calls = 0;
        if (!*user || !user[strspn(user, "0123456789")] || (busiest && strcmp(user, busiest) == 0))
            continue;
        for (size_t k = 0; k < last->count; k++)
            calls += strcmp(last->items[k].user, user) == 0 ? last->items[k].statement.calls : 0;
        if (calls > most) {
            most = calls;
            busiest = user;
        }
    }
    return busiest;
}

/* Texts are cut off at a limit that is a power of two (a byte of it for the end): where the longest texts
 * have just such a length, and more than one has it, they cannot be trusted even when they parse. */
static void find_cut_off(rh_statistics *out)
{
    size_t longest = 0, at_limit = 0;
    for (size_t i = 0; i < out->count; i++) {
        size_t length = strlen(out->statements[i].query);
        longest = length > longest ? length : longest;
    }
    size_t limit = 128;
    while (limit < longest)
        limit *= 2;
    for (size_t i = 0; i < out->count; i++)
        at_limit += strlen(out->statements[i].query) + 4 >= limit;
    for (size_t i = 0; at_limit > 1 && i < out->count; i++)
        out->statements[i].cut_off = strlen(out->statements[i].query) + 4 >= limit;
}

static int by_calls(const void *a, const void *b)
{
    const rh_statement_stats *x = a, *y = b;
    return x->calls != y->calls ? (x->calls < y->calls ? 1 : -1) : strcmp(x->query, y->query);
}

bool rh_statistics_read(const char *const *paths, size_t path_count, rh_arena *arena,
                        rh_statistics *statistics, rh_error *error)
{
    *statistics = (rh_statistics){.seconds = NAN};
    entries first = {0}, last = {0}, all = {0};
    if (path_count < 1 || path_count > 2)
        return rh_error_set(error, RH_ERROR_SCENARIO, "pg_stat_statements is one file, or two snapshots");
    if (!read_file(paths[0], arena, path_count == 2 ? &first : &all, error) ||
        (path_count == 2 && !read_file(paths[1], arena, &last, error)))
        return false;
    if (path_count == 1) {
        split(arena, &all, &first, &last);
    } else if (moments_of(&first).captured > moments_of(&last).captured) {
        entries swap = first;
        first = last;
        last = swap;
    }
    bool two = path_count == 2 || first.count > 0;
    measure_interval(arena, &first, &last, two, statistics);
    if (!(moments_of(&last).reset > moments_of(&first).captured)) /* else all of it is newer */
        subtract(&last, &first);
    if (last.count > 0)
        qsort(last.items, last.count, sizeof *last.items, by_key);
    statistics->user = busiest_user(&last);
    merge(arena, &last, statistics);
    find_cut_off(statistics);
    if (statistics->count > 0)
        qsort(statistics->statements, statistics->count, sizeof *statistics->statements, by_calls);
    return true;
}

bool rh_statistics_user(const char *const *paths, size_t path_count, rh_arena *arena, const char **user,
                        rh_error *error)
{
    rh_statistics statistics;
    bool ok = rh_statistics_read(paths, path_count, arena, &statistics, error);
    *user = ok ? statistics.user : NULL;
    return ok;
}
