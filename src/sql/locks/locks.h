/* Internal to sql/: every relation that a statement locks, by its parse tree and the catalog. The
 * modes are PostgreSQL 15's, as pg_locks shows them; tests/server/migrations/test_locks.c compares. */
#pragma once
#include "pgrehearse/sql/catalog.h"
#include "pgrehearse/model/statement.h"
#include "pgrehearse/model/lock.h"

/* Fills expected_locks of STATEMENT, whose class, expected_lock and expected_relation are set; the latter get
 * the relation's full name. CATALOG is the schema before the statement. */
void rh_expect_locks(rh_statement *statement, rh_json *tree, const rh_catalog *catalog, rh_arena *arena);

/* ---- within locks*.c ---- */

typedef struct rh_locks {
    rh_statement *statement;
    rh_json *tree;
    const rh_catalog *catalog;
    rh_arena *arena;
    const void **seen; /* what was dropped already */
    size_t seen_count;
    bool plans_only; /* EXPLAIN without ANALYZE, PREPARE: no row is changed */
    bool cascade;    /* what depends on it goes, too; else the server refuses */
} rh_locks;

/* Adds a lock on the relation REF, with its full name where it is known; of two on one relation the stronger
 * stays. Temporary tables are left out. */
void rh_locks_add_ref(rh_locks *l, rh_relation ref, rh_lock_mode mode, const char *because);
void rh_locks_add_table(rh_locks *l, const rh_catalog_table *table, rh_lock_mode mode, const char *because);
/* The rows of TABLE, whose lock is there, are searched by the foreign key KEY. */
void rh_locks_note_search(rh_locks *l, const rh_catalog_table *table, const rh_catalog_constraint *key);
/* Tables that inherit from TABLE, at any depth; PARTITIONS: only those. */
void rh_locks_add_children(rh_locks *l, const rh_catalog_table *table, rh_lock_mode mode, bool partitions);
/* Those that inherit from TABLE and are no partitions. */
void rh_locks_add_inheriting(rh_locks *l, const rh_catalog_table *table, rh_lock_mode mode);
/* The tables that TABLE's foreign keys refer to, those of its parents included. COLUMN: only those on it;
 * NULL: all. */
void rh_locks_add_referenced(rh_locks *l, const rh_catalog_table *table, const char *column,
                             rh_lock_mode mode);
/* At most a thousand relations are named. */
bool rh_locks_full(const rh_locks *l);
/* WHAT was seen before by this function; it is from now on. */
bool rh_locks_seen(rh_locks *l, const void *what);
/* The same without its parents'. */
void rh_locks_add_own_referenced(rh_locks *l, const rh_catalog_table *table, const char *column,
                                 rh_lock_mode mode);
/* The tables whose foreign keys refer to TABLE. */
void rh_locks_add_referencing(rh_locks *l, const rh_catalog_table *table, rh_lock_mode mode);
/* The default partition of PARENT, unless it is EXCEPT. */
void rh_locks_add_default(rh_locks *l, const rh_catalog_table *parent, const rh_catalog_table *except);
/* Sequences that columns of TABLE own. COLUMN NULL: all. */
void rh_locks_add_sequences(rh_locks *l, const rh_catalog_table *table, const char *column,
                            rh_lock_mode mode);
void rh_locks_add_indexes(rh_locks *l, const rh_catalog_table *table);
/* TABLE and its children, or only TABLE when RANGE_VAR says ONLY. */
void rh_locks_add_tree(rh_locks *l, rh_json *range_var, rh_lock_mode mode);

/* Queries of any kind in NODE. */
void rh_locks_of_query(rh_locks *l, rh_json *node);
void rh_locks_of_alter_table(rh_locks *l, rh_json *body);
void rh_locks_of_truncate(rh_locks *l, rh_json *body);
void rh_locks_of_vacuum(rh_locks *l, rh_json *body);
void rh_locks_of_cluster(rh_locks *l, rh_json *body);
void rh_locks_of_reindex(rh_locks *l, rh_json *body);
void rh_locks_of_move_all(rh_locks *l, rh_json *body);
/* DROP OWNED, REASSIGN OWNED. */
void rh_locks_of_owned(rh_locks *l, rh_json *body);
void rh_locks_of_create_table(rh_locks *l, rh_json *body);
void rh_locks_of_drop(rh_locks *l, rh_json *body);
/* TABLE goes, with its partitions; BECAUSE may be NULL. */
void rh_locks_drop_table(rh_locks *l, const rh_catalog_table *table, const char *because);
/* Of columns, of a table that goes with what depends on it. */
void rh_locks_of_drop_column(rh_locks *l, const rh_catalog_table *table, const char *column);
