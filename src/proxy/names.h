/* Internal to proxy/: names and their texts, a few or a few thousand. */
#pragma once
#include <stddef.h>

typedef struct rh_name {
    char *name, *text;
    struct rh_name *next;
} rh_name;

enum { RH_NAME_BUCKETS = 256 };

/* Zero-initialised is empty. */
typedef struct rh_names {
    rh_name *buckets[RH_NAME_BUCKETS];
} rh_names;

void rh_names_set(rh_names *names, const char *name, const char *text);
/* NULL when there is none; valid until it is set or removed. */
const char *rh_names_find(const rh_names *names, const char *name);
void rh_names_remove(rh_names *names, const char *name);
void rh_names_release(rh_names *names);
