/* Rollback, as sentences. */
#include "pgrehearse/model/lock.h"
#include "view.h"
#include <string.h>

const char *rh_view_reversibility(const rh_json *rollback)
{
    static const struct {
        const char *name, *words;
    } words[] = {{"reversible", "reversible"},
                 {"reversible_with_loss", "reversible with loss"},
                 {"irreversible", "irreversible"},
                 {"broken", "broken"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (rh_view_is(rollback, "reversibility", words[i].name))
            return words[i].words;
    return "not rehearsed";
}

bool rh_view_rollback_works(const rh_json *rollback)
{
    return rh_view_is(rollback, "reversibility", "reversible") || !rh_json_get(rollback, "reversibility") ||
           !rh_json_bool(rh_json_get(rollback, "has_down"));
}

/* "; 2 irreversible (000014: no down migration)": the first of this kind is explained. */
static const char *of_kind(const rh_view *view, const char *text, const char *name, bool explained)
{
    const rh_view_migration *first = NULL;
    size_t count = 0;
    for (size_t i = 0; i < view->migration_count; i++) {
        if (!rh_view_is(rh_json_get(view->migrations[i].record, "rollback"), "reversibility", name))
            continue;
        first = first ? first : &view->migrations[i];
        count++;
    }
    if (!first)
        return text;
    text = rh_view_printf(view, "%s%s%zu %s", text, *text ? "; " : "", count,
                          rh_view_reversibility(rh_json_get(first->record, "rollback")));
    const char *why = rh_json_string(rh_json_path(first->record, "rollback.reason"));
    if (!explained || !why)
        return text;
    why = rh_view_line(view, rh_view_printf(view, "%.*s", (int)strcspn(why, ";"), why), 100);
    return rh_view_printf(view, "%s (%s: %s)", text, first->id, why);
}

static bool none_has_down(const rh_view *view)
{
    for (size_t i = 0; i < view->migration_count; i++)
        if (rh_json_bool(rh_json_path(view->migrations[i].record, "rollback.has_down")) ||
            rh_json_string(
                rh_json_path(view->migrations[i].record, "rollback.file"))) /* without statements */
            return false;
    return true;
}

static size_t not_rehearsed(const rh_view *view)
{
    size_t count = 0;
    for (size_t i = 0; i < view->migration_count; i++)
        count += !rh_json_path(view->migrations[i].record, "rollback.reversibility");
    return count;
}

const char *rh_view_rollback(const rh_view *view)
{
    const rh_json *set = rh_json_get(view->report, "rollback");
    const char *text = "";
    if (view->migration_count == 0)
        return "Rollback: nothing to roll back.";
    text = of_kind(view, text, "reversible", false);
    text = of_kind(view, text, "reversible_with_loss", true);
    text = of_kind(view, text, "irreversible", true);
    text = of_kind(view, text, "broken", true);
    if (!*text)
        return "Rollback: not measured.";
    if (none_has_down(view))
        return "Rollback: no migration has a down migration.";
    if (not_rehearsed(view) > 0)
        text = rh_view_printf(view, "%s; %zu not rehearsed", text, not_rehearsed(view));
    if (!set)
        return rh_view_printf(view, "Rollback: %s.", text);
    return rh_view_printf(view, "Rollback: %s; all together: %s.", text, rh_view_reversibility(set));
}

/* The stronger of two lock records, then the one held longer; one that was seen before one that was inferred.
 * Either may be NULL. */
static const rh_json *stronger(const rh_json *a, const rh_json *b)
{
    if (!a || !b)
        return a ? a : b;
    bool a_inferred = rh_json_bool(rh_json_get(a, "inferred")),
         b_inferred = rh_json_bool(rh_json_get(b, "inferred"));
    if (a_inferred != b_inferred)
        return a_inferred ? b : a;
    const rh_lock_mode of_a = rh_lock_mode_named(rh_view_string(a, "mode"));
    const rh_lock_mode of_b = rh_lock_mode_named(rh_view_string(b, "mode"));
    if (of_a != of_b)
        return of_a > of_b ? a : b;
    return rh_view_real(b, "held_s") > rh_view_real(a, "held_s") ? b : a;
}

const rh_json *rh_view_strongest_lock_of(const rh_json *statement)
{
    const rh_json *locks = rh_json_get(statement, "locks"), *strongest = NULL;
    for (size_t l = 0; l < rh_json_count(locks); l++)
        strongest = stronger(strongest, rh_json_at(locks, l));
    return strongest;
}

const rh_json *rh_view_strongest_lock(const rh_json *statements)
{
    const rh_json *strongest = NULL;
    for (size_t i = 0; i < rh_json_count(statements); i++)
        strongest = stronger(strongest, rh_view_strongest_lock_of(rh_json_at(statements, i)));
    return strongest;
}

/* Who has an interruption with KEY VALUE (NULL: a list that is not empty): how many, and the first. */
static size_t interrupted(const rh_view *view, const char *key, const char *value, const char **first)
{
    size_t count = 0;
    for (size_t m = 0; m < view->migration_count; m++) {
        const rh_json *list = rh_json_get(view->migrations[m].record, "interruptions");
        for (size_t i = 0; i < rh_json_count(list); i++) {
            const rh_json *one = rh_json_at(list, i);
            if (rh_view_is(one, "kind", "failed"))
                continue;
            if (value ? !rh_view_is(one, key, value) : rh_json_count(rh_json_get(one, key)) == 0)
                continue;
            if (count++ == 0)
                *first = view->migrations[m].id;
        }
    }
    return count;
}

const char *rh_view_interruptions(const rh_view *view)
{
    static const struct {
        const char *key, *value, *words;
    } kinds[] = {{"rerun", "ok", "run again"},
                 {"rerun", "failed", "fail when run again"},
                 {"rerun", "refused", "refused until the history table is repaired"},
                 {"rerun", "skipped", "recorded as applied"},
                 {"rerun_after_repair", "failed", "fail even then"},
                 {"state", "partly_applied", "partly applied"},
                 {"invalid_indexes", NULL, "leave an invalid index"},
                 {"invalid_after_rerun", NULL, "keep one after the second run"}};
    const char *text = NULL, *first = NULL;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        size_t count = interrupted(view, kinds[i].key, kinds[i].value, &first);
        if (count > 0)
            text = rh_view_printf(view, "%s%s%zu %s (%s%s)", text ? text : "", text ? "; " : "", count,
                                  kinds[i].words, first, count > 1 ? " …" : "");
    }
    return text ? rh_view_printf(view, "Interrupted: %s.", text) : NULL;
}

const rh_json *rh_view_left_by_failure(const rh_json *migration)
{
    const rh_json *list = rh_json_get(migration, "interruptions");
    for (size_t i = 0; i < rh_json_count(list); i++)
        if (rh_view_is(rh_json_at(list, i), "kind", "failed"))
            return rh_json_at(list, i);
    return NULL;
}

/* "half of it stays (column public.orders.other added and 1 more)" */
static const char *left_words(const rh_view *view, const rh_json *left)
{
    const rh_json *list = rh_json_get(left, "differences"), *first = rh_json_at(list, 0);
    if (rh_view_is(left, "state", "as_before"))
        return "it left no changes";
    if (rh_view_is(left, "state", "applied"))
        return "a second run succeeded";
    const char *what =
        first ? rh_view_printf(view, "%s %s", rh_view_line(view, rh_view_string(first, "object"), 60),
                               rh_view_string(first, "change"))
              : "rows changed";
    size_t others = rh_json_count(list) > 1 ? rh_json_count(list) - 1 : 0;
    return others ? rh_view_printf(view, "it is partly applied (%s and %zu more)", what, others)
                  : rh_view_printf(view, "it is partly applied (%s)", what);
}

const char *rh_view_after_failure(const rh_view *view)
{
    const rh_view_migration *m = NULL;
    const rh_json *left = NULL;
    for (size_t i = 0; !left && i < view->migration_count; i++) {
        m = &view->migrations[i];
        left = rh_view_left_by_failure(m->record);
    }
    if (!left)
        return NULL;
    const char *text = rh_view_printf(view, "After its failure %s: %s", m->id, left_words(view, left));
    const char *history = rh_view_string(left, "history"), *error = rh_view_string(left, "error");
    if (history && rh_json_bool(rh_json_get(left, "history_changed")))
        text = rh_view_printf(view, "%s; the history table says %s", text, rh_view_line(view, history, 80));
    if (rh_json_count(rh_json_get(left, "invalid_indexes")) > 0)
        text = rh_view_printf(view, "%s; %zu invalid index%s", text,
                              rh_json_count(rh_json_get(left, "invalid_indexes")),
                              rh_json_count(rh_json_get(left, "invalid_indexes")) == 1 ? "" : "es");
    if (rh_view_is(left, "rerun", "refused"))
        text = rh_view_printf(view, "%s; it is refused until that is repaired", text);
    else if (rh_view_is(left, "rerun", "skipped"))
        text = rh_view_printf(view, "%s; it is recorded as applied", text);
    if (error)
        text = rh_view_printf(view, "%s; run again: %s", text, rh_view_line(view, error, 160));
    return rh_view_printf(view, "%s.", text);
}
