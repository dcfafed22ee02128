// SPDX-License-Identifier: MIT
/*
 * Many xenstore clients on one ring: the routing that a Linux guest's /dev/xen/xenbus does.
 *
 * The wire format is the same on both sides (xen/io/xs_wire.h), but request ids and watch tokens
 * are per connection.  So each request gets an id of our own, an index into pending[]; each token
 * gets the client's serial number as "SERIAL:" in front, which tells whose an event is. Transaction
 * ids are the store's and pass through, but only for the client that started them.
 *
 * It owns the clients' watches and transactions as the store has confirmed them, and takes them
 * back when a client goes away.  It does no I/O: xguest.c moves the bytes, unit tests call it
 * directly. It must never trust a client's lengths, never let one client end another's transaction
 * or watch, and never grow without bound: a client has MUX_INFLIGHT requests on the ring and
 * MUX_OUT_MAX unread.
 */
#include "loopback/storemux.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MUX_OWN_ID   0xffffffffU /* of requests that no client waits for */
#define MUX_RING_MAX (64 * 1024) /* clients' requests wait while ring_out holds more */
#define MUX_IN_MAX   (2 * (sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX))
#define MUX_TX_MAX   64

static struct mux_client *mux_find(struct storemux *mux, uint32_t serial)
{
	for (int i = 0; i < MUX_CLIENTS; i++)
		if (serial && mux->client[i].serial == serial)
			return &mux->client[i];
	return NULL;
}

static int mux_send(struct bytes *to, uint32_t type, uint32_t req_id, uint32_t tx_id,
		    const void *body, size_t len)
{
	struct xsd_sockmsg msg = {
		.type = type, .req_id = req_id, .tx_id = tx_id, .len = (uint32_t)len};
	size_t before = to->len;
	int err = bytes_put(to, &msg, sizeof(msg));

	if (err)
		return err;
	err = bytes_put(to, body, len);
	if (err)
		to->len = before;
	return err;
}

static void client_send(struct mux_client *c, uint32_t type, uint32_t req_id, uint32_t tx_id,
			const void *body, size_t len)
{
	if (c->broken)
		return;
	if (c->out.len + len > MUX_OUT_MAX || mux_send(&c->out, type, req_id, tx_id, body, len))
		c->broken = true;
}

static void client_refuse(struct mux_client *c, const struct xsd_sockmsg *msg, const char *error)
{
	client_send(c, XS_ERROR, msg->req_id, msg->tx_id, error, strlen(error) + 1);
}

/* Is @body exactly two NUL-terminated strings? */
static bool watch_valid(const char *body, size_t len)
{
	const char *nul = memchr(body, 0, len);

	return nul && nul + 1 < body + len && memchr(nul + 1, 0, len) == body + len - 1;
}

static struct mux_watch *watch_new(const char *body, size_t len)
{
	struct mux_watch *w = malloc(sizeof(*w) + len);

	if (!w)
		return NULL;
	w->next = NULL;
	w->len = len;
	memcpy(w->body, body, len);
	return w;
}

static void watch_forget(struct mux_client *c, const struct mux_watch *gone)
{
	for (struct mux_watch **p = &c->watches; *p; p = &(*p)->next) {
		struct mux_watch *w = *p;

		if (w->len != gone->len || memcmp(w->body, gone->body, w->len))
			continue;
		*p = w->next;
		free(w);
		return;
	}
}

/* The body of a watch request as the store shall see it; its length, or -E2BIG. */
static int watch_prefix(uint32_t serial, const struct mux_watch *w, char *body)
{
	size_t path = strlen(w->body) + 1;
	char prefix[16];
	size_t plen = (size_t)snprintf(prefix, sizeof(prefix), "%x:", serial);

	if (w->len + plen > XENSTORE_PAYLOAD_MAX)
		return -E2BIG;
	memcpy(body, w->body, path);
	memcpy(body + path, prefix, plen);
	memcpy(body + path + plen, w->body + path, w->len - path);
	return (int)(w->len + plen);
}

static void watch_remove(struct storemux *mux, uint32_t serial, const struct mux_watch *w)
{
	char body[XENSTORE_PAYLOAD_MAX];
	int len = watch_prefix(serial, w, body);

	if (len > 0)
		mux_send(&mux->ring_out, XS_UNWATCH, MUX_OWN_ID, 0, body, (size_t)len);
}

static void tx_abort(struct storemux *mux, uint32_t tx_id)
{
	mux_send(&mux->ring_out, XS_TRANSACTION_END, MUX_OWN_ID, tx_id, "F", 2);
}

static bool tx_owned(const struct mux_client *c, uint32_t tx_id)
{
	for (unsigned int i = 0; i < c->tx_count; i++)
		if (c->tx[i] == tx_id)
			return true;
	return false;
}

static int tx_add(struct mux_client *c, uint32_t tx_id)
{
	uint32_t *tx;

	if (c->tx_count == MUX_TX_MAX)
		return -ENOSPC;
	tx = realloc(c->tx, (c->tx_count + 1) * sizeof(*tx));
	if (!tx)
		return -ENOMEM;
	c->tx = tx;
	c->tx[c->tx_count++] = tx_id;
	return 0;
}

static void tx_forget(struct mux_client *c, uint32_t tx_id)
{
	for (unsigned int i = 0; i < c->tx_count; i++)
		if (c->tx[i] == tx_id)
			c->tx[i] = c->tx[--c->tx_count];
}

/* ---- clients to ring ---------------------------------------------------------------------- */

static struct mux_pending *pending_get(struct storemux *mux)
{
	for (int i = 0; i < MUX_PENDING; i++)
		if (!mux->pending[i].used)
			return &mux->pending[i];
	return NULL;
}

static void request_forward(struct storemux *mux, struct mux_client *c,
			    const struct xsd_sockmsg *msg, const char *body, size_t len,
			    struct mux_watch *watch)
{
	struct mux_pending *p = pending_get(mux);
	uint32_t id = (uint32_t)(p - mux->pending);

	if (mux_send(&mux->ring_out, msg->type, id, msg->tx_id, body, len)) {
		free(watch);
		client_refuse(c, msg, "ENOMEM");
		return;
	}
	*p = (struct mux_pending){true, c->serial, msg->req_id, msg->type, msg->tx_id, watch};
	mux->pending_count++;
	c->inflight++;
}

static void request_watch(struct storemux *mux, struct mux_client *c, const struct xsd_sockmsg *msg,
			  const char *body)
{
	char prefixed[XENSTORE_PAYLOAD_MAX];
	struct mux_watch *w;
	int len;

	if (!watch_valid(body, msg->len)) {
		client_refuse(c, msg, "EINVAL");
		return;
	}
	w = watch_new(body, msg->len);
	if (!w) {
		client_refuse(c, msg, "ENOMEM");
		return;
	}
	len = watch_prefix(c->serial, w, prefixed);
	if (len < 0) {
		free(w);
		client_refuse(c, msg, "E2BIG");
		return;
	}
	request_forward(mux, c, msg, prefixed, (size_t)len, w);
}

static void request_route(struct storemux *mux, struct mux_client *c, const struct xsd_sockmsg *msg,
			  const char *body)
{
	if (msg->tx_id && !tx_owned(c, msg->tx_id))
		client_refuse(c, msg, "ENOENT");
	else if (msg->type == XS_RESET_WATCHES) /* would take the other clients' watches too */
		client_refuse(c, msg, "EACCES");
	else if (msg->type == XS_TRANSACTION_START && c->tx_count == MUX_TX_MAX)
		client_refuse(c, msg, "ENOSPC");
	else if (msg->type == XS_WATCH || msg->type == XS_UNWATCH)
		request_watch(mux, c, msg, body);
	else
		request_forward(mux, c, msg, body, msg->len, NULL);
}

static bool client_may_send(const struct storemux *mux, const struct mux_client *c)
{
	return c->inflight < MUX_INFLIGHT && mux->pending_count < MUX_PENDING &&
	       mux->ring_out.len < MUX_RING_MAX;
}

static int client_pump(struct storemux *mux, struct mux_client *c)
{
	struct xsd_sockmsg msg;

	while (c->in.len >= sizeof(msg)) {
		memcpy(&msg, bytes_peek(&c->in), sizeof(msg));
		if (msg.len > XENSTORE_PAYLOAD_MAX)
			return -EPROTO;
		if (c->in.len < sizeof(msg) + msg.len || !client_may_send(mux, c))
			return 0;
		request_route(mux, c, &msg, bytes_peek(&c->in) + sizeof(msg));
		bytes_drop(&c->in, sizeof(msg) + msg.len);
	}
	return 0;
}

bool storemux_wants(const struct storemux *mux, int client)
{
	return mux->client[client].in.len < MUX_IN_MAX;
}

int storemux_from_client(struct storemux *mux, int client, const void *data, size_t len)
{
	struct mux_client *c = &mux->client[client];
	int err = bytes_put(&c->in, data, len);

	return err ? err : client_pump(mux, c);
}

void storemux_pump(struct storemux *mux)
{
	for (int i = 0; i < MUX_CLIENTS; i++)
		if (mux->client[i].serial && client_pump(mux, &mux->client[i]))
			mux->client[i].broken = true;
}

/* ---- ring to clients ---------------------------------------------------------------------- */

/* The store confirmed something that outlives the request: book it, or undo it for one who is gone.
 */
static void reply_book(struct storemux *mux, struct mux_client *c, struct mux_pending *p,
		       const char *body)
{
	uint32_t tx_id;

	switch (p->type) {
	case XS_WATCH:
		if (!c) {
			watch_remove(mux, p->serial, p->watch);
			return;
		}
		p->watch->next = c->watches;
		c->watches = p->watch;
		p->watch = NULL;
		return;
	case XS_UNWATCH:
		if (c)
			watch_forget(c, p->watch);
		return;
	case XS_TRANSACTION_START:
		tx_id = (uint32_t)strtoul(body, NULL, 10);
		if (!c || tx_add(c, tx_id))
			tx_abort(mux, tx_id);
		return;
	case XS_TRANSACTION_END:
		if (c)
			tx_forget(c, p->tx_id);
		return;
	}
}

static void reply_route(struct storemux *mux, const struct xsd_sockmsg *msg, const char *body)
{
	struct mux_pending *p = &mux->pending[msg->req_id];
	struct mux_client *c = mux_find(mux, p->serial);

	if (msg->type != XS_ERROR)
		reply_book(mux, c, p, body);
	else if (c && p->type == XS_TRANSACTION_END && strcmp(body, "EINVAL"))
		tx_forget(c, p->tx_id); /* refused with EAGAIN, say: it has ended all the same */
	if (c) {
		c->inflight--;
		client_send(c, msg->type, p->req_id, p->tx_id, body, msg->len);
	}
	free(p->watch);
	*p = (struct mux_pending){0};
	mux->pending_count--;
}

static int event_route(struct storemux *mux, const struct xsd_sockmsg *msg, const char *body)
{
	char out[XENSTORE_PAYLOAD_MAX];
	size_t path, prefix;
	struct mux_client *c;
	char *token, *end;

	if (!watch_valid(body, msg->len))
		return -EPROTO;
	path = strlen(body) + 1;
	c = mux_find(mux, (uint32_t)strtoul(body + path, &end, 16));
	if (!c || *end != ':')
		return 0; /* of a client that went away */
	token = end + 1;
	prefix = (size_t)(token - (body + path));
	memcpy(out, body, path);
	memcpy(out + path, token, msg->len - path - prefix);
	client_send(c, XS_WATCH_EVENT, msg->req_id, msg->tx_id, out, msg->len - prefix);
	return 0;
}

static int message_route(struct storemux *mux, const struct xsd_sockmsg *msg, const char *payload)
{
	char body[XENSTORE_PAYLOAD_MAX + 1];

	memcpy(body, payload, msg->len);
	body[msg->len] = 0;
	if (msg->type == XS_WATCH_EVENT)
		return event_route(mux, msg, body);
	if (msg->req_id == MUX_OWN_ID)
		return 0;
	if (msg->req_id >= MUX_PENDING || !mux->pending[msg->req_id].used)
		return -EPROTO;
	reply_route(mux, msg, body);
	return 0;
}

int storemux_from_ring(struct storemux *mux, const void *data, size_t len)
{
	struct xsd_sockmsg msg;
	int err = bytes_put(&mux->ring_in, data, len);

	while (!err && mux->ring_in.len >= sizeof(msg)) {
		memcpy(&msg, bytes_peek(&mux->ring_in), sizeof(msg));
		if (msg.len > XENSTORE_PAYLOAD_MAX)
			return -EPROTO;
		if (mux->ring_in.len < sizeof(msg) + msg.len)
			break;
		err = message_route(mux, &msg, bytes_peek(&mux->ring_in) + sizeof(msg));
		bytes_drop(&mux->ring_in, sizeof(msg) + msg.len);
	}
	if (!err)
		storemux_pump(mux);
	return err;
}

/* ---- coming and going --------------------------------------------------------------------- */

int storemux_attach(struct storemux *mux)
{
	for (int i = 0; i < MUX_CLIENTS; i++) {
		if (mux->client[i].serial)
			continue;
		if (!++mux->serial)
			mux->serial = 1;
		mux->client[i].serial = mux->serial;
		return i;
	}
	return -EMFILE;
}

void storemux_detach(struct storemux *mux, int client)
{
	struct mux_client *c = &mux->client[client];
	struct mux_watch *w;

	while ((w = c->watches)) {
		c->watches = w->next;
		watch_remove(mux, c->serial, w);
		free(w);
	}
	for (unsigned int i = 0; i < c->tx_count; i++)
		tx_abort(mux, c->tx[i]);
	free(c->tx);
	bytes_free(&c->in);
	bytes_free(&c->out);
	*c = (struct mux_client){0};
}

int storemux_reset(struct storemux *mux)
{
	return mux_send(&mux->ring_out, XS_RESET_WATCHES, MUX_OWN_ID, 0, "", 1);
}

void storemux_free(struct storemux *mux)
{
	for (int i = 0; i < MUX_CLIENTS; i++)
		if (mux->client[i].serial)
			storemux_detach(mux, i);
	for (int i = 0; i < MUX_PENDING; i++)
		free(mux->pending[i].watch);
	bytes_free(&mux->ring_out);
	bytes_free(&mux->ring_in);
}
