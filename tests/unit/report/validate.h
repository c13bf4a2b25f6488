/* Records held against reports/report.schema.json. Include behind cmocka.h. */
#pragma once
#include "pgrehearse/adapters/json.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The exit status of validate.py over all files of DIRECTORY: one start of Python for many records. */
static int validate(const char *options, const char *directory)
{
    char command[4096];
    snprintf(command, sizeof command,
             "python3 '%s/tests/unit/report/validate.py' '%s/reports/report.schema.json' %s '%s'/*.json",
             RH_SOURCE_DIRECTORY, RH_SOURCE_DIRECTORY, options, directory);
    return system(command);
}

static void write_record(const char *directory, int number, const rh_json *record)
{
    char path[64];
    snprintf(path, sizeof path, "%s/%02d.json", directory, number);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    char *text = rh_json_format(record);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
    free(text);
}

static void remove_records(const char *directory, int count)
{
    for (int i = 0; i < count; i++) {
        char path[64];
        snprintf(path, sizeof path, "%s/%02d.json", directory, i);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(rmdir(directory), 0);
}

static bool can_validate(void)
{
    if (system("python3 -c 'import jsonschema' 2>/dev/null") == 0)
        return true;
    print_message("skipped: python3-jsonschema is not installed\n");
    return false;
}
