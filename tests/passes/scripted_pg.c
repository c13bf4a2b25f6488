/* The connection: rh_pg by a script. */
#include "scripted.h"
#include "pgrehearse/base/scan.h"
#include "pgrehearse/base/text.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RULES_MAX = 64, SENT_MAX = 20000, UNTIL_PATIENCE_S = 20 };

struct rh_pg {
    char role[32];
    int pid;
    char state;
};

struct rh_pg_result {
    const script_rule *rule; /* NULL: no rows */
    bool is_number;          /* one row: 0 */
};

typedef struct sent {
    char *role, *text;
} sent;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t has_sent = PTHREAD_COND_INITIALIZER;
static script_rule rules[RULES_MAX];
static int applied[RULES_MAX];
static size_t rule_count;
static char *texts_of_rules[RULES_MAX]; /* of script_rows */
static const char **values_of_rules[RULES_MAX];
static sent *texts;
static size_t text_count;
static int next_pid, open_count;

/* ---- the script ---- */

static void forget(void)
{
    for (size_t i = 0; i < text_count; i++) {
        free(texts[i].role);
        free(texts[i].text);
    }
    free(texts);
    texts = NULL;
    for (size_t i = 0; i < rule_count; i++) {
        free(texts_of_rules[i]);
        free(values_of_rules[i]);
        texts_of_rules[i] = NULL;
        values_of_rules[i] = NULL;
    }
    text_count = rule_count = 0;
    next_pid = 1000;
    open_count = 0;
    memset(applied, 0, sizeof applied);
}

void script_begin(void)
{
    forget();
    scripted_staging = (script_staging){0};
    scripted_load = (script_load){0};
    scripted_program = NULL;
}

void script_add(script_rule rule)
{
    if (rule_count == RULES_MAX)
        abort();
    rules[rule_count++] = rule;
}

script_rule *script_rows(const char *pattern, const char *rows)
{
    char *text = rh_strdup(rows), *row_at = NULL, *value_at = NULL;
    const char **values = NULL;
    size_t count = 0, row_count = 0;
    for (char *row = strtok_r(text, ";", &row_at); row; row = strtok_r(NULL, ";", &row_at), row_count++)
        for (char *value = strtok_r(row, " ", &value_at); value; value = strtok_r(NULL, " ", &value_at)) {
            values = rh_realloc(values, (count + 1) * sizeof *values);
            values[count++] = strcmp(value, "-") == 0 ? NULL : value;
        }
    script_add((script_rule){.pattern = pattern,
                             .values = values,
                             .columns = row_count ? count / row_count : 0,
                             .rows = row_count});
    texts_of_rules[rule_count - 1] = text;
    values_of_rules[rule_count - 1] = values;
    return &rules[rule_count - 1];
}

static bool fits(const char *role, const char *wanted_role, const char *text, const char *pattern)
{
    return (!wanted_role || strcmp(role, wanted_role) == 0) && strcasestr(text, pattern);
}

static int count_sent(const char *role, const char *pattern)
{
    int count = 0;
    for (size_t i = 0; i < text_count; i++)
        count += fits(texts[i].role, role, texts[i].text, pattern);
    return count;
}

int script_sent(const char *role, const char *pattern)
{
    pthread_mutex_lock(&mutex);
    int count = count_sent(role, pattern);
    pthread_mutex_unlock(&mutex);
    return count;
}

int script_open_connections(void)
{
    pthread_mutex_lock(&mutex);
    int count = open_count;
    pthread_mutex_unlock(&mutex);
    return count;
}

static void note(const char *role, const char *text)
{
    if (text_count == SENT_MAX)
        return;
    texts = rh_realloc(texts, (text_count + 1) * sizeof *texts);
    texts[text_count++] = (sent){rh_strdup(role), rh_strdup(text)};
    pthread_cond_broadcast(&has_sent);
}

/* What the code under test takes for granted. */
static const script_rule *default_rule(const char *text)
{
    static const char *const database[] = {"postgres"}, *const zero[] = {"0"}, *const hundred[] = {"100"};
    static const script_rule defaults[] = {
        {.pattern = "SELECT current_database()", .values = database, .columns = 1, .rows = 1},
        {.pattern = "SELECT current_setting('max_connections')", .values = hundred, .columns = 1, .rows = 1},
        {.pattern = "SHOW ", .values = zero, .columns = 1, .rows = 1},
    };
    for (size_t i = 0; text && i < sizeof defaults / sizeof *defaults; i++)
        if (strcasestr(text, defaults[i].pattern) == text)
            return &defaults[i];
    return NULL;
}

/* With the mutex. */
static const script_rule *rule_for(const char *role, const char *text)
{
    for (size_t i = 0; i < rule_count; i++) {
        const script_rule *rule = &rules[i];
        bool about = text ? rule->pattern && fits(role, rule->role, text, rule->pattern)
                          : !rule->pattern && (!rule->role || strcmp(role, rule->role) == 0);
        if (!about)
            continue;
        int time = ++applied[i];
        if (time >= rule->first && (rule->last == 0 || time <= rule->last))
            return rule;
    }
    return default_rule(text);
}

/* With the mutex. */
static void wait_for(const char *pattern)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += UNTIL_PATIENCE_S;
    while (count_sent(NULL, pattern) == 0)
        if (pthread_cond_timedwait(&has_sent, &mutex, &until) != 0)
            break;
}

static bool fail(rh_pg *pg, const script_rule *rule, rh_error *error)
{
    const char *message = rule->message ? rule->message : "scripted failure";
    switch (rule->action) {
    case SCRIPT_REFUSE:
        pg->state = pg->state == 'T' ? 'E' : pg->state;
        rh_error_set(error, RH_ERROR_SQL, "%s", message);
        return rule->sqlstate ? rh_error_sqlstate(error, rule->sqlstate) : false;
    case SCRIPT_LOSE:
        pg->state = '?';
        return rh_error_set(error, RH_ERROR_LOST, "%s", message);
    case SCRIPT_TIME_OUT:
        pg->state = pg->state == 'T' ? 'E' : pg->state;
        return rh_error_set(error, RH_ERROR_TIMEOUT, "%s", message);
    default:
        return true;
    }
}

/* Texts of several statements end in the state of the last verb that they hold. */
static void follow(rh_pg *pg, const char *sql)
{
    if (rh_starts_with(rh_sql_skip_blanks(sql), "ROLLBACK TO"))
        pg->state = 'T';
    else if (strncasecmp(sql, "COMMIT", 6) == 0 || strncasecmp(sql, "ROLLBACK", 8) == 0)
        pg->state = 'I';
    else if (strncasecmp(sql, "BEGIN", 5) == 0)
        pg->state = 'T';
}

/* *RULE gets the one that answers; NULL: none does. */
static bool ask(rh_pg *pg, const char *sql, const script_rule **rule, rh_error *error)
{
    if (pg->state == '?')
        return rh_error_set(error, RH_ERROR_LOST, "the connection to the server is gone");
    pthread_mutex_lock(&mutex);
    note(pg->role, sql);
    const script_rule *found = rule_for(pg->role, sql);
    if (found && found->until)
        wait_for(found->until);
    pthread_mutex_unlock(&mutex);
    if (found && found->then)
        found->then(found->user);
    if (rule)
        *rule = found;
    if (found && found->action != SCRIPT_ANSWER)
        return fail(pg, found, error);
    if (pg->state == 'E' && strncasecmp(sql, "ROLLBACK", 8) != 0) {
        rh_error_set(error, RH_ERROR_SQL, "current transaction is aborted");
        return rh_error_sqlstate(error, "25P02");
    }
    follow(pg, sql);
    return true;
}

/* ---- connecting ---- */

rh_pg *rh_pg_connect(const char *conninfo, const char *role, rh_error *error)
{
    (void)conninfo;
    rh_pg *pg = rh_alloc(sizeof *pg);
    pthread_mutex_lock(&mutex);
    snprintf(pg->role, sizeof pg->role, "%s", role);
    pg->pid = ++next_pid;
    pg->state = 'I';
    const script_rule *rule = rule_for(role, NULL);
    open_count += !rule || rule->action == SCRIPT_ANSWER;
    pthread_mutex_unlock(&mutex);
    if (!rule || fail(pg, rule, error))
        return pg;
    free(pg);
    return NULL;
}

rh_pg *rh_pg_connect_observer(const char *conninfo, const char *role, rh_error *error)
{
    return rh_pg_connect(conninfo, role, error);
}

rh_pg *rh_pg_connect_beside(const rh_pg *pg, const char *role, rh_error *error)
{
    (void)pg;
    return rh_pg_connect("", role, error);
}

void rh_pg_watch(rh_pg *pg, rh_usec every, bool (*look)(void *user, rh_error *error), void *user)
{
    (void)pg, (void)every, (void)look, (void)user;
}

void rh_pg_close(rh_pg *pg)
{
    if (!pg)
        return;
    pthread_mutex_lock(&mutex);
    open_count--;
    pthread_mutex_unlock(&mutex);
    free(pg);
}

int rh_pg_backend_pid(const rh_pg *pg)
{
    return pg->pid;
}

int rh_pg_server_version(const rh_pg *pg)
{
    (void)pg;
    return 150000;
}

bool rh_pg_is_unix_socket(const rh_pg *pg)
{
    (void)pg;
    return true;
}

const char *rh_pg_socket_directory(const rh_pg *pg)
{
    (void)pg;
    return "/scripted";
}

const char *rh_pg_password(const rh_pg *pg)
{
    (void)pg;
    return "";
}

const char *rh_pg_user(const rh_pg *pg)
{
    (void)pg;
    return "postgres";
}

const char *rh_pg_database(const rh_pg *pg)
{
    (void)pg;
    return "scripted";
}

char rh_pg_transaction_state(const rh_pg *pg)
{
    return pg->state;
}

char *rh_pg_conninfo_with(const char *conninfo, size_t count, const char *const *keys,
                          const char *const *values, rh_error *error)
{
    (void)count, (void)keys, (void)values, (void)error;
    return rh_strdup(conninfo);
}

char *rh_pg_conninfo_value(const char *conninfo, const char *keyword)
{
    (void)conninfo, (void)keyword;
    return NULL;
}

char *rh_pg_conninfo_display(const char *conninfo)
{
    return rh_strdup(conninfo);
}

/* ---- asking ---- */

static rh_pg_result *query(rh_pg *pg, const char *sql, bool is_number, rh_error *error)
{
    const script_rule *rule = NULL;
    if (!ask(pg, sql, &rule, error))
        return NULL;
    rh_pg_result *result = rh_alloc(sizeof *result);
    *result = (rh_pg_result){rule, is_number && !rule};
    return result;
}

rh_pg_result *rh_pg_query(rh_pg *pg, const char *sql, size_t count, const char *const *parameters,
                          rh_error *error)
{
    (void)count, (void)parameters;
    return query(pg, sql, false, error);
}

rh_pg_result *rh_pg_query_again(rh_pg *pg, const char *sql, size_t count, const char *const *parameters,
                                rh_error *error)
{
    (void)count, (void)parameters;
    return query(pg, sql, false, error);
}

bool rh_pg_publish_statistics(rh_pg *pg, rh_error *error)
{
    return rh_pg_server_version(pg) >= 150000 &&
           rh_pg_execute(pg, "SELECT pg_catalog.pg_stat_force_next_flush()", error);
}

bool rh_pg_query_int(rh_pg *pg, const char *sql, int64_t *value, rh_error *error)
{
    rh_pg_result *result = query(pg, sql, true, error);
    if (result)
        *value = rh_pg_int(result, 0, 0, 0);
    rh_pg_result_free(result);
    return result != NULL;
}

bool rh_pg_execute(rh_pg *pg, const char *sql, rh_error *error)
{
    return ask(pg, sql, NULL, error);
}

bool rh_pg_execute_one(rh_pg *pg, const char *sql, rh_error *error)
{
    return ask(pg, sql, NULL, error);
}

bool rh_pg_execute_logged(rh_pg *pg, const char *sql, rh_text *log, rh_error *error)
{
    (void)log;
    return ask(pg, sql, NULL, error);
}

bool rh_pg_executef(rh_pg *pg, rh_error *error, const char *format, ...)
{
    rh_text sql = {0};
    va_list args;
    va_start(args, format);
    rh_text_vprintf(&sql, format, args);
    va_end(args);
    bool ok = ask(pg, rh_text_string(&sql), NULL, error);
    rh_text_release(&sql);
    return ok;
}

bool rh_pg_timed(rh_pg *pg, const char *sql, rh_usec timeout_us, rh_pg_timing *timing, rh_error *error)
{
    (void)timeout_us;
    *timing = (rh_pg_timing){.rows = -1, .started = rh_clock_monotonic()};
    bool ok = ask(pg, sql, NULL, error);
    timing->ended = rh_clock_monotonic();
    if (ok)
        snprintf(timing->command_tag, sizeof timing->command_tag, "SCRIPTED");
    return ok;
}

bool rh_pg_standard_strings(const rh_pg *pg)
{
    (void)pg;
    return true;
}

/* ---- results ---- */

size_t rh_pg_rows(const rh_pg_result *result)
{
    return result->is_number ? 1 : result->rule ? result->rule->rows : 0;
}

size_t rh_pg_columns(const rh_pg_result *result)
{
    return result->is_number ? 1 : result->rule ? result->rule->columns : 0;
}

const char *rh_pg_column_name(const rh_pg_result *result, size_t column)
{
    (void)result, (void)column;
    return "column";
}

const char *rh_pg_value(const rh_pg_result *result, size_t row, size_t column)
{
    if (result->is_number)
        return "0";
    if (!result->rule || row >= result->rule->rows || column >= result->rule->columns)
        return NULL;
    return result->rule->values[row * result->rule->columns + column];
}

int64_t rh_pg_int(const rh_pg_result *result, size_t row, size_t column, int64_t fallback)
{
    const char *value = rh_pg_value(result, row, column);
    return value ? strtoll(value, NULL, 10) : fallback;
}

double rh_pg_double(const rh_pg_result *result, size_t row, size_t column, double fallback)
{
    const char *value = rh_pg_value(result, row, column);
    return value ? strtod(value, NULL) : fallback;
}

bool rh_pg_bool(const rh_pg_result *result, size_t row, size_t column)
{
    const char *value = rh_pg_value(result, row, column);
    return value && *value == 't';
}

int64_t rh_pg_affected(const rh_pg_result *result)
{
    return (int64_t)rh_pg_rows(result);
}

void rh_pg_result_free(rh_pg_result *result)
{
    free(result);
}

/* ---- the rest of the adapter ---- */

static char *quoted(const char *text, char quote)
{
    rh_text out = {0};
    rh_text_append_char(&out, quote);
    for (; *text; text++) {
        if (*text == quote)
            rh_text_append_char(&out, quote);
        rh_text_append_char(&out, *text);
    }
    rh_text_append_char(&out, quote);
    return out.data;
}

char *rh_pg_quote_literal(const char *literal)
{
    return quoted(literal, '\'');
}

char *rh_pg_redact_message(const char *sqlstate, const char *function, const char *message, const char *sql)
{
    (void)sqlstate, (void)function, (void)sql;
    return rh_strdup(message);
}

const char **rh_pg_environment(const rh_pg *pg, rh_arena *arena, size_t *count)
{
    (void)pg;
    *count = 0;
    return rh_arena_alloc(arena, sizeof(char *));
}

char *rh_pg_conninfo_uri(const char *conninfo, rh_error *error)
{
    (void)conninfo, (void)error;
    return rh_strdup("postgresql://scripted");
}

bool rh_pg_cancel(rh_pg *pg)
{
    (void)pg;
    return true;
}

int rh_pg_socket(const rh_pg *pg)
{
    (void)pg;
    return -1;
}

/* No second session of the sampler: every look is a sample. */
bool rh_pg_set_nonblocking(rh_pg *pg, rh_error *error)
{
    (void)pg;
    return rh_error_set(error, RH_ERROR_UNSUPPORTED, "a scripted connection answers at once");
}

bool rh_pg_send(rh_pg *pg, const char *sql)
{
    return ask(pg, sql, NULL, NULL);
}

bool rh_pg_flush(rh_pg *pg)
{
    (void)pg;
    return true;
}

rh_pg_poll rh_pg_consume(rh_pg *pg, int64_t *rows, char *sqlstate)
{
    (void)pg, (void)rows, (void)sqlstate;
    return RH_PG_LOST;
}

const char *rh_pg_failure(const rh_pg *pg)
{
    return pg->state == '?' ? "the connection to the server is gone" : NULL;
}
