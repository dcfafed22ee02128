/* SPDX-License-Identifier: MIT */
#ifndef NETBACK_BACKEND_H
#define NETBACK_BACKEND_H

#include "common/sup.h"

extern const struct backend netback_backend;

#endif
