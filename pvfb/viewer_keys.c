// SPDX-License-Identifier: MIT
/*
 * QEMU's extended key event (rfbproto, encoding -258): a viewer's key by its scancode, so
 * that no layout matters.  An extension of libvncserver, which knows its numbers only.
 */
#include <rfb/rfb.h>

#include "pvfb/screen.h"
#include "pvfb/vnc.h"

static int key_encodings[] = {(int)rfbEncodingQemuExtendedKeyEvent, 0};

/* Says that we know it, as rfbproto asks: an update of one rectangle without pixels. */
static rfbBool keys_enabled(rfbClientPtr rfb, void **data, int encoding)
{
	struct {
		rfbFramebufferUpdateMsg update;
		rfbFramebufferUpdateRectHeader rect;
	} __attribute__((packed)) message = {
		.update = {.type = rfbFramebufferUpdate, .nRects = Swap16IfLE(1)},
		.rect = {.encoding = Swap32IfLE((uint32_t)encoding)},
	};

	(void)data;
	if (encoding != key_encodings[0] ||
	    rfbWriteExact(rfb, (char *)&message, sizeof(message)) <= 0)
		return FALSE;
	return TRUE;
}

static rfbBool key_message(rfbClientPtr rfb, void *data, const rfbClientToServerMsg *head)
{
	const struct viewer *viewer = rfb->clientData;
	rfbQemuExtendedKeyEventMsg key;

	(void)data;
	if (head->type != rfbQemuEvent)
		return FALSE;
	if (rfbReadExact(rfb, (char *)&key + 1, sz_rfbQemuExtendedKeyEventMsg - 1) <= 0) {
		rfbCloseClient(rfb);
		return TRUE;
	}
	if (!rfb->viewOnly)
		screen_scancode(viewer->vnc->screen, Swap32IfLE(key.keycode), key.down != 0);
	return TRUE;
}

static rfbProtocolExtension key_extension = {
	.pseudoEncodings = key_encodings,
	.enablePseudoEncoding = keys_enabled,
	.handleMessage = key_message,
};

void viewer_register_keys(void)
{
	rfbRegisterProtocolExtension(&key_extension);
}
