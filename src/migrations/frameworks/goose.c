/* goose (github.com/pressly/goose v3), read at 520411a16119.
 *
 *     *.sql and *.go in the folder, VERSION_name, ordered by the version as a number;   migration.go:363,
 *     a .sql file that is not named so, and a version twice, are errors                 migrate.go:30, 135
 *     -- +goose Up | Down | StatementBegin | StatementEnd | NO TRANSACTION | ENVSUB ON, in any case
 *                                                                                       internal/sqlparser/parser.go
 *     statements end with the line whose last word before a comment ends with ";"       parser.go,
 * endsWithSemicolon; a line of 4 MiB is an error                               parser.go, scanBufSize
 *
 * Each of these is sent by itself, in one transaction with the row of the history, or with NO TRANSACTION
 * each and the row by themselves (migration_sql.go). The history has a row a version; any row counts as
 * applied, and a version below the highest of them that is not there is an error without -allow-missing
 * (up.go). A file of Go is shown and cannot be replayed.
 */
#include "frameworks.h"
#include "pgrehearse/base/text.h"
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- files ---- */

static bool recognise(const char *file_name, rh_arena *arena, rh_migration_file *file)
{
    const bool go = rh_ends_with(file_name, ".go"), sql = rh_ends_with(file_name, ".sql");
    if ((!go && !sql) || rh_ends_with(file_name, "_test.go"))
        return false;
    size_t digits = strspn(file_name, "0123456789");
    errno = 0;
    const intmax_t version = strtoimax(file_name, NULL, 10);
    if (digits == 0 || file_name[digits] != '_' || version < 1 || errno == ERANGE) {
        file->refused = "goose takes only names such as 00001_name.sql or 20240131120000_name.sql";
        file->id = file_name;
        file->name = "";
        return sql;
    }
    const char *title = file_name + digits + 1;
    file->id = rh_arena_printf(arena, "%" PRIdMAX, version);
    file->name = rh_arena_strndup(arena, title, strlen(title) - (go ? 3 : 4));
    file->version = (uint64_t)version;
    file->both_directions = sql;
    file->not_sql = go ? "a program in Go" : NULL;
    return true;
}

static int compare(const rh_migration_file *a, const rh_migration_file *b)
{
    if (a->version == 0 && b->version == 0)
        return strcmp(a->file, b->file);
    return (a->version > b->version) - (a->version < b->version);
}

static rh_fit fit(const char *folder, const rh_migration_files *list, rh_arena *arena, const char **why)
{
    (void)folder;
    const char *file = rh_find_mark(list, "-- +goose", arena);
    if (!file)
        file = rh_find_mark(list, "--+goose", arena);
    if (!file)
        return RH_FIT_NONE;
    rh_text text = {0};
    size_t programs = 0;
    for (size_t i = 0; i < list->count; i++)
        if (list->files[i].not_sql)
            rh_text_printf(&text, "%s %s", programs++ ? "," : "", list->files[i].file);
    *why =
        rh_arena_printf(arena, "%s has a line \"-- +goose\"%s%s", file,
                        programs ? "; programs in Go, which are not replayed:" : "", rh_text_string(&text));
    rh_text_release(&text);
    return RH_FIT_MARKS;
}

/* ---- the reader: goose's own state machine ---- */

enum { LINE_LIMIT = 4 * 1024 * 1024 };

typedef enum state { START, UP, BEGIN_UP, END_UP, DOWN, BEGIN_DOWN, END_DOWN } state;

typedef struct reader {
    const char *path;
    rh_direction direction;
    rh_arena *arena;
    rh_sql_reading *reading;
    rh_error *error;
    state state;
    int line;
    size_t from, to; /* the statement under way, in bytes of the text; empty: none */
    int from_line;
    bool down_seen, envsub;
} reader;

static bool refuse(const reader *r, const char *reason, const char *hint)
{
    return rh_refuse_file(r->path, r->line, "goose", reason, hint, r->error);
}

static bool is_up(state s)
{
    return s == UP || s == BEGIN_UP || s == END_UP;
}

static bool unfinished(const reader *r)
{
    for (size_t i = r->from; i < r->to; i++)
        if (!isspace((unsigned char)r->reading->text[i]))
            return true;
    return false;
}

static void store(reader *r)
{
    const char *text = r->reading->text;
    size_t from = r->from, to = r->to;
    int line = r->from_line, column = 1;
    if (from == to) /* StatementBegin and StatementEnd around nothing: an empty query */
        return;
    for (; from < to && isspace((unsigned char)text[from]); from++) {
        column = text[from] == '\n' ? 1 : column + 1;
        line += text[from] == '\n';
    }
    while (to > from && isspace((unsigned char)text[to - 1]))
        to--;
    *rh_arena_add(r->arena, &r->reading->pieces, &r->reading->piece_count) =
        (rh_sql_span){.offset = from, .length = to - from, .line = line, .column = column};
    r->from = r->to = 0;
}

/* The words of an annotation: the line without "--" and "+goose", trimmed. */
static char *annotation_of(const reader *r, const char *line, size_t length)
{
    char *copy = rh_arena_strndup(r->arena, line, length), *out = copy;
    for (const char *p = copy; *p;) {
        if (rh_starts_with(p, "--"))
            p += 2;
        else
            *out++ = *p++;
    }
    *out = '\0';
    char *mark = strstr(copy, "+goose");
    if (!mark)
        return copy;
    memmove(mark, mark + 6, strlen(mark + 6) + 1);
    while (isspace((unsigned char)*copy))
        copy++;
    for (size_t end = strlen(copy); end > 0 && isspace((unsigned char)copy[end - 1]); end--)
        copy[end - 1] = '\0';
    return copy;
}

static bool begin_down(reader *r)
{
    if (r->state != UP && r->state != END_UP)
        return refuse(r, "\"-- +goose Down\" must come once, after \"-- +goose Up\"", NULL);
    if (unfinished(r))
        return refuse(r, "the last statement of the up migration has no semicolon at the end of a line",
                      NULL);
    r->state = DOWN;
    r->down_seen = true;
    return true;
}

static bool begin_statement(reader *r)
{
    if (r->state == UP || r->state == END_UP)
        r->state = BEGIN_UP;
    else if (r->state == DOWN || r->state == END_DOWN)
        r->state = BEGIN_DOWN;
    else
        return refuse(r, "\"-- +goose StatementBegin\" is before Up or in another statement", NULL);
    return true;
}

static bool read_annotation(reader *r, const char *line, size_t length, bool *ends_statement)
{
    if (*line == ' ' || *line == '\t')
        return refuse(r, "an annotation must start at the beginning of its line", NULL);
    const char *words = annotation_of(r, line, length);
    if (strcasecmp(words, "Up") == 0) {
        if (r->state != START)
            return refuse(r, "a second \"-- +goose Up\"", NULL);
        r->state = UP;
        return true;
    }
    if (strcasecmp(words, "Down") == 0)
        return begin_down(r);
    if (strcasecmp(words, "StatementBegin") == 0)
        return begin_statement(r);
    if (strcasecmp(words, "StatementEnd") == 0) {
        if (r->state != BEGIN_UP && r->state != BEGIN_DOWN)
            return refuse(r, "\"-- +goose StatementEnd\" without its StatementBegin", NULL);
        r->state = r->state == BEGIN_UP ? END_UP : END_DOWN;
        *ends_statement = true;
        return true;
    }
    if (strcasecmp(words, "NO TRANSACTION") == 0)
        r->reading->rule = RH_TRANSACTION_EACH;
    else if (strcasecmp(words, "ENVSUB ON") == 0)
        r->envsub = true;
    else if (strcasecmp(words, "ENVSUB OFF") == 0)
        r->envsub = false;
    else
        return refuse(r, "an annotation that it does not know",
                      "It knows Up, Down, StatementBegin, "
                      "StatementEnd, NO TRANSACTION, ENVSUB.");
    return true;
}

/* Does the last word before one that starts with "--" end with a semicolon? */
static bool ends_with_semicolon(const char *line, const char *end)
{
    char last = '\0';
    while (line < end) {
        while (line < end && isspace((unsigned char)*line))
            line++;
        if (line + 1 < end && line[0] == '-' && line[1] == '-')
            break;
        for (; line < end && !isspace((unsigned char)*line); line++)
            last = *line;
    }
    return last == ';';
}

static bool refuse_substitution(const reader *r)
{
    rh_error_set(r->error, RH_ERROR_UNSUPPORTED,
                 "goose would put environment variables into this line (ENVSUB ON), which is not done here");
    rh_error_hint(r->error, "Write the values out, or expand the file in a copy.");
    return rh_error_at(r->error, r->path, r->line, 0);
}

/* A line of SQL from AT to END (its line end not counted); NEXT is where the following one starts. */
static bool read_sql(reader *r, size_t at, size_t end, size_t next, bool ends_statement)
{
    const char *text = r->reading->text;
    size_t first = at;
    while (first < end && isspace((unsigned char)text[first]))
        first++;
    if (r->from == r->to && (at == end || (first + 1 < end && text[first] == '-' && text[first + 1] == '-')))
        return true;
    if (!ends_statement && r->state != END_UP && r->state != END_DOWN) {
        if (r->from == r->to) {
            r->from = at;
            r->from_line = r->line;
        }
        r->to = next;
        if (r->envsub && is_up(r->state) == (r->direction == RH_UP) && memchr(text + at, '$', end - at))
            return refuse_substitution(r);
    }
    if (r->state == START)
        return refuse(r, "there is something before \"-- +goose Up\"", NULL);
    if (is_up(r->state) != (r->direction == RH_UP)) {
        r->from = r->to = 0;
        return true;
    }
    if (r->state == END_UP || r->state == END_DOWN) {
        store(r);
        r->state = r->state == END_UP ? UP : DOWN;
    } else if ((r->state == UP || r->state == DOWN) && ends_with_semicolon(text + at, text + end)) {
        store(r);
    }
    return true;
}

static bool read_line(reader *r, size_t at, size_t end, size_t next)
{
    const char *text = r->reading->text;
    size_t first = at;
    bool ends_statement = false;
    if (next - at >= LINE_LIMIT)
        return refuse(r, "a line of 4 MiB or more, which its scanner does not take", "Break the line.");
    while (first < end && isspace((unsigned char)text[first]))
        first++;
    if (r->state == START && first == end)
        return true;
    if (first + 1 < end && text[first] == '-' && text[first + 1] == '-' &&
        memmem(text + at, end - at, "+goose", 6)) {
        if (!read_annotation(r, text + at, end - at, &ends_statement))
            return false;
        if (!ends_statement)
            return true;
    }
    return read_sql(r, at, end, next, ends_statement);
}

static bool finish(reader *r)
{
    if (r->state == START)
        return refuse(r, "it has no line \"-- +goose Up\"", NULL);
    if (r->state == BEGIN_UP || r->state == BEGIN_DOWN)
        return refuse(r, "a \"-- +goose StatementBegin\" has no StatementEnd", NULL);
    if (unfinished(r))
        return refuse(r, "its last statement has no semicolon at the end of a line", NULL);
    r->reading->missing = r->direction == RH_DOWN && !r->down_seen;
    return true;
}

/* The tool reads by lines and sends them with "\n". */
static size_t drop_carriage_returns(char *text)
{
    char *out = text;
    for (const char *p = text; *p; p++)
        if (p[0] != '\r' || (p[1] != '\n' && p[1] != '\0'))
            *out++ = *p;
    *out = '\0';
    return (size_t)(out - text);
}

static bool read_directions(const char *path, rh_direction direction, rh_arena *arena,
                            rh_sql_reading *reading, rh_error *error)
{
    reader r = {.path = path, .direction = direction, .arena = arena, .reading = reading, .error = error};
    const size_t length = drop_carriage_returns(reading->text);
    size_t none = 0;
    rh_arena_add(arena, &reading->pieces, &none);
    for (size_t at = 0; at < length;) {
        size_t end = at + strcspn(reading->text + at, "\n"), next = end + (end < length);
        r.line++;
        if (!read_line(&r, at, end, next))
            return false;
        at = next;
    }
    if (!finish(&r))
        return false;
    size_t kept = 0; /* only what is sent is examined */
    for (size_t i = 0; i < reading->piece_count; i++) {
        rh_blank(reading->text, kept, reading->pieces[i].offset);
        kept = reading->pieces[i].offset + reading->pieces[i].length;
    }
    rh_blank(reading->text, kept, length);
    return true;
}

/* ---- the history table ---- */

static bool refuse_missing(const rh_migration *migration, intmax_t highest, rh_error *error)
{
    rh_error_set(error, RH_ERROR_SCENARIO,
                 "migration %s is missing below version %" PRIdMAX
                 ", which the database has: goose refuses to run",
                 migration->id, highest);
    rh_error_hint(
        error,
        "Give it a higher version, or run goose with -allow-missing and list it in migrations.pending.");
    return rh_error_at(error, migration->up.file, 0, 0);
}

static bool mark_applied(const rh_rows *history, rh_plan *plan, rh_arena *arena, rh_error *error)
{
    (void)arena;
    int at = rh_history_column(history, "version_id");
    if (!rh_history_mark(history, "version_id", "goose", plan, error))
        return false;
    intmax_t highest = 0;
    for (size_t i = 0; i < history->row_count; i++) {
        intmax_t version = history->rows[i][at] ? strtoimax(history->rows[i][at], NULL, 10) : 0;
        highest = version > highest ? version : highest;
    }
    for (size_t i = 0; i < plan->migration_count; i++)
        if (!plan->migrations[i].applied_in_backup && strtoimax(plan->migrations[i].id, NULL, 10) < highest)
            return refuse_missing(&plan->migrations[i], highest, error);
    return true;
}

static bool prepare(rh_pg *pg, const rh_plan *plan, rh_error *error)
{
    return rh_history_run(pg, plan, "goose",
                          "BEGIN; CREATE TABLE {history} ("
                          " id integer PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY,"
                          " version_id bigint NOT NULL, is_applied boolean NOT NULL,"
                          " tstamp timestamp NOT NULL DEFAULT now());"
                          " INSERT INTO {history} (version_id, is_applied) VALUES (0, true); COMMIT",
                          0, NULL, error);
}

static bool end(rh_pg *pg, const rh_plan *plan, const rh_migration *migration, rh_direction direction,
                rh_error *error)
{
    const char *parameters[] = {migration->id};
    return rh_history_run(pg, plan, "goose",
                          direction == RH_UP
                              ? "INSERT INTO {history} (version_id, is_applied) VALUES ($1, true)"
                              : "DELETE FROM {history} WHERE version_id=$1",
                          1, parameters, error);
}

const rh_framework_rules rh_framework_goose = {
    .framework = RH_FRAMEWORK_GOOSE,
    .name = "goose",
    .files = "00001_name.sql, with lines -- +goose Up and -- +goose Down",
    .transaction = RH_TRANSACTION_ONE,
    .recognise = recognise,
    .compare = compare,
    .fit = fit,
    .read = read_directions,
    .history_table = "goose_db_version",
    .history_columns = {"version_id", "is_applied"},
    .mark_applied = mark_applied,
    .prepare = prepare,
    .end = end,
};
