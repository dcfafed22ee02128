// SPDX-License-Identifier: MIT
/*
 * A screen's VNC server: libvncserver's encoders and protocol on our loop.  The library's own loop,
 * its threads and its listening are not used, nor what it can do with files, the web, clipboards or
 * UDP.
 *
 * It owns the listening socket, which its supervisor has, too, so that viewers find the next worker
 * on the same port.  Viewers pull: what the guest has drawn is copied when one of them has asked
 * for an update and its socket has room, at most each 10 ms.  So a viewer that does not read, and a
 * guest that draws for nobody, cost nothing.
 */
#include "pvfb/vnc.h"

#include <errno.h>
#include <fcntl.h>
#include <gcrypt.h>
#include <rfb/rfb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pvfb/raw.h"
#include "pvfb/screen.h"
#include "pvfb/tape.h"

enum {
	FRAME_NS = 10000000,
	BYTES_PER_PIXEL = 4,
	ACCEPTS_MAX = 64,
};

/* The library tells each viewer's every step; what matters we say ourselves. */
static void rfb_quiet(const char *format, ...)
{
	(void)format;
}

int vnc_prepare(void)
{
	unsigned char challenge[16] = {0}, sum[20];
	unsigned int seed;

	rfbLog = rfb_quiet;
	rfbErr = rfb_quiet;
	/* The library's challenges come from random(). */
	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		return -EIO;
	srandom(seed);
	/* libgcrypt looks at the system when it is used for the first time. */
	rfbEncryptBytes(challenge, (char[]){"halfback"});
	gcry_md_hash_buffer(GCRY_MD_SHA1, sum, challenge, sizeof(challenge));
	rfbMaxClientWait = WRITE_WAIT_MS;
	viewer_register_keys();
	return tape_open();
}

/* ---- updates ------------------------------------------------------------------------------- */

static bool anybody_waits(const struct vnc *vnc)
{
	for (int i = 0; i < VIEWERS_MAX; i++)
		if (viewer_waits(&vnc->viewers[i]))
			return true;
	return false;
}

static void vnc_next(void *arg)
{
	struct vnc *vnc = arg;

	vnc->next = NULL;
	vnc_update(vnc);
}

void vnc_update(struct vnc *vnc)
{
	uint64_t now_ns;

	if (!vnc->rfb || vnc->next || !anybody_waits(vnc))
		return;
	now_ns = loop_now_ns();
	if (now_ns - vnc->sent_ns < FRAME_NS) {
		uint64_t rest_ns = FRAME_NS - (now_ns - vnc->sent_ns);

		vnc->next =
			loop_timer_add(vnc->loop, (uint32_t)(rest_ns / 1000000 + 1), vnc_next, vnc);
		return;
	}
	vnc->sent_ns = now_ns;
	screen_refresh(vnc->screen);
	for (int i = 0; i < VIEWERS_MAX; i++)
		if (viewer_waits(&vnc->viewers[i]))
			viewer_update(&vnc->viewers[i]);
}

void vnc_damaged(struct vnc *vnc)
{
	vnc_update(vnc);
}

void vnc_changed(struct vnc *vnc, const struct rect *rect)
{
	if (vnc->rfb)
		rfbMarkRectAsModified(vnc->rfb, (int)rect->x1, (int)rect->y1, (int)rect->x2,
				      (int)rect->y2);
}

/* ---- the screen ---------------------------------------------------------------------------- */

/* The guest chooses its size; there is no way to ask it for another. */
static int desktop_size_asked(int width, int height, int screens, struct rfbExtDesktopScreen *list,
			      rfbClientPtr rfb)
{
	(void)width;
	(void)height;
	(void)screens;
	(void)list;
	(void)rfb;
	return rfbExtDesktopSize_ResizeProhibited;
}

static void key_told(rfbBool down, rfbKeySym symbol, rfbClientPtr rfb)
{
	const struct viewer *viewer = rfb->clientData;

	screen_symbol(viewer->vnc->screen, symbol, down);
}

static void pointer_told(int buttons, int x, int y, rfbClientPtr rfb)
{
	const struct viewer *viewer = rfb->clientData;

	screen_pointer(viewer->vnc->screen, (uint32_t)buttons, (uint32_t)x, (uint32_t)y);
}

static void keys_released(rfbClientPtr rfb)
{
	const struct viewer *viewer = rfb->clientData;

	screen_release(viewer->vnc->screen);
}

/* As most viewers want it, so that nothing is translated; the library's default is another. */
static void rfb_shape(rfbScreenInfoPtr rfb)
{
	rfb->serverFormat.depth = 24;
	rfb->serverFormat.redShift = 16;
	rfb->serverFormat.greenShift = 8;
	rfb->serverFormat.blueShift = 0;
	/* A socket that is writable has room for a slice. */
	rfb->progressiveSliceHeight = RAW_BYTES_MAX / (rfb->width * BYTES_PER_PIXEL);
	if (rfb->progressiveSliceHeight == 0)
		rfb->progressiveSliceHeight = 1;
}

static rfbScreenInfoPtr rfb_make(struct vnc *vnc, int width, int height)
{
	rfbScreenInfoPtr rfb = rfbGetScreen(NULL, NULL, width, height, 8, 3, BYTES_PER_PIXEL);

	if (!rfb)
		log_panic("out of memory");
	rfb->screenData = vnc;
	rfb->desktopName = vnc->title_text;
	rfb->alwaysShared = TRUE;
	rfb->deferUpdateTime = 0;
	rfb->permitFileTransfer = FALSE;
	rfb->setDesktopSizeHook = desktop_size_asked;
	rfb->kbdAddEvent = key_told;
	rfb->kbdReleaseAllKeys = keys_released;
	rfb->ptrAddEvent = pointer_told;
	rfb->cursor = NULL; /* the guest draws its own */
	if (vnc->passwords[0]) {
		rfb->authPasswdData = vnc->passwords;
		rfb->authPasswdFirstViewOnly = 1;
		rfb->passwordCheck = rfbCheckPasswordByList;
	}
	return rfb;
}

void vnc_resize(struct vnc *vnc, uint32_t *shadow, uint32_t width, uint32_t height)
{
	if (!vnc->screen || vnc->listener < 0)
		return;
	if (!vnc->rfb) {
		vnc->rfb = rfb_make(vnc, (int)width, (int)height);
		vnc->rfb->frameBuffer = (char *)shadow;
	} else {
		rfbNewFramebuffer(vnc->rfb, (char *)shadow, (int)width, (int)height, 8, 3,
				  BYTES_PER_PIXEL);
	}
	rfb_shape(vnc->rfb);
	/* rfbNewFramebuffer() has them translate from its default. */
	for (int i = 0; i < VIEWERS_MAX; i++)
		if (vnc->viewers[i].rfb)
			vnc->rfb->setTranslateFunction(vnc->viewers[i].rfb);
}

/* ---- listening ------------------------------------------------------------------------------ */

static void listen_ready(void *arg, int events);

static void listen_again(void *arg)
{
	struct vnc *vnc = arg;

	vnc->listen_again = NULL;
	listen_ready(vnc, 0);
}

/* Connections may come faster than they are turned away, and viewers want to see something, too. */
static void listen_ready(void *arg, int events)
{
	struct vnc *vnc = arg;

	(void)events;
	if (vnc->listen_again)
		return;
	for (int i = 0; i < ACCEPTS_MAX; i++) {
		int fd = accept4(vnc->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0)
			viewer_open(vnc, fd);
		else if (errno == EAGAIN)
			return;
	}
	vnc->listen_again = loop_timer_add(vnc->loop, 1, listen_again, vnc);
}

/* One on each line. */
static void passwords_read(struct vnc *vnc, int fd)
{
	char text[VNC_PASSWORDS_MAX * VNC_PASSWORD_MAX] = "", *at = text;
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0); /* its place is shared with others */

	for (int i = 0; n > 0 && i < VNC_PASSWORDS_MAX && *at; i++) {
		size_t len = strcspn(at, "\n");

		snprintf(vnc->password[i], VNC_PASSWORD_MAX, "%.*s", (int)len, at);
		vnc->passwords[i] = vnc->password[i];
		at += len + (at[len] == '\n');
	}
	memset(text, 0, sizeof(text));
	close(fd);
}

void vnc_open(struct vnc *vnc, struct screen *screen, int listener, int passwords,
	      const char *title)
{
	memset(vnc, 0, sizeof(*vnc));
	vnc->screen = screen;
	vnc->loop = &screen->worker->threads[0].loop;
	vnc->listener = listener;
	snprintf(vnc->title_text, sizeof(vnc->title_text), "%s", title);
	if (passwords >= 0)
		passwords_read(vnc, passwords);
}

void vnc_listen(struct vnc *vnc)
{
	if (vnc->listener >= 0)
		vnc->listen = loop_poll_add(vnc->loop, vnc->listener, listen_ready, vnc);
}

void vnc_close(struct vnc *vnc)
{
	if (!vnc->screen)
		return;
	loop_poll_del(vnc->loop, vnc->listen);
	loop_timer_del(vnc->loop, vnc->listen_again);
	for (int i = 0; i < VIEWERS_MAX; i++)
		if (vnc->viewers[i].vnc)
			viewer_close(&vnc->viewers[i]);
	/* Viewers that went asked for updates of others. */
	loop_timer_del(vnc->loop, vnc->next);
	if (vnc->rfb)
		rfbScreenCleanup(vnc->rfb);
	if (vnc->listener >= 0)
		close(vnc->listener);
	explicit_bzero(vnc, sizeof(*vnc));
}

/* What viewer.c and libvncserver do with sockets; not among it: making one that leads anywhere. */
static const struct filter_rule vnc_rules[] = {
	FILTER_ALLOW(accept4),	       FILTER_ALLOW(recvfrom),
	FILTER_ALLOW(sendto),	       FILTER_ALLOW(read),
	FILTER_ALLOW(write),	       FILTER_ALLOW(writev),
	FILTER_ALLOW(shutdown),	       FILTER_ALLOW(getpeername),
	FILTER_ALLOW(setsockopt),      FILTER_ALLOW(pselect6),
	FILTER_ALLOW(select),	       FILTER_ALLOW(poll),
	FILTER_ALLOW(uname),	       FILTER_INT(socketpair, 0, AF_UNIX),
	FILTER_ALLOW(pread64),	       FILTER_INT(fcntl, 1, F_GETFL),
	FILTER_INT(fcntl, 1, F_SETFL), FILTER_INT(fcntl, 1, F_DUPFD_CLOEXEC),
};

const struct filter vnc_filter = {FILTER_RULES(vnc_rules)};
