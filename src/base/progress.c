#include "pgrehearse/base/progress.h"
#include "pgrehearse/base/text.h"
#include <stdarg.h>
#include <stddef.h>

static void emit(const rh_progress *progress, rh_progress_kind kind, const char *stage, const char *format,
                 va_list args)
{
    if (!progress || !progress->report)
        return;
    rh_text detail = {0};
    rh_text_vprintf(&detail, format, args);
    rh_progress_event event = {.kind = kind, .stage = stage, .detail = rh_text_string(&detail), .total = -1};
    progress->report(progress->user, &event);
    rh_text_release(&detail);
}

void rh_progress_begin(const rh_progress *progress, const char *stage, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    emit(progress, RH_PROGRESS_BEGIN, stage, format, args);
    va_end(args);
}

void rh_progress_end(const rh_progress *progress, const char *stage, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    emit(progress, RH_PROGRESS_END, stage, format, args);
    va_end(args);
}

void rh_progress_note(const rh_progress *progress, const char *stage, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    emit(progress, RH_PROGRESS_NOTE, stage, format, args);
    va_end(args);
}

void rh_progress_detail(const rh_progress *progress, const char *stage, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    emit(progress, RH_PROGRESS_DETAIL, stage, format, args);
    va_end(args);
}

void rh_progress_update(const rh_progress *progress, const char *stage, const char *detail, int64_t done,
                        int64_t total, rh_progress_unit unit)
{
    if (!progress || !progress->report)
        return;
    rh_progress_event event = {.kind = RH_PROGRESS_UPDATE,
                               .stage = stage,
                               .detail = detail,
                               .done = done,
                               .total = total,
                               .unit = unit};
    progress->report(progress->user, &event);
}
