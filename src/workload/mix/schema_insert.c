/* INSERTs that clone a sampled row with new values for every unique index. */
#include "schema.h"
#include "pgrehearse/base/text.h"
#include <string.h>

/* How a column of the INSERT gets its value. */
typedef enum insert_source {
    INSERT_CLONE,    /* as in the sampled row */
    INSERT_OMIT,     /* its default, identity or NULL */
    INSERT_NUMBER,   /* beyond the largest, by the transaction's id */
    INSERT_TEXT,     /* the sampled value with the transaction's id behind it */
    INSERT_UUID,     /* a random one */
    INSERT_NOW,      /* clock_timestamp() */
    INSERT_SHUFFLED, /* a foreign key taken from another sampled row */
} insert_source;

/* Transaction ids are unique; taken modulo this they stay so for a thousand million transactions. */
#define FRESH "mod(pg_catalog.txid_current(), 1000000000)"
enum { FRESH_DIGITS = 9 };

typedef struct insert_plan {
    insert_source *sources; /* by column */
    int64_t *largest;       /* NUMBER: the largest value there is */
    bool may_conflict;      /* all that is unique are foreign keys: ON CONFLICT DO NOTHING */
    const bool *changeable; /* by column; NULL: all of them */
} insert_plan;

static bool is_fresh(const mix_table *table, const insert_plan *plan, size_t column)
{
    const mix_column *c = &table->columns[column];
    switch (plan->sources[column]) {
    case INSERT_OMIT:
        return c->identity || c->fresh_default || (!c->not_null && !c->has_default); /* NULLs are distinct */
    case INSERT_NUMBER:
    case INSERT_TEXT:
    case INSERT_UUID:
    case INSERT_NOW:
        return true;
    case INSERT_CLONE:
    case INSERT_SHUFFLED:
        break;
    }
    return false;
}

/* Room above the largest value for fresh numbers? It takes a moment where an index leads to it; a column
 * whose largest takes longer is not used. ERROR only when the connection does not go on. */
static bool has_room(mix_build *build, const mix_table *table, size_t column, insert_plan *plan,
                     rh_error *error)
{
    const mix_column *c = &table->columns[column];
    rh_text sql = {0};
    rh_text_printf(&sql,
                   "SELECT coalesce(max(%s), 0)::numeric < %s - 1000000001, "
                   "ceil(least(coalesce(max(%s), 0)::numeric, 9e18))::bigint FROM %s",
                   c->quoted, strcmp(c->type, "int4") == 0 ? "2147483647" : "9000000000000000000", c->quoted,
                   table->quoted);
    rh_error failure = {0};
    rh_pg_result *r = NULL;
    if (rh_pg_execute(build->pg, "BEGIN; SET LOCAL statement_timeout = '10s'", error))
        r = rh_pg_query(build->pg, sql.data, 0, NULL, &failure);
    rh_text_release(&sql);
    bool room = r && rh_pg_bool(r, 0, 0);
    if (room)
        plan->largest[column] = rh_pg_int(r, 0, 1, 0);
    rh_pg_result_free(r);
    if (failure.code == RH_ERROR_LOST || failure.code == RH_ERROR_INTERRUPTED)
        rh_error_move(error, &failure);
    rh_error_release(&failure);
    return !rh_error_is_set(error) && rh_pg_execute(build->pg, "ROLLBACK", error) && room;
}

/* The way to make this column fresh, or INSERT_CLONE when there is none. */
static insert_source freshen(mix_build *build, const mix_table *table, size_t column, insert_plan *plan,
                             rh_error *error)
{
    static const char *const numbers[] = {"int4", "int8", "numeric", NULL};
    static const char *const texts[] = {"text", "varchar", "bpchar", "citext", NULL};
    static const char *const stamps[] = {"timestamptz", "timestamp", NULL};
    const mix_column *c = &table->columns[column];
    if (c->foreign || c->generated || c->partition_key || !c->insertable ||
        (plan->changeable && !plan->changeable[column]))
        return INSERT_CLONE;
    if (rh_is_one_of(c->type, numbers))
        return has_room(build, table, column, plan, error) ? INSERT_NUMBER : INSERT_CLONE;
    if (rh_is_one_of(c->type, texts))
        return c->length < 0 || c->length > FRESH_DIGITS ? INSERT_TEXT : INSERT_CLONE;
    if (strcmp(c->type, "uuid") == 0)
        return INSERT_UUID;
    if (rh_is_one_of(c->type, stamps))
        return INSERT_NOW;
    if (!c->not_null && !c->has_default)
        return INSERT_OMIT;
    return INSERT_CLONE;
}

/* Makes sure that one column of UNIQUE differs in every row. */
static bool secure(mix_build *build, const mix_table *table, const mix_unique *unique, insert_plan *plan,
                   const char **why, rh_error *error)
{
    const mix_columns *columns = &unique->columns;
    bool all_foreign = columns->count > 1;
    for (size_t i = 0; i < columns->count; i++) {
        if (is_fresh(table, plan, columns->index[i]))
            return true;
        all_foreign = all_foreign && table->columns[columns->index[i]].foreign;
    }
    for (size_t i = columns->count; i-- > 0;) { /* the last one is the least likely to group rows */
        size_t column = columns->index[i];
        insert_source source = freshen(build, table, column, plan, error);
        if (rh_error_is_set(error))
            return false;
        if (source != INSERT_CLONE) {
            plan->sources[column] = source;
            return true;
        }
    }
    size_t last = columns->count ? columns->index[columns->count - 1] : 0;
    if (all_foreign && (!plan->changeable || plan->changeable[last])) {
        plan->sources[last] = INSERT_SHUFFLED;
        plan->may_conflict = true;
        return true;
    }
    if (columns->count == 0) {
        *why = "its unique index has only expressions";
        return false;
    }
    const mix_column *c = &table->columns[columns->index[0]];
    *why =
        rh_arena_printf(build->arena, "no new value can be generated for its unique column %s of type %s%s",
                        c->name, c->type, c->foreign ? ", a foreign key" : "");
    return false;
}

static bool secure_all(mix_build *build, const mix_table *table, insert_plan *plan, const char **why,
                       rh_error *error)
{
    if (table->has_exclusion || table->why_no_inserts) {
        *why = table->why_no_inserts ? table->why_no_inserts : "it has an exclusion constraint";
        return false;
    }
    for (size_t i = 0; i < table->unique_count; i++)
        if (!secure(build, table, &table->uniques[i], plan, why, error))
            return false;
    return true;
}

static void start_plan(mix_build *build, const mix_table *table, insert_plan *plan)
{
    plan->sources = rh_arena_alloc(build->arena, table->column_count * sizeof *plan->sources + 1);
    plan->largest = rh_arena_alloc(build->arena, table->column_count * sizeof *plan->largest + 1);
}

static bool make_plan(mix_build *build, const mix_table *table, insert_plan *plan, const char **why,
                      rh_error *error)
{
    bool any = false;
    const char *unfilled = NULL;
    start_plan(build, table, plan);
    for (size_t i = 0; i < table->column_count; i++) {
        const mix_column *c = &table->columns[i];
        if (c->generated || c->identity || c->fresh_default || !c->insertable)
            plan->sources[i] = INSERT_OMIT;
        any = any || c->insertable;
        if (!c->insertable && c->not_null && !c->has_default && !c->identity && !c->generated)
            unfilled = c->name;
    }
    if (!any)
        *why = rh_arena_printf(build->arena, "the role %s may not insert into it", build->role->name);
    else if (unfilled)
        *why = rh_arena_printf(build->arena,
                               "the role %s may not give a value to its column %s, which needs one",
                               build->role->name, unfilled);
    if (!any || unfilled)
        return false;
    return secure_all(build, table, plan, why, error);
}

/* The expression for COLUMN; a new parameter when it needs the sampled value. */
static void append_value(const mix_table *table, const insert_plan *plan, size_t column, size_t *parameters,
                         rh_text *values)
{
    const mix_column *c = &table->columns[column];
    switch (plan->sources[column]) {
    case INSERT_CLONE:
    case INSERT_SHUFFLED:
        rh_text_printf(values, "$%zu", ++*parameters);
        break;
    case INSERT_NUMBER:
        rh_text_printf(values, "%lld + " FRESH, (long long)(plan->largest[column] + 1));
        break;
    case INSERT_TEXT:
        if (c->length > 0)
            rh_text_printf(values, "left($%zu::text, %d) || " FRESH "::text", ++*parameters,
                           c->length - FRESH_DIGITS);
        else
            rh_text_printf(values, "$%zu::text || '-' || " FRESH "::text", ++*parameters);
        break;
    case INSERT_UUID:
        rh_text_append(values, "md5(random()::text || " FRESH "::text)::uuid");
        break;
    case INSERT_NOW:
        rh_text_append(values, "clock_timestamp()");
        break;
    case INSERT_OMIT:
        break;
    }
}

/* The rows of parameters: a clone's come from one sampled row, a shuffled column's from another. */
static void fill_values(mix_build *build, const mix_table *table, const insert_plan *plan,
                        rh_template *template_)
{
    size_t rows = table->sample_count;
    template_->values = rh_arena_alloc(build->arena, rows * sizeof *template_->values + 1);
    template_->value_row_count = 0;
    for (size_t i = 0; i < rows; i++) {
        if (!table->writable[i])
            continue;
        const char **out = template_->values[template_->value_row_count++] =
            rh_arena_alloc(build->arena, template_->parameter_count * sizeof(char *) + 1);
        size_t other = (i + 1 + (size_t)rh_random_below(&build->random, rows)) % rows;
        size_t at = 0;
        for (size_t c = 0; c < table->column_count; c++) {
            insert_source source = plan->sources[c];
            if (source == INSERT_CLONE || source == INSERT_TEXT)
                out[at++] = table->sample[i][c];
            else if (source == INSERT_SHUFFLED)
                out[at++] = table->sample[other][c];
        }
    }
}

bool rh_mix_insert(mix_build *build, const mix_table *table, rh_template *template_, const char **why,
                   rh_error *error)
{
    insert_plan plan = {0};
    bool any = false;
    for (size_t i = 0; i < table->sample_count && !any; i++)
        any = table->writable[i];
    if (!any)
        *why = "no row of it satisfies the constraints that the migrations add";
    if (!any || !make_plan(build, table, &plan, why, error))
        return false;
    rh_text names = {0}, values = {0};
    size_t parameters = 0;
    for (size_t i = 0; i < table->column_count; i++) {
        if (plan.sources[i] == INSERT_OMIT)
            continue;
        rh_text_printf(&names, "%s%s", names.length ? ", " : "", table->columns[i].quoted);
        rh_text_append(&values, values.length ? ", " : "");
        append_value(table, &plan, i, &parameters, &values);
    }
    const char *conflict = plan.may_conflict ? " ON CONFLICT DO NOTHING" : "";
    *template_ = (rh_template){
        .name = rh_arena_printf(build->arena, "insert into %s", table->name),
        .relation = rh_relation_text(table->relation, build->arena),
        .kind = RH_TEMPLATE_WRITE,
        .parameter_count = parameters,
        .sql = names.length ? rh_arena_printf(build->arena, "INSERT INTO %s (%s) VALUES (%s)%s",
                                              table->quoted, names.data, values.data, conflict)
                            : rh_arena_printf(build->arena, "INSERT INTO %s DEFAULT VALUES", table->quoted),
    };
    fill_values(build, table, &plan, template_);
    rh_text_release(&names);
    rh_text_release(&values);
    return true;
}

/* SQL for a column that a statement of someone else's gives a value to. */
static const char *fresh_expression(mix_build *build, const mix_column *column, insert_source source,
                                    int64_t largest)
{
    switch (source) {
    case INSERT_NUMBER:
        return rh_arena_printf(build->arena, "(%lld + \2)", (long long)(largest + 1));
    case INSERT_TEXT:
        if (column->length > 0)
            return rh_arena_printf(build->arena, "(left(\1::text, %d) || \2::text)",
                                   column->length - FRESH_DIGITS);
        return "(\1::text || '-' || \2::text)";
    case INSERT_UUID:
        return "(md5(random()::text || \2::text)::uuid)";
    case INSERT_NOW:
        return "clock_timestamp()";
    case INSERT_OMIT:
        return "NULL";
    case INSERT_CLONE:
    case INSERT_SHUFFLED:
        break;
    }
    return NULL;
}

bool rh_mix_unique(mix_build *build, const mix_table *table, const bool *named, const bool *replaceable,
                   mix_fresh *fresh, const char **why, rh_error *error)
{
    insert_plan plan = {.changeable = replaceable};
    start_plan(build, table, &plan);
    for (size_t i = 0; i < table->column_count; i++)
        plan.sources[i] = named[i] ? INSERT_CLONE : INSERT_OMIT;
    if (!secure_all(build, table, &plan, why, error))
        return false;
    fresh->expressions = rh_arena_alloc(build->arena, (table->column_count + 1) * sizeof(char *));
    fresh->shuffled = rh_arena_alloc(build->arena, table->column_count + 1);
    fresh->may_conflict = plan.may_conflict;
    for (size_t i = 0; i < table->column_count; i++) {
        fresh->shuffled[i] = plan.sources[i] == INSERT_SHUFFLED;
        if (named[i])
            fresh->expressions[i] =
                fresh_expression(build, &table->columns[i], plan.sources[i], plan.largest[i]);
    }
    return true;
}
