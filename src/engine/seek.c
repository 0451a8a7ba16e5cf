/* SPDX-License-Identifier: MIT
 *
 * SEEK_DATA and SEEK_HOLE.  The kernel holds the inode's lock during both, so
 * neither waits long: other processes' lseek and stat stand behind it.
 */
#include "engine_private.h"

#include <errno.h>
#include <tiffuse/log.h>

enum { SEEK_PATIENCE_US = 1000 * 1000, WATCH_US = 5 * 1000 * 1000 };

struct _Seek {
	TfEngine *engine;
	TfRegion region;
	uint64_t offset;
	TfSeekDone done;
	void *data;
	gint64 deadline_us;
	gatomicrefcount refs; /* one of the flight, one of the timer */
	_Atomic bool answered;
};
typedef struct _Seek Seek;

static void seek_unref(Seek *seek)
{
	if (g_atomic_ref_count_dec(&seek->refs))
		g_free(seek);
}

static void answer(Seek *seek, uint64_t hole, int errnum)
{
	if (!atomic_exchange(&seek->answered, true))
		seek->done(MAX(hole, seek->offset), errnum, seek->data);
}

/* A tile that cannot be made is told as data: the read of it gives the error. */
static void on_tile(GBytes *bytes, const GError *error, void *data)
{
	Seek *seek = data;
	uint64_t end = bytes ? seek->region.start + g_bytes_get_size(bytes) : seek->region.end;
	if (error && g_error_matches(error, TF_ERROR, TF_ERROR_CANCELLED))
		answer(seek, 0, EINTR);
	else
		answer(seek, end, 0);
	seek_unref(seek);
}

static void wait_for_tile(TfEngine *engine, TfReader *reader, Seek *seek)
{
	g_atomic_ref_count_init(&seek->refs);
	g_atomic_ref_count_inc(&seek->refs);
	seek->deadline_us = g_get_monotonic_time() + SEEK_PATIENCE_US;
	tf_reader_at(reader, seek->region.ordinal);
	g_mutex_lock(&engine->lock);
	bool timed = !engine->stopping; /* the timer has ended otherwise */
	if (timed) {
		g_queue_push_tail(&engine->seeks, seek);
		g_cond_signal(&engine->tick);
	}
	g_mutex_unlock(&engine->lock);
	if (!timed)
		seek_unref(seek);
	tf_tile_request(engine, seek->region.tile, seek->region.ordinal, on_tile, seek);
}

void tf_engine_seek_hole(TfEngine *engine, TfReader *reader, uint64_t offset, TfSeekDone done, void *data)
{
	const TfMosaic *mosaic = engine->mosaic;
	if (offset >= mosaic->layout.file_bytes) {
		done(0, ENXIO, data);
		return;
	}
	TfRegion region = tf_layout_find(&mosaic->layout, offset);
	uint64_t passed;
	if (region.kind == TF_REGION_HEADER)
		done(MAX(offset, tf_header_size(mosaic->header)), 0, data);
	else if (region.kind == TF_REGION_BLANK)
		done(MAX(offset, region.start + g_bytes_get_size(mosaic->blank)), 0, data);
	else if (region.kind == TF_REGION_HOLE || tf_mosaic_is_blank(mosaic, region.tile))
		done(offset, 0, data);
	else if ((passed = tf_mosaic_passed_bytes(mosaic, region.tile)) > 0)
		done(MAX(offset, region.start + passed), 0, data);
	else {
		Seek *seek = g_new0(Seek, 1);
		*seek = (Seek){.engine = engine, .region = region, .offset = offset, .done = done, .data = data};
		wait_for_tile(engine, reader, seek);
	}
}

/* What the timer does next: a seek that is due, or a line for the log; false
 * when it is to end. */
static bool wait_locked(TfEngine *engine, Seek **seek, const char **stuck)
{
	*stuck = NULL;
	while (!engine->stopping) {
		gint64 now = g_get_monotonic_time();
		*seek = g_queue_peek_head(&engine->seeks);
		if (*seek && ((*seek)->deadline_us <= now || atomic_load(&(*seek)->answered)))
			break;
		if ((*stuck = tf_watch_news_locked(engine))) {
			*seek = NULL;
			return true;
		}
		gint64 until = now + WATCH_US;
		g_cond_wait_until(&engine->tick, &engine->lock, *seek ? MIN((*seek)->deadline_us, until) : until);
	}
	*seek = g_queue_pop_head(&engine->seeks);
	return *seek != NULL;
}

gpointer tf_seek_timer(gpointer data)
{
	TfEngine *engine = data;
	Seek *seek = NULL;
	const char *stuck;
	g_mutex_lock(&engine->lock);
	while (wait_locked(engine, &seek, &stuck)) {
		bool stopping = engine->stopping;
		g_mutex_unlock(&engine->lock);
		if (stuck)
			tf_log_once(TF_LOG_WARNING, stuck, "%s: does not answer; who reads what it touches has to wait", stuck);
		if (seek) {
			answer(seek, seek->region.end, stopping ? EINTR : 0);
			seek_unref(seek);
		}
		g_mutex_lock(&engine->lock);
	}
	g_mutex_unlock(&engine->lock);
	return NULL;
}

/* The end of the data in a region, as far as it is known without work. */
static uint64_t known_data_end(TfEngine *engine, const TfRegion *region)
{
	const TfMosaic *mosaic = engine->mosaic;
	switch (region->kind) {
	case TF_REGION_HEADER:
		return tf_header_size(mosaic->header);
	case TF_REGION_BLANK:
		return region->start + g_bytes_get_size(mosaic->blank);
	case TF_REGION_HOLE:
		return region->start;
	case TF_REGION_TILE:
		break;
	}
	if (tf_mosaic_is_blank(mosaic, region->tile))
		return region->start;
	uint64_t passed = tf_mosaic_passed_bytes(mosaic, region->tile);
	if (passed > 0)
		return region->start + passed;
	/* The same look as SEEK_HOLE's: if the two disagreed on whether the rest of
	 * a slot is a hole, cp would ask them in turn for ever. */
	g_autoptr(GBytes) bytes = tf_tile_find(engine, region->ordinal);
	return bytes ? region->start + g_bytes_get_size(bytes) : region->end;
}

int64_t tf_engine_seek_data(TfEngine *engine, uint64_t offset)
{
	const TfLayout *layout = &engine->mosaic->layout;
	while (offset < layout->file_bytes) {
		TfRegion region = tf_layout_find(layout, offset);
		if (offset < known_data_end(engine, &region))
			return (int64_t)offset;
		offset = region.end;
	}
	return -1;
}
