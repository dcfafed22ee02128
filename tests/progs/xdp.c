// SPDX-License-Identifier: MIT
/*
 * xdp INTERFACE pass|grow|echo|off: has a driver run a program of XDP on what its NIC gets, or no
 * more, by the kernel's own interfaces, so that it may be linked for a guest that has no libraries.
 *
 *	pass	lets all pass
 *	grow	moves each packet's start 200 bytes down and up again, and drops it if there is no
 *room echo	sends frames of Ethernet's experimental protocol back to where they came from
 *
 * In the driver or not at all: the kernel's own XDP would need nothing of a backend.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define GROWN 200
#define ETH_P_LOCAL1                                                                               \
	0xb588 /* 0x88b5, IEEE 802's for experiments, as a little-endian load sees it */

#define INSN(c, d, s, o, i)                                                                        \
	{                                                                                          \
		.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i)                \
	}
#define MOV(d, i)	     INSN(BPF_ALU64 | BPF_MOV | BPF_K, d, 0, 0, i)
#define MOVR(d, s)	     INSN(BPF_ALU64 | BPF_MOV | BPF_X, d, s, 0, 0)
#define ADD(d, i)	     INSN(BPF_ALU64 | BPF_ADD | BPF_K, d, 0, 0, i)
#define LOAD(size, d, s, o)  INSN(BPF_LDX | BPF_MEM | (size), d, s, o, 0)
#define STORE(size, d, s, o) INSN(BPF_STX | BPF_MEM | (size), d, s, o, 0)
#define JGT(d, s, o)	     INSN(BPF_JMP | BPF_JGT | BPF_X, d, s, o, 0)
#define JNE(d, i, o)	     INSN(BPF_JMP | BPF_JNE | BPF_K, d, 0, o, i)
#define CALL(f)		     INSN(BPF_JMP | BPF_CALL, 0, 0, 0, f)
#define EXIT		     INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

static const struct bpf_insn pass[] = {MOV(0, XDP_PASS), EXIT};

static const struct bpf_insn grow[] = {
	MOVR(6, 1),
	MOV(2, -GROWN),
	CALL(BPF_FUNC_xdp_adjust_head),
	JNE(0, 0, 6),
	MOVR(1, 6),
	MOV(2, GROWN),
	CALL(BPF_FUNC_xdp_adjust_head),
	JNE(0, 0, 2),
	MOV(0, XDP_PASS),
	EXIT,
	MOV(0, XDP_DROP),
	EXIT,
};

static const struct bpf_insn echo[] = {
	LOAD(BPF_W, 2, 1, 0), /* data */
	LOAD(BPF_W, 3, 1, 4), /* its end */
	MOVR(4, 2),
	ADD(4, 14),
	JGT(4, 3, 16),
	LOAD(BPF_H, 5, 2, 12),
	JNE(5, ETH_P_LOCAL1, 14),
	LOAD(BPF_H, 0, 2, 0),
	LOAD(BPF_H, 3, 2, 2),
	LOAD(BPF_H, 4, 2, 4),
	LOAD(BPF_H, 5, 2, 6),
	LOAD(BPF_H, 6, 2, 8),
	LOAD(BPF_H, 7, 2, 10),
	STORE(BPF_H, 2, 5, 0),
	STORE(BPF_H, 2, 6, 2),
	STORE(BPF_H, 2, 7, 4),
	STORE(BPF_H, 2, 0, 6),
	STORE(BPF_H, 2, 3, 8),
	STORE(BPF_H, 2, 4, 10),
	MOV(0, XDP_TX),
	EXIT,
	MOV(0, XDP_PASS),
	EXIT,
};

static const struct program {
	const char *name;
	const struct bpf_insn *insns;
	unsigned int count; /* 0: none */
} programs[] = {
	{"pass", pass, sizeof(pass) / sizeof(pass[0])},
	{"grow", grow, sizeof(grow) / sizeof(grow[0])},
	{"echo", echo, sizeof(echo) / sizeof(echo[0])},
	{"off", NULL, 0},
};

/* A descriptor; -1 for no program, after which there is none; else it ends here. */
static int program_load(const struct program *p)
{
	static char log[8192];
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_XDP,
		.insns = (uintptr_t)p->insns,
		.insn_cnt = p->count,
		.license = (uintptr_t) "GPL",
		.log_buf = (uintptr_t)log,
		.log_size = sizeof(log),
		.log_level = 1,
	};
	int fd = p->count ? (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr)) : -1;

	if (fd < 0 && p->count)
		fprintf(stderr, "xdp: the kernel refuses the program: %s\n%s", strerror(errno),
			log);
	return fd;
}

/* ---- rtnetlink ------------------------------------------------------------------------------ */

struct message {
	struct nlmsghdr header;
	struct ifinfomsg info;
	struct nlattr xdp;
	struct nlattr fd_attr;
	int32_t fd;
	struct nlattr flags_attr;
	uint32_t flags;
};

struct answer {
	struct nlmsghdr header;
	struct nlmsgerr error;
	char text[512]; /* what the driver has to say */
};

static int interface_set(unsigned int ifindex, int program)
{
	struct message m = {
		.header = {.nlmsg_len = sizeof(m),
			   .nlmsg_type = RTM_SETLINK,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
		.info = {.ifi_family = AF_UNSPEC, .ifi_index = (int)ifindex},
		.xdp = {.nla_type = IFLA_XDP | NLA_F_NESTED,
			.nla_len = sizeof(m) - offsetof(struct message, xdp)},
		.fd_attr = {.nla_type = IFLA_XDP_FD, .nla_len = sizeof(m.fd_attr) + sizeof(m.fd)},
		.fd = program,
		.flags_attr = {.nla_type = IFLA_XDP_FLAGS,
			       .nla_len = sizeof(m.flags_attr) + sizeof(m.flags)},
		.flags = XDP_FLAGS_DRV_MODE,
	};
	int sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct answer answer = {0};

	if (sock < 0 || send(sock, &m, sizeof(m), 0) != sizeof(m) ||
	    recv(sock, &answer, sizeof(answer), 0) < (ssize_t)sizeof(answer.header))
		return -errno;
	return answer.error.error;
}

int main(int argc, char **argv)
{
	unsigned int ifindex = argc == 3 ? if_nametoindex(argv[1]) : 0;
	const struct program *p = NULL;
	int fd, err;

	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]) && argc == 3; i++)
		if (!strcmp(argv[2], programs[i].name))
			p = &programs[i];
	if (!p || !ifindex) {
		fprintf(stderr, "usage: xdp INTERFACE pass|grow|echo|off\n");
		return 2;
	}
	fd = program_load(p);
	if (fd < 0 && p->count)
		return 1;
	err = interface_set(ifindex, fd);
	if (err)
		fprintf(stderr, "xdp: %s: the driver refuses the program: %s\n", argv[1],
			strerror(-err));
	return err != 0;
}
