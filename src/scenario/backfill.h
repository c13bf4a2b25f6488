/* The key backfills: changes of many rows in committed batches, and the settings to try. */
#pragma once
#include "values.h"

/* Reads NODE, a list of maps, into the scenario. The SQL of each is parsed, so that a syntax error has its
 * place in the file; what needs the table is checked when it is there. */
bool rh_backfills_read(rh_reader *reader, rh_yaml_node *node);
