/* SPDX-License-Identifier: MIT */
#ifndef LOOPBACK_NETLOAD_H
#define LOOPBACK_NETLOAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "loopback/netfront.h"

#define LOAD_STREAMS 64 /* that a sink tells apart */
#define LOAD_BURST   64
#define LOAD_MIN     60 /* bytes of a frame, without its checksum */

struct load_opts {
	unsigned int devid;
	const char *interface; /* a host's instead of a guest's NIC */
	bool sink;
	bool verify, json, hold;
	unsigned int size; /* of a frame */
	uint64_t rate;	   /* packets per second and queue; 0: as many as go */
	uint64_t count;	   /* packets of each queue; 0: no end */
	double runtime;	   /* s; 0: until SIGTERM */
	uint8_t to[NETFRONT_MAC], from[NETFRONT_MAC];
	uint8_t pass[NETFRONT_MAC]; /* multicast; all 0: no control of it */
	struct netfront_opts front;
};

/* What came of one stream, which is one sender's queue. */
struct load_stream {
	uint64_t next; /* the number that follows what came last */
	bool known;
};

/* A queue's part; only ever grows. */
struct load_result {
	uint64_t packets, bytes;
	uint64_t lost, reordered, corrupt, foreign; /* of a sink */
	uint64_t errors;			    /* of a sender: what was not taken */
	uint64_t first_ns, last_ns;
};

struct load_queue {
	const struct load_opts *o;
	struct netfront *nf;
	struct netfront_queue *q; /* or, with --interface: */
	int sock;
	unsigned int stream;
	uint64_t seq;
	uint64_t end_ns; /* 0: none */
	struct load_result result;
	struct load_stream from[LOAD_STREAMS];
	pthread_t thread;
};

extern int load_stop; /* set by a signal; atomically */
extern int load_stop_fd;

uint64_t load_clock(void); /* CLOCK_MONOTONIC, ns */
bool load_ended(const struct load_queue *lq);

/* netload_frame.c: a frame of o->size bytes, all of it or only what changes; and what came. */
void frame_make(const struct load_queue *lq, uint8_t *frame);
void frame_next(struct load_queue *lq, uint8_t *frame);
/* @len bytes came, of which @frame has as many as the headers need, with --verify all. */
void frame_take(struct load_queue *lq, const uint8_t *frame, size_t len, uint64_t now);

/* Threads, each on a struct load_queue. */
void *ring_send(void *arg); /* netload_ring.c */
void *ring_sink(void *arg);
void *socket_send(void *arg); /* netload_socket.c */
void *socket_sink(void *arg);
int socket_open(struct load_queue *lq); /* 0 or -errno, told */

/* netload_opts.c: 0; 1 after --help; -EINVAL, told. */
int load_opts_parse(struct load_opts *o, int argc, char **argv);

/* netload_report.c */
void load_report(const struct load_opts *o, const struct load_queue *lq, unsigned int queues);

#endif
