/* The mix that replays production, from pg_stat_statements. */
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/model/facts.h"
#include "statistics.h"
#include "pgrehearse/workload/workload.h"
#include "replay.h"
#include "statistics_mix.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* More templates than these add nothing to the load but preparing them. */
enum { MAX_TEMPLATES = 300 };

static double share(double part, double whole)
{
    return whole > 0 && !isnan(part) ? part / whole : 0;
}

/* ---- which database ---- */

/* Object ids of databases say nothing on staging: the one whose statements prepare, by calls, is the
 * backup's; returns its name. */
static const char *choose_database(const mix_player *player)
{
    const char *best = "";
    double most = -1;
    for (size_t i = 0; i < player->count; i++) {
        const char *database = player->items[i].statement->database;
        double calls = 0;
        for (size_t j = i; j < player->count; j++)
            if (!player->items[j].why && strcmp(player->items[j].statement->database, database) == 0)
                calls += player->items[j].statement->calls;
        bool seen = false;
        for (size_t j = 0; j < i && !seen; j++)
            seen = strcmp(player->items[j].statement->database, database) == 0;
        if (!seen && calls > most) {
            most = calls;
            best = database;
        }
    }
    return best;
}

static void leave_others_out(mix_player *player)
{
    const char *database = choose_database(player);
    for (size_t i = 0; i < player->count; i++) {
        mix_item *item = &player->items[i];
        if (strcmp(item->statement->database, database) == 0)
            continue;
        item->why = rh_arena_printf(player->copy.build->arena, "it ran in another database (%s)",
                                    item->statement->database);
        item->group = "of another database";
    }
}

/* ---- what is left out ---- */

static int by_importance(const void *a, const void *b)
{
    const mix_item *x = a, *y = b;
    if (x->importance != y->importance)
        return x->importance < y->importance ? 1 : -1;
    return strcmp(x->statement->query, y->statement->query);
}

static const char *shown(rh_arena *arena, const char *query)
{
    const char *redacted = rh_sql_redact(query, arena);
    size_t length = strlen(redacted), limit = 110;
    if (length <= limit)
        return redacted;
    while (limit > 0 && ((unsigned char)redacted[limit] & 0xc0) == 0x80)
        limit--;
    return rh_arena_printf(arena, "%.*s…", (int)limit, redacted);
}

static const char *percent(rh_arena *arena, const mix_player *player, double calls, double time)
{
    const char *of_calls = rh_arena_printf(arena, "%.3g %% of the calls", 100 * share(calls, player->calls));
    if (!(player->time > 0))
        return of_calls;
    return rh_arena_printf(arena, "%s, %.3g %% of the time", of_calls, 100 * share(time, player->time));
}

/* The heaviest one by one, the others by what they have in common. ITEMS are sorted by importance. */
static void report_omitted(mix_player *player)
{
    enum { ONE_BY_ONE = 30 };
    rh_arena *arena = player->copy.build->arena;
    size_t reported = 0;
    for (size_t i = 0; i < player->count; i++) {
        mix_item *item = &player->items[i];
        if (!item->why || reported >= ONE_BY_ONE || item->importance < 0.001)
            continue;
        reported++;
        rh_mix_leave_out(player->copy.build, "%s (%s) was left out: %s", shown(arena, item->statement->query),
                         percent(arena, player, item->statement->calls, item->statement->exec_ms), item->why);
        item->reported = true;
    }
    for (size_t i = 0; i < player->count; i++) {
        const mix_item *first = &player->items[i];
        double calls = 0, time = 0;
        size_t count = 0;
        for (size_t j = i; first->why && !first->reported && j < player->count; j++) {
            mix_item *item = &player->items[j];
            if (!item->why || item->reported || strcmp(item->group, first->group) != 0)
                continue;
            bool counts = !item->statement->nested;
            calls += counts ? item->statement->calls : 0;
            time += counts && !isnan(item->statement->exec_ms) ? item->statement->exec_ms : 0;
            count++;
            item->reported = true;
        }
        if (count > 0)
            rh_mix_leave_out(player->copy.build, "%zu %s %s (%s) %s left out", count,
                             count == 1 ? "statement" : "statements", first->group,
                             percent(arena, player, calls, time), count == 1 ? "was" : "were");
    }
}

/* ---- templates ---- */

/* "select public.orders by customer_id", unique in the mix. */
static const char *name_of(const mix_player *player, const mix_item *item)
{
    static const char *const verbs[] = {"select", "insert into", "update", "delete from", "merge into"};
    const mix_candidate *c = &item->candidate;
    rh_arena *arena = player->copy.build->arena;
    rh_text name = {0};
    if (!c->bound.table)
        rh_text_append(&name, shown(arena, item->statement->query));
    else
        rh_text_printf(&name, "%s %s", verbs[c->bound.kind], c->bound.table->name);
    size_t named = 0;
    const char *last = "";
    for (size_t p = 0; c->bound.table && p < c->count && named < 3; p++) {
        const mix_binding *b = &c->bound.parameters[c->from[p] - 1];
        bool finds = b->kind == MIX_BIND_EQUAL || b->kind == MIX_BIND_ANY || b->kind == MIX_BIND_LOW ||
                     b->kind == MIX_BIND_HIGH || b->kind == MIX_BIND_PATTERN;
        if (!finds || strcmp(last, b->table->columns[b->column].name) == 0)
            continue;
        last = b->table->columns[b->column].name;
        rh_text_printf(&name, "%s%s", named++ ? ", " : " by ", last);
    }
    const char *result = rh_arena_strdup(arena, rh_text_string(&name)), *base = result;
    rh_text_release(&name);
    const rh_mix *mix = player->copy.build->mix;
    for (size_t i = 0, number = 2; i < mix->template_count; i++)
        if (strcmp(mix->templates[i].name, result) == 0) {
            result = rh_arena_printf(arena, "%s (%zu)", base, number++);
            i = (size_t)-1; /* look at all again */
        }
    return result;
}

static bool add_template(mix_player *player, mix_item *item, rh_error *error)
{
    const rh_statement_stats *s = item->statement;
    const mix_candidate *c = &item->candidate;
    rh_template made = {
        .sql = c->sql,
        .relation =
            c->bound.table ? rh_relation_text(c->bound.table->relation, player->copy.build->arena) : NULL,
        .kind = c->bound.writes ? RH_TEMPLATE_WRITE : RH_TEMPLATE_READ,
        .weight = s->calls};
    if (!rh_mix_replay(&player->copy, c, s->exec_ms / s->calls, &made, &item->why, error)) {
        item->group = "not running on the restored copy";
        return !rh_error_is_set(error) &&
               rh_pg_execute(rh_mix_session(player->copy.build), "ROLLBACK", error);
    }
    made.name = name_of(player, item);
    made.by_policy = c->bound.table && c->bound.table->is_restricted;
    rh_mix *mix = player->copy.build->mix;
    *rh_arena_add(player->copy.build->arena, &mix->templates, &mix->template_count) = made;
    return true;
}

static bool add_templates(mix_player *player, rh_error *error)
{
    for (size_t i = 0; i < player->count; i++) {
        mix_item *item = &player->items[i];
        if (item->why)
            continue;
        const mix_table *table = item->candidate.bound.table;
        if (table && table->is_history) {
            item->why =
                rh_arena_printf(player->copy.build->arena, "%s belongs to a migration tool", table->name);
            item->group = "of a migration tool";
            continue;
        }
        if (player->copy.build->mix->template_count >= MAX_TEMPLATES) {
            item->why = rh_arena_printf(player->copy.build->arena,
                                        "only the %d with the largest weight are run", MAX_TEMPLATES);
            item->group = "beyond those with the largest weight";
            continue;
        }
        if (!add_template(player, item, error))
            return rh_error_context(error, "trying \"%s\" of production",
                                    shown(player->copy.build->arena, item->statement->query));
    }
    return true;
}

static void cover(mix_player *player, const rh_statistics *statistics)
{
    double calls = 0, time = 0;
    rh_mix *mix = player->copy.build->mix;
    for (size_t i = 0; i < player->count; i++) {
        if (player->items[i].why)
            continue;
        calls += player->items[i].statement->calls;
        time += isnan(player->items[i].statement->exec_ms) ? 0 : player->items[i].statement->exec_ms;
    }
    for (size_t i = 0; i < mix->template_count; i++)
        mix->templates[i].weight /= calls;
    mix->coverage = (rh_mix_coverage){.measured = true,
                                      .calls = share(calls, player->calls),
                                      .time = player->time > 0 ? share(time, player->time) : RH_NOT_MEASURED,
                                      .rate_per_s = calls / statistics->seconds,
                                      .basis = statistics->basis};
}

/* ---- the whole ---- */

static void weigh(mix_player *player, const rh_statistics *statistics)
{
    rh_arena *arena = player->copy.build->arena;
    player->items = rh_arena_alloc(arena, (statistics->count + 1) * sizeof *player->items);
    for (size_t i = 0; i < statistics->count; i++) {
        const rh_statement_stats *s = &statistics->statements[i];
        player->items[player->count++].statement = s;
        if (s->nested)
            continue; /* counted in what called it */
        player->calls += s->calls;
        player->time += isnan(s->exec_ms) ? 0 : s->exec_ms;
    }
    for (size_t i = 0; i < player->count; i++) {
        const rh_statement_stats *s = player->items[i].statement;
        if (!s->nested) /* else its calls are no part of the whole */
            player->items[i].importance =
                fmax(share(s->calls, player->calls), share(s->exec_ms, player->time));
    }
    if (player->count > 0)
        qsort(player->items, player->count, sizeof *player->items, by_importance);
}

static bool find_sequence(mix_player *player, rh_error *error)
{
    static const char sql[] = "SELECT c.oid::regclass FROM pg_catalog.pg_class c WHERE c.relkind = 'S' AND "
                              "c.oid >= 16384 ORDER BY c.oid LIMIT 1";
    rh_pg_result *r = rh_pg_query(player->copy.build->pg, sql, 0, NULL, error);
    if (r && rh_pg_rows(r) == 1)
        player->copy.sequence = rh_arena_strdup(player->copy.build->arena, rh_pg_value(r, 0, 0));
    rh_pg_result_free(r);
    return r != NULL;
}

/* Which columns' values are as frequent as on production. */
static void report_frequencies(const mix_build *build, rh_mix *mix)
{
    size_t count = 0;
    for (size_t i = 0; i < build->value_count; i++)
        count += build->followed[i];
    if (count > 0)
        mix->coverage.basis =
            rh_arena_printf(build->arena, "%s; values of %zu column%s as frequent as in production's profile",
                            mix->coverage.basis, count, count == 1 ? "" : "s");
}

bool rh_mix_from_statistics(rh_pg *pg, const rh_mix_role *role, const char *const *paths, size_t path_count,
                            const struct rh_profile_values *values, size_t value_count,
                            const rh_load_limits *limits, uint64_t seed, rh_arena *arena, rh_mix *mix,
                            rh_error *error)
{
    *mix = (rh_mix){.source = "pg_stat_statements"};
    rh_statistics statistics;
    if (!rh_statistics_read(paths, path_count, arena, &statistics, error))
        return false;
    mix_build build = {.pg = pg,
                       .role = role,
                       .arena = arena,
                       .seed = seed,
                       .mix = mix,
                       .values = values,
                       .value_count = value_count,
                       .limits = limits};
    build.followed = rh_arena_alloc(arena, value_count + 1);
    rh_random_seed(&build.random, seed);
    mix_player player = {.copy = {.build = &build}};
    mix_copy *copy = &player.copy;
    if (!rh_mix_read_tables(&build, &copy->tables, &copy->table_count, error) ||
        !find_sequence(&player, error))
        return false;
    copy->sampled = rh_arena_alloc(arena, copy->table_count + 1);
    copy->deleted = rh_arena_alloc(arena, copy->table_count + 1);
    weigh(&player, &statistics);
    for (size_t i = 0; i < player.count; i++)
        if (!rh_mix_judge(&player, &player.items[i], error))
            return rh_error_context(error, "reading production's statements");
    leave_others_out(&player);
    if (!add_templates(&player, error))
        return false;
    cover(&player, &statistics);
    report_frequencies(&build, mix);
    report_omitted(&player);
    return true;
}
