/* SPDX-License-Identifier: MIT
 *
 * One tile: compose, encode, halve, hand up.
 */
#include "tile_job.h"

#include "damage.h"

#include <string.h>
#include <tiffuse/log.h>
#include <tiffuse/passthrough.h>

static TileJob *job_new(Group *group, TfTile tile)
{
	TileJob *job = g_new0(TileJob, 1);
	job->group = group;
	job->tile = tile;
	job->ordinal = tf_layout_ordinal(&group->pass->engine->mosaic->layout, tile);
	job->passed = tf_mosaic_passed(group->pass->engine->mosaic, tile);
	return job;
}

/* Is the tile above it the mean of what lies below? */
static bool hands_up(const Pass *pass, TfTile tile)
{
	return tile.level < pass->top_level && tile.level >= pass->engine->mosaic->top_own_level;
}

TileJob *tf_tile_job_new(Group *group, TfTile tile)
{
	const TfMosaic *mosaic = group->pass->engine->mosaic;
	TileJob *job = job_new(group, tile);
	if (job->passed >= 0 && !hands_up(group->pass, tile))
		return job; /* nobody needs its samples */
	job->fragments = g_array_sized_new(FALSE, FALSE, sizeof(TfFragment), 8);
	tf_scene_fragments(tf_scene_at_level(mosaic->scene, tile.level), tf_pyramid_tile_rect(&mosaic->pyramid, tile),
	                   job->fragments);
	if (job->fragments->len == 1 && g_array_index(job->fragments, TfFragment, 0).source < 0)
		g_array_set_size(job->fragments, 0); /* blank */
	job->strips = g_new0(TfStrip *, job->fragments->len + 1);
	return job;
}

TileJob *tf_tile_job_new_stored(Group *group, TfTile tile, TfSamples *half)
{
	TileJob *job = job_new(group, tile);
	job->stored = half;
	return job;
}

static void job_free(TileJob *job)
{
	for (guint i = 0; job->fragments && i < job->fragments->len; i++)
		tf_strip_unref(job->strips[i]);
	if (job->fragments)
		g_array_unref(job->fragments);
	g_free(job->strips);
	for (int i = 0; i < 4; i++)
		tf_samples_unref(job->quarters[i]);
	tf_samples_unref(job->stored);
	g_clear_error(&job->error);
	g_free(job);
}

static bool is_blank(const TileJob *job)
{
	return job->fragments && job->fragments->len == 0;
}

/* Is it all that is to be done, to hand out a source? */
static bool is_handed_out(const TileJob *job)
{
	return job->passed >= 0 && !job->fragments;
}

static bool is_target(const TileJob *job)
{
	const Pass *pass = job->group->pass;
	return !pass->encodes_all && job->ordinal == pass->target;
}

/* Is the tile of a kind that the overview store keeps? */
static bool engine_keeps(const TfEngine *engine, TfTile tile)
{
	return engine->overview && tile.level >= engine->keep_level;
}

static bool was_encoded_locked(const TfEngine *engine, uint64_t ordinal)
{
	return engine->seen[ordinal >> 3] >> (ordinal & 7) & 1;
}

void tf_tile_job_prepare_locked(TileJob *job)
{
	Pass *pass = job->group->pass;
	job->want_bytes = g_hash_table_remove(pass->promised, GSIZE_TO_POINTER(job->ordinal)) || is_target(job);
	/* What was encoded before was kept before. */
	job->keep = engine_keeps(pass->engine, job->tile) && !was_encoded_locked(pass->engine, job->ordinal);
	if (job->fragments && !job->want_bytes && !job->keep && !hands_up(pass, job->tile))
		g_array_set_size(job->fragments, 0); /* it was made before, and that is all there is to it */
}

/* --- handing up ----------------------------------------------------------------- */

/* Has the pass seen all that lies below the tile?  Not if it began later. */
static bool is_completable(const Pass *pass, TfTile tile)
{
	if (tile.level < 3)
		return true;
	int64_t col = (tile.col << tile.level) / 4, row = (tile.row << tile.level) / 4;
	return row * pass->engine->mosaic->layout.block_cols + col >= pass->first_block;
}

static void promise_locked(Pass *pass, uint64_t ordinal)
{
	TfEngine *engine = pass->engine;
	TfTile tile = tf_layout_tile_at(&engine->mosaic->layout, ordinal);
	bool own = tile.level <= engine->mosaic->top_own_level;
	if (ordinal < pass->wanted_from || !(own || is_completable(pass, tile)) || tf_mosaic_is_blank(engine->mosaic, tile))
		return;
	GBytes *made = tf_lru_get(engine->lru, TF_LRU_TILES, ordinal);
	if (made)
		g_hash_table_insert(pass->ahead, GSIZE_TO_POINTER(ordinal), made);
	else if (tf_flight_join(engine->flight, ordinal, NULL, NULL) || pass->exclusive)
		g_hash_table_add(pass->promised, GSIZE_TO_POINTER(ordinal));
}

void tf_pass_ordinals(const Pass *pass, const TileRange *range, uint64_t *first, uint64_t *end)
{
	const TfLayout *layout = &pass->engine->mosaic->layout;
	int64_t row = range->r0 / layout->block_tile_rows * layout->block_cols;
	int64_t last_col = (range->c1 - 1) / layout->block_tiles;
	TfBlock last = tf_layout_block(layout, row + last_col);
	*first = tf_layout_block(layout, row + range->c0 / layout->block_tiles).first_ordinal;
	*end = last.first_ordinal + last.n_slots;
}

void tf_pass_promise_locked(Pass *pass, const TileRange *range)
{
	uint64_t first, end;
	tf_pass_ordinals(pass, range, &first, &end);
	for (uint64_t i = first; i < end; i++)
		promise_locked(pass, i);
}

static Parent *parent_of_locked(Pass *pass, TfTile tile)
{
	const TfMosaic *mosaic = pass->engine->mosaic;
	gpointer key = GSIZE_TO_POINTER(tf_layout_ordinal(&mosaic->layout, tile));
	Parent *parent = g_hash_table_lookup(pass->parents, key);
	if (parent)
		return parent;
	const TfLevel *below = &mosaic->pyramid.level[tile.level - 1];
	parent = g_new0(Parent, 1);
	parent->missing = (int)(MIN(2, below->cols - 2 * tile.col) * MIN(2, below->rows - 2 * tile.row));
	g_hash_table_insert(pass->parents, key, parent);
	return parent;
}

static TileJob *job_of_parent_locked(Group *group, TfTile tile, Parent *parent)
{
	bool blank = !parent->error;
	for (int i = 0; i < 4; i++)
		blank = blank && !parent->quarters[i];
	if (blank)
		return NULL;
	TileJob *job = job_new(group, tile);
	memcpy(job->quarters, parent->quarters, sizeof job->quarters);
	memset(parent->quarters, 0, sizeof parent->quarters);
	job->error = g_steal_pointer(&parent->error);
	tf_tile_job_prepare_locked(job);
	group->open_jobs++;
	return job;
}

/* Gives the halved tile (or the error) to the tile above; the result is the
 * job for that one if it was the last quarter.  A blank tile above is handed
 * up in turn. */
static TileJob *hand_up_locked(TileJob *job, TfSamples *quarter)
{
	Group *group = job->group;
	Pass *pass = group->pass;
	TfTile tile = job->tile;
	g_autoptr(TfSamples) given = quarter;
	while (hands_up(pass, tile) && !pass->cancelled) {
		TfTile up = {tile.level + 1, tile.col / 2, tile.row / 2};
		if (!is_completable(pass, up))
			return NULL;
		Parent *parent = parent_of_locked(pass, up);
		parent->quarters[tile.row % 2 * 2 + tile.col % 2] = g_steal_pointer(&given);
		if (job->error && !parent->error)
			parent->error = g_error_copy(job->error);
		if (--parent->missing > 0)
			return NULL;
		TileJob *next = job_of_parent_locked(group, up, parent);
		g_hash_table_remove(pass->parents,
		                    GSIZE_TO_POINTER(tf_layout_ordinal(&pass->engine->mosaic->layout, up)));
		if (next)
			return next;
		tile = up;
	}
	return NULL;
}

void tf_group_finish_locked(TfEngine *engine, Group *group)
{
	Pass *pass = group->pass;
	if (--group->open_jobs > 0)
		return;
	pass->open_groups--;
	tf_pool_push_plan_locked(engine, pass);
	tf_pass_unref(pass);
	g_free(group);
}

/* --- running -------------------------------------------------------------------- */

/* Sums up the sizes of the tiles, each once however often it is made. */
static void count_encoded(TfEngine *engine, const TileJob *job, GBytes *bytes)
{
	g_mutex_lock(&engine->lock);
	bool again = was_encoded_locked(engine, job->ordinal);
	engine->seen[job->ordinal >> 3] |= (uint8_t)(1 << (job->ordinal & 7));
	g_mutex_unlock(&engine->lock);
	if (!again)
		tf_count(&engine->counters.encoded_bytes, g_bytes_get_size(bytes));
}

static void count_tile(TfEngine *engine, const TileJob *job, const TfTileOutput *out)
{
	TfCounters *counters = &engine->counters;
	uint64_t side = (uint64_t)engine->mosaic->pyramid.tile;
	tf_count(&counters->regions, out->regions);
	if (!out->bytes)
		return;
	count_encoded(engine, job, out->bytes);
	tf_count(&counters->tiles_made[job->tile.level], 1);
	tf_count(&counters->encoded_px, side * side);
	if (out->requantised)
		tf_count(&counters->requantised, 1);
}

static void forget_demand_locked(TfEngine *engine, const TileJob *job)
{
	gpointer key = GSIZE_TO_POINTER(job->ordinal);
	if (is_target(job) && g_hash_table_lookup(engine->demands, key) == job->group->pass)
		g_hash_table_remove(engine->demands, key);
}

static void land(TfEngine *engine, TileJob *job, GBytes *bytes, const GError *error)
{
	Pass *pass = job->group->pass;
	/* To read a source again costs no more than the fresh pages that all those a
	 * copy has passed would take. */
	bool keep = job->passed < 0 || !pass->encodes_all;
	if (bytes && keep)
		tf_lru_put(engine->lru, TF_LRU_TILES, job->ordinal, g_bytes_ref(bytes));
	g_mutex_lock(&engine->lock);
	if (bytes && pass->encodes_all && job->ordinal >= pass->reader_ordinal && !pass->cancelled)
		g_hash_table_insert(pass->ahead, GSIZE_TO_POINTER(job->ordinal), g_bytes_ref(bytes));
	if (!bytes && pass->exclusive)
		g_hash_table_insert(pass->failed, GSIZE_TO_POINTER(job->ordinal), g_error_copy(error));
	forget_demand_locked(engine, job);
	g_mutex_unlock(&engine->lock);
	tf_flight_land(engine->flight, job->ordinal, bytes, bytes ? NULL : error);
	job->want_bytes = false;
}

/* The source's own bytes, whatever became of its samples. */
static void hand_out(TfEngine *engine, TileJob *job)
{
	g_autoptr(GError) error = NULL;
	uint32_t source = (uint32_t)job->passed;
	TfWatch watch;
	g_mutex_lock(&engine->lock);
	tf_watch_begin_locked(engine, &watch, source);
	g_mutex_unlock(&engine->lock);
	g_autoptr(GBytes) bytes = tf_passthrough_read(engine->mosaic->sources, source, &error);
	g_mutex_lock(&engine->lock);
	tf_watch_end_locked(engine, &watch);
	g_mutex_unlock(&engine->lock);
	if (bytes) {
		count_encoded(engine, job, bytes);
		tf_count(&engine->counters.passed, 1);
	} else {
		tf_source_note_failure(engine, source, error);
	}
	land(engine, job, bytes, error);
}

static TfSamples *render(TfEngine *engine, TileJob *job)
{
	TfTileInput input = {.tile = job->tile};
	if (job->fragments) {
		input.fragments = (const TfFragment *)(void *)job->fragments->data;
		input.n_fragments = job->fragments->len;
		input.strips = job->strips;
	}
	memcpy(input.quarters, job->quarters, sizeof input.quarters);
	TfTileOutput out = {0};
	bool want_quarter = hands_up(job->group->pass, job->tile) ||
	                    (job->keep && job->tile.level == TF_OVERVIEW_LEVEL);
	if (!tf_canvas_render(engine->mosaic->canvas, &input, job->want_bytes || job->keep, want_quarter, &out, &job->error)) {
		tf_count(&engine->counters.errors, 1);
		tf_log_once(TF_LOG_ERROR, "render", "%s; its tile gives EIO", job->error->message);
		return NULL;
	}
	count_tile(engine, job, &out);
	if (job->want_bytes)
		land(engine, job, out.bytes, NULL);
	/* The next mount must meet the damage again, to tell of it. */
	if (job->keep && !tf_damage_touches(engine->damage, job->ordinal))
		tf_overviews_keep(engine, job->tile, out.bytes, out.quarter);
	g_clear_pointer(&out.bytes, g_bytes_unref);
	return out.quarter;
}

/* The pass was cancelled.  What others came to wait for is made for them. */
static void drop(TfEngine *engine, TileJob *job)
{
	if (!job->want_bytes || is_target(job) || tf_flight_forget(engine->flight, job->ordinal))
		return;
	g_mutex_lock(&engine->lock);
	Pass *pass = tf_pass_demand_locked(engine, job->tile);
	g_hash_table_replace(engine->demands, GSIZE_TO_POINTER(job->ordinal), pass);
	g_mutex_unlock(&engine->lock);
}

static TileJob *run_one(TfEngine *engine, TileJob *job)
{
	TfSamples *quarter = NULL;
	Group *group = job->group;
	g_mutex_lock(&engine->lock);
	bool cancelled = group->pass->cancelled;
	g_mutex_unlock(&engine->lock);
	if (!cancelled && job->want_bytes && job->passed >= 0)
		hand_out(engine, job);
	if (cancelled)
		drop(engine, job);
	else if (job->stored)
		quarter = g_steal_pointer(&job->stored);
	else if (!job->error && !is_blank(job) && !is_handed_out(job))
		quarter = render(engine, job);
	if (!cancelled && job->want_bytes && job->error)
		land(engine, job, NULL, job->error);
	g_mutex_lock(&engine->lock);
	TileJob *next = hand_up_locked(job, quarter);
	tf_group_finish_locked(engine, group);
	g_mutex_unlock(&engine->lock);
	job_free(job);
	return next;
}

void tf_tile_job_run(TfEngine *engine, TileJob *job)
{
	while (job)
		job = run_one(engine, job);
	tf_lru_trim(engine->lru);
}
