// SPDX-License-Identifier: MIT
/*
 * A guest's mapping of hashes to queues (netif.h, SET_HASH_MAPPING).  It is the kernel that puts a
 * frame into one of the tap's queues, so it is the kernel that has to hash: by a program of BPF
 * that the tap calls for each frame (TUNSETSTEERINGEBPF).  The supervisor loads it, for that takes
 * privileges; the worker attaches it while its guest wants it, and writes its tables.
 *
 * The program is made here, instruction by instruction: one lookup and one XOR for each byte that
 * is hashed.  It does not look behind VLAN tags and IPv6 extension headers; such frames come by
 * another queue, with the hash that the worker computes.
 */
#include "netback/steer.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_tun.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <xen/xen.h>
#include <xen/io/netif.h>

#include "common/filter.h"

enum {
	CODE_MAX = 512,
	/* The stack: the map's key, the ethertype, the IP header and the ports behind it. */
	AT_KEY = -4,
	AT_TYPE = -8,
	AT_IP = -64,
	ETHERNET = 14,
	IPV4 = 0x0008, /* as a little-endian machine reads them */
	IPV6 = 0xdd86,
	FRAGMENT = 0xff3f,
	TCP = 6,
	LOAD_MAP = BPF_LD | BPF_DW, /* | BPF_IMM, which is 0 */
};

struct code {
	struct bpf_insn insn[CODE_MAX];
	int count;
};

static int emit(struct code *code, uint8_t op, int dst, int src, int off, int imm)
{
	code->insn[code->count] = (struct bpf_insn){.code = op,
						    .dst_reg = (uint8_t)(dst & 15),
						    .src_reg = (uint8_t)(src & 15),
						    .off = (int16_t)off,
						    .imm = imm};
	return code->count++;
}

/* Jumps are emitted before it is known where to. */
static void land(struct code *code, int jump)
{
	code->insn[jump].off = (int16_t)(code->count - jump - 1);
}

#define MOV(dst, src)		  emit(code, BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0)
#define MOVI(dst, imm)		  emit(code, BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, imm)
#define ADD(dst, src)		  emit(code, BPF_ALU64 | BPF_ADD | BPF_X, dst, src, 0, 0)
#define ADDI(dst, imm)		  emit(code, BPF_ALU64 | BPF_ADD | BPF_K, dst, 0, 0, imm)
#define ANDI(dst, imm)		  emit(code, BPF_ALU64 | BPF_AND | BPF_K, dst, 0, 0, imm)
#define LSHI(dst, imm)		  emit(code, BPF_ALU64 | BPF_LSH | BPF_K, dst, 0, 0, imm)
#define XOR(dst, src)		  emit(code, BPF_ALU64 | BPF_XOR | BPF_X, dst, src, 0, 0)
#define LOAD(size, dst, src, off) emit(code, BPF_LDX | BPF_MEM | (size), dst, src, off, 0)
#define JNE(reg, imm)		  emit(code, BPF_JMP | BPF_JNE | BPF_K, reg, 0, 0, imm)
#define JEQ(reg, imm)		  emit(code, BPF_JMP | BPF_JEQ | BPF_K, reg, 0, 0, imm)
#define CALL(helper)		  emit(code, BPF_JMP | BPF_CALL, 0, 0, 0, helper)
#define EXIT()			  emit(code, BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

/* Bytes of the frame to the stack; gives the jump that is taken if it is shorter.  r2: from where.
 */
static int load_bytes(struct code *code, int to, int len)
{
	MOV(1, 6);
	MOV(3, 10);
	ADDI(3, to);
	MOVI(4, len);
	CALL(BPF_FUNC_skb_load_bytes);
	return JNE(0, 0);
}

/* r8 ^= what byte number `index` adds, which is at `at` of the stack. */
static void hash_byte(struct code *code, int index, int at)
{
	LOAD(BPF_B, 1, 10, at);
	LSHI(1, 2);
	MOV(2, 7);
	ADD(2, 1);
	ADDI(2, (int)(offsetof(struct steer, table) + (size_t)index * sizeof(uint32_t) * 256));
	LOAD(BPF_W, 1, 2, 0);
	XOR(8, 1);
}

/* Jumps to the end of a part, at most this many. */
struct jumps {
	int at[8], count;
};

static void jump_later(struct jumps *jumps, int jump)
{
	jumps->at[jumps->count++] = jump;
}

static void land_all(struct code *code, const struct jumps *jumps)
{
	for (int i = 0; i < jumps->count; i++)
		land(code, jumps->at[i]);
}

/*
 * Hashes `bytes` of addresses from `at` on, and the ports behind them: which stand in the frame
 * where r9 says, and count if they are TCP's (r5 is 0) and wanted, or nothing does.
 */
static void hash_headers(struct code *code, int at, int bytes, uint32_t tcp, uint32_t plain,
			 struct jumps *none)
{
	struct jumps addresses = {.count = 0};
	int both;

	LOAD(BPF_W, 1, 7, offsetof(struct steer, flags));
	ANDI(1, (int)tcp);
	jump_later(&addresses, JEQ(1, 0));
	jump_later(&addresses, JNE(5, 0));
	MOV(2, 9);
	jump_later(&addresses, load_bytes(code, at + bytes, 4));
	for (int i = 0; i < 4; i++)
		hash_byte(code, bytes + i, at + bytes + i);
	both = emit(code, BPF_JMP | BPF_JA, 0, 0, 0, 0);
	land_all(code, &addresses);
	LOAD(BPF_W, 1, 7, offsetof(struct steer, flags));
	ANDI(1, (int)plain);
	jump_later(none, JEQ(1, 0));
	land(code, both);
	for (int i = 0; i < bytes; i++)
		hash_byte(code, i, at + i);
}

static void hash_ipv4(struct code *code, struct jumps *none)
{
	MOVI(2, ETHERNET);
	jump_later(none, load_bytes(code, AT_IP, 20));
	LOAD(BPF_B, 9, 10, AT_IP);
	ANDI(9, 15);
	LSHI(9, 2);
	ADDI(9, ETHERNET);
	/* r5: 0 if it is TCP and no fragment. */
	LOAD(BPF_B, 5, 10, AT_IP + 9);
	emit(code, BPF_ALU64 | BPF_XOR | BPF_K, 5, 0, 0, TCP);
	LOAD(BPF_H, 1, 10, AT_IP + 6);
	ANDI(1, FRAGMENT);
	emit(code, BPF_ALU64 | BPF_OR | BPF_X, 5, 1, 0, 0);
	hash_headers(code, AT_IP + 12, 8, XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP,
		     XEN_NETIF_CTRL_HASH_TYPE_IPV4, none);
}

static void hash_ipv6(struct code *code, struct jumps *none)
{
	MOVI(2, ETHERNET);
	jump_later(none, load_bytes(code, AT_IP, 40));
	MOVI(9, ETHERNET + 40);
	LOAD(BPF_B, 5, 10, AT_IP + 6);
	emit(code, BPF_ALU64 | BPF_XOR | BPF_K, 5, 0, 0, TCP);
	hash_headers(code, AT_IP + 8, 32, XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP,
		     XEN_NETIF_CTRL_HASH_TYPE_IPV6, none);
}

/* The hash is in r8: the queue is what the mapping says, or the tap's modulo. */
static void choose_queue(struct code *code)
{
	int plain;

	LOAD(BPF_W, 1, 7, offsetof(struct steer, mapping_size));
	MOV(0, 8);
	plain = JEQ(1, 0);
	emit(code, BPF_ALU64 | BPF_MOD | BPF_X, 0, 1, 0, 0);
	ANDI(0, HASH_MAPPING_MAX - 1);
	LSHI(0, 2);
	MOV(2, 7);
	ADD(2, 0);
	LOAD(BPF_W, 0, 2, offsetof(struct steer, mapping));
	land(code, plain);
	EXIT();
}

static void program_make(struct code *code, int map)
{
	struct jumps none = {.count = 0};
	int other, ipv4, done;

	MOV(6, 1);
	emit(code, BPF_ST | BPF_MEM | BPF_W, 10, 0, AT_KEY, 0);
	emit(code, LOAD_MAP, 1, BPF_PSEUDO_MAP_FD, 0, map);
	emit(code, 0, 0, 0, 0, 0);
	MOV(2, 10);
	ADDI(2, AT_KEY);
	CALL(BPF_FUNC_map_lookup_elem);
	jump_later(&none, JEQ(0, 0));
	MOV(7, 0);
	MOVI(8, 0);
	MOVI(2, 12);
	jump_later(&none, load_bytes(code, AT_TYPE, 2));
	LOAD(BPF_H, 1, 10, AT_TYPE);
	ipv4 = JEQ(1, IPV4);
	other = JNE(1, IPV6);
	hash_ipv6(code, &none);
	done = emit(code, BPF_JMP | BPF_JA, 0, 0, 0, 0);
	land(code, ipv4);
	hash_ipv4(code, &none);
	land(code, done);
	choose_queue(code);
	land(code, other);
	land_all(code, &none);
	MOVI(0, 0);
	EXIT();
}

static int bpf(int command, union bpf_attr *attr)
{
	long fd = syscall(SYS_bpf, command, attr, sizeof(*attr));

	return fd < 0 ? -errno : (int)fd;
}

static int program_load(int map)
{
	static struct code code;
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
		.insns = (uintptr_t)code.insn,
		.license = (uintptr_t) "MIT",
	};

	code.count = 0;
	program_make(&code, map);
	attr.insn_cnt = (uint32_t)code.count;
	return bpf(BPF_PROG_LOAD, &attr);
}

int steer_open(struct steer_fds *fds)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY,
		.key_size = sizeof(uint32_t),
		.value_size = sizeof(struct steer),
		.max_entries = 1,
		.map_flags = BPF_F_MMAPABLE,
	};

	fds->program = -1;
	fds->map = bpf(BPF_MAP_CREATE, &attr);
	if (fds->map >= 0)
		fds->program = program_load(fds->map);
	if (fds->program >= 0)
		return 0;
	steer_close(fds);
	return fds->map < 0 ? fds->map : fds->program;
}

void steer_close(struct steer_fds *fds)
{
	if (fds->program >= 0)
		close(fds->program);
	if (fds->map >= 0)
		close(fds->map);
	fds->program = fds->map = -1;
}

/* ---- the worker -------------------------------------------------------------------------- */

struct steer *steer_map(int map_fd)
{
	void *memory = MAP_FAILED;

	if (map_fd >= 0) {
		memory = mmap(NULL, sizeof(struct steer), PROT_READ | PROT_WRITE, MAP_SHARED,
			      map_fd, 0);
		close(map_fd);
	}
	return memory == MAP_FAILED ? NULL : memory;
}

void steer_unmap(struct steer *steer)
{
	if (steer)
		munmap(steer, sizeof(*steer));
}

static void table_fill(struct steer *steer, const uint8_t key[HASH_KEY_MAX])
{
	for (size_t i = 0; i < STEER_BYTES; i++) {
		uint8_t data[STEER_BYTES] = {0};
		uint32_t bits[8];

		for (int bit = 0; bit < 8; bit++) {
			data[i] = (uint8_t)(1 << bit);
			bits[bit] = hash_toeplitz(key, data, sizeof(data));
		}
		for (int value = 0; value < 256; value++) {
			uint32_t sum = 0;

			for (int bit = 0; bit < 8; bit++)
				sum ^= value >> bit & 1 ? bits[bit] : 0;
			steer->table[i][value] = sum;
		}
	}
}

/* A frame that comes meanwhile may go by an old entry and a new one: to some queue. */
int steer_set(struct steer *steer, int tap_fd, int program_fd, const struct hash *hash)
{
	int fd = hash->algorithm && hash->flags ? program_fd : -1;

	if (!steer)
		return 0;
	table_fill(steer, hash->key);
	memcpy(steer->mapping, hash->mapping, sizeof(steer->mapping));
	steer->mapping_size = hash->mapping_size;
	steer->flags = hash->flags;
	return ioctl(tap_fd, TUNSETSTEERINGEBPF, &fd) < 0 ? -errno : 0;
}

static const struct filter_rule steer_rules[] = {
	FILTER_INT(ioctl, 1, TUNSETSTEERINGEBPF),
};

const struct filter steer_filter = {FILTER_RULES(steer_rules)};
