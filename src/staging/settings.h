/* The settings of the embedded server: confined, fast while restoring, production's in the timed passes. */
#pragma once
#include "state.h"

/* Sorts the scenario's settings into those that the timed passes will run with (staging->applied) and those
 * that a rehearsal must not have (noted in the facts); makes the server check names and values
 * (RH_ERROR_SCENARIO at the scenario's place) and compares with this machine's memory. Of what the profile
 * adds, what this server does not know or this machine cannot hold is noted and left out. The data directory
 * must exist. */
bool rh_settings_check(rh_staging *staging, rh_error *error);
/* The smaller of the machine's memory and what a control group leaves us; bytes. */
int64_t rh_settings_memory(void);
/* Copies what initdb has configured to the configuration directory, before anything untrusted is restored. */
bool rh_settings_begin(rh_staging *staging, rh_error *error);
/* Writes config/pgrehearse.conf for a phase. */
bool rh_settings_write(rh_staging *staging, rh_settings_phase phase, rh_error *error);
/* The -c options that no file and no ALTER SYSTEM can override: NULL-ended, in the arena. */
const char **rh_settings_arguments(rh_staging *staging, size_t *count);
/* Reads the values in force from the running server into staging->settings. */
bool rh_settings_record(rh_staging *staging, rh_error *error);

/* Why a production setting is not applied: a sentence's end, "" for one that is left out without a word (the
 * server computes it), NULL for one that is applied. */
const char *rh_settings_refusal(const char *name, const char *value);
