#include "group.h"
#include "pgrehearse/sql/classify.h"
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/base/units.h"
#include <string.h>
#include <strings.h>

/* A change of rows without a hazard and without a comment of the user's. */
static bool is_plain(const rh_statement *s)
{
    return (s->class_ == RH_CLASS_DATA_CHANGE || s->class_ == RH_CLASS_BACKFILL_BATCH) &&
           s->hazard_count == 0 && s->command_tag && s->expected_relation && !s->needs_no_transaction &&
           !s->file;
}

static void append(rh_statement *to, const rh_grouped_statement *given, rh_arena *arena)
{
    *rh_arena_add(arena, &to->grouped, &to->grouped_count) = *given;
}

/* "INSERT INTO t (a, b" up to its first parenthesis that is closed no more: what names the table. */
static size_t head_length(const char *sql)
{
    const char *values = strncasecmp(sql, "insert", 6) == 0 ? strcasestr(sql, "values") : NULL;
    return values ? (size_t)(values - sql) + strlen("values") : 0;
}

bool rh_group_with_last(rh_script *script, const rh_grouped_statement *given, rh_transaction_rule rule,
                        rh_arena *arena)
{
    rh_statement *last =
        script->statement_count > 1 ? &script->statements[script->statement_count - 1] : NULL;
    if (!last || !is_plain(last) || strcmp(last->command_tag, "INSERT") != 0)
        return false;
    const size_t length = head_length(last->sql);
    if (length == 0 || strncmp(last->sql, given->sql, length) != 0)
        return false;
    if (rule == RH_TRANSACTION_OWN && !rh_sql_parses(given->sql))
        return false; /* the server would refuse the file before it runs any of it */
    append(last, given, arena);
    return true;
}

static bool is_same(const rh_statement *a, const rh_statement *b)
{
    return strcmp(a->command_tag, b->command_tag) == 0 && a->class_ == b->class_ &&
           strcmp(a->expected_relation, b->expected_relation) == 0;
}

/* Statements that follow one another become one, in place. */
static void group_changes(rh_script *script, bool any, rh_arena *arena)
{
    size_t kept = script->statement_count ? 1 : 0;
    for (size_t i = 1; i < script->statement_count; i++) {
        rh_statement *s = &script->statements[i], *last = &script->statements[kept - 1];
        if (kept > 1 && is_plain(last) && is_plain(s) && (any || is_same(last, s))) {
            append(last, &(rh_grouped_statement){s->sql, s->line, s->column}, arena);
            for (size_t k = 0; k < s->grouped_count; k++)
                append(last, &s->grouped[k], arena);
            if (!is_same(last, s))
                last->class_ = RH_CLASS_DATA_CHANGE;
        } else {
            script->statements[kept++] = *s;
        }
    }
    script->statement_count = kept;
}

void rh_group_statements(rh_script *script, rh_arena *arena)
{
    group_changes(script, false, arena);
    const bool any = script->statement_count > RH_GROUP_FROM;
    if (any)
        group_changes(script, true, arena);
    for (size_t i = 0; i < script->statement_count; i++) {
        rh_statement *s = &script->statements[i];
        char number[32];
        s->ordinal = (int)i + 1;
        if (s->grouped_count == 0)
            continue;
        s->class_expected = s->class_;
        s->redacted_sql = rh_arena_printf(arena, "%s /* and %s more%s */", s->redacted_sql,
                                          rh_count_format((int64_t)s->grouped_count, number, sizeof number),
                                          any ? " data changes, of several tables" : " of this table");
    }
}
