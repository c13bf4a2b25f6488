/* One state machine in one file: every state reads and writes the same few fields, and its safety is judged
 * as a whole. */
#include "dump_lexer.h"
#include "statement.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/text.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The state of the lexer. */
typedef enum lexer_state {
    NORMAL,        /* between tokens, or inside a word or a number */
    STRING,        /* '…', E'…' and the like */
    STRING_ESCAPE, /* behind a backslash in a string that has escapes */
    STRING_QUOTE,  /* behind a quote in a string: its end, unless another quote follows */
    IDENTIFIER,    /* "…" */
    DOLLAR,        /* behind a $: maybe a dollar quote, the tag is being read */
    DOLLAR_BODY,   /* inside $tag$ … */
    LINE_COMMENT,
    BLOCK_COMMENT,
    COMMAND,    /* behind a backslash at the beginning of a statement, to the end of the line */
    COPY_START, /* behind COPY … FROM stdin; to the end of the line */
    COPY_DATA,
} lexer_state;

enum { WORD_SIZE = 80, TAG_SIZE = 256, COMMENT_SIZE = 64 };
enum { MID_LINE = 4 };

struct rh_dump_lexer {
    char *file;
    rh_dump_sink sink;
    void *user;
    lexer_state state;
    int64_t line; /* of the next byte */

    rh_text held;       /* the statement so far, from earlier feeds */
    size_t fed;         /* bytes of the current feed that are in HELD or handed out */
    bool has_token;     /* it is more than blanks and comments */
    size_t token_start; /* offset of its first token in the piece */
    int64_t token_line;
    bool in_parts; /* it was too long: earlier parts are handed out, */
    size_t parts;  /* of so many bytes */

    char word[WORD_SIZE]; /* the word that ends right before the next byte, lower case; "" if none */
    size_t word_length;
    unsigned char last; /* the byte before, where it may begin a comment: - or /, else 0 */
    int depth;          /* of parentheses */
    int comment_depth;
    unsigned char in_comment_last;
    /* psql's way to see a function body in BEGIN … END */
    int begin_depth, word_count;
    char first_words[4];
    bool after_semicolon, hidden_copy; /* one that did not end it; COPY came right behind such a one */

    bool escapes;             /* the string has backslash escapes */
    bool after_escape_string; /* an E'' string ended; blanks with a line break may continue it */
    bool continued_escape;    /* this string may be such a continuation */
    bool newline_since;
    bool standard_strings; /* standard_conforming_strings */
    char tag[TAG_SIZE];
    size_t tag_length;
    int tag_match; /* bytes of the closing tag that matched, -1 outside of one */

    char comment[COMMENT_SIZE]; /* its beginning, to find pg_dump's first and last line */
    size_t comment_length;
    bool begun, complete; /* pg_dump's header was seen; its trailer after it */

    int copy_line; /* 0 at the line's beginning, 1 behind \, 2 behind \., 3 behind \.CR, MID_LINE */
    bool copy_first;
};

rh_dump_lexer *rh_dump_lexer_new(const char *file, rh_dump_sink sink, void *user)
{
    rh_dump_lexer *lexer = rh_alloc(sizeof *lexer);
    *lexer = (rh_dump_lexer){.sink = sink, .user = user, .line = 1, .standard_strings = true};
    lexer->file = rh_strdup(file);
    return lexer;
}

void rh_dump_lexer_free(rh_dump_lexer *lexer)
{
    if (!lexer)
        return;
    rh_text_release(&lexer->held);
    free(lexer->file);
    free(lexer);
}

static bool refuse(rh_dump_lexer *lexer, rh_error *error, const char *what, const char *hint)
{
    rh_error_set(error, RH_ERROR_REFUSED, "the dump %s", what);
    rh_error_hint(error, "%s", hint);
    return rh_error_at(error, lexer->file, (int)lexer->line, 0);
}

/* A new statement begins with the next byte. */
static void reset_statement(rh_dump_lexer *lexer)
{
    rh_text_clear(&lexer->held);
    lexer->has_token = lexer->in_parts = false;
    lexer->parts = 0;
    lexer->depth = lexer->begin_depth = lexer->word_count = 0;
    lexer->word_length = 0;
    lexer->word[0] = 0;
    lexer->last = 0;
    lexer->after_escape_string = lexer->after_semicolon = lexer->hidden_copy = false;
    memset(lexer->first_words, 0, sizeof lexer->first_words);
}

/* Hands out what is held plus BYTES up to END of the feed, as KIND. */
static bool emit(rh_dump_lexer *lexer, rh_dump_kind kind, const char *bytes, size_t end, bool last,
                 rh_error *error)
{
    const char *piece_bytes = bytes + lexer->fed;
    size_t length = end - lexer->fed;
    if (lexer->held.length > 0) {
        rh_text_append_bytes(&lexer->held, piece_bytes, length);
        piece_bytes = lexer->held.data;
        length = lexer->held.length;
    }
    lexer->fed = end;
    rh_dump_piece piece = {.kind = kind,
                           .bytes = piece_bytes,
                           .length = length,
                           .start = lexer->has_token && !lexer->in_parts ? lexer->token_start : 0,
                           .line = lexer->has_token ? lexer->token_line : lexer->line,
                           .end_line = lexer->line,
                           .first = !lexer->in_parts,
                           .last = last};
    return lexer->sink(lexer->user, &piece, error);
}

/* The current byte (at AT of this feed) belongs to a token. */
static void note_token(rh_dump_lexer *lexer, size_t at)
{
    if (!lexer->has_token) {
        lexer->has_token = true;
        lexer->token_start = lexer->held.length + at - lexer->fed;
        lexer->token_line = lexer->line;
    }
}

/* A comment began at the token that was noted for its first byte. */
static void forget_token(rh_dump_lexer *lexer, size_t at)
{
    if (lexer->has_token && !lexer->in_parts &&
        lexer->token_start == lexer->held.length + at - 1 - lexer->fed)
        lexer->has_token = false;
}

/* As psql counts words to find CREATE [OR REPLACE] FUNCTION … BEGIN ATOMIC … END (psqlscan.l, rule
 * {identifier}). */
static void end_word(rh_dump_lexer *lexer)
{
    if (lexer->word_length == 0 || isdigit((unsigned char)lexer->word[0]))
        return;
    const char *word = lexer->word;
    static const char *const counted[] = {"create", "function", "procedure", "or", "replace"};
    char *first = lexer->first_words;
    for (size_t i = 0; i < sizeof counted / sizeof *counted; i++)
        if (lexer->word_count < 4 && strcmp(word, counted[i]) == 0)
            first[lexer->word_count] = word[0];
    lexer->word_count++;
    /* CREATE FUNCTION begin() …; COPY …; END; is one query to psql, and two statements more to the server. */
    lexer->hidden_copy = lexer->hidden_copy || (lexer->after_semicolon && strcmp(word, "copy") == 0);
    lexer->after_semicolon = false;
    bool function =
        first[0] == 'c' && (first[1] == 'f' || first[1] == 'p' ||
                            (first[1] == 'o' && first[2] == 'r' && (first[3] == 'f' || first[3] == 'p')));
    if (!function || lexer->depth > 0)
        return;
    if (strcmp(word, "begin") == 0 || (strcmp(word, "case") == 0 && lexer->begin_depth >= 1))
        lexer->begin_depth++;
    else if (strcmp(word, "end") == 0 && lexer->begin_depth > 0)
        lexer->begin_depth--;
}

/* A statement that changes how the following text reads. */
static bool follow_settings(rh_dump_lexer *lexer, const rh_dump_statement *statement, rh_error *error)
{
    static const char *const unsafe[] = {"sjis",     "shift_jis_2004", "shiftjis2004", "shift_jis",
                                         "shiftjis", "big5",           "gbk",          "gb18030",
                                         "uhc",      "johab",          "mskanji",      "windows932",
                                         "win932",   "windows936",     "win936",       "windows949",
                                         "win949",   "windows950",     "win950"};
    if (strcmp(statement->name, "standard_conforming_strings") == 0)
        lexer->standard_strings =
            strcasecmp(statement->value, "off") != 0 && strcasecmp(statement->value, "false") != 0 &&
            strcmp(statement->value, "0") != 0 && strcasecmp(statement->value, "no") != 0;
    if (strcmp(statement->name, "client_encoding") == 0)
        for (size_t i = 0; i < sizeof unsafe / sizeof *unsafe; i++)
            if (strcasecmp(statement->value, unsafe[i]) == 0)
                return refuse(lexer, error, "is in an encoding whose letters may contain a backslash",
                              "make it with pg_dump --encoding=UTF8");
    return true;
}

/* The semicolon at END - 1 ends the statement. */
static bool end_statement(rh_dump_lexer *lexer, const char *bytes, size_t end, rh_error *error)
{
    if (lexer->in_parts) {
        bool more = emit(lexer, RH_DUMP_PART, bytes, end, true, error);
        reset_statement(lexer);
        return more;
    }
    if (lexer->held.length > 0) {
        rh_text_append_bytes(&lexer->held, bytes + lexer->fed, end - lexer->fed);
        lexer->fed = end;
    }
    const char *sql = (lexer->held.length > 0 ? lexer->held.data : bytes + lexer->fed) + lexer->token_start;
    size_t length = (lexer->held.length > 0 ? lexer->held.length : end - lexer->fed) - lexer->token_start;
    rh_dump_statement statement;
    rh_dump_statement_read(sql, length, &statement);
    if (statement.kind == RH_STATEMENT_COPY_OTHER) {
        int64_t line = lexer->line;
        lexer->line = lexer->token_line;
        refuse(lexer, error,
               "has a COPY that is not from its own lines (a file, a program, a query or binary data)",
               "a dump must carry its data itself; take the statement out or make the dump with pg_dump");
        lexer->line = line;
        return false;
    }
    if (statement.kind == RH_STATEMENT_SET && !follow_settings(lexer, &statement, error))
        return false;
    bool more = emit(lexer, RH_DUMP_STATEMENT, bytes, end, true, error);
    reset_statement(lexer);
    if (statement.kind == RH_STATEMENT_COPY_IN) {
        lexer->state = COPY_START;
        lexer->copy_line = 0;
        lexer->copy_first = true;
    }
    return more;
}

/* A backslash outside of everything: the name decides. BYTES[AT] is behind it; the line is collected until
 * its end. */
static bool begin_command(rh_dump_lexer *lexer, size_t at, rh_error *error)
{
    if (lexer->has_token)
        return refuse(lexer, error, "has a psql command (\\…) in the middle of a statement",
                      "psql commands in a dump can run programs; take the line out if you trust it");
    note_token(lexer, at);
    lexer->word_length = 0;
    lexer->word[0] = 0;
    lexer->state = COMMAND;
    return true;
}

static bool end_command(rh_dump_lexer *lexer, const char *bytes, size_t end, rh_error *error)
{
    static const char *const harmless[] = {"restrict", "unrestrict", "connect", "c"};
    lexer->state = NORMAL;
    char name[WORD_SIZE];
    size_t length = strcspn(lexer->word, " \t\r");
    memcpy(name, lexer->word, length);
    name[length] = 0;
    for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++) {
        if (strcmp(name, harmless[i]) == 0 && !strchr(lexer->word + length, '`') &&
            !strchr(lexer->word + length, '\\')) {
            bool more = emit(lexer, RH_DUMP_COMMAND, bytes, end, true, error);
            reset_statement(lexer);
            return more;
        }
    }
    for (size_t i = 0; i < length; i++) /* the name may carry anything: show what is a name */
        if (!isalnum((unsigned char)name[i]) && !strchr("!?_+", name[i]))
            name[i] = 0;
    char what[WORD_SIZE + 40];
    snprintf(what, sizeof what, "has the psql command \\%.16s", name);
    return refuse(lexer, error, what,
                  "psql commands in a dump can run programs; take the line out if you trust it");
}

static void end_comment(rh_dump_lexer *lexer)
{
    static const char header[] = "-- PostgreSQL database dump",
                      trailer[] = "-- PostgreSQL database dump complete";
    size_t length = lexer->comment_length;
    while (length > 0 && isspace((unsigned char)lexer->comment[length - 1]))
        length--;
    if (length == sizeof trailer - 1 && memcmp(lexer->comment, trailer, length) == 0)
        lexer->complete = true;
    if (length == sizeof header - 1 && memcmp(lexer->comment, header, length) == 0) {
        lexer->begun = true;
        lexer->complete = false;
    }
}

/* A quote opens a string. */
static bool begin_string(rh_dump_lexer *lexer, size_t at, rh_error *error)
{
    const char *word = lexer->word;
    char prefix = lexer->word_length == 1 ? word[0] : 0;
    if (lexer->word_length > 1 && isdigit((unsigned char)word[0]) &&
        !isdigit((unsigned char)word[lexer->word_length - 1]))
        return refuse(lexer, error, "has a string directly after a number with letters",
                      "this is not SQL that pg_dump writes");
    /* last is & only right behind U. */
    lexer->escapes =
        prefix == 'e' || (!lexer->standard_strings && prefix != 'b' && prefix != 'x' && lexer->last != '&');
    lexer->continued_escape = lexer->after_escape_string && lexer->newline_since;
    lexer->after_escape_string = false;
    note_token(lexer, at);
    if (prefix == 0 || !strchr("ebxn", prefix))
        end_word(lexer);
    lexer->word_length = 0;
    lexer->word[0] = 0;
    lexer->last = 0;
    lexer->state = STRING;
    return true;
}

static void add_to_word(rh_dump_lexer *lexer, unsigned char c)
{
    if (lexer->word_length + 1 < WORD_SIZE) {
        lexer->word[lexer->word_length++] = (char)tolower(c);
        lexer->word[lexer->word_length] = 0;
    }
}

/* One byte between tokens. */
static bool step_normal(rh_dump_lexer *lexer, const char *bytes, size_t at, rh_error *error)
{
    unsigned char c = (unsigned char)bytes[at], last = lexer->last;
    bool word_part = isalnum(c) || c == '_' || c >= 0x80;
    if (word_part || (c == '$' && lexer->word_length > 0 && !isdigit((unsigned char)lexer->word[0]))) {
        note_token(lexer, at);
        lexer->after_escape_string = false;
        lexer->last = 0;
        add_to_word(lexer, c);
        return true;
    }
    if (c == '\'')
        return begin_string(lexer, at, error);
    bool after_u = lexer->word_length == 1 && lexer->word[0] == 'u';
    if (c == '$' && lexer->word_length > 0 && !isdigit((unsigned char)lexer->word[lexer->word_length - 1]))
        return refuse(lexer, error, "has a dollar sign directly after a number with letters",
                      "this is not SQL that pg_dump writes");
    end_word(lexer);
    if (lexer->hidden_copy)
        return refuse(lexer, error, "has a COPY inside of another statement",
                      "this is not SQL that pg_dump writes");
    lexer->word_length = 0;
    lexer->word[0] = 0;
    lexer->last = c == '-' || c == '/' || (c == '&' && after_u) ? c : 0;
    if (isspace(c)) {
        lexer->newline_since = lexer->newline_since || c == '\n' || c == '\r';
        return true;
    }
    if ((c == '-' && last == '-') || (c == '*' && last == '/')) {
        forget_token(lexer, at);
        lexer->last = 0;
        lexer->state = c == '-' ? LINE_COMMENT : BLOCK_COMMENT;
        lexer->comment_depth = 1;
        lexer->in_comment_last = 0;
        memcpy(lexer->comment, "--", 2);
        lexer->comment_length = 2;
        return true;
    }
    if (c != '-')
        lexer->after_escape_string = false;
    if (c == '\\')
        return begin_command(lexer, at, error);
    note_token(lexer, at);
    if (c == '"')
        lexer->state = IDENTIFIER;
    else if (c == '(')
        lexer->depth++;
    else if (c == ')' && lexer->depth > 0)
        lexer->depth--;
    else if (c == ';' && lexer->depth == 0 && lexer->begin_depth == 0)
        return end_statement(lexer, bytes, at + 1, error);
    else if (c == ';')
        lexer->after_semicolon = true;
    else if (c == '$') {
        lexer->state = DOLLAR;
        lexer->tag_length = 0;
    }
    return true;
}

/* One byte behind a $: a tag goes on, ends, or it was none. */
static bool step_dollar(rh_dump_lexer *lexer, const char *bytes, size_t at, rh_error *error)
{
    unsigned char c = (unsigned char)bytes[at];
    bool start = isalpha(c) || c == '_' || c >= 0x80;
    if (c == '$') {
        lexer->state = DOLLAR_BODY;
        lexer->tag_match = -1;
        return true;
    }
    if (start || (isdigit(c) && lexer->tag_length > 0)) {
        if (lexer->tag_length == TAG_SIZE)
            return refuse(lexer, error, "has a dollar quote with an unterminated tag",
                          "this is not SQL that pg_dump writes");
        lexer->tag[lexer->tag_length++] = (char)c;
        return true;
    }
    /* No quote: a lone $ and then a word, or a parameter, whose number counts as the beginning of a word. */
    lexer->state = NORMAL;
    lexer->word_length = 0;
    lexer->word[0] = 0;
    for (size_t i = 0; i < lexer->tag_length; i++)
        add_to_word(lexer, (unsigned char)lexer->tag[i]);
    return step_normal(lexer, bytes, at, error);
}

static void step_dollar_body(rh_dump_lexer *lexer, char c)
{
    int match = lexer->tag_match;
    if (match >= 0 && (size_t)match == lexer->tag_length && c == '$')
        lexer->state = NORMAL;
    else if (c == '$')
        lexer->tag_match = 0;
    else if (match >= 0 && (size_t)match < lexer->tag_length && c == lexer->tag[match])
        lexer->tag_match++;
    else
        lexer->tag_match = -1;
}

static void step_block_comment(rh_dump_lexer *lexer, unsigned char c)
{
    unsigned char last = lexer->in_comment_last;
    lexer->in_comment_last = c;
    if (c == '/' && last == '*') {
        lexer->in_comment_last = 0;
        if (--lexer->comment_depth == 0)
            lexer->state = NORMAL;
    } else if (c == '*' && last == '/') {
        lexer->in_comment_last = 0;
        lexer->comment_depth++;
    }
}

static bool step_string(rh_dump_lexer *lexer, const char *bytes, size_t at, rh_error *error)
{
    char c = bytes[at];
    switch (lexer->state) {
    case STRING:
        if (c == '\'')
            lexer->state = STRING_QUOTE;
        else if (c == '\\' && lexer->continued_escape)
            return refuse(lexer, error, "has a string with backslashes that goes on over lines",
                          "write the string in one piece");
        else if (c == '\\' && lexer->escapes)
            lexer->state = STRING_ESCAPE;
        return true;
    case STRING_ESCAPE:
        lexer->state = STRING;
        return true;
    default: /* STRING_QUOTE */
        lexer->state = STRING;
        if (c == '\'')
            return true;
        lexer->state = NORMAL;
        lexer->after_escape_string = lexer->escapes || lexer->continued_escape;
        lexer->newline_since = false;
        return step_normal(lexer, bytes, at, error);
    }
}

/* One byte of anything but COPY data. */
static bool step(rh_dump_lexer *lexer, const char *bytes, size_t at, rh_error *error)
{
    char c = bytes[at];
    switch (lexer->state) {
    case NORMAL:
        return step_normal(lexer, bytes, at, error);
    case STRING:
    case STRING_ESCAPE:
    case STRING_QUOTE:
        return step_string(lexer, bytes, at, error);
    case IDENTIFIER:
        if (c == '"')
            lexer->state = NORMAL; /* a doubled quote opens it again at once */
        return true;
    case DOLLAR:
        return step_dollar(lexer, bytes, at, error);
    case DOLLAR_BODY:
        step_dollar_body(lexer, c);
        return true;
    case BLOCK_COMMENT:
        step_block_comment(lexer, (unsigned char)c);
        return true;
    case LINE_COMMENT:
        if (c == '\n' || c == '\r') {
            end_comment(lexer);
            lexer->state = NORMAL;
            lexer->newline_since = true;
        } else if (lexer->comment_length < COMMENT_SIZE) {
            lexer->comment[lexer->comment_length++] = c;
        }
        return true;
    case COMMAND:
        if (c == '\n')
            return end_command(lexer, bytes, at + 1, error);
        add_to_word(lexer, (unsigned char)c);
        return true;
    default: /* COPY_START */
        if (c == '\n')
            lexer->state = COPY_DATA;
        else if (!isspace((unsigned char)c))
            return refuse(lexer, error, "has text after COPY … FROM stdin on the same line",
                          "this is not SQL that pg_dump writes");
        return true;
    }
}

/* COPY data from AT on: finds the line "\." and hands out everything before it. Returns where the data (or
 * the feed) ends. */
static bool copy_data(rh_dump_lexer *lexer, const char *bytes, size_t length, size_t *at, rh_error *error)
{
    static const char end_line[] = "\\.\r";
    size_t i = *at;
    bool ended = false;
    lexer->has_token = true;
    lexer->token_start = 0;
    lexer->token_line = lexer->line;
    while (i < length && !ended) {
        if (lexer->copy_line == MID_LINE) {
            const char *newline = memchr(bytes + i, '\n', length - i);
            if (!newline) {
                i = length;
                break;
            }
            i = (size_t)(newline - bytes);
        }
        char c = bytes[i++];
        if (c == '\n') {
            ended = lexer->copy_line == 2 || lexer->copy_line == 3;
            lexer->copy_line = 0;
            lexer->line++;
        } else if (lexer->copy_line < 3 && c == end_line[lexer->copy_line]) {
            lexer->copy_line++;
        } else {
            lexer->copy_line = MID_LINE;
        }
    }
    lexer->in_parts = !lexer->copy_first;
    bool more = emit(lexer, RH_DUMP_COPY_DATA, bytes, i, ended, error);
    lexer->copy_first = false;
    reset_statement(lexer);
    if (ended)
        lexer->state = NORMAL;
    *at = i;
    return more;
}

/* What of this feed is not handed out is kept; a statement that has grown too long goes out in parts. */
static bool keep(rh_dump_lexer *lexer, const char *bytes, size_t length, rh_error *error)
{
    rh_text_append_bytes(&lexer->held, bytes + lexer->fed, length - lexer->fed);
    lexer->fed = length;
    /* A - or / may yet turn out to begin a comment. */
    if (lexer->held.length <= RH_DUMP_HELD || lexer->state == COMMAND || lexer->last)
        return true;
    if (lexer->has_token && !lexer->in_parts) {
        rh_dump_words words = {lexer->held.data + lexer->token_start, lexer->held.data + lexer->held.length};
        if (rh_dump_words_skip(&words, "copy"))
            return refuse(lexer, error, "has a COPY statement of more than 1 MiB",
                          "this is not SQL that pg_dump writes");
    }
    lexer->parts += lexer->has_token ? lexer->held.length : 0;
    if (lexer->parts > RH_DUMP_LONGEST) { /* a limit of ours, not a danger */
        rh_error_set(error, RH_ERROR_BACKUP, "the dump has a statement of more than 256 MiB");
        rh_error_hint(error, "make it with pg_dump without --inserts, or with fewer --rows-per-insert");
        return rh_error_at(error, lexer->file, (int)lexer->line, 0);
    }
    bool more = emit(lexer, lexer->has_token ? RH_DUMP_PART : RH_DUMP_BLANKS, bytes, length, false, error);
    rh_text_clear(&lexer->held);
    lexer->in_parts = lexer->has_token;
    return more;
}

bool rh_dump_lexer_feed(rh_dump_lexer *lexer, const char *bytes, size_t length, rh_error *error)
{
    lexer->fed = 0;
    for (size_t i = 0; i < length;) {
        if (lexer->state == COPY_DATA) {
            if (!copy_data(lexer, bytes, length, &i, error))
                return false;
            continue;
        }
        if (bytes[i] == 0)
            return refuse(lexer, error,
                          "has a NUL byte: it is not text, or not in an encoding of one byte units",
                          "make it with pg_dump --encoding=UTF8");
        bool newline = bytes[i] == '\n';
        if (!step(lexer, bytes, i, error))
            return false;
        /* The line break in front of COPY data counts before they begin. */
        lexer->line += newline;
        i++;
        if (lexer->state == COPY_DATA && !emit(lexer, RH_DUMP_BLANKS, bytes, i, false, error))
            return false;
        if (lexer->state == COPY_DATA)
            reset_statement(lexer);
    }
    return keep(lexer, bytes, length, error);
}

static bool cut(rh_dump_lexer *lexer, rh_error *error, const char *where)
{
    rh_error_set(error, RH_ERROR_BACKUP, "the dump is truncated: it ends %s", where);
    rh_error_hint(error, "compare the file's size with the original's, or make the dump again");
    return rh_error_at(error, lexer->file, (int)lexer->line, 0);
}

bool rh_dump_lexer_finish(rh_dump_lexer *lexer, rh_error *error)
{
    lexer->fed = 0;
    if (lexer->state == COMMAND && !end_command(lexer, "", 0, error))
        return false;
    if (lexer->state == LINE_COMMENT) {
        end_comment(lexer);
        lexer->state = NORMAL;
    }
    switch (lexer->state) {
    case NORMAL:
        break;
    case COPY_START:
    case COPY_DATA:
        return cut(lexer, error, "in the middle of COPY data");
    case BLOCK_COMMENT:
        return cut(lexer, error, "inside a comment");
    case STRING_QUOTE:
        return cut(lexer, error, "in the middle of a statement");
    default:
        return cut(lexer, error, "inside a quoted string");
    }
    if (lexer->has_token)
        return cut(lexer, error, "in the middle of a statement (no semicolon)");
    if (lexer->begun && !lexer->complete)
        return cut(lexer, error, "without pg_dump's last line (\"PostgreSQL database dump complete\")");
    return emit(lexer, RH_DUMP_BLANKS, "", 0, true, error);
}
