/* SPDX-License-Identifier: MIT
 *
 * Reads and seeks that are answered later, and their interruption.
 *
 * libfuse calls the interrupt function on one thread while another replies and
 * thereby frees the request; so the function is given a number, not a pointer,
 * and looks it up in a table.
 */
#include "fs_read.h"

#include <errno.h>
#include <sys/types.h>
#include <unistd.h>

typedef struct {
	gatomicrefcount refs; /* of the reply to come, and of whoever works with it */
	TfFs *fs;
	fuse_req_t req;
	guint64 number;
	/* guarded by fs->lock: */
	TfRead *read;
	bool interrupted;
} FsRead;

static void fs_read_unref(FsRead *r)
{
	if (!g_atomic_ref_count_dec(&r->refs))
		return;
	tf_read_unref(r->read);
	g_free(r);
}

static void on_interrupt(fuse_req_t req, void *data)
{
	TfFs *fs = fuse_req_userdata(req);
	guint64 number = GPOINTER_TO_SIZE(data);
	g_mutex_lock(&fs->lock);
	FsRead *r = g_hash_table_lookup(fs->pending, &number);
	if (r) {
		g_atomic_ref_count_inc(&r->refs);
		r->interrupted = true;
	}
	TfRead *read = r ? r->read : NULL;
	g_mutex_unlock(&fs->lock);
	if (read)
		tf_read_cancel(read);
	if (r)
		fs_read_unref(r);
}

static void on_done(const struct iovec *iov, int count, int errnum, void *data)
{
	FsRead *r = data;
	g_mutex_lock(&r->fs->lock);
	g_hash_table_remove(r->fs->pending, &r->number);
	g_mutex_unlock(&r->fs->lock);
	if (errnum)
		fuse_reply_err(r->req, errnum);
	else
		fuse_reply_iov(r->req, iov, count);
	fs_read_unref(r);
}

static FsRead *register_read(TfFs *fs, fuse_req_t req)
{
	FsRead *r = g_new0(FsRead, 1);
	g_atomic_ref_count_init(&r->refs);
	g_atomic_ref_count_inc(&r->refs);
	r->fs = fs;
	r->req = req;
	g_mutex_lock(&fs->lock);
	r->number = ++fs->next_number;
	g_hash_table_insert(fs->pending, g_memdup2(&r->number, sizeof r->number), r);
	g_mutex_unlock(&fs->lock);
	fuse_req_interrupt_func(req, on_interrupt, GSIZE_TO_POINTER(r->number));
	return r;
}

void tf_fs_read(TfFs *fs, fuse_req_t req, TfReader *reader, uint64_t offset, size_t size)
{
	FsRead *r = register_read(fs, req);
	TfRead *read = tf_engine_read(fs->engine, reader, offset, size, on_done, r);
	g_mutex_lock(&fs->lock);
	r->read = read;
	bool interrupted = r->interrupted;
	g_mutex_unlock(&fs->lock);
	if (interrupted)
		tf_read_cancel(read);
	fs_read_unref(r);
}

static void on_hole(uint64_t hole, int errnum, void *data)
{
	fuse_req_t req = data;
	if (errnum)
		fuse_reply_err(req, errnum);
	else
		fuse_reply_lseek(req, (off_t)hole);
}

void tf_fs_seek(TfFs *fs, fuse_req_t req, TfReader *reader, uint64_t offset, int whence)
{
	if (whence == SEEK_HOLE) {
		tf_engine_seek_hole(fs->engine, reader, offset, on_hole, req);
		return;
	}
	int64_t data = whence == SEEK_DATA ? tf_engine_seek_data(fs->engine, offset) : -1;
	if (data < 0)
		fuse_reply_err(req, whence == SEEK_DATA ? ENXIO : EINVAL);
	else
		fuse_reply_lseek(req, data);
}

void tf_fs_close(bool is_big, uint64_t fh)
{
	if (is_big)
		tf_reader_free((TfReader *)(uintptr_t)fh);
	else
		g_bytes_unref((GBytes *)(uintptr_t)fh);
}
