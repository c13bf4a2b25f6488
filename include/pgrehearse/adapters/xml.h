/* libxml2's xmlTextWriter: HTML (written as XHTML-compatible HTML5), SVG and JUnit, escaped and well-formed
 * by construction. */
#pragma once
#include "pgrehearse/base/error.h"
#include "pgrehearse/base/text.h"
#include <stdbool.h>

typedef struct rh_xml rh_xml;

/* Writes into memory. INDENT: line breaks between elements (JUnit), or none (HTML, where blanks matter). */
rh_xml *rh_xml_new(bool indent);
void rh_xml_free(rh_xml *xml);
void rh_xml_declaration(rh_xml *xml); /* <?xml …?> */
void rh_xml_doctype_html(rh_xml *xml);
/* Opens an element; attributes follow as name, value pairs (const char *), ended by NULL. A NULL value leaves
 * the attribute out. */
void rh_xml_open(rh_xml *xml, const char *element, ...) __attribute__((sentinel));
void rh_xml_close(rh_xml *xml);
/* Void elements of HTML close themselves; others are written with an end tag even when empty. */
void rh_xml_attribute(rh_xml *xml, const char *name, const char *value);
void rh_xml_attributef(rh_xml *xml, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Escaped text; characters that XML does not allow become U+FFFD, bytes that are not UTF-8 too. */
void rh_xml_text(rh_xml *xml, const char *text);
void rh_xml_textf(rh_xml *xml, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Trusted markup of our own (the style sheet); never data. */
void rh_xml_raw(rh_xml *xml, const char *markup);
/* <element attributes…>text</element> in one call. */
void rh_xml_element(rh_xml *xml, const char *element, const char *text, ...) __attribute__((sentinel));
/* The document so far; heap, the caller frees. */
char *rh_xml_finish(rh_xml *xml, rh_error *error);
