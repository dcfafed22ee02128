// SPDX-License-Identifier: MIT
/*
 * For the tests of the embedded Xen: a hv of one's own, and handles of any domain in one
 * process.  All functions fail the running test when something is wrong.
 */
#ifndef TESTS_HVHOST_H
#define TESTS_HVHOST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/types.h>
#include <xenevtchn.h>
#include <xenforeignmemory.h>
#include <xengnttab.h>
#include "loopback/hvclient.h"

int host_start(void **state); /* group setup: hv in a new directory */
int host_stop(void **state);
extern struct hv *host; /* a handle of domain 0 for toolstack calls */
extern const char *host_dir;

uint32_t guest_new(void); /* 4 MiB of RAM */
struct hv_stats stats_of(uint32_t domid);

/* Handles as a domain. */
xenevtchn_handle *evtchn_as(uint32_t domid);
xengnttab_handle *gnttab_as(uint32_t domid);
xengntshr_handle *gntshr_as(uint32_t domid);
xenforeignmemory_handle *fmem_as(uint32_t domid);

int fd_ready(int fd); /* 1 if it is readable now */
/* Takes what bind made pending, so that a test starts with a quiet port. */
void event_drain(xenevtchn_handle *xce);

/*
 * A child process that runs fn, which must call child_ready() once; the call returns when it
 * did.  fn's return is its exit status.
 */
pid_t child_start(int (*fn)(void *arg), void *arg);
void child_ready(uint32_t word); /* the parent finds word in child_word */
extern uint32_t child_word;
int child_wait(pid_t pid);  /* wait status */
void child_kill(pid_t pid); /* SIGKILL, reaped, and hv has released what it held */

#endif
