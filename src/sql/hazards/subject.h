/* Internal to sql/: the statement that the rules are applied to, for src/sql/hazards/. */
#pragma once
#include "pgrehearse/sql/hazards.h"

/* The statement that the rules are applied to. */
typedef struct rh_hazard_subject {
    rh_hazard_context *context;
    rh_arena *arena;
    rh_statement *statement;
    const char *table;                  /* as it is shown */
    const rh_catalog_table *definition; /* NULL: the catalog does not have it */
    const char *const *gone; /* columns and constraints that ALTER TABLE has dropped so far; NULL: none */
} rh_hazard_subject;

/* FORMAT is the message; SAFER likewise in the arena. */
#define RH_HAZARD(subject, rule, message, safer)                                                             \
    rh_hazard_add((subject)->context, (subject)->statement, rule, message, safer)

/* IDENTIFIER as SQL writes it; "…" for NULL. */
const char *rh_hazard_quoted(const rh_hazard_subject *s, const char *identifier);
/* The server refuses WORK ("drop t"), because USER ("view public.v") depends on it. */
void rh_hazard_refused(const rh_hazard_subject *s, const char *work, const char *user);
bool rh_hazard_is(const rh_statement *statement, const char *rule);
/* The release itself added the column: no session uses it yet. */
bool rh_hazard_column_is_new(const rh_hazard_subject *s, const char *column);
/* TABLE has partitions, or is to have. */
bool rh_hazard_is_partitioned(const rh_catalog_table *table);
/* A valid CHECK proves that COLUMN has no NULL, or the column is NOT NULL. */
bool rh_hazard_proven_not_null(const rh_catalog_table *table, const char *column);

/* COLUMN: of a column's own constraint, as SQL writes it; NULL: the table's. */
void rh_hazards_of_constraint(const rh_hazard_subject *s, rh_json *constraint, const char *column);
void rh_hazards_of_alter_table(const rh_hazard_subject *s, rh_json *body);
void rh_hazards_of_partition(const rh_hazard_subject *s, rh_json *bound, const rh_catalog_table *parent,
                             rh_relation partition);
void rh_hazards_of_detach(const rh_hazard_subject *s, rh_json *command);
/* DROP, RENAME, SET SCHEMA, TRUNCATE, ALTER TYPE, ALTER DOMAIN. */
void rh_hazards_of_object(const rh_hazard_subject *s, const char *kind, rh_json *body);
/* UPDATE and DELETE, also within WITH. */
void rh_hazards_of_changes(const rh_hazard_subject *s, rh_json *tree);
/* ADD COLUMN, but for the constraints in it. */
void rh_hazards_of_added_column(const rh_hazard_subject *s, rh_json *column);
/* ALTER COLUMN COLUMN TYPE; DEFINITION: its ColumnDef. */
void rh_hazards_of_type_change(const rh_hazard_subject *s, rh_json *definition, const char *column);
