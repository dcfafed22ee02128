/* SPDX-License-Identifier: MIT */
#ifndef LOOPBACK_CRC32C_H
#define LOOPBACK_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* CRC-32C (Castagnoli, RFC 3720 appendix B.4) of @len bytes, continuing @crc; start with 0. */
uint32_t crc32c(uint32_t crc, const void *data, size_t len);

/* The same by table, for machines without SSE4.2 and for the test that compares the two. */
uint32_t crc32c_table(uint32_t crc, const void *data, size_t len);

#endif
