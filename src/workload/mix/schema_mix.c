/* Derives a mix from the schema and its rows: typical queries of an application on these tables. */
#include "schema.h"
#include "pgrehearse/base/text.h"
#include "pgrehearse/workload/workload.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Tables beyond these, the smallest, get no templates. */
enum { MAX_TABLES = 120, WIDE_COLUMN = 8192 };

/* Shares of the arrivals, by kind of template: 80 % reads, as most applications have it. */
typedef enum mix_kind { MIX_BY_KEY, MIX_RANGE, MIX_CHILDREN, MIX_INSERT, MIX_UPDATE, MIX_KINDS } mix_kind;
static const double KIND_SHARE[MIX_KINDS] = {0.45, 0.15, 0.20, 0.10, 0.10};

/* A template with its kind and its table's weight, until all are known. */
typedef struct candidate {
    rh_template template_;
    mix_kind kind;
    double weight;
} candidate;

typedef struct candidates {
    candidate *items;
    size_t count;
} candidates;

/* COLUMNS, or all that may be read. */
static void append_columns(rh_text *sql, const mix_table *table, const mix_columns *columns,
                           const char *between)
{
    size_t count = columns ? columns->count : table->column_count;
    bool first = true;
    for (size_t i = 0; i < count; i++) {
        const mix_column *column = &table->columns[columns ? columns->index[i] : i];
        if (!columns && !column->readable)
            continue;
        rh_text_printf(sql, "%s%s", first ? "" : between, column->quoted);
        first = false;
    }
}

/* "a, b" of COLUMNS, quoted where SQL needs it. */
static const char *column_names(const mix_build *build, const mix_table *table, const mix_columns *columns)
{
    const char *names = "";
    for (size_t i = 0; i < columns->count; i++)
        names = rh_arena_printf(build->arena, "%s%s%s", names, i ? ", " : "",
                                rh_identifier(table->columns[columns->index[i]].name, build->arena));
    return names;
}

static bool all_readable(const mix_table *table, const mix_columns *columns)
{
    for (size_t i = 0; i < columns->count; i++)
        if (!table->columns[columns->index[i]].readable)
            return false;
    return true;
}

/* "a = $1 AND b = $2", from parameter FIRST on. */
static void append_equals(rh_text *sql, const mix_table *table, const mix_columns *columns, size_t first)
{
    for (size_t i = 0; i < columns->count; i++)
        rh_text_printf(sql, "%s%s = $%zu", i ? " AND " : "", table->columns[columns->index[i]].quoted,
                       first + i);
}

/* Parameter rows: the COLUMNS of each sampled row that has them all. SET (may be -1) adds in front that
 * column of another row. */
static void fill_values(mix_build *build, const mix_table *table, const mix_columns *columns, ptrdiff_t set,
                        rh_template *template_)
{
    template_->parameter_count = columns->count + (set >= 0);
    template_->values = rh_arena_alloc(build->arena, table->sample_count * sizeof *template_->values + 1);
    for (size_t i = 0; i < table->sample_count; i++) {
        const char **row = rh_arena_alloc(build->arena, template_->parameter_count * sizeof *row + 1);
        size_t at = 0;
        if (set >= 0) {
            size_t other = (size_t)rh_random_below(&build->random, table->sample_count);
            for (size_t n = 0; n < table->sample_count && !table->writable[other]; n++)
                other = (other + 1) % table->sample_count;
            row[at++] = table->sample[other][set];
        }
        bool complete = true;
        for (size_t c = 0; c < columns->count; c++) {
            row[at] = table->sample[i][columns->index[c]];
            complete = complete && row[at++];
        }
        if (complete)
            template_->values[template_->value_row_count++] = row;
    }
}

/* Keeps TEMPLATE when it works; otherwise says why not. False: the connection is lost. */
static bool add(mix_build *build, candidates *all, const mix_table *table, mix_kind kind, rh_text *sql,
                rh_template *template_, rh_error *error)
{
    if (sql)
        template_->sql = rh_arena_strdup(build->arena, rh_text_string(sql));
    template_->relation = rh_relation_text(table->relation, build->arena);
    template_->by_policy = table->is_restricted;
    if (template_->value_row_count == 0 && template_->parameter_count > 0)
        return true; /* no row has these values: nothing to ask for */
    const char *why = NULL;
    if (!rh_mix_try(build, template_, &why, error)) {
        if (!why)
            return false;
        rh_mix_leave_out(build, "\"%s\" was left out: %s", template_->name, why);
        return true;
    }
    candidate *item = rh_arena_add(build->arena, &all->items, &all->count);
    *item = (candidate){.template_ = *template_, .kind = kind};
    item->weight = sqrt((double)(table->rows > 0 ? table->rows : (int64_t)table->sample_count));
    return true;
}

static bool add_by_key(mix_build *build, candidates *all, const mix_table *table, rh_error *error)
{
    rh_template by_key = {.name = rh_arena_printf(build->arena, "read %s by key", table->name)};
    rh_template range = {.name = rh_arena_printf(build->arena, "read a range of %s", table->name)};
    const mix_columns *key = &table->key->columns;
    fill_values(build, table, key, -1, &by_key);
    range.values = by_key.values;
    range.value_row_count = by_key.value_row_count;
    range.parameter_count = by_key.parameter_count;
    rh_text sql = {0};
    rh_text_append(&sql, "SELECT ");
    append_columns(&sql, table, NULL, ", ");
    rh_text_printf(&sql, " FROM %s WHERE ", table->quoted);
    size_t head = sql.length;
    append_equals(&sql, table, key, 1);
    bool ok = add(build, all, table, MIX_BY_KEY, &sql, &by_key, error);
    if (ok) {
        char *start = rh_arena_strndup(build->arena, sql.data, head);
        rh_text_clear(&sql);
        rh_text_printf(&sql, "%s(", start);
        append_columns(&sql, table, key, ", ");
        rh_text_append(&sql, ") >= (");
        for (size_t i = 0; i < key->count; i++)
            rh_text_printf(&sql, "%s$%zu", i ? ", " : "", i + 1);
        rh_text_append(&sql, ") ORDER BY ");
        append_columns(&sql, table, key, ", ");
        rh_text_append(&sql, " LIMIT 20");
        ok = add(build, all, table, MIX_RANGE, &sql, &range, error);
    }
    rh_text_release(&sql);
    return ok;
}

/* Without a key, what is left is to look at the table's first rows. */
static bool add_first_rows(mix_build *build, candidates *all, const mix_table *table, rh_error *error)
{
    rh_template first_rows = {.name = rh_arena_printf(build->arena, "read some rows of %s", table->name)};
    rh_text sql = {0};
    rh_text_append(&sql, "SELECT ");
    append_columns(&sql, table, NULL, ", ");
    rh_text_printf(&sql, " FROM %s LIMIT 20", table->quoted);
    bool ok = add(build, all, table, MIX_RANGE, &sql, &first_rows, error);
    rh_text_release(&sql);
    return ok;
}

static bool add_children(mix_build *build, candidates *all, const mix_table *table, rh_error *error)
{
    bool ok = true;
    for (size_t i = 0; i < table->reference_count && ok; i++) {
        const mix_reference *reference = &table->references[i];
        if (!reference->indexed || !all_readable(table, &reference->columns))
            continue;
        rh_text sql = {0};
        rh_template children = {.name = rh_arena_printf(build->arena, "read %s by %s", table->name,
                                                        column_names(build, table, &reference->columns))};
        fill_values(build, table, &reference->columns, -1, &children);
        rh_text_append(&sql, "SELECT ");
        append_columns(&sql, table, NULL, ", ");
        rh_text_printf(&sql, " FROM %s WHERE ", table->quoted);
        append_equals(&sql, table, &reference->columns, 1);
        rh_text_append(&sql, " LIMIT 50");
        ok = add(build, all, table, MIX_CHILDREN, &sql, &children, error);
        rh_text_release(&sql);
    }
    return ok;
}

static bool is_part_of(const mix_columns *columns, size_t column)
{
    for (size_t i = 0; i < columns->count; i++)
        if (columns->index[i] == column)
            return true;
    return false;
}

/* The column whose change disturbs least: in no key, better in no policy, no index and no foreign key, of a
 * moderate width. -1: none. */
static ptrdiff_t column_to_update(const mix_table *table)
{
    ptrdiff_t best = -1;
    int best_score = -1;
    for (size_t i = 0; i < table->column_count; i++) {
        const mix_column *c = &table->columns[i];
        bool unique = false;
        for (size_t u = 0; u < table->unique_count; u++)
            unique = unique || is_part_of(&table->uniques[u].columns, i);
        if (unique || !c->updatable || c->generated || c->identity || c->partition_key)
            continue;
        int score = (c->in_policy ? 0 : 8) + (c->indexed ? 0 : 4) + (c->foreign ? 0 : 2) +
                    (c->width < WIDE_COLUMN ? 1 : 0);
        if (score > best_score) {
            best = (ptrdiff_t)i;
            best_score = score;
        }
    }
    return best;
}

static bool add_update(mix_build *build, candidates *all, const mix_table *table, rh_error *error)
{
    ptrdiff_t column = column_to_update(table);
    if (column < 0) {
        rh_mix_leave_out(build, "%s gets no updates: every column that may be updated is part of a key",
                         table->name);
        return true;
    }
    const mix_columns *key = &table->key->columns;
    rh_template update = {.name = rh_arena_printf(build->arena, "update %s by key", table->name),
                          .kind = RH_TEMPLATE_WRITE,
                          .has_row = true};
    fill_values(build, table, key, column, &update);
    rh_text sql = {0};
    rh_text_printf(&sql, "UPDATE %s SET %s = $1 WHERE ", table->quoted, table->columns[column].quoted);
    append_equals(&sql, table, key, 2);
    bool ok = add(build, all, table, MIX_UPDATE, &sql, &update, error);
    rh_text_release(&sql);
    return ok;
}

static bool add_insert(mix_build *build, candidates *all, const mix_table *table, rh_error *error)
{
    rh_template insert;
    const char *why = NULL;
    if (rh_mix_insert(build, table, &insert, &why, error))
        return add(build, all, table, MIX_INSERT, NULL, &insert, error);
    if (!why)
        return false;
    rh_mix_leave_out(build, "%s gets no inserts: %s", table->name, why);
    return true;
}

/* May the load's role do anything with the columns of TABLE (WRITE: change them)? */
static bool may_use(const mix_table *table, bool write)
{
    for (size_t i = 0; i < table->column_count; i++) {
        const mix_column *c = &table->columns[i];
        if (write ? c->insertable || c->updatable : c->readable)
            return true;
    }
    return false;
}

static bool add_table(mix_build *build, candidates *all, mix_table *table, rh_error *error)
{
    if (table->column_count == 0)
        return true;
    const bool readable = may_use(table, false);
    if (!readable && !may_use(table, true)) {
        rh_mix_leave_out(build, "%s gets no load: the role %s has no privilege on any of its columns",
                         table->name, build->role->name);
        return true;
    }
    if (table->is_history) {
        rh_mix_leave_out(build, "%s gets no load: it belongs to a migration tool", table->name);
        return true;
    }
    if (!rh_mix_sample(build, table, error))
        return false;
    if (table->why_unseen) {
        rh_mix_leave_out(build, "%s gets no load: %s", table->name, table->why_unseen);
        return true;
    }
    if (table->sample_count == 0) {
        rh_mix_leave_out(build, "%s gets no load: it is empty", table->name);
        return true;
    }
    if (!readable) {
        rh_mix_leave_out(build, "%s gets inserts only: the role %s may read none of its columns", table->name,
                         build->role->name);
        return add_insert(build, all, table, error);
    }
    if (table->key && !all_readable(table, &table->key->columns)) {
        rh_mix_leave_out(build, "%s gets short reads and inserts only: the role %s may not read its key",
                         table->name, build->role->name);
        return add_first_rows(build, all, table, error) && add_insert(build, all, table, error);
    }
    if (!table->key) {
        rh_mix_leave_out(build, "%s has no key: it gets short reads and inserts only", table->name);
        return add_first_rows(build, all, table, error) && add_insert(build, all, table, error);
    }
    return add_by_key(build, all, table, error) && add_children(build, all, table, error) &&
           add_insert(build, all, table, error) && add_update(build, all, table, error);
}

/* The shares of KIND_SHARE, each divided among the tables by the square root of their rows: a table a hundred
 * times larger gets ten times the traffic. Counters in pg_stat_user_tables are not used: on a restored copy
 * they tell of the restore. */
static void weigh(mix_build *build, const candidates *all)
{
    double sums[MIX_KINDS] = {0}, present = 0;
    for (size_t i = 0; i < all->count; i++)
        sums[all->items[i].kind] += all->items[i].weight;
    for (size_t kind = 0; kind < MIX_KINDS; kind++)
        present += sums[kind] > 0 ? KIND_SHARE[kind] : 0;
    for (size_t i = 0; i < all->count; i++) {
        rh_template *out = rh_arena_add(build->arena, &build->mix->templates, &build->mix->template_count);
        *out = all->items[i].template_;
        mix_kind kind = all->items[i].kind;
        out->weight = KIND_SHARE[kind] / present * all->items[i].weight / sums[kind];
    }
}

bool rh_mix_from_schema(rh_pg *pg, const rh_mix_role *role, const rh_load_limits *limits, uint64_t seed,
                        rh_arena *arena, rh_mix *mix, rh_error *error)
{
    *mix = (rh_mix){.source = "schema"};
    mix_build build = {.pg = pg, .role = role, .arena = arena, .seed = seed, .mix = mix, .limits = limits};
    rh_random_seed(&build.random, seed);
    mix_table *tables = NULL;
    size_t count = 0;
    if (!rh_mix_read_tables(&build, &tables, &count, error))
        return false;
    candidates all = {0};
    for (size_t i = 0; i < count && i < MAX_TABLES; i++)
        if (!add_table(&build, &all, &tables[i], error))
            return rh_error_context(error, "making the load for %s", tables[i].name);
    if (count > MAX_TABLES)
        rh_mix_leave_out(&build, "the %zu smallest tables get no load: only the %d largest do",
                         count - MAX_TABLES, MAX_TABLES);
    weigh(&build, &all);
    return true;
}
