/* libcsv in and out. */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* ---- out: RFC 4180, LF line ends; every field is quoted only when it must be ---- */
typedef struct rh_csv_writer rh_csv_writer;
rh_csv_writer *rh_csv_open(const char *path, rh_error *error);
void rh_csv_text(rh_csv_writer *csv, const char *value); /* NULL: an empty field */
void rh_csv_int(rh_csv_writer *csv, long long value);
void rh_csv_real(rh_csv_writer *csv, double value, int decimals); /* NaN: an empty field */
void rh_csv_end_row(rh_csv_writer *csv);
/* Flushes and closes; false when anything could not be written. Takes NULL (true). */
bool rh_csv_close(rh_csv_writer *csv, rh_error *error);

/* ---- in: a whole file; a byte-order mark, CRLF, bare CR, quoted newlines and bytes that are not UTF-8 are
 * all accepted ---- */
typedef struct rh_csv_row {
    char **fields;
    size_t count;
    int line; /* of its first byte in the file, from 1 */
} rh_csv_row;
typedef struct rh_csv_table {
    rh_csv_row header;
    rh_csv_row *rows;
    size_t row_count;
} rh_csv_table;
/* Reads PATH into ARENA. The first row is the header. Unbalanced quotes are an error with the line. */
bool rh_csv_read(const char *path, rh_arena *arena, rh_csv_table *table, rh_error *error);
/* Index of the header field NAME, or -1. */
int rh_csv_column(const rh_csv_table *table, const char *name);
