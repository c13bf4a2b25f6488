/* A mix of the user's pgbench scripts. */
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/text.h"
#include "script.h"
#include "pgrehearse/workload/workload.h"
#include "pgrehearse/model/migration.h"
#include <string.h>

enum { SCRIPT_LIMIT = 4 * 1024 * 1024 };

/* "transfer" for transfer.sql; a second one is "transfer (2)". */
static const char *name_of(const rh_mix *mix, const char *path, rh_arena *arena)
{
    const char *file = rh_base_name(path), *dot = strrchr(file, '.');
    const char *base = dot && dot > file ? rh_arena_strndup(arena, file, (size_t)(dot - file)) : file;
    const char *name = base;
    for (size_t i = 0, number = 2; i < mix->template_count; i++)
        if (strcmp(mix->templates[i].name, name) == 0) {
            name = rh_arena_printf(arena, "%s (%zu)", base, number++);
            i = (size_t)-1; /* look at all again */
        }
    return name;
}

/* All its SQL, for the report. */
static const char *shown(const rh_pgbench_script *script, rh_arena *arena)
{
    rh_text text = {0};
    for (size_t i = 0; i < script->step_count; i++)
        if (script->steps[i].type == RH_STEP_SEND)
            rh_text_printf(&text, "%s%s", text.length ? "; " : "", script->steps[i].sql);
    const char *result = rh_arena_strdup(arena, rh_text_string(&text));
    rh_text_release(&text);
    return result;
}

/* Does the copy take every statement, as far as the load's role may ask? */
static bool check(rh_pg *pg, const rh_pgbench_script *script, rh_error *error)
{
    for (size_t i = 0; i < script->step_count; i++) {
        const rh_pgbench_script_step *step = &script->steps[i];
        if (step->type != RH_STEP_SEND)
            continue;
        if (rh_pg_prepare(pg, "rh_script", step->sql, error)) {
            if (!rh_pg_execute(pg, "DEALLOCATE rh_script", error))
                return false;
            continue;
        }
        if (error && strcmp(error->sqlstate, "42501") == 0) { /* of this role: what is left out says so */
            rh_error_release(error);
            continue;
        }
        if (error && error->code == RH_ERROR_SQL) {
            error->code = RH_ERROR_SCENARIO;
            rh_error_context(error, "the restored copy refuses this statement");
            rh_error_at(error, script->path, step->line, 0);
        }
        return false;
    }
    return true;
}

static bool add(rh_pg *pg, const rh_workload_file *file, rh_arena *arena, rh_mix *mix, rh_error *error)
{
    const char *text = rh_file_read(file->path, SCRIPT_LIMIT, arena, NULL, error);
    rh_pgbench_script *script = rh_arena_alloc(arena, sizeof *script);
    if (!text || !rh_pgbench_script_read(text, file->path, arena, script, error) || !check(pg, script, error))
        return false;
    if (file->weight <= 0)
        return true; /* like pgbench: read, never run */
    const char *name = name_of(mix, file->path, arena);
    rh_template *t = rh_arena_add(arena, &mix->templates, &mix->template_count);
    *t = (rh_template){.name = name,
                       .sql = shown(script, arena),
                       .kind = script->writes ? RH_TEMPLATE_WRITE : RH_TEMPLATE_READ,
                       .weight = file->weight,
                       .script = script};
    return true;
}

static bool read_scale(rh_pg *pg, rh_mix *mix, rh_error *error)
{
    bool there = false;
    rh_pg_result *r =
        rh_pg_query(pg, "SELECT pg_catalog.to_regclass('pgbench_branches') IS NOT NULL", 0, NULL, error);
    if (r)
        there = rh_pg_bool(r, 0, 0);
    rh_pg_result_free(r);
    mix->scale = 1;
    if (r && there && !rh_pg_query_int(pg, "SELECT count(*) FROM pgbench_branches", &mix->scale, error))
        return false;
    return r != NULL;
}

bool rh_mix_from_pgbench(rh_pg *pg, const rh_mix_role *role, const rh_workload_file *files, size_t count,
                         rh_arena *arena, rh_mix *mix, rh_error *error)
{
    *mix = (rh_mix){.source = "pgbench"};
    if (!read_scale(pg, mix, error))
        return false;
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        if (!add(role ? role->pg : pg, &files[i], arena, mix, error))
            return false;
        sum += files[i].weight;
    }
    if (mix->template_count == 0)
        return rh_error_set(error, RH_ERROR_SCENARIO, "every pgbench script has the weight 0");
    for (size_t i = 0; i < mix->template_count; i++)
        mix->templates[i].weight /= sum;
    return true;
}
