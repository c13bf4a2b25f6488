#include "way_back.h"
#include "migrate.h"

/* ---- sessions ---- */

bool rh_way_back_open(way_back *w, rh_error *error)
{
    const char *conninfo = rh_staging_conninfo(w->staging);
    w->pg = rh_pg_connect(rh_staging_migrations_conninfo(w->staging), ": migration", error);
    w->side = w->pg ? rh_pg_connect(conninfo, ": side", error) : NULL;
    w->observer = (rh_observer){0};
    return w->side && rh_observer_start(&w->observer, w->run, conninfo, RH_PASS_KIND_ROLLBACK,
                                        rh_pg_backend_pid(w->pg), rh_clock_monotonic(), error);
}

void rh_way_back_close(way_back *w)
{
    if (w->observer.side)
        rh_observer_finish(&w->observer, NULL);
    rh_pg_close(w->side);
    rh_pg_close(w->pg);
    w->side = w->pg = NULL;
}

bool rh_way_back_replay(way_back *w, rh_migration *migration, rh_direction direction, bool again,
                        double *elapsed_s, rh_error *error)
{
    bool watched = direction == RH_DOWN && !again;
    rh_replay_options options = {.direction = direction,
                                 .statement_timeout = w->run->scenario->migrations.statement_timeout,
                                 .pass = RH_PASS_KIND_ROLLBACK,
                                 .repeat = 1,
                                 .scale = 1,
                                 .hooks = watched ? &w->observer.hooks : NULL,
                                 .record = watched,
                                 .again = again};
    return rh_migrate(w->run, w->staging, w->pg, migration, &options, watched ? &w->observer : NULL,
                      elapsed_s, error);
}

/* ---- looks ---- */

void rh_way_back_release(way_back_state *s)
{
    rh_schema_free(s->schema);
    rh_data_free(s->data);
    *s = (way_back_state){0};
}

bool rh_way_back_look(way_back *w, const rh_data_options *options, const way_back_state *before,
                      way_back_state *now, rh_error *error)
{
    now->schema = rh_schema_read(w->side, error);
    if (now->schema)
        now->data =
            before ? rh_data_read_again(w->side, before->data, error) : rh_data_read(w->side, options, error);
    w->blind = !now->data;
    if (now->data && rh_pg_server_version(w->side) >= 150000) /* or it would count as the next statement's */
        rh_pg_execute(w->side, "SELECT pg_catalog.pg_stat_force_next_flush()", NULL);
    return !w->blind;
}

void rh_way_back_compare(way_back *w, const way_back_state *before, const way_back_state *after,
                         rh_rollback *rollback)
{
    rh_schema_compare(before->schema, after->schema, w->run->arena, &rollback->differences,
                      &rollback->difference_count);
    rollback->schema_restored = rollback->difference_count == 0;
    rh_data_compare(before->data, after->data, w->run->arena, &rollback->data);
}

void rh_way_back_add_affected(const rh_migration *migration, rh_arena *arena, const char ***names,
                              size_t *count)
{
    for (size_t i = 0; i < migration->up.statement_count; i++)
        for (size_t r = 0; r < migration->up.statements[i].run_count; r++) {
            const rh_statement_run *run = &migration->up.statements[i].runs[r];
            for (size_t l = 0; run->pass != RH_PASS_KIND_SCALED && l < run->lock_count; l++)
                if (run->locks[l].mode >= RH_LOCK_ROW_EXCLUSIVE)
                    *(const char **)rh_arena_add(arena, names, count, sizeof **names) =
                        rh_lock_table(&run->locks[l]);
        }
}

/* ---- beginning again ---- */

bool rh_way_back_start_over(way_back *w, size_t count, rh_error *error)
{
    rh_way_back_close(w);
    if (!rh_staging_reset(w->staging, w->progress, error) || !rh_way_back_open(w, error))
        return false;
    for (size_t m = 0; m < count; m++)
        if (w->run->plan.migrations[m].pending &&
            !rh_way_back_replay(w, &w->run->plan.migrations[m], RH_UP, false, NULL, error))
            return false;
    return true;
}

bool rh_way_back_is_fatal(const way_back *w, rh_error *error)
{
    return w->blind || error->code == RH_ERROR_INTERRUPTED || !rh_staging_unbroken(w->staging, error);
}
