/* Resolves names of a statement to tables, from the innermost scope outwards. */
#pragma once
#include "bindings.h"
#include "pgrehearse/adapters/sql_parser.h"

/* PostgreSQL's own limit in a statement. */
enum { MIX_MAX_PARAMETERS = 65535 };

typedef struct mix_entry {
    const char *alias;
    const mix_table *table;
    int number; /* unique in the statement, from 1 */
} mix_entry;

typedef struct mix_scope {
    struct mix_scope *outer;
    mix_entry *entries;
    size_t count;
} mix_scope;

typedef struct mix_cte {
    const char *name;
    const rh_json *query;
} mix_cte;

typedef struct mix_walk {
    rh_arena *arena;
    const mix_table *tables;
    size_t table_count;
    mix_statement *statement;
    mix_scope *scope;
    mix_cte *ctes;
    size_t cte_count;
    int entry_count, depth, nesting;
    const mix_table *first; /* that is mentioned */
} mix_walk;

void rh_mix_open_scope(mix_walk *walk);
void rh_mix_add_cte(mix_walk *walk, const rh_json *cte);
/* The tables of a FROM list, or of one of its items, into the innermost scope. What a subquery or a WITH
 * reads is found through its alias: its columns have most often kept their names. */
void rh_mix_add_from(mix_walk *walk, const rh_json *list);
void rh_mix_add_from_item(mix_walk *walk, const rh_json *item);
/* RELATION as a RangeVar; the table, or NULL when none is known under that name. */
const mix_table *rh_mix_add_relation(mix_walk *walk, const rh_json *relation);
/* Fills BINDING's table, column and entry; false when the reference leads to no known column. */
bool rh_mix_find_column(const mix_walk *walk, const rh_json *reference, mix_binding *binding);
/* Its index; the number of columns when there is none of that name. */
size_t rh_mix_column_named(const mix_table *table, const char *name);
