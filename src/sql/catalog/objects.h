/* Internal to sql/: the objects of a catalog that are not tables: views, triggers, sequences, types.
 */
#pragma once
#include "pgrehearse/sql/catalog.h"

/* Learns from BODY, a statement of KIND ("ViewStmt") that creates or alters one; other kinds are ignored. */
void rh_catalog_learn_object(rh_catalog *catalog, const char *sql, const char *kind, rh_json *body);
/* The sequence REF, of a column of TABLE. */
void rh_catalog_add_sequence(rh_catalog *catalog, rh_relation ref, const rh_catalog_table *table);
/* An index REF of a materialized view. */
void rh_catalog_add_view_index(rh_catalog *catalog, rh_relation view, const char *name, const char *sql);
/* BODY of a DropStmt that drops no table and no index. */
void rh_catalog_drop_objects(rh_catalog *catalog, rh_json *body);
/* TABLE or a view is dropped: what reads it goes with it. */
void rh_catalog_drop_readers(rh_catalog *catalog, const char *schema, const char *name);
/* The schema and all that is in it is dropped (TO NULL) or renamed. */
void rh_catalog_schema_gone(rh_catalog *catalog, const char *schema, const char *to);
/* What was called SCHEMA.NAME is called TO_SCHEMA.TO_NAME now, for all that refers to it. */
void rh_catalog_moved(rh_catalog *catalog, rh_relation from, rh_relation to);
/* An object (BODY: RenameStmt or AlterObjectSchemaStmt) that is neither table nor index gets another name. */
void rh_catalog_rename_object(rh_catalog *catalog, rh_json *body);
/* A column that is generated from others. */
void rh_catalog_add_generated(rh_catalog *catalog, const rh_catalog_table *table, const char *column,
                              const char *words);
/* The kinds that KEY of DROP, RENAME or SET SCHEMA ("removeType") names, as bits. */
unsigned rh_catalog_kinds_of(rh_json *body, const char *key);
