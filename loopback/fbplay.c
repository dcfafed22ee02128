// SPDX-License-Identifier: MIT
/*
 * fbplay: a guest's screen and keyboard, by the reference frontends; run inside the guest, as in
 * `xloop exec GUEST -- fbplay`.  It draws a test card, does what the lines of its standard input
 * say, and tells on its standard output what keyboard and pointer say.  See --help.
 *
 * It exits when its input ends with "quit", or by SIGTERM, after closing both devices in order; an
 * input that just ends leaves the screen as it is.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "loopback/echo.h"
#include "loopback/fbfront.h"
#include "loopback/frames.h"
#include "loopback/testcard.h"

enum {
	FD_INPUT,
	FD_SIGNAL,
	FD_KBD,
	FD_FB,
	FDS
};

struct play {
	struct guest guest;
	struct fbfront fb;
	struct kbdfront kbd;
	bool has_kbd, quit;
	bool echoes; /* what is typed and clicked */
	struct echo echo;
	struct canvas canvas;
	struct fbfront_opts opts;
	struct front_key keys[8];
	unsigned int devid;
	bool absolute, raw;
	char line[512];
	size_t len;
};

static const char usage[] =
	"usage: fbplay [--dev=N] [--size=WxH] [--depth=BITS] [--bytes=N] [--abi=32] [--mute]\n"
	"              [--no-keyboard] [--relative] [--raw] [--key=NAME=VALUE]... [--index=N]\n"
	"              [--bad-frame=N] [--bad-directory=N] [--bad-value=V] [--echo]\n"
	"Connects a screen, draws a test card, prints \"connected\", then does what its input "
	"says:\n"
	"  card                       draws the test card\n"
	"  fill X Y W H RRGGBB        draws a rectangle\n"
	"  update X Y W H             says that it was drawn, and draws nothing\n"
	"  resize W H STRIDE DEPTH OFFSET\n"
	"  event TYPE                 an event with nothing else\n"
	"  lie N                      adds N to out_prod\n"
	"  play SECONDS               changes all of it as fast as the backend looks\n"
	"  stamp X Y W H HZ SECONDS   fills a rectangle with the time of drawing, HZ times a "
	"second:\n"
	"                             CLOCK_MONOTONIC in us, the low 24 bits\n"
	"  dump FILE                  writes what is shown, as PPM\n"
	"  quit\n"
	"and prints each key, button, motion and position; with --echo it shows letters and "
	"clicks.\n";

/* ---- commands ------------------------------------------------------------------------------- */

static void dump(const struct canvas *c, const char *path)
{
	FILE *out = fopen(path, "we");

	if (!out) {
		fprintf(stderr, "cannot write %s: %s\n", path, strerror(errno));
		return;
	}
	fprintf(out, "P6\n%u %u\n255\n", c->width, c->height);
	for (unsigned int y = 0; y < c->height; y++)
		for (unsigned int x = 0; x < c->width; x++) {
			uint32_t rgb = canvas_get(c, x, y);

			fputc((int)(rgb >> 16), out);
			fputc((int)(rgb >> 8 & 255), out);
			fputc((int)(rgb & 255), out);
		}
	fclose(out);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void play(struct play *p, double seconds)
{
	double end = now() + seconds;
	unsigned int n = 0;

	while (now() < end) {
		testcard_move(&p->canvas, n++);
		fbfront_update(&p->fb, 0, 0, (int)p->canvas.width, (int)p->canvas.height);
		poll(NULL, 0, 4);
	}
	printf("played %u\n", n);
}

/* Who sees it knows how old it is. */
static void stamp(struct play *p, const int n[4], double hz, double seconds)
{
	double begin = now();
	unsigned int count = 0;

	while (count < hz * seconds) {
		double left = begin + count++ / hz - now();
		struct timespec rest = {.tv_nsec = left > 0 ? (long)(left * 1e9) : 0};

		nanosleep(&rest, NULL);
		canvas_fill(&p->canvas, (unsigned int)n[0], (unsigned int)n[1], (unsigned int)n[2],
			    (unsigned int)n[3], (uint32_t)(uint64_t)(now() * 1e6) & 0xffffff);
		fbfront_update(&p->fb, n[0], n[1], n[2], n[3]);
	}
	printf("stamped %u\n", count);
}

static void resize(struct play *p, const int n[5])
{
	/* The canvas follows only what makes sense. */
	if (n[0] > 0 && n[1] > 0 && n[4] >= 0 && n[3] >= 8 && n[2] >= (int64_t)n[0] * n[3] / 8 &&
	    (uint64_t)n[4] + (uint64_t)n[2] * (uint64_t)n[1] <= p->fb.bytes)
		p->canvas =
			(struct canvas){p->fb.pixels + n[4], (unsigned int)n[0], (unsigned int)n[1],
					(unsigned int)n[2], (unsigned int)n[3]};
	fbfront_resize(&p->fb, n[0], n[1], n[2], n[3], n[4]);
}

static void command(struct play *p, const char *line)
{
	union xenfb_out_event event = {0};
	char word[16] = "", path[256];
	unsigned int rgb;
	int n[5] = {0}, skip = 0;
	double seconds, hz;

	sscanf(line, "%15s %n", word, &skip);
	line += skip;
	if (strcmp(word, "card") == 0) {
		testcard_draw(&p->canvas);
		fbfront_update(&p->fb, 0, 0, (int)p->canvas.width, (int)p->canvas.height);
	} else if (strcmp(word, "fill") == 0 &&
		   sscanf(line, "%d %d %d %d %x", &n[0], &n[1], &n[2], &n[3], &rgb) == 5) {
		canvas_fill(&p->canvas, (unsigned int)n[0], (unsigned int)n[1], (unsigned int)n[2],
			    (unsigned int)n[3], rgb);
		fbfront_update(&p->fb, n[0], n[1], n[2], n[3]);
	} else if (strcmp(word, "update") == 0 &&
		   sscanf(line, "%d %d %d %d", &n[0], &n[1], &n[2], &n[3]) == 4) {
		fbfront_update(&p->fb, n[0], n[1], n[2], n[3]);
	} else if (strcmp(word, "resize") == 0 &&
		   sscanf(line, "%d %d %d %d %d", &n[0], &n[1], &n[2], &n[3], &n[4]) == 5) {
		resize(p, n);
	} else if (strcmp(word, "event") == 0 && sscanf(line, "%d", &n[0]) == 1) {
		event.type = (uint8_t)n[0];
		fbfront_put(&p->fb, &event);
	} else if (strcmp(word, "lie") == 0 && sscanf(line, "%d", &n[0]) == 1) {
		fbfront_lie(&p->fb, (uint32_t)n[0]);
	} else if (strcmp(word, "play") == 0 && sscanf(line, "%lf", &seconds) == 1) {
		play(p, seconds);
	} else if (strcmp(word, "stamp") == 0 && sscanf(line, "%d %d %d %d %lf %lf", &n[0], &n[1],
							&n[2], &n[3], &hz, &seconds) == 6) {
		stamp(p, n, hz, seconds);
	} else if (strcmp(word, "dump") == 0 && sscanf(line, "%255s", path) == 1) {
		dump(&p->canvas, path);
	} else if (strcmp(word, "quit") == 0) {
		p->quit = true;
	} else {
		fprintf(stderr, "not understood: %s\n", word);
	}
	printf("done %s\n", word);
}

static bool input(struct play *p)
{
	ssize_t got = read(STDIN_FILENO, p->line + p->len, sizeof(p->line) - 1 - p->len);
	char *end;

	if (got <= 0)
		return false;
	p->len += (size_t)got;
	p->line[p->len] = '\0';
	while (!p->quit && (end = strchr(p->line, '\n'))) {
		*end = '\0';
		command(p, p->line);
		p->len -= (size_t)(end + 1 - p->line);
		memmove(p->line, end + 1, p->len + 1);
	}
	return p->len < sizeof(p->line) - 1;
}

static void keyboard(struct play *p)
{
	union xenkbd_in_event event;
	int drawn[4];

	while (kbdfront_take(&p->kbd, &event)) {
		if (p->echoes && echo_event(&p->echo, &p->canvas, &event, drawn))
			fbfront_update(&p->fb, drawn[0], drawn[1], drawn[2], drawn[3]);
		switch (event.type) {
		case XENKBD_TYPE_KEY:
			printf("key %u %s\n", event.key.keycode, event.key.pressed ? "down" : "up");
			break;
		case XENKBD_TYPE_POS:
			printf("pos %d %d %d\n", event.pos.abs_x, event.pos.abs_y, event.pos.rel_z);
			break;
		case XENKBD_TYPE_MOTION:
			printf("motion %d %d %d\n", event.motion.rel_x, event.motion.rel_y,
			       event.motion.rel_z);
			break;
		default:
			printf("unknown event %u\n", event.type);
		}
	}
}

/* ---- life ---------------------------------------------------------------------------------- */

static void loop(struct play *p, int signals)
{
	struct pollfd fd[FDS] = {
		[FD_INPUT] = {.fd = STDIN_FILENO, .events = POLLIN},
		[FD_SIGNAL] = {.fd = signals, .events = POLLIN},
		[FD_KBD] = {.fd = p->has_kbd ? pvpage_fd(&p->kbd.shared) : -1, .events = POLLIN},
		[FD_FB] = {.fd = pvpage_fd(&p->fb.shared), .events = POLLIN},
	};

	while (!p->quit && poll(fd, FDS, -1) > 0) {
		if (fd[FD_SIGNAL].revents)
			return;
		if (fd[FD_KBD].revents)
			pvpage_drain(&p->kbd.shared);
		if (p->has_kbd)
			keyboard(p);
		if (fd[FD_FB].revents)
			pvpage_drain(&p->fb.shared);
		if (fd[FD_INPUT].revents && !input(p))
			fd[FD_INPUT].fd = -1;
		fflush(stdout);
	}
}

static int start(struct play *p)
{
	int err = guest_open(&p->guest);

	if (!err)
		err = fbfront_open(&p->fb, &p->guest, p->devid, frames_of, &p->opts);
	if (err)
		return err;
	p->canvas = (struct canvas){p->fb.pixels, p->opts.width, p->opts.height, p->fb.stride,
				    p->opts.depth};
	if (p->has_kbd)
		err = kbdfront_open(&p->kbd, &p->guest, p->devid, p->absolute, p->raw);
	return err;
}

static void add_key(struct play *p, char *text)
{
	char *value = text ? strchr(text, '=') : NULL;

	if (!value || p->opts.nr_keys == sizeof(p->keys) / sizeof(p->keys[0]))
		exit(2);
	*value++ = '\0';
	p->keys[p->opts.nr_keys++] = (struct front_key){text, *value ? value : NULL};
}

static void option(struct play *p, int letter)
{
	unsigned int number = optarg ? (unsigned int)strtoul(optarg, NULL, 0) : 0;

	switch (letter) {
	case 'n':
		p->devid = number;
		break;
	case 's':
		if (sscanf(optarg, "%ux%u", &p->opts.width, &p->opts.height) != 2)
			exit(2);
		break;
	case 'd':
		p->opts.depth = number;
		break;
	case 'b':
		p->opts.bytes = number;
		break;
	case 'a':
		p->opts.abi32 = number == 32;
		break;
	case 'm':
		p->opts.mute = true;
		break;
	case 'K':
		p->has_kbd = false;
		break;
	case 'r':
		p->absolute = false;
		break;
	case 'R':
		p->raw = true;
		break;
	case 'k':
		add_key(p, optarg);
		break;
	case 'i':
		p->opts.index = number;
		break;
	case 'f':
		p->opts.bad_frame = number;
		break;
	case 'e':
		p->echoes = true;
		break;
	case 'D':
		p->opts.bad_directory = number;
		break;
	case 'v':
		p->opts.bad_value = strtoull(optarg ? optarg : "", NULL, 0);
		break;
	default:
		fputs(usage, letter == 'h' ? stdout : stderr);
		exit(letter == 'h' ? 0 : 2);
	}
}

static void options(struct play *p, int argc, char **argv)
{
	static const struct option table[] = {
		{"dev", required_argument, NULL, 'n'},
		{"size", required_argument, NULL, 's'},
		{"depth", required_argument, NULL, 'd'},
		{"bytes", required_argument, NULL, 'b'},
		{"abi", required_argument, NULL, 'a'},
		{"mute", no_argument, NULL, 'm'},
		{"no-keyboard", no_argument, NULL, 'K'},
		{"relative", no_argument, NULL, 'r'},
		{"raw", no_argument, NULL, 'R'},
		{"key", required_argument, NULL, 'k'},
		{"index", required_argument, NULL, 'i'},
		{"bad-frame", required_argument, NULL, 'f'},
		{"bad-directory", required_argument, NULL, 'D'},
		{"bad-value", required_argument, NULL, 'v'},
		{"echo", no_argument, NULL, 'e'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int letter;

	p->opts = (struct fbfront_opts){
		.width = 800, .height = 600, .depth = 32, .keys = p->keys, .bad_value = UINT32_MAX};
	p->has_kbd = p->absolute = true;
	while ((letter = getopt_long(argc, argv, "h", table, NULL)) != -1)
		option(p, letter);
}

int main(int argc, char **argv)
{
	static struct play p;
	sigset_t set;
	int signals, rc;

	options(&p, argc, argv);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	rc = start(&p);
	if (rc == 0) {
		testcard_draw(&p.canvas);
		fbfront_update(&p.fb, 0, 0, (int)p.canvas.width, (int)p.canvas.height);
		printf("connected, request-update %d\n", fbfront_wanted(&p.fb));
		fflush(stdout);
		loop(&p, signals);
	}
	if (p.has_kbd && p.kbd.shared.page)
		kbdfront_close(&p.kbd);
	if (p.fb.shared.page && fbfront_close(&p.fb) < 0)
		rc = -EIO;
	guest_close(&p.guest);
	return rc ? 1 : 0;
}
