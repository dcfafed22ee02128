# SPDX-License-Identifier: MIT
# halfback: one non-recursive Makefile.  `make help` lists what it can do.
#
# All output goes below $(BUILD).  `make asan` and `make tsan` run this file again with another
# BUILD and SAN, so a sanitized tree never mixes with the plain one.

CC       = gcc
BUILD    = build
SAN      =
CRASH    =
PREFIX   = /usr/local
DESTDIR  =
V        = 0

# One short line for each step; V=1 shows the whole commands.
Q        = $(if $(filter 1,$(V)),,@)
say      = $(if $(filter 1,$(V)),@:,@printf '  %-3s %s\n' $(1) $(2))

# What a fresh Debian 12 needs, by the names of its packages.
DEPS_BUILD = gcc clang make pkg-config libc6-dev libxen-dev liburing-dev libaio-dev libcap-ng-dev \
             libseccomp-dev libcmocka-dev libudev-dev libjson-c-dev libinih-dev libnbd-dev nbdkit-plugin-dev \
             libxenmisc4.17 libvncserver-dev libgcrypt20-dev libxkbcommon-dev
DEPS_RUN   = xen-utils-4.17 xen-utils-common xenstore-utils nbdkit libnbd-bin qemu-utils fio e2fsprogs jq strace \
             perl procps util-linux iproute2 bridge-utils iperf3 ethtool iputils-ping busybox-static fuse3 \
             python3-jsonschema python3-prometheus-client nftables dnsmasq-base openvswitch-switch netcat-openbsd
DEPS_LINT  = clang-format clang-tidy sparse cppcheck shellcheck codespell mandoc
DEPS_BENCH = qemu-system-xen linux-perf gnuplot-nox fonts-dejavu-core bsdextrautils
DEPS_XEN   = qemu-system-x86 cpio kmod xz-utils
DEPS_WEB   = novnc chromium chromium-driver
DEPS       = $(DEPS_BUILD) $(DEPS_RUN) $(DEPS_WEB) $(DEPS_LINT) $(DEPS_BENCH) libclang-rt-14-dev

WARN     = -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
           -Wwrite-strings -Wundef -Wvla -Wimplicit-fallthrough
# The interface version gives ring.h its xen_mb() names; see xen/xen-compat.h.
CPPFLAGS = -I. -D_GNU_SOURCE -D__XEN_INTERFACE_VERSION__=0x00040d00 $(if $(CRASH),-DCRASH_POINTS)
CFLAGS   = -std=gnu11 -O2 -g -fno-omit-frame-pointer $(WARN) $(SANFLAGS)
LDFLAGS  = $(SANFLAGS)
# gcc's own manual: with sanitizers, warnings that need flow analysis may be false alarms.  TSan knows
# no fences; ours order memory that is shared with another process, where it does not look.
SANFLAGS = $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -Wno-format-truncation \
             -Wno-maybe-uninitialized $(if $(findstring thread,$(SAN)),-Wno-tsan))

# ---- sources --------------------------------------------------------------------------------

common_c  := $(wildcard common/*.c)
blkback_c := $(filter-out blkback/main.c,$(wildcard blkback/*.c))
netback_c := $(filter-out netback/main.c,$(wildcard netback/*.c))
pvfb_c    := $(filter-out pvfb/main.c,$(wildcard pvfb/*.c))

obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
pic = $(patsubst %.c,$(BUILD)/pic/%.o,$(1))

PROGRAMS = $(BUILD)/blkback $(BUILD)/netback $(BUILD)/pvfb
LIBS_PRODUCT = -ludev -luring -laio -lxengnttab -lxenevtchn -lxenstore -lcap-ng -lseccomp -lnbd -pthread
LIBS_PVFB    = -luring -laio -lxengnttab -lxenevtchn -lxenforeignmemory -lxenstore -lcap-ng -lseccomp \
               -lvncserver -lgcrypt -lxkbcommon -pthread

.DEFAULT_GOAL = all
all: programs

$(BUILD)/libhalfback.a: $(call obj,$(common_c) $(blkback_c) $(netback_c))
	@rm -f $@
	$(call say,AR,$@)
	$(Q)$(AR) rcs $@ $^

$(BUILD)/blkback: $(call obj,blkback/main.c) $(BUILD)/libhalfback.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_PRODUCT)

$(BUILD)/netback: $(call obj,netback/main.c) $(BUILD)/libhalfback.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -luring -laio -lxengnttab -lxenevtchn -lxenstore -lcap-ng -lseccomp -pthread

PROGRAMS += $(BUILD)/halfback-dm

$(BUILD)/pvfb: $(call obj,pvfb/main.c $(pvfb_c)) $(BUILD)/libhalfback.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_PVFB)

$(BUILD)/halfback-dm: $(call obj,$(wildcard devmodel/*.c))
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lxenstore -ljson-c

# ---- halfback: the admin's command -------------------------------------------------------------

PROGRAMS += $(BUILD)/halfback

$(BUILD)/halfback: $(call obj,$(wildcard halfback/*.c)) $(BUILD)/libhalfback.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -luring -laio -lxenstore -ljson-c -linih -lcap-ng -lseccomp

# ---- loopback: the embedded Xen ---------------------------------------------------------------
# hv is the broker; the libraries take the place of Xen's own by LD_LIBRARY_PATH.  They get loaded
# into Debian's binaries, so they are never built with sanitizers.

hv_c       := loopback/hv.c $(wildcard loopback/hv_*.c)
LOOPLIBS   := $(addprefix $(BUILD)/lib/,libxengnttab.so.1 libxenevtchn.so.1 \
                libxenforeignmemory.so.1 libxenctrl-preload.so)
PROGRAMS   += $(BUILD)/hv $(LOOPLIBS)
LINK_SHARED = $(CC) -shared -Wl,-soname,$(@F) -Wl,-z,defs

$(BUILD)/pic/loopback/%.o: SANFLAGS =

$(BUILD)/hv: $(call obj,$(hv_c))
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^

$(BUILD)/lib/libxengnttab.so.1: $(call pic,$(addprefix loopback/,libxengnttab.c libxengntshr.c \
                gnttab_copy.c gnttab_handle.c hvclient.c seccomp_load.c))
$(BUILD)/lib/libxenevtchn.so.1: $(call pic,$(addprefix loopback/,libxenevtchn.c evtchn_reopen.c \
                hvclient.c))
$(BUILD)/lib/libxenforeignmemory.so.1: $(call pic,$(addprefix loopback/,libxenforeignmemory.c \
                hvclient.c))

$(BUILD)/lib/%.so.1: loopback/%.map
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(LINK_SHARED) -Wl,--version-script=$< -o $@ $(filter %.o,$^)

$(BUILD)/lib/libxenctrl-preload.so: $(call pic,loopback/preload_ctrl.c loopback/preload_qemu.c \
                loopback/hvclient.c)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(LINK_SHARED) -o $@ $^

# Tests of the embedded Xen itself: they start a hv and find the drop-in libraries beside it.
HV_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/test_hv_*.c))
$(HV_TESTS): $(BUILD)/unit/%: $(BUILD)/obj/tests/unit/%.o $(call obj,tests/unit/hvhost.c \
                loopback/hvclient.c) | $(BUILD)/hv $(LOOPLIBS)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -Wl,-rpath,'$$ORIGIN/../lib' -o $@ $^ $(filter %.so.1,$(LOOPLIBS)) -lcmocka \
		-pthread

# ---- xloop: the embedded Xen's command --------------------------------------------------------
# libxlutil and its libxenlight only read the guest's config: nothing else links them.

xloop_c := $(wildcard loopback/xloop*.c)
PROGRAMS += $(BUILD)/xloop

$(BUILD)/xloop: $(call obj,$(xloop_c) loopback/hvclient.c)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lxenstore -lxlutil -lxenlight -pthread

$(BUILD)/unit/test_headers: $(call obj,loopback/headers.c)
$(BUILD)/unit/test_vdev: $(call obj,loopback/xloop_vdev.c)

# Programs that system tests run, built as any Xen program would be.
TEST_PROGS := $(patsubst tests/progs/%.c,$(BUILD)/tests/%,$(wildcard tests/progs/*.c))
check-run check-aio: $(TEST_PROGS)

# Loaded into blkback, sanitized or not.
PRELOADS := $(patsubst tests/preload/%.c,$(BUILD)/tests/%.so,$(wildcard tests/preload/*.c))
check-run check-aio: $(PRELOADS)
$(BUILD)/pic/tests/preload/%.o: SANFLAGS =

$(PRELOADS): $(BUILD)/tests/%.so: $(BUILD)/pic/tests/preload/%.o
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(LINK_SHARED) -o $@ $^

$(BUILD)/tests/vchan_peer: $(call obj,tests/progs/vchan_peer.c)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lxenvchan

$(BUILD)/tests/vncshot: $(call obj,tests/progs/vncshot.c)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lvncclient -lz

# For guests that have no libraries.
$(BUILD)/obj/tests/progs/xdp.o: SANFLAGS =
$(BUILD)/tests/xdp: $(call obj,tests/progs/xdp.c)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) -static -o $@ $^

$(BUILD)/tests/fbhostile: $(call obj,tests/progs/fbhostile.c $(addprefix loopback/,fbfront.c frames.c hvclient.c)) $(BUILD)/libguest.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_GUEST)

$(BUILD)/tests/vncload: $(call obj,tests/progs/vncload.c loopback/histogram.c)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^

$(BUILD)/tests/forbid: $(call obj,tests/progs/forbid.c)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lseccomp

# ---- guest side: what runs in a guest ---------------------------------------------------------
# libguest.a is made for programs and tests; only xguest knows that it is not on real Xen.

guest_c  := $(wildcard loopback/blkfront*.c loopback/netfront*.c) $(addprefix loopback/,guest.c front_keys.c bytes.c storemux.c \
              crc32c.c pattern.c histogram.c xloop_vdev.c)
LIBS_GUEST = -lxengnttab -lxenevtchn -lxenstore
PROGRAMS += $(BUILD)/xguest $(BUILD)/blkload $(BUILD)/xnet $(BUILD)/netload $(BUILD)/fbplay $(BUILD)/nbdkit-xenblk-plugin.so

$(BUILD)/libguest.a: $(call obj,$(guest_c))
	@rm -f $@
	$(call say,AR,$@)
	$(Q)$(AR) rcs $@ $^

$(BUILD)/xguest: $(call obj,loopback/xguest.c loopback/hvclient.c) $(BUILD)/libguest.a \
                 $(BUILD)/lib/libxenevtchn.so.1
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lxenforeignmemory -pthread

$(BUILD)/blkload: $(call obj,$(wildcard loopback/blkload*.c)) $(BUILD)/libguest.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_GUEST) -pthread

$(BUILD)/xnet: $(call obj,$(wildcard loopback/xnet*.c) loopback/headers.c) $(BUILD)/libguest.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_GUEST) -pthread

$(BUILD)/netload: $(call obj,$(wildcard loopback/netload*.c) loopback/headers.c) $(BUILD)/libguest.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_GUEST) -pthread

# Loaded into Debian's nbdkit, so never with sanitizers either.
$(BUILD)/nbdkit-xenblk-plugin.so: $(call pic,$(wildcard loopback/blkfront*.c) \
                $(addprefix loopback/,nbdplugin.c guest.c front_keys.c xloop_vdev.c))
	$(call say,LD,$@)
	$(Q)$(CC) -shared -o $@ $^ $(LIBS_GUEST) -pthread

$(BUILD)/fbplay: $(call obj,$(addprefix loopback/,fbplay.c echo.c fbfront.c frames.c testcard.c hvclient.c)) $(BUILD)/libguest.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_GUEST) -pthread

$(BUILD)/tests/nethostile: $(call obj,tests/hostile/net_cases.c tests/hostile/net_events.c)

$(addprefix $(BUILD)/tests/,blkdiscard blkhostile blkkeys blkmix blkstorm nethostile): $(BUILD)/tests/%: \
                $(BUILD)/obj/tests/progs/%.o $(BUILD)/libguest.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_GUEST) -pthread

$(addprefix $(BUILD)/unit/test_,blkfront blkfront_indirect): $(call obj,tests/unit/fakeback.c)
$(addprefix $(BUILD)/unit/test_,storemux blkfront blkfront_indirect netfront pattern histogram): $(BUILD)/libguest.a

# ---- what the benchmark measures with, beside the guest's programs -------------------------------

$(BUILD)/bench/roundtrip $(BUILD)/bench/relay: $(BUILD)/bench/%: $(BUILD)/obj/bench/%.o
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -pthread

# ---- unit tests: tests/unit/test_NOUN.c is one cmocka program ---------------------------------

unit_c    := $(wildcard tests/unit/test_*.c)
UNIT      := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(unit_c))

$(BUILD)/unit/%: $(BUILD)/obj/tests/unit/%.o $(BUILD)/libhalfback.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lcmocka $(LIBS_PRODUCT)

# What a screen's unit tests link beside; only they know libxkbcommon.
UNIT_PVFB := $(addprefix $(BUILD)/unit/test_,damage fbpage geometry kbdring keyboard listen pixels pointer rfb_frame websocket)
$(UNIT_PVFB): $(call obj,$(addprefix pvfb/,damage.c fbpage.c geometry.c kbdring.c keyboard.c keymap.c listen.c pixels.c \
                pointer.c rfb_frame.c scancode.c webrequest.c websocket.c))
$(UNIT_PVFB): LIBS_PRODUCT := $(BUILD)/libhalfback.a $(LIBS_PRODUCT) -lxkbcommon -lgcrypt

# ---- generic rules ----------------------------------------------------------------------------

$(BUILD)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/pic/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -fPIC -fvisibility=hidden -MMD -MP -c -o $@ $<

-include $(shell find $(BUILD)/obj $(BUILD)/pic build/fuzz/obj -name '*.d' 2>/dev/null)

programs: $(PROGRAMS)

clean:
	rm -rf $(BUILD)

# ---- what people type: deps, check, lint, asan, tsan, demo, install, help ---------------------
# deps must have ended before anything is compiled, so check and demo run this file again.

# flood.t compares times, so it stands alone: make flood.
SYSTEM := $(filter-out tests/system/flood.t,$(sort $(wildcard tests/system/*.t tests/hostile/*.t)))
FUZZ   := $(patsubst tests/fuzz/%.c,build/fuzz/%,$(wildcard tests/fuzz/*.c))

deps:
	@.ci/deps $(DEPS)

check:
	@.ci/deps $(DEPS)
	@$(MAKE) --no-print-directory check-run

# The tests of the data path, of start and stop, and of what waits, once more without io_uring.
AIO := $(patsubst %,$(BUILD)/aio/%.t,blkload block-device confinement detach-busy discard disk-full \
         frontend-restart hung-store idle-and-size image-shrunk indirect multi-queue nbd-target nbd-tools \
         net-hostile-packets net-hostile-rings net-rate net-resume net-stall net-tcp \
         persistent supervisor-restart worker-killed xenstored-gone)
check-run: all $(UNIT) $(BUILD)/tests/xl-stub.so $(FUZZ) $(AIO)
	@BUILD=$(BUILD) tests/run $(UNIT) $(SYSTEM) $(AIO)

check-aio: all $(AIO)
	@BUILD=$(BUILD) tests/run $(AIO)

flood: all $(TEST_PROGS)
	@BUILD=$(BUILD) tests/run tests/system/flood.t

$(BUILD)/aio/%.t: tests/system/%.t
	@mkdir -p $(@D)
	@printf '#!/bin/sh\nBLKBACK_OPTIONS=--no-io-uring NETBACK_OPTIONS=--no-io-uring exec %s "$$@"\n' $< >$@
	@chmod +x $@

# Goes into Debian's xl, so it is never sanitized.
$(BUILD)/tests/xl-stub.so: tests/xl/stub.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(CPPFLAGS) -std=gnu11 -O2 -g $(WARN) -fPIC -shared -o $@ $<

asan:
	@$(MAKE) --no-print-directory BUILD=build/asan SAN=address,undefined check

# Storms of a million, then all that guests can do wrong, at once, for T seconds, under ASan.
hostile:
	@.ci/deps $(DEPS_BUILD) $(DEPS_RUN)
	@$(MAKE) --no-print-directory BUILD=build/asan SAN=address,undefined hostile-run

hostile-run: T = 1800
hostile-run: all $(TEST_PROGS)
	@BUILD=$(BUILD) T=$(T) STORM=1000000 tests/run tests/hostile/storms.t tests/hostile/mix

# A build whose workers can be killed before any store that outlives them (common/crash.c), or of which any one call
# fails (tests/preload/fail.c).
crash:
	@.ci/deps $(DEPS_BUILD) $(DEPS_RUN)
	@$(MAKE) --no-print-directory BUILD=build/crash CRASH=1 crash-run

crash-run: all $(TEST_PROGS) $(PRELOADS)
	@BUILD=$(BUILD) tests/run $(sort $(wildcard tests/crash/*.t))

# A worker killed N times under verified I/O, and what its guest sees of it, in build/kills.
N = 1000
kills:
	@.ci/deps $(DEPS_BUILD) $(DEPS_RUN) $(DEPS_BENCH)
	@$(MAKE) --no-print-directory all
	@BUILD=$(BUILD) N=$(N) tests/run tests/crash/kills

# Clang's libFuzzer on what guests, captured workers and anybody's programs write; each target aborts on what must not
# be.  It links what is named here of the product, and includes what it drives from within.
T = 30
FUZZ_request = blkback/request blkback/abi
FUZZ_journal = blkback/journal $(FUZZ_request)
FUZZ_base    = $(addprefix common/,store log loop loop_uring loop_epoll aio filter_ring)
FUZZ_nodes   = $(addprefix blkback/,frontend limit_nodes target abi) $(FUZZ_base)
FUZZ_vif     = $(addprefix netback/,frontend settings spoof packet) common/limit $(FUZZ_base)
FUZZ_chan    = common/chan common/respawn $(FUZZ_base)
FUZZ_resume  = common/runfile common/guard common/instance $(FUZZ_base)
FUZZ_stats   = common/runfile common/guard common/instance halfback/json halfback/prometheus halfback/table $(FUZZ_base)
FUZZ_tx      = $(addprefix netback/,tx_parse packet vnet spoof hash)
FUZZ_ctrl    = netback/hash netback/packet
FUZZ_fbpage  = pvfb/fbpage pvfb/geometry pvfb/damage pvfb/pixels
FUZZ_rfb     = pvfb/rfb_frame
FUZZ_web     = pvfb/websocket pvfb/webrequest
FUZZ_hv      = loopback/hv_evtchn loopback/hv_gnttab
FUZZ_FLAGS   = address,undefined -fno-sanitize-recover=all

build/fuzz/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)clang $(CPPFLAGS) -std=gnu11 -O1 -g -Wall -Wextra -Werror -fsanitize=fuzzer-no-link,$(FUZZ_FLAGS) -MMD -MP -c -o $@ $<

.SECONDEXPANSION:
build/fuzz/fuzz_%: build/fuzz/obj/tests/fuzz/fuzz_%.o $$(addprefix build/fuzz/obj/,$$(addsuffix .o,$$(FUZZ_$$*)))
	$(call say,LD,$@)
	$(Q)clang -fsanitize=fuzzer,$(FUZZ_FLAGS) -o $@ $^ -luring -laio -lxenstore -ljson-c -lgcrypt

fuzz: $(FUZZ)
	@for f in $(FUZZ:build/fuzz/fuzz_%=%); do tests/fuzz/run $$f $(T) build/fuzz/$$f.corpus || exit 1; done

tsan:
	@$(MAKE) --no-print-directory BUILD=build/tsan SAN=thread check

# Real Xen with a Debian dom0 under QEMU.  The smallest test goes first, and then the longest, so that boots side by
# side end together.
XEN_TESTS := $(patsubst %,tests/xen/%.t,first-light queues worker-kill qcow2 grub attach reload)
XEN_TESTS += $(filter-out $(XEN_TESTS),$(sort $(wildcard tests/xen/*.t)))

XEN_PROGRAMS = $(addprefix $(BUILD)/,blkback netback pvfb halfback halfback-dm tests/captured.so tests/xdp)

deps-xen:
	@.ci/deps $(DEPS_BUILD) $(DEPS_RUN) $(DEPS_XEN)

check-xen: deps-xen
	@$(MAKE) --no-print-directory $(XEN_PROGRAMS)
	@BUILD=$(BUILD) tests/xen/boot $(XEN_TESTS)

demo:
	@.ci/deps $(DEPS_BUILD) $(DEPS_RUN)
	@$(MAKE) --no-print-directory all $(BUILD)/tests/vncshot
	@BUILD=$(BUILD) demo/$(if $(MODE),demo-net.sh $(MODE),demo.sh)
	@$(if $(MODE),,BUILD=$(BUILD) demo/screen.sh)

demo-xen: deps-xen
	@$(MAKE) --no-print-directory $(XEN_PROGRAMS)
	@BUILD=$(BUILD) demo/demo-xen.sh

bench:
	@.ci/deps $(DEPS_BUILD) $(DEPS_RUN) $(DEPS_BENCH)
	@$(MAKE) --no-print-directory all $(BUILD)/bench/roundtrip $(BUILD)/bench/relay $(BUILD)/tests/vncload
	@BUILD=$(BUILD) bench/bench.sh

bench-xen:
	@.ci/deps $(DEPS_BUILD) $(DEPS_RUN) $(DEPS_XEN) $(DEPS_BENCH)
	@$(MAKE) --no-print-directory $(XEN_PROGRAMS)
	@BUILD=$(BUILD) bench/xen.sh

install: $(BUILD)/blkback $(BUILD)/netback $(BUILD)/pvfb $(BUILD)/halfback $(BUILD)/halfback-dm
	install -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)/etc/xen/scripts
	install -m 755 $(BUILD)/blkback $(BUILD)/netback $(BUILD)/pvfb $(DESTDIR)$(PREFIX)/sbin/
	install -D -m 755 $(BUILD)/halfback-dm $(DESTDIR)$(PREFIX)/libexec/halfback-dm
	install -m 755 $(BUILD)/halfback $(DESTDIR)$(PREFIX)/sbin/halfback
	install -m 755 scripts/block-halfback $(DESTDIR)/etc/xen/scripts/block-halfback
	install -D -m 644 blkback/blkback.8 $(DESTDIR)$(PREFIX)/share/man/man8/blkback.8
	install -m 644 netback/netback.8 $(DESTDIR)$(PREFIX)/share/man/man8/netback.8
	install -m 644 pvfb/pvfb.8 $(DESTDIR)$(PREFIX)/share/man/man8/pvfb.8
	install -m 644 halfback/halfback.8 $(DESTDIR)$(PREFIX)/share/man/man8/halfback.8
	install -D -m 644 halfback/halfback.conf.5 $(DESTDIR)$(PREFIX)/share/man/man5/halfback.conf.5
	install -m 644 docs/network-bridge.8 docs/vif-bridge.8 $(DESTDIR)$(PREFIX)/share/man/man8
	install -d $(DESTDIR)$(PREFIX)/lib/halfback/vif $(DESTDIR)$(PREFIX)/lib/halfback/network $(DESTDIR)/etc/xen/scripts/halfback
	install -m 644 scripts/*.sh $(DESTDIR)$(PREFIX)/lib/halfback
	install -m 644 scripts/vif/*.sh $(DESTDIR)$(PREFIX)/lib/halfback/vif
	install -m 755 scripts/vif/vif-* $(DESTDIR)$(PREFIX)/lib/halfback/vif
	install -m 644 scripts/network/*.sh $(DESTDIR)$(PREFIX)/lib/halfback/network
	install -m 755 scripts/network/network-* $(DESTDIR)$(PREFIX)/lib/halfback/network
	for s in bridge route nat openvswitch halfback; do \
		ln -sf $(PREFIX)/lib/halfback/vif/vif-$$s $(DESTDIR)/etc/xen/scripts/halfback/vif-$$s || exit 1; done
	for s in bridge route nat openvswitch; do \
		ln -sf $(PREFIX)/lib/halfback/network/network-$$s $(DESTDIR)/etc/xen/scripts/halfback/network-$$s || exit 1; done

# Xen's own scripts stay beside ours as *.xen; the package manager is told where they are.
install-drop-in: install
	for s in bridge route nat openvswitch; do \
		dpkg-divert --local --rename --divert /etc/xen/scripts/vif-$$s.xen --add /etc/xen/scripts/vif-$$s && \
		ln -sf halfback/vif-$$s /etc/xen/scripts/vif-$$s || exit 1; done

help:
	@echo 'make            build everything into $(BUILD)/'
	@echo 'make deps       install the Debian packages that are missing'
	@echo 'make demo       an embedded Xen, guests, and disks and NICs served to them (needs root)'
	@echo 'make demo MODE=bridge|route|nat   two guests, and their NICs in that network (needs root)'
	@echo 'make demo-xen   a real Xen under QEMU, a stock guest, and its disks served (needs root)'
	@echo 'make check      unit and system tests (needs root)'
	@echo 'make check-aio  those of the system tests that touch I/O and waiting, without io_uring (needs root)'
	@echo 'make hostile    all that guests can do wrong, for T=1800 seconds, under ASan (needs root)'
	@echo 'make kills      a worker killed N=1000 times under verified I/O, and what its guest saw (needs root)'
	@echo 'make bench      blkback beside fio and QEMU, netback beside a tap relay and veth, in $(BUILD)/bench/ (needs root)'
	@echo 'make bench-xen  the same on a real Xen, beside the kernel and QEMU (needs root)'
	@echo 'make asan tsan  the same tests under sanitizers, in build/asan and build/tsan'
	@echo 'make flood      whether a flood of one guest delays another, which compares times'
	@echo 'make crash      workers killed before each store, or failed by each call, under verified I/O (needs root)'
	@echo 'make fuzz       libFuzzer on what guests and captured workers write, T=$(T) seconds each'
	@echo 'make check-xen  tests on a real Xen that QEMU boots, with stock xl and guests (needs root)'
	@echo 'make lint       format, static checks, spelling, manual pages, clang with -Werror'
	@echo 'make install    the daemons, halfback, their hotplug and network scripts; PREFIX=$(PREFIX), DESTDIR='
	@echo 'make install-drop-in  the same, and its vif-* scripts in the place of Xen'"'"'s own'
	@echo 'make clean      remove $(BUILD)/'

# ---- lint -------------------------------------------------------------------------------------

all_c    := $(wildcard */*.c tests/*/*.c)
all_ch   := $(all_c) $(wildcard */*.h tests/*/*.h)
shells   := .ci/run .ci/deps .ci/sparse tests/run tests/hostile/mix tests/crash/kills tests/fuzz/run $(wildcard tests/*.sh) \
            $(wildcard tests/xen/*) $(wildcard scripts/block-halfback scripts/*.sh scripts/*/* demo/*.sh bench/*.sh) $(SYSTEM) \
            $(wildcard tests/crash/*.t)
pages    := $(wildcard */*.1 */*.5 */*.8)

# Off: strcmp() used as a condition is house style; clang 14's va_list check knows no va_start of
# another file; the C11 Annex K functions do not exist here; a chain of rules may end two ways alike;
# libraries that take a plain pointer to what they only read get one through uintptr_t; a fuzz target
# includes the .c that it drives from within.
TIDY = -*,clang-analyzer-*,bugprone-*,misc-redundant-expression,misc-unused-*,performance-*,\
-bugprone-easily-swappable-parameters,-bugprone-reserved-identifier,\
-bugprone-assignment-in-if-condition,-bugprone-suspicious-include,-bugprone-suspicious-string-compare,\
-bugprone-implicit-widening-of-multiplication-result,-bugprone-branch-clone,\
-performance-no-int-to-ptr,\
-clang-analyzer-security.insecureAPI.*,-clang-analyzer-valist.Uninitialized

lint: lint-format lint-sparse lint-cppcheck lint-tidy lint-shell lint-text lint-clang

lint-format:
	clang-format --dry-run -Werror $(all_ch)

# The product only: its guest pointers are marked (common/guest.h), and sparse checks their use.
lint-sparse:
	for f in $(common_c) $(wildcard blkback/*.c netback/*.c pvfb/*.c halfback/*.c); do .ci/sparse $$f $(CPPFLAGS) || exit 1; done

# cppcheck reads no system headers; without this one it cannot parse a LIST_HEAD.
lint-cppcheck:
	cppcheck --include=/usr/include/$(shell gcc -dumpmachine)/sys/queue.h --quiet --error-exitcode=1 --std=c11 --enable=warning,portability,performance \
		--inline-suppr --suppress=missingIncludeSystem -j 2 $(CPPFLAGS) $(all_c)

lint-tidy:
	printf '%s\n' $(all_c) | xargs -P 2 -n 4 sh -c 'clang-tidy --quiet --warnings-as-errors="*" \
		--checks="$(TIDY)" "$$@" -- -std=gnu11 $(CPPFLAGS) 2>/dev/null' tidy

lint-shell:
	shellcheck --external-sources --source-path=SCRIPTDIR --source-path=. --exclude=SC2119 $(shells)

lint-text:
	codespell --quiet-level=2 --ignore-words-list=conectix,inflight,sring,hda,hdd,clos,nd --skip='.git,build,./tests/fuzz/corpus' .
	$(if $(pages),mandoc -Tlint -Wwarning $(pages))

lint-clang:
	$(MAKE) --no-print-directory CC=clang BUILD=build/lint all

.PHONY: kills hostile hostile-run all programs clean deps deps-xen check-xen check check-run asan fuzz tsan check-aio flood demo demo-xen bench bench-xen install install-drop-in help lint lint-format \
	lint-sparse lint-cppcheck lint-tidy lint-shell lint-text lint-clang
.SECONDARY:
