#include "pgrehearse/base/text.h"
#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd"

static size_t bad(uint32_t *code)
{
    *code = 0xfffd;
    return 1;
}

size_t rh_utf8_decode(const char *bytes, uint32_t *code)
{
    const unsigned char *p = (const unsigned char *)bytes;
    *code = p[0];
    if (p[0] < 0x80)
        return p[0] ? 1 : 0;
    size_t length = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4)
        return bad(code);
    uint32_t value = p[0] & (0xffu >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        if ((p[i] & 0xc0) != 0x80) /* also stops at the string's end */
            return bad(code);
        value = value << 6 | (p[i] & 0x3f);
    }
    static const uint32_t SMALLEST[] = {0, 0, 0x80, 0x800, 0x10000};
    if (value < SMALLEST[length] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
        return bad(code);
    *code = value;
    return length;
}

void rh_text_append_utf8(rh_text *text, const char *string)
{
    uint32_t code;
    for (size_t length; (length = rh_utf8_decode(string, &code)); string += length) {
        if (code == 0xfffd)
            rh_text_append(text, REPLACEMENT);
        else
            rh_text_append_bytes(text, string, length);
    }
}

size_t rh_utf8_length(const char *string)
{
    size_t count = 0;
    uint32_t code;
    for (size_t length; (length = rh_utf8_decode(string, &code)); string += length)
        count++;
    return count;
}
