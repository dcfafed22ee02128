# SPDX-License-Identifier: MIT
# halfback: one non-recursive Makefile.  `make help` lists what it can do.
#
# All output goes below $(BUILD).  `make asan` and `make tsan` run this file again with another
# BUILD and SAN, so a sanitized tree never mixes with the plain one.

CC       = gcc
BUILD    = build
SAN      =
PREFIX   = /usr/local
DESTDIR  =

# What a fresh Debian 12 needs, by the names of its packages.
DEPS_BUILD = gcc clang make pkg-config libc6-dev libxen-dev liburing-dev libcap-ng-dev \
             libcmocka-dev nbdkit-plugin-dev libxenmisc4.17
DEPS_RUN   = xen-utils-4.17 xenstore-utils nbdkit libnbd-bin qemu-utils fio e2fsprogs jq strace \
             perl procps util-linux fuse3
DEPS_LINT  = clang-format clang-tidy sparse cppcheck shellcheck codespell mandoc
DEPS_BENCH = qemu-system-xen linux-perf gnuplot-nox
DEPS       = $(DEPS_BUILD) $(DEPS_RUN) $(DEPS_LINT) $(DEPS_BENCH) libclang-rt-14-dev

WARN     = -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
           -Wwrite-strings -Wundef -Wvla -Wimplicit-fallthrough
# The interface version gives ring.h its xen_mb() names; see xen/xen-compat.h.
CPPFLAGS = -I. -D_GNU_SOURCE -D__XEN_INTERFACE_VERSION__=0x00040d00
CFLAGS   = -std=gnu11 -O2 -g -fno-omit-frame-pointer $(WARN) $(SANFLAGS)
LDFLAGS  = $(SANFLAGS)
SANFLAGS = $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all)

# ---- sources --------------------------------------------------------------------------------

common_c  := $(wildcard common/*.c)
blkback_c := $(filter-out blkback/main.c,$(wildcard blkback/*.c))

obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
pic = $(patsubst %.c,$(BUILD)/pic/%.o,$(1))

PROGRAMS = $(BUILD)/blkback
LIBS_PRODUCT = -luring -lxengnttab -lxenevtchn -lxenstore -lcap-ng

.DEFAULT_GOAL = all
all: programs

$(BUILD)/libhalfback.a: $(call obj,$(common_c) $(blkback_c))
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/blkback: $(call obj,blkback/main.c) $(BUILD)/libhalfback.a
	$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_PRODUCT)

# ---- loopback: the embedded Xen ---------------------------------------------------------------
# (loopback/ rules go here)

# ---- unit tests: tests/unit/test_NOUN.c is one cmocka program ---------------------------------

unit_c    := $(wildcard tests/unit/test_*.c)
UNIT      := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(unit_c))

$(BUILD)/unit/%: $(BUILD)/obj/tests/unit/%.o $(BUILD)/libhalfback.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ -lcmocka $(LIBS_PRODUCT)

# ---- generic rules ----------------------------------------------------------------------------

$(BUILD)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/pic/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -fPIC -fvisibility=hidden -MMD -MP -c -o $@ $<

-include $(shell find $(BUILD)/obj $(BUILD)/pic -name '*.d' 2>/dev/null)

programs: $(PROGRAMS)

clean:
	rm -rf $(BUILD)

.PHONY: all programs clean
.SECONDARY:
