// SPDX-License-Identifier: MIT
/*
 * fbhostile CASE [SECONDS]: a guest's screen of 640x480 that connects as any, and then does one
 * thing that no frontend should, for so long.  At the end it tries to be a screen again, all of it
 * in one colour, says "done", waits for a line of input and closes.
 *
 *   storm     notifies without a break, with no events
 *   cons      moves out_cons, which is the backend's
 *   head      changes what the page said of its size, depth and directory
 *   thrash    draws, tells any rectangles and takes another shape, as fast as there is room
 *   scribble  writes anything anywhere into the shared page, and notifies
 *   forget    gives all pages of its framebuffer back: they are shown as zeros from then on
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "loopback/fbfront.h"
#include "loopback/frames.h"

enum {
	WIDTH = 640,
	HEIGHT = 480,
	DEPTH = 32,
	BYTES = 4 << 20, /* more than that takes: there is room for other shapes */
	PAGE_WORDS = 1024,
	FINAL = 0x123456,
};

static struct fbfront fb;

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void kick(void)
{
	xenevtchn_notify(fb.shared.evtchn, fb.shared.port);
}

/* Numbers that are near to what somebody compares with, and others. */
static int any_number(void)
{
	static const int some[] = {INT_MIN, INT_MIN + 1, -1,   0,	  1,	       8,      32,
				   WIDTH,   HEIGHT,	 4096, WIDTH * 4, INT_MAX - 1, INT_MAX};

	return random() % 4 ? (int)(random() % 2000) : some[random() % 13];
}

static void storm(void)
{
	for (int i = 0; i < 1000; i++)
		kick();
}

static void cons(void)
{
	struct xenfb_page *page = fb.shared.page;

	__atomic_store_n(&page->out_cons, (uint32_t)random(), __ATOMIC_RELAXED);
	kick();
}

static void head(void)
{
	struct xenfb_page *page = fb.shared.page;

	page->width = any_number();
	page->height = any_number();
	page->line_length = (uint32_t)any_number();
	page->mem_length = (uint32_t)any_number();
	page->depth = (uint8_t)random();
	page->pd[0] = (unsigned long)random();
	fbfront_update(&fb, 0, 0, WIDTH, HEIGHT);
}

static void thrash(void)
{
	static const int depths[] = {8, 16, 24, 32, 15, 0};
	int width = any_number(), depth = depths[random() % 6];

	memset(fb.pixels + random() % (BYTES / 2), (int)random(), BYTES / 2);
	fbfront_update(&fb, any_number(), any_number(), any_number(), any_number());
	fbfront_resize(&fb, width, any_number(),
		       random() % 2 ? (int)((int64_t)width * depth / 8) : any_number(), depth,
		       random() % 2 ? 0 : any_number());
	fbfront_update(&fb, 0, 0, INT_MAX, INT_MAX);
}

static void scribble(void)
{
	uint32_t *words = fb.shared.page;

	for (int i = 0; i < 64; i++)
		__atomic_store_n(&words[random() % PAGE_WORDS], (uint32_t)random(),
				 __ATOMIC_RELAXED);
	kick();
}

static void forget(void)
{
	if (madvise(fb.pixels, BYTES, MADV_REMOVE) < 0)
		perror("fbhostile: MADV_REMOVE");
	fbfront_update(&fb, 0, 0, WIDTH, HEIGHT);
}

static const struct {
	const char *name;
	void (*once)(void);
} cases[] = {
	{"storm", storm},   {"cons", cons},	    {"head", head},
	{"thrash", thrash}, {"scribble", scribble}, {"forget", forget},
};

/* Each has to find room in the ring, however slow the backend is. */
static void put(bool (*event)(void))
{
	for (double end = now() + 30; !event() && now() < end;)
		usleep(1000);
}

static bool resize(void)
{
	return fbfront_resize(&fb, WIDTH, HEIGHT, WIDTH * 4, DEPTH, 0);
}

static bool update(void)
{
	return fbfront_update(&fb, 0, 0, WIDTH, HEIGHT);
}

/* The backend, which has taken all that there was, writes it again when it takes something. */
static void cons_mend(void)
{
	struct xenfb_page *page = fb.shared.page;

	__atomic_store_n(&page->out_cons, page->out_prod, __ATOMIC_RELEASE);
}

static void be_a_screen(bool draw)
{
	for (int i = 0; draw && i < WIDTH * HEIGHT; i++)
		((uint32_t *)fb.pixels)[i] = FINAL;
	put(resize);
	put(update);
}

static int play(const char *name, double seconds)
{
	double end = now() + seconds;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (strcmp(cases[i].name, name) != 0)
			continue;
		do
			cases[i].once();
		while (now() < end);
		if (cases[i].once == cons)
			cons_mend();
		if (cases[i].once != scribble) /* which has closed it */
			be_a_screen(cases[i].once != forget);
		return 0;
	}
	fprintf(stderr, "fbhostile: no case %s\n", name);
	return 2;
}

int main(int argc, char **argv)
{
	const struct fbfront_opts opts = {
		.width = WIDTH, .height = HEIGHT, .depth = DEPTH, .bytes = BYTES};
	struct guest guest;
	int rc;

	if (argc < 2 || guest_open(&guest) < 0 ||
	    fbfront_open(&fb, &guest, 0, frames_of, &opts) < 0)
		return 1;
	puts("connected");
	fflush(stdout);
	rc = play(argv[1], argc > 2 ? strtod(argv[2], NULL) : 0);
	puts("done");
	fflush(stdout);
	getchar();
	fbfront_close(&fb);
	guest_close(&guest);
	return rc;
}
