/* SPDX-License-Identifier: MIT
 *
 * libvips, started the way this program needs it: one thread (our pool is the
 * parallelism), no operation cache (our LRU is the only cache), untrusted
 * loaders blocked.
 *
 * Threads: start once, before other threads, and never before a fork (a child
 * forked after any libvips operation hangs).
 */
#pragma once
#include <tiffuse/error.h>
#include <stdbool.h>

bool tf_vips_start(GError **error);
void tf_vips_stop(void);

/* Each worker calls this before it ends: libvips keeps state per thread. */
void tf_vips_thread_end(void);

/* "libvips 8.14.1, libjpeg-turbo 2.1.5": part of the fingerprint, since the
 * bytes of a tile depend on them.  Static. */
const char *tf_vips_versions(void);
