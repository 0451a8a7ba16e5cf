/* SPDX-License-Identifier: MIT */
#include "damage.h"
#include "spooling.h"

static void *bytes_ref(void *bytes)
{
	return g_bytes_ref(bytes);
}

static void bytes_unref(void *bytes)
{
	g_bytes_unref(bytes);
}

static void *strip_ref(void *strip)
{
	return tf_strip_ref(strip);
}

static void strip_unref(void *strip)
{
	tf_strip_unref(strip);
}

static bool strip_in_use(void *strip)
{
	return g_atomic_int_get(&((TfStrip *)strip)->refs) > 1;
}

static void cursor_free(void *cursor)
{
	tf_cursor_free(cursor);
}

static const TfLruClass lru_classes[TF_LRU_CLASSES] = {
        [TF_LRU_STRIPS] = {.ref = strip_ref, .unref = strip_unref, .in_use = strip_in_use},
        [TF_LRU_TILES] = {.ref = bytes_ref, .unref = bytes_unref},
        /* A cursor rests while a whole row of blocks goes by, with far more strips
         * than fit; to lose it costs all rows of the source above its place. */
        [TF_LRU_CURSORS] = {.unref = cursor_free, .memory = TF_MEMORY_CURSORS, .kept_percent = 40},
};

/* memory= is the target for the resident peak: the libraries, a tenth for what
 * an allocator cannot give back, and buffers kept for reuse are not ours to
 * fill. */
static uint64_t cache_limit(const TfMosaic *mosaic)
{
	uint64_t libraries = TF_LIBRARIES_BYTES, room = mosaic->memory_bytes / 10 * 9;
	return MAX(room > libraries ? room - libraries : 0, UINT64_C(8) << 20);
}

/* Would the samples of all sources take less than half of the limit? */
static bool sources_fit(const TfMosaic *mosaic, uint64_t limit)
{
	enum { SIDE = 64 };
	return mosaic->source_px / (SIDE * SIDE) * tf_samples_size(mosaic->encoder.space, SIDE, SIDE) < limit / 2;
}

static uint64_t spare_bytes(uint64_t limit)
{
	return MIN(limit / 10, UINT64_C(32) << 20);
}

/* Spare buffers serve all engines and go with the last one. */
static void keep_spare(uint64_t least, uint64_t total, int engines)
{
	static GMutex lock;
	static int n_engines;
	g_mutex_lock(&lock);
	n_engines += engines;
	if (engines > 0 || n_engines == 0)
		tf_memory_keep_spare(least, total);
	g_mutex_unlock(&lock);
}

TfEngine *tf_engine_new(const TfMosaic *mosaic, const TfEngineOptions *options)
{
	TfEngine *engine = g_new0(TfEngine, 1);
	engine->mosaic = mosaic;
	uint64_t limit = cache_limit(mosaic), spare = spare_bytes(limit);
	/* The other half is left to malloc, whose arenas hold more than the books say
	 * where many cursors rest (384000 px of width: 257 MiB without). */
	keep_spare(spare / 2, limit - spare / 2, 1);
	engine->lru = tf_lru_new(lru_classes, TF_LRU_CLASSES, limit - spare);
	engine->keeps_walked = sources_fit(mosaic, limit);
	engine->spool = tf_spool_new(options->spool_dir, options->spool_bytes);
	tf_lru_on_evict(engine->lru, TF_LRU_STRIPS, tf_spooling_on_evict, engine);
	tf_overviews_open(engine, options);
	engine->flight = tf_flight_new();
	engine->damage = tf_damage_new(mosaic);
	g_mutex_init(&engine->lock);
	g_cond_init(&engine->work);
	g_cond_init(&engine->tick);
	engine->strip_jobs = g_hash_table_new(NULL, NULL);
	engine->busy_sources = g_hash_table_new(NULL, NULL);
	engine->demands = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)tf_pass_unref);
	engine->seen = g_new0(uint8_t, mosaic->layout.n_slots / 8 + 1);
	engine->timer = g_thread_new("timer", tf_seek_timer, engine);
	tf_pool_start(engine, options->threads);
	g_mutex_lock(&engine->lock);
	if (options->sweep && engine->overview && mosaic->pyramid.n_levels > engine->keep_level)
		engine->sweep = tf_pass_sweep_locked(engine);
	g_mutex_unlock(&engine->lock);
	return engine;
}

void tf_engine_stop(TfEngine *engine)
{
	g_autoptr(GError) error = g_error_new(TF_ERROR, TF_ERROR_CANCELLED, "shutting down");
	g_mutex_lock(&engine->lock);
	engine->stopping = true;
	g_cond_broadcast(&engine->work);
	g_cond_broadcast(&engine->tick);
	g_mutex_unlock(&engine->lock);
	tf_flight_land_all(engine->flight, error);
}

/* After the workers ended: what they left behind is taken apart. */
static void cancel_all_locked(TfEngine *engine)
{
	GHashTableIter iter;
	gpointer pass;
	g_hash_table_iter_init(&iter, engine->demands);
	while (g_hash_table_iter_next(&iter, NULL, &pass))
		tf_pass_cancel_locked(pass);
	g_hash_table_remove_all(engine->demands);
	if (engine->sweep)
		tf_pass_cancel_locked(engine->sweep);
	for (GList *link = engine->readers.head; link; link = link->next)
		if (((TfReader *)link->data)->pass)
			tf_pass_cancel_locked(((TfReader *)link->data)->pass);
}

static bool drop_one(TfEngine *engine, const GError *error)
{
	for (int p = 0; p < TF_PRIORITIES; p++) {
		Pass *pass = g_queue_pop_head(&engine->plan_queue[p]);
		TileJob *tile = g_queue_pop_head(&engine->tile_queue[p]);
		GList *strip = g_queue_pop_head_link(&engine->strip_queue[p]);
		if (tile)
			tf_tile_job_run(engine, tile);
		if (strip) {
			g_mutex_lock(&engine->lock);
			tf_strip_job_fail_locked(engine, strip->data, error);
			g_mutex_unlock(&engine->lock);
		}
		tf_pass_unref(pass);
		if (pass || tile || strip)
			return true;
	}
	return false;
}

void tf_engine_free(TfEngine *engine)
{
	if (!engine)
		return;
	g_autoptr(GError) error = g_error_new(TF_ERROR, TF_ERROR_CANCELLED, "shutting down");
	tf_engine_stop(engine);
	tf_pool_stop(engine);
	g_thread_join(engine->timer);
	g_mutex_lock(&engine->lock);
	cancel_all_locked(engine);
	g_mutex_unlock(&engine->lock);
	while (drop_one(engine, error))
		;
	g_clear_pointer(&engine->sweep, tf_pass_unref);
	/* An unmount by force leaves files open that are never released. */
	while (!g_queue_is_empty(&engine->readers))
		tf_reader_free(g_queue_peek_head(&engine->readers));
	tf_flight_land_all(engine->flight, error);
	g_hash_table_unref(engine->demands);
	g_hash_table_unref(engine->strip_jobs);
	g_hash_table_unref(engine->busy_sources);
	tf_lru_free(engine->lru);
	tf_spool_free(engine->spool);
	tf_overview_close(engine->overview);
	tf_flight_free(engine->flight);
	tf_damage_free(engine->damage);
	keep_spare(0, 0, -1);
	g_cond_clear(&engine->work);
	g_cond_clear(&engine->tick);
	g_mutex_clear(&engine->lock);
	g_free(engine->seen);
	g_free(engine);
}
