#include "server_log.h"
#include "pgrehearse/adapters/files.h"
#include "pgrehearse/adapters/sql_parser.h"
#include "pgrehearse/base/text.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TAIL_BYTES = 16384, SHOWN_LINES = 3 };

/* Without "2026-11-22 12:14:03.123 UTC [4711] ", and only what explains an end: FATAL and PANIC, and a LOG
 * line that tells of a crash. */
static const char *is_informative(const char *line)
{
    static const char *const words[] = {"FATAL:  ",
                                        "PANIC:  ",
                                        "was terminated by signal",
                                        "No space left on device",
                                        "invalid value for parameter",
                                        "unrecognized configuration parameter"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strstr(line, words[i])) {
            const char *level = strstr(line, ":  ");
            return level ? level + 3 : line;
        }
    }
    return NULL;
}

static void last_informative_lines(char *tail, rh_text *out)
{
    const char *kept[SHOWN_LINES] = {0};
    size_t count = 0;
    char *state = NULL;
    for (char *line = strtok_r(tail, "\n", &state); line; line = strtok_r(NULL, "\n", &state)) {
        const char *shown = is_informative(line);
        /* Messages to clients about an end that was reported already. */
        if (!shown || strstr(shown, "the database system is ") || strstr(shown, "terminating connection"))
            continue;
        if (count == 0 || strcmp(kept[(count - 1) % SHOWN_LINES], shown) != 0)
            kept[count++ % SHOWN_LINES] = shown;
    }
    for (size_t i = count > SHOWN_LINES ? count - SHOWN_LINES : 0; i < count; i++)
        rh_text_printf(out, "%s%s", out->length ? "; " : "", kept[i % SHOWN_LINES]);
}

bool rh_server_log_error(const char *path, const char *shown, const char *what, rh_error *error)
{
    char tail[TAIL_BYTES + 1];
    rh_text lines = {0};
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int64_t size = fd >= 0 && fstat(fd, &status) == 0 ? status.st_size : 0;
    ssize_t got = fd < 0 ? 0 : pread(fd, tail, TAIL_BYTES, size > TAIL_BYTES ? size - TAIL_BYTES : 0);
    tail[got > 0 ? got : 0] = 0;
    if (fd >= 0)
        close(fd);
    bool full = strstr(tail, "No space left on device") != NULL;
    last_informative_lines(tail, &lines);
    rh_error_set(error, full ? RH_ERROR_NO_SPACE : RH_ERROR_STAGING, "%s%s%s", what, lines.length ? ": " : "",
                 rh_text_string(&lines));
    rh_error_hint(error,
                  full ? "free space where staging.directory lies, or set it to a larger place (log: %s)"
                       : "the server's log is %s",
                  shown);
    rh_text_release(&lines);
    return false;
}

/* The text behind "2026-11-22 12:14:03.123 UTC [4711] LOG:  "; the line itself when the server had not begun
 * to write such; NULL for details, statements, and lines that go on. */
static const char *message_of(const char *line)
{
    static const char *const levels[] = {"LOG", "WARNING", "ERROR", "FATAL", "PANIC"};
    const char *process = strchr(line, '[');
    const char *level = process ? strstr(process, "] ") : NULL;
    if (line[0] < '0' || line[0] > '9' || !level)
        return line[0] == '\t' || line[0] == '\n' ? NULL : line;
    level += 2;
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        if (rh_starts_with(level, levels[i]) && rh_starts_with(level + strlen(levels[i]), ":  "))
            return level + strlen(levels[i]) + 3;
    return NULL;
}

bool rh_server_log_show(const char *path, const char *shown, rh_error *error)
{
    enum { MOST_BYTES = 4 << 20 };
    static const char more[] = "(the rest is left out)\n";
    FILE *log = rh_file_stream(path, error);
    if (!log)
        return false;
    rh_text text = {0};
    bool continued = false;
    char piece[8192]; /* longer lines count as several, of which the first is shown */
    while (fgets(piece, sizeof piece, log) && text.length < MOST_BYTES) {
        bool whole = strchr(piece, '\n') != NULL;
        const char *message = continued ? NULL : message_of(piece);
        continued = !whole;
        if (!message)
            continue;
        char *redacted = rh_redact(message, &(rh_redaction){0});
        rh_text_append_bytes(&text, piece, (size_t)(message - piece));
        rh_text_printf(&text, "%s\n", redacted);
        free(redacted);
    }
    if (text.length >= MOST_BYTES)
        rh_text_append(&text, more);
    fclose(log);
    bool ok = text.length == 0 || rh_file_append(shown, rh_text_string(&text), text.length, error);
    rh_text_release(&text);
    return ok;
}

bool rh_server_log_says(const char *path, int64_t from, const char *text)
{
    enum { LONGEST = 64 * 1024 };
    char *part = rh_alloc(LONGEST + 1);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    const ssize_t got = fd < 0 ? 0 : pread(fd, part, LONGEST, (off_t)from);
    if (fd >= 0)
        close(fd);
    part[got > 0 ? got : 0] = '\0';
    const bool says = strstr(part, text) != NULL;
    free(part);
    return says;
}
