/* Internal to migrations/: the steps that stand in for one statement. */
#pragma once
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/model/migration.h"
#include "pgrehearse/model/safer.h"
#include "tree.h"

/* Steps for one statement, and where they go. */
typedef struct rh_safer_list {
    rh_arena *arena;
    const rh_statement *statement;
    rh_safer_step *steps;
    size_t count;
    const char **answered; /* rules that the steps answer */
    size_t answered_count;
} rh_safer_list;

rh_safer_step *rh_safer_add(rh_safer_list *list, const char *rule, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool rh_safer_has(const rh_statement *statement, const char *rule); /* a hazard that is not silenced */

/* ALTER TABLE: TREE is its body. False: it could not be taken apart, nothing is added. */
bool rh_safer_alter_table(rh_safer_list *list, rh_json *body);
/* UPDATE or DELETE in batches by page; false: it cannot be told that a row hit twice does no harm. */
bool rh_safer_batches(rh_safer_list *list, rh_json *body);
/* The batches of SET, in the words of UPDATE, over those rows of TABLE that CONDITION (may be NULL) holds
 * for. */
void rh_safer_fill(rh_safer_list *list, const char *rule, const char *table, const char *verb,
                   const char *condition);
/* COLUMN (quoted) of TABLE becomes NOT NULL without a scan under ACCESS EXCLUSIVE. BARE: its name unquoted.
 */
void rh_safer_not_null(rh_safer_list *list, const char *rule, const char *table, const char *bare);
/* "t_a_b_key" as PostgreSQL would name it, cut to 63 bytes. */
const char *rh_safer_name(rh_safer_list *list, const char *table, const char *columns, const char *label);
