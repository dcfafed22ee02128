// SPDX-License-Identifier: MIT
/*
 * The files of noVNC on a port of the loopback, for browsers: GET of what is in one directory, and
 * nothing else.  A page connects to its screen by itself; nothing of a guest passes through here.
 *
 * Before it listens to anybody it gives up all but its socket and the directory: it has a user of
 * its own, an empty root and a filter of system calls.  A name is looked up beneath the directory
 * by the kernel (RESOLVE_BENEATH), so no name leads out.
 */
#include "halfback/page.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/filter.h"
#include "common/loop.h"
#include "common/loop_way.h"
#include "common/sandbox.h"
#include "halfback/vbds.h"

enum {
	PAGE_UID = 0x6866fff8, /* behind those of pvfb's workers, by default */
	BACKLOG = 64,
	CLIENTS_MAX = 32,
	REQUEST_MAX = 4096,
	SEND_SECONDS = 2, /* in which a browser has to take what has no room in its socket */
	IDLE_MS = 10000,
	ENTRIES = 64,
};

/* A connection: one request, one answer. */
struct client {
	struct server *server; /* NULL: there is none */
	int sock;
	struct loop_poll *poll;
	struct loop_timer *idle;
};

struct server {
	const struct page *page;
	struct loop loop;
	struct client clients[CLIENTS_MAX];
};

/* ---- answers ------------------------------------------------------------------------------- */

static const char *file_type(const char *name)
{
	static const char *const types[][2] = {
		{".html", "text/html; charset=utf-8"},
		{".js", "text/javascript; charset=utf-8"},
		{".css", "text/css; charset=utf-8"},
		{".json", "application/json"},
		{".svg", "image/svg+xml"},
		{".png", "image/png"},
		{".woff", "font/woff"},
		{".ttf", "font/ttf"},
		{".mp3", "audio/mpeg"},
		{".oga", "audio/ogg"},
	};
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot && i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(dot, types[i][0]) == 0)
			return types[i][1];
	return "application/octet-stream";
}

static bool send_all(int sock, const char *text, size_t n)
{
	return send(sock, text, n, MSG_NOSIGNAL) == (ssize_t)n;
}

/* No other page may have it in a frame, where its user would not know what he clicks on. */
static bool answer_head(int sock, const char *status, const char *field, off_t length)
{
	char head[512];
	int n = snprintf(head, sizeof(head),
			 "HTTP/1.1 %s\r\n%s\r\nContent-Length: %lld\r\nConnection: close\r\n"
			 "X-Frame-Options: DENY\r\nX-Content-Type-Options: nosniff\r\n"
			 "Cache-Control: no-cache\r\n\r\n",
			 status, field, (long long)length);

	return send_all(sock, head, (size_t)n);
}

static void answer_text(int sock, const char *status, const char *text)
{
	if (answer_head(sock, status, "Content-Type: text/plain", (off_t)strlen(text)))
		send_all(sock, text, strlen(text));
}

static void answer_file(int sock, const char *name, int fd)
{
	char field[64];
	struct stat st;
	off_t at = 0;

	snprintf(field, sizeof(field), "Content-Type: %s", file_type(name));
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		answer_text(sock, "404 Not Found", "This is no file.\n");
		return;
	}
	if (!answer_head(sock, "200 OK", field, st.st_size))
		return;
	while (at < st.st_size && sendfile(sock, fd, &at, (size_t)(st.st_size - at)) > 0)
		;
}

static void answer_path(const struct page *page, int sock, const char *path)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	char location[sizeof(page->start) + 16];
	int fd;

	if (strcmp(path, "/") == 0) {
		snprintf(location, sizeof(location), "Location: %s", page->start);
		answer_head(sock, "302 Found", location, 0);
		return;
	}
	fd = (int)syscall(SYS_openat2, page->files, path + 1, &how, sizeof(how));
	if (fd < 0) {
		answer_text(sock, "404 Not Found", "noVNC has no such file.\n");
		return;
	}
	answer_file(sock, path, fd);
	close(fd);
}

/* "GET /PATH?... HTTP/1.1": what is behind the path is the page's own. */
static void answer(const struct page *page, int sock, char *request)
{
	char *path = request + strlen("GET ");
	size_t len;

	if (strncmp(request, "GET /", strlen("GET /")) != 0) {
		answer_text(sock, "405 Method Not Allowed", "Only GET is understood.\n");
		return;
	}
	len = strcspn(path, "? #\r\n");
	path[len] = '\0';
	answer_path(page, sock, path);
}

/* ---- connections --------------------------------------------------------------------------- */

static void client_close(struct client *client)
{
	struct loop *loop = &client->server->loop;

	loop_poll_del(loop, client->poll);
	loop_timer_del(loop, client->idle);
	close(client->sock);
	memset(client, 0, sizeof(*client));
}

/* What was not read would have the kernel end the connection before its answer is there. */
static void client_answered(struct client *client)
{
	char scrap[REQUEST_MAX];

	shutdown(client->sock, SHUT_WR);
	while (recv(client->sock, scrap, sizeof(scrap), MSG_DONTWAIT) > 0)
		;
	client_close(client);
}

static void client_ready(void *arg, int events)
{
	struct client *client = arg;
	char request[REQUEST_MAX + 1];
	ssize_t n = recv(client->sock, request, REQUEST_MAX, MSG_PEEK | MSG_DONTWAIT);

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		client_close(client);
		return;
	}
	request[n] = '\0';
	if (!strstr(request, "\r\n\r\n") && n < REQUEST_MAX)
		return;
	answer(client->server->page, client->sock, request);
	client_answered(client);
}

static void client_idle(void *arg)
{
	struct client *client = arg;

	client->idle = NULL;
	client_close(client);
}

static void client_open(struct server *server, int sock)
{
	const struct timeval wait = {.tv_sec = SEND_SECONDS};
	struct client *client = server->clients;

	while (client < server->clients + CLIENTS_MAX && client->server)
		client++;
	if (client == server->clients + CLIENTS_MAX) {
		close(sock); /* browsers ask again */
		return;
	}
	setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	*client = (struct client){.server = server, .sock = sock};
	client->poll = loop_poll_add(&server->loop, sock, client_ready, client);
	client->idle = loop_timer_add(&server->loop, IDLE_MS, client_idle, client);
}

static void listen_ready(void *arg, int events)
{
	struct server *server = arg;
	int sock;

	(void)events;
	while ((sock = accept4(server->page->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0)
		client_open(server, sock);
}

/* ---- life ---------------------------------------------------------------------------------- */

static int page_bind(uint16_t port)
{
	const struct sockaddr_in at = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err;
	const int on = 1;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

int page_open(struct page *page, const char *directory, uint16_t port)
{
	page->files = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (page->files < 0 && errno == ENOENT)
		return -ENOENT;
	if (page->files < 0) {
		say("can't open %s: %s", directory, strerror(errno));
		return -1;
	}
	page->port = port ? port : PAGE_PORT;
	page->listener = page_bind(page->port);
	for (int i = 1; i < PAGE_PORTS && !port && page->listener == -EADDRINUSE; i++)
		page->listener = page_bind(++page->port);
	if (page->listener >= 0)
		return 0;
	say("can't listen at port %u of 127.0.0.1: %s; choose another with --port", page->port,
	    strerror(-page->listener));
	close(page->files);
	return -1;
}

static const struct filter_rule page_rules[] = {
	FILTER_ALLOW(accept4),	  FILTER_ALLOW(recvfrom),
	FILTER_ALLOW(sendto),	  FILTER_ALLOW(sendfile),
	FILTER_ALLOW(setsockopt), FILTER_ALLOW(shutdown),
	FILTER_ALLOW(openat2),	  FILTER_ALLOW(fstat),
	FILTER_ALLOW(newfstatat), /* what fstat() is in newer C libraries */
	FILTER_ALLOW(write),	  /* the last words of abort() */
};

static const struct filter page_filter = {FILTER_RULES(page_rules)};

static int page_confine(void)
{
	const struct filter *const filters[] = {&page_filter, &loop_filter, &loop_epoll_filter,
						NULL};
	int err = sandbox_limits(1);

	if (err == 0)
		err = sandbox_enter(PAGE_UID);
	return err < 0 ? err : filter_load(filters);
}

int page_serve(struct page *page)
{
	static struct server server;
	int err = loop_init(&server.loop, ENTRIES, LOOP_EPOLL);

	server.page = page;
	if (err == 0)
		err = page_confine();
	if (err < 0) {
		say("can't confine the server of the page: %s; run this as root", strerror(-err));
		return -1;
	}
	loop_poll_add(&server.loop, page->listener, listen_ready, &server);
	err = loop_run(&server.loop);
	say("can't go on serving the page: %s", strerror(-err));
	return -1;
}
