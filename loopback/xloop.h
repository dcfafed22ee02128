// SPDX-License-Identifier: MIT
/*
 * xloop: what its verbs share.  One heading per file, in the order a verb uses them.
 *
 * Functions return 0 or -errno unless they say otherwise.  A function that prints its own sentence
 * says "told": its caller only passes the failure on.
 */
#ifndef XLOOP_H
#define XLOOP_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <libxlutil.h>
#include <xenstore.h>

#include "loopback/hvclient.h"
#include "loopback/vdev.h"

#define XLOOP_OK    0
#define XLOOP_FAIL  1
#define XLOOP_USAGE 2
/* As env(1) and timeout(1): the wrapper itself failed, CMD is not executable, CMD is not found. */
#define XLOOP_WRAPPER 125
#define XLOOP_NOEXEC  126
#define XLOOP_NOCMD   127

/* A unix socket's name holds 108 bytes; the longest below the directory is /xenstored/socket. */
#define XLOOP_DIR_MAX 80

/* What Xen accepts as a domain's number (DOMID_FIRST_RESERVED). */
#define XLOOP_DOMID_MAX 0x7ff0

/* xloop.c */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* xloop_host.c: the private host this process runs in */
struct host {
	const char *dir;      /* $XLOOP_DIR */
	struct xs_handle *xs; /* as dom0 */
	struct hv *hv;
};
int host_open(struct host *h); /* told */
void host_close(struct host *h);
/* PATH gets DIR/NAME of a file that is built beside this program; -ENOENT (told) when it is absent.
 */
int host_file(char path[PATH_MAX], const char *name);
/* PATH gets the hotplug script NAME's absolute path, as libxl makes one; it need not exist. */
int host_script(char path[PATH_MAX], const char *name);
/* A guest by its number or its name: its domid, or -ENOENT (told). */
int host_guest(struct host *h, const char *guest);
/* A wait's length in ms: DEFAULT_MS, or what the environment variable NAME says. */
int host_wait_ms(const char *name, int default_ms);

/* xloop_net.c: networks are namespaces */
int net_host(const char *dir); /* the host's, and a view of files that fits it; told */
int net_new(void);	       /* a guest's: this process makes it */
int net_enter(pid_t pid);      /* the one that PID is in */

/* xloop_store.c: printf-made paths.  T may be XBT_NULL. */
char *store_read(struct host *h, xs_transaction_t t, const char *fmt, ...)
	__attribute__((format(printf, 3, 4))); /* malloc'ed, or NULL + errno */
int store_write(struct host *h, xs_transaction_t t, const char *value, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
int store_rm(struct host *h, xs_transaction_t t, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Makes the node if need be and sets its permissions. */
int store_mknod(struct host *h, xs_transaction_t t, const struct xs_permissions *perms,
		unsigned int n, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* Removes PATH, then every parent that this leaves empty, as libxl does. */
int store_cleanup(struct host *h, xs_transaction_t t, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Runs FN in a transaction, again when another's change got in between. */
int store_transact(struct host *h, int (*fn)(struct host *, xs_transaction_t, void *), void *arg);

/* xloop_config.c: what an xl.cfg says */
struct vbd {
	char *target; /* image's path, or null:SIZE */
	char *vdev;
	char script[PATH_MAX];
	int devid;
	bool writable, cdrom, removable, direct_io_safe, discard, trusted;
	bool qdisk; /* served by QEMU */
};

#define VIF_MTU 1500 /* libxl writes the node mtu only if it is another */

struct vif {
	int devid;
	char mac[18];
	char *bridge, *ip, *vifname, *gatewaydev, *vlan;
	char rate[32]; /* as the node has it; empty: none */
	char script[PATH_MAX];
	int mtu;
	bool ioemu, trusted;
};

/* As the toolstack writes them; NULL where it writes nothing. */
struct vfb {
	char *vnc, *vnclisten, *vncpasswd, *vncdisplay, *vncunused;
	char *width, *height, *videoram; /* not libxl's: what a tool may add */
};

struct guest_config {
	char *name;
	char *uuid;
	char *type; /* pv, pvh or hvm */
	long memory_mib;
	struct vbd *vbds;
	int nvbds;
	struct vif *vifs;
	int nvifs;
	struct vfb *vfbs;
	int nvfbs;
};
int config_read(struct guest_config *c, const char *path, char **extra, int nextra); /* told */
void config_free(struct guest_config *c);
int config_disk(struct vbd *v, const char *spec); /* told */
void vbd_free(struct vbd *v);

/* xloop_nic.c: NICs in it */
int config_vifs(struct guest_config *c, const XLU_Config *x); /* told */
/* One alone, of a guest that has NICs below DEVID. */
int config_vif(struct vif *v, const char *spec, int devid, bool hvm); /* told */
void vif_free(struct vif *v);

/* xloop_device.c: one device's nodes and life */
struct node {
	const char *key, *value;
};

struct device {
	int domid, devid;
	const char *type;   /* vbd or vif: the frontend's, and what scripts are told */
	const char *kind;   /* the backend's: vbd, vif, or qdisk which QEMU serves */
	const char *server; /* whom to look for when nobody answers */
	char name[48];	    /* for sentences: "disk xvda" */
	/* Of an addition, in libxl's order, each ended by a NULL key; those without a value are not
	 * written. */
	const struct node *front, *front_ro, *back;
};
int device_add(struct host *h, struct device *d);	    /* told */
int device_offered(struct host *h, const struct device *d); /* waits for state 2; told */
/* libxl's removal, SCRIPT called in its place.  FORCE takes the frontend's nodes away first and
 * removes all whatever happens. */
int device_remove(struct host *h, struct device *d, bool force,
		  void (*script)(struct host *h, const struct device *d)); /* told */
/* The guest's devids of a type, malloc'ed; the count, or -errno. */
int device_list(struct host *h, int domid, const char *type, int **devids);

/* xloop_vbd.c: a disk; attach waits for the backend and runs the hotplug script */
int vbd_add_nodes(struct host *h, int domid, const struct vbd *v); /* told */
int vbd_attach(struct host *h, int domid, const struct vbd *v);	   /* told */
int vbd_remove(struct host *h, int domid, int devid, bool force);  /* told */

/* xloop_vif.c: a NIC, the same */
#define XNET_ARGS 16
int vif_add_nodes(struct host *h, int domid, const struct vif *v); /* told */
int vif_attach(struct host *h, int domid, const struct vif *v);	   /* told */
int vif_remove(struct host *h, int domid, int devid, bool force);  /* told */
/* Starts the guest's driver, as its kernel would; returns when the guest has its interface. */
int vif_drive(struct host *h, int domid, int devid); /* told */

/* xloop_vfb.c: screens, each with a keyboard */
int config_vfb(struct vfb *v, const char *spec); /* told */
void vfb_free(struct vfb *v);
int vfb_add(struct host *h, int domid, int devid, const struct vfb *v); /* told */
void vfb_remove_all(struct host *h, int domid);

/* xloop_wait.c */
int64_t clock_ms(void); /* monotonic */
/* Waits until PATH reads exactly WANT; -ETIMEDOUT or -ENOENT; LAST gets what was read at the end.
 */
int wait_state(struct host *h, const char *path, int want, int timeout_ms, int *last);

/* xloop_hotplug.c */
/* The script's run for an addition or a removal; told. */
int hotplug_run(struct host *h, const struct device *d, const char *script, bool add,
		const char *gatewaydev);

/* xloop_exec.c: makes this process one of the guest's; told */
int exec_enter(const struct host *h, int domid);

/* xloop_qemu.c: the guest's QEMU, if it has a disk of kind qdisk */
bool qemu_runs(struct host *h, uint32_t domid);
int qemu_start(struct host *h, uint32_t domid, const struct guest_config *c); /* told */
void qemu_stop(struct host *h, uint32_t domid);

/* xloop_domain.c */
int domain_create(struct host *h, const struct guest_config *c, uint32_t *domid); /* told */
int domain_start(struct host *h, uint32_t domid);				  /* told */
int domain_destroy(struct host *h, uint32_t domid);				  /* told */
/* The guest's kernel stand-in, or -ENOENT. */
pid_t domain_pid(const struct host *h, uint32_t domid);

/* xloop_children.c: the processes that `xloop run` answers for */
struct child {
	const char *name;
	pid_t pid; /* 0 = not started, or reaped */
	int status;
};
/* Of a daemon about to be executed: stdin from nowhere, the rest to the file LOG. */
void daemon_stdio(const char *log);
/* Starts ARGV in a session of its own, stdout and stderr to LOG; dies with this process. */
int child_daemon(struct child *c, char *const argv[], const char *log, const char *preload);
/* Reaps whatever has ended and notes it in the NC children of C. */
void children_reap(struct child *c, int nc);
/* Ends every process below this one but those in KEEP; returns when they are gone. */
void children_end(struct child *keep, int nkeep, int sigfd);
void child_end(struct child *c);

/* verbs: exit statuses */
int verb_run(int argc, char **argv);
int verb_create(int argc, char **argv);
int verb_destroy(int argc, char **argv);
int verb_list(int argc, char **argv);
int verb_exec(int argc, char **argv);
int verb_block_attach(int argc, char **argv);
int verb_block_detach(int argc, char **argv);
int verb_block_list(int argc, char **argv);
int verb_network_attach(int argc, char **argv);
int verb_network_detach(int argc, char **argv);
int verb_network_list(int argc, char **argv);
int verb_stats(int argc, char **argv);
int verb_fault(int argc, char **argv);

#endif
