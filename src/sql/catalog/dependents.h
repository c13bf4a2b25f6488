/* Internal to sql/: who depends on an object of the catalog. Each returns what it is ("view public.v"), in
 * ARENA; NULL: nothing is known to. */
#pragma once
#include "pgrehearse/sql/catalog.h"

/* Of what the key on INDEX, a unique index of TABLE: a foreign key. GONE: as of rh_catalog_column_user(). */
const char *rh_catalog_key_user(const rh_catalog *catalog, const rh_catalog_table *table,
                                const rh_catalog_index *index, const char *const *gone, rh_arena *arena);
/* A column that takes its default from SEQUENCE, or is its identity column; those of BUT are left out, or of
 * that only COLUMN. */
const char *rh_catalog_sequence_user(const rh_catalog *catalog, rh_relation sequence,
                                     const rh_catalog_table *but, const char *column, rh_arena *arena);
/* OBJECT was not dropped; of a generated column: it is one still. */
bool rh_catalog_is_there(const rh_catalog *catalog, const rh_catalog_object *object);
