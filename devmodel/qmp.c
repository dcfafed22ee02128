// SPDX-License-Identifier: MIT
/*
 * libxl greets each device model over QMP and asks it for its consoles and its VNC server, which a
 * guest has if it has a screen.  What else is asked gets the answer of a QEMU that does not
 * have the command.
 */
#include "devmodel/qmp.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int qmp_listen(const char *path)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd, err;

	if (strlen(path) >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	strcpy(sa.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	unlink(path);
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0 && listen(fd, 4) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

static int qmp_send(int client, const char *text)
{
	size_t len = strlen(text);

	/* Far less than a socket's buffer; who does not read that is of no use. */
	return send(client, text, len, MSG_NOSIGNAL) == (ssize_t)len ? 0 : -EPIPE;
}

int qmp_greet(int client)
{
	return qmp_send(client,
			"{\"QMP\": {\"version\": {\"qemu\": {\"major\": 7, \"minor\": 2, "
			"\"micro\": 0}, \"package\": \"halfback\"}, \"capabilities\": []}}\r\n");
}

static char vnc_answer[256] = "{\"enabled\": false}";

void qmp_vnc_is(const char *host, const char *port)
{
	snprintf(vnc_answer, sizeof(vnc_answer),
		 "{\"enabled\": true, \"host\": \"%.64s\", \"service\": \"%.8s\", \"auth\": "
		 "\"none\", "
		 "\"family\": \"%s\", \"clients\": []}",
		 host, port, strchr(host, ':') ? "ipv6" : "ipv4");
}

static const char *qmp_answer(const char *command)
{
	static const struct {
		const char *command, *answer;
	} answers[] = {
		{"qmp_capabilities", "{}"},
		{"query-chardev", "[]"},
		{"query-vnc", vnc_answer},
		/* pvfb has it from the store. */
		{"change-vnc-password", "{}"},
		{"change", "{}"},
		{"query-block", "[]"},
		{"query-blockstats", "[]"},
		{"query-status",
		 "{\"running\": true, \"singlestep\": false, \"status\": \"running\"}"},
	};

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
		if (strcmp(answers[i].command, command) == 0)
			return answers[i].answer;
	return NULL;
}

static int qmp_command(int client, struct json_object *message)
{
	struct json_object *execute, *id;
	const char *answer, *id_text = "null";
	char text[1024];

	if (!json_object_object_get_ex(message, "execute", &execute))
		return -EPROTO;
	if (json_object_object_get_ex(message, "id", &id))
		id_text = json_object_to_json_string(id);
	answer = qmp_answer(json_object_get_string(execute));
	if (answer)
		snprintf(text, sizeof(text), "{\"return\": %s, \"id\": %.256s}\r\n", answer,
			 id_text);
	else
		snprintf(text, sizeof(text),
			 "{\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"halfback-dm has "
			 "no such "
			 "command\"}, \"id\": %.256s}\r\n",
			 id_text);
	return qmp_send(client, text);
}

int qmp_serve(int client, void *parser)
{
	char buffer[4096];
	ssize_t n = recv(client, buffer, sizeof(buffer), 0);
	int err = 0;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0)
		return -EPIPE;
	for (ssize_t at = 0; at < n && err == 0;) {
		struct json_object *message =
			json_tokener_parse_ex(parser, buffer + at, (int)(n - at));
		enum json_tokener_error state = json_tokener_get_error(parser);

		at += (ssize_t)json_tokener_get_parse_end(parser);
		if (state == json_tokener_continue)
			break;
		err = message && json_object_is_type(message, json_type_object)
			      ? qmp_command(client, message)
			      : -EPROTO;
		json_object_put(message);
		/* Line ends between messages are none. */
		while (at < n && strchr("\r\n \t", buffer[at]))
			at++;
	}
	return err;
}

void *qmp_parser(void)
{
	return json_tokener_new();
}

void qmp_parser_free(void *parser)
{
	json_tokener_free(parser);
}
