/* The keys disturb: (concurrent activity beside the migrations) and lock_policy: (which values of
 * lock_timeout to try). */
#pragma once
#include "values.h"

/* Reads NODE, a list of disturbers, into the scenario. Each is a kind by itself, or a map of one kind to its
 * options. */
bool rh_disturb_read(rh_reader *reader, rh_yaml_node *node);

/* Reads NODE, "search" or a map of how to search, into the scenario. */
bool rh_lock_policy_read(rh_reader *reader, rh_yaml_node *node);
