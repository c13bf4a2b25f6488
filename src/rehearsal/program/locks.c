#include "locks.h"
#include "pgrehearse/model/facts.h"
#include "pgrehearse/model/lock.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool is_name_byte(char c)
{
    return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

bool rh_program_begins_with(const char *sql, const char *const *words, size_t count)
{
    const char *word = sql + strspn(sql, " \t\r\n(");
    for (size_t i = 0; i < count; i++)
        if (strncasecmp(word, words[i], strlen(words[i])) == 0 && !is_name_byte(word[strlen(words[i])]))
            return true;
    return false;
}

static bool is_control(const char *sql)
{
    static const char *const words[] = {"commit", "end",     "begin",     "start",    "set",
                                        "show",   "release", "savepoint", "rollback", "reset"};
    return rh_program_begins_with(sql, words, sizeof words / sizeof *words);
}

bool rh_is_control_or_lock_statement(const char *sql)
{
    static const char *const lock[] = {"lock"};
    return is_control(sql) || rh_program_begins_with(sql, lock, 1);
}

/* ACCESS EXCLUSIVE is what LOCK TABLE takes when it names none. */
static bool locks_in_mode(const char *sql, rh_lock_mode mode)
{
    for (int named = RH_LOCK_NONE + 1; named < RH_LOCK_MODE_COUNT; named++) {
        char clause[64];
        snprintf(clause, sizeof clause, "in %s mode", rh_lock_mode_sql((rh_lock_mode)named));
        if (strcasestr(sql, clause))
            return mode == (rh_lock_mode)named;
    }
    return mode == RH_LOCK_ACCESS_EXCLUSIVE;
}

bool rh_program_may_lock(const char *sql, rh_lock_mode mode)
{
    static const char *const weak[] = {"select", "insert", "update", "delete",
                                       "with",   "merge",  "values", "table"};
    static const char *const lock[] = {"lock"};
    if (is_control(sql))
        return false;
    if (rh_program_begins_with(sql, lock, 1))
        return locks_in_mode(sql, mode);
    return mode <= RH_LOCK_ROW_EXCLUSIVE || !rh_program_begins_with(sql, weak, sizeof weak / sizeof *weak);
}

bool rh_is_read_only_statement(const char *sql)
{
    static const char *const words[] = {"select", "values", "table", "fetch", "declare", "close"};
    return is_control(sql) || rh_program_begins_with(sql, words, sizeof words / sizeof *words);
}
