/* staging.settings: a map, production's postgresql.conf, or a CSV of its pg_settings. */
#pragma once
#include "values.h"

/* NODE is a mapping of names to values, or a path. The shape of a file is read from its content: CSV when its
 * first line has the columns name and setting (unit, source and context are used when present), else
 * postgresql.conf with its includes. Values come out as SET and postgresql.conf accept them: "16384" in units
 * of "8kB" as "131072kB". Preset options (documentation, section 20.15) are left out. */
bool rh_settings_read(rh_reader *reader, const char *key, rh_yaml_node *node, rh_setting **settings,
                      size_t *count);
