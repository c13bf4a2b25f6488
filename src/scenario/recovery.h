/* The values of backup.restore_command and backup.target. */
#pragma once
#include "values.h"

/* Each reads NODE, the value of KEY, into *TEXT, and fails at its place if PostgreSQL would not take it. */
bool rh_restore_command_read(rh_reader *reader, const char *key, rh_yaml_node *node, const char **text);
bool rh_target_time_read(rh_reader *reader, const char *key, rh_yaml_node *node, const char **text);
bool rh_target_name_read(rh_reader *reader, const char *key, rh_yaml_node *node, const char **text);
bool rh_target_lsn_read(rh_reader *reader, const char *key, rh_yaml_node *node, const char **text);
