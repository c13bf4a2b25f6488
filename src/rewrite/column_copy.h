/* Internal to rewrite/: a second column beside the one that is to change. */
#pragma once
#include "safer.h"

typedef struct rh_column_copy {
    rh_safer_list *list;
    const char *rule;
    const rh_catalog_table *definition;
    const rh_catalog_column *from;
    const char *table, *schema; /* as SQL writes them; SCHEMA: "s." or "" */
    const char *old, *fresh;    /* the columns, as SQL writes them */
    const char *fresh_bare;
    const char *type;
    const char *value;       /* its default afterwards; NULL: none */
    const char *fresh_value; /* the second column's own, from the beginning; NULL: none */
    const char *settings;    /* of the function that keeps it up: "\n    SET … FROM CURRENT" */
    const char *function, *trigger;
    bool name_taken; /* the new name was another column's before */
    bool rename;     /* the new name stays, and both live side by side until a later release */
} rh_column_copy;

/* SQL text in the arena of COPY. */
#define SQL(copy, ...) rh_arena_printf((copy)->list->arena, __VA_ARGS__)

/* Why the column cannot be copied; NULL: it can. */
const char *rh_column_copy_refused(const rh_column_copy *c);
/* Adds the steps of a column that rh_column_copy_refused() does not refuse. BODY: what the trigger does with
 * a row; SET and CONDITION: how rows are filled. False: not possible here. */
bool rh_column_copy_make(rh_column_copy *c, const char *body, const char *set, const char *condition);
