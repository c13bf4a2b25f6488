#include "pgrehearse/adapters/xml.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void escapes_what_is_data(void **state)
{
    (void)state;
    rh_xml *xml = rh_xml_new(false);
    rh_xml_doctype_html(xml);
    rh_xml_open(xml, "p", "title", "a\"b<c>&\n", "class", NULL, NULL);
    rh_xml_text(xml, "<script>alert(1)</script> ]]> & caf\xe9 \x01 \x1b[31m");
    rh_xml_element(xml, "br", NULL, NULL);
    rh_xml_element(xml, "td", NULL, NULL);
    rh_xml_close(xml);
    rh_error error = {0};
    char *text = rh_xml_finish(xml, &error);
    assert_string_equal(text,
                        "<!DOCTYPE html>\n<p title=\"a&quot;b&lt;c&gt;&amp;&#10;\">"
                        "&lt;script&gt;alert(1)&lt;/script&gt; ]]&gt; &amp; caf\xef\xbf\xbd \xef\xbf\xbd "
                        "\xef\xbf\xbd[31m<br/><td></td></p>\n");
    free(text);
    rh_xml_free(xml);
}

static void refuses_a_page_left_open(void **state)
{
    (void)state;
    rh_error error = {0};
    rh_xml *xml = rh_xml_new(true);
    rh_xml_open(xml, "a", NULL);
    assert_null(rh_xml_finish(xml, &error));
    assert_int_equal(error.code, RH_ERROR_INTERNAL);
    rh_error_release(&error);
    rh_xml_free(xml);

    xml = rh_xml_new(true);
    rh_xml_element(xml, "a", "x", NULL);
    rh_xml_close(xml);
    assert_null(rh_xml_finish(xml, &error));
    rh_error_release(&error);
    rh_xml_free(xml);
    rh_xml_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escapes_what_is_data),
        cmocka_unit_test(refuses_a_page_left_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
