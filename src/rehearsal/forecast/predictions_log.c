#include "predictions_log.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/adapters/json.h"
#include "pgrehearse/base/text.h"
#include <stdlib.h>

bool rh_predictions_write(const rh_run *run, rh_error *error)
{
    rh_text lines = {0};
    char stamp[32];
    rh_clock_format_utc(rh_clock_wall(), stamp, sizeof stamp);
    for (size_t i = 0; i < run->prediction.backtest.row_count; i++) {
        const rh_backtest_row *row = &run->prediction.backtest.rows[i];
        rh_json *line = rh_json_object();
        rh_json_add_string(line, "written_at", stamp);
        rh_json_add_string(line, "predicts", "quiet pass");
        rh_json_add_string(line, "migration", row->migration);
        rh_json_add_int(line, "statement", row->statement);
        rh_json_add_real(line, "median_s", row->predicted_s);
        rh_json_add_real(line, "low_s", row->low_s);
        rh_json_add_real(line, "high_s", row->high_s);
        rh_json_add_string(line, "basis", row->basis);
        rh_json_add_real(line, "linear_from_largest_s", row->linear_largest_s);
        rh_json_add_real(line, "linear_from_smallest_s", row->linear_smallest_s);
        rh_json_add_real(line, "power_law_s", row->power_law_s);
        char *text = rh_json_format_line(line);
        rh_text_append(&lines, text);
        free(text);
        rh_json_free(line);
    }
    const char *path = rh_arena_printf(run->arena, "%s/predictions.log", run->directory);
    bool ok = rh_file_append(path, rh_text_string(&lines), lines.length, error);
    rh_text_release(&lines);
    return ok;
}
