#include "pgrehearse/model/run.h"

void rh_run_not_measured(rh_run *run, const char *format, ...)
{
    const char **sentence =
        rh_arena_add(run->arena, &run->not_measured, &run->not_measured_count, sizeof *run->not_measured);
    va_list args;
    va_start(args, format);
    *sentence = rh_arena_vprintf(run->arena, format, args);
    va_end(args);
}
