#include "pgrehearse/model/run.h"

void rh_run_inconclusive(rh_run *run, rh_unmeasured code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *sentence = rh_arena_vprintf(run->arena, format, args);
    va_end(args);
    if (!run->inconclusive)
        run->inconclusive = sentence;
    rh_notes_printf(&run->not_measured, run->arena, code, "%s", sentence);
}

void rh_run_not_measured(rh_run *run, rh_unmeasured code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *sentence = rh_arena_vprintf(run->arena, format, args);
    va_end(args);
    rh_notes_printf(&run->not_measured, run->arena, code, "%s", sentence);
}
