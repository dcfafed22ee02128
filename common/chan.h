/* SPDX-License-Identifier: MIT */
/*
 * The channel between a supervisor and one worker: a SOCK_SEQPACKET pair, one struct a message,
 * descriptors beside it.  The supervisor does not trust what a worker says: chan_recv() checks the
 * length, whoever handles the message checks the rest.
 */
#ifndef COMMON_CHAN_H
#define COMMON_CHAN_H

#include <stdbool.h>
#include <stdint.h>

enum chan_type {
	/* supervisor -> worker */
	CHAN_CONNECT = 1, /* serve this device; body and fds are the backend's */
	CHAN_TUNE,	  /* settings of a connected device changed; body is the backend's */
	CHAN_CLOSE,	  /* finish what is under way, then let go of it */
	CHAN_QUIT,	  /* no device is left: exit */
	CHAN_RESIZE,	  /* the device has another size; body is the backend's */
	/* worker -> supervisor */
	CHAN_CONNECTED, /* answers CONNECT */
	CHAN_FAILED,	/* answers CONNECT, or comes later: text says why; a CLOSE is due */
	CHAN_CLOSED,	/* answers CLOSE: nothing of the guest is mapped any more */
	CHAN_TUNED,	/* answers TUNE, of a backend whose frontends wait for it */
	CHAN_RESIZED,	/* answers RESIZE: what the guest asks for is held against the new size */
	/* helper -> supervisor (blkback/helper.h) */
	CHAN_PROBED, /* body: struct probed */
	CHAN_SOCKET, /* one descriptor: a connection.  Also supervisor -> disk; text: the export */
	/* disk -> supervisor, on its own line (blkback/remote.h) */
	CHAN_WANT,    /* a new connection; text: what became of the last */
	CHAN_SERVED,  /* I/O goes on */
	CHAN_LARGER,  /* the export has become so; body: its bytes, 64 bits */
	CHAN_STALLED, /* it has waited too long: the guest gets errors */
};

enum {
	CHAN_FDS_MAX = 20, /* a NIC's queues and two of BPF, the journal, and the statistics */
	CHAN_BODY_MAX = 2048,
	CHAN_TEXT_MAX = 240
};

struct chan_msg {
	uint32_t type;
	uint32_t devid;
	uint32_t serial; /* of the CONNECT that this belongs to: tells a late answer from a new one
			  */
	uint32_t nfds;
	uint32_t stats; /* of a CONNECT: 1 if the last of its descriptors is the file of stats.h */
	uint32_t journal;      /* ... and 1 if the one before that is the journal */
	int fds[CHAN_FDS_MAX]; /* valid in this process only; owned by the receiver */
	union {
		char text[CHAN_TEXT_MAX];
		unsigned char body[CHAN_BODY_MAX];
	};
};

/* 0 or -errno; -EAGAIN if the peer does not read. */
int chan_send(int chan, const struct chan_msg *msg);
/* Takes the statistics' file out of a CONNECT: a descriptor, or -1 if there is none. */
int chan_take_stats(struct chan_msg *msg);
/* And then the journal, likewise. */
int chan_take_journal(struct chan_msg *msg);
/* 1 a message, 0 none now, -EPIPE the peer is gone, -EPROTO nonsense. */
int chan_recv(int chan, struct chan_msg *msg);

/* What it asks of the kernel when it is confined: filter.h. */
extern const struct filter chan_filter;

#endif
