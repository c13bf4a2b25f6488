#include "pgrehearse/staging/server_log.h"
#include "pgrehearse/base/text.h"
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TAIL_BYTES = 16384, SHOWN_LINES = 3 };

int64_t rh_server_log_size(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 ? status.st_size : 0;
}

/* Without "2026-11-22 12:14:03.123 UTC [4711] ", and only what explains an end: FATAL and PANIC, and a LOG
 * line that tells of a crash. */
static const char *telling(const char *line)
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

static void last_telling_lines(char *tail, rh_text *out)
{
    const char *kept[SHOWN_LINES] = {0};
    size_t count = 0;
    char *state = NULL;
    for (char *line = strtok_r(tail, "\n", &state); line; line = strtok_r(NULL, "\n", &state)) {
        const char *told = telling(line);
        /* The clients' side of an end that is already told. */
        if (!told || strstr(told, "the database system is ") || strstr(told, "terminating connection"))
            continue;
        if (count == 0 || strcmp(kept[(count - 1) % SHOWN_LINES], told) != 0)
            kept[count++ % SHOWN_LINES] = told;
    }
    for (size_t i = count > SHOWN_LINES ? count - SHOWN_LINES : 0; i < count; i++)
        rh_text_printf(out, "%s%s", out->length ? "; " : "", kept[i % SHOWN_LINES]);
}

bool rh_server_log_error(const char *path, int64_t from, const char *what, rh_error *error)
{
    char tail[TAIL_BYTES + 1];
    rh_text lines = {0};
    int64_t size = rh_server_log_size(path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got =
        fd < 0 ? 0 : pread(fd, tail, TAIL_BYTES, size - from > TAIL_BYTES ? size - TAIL_BYTES : from);
    tail[got > 0 ? got : 0] = 0;
    if (fd >= 0)
        close(fd);
    bool full = strstr(tail, "No space left on device") != NULL;
    last_telling_lines(tail, &lines);
    rh_error_set(error, full ? RH_ERROR_NO_SPACE : RH_ERROR_STAGING, "%s%s%s", what, lines.length ? ": " : "",
                 rh_text_string(&lines));
    rh_error_hint(error,
                  full ? "free space where staging.directory lies, or set it to a larger place (log: %s)"
                       : "the server's log is %s",
                  path);
    rh_text_release(&lines);
    return false;
}
