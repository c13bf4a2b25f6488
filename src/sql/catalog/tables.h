/* Internal to sql/: the parts of CREATE TABLE and ALTER TABLE that both have. */
#pragma once
#include "pgrehearse/sql/catalog.h"

/* BODY, a constraint of T. COLUMN: the column that it stands at; NULL: it is one of the table. WORDS: its
 * text, with its name or without. */
void rh_catalog_add_constraint(rh_catalog *catalog, rh_catalog_table *t, rh_json *body, const char *words,
                               rh_catalog_column *column);
/* The text from FROM to TO in SQL without the blanks around it. */
const char *rh_catalog_trimmed(const char *sql, size_t from, size_t to, rh_arena *arena);
/* The sequence of an identity column: SEQUENCE NAME, as pg_dump writes it, or named as the server would. */
void rh_catalog_make_identity(rh_catalog *catalog, const rh_catalog_table *t, rh_catalog_column *c,
                              rh_json *body);
rh_relation rh_catalog_copied_ref(rh_relation ref, rh_arena *arena);
/* The column DEFINITION of T; END: where it ends in SQL. A column that exists is left as it is. */
void rh_catalog_add_column(rh_catalog *catalog, rh_catalog_table *t, const char *sql, rh_json *definition,
                           size_t end);
