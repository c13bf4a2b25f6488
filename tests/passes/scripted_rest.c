/* Staging, load, proxy and run by a script. */
#include "scripted.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/proxy/proxy.h"
#include "pgrehearse/workload/workload.h"
#include <stdlib.h>
#include <string.h>

script_staging scripted_staging;
script_load scripted_load;
const char *const *scripted_program;

/* ---- staging ---- */

struct rh_staging {
    int unused;
};

rh_staging *script_staging_handle(void)
{
    static rh_staging staging;
    return &staging;
}

const char *rh_staging_conninfo(const rh_staging *staging)
{
    (void)staging;
    return "dbname=scripted";
}

const char *rh_staging_migrations_conninfo(const rh_staging *staging)
{
    return rh_staging_conninfo(staging);
}

const char *rh_staging_workload_conninfo(const rh_staging *staging)
{
    return rh_staging_conninfo(staging);
}

const char *rh_staging_log(const rh_staging *staging)
{
    (void)staging;
    return NULL;
}

const char *rh_staging_pg_dump(const rh_staging *staging, const char **why_not)
{
    (void)staging;
    (void)why_not;
    return "/usr/bin/pg_dump";
}

uid_t rh_staging_uid(const rh_staging *staging)
{
    (void)staging;
    return 0;
}

gid_t rh_staging_gid(const rh_staging *staging)
{
    (void)staging;
    return 0;
}

const char *rh_staging_work_directory(rh_staging *staging, rh_error *error)
{
    (void)staging, (void)error;
    return "/tmp";
}

bool rh_staging_alive(rh_staging *staging, rh_error *error)
{
    (void)staging;
    if (!scripted_staging.dead)
        return true;
    rh_error_release(error);
    return rh_error_set(error, RH_ERROR_STAGING, "the staging server has ended");
}

bool rh_staging_was_up(rh_staging *staging, rh_error *error)
{
    return rh_staging_alive(staging, error);
}

bool rh_staging_accept_restart(rh_staging *staging, rh_error *error)
{
    return rh_staging_alive(staging, error);
}

bool rh_staging_reset(rh_staging *staging, const rh_progress *progress, rh_error *error)
{
    (void)staging, (void)progress;
    if (++scripted_staging.resets == scripted_staging.fail_reset)
        return rh_error_set(error, RH_ERROR_STAGING, "the reset failed");
    return true;
}

bool rh_staging_first_writes_differ(const rh_staging *staging)
{
    (void)staging;
    return false;
}

const char *rh_staging_copy_on_write(const rh_staging *staging)
{
    (void)staging;
    return NULL;
}

void rh_staging_warmed_up(rh_staging *staging)
{
    (void)staging;
}

bool rh_staging_sample(rh_staging *staging, double fraction, rh_arena *arena, const char **why_not,
                       rh_error *error)
{
    (void)staging, (void)fraction, (void)arena, (void)error;
    *why_not = scripted_staging.sample_why_not;
    return true;
}

bool rh_staging_sample_run(rh_staging *staging, double fraction, rh_error *error)
{
    (void)staging, (void)fraction, (void)error;
    scripted_staging.sample_runs++;
    return true;
}

void rh_staging_crash(rh_staging *staging)
{
    rh_pg *pg = rh_pg_connect(rh_staging_conninfo(staging), ": crash", NULL);
    scripted_staging.crashes++;
    rh_pg_execute(pg, "the server crashes", NULL); /* for rules that wait until then */
    rh_pg_close(pg);
}

bool rh_staging_restart(rh_staging *staging, rh_error *error)
{
    (void)staging, (void)error;
    scripted_staging.restarts++;
    return true;
}

bool rh_staging_allow_role(rh_staging *staging, const char *role, rh_admission *admission, bool *superuser,
                           rh_error *error)
{
    (void)error;
    const bool own = strcmp(role, rh_staging_own_role(staging)) == 0;
    *admission = own ? RH_ADMITTED : scripted_staging.admission;
    *superuser = own || !scripted_staging.ordinary_roles;
    return true;
}

void rh_staging_use_roles(rh_staging *staging, const char *migrations, const char *workload)
{
    (void)staging;
    scripted_staging.migrations_role = migrations;
    scripted_staging.workload_role = workload;
}

const char *rh_staging_database(const rh_staging *staging)
{
    (void)staging;
    return "scripted";
}

const char *rh_staging_own_role(const rh_staging *staging)
{
    (void)staging;
    return "postgres";
}

/* ---- the load ---- */

struct rh_generator {
    const rh_mix *mix;
};

bool rh_mix_from_workload(rh_pg *pg, const rh_mix_role *role, const rh_workload *workload, uint64_t seed,
                          rh_arena *arena, rh_mix *mix, rh_error *error)
{
    (void)pg, (void)role, (void)workload, (void)seed, (void)error;
    *mix = (rh_mix){.scale = 1, .source = "script", .coverage = {.rate_per_s = RH_NOT_MEASURED}};
    if (scripted_load.no_templates)
        return true;
    rh_template *t = rh_arena_add(arena, &mix->templates, &mix->template_count);
    *t = (rh_template){
        .name = "read t", .sql = "SELECT * FROM t", .relation = "t", .kind = RH_TEMPLATE_READ, .weight = 1};
    return true;
}

const char *rh_template_statement(const rh_template *template_, size_t index)
{
    return index == 0 ? template_->sql : NULL;
}

rh_generator *rh_generator_start(const rh_generator_options *options, rh_error *error)
{
    static rh_generator generator;
    if (scripted_load.fail_start) {
        rh_error_set(error, RH_ERROR_SQL, "a template does not prepare");
        return NULL;
    }
    scripted_load.started++;
    generator.mix = options->mix;
    return &generator;
}

void rh_generator_window(rh_generator *generator, rh_window_kind kind, const char *migration)
{
    (void)generator, (void)kind;
    scripted_load.windows++;
    if (migration && scripted_load.window_migration_count < 8)
        scripted_load.window_migrations[scripted_load.window_migration_count++] = migration;
}

void rh_generator_on_overdue(rh_generator *generator, void (*callback)(void *user), void *user)
{
    (void)generator, (void)callback, (void)user;
}

void rh_generator_finish(rh_generator *generator, rh_arena *arena, rh_load *load)
{
    (void)arena;
    if (!generator)
        return;
    scripted_load.finished++;
    *load = (rh_load){.measured = true,
                      .mix = *generator->mix,
                      .errors = scripted_load.errors,
                      .error_count = scripted_load.error_count};
}

/* ---- the proxy ---- */

struct rh_proxy {
    rh_proxy_events events;
    bool stopped;
};

rh_proxy *rh_proxy_start(const rh_proxy_options *options, rh_error *error)
{
    (void)error;
    rh_proxy *proxy = rh_alloc(sizeof *proxy);
    proxy->events = options->events;
    return proxy;
}

void rh_proxy_stop(rh_proxy *proxy)
{
    if (!proxy || proxy->stopped)
        return;
    const rh_proxy_session_events *session = &proxy->events.session;
    proxy->stopped = true;
    for (const char *const *sql = scripted_program; sql && *sql; sql++) {
        rh_proxy_statement statement = {.connection = 1,
                                        .pid = 77,
                                        .sql = *sql,
                                        .connected = rh_clock_monotonic(),
                                        .started = rh_clock_monotonic(),
                                        .command_tag = "SCRIPTED",
                                        .rows = -1};
        session->begun(session->user, &statement);
        statement.ended = rh_clock_monotonic();
        session->ended(session->user, &statement);
        if (session->transaction_ended)
            session->transaction_ended(session->user, 1, statement.ended);
    }
    if (scripted_program && proxy->events.closed)
        proxy->events.closed(session->user, 1);
}

void rh_proxy_free(rh_proxy *proxy)
{
    rh_proxy_stop(proxy);
    free(proxy);
}

int rh_proxy_port(const rh_proxy *proxy)
{
    (void)proxy;
    return 1;
}

const char *rh_proxy_socket_directory(const rh_proxy *proxy)
{
    (void)proxy;
    return "/scripted";
}

rh_usec rh_proxy_held_us(const rh_proxy *proxy)
{
    (void)proxy;
    return 0;
}

int rh_proxy_connections(const rh_proxy *proxy, int *blind)
{
    (void)proxy;
    *blind = 0;
    return 1;
}

/* ---- a run to rehearse ---- */

static void fill_script(rh_script *script, const char *const *texts, const char *file, rh_arena *arena)
{
    *script = (rh_script){.file = file, .rule = RH_TRANSACTION_EACH};
    for (size_t i = 0; texts && texts[i]; i++) {
        rh_statement *statement = rh_arena_add(arena, &script->statements, &script->statement_count);
        *statement = (rh_statement){.ordinal = (int)i + 1,
                                    .line = (int)i + 1,
                                    .column = 1,
                                    .sql = texts[i],
                                    .redacted_sql = texts[i],
                                    .class_ = RH_CLASS_CATALOG,
                                    .class_expected = RH_CLASS_CATALOG};
    }
}

rh_run *script_run(rh_scenario *scenario, const script_migration *migrations, size_t count)
{
    rh_arena *arena = rh_arena_new();
    rh_run *run = rh_arena_alloc(arena, sizeof *run);
    *scenario =
        (rh_scenario){.name = "scripted",
                      .directory = "/tmp",
                      .repeat = 1,
                      .rollback = true,
                      .passes = RH_PASS_SCALED | RH_PASS_QUIET | RH_PASS_LOADED,
                      .workload = {.connections = 2, .rate = 10, .next = {.source = RH_WORKLOAD_NONE}}};
    *run = (rh_run){.arena = arena,
                    .scenario = scenario,
                    .directory = "/tmp",
                    .staging = {.kind = RH_STAGING_SERVER, .location = "/tmp"},
                    .plan = {.framework = RH_FRAMEWORK_SQL,
                             .framework_name = "sql",
                             .migration_count = count,
                             .pending_count = count}};
    run->plan.migrations = rh_arena_alloc(arena, (count + 1) * sizeof *run->plan.migrations);
    for (size_t m = 0; m < count; m++) {
        rh_migration *migration = &run->plan.migrations[m];
        migration->id = migration->name = rh_arena_printf(arena, "%zu", m + 1);
        migration->pending = true;
        fill_script(&migration->up, migrations[m].up, rh_arena_printf(arena, "/m/%zu.sql", m + 1), arena);
        fill_script(&migration->down, migrations[m].down, rh_arena_printf(arena, "/m/%zu.down.sql", m + 1),
                    arena);
        migration->has_down = migration->down.statement_count > 0;
    }
    return run;
}

int script_end(rh_run *run, rh_error *error)
{
    rh_error_release(error);
    rh_arena_free(run->arena);
    return script_open_connections();
}

const char *script_not_measured(const rh_run *run, const char *text)
{
    for (size_t i = 0; i < run->not_measured.count; i++)
        if (strstr(run->not_measured.items[i].text, text))
            return run->not_measured.items[i].text;
    return NULL;
}
