/* The SQL of a backfill: assignments, sources, conditions, each parsed at its place in the file. */
#pragma once
#include "values.h"
#include "pgrehearse/model/backfill.h"

/* Each reads NODE, the value of the key NAME, into BACKFILL. */
bool rh_backfill_read_set(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *backfill);
bool rh_backfill_read_from(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *backfill);
bool rh_backfill_read_join(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *backfill);
bool rh_backfill_read_condition(rh_reader *reader, const char *name, rh_yaml_node *node,
                                rh_backfill *backfill);

/* Refuses a key that set: changes, where key: names it. NODE: the item. */
bool rh_backfill_check_set(rh_reader *reader, rh_yaml_node *node, const rh_backfill *backfill);
