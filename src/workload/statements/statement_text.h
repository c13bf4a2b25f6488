/* Turns texts of pg_stat_statements into statements that can be prepared. */
#pragma once
#include "pgrehearse/base/arena.h"
#include <stdbool.h>
#include <stddef.h>

/* What normalisation left that PREPARE does not take: INTERVAL $1 and its kin become casts, EXTRACT ($1 FROM
 * …) a call, and a list that PostgreSQL 18 shortened to "$1 ", with a comment after it, gets LIST_SIZE
 * parameters (*SHORTENED tells whether there was one). In ARENA; a text that does not scan comes back as it
 * is. */
const char *rh_statement_replayable(const char *query, size_t list_size, bool *shortened, rh_arena *arena);

/* SQL with TEXTS[n - 1], where not NULL, in place of every $n; in it \1 is the parameter itself. What
 * is left is numbered from 1 again: FROM[new number - 1] is the old number, *KEPT of them. */
const char *rh_statement_replace(const char *sql, const char *const *texts, size_t count, int **from,
                                 size_t *kept, rh_arena *arena);

/* SQL with ON CONFLICT DO NOTHING: before RETURNING, or at the end. */
const char *rh_statement_on_conflict(const char *sql, rh_arena *arena);
