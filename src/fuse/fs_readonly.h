/* SPDX-License-Identifier: MIT
 *
 * What would write: EROFS.  Put TF_FS_READ_ONLY into a table of operations.
 */
#pragma once
#include <fuse_lowlevel.h>

void tf_refuse_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set, struct fuse_file_info *fi);
void tf_refuse_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev);
void tf_refuse_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void tf_refuse_remove(fuse_req_t req, fuse_ino_t parent, const char *name);
void tf_refuse_symlink(fuse_req_t req, const char *link, fuse_ino_t parent, const char *name);
void tf_refuse_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
                          const char *new_name, unsigned flags);
void tf_refuse_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t new_parent, const char *new_name);
void tf_refuse_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size, off_t offset,
                         struct fuse_file_info *fi);
void tf_refuse_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
                          struct fuse_file_info *fi);
void tf_refuse_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size,
                            int flags);
void tf_refuse_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name);
void tf_refuse_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length,
                             struct fuse_file_info *fi);

#define TF_FS_READ_ONLY \
	.setattr = tf_refuse_setattr, \
	.mknod = tf_refuse_mknod, \
	.mkdir = tf_refuse_mkdir, \
	.unlink = tf_refuse_remove, \
	.rmdir = tf_refuse_remove, \
	.symlink = tf_refuse_symlink, \
	.rename = tf_refuse_rename, \
	.link = tf_refuse_link, \
	.write = tf_refuse_write, \
	.create = tf_refuse_create, \
	.setxattr = tf_refuse_setxattr, \
	.removexattr = tf_refuse_removexattr, \
	.fallocate = tf_refuse_fallocate
