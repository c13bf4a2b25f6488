#include "statistics_time.h"
#include <ctype.h>
#include <stdlib.h>

/* Days since 1970-01-01 of a date of the Gregorian calendar (Hinnant, "chrono-compatible low-level date
 * algorithms"). */
static long days_of(long year, long month, long day)
{
    year -= month <= 2;
    long era = (year >= 0 ? year : year - 399) / 400, of_era = year - era * 400;
    long of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* DIGITS digits, in LOW … HIGH. */
static bool number(const char **at, int digits, long low, long high, long *value)
{
    *value = 0;
    for (int i = 0; i < digits; i++, (*at)++) {
        if (!isdigit((unsigned char)**at))
            return false;
        *value = *value * 10 + (**at - '0');
    }
    return *value >= low && *value <= high;
}

static bool skip(const char **at, char c)
{
    if (**at != c)
        return false;
    (*at)++;
    return true;
}

/* "", "Z", "+01", "-03:30". */
static bool zone(const char **at, long *offset_s)
{
    long hours, minutes = 0;
    *offset_s = 0;
    if (!**at || skip(at, 'Z'))
        return !**at;
    bool west = **at == '-';
    if (!west && **at != '+')
        return false;
    (*at)++;
    if (!number(at, 2, 0, 15, &hours))
        return false;
    if (**at && (skip(at, ':'), !number(at, 2, 0, 59, &minutes)))
        return false;
    *offset_s = (west ? -1 : 1) * (hours * 3600 + minutes * 60);
    return !**at;
}

bool rh_statistics_time(const char *text, double *seconds)
{
    long year, month, day, hour, minute, second, offset;
    const char *at = text;
    if (!number(&at, 4, 1970, 9999, &year) || !skip(&at, '-') || !number(&at, 2, 1, 12, &month) ||
        !skip(&at, '-') || !number(&at, 2, 1, 31, &day) || !(skip(&at, ' ') || skip(&at, 'T')) ||
        !number(&at, 2, 0, 24, &hour) || !skip(&at, ':') || !number(&at, 2, 0, 59, &minute) ||
        !skip(&at, ':') || !number(&at, 2, 0, 60, &second))
        return false;
    double fraction = 0;
    if (*at == '.') {
        double scale = 0.1;
        for (at++; isdigit((unsigned char)*at); at++, scale /= 10)
            fraction += scale * (*at - '0');
    }
    if (!zone(&at, &offset))
        return false;
    *seconds =
        (double)(days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset) + fraction;
    return true;
}
