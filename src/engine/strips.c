/* SPDX-License-Identifier: MIT */
#include "damage.h"
#include "spooling.h"

#include <tiffuse/log.h>

static int64_t first_tile_row(const TfEngine *engine, uint32_t source)
{
	return tf_scene_source_rect(engine->mosaic->scene, source).y0 / engine->mosaic->pyramid.tile;
}

uint64_t tf_strip_key(const TfEngine *engine, uint32_t source, int64_t tile_row)
{
	return (uint64_t)source << TF_STRIP_BITS | (uint64_t)(tile_row - first_tile_row(engine, source));
}

/* The source's rows in one row of tiles that any pixel shows: what later
 * sources hide is not decoded.  Empty when all of it is hidden. */
static TfRows visible_rows(const TfEngine *engine, uint32_t index, int64_t tile_row)
{
	const TfScene *scene = engine->mosaic->scene;
	const TfSource *source = tf_scene_source(scene, index);
	int64_t tile = engine->mosaic->pyramid.tile;
	TfRect row = tf_scene_source_rect(scene, index);
	row.y0 = tile_row * tile;
	row.y1 = row.y0 + tile;
	TfRect seen = tf_scene_seen(scene, index, row);
	return (TfRows){(int32_t)(seen.y0 - source->y), (int32_t)(seen.y1 - source->y)};
}

/* The columns of the source that lie in the tile. */
static TfColumns columns_in_tile(const TileJob *job, uint32_t index)
{
	const TfMosaic *mosaic = job->group->pass->engine->mosaic;
	const TfSource *source = tf_scene_source(mosaic->scene, index);
	int64_t tile = mosaic->pyramid.tile;
	int64_t x0 = job->tile.col * tile - source->x, x1 = x0 + tile;
	return (TfColumns){(int32_t)MAX(x0, 0), (int32_t)MIN(x1, source->width)};
}

static bool is_window(const TfStrip *strip)
{
	return strip->samples->width < strip->all.x1 - strip->all.x0;
}

/* Of what the strip was cut from, does it have the columns? */
static bool covers(const TfStrip *strip, TfColumns columns)
{
	return strip->x0 <= MAX(columns.x0, strip->all.x0) &&
	       strip->x0 + strip->samples->width >= MIN(columns.x1, strip->all.x1);
}

/* --- asking ------------------------------------------------------------------ */

static void give_strip(const TileJob *job, uint32_t source, TfStrip *strip)
{
	for (guint i = 0; i < job->fragments->len; i++)
		if (g_array_index(job->fragments, TfFragment, i).source == source)
			job->strips[i] = tf_strip_ref(strip);
}

static TfStrip *find_strip_locked(TfEngine *engine, Pass *pass, uint64_t key)
{
	TfStrip *held = g_hash_table_lookup(pass->held, GSIZE_TO_POINTER(key));
	return held ? tf_strip_ref(held) : tf_lru_get(engine->lru, TF_LRU_STRIPS, key);
}

static void raise_priority_locked(TfEngine *engine, StripJob *job, TfPriority priority)
{
	if (job->running || priority >= job->priority)
		return;
	if (!job->parked) {
		g_queue_unlink(&engine->strip_queue[job->priority], &job->link);
		g_queue_push_tail_link(&engine->strip_queue[priority], &job->link);
	}
	job->priority = priority;
}

static void wait_for_strip_locked(TfEngine *engine, TileJob *job, uint32_t source, uint64_t key)
{
	TfPriority priority = job->group->pass->priority;
	StripJob *strip = g_hash_table_lookup(engine->strip_jobs, GSIZE_TO_POINTER(key));
	if (!strip) {
		strip = g_new0(StripJob, 1);
		strip->key = key;
		strip->source = source;
		strip->priority = priority;
		strip->link.data = strip;
		strip->dependents = g_ptr_array_new();
		g_hash_table_insert(engine->strip_jobs, GSIZE_TO_POINTER(key), strip);
		g_queue_push_tail_link(&engine->strip_queue[priority], &strip->link);
		g_cond_signal(&engine->work);
	}
	raise_priority_locked(engine, strip, priority);
	g_ptr_array_add(strip->dependents, job);
	job->pending++;
}

/* Later groups of this row of blocks want the strip too. */
static void hold_strip_locked(TileJob *job, uint32_t index, uint64_t key, TfStrip *strip)
{
	Pass *pass = job->group->pass;
	const TfMosaic *mosaic = pass->engine->mosaic;
	const TfSource *source = tf_scene_source(mosaic->scene, index);
	int64_t tile = mosaic->pyramid.tile, right = MIN(source->x + strip->all.x1, pass->range.c1 * tile);
	if (is_window(strip) || job->tile.level != pass->base_level)
		return; /* only a window of it is in memory; the walk does not count in tiles of this level */
	if (right > job->group->range.c1 * tile && !g_hash_table_contains(pass->held, GSIZE_TO_POINTER(key)))
		g_hash_table_insert(pass->held, GSIZE_TO_POINTER(key), tf_strip_ref(strip));
}

static bool seen_before(const TileJob *job, guint i)
{
	int64_t source = g_array_index(job->fragments, TfFragment, i).source;
	for (guint j = 0; j < i; j++)
		if (g_array_index(job->fragments, TfFragment, j).source == source)
			return true;
	return false;
}

void tf_strips_request_locked(TfEngine *engine, TileJob *job)
{
	for (guint i = 0; i < job->fragments->len; i++) {
		int64_t source = g_array_index(job->fragments, TfFragment, i).source;
		if (source < 0 || seen_before(job, i))
			continue;
		uint64_t key = tf_strip_key(engine, (uint32_t)source, job->tile.row);
		g_autoptr(TfStrip) strip = find_strip_locked(engine, job->group->pass, key);
		if (strip) {
			give_strip(job, (uint32_t)source, strip);
			hold_strip_locked(job, (uint32_t)source, key, strip);
		} else {
			wait_for_strip_locked(engine, job, (uint32_t)source, key);
		}
	}
}

/* --- making ------------------------------------------------------------------ */

static TfStrip *decode_strip(TfEngine *engine, const StripJob *job, TfDecodeCount *count, GError **error)
{
	g_autoptr(TfCursor) cursor = tf_lru_take(engine->lru, TF_LRU_CURSORS, job->source);
	if (cursor && !tf_cursor_suits(cursor, job->rows.y0))
		g_clear_pointer(&cursor, tf_cursor_free);
	if (!cursor)
		cursor = tf_cursor_open(engine->mosaic->sources, job->source, job->rows.y0, error);
	if (!cursor)
		return NULL;
	TfStrip *strip = tf_cursor_read(cursor, job->rows.y0, job->rows.y1, count, error);
	/* Not "is the cursor at the end": it keeps the MCU row that the strip's border cut. */
	if (strip && job->rows.y1 < tf_scene_source(engine->mosaic->scene, job->source)->height)
		tf_lru_put(engine->lru, TF_LRU_CURSORS, job->source, g_steal_pointer(&cursor));
	return strip;
}

/* Those strips of a source that show any pixel. */
typedef struct {
	uint32_t n;
	TfRows *rows;
	uint64_t *keys;
} StripList;

static void strip_list_clear(StripList *list)
{
	g_free(list->rows);
	g_free(list->keys);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(StripList, strip_list_clear)

static void list_strips(const TfEngine *engine, uint32_t index, StripList *list)
{
	int64_t first = first_tile_row(engine, index);
	TfRect rect = tf_scene_source_rect(engine->mosaic->scene, index);
	int64_t n = (rect.y1 - 1) / engine->mosaic->pyramid.tile - first + 1;
	list->rows = g_new0(TfRows, n);
	list->keys = g_new0(uint64_t, n);
	for (int64_t i = 0; i < n; i++) {
		list->rows[list->n] = visible_rows(engine, index, first + i);
		list->keys[list->n] = tf_strip_key(engine, index, first + i);
		list->n += list->rows[list->n].y0 < list->rows[list->n].y1;
	}
}

/* A source that is decoded as a whole gives all its strips at once; those that
 * nobody waits for yet go to the LRU. */
static TfStrip *decode_whole(TfEngine *engine, const StripJob *job, TfDecodeCount *count, GError **error)
{
	g_auto(StripList) list = {0};
	list_strips(engine, job->source, &list);
	g_autofree TfStrip **strips = g_new0(TfStrip *, list.n);
	if (!tf_source_read_whole(engine->mosaic->sources, job->source, list.rows, list.n, strips, count, error))
		return NULL;
	TfStrip *mine = NULL;
	for (uint32_t i = 0; i < list.n; i++) {
		if (list.keys[i] == job->key)
			mine = tf_strip_ref(strips[i]);
		tf_lru_put(engine->lru, TF_LRU_STRIPS, list.keys[i], strips[i]);
	}
	return mine;
}

void tf_source_note_failure(TfEngine *engine, uint32_t source, const GError *error)
{
	g_autofree char *cause = g_strdup_printf("source %u code %d", source, error->code);
	if (g_error_matches(error, TF_ERROR, TF_ERROR_DAMAGED))
		tf_damage_add(engine->damage, source, tf_scene_source(engine->mosaic->scene, source)->height, error->message);
	tf_count(&engine->counters.errors, 1);
	tf_log_once(TF_LOG_ERROR, cause, "%s; the tiles that it touches give EIO", error->message);
}

/* on-error=fill: from the first damaged strip on the source is painted. */
static TfStrip *salvage(TfEngine *engine, const StripJob *job, TfDecodeCount *count, GError **error)
{
	TfSources *sources = engine->mosaic->sources;
	g_autoptr(GError) reason = g_steal_pointer(error);
	g_auto(StripList) list = {0};
	uint32_t wanted = 0, n_good;
	TfStrip *strip;
	list_strips(engine, job->source, &list);
	while (list.keys[wanted] != job->key)
		wanted++;
	if (!tf_source_salvage(sources, job->source, list.rows, list.n, wanted, &strip, &n_good, count, error))
		return NULL;
	if (n_good < list.n && tf_damage_add(engine->damage, job->source, list.rows[n_good].y0, reason->message)) {
		tf_count(&engine->counters.errors, 1);
		tf_log(TF_LOG_ERROR, "%s; painted with the background from row %d on (on-error=fill)", reason->message,
		       list.rows[n_good].y0);
	}
	return strip ? strip : tf_source_paint(sources, job->source, job->rows, error);
}

/* Hands strip or error to all who waited and sets the source free. */
static void deliver_locked(TfEngine *engine, StripJob *job, TfStrip *strip, const GError *error)
{
	g_hash_table_remove(engine->strip_jobs, GSIZE_TO_POINTER(job->key));
	for (guint i = 0; i < job->dependents->len; i++) {
		TileJob *tile = g_ptr_array_index(job->dependents, i);
		if (strip && !covers(strip, columns_in_tile(tile, job->source))) {
			wait_for_strip_locked(engine, tile, job->source, job->key); /* came after the window was cut */
		} else if (strip) {
			give_strip(tile, job->source, strip);
			hold_strip_locked(tile, job->source, job->key, strip);
		} else if (!tile->error) {
			tile->error = g_error_copy(error);
		}
		if (--tile->pending == 0)
			tf_pool_push_tile_locked(engine, tile);
	}
}

static void free_source_locked(TfEngine *engine, uint32_t source)
{
	GQueue *parked = g_hash_table_lookup(engine->busy_sources, GUINT_TO_POINTER(source));
	g_hash_table_remove(engine->busy_sources, GUINT_TO_POINTER(source));
	GList *link;
	while ((link = g_queue_pop_tail_link(parked))) {
		StripJob *job = link->data;
		job->parked = false;
		g_queue_push_head_link(&engine->strip_queue[job->priority], link);
		g_cond_signal(&engine->work);
	}
	g_queue_free(parked);
}

static void strip_job_free(StripJob *job)
{
	g_ptr_array_unref(job->dependents);
	g_free(job);
}

void tf_strip_job_fail_locked(TfEngine *engine, StripJob *job, const GError *error)
{
	deliver_locked(engine, job, NULL, error);
	strip_job_free(job);
}

static bool is_wanted_locked(const StripJob *job)
{
	for (guint i = 0; i < job->dependents->len; i++) {
		const TileJob *tile = g_ptr_array_index(job->dependents, i);
		if (!tile->group->pass->cancelled)
			return true;
	}
	return false;
}

static TfColumns wanted_columns(TfEngine *engine, const StripJob *job)
{
	TfColumns all = {G_MAXINT32, 0};
	g_mutex_lock(&engine->lock);
	for (guint i = 0; i < job->dependents->len; i++) {
		TfColumns one = columns_in_tile(g_ptr_array_index(job->dependents, i), job->source);
		all = (TfColumns){MIN(all.x0, one.x0), MAX(all.x1, one.x1)};
	}
	g_mutex_unlock(&engine->lock);
	return all;
}

/* A walk over many tiles asks for each strip once and holds what it needs
 * again (hold_strip_locked()), so keeping the others would only take fresh
 * pages and the processor's caches.  Where all sources fit, they stay for the
 * viewer who comes next. */
static bool is_worth_keeping(TfEngine *engine, const StripJob *job)
{
	bool keep = engine->keeps_walked;
	g_mutex_lock(&engine->lock);
	for (guint i = 0; !keep && i < job->dependents->len; i++) {
		const Pass *pass = ((const TileJob *)g_ptr_array_index(job->dependents, i))->group->pass;
		keep = !pass->encodes_all && pass->top_level < TF_OVERVIEW_LEVEL;
	}
	g_mutex_unlock(&engine->lock);
	return keep;
}

/* A big strip goes to the spool but for the columns that are waited for. */
static TfStrip *keep_strip(TfEngine *engine, const StripJob *job, TfStrip *strip, GError **error)
{
	TfColumns columns = wanted_columns(engine, job);
	if (tf_spooling_is_big(engine, strip) && (columns.x0 > strip->all.x0 || columns.x1 < strip->all.x1) &&
	    tf_spooling_store(engine, job->key, strip)) {
		TfStrip *window = tf_spooling_crop(strip, columns, error);
		tf_strip_unref(strip);
		return window;
	}
	if (is_worth_keeping(engine, job))
		tf_lru_put(engine->lru, TF_LRU_STRIPS, job->key, tf_strip_ref(strip));
	return strip;
}

/* What a decoding takes is set free before it begins: afterwards would be a
 * strip, or a progressive source's coefficients, above the limit. */
static void make_room(TfEngine *engine, const StripJob *job)
{
	const TfMosaic *mosaic = engine->mosaic;
	const TfSource *source = tf_scene_source(mosaic->scene, job->source);
	bool whole = tf_source_is_whole(mosaic->sources, job->source);
	int32_t rows = whole ? source->height : job->rows.y1 - job->rows.y0;
	tf_lru_make_room(engine->lru, tf_source_decode_bytes(mosaic->sources, job->source) +
	                                      tf_samples_size(mosaic->encoder.space, source->width, rows));
}

static TfStrip *make_strip(TfEngine *engine, StripJob *job, GError **error)
{
	/* The source may have been decoded as a whole while the job was parked. */
	TfStrip *strip = tf_lru_get(engine->lru, TF_LRU_STRIPS, job->key);
	if (!strip)
		strip = tf_spooling_load(engine, job->key, wanted_columns(engine, job));
	if (strip)
		return strip;
	TfDecodeCount count = {0};
	int64_t row = first_tile_row(engine, job->source) + (int64_t)(job->key & ((1 << TF_STRIP_BITS) - 1));
	job->rows = visible_rows(engine, job->source, row);
	if (tf_damage_covers(engine->damage, job->source, job->rows.y0))
		return tf_source_paint(engine->mosaic->sources, job->source, job->rows, error);
	make_room(engine, job);
	if (tf_source_is_whole(engine->mosaic->sources, job->source)) {
		strip = decode_whole(engine, job, &count, error);
	} else {
		strip = decode_strip(engine, job, &count, error);
		if (strip)
			strip = keep_strip(engine, job, strip, error);
	}
	if (!strip && engine->mosaic->paint_damage && g_error_matches(*error, TF_ERROR, TF_ERROR_DAMAGED))
		strip = salvage(engine, job, &count, error);
	tf_count(&engine->counters.decoded_px, count.decoded_px);
	tf_count(&engine->counters.skipped_px, count.skipped_px);
	return strip;
}

/* Nobody may come to wait between the look and the answer: he would be told of
 * a cancellation that was not his. */
static bool begin_if_wanted(TfEngine *engine, StripJob *job)
{
	g_autoptr(GError) error = g_error_new(TF_ERROR, TF_ERROR_CANCELLED, "nobody waits any more");
	g_mutex_lock(&engine->lock);
	bool wanted = is_wanted_locked(job);
	if (wanted) {
		tf_watch_begin_locked(engine, &job->watch, job->source);
	} else {
		deliver_locked(engine, job, NULL, error);
		free_source_locked(engine, job->source);
	}
	g_mutex_unlock(&engine->lock);
	if (!wanted)
		strip_job_free(job);
	return wanted;
}

void tf_strip_job_run(TfEngine *engine, StripJob *job)
{
	g_autoptr(GError) error = NULL;
	if (!begin_if_wanted(engine, job))
		return;
	g_autoptr(TfStrip) strip = make_strip(engine, job, &error);
	if (!strip)
		tf_source_note_failure(engine, job->source, error);
	g_mutex_lock(&engine->lock);
	tf_watch_end_locked(engine, &job->watch);
	deliver_locked(engine, job, strip, error);
	free_source_locked(engine, job->source);
	g_mutex_unlock(&engine->lock);
	strip_job_free(job);
	g_clear_pointer(&strip, tf_strip_unref);
	tf_lru_trim(engine->lru);
}
