#include "recovery.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static bool read(rh_reader *reader, const char *key, rh_yaml_node *node, const char **text)
{
    *text = rh_value_text(reader, key, node);
    if (*text && !**text)
        return rh_value_fail(reader, node, "%s is empty", key);
    return *text != NULL;
}

bool rh_restore_command_read(rh_reader *reader, const char *key, rh_yaml_node *node, const char **text)
{
    if (!read(reader, key, node, text))
        return false;
    if (strstr(*text, "%f") && strstr(*text, "%p"))
        return true;
    rh_value_fail(reader, node, "%s must have %%f, a file's name, and %%p, the path to write", key);
    return rh_error_hint(reader->error, "as PostgreSQL's: restore_command: 'cp /archive/%%f \"%%p\"'");
}

/* "2026-03-14 15:09:26+01:30" in seconds since 1970; ZONE: what follows the seconds. */
static int64_t seconds_of(const char *value, const char *zone)
{
    struct tm time = {0};
    int hours = 0, minutes = 0;
    if (sscanf(value, "%d-%d-%d %d:%d:%d", &time.tm_year, &time.tm_mon, &time.tm_mday, &time.tm_hour,
               &time.tm_min, &time.tm_sec) != 6)
        return 0;
    time.tm_year -= 1900;
    time.tm_mon -= 1;
    bool offset = *zone == '+' || *zone == '-';
    if (offset && strlen(zone) >= 5 && !strchr(zone, ':'))
        sscanf(zone + 1, "%2d%2d", &hours, &minutes);
    else if (offset)
        sscanf(zone + 1, "%d:%d", &hours, &minutes);
    int64_t east = hours * 3600 + minutes * 60;
    return (int64_t)timegm(&time) - (*zone == '-' ? -east : east);
}

/* With a time zone: without one it would be that of the staging server. */
bool rh_target_time_read(rh_reader *reader, const char *key, rh_yaml_node *node, const char **text)
{
    static const char form[] = "dddd-dd-dd dd:dd:dd";
    if (!read(reader, key, node, text))
        return false;
    const char *value = *text;
    size_t at = 0;
    while (form[at] && value[at] &&
           (form[at] == 'd' ? isdigit((unsigned char)value[at]) != 0 : value[at] == form[at]))
        at++;
    const char *rest = value + at;
    rest += *rest == '.' ? 1 + strspn(rest + 1, "0123456789") : 0;
    rest += *rest == ' ';
    bool offset = (*rest == '+' || *rest == '-') && rest[1] && rest[1 + strspn(rest + 1, "0123456789:")] == 0;
    if (!form[at] && (offset || strcmp(rest, "UTC") == 0 || strcmp(rest, "Z") == 0)) {
        reader->scenario->backup.target.time_s = seconds_of(value, rest);
        return true;
    }
    rh_value_fail(reader, node, "%s must be a time with its time zone, not \"%s\"", key, value);
    return rh_error_hint(reader->error, "write time: 2026-03-14 15:09:26+01, or … UTC");
}

bool rh_target_name_read(rh_reader *reader, const char *key, rh_yaml_node *node, const char **text)
{
    enum { LONGEST = 63 };
    return read(reader, key, node, text) &&
           (strlen(*text) <= LONGEST ||
            rh_value_fail(reader, node, "%s must have 63 bytes or fewer: the name of a restore point", key));
}

bool rh_target_lsn_read(rh_reader *reader, const char *key, rh_yaml_node *node, const char **text)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    if (!read(reader, key, node, text))
        return false;
    const char *value = *text;
    size_t high = strspn(value, digits), low = value[high] == '/' ? strspn(value + high + 1, digits) : 0;
    if (high > 0 && high <= 8 && low > 0 && low <= 8 && !value[high + 1 + low])
        return true;
    rh_value_fail(reader, node, "%s must be a position in the WAL, not \"%s\"", key, value);
    return rh_error_hint(reader->error, "write it as pg_current_wal_lsn() does: lsn: 0/3000148");
}
