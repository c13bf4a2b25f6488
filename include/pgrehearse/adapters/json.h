/* jansson: a value that owns what is in it. */
#pragma once
#include "pgrehearse/base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A value. Roots are freed by their owner; values inside another one are borrowed. NULL is accepted by every
 * reader and reads as null. */
typedef struct json_t rh_json;

rh_json *rh_json_object(void);
rh_json *rh_json_array(void);
void rh_json_free(rh_json *root);

/* Adding to an object (or, with KEY NULL, to an array). Strings that are not UTF-8 get U+FFFD for the bad
 * bytes; NaN and infinities become null. */
void rh_json_add(rh_json *parent, const char *key, rh_json *child);           /* takes ownership of CHILD */
void rh_json_add_string(rh_json *parent, const char *key, const char *value); /* NULL: null */
void rh_json_add_int(rh_json *parent, const char *key, int64_t value);
/* Counts and bytes where -1 means "not measured": negative becomes null. */
void rh_json_add_count(rh_json *parent, const char *key, int64_t value);
void rh_json_add_real(rh_json *parent, const char *key, double value); /* NaN: null */
void rh_json_add_bool(rh_json *parent, const char *key, bool value);
void rh_json_add_null(rh_json *parent, const char *key);
/* Moves the value of the key FROM, if OBJECT has it, to the key TO. */
void rh_json_rename(rh_json *object, const char *from, const char *to);
/* Removes the key, if OBJECT has it. */
void rh_json_remove(rh_json *object, const char *key);
/* New empty child, borrowed. */
rh_json *rh_json_add_object(rh_json *parent, const char *key);
rh_json *rh_json_add_array(rh_json *parent, const char *key);

/* Reading; a missing key, a wrong type and NULL all read as null: NULL, NaN, -1 (int), false, 0 items. */
rh_json *rh_json_get(const rh_json *object, const char *key);
/* "contention.waits" style path of object keys. */
rh_json *rh_json_path(const rh_json *object, const char *dotted);
size_t rh_json_count(const rh_json *array_or_object);
rh_json *rh_json_at(const rh_json *array, size_t index);
const char *rh_json_string(const rh_json *value);
double rh_json_real(const rh_json *value);
int64_t rh_json_int(const rh_json *value);
bool rh_json_bool(const rh_json *value);
bool rh_json_is_null(const rh_json *value);
bool rh_json_is_object(const rh_json *value);
bool rh_json_is_array(const rh_json *value);
/* Pairs of an object, in insertion order: *ITERATOR starts NULL; returns the key or NULL at the end. */
const char *rh_json_each(rh_json *object, void **iterator, rh_json **value);
/* Calls VISIT for each object in NODE, at any depth and each before what is in it, until one call returns
 * true. False: none did. */
bool rh_json_visit(rh_json *node, bool (*visit)(rh_json *object, void *data), void *data);

rh_json *rh_json_read(const char *path, rh_error *error);
rh_json *rh_json_parse(const char *text, size_t length, const char *name, rh_error *error);
/* Two-space indented text with a final newline; heap. */
char *rh_json_format(const rh_json *value);
/* The same with line breaks in the outer four levels only, so that each item of a list is a line; heap. */
char *rh_json_format_record(const rh_json *value);
/* One line with a final newline, for logs of one record a line; heap. */
char *rh_json_format_line(const rh_json *value);
