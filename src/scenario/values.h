/* Single values of a scenario: text with ${NAME} expanded, numbers in a range, durations, words, paths; each
 * complaint at its place. */
#pragma once
#include "pgrehearse/adapters/yaml.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/error.h"
#include "pgrehearse/model/scenario.h"

/* What every reader of a value needs. */
typedef struct rh_reader {
    rh_arena *arena; /* everything that is read lives here */
    rh_scenario *scenario;
    rh_error *error;
} rh_reader;

/* One word that a value may be. INSTEAD, if not NULL: the word is known but its stage comes with a later
 * version; INSTEAD says what to do now. */
typedef struct rh_key_word {
    const char *word;
    int value;
    const char *instead;
} rh_key_word;

/* Sets RH_ERROR_SCENARIO with the node's place, or RH_ERROR_USAGE for a node of --set. Returns false. */
bool rh_value_fail(rh_reader *reader, const rh_yaml_node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* KEY is the full name, "workload.rate", here and below: for messages. */
bool rh_value_not_yet(rh_reader *reader, const rh_yaml_node *node, const char *what, const char *instead);
rh_location rh_value_where(const rh_reader *reader, const rh_yaml_node *node);

/* The scalar with ${NAME} replaced by the environment and $$ by $; NULL when it is no scalar, empty, or a
 * variable is not set. */
const char *rh_value_text(rh_reader *reader, const char *key, rh_yaml_node *node);
/* A whole number in LOW … HIGH. */
bool rh_value_int(rh_reader *reader, const char *key, rh_yaml_node *node, int64_t low, int64_t high,
                  int64_t *value);
/* A decimal number in LOW … HIGH. */
bool rh_value_real(rh_reader *reader, const char *key, rh_yaml_node *node, double low, double high,
                   double *value);
/* true, yes, on, false, no, off. */
bool rh_value_bool(rh_reader *reader, const char *key, rh_yaml_node *node, bool *value);
/* With PostgreSQL's unit; a bare number other than 0 is an error that shows how to write it. */
bool rh_value_duration(rh_reader *reader, const char *key, rh_yaml_node *node, rh_usec *value);
/* One of COUNT words. */
bool rh_value_word(rh_reader *reader, const char *key, rh_yaml_node *node, const rh_key_word *words,
                   size_t count, int *value);
/* Refuses the key NAME of SECTION, of which KNOWN (COUNT) are the keys. Returns false. */
bool rh_value_unknown_key(rh_reader *reader, rh_yaml_node *name, const char *section,
                          const char *const *known, size_t count);
/* An absolute path, of something that exists and can be read; relative ones start where the scenario file
 * lies. NULL otherwise. */
const char *rh_value_path(rh_reader *reader, const char *key, rh_yaml_node *node);
