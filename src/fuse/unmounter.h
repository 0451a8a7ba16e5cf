/* SPDX-License-Identifier: MIT
 *
 * A process of its own that unmounts.  The daemon gives up its rights after
 * the mount: without privileges to be gained there is no fusermount3, and
 * under Landlock not even root may unmount.
 *
 * Threads: one at a time.
 */
#pragma once
#include <glib.h>
#include <stdbool.h>

typedef struct _TfUnmounter TfUnmounter;

/* Forks, so call it before any thread starts.  `mountpoint` is absolute. */
TfUnmounter *tf_unmounter_start(const char *mountpoint, GError **error);

/* Unmounts, also while files are open; returns when that is done. */
bool tf_unmounter_unmount(TfUnmounter *unmounter, GError **error);

/* Ends the process; what is mounted stays. */
void tf_unmounter_free(TfUnmounter *unmounter);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TfUnmounter, tf_unmounter_free)
