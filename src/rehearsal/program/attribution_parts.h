/* Internal to rehearsal/program/: the parts of rh_attribute_changes(). */
#pragma once
#include "attribution.h"

/* Statements in a row: one interval's, or those of several. */
typedef struct rh_sent_span {
    rh_sent_statements *sent;
    rh_arena *arena;
    size_t first, end;
} rh_sent_span;

rh_statement_class rh_sent_class(const rh_sent_statement *d);
/* Its text does not say what it does. */
bool rh_sent_is_opaque(const rh_sent_statement *d);
bool rh_sent_is_data_change(const rh_sent_statement *d);
/* Several statements in one message; a semicolon in a literal only makes it seem so. */
bool rh_sent_is_several(const rh_sent_statement *d);
/* It is one statement, and begins with WORD. */
bool rh_sent_begins_with(const rh_sent_statement *d, const char *word);
bool rh_sent_changes_only_catalogs(const rh_sent_statement *d);
/* Its text has the name of the relation of C. */
bool rh_sent_names(const rh_sent_statement *d, const rh_relation_change *c);
/* The same; of an index, the name of its table. */
bool rh_sent_names_table(const rh_sent_statement *d, const rh_relation_change *c);
/* Adds DONE to what D did. */
rh_relation_work *rh_attribution_add_work(const rh_sent_span *s, rh_sent_statement *d,
                                          const rh_relation_work *done);
/* What D did is not known, because of WHY; the first reason stays. */
void rh_attribution_leave(rh_sent_statement *d, const char *why);
/* Indexes follow their table when that is new or lies in new files. */
void rh_attribute_files(const rh_sent_span *s, const rh_sample_interval *interval);
