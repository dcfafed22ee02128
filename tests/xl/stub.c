// SPDX-License-Identifier: MIT
/*
 * Preloaded into Debian's own xl by tests/system/xl.t: answers the libxenctrl calls that `xl
 * block-attach`, `block-detach` and `block-list` make, so that the stock toolstack works on a
 * private host.  There is one guest, domain 1, with a fixed handle; everything else xl does it does
 * itself, through the real store.
 */
#include <errno.h>
#include <string.h>

#include <xenctrl.h>

#define GUEST	    1
#define HANDLE_BYTE 0xab

static int open_handle;

xc_interface *xc_interface_open(xentoollog_logger *l, xentoollog_logger *d, unsigned int flags)
{
	(void)l;
	(void)d;
	(void)flags;
	return (xc_interface *)&open_handle;
}

int xc_interface_close(xc_interface *xch)
{
	(void)xch;
	return 0;
}

int xc_version(xc_interface *xch, int cmd, void *arg)
{
	(void)xch;
	(void)arg;
	return cmd == XENVER_version ? 4 << 16 | 17 : 0;
}

int xc_physinfo(xc_interface *xch, xc_physinfo_t *info)
{
	(void)xch;
	memset(info, 0, sizeof(*info));
	info->nr_cpus = 1;
	return 0;
}

int xc_get_max_cpus(xc_interface *xch)
{
	(void)xch;
	return 1;
}

int xc_get_max_nodes(xc_interface *xch)
{
	(void)xch;
	return 1;
}

int xc_domain_getinfolist(xc_interface *xch, uint32_t first, unsigned int max,
			  xc_domaininfo_t *info)
{
	unsigned int n = 0;

	(void)xch;
	for (uint32_t domid = first; domid <= GUEST && n < max; domid++, n++) {
		memset(&info[n], 0, sizeof(*info));
		info[n].domain = (domid_t)domid;
		info[n].flags = XEN_DOMINF_running;
		memset(info[n].handle, HANDLE_BYTE, sizeof(info[n].handle));
	}
	return (int)n;
}

const char *xc_domain_get_native_protocol(xc_interface *xch, uint32_t domid)
{
	(void)xch;
	(void)domid;
	return "x86_64-abi";
}

int xc_flask_sid_to_context(xc_interface *xch, int sid, char *buf, uint32_t size)
{
	(void)xch;
	(void)sid;
	(void)buf;
	(void)size;
	errno = ENOSYS;
	return -1;
}

xc_cpupoolinfo_t *xc_cpupool_getinfo(xc_interface *xch, uint32_t poolid)
{
	(void)xch;
	(void)poolid;
	errno = ENOENT;
	return NULL;
}

void xc_cpupool_infofree(xc_interface *xch, xc_cpupoolinfo_t *info)
{
	(void)xch;
	(void)info;
}
