/* Matches statements of a server log with those of a run, by their text without literals. */
#include "pgrehearse/base/units.h"
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/base/scan.h"
#include "logged.h"
#include "predicted.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A statement of the run; one of a transaction's own (BEGIN, SET …) is none, for every client sends those. */
typedef struct target {
    const rh_json *migration;
    int ordinal; /* 0: the migration as a whole */
    const char *text;
    double seconds, lock_wait_s;
    int line;
    size_t session; /* of the log line that was chosen */
    bool found;
} target;

/* A session of the log, by how much of the run it did: an application may send the same UPDATE. */
typedef struct log_session {
    const char *id;
    size_t matches;
} log_session;

typedef struct sighting {
    size_t target, session;
    double seconds, lock_wait_s;
    int line;
} sighting;

typedef struct matcher {
    rh_arena *arena;
    target *targets;
    size_t target_count;
    log_session *sessions;
    size_t session_count;
    sighting *sightings;
    size_t sighting_count;
} matcher;

/* ---- the run's side ---- */

static bool is_own(const rh_json *statement)
{
    const char *class_ = rh_json_string(rh_json_get(statement, "class"));
    return !class_ || strcmp(class_, "transaction") != 0;
}

static void add_targets(matcher *m, const rh_json *migration)
{
    const rh_json *statements = rh_json_get(migration, "statements");
    rh_text whole = {0};
    size_t own = 0;
    for (size_t i = 0; i < rh_json_count(statements); i++) {
        const rh_json *statement = rh_json_at(statements, i);
        const char *text = rh_json_string(rh_json_get(statement, "sql"));
        if (!text || !is_own(statement))
            continue;
        target *t = rh_arena_add(m->arena, &m->targets, &m->target_count);
        *t = (target){.migration = migration, .ordinal = (int)i + 1, .text = text};
        rh_text_printf(&whole, "%s;", text);
        own++;
    }
    if (own > 1) { /* many tools send a file at once: one line of the log */
        target *t = rh_arena_add(m->arena, &m->targets, &m->target_count);
        *t = (target){.migration = migration, .text = rh_arena_strdup(m->arena, rh_text_string(&whole))};
    }
    rh_text_release(&whole);
}

/* ---- the log's side ---- */

static bool is_transaction_word(const char *text)
{
    static const char *const words[] = {"BEGIN", "START", "COMMIT", "END", "ROLLBACK", "SET", "RESET"};
    text = rh_sql_skip_blanks(text);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t length = strlen(words[i]);
        if (strncasecmp(text, words[i], length) == 0 && !(text[length] >= 'A' && text[length] <= 'z'))
            return true;
    }
    return false;
}

/* As a target's text; a file's statements end with ";" each. NULL: nothing in it could be one. */
static const char *normalise(matcher *m, const char *sql)
{
    rh_sql_span *spans = NULL;
    size_t count = 0, own = 0;
    const char *last = NULL;
    rh_text whole = {0};
    rh_error ignored = {0};
    rh_sql_split(sql, NULL, m->arena, &spans, &count, &ignored);
    rh_error_release(&ignored);
    for (size_t i = 0; i < count; i++) {
        char *text =
            rh_sql_redact(rh_arena_strndup(m->arena, sql + spans[i].offset, spans[i].length), m->arena);
        if (is_transaction_word(text))
            continue;
        rh_text_printf(&whole, "%s;", text);
        last = text;
        own++;
    }
    if (own > 1)
        last = rh_arena_strdup(m->arena, rh_text_string(&whole));
    rh_text_release(&whole);
    return last;
}

static size_t session_of(matcher *m, const char *id)
{
    for (size_t i = 0; i < m->session_count; i++)
        if (strcmp(m->sessions[i].id, id) == 0)
            return i;
    log_session *s = rh_arena_add(m->arena, &m->sessions, &m->session_count);
    s->id = rh_arena_strdup(m->arena, id);
    return m->session_count - 1;
}

static void take_statement(void *user, const rh_logged *logged)
{
    matcher *m = user;
    rh_arena *kept = m->arena;
    m->arena = rh_arena_new(); /* most statements are the application's */
    const char *text = normalise(m, logged->sql);
    rh_arena *passing = m->arena;
    m->arena = kept;
    for (size_t i = 0; text && i < m->target_count; i++) {
        if (strcmp(m->targets[i].text, text) != 0)
            continue;
        sighting *s = rh_arena_add(m->arena, &m->sightings, &m->sighting_count);
        *s =
            (sighting){i, session_of(m, logged->session), logged->seconds, logged->lock_wait_s, logged->line};
    }
    rh_arena_free(passing);
}

/* ---- choosing the migration's own executions ---- */

/* Each session's number of different targets. */
static void count_matches(matcher *m)
{
    for (size_t s = 0; s < m->session_count; s++)
        for (size_t t = 0; t < m->target_count; t++) {
            bool seen = false;
            for (size_t i = 0; i < m->sighting_count && !seen; i++)
                seen = m->sightings[i].session == s && m->sightings[i].target == t;
            m->sessions[s].matches += seen;
        }
}

/* The session that did most of the run tells; the first sighting in it that no other target of the same text
 * has. */
static void choose(matcher *m)
{
    bool *used = rh_arena_alloc(m->arena, m->sighting_count + 1);
    for (size_t t = 0; t < m->target_count; t++) {
        size_t best = SIZE_MAX;
        for (size_t i = 0; i < m->sighting_count; i++) {
            const sighting *s = &m->sightings[i];
            if (s->target != t || used[i])
                continue;
            if (best == SIZE_MAX ||
                m->sessions[s->session].matches > m->sessions[m->sightings[best].session].matches)
                best = i;
        }
        if (best == SIZE_MAX)
            continue;
        const sighting *chosen = &m->sightings[best];
        m->targets[t].found = true;
        m->targets[t].seconds = chosen->seconds;
        m->targets[t].lock_wait_s = chosen->lock_wait_s;
        m->targets[t].line = chosen->line;
        for (size_t i = 0; i < m->sighting_count; i++) /* the same line of the log, of another target */
            used[i] = used[i] || m->sightings[i].line == chosen->line;
    }
}

static bool any_found(const matcher *m, const rh_json *migration, bool whole)
{
    for (size_t t = 0; t < m->target_count; t++)
        if (m->targets[t].migration == migration && m->targets[t].found &&
            (m->targets[t].ordinal == 0) == whole)
            return true;
    return false;
}

static void add_rows(const matcher *m, rh_score *score)
{
    for (size_t t = 0; t < m->target_count; t++) {
        const target *one = &m->targets[t];
        const char *id = rh_json_string(rh_json_get(one->migration, "id"));
        bool single = any_found(m, one->migration, false);
        if (one->found && !(one->ordinal == 0 && single)) {
            rh_score_row *row = rh_arena_add(m->arena, &score->rows, &score->row_count);
            *row = rh_score_prediction(one->migration, one->ordinal, &score->level, m->arena);
            row->actual_s = one->seconds - one->lock_wait_s;
            row->lock_wait_s = one->lock_wait_s;
        } else if (!one->found && one->ordinal > 0 && single) {
            rh_score_left_out(score, m->arena, "the log has no duration of migration %s, statement %d",
                              id ? id : "?", one->ordinal);
        }
    }
}

bool rh_score_log(const rh_json *report, const char *actual, rh_arena *arena, rh_score *score,
                  rh_error *error)
{
    matcher m = {.arena = arena};
    const rh_json *migrations = rh_json_get(report, "migrations");
    size_t statements = 0;
    for (size_t i = 0; i < rh_json_count(migrations); i++)
        add_targets(&m, rh_json_at(migrations, i));
    if (!rh_logged_read(actual, arena, take_statement, &m, &statements, error))
        return false;
    if (statements == 0) {
        rh_error_set(error, RH_ERROR_USAGE, "%s: the log has no durations", actual);
        return rh_error_hint(error,
                             "log_min_duration_statement = 0 for the role that migrates puts them there "
                             "(in English: lc_messages = C)");
    }
    count_matches(&m);
    choose(&m);
    add_rows(&m, score);
    if (score->row_count > 0)
        return true;
    rh_error_set(error, RH_ERROR_USAGE, "%s: the log has %zu statement%s, none of the run's migrations",
                 actual, statements, rh_plural((int64_t)statements));
    return rh_error_hint(error,
                         "statements are matched by their text without literals: is it the log of that "
                         "release, and the run of these migrations?");
}
