#include "record.h"

static void add_row(rh_json *rows, const rh_incompatibility *found)
{
    rh_json *row = rh_json_add_object(rows, NULL);
    rh_json_add_string(row, "application", rh_release_name(found->application));
    rh_json_add_string(row, "template", found->template_name);
    rh_json_add_string(row, "sql", found->sql);
    rh_record_figure(row, "share", found->share);
    rh_json_add_string(row, "broken_by", found->broken_by);
    rh_json_add_string(row, "fixed_by", found->fixed_by);
    rh_json_add_string(row, "sqlstate", found->sqlstate && *found->sqlstate ? found->sqlstate : NULL);
    rh_json_add_string(row, "message", found->message);
    rh_json_add_int(row, "tried", found->tried);
    rh_json_add_int(row, "failed", found->failed);
}

rh_json *rh_record_compatibility(const rh_compatibility *compatibility)
{
    if (!compatibility->measured)
        return NULL;
    rh_json *object = rh_json_object();
    rh_json_add_int(object, "current_tried", (int64_t)compatibility->current_tried);
    if (compatibility->next_measured)
        rh_json_add_int(object, "next_tried", (int64_t)compatibility->next_tried);
    else
        rh_json_add_null(object, "next_tried");
    rh_json *rows = rh_json_add_array(object, "incompatibilities");
    for (size_t i = 0; i < compatibility->row_count; i++)
        add_row(rows, &compatibility->rows[i]);
    if (compatibility->next_measured)
        rh_record_mix(object, "next_mix", &compatibility->next);
    else
        rh_json_add_null(object, "next_mix");
    return object;
}
