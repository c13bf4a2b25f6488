/* The tables of a database, as its catalog or its backup lists them. */
#pragma once
#include <stddef.h>

typedef struct rh_listed_table {
    const char *schema, *name; /* as the catalog has them, without quotes */
    const char **columns;
    size_t column_count;
} rh_listed_table;

/* Ordinary and partitioned tables outside of the system's schemas that belong to no extension. */
typedef struct rh_listed_tables {
    rh_listed_table *tables;
    size_t count;
    const char **search_path; /* the schemas in which a name without one is looked up, in their order */
    size_t search_path_count;
} rh_listed_tables;
