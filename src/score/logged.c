#include "logged.h"
#include "pgrehearse/adapters/csv.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/adapters/json.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/base/units.h"
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t LARGEST = INT64_C(1) << 30;
enum { BUCKETS = 1024 };
/* Columns of csvlog (documentation, section 20.8.4). */
enum { CSV_SESSION = 5, CSV_SEVERITY = 11, CSV_MESSAGE = 13, CSV_FEWEST = 20 };

/* What a session's earlier lines contain of the statement that is running. */
typedef struct session {
    struct session *next;
    const char *id;
    rh_text statement;
    double waited_s;
    int line;
} session;

typedef struct reader {
    rh_arena *arena;
    session *sessions[BUCKETS];
    void (*take)(void *user, const rh_logged *logged);
    void *user;
    size_t count;
} reader;

static session *session_of(reader *r, const char *id)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (const char *at = id; *at; at++)
        hash = (hash ^ (unsigned char)*at) * 16777619u;
    session **bucket = &r->sessions[hash % BUCKETS];
    for (session *s = *bucket; s; s = s->next)
        if (strcmp(s->id, id) == 0)
            return s;
    session *s = rh_arena_alloc(r->arena, sizeof *s);
    *s = (session){.next = *bucket, .id = rh_arena_strdup(r->arena, id)};
    return *bucket = s;
}

static void forget(session *s)
{
    rh_text_release(&s->statement);
    s->waited_s = 0;
}

/* The SQL behind "statement: " or "execute NAME: "; NULL for "parse" and "bind", and for anything else. */
static const char *sql_in(const char *message)
{
    if (rh_starts_with(message, "statement: "))
        return message + strlen("statement: ");
    if (!rh_starts_with(message, "execute "))
        return NULL;
    const char *colon = strstr(message, ": ");
    return colon ? colon + 2 : NULL;
}

/* MESSAGE of severity LOG. */
static void take_message(reader *r, const char *id, const char *message, int line)
{
    double ms;
    int used = 0;
    const char *sql = sql_in(message), *after = strstr(message, " after ");
    if (sql) { /* log_statement: its duration comes later */
        session *s = session_of(r, id);
        rh_text_release(&s->statement);
        rh_text_append(&s->statement, sql);
        s->line = line;
    } else if (rh_starts_with(message, "process ") && strstr(message, " acquired ") && after) {
        if (sscanf(after, " after %lf ms", &ms) == 1 && ms > 0)
            session_of(r, id)->waited_s += ms / 1e3;
    } else if (sscanf(message, "duration: %lf ms%n", &ms, &used) == 1 && used > 0 && ms >= 0) {
        session *s = session_of(r, id);
        const char *rest = message + used + strspn(message + used, " ");
        const char *timed = sql_in(rest);
        if (!timed && *rest) /* of a parse or a bind: the statement goes on */
            return;
        if (timed || s->statement.length) {
            rh_logged logged = {.sql = timed ? timed : rh_text_string(&s->statement),
                                .session = s->id,
                                .seconds = ms / 1e3,
                                .lock_wait_s = s->waited_s < ms / 1e3 ? s->waited_s : ms / 1e3,
                                .line = timed ? line : s->line};
            r->count++;
            r->take(r->user, &logged);
        }
        forget(s);
    }
}

/* ---- the plain format ---- */

/* "LOG:  " and the like in a line, with two blanks as the server writes it; NULL: a line of something else.
 */
static const char *severity_in(const char *line, size_t *length)
{
    static const char *const words[] = {
        "LOG:  ",  "ERROR:  ",  "FATAL:  ",     "PANIC:  ", "WARNING:  ", "NOTICE:  ",
        "INFO:  ", "DETAIL:  ", "STATEMENT:  ", "HINT:  ",  "CONTEXT:  ", "QUERY:  "};
    const char *first = NULL;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        const char *at = strstr(line, words[i]);
        if (at && (!first || at < first)) {
            first = at;
            *length = strlen(words[i]);
        }
    }
    return first;
}

/* The process id in the prefix: "[1234]", "[1234-2]", or else a number that is a word of its own. */
static void session_in(const char *line, const char *end, char id[24])
{
    for (int brackets = 1; brackets >= 0; brackets--)
        for (const char *at = line; at < end; at++) {
            size_t digits = isdigit((unsigned char)*at) ? strspn(at, "0123456789") : 0;
            bool begins = at > line && (brackets ? at[-1] == '[' : at[-1] == ' ');
            bool ends = brackets ? strchr("]-", at[digits]) != NULL : strchr(" :]", at[digits]) != NULL;
            if (digits > 0 && digits < 12 && (begins || (!brackets && at == line)) && ends && at[digits]) {
                snprintf(id, 24, "%.*s", (int)digits, at);
                return;
            }
            at += digits;
        }
    *id = 0;
}

static void read_plain(reader *r, char *text)
{
    rh_text message = {0};
    char id[24] = "";
    int line = 0, began = 0;
    bool is_log = false;
    for (char *next; text; text = next) {
        line++;
        next = strchr(text, '\n');
        if (next)
            *next++ = 0;
        text[strcspn(text, "\r")] = 0;
        if (*text == '\t') { /* goes on */
            if (is_log)
                rh_text_printf(&message, "\n%s", text + 1);
            continue;
        }
        size_t length = 0;
        const char *severity = severity_in(text, &length);
        if (is_log)
            take_message(r, id, rh_text_string(&message), began);
        rh_text_release(&message);
        is_log = severity && rh_starts_with(severity, "LOG:  ");
        if (!is_log)
            continue;
        session_in(text, severity, id);
        rh_text_append(&message, severity + length);
        began = line;
    }
    if (is_log)
        take_message(r, id, rh_text_string(&message), began);
    rh_text_release(&message);
}

/* ---- csvlog and jsonlog ---- */

static void take_row(reader *r, const rh_csv_row *row)
{
    if (row->count > CSV_MESSAGE && strcmp(row->fields[CSV_SEVERITY], "LOG") == 0)
        take_message(r, row->fields[CSV_SESSION], row->fields[CSV_MESSAGE], row->line);
}

static bool read_csv(reader *r, const char *path, rh_error *error)
{
    rh_csv_table table;
    if (!rh_csv_read(path, r->arena, &table, error))
        return false;
    take_row(r, &table.header); /* csvlog has none */
    for (size_t i = 0; i < table.row_count; i++)
        take_row(r, &table.rows[i]);
    return true;
}

static bool read_json(reader *r, char *text, const char *path, rh_error *error)
{
    int line = 0;
    for (char *next; text; text = next) {
        line++;
        next = strchr(text, '\n');
        if (next)
            *next++ = 0;
        if (text[strspn(text, " \t\r")] == 0)
            continue;
        rh_json *entry = rh_json_parse(text, strlen(text), path, NULL);
        if (!entry && !next)
            return true; /* the server was still writing it */
        if (!entry) {
            rh_error_set(error, RH_ERROR_USAGE, "this line of the log is not valid JSON");
            return rh_error_at(error, path, line, 0);
        }
        const char *severity = rh_json_string(rh_json_get(entry, "error_severity")),
                   *message = rh_json_string(rh_json_get(entry, "message")),
                   *id = rh_json_string(rh_json_get(entry, "session_id"));
        if (severity && message && strcmp(severity, "LOG") == 0)
            take_message(r, id ? id : "", message, line);
        rh_json_free(entry);
    }
    return true;
}

/* ---- telling them apart ---- */

static bool looks_like_csvlog(const char *line, size_t length)
{
    size_t fields = 1;
    bool quoted = false;
    for (size_t i = 0; i < length; i++) {
        quoted ^= line[i] == '"';
        fields += !quoted && line[i] == ',';
    }
    return length > 10 && isdigit((unsigned char)line[0]) && line[4] == '-' && line[7] == '-' &&
           (fields >= CSV_FEWEST || quoted); /* a message of several lines */
}

rh_log_format rh_logged_format(const char *text)
{
    if (strncmp(text, "\xef\xbb\xbf", 3) == 0)
        text += 3;
    if (text[strspn(text, " \t\r\n")] == '{')
        return strstr(text, "\"error_severity\"") ? RH_LOG_JSON : RH_LOG_NONE;
    if (looks_like_csvlog(text, strcspn(text, "\n")))
        return RH_LOG_CSV;
    return strstr(text, "LOG:  ") ? RH_LOG_PLAIN : RH_LOG_NONE;
}

bool rh_logged_read(const char *path, rh_arena *arena, void (*take)(void *user, const rh_logged *logged),
                    void *user, size_t *statements, rh_error *error)
{
    rh_error failure = {0};
    char *text = rh_file_read(path, LARGEST, arena, NULL, &failure);
    if (!text) {
        rh_error_set(error, RH_ERROR_USAGE, "%s", failure.message);
        rh_error_hint(error, "extract the hours of the release from it");
        rh_error_release(&failure);
        return false;
    }
    reader r = {.arena = arena, .take = take, .user = user};
    bool ok = true;
    switch (rh_logged_format(text)) {
    case RH_LOG_CSV:
        ok = read_csv(&r, path, error);
        break;
    case RH_LOG_JSON:
        ok = read_json(&r, text, path, error);
        break;
    default:
        read_plain(&r, text);
    }
    for (size_t i = 0; i < BUCKETS; i++)
        for (session *s = r.sessions[i]; s; s = s->next)
            rh_text_release(&s->statement);
    *statements = r.count;
    return ok;
}
