/* Internal to migrations/: what is no table in the schema that is known: views, triggers, sequences, types.
 */
#pragma once
#include "pgrehearse/sql/known.h"

/* Learns from BODY, a statement of KIND ("ViewStmt") that creates or alters one; other kinds are ignored. */
void rh_known_learn_object(rh_known *known, const char *sql, const char *kind, rh_json *body);
/* The sequence REF, of a column of TABLE. */
void rh_known_add_sequence(rh_known *known, rh_relation ref, const rh_known_table *table);
/* An index REF of a materialized view. */
void rh_known_add_view_index(rh_known *known, rh_relation view, const char *name, const char *sql);
/* BODY of a DropStmt that drops no table and no index. */
void rh_known_drop_objects(rh_known *known, rh_json *body);
/* TABLE or a view is dropped: what reads it goes with it. */
void rh_known_drop_readers(rh_known *known, const char *schema, const char *name);
/* The schema and all that is in it is dropped (TO NULL) or renamed. */
void rh_known_schema_gone(rh_known *known, const char *schema, const char *to);
/* What was called SCHEMA.NAME is called TO_SCHEMA.TO_NAME now, for all that refers to it. */
void rh_known_moved(rh_known *known, rh_relation from, rh_relation to);
/* An object (BODY: RenameStmt or AlterObjectSchemaStmt) that is neither table nor index gets another name. */
void rh_known_rename_object(rh_known *known, rh_json *body);
/* A column that is generated from others. */
void rh_known_add_generated(rh_known *known, const rh_known_table *table, const char *column,
                            const char *words);
