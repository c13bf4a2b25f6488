/* Internal to adapters/: a scanner of our own for texts that libpg_query's does not scan: numeric literals of
 * PostgreSQL 16 and newer (1_000_000, 0x1F), and what the server refuses only when it reads the statement. */
#pragma once
#include "pgrehearse/adapters/sql_parser.h"

/* The tokens of SQL, in the terms of rh_sql_token. Keywords are IDENT here. What no
 * rule knows is one OPERATOR a byte. Fails only on a
 * quote or a comment that is never closed: *STOP is where it begins, TOKENS has those before it, and the
 * result says in words what is open; else NULL, with *STOP = SIZE_MAX. */
const char *rh_sql_lex(const char *sql, rh_arena *arena, rh_sql_token **tokens, size_t *count, size_t *stop);
