/* Internal to profile/: a connection with limits on time and lock waits. */
#pragma once
#include "sections.h"
#include "pgrehearse/adapters/json.h"

typedef struct rh_profile_session {
    rh_pg *pg;
    rh_usec deadline; /* monotonic: what would begin later is left out */
    rh_json *unknown; /* array of {what, why}, borrowed */
    bool local;       /* the server's processes are this machine's */
} rh_profile_session;

/* Notes that WHAT is not known because of WHY (one line). */
void rh_profile_unknown(rh_profile_session *session, const char *what, const char *why);
/* False only when the session cannot go on (connection lost, interrupted): any other failure becomes a note
 * about WHAT, and ERROR stays unset. FAILURE is moved or released. */
bool rh_profile_survives(rh_profile_session *session, const char *what, rh_error *failure, rh_error *error);

/* One read-only transaction around what follows. */
bool rh_profile_begin(rh_profile_session *session, rh_error *error);
bool rh_profile_end(rh_profile_session *session, rh_error *error);
/* Within that transaction: appends the rows of PART to ROWS (an array). A failure is noted and undone. */
bool rh_profile_rows(rh_profile_session *session, const rh_part *part, rh_json *rows, rh_error *error);
/* Outside of a transaction: runs a probe and adds its figures to PROBES under the probe's short name. */
bool rh_profile_run_probe(rh_profile_session *session, rh_probe_kind kind, rh_json *probes, rh_error *error);
