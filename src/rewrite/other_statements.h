/* Internal to rewrite/: visits the statements before and after a statement. */
#pragma once
#include "safer.h"

/* Sees one statement, of KIND ("GrantStmt"); its tree is freed when it returns. */
typedef void (*rh_safer_visit)(void *user, const char *sql, const char *kind, rh_json *body);

/* All of the backup's definitions and of the migrations before LIST's statement whose text has WORD
 * somewhere. */
void rh_safer_before(const rh_safer_list *list, const char *word, rh_safer_visit see, void *user);
/* The same for the statements of the pending migrations behind it. */
void rh_safer_after(const rh_safer_list *list, const char *word, rh_safer_visit see, void *user);
