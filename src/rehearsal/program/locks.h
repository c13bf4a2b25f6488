/* Internal to rehearsal/: the locks that a statement can have taken, by its text. */
#pragma once
#include "pgrehearse/model/lock.h"
#include <stdbool.h>
#include <stddef.h>

/* SQL's first word, behind blanks and parentheses, is one of COUNT lower-case WORDS, in any case. */
bool rh_program_begins_with(const char *sql, const char *const *words, size_t count);

/* Statements that read or change rows take no lock stronger than ROW EXCLUSIVE (a function they call may:
 * that is for the caller), LOCK TABLE takes the mode that it names, and transaction control none. */
bool rh_program_may_lock(const char *sql, rh_lock_mode mode);

/* BEGIN, COMMIT, SET and the like, and LOCK TABLE: what the others in its transaction do is not its doing. */
bool rh_is_control_or_lock_statement(const char *sql);

/* Transaction control, and queries by their first word (a function they call may do anything). */
bool rh_is_read_only_statement(const char *sql);
