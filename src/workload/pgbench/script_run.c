/* Executes a script. Does not wait, and does not allocate once the buffers fit the largest script. */
#include "expression.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void make_room(rh_pgbench_script_run *run, const rh_pgbench_script *script)
{
    size_t wanted = script->variable_count;
    for (size_t i = 0; i < script->step_count; i++)
        if (script->steps[i].parameter_count > wanted)
            wanted = script->steps[i].parameter_count;
    if (wanted <= run->capacity)
        return;
    run->capacity = wanted;
    run->values = rh_realloc(run->values, wanted * sizeof *run->values);
    run->is_set = rh_realloc(run->is_set, wanted * sizeof *run->is_set);
    run->texts = rh_realloc(run->texts, wanted * sizeof *run->texts);
    run->parameters = rh_realloc(run->parameters, wanted * sizeof *run->parameters);
}

void rh_pgbench_script_begin(rh_pgbench_script_run *run, const rh_pgbench_script *script, int64_t scale,
                             int64_t client, uint64_t seed)
{
    make_room(run, script);
    run->script = script;
    run->next = 0;
    run->failure = NULL;
    memset(run->is_set, 0, script->variable_count * sizeof *run->is_set);
    const int64_t given[RH_SCRIPT_BUILT_IN] = {scale, client, (int64_t)(seed >> 1), INT64_C(0x5eed0f2a11ce)};
    for (size_t i = 0; i < RH_SCRIPT_BUILT_IN; i++) {
        run->values[i] = rh_make_int(given[i]);
        run->is_set[i] = true;
    }
    rh_random_seed(&run->random, seed);
}

static bool fill_parameters(rh_pgbench_script_run *run, const rh_pgbench_script_step *step)
{
    for (size_t i = 0; i < step->parameter_count; i++) {
        const rh_value *value = &run->values[step->parameters[i]];
        if (!run->is_set[step->parameters[i]]) {
            run->failure = "a variable has no value yet";
            return false;
        }
        run->parameters[i] = value->type == RH_VALUE_NULL ? NULL : run->texts[i];
        if (value->type == RH_VALUE_DOUBLE)
            snprintf(run->texts[i], sizeof run->texts[i], "%.15g", value->real);
        else if (value->type == RH_VALUE_BOOL)
            snprintf(run->texts[i], sizeof run->texts[i], "%s", value->integer ? "true" : "false");
        else
            snprintf(run->texts[i], sizeof run->texts[i], "%lld", (long long)value->integer);
    }
    return true;
}

rh_pgbench_script_event rh_pgbench_script_next(rh_pgbench_script_run *run)
{
    while (run->next < run->script->step_count) {
        const rh_pgbench_script_step *step = &run->script->steps[run->next++];
        rh_value value = {0};
        if (step->expression && !rh_expression_evaluate(step->expression, run, &value))
            return RH_SCRIPT_FAILED;
        int64_t number;
        switch (step->type) {
        case RH_STEP_SEND:
            run->step = step;
            return fill_parameters(run, step) ? RH_SCRIPT_SEND : RH_SCRIPT_FAILED;
        case RH_STEP_SET:
            run->values[step->variable] = value;
            run->is_set[step->variable] = true;
            break;
        case RH_STEP_SLEEP:
            if (!rh_value_as_int(&value, run, &number))
                return RH_SCRIPT_FAILED;
            number = number < 0 ? 0 : number;
            run->sleep =
                number > INT64_C(86400000000) / step->unit_us ? INT64_C(86400000000) : number * step->unit_us;
            return RH_SCRIPT_PAUSE;
        case RH_STEP_JUMP:
            if (!step->expression || !rh_value_is_true(&value))
                run->next = step->target;
            break;
        }
    }
    return RH_SCRIPT_ENDED;
}

void rh_pgbench_script_release(rh_pgbench_script_run *run)
{
    free(run->values);
    free(run->is_set);
    free(run->texts);
    free(run->parameters);
    *run = (rh_pgbench_script_run){0};
}
