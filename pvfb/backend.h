/* SPDX-License-Identifier: MIT */
/* The supervisor's side of screens.  See backend.c. */
#ifndef PVFB_BACKEND_H
#define PVFB_BACKEND_H

#include "common/command_line.h"
#include "common/sup.h"
#include "pvfb/listen.h"

/* What an admin chose on the command line. */
struct pvfb_options {
	uint32_t framebuffer_max; /* bytes */
	const char *password_dir;
	bool unmarked; /* serve devices that no halfback-dm has marked, too */
};

extern struct pvfb_options pvfb_options;
extern const struct backend pvfb_backend;

/* A vfb's part of the supervisor; device->private. */
struct display {
	struct device *device;
	int listener;  /* -1: nobody is to see it, or not offered yet */
	int passwords; /* a file in memory */
	struct listen_spec spec;
	uint16_t port;
	int reopened;		 /* the socket at the port that it had; -errno: can't be had */
	uint32_t tries;		 /* at a port that an earlier worker still has */
	struct loop_timer *wait; /* until the next */
	bool update;		 /* the guest will tell what it draws, as it was asked to */
	char why[DEVICE_ERROR_MAX];
};

/* frontend.c: what the guest's directory says.  0, or -errno and a sentence. */
struct screen_connect;
int frontend_read_vfb(struct device *device, struct screen_connect *connect, const char **why);
int frontend_read_vkbd(struct device *device, struct screen_connect *connect, const char **why);

/* password.c: a file with the guest's passwords; an empty one if there are none.  -errno + why. */
int password_open(struct device *device, char *why, size_t why_size);

extern const struct command_line pvfb_command_line;

#endif
