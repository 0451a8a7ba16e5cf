/* SPDX-License-Identifier: MIT */
#pragma once
#include "fs_private.h"

/* Queues; the reply comes from whoever has the last piece. */
void tf_fs_read(TfFs *fs, fuse_req_t req, TfReader *reader, uint64_t offset, size_t size);
void tf_fs_seek(TfFs *fs, fuse_req_t req, TfReader *reader, uint64_t offset, int whence);

/* fh is a TfReader of the big file or the GBytes of a small one. */
void tf_fs_close(bool is_big, uint64_t fh);
