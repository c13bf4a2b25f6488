/* The keys of a scenario. One table drives reading, checks, and the suggestion for an unknown key. */
#pragma once
#include "values.h"

/* Reads the document into READER->scenario, whose defaults are set already. Unknown keys, missing required
 * ones and bad values fail with their place. */
bool rh_keys_read(rh_reader *reader, rh_yaml_node *root);
/* The dotted names of all keys and sections, in the order of the table; *COUNT of them. Static. */
const char *rh_keys_name(size_t index);

/* What the table says of a key's value. */
typedef struct rh_key_limits {
    const rh_key_word *words; /* the values that it may have; NULL: others */
    size_t word_count;
    double low, high; /* of a number; both 0: no limits */
} rh_key_limits;
rh_key_limits rh_keys_limits(size_t index);
