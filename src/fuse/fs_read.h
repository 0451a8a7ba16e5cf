/* SPDX-License-Identifier: MIT */
#pragma once
#include "fs_private.h"

/* Queues; the reply comes from whoever has the last piece.  `finished` is
 * called when the engine is not needed for it any more; or NULL. */
void tf_fs_read(TfFs *fs, fuse_req_t req, TfEngine *engine, TfReader *reader, uint64_t offset, size_t size,
                GDestroyNotify finished, void *data);
void tf_fs_seek(TfFs *fs, fuse_req_t req, TfEngine *engine, TfReader *reader, uint64_t offset, int whence,
                GDestroyNotify finished, void *data);
