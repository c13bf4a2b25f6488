/* Partitioned tables have no storage and no statistics of their own: theirs are the sums of their
 * partitions'. */
#include "partitions.h"
#include "pgrehearse/base/arena.h"
#include <stdlib.h>
#include <string.h>

enum { DEEPEST = 32 }; /* levels; more are a circle in an edited file */

static int by_name(const void *a, const void *b)
{
    const rh_profile_relation *x = *(rh_profile_relation *const *)a, *y = *(rh_profile_relation *const *)b;
    int order = strcmp(x->schema, y->schema);
    return order ? order : strcmp(x->name, y->name);
}

static rh_profile_relation *find(rh_profile_relation **sorted, size_t count, const rh_profile_relation *child)
{
    rh_profile_relation wanted = {.schema = child->parent_schema, .name = child->parent}, *key = &wanted;
    if (!wanted.schema || !wanted.name)
        return NULL;
    rh_profile_relation **found = bsearch(&key, sorted, count, sizeof(rh_profile_relation *), by_name);
    return found ? *found : NULL;
}

static int64_t sum(int64_t so_far, int64_t more)
{
    return so_far < 0 || more < 0 ? RH_UNKNOWN : so_far + more;
}

/* A figure that is unknown for one partition is unknown for the partitioned table. */
static void add(rh_profile_relation *whole, const rh_profile_relation *part)
{
    whole->pages = sum(whole->pages, part->pages);
    whole->tuples = sum(whole->tuples, part->tuples);
    whole->bytes = sum(whole->bytes, part->bytes);
    whole->toast_bytes = sum(whole->toast_bytes, part->toast_bytes);
    whole->index_bytes = sum(whole->index_bytes, part->index_bytes);
    whole->bloat_bytes = sum(whole->bloat_bytes, part->bloat_bytes);
    whole->inserts_per_s += part->inserts_per_s;
    whole->updates_per_s += part->updates_per_s;
    whole->deletes_per_s += part->deletes_per_s;
    whole->scans_per_s += part->scans_per_s;
}

static void clear(rh_profile_relation *whole)
{
    whole->pages = whole->tuples = whole->bytes = whole->toast_bytes = whole->index_bytes =
        whole->bloat_bytes = 0;
    whole->inserts_per_s = whole->updates_per_s = whole->deletes_per_s = whole->scans_per_s = 0;
}

void rh_profile_sum_partitions(rh_profile *profile)
{
    size_t count = profile->relation_count;
    rh_profile_relation **sorted = rh_alloc((count + 1) * sizeof(rh_profile_relation *));
    bool *has_parts = rh_alloc((count + 1) * sizeof *has_parts);
    for (size_t i = 0; i < count; i++)
        sorted[i] = &profile->relations[i];
    qsort(sorted, count, sizeof(rh_profile_relation *), by_name);
    for (size_t i = 0; i < count; i++) {
        rh_profile_relation *parent = find(sorted, count, &profile->relations[i]);
        if (parent && parent->is_partitioned && !has_parts[parent - profile->relations]) {
            has_parts[parent - profile->relations] = true;
            clear(parent);
        }
    }
    for (size_t i = 0; i < count; i++) {
        const rh_profile_relation *leaf = &profile->relations[i], *at = leaf;
        for (int level = 0; !leaf->is_partitioned && level < DEEPEST; level++) {
            rh_profile_relation *parent = find(sorted, count, at);
            if (!parent || !parent->is_partitioned)
                break;
            add(parent, leaf);
            at = parent;
        }
    }
    free(has_parts);
    free(sorted);
}
