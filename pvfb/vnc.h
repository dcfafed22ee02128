/* SPDX-License-Identifier: MIT */
/* The VNC server of one screen.  See vnc.c, and viewer.c for who is connected. */
#ifndef PVFB_VNC_H
#define PVFB_VNC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/filter.h"
#include "common/log.h"
#include "common/loop.h"
#include "pvfb/damage.h"
#include "pvfb/rfb_frame.h"
#include "pvfb/websocket.h"

struct screen;
struct _rfbScreenInfo;
struct _rfbClientRec;
struct vnc;

enum {
	VIEWERS_MAX = 16,
	VNC_PASSWORDS_MAX = 2, /* the second only lets look */
	VNC_PASSWORD_MAX = 64,
};

/* A connection. */
struct viewer {
	struct vnc *vnc; /* NULL: there is none */
	int sock;
	struct _rfbClientRec *rfb;   /* libvncserver's; NULL until it is known what it speaks */
	struct loop_poll *in, *out;  /* out: its socket is full, and nothing is sent */
	struct loop_timer *deadline; /* of its handshake */
	struct loop_timer *greet;    /* until then a browser would have said so */
	struct loop_timer *again;    /* it has more to say than is listened to at once */
	uint64_t since_ns;
	size_t room; /* that its socket has at least */
	size_t drop; /* bytes of a message for nobody that are yet to come */

	bool web; /* a browser, whose socket has frames */
	struct websocket ws;
	int near, far;	/* ends of a socket pair: near is what rfb has, far is what we have of it */
	uint32_t heard; /* bytes of `said` */
	uint8_t said[RFB_MESSAGE_MAX];
};

struct vnc {
	struct screen *screen; /* NULL: there is none */
	struct _rfbScreenInfo *rfb;
	struct loop *loop;
	int listener; /* -1: nobody is to see it */
	struct loop_poll *listen;
	struct loop_timer *listen_again;
	struct loop_timer *next; /* until then nothing is sent */
	uint64_t sent_ns;
	char title_text[80];
	char password[VNC_PASSWORDS_MAX][VNC_PASSWORD_MAX];
	char *passwords[VNC_PASSWORDS_MAX + 1];
	struct log_limit limit; /* of complaints about viewers */
	struct viewer viewers[VIEWERS_MAX];
};

/* Has the libraries read and make what the sandbox would refuse.  0 or -errno, told. */
int vnc_prepare(void);

/*
 * Owns the descriptors: a listening socket, or -1, and a file with up to two passwords, or -1.
 * Listens from vnc_listen() on.
 */
void vnc_open(struct vnc *vnc, struct screen *screen, int listener, int passwords,
	      const char *title);
void vnc_listen(struct vnc *vnc);
void vnc_close(struct vnc *vnc);

/* The screen has another size, and its pixels are elsewhere; what was shown may be freed then. */
void vnc_resize(struct vnc *vnc, uint32_t *shadow, uint32_t width, uint32_t height);
/* There is something to copy. */
void vnc_damaged(struct vnc *vnc);
/* It was copied. */
void vnc_changed(struct vnc *vnc, const struct rect *rect);

/* Sends what viewers wait for: now, or a moment later. */
void vnc_update(struct vnc *vnc);

/* ---- viewer.c: who is connected ---------------------------------------------------------------
 */

/* A connection was accepted; owns `fd`. */
void viewer_open(struct vnc *vnc, int fd);
void viewer_close(struct viewer *viewer);
/* Closes it, with a line in the log: "a viewer WHAT". */
void viewer_blame(struct viewer *viewer, const char *what);
/* It has asked for an update, and can take one. */
bool viewer_waits(const struct viewer *viewer);
/* Sends it. */
void viewer_update(struct viewer *viewer);
/* Whether `bytes` more have room; if not, viewer_listen() is called when they may have. */
bool viewer_has_room(struct viewer *viewer, size_t bytes);

/* ---- viewer_hello.c: what it speaks -----------------------------------------------------------
 */

/* Something has come of one that has no rfb yet. */
void viewer_hello(struct viewer *viewer);
/* It is new. */
void viewer_hello_wait(struct viewer *viewer);

/* ---- viewer_message.c: what it says -----------------------------------------------------------
 */

/* Takes what messages there are. */
void viewer_listen(struct viewer *viewer);

/* ---- viewer_web.c: a browser's ----------------------------------------------------------------
 */

/*
 * Takes what has come, as far as viewer->said has room.  How much it holds; or 0: its stream has
 * ended, -EAGAIN: nothing has come, -EPROTO: it has broken its frames.
 */
ssize_t web_hear(struct viewer *viewer);
/* So many bytes of that are done with. */
void web_forget(struct viewer *viewer, size_t n);
/* libvncserver reads the first `n` bytes of that, a message, and answers.  False: to be closed. */
bool web_message(struct viewer *viewer, size_t n);
/* libvncserver sends an update.  False: to be closed. */
bool web_update(struct viewer *viewer);
/* Its socket is about to be closed: says so, and closes what is beside it. */
void web_close(struct viewer *viewer);
/* A frame around a few bytes (4096); false if it has no room for them. */
bool web_send(struct viewer *viewer, uint8_t opcode, const void *data, size_t n);

/* ---- viewer_keys.c ----------------------------------------------------------------------------
 */

/* Has libvncserver know of RFB's QEMU Extended Key Event. */
void viewer_register_keys(void);

/* What both ask of the kernel when they are confined: filter.h. */
extern const struct filter vnc_filter;

#endif
