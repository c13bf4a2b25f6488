#include "canvas.h"

double rh_canvas_x(const rh_canvas *c, double at_s)
{
    double share = (at_s - c->timeline->from_s) / (c->timeline->to_s - c->timeline->from_s);
    share = share < 0 ? 0 : share > 1 ? 1 : share;
    return RH_CANVAS_LEFT + share * (RH_CANVAS_WIDTH - RH_CANVAS_LEFT - RH_CANVAS_RIGHT);
}

void rh_canvas_text(rh_canvas *c, double x, double y, const char *class_, const char *text)
{
    rh_xml_open(c->xml, "text", "class", class_, NULL);
    rh_xml_attributef(c->xml, "x", "%.1f", x);
    rh_xml_attributef(c->xml, "y", "%.1f", y);
    rh_xml_text(c->xml, text);
    rh_xml_close(c->xml);
}

void rh_canvas_line(rh_canvas *c, double x1, double y1, double x2, double y2, const char *class_)
{
    rh_xml_open(c->xml, "line", "class", class_, NULL);
    rh_xml_attributef(c->xml, "x1", "%.1f", x1);
    rh_xml_attributef(c->xml, "y1", "%.1f", y1);
    rh_xml_attributef(c->xml, "x2", "%.1f", x2);
    rh_xml_attributef(c->xml, "y2", "%.1f", y2);
    rh_xml_close(c->xml);
}

void rh_canvas_box(rh_canvas *c, double x, double y, double width, double height, const char *class_,
                   const char *title)
{
    rh_xml_open(c->xml, "rect", "class", class_, NULL);
    rh_xml_attributef(c->xml, "x", "%.1f", x);
    rh_xml_attributef(c->xml, "y", "%.1f", y);
    rh_xml_attributef(c->xml, "width", "%.1f", width);
    rh_xml_attributef(c->xml, "height", "%.1f", height);
    if (title)
        rh_xml_element(c->xml, "title", title, NULL);
    rh_xml_close(c->xml);
}

void rh_canvas_heading(rh_canvas *c, const char *text)
{
    rh_canvas_text(c, 0, c->y + 11, "h", text);
    c->y += RH_CANVAS_HEADING;
}
