// SPDX-License-Identifier: MIT
/*
 * A guest's screens in its worker.  A screen is there as long as one of its two devices is; its VNC
 * server, as long as its vfb is: then there is something to see.  Everything is on the worker's
 * main thread.
 */
#include "pvfb/screen.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/runfile.h"
#include "pvfb/map.h"
#include "pvfb/tape.h"

static struct screen *screen_find(const struct worker *worker, uint32_t devid)
{
	for (struct screen *screen = worker->devices; screen; screen = screen->next)
		if (screen->devid == devid)
			return screen;
	return NULL;
}

static struct screen *screen_get(struct worker *worker, uint32_t devid)
{
	struct screen *screen = screen_find(worker, devid);

	if (screen)
		return screen;
	screen = calloc(1, sizeof(*screen));
	if (!screen)
		log_panic("out of memory");
	screen->worker = worker;
	screen->devid = devid;
	screen->next = worker->devices;
	worker->devices = screen;
	return screen;
}

/* Frees it if none of its devices is left. */
static void screen_put(struct screen *screen)
{
	struct worker *worker = screen->worker;

	if (screen->fb.screen || screen->kbd.screen)
		return;
	for (struct screen **p = (struct screen **)&worker->devices; *p; p = &(*p)->next)
		if (*p == screen) {
			*p = screen->next;
			break;
		}
	free(screen);
	worker_device_gone(worker);
}

/* ---- between the parts --------------------------------------------------------------------- */

void screen_refresh(struct screen *screen)
{
	fb_refresh(&screen->fb);
}

void screen_symbol(struct screen *screen, uint32_t symbol, bool pressed)
{
	if (screen->kbd.screen)
		kbd_symbol(&screen->kbd, symbol, pressed);
}

void screen_scancode(struct screen *screen, uint32_t scancode, bool pressed)
{
	if (screen->kbd.screen)
		kbd_scancode(&screen->kbd, scancode, pressed);
}

void screen_pointer(struct screen *screen, uint32_t buttons, uint32_t x, uint32_t y)
{
	const struct geometry *geometry = &screen->fb.geometry;

	if (screen->kbd.screen)
		kbd_pointer(&screen->kbd, buttons, x, y, geometry->width, geometry->height);
}

void screen_release(struct screen *screen)
{
	if (screen->kbd.screen)
		kbd_release(&screen->kbd);
}

/* ---- what the supervisor asks ------------------------------------------------------------ */

static const char *vfb_connect(struct screen *screen, const struct screen_connect *connect,
			       struct chan_msg *msg)
{
	struct fb_journal *journal = runfile_map(chan_take_journal(msg), sizeof(*journal));
	int listener = msg->nfds > 0 ? msg->fds[0] : -1;
	int passwords = msg->nfds > 1 ? msg->fds[1] : -1;
	const char *why;

	/* First: a screen's first shape is told to its server. */
	vnc_open(&screen->vnc, screen, listener, passwords, connect->title);
	why = fb_connect(&screen->fb, screen, connect, msg->serial, journal);
	if (why)
		vnc_close(&screen->vnc);
	else
		vnc_listen(&screen->vnc);
	return why;
}

static const char *vkbd_connect(struct screen *screen, const struct screen_connect *connect,
				struct chan_msg *msg)
{
	struct kbd_journal *journal = runfile_map(chan_take_journal(msg), sizeof(*journal));

	return kbd_connect(&screen->kbd, screen, connect, journal);
}

static void screen_handle_connect(struct worker *worker, struct chan_msg *msg)
{
	struct screen *screen = screen_get(worker, msg->devid / SCREEN_DEVICES);
	struct screen_connect connect;
	const char *why;

	memcpy(&connect, msg->body, sizeof(connect));
	connect.title[SCREEN_TITLE_MAX - 1] = '\0';
	if (msg->devid % SCREEN_DEVICES == SCREEN_VFB && !screen->fb.screen)
		why = vfb_connect(screen, &connect, msg);
	else if (msg->devid % SCREEN_DEVICES == SCREEN_VKBD && !screen->kbd.screen)
		why = vkbd_connect(screen, &connect, msg);
	else
		log_panic("can't connect device %u", msg->devid);
	worker_answer(why ? CHAN_FAILED : CHAN_CONNECTED, msg->devid, msg->serial, why);
	screen_put(screen);
}

static void screen_close_vfb(struct screen *screen)
{
	vnc_close(&screen->vnc);
	if (screen->fb.screen)
		fb_close(&screen->fb);
}

static void screen_close_vkbd(struct screen *screen)
{
	if (screen->kbd.screen)
		kbd_close(&screen->kbd);
}

static void screen_handle_close(struct worker *worker, uint32_t number)
{
	struct screen *screen = screen_find(worker, number / SCREEN_DEVICES);

	if (screen && number % SCREEN_DEVICES == SCREEN_VFB)
		screen_close_vfb(screen);
	else if (screen)
		screen_close_vkbd(screen);
	worker_answer(CHAN_CLOSED, number, 0, NULL);
	if (screen)
		screen_put(screen);
}

static void screen_handle_close_all(struct worker *worker)
{
	for (struct screen *screen = worker->devices, *next; screen; screen = next) {
		next = screen->next;
		screen_close_vfb(screen);
		screen_close_vkbd(screen);
		screen_put(screen);
	}
}

/* Nothing of a connected screen is told anew: no backend function of pvfb's asks for that. */
static void screen_handle_none(struct worker *worker, const struct chan_msg *msg)
{
	(void)worker;
	log_panic("the supervisor sent message type %u", msg->type);
}

static int screen_open(struct worker *worker, uint16_t domid)
{
	const char *layout = getenv("PVFB_KEYMAP");
	int err = map_open(domid);

	(void)worker;
	if (err == 0)
		err = kbd_open_keymap(layout ? layout : "us");
	if (err == 0)
		err = vnc_prepare();
	return err;
}

static const struct filter *const screen_filters[] = {&map_filter, &vnc_filter, &tape_filter, NULL};

const struct worker_ops screen_worker_ops = {
	.open = screen_open,
	.connect = screen_handle_connect,
	.tune = screen_handle_none,
	.close = screen_handle_close,
	.resize = screen_handle_none,
	.close_all = screen_handle_close_all,
	.filters = {screen_filters, screen_filters},
};
