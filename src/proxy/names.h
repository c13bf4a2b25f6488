/* Internal to proxy/: a map from names of prepared statements to their texts. */
#pragma once
#include <stddef.h>

typedef struct rh_name {
    char *name, *text;
    struct rh_name *next;
} rh_name;

enum { RH_NAME_BUCKETS = 256 };

/* Zero-initialised is empty. */
typedef struct rh_prepared_names {
    rh_name *buckets[RH_NAME_BUCKETS];
} rh_prepared_names;

void rh_prepared_names_set(rh_prepared_names *names, const char *name, const char *text);
/* NULL when there is none; valid until it is set or removed. */
const char *rh_prepared_names_find(const rh_prepared_names *names, const char *name);
void rh_prepared_names_remove(rh_prepared_names *names, const char *name);
void rh_prepared_names_release(rh_prepared_names *names);
