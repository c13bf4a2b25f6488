/* Where the messages of PostgreSQL's wire protocol, version 3, begin and end in a stream of bytes that comes
 * in pieces of any size (documentation, sections 55.2 and 55.7). Reads only; no sockets, no server. */
#pragma once
#include "pgrehearse/base/text.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    RH_MESSAGE_TEXT_KEPT = 128 * 1024, /* bytes of a Query's or Parse's body that are kept */
    RH_MESSAGE_KEPT = 4 * 1024,        /* of any other that is kept */
    RH_MESSAGE_STARTUP_LIMIT = 10000,  /* as in the server */
};

/* The codes of messages without a type, which open a connection. */
enum { RH_REQUEST_CANCEL = 80877102, RH_REQUEST_SSL = 80877103, RH_REQUEST_GSS = 80877104 };

/* One message; the body is valid until the reader reads on. */
typedef struct rh_message {
    char type;         /* 0: one of those that open a connection and have no type */
    uint32_t length;   /* of the whole body */
    const char *body;  /* 0-terminated; what was kept of it, which is nothing for types that are not */
    size_t body_count; /* bytes kept */
} rh_message;

/* Zero-initialise; rh_message_reader_release when done. */
typedef struct rh_message_reader {
    const char *kept; /* types whose bodies are kept; those without a type are always */
    bool untyped;     /* the next message has no type; the owner sets it and clears it */
    bool broken;      /* the bytes did not follow the protocol: all later ones are skipped */
    unsigned char header[5];
    size_t header_count;
    uint32_t left; /* bytes of the body that have not come yet */
    rh_message message;
    rh_text body;
} rh_message_reader;

/* Reads up to COUNT bytes and returns how many belong to what was read: up to the end of the first message
 * that is complete (*COMPLETE, then it is in reader->message), or all. */
size_t rh_message_read(rh_message_reader *reader, const char *bytes, size_t count, bool *complete);
/* True when a message's header has been read, and its body only in part. */
bool rh_message_is_open(const rh_message_reader *reader);
/* A 32-bit number in network order at BYTES. */
uint32_t rh_message_number(const char *bytes);
void rh_message_reader_release(rh_message_reader *reader);
