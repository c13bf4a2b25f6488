#include "pgrehearse/observe/observe.h"
#include "pgrehearse/model/facts.h"
#include "wait_graph.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* A line's stamp is in whole ms and written a moment after the wait's end: two accounts of the same wait
 * begin this close. */
static const double SAME_START_S = 0.1;
/* Of two sessions that began to wait as one. */
static const double TOGETHER_S = 0.002;
/* More than any pass writes of lock waits. */
static const int64_t LOG_MAX = INT64_C(256) << 20;

/* ---- a line ---- */

/* "2026-11-22 12:14:03.123 UTC [4711] LOG:  "; returns what follows, or NULL. */
static const char *parse_prefix(const char *line, int *pid, rh_usec *at)
{
    struct tm tm = {0};
    int ms = 0, length = 0;
    if (sscanf(line, "%4d-%2d-%2d %2d:%2d:%2d.%3d UTC [%d] LOG:  %n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
               &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &ms, pid, &length) != 8 ||
        length == 0)
        return NULL;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    *at = timegm(&tm) * RH_SECOND + ms * (RH_SECOND / 1000);
    return line + length;
}

/* "relation 16384 of database 5", "tuple (0,1) of relation 16384 of database 5", "transaction 789" … as
 * pg_locks calls their types. */
static bool parse_object(const char *object, rh_arena *arena, rh_logged_wait *wait)
{
    static const struct {
        const char *words, *locktype;
    } types[] = {{"relation ", "relation"},
                 {"extension of relation ", "extend"},
                 {"pg_database.datfrozenxid ", "frozenid"},
                 {"page ", "page"},
                 {"tuple ", "tuple"},
                 {"transaction ", "transactionid"},
                 {"virtual transaction ", "virtualxid"},
                 {"speculative token ", "spectoken"},
                 {"object ", "object"},
                 {"user lock ", "userlock"},
                 {"advisory lock ", "advisory"}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (strncmp(object, types[i].words, strlen(types[i].words)) != 0)
            continue;
        const char *relation = strstr(object, "relation ");
        wait->locktype = rh_arena_strdup(arena, types[i].locktype);
        wait->relation = relation ? strtoll(relation + strlen("relation "), NULL, 10) : 0;
        return true;
    }
    return false;
}

bool rh_logged_wait_parse(const char *line, rh_arena *arena, rh_logged_wait *wait)
{
    static const struct {
        const char *words;
        rh_logged_kind kind;
    } kinds[] = {{"still waiting for ", RH_LOGGED_WAITING},
                 {"acquired ", RH_LOGGED_ACQUIRED},
                 {"failed to acquire ", RH_LOGGED_FAILED},
                 {"detected deadlock while waiting for ", RH_LOGGED_DEADLOCK},
                 {"avoided deadlock for ", RH_LOGGED_REARRANGED}};
    *wait = (rh_logged_wait){0};
    int writer, length = 0;
    const char *text = parse_prefix(line, &writer, &wait->at), *words = NULL;
    if (!text || sscanf(text, "process %d %n", &wait->pid, &length) != 1 || length == 0)
        return false;
    text += length;
    for (size_t i = 0; !words && i < sizeof kinds / sizeof *kinds; i++) {
        if (strncmp(text, kinds[i].words, strlen(kinds[i].words)) == 0) {
            words = text + strlen(kinds[i].words);
            wait->kind = kinds[i].kind;
        }
    }
    const char *on = words ? strstr(words, " on ") : NULL, *after = words ? strstr(words, " after ") : NULL;
    if (!on || !after || after < on || sscanf(after, " after %lf ms", &wait->waited_ms) != 1)
        return false;
    wait->mode = rh_lock_mode_named(rh_arena_strndup(arena, words, (size_t)(on - words)));
    return parse_object(on + strlen(" on "), arena, wait);
}

/* ---- the waits of a log ---- */

typedef struct logged {
    rh_logged_wait *lines; /* of each wait the last line */
    size_t count;
    rh_logged_wait *deadlocks;
    size_t deadlock_count;
} logged;

static rh_usec start_of(const rh_logged_wait *wait)
{
    return wait->at - (rh_usec)(wait->waited_ms * 1000);
}

/* A session waits for one lock at a time, and stamps its line before the wait ends: waits of one session that
 * overlap are one. On a busy machine the stamp, and the start that follows from it, is late by any time. */
static bool same_wait(const rh_logged_wait *a, const rh_logged_wait *b)
{
    return a->pid == b->pid && a->mode == b->mode && strcmp(a->locktype, b->locktype) == 0 &&
           start_of(a) < b->at && start_of(b) < a->at;
}

static void add_line(logged *log, const rh_logged_wait *line, rh_arena *arena)
{
    if (line->kind == RH_LOGGED_DEADLOCK)
        *rh_arena_add(arena, &log->deadlocks, &log->deadlock_count) = *line;
    for (size_t i = log->count; i-- > 0;) {
        if (!same_wait(&log->lines[i], line))
            continue;
        if (line->waited_ms > log->lines[i].waited_ms)
            log->lines[i] = *line;
        return;
    }
    *rh_arena_add(arena, &log->lines, &log->count) = *line;
}

static void read_lines(char *text, logged *log, rh_arena *arena)
{
    char *state = NULL;
    for (char *line = strtok_r(text, "\n", &state); line; line = strtok_r(NULL, "\n", &state)) {
        rh_logged_wait wait;
        if (rh_logged_wait_parse(line, arena, &wait))
            add_line(log, &wait, arena);
    }
}

/* ---- beside the samples ---- */

static double account_s(const rh_lock_log_source *source, rh_usec wall)
{
    return rh_seconds(wall - (rh_clock_wall() - rh_clock_monotonic()) - source->began);
}

/* The same wait of one session: they begin as one, or have most of the shorter one in common. */
static bool is_same(const rh_wait *sampled, double at_s, double wait_s)
{
    double from_s = fmax(sampled->at_s, at_s), to_s = fmin(sampled->at_s + sampled->wait_s, at_s + wait_s);
    return fabs(sampled->at_s - at_s) < SAME_START_S || to_s - from_s > fmin(sampled->wait_s, wait_s) / 2;
}

/* The wait of LINE, as the samples have it; COUNT if they have none. A parallel worker's is its leader's
 * there: unless EXACT, another session's that began with it will do. TAKEN: sampled waits that have their
 * line already. */
static size_t find_sampled(const rh_contention *contention, const bool *taken, size_t count,
                           const rh_logged_wait *line, double at_s, bool exact)
{
    size_t i = 0;
    for (; i < count; i++) {
        const rh_wait *w = &contention->waits[i];
        bool same_lock =
            w->mode && w->locktype && w->mode == line->mode && strcmp(w->locktype, line->locktype) == 0;
        if (same_lock && !taken[i] &&
            (exact ? w->waiter_pid == line->pid && is_same(w, at_s, line->waited_ms / 1e3)
                   : fabs(w->at_s - at_s) < TOGETHER_S))
            break;
    }
    return i;
}

static const char *name_relation(rh_pg *side, int64_t oid, rh_arena *arena)
{
    static const char sql[] =
        "SELECT pg_catalog.format('%I.%I', n.nspname, o.relname) FROM pg_catalog.pg_class c "
        "LEFT JOIN pg_catalog.pg_index x ON x.indexrelid = c.oid "
        "LEFT JOIN pg_catalog.pg_class t ON t.reltoastrelid = coalesce(x.indrelid, c.oid) "
        "JOIN pg_catalog.pg_class o ON o.oid = coalesce(t.oid, x.indrelid, c.oid) "
        "JOIN pg_catalog.pg_namespace n ON n.oid = o.relnamespace WHERE c.oid = $1";
    char text[24];
    const char *parameter = text;
    if (oid == 0)
        return NULL;
    snprintf(text, sizeof text, "%" PRId64, oid);
    rh_pg_result *result = side ? rh_pg_query(side, sql, 1, &parameter, NULL) : NULL;
    const char *name = result && rh_pg_rows(result) == 1 ? rh_arena_strdup(arena, rh_pg_value(result, 0, 0))
                                                         : rh_arena_printf(arena, "OID %s", text);
    rh_pg_result_free(result);
    return name;
}

static void add_wait(const rh_lock_log_source *source, const rh_logged_wait *line, double at_s,
                     rh_arena *arena, rh_contention *contention)
{
    rh_wait *wait = rh_arena_add(arena, &contention->waits, &contention->wait_count);
    *wait = (rh_wait){.at_s = at_s,
                      .wait_s = line->waited_ms / 1e3,
                      .locktype = line->locktype,
                      .relation = name_relation(source->side, line->relation, arena),
                      .mode = line->mode,
                      .waiter_pid = line->pid,
                      .blocker = "an unknown session",
                      .exact_start = true,
                      .source = RH_WAIT_SERVER_LOG};
}

static void merge_waits(const rh_lock_log_source *source, const logged *log, rh_arena *arena,
                        rh_contention *contention)
{
    rh_lock_log *summary = &contention->log;
    size_t sampled = contention->wait_count;
    bool *taken = rh_arena_alloc(arena, (sampled + 1) * sizeof *taken);
    bool *known = rh_arena_alloc(arena, (log->count + 1) * sizeof *known);
    for (int exact = 1; exact >= 0; exact--)
        for (size_t i = 0; i < log->count; i++) {
            const rh_logged_wait *line = &log->lines[i];
            size_t w = known[i] ? sampled
                                : find_sampled(contention, taken, sampled, line,
                                               account_s(source, start_of(line)), exact);
            if (w == sampled)
                continue;
            taken[w] = known[i] = true;
            if (line->kind == RH_LOGGED_ACQUIRED)
                summary->longest_difference_ms =
                    fmax(summary->longest_difference_ms,
                         fabs(contention->waits[w].wait_s * 1e3 - line->waited_ms));
        }
    summary->waits = (int64_t)log->count;
    for (size_t i = 0; i < log->count; i++) {
        if (known[i])
            continue;
        add_wait(source, &log->lines[i], account_s(source, start_of(&log->lines[i])), arena, contention);
        summary->merged++;
    }
}

static bool has_side(const rh_deadlock *deadlock, int pid)
{
    for (size_t i = 0; i < deadlock->side_count; i++)
        if (deadlock->sides[i].pid == pid)
            return true;
    return false;
}

/* A sampled deadlock ended between two samples. */
static rh_deadlock *find_deadlock(rh_contention *contention, const bool *confirmed, size_t count, int pid,
                                  double at_s)
{
    rh_deadlock *nearest = NULL;
    double most_s = 1 + rh_contention_gap_s(contention);
    for (size_t i = 0; i < count; i++) {
        rh_deadlock *deadlock = &contention->deadlocks[i];
        double apart = fabs(deadlock->at_s - at_s);
        if (!confirmed[i] && has_side(deadlock, pid) && apart < most_s &&
            (!nearest || apart < fabs(nearest->at_s - at_s)))
            nearest = deadlock;
    }
    return nearest;
}

/* A cycle that the log does not report as a deadlock was none: the server rearranged the queue, or a timeout
 * ended it. */
static void merge_deadlocks(const rh_lock_log_source *source, const logged *log, rh_arena *arena,
                            rh_contention *contention)
{
    size_t sampled = contention->deadlock_count, kept = 0;
    bool *confirmed = rh_arena_alloc(arena, (sampled + log->deadlock_count + 1) * sizeof *confirmed);
    for (size_t i = 0; i < log->deadlock_count; i++) {
        const rh_logged_wait *line = &log->deadlocks[i];
        double at_s = account_s(source, line->at);
        rh_deadlock *deadlock = find_deadlock(contention, confirmed, sampled, line->pid, at_s);
        if (deadlock) {
            confirmed[deadlock - contention->deadlocks] = true;
        } else {
            deadlock = rh_arena_add(arena, &contention->deadlocks, &contention->deadlock_count);
            confirmed[contention->deadlock_count - 1] = true;
            *rh_arena_add(arena, &deadlock->sides, &deadlock->side_count) =
                (rh_deadlock_side){.pid = line->pid,
                                   .locktype = line->locktype,
                                   .relation = name_relation(source->side, line->relation, arena),
                                   .mode = line->mode};
        }
        deadlock->at_s = at_s;
        for (size_t k = 0; k < deadlock->side_count; k++)
            deadlock->sides[k].is_victim = deadlock->sides[k].pid == line->pid;
    }
    for (size_t i = 0; i < contention->deadlock_count; i++)
        if (confirmed[i])
            contention->deadlocks[kept++] = contention->deadlocks[i];
    contention->deadlock_count = kept;
}

static double deadlock_timeout_ms(rh_pg *side)
{
    int64_t ms;
    static const char sql[] =
        "SELECT setting::bigint FROM pg_catalog.pg_settings WHERE name = 'deadlock_timeout'";
    return side && rh_pg_query_int(side, sql, &ms, NULL) ? (double)ms : RH_NOT_MEASURED;
}

int64_t rh_lock_log_length(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 ? status.st_size : 0;
}

/* What was appended since the pass began, 0-terminated; NULL when it cannot be read. */
static char *read_from(const char *path, int64_t from, rh_arena *arena)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return NULL;
    char *text = NULL;
    if (fseek(file, 0, SEEK_END) == 0) {
        int64_t size = ftell(file) - from;
        size = size < 0 ? 0 : size > LOG_MAX ? LOG_MAX : size;
        text = rh_arena_alloc(arena, (size_t)size + 1);
        if (fseek(file, (long)from, SEEK_SET) != 0 || fread(text, 1, (size_t)size, file) != (size_t)size)
            text = NULL;
    }
    fclose(file);
    return text;
}

void rh_lock_log_merge(const rh_lock_log_source *source, rh_arena *arena, rh_contention *contention)
{
    rh_lock_log *summary = &contention->log;
    logged log = {0};
    *summary = (rh_lock_log){.why_not = source->why_not, .longest_difference_ms = RH_NOT_MEASURED};
    if (source->path && contention->clock_stepped) {
        summary->why_not = "a clock was set during the pass, so the times in the server's log mean nothing";
        return;
    }
    char *text = source->path ? read_from(source->path, source->from, arena) : NULL;
    if (!text) {
        if (source->path)
            summary->why_not = "the staging server's log could not be read";
        return;
    }
    summary->read = true;
    summary->why_not = NULL;
    summary->threshold_ms = deadlock_timeout_ms(source->side);
    read_lines(text, &log, arena);
    merge_waits(source, &log, arena, contention);
    merge_deadlocks(source, &log, arena, contention);
    if (summary->merged > 0)
        rh_waits_count(arena, contention);
}
