/* What the kernel counts of a process of this machine (proc(5)). */
#include "pgrehearse/adapters/process.h"
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool rh_proc_parse_schedstat(const char *text, int64_t *spent, int64_t *waited)
{
    char *middle, *end;
    *spent = strtoll(text, &middle, 10);
    *waited = strtoll(middle, &end, 10);
    return middle != text && end != middle && *end == ' ' && *spent >= 0 && *waited >= 0;
}

enum { UTIME = 14 }; /* of the fields of /proc/PID/stat that proc(5) numbers; stime follows */

bool rh_proc_parse_stat(const char *text, int64_t *user_ticks, int64_t *system_ticks)
{
    /* The name is in parentheses and may hold any byte: the next field begins after the last parenthesis. */
    const char *rest = strrchr(text, ')');
    for (int field = 3; rest && field <= UTIME; field++)
        rest = strchr(rest + 1, ' ');
    if (!rest)
        return false;
    char *middle, *end;
    *user_ticks = strtoll(rest, &middle, 10);
    *system_ticks = strtoll(middle, &end, 10);
    return middle != rest && end != middle;
}

int64_t rh_proc_parse_io(const char *text, const char *key)
{
    size_t length = strlen(key);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, length) == 0 && line[length] == ':') {
            char *end;
            long long value = strtoll(line + length + 1, &end, 10);
            return end == line + length + 1 ? -1 : value;
        }
    }
    return -1;
}

bool rh_proc_read(int pid, const char *name, char *buffer, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t got = read(fd, buffer, size - 1);
    close(fd);
    buffer[got > 0 ? got : 0] = '\0';
    return got > 0;
}

/* A kernel without scheduler statistics says 0. */
static bool read_schedstat(int pid, double *spent_s, double *waited_s)
{
    char text[1024];
    int64_t spent, waited;
    if (!rh_proc_read(pid, "schedstat", text, sizeof text) || !rh_proc_parse_schedstat(text, &spent, &waited))
        return false;
    *spent_s = (double)spent / 1e9;
    *waited_s = (double)waited / 1e9;
    return spent > 0;
}

double rh_proc_cpu(int pid)
{
    char text[1024];
    int64_t user, system;
    double spent_s, waited_s;
    if (read_schedstat(pid, &spent_s, &waited_s))
        return spent_s;
    if (rh_proc_read(pid, "stat", text, sizeof text) && rh_proc_parse_stat(text, &user, &system))
        return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
    return NAN;
}

double rh_proc_cpu_wait(int pid)
{
    double spent_s, waited_s;
    return read_schedstat(pid, &spent_s, &waited_s) ? waited_s : NAN;
}

void rh_proc_device_bytes(int pid, int64_t *read, int64_t *written)
{
    char text[1024];
    bool ok = rh_proc_read(pid, "io", text, sizeof text);
    *read = ok ? rh_proc_parse_io(text, "read_bytes") : -1;
    *written = ok ? rh_proc_parse_io(text, "write_bytes") : -1;
}
