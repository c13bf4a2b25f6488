/* Production's configuration files, read as data. No server of ours reads them. */
#pragma once
#include "pgrehearse/base/arena.h"
#include "pgrehearse/model/scenario.h"

/* Adds the settings of TEXT, in the syntax of postgresql.conf, to SETTINGS; a later one of the same name
 * replaces the earlier. What other files it includes is not read: returns how many. */
int rh_conf_parse(const char *text, rh_arena *arena, rh_setting **settings, size_t *count);
