/* Internal to rewrite/: visits the statements before and after a statement. */
#pragma once
#include "safer.h"

/* Called for one statement, of KIND ("GrantStmt"); its tree is freed when it returns. */
typedef void (*rh_safer_visit)(void *user, const char *sql, const char *kind, rh_json *body);

/* Visits the statements of the backup's definitions and of the migrations before LIST's statement that
 * contain WORD. */
void rh_safer_before(const rh_safer_list *list, const char *word, rh_safer_visit see, void *user);
/* The same for the statements of the pending migrations after it. */
void rh_safer_after(const rh_safer_list *list, const char *word, rh_safer_visit see, void *user);
