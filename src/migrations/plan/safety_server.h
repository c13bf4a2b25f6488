/* Internal to migrations/: statements that are not allowed on a given server. */
#pragma once
#include "pgrehearse/base/error.h"
#include "pgrehearse/model/migration.h"

/* Refuses (RH_ERROR_REFUSED, with the place) a pending migration whose text changes what all databases of a
 * server share: roles and their memberships, databases, tablespaces, subscriptions, the server's settings.
 * Bodies of functions are not read. */
bool rh_plan_check_server_safety(const rh_plan *plan, rh_error *error);
