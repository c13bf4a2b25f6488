#include "symlinks.h"
#include "pgrehearse/base/arena.h"
#include "pgrehearse/base/text.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The real path of the directory that holds PATH; heap, NULL: errno. */
static char *real_directory(const char *path)
{
    const char *slash = strrchr(path, '/');
    rh_text directory = {0};
    rh_text_append_bytes(&directory, slash ? path : ".", slash ? (size_t)(slash - path) + 1 : 1);
    char *real = realpath(rh_text_string(&directory), NULL);
    rh_text_release(&directory);
    return real;
}

static bool holds_repository(const char *directory)
{
    rh_text mark = {0};
    rh_text_printf(&mark, "%s/.git", directory);
    bool found = access(rh_text_string(&mark), F_OK) == 0;
    rh_text_release(&mark);
    return found;
}

/* Cuts DIRECTORY to the repository that holds it, if one does. */
static void climb_to_repository(char *directory)
{
    for (size_t length = strlen(directory); length > 0;) {
        char cut = directory[length];
        directory[length] = 0;
        if (holds_repository(directory))
            return;
        directory[length] = cut;
        while (length > 0 && directory[--length] != '/')
            ;
    }
}

bool rh_linked_check(const char *path, rh_error *error)
{
    struct stat status;
    if (lstat(path, &status) != 0 || !S_ISLNK(status.st_mode))
        return true;
    char *real = realpath(path, NULL), *root = real ? real_directory(path) : NULL;
    if (root)
        climb_to_repository(root);
    const size_t length = root ? strlen(root) : 0;
    const bool inside = root && strncmp(real, root, length) == 0 && (real[length] == '/' || length == 1);
    if (root && !inside) {
        rh_error_set(error, RH_ERROR_REFUSED, "%s is a link to %s, which lies outside of %s", path, real,
                     root);
        rh_error_hint(error, "A rehearsal reads migrations from their own repository only: copy the file "
                             "there, or set migrations.path to the folder that holds it.");
    }
    free(real);
    free(root);
    return inside || !root; /* a dangling link fails when it is read */
}
