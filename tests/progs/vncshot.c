// SPDX-License-Identifier: MIT
/*
 * vncshot PORT ENCODINGS FILE: what a viewer made of libvncclient sees at 127.0.0.1, with encodings
 * as that library names them ("tight", "zrle", "hextile", ...), as PNG or, by the file's name, PPM.
 */
#include <rfb/rfbclient.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
	WAIT_US = 10000000
};

static int64_t missing; /* pixels that have not come yet */

static void updated(rfbClient *client, int x, int y, int w, int h)
{
	(void)client;
	(void)x;
	(void)y;
	missing -= (int64_t)w * h;
}

static void quiet(const char *format, ...)
{
	(void)format;
}

/* Rows of a filter byte and RGB. */
static unsigned char *rows_make(const rfbClient *client, size_t *size)
{
	unsigned int width = (unsigned int)client->width, height = (unsigned int)client->height;
	unsigned char *rows = calloc(height, 1 + 3 * (size_t)width), *at = rows;

	*size = height * (1 + 3 * (size_t)width);
	for (unsigned int y = 0; rows && y < height; y++) {
		const uint8_t *pixel = client->frameBuffer + (size_t)y * width * 4;

		for (at++; pixel < client->frameBuffer + (size_t)(y + 1) * width * 4; pixel += 4) {
			*at++ = pixel[2];
			*at++ = pixel[1];
			*at++ = pixel[0];
		}
	}
	return rows;
}

static void put32(unsigned char *at, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		at[i] = (unsigned char)(value >> (24 - 8 * i));
}

static void png_chunk(FILE *out, const char *kind, const unsigned char *body, size_t size)
{
	unsigned char number[4];
	uLong crc = crc32(crc32(0, (const Bytef *)kind, 4), body, (uInt)size);

	put32(number, (uint32_t)size);
	fwrite(number, 1, 4, out);
	fwrite(kind, 1, 4, out);
	fwrite(body, 1, size, out);
	put32(number, (uint32_t)(size ? crc : crc32(0, (const Bytef *)kind, 4)));
	fwrite(number, 1, 4, out);
}

static void png_write(FILE *out, const rfbClient *client, const unsigned char *rows, size_t size)
{
	unsigned char head[13] = {[8] = 8, [9] = 2};
	uLongf packed_size = compressBound(size);
	unsigned char *packed = malloc(packed_size);

	if (!packed || compress2(packed, &packed_size, rows, size, 9) != Z_OK)
		exit(1);
	put32(head, (uint32_t)client->width);
	put32(head + 4, (uint32_t)client->height);
	fwrite("\211PNG\r\n\032\n", 1, 8, out);
	png_chunk(out, "IHDR", head, sizeof(head));
	png_chunk(out, "IDAT", packed, packed_size);
	png_chunk(out, "IEND", head, 0);
	free(packed);
}

static void ppm_write(FILE *out, const rfbClient *client, const unsigned char *rows)
{
	size_t row = 3 * (size_t)client->width;

	fprintf(out, "P6\n%d %d\n255\n", client->width, client->height);
	for (int y = 0; y < client->height; y++)
		fwrite(rows + (size_t)y * (row + 1) + 1, 1, row, out);
}

static int picture_write(const rfbClient *client, const char *path)
{
	const char *dot = strrchr(path, '.');
	FILE *out = fopen(path, "we");
	unsigned char *rows;
	size_t size;

	if (!out) {
		perror(path);
		return 1;
	}
	rows = rows_make(client, &size);
	if (dot && strcmp(dot, ".ppm") == 0)
		ppm_write(out, client, rows);
	else
		png_write(out, client, rows, size);
	free(rows);
	return fclose(out) != 0;
}

/* Updates come in slices, each of which has to be asked for: the library does. */
static int picture_wait(rfbClient *client)
{
	missing = (int64_t)client->width * client->height;
	while (missing > 0) {
		int n = WaitForMessage(client, WAIT_US);

		if (n <= 0 || !HandleRFBServerMessage(client)) {
			fprintf(stderr, "no picture came\n");
			return 1;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	rfbClient *client = rfbGetClient(8, 3, 4);
	int status;

	if (argc != 4 || !client) {
		fprintf(stderr, "usage: vncshot PORT ENCODINGS FILE\n");
		return 2;
	}
	rfbClientLog = rfbClientErr = quiet;
	client->format.redShift = 16;
	client->format.greenShift = 8;
	client->format.blueShift = 0;
	free(client->serverHost); /* "", of rfbGetClient() */
	client->serverHost = strdup("127.0.0.1");
	client->serverPort = atoi(argv[1]);
	client->appData.encodingsString = argv[2];
	client->appData.enableJPEG = FALSE;
	client->GotFrameBufferUpdate = updated;
	if (!rfbInitClient(client, NULL, NULL)) { /* which has freed it */
		fprintf(stderr, "can't connect\n");
		return 1;
	}
	status = picture_wait(client);
	if (status == 0)
		status = picture_write(client, argv[3]);
	free(client->frameBuffer);
	rfbClientCleanup(client);
	return status;
}
