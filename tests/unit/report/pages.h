/* Pages rendered from a run, and what is asked of them. Include behind cmocka.h. */
#pragma once
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/report/report.h"
#include <libxml/parser.h>
#include <libxml/xpath.h>
#include <stdio.h>
#include <stdlib.h>

typedef rh_run *(*maker)(rh_arena *arena);
typedef bool (*renderer)(const rh_json *report, rh_text *text, rh_error *error);

static inline bool render_text(const rh_json *report, rh_text *text, rh_error *error)
{
    return rh_report_text(report, false, text, error);
}

static inline void render(maker make, renderer renderer_, rh_text *text)
{
    rh_arena *arena = rh_arena_new();
    rh_json *record = rh_report_json(make(arena));
    rh_arena_free(arena); /* the record stands alone */
    rh_error error = {0};
    assert_true(renderer_(record, text, &error));
    rh_json_free(record);
}

/* GOLDEN=1 in the environment writes the expected files anew. */
static inline void check_golden(const char *name, const char *text)
{
    char path[4096];
    rh_error error = {0};
    snprintf(path, sizeof path, "%s/tests/unit/report/golden/%s", RH_SOURCE_DIRECTORY, name);
    if (getenv("GOLDEN"))
        assert_true(rh_file_write(path, text, strlen(text), &error));
    rh_arena *arena = rh_arena_new();
    const char *expected = rh_file_read(path, 0, arena, NULL, &error);
    assert_non_null(expected);
    assert_string_equal(text, expected);
    rh_arena_free(arena);
}

static inline xmlDocPtr parse(const rh_text *text)
{
    xmlDocPtr document =
        xmlReadMemory(text->data, (int)text->length, "page", "UTF-8", XML_PARSE_NONET | XML_PARSE_HUGE);
    assert_non_null(document);
    return document;
}

static inline double count(xmlDocPtr document, const char *xpath)
{
    xmlXPathContextPtr context = xmlXPathNewContext(document);
    char expression[512];
    snprintf(expression, sizeof expression, "count(%s)", xpath);
    xmlXPathObjectPtr result = xmlXPathEvalExpression((const xmlChar *)expression, context);
    assert_non_null(result);
    double value = result->floatval;
    xmlXPathFreeObject(result);
    xmlXPathFreeContext(context);
    return value;
}
