/* SPDX-License-Identifier: MIT
 *
 * What the two file systems share: one mosaic (fs.c), and a tree of mosaics
 * (fs_tree.c).
 */
#pragma once
#include <fuse_lowlevel.h>
#include <tiffuse/fs.h>

struct _TfFs {
	const struct fuse_lowlevel_ops *operations;
	void (*stop)(TfFs *fs);
	char *(*status)(TfFs *fs);
	void (*free)(TfFs *fs); /* all but what tf_fs_clear() clears */
	struct timespec started;
	bool asked;             /* the last request was a seek; of the session's thread alone */
	GMutex lock;            /* guards what follows; a leaf */
	GHashTable *pending;    /* number -> Pending that can be interrupted */
	guint64 next_number;
};

void tf_fs_init(TfFs *fs);
void tf_fs_clear(TfFs *fs);

/* Asks the kernel for lookups and reads side by side. */
void tf_fs_on_init(void *userdata, struct fuse_conn_info *conn);

/* --- requests that are answered later ------------------------------------------------- */

/* A request that may be interrupted.  It begins whoever embeds it as the first
 * member. */
typedef struct _Pending Pending;
struct _Pending {
	gatomicrefcount refs; /* 1 at the start */
	TfFs *fs;
	fuse_req_t req;
	guint64 number;
	/* Called without the lock, at most by one thread at a time, while it is
	 * registered or just after. */
	void (*interrupt)(Pending *pending);
	void (*free)(Pending *pending);
};

void tf_pending_start(Pending *pending, TfFs *fs, fuse_req_t req, void (*interrupt)(Pending *pending),
                      void (*free)(Pending *pending));
void tf_pending_ref(Pending *pending);
void tf_pending_unref(Pending *pending);

/* Before the reply, which frees the request. */
void tf_pending_end(Pending *pending);

/* --- replies --------------------------------------------------------------------------- */

/* The part of data that a read or readdir asked for. */
void tf_reply_part(fuse_req_t req, const void *data, size_t length, size_t size, off_t offset);
void tf_reply_xattr(fuse_req_t req, const char *text, size_t length, size_t size);
void tf_add_dirent(GByteArray *out, const char *name, fuse_ino_t ino, bool is_directory);

/* The stat of a file or directory that cannot be written. */
struct stat tf_stat_of(fuse_ino_t ino, bool is_directory, struct timespec changed);
void tf_stat_set_size(struct stat *st, uint64_t file_bytes, uint64_t estimated_bytes);

/* True, with EISDIR or EROFS told, when the file cannot be opened so. */
bool tf_reply_refusal(fuse_req_t req, const struct fuse_file_info *fi, bool is_directory);
