// SPDX-License-Identifier: MIT
/*
 * A libFuzzer target: any bytes as the two files by which a device outlives its worker and its
 * supervisor, and as the node that names their generation.  A device is offered to another worker
 * only by two whole files of this version, of this device and of each other, of which nobody but
 * root could write the one; else it is closed with one sentence, and no descriptor is left.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/fuzz/fuzz.h"

/* In the files' place; -1: there is none. */
static int journal = -1, connection = -1;
static bool has_journal, has_connection;

static int file_open(const char *path, int flags);

#define open file_open
#include "common/device_resume.c"
#undef open

static int file_open(const char *path, int flags)
{
	bool is_journal = strstr(path, "blkback-7-51712.journal") != NULL;

	(void)flags;
	errno = ENOENT;
	if (!(is_journal ? has_journal : has_connection))
		return -1;
	check(is_journal || strstr(path, "blkback-7-51712.connection"));
	lseek(is_journal ? journal : connection, 0, SEEK_SET);
	return dup(is_journal ? journal : connection);
}

struct input {
	uint8_t flags; /* FLAG_... below */
	uint8_t mode;
	uint8_t journal_words;
	uint8_t connection_cut;
	uint8_t node_len;
	char node[19];
	/* What is made good is spoilt at so many bytes. */
	struct {
		uint8_t at, by;
	} spoil[4];
	struct resume_header header;
	struct resume_connection connection;
};

enum {
	FLAG_RAW = 1, /* the files are as they come, not made good */
	FLAG_SUM = 2, /* ... and so is the sum */
	FLAG_NO_JOURNAL = 8,
	FLAG_NO_CONNECTION = 16,
	FLAG_MODE = 32, /* the input's */
	FLAG_NODE = 64,
	FLAG_CUT = 128,
	JOURNAL_MAX = 4096,
	BODY_BYTES = 1496,
	OPEN_MODE = 022,
};

static struct input in;
static int errors, stops, offers;

void *xs_read(struct xs_handle *xs, xs_transaction_t t, const char *path, unsigned int *len)
{
	char *value = calloc(1, sizeof(in.node) + 1);

	(void)xs;
	(void)t;
	check(strcmp(path, "b/halfback-journal") == 0);
	*len = in.flags & FLAG_NODE ? in.node_len % sizeof(in.node) : 16;
	memcpy(value, in.node, *len);
	return value;
}

void device_error(struct device *device, int err, const char *fmt, ...)
{
	(void)device;
	(void)fmt;
	check(err == EIO);
	errors++;
}

void device_stop(struct device *device, int then)
{
	check(then == BUS_CLOSE);
	device_resume_drop(device);
	stops++;
}

void device_offer(struct device *device)
{
	check(device->resume);
	offers++;
}

bool guest_rests(const struct guest *guest)
{
	(void)guest;
	return false;
}

void device_closed(struct device *device)
{
	(void)device;
}

void device_stats_close(struct device *device)
{
	(void)device;
}

static void files_good(const struct device *device)
{
	struct resume_connection *c = &in.connection;

	c->magic = RESUME_MAGIC;
	c->version = RESUME_VERSION;
	c->domid = device->guest->domid;
	c->devid = device->number;
	c->body_bytes = BODY_BYTES;
	c->generation |= 1;
	c->bytes = sizeof(in.header) + c->bytes % JOURNAL_MAX;
	in.header = (struct resume_header){
		.magic = RESUME_MAGIC,
		.version = RESUME_VERSION,
		.generation = c->generation,
		.bytes = c->bytes,
	};
}

static void input_make(const struct device *device)
{
	struct resume_connection *c = &in.connection;
	char text[17];

	if (!(in.flags & FLAG_RAW))
		files_good(device);
	snprintf(text, sizeof(text), "%016llx", (unsigned long long)c->generation);
	if (!(in.flags & FLAG_NODE))
		memcpy(in.node, text, 16);
	/* The header and the start of the connection follow each other. */
	for (int i = 0; i < 4; i++)
		((uint8_t *)&in.header)[in.spoil[i].at] ^= in.spoil[i].by;
	if (!(in.flags & FLAG_SUM))
		c->sum = connection_sum(c);
}

static void file_make(int fd, const void *bytes, size_t len, size_t size)
{
	check(ftruncate(fd, 0) == 0);
	check(pwrite(fd, bytes, len < size ? len : size, 0) >= 0);
	check(ftruncate(fd, (off_t)size) == 0);
}

static void files_make(void)
{
	size_t bytes = in.connection.bytes % (2 * JOURNAL_MAX), cut = in.flags & FLAG_CUT ? 1 : 0;

	if (journal < 0)
		journal = memfd_create("journal", MFD_CLOEXEC);
	if (connection < 0)
		connection = memfd_create("connection", MFD_CLOEXEC);
	file_make(journal, &in.header, sizeof(in.header),
		  cut ? in.journal_words * sizeof(uint64_t) : bytes);
	file_make(connection, &in.connection, sizeof(in.connection),
		  cut ? sizeof(in.connection) - 4 + in.connection_cut % 8 : sizeof(in.connection));
	check(fchmod(connection, in.flags & FLAG_MODE ? in.mode : 0600) == 0);
	has_journal = !(in.flags & FLAG_NO_JOURNAL);
	has_connection = !(in.flags & FLAG_NO_CONNECTION);
}

/* Nothing below trusts the code that it looks after. */
static void check_taken(const struct device *device)
{
	const struct resume_connection *c = device->saved;
	char node[17];
	struct stat st;

	check(errors == 0 && stops == 0 && c && device->journal_fd >= 0);
	check(has_journal && has_connection);
	check(!(in.flags & FLAG_MODE) || !(in.mode & OPEN_MODE));
	check(memcmp(c, &in.connection, sizeof(*c)) == 0);
	check(c->magic == RESUME_MAGIC && c->version == RESUME_VERSION);
	check(c->domid == 7 && c->devid == 51712 && c->body_bytes == BODY_BYTES);
	check(c->generation != 0 && c->generation == in.header.generation);
	snprintf(node, sizeof(node), "%016llx", (unsigned long long)c->generation);
	check(strncasecmp(node, in.node, 16) == 0);
	check(in.header.magic == RESUME_MAGIC && in.header.version == RESUME_VERSION);
	check(fstat(device->journal_fd, &st) == 0 && (uint64_t)st.st_size == c->bytes);
	check(in.header.bytes == c->bytes && c->bytes >= sizeof(in.header));
	check(fstat(connection, &st) == 0 && st.st_size == sizeof(*c));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct backend backend = {.name = "blkback", .connect_bytes = BODY_BYTES};
	struct sup sup = {.backend = &backend, .store.xs = (struct xs_handle *)&in};
	struct guest guest = {.sup = &sup, .domid = 7};
	struct device device = {
		.sup = &sup, .guest = &guest, .number = 51712, .path = "b", .journal_fd = -1};
	int fds;

	memset(&in, 0, sizeof(in));
	memcpy(&in, data, size < sizeof(in) ? size : sizeof(in));
	input_make(&device);
	files_make();
	fds = fd_next();
	errors = stops = offers = 0;
	device_take_over(&device);
	if (offers == 1)
		check_taken(&device);
	else
		check(offers == 0 && errors == 1 && stops == 1);
	device_resume_drop(&device);
	check(fd_next() == fds && !device.saved && !device.resume);
	return 0;
}
