/* Internal to workload/generator/: between a client's connection and its work. */
#pragma once
#include "generator.h"

/* Counts a failure of the template NAME. */
void rh_client_record_error(load_client *client, const char *name, const char *sqlstate);
/* The work ends without having been done: an error, or dropped because it was cancelled here. */
void rh_client_fail_work(load_client *client, const char *sqlstate);
/* After a command was handed to libpq; not OK: the connection is lost. */
void rh_client_sent(load_client *client, bool ok);
/* A failure of the load client, not of the server. */
void rh_client_fail_script(load_client *client, const char *why);
/* The script's next statement or pause, or its end. */
void rh_client_continue_work(load_client *client);
/* From the beginning, with the same random numbers each time. */
void rh_client_send_work(load_client *client);
/* Its work is over: it takes the next arrival, or waits. */
void rh_client_become_free(load_client *client);
/* The server refused it. DDL that changed a result makes the plan useless once: an application sees that
 * error, then prepares again. */
void rh_client_on_failed(load_client *client, const char *sqlstate);
/* The server has done what was sent. */
void rh_client_on_done(load_client *client);
