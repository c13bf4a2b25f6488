/* The headings of a plain dump, "-- Name: …; Type: …", one before the statements of each entry. */
#pragma once
#include "contents.h"
#include "statement.h"

typedef struct rh_headings {
    rh_contents *contents; /* where the entries go */
    rh_dump_entry entry;   /* of the last heading; desc "": none yet */
    rh_dump_entry waiting; /* a heading whose statement was not read yet */
    bool is_waiting;
    bool seen, complete; /* any; pg_dump's last line behind them */
} rh_headings;

/* Begins without headings. The strings of headings and entries live in the arena of CONTENTS. */
rh_headings rh_headings_of(rh_contents *contents);
/* Reads the comments in BYTES, which precede a statement or a command, or end the dump. */
void rh_headings_read(rh_headings *headings, const char *bytes, size_t length);
/* Adds the waiting heading to the contents, with its statement ("": none). */
void rh_headings_finish(rh_headings *headings, const char *definition);
/* The entry of STATEMENT, by its text, else by its heading. */
rh_dump_entry rh_headings_entry_of(const rh_headings *headings, const rh_dump_statement *statement);
