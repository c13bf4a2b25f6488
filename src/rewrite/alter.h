/* Internal to rewrite/: one ALTER TABLE, split into its subcommands. */
#pragma once
#include "safer.h"
#include "pgrehearse/sql/tree.h"

/* One ALTER TABLE, split into its parts. */
typedef struct rh_alter_parts {
    rh_clauses parts;
    const char *head;  /* "ALTER TABLE IF EXISTS t" */
    const char *table; /* as in the text, quoted where needed */
    const char *bare;  /* the table's name alone, for names made of it */
    rh_json *relation;
    rh_catalog_table *definition; /* NULL: the catalog does not have it */
} rh_alter_parts;

/* The name that PostgreSQL would give to an object of the table on COLUMNS. */
const char *rh_safer_made_name(const rh_safer_list *list, const rh_alter_parts *p, const char *columns,
                               const char *label);
/* ADD CONSTRAINT NAME … NOT VALID and VALIDATE CONSTRAINT. DEFINITION: "CHECK (…)" or "FOREIGN KEY …" as it
 * was written. */
void rh_safer_validated_apart(rh_safer_list *list, const rh_alter_parts *p, const char *rule,
                              const char *name, const char *definition);
/* A UNIQUE or PRIMARY KEY constraint: its index first, then the constraint USING INDEX. COLUMNS: as SQL
 * writes them, FOR_NAME: as a name is made of them. False, with why set: not possible here. */
bool rh_safer_index_apart(rh_safer_list *list, const rh_alter_parts *p, rh_json *constraint,
                          const char *columns, const char *for_name);
/* ADD CONSTRAINT; WORDS: the subcommand. False: it stays as it is. */
bool rh_safer_constraint(rh_safer_list *list, const rh_alter_parts *p, rh_json *constraint,
                         const char *words);
/* ADD COLUMN, the subcommand at INDEX; DEFINITION: its ColumnDef. False: it stays as it is. */
bool rh_safer_added_column(rh_safer_list *list, const rh_alter_parts *p, size_t index, rh_json *definition);
