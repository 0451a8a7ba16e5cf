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

/* Call before any thread starts: they inherit the signal mask. */
void tf_mount_prepare_signals(void);

typedef struct {
	const char *source; /* what stands in the table of mounts */
	const char *mountpoint;
	const char *fuse_options; /* comma-separated, for libfuse; may be NULL */
	bool debug;               /* libfuse prints each request */
	/* Called once the mount answers. */
	void (*ready)(void *data);
	void *data;
} TfMountOptions;

/* Mounts, serves until it is unmounted or SIGTERM or SIGINT comes, unmounts.
 * SIGHUP writes the status to the log.  Within 2 s of the end the process ends,
 * whatever the sources do. */
bool tf_mount_run(TfFs *fs, TfEngine *engine, const TfMountOptions *options, GError **error);
