/* SPDX-License-Identifier: MIT */
#pragma once
#include <fuse_lowlevel.h>
#include <tiffuse/fs.h>

struct _TfFs {
	const TfMosaic *mosaic;
	TfEngine *engine;
	char *file_name; /* NAME.tif */
	struct timespec started;
	GMutex lock;         /* guards what follows; a leaf */
	GHashTable *pending; /* number -> FsRead that can be interrupted */
	guint64 next_number;
};

extern const struct fuse_lowlevel_ops tf_fs_operations;
