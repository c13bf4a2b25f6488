#include "messages.h"
#include <string.h>

uint32_t rh_message_number(const char *bytes)
{
    const unsigned char *b = (const unsigned char *)bytes;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static size_t limit_of(const rh_message_reader *reader)
{
    const char type = reader->message.type;
    if (type == 0)
        return RH_MESSAGE_STARTUP_LIMIT;
    if (!reader->kept || !strchr(reader->kept, type))
        return 0;
    return type == 'Q' || type == 'P' ? RH_MESSAGE_TEXT_KEPT : RH_MESSAGE_KEPT;
}

/* The header is whole. */
static void begin_body(rh_message_reader *reader)
{
    const size_t typed = !reader->untyped;
    uint32_t length = rh_message_number((const char *)reader->header + typed);
    reader->message = (rh_message){.type = typed ? (char)reader->header[0] : '\0'};
    rh_text_clear(&reader->body);
    reader->broken = length < 4 || (!typed && (length < 8 || length > RH_MESSAGE_STARTUP_LIMIT)) ||
                     length > INT32_MAX || (typed && reader->message.type == 0);
    reader->message.length = reader->left = reader->broken ? 0 : length - 4;
}

static void keep(rh_message_reader *reader, const char *bytes, size_t count)
{
    size_t limit = limit_of(reader);
    size_t room = limit > reader->body.length ? limit - reader->body.length : 0;
    if (room)
        rh_text_append_bytes(&reader->body, bytes, count < room ? count : room);
}

size_t rh_message_read(rh_message_reader *reader, const char *bytes, size_t count, bool *complete)
{
    const size_t header = reader->untyped ? 4 : 5;
    size_t at = 0;
    *complete = false;
    if (reader->broken)
        return count;
    if (reader->header_count < header) {
        while (at < count && reader->header_count < header)
            reader->header[reader->header_count++] = (unsigned char)bytes[at++];
        if (reader->header_count < header)
            return at;
        begin_body(reader);
        if (reader->broken)
            return count;
    }
    size_t part = count - at < reader->left ? count - at : reader->left;
    keep(reader, bytes + at, part);
    reader->left -= (uint32_t)part;
    if (reader->left == 0) {
        *complete = true;
        reader->header_count = 0;
        reader->message.body = rh_text_string(&reader->body);
        reader->message.body_count = reader->body.length;
    }
    return at + part;
}

bool rh_message_is_open(const rh_message_reader *reader)
{
    return reader->header_count == (reader->untyped ? 4U : 5U);
}

void rh_message_reader_release(rh_message_reader *reader)
{
    rh_text_release(&reader->body);
}
