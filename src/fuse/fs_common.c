/* SPDX-License-Identifier: MIT */
#include "fs_private.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

void tf_fs_init(TfFs *fs)
{
	clock_gettime(CLOCK_REALTIME, &fs->started);
	g_mutex_init(&fs->lock);
	fs->pending = g_hash_table_new(g_int64_hash, g_int64_equal);
}

void tf_fs_clear(TfFs *fs)
{
	g_hash_table_unref(fs->pending);
	g_mutex_clear(&fs->lock);
}

void tf_fs_stop(TfFs *fs)
{
	fs->stop(fs);
}

char *tf_fs_status(TfFs *fs)
{
	return fs->status(fs);
}

void tf_fs_free(TfFs *fs)
{
	if (fs)
		fs->free(fs);
}

void tf_fs_on_init(void *userdata, struct fuse_conn_info *conn)
{
	if (conn->capable & FUSE_CAP_PARALLEL_DIROPS)
		conn->want |= FUSE_CAP_PARALLEL_DIROPS;
	if (conn->capable & FUSE_CAP_ASYNC_READ)
		conn->want |= FUSE_CAP_ASYNC_READ;
	/* The parts of one large O_DIRECT read would go out together, and its reader
	 * could not be killed before the last is answered. */
	conn->want &= ~(unsigned)FUSE_CAP_ASYNC_DIO;
}

/* --- requests that are answered later ------------------------------------------------- */

/* libfuse calls this on one thread while another replies and thereby frees the
 * request; so it is given a number, not a pointer, and looks it up. */
static void on_interrupt(fuse_req_t req, void *data)
{
	TfFs *fs = fuse_req_userdata(req);
	guint64 number = GPOINTER_TO_SIZE(data);
	g_mutex_lock(&fs->lock);
	Pending *pending = g_hash_table_lookup(fs->pending, &number);
	if (pending)
		tf_pending_ref(pending);
	g_mutex_unlock(&fs->lock);
	if (!pending)
		return;
	pending->interrupt(pending);
	tf_pending_unref(pending);
}

void tf_pending_start(Pending *pending, TfFs *fs, fuse_req_t req, void (*interrupt)(Pending *pending),
                      void (*free)(Pending *pending))
{
	g_atomic_ref_count_init(&pending->refs);
	pending->fs = fs;
	pending->req = req;
	pending->interrupt = interrupt;
	pending->free = free;
	g_mutex_lock(&fs->lock);
	pending->number = ++fs->next_number;
	g_hash_table_insert(fs->pending, &pending->number, pending);
	g_mutex_unlock(&fs->lock);
	fuse_req_interrupt_func(req, on_interrupt, GSIZE_TO_POINTER(pending->number));
}

void tf_pending_ref(Pending *pending)
{
	g_atomic_ref_count_inc(&pending->refs);
}

void tf_pending_unref(Pending *pending)
{
	if (g_atomic_ref_count_dec(&pending->refs))
		pending->free(pending);
}

void tf_pending_end(Pending *pending)
{
	g_mutex_lock(&pending->fs->lock);
	g_hash_table_remove(pending->fs->pending, &pending->number);
	g_mutex_unlock(&pending->fs->lock);
}

/* --- replies --------------------------------------------------------------------------- */

void tf_reply_part(fuse_req_t req, const void *data, size_t length, size_t size, off_t offset)
{
	if ((size_t)offset >= length)
		fuse_reply_buf(req, NULL, 0);
	else
		fuse_reply_buf(req, (const char *)data + offset, MIN(size, length - (size_t)offset));
}

void tf_reply_xattr(fuse_req_t req, const char *text, size_t length, size_t size)
{
	if (size == 0)
		fuse_reply_xattr(req, length);
	else if (size < length)
		fuse_reply_err(req, ERANGE);
	else
		fuse_reply_buf(req, text, length);
}

void tf_add_dirent(GByteArray *out, const char *name, fuse_ino_t ino, bool is_directory)
{
	struct stat st = {.st_ino = ino, .st_mode = is_directory ? S_IFDIR : S_IFREG};
	size_t size = fuse_add_direntry(NULL, NULL, 0, name, NULL, 0);
	guint at = out->len;
	g_byte_array_set_size(out, at + (guint)size);
	fuse_add_direntry(NULL, (char *)out->data + at, size, name, &st, (off_t)out->len);
}

struct stat tf_stat_of(fuse_ino_t ino, bool is_directory, struct timespec changed)
{
	return (struct stat){.st_ino = ino,
	                     .st_mode = is_directory ? S_IFDIR | 0555 : S_IFREG | 0444,
	                     .st_nlink = is_directory ? 2 : 1,
	                     .st_uid = getuid(),
	                     .st_gid = getgid(),
	                     .st_blksize = 4096,
	                     .st_atim = changed,
	                     .st_mtim = changed,
	                     .st_ctim = changed};
}

/* cp looks for holes, and tar -S believes in them, only if the blocks are less
 * than the size and not 0. */
void tf_stat_set_size(struct stat *st, uint64_t file_bytes, uint64_t estimated_bytes)
{
	st->st_size = (off_t)file_bytes;
	st->st_blocks = (blkcnt_t)(estimated_bytes / 512 + 1);
	st->st_blksize = 1 << 17;
}

bool tf_reply_refusal(fuse_req_t req, const struct fuse_file_info *fi, bool is_directory)
{
	bool writes = (fi->flags & O_ACCMODE) != O_RDONLY;
	if (is_directory || writes)
		fuse_reply_err(req, is_directory ? EISDIR : EROFS);
	return is_directory || writes;
}
