/* libcsv in and out: small tables as a whole, exports of any size as a stream. */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
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

/* ---- in: a stream of any size, in bounded memory and strictly: what COPY … (FORMAT csv) would refuse or two
 * readers would read differently is an error. Line ends LF, CRLF or CR, one kind in a file (but its last); a
 * byte-order mark is skipped; UTF-8 only ---- */
typedef struct rh_csv_field {
    const char *bytes; /* without its quotes, 0-terminated; valid during the call */
    size_t length;
    bool quoted;
    int64_t line; /* of its first byte, its quote included, from 1 */
    int column;   /* likewise, in characters */
} rh_csv_field;
typedef struct rh_csv_record {
    const rh_csv_field *fields;
    size_t count;
} rh_csv_record;
/* Called for every row, the header first. An empty line is a row of one empty field where the header has one
 * field, and none at the end of the file. False ends the reading (with ERROR set, or silently). */
typedef bool (*rh_csv_sink)(void *user, const rh_csv_record *record, rh_error *error);

typedef struct rh_csv_stream rh_csv_stream;
/* FILE names it in errors. */
rh_csv_stream *rh_csv_stream_new(const char *file, rh_csv_sink sink, void *user);
/* Takes NULL. */
void rh_csv_stream_free(rh_csv_stream *stream);
/* The next bytes, the first three of the file at once. False when the sink ended it, or with RH_ERROR_BACKUP
 * and the place. */
bool rh_csv_stream_feed(rh_csv_stream *stream, const char *bytes, size_t length, rh_error *error);
/* No more bytes. */
bool rh_csv_stream_finish(rh_csv_stream *stream, rh_error *error);
