/* Rollback: its duration, and the differences after it. */
#include "record.h"

void rh_record_differences(rh_json *parent, const char *key, const rh_difference *differences, size_t count)
{
    rh_json *array = rh_json_add_array(parent, key);
    for (size_t i = 0; i < count; i++) {
        rh_json *difference = rh_json_add_object(array, NULL);
        rh_json_add_string(difference, "object", differences[i].object);
        rh_json_add_string(difference, "change", rh_change_name(differences[i].change));
        rh_json_add_string(difference, "before", differences[i].before);
        rh_json_add_string(difference, "after", differences[i].after);
    }
}

static void add_columns(rh_json *table, const rh_table_data *t)
{
    rh_json *columns = rh_json_add_array(table, "columns");
    for (size_t i = 0; i < t->column_count; i++) {
        const rh_column_change *c = &t->columns[i];
        rh_json *column = rh_json_add_object(columns, NULL);
        rh_json_add_string(column, "column", c->column);
        rh_json_add_string(column, "change", rh_change_name(c->change));
        rh_json_add_count(column, "values_before", c->values_before);
        rh_json_add_count(column, "values_after", c->values_after);
        rh_json_add_count(column, "values_lost", c->values_lost);
    }
}

static void add_table(rh_json *tables, const rh_table_data *t)
{
    rh_json *table = rh_json_add_object(tables, NULL);
    rh_json_add_string(table, "table", t->table);
    rh_json_add_string(table, "compared", rh_data_depth_name(t->depth));
    rh_json_add_string(table, "reason", t->why);
    rh_json_add_count(table, "bytes", t->bytes);
    rh_json_add_bool(table, "affected", t->affected);
    rh_json_add_bool(table, "missing", t->missing);
    rh_json_add_count(table, "rows_before", t->rows_before);
    rh_json_add_count(table, "rows_after", t->rows_after);
    if (t->equal < 0)
        rh_json_add_null(table, "equal");
    else
        rh_json_add_bool(table, "equal", t->equal);
    add_columns(table, t);
}

rh_json *rh_record_data(const rh_data_comparison *data)
{
    if (!data->measured)
        return NULL;
    rh_json *object = rh_json_object();
    rh_record_figure(object, "elapsed_s", data->elapsed_s);
    rh_json_add_int(object, "tables_equal", (int64_t)data->equal);
    rh_json_add_int(object, "tables_different", (int64_t)data->different);
    rh_json_add_int(object, "tables_counted_only", (int64_t)data->counted_only);
    rh_json_add_int(object, "tables_not_compared", (int64_t)data->not_compared);
    rh_json *tables = rh_json_add_array(object, "tables");
    for (size_t i = 0; i < data->table_count; i++)
        add_table(tables, &data->tables[i]);
    rh_json *sequences = rh_json_add_array(object, "sequences");
    for (size_t i = 0; i < data->sequence_count; i++) {
        rh_json *sequence = rh_json_add_object(sequences, NULL);
        rh_json_add_string(sequence, "sequence", data->sequences[i].sequence);
        rh_json_add_string(sequence, "before", data->sequences[i].before);
        rh_json_add_string(sequence, "after", data->sequences[i].after);
    }
    return object;
}

rh_json *rh_record_rollback(const rh_run *run, const rh_rollback *rollback, const rh_script *down)
{
    bool ran = rollback->outcome != RH_OUTCOME_NOT_RUN;
    rh_json *object = rh_json_object();
    rh_json_add_bool(object, "has_down", rollback->has_down);
    rh_json_add_string(object, "file", down ? down->file : NULL);
    rh_json_add_string(object, "outcome", rh_outcome_name(rollback->outcome));
    rh_json_add_string(object, "reversibility", rh_reversibility_name(rollback->reversibility));
    rh_json_add_string(object, "reason", rollback->why);
    rh_record_figure(object, "elapsed_s", ran ? rollback->down_s : RH_NOT_MEASURED);
    rh_record_figure(object, "reapply_s", ran ? rollback->reapply_s : RH_NOT_MEASURED);
    if (!ran || rollback->schema_restored < 0)
        rh_json_add_null(object, "schema_restored");
    else
        rh_json_add_bool(object, "schema_restored", rollback->schema_restored > 0);
    rh_record_differences(object, "differences", rollback->differences, rollback->difference_count);
    rh_json_add(object, "data", rh_record_data(&rollback->data));
    rh_record_failure(object, "error", rollback->failure);
    rh_json_add(object, "statements", down ? rh_record_statements(run, down) : rh_json_array());
    return object;
}
