#include "terminal.h"
#include "pgrehearse/base/text.h"
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static bool locale_is_utf8(void)
{
    /* read from a locale object: the process keeps the C locale, so that numbers are read and written alike
     * everywhere */
    locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
    if (!locale)
        return false;
    bool utf8 = strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0;
    freelocale(locale);
    return utf8;
}

void rh_terminal_init(rh_terminal *terminal, bool quiet, bool no_color)
{
    const char *term = getenv("TERM"), *set = getenv("NO_COLOR");
    bool dumb = !term || !*term || strcmp(term, "dumb") == 0;
    bool color = !no_color && !dumb && !(set && *set);
    bool status = isatty(STDERR_FILENO);
    *terminal = (rh_terminal){.quiet = quiet,
                              .result_color = color && isatty(STDOUT_FILENO),
                              .status_live = status && !dumb,
                              .status_color = status && color,
                              .utf8 = locale_is_utf8()};
}

int rh_terminal_width(FILE *stream)
{
    struct winsize size;
    int fd = fileno(stream);
    return fd >= 0 && ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/* C0 and C1 controls, line and paragraph separators, marks that reorder what is shown. */
static bool is_harmful(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x200e && code <= 0x200f) ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

static void append_character(rh_text *text, const char *bytes, size_t length, uint32_t code)
{
    if (code == 0xfffd)
        rh_text_append(text, "\xef\xbf\xbd");
    else
        rh_text_append_bytes(text, bytes, length);
}

void rh_text_append_clean(rh_text *text, const char *string, bool lines)
{
    uint32_t code;
    for (size_t length; (length = rh_utf8_decode(string, &code)) > 0; string += length) {
        if (is_harmful(code) && !(lines && code == '\n'))
            rh_text_append_char(text, code == '\t' || code == '\n' || code == '\r' ? ' ' : '?');
        else
            append_character(text, string, length, code);
    }
}

bool rh_text_is_clean(const char *string)
{
    uint32_t code;
    for (size_t length; (length = rh_utf8_decode(string, &code)) > 0; string += length)
        if (is_harmful(code) && code != '\n' && code != '\t' && !(code == '\r' && string[1] == '\n'))
            return false;
    return true;
}

void rh_text_append_brief(rh_text *text, const char *string, size_t width)
{
    rh_text clean = {0}, line = {0};
    rh_text_append_clean(&clean, string, false);
    const char *p = rh_text_string(&clean);
    while (*p) {
        size_t blanks = strspn(p, " "), word = strcspn(p + blanks, " ");
        if (word && line.length)
            rh_text_append_char(&line, ' ');
        rh_text_append_bytes(&line, p + blanks, word);
        p += blanks + word;
    }
    bool fits = rh_utf8_length(rh_text_string(&line)) <= width;
    size_t room = fits ? width : width > 3 ? width - 3 : 0, length;
    uint32_t code;
    for (p = rh_text_string(&line); room > 0 && (length = rh_utf8_decode(p, &code)) > 0; p += length, room--)
        rh_text_append_bytes(text, p, length);
    if (!fits)
        rh_text_append(text, "...");
    rh_text_release(&clean);
    rh_text_release(&line);
}

void rh_text_append_wrapped(rh_text *text, const char *string, size_t indent, size_t width)
{
    rh_text clean = {0};
    rh_text_append_clean(&clean, string, false);
    size_t column = indent;
    char *rest = clean.data;
    for (char *word; (word = strsep(&rest, " ")) != NULL;) {
        size_t length = rh_utf8_length(word);
        if (length == 0)
            continue;
        if (column > indent && column + 1 + length > width) {
            rh_text_printf(text, "\n%*s", (int)indent, "");
            column = indent;
        } else if (column > indent) {
            rh_text_append_char(text, ' ');
            column++;
        }
        rh_text_append(text, word);
        column += length;
    }
    rh_text_append_char(text, '\n');
    rh_text_release(&clean);
}

void rh_text_append_lines(rh_text *text, const char *lines, size_t width)
{
    rh_text copy = {0};
    rh_text_append(&copy, lines);
    char *rest = copy.data;
    for (char *line; rest && *rest && (line = strsep(&rest, "\n")) != NULL;)
        if (rh_utf8_length(line) > width)
            rh_text_append_wrapped(text, line, 2, width);
        else
            rh_text_printf(text, "%s\n", line);
    rh_text_release(&copy);
}

void rh_error_format(const rh_error *error, rh_text *text)
{
    rh_text_append(text, "pgrehearse: ");
    /* a message that begins with the file's name needs it only once */
    if (error->file && (error->line || !error->message || !rh_starts_with(error->message, error->file))) {
        rh_text_append_clean(text, error->file, false);
        if (error->line)
            rh_text_printf(text, ":%d", error->line);
        if (error->line && error->column)
            rh_text_printf(text, ":%d", error->column);
        rh_text_append(text, ": ");
    }
    rh_text_append_clean(text, error->message ? error->message : "unknown error", false);
    if (error->sqlstate[0])
        rh_text_printf(text, " (SQLSTATE %s)", error->sqlstate);
    if (error->hint && *error->hint) {
        rh_text_append(text, "\n  ");
        rh_text_append_clean(text, error->hint, false);
    }
    rh_text_append_char(text, '\n');
}
