// SPDX-License-Identifier: MIT
/*
 * blkdiscard DISK SECTOR SECTORS FLAG: one discard with the flag as it is given (1 is
 * BLKIF_DISCARD_SECURE); prints the backend's answer: 0, -1 or -2.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loopback/blkfront.h"
#include "loopback/vdev.h"

int main(int argc, char **argv)
{
	int devid = argc == 5 ? vdev_number(argv[1]) : -1;
	struct blkif_request_discard discard = {.operation = BLKIF_OP_DISCARD, .id = 7};
	struct blkfront_opts opts = {.buffer_pages = 1};
	blkif_request_t request;
	blkif_response_t response;
	struct guest guest;
	struct blkfront_queue *queue;
	struct blkfront *bf;
	int err;

	if (devid < 0) {
		fprintf(stderr, "usage: blkdiscard DISK SECTOR SECTORS FLAG\n");
		return 2;
	}
	discard.sector_number = strtoull(argv[2], NULL, 10);
	discard.nr_sectors = strtoull(argv[3], NULL, 10);
	discard.flag = (uint8_t)atoi(argv[4]);
	memset(&request, 0, sizeof(request));
	memcpy(&request, &discard, sizeof(discard));
	if (guest_open(&guest))
		return 1;
	bf = blkfront_open(&guest, (unsigned int)devid, &opts);
	if (!bf)
		return 1;
	queue = blkfront_queue(bf, 0);
	blkfront_raw_put(queue, &request);
	blkfront_raw_push(queue, blkfront_raw_prod(queue));
	err = blkfront_raw_response(queue, &response, 10000);
	if (!err)
		printf("%d\n", response.status);
	blkfront_close(bf);
	guest_close(&guest);
	return err ? 1 : 0;
}
