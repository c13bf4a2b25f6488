/* The settings of the embedded server: confined, fast while restoring, production's in the timed passes. */
#pragma once
#include "state.h"

/* Divides the scenario's settings into those for the timed passes (staging->applied) and those that are not
 * allowed in a rehearsal (noted in the facts). The server checks names and values (RH_ERROR_SCENARIO at their
 * position), and sizes are compared with this machine's memory. Settings of the profile that this server does
 * not know or that do not fit are noted and omitted. The data directory must exist. */
bool rh_settings_check(rh_staging *staging, rh_error *error);
/* Takes over production's settings from its own files, unless a profile has them. */
bool rh_settings_carry(rh_staging *staging, const rh_setting *settings, size_t count, rh_error *error);
/* The lesser of the machine's memory and the control group's limit, in bytes. */
int64_t rh_settings_memory(void);
/* Copies what initdb has configured to the configuration directory, before anything untrusted is restored. */
bool rh_settings_begin(rh_staging *staging, rh_error *error);
/* Writes config/pgrehearse.conf for a phase. */
bool rh_settings_write(rh_staging *staging, rh_settings_phase phase, rh_error *error);
/* A server of the cluster, and settings that it has beside the others'. */
typedef struct rh_settings_server {
    const char *data, *socket;
    const rh_setting *more;
    size_t more_count;
} rh_settings_server;
/* Its command line, with the -c options that no file and no ALTER SYSTEM can override: NULL-ended, in the
 * arena.
 */
const char **rh_settings_arguments(rh_staging *staging, const rh_settings_server *server, size_t *count);
/* Reads the values in force from the running server into staging->settings. */
bool rh_settings_record(rh_staging *staging, rh_error *error);

/* Why a production setting is not applied, as the end of a sentence; "": omitted without a note (the server
 * computes it); NULL: it is applied. */
const char *rh_settings_refusal(const char *name, const char *value);
