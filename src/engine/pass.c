/* SPDX-License-Identifier: MIT
 *
 * Passes and their groups: which blocks are worked on next.
 */
#include "engine_private.h"

#include "tile_job.h"

enum {
	BLOCK = 4,            /* level-0 tiles along a block's side */
	MAX_GROUP_BLOCKS = 8, /* enough for many sources side by side; more only costs memory */
	MAX_OPEN_GROUPS = 2,
	MAX_TOP_TILES = 64,   /* of the smallest level, that one pass makes together */
};

static void parent_free(gpointer data)
{
	Parent *parent = data;
	for (int i = 0; i < 4; i++)
		tf_samples_unref(parent->quarters[i]);
	g_clear_error(&parent->error);
	g_free(parent);
}

/* Bytes of strips below one block: where sources overlap, so do their strips. */
static uint64_t block_strip_bytes(const TfMosaic *mosaic)
{
	const TfLevel *base = &mosaic->pyramid.level[0];
	int32_t side = BLOCK * mosaic->encoder.tile;
	uint64_t hundredth = (uint64_t)(base->width * base->height / 100);
	return tf_samples_size(mosaic->encoder.space, side, side) * MAX(mosaic->source_px / MAX(hundredth, 1), 100) / 100;
}

/* Two groups' strips and encoded tiles, and the encoded block that is being
 * read, may take eight tenths of what can be cached. */
static int64_t group_blocks(const TfEngine *engine)
{
	const TfEncoder *encoder = &engine->mosaic->encoder;
	uint64_t encoded = encoder->slot_bytes * (BLOCK * BLOCK + 5) / (encoder->compression == TF_COMPRESSION_JPEG ? 2 : 1);
	uint64_t room = tf_lru_limit(engine->lru) / 10 * 8;
	uint64_t group = 2 * (block_strip_bytes(engine->mosaic) + encoded);
	return (int64_t)CLAMP((room - MIN(room, encoded)) / group, 1, MAX_GROUP_BLOCKS);
}

/* Passes over more than a block, of all mosaics: they share the room. */
static _Atomic int n_walks;

static bool is_walk(const Pass *pass)
{
	return pass->range.c1 - pass->range.c0 > BLOCK || pass->range.r1 - pass->range.r0 > BLOCK;
}

static int64_t share_of_blocks(const Pass *pass)
{
	return MAX(pass->max_blocks / MAX(n_walks, 1), 1);
}

static Pass *pass_new(TfEngine *engine, TfPriority priority, TileRange range, int top_level)
{
	Pass *pass = g_new0(Pass, 1);
	g_atomic_ref_count_init(&pass->refs);
	pass->engine = engine;
	pass->priority = priority;
	pass->range = range;
	pass->top_level = top_level;
	pass->block_rows = BLOCK;
	pass->max_blocks = group_blocks(engine);
	n_walks += is_walk(pass);
	pass->group_blocks = priority == TF_FORWARD ? 1 : share_of_blocks(pass);
	pass->next_col = range.c0;
	pass->next_row = range.r0;
	pass->parents = g_hash_table_new_full(NULL, NULL, NULL, parent_free);
	pass->held = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)tf_strip_unref);
	pass->promised = g_hash_table_new(NULL, NULL);
	pass->fed = g_hash_table_new(NULL, NULL);
	pass->ahead = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_bytes_unref);
	return pass;
}

Pass *tf_pass_ref(Pass *pass)
{
	g_atomic_ref_count_inc(&pass->refs);
	return pass;
}

void tf_pass_unref(Pass *pass)
{
	if (!pass || !g_atomic_ref_count_dec(&pass->refs))
		return;
	n_walks -= is_walk(pass);
	g_hash_table_unref(pass->parents);
	g_hash_table_unref(pass->held);
	g_hash_table_unref(pass->promised);
	g_hash_table_unref(pass->fed);
	g_hash_table_unref(pass->ahead);
	g_clear_pointer(&pass->failed, g_hash_table_unref);
	g_free(pass);
}

Pass *tf_pass_demand_locked(TfEngine *engine, TfTile tile)
{
	int base = MIN(tile.level, engine->mosaic->top_own_level), up = tile.level - base;
	const TfLevel *level = &engine->mosaic->pyramid.level[base];
	TileRange range = {tile.col << up, tile.row << up, MIN((tile.col + 1) << up, level->cols),
	                   MIN((tile.row + 1) << up, level->rows)};
	Pass *pass = pass_new(engine, TF_URGENT, range, tile.level);
	pass->base_level = base;
	pass->target = tf_layout_ordinal(&engine->mosaic->layout, tile);
	tf_pool_push_plan_locked(engine, pass);
	return pass;
}

static void go_to_block(Pass *pass, TfBlock block)
{
	pass->next_col = block.col * BLOCK;
	pass->next_row = block.row * pass->block_rows;
}

Pass *tf_pass_forward_locked(TfEngine *engine, int64_t first_block, uint64_t reader_ordinal)
{
	const TfPyramid *pyramid = &engine->mosaic->pyramid;
	TileRange all = {0, 0, pyramid->level[0].cols, pyramid->level[0].rows};
	const TfLayout *layout = &engine->mosaic->layout;
	/* What stands before the pass's slots is not made again. */
	Pass *pass = pass_new(engine, TF_FORWARD, all, layout->pass_ordinal > 0 ? 0 : pyramid->n_levels - 1);
	TfBlock block = tf_layout_block(layout, first_block);
	pass->block_rows = layout->block_tile_rows;
	pass->max_blocks *= BLOCK / pass->block_rows; /* flat ones take less */
	pass->encodes_all = true;
	pass->first_block = first_block;
	go_to_block(pass, block);
	tf_pass_reader_at_locked(pass, reader_ordinal);
	return pass;
}

Pass *tf_pass_export_locked(TfEngine *engine, uint64_t ordinal)
{
	const TfLayout *layout = &engine->mosaic->layout;
	/* Upper tiles that follow want all that lies below them. */
	int64_t first = layout->pass_ordinal > 0 ? tf_layout_block_of_ordinal(layout, ordinal) : 0;
	Pass *pass = tf_pass_forward_locked(engine, first, ordinal); /* nothing is planned before the lock is free */
	pass->exclusive = true;
	pass->failed = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_error_free);
	pass->wanted_from = ordinal;
	return pass;
}

Pass *tf_pass_sweep_locked(TfEngine *engine)
{
	const TfPyramid *pyramid = &engine->mosaic->pyramid;
	TileRange all = {0, 0, pyramid->level[0].cols, pyramid->level[0].rows};
	Pass *pass = pass_new(engine, TF_SWEEP, all, pyramid->n_levels - 1);
	pass->target = G_MAXUINT64;
	tf_pool_push_plan_locked(engine, pass);
	return pass;
}

/* --- how far it goes ------------------------------------------------------------ */

static int64_t next_block_index(const Pass *pass)
{
	return pass->next_row / pass->block_rows * pass->engine->mosaic->layout.block_cols + pass->next_col / BLOCK;
}

/* Many walks at once: what their open groups hold cannot be dropped, so while
 * it is too much each finishes one group before it plans the next. */
static unsigned max_open_groups(const Pass *pass)
{
	bool crowded = n_walks > 1 && tf_memory_total() > tf_lru_limit(pass->engine->lru);
	return crowded ? 1 : MAX_OPEN_GROUPS;
}

bool tf_pass_may_plan_locked(const Pass *pass)
{
	if (pass->cancelled || pass->exhausted || pass->open_groups >= max_open_groups(pass))
		return false;
	/* A forward pass stays at most two groups ahead of its reader. */
	return !pass->encodes_all || next_block_index(pass) <= pass->reader_block + 2 * pass->group_blocks;
}

static gboolean is_behind(gpointer key, gpointer value, gpointer data)
{
	return GPOINTER_TO_SIZE(key) < ((Pass *)data)->reader_ordinal;
}

void tf_pass_reader_at_locked(Pass *pass, uint64_t ordinal)
{
	pass->reader_ordinal = ordinal;
	int64_t block = tf_layout_block_of_ordinal(&pass->engine->mosaic->layout, ordinal);
	if (block != pass->reader_block)
		g_hash_table_foreach_remove(pass->ahead, is_behind, pass);
	pass->reader_block = block;
	tf_pool_push_plan_locked(pass->engine, pass);
}

static bool take_next_range_locked(Pass *pass, TileRange *range)
{
	if (!tf_pass_may_plan_locked(pass))
		return false;
	/* Where the reader was faster, only upper levels would want what he has passed. */
	if (pass->encodes_all && pass->top_level == 0 && next_block_index(pass) < pass->reader_block)
		go_to_block(pass, tf_layout_block(&pass->engine->mosaic->layout, pass->reader_block));
	int64_t row_end = MIN((pass->next_row / pass->block_rows + 1) * pass->block_rows, pass->range.r1);
	int64_t col_end = MIN((pass->next_col / BLOCK + pass->group_blocks) * BLOCK, pass->range.c1);
	*range = (TileRange){pass->next_col, pass->next_row, col_end, row_end};
	pass->group_blocks = MIN(2 * pass->group_blocks, share_of_blocks(pass)); /* who goes on gets more */
	pass->next_col = col_end;
	if (col_end == pass->range.c1) {
		pass->next_col = pass->range.c0;
		pass->next_row = row_end;
		pass->exhausted = row_end == pass->range.r1;
	}
	return true;
}

/* --- planning ---------------------------------------------------------------------- */

static void forget_held_locked(Pass *pass, const TileRange *range)
{
	const TfMosaic *mosaic = pass->engine->mosaic;
	GHashTableIter iter;
	gpointer key, value;
	g_hash_table_iter_init(&iter, pass->held);
	while (g_hash_table_iter_next(&iter, &key, &value)) {
		const TfSource *source = tf_scene_source(mosaic->scene, tf_strip_source(GPOINTER_TO_SIZE(key)));
		const TfStrip *strip = value;
		if (range->c1 == pass->range.c1 || source->x + strip->all.x1 <= range->c1 * mosaic->pyramid.tile)
			g_hash_table_iter_remove(&iter);
	}
}

/* Need the tile not be made, because the overview store has the half of the
 * tile of level 3 above it?  That half is handed up by a job of its own, added
 * when the first tile below it is met.  Forward passes want every tile.  Only
 * one worker plans a pass at a time, so `fed` needs no lock. */
static bool is_fed(Group *group, TfTile tile, GPtrArray *jobs)
{
	enum { K = TF_OVERVIEW_LEVEL };
	Pass *pass = group->pass;
	TfEngine *engine = pass->engine;
	if (!engine->overview || pass->encodes_all || pass->top_level <= K)
		return false;
	TfTile above = {K, tile.col >> K, tile.row >> K};
	gpointer key = GSIZE_TO_POINTER(tf_layout_ordinal(&engine->mosaic->layout, above));
	if (g_hash_table_contains(pass->fed, key))
		return true;
	bool is_first = tile.col == above.col << K && tile.row == above.row << K;
	TfSamples *half = is_first ? tf_overviews_quarter(engine, above) : NULL;
	if (!half)
		return false;
	g_hash_table_add(pass->fed, key);
	g_ptr_array_add(jobs, tf_tile_job_new_stored(group, above, half));
	return true;
}

/* The tiles above level 0 that have sources of their own, for a pass that makes
 * everything. */
static void add_own_jobs(Group *group, GPtrArray *jobs)
{
	const TfMosaic *mosaic = group->pass->engine->mosaic;
	if (mosaic->top_own_level == 0 || !group->pass->encodes_all)
		return;
	uint64_t first, end;
	tf_pass_ordinals(group->pass, &group->range, &first, &end);
	for (uint64_t i = first; i < end; i++) {
		TfTile tile = tf_layout_tile_at(&mosaic->layout, i);
		if (tile.level > 0 && tile.level <= mosaic->top_own_level)
			g_ptr_array_add(jobs, tf_tile_job_new(group, tile));
	}
}

/* Tile row by tile row, so that different cores decode different sources. */
static GPtrArray *make_jobs(Group *group)
{
	GPtrArray *jobs = g_ptr_array_new();
	for (int64_t row = group->range.r0; row < group->range.r1; row++) {
		for (int64_t col = group->range.c0; col < group->range.c1; col++) {
			TfTile tile = {group->pass->base_level, col, row};
			if (!is_fed(group, tile, jobs))
				g_ptr_array_add(jobs, tf_tile_job_new(group, tile));
		}
	}
	add_own_jobs(group, jobs);
	return jobs;
}

static void submit_locked(TfEngine *engine, Group *group, GPtrArray *jobs)
{
	group->open_jobs = jobs->len;
	if (jobs->len == 0) { /* the store had all of it */
		group->open_jobs = 1;
		tf_group_finish_locked(engine, group);
		return;
	}
	if (group->pass->encodes_all && !group->pass->cancelled && !engine->stopping)
		tf_pass_promise_locked(group->pass, &group->range);
	for (guint i = 0; i < jobs->len; i++) {
		TileJob *job = g_ptr_array_index(jobs, i);
		tf_tile_job_prepare_locked(job);
		if (job->fragments && job->fragments->len > 0)
			tf_strips_request_locked(engine, job);
		if (job->pending == 0)
			tf_pool_push_tile_locked(engine, job);
	}
}

/* What others came to wait for is made for them. */
static void break_promises_locked(Pass *pass)
{
	TfEngine *engine = pass->engine;
	GHashTableIter iter;
	gpointer key;
	g_hash_table_iter_init(&iter, pass->promised);
	while (g_hash_table_iter_next(&iter, &key, NULL)) {
		uint64_t ordinal = GPOINTER_TO_SIZE(key);
		if (tf_flight_forget(engine->flight, ordinal) || engine->stopping)
			continue;
		TfTile tile = tf_layout_tile_at(&engine->mosaic->layout, ordinal);
		g_hash_table_replace(engine->demands, key, tf_pass_demand_locked(engine, tile));
	}
	g_hash_table_remove_all(pass->promised);
}

static TfTile top_tile(const TfPyramid *pyramid, int64_t i)
{
	int level = pyramid->n_levels - 1;
	return (TfTile){level, i % pyramid->level[level].cols, i / pyramid->level[level].cols};
}

/* Is the target one of several tiles of a smallest level of which nothing is in the store? */
static bool wants_whole_level(const Pass *pass)
{
	const TfMosaic *mosaic = pass->engine->mosaic;
	const TfLevel *top = &mosaic->pyramid.level[mosaic->pyramid.n_levels - 1];
	int64_t n = top->cols * top->rows;
	if (mosaic->layout.order != TF_ORDER_LEVELS || pass->top_level != mosaic->pyramid.n_levels - 1 || n < 2 ||
	    n > MAX_TOP_TILES)
		return false;
	for (int64_t i = 0; i < n; i++)
		if (tf_overviews_has(pass->engine, top_tile(&mosaic->pyramid, i)))
			return false;
	return true;
}

/* Where the smallest level stands first, its tiles are read one after the
 * other, and each takes its part of the mosaic.  One walk makes them all, so that
 * no source on a border is decoded twice: unless others have begun already. */
static void widen_locked(Pass *pass)
{
	TfEngine *engine = pass->engine;
	const TfPyramid *pyramid = &engine->mosaic->pyramid;
	const TfLevel *top = &pyramid->level[pass->top_level], *base = &pyramid->level[0];
	bool alone = !pass->cancelled && !engine->stopping;
	for (int64_t i = 0; alone && i < top->cols * top->rows; i++) {
		TfTile tile = top_tile(pyramid, i);
		uint64_t ordinal = tf_layout_ordinal(&engine->mosaic->layout, tile);
		if (ordinal == pass->target || tf_mosaic_is_blank(engine->mosaic, tile))
			continue;
		alone = tf_flight_join(engine->flight, ordinal, NULL, NULL);
		if (alone)
			g_hash_table_add(pass->promised, GSIZE_TO_POINTER(ordinal));
	}
	if (!alone) {
		break_promises_locked(pass);
		return;
	}
	n_walks -= is_walk(pass);
	pass->range = (TileRange){0, 0, base->cols, base->rows};
	pass->next_col = pass->next_row = 0;
	n_walks += is_walk(pass);
}

/* A tile of an upper level that somebody waits for may be on disk. */
static bool land_from_store(Pass *pass)
{
	TfEngine *engine = pass->engine;
	if (!engine->overview || pass->priority != TF_URGENT || pass->top_level < engine->keep_level || pass->looked_up)
		return false;
	pass->looked_up = true;
	TfTile tile = tf_layout_tile_at(&engine->mosaic->layout, pass->target);
	g_autoptr(GBytes) bytes = tf_overviews_tile(engine, tile);
	if (!bytes) {
		pass->widens = wants_whole_level(pass);
		return false;
	}
	gpointer key = GSIZE_TO_POINTER(pass->target);
	tf_lru_put(engine->lru, TF_LRU_TILES, pass->target, g_bytes_ref(bytes));
	g_mutex_lock(&engine->lock);
	pass->exhausted = true;
	if (g_hash_table_lookup(engine->demands, key) == pass)
		g_hash_table_remove(engine->demands, key);
	g_mutex_unlock(&engine->lock);
	tf_flight_land(engine->flight, pass->target, bytes, NULL);
	tf_lru_trim(engine->lru);
	return true;
}

void tf_pass_plan(Pass *pass)
{
	TfEngine *engine = pass->engine;
	TileRange range;
	if (land_from_store(pass)) {
		tf_pass_unref(pass);
		return;
	}
	g_mutex_lock(&engine->lock);
	if (pass->widens)
		widen_locked(pass);
	pass->widens = false;
	bool go = take_next_range_locked(pass, &range);
	pass->planning = go;
	pass->open_groups += go;
	g_mutex_unlock(&engine->lock);
	if (go) {
		Group *group = g_new0(Group, 1);
		*group = (Group){.pass = tf_pass_ref(pass), .range = range};
		g_autoptr(GPtrArray) jobs = make_jobs(group);
		g_mutex_lock(&engine->lock);
		submit_locked(engine, group, jobs);
		forget_held_locked(pass, &range);
		pass->planning = false;
		tf_pool_push_plan_locked(engine, pass);
		g_mutex_unlock(&engine->lock);
	}
	tf_pass_unref(pass);
}

void tf_pass_cancel_locked(Pass *pass)
{
	pass->cancelled = true;
	break_promises_locked(pass);
	g_hash_table_remove_all(pass->ahead);
	g_hash_table_remove_all(pass->held);
}
