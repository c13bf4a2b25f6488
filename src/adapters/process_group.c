#include "process_group.h"
#include <ctype.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "pid (name) state parent group …": the name may hold blanks and parentheses. False when it has gone. */
static bool read_state(const char *pid, char *state, int *group)
{
    char path[32 + 256], line[512];
    int parent = 0;
    snprintf(path, sizeof path, "/proc/%s/stat", pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    const char *name_end = fgets(line, sizeof line, file) ? strrchr(line, ')') : NULL;
    fclose(file);
    return name_end && sscanf(name_end + 1, " %c %d %d", state, &parent, group) == 3;
}

size_t rh_process_group_each(pid_t group, rh_process_group_visit visit, void *user)
{
    size_t count = 0;
    DIR *processes = opendir("/proc");
    for (const struct dirent *entry; processes && (entry = readdir(processes)) != NULL;) {
        char state = 0;
        int its_group = 0;
        if (!isdigit((unsigned char)entry->d_name[0]) || !read_state(entry->d_name, &state, &its_group) ||
            its_group != group || state == 'Z' || state == 'X')
            continue;
        count++;
        if (visit)
            visit(user, (pid_t)strtol(entry->d_name, NULL, 10), state);
    }
    if (processes)
        closedir(processes);
    return count;
}
