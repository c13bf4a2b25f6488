/* SIGINT, SIGTERM and SIGHUP request an interrupt, which every blocking wait notices.
 *
 * The one piece of process-wide state, because signals are process-wide. Every blocking wait (adapters/pg,
 * process, rh_clock_sleep_until) also polls rh_interrupt_fd() and returns RH_ERROR_INTERRUPTED, so an
 * interrupted run unwinds along the ordinary error paths. Clean-up runs with the interrupt held back.
 */
#pragma once
#include <stdbool.h>

/* Installs the handlers and ignores SIGPIPE. Call once, from the main thread, before threads start. */
void rh_interrupt_install(void);
/* True when an interrupt was requested and this thread does not hold interrupts. */
bool rh_interrupt_requested(void);
/* Readable once an interrupt was requested; -1 before rh_interrupt_install or while this thread holds
 * interrupts. */
int rh_interrupt_fd(void);
/* In this thread only: clean-up is not interrupted between hold and release. Nests. */
void rh_interrupt_hold(void);
void rh_interrupt_release(void);
/* For tests: forgets a request. */
void rh_interrupt_reset(void);
