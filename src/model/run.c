#include "pgrehearse/model/run.h"
#include <string.h>

void rh_run_inconclusive(rh_run *run, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *sentence = rh_arena_vprintf(run->arena, format, args);
    va_end(args);
    if (!run->inconclusive)
        run->inconclusive = sentence;
    rh_run_not_measured(run, "%s", sentence);
}

void rh_run_not_measured(rh_run *run, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *sentence = rh_arena_vprintf(run->arena, format, args);
    va_end(args);
    for (size_t i = 0; i < run->not_measured_count; i++)
        if (strcmp(run->not_measured[i], sentence) == 0) /* a pass that was repeated */
            return;
    *(const char **)rh_arena_add(run->arena, &run->not_measured, &run->not_measured_count,
                                 sizeof *run->not_measured) = sentence;
}
