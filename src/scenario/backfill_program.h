/* A backfill that is a program: its command, and how it does a part of the rows. */
#pragma once
#include "values.h"
#include "pgrehearse/model/backfill.h"

/* Each reads NODE, the value of the key NAME, into BACKFILL. */
bool rh_backfill_read_command(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *backfill);
bool rh_backfill_read_resume(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *backfill);
bool rh_backfill_read_range(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *backfill);
bool rh_backfill_read_stop(rh_reader *reader, const char *name, rh_yaml_node *node, rh_backfill *backfill);

/* What the other keys must be beside command, and the pauses that it tries by default. NODE: the item. */
bool rh_backfill_check_program(rh_reader *reader, rh_yaml_node *node, rh_backfill *backfill);
