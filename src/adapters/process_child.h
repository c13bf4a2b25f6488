/* The child as process.c starts it and process_wait.c follows it. Private to these two. */
#pragma once
#include "connector.h"
#include "pgrehearse/adapters/process.h"

/* One captured stream of the child. */
typedef struct rh_process_stream {
    int fd; /* our end, non-blocking; -1: closed */
    rh_text captured;
} rh_process_stream;

struct rh_process {
    pid_t pid; /* -1: never started */
    int pidfd;
    int input;                    /* our end of its standard input; -1: none */
    rh_process_stream streams[2]; /* output, errors */
    bool keep_all;                /* output is wanted whole, not just its end */
    rh_text line;                 /* of errors: not yet complete */
    void (*on_line)(void *user, const char *line);
    void *user;
    void (*on_ending)(void *user, pid_t member);
    void *ending_user;
    bool terminated; /* its group got SIGTERM */
    char *name, *output_path;
    rh_connector *connector; /* answers its connect(); NULL */
    int death_signal;
    rh_usec grace; /* from SIGTERM to SIGKILL */
    bool ended;
    int status; /* as a shell has it; valid once ended */
};
