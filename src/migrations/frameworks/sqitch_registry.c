/* Sqitch's registry, schema sqitch (App::Sqitch 1.3.1: Engine/pg.pm, Role/DBIEngine.pm). */
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/text.h"
#include "embedded/migrations.h"
#include "sqitch.h"
#include <stdlib.h>
#include <string.h>

/* ---- what is deployed ---- */

typedef struct columns {
    int id, name, project, committed, hash;
} columns;

static bool refuse(const rh_sqitch_change *change, rh_error *error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static bool refuse(const rh_sqitch_change *change, rh_error *error, const char *format, ...)
{
    va_list args;
    rh_arena *scratch = rh_arena_new();
    va_start(args, format);
    rh_error_set(error, RH_ERROR_SCENARIO, "Sqitch refuses to deploy: %s",
                 rh_arena_vprintf(scratch, format, args));
    va_end(args);
    rh_error_at(error, change->project->plan_file, change->line, 0);
    rh_arena_free(scratch);
    return rh_error_hint(error, "Take the plan and the backup from the same state, or list what is pending.");
}

static const rh_sqitch_change *change_of(const rh_migration *migration)
{
    return migration->framework_data;
}

/* The migration with a change's id; NULL: none. */
static rh_migration *find_migration(rh_plan *plan, const char *id)
{
    for (size_t i = 0; id && i < plan->migration_count; i++)
        if (change_of(&plan->migrations[i]) && strcmp(change_of(&plan->migrations[i])->id, id) == 0)
            return &plan->migrations[i];
    return NULL;
}

/* The row of PROJECT that was committed last; times of one table are written alike. */
static const char *const *last_row(const rh_rows *history, const columns *at, const char *project)
{
    const char *const *last = NULL;
    for (size_t i = 0; i < history->row_count; i++) {
        const char *const *row = history->rows[i];
        if (!row[at->id] || !row[at->project] || !row[at->committed] ||
            strcmp(row[at->project], project) != 0)
            continue;
        if (!last || strcmp(row[at->committed], last[at->committed]) >= 0)
            last = row;
    }
    return last;
}

static bool is_deployed_elsewhere(const rh_rows *history, const columns *at, const rh_sqitch_dependency *d)
{
    for (size_t i = 0; i < history->row_count; i++) {
        const char *const *row = history->rows[i];
        if (row[at->project] && row[at->name] && strcmp(row[at->project], d->project) == 0 &&
            strcmp(row[at->name], d->name) == 0)
            return true;
    }
    return false;
}

/* A pending change's requirements on other projects, and its conflicts. */
static bool check_dependencies(const rh_rows *history, const columns *at, rh_plan *plan,
                               const rh_sqitch_change *change, rh_error *error)
{
    for (size_t i = 0; i < change->dependency_count; i++) {
        const rh_sqitch_dependency *d = &change->dependencies[i];
        if (!d->conflict && d->project && !is_deployed_elsewhere(history, at, d))
            return refuse(change, error, "%s requires %s, which is not deployed", change->name, d->text);
        const rh_migration *other = d->conflict ? find_migration(plan, d->id) : NULL;
        if (other && other != find_migration(plan, change->id))
            return refuse(change, error, "%s conflicts with %s", change->name, d->text);
        if (d->conflict && d->project && is_deployed_elsewhere(history, at, d))
            return refuse(change, error, "%s conflicts with %s", change->name, d->text);
    }
    return true;
}

/* `sqitch deploy` does not mind an edited script; `sqitch check` does. */
static void note_edited(const rh_rows *history, const columns *at, rh_plan *plan, rh_arena *arena)
{
    for (size_t i = 0; at->hash >= 0 && i < history->row_count; i++) {
        const char *hash = history->rows[i][at->hash];
        const rh_migration *migration = find_migration(plan, history->rows[i][at->id]);
        size_t length = 0;
        char digest[41] = "";
        char *text = migration ? rh_file_read(migration->up.file, 0, arena, &length, NULL) : NULL;
        if (!text || !hash)
            continue;
        rh_sha1_bytes(text, length, digest);
        if (*digest && strcmp(digest, hash) != 0)
            plan->framework_reason = rh_arena_printf(
                arena, "%s; %s was edited after it was deployed, which only `sqitch check` reports",
                plan->framework_reason, migration->id);
    }
}

bool rh_sqitch_mark_applied(const rh_rows *history, rh_plan *plan, rh_arena *arena, rh_error *error)
{
    const columns at = {.id = rh_history_column(history, "change_id"),
                        .name = rh_history_column(history, "change"),
                        .project = rh_history_column(history, "project"),
                        .committed = rh_history_column(history, "committed_at"),
                        .hash = rh_history_column(history, "script_hash")};
    if (at.id < 0 || at.name < 0 || at.project < 0 || at.committed < 0)
        return rh_history_not_of("sqitch.changes", "Sqitch", "it lacks a column of that tool's", error);
    if (plan->migration_count == 0)
        return true;
    const rh_sqitch_change *first = change_of(&plan->migrations[0]);
    const char *const *last = last_row(history, &at, first->project->name);
    const rh_migration *reached = last ? find_migration(plan, last[at.id]) : NULL;
    if (last && !reached)
        return refuse(first, error, "the database is at change %s (%.8s), which the plan does not have",
                      last[at.name] ? last[at.name] : "", last[at.id]);
    for (size_t i = 0; i < plan->migration_count; i++) {
        rh_migration *migration = &plan->migrations[i];
        const rh_sqitch_change *change = change_of(migration);
        if (!change) /* a program between them */
            continue;
        if (reached && migration <= reached) {
            migration->applied_in_backup = true;
            continue;
        }
        for (size_t r = 0; r < history->row_count; r++)
            if (history->rows[r][at.id] && strcmp(history->rows[r][at.id], change->id) == 0)
                return refuse(change, error,
                              "%s has been deployed already, though an earlier one was deployed last",
                              change->name);
        if (!check_dependencies(history, &at, plan, change, error))
            return false;
    }
    note_edited(history, &at, plan, arena);
    return true;
}

/* ---- what is written ---- */

bool rh_sqitch_prepare(rh_pg *pg, const rh_plan *plan, rh_error *error)
{
    (void)plan;
    return rh_pg_execute(pg, rh_sql_sqitch_registry, error);
}

static bool run(rh_pg *pg, const char *sql, size_t count, const char *const *parameters, rh_error *error)
{
    static const rh_plan registry = {.history_table = "sqitch.changes"};
    return rh_history_run(pg, &registry, "Sqitch", sql, count, parameters, error);
}

bool rh_sqitch_begin(rh_pg *pg, const rh_plan *plan, const rh_migration *migration, rh_direction direction,
                     rh_error *error)
{
    (void)plan;
    const rh_sqitch_project *project = change_of(migration)->project;
    const char *person[] = {project->user, project->email};
    const char *row[] = {project->name, project->uri, project->user, project->email};
    return direction == RH_DOWN ||
           (run(pg,
                "insert into sqitch.releases (version, installer_name, installer_email)"
                " select 1.1, $1, $2 where not exists (select from sqitch.releases)",
                2, person, error) &&
            run(pg,
                "insert into sqitch.projects (project, uri, creator_name, creator_email)"
                " values ($1, $2, $3, $4) on conflict (project) do nothing",
                4, row, error));
}

static bool log_event(rh_pg *pg, const char *event, const rh_sqitch_change *change, rh_error *error)
{
    rh_text tags = {0}, requires = {0}, conflicts = {0};
    for (size_t i = 0; i < change->tag_count; i++)
        rh_pg_array_add(&tags, change->tags[i].name);
    for (size_t i = 0; i < change->dependency_count; i++)
        rh_pg_array_add(change->dependencies[i].conflict ? &conflicts : &requires,
                        change->dependencies[i].text);
    const char *row[] = {event,
                         change->id,
                         change->name,
                         change->project->name,
                         change->note,
                         rh_pg_array_end(&tags),
                         rh_pg_array_end(&requires),
                         rh_pg_array_end(&conflicts),
                         change->project->user,
                         change->project->email,
                         change->date,
                         change->planner,
                         change->email};
    bool ok =
        run(pg,
            "insert into sqitch.events (event, change_id, change, project, note, tags, requires, conflicts,"
            " committer_name, committer_email, planned_at, planner_name, planner_email, committed_at)"
            " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, clock_timestamp())",
            sizeof row / sizeof *row, row, error);
    rh_text_release(&tags);
    rh_text_release(&requires);
    rh_text_release(&conflicts);
    return ok;
}

static bool log_dependency(rh_pg *pg, const rh_sqitch_change *change, const rh_sqitch_dependency *d,
                           rh_error *error)
{
    const char *row[] = {change->id, d->conflict ? "conflict" : "require",
                         d->text,    d->conflict ? NULL : d->id,
                         d->project, d->name};
    return run(pg,
               "insert into sqitch.dependencies (change_id, type, dependency, dependency_id) values ($1, "
               "$2::text, $3,"
               " case when $2::text = 'require' then coalesce($4,"
               " (select change_id from sqitch.changes where project = $5 and change = $6)) end)",
               sizeof row / sizeof *row, row, error);
}

static bool log_tag(rh_pg *pg, const rh_sqitch_change *change, const rh_sqitch_tag *tag, rh_error *error)
{
    const char *row[] = {tag->id,
                         tag->name,
                         change->project->name,
                         change->id,
                         tag->note,
                         change->project->user,
                         change->project->email,
                         tag->date,
                         tag->planner,
                         tag->email};
    return run(
        pg,
        "insert into sqitch.tags (tag_id, tag, project, change_id, note, committer_name, committer_email,"
        " planned_at, planner_name, planner_email, committed_at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, clock_timestamp())",
        sizeof row / sizeof *row, row, error);
}

static bool log_deploy(rh_pg *pg, const rh_migration *migration, rh_error *error)
{
    const rh_sqitch_change *change = change_of(migration);
    rh_arena *scratch = rh_arena_new();
    size_t length = 0;
    char digest[41] = "";
    char *text = rh_file_read(migration->up.file, 0, scratch, &length, NULL);
    if (text)
        rh_sha1_bytes(text, length, digest);
    rh_arena_free(scratch);
    const char *row[] = {change->id,
                         *digest ? digest : NULL,
                         change->name,
                         change->project->name,
                         change->note,
                         change->project->user,
                         change->project->email,
                         change->date,
                         change->planner,
                         change->email};
    bool ok = run(pg,
                  "insert into sqitch.changes (change_id, script_hash, change, project, note, committer_name,"
                  " committer_email, planned_at, planner_name, planner_email, committed_at)"
                  " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, clock_timestamp())",
                  sizeof row / sizeof *row, row, error);
    for (size_t i = 0; ok && i < change->dependency_count; i++)
        ok = log_dependency(pg, change, &change->dependencies[i], error);
    for (size_t i = 0; ok && i < change->tag_count; i++)
        ok = log_tag(pg, change, &change->tags[i], error);
    return ok && log_event(pg, "deploy", change, error);
}

static bool log_revert(rh_pg *pg, const rh_sqitch_change *change, rh_error *error)
{
    const char *id[] = {change->id};
    return run(pg, "delete from sqitch.tags where change_id = $1", 1, id, error) &&
           run(pg, "delete from sqitch.changes where change_id = $1", 1, id, error) &&
           log_event(pg, "revert", change, error);
}

bool rh_sqitch_end(rh_pg *pg, const rh_plan *plan, const rh_migration *migration, rh_direction direction,
                   rh_error *error)
{
    (void)plan;
    return rh_history_new_session(pg, error) &&
           rh_pg_execute(pg, "begin; lock table sqitch.changes in exclusive mode", error) &&
           (direction == RH_UP ? log_deploy(pg, migration, error)
                               : log_revert(pg, change_of(migration), error)) &&
           rh_pg_execute(pg, "commit", error);
}

void rh_sqitch_failed(rh_pg *pg, const rh_plan *plan, const rh_migration *migration, rh_direction direction)
{
    (void)plan;
    if (direction == RH_UP && rh_history_new_session(pg, NULL))
        log_event(pg, "fail", change_of(migration), NULL);
}
