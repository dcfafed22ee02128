// SPDX-License-Identifier: MIT
/*
 * A guest's keyboard and pointer: viewers' keys become events on its ring.
 *
 * It owns the map of the page.  A guest that does not look for a while finds up to 256 events more
 * than its ring holds; then it loses what comes, as from a keyboard whose buffer is full.  Which
 * keys are down stands in the journal: the next worker lets go of them, since nobody else will.
 */
#include "pvfb/kbd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "common/guard.h"
#include "common/runfile.h"
#include "pvfb/map.h"
#include "pvfb/screen.h"

/* One keyboard layout for all of a worker's screens. */
static struct keymap keymap;

int kbd_open_keymap(const char *layout)
{
	int err = keymap_open(&keymap, layout);

	if (err < 0)
		log_error("can't read the keyboard layout '%s': %s; is xkb-data installed?", layout,
			  strerror(-err));
	return err;
}

/* ---- events to the guest -------------------------------------------------------------------- */

static void kbd_flush(struct kbd *kbd)
{
	while (kbd->waiting > 0 && kbdring_push(&kbd->ring, &kbd->wait[kbd->first]) == 0) {
		kbd->first = (kbd->first + 1) % KBD_WAITING;
		kbd->waiting--;
		kbd->told = true;
	}
	if (kbd->told)
		port_notify(&kbd->port);
	kbd->told = false;
}

static void kbd_add(struct kbd *kbd, const union xenkbd_in_event *event)
{
	if (kbd->waiting < KBD_WAITING)
		kbd->wait[(kbd->first + kbd->waiting++) % KBD_WAITING] = *event;
}

static void kbd_emit(void *arg, uint32_t code, bool pressed)
{
	const union xenkbd_in_event event = key_event(code, pressed);

	kbd_add(arg, &event);
}

/* The guest has taken some; it sends no events of its own. */
static void kbd_kicked(struct port *port)
{
	kbd_flush((struct kbd *)((char *)port - offsetof(struct kbd, port)));
}

/* ---- what viewers do ------------------------------------------------------------------------ */

void kbd_symbol(struct kbd *kbd, uint32_t symbol, bool pressed)
{
	keyboard_symbol(&kbd->keyboard, symbol, pressed);
	kbd_flush(kbd);
}

void kbd_scancode(struct kbd *kbd, uint32_t scancode, bool pressed)
{
	keyboard_key(&kbd->keyboard, scancode_key(scancode), pressed);
	kbd_flush(kbd);
}

void kbd_pointer(struct kbd *kbd, uint32_t buttons, uint32_t x, uint32_t y, uint32_t width,
		 uint32_t height)
{
	union xenkbd_in_event events[POINTER_EVENTS_MAX];
	uint32_t n = pointer_move(&kbd->pointer, buttons, x, y, width, height, events);

	for (uint32_t i = 0; i < n; i++)
		kbd_add(kbd, &events[i]);
	kbd_flush(kbd);
}

void kbd_release(struct kbd *kbd)
{
	keyboard_release(&kbd->keyboard);
	/* Its buttons, too, where it is. */
	kbd_pointer(kbd, 0, kbd->pointer.x, kbd->pointer.y, UINT32_MAX, UINT32_MAX);
}

/* ---- life ---------------------------------------------------------------------------------- */

static void __guest *kbd_map(const struct kbd *kbd, const struct screen_connect *connect)
{
	const struct thread *thread = &kbd->screen->worker->threads[0];
	void *page;

	if (!connect->granted)
		return map_frames(&connect->page, 1, true);
	page = xengnttab_map_grant_ref(thread->xgt, thread->domid, (uint32_t)connect->page,
				       PROT_READ | PROT_WRITE);
	if (!page && errno == ENOMEM)
		log_panic("out of memory"); /* as in map.c */
	return page ? guest_mark(page) : NULL;
}

void kbd_close(struct kbd *kbd)
{
	port_unbind(&kbd->port);
	if (kbd->page && kbd->granted)
		xengnttab_unmap(kbd->screen->worker->threads[0].xgt, guest_unmark(kbd->page), 1);
	else
		map_undo(kbd->page, 1);
	runfile_unmap(kbd->journal, sizeof(*kbd->journal));
	memset(kbd, 0, sizeof(*kbd));
}

const char *kbd_connect(struct kbd *kbd, struct screen *screen,
			const struct screen_connect *connect, struct kbd_journal *journal)
{
	struct thread *thread = &screen->worker->threads[0];

	memset(kbd, 0, sizeof(*kbd));
	kbd->screen = screen;
	kbd->journal = journal;
	kbd->granted = connect->granted;
	kbd->pointer.mode = connect->pointer;
	kbd->keyboard = (struct keyboard){
		.down = journal ? journal->down : kbd->down,
		.map = &keymap,
		.emit = kbd_emit,
		.arg = kbd,
	};
	kbd->page = kbd_map(kbd, connect);
	if (!kbd->page) {
		kbd_close(kbd);
		return "its page-gref, or page-ref, is no page that the guest gave us";
	}
	kbdring_attach(&kbd->ring, kbd->page);
	kbd->port.kicked = kbd_kicked;
	if (port_bind(&kbd->port, &thread->ports, thread->domid, connect->event_channel) < 0) {
		kbd_close(kbd);
		return "its event-channel is none that it has for us";
	}
	if (connect->resume)
		kbd_release(kbd); /* whoever pressed them is connected to nobody */
	return NULL;
}
