#include "pgrehearse/base/error.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/text.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *format_heap(const char *format, va_list args)
{
    rh_text text = {0};
    rh_text_vprintf(&text, format, args);
    return text.data ? text.data : rh_strdup("");
}

static bool set_va(rh_error *error, rh_error_code code, const char *format, va_list args)
{
    if (error && !rh_error_is_set(error)) {
        error->code = code;
        error->message = format_heap(format, args);
    }
    return false;
}

bool rh_error_set(rh_error *error, rh_error_code code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    set_va(error, code, format, args);
    va_end(args);
    return false;
}

bool rh_error_hint(rh_error *error, const char *format, ...)
{
    if (!error || !rh_error_is_set(error))
        return false;
    va_list args;
    va_start(args, format);
    free(error->hint);
    error->hint = format_heap(format, args);
    va_end(args);
    return false;
}

bool rh_error_at(rh_error *error, const char *file, int line, int column)
{
    if (!error || !rh_error_is_set(error))
        return false;
    free(error->file);
    error->file = file ? rh_strdup(file) : NULL;
    error->line = line;
    error->column = column;
    return false;
}

bool rh_error_sqlstate(rh_error *error, const char *sqlstate)
{
    if (error && rh_error_is_set(error) && sqlstate)
        snprintf(error->sqlstate, sizeof error->sqlstate, "%s", sqlstate);
    return false;
}

bool rh_error_context(rh_error *error, const char *format, ...)
{
    if (!error || !rh_error_is_set(error))
        return false;
    rh_text text = {0};
    va_list args;
    va_start(args, format);
    rh_text_vprintf(&text, format, args);
    va_end(args);
    rh_text_printf(&text, ": %s", error->message);
    free(error->message);
    error->message = text.data;
    return false;
}

bool rh_error_errno(rh_error *error, int errno_value, const char *format, ...)
{
    if (!error || rh_error_is_set(error))
        return false;
    bool full = errno_value == ENOSPC || errno_value == EDQUOT;
    va_list args;
    va_start(args, format);
    char *what = format_heap(format, args);
    va_end(args);
    rh_error_set(error, full ? RH_ERROR_NO_SPACE : RH_ERROR_IO, "%s: %s", what, strerror(errno_value));
    free(what);
    return false;
}

bool rh_error_is_set(const rh_error *error)
{
    return error && error->code != RH_OK;
}

void rh_error_move(rh_error *to, rh_error *from)
{
    rh_error_release(to);
    *to = *from;
    *from = (rh_error){0};
}

void rh_error_release(rh_error *error)
{
    if (!error)
        return;
    free(error->message);
    free(error->hint);
    free(error->file);
    *error = (rh_error){0};
}
