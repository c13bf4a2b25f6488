/* Internal to migrations/: a file of very many statements. Nobody reads a report of a million rows, and what
 * a row that is inserted costs is not measured one by one: changes of rows that follow one another are one
 * statement of the plan, sent one by one, timed and counted together. */
#pragma once
#include "pgrehearse/model/migration.h"
#include "pgrehearse/model/statement.h"

/* Files of no more statements are told one by one. */
enum { RH_TOGETHER_FROM = 1000 };

/* GIVEN is an INSERT into the table, and with the columns, of the last one of SCRIPT: it goes with it, and
 * need not be looked at by itself. Never with the first of a file, so that a file of several statements stays
 * one. */
bool rh_together_with_last(rh_script *script, const rh_further *given, rh_transaction_rule rule,
                           rh_arena *arena);
/* Puts together what else belongs together: by table, and where that leaves too many, all changes of rows
 * that follow one another. Says so in the texts that are shown. */
void rh_together(rh_script *script, rh_arena *arena);
