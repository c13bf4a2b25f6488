#include "pgrehearse/adapters/xml.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/text.h"
#include <libxml/xmlwriter.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 64 };

struct rh_xml {
    xmlBufferPtr buffer;
    xmlTextWriterPtr writer;
    bool is_void[DEPTH_MAX]; /* of the open elements */
    int depth;
    bool failed; /* no memory, or elements nested too deep or closed too often: a bug of this program */
};

/* As libxml2 has it; its own macro would take const away. */
static const xmlChar *utf8(const char *text)
{
    return (const xmlChar *)text;
}

rh_xml *rh_xml_new(bool indent)
{
    rh_xml *xml = rh_alloc(sizeof *xml);
    xml->buffer = xmlBufferCreate();
    xml->writer = xml->buffer ? xmlNewTextWriterMemory(xml->buffer, 0) : NULL;
    if (!xml->writer)
        abort();
    if (indent) {
        xmlTextWriterSetIndent(xml->writer, 1);
        xmlTextWriterSetIndentString(xml->writer, utf8("  "));
    }
    return xml;
}

void rh_xml_free(rh_xml *xml)
{
    if (!xml)
        return;
    xmlFreeTextWriter(xml->writer);
    xmlBufferFree(xml->buffer);
    free(xml);
}

static void check(rh_xml *xml, int status)
{
    xml->failed = xml->failed || status < 0;
}

void rh_xml_declaration(rh_xml *xml)
{
    check(xml, xmlTextWriterStartDocument(xml->writer, "1.0", "UTF-8", NULL));
}

void rh_xml_doctype_html(rh_xml *xml)
{
    rh_xml_raw(xml, "<!DOCTYPE html>\n");
}

static bool is_void_element(const char *element)
{
    static const char *const names[] = {"area",  "base", "br",   "col",    "embed", "hr", "img",
                                        "input", "link", "meta", "source", "track", "wbr"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], element) == 0)
            return true;
    return false;
}

/* XML 1.0 allows tab, line feed, carriage return, and everything from U+0020 but U+FFFE and U+FFFF. */
static void clean(rh_text *out, const char *text)
{
    uint32_t code;
    for (size_t length; (length = rh_utf8_decode(text, &code)); text += length) {
        bool allowed = code >= 0x20 ? code != 0xfffe && code != 0xffff && code != 0xfffd
                                    : code == '\t' || code == '\n' || code == '\r';
        if (allowed)
            rh_text_append_bytes(out, text, length);
        else
            rh_text_append(out, "\xef\xbf\xbd");
    }
}

static void open_element(rh_xml *xml, const char *element, va_list attributes)
{
    if (xml->depth == DEPTH_MAX) {
        xml->failed = true;
        return;
    }
    check(xml, xmlTextWriterStartElement(xml->writer, utf8(element)));
    xml->is_void[xml->depth++] = is_void_element(element);
    for (const char *name; (name = va_arg(attributes, const char *));) {
        const char *value = va_arg(attributes, const char *);
        if (value)
            rh_xml_attribute(xml, name, value);
    }
}

void rh_xml_open(rh_xml *xml, const char *element, ...)
{
    va_list attributes;
    va_start(attributes, element);
    open_element(xml, element, attributes);
    va_end(attributes);
}

void rh_xml_close(rh_xml *xml)
{
    if (xml->depth == 0) {
        xml->failed = true;
        return;
    }
    xml->depth--;
    check(xml, xml->is_void[xml->depth] ? xmlTextWriterEndElement(xml->writer)
                                        : xmlTextWriterFullEndElement(xml->writer));
}

void rh_xml_attribute(rh_xml *xml, const char *name, const char *value)
{
    rh_text text = {0};
    clean(&text, value);
    check(xml, xmlTextWriterWriteAttribute(xml->writer, utf8(name), utf8(rh_text_string(&text))));
    rh_text_release(&text);
}

void rh_xml_attributef(rh_xml *xml, const char *name, const char *format, ...)
{
    rh_text text = {0};
    va_list args;
    va_start(args, format);
    rh_text_vprintf(&text, format, args);
    va_end(args);
    rh_xml_attribute(xml, name, rh_text_string(&text));
    rh_text_release(&text);
}

void rh_xml_text(rh_xml *xml, const char *text)
{
    rh_text cleaned = {0};
    clean(&cleaned, text);
    check(xml, xmlTextWriterWriteString(xml->writer, utf8(rh_text_string(&cleaned))));
    rh_text_release(&cleaned);
}

void rh_xml_textf(rh_xml *xml, const char *format, ...)
{
    rh_text text = {0};
    va_list args;
    va_start(args, format);
    rh_text_vprintf(&text, format, args);
    va_end(args);
    rh_xml_text(xml, rh_text_string(&text));
    rh_text_release(&text);
}

void rh_xml_raw(rh_xml *xml, const char *markup)
{
    check(xml, xmlTextWriterWriteRaw(xml->writer, utf8(markup)));
}

void rh_xml_element(rh_xml *xml, const char *element, const char *text, ...)
{
    va_list attributes;
    va_start(attributes, text);
    open_element(xml, element, attributes);
    va_end(attributes);
    if (text)
        rh_xml_text(xml, text);
    rh_xml_close(xml);
}

char *rh_xml_finish(rh_xml *xml, rh_error *error)
{
    check(xml, xmlTextWriterEndDocument(xml->writer));
    check(xml, xmlTextWriterFlush(xml->writer));
    if (xml->failed || xml->depth != 0) {
        rh_error_set(error, RH_ERROR_INTERNAL, "a page could not be written (%d elements left open)",
                     xml->depth);
        return NULL;
    }
    return rh_strdup((const char *)xmlBufferContent(xml->buffer));
}
