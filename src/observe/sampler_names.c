/* Names of the relations in samples. */
#include "sampler_state.h"
#include "pgrehearse/model/facts.h"
#include "embedded/observe.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A relation whose name is not visible yet is requested again, but not with every sample. */
static const rh_usec LOOKUP_INTERVAL = RH_SECOND / 5;

static rh_relation_name *find_name(rh_sampler *sampler, int64_t oid)
{
    for (size_t i = 0; i < sampler->name_count; i++)
        if (sampler->names[i].oid == oid)
            return &sampler->names[i];
    return NULL;
}

bool rh_sampler_add_relation(rh_sampler *sampler, int64_t oid)
{
    if (find_name(sampler, oid))
        return false;
    rh_relation_name *name = rh_arena_add(sampler->shared, &sampler->names, &sampler->name_count);
    name->oid = oid;
    return true;
}

const char *rh_sampler_name(rh_sampler *sampler, int64_t oid, rh_arena *arena)
{
    pthread_mutex_lock(&sampler->mutex);
    const rh_relation_name *name = find_name(sampler, oid);
    char *text = name && name->name ? rh_arena_strdup(arena, name->owner_name ? name->owner_name : name->name)
                                    : rh_arena_printf(arena, "OID %" PRId64, oid);
    pthread_mutex_unlock(&sampler->mutex);
    return text;
}

const char *rh_sampler_rename(void *user, const char *relation)
{
    rh_sampler *sampler = user;
    return strncmp(relation, "OID ", 4) == 0
               ? rh_sampler_name(sampler, strtoll(relation + 4, NULL, 10), sampler->arena)
               : relation;
}

static void keep_names(rh_sampler *sampler, const rh_pg_result *result)
{
    enum { OID, NAME, KIND, OWNER, TEMPORARY, MADE_BY, OWNER_NAME };
    for (size_t row = 0; row < rh_pg_rows(result); row++) {
        rh_relation_name *name = find_name(sampler, rh_pg_int(result, row, OID, 0));
        if (!name)
            continue;
        name->name = rh_arena_strdup(sampler->shared, rh_pg_value(result, row, NAME));
        name->owner = rh_pg_int(result, row, OWNER, 0);
        name->owner_name = rh_arena_strdup(sampler->shared, rh_pg_value(result, row, OWNER_NAME));
        name->is_private = rh_pg_bool(result, row, TEMPORARY) ||
                           rh_pg_int(result, row, MADE_BY, 0) >= sampler->first_new_xid;
    }
}

void rh_sampler_resolve_names(rh_sampler *sampler, bool urgent)
{
    rh_usec now = rh_clock_monotonic();
    if (!urgent && now < sampler->next_lookup)
        return;
    sampler->next_lookup = now + LOOKUP_INTERVAL;
    rh_text sql = {0};
    pthread_mutex_lock(&sampler->mutex);
    for (size_t i = 0; i < sampler->name_count; i++)
        if (!sampler->names[i].name)
            rh_text_printf(&sql, "%s%" PRId64, sql.length ? "," : "SET pgrehearse.relations = '{",
                           sampler->names[i].oid);
    pthread_mutex_unlock(&sampler->mutex);
    if (sql.length > 0) {
        rh_text_append(&sql, "}'; ");
        rh_text_append(&sql, rh_sql_relations);
        /* A catalog that is locked just now leaves the names missing until the next sample. */
        rh_pg_result *result = rh_pg_query(sampler->pg, rh_text_string(&sql), 0, NULL, NULL);
        if (result) {
            pthread_mutex_lock(&sampler->mutex);
            keep_names(sampler, result);
            pthread_mutex_unlock(&sampler->mutex);
        }
        rh_pg_result_free(result);
    }
    rh_text_release(&sql);
}

/* ENDED: when the statement did; 0: from the first to the last sample. */
static double held_s(const rh_seen_lock *seen, rh_usec ended)
{
    if (!ended)
        return rh_seconds(seen->last - seen->first);
    const rh_usec last = seen->until ? 0 : ended - seen->since;
    return rh_seconds(last > seen->longest ? last : seen->longest);
}

size_t rh_sampler_locks(rh_sampler *sampler, const char *migration, int statement, rh_usec pieces_ended,
                        rh_arena *arena, rh_lock **locks)
{
    size_t count = 0, lock_count = 0;
    pthread_mutex_lock(&sampler->mutex);
    rh_held *held = rh_alloc((sampler->seen_count + 1) * sizeof *held);
    for (size_t i = 0; i < sampler->seen_count; i++) {
        const rh_seen_lock *seen = &sampler->seen[i];
        if (seen->statement != statement || strcmp(seen->migration, migration) != 0)
            continue;
        const rh_relation_name *name = find_name(sampler, seen->oid);
        if (!name || !name->name)
            continue; /* visible to the migration alone */
        held[count++] = (rh_held){.oid = seen->oid,
                                  .owner = name->owner,
                                  .name = name->name,
                                  .owner_name = name->owner_name,
                                  .mode = seen->mode,
                                  .is_private = name->is_private,
                                  .held_s = held_s(seen, pieces_ended)};
    }
    rh_held_fold(held, count, arena, locks, &lock_count);
    pthread_mutex_unlock(&sampler->mutex);
    free(held);
    return lock_count;
}

double rh_sampler_worker_cpu(rh_sampler *sampler, const char *migration, int statement)
{
    double sum = 0;
    pthread_mutex_lock(&sampler->mutex);
    for (size_t i = 0; i < sampler->worker_count; i++)
        if (sampler->workers[i].statement == statement &&
            strcmp(sampler->workers[i].migration, migration) == 0)
            sum += sampler->workers[i].cpu_s;
    pthread_mutex_unlock(&sampler->mutex);
    return sampler->options.local ? sum : RH_NOT_MEASURED;
}
