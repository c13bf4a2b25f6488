/* The SQL text of a backup, through its compression and container, as the lexer's pieces. */
#pragma once
#include "dump_lexer.h"
#include "pgrehearse/base/progress.h"
#include "pgrehearse/model/facts.h"

/* The backup has its definitions as SQL text: a plain dump, or a CSV export. */
bool rh_dump_is_text(const rh_backup_facts *facts);
/* The file with that text. */
const char *rh_dump_path(const rh_backup_facts *facts);

/* Reads the whole dump (or until SINK returns false). True at its end, whole; false with ERROR set, or
 * without one when SINK ended it silently. PROGRESS (may be NULL) hears of bytes of the file under STAGE. */
bool rh_dump_stream(const rh_backup_facts *facts, rh_dump_sink sink, void *user, const rh_progress *progress,
                    const char *stage, rh_error *error);
