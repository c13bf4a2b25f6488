/* Reads a plain-text dump as psql does, in pieces, from bytes that arrive in arbitrary portions.
 *
 * It follows psql's own lexer (src/fe_utils/psqlscan.l): quotes, E'' strings, dollar quotes, nested comments,
 * parentheses, BEGIN ATOMIC bodies, and COPY … FROM stdin with its data. Where psql's reading depends on what
 * this lexer cannot know, the text is refused. So no backslash command can hide: anywhere outside quotes,
 * comments and COPY data a backslash is one, and only \restrict, \unrestrict and \connect at the beginning of
 * a statement are passed on.
 */
#pragma once
#include "pgrehearse/base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum rh_dump_kind {
    RH_DUMP_STATEMENT, /* a whole statement: leading blanks and comments, the semicolon */
    RH_DUMP_PART,      /* a part of a statement that is too long to be held (RH_DUMP_HELD) */
    RH_DUMP_COPY_DATA, /* bytes of COPY data; the last piece ends with the line "\." */
    RH_DUMP_COMMAND, /* the rest of a line that begins with \restrict, \unrestrict or \connect; leading blanks
                        and comments before it */
    RH_DUMP_BLANKS,  /* blanks and comments: at the end of the dump, or behind COPY … FROM stdin; */
} rh_dump_kind;

/* Longer statements are handed out in parts; the longest are refused: psql and the server each hold them. */
enum { RH_DUMP_HELD = 1024 * 1024, RH_DUMP_LONGEST = 256 * 1024 * 1024 };

typedef struct rh_dump_piece {
    rh_dump_kind kind;
    const char *bytes; /* valid during the call */
    size_t length;
    size_t start;     /* offset in BYTES of the first token; COPY data: 0 */
    int64_t line;     /* of that token, from 1 */
    int64_t end_line; /* of the last byte */
    bool first, last; /* of its statement or COPY data */
} rh_dump_piece;

/* Called for every piece, in order: together they are the dump, byte by byte. False ends the reading (with
 * ERROR set, or silently). */
typedef bool (*rh_dump_sink)(void *user, const rh_dump_piece *piece, rh_error *error);

typedef struct rh_dump_lexer rh_dump_lexer;

/* FILE names the dump in errors. */
rh_dump_lexer *rh_dump_lexer_new(const char *file, rh_dump_sink sink, void *user);
void rh_dump_lexer_free(rh_dump_lexer *lexer);
/* The next bytes. False when the sink ended it or the text is refused (RH_ERROR_REFUSED with the line). */
bool rh_dump_lexer_feed(rh_dump_lexer *lexer, const char *bytes, size_t length, rh_error *error);
/* No more bytes. RH_ERROR_BACKUP when the dump ends in the middle of something, or pg_dump's closing line is
 * missing. */
bool rh_dump_lexer_finish(rh_dump_lexer *lexer, rh_error *error);
