/* SPDX-License-Identifier: MIT
 *
 * Mounting and serving.
 *
 * Threads: main thread only.
 */
#pragma once
#include <tiffuse/fs.h>

/* Refuses, with what to do, mountpoints that do not exist, are not empty
 * directories, are dead mounts, or overlap with the source (reading the source
 * through ourselves would deadlock).  MOUNT or USAGE. */
bool tf_mount_check(const char *source, const char *mountpoint, GError **error);

/* Call before any thread starts: they inherit the signal mask.  Until the mount
 * is served, SIGTERM and SIGINT end the process at once. */
void tf_mount_prepare_signals(void);

typedef struct _TfMount TfMount;

typedef struct {
	const char *source;       /* what stands in the table of mounts */
	const char *mountpoint;
	const char *fuse_options; /* comma-separated, for libfuse; may be NULL */
	bool debug;               /* libfuse prints each request */
} TfMountOptions;

/* Forks a process that will unmount, so that the daemon may give up its rights:
 * call it before any thread starts.  The strings are borrowed until
 * tf_mount_attach() returns. */
TfMount *tf_mount_new(const TfMountOptions *options, GError **error);

/* Mounts; requests wait until tf_mount_serve().  The file system is borrowed.
 * USAGE or MOUNT. */
bool tf_mount_attach(TfMount *mount, TfFs *fs, GError **error);

/* Serves until it is unmounted or SIGTERM or SIGINT comes, unmounts.  `ready`
 * is called when signals are looked after.  SIGHUP writes the status to the
 * log.  Within 2 s of the end the process ends, whatever the sources do. */
bool tf_mount_serve(TfMount *mount, TfFs *fs, void (*ready)(void *data), void *data, GError **error);

/* After the engine and the file system were freed.  Unmounts if it is still
 * mounted. */
void tf_mount_free(TfMount *mount);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TfMount, tf_mount_free)
