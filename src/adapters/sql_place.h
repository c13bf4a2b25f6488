/* Internal to adapters/: places in SQL text. */
#pragma once
#include <stddef.h>

/* A cursor that only moves forward, so that places cost one pass over a file. */
typedef struct rh_sql_place {
    size_t offset;
    int line, column;
} rh_sql_place;

/* Moves AT forward to OFFSET. */
void rh_sql_place_advance(rh_sql_place *at, const char *sql, size_t offset);
rh_sql_place rh_sql_place_of(const char *sql, size_t offset);
/* libpg_query counts characters from 1 in its cursorpos. */
size_t rh_sql_offset_of_character(const char *sql, int position);
/* The byte at which LINE and COLUMN, both from 1, begin. */
size_t rh_sql_offset_of_place(const char *sql, int line, int column);
