/* prepare: and verify: are lists of steps, each an SQL file or a command. */
#pragma once
#include "values.h"

/* Reads NODE, the value of LIST ("prepare"), into an array grown with rh_arena_add. SQL files must exist. A
 * program whose name has a "/" becomes an absolute path beside the scenario and must be executable; others
 * are looked up in PATH when they run. */
bool rh_steps_read(rh_reader *reader, const char *list, rh_yaml_node *node, rh_step **steps,
                   size_t *step_count);
/* A file of verify without a statement checks nothing, and must not pass for a check. */
bool rh_steps_check_verify(rh_reader *reader, const rh_step *steps, size_t step_count);

/* A list: a program and its arguments, found as above. NULL-ended, in the reader's arena; NULL when it is
 * none. KEY is for messages. */
const char **rh_command_read(rh_reader *reader, const char *key, rh_yaml_node *node);

/* migrations.steps: programs among the files, each {command, after, down}. */
bool rh_migration_steps_read(rh_reader *reader, const char *list, rh_yaml_node *node,
                             rh_migration_step **steps, size_t *step_count);
