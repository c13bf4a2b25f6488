#include "lock_forecast.h"
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/base/units.h"
#include "pgrehearse/predict/predict.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- lock_timeout, statement by statement ---- */

typedef struct session {
    rh_lock_timeout session, local; /* local: of this transaction; from NULL: none set */
    bool in_transaction;
} session;

/* "2s", or a number of milliseconds. */
static double read_timeout(const rh_json *argument)
{
    const char *text = rh_json_string(rh_json_path(argument, "A_Const.sval.sval"));
    int64_t ms = rh_json_int(rh_json_path(argument, "A_Const.ival.ival"));
    rh_usec duration;
    char *end;
    if (!text)
        return rh_json_path(argument, "A_Const.ival") ? (double)(ms > 0 ? ms : 0) / 1e3 : RH_NOT_MEASURED;
    double number = strtod(text, &end);
    if (end != text && *end == 0)
        return number / 1e3;
    return rh_duration_parse(text, &duration) ? rh_seconds(duration) : RH_NOT_MEASURED;
}

static void read_set(const rh_json *set, const rh_lock_timeout *production, session *s)
{
    const char *name = rh_json_string(rh_json_get(set, "name")),
               *kind = rh_json_string(rh_json_get(set, "kind"));
    if (kind && strcmp(kind, "VAR_RESET_ALL") == 0) {
        s->session = *production;
        return;
    }
    if (!name || !kind || strcasecmp(name, "lock_timeout") != 0)
        return;
    rh_lock_timeout timeout = *production;
    if (strcmp(kind, "VAR_SET_VALUE") == 0) {
        timeout.seconds = read_timeout(rh_json_at(rh_json_get(set, "args"), 0));
        timeout.from = "the migration";
    }
    if (!rh_json_bool(rh_json_get(set, "is_local")))
        s->session = timeout;
    else if (s->in_transaction) /* else it has no effect but a warning */
        s->local = timeout;
}

static void follow(const rh_statement *statement, const rh_lock_timeout *production, session *s)
{
    bool relevant = statement->class_ == RH_CLASS_TRANSACTION || strstr(statement->sql, "lock_timeout") ||
                    strstr(statement->sql, "LOCK_TIMEOUT");
    rh_json *tree = relevant ? rh_sql_parse(statement->sql, NULL) : NULL;
    const rh_json *set = rh_json_get(tree, "VariableSetStmt"), *verb = rh_json_get(tree, "TransactionStmt");
    const char *kind = rh_json_string(rh_json_get(verb, "kind"));
    if (set)
        read_set(set, production, s);
    if (kind && (strcmp(kind, "TRANS_STMT_BEGIN") == 0 || strcmp(kind, "TRANS_STMT_START") == 0)) {
        s->in_transaction = true;
    } else if (kind && (strcmp(kind, "TRANS_STMT_COMMIT") == 0 || strcmp(kind, "TRANS_STMT_ROLLBACK") == 0)) {
        s->in_transaction = false;
        s->local = (rh_lock_timeout){0};
    }
    rh_json_free(tree);
}

static rh_lock_timeout production_timeout(const rh_profile *profile)
{
    rh_usec duration;
    for (size_t i = 0; i < profile->setting_count; i++)
        if (strcmp(profile->settings[i].name, "lock_timeout") == 0) {
            const char *value = profile->settings[i].value;
            bool known = rh_duration_parse(value, &duration);
            return (rh_lock_timeout){strcmp(value, "0") == 0 ? 0
                                     : known                 ? rh_seconds(duration)
                                                             : RH_NOT_MEASURED,
                                     "production's setting"};
        }
    return (rh_lock_timeout){0, "PostgreSQL's default"};
}

/* One session runs them all, as in the passes. */
static rh_lock_timeout *timeouts_of(const rh_run *run)
{
    const rh_plan *plan = &run->plan;
    rh_lock_timeout production = production_timeout(run->production.profile);
    session s = {.session = production};
    size_t count = 0, index = 0;
    for (size_t m = 0; m < plan->migration_count; m++)
        count += plan->migrations[m].up.statement_count;
    rh_lock_timeout *timeouts = rh_arena_alloc(run->arena, (count + 1) * sizeof *timeouts);
    for (size_t m = 0; m < plan->migration_count; m++) {
        const rh_script *up = &plan->migrations[m].up;
        s.in_transaction = up->rule == RH_TRANSACTION_ONE;
        s.local = (rh_lock_timeout){0};
        for (size_t i = 0; i < up->statement_count; i++) {
            timeouts[index++] = s.local.from ? s.local : s.session;
            if (up->statements[i].sql)
                follow(&up->statements[i], &production, &s);
        }
    }
    return timeouts;
}

void rh_lock_forecast_production(rh_run *run, double level)
{
    rh_production_facts *facts = &run->production;
    rh_run_prediction *prediction = &run->prediction;
    bool replayed = false;
    for (size_t i = 0; i < run->pass_count; i++)
        replayed = replayed || run->passes[i].complete;
    if (!facts->profile || !replayed)
        return;
    rh_lock_forecast_input input = {.plan = &run->plan,
                                    .profile = facts->profile,
                                    .unlisted = facts->unlisted,
                                    .unlisted_count = facts->unlisted_count,
                                    .timeouts = timeouts_of(run),
                                    .connections = run->scenario->production.connections > 0
                                                       ? run->scenario->production.connections
                                                       : RH_NOT_MEASURED,
                                    .level = level};
    rh_lock_forecast_make(&input, run->arena, &facts->locks);
    prediction->reads_blocked_s = facts->locks.reads_blocked_s;
    prediction->writes_blocked_s = facts->locks.writes_blocked_s;
    if (facts->locks.unknown)
        rh_run_not_measured(run, RH_UNMEASURED_PRODUCTION_LOCK_WAITS, "lock waits on production: %s",
                            facts->locks.unknown);
}
