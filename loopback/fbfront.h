/* SPDX-License-Identifier: MIT */
/* The reference frontends of a screen (vfb) and of its keyboard and pointer (vkbd). */
#ifndef LOOPBACK_FBFRONT_H
#define LOOPBACK_FBFRONT_H

#include <xenevtchn.h>
#include <xen/io/fbif.h>
#include <xen/io/kbdif.h>

#include "loopback/guest.h"

/* What both have: a shared page and an event channel. */
struct pvpage {
	struct front front;
	xenevtchn_handle *evtchn;
	evtchn_port_t port;
	void *page;
	grant_ref_t ref;
};

/*
 * A program can't know the frame numbers of its pages, and screens are named by them; whoever runs
 * below it as its kernel says them: the frame of each granted page.  0 or -errno.
 */
typedef int (*frames_fn)(const grant_ref_t *refs, unsigned int n, uint64_t *frames);

struct fbfront_opts {
	unsigned int width, height, depth; /* pixels, bits */
	unsigned int bytes;		   /* of framebuffer; 0: what that takes */
	bool abi32;			   /* speak x86_32-abi */
	bool mute;			   /* don't offer to tell what was drawn */
	const struct front_key *keys;	   /* hostile: written last, over what we wrote */
	size_t nr_keys;
	uint32_t index;		/* hostile: where the ring's indices start */
	uint32_t bad_frame;	/* hostile: this page of the framebuffer, from 1 on, is no frame */
	uint32_t bad_directory; /* hostile: likewise this page of the directory */
	uint64_t bad_value;	/* hostile: what stands there instead */
};

struct fbfront {
	struct pvpage shared;
	uint8_t *pixels;
	unsigned int bytes, stride;
	struct fbfront_opts opts;
	void *memory; /* directory, then framebuffer */
	unsigned int memory_pages;
	grant_ref_t *refs;
};

/* Connects.  0 or -errno; a failure is told on stderr. */
int fbfront_open(struct fbfront *fb, struct guest *g, unsigned int devid, frames_fn frames,
		 const struct fbfront_opts *opts);
int fbfront_close(struct fbfront *fb);
/* True if the backend wants to be told what was drawn. */
bool fbfront_wanted(const struct fbfront *fb);
/* Tells it.  False: its ring was full, and nothing was told. */
bool fbfront_update(struct fbfront *fb, int x, int y, int width, int height);
bool fbfront_resize(struct fbfront *fb, int width, int height, int stride, int depth, int offset);
/* Any event, as it is. */
bool fbfront_put(struct fbfront *fb, const union xenfb_out_event *event);
/* Hostile: moves out_prod by `delta`, with nothing in the slots, and notifies. */
void fbfront_lie(struct fbfront *fb, uint32_t delta);

struct kbdfront {
	struct pvpage shared;
};

/* `absolute`, `raw`: what to ask for of the pointer. */
int kbdfront_open(struct kbdfront *kbd, struct guest *g, unsigned int devid, bool absolute,
		  bool raw);
int kbdfront_close(struct kbdfront *kbd);
/* The next event.  False: there is none. */
bool kbdfront_take(struct kbdfront *kbd, union xenkbd_in_event *event);

/* Readable when the backend has notified; and its acknowledgement. */
int pvpage_fd(const struct pvpage *p);
void pvpage_drain(struct pvpage *p);

#endif
