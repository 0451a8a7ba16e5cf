/* SPDX-License-Identifier: MIT
 *
 * Reads and seeks that are answered later, and their interruption: who is
 * killed goes at once, whatever he waits for.
 */
#include "fs_read.h"

#include <errno.h>
#include <sys/types.h>
#include <unistd.h>

typedef struct {
	Pending pending; /* a reference of the reply to come, and of whoever works with it */
	GDestroyNotify finished;
	void *data;
	/* guarded by fs->lock: */
	TfRead *read;
	bool interrupted;
} FsRead;

static void free_read(Pending *pending)
{
	FsRead *r = (FsRead *)pending;
	tf_read_unref(r->read);
	if (r->finished)
		r->finished(r->data);
	g_free(r);
}

static void interrupt_read(Pending *pending)
{
	FsRead *r = (FsRead *)pending;
	g_mutex_lock(&pending->fs->lock);
	r->interrupted = true;
	TfRead *read = r->read;
	g_mutex_unlock(&pending->fs->lock);
	if (read)
		tf_read_cancel(read);
}

static void on_done(const struct iovec *iov, int count, int errnum, void *data)
{
	FsRead *r = data;
	tf_pending_end(&r->pending);
	if (errnum)
		fuse_reply_err(r->pending.req, errnum);
	else
		fuse_reply_iov(r->pending.req, iov, count);
	tf_pending_unref(&r->pending);
}

void tf_fs_read(TfFs *fs, fuse_req_t req, TfEngine *engine, TfReader *reader, uint64_t offset, size_t size,
                GDestroyNotify finished, void *data)
{
	FsRead *r = g_new0(FsRead, 1);
	r->finished = finished;
	r->data = data;
	tf_pending_start(&r->pending, fs, req, interrupt_read, free_read);
	tf_pending_ref(&r->pending);
	TfRead *read = tf_engine_read(engine, reader, offset, size, on_done, r);
	g_mutex_lock(&fs->lock);
	r->read = read;
	bool interrupted = r->interrupted;
	g_mutex_unlock(&fs->lock);
	if (interrupted)
		tf_read_cancel(read);
	tf_pending_unref(&r->pending);
}

typedef struct {
	Pending pending; /* references as those of FsRead */
	GDestroyNotify finished;
	void *data;
	bool answered; /* guarded by fs->lock */
} FsSeek;

static void free_seek(Pending *pending)
{
	FsSeek *seek = (FsSeek *)pending;
	if (seek->finished)
		seek->finished(seek->data);
	g_free(seek);
}

/* The engine cannot be told to give up a seek: only the first answer counts. */
static bool take_answer(FsSeek *seek)
{
	g_mutex_lock(&seek->pending.fs->lock);
	bool first = !seek->answered;
	seek->answered = true;
	g_mutex_unlock(&seek->pending.fs->lock);
	if (first)
		tf_pending_end(&seek->pending);
	return first;
}

static void interrupt_seek(Pending *pending)
{
	if (take_answer((FsSeek *)pending))
		fuse_reply_err(pending->req, EINTR);
}

static void on_hole(uint64_t hole, int errnum, void *data)
{
	FsSeek *seek = data;
	if (take_answer(seek)) {
		if (errnum)
			fuse_reply_err(seek->pending.req, errnum);
		else
			fuse_reply_lseek(seek->pending.req, (off_t)hole);
	}
	tf_pending_unref(&seek->pending);
}

void tf_fs_seek(TfFs *fs, fuse_req_t req, TfEngine *engine, TfReader *reader, uint64_t offset, int whence,
                GDestroyNotify finished, void *data)
{
	if (whence == SEEK_HOLE) {
		FsSeek *seek = g_new0(FsSeek, 1);
		seek->finished = finished;
		seek->data = data;
		tf_pending_start(&seek->pending, fs, req, interrupt_seek, free_seek);
		tf_pending_ref(&seek->pending);
		tf_engine_seek_hole(engine, reader, offset, on_hole, seek);
		tf_pending_unref(&seek->pending);
		return;
	}
	int64_t at = whence == SEEK_DATA ? tf_engine_seek_data(engine, offset) : -1;
	if (at < 0)
		fuse_reply_err(req, whence == SEEK_DATA ? ENXIO : EINVAL);
	else
		fuse_reply_lseek(req, at);
	if (finished)
		finished(data);
}
