/* Every key that a scenario may have: one table drives reading, checks, and what is said about a key that is
 * not in it. */
#pragma once
#include "pgrehearse/scenario/values.h"

/* Reads the document into READER->scenario, whose defaults are set already. Unknown keys, missing required
 * ones and bad values fail with their place. */
bool rh_keys_read(rh_reader *reader, rh_yaml_node *root);
/* The dotted names of all keys and sections, in the order of the table; *COUNT of them. Static. */
const char *rh_keys_name(size_t index);
