#include "names.h"
#include "pgrehearse/base/arena.h"
#include <stdlib.h>
#include <string.h>

static unsigned bucket_of(const char *name)
{
    unsigned hash = 5381;
    for (const char *p = name; *p; p++)
        hash = hash * 33 + (unsigned char)*p;
    return hash % RH_NAME_BUCKETS;
}

/* Where NAME is, or would be. */
static rh_name **place_of(rh_prepared_names *names, const char *name)
{
    rh_name **link = &names->buckets[bucket_of(name)];
    while (*link && strcmp((*link)->name, name) != 0)
        link = &(*link)->next;
    return link;
}

void rh_prepared_names_set(rh_prepared_names *names, const char *name, const char *text)
{
    rh_name **link = place_of(names, name);
    if (*link) {
        char *copy = rh_strdup(text);
        free((*link)->text);
        (*link)->text = copy;
        return;
    }
    rh_name *entry = rh_alloc(sizeof *entry);
    entry->name = rh_strdup(name);
    entry->text = rh_strdup(text);
    *link = entry;
}

const char *rh_prepared_names_find(const rh_prepared_names *names, const char *name)
{
    const rh_name *entry = names->buckets[bucket_of(name)];
    while (entry && strcmp(entry->name, name) != 0)
        entry = entry->next;
    return entry ? entry->text : NULL;
}

void rh_prepared_names_remove(rh_prepared_names *names, const char *name)
{
    rh_name **link = place_of(names, name), *entry = *link;
    if (!entry)
        return;
    *link = entry->next;
    free(entry->name);
    free(entry->text);
    free(entry);
}

void rh_prepared_names_release(rh_prepared_names *names)
{
    for (size_t i = 0; i < RH_NAME_BUCKETS; i++)
        while (names->buckets[i])
            rh_prepared_names_remove(names, names->buckets[i]->name);
}
