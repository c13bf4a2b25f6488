/* Data changes from which row-level security hides rows: found by measurement only. */
#include "pgrehearse/base/units.h"
#include "pgrehearse/sql/hazards.h"

static const char *rows_of(int64_t count, rh_arena *arena)
{
    char text[32];
    return count > RH_HIDDEN_ROWS_MOST
               ? rh_arena_printf(arena, "more than %s",
                                 rh_count_format(RH_HIDDEN_ROWS_MOST, text, sizeof text))
               : rh_arena_strdup(arena, rh_count_format(count, text, sizeof text));
}

void rh_hazards_add_hidden_rows(rh_statement *statement, const rh_statement_run *run, rh_arena *arena)
{
    char rows[32];
    const char *changed = rh_count_format(run->rows < 0 ? 0 : run->rows, rows, sizeof rows);
    for (size_t i = 0; i < run->hidden_count; i++) {
        const rh_hidden_rows *h = &run->hidden[i];
        if (h->seen == RH_UNKNOWN || h->all == RH_UNKNOWN)
            continue;
        rh_hazard *hazard = rh_arena_add(arena, &statement->hazards, &statement->hazard_count);
        *hazard = (rh_hazard){
            .rule = "row-security-hides-rows",
            .message = rh_arena_printf(
                arena,
                "Row-level security hides rows of %s from %s: what the statement does to the rows "
                "that this role sees it does not do to the others, without an error.",
                h->table, h->role),
            .evidence =
                rh_arena_printf(arena, "the statement changed %s row%s; of %s rows of %s, %s %s %s", changed,
                                rh_plural(run->rows), rows_of(h->all, arena), h->table, h->role,
                                h->to_change ? "may change" : "sees", rows_of(h->seen, arena)),
            .safer = rh_arena_printf(
                arena,
                "Run it as a role with BYPASSRLS; or, as the owner of %s, between ALTER TABLE … NO "
                "FORCE ROW LEVEL SECURITY and FORCE ROW LEVEL SECURITY in one transaction.",
                h->table),
            .state = RH_HAZARD_MEASURED,
        };
    }
}
