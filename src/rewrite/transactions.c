/* Puts the steps of a safer migration into transactions and files. Each part that commits by itself begins
 * with the SET commands that it depends on. A statement whose cancellation would leave part of its work
 * (CREATE INDEX CONCURRENTLY) runs without a timeout. */
#include "transactions.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/sql/tree.h"
#include <string.h>
#include <strings.h>

static const char OURS[] = "'2s'";

/* How a framework runs a file outside a transaction. */
static const struct apart {
    rh_framework framework;
    const char *up; /* of a usual file; NULL: no line */
    const char *directive, *note;
} APART[] = {
    {RH_FRAMEWORK_GOLANG_MIGRATE, NULL, NULL, "a file of one statement has no transaction around it"},
    {RH_FRAMEWORK_PRISMA, NULL, NULL, "a file of one statement has no transaction around it"},
    {RH_FRAMEWORK_POSTGRATOR, NULL, NULL, "a file of one statement has no transaction around it"},
    {RH_FRAMEWORK_DBMATE, "-- migrate:up", "-- migrate:up transaction:false", NULL},
    {RH_FRAMEWORK_GOOSE, "-- +goose Up", "-- +goose NO TRANSACTION\n-- +goose Up", NULL},
    {RH_FRAMEWORK_DIESEL, NULL, NULL, "beside it a metadata.toml with run_in_transaction = false"},
    {RH_FRAMEWORK_FLYWAY, NULL, NULL, "beside it a .conf of the same name with executeInTransaction=false"},
    {RH_FRAMEWORK_MORPH, NULL, "-- morph:nontransactional", NULL},
    {RH_FRAMEWORK_POP, NULL, NULL, "call the file NAME.autocommit.up.sql"},
    {RH_FRAMEWORK_SQITCH, NULL, NULL, "a change of its own, without BEGIN and COMMIT"},
};

static const struct apart *apart_of(rh_framework framework)
{
    static const struct apart none = {.note = "outside of a transaction"};
    for (size_t i = 0; i < sizeof APART / sizeof *APART; i++)
        if (APART[i].framework == framework)
            return &APART[i];
    return &none;
}

/* ---- settings ---- */

/* They limit or speed up what statements do, but do not change what it is. */
static bool is_about_resources(const char *name)
{
    static const char *const names[] = {"lock_timeout",
                                        "statement_timeout",
                                        "transaction_timeout",
                                        "idle_in_transaction_session_timeout",
                                        "idle_session_timeout",
                                        "deadlock_timeout",
                                        "maintenance_work_mem",
                                        "work_mem",
                                        "hash_mem_multiplier",
                                        "temp_buffers",
                                        "vacuum_cost_delay",
                                        "max_parallel_maintenance_workers",
                                        "max_parallel_workers_per_gather",
                                        "client_min_messages",
                                        "synchronous_commit",
                                        "application_name",
                                        NULL};
    return rh_is_one_of(name, names) || rh_starts_with(name, "log_") || rh_starts_with(name, "enable_") ||
           rh_starts_with(name, "jit");
}

static bool is_timeout(const rh_safer_setting *setting)
{
    static const char *const names[] = {"lock_timeout", "statement_timeout", "transaction_timeout", NULL};
    return rh_is_one_of(setting->name, names);
}

static const rh_safer_setting *setting_of(const rh_safer_packing *p, const char *name)
{
    for (size_t i = p->setting_count; i-- > 0;)
        if (strcmp(p->settings[i].name, name) == 0)
            return &p->settings[i];
    return NULL;
}

static void forget(rh_safer_packing *p, const char *name, bool only_local)
{
    size_t kept = 0;
    for (size_t i = 0; i < p->setting_count; i++)
        if ((only_local && !p->settings[i].local) || (name && strcmp(p->settings[i].name, name) != 0))
            p->settings[kept++] = p->settings[i];
    p->setting_count = kept;
}

static void add_run(rh_safer_packing *p, const rh_safer_step *step, bool work)
{
    *rh_arena_add(p->arena, &p->run, &p->run_count) = *step;
    p->work_count += work;
}

static void note(rh_safer_packing *p, const rh_statement *statement, const char *name, bool local, bool off,
                 const char *const *path)
{
    name = rh_arena_strdup(p->arena, name);
    forget(p, name, local);
    rh_safer_setting *setting = rh_arena_add(p->arena, &p->settings, &p->setting_count);
    *setting = (rh_safer_setting){.name = name,
                                  .sql = statement->sql,
                                  .statement = statement->ordinal,
                                  .off = off,
                                  .local = local,
                                  .migration = p->migration,
                                  .path = path};
    if (strcmp(name, "lock_timeout") == 0)
        p->wanted = p->limited = p->run_limited = false;
    if (p->work_count == 0)
        return;
    add_run(p, &(rh_safer_step){.sql = statement->sql, .statement = statement->ordinal}, false);
    setting->written = !local;
}

/* SELECT set_config('name', 'value', local) by itself. */
static const char *configures(rh_json *body, bool *local)
{
    rh_json *targets = rh_json_get(body, "targetList");
    rh_json *call = rh_json_path(rh_json_at(targets, 0), "ResTarget.val.FuncCall");
    rh_json *given = rh_json_get(call, "args");
    const char *function = rh_tree_last_name(rh_json_get(call, "funcname"));
    if (rh_json_count(targets) != 1 || rh_json_get(body, "fromClause") || !function ||
        strcmp(function, "set_config") != 0 || rh_json_count(given) != 3)
        return NULL;
    rh_json *third = rh_json_at(given, 2);
    third = rh_json_path(third, "TypeCast.arg") ? rh_json_path(third, "TypeCast.arg") : third;
    const char *word = rh_json_string(rh_json_path(third, "A_Const.sval.sval"));
    *local = rh_json_bool(rh_json_path(third, "A_Const.boolval.boolval")) || (word && *word == 't');
    return rh_json_string(rh_json_path(rh_json_at(given, 0), "A_Const.sval.sval"));
}

bool rh_safer_pack_setting(rh_safer_packing *p, const rh_statement *statement, const char *kind,
                           rh_json *body, bool rolled_back)
{
    static const char *const not_known[] = {NULL};
    bool local = rh_json_bool(rh_json_get(body, "is_local")) || rolled_back;
    if (strcmp(kind, "SelectStmt") == 0) {
        const char *name = configures(body, &local);
        if (name)
            note(p, statement, name, (local || rolled_back) && (p->begin || !p->each), false, not_known);
        return name != NULL;
    }
    const char *name = rh_json_string(rh_json_get(body, "name"));
    if (strcmp(kind, "VariableSetStmt") != 0 || rh_tree_is(body, "kind", "VAR_SET_MULTI"))
        return false;
    if (rh_tree_is(body, "kind", "VAR_RESET_ALL") && !rolled_back) {
        forget(p, NULL, false);
        p->limited = p->wanted = false;
        note(p, statement, "all", false, true, NULL);
        return true;
    }
    const bool valued = rh_tree_is(body, "kind", "VAR_SET_VALUE");
    note(p, statement, name ? name : "all", local, !valued,
         valued ? rh_tree_search_path(rh_json_get(body, "args"), p->arena) : NULL);
    return true;
}

const char *const *rh_safer_pack_path(const rh_safer_packing *p, const char *const *usual)
{
    const rh_safer_setting *setting = setting_of(p, "search_path");
    return setting && setting->path ? setting->path : usual;
}

const rh_safer_setting *rh_safer_pack_bound(const rh_safer_packing *p)
{
    for (size_t i = 0; i < p->setting_count; i++)
        if (!is_about_resources(p->settings[i].name) && !p->settings[i].off &&
            (p->settings[i].local || (!p->each && p->settings[i].migration == p->migration)))
            return &p->settings[i];
    return NULL;
}

/* ---- into files ---- */

static rh_safer_step *put(rh_safer_packing *p, const char *sql, const char *rule)
{
    rh_safer_step *step = rh_arena_add(p->arena, &p->file->steps, &p->file->step_count);
    *step = (rh_safer_step){.sql = sql, .rule = rule};
    p->safer->changed |= rule != NULL;
    return step;
}

static void put_step(rh_safer_packing *p, const rh_safer_step *step)
{
    rh_safer_step *kept = put(p, step->sql, step->rule);
    *kept = *step;
    if (p->plan->framework == RH_FRAMEWORK_GOOSE && strchr(step->sql, ';')) {
        kept->begin = "-- +goose StatementBegin";
        kept->end = "-- +goose StatementEnd";
    }
}

static void open_file(rh_safer_packing *p, bool alone, bool later)
{
    const struct apart *apart = apart_of(p->plan->framework);
    p->file = rh_arena_add(p->arena, &p->safer->files, &p->safer->file_count);
    p->file->transaction = !p->each && !alone;
    p->file->later = later;
    p->file->directive = alone && !p->each ? apart->directive : apart->up;
    p->file->note = alone && !p->each ? apart->note : NULL;
    p->safer->changed |= p->safer->file_count > 1;
    p->limited = p->waits = false;
}

static const char *timeout(const rh_safer_packing *p, bool local)
{
    return rh_arena_printf(p->arena, "SET %slock_timeout = %s", local ? "LOCAL " : "", OURS);
}

/* Settings of the session as the user has them, in a file of one session. */
static void set_session(rh_safer_packing *p)
{
    for (size_t i = 0; i < p->setting_count; i++) {
        rh_safer_setting *s = &p->settings[i];
        if (!s->local && !s->written)
            put(p, s->sql, NULL)->statement = s->statement;
        s->written |= !s->local;
    }
}

/* What was taken off for a statement that waits is put on again. */
static void restore(rh_safer_packing *p)
{
    const rh_safer_setting *lock = setting_of(p, "lock_timeout");
    if (!p->waits)
        return;
    for (size_t i = 0; i < p->setting_count; i++)
        if (is_timeout(&p->settings[i]) && !p->settings[i].local)
            put(p, p->settings[i].sql, "invalid-index");
    if (!p->wanted && !lock)
        put(p, "RESET lock_timeout", "invalid-index");
    p->waits = p->limited = false;
}

/* The settings that the part begins with: those of its transaction, and, where other parts may run in other
 * sessions, those of the session. */
static void begin_run(rh_safer_packing *p)
{
    for (size_t i = 0; i < p->setting_count; i++) {
        rh_safer_setting *s = &p->settings[i];
        const bool here =
            s->local || (p->each ? !s->written && p->begin : s->migration == p->migration || p->paused);
        if (here)
            add_run(p, &(rh_safer_step){.sql = s->sql, .statement = s->statement}, false);
        s->written |= here && !s->local;
    }
    p->paused = false;
}

static void write_run(rh_safer_packing *p, const char *end)
{
    const bool wrapped = p->each && (p->begin || p->work_count > 1);
    if (!p->each)
        open_file(p, false, p->run[p->run_count - 1].later);
    else if (!p->file || p->file->later != p->run[0].later)
        open_file(p, false, p->run[0].later);
    if (p->each) {
        if (!p->begin)
            set_session(p);
        restore(p);
        if (p->wanted && !p->limited && !setting_of(p, "lock_timeout")) {
            put(p, timeout(p, false), "missing-lock-timeout");
            p->limited = true;
        }
    }
    if (wrapped)
        put(p, p->begin ? p->begin : "BEGIN", NULL);
    for (size_t i = 0; i < p->run_count; i++)
        put_step(p, &p->run[i]);
    if (wrapped && (!end || *end))
        put(p, end ? end : "COMMIT", NULL);
}

static void flush(rh_safer_packing *p, const char *end)
{
    if (p->work_count)
        write_run(p, end);
    p->run = NULL;
    p->run_count = p->work_count = 0;
    p->run_limited = false;
}

/* Nothing that works outside of a transaction is undone when it is cancelled. */
static void pack_alone(rh_safer_packing *p, const rh_safer_step *step)
{
    flush(p, NULL);
    const bool fragile = step->rule || rh_clauses_mention(step->sql, "concurrently", p->arena);
    bool limits = step->rule && p->each;
    for (size_t i = 0; fragile && i < p->setting_count; i++)
        limits |= is_timeout(&p->settings[i]) && !p->settings[i].local && (p->each || p->settings[i].written);
    if (p->each && (!p->file || p->file->later != step->later))
        open_file(p, true, step->later);
    else if (!p->each && limits && !p->paused &&
             (!p->file || p->file->later != step->later || !p->file->transaction))
        open_file(p, true, step->later);
    if (p->each)
        set_session(p);
    if (limits && !(p->each ? p->waits : p->paused)) {
        put(p, "SET lock_timeout = 0", "invalid-index");
        for (size_t i = 0; i < p->setting_count; i++)
            if (is_timeout(&p->settings[i]) && !p->settings[i].local &&
                strcmp(p->settings[i].name, "lock_timeout") != 0)
                put(p, rh_arena_printf(p->arena, "SET %s = 0", p->settings[i].name), "invalid-index");
        p->paused = !p->each;
        p->waits = p->each;
    }
    if (!p->each)
        open_file(p, true, step->later);
    put_step(p, step);
}

void rh_safer_pack_begin(rh_safer_packing *p, const char *begin)
{
    if (p->each && !p->file)
        open_file(p, false, false);
    if (p->each)
        set_session(p);
    p->begin = begin;
}

void rh_safer_pack_step(rh_safer_packing *p, const rh_safer_step *step, bool locks)
{
    p->wanted |= locks;
    if (step->alone) {
        pack_alone(p, step);
        return;
    }
    if ((step->after_commit || step->opens) && p->work_count)
        flush(p, NULL);
    if (p->run_count && p->run[p->run_count - 1].later != step->later)
        flush(p, NULL);
    const bool first = p->work_count == 0;
    if (first)
        begin_run(p);
    const bool theirs = setting_of(p, "lock_timeout") != NULL && locks;
    if (p->wanted && !p->run_limited && (theirs || (first && !p->each))) {
        add_run(p,
                &(rh_safer_step){.sql = timeout(p, !p->each || p->begin),
                                 .rule = "missing-lock-timeout",
                                 .later = step->later},
                false);
        p->run_limited = true;
    }
    add_run(p, step, true);
    if (step->closes)
        flush(p, NULL);
}

void rh_safer_pack_commit(rh_safer_packing *p, const char *end)
{
    flush(p, end);
    p->begin = NULL;
    forget(p, NULL, true);
}

void rh_safer_pack_finish(rh_safer_packing *p)
{
    bool left = p->paused;
    flush(p, NULL);
    for (size_t i = 0; i < p->setting_count; i++)
        left |= !p->settings[i].local && !p->settings[i].written && !p->each;
    if (!left)
        return;
    open_file(p, false, false);
    for (size_t i = 0; i < p->setting_count; i++)
        if (!p->settings[i].local && (p->paused ? is_timeout(&p->settings[i]) : !p->settings[i].written)) {
            put(p, p->settings[i].sql, NULL);
            p->settings[i].written = true;
        }
    p->paused = false;
}
