/* SPDX-License-Identifier: MIT */
#include "damage.h"
#include "engine_private.h"

#include <string.h>
#include <tiffuse/log.h>
#include <tiffuse/sandbox.h>
#include <tiffuse/text.h>
#include <unistd.h>

void tf_status_add(GString *out, const char *key, uint64_t value)
{
	g_string_append_printf(out, "%s: %" G_GUINT64_FORMAT "\n", key, value);
}

void tf_status_add_text(GString *out, const char *key, const char *value)
{
	g_autofree char *printable = tf_text_printable(value);
	g_string_append_printf(out, "%s: %s\n", key, printable);
}

static void add_mosaic(GString *out, const TfMosaic *m)
{
	g_autofree char *file = g_strconcat(m->name, ".tif", NULL);
	tf_status_add_text(out, "version", TF_VERSION);
	tf_status_add_text(out, "source", m->source);
	tf_status_add_text(out, "file", file);
	tf_status_add_text(out, "fingerprint", m->fingerprint);
	tf_status_add(out, "pid", (uint64_t)getpid());
	tf_status_add(out, "width", (uint64_t)m->pyramid.level[0].width);
	tf_status_add(out, "height", (uint64_t)m->pyramid.level[0].height);
	tf_status_add(out, "sources", tf_scene_n_placed(m->scene));
	tf_status_add(out, "sources_missing", m->n_missing);
	tf_status_add(out, "headers_read", m->headers_read);
	tf_status_add(out, "headers_known", m->headers_known);
	tf_status_add(out, "streams_read", m->streams_read);
	tf_status_add(out, "grid_holes", (uint64_t)m->arrangement->n_holes);
	tf_status_add(out, "levels", (uint64_t)m->pyramid.n_levels);
	tf_status_add(out, "tile", (uint64_t)m->pyramid.tile);
	g_string_append_printf(out, "layout: %s\n", tf_layout_order_name(m->layout.order));
	g_string_append_printf(out, "compression: %s\npixel_space: %s\n", tf_compression_name(m->encoder.compression),
	                       tf_mosaic_space_name(m));
	g_autofree char *pixel = tf_mosaic_pixel_size_text(m);
	g_string_append_printf(out, "pixel_size: %s\n", pixel ? pixel : "unknown");
	tf_status_add_text(out, "blend", tf_blend_name(tf_scene_blend(m->scene)));
	tf_status_add_text(out, "flat", m->flat ? tf_flat_path(m->flat) : "none");
	tf_status_add(out, "apparent_bytes", m->layout.file_bytes);
	tf_status_add(out, "estimated_bytes", tf_mosaic_estimate_bytes(m));
	tf_status_add(out, "header_bytes", tf_header_size(m->header));
	tf_status_add(out, "slot_bytes", m->layout.slot_bytes);
	tf_status_add(out, "tiles_total", m->layout.n_slots);
	tf_status_add(out, "tiles_blank", m->blank_slots);
	tf_status_add(out, "tiles_from_sources", m->passed_slots);
	tf_status_add(out, "pixels_sources", m->source_px);
}

static void add_counters(GString *out, const TfEngine *engine)
{
	const TfCounters *c = &engine->counters;
	uint64_t made = 0;
	for (int k = 0; k < engine->mosaic->pyramid.n_levels; k++)
		made += c->tiles_made[k];
	tf_status_add(out, "tiles_made", made);
	for (int k = 0; k < engine->mosaic->pyramid.n_levels; k++)
		g_string_append_printf(out, "tiles_made_level_%d: %" G_GUINT64_FORMAT "\n", k, (uint64_t)c->tiles_made[k]);
	tf_status_add(out, "tiles_passed", c->passed);
	tf_status_add(out, "tile_hits", c->tile_hits);
	tf_status_add(out, "tiles_requantised", c->requantised);
	tf_status_add(out, "encoded_bytes", c->encoded_bytes);
	tf_status_add(out, "pixels_decoded", c->decoded_px);
	tf_status_add(out, "pixels_skipped", c->skipped_px);
	tf_status_add(out, "pixels_encoded", c->encoded_px);
	tf_status_add(out, "regions_prepared", c->regions);
	tf_status_add(out, "reads", c->reads);
	tf_status_add(out, "hole_reads", c->hole_reads);
	tf_status_add(out, "errors", c->errors);
	if (engine->mosaic->digests) {
		TfDigestCounts counts = tf_digests_count(engine->mosaic->digests);
		tf_status_add(out, "digests_checked", counts.checked);
		tf_status_add(out, "digests_taken", counts.taken);
		tf_status_add(out, "digests_differing", counts.differing);
	}
	g_string_append_printf(out, "on_error: %s\n", engine->mosaic->paint_damage ? "fill" : "eio");
	tf_damage_describe(engine->damage, out);
}

void tf_status_add_process(GString *out)
{
	static const char *const names[] = {
	        [TF_MEMORY_STRIPS] = "memory_strips_bytes",   [TF_MEMORY_TILES] = "memory_tiles_bytes",
	        [TF_MEMORY_CURSORS] = "memory_cursors_bytes", [TF_MEMORY_CANVASES] = "memory_canvases_bytes",
	        [TF_MEMORY_SCENE] = "memory_scene_bytes",     [TF_MEMORY_HEADER] = "memory_header_bytes",
	        [TF_MEMORY_FLAT] = "memory_flat_bytes",
	};
	tf_status_add(out, "memory_used_bytes", tf_memory_total());
	for (int i = 0; i < TF_MEMORY_CLASSES; i++)
		tf_status_add(out, names[i], tf_memory_used(i));
	tf_status_add(out, "memory_peak_rss_bytes", tf_memory_peak_rss());
	g_string_append_printf(out, "sandbox: %s\nsandbox_missing: %s\n", tf_sandbox_in_force(), tf_sandbox_missing());
}

static void add_memory(GString *out, TfEngine *engine)
{
	tf_status_add(out, "memory_target_bytes", engine->mosaic->memory_bytes);
	tf_status_add(out, "memory_limit_bytes", tf_lru_limit(engine->lru));
	tf_status_add_process(out);
	tf_status_add(out, "memory_fixed_bytes", engine->mosaic->fixed_bytes);
	tf_status_add(out, "overview_bytes", engine->overview ? tf_overview_bytes(engine->overview) : 0);
	tf_status_add(out, "overview_hits", engine->counters.overview_hits);
	tf_status_add(out, "spool_bytes", tf_spool_bytes(engine->spool));
	tf_status_add(out, "open_files", tf_sources_open_files(engine->mosaic->sources));
	tf_status_add(out, "threads", engine->n_threads);
}

/* How much of the mosaic the sweep has planned; 100 when it is done or there
 * is none. */
static double sweep_percent_locked(const TfEngine *engine)
{
	const Pass *pass = engine->sweep;
	if (!pass || (pass->exhausted && pass->open_groups == 0))
		return 100;
	const TileRange *all = &pass->range;
	double rows = (double)pass->next_row + (pass->exhausted ? 0 : (double)pass->next_col / (double)all->c1 * 4);
	return MIN(100.0 * rows / (double)all->r1, 99.9);
}

/* How far the furthest reader that moves forward has come. */
static void add_forward(GString *out, TfEngine *engine)
{
	uint64_t furthest = 0;
	unsigned n = 0, readers, work;
	g_mutex_lock(&engine->lock);
	for (GList *link = engine->readers.head; link; link = link->next) {
		const TfReader *reader = link->data;
		if (!reader->pass)
			continue;
		n++;
		furthest = MAX(furthest, reader->next_ordinal);
	}
	readers = engine->readers.length;
	double swept = sweep_percent_locked(engine);
	work = g_hash_table_size(engine->strip_jobs) + g_hash_table_size(engine->demands);
	g_mutex_unlock(&engine->lock);
	tf_status_add(out, "readers", readers);
	tf_status_add(out, "forward_readers", n);
	g_string_append_printf(out, "forward_percent: %.1f\n",
	                       100.0 * (double)furthest / (double)engine->mosaic->layout.n_slots);
	g_string_append_printf(out, "sweep_percent: %.1f\n", swept);
	tf_status_add(out, "jobs_waiting", work);
}

uint64_t tf_engine_damaged_tiles(TfEngine *engine)
{
	return tf_damage_tiles(engine->damage);
}

char *tf_engine_status(TfEngine *engine)
{
	GString *out = g_string_new(NULL);
	add_mosaic(out, engine->mosaic);
	add_counters(out, engine);
	add_forward(out, engine);
	tf_watch_add_status(engine, out);
	add_memory(out, engine);
	return g_string_free(out, FALSE);
}
