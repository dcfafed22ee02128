// SPDX-License-Identifier: MIT
/*
 * What hv and its clients agree on: the messages on hv's socket, and the layout of a domain's
 * memory.
 *
 * A domain is one sparse memfd: struct hv_ctl at its start, guest frame 0 at HV_RAM_OFF.  hv is
 * the only writer of grant entries and of a port's peer word; clients set and clear a port's
 * state bits, add to counters and take from faults, all by atomics.  Nothing here is a security
 * boundary: every client can write all of it.
 */
#ifndef LOOPBACK_HVPROTO_H
#define LOOPBACK_HVPROTO_H

#include <stddef.h>
#include <stdint.h>

#define HV_VERSION     1
#define HV_MAGIC       0x5048564cu
#define HV_PAGE_SHIFT  12
#define HV_PAGE_SIZE   4096u
#define HV_PAGE_MASK   (HV_PAGE_SIZE - 1)
#define HV_MAX_PORTS   4096u
#define HV_MAX_GRANTS  65536u
#define HV_MAX_REFS    8192u /* grants in one map or share call */
#define HV_MAX_FDS     16u   /* file descriptors in one reply */
#define HV_STAT_SLOTS  16u   /* counters are spread over slots so that workers share no line */
#define HV_CTL_SIZE    (2u << 20)
#define HV_RAM_OFF     HV_CTL_SIZE
#define HV_STORE_GFN   1u
#define HV_SOCKET_NAME "hv.sock"

/* What a hypervisor and the kernel's drivers would have been asked to do. */
struct hv_op_stats {
	uint64_t map_calls;	  /* one per xengnttab_map_* */
	uint64_t map_ops;	  /* grants mapped */
	uint64_t unmap_calls;	  /* one per mapping taken down, also by process death */
	uint64_t unmap_ops;	  /* grants unmapped */
	uint64_t copy_calls;	  /* xengnttab_grant_copy */
	uint64_t copy_ops;	  /* as Linux's gntdev splits them: one per local page touched */
	uint64_t copy_hypercalls; /* as gntdev batches them: 16 ops each */
	uint64_t copy_bytes;	  /* bytes of the segments that succeeded */
	uint64_t notifies;	  /* xenevtchn_notify on a port that is ours */
	uint64_t notifies_lost;	  /* of these: the peer was unbound, or a fault dropped it */
	uint64_t events;	  /* ports returned by xenevtchn_pending */
	uint64_t unmasks;	  /* xenevtchn_unmask */
	uint64_t foreign_maps;	  /* frames mapped through xenforeignmemory */
	uint64_t unused[3];
};

/* One line pair per slot and side; a handle uses slot id % HV_STAT_SLOTS. */
struct hv_stat_slot {
	struct hv_op_stats caller;  /* done by this domain */
	struct hv_op_stats granter; /* done to this domain's grants and ports by others */
} __attribute__((aligned(128)));

/* Remaining faults; 0 = none.  Taken by hv_fault_take(), set by hv_fault(). */
struct hv_faults {
	uint64_t map;	       /* map calls that fail with ENOMEM */
	uint64_t copy;	       /* copy segments that get GNTST_general_error */
	uint64_t copy_eagain;  /* copy segments that get GNTST_eagain */
	uint64_t notify;       /* notifies sent by this domain that vanish */
	uint64_t notify_in;    /* notifies to this domain that vanish */
	uint64_t copy_slow_us; /* delay of each copy call, microseconds; is not used up */
	uint64_t copy_call;    /* copy calls that fail as a whole, with ENOMEM */
	uint64_t unused[1];
} __attribute__((aligned(64)));

/*
 * An event channel port.  peer says whom a notify goes to (0: nobody), state holds the owner's
 * handle in the high half and HV_PORT_* bits in the low half; see hvport.h.
 */
struct hv_port {
	uint64_t peer;
	uint64_t state;
} __attribute__((aligned(64)));

struct hv_ctl {
	uint32_t magic;
	uint32_t version;
	uint32_t domid;
	uint32_t ram_pages;
	uint32_t dying; /* set once, when the domain is destroyed */
	uint32_t store_port;

	/* Written by hv alone. */
	struct {
		uint64_t maps;	 /* this domain's live grant mappings of others' pages */
		uint64_t ports;	 /* ports in use */
		uint64_t grants; /* grants given and not withdrawn */
		uint64_t limbo;	 /* grants withdrawn by their owner, but still mapped by others */
	} now __attribute__((aligned(64)));

	struct hv_faults fault;
	struct hv_stat_slot slot[HV_STAT_SLOTS];
	struct hv_port port[HV_MAX_PORTS];
	uint64_t grant[HV_MAX_GRANTS]; /* flags, domid << 16, frame << 32: a grant_entry_v1 */
};
_Static_assert(sizeof(struct hv_ctl) <= HV_CTL_SIZE, "the control area must end before RAM");

enum hv_op {
	HV_HELLO = 1, /* domid -> id; first message of a connection */
	HV_CLOSE,     /* release all that the handle holds, then answer */
	HV_AREA,      /* domid -> value = frames; fd of the domain's memory */
	HV_FOREIGN,   /* as HV_AREA, but checked as a foreign mapping */
	HV_FOREIGN_RESTRICT,
	HV_EVENTFD,	     /* -> fd that counts this handle's deliverable events */
	HV_WAKEFD,	     /* id of another handle -> its eventfd */
	HV_BIND_UNBOUND,     /* domid -> port */
	HV_BIND_INTERDOMAIN, /* domid, port -> port */
	HV_BIND_VIRQ,	     /* id = virq -> port */
	HV_UNBIND,	     /* port */
	HV_ADOPT,	     /* port */
	HV_EVTCHN_RESTRICT,  /* domid */
	HV_REOPEN,	     /* value = eventfd id -> 0 if this connection's eventfd; n ports */
	HV_MAP,	  /* n refs, flags, port, offset -> id; refs[].ref = frame; one fd per domain */
	HV_UNMAP, /* id */
	HV_SET_MAX_GRANTS, /* value */
	HV_SHARE,	/* domid, value = count, flags, port, offset -> id; refs = {frame, ref} */
	HV_UNSHARE,	/* id */
	HV_DOM_CREATE,	/* value = MiB of RAM -> domid, port */
	HV_DOM_DESTROY, /* domid */
	HV_DOM_LIST,	/* -> refs[].domid, .ref = frames; domids ascending */
	HV_OPS
};

#define HV_WRITABLE	(1u << 0) /* map: for writing; share: the peer may write */
#define HV_CLEAR_BYTE	(1u << 1) /* at release, zero the byte at offset of the first page */
#define HV_SEND_EVENT	(1u << 2) /* at release, notify port */
#define HV_RELEASE_MASK (HV_CLEAR_BYTE | HV_SEND_EVENT)

struct hv_ref {
	uint32_t domid;
	uint32_t ref;
};

/* Both directions, followed by n struct hv_ref.  err is 0 or -errno, in replies. */
struct hv_msg {
	uint32_t op;
	int32_t err;
	uint32_t domid;
	uint32_t port;
	uint32_t id;
	uint32_t flags;
	uint32_t offset;
	uint32_t n;
	uint64_t value;
};

/* Takes one from a fault's remaining count.  Returns 1 if there was one. */
static inline int hv_fault_take(uint64_t *fault)
{
	uint64_t left = __atomic_load_n(fault, __ATOMIC_RELAXED);

	while (left)
		if (__atomic_compare_exchange_n(fault, &left, left - 1, 0, __ATOMIC_RELAXED,
						__ATOMIC_RELAXED))
			return 1;
	return 0;
}

static inline void hv_count(uint64_t *counter, uint64_t n)
{
	__atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

#endif
