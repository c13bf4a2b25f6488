#include "first_words.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/base/scan.h"
#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

bool rh_is_word(const char *sql, const char *word)
{
    size_t length = strlen(word);
    return strncasecmp(sql, word, length) == 0 && !isalnum((unsigned char)sql[length]) &&
           sql[length] != '_' && sql[length] != '$' && (unsigned char)sql[length] < 0x80;
}

static bool is_one_of(const char *sql, const char *const *words, size_t count)
{
    const char *rest = rh_sql_skip_blanks(sql);
    for (size_t i = 0; i < count; i++)
        if (rh_is_word(rest, words[i]))
            return true;
    return false;
}

bool rh_is_begin(const char *sql)
{
    static const char *const words[] = {"begin", "start"};
    return is_one_of(sql, words, sizeof words / sizeof *words);
}

bool rh_is_schema_change(const char *sql)
{
    static const char *const words[] = {"alter",   "create",  "drop", "truncate",
                                        "cluster", "refresh", "lock", "reindex"};
    return is_one_of(sql, words, sizeof words / sizeof *words);
}

int64_t rh_tag_rows(const char *tag)
{
    const char *space = strrchr(tag, ' ');
    if (!space || !isdigit((unsigned char)space[1]))
        return -1;
    return strtoll(space + 1, NULL, 10);
}
