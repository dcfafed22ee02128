/* SPDX-License-Identifier: MIT */
/* An admin's wish for a larger image.  See grow.c. */
#ifndef BLKBACK_GROW_H
#define BLKBACK_GROW_H

#include "blkback/attachment.h"

/* The device's node `resize` was written: takes it and gives true if it asks for a size. */
bool grow_asked(struct device *device);
/* The attachment is let go: whoever waits is told. */
void grow_drop(struct attachment *a);

#endif
