/* Internal to migrations/: what a statement does to the transaction it stands in. */
#pragma once
#include "pgrehearse/model/migration.h"

typedef enum rh_transaction_verb {
    RH_VERB_NONE,      /* nothing */
    RH_VERB_BEGIN,     /* BEGIN, START TRANSACTION */
    RH_VERB_END,       /* COMMIT, END, ROLLBACK, ABORT, PREPARE TRANSACTION */
    RH_VERB_CHAIN,     /* COMMIT or ROLLBACK AND CHAIN: ends one and begins the next */
    RH_VERB_SAVEPOINT, /* SAVEPOINT, RELEASE, ROLLBACK TO: only within the file's own BEGIN */
    RH_VERB_SETTING,   /* SET, RESET, SHOW, SET TRANSACTION, SET CONSTRAINTS */
} rh_transaction_verb;

/* By its words, so also for what does not parse. */
rh_transaction_verb rh_transaction_verb_of(const char *sql);
