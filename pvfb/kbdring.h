/* SPDX-License-Identifier: MIT */
/* The ring of a vkbd: what a guest is told of keys and pointer.  See kbdring.c. */
#ifndef PVFB_KBDRING_H
#define PVFB_KBDRING_H

#include <stdint.h>

#include <xen/xen.h>
#include <xen/io/kbdif.h>

#include "common/guest.h"

struct kbdring {
	void __guest *page;
	uint32_t prod; /* ours; what the page has is for the guest to read */
};

/* Takes over where the last backend of this page ended. */
void kbdring_attach(struct kbdring *ring, void __guest *page);
/* Adds an event, seen by the guest when it looks.  0, or -EAGAIN if there is no room. */
int kbdring_push(struct kbdring *ring, const union xenkbd_in_event *event);

#endif
