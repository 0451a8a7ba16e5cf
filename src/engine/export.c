/* SPDX-License-Identifier: MIT */
#include "export_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <tiffuse/io.h>
#include <tiffuse/log.h>

enum {
	BUFFER_BYTES = 1 << 20,
	COMMIT_BYTES = 64 << 20,
	COMMIT_US = 500 * 1000,
	TICK_US = 100 * 1000,    /* how soon a signal is noticed */
	MAGIC_BYTES = 16,        /* of a BigTIFF: written last */
};

/* The answer to the one tile that is waited for. */
typedef struct {
	GMutex lock;
	GCond came;
	bool landed;
	GBytes *bytes;
	GError *error;
} Arrival;

typedef struct {
	TfEngine *engine;
	const TfMosaic *mosaic;
	const TfExportOptions *options;
	TfReader *reader;
	TfExportJournal *journal;
	TfExportTable table;
	TfExportProgress progress;
	Arrival arrival;
	GByteArray *buffer;      /* tiles that are not written yet */
	uint64_t written;        /* where the next buffer goes */
	uint64_t n_written;      /* ordinals whose tiles are in the file */
	uint64_t blank_offset;
	uint64_t first_ordinal;  /* of this run */
	uint64_t tiles;          /* that are not blank, up to where we are */
	bool stopped;
	uint64_t committed;      /* the file's end at the last commit */
	gint64 committed_us;
} Export;

/* --- the disk --------------------------------------------------------------------- */

/* Bytes that the whole file will have, from what there is so far. */
static uint64_t expected_bytes(const Export *e)
{
	uint64_t so_far = e->table.end, estimate = tf_mosaic_estimate_bytes(e->mosaic);
	if (e->tiles * 50 < e->progress.n_tiles)
		return MAX(estimate, so_far);
	double per_tile = (double)(so_far - e->table.first_offset) / (double)e->tiles;
	return e->table.first_offset + (uint64_t)(per_tile * (double)e->progress.n_tiles);
}

/* The disk is full, the quota is used up, or the file may not grow (ulimit -f). */
static bool is_full(int errnum)
{
	return errnum == ENOSPC || errnum == EDQUOT || errnum == EFBIG;
}

static bool write_failed(const Export *e, int errnum, GError **error)
{
	if (!is_full(errnum))
		return tf_error_set_errno(error, errnum, "%s", e->options->path);
	uint64_t expected = expected_bytes(e), have = e->written;
	g_autofree char *is = g_format_size_full(have, G_FORMAT_SIZE_IEC_UNITS);
	g_autofree char *of = g_format_size_full(expected, G_FORMAT_SIZE_IEC_UNITS);
	g_autofree char *more = g_format_size_full(expected > have ? expected - have : 1, G_FORMAT_SIZE_IEC_UNITS);
	g_set_error(error, TF_ERROR, TF_ERROR_IO,
	            "%s: %s: %s of about %s are written; make room for %s more, and the same command goes on from here",
	            e->options->path, g_strerror(errnum), is, of, more);
	return false;
}

static bool write_at(const Export *e, const void *data, size_t length, uint64_t offset, GError **error)
{
	return tf_pwrite_all(tf_export_journal_fd(e->journal), data, length, offset) || write_failed(e, errno, error);
}

static bool flush(Export *e, GError **error)
{
	if (!write_at(e, e->buffer->data, e->buffer->len, e->written, error))
		return false;
	/* The disk begins now, so that the next sync does not wait for everything. */
	sync_file_range(tf_export_journal_fd(e->journal), (off_t)e->written, e->buffer->len, SYNC_FILE_RANGE_WRITE);
	e->written += e->buffer->len;
	e->n_written = e->table.n_known;
	g_byte_array_set_size(e->buffer, 0);
	return true;
}

static bool commit_when_due(Export *e, GError **error)
{
	gint64 now = g_get_monotonic_time();
	bool due = now - e->committed_us > COMMIT_US || e->table.end - e->committed > COMMIT_BYTES;
	if (!due || !tf_export_journal_is_idle(e->journal))
		return true;
	if (!flush(e, error) || !tf_export_journal_commit(e->journal, e->n_written, error))
		return false;
	e->committed_us = now;
	e->committed = e->written;
	return true;
}

/* The header must find room at the end, and the blank tile stands before all
 * others. */
static bool prepare_front(Export *e, GError **error)
{
	gsize length;
	const void *blank = g_bytes_get_data(e->mosaic->blank, &length);
	int failed = posix_fallocate(tf_export_journal_fd(e->journal), 0, (off_t)e->mosaic->layout.header_bytes);
	if (failed && failed != EOPNOTSUPP && failed != EINVAL)
		return write_failed(e, failed, error);
	length = tf_encode_stream_bytes(&e->mosaic->encoder, e->mosaic->blank);
	return e->mosaic->blank_slots == 0 || write_at(e, blank, length, e->blank_offset, error);
}

static void warn_if_narrow(const Export *e)
{
	struct statvfs st;
	uint64_t expected = expected_bytes(e);
	if (fstatvfs(tf_export_journal_fd(e->journal), &st) != 0 || expected <= e->written)
		return;
	uint64_t room = (uint64_t)st.f_bavail * st.f_frsize;
	if (room >= expected - e->written)
		return;
	g_autofree char *want = g_format_size_full(expected - e->written, G_FORMAT_SIZE_IEC_UNITS);
	g_autofree char *have = g_format_size_full(room, G_FORMAT_SIZE_IEC_UNITS);
	tf_log(TF_LOG_WARNING, "%s: about %s are needed, and %s are free", e->options->path, want, have);
}

/* --- tiles ------------------------------------------------------------------------ */

static void on_tile(GBytes *bytes, const GError *error, void *data)
{
	Arrival *arrival = data;
	g_mutex_lock(&arrival->lock);
	arrival->bytes = bytes ? g_bytes_ref(bytes) : NULL;
	arrival->error = bytes ? NULL : g_error_copy(error);
	arrival->landed = true;
	g_cond_signal(&arrival->came);
	g_mutex_unlock(&arrival->lock);
}

static bool is_stopped(Export *e)
{
	const TfExportOptions *options = e->options;
	e->stopped = e->stopped || (options->go_on && !options->go_on(options->data));
	return e->stopped;
}

/* How much of what is in the file already has been decoded again. */
static void show(Export *e)
{
	TfEngine *engine = e->engine;
	const TfLayout *layout = &e->mosaic->layout;
	if (e->reader->pass && e->table.n_known == e->first_ordinal && e->first_ordinal > 0) {
		int64_t target = tf_layout_block_of_ordinal(layout, MIN(e->first_ordinal, layout->n_slots - 1));
		g_mutex_lock(&engine->lock);
		const Pass *pass = e->reader->pass;
		int64_t at = pass->next_row / layout->block_tile_rows * layout->block_cols + pass->next_col / layout->block_tiles;
		g_mutex_unlock(&engine->lock);
		tf_export_progress_catch_up(&e->progress, MIN((double)at / (double)MAX(target, 1), 1));
	} else {
		tf_export_progress_show(&e->progress, e->tiles, e->table.end);
	}
}

/* Waits for the arrival; false when a signal came first. */
static bool wait_for_arrival(Export *e, uint64_t ordinal)
{
	Arrival *arrival = &e->arrival;
	unsigned others;
	bool leaving = false;
	g_mutex_lock(&arrival->lock);
	while (!arrival->landed) {
		g_cond_wait_until(&arrival->came, &arrival->lock, g_get_monotonic_time() + TICK_US);
		if (arrival->landed || leaving)
			continue;
		g_mutex_unlock(&arrival->lock);
		show(e);
		/* If it cannot be left any more, it is just being told. */
		leaving = is_stopped(e);
		bool left = leaving && tf_flight_leave(e->engine->flight, ordinal, on_tile, arrival, &others);
		if (left && others == 0)
			tf_tile_abandon(e->engine, ordinal);
		g_mutex_lock(&arrival->lock);
		if (left)
			break;
	}
	bool landed = arrival->landed;
	g_mutex_unlock(&arrival->lock);
	return landed;
}

/* A tile that failed before anybody waited for it: flights do not keep errors. */
static GError *find_failure(Export *e, uint64_t ordinal)
{
	g_mutex_lock(&e->engine->lock);
	const GError *failure = g_hash_table_lookup(e->reader->pass->failed, GSIZE_TO_POINTER(ordinal));
	GError *copy = failure ? g_error_copy(failure) : NULL;
	g_mutex_unlock(&e->engine->lock);
	return copy;
}

/* Asks the pass for the tile. */
static void await_pass(Export *e, uint64_t ordinal)
{
	Arrival *arrival = &e->arrival;
	tf_flight_join(e->engine->flight, ordinal, on_tile, arrival);
	/* It may have landed between the two looks. */
	g_autoptr(GBytes) late = tf_tile_find(e->engine, ordinal);
	g_autoptr(GError) failure = late ? NULL : find_failure(e, ordinal);
	if (late || failure)
		tf_flight_land(e->engine->flight, ordinal, late, failure);
}

/* The tile's bytes, made by the pass; reduced levels that stand before it are
 * asked for one by one, and the first brings them all into the overview store. */
static GBytes *get_tile(Export *e, uint64_t ordinal, GError **error)
{
	Arrival *arrival = &e->arrival;
	GBytes *found = tf_tile_find(e->engine, ordinal);
	if (found)
		return found;
	arrival->landed = false;
	if (e->reader->pass)
		await_pass(e, ordinal);
	else
		tf_tile_request(e->engine, tf_layout_tile_at(&e->mosaic->layout, ordinal), ordinal, on_tile, arrival);
	if (!wait_for_arrival(e, ordinal))
		return NULL;
	if (arrival->error)
		g_propagate_error(error, g_steal_pointer(&arrival->error));
	return g_steal_pointer(&arrival->bytes);
}

static void add_tile(Export *e, GBytes *tile)
{
	static const uint8_t zeros[16];
	uint64_t length = tf_encode_stream_bytes(&e->mosaic->encoder, tile);
	tf_export_table_add(&e->table, (uint32_t)length);
	g_byte_array_append(e->buffer, g_bytes_get_data(tile, NULL), (guint)length);
	g_byte_array_append(e->buffer, zeros, (guint)(e->table.end - e->written - e->buffer->len));
}

static void tell_pass(Export *e, uint64_t ordinal)
{
	if (ordinal < e->mosaic->layout.pass_ordinal)
		return;
	g_mutex_lock(&e->engine->lock);
	if (e->reader->pass)
		tf_pass_reader_at_locked(e->reader->pass, ordinal);
	else
		e->reader->pass = tf_pass_export_locked(e->engine, ordinal);
	g_mutex_unlock(&e->engine->lock);
}

/* Readers that want the smallest level first compare where the first tiles of
 * the levels stand: there even a blank one has a place of its own. */
static bool opens_level(const TfLayout *layout, uint64_t ordinal)
{
	return layout->order == TF_ORDER_LEVELS &&
	       layout->level_ordinal[tf_layout_tile_at(layout, ordinal).level] == ordinal;
}

static bool is_blank(const Export *e, uint64_t ordinal)
{
	return tf_mosaic_is_blank(e->mosaic, tf_layout_tile_at(&e->mosaic->layout, ordinal));
}

static bool export_tile(Export *e, uint64_t ordinal, GError **error)
{
	if (is_blank(e, ordinal)) {
		if (opens_level(&e->mosaic->layout, ordinal))
			add_tile(e, e->mosaic->blank);
		else
			tf_export_table_add(&e->table, 0);
		return true;
	}
	tell_pass(e, ordinal);
	g_autoptr(GBytes) tile = get_tile(e, ordinal, error);
	if (!tile)
		return false;
	add_tile(e, tile);
	e->tiles++;
	return e->buffer->len < BUFFER_BYTES || flush(e, error);
}

/* false without an error: stopped. */
static bool export_tiles(Export *e, GError **error)
{
	for (uint64_t ordinal = e->first_ordinal; ordinal < e->table.n; ordinal++) {
		if (is_stopped(e) || !export_tile(e, ordinal, error) || !commit_when_due(e, error))
			return false;
		show(e);
	}
	return flush(e, error);
}

/* --- the header --------------------------------------------------------------------- */

static TfTilePlace place_of(TfTile tile, void *data)
{
	const Export *e = data;
	uint64_t ordinal = tf_layout_ordinal(&e->mosaic->layout, tile);
	uint32_t count = e->table.counts[ordinal];
	if (count > 0)
		return (TfTilePlace){tf_export_table_offset(&e->table, ordinal), count};
	return (TfTilePlace){e->blank_offset, tf_encode_stream_bytes(&e->mosaic->encoder, e->mosaic->blank)};
}

/* The first bytes come last, after everything else is on the disk. */
static bool write_header(Export *e, GError **error)
{
	const TfMosaic *mosaic = e->mosaic;
	g_autofree uint8_t *buffer = g_malloc(BUFFER_BYTES);
	g_autoptr(TfHeader) header =
	        tf_header_new_compact(&mosaic->layout, &mosaic->image, place_of, e, error);
	if (!header)
		return false;
	int fd = tf_export_journal_fd(e->journal);
	uint64_t size = tf_header_size(header);
	for (uint64_t at = MAGIC_BYTES; at < size; at += BUFFER_BYTES) {
		size_t length = (size_t)MIN(BUFFER_BYTES, size - at);
		if (!tf_header_read(header, at, length, buffer, error) || !write_at(e, buffer, length, at, error))
			return false;
	}
	if (ftruncate(fd, (off_t)e->table.end) != 0 || fdatasync(fd) != 0)
		return write_failed(e, errno, error);
	if (!tf_header_read(header, 0, MAGIC_BYTES, buffer, error) || !write_at(e, buffer, MAGIC_BYTES, 0, error))
		return false;
	return fsync(fd) == 0 || write_failed(e, errno, error);
}

static bool complete(Export *e, GError **error)
{
	return tf_export_journal_commit(e->journal, e->n_written, error) && tf_export_journal_wait(e->journal, error) &&
	       write_header(e, error) && tf_export_journal_finish(e->journal, error);
}

/* --- the whole ------------------------------------------------------------------------ */

bool tf_export_check(const char *source, const char *path, GError **error)
{
	g_autofree char *folder = g_path_get_dirname(path);
	g_autofree char *from = realpath(source, NULL), *to = realpath(folder, NULL);
	if (!to)
		return tf_error_set_errno(error, errno, "%s", folder);
	if (!from || !g_file_test(from, G_FILE_TEST_IS_DIR))
		return true; /* the arrangement file says by itself what belongs to it */
	size_t n = strlen(from);
	if (strncmp(to, from, n) != 0 || (to[n] != '/' && to[n] != '\0'))
		return true;
	g_set_error(error, TF_ERROR, TF_ERROR_USAGE,
	            "%s: lies inside the source %s, where it would be taken for a tile: write it elsewhere", path, source);
	return false;
}

static bool is_no_source(const Export *e, GError **error)
{
	struct stat st;
	if (stat(e->options->path, &st) != 0)
		return true;
	for (uint32_t i = 0; i < tf_scene_n_sources(e->mosaic->scene); i++) {
		const TfSource *source = tf_scene_source(e->mosaic->scene, i);
		if (source->info.identity.dev != st.st_dev || source->info.identity.ino != st.st_ino)
			continue;
		g_set_error(error, TF_ERROR, TF_ERROR_USAGE, "%s: this file is a source of the mosaic", e->options->path);
		return false;
	}
	return true;
}

/* What tells this export from others; the second line is for people. */
static char *head_of(const Export *e)
{
	const TfMosaic *m = e->mosaic;
	return g_strdup_printf("tiffuse export 1\n%" G_GINT64_FORMAT " x %" G_GINT64_FORMAT
	                       " px, %s, quality %d, tiles of %d px\nfingerprint %s\n%" G_GUINT64_FORMAT " tiles from %" G_GUINT64_FORMAT "\n",
	                       m->pyramid.level[0].width, m->pyramid.level[0].height,
	                       tf_compression_name(m->encoder.compression), m->encoder.quality, m->encoder.tile,
	                       m->fingerprint, e->table.n, e->table.first_offset);
}

static bool start(Export *e, GError **error)
{
	const TfLayout *layout = &e->mosaic->layout;
	e->blank_offset = tf_export_align(layout->header_bytes);
	uint64_t blank_bytes = e->mosaic->blank_slots ? g_bytes_get_size(e->mosaic->blank) : 0;
	if (!is_no_source(e, error) ||
	    !tf_export_table_init(&e->table, layout->n_slots, tf_export_align(e->blank_offset + blank_bytes), error))
		return false;
	g_autofree char *head = head_of(e);
	e->journal = tf_export_journal_open(e->options, head, &e->table, error);
	if (!e->journal)
		return false;
	e->first_ordinal = e->n_written = e->table.n_known;
	e->written = e->committed = e->table.end;
	for (uint64_t i = 0; i < e->first_ordinal; i++)
		e->tiles += e->table.counts[i] > 0 && !(opens_level(layout, i) && is_blank(e, i));
	e->committed_us = g_get_monotonic_time();
	tf_export_progress_start(&e->progress, e->mosaic, e->options->quiet, e->tiles, e->table.end);
	if (e->first_ordinal > 0)
		tf_log(TF_LOG_NOTE, "%s: goes on at %.1f%%", e->options->path,
		       100.0 * (double)e->tiles / (double)e->progress.n_tiles);
	warn_if_narrow(e);
	return prepare_front(e, error);
}

static bool run(Export *e, GError **error)
{
	if (!start(e, error))
		return false;
	e->reader = tf_reader_new(e->engine);
	if (export_tiles(e, error))
		return complete(e, error);
	/* What is there need not be made again, whatever happened. */
	flush(e, NULL);
	tf_export_journal_commit(e->journal, e->n_written, NULL);
	if (e->stopped && (!error || !*error))
		g_set_error(error, TF_ERROR, TF_ERROR_CANCELLED, "%s: stopped at %.1f%%; the same command goes on from there",
		            e->options->path, 100.0 * (double)e->tiles / (double)e->progress.n_tiles);
	return false;
}

/* on-error=fill: nobody reads the status of an export. */
static void tell_damage(const Export *e)
{
	uint64_t n = tf_engine_damaged_tiles(e->engine);
	if (n > 0)
		tf_log(TF_LOG_WARNING, "%s: %" G_GUINT64_FORMAT " tiles have painted parts, for sources are damaged (on-error=fill)",
		       e->options->path, n);
}

static void clear(Export *e)
{
	if (e->reader)
		tf_reader_free(e->reader);
	tf_export_journal_free(e->journal);
	tf_export_table_clear(&e->table);
	g_byte_array_unref(e->buffer);
	g_clear_pointer(&e->arrival.bytes, g_bytes_unref);
	g_clear_error(&e->arrival.error);
	g_mutex_clear(&e->arrival.lock);
	g_cond_clear(&e->arrival.came);
}

bool tf_export(TfEngine *engine, const TfExportOptions *options, GError **error)
{
	Export e = {.engine = engine, .mosaic = engine->mosaic, .options = options, .buffer = g_byte_array_new()};
	g_mutex_init(&e.arrival.lock);
	g_cond_init(&e.arrival.came);
	bool ok = run(&e, error);
	tf_export_progress_end(&e.progress);
	tell_damage(&e);
	if (ok && !options->quiet)
		tf_export_progress_summary(&e.progress, e.mosaic, options->path, e.tiles, e.table.end);
	clear(&e);
	return ok;
}
