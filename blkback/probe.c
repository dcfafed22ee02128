// SPDX-License-Identifier: MIT
/*
 * blkback --probe: asks an NBD server what it exports.  The bytes are a stranger's, so they are
 * read here, behind the same door as a worker's (common/sandbox.h), and not by the supervisor.
 */
#include <libnbd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "blkback/disk_filters.h"
#include "blkback/helper.h"
#include "common/log.h"
#include "common/sandbox.h"

static uint32_t block_size(struct nbd_handle *nbd, int which)
{
	int64_t size = nbd_get_block_size(nbd, which);

	return size > 0 && size <= UINT32_MAX ? (uint32_t)size : 0;
}

static int probe_ask(struct nbd_handle *nbd, struct probed *probed)
{
	int64_t bytes = nbd_get_size(nbd);

	if (bytes < 0)
		return -1;
	*probed = (struct probed){
		.bytes = (uint64_t)bytes,
		.read_only = nbd_is_read_only(nbd) > 0,
		.flush = nbd_can_flush(nbd) > 0,
		.trim = nbd_can_trim(nbd) > 0,
		.multi_conn = nbd_can_multi_conn(nbd) > 0,
		.block_min = block_size(nbd, LIBNBD_SIZE_MINIMUM),
		.block_best = block_size(nbd, LIBNBD_SIZE_PREFERRED),
	};
	return 0;
}

/* libnbd's words, less the names of its functions. */
static void probe_complain(void)
{
	const char *text = nbd_get_error(), *colon;

	while (text && strncmp(text, "nbd_", 4) == 0 && (colon = strstr(text, ": ")))
		text = colon + 2;
	if (text && (strstr(text, "TLS") || strstr(text, "gnutls")))
		text = "it wants TLS, which is not served; export it without";
	fprintf(stderr, "%s\n", text ? text : "it speaks no NBD");
}

/* It complains on stderr, as a log does. */
static const struct filter *const probe_filters[] = {&log_filter, &chan_filter, &nbd_filter, NULL};

int probe_main(int argc, char **argv)
{
	struct chan_msg msg = {.type = CHAN_PROBED};
	struct nbd_handle *nbd;
	struct probed probed;
	int err;

	if (argc != 4)
		return 2;
	err = sandbox_enter((uid_t)strtoul(argv[2], NULL, 10));
	if (err == 0)
		err = filter_load(probe_filters);
	if (err < 0) {
		fprintf(stderr, "can't enter the sandbox: %s\n", strerror(-err));
		return 1;
	}
	nbd = nbd_create();
	if (!nbd || nbd_set_tls(nbd, LIBNBD_TLS_DISABLE) < 0 ||
	    nbd_set_export_name(nbd, argv[3]) < 0 || nbd_connect_socket(nbd, HELPER_SOCKET) < 0 ||
	    probe_ask(nbd, &probed) < 0) {
		probe_complain();
		_exit(1);
	}
	memcpy(msg.body, &probed, sizeof(probed));
	err = chan_send(HELPER_CHAN, &msg);
	nbd_aio_disconnect(nbd, 0); /* takes no answer, and so no time */
	_exit(err < 0);		    /* a sandboxed exit has nothing to look up */
}
