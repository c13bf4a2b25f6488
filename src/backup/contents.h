/* The contents of a dump, by its table of contents or its headings, and the parts that it lacks. */
#pragma once
#include "entry.h"
#include "pgrehearse/base/arena.h"
#include <stddef.h>
#include <stdint.h>

typedef struct rh_contents {
    rh_arena *arena;
    rh_dump_entry *tables; /* those with rows of their own */
    size_t table_count;
    rh_dump_entry *unlogged; /* tables whose rows a crash loses, and a standby cannot dump */
    size_t unlogged_count;
    rh_dump_entry *data; /* TABLE DATA */
    size_t data_count;
    rh_dump_entry *populated; /* MATERIALIZED VIEW DATA */
    size_t populated_count;
    const char **names; /* of the entries, as backup.skip takes them */
    size_t name_count;
    rh_dump_entry *relations; /* tables of every kind, views, sequences */
    size_t relation_count;
    size_t sequences;
    bool not_null;        /* a table has such a column */
    bool creates_public;  /* it has CREATE SCHEMA public */
    size_t large_objects; /* entries of them */
    size_t post_data;     /* constraints, indexes, triggers … */
    size_t entries;       /* of any kind; 0: a plain dump without headings, whose contents are not known */
} rh_contents;

/* DEFINITION: the entry's SQL; "" when it is not known. */
void rh_contents_add(rh_contents *contents, const rh_dump_entry *entry, const char *definition);
/* Whether an entry creates this table. */
bool rh_contents_have_table(const rh_contents *contents, const char *schema, const char *name);

typedef enum rh_missing_part {
    RH_MISSING_NOTHING,
    RH_MISSING_ALL,         /* it has no entries */
    RH_MISSING_DEFINITIONS, /* rows or keys of tables that it does not create */
    RH_MISSING_DATA,        /* tables, and no rows of any */
    RH_MISSING_TABLE_DATA,  /* no rows of some */
    RH_MISSING_POST_DATA,   /* no key, index, trigger or rule at all */
} rh_missing_part;
/* The most severe of the parts that CONTENTS lack. TABLES (COUNT, in the contents' arena): those without
 * rows. */
rh_missing_part rh_contents_missing_part(rh_contents *contents, rh_dump_entry **tables, size_t *count);
/* Materialized views that the dump does not populate (COUNT, in the contents' arena). */
rh_dump_entry *rh_contents_unpopulated(rh_contents *contents, size_t *count);
/* Unlogged tables without rows (COUNT, in the contents' arena). Call after rh_contents_missing_part. */
rh_dump_entry *rh_contents_empty_unlogged(rh_contents *contents, size_t *count);
