// SPDX-License-Identifier: MIT
/*
 * vncload [--seconds=S] [--updates=N] PORT...: raw-encoding viewers at 127.0.0.1, one of each port,
 * that ask for the next update as soon as they have one.
 *
 * Says "ready" once each has seen all of its screen; then counts until SIGTERM, the end of the
 * seconds or the N-th update, and tells in one line of JSON: updates, pixels and bytes, and how old
 * updates were when their last byte had come, by the time that `fbplay`'s command stamp draws.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "loopback/histogram.h"

enum {
	VIEWERS_MAX = 256,
	CLOCK_MASK = 0xffffff, /* of microseconds: what a pixel holds */
	AGE_MAX = 8000000,     /* older: no clock was drawn there */
};

struct viewer {
	int sock;
	uint16_t width, height;
	uint64_t missing; /* pixels of the first picture */
	uint8_t *row;	  /* the largest rectangle there can be */
};

static struct viewer viewers[VIEWERS_MAX];
static struct pollfd polls[VIEWERS_MAX];
static int count;
static struct histogram age;
static uint64_t updates, pixels, bytes, updates_max = UINT64_MAX;
static volatile sig_atomic_t ended;

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "vncload: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void get(const struct viewer *v, void *to, size_t n)
{
	ssize_t got;

	for (size_t at = 0; at < n; at += (size_t)got) {
		got = recv(v->sock, (char *)to + at, n - at, MSG_WAITALL);
		if (got < 0 && errno == EINTR)
			got = 0;
		else if (got <= 0)
			die("the server closed a connection");
	}
	bytes += n;
}

static void put(const struct viewer *v, const void *from, size_t n)
{
	if (send(v->sock, from, n, MSG_NOSIGNAL) != (ssize_t)n)
		die("cannot send");
}

static uint16_t two(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static void ask(const struct viewer *v, bool incremental)
{
	const uint8_t ask[10] = {3,
				 incremental,
				 [6] = (uint8_t)(v->width >> 8),
				 (uint8_t)v->width,
				 (uint8_t)(v->height >> 8),
				 (uint8_t)v->height};

	put(v, ask, sizeof(ask));
}

/* Blue, green, red and nothing, as the server has them; raw and nothing else. */
static void greet(struct viewer *v)
{
	static const uint8_t format[20] = {[4] = 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8};
	static const uint8_t encodings[8] = {2, 0, 0, 1};
	uint8_t text[256];

	get(v, text, 12);
	put(v, "RFB 003.008\n", 12);
	get(v, text, 1);
	get(v, text + 1, text[0]);
	put(v, "\1", 1);
	get(v, text, 4);
	put(v, "\1", 1);
	get(v, text, 24);
	v->width = two(text);
	v->height = two(text + 2);
	get(v, text, two(text + 22) & 255);
	put(v, format, sizeof(format));
	put(v, encodings, sizeof(encodings));
	v->missing = (uint64_t)v->width * v->height;
	v->row = malloc(v->missing * 4);
	if (!v->row)
		die("no memory");
	ask(v, false);
}

static void viewer_open(uint16_t port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct viewer *v = &viewers[count];
	const int on = 1;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	v->sock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (v->sock < 0 || connect(v->sock, (struct sockaddr *)&to, sizeof(to)) < 0)
		die("cannot connect");
	setsockopt(v->sock, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	polls[count++] = (struct pollfd){.fd = v->sock, .events = POLLIN};
	greet(v);
}

/* Returns its pixels; `stamp` is the first of the last rectangle. */
static uint64_t update_read(const struct viewer *v, uint32_t *stamp)
{
	uint64_t sum = 0;
	uint8_t head[16];

	get(v, head, 4);
	if (head[0] != 0)
		die("not an update");
	for (unsigned int n = two(head + 2); n > 0; n--) {
		size_t area;

		get(v, head, 12);
		area = (size_t)two(head + 4) * two(head + 6);
		if (area > (size_t)v->width * v->height)
			die("a rectangle is larger than the screen");
		get(v, v->row, area * 4);
		memcpy(stamp, v->row, sizeof(*stamp));
		sum += area;
	}
	return sum;
}

static void viewer_serve(struct viewer *v)
{
	uint32_t stamp = 0;
	uint64_t got = update_read(v, &stamp), old;

	ask(v, true);
	if (v->missing > 0) {
		v->missing -= got < v->missing ? got : v->missing;
		return;
	}
	old = (now_us() - stamp) & CLOCK_MASK;
	if (old < AGE_MAX)
		histogram_add(&age, old);
	pixels += got;
	if (++updates == updates_max)
		ended = 1;
}

static bool all_have_seen(void)
{
	for (int i = 0; i < count; i++)
		if (viewers[i].missing > 0)
			return false;
	return true;
}

/* Until SIGALRM, SIGTERM or done(). */
static void run(bool (*done)(void))
{
	while (!ended && !(done && done())) {
		if (poll(polls, (nfds_t)count, -1) < 0)
			continue;
		for (int i = 0; i < count && !ended; i++)
			if (polls[i].revents)
				viewer_serve(&viewers[i]);
	}
}

static void on_signal(int sig)
{
	(void)sig;
	ended = 1;
}

static void report(double seconds)
{
	printf("{\"updates\":%lu,\"pixels\":%lu,\"bytes\":%lu,\"seconds\":%.3f,\"p50_us\":%lu,"
	       "\"p99_us\":%lu,\"max_us\":%lu}\n",
	       updates, pixels, bytes, seconds, histogram_percentile(&age, 50),
	       histogram_percentile(&age, 99), age.count ? age.max : 0);
}

int main(int argc, char **argv)
{
	static const struct option table[] = {{"seconds", required_argument, NULL, 's'},
					      {"updates", required_argument, NULL, 'u'},
					      {NULL, 0, NULL, 0}};
	const struct sigaction action = {.sa_handler = on_signal};
	unsigned int seconds = 0;
	uint64_t begin;
	int letter;

	while ((letter = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (letter == 's')
			seconds = (unsigned int)strtoul(optarg, NULL, 10);
		else if (letter == 'u')
			updates_max = strtoul(optarg, NULL, 10);
		else
			return 2;
	}
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGALRM, &action, NULL);
	for (; optind < argc && count < VIEWERS_MAX; optind++)
		viewer_open((uint16_t)strtoul(argv[optind], NULL, 10));
	run(all_have_seen);
	puts("ready");
	fflush(stdout);
	bytes = 0;
	begin = now_us();
	alarm(seconds);
	run(NULL);
	report((double)(now_us() - begin) / 1e6);
	return 0;
}
