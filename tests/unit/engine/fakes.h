/* SPDX-License-Identifier: MIT
 *
 * All of pixels/ that the engine calls, made up: sources whose samples are a
 * function of their place, that fail when they are told to, and tiles that are
 * their own samples.  A program that defines these is linked before the
 * library, so that the engine alone runs, thousands of tiles a second and with
 * nothing that ThreadSanitizer cannot see.  What the contracts promise (one
 * thread at a time for a cursor, rows in order, strips that cover what was
 * asked for) is asserted here.
 */
#pragma once
#include <stdatomic.h>
#include <string.h>
#include <tiffuse/mosaic.h>
#include <tiffuse/probe.h>
#include <tiffuse/vips_env.h>

enum { FAKE_WIDTH = 90, FAKE_HEIGHT = 70, FAKE_BACKGROUND = 7 };

static struct {
	_Atomic unsigned one_in; /* one decoding in so many fails; 0: none */
	_Atomic unsigned slow;   /* one in so many takes 0.2 ms */
	_Atomic unsigned calls, cursors;
} fake;

static inline uint8_t fake_sample(uint32_t source, int32_t x, int32_t y)
{
	uint32_t h = source * 2654435761u ^ (uint32_t)x * 40503u ^ (uint32_t)y * 2246822519u;
	return (uint8_t)((h ^ h >> 15) * 2246822519u >> 24);
}

static inline bool fake_luck(GError **error)
{
	unsigned n = atomic_fetch_add(&fake.calls, 1), one_in = fake.one_in, slow = fake.slow;
	uint32_t h = (n + 1) * 2654435761u >> 8;
	if (slow && h % slow == 0)
		g_usleep(200);
	if (!one_in || h % one_in != 1 % one_in)
		return true;
	g_set_error(error, TF_ERROR, TF_ERROR_IO, "made up");
	return false;
}

/* --- probe --------------------------------------------------------------------- */

void tf_profiles_free(TfProfiles *profiles)
{
	if (!profiles)
		return;
	g_ptr_array_unref(profiles->profiles);
	g_free(profiles);
}

bool tf_probe_all(const char *const *paths, uint32_t n, const TfProbeOptions *options, TfImageInfo *infos,
                  TfProfiles **profiles, GError **error)
{
	for (uint32_t i = 0; i < n; i++)
		infos[i] = (TfImageInfo){.codec = TF_CODEC_JPEG,
		                         .colour = TF_COLOUR_GREY,
		                         .width = FAKE_WIDTH,
		                         .height = FAKE_HEIGHT,
		                         .bands = 1,
		                         .orientation = 1,
		                         .progressive = i % 5 == 3};
	*profiles = g_new0(TfProfiles, 1);
	(*profiles)->profiles = g_ptr_array_new();
	g_ptr_array_add((*profiles)->profiles, NULL);
	return true;
}

/* --- sources ------------------------------------------------------------------- */

struct _TfSources {
	const TfScene *scene;
	TfSpace space;
};

struct _TfCursor {
	TfSources *sources;
	uint32_t index;
	int32_t next_row;
	_Atomic bool busy;
};

enum { FAKE_CURSOR_BYTES = 300 * 1000 };

TfSources *tf_sources_new(const TfScene *scene, const TfProfiles *profiles, const TfSourcesOptions *options)
{
	TfSources *sources = g_new0(TfSources, 1);
	*sources = (TfSources){scene, options->space};
	return sources;
}

void tf_sources_free(TfSources *sources)
{
	g_free(sources);
}

unsigned tf_sources_open_files(TfSources *sources)
{
	return 0;
}

bool tf_source_is_whole(const TfSources *sources, uint32_t index)
{
	return tf_scene_source(sources->scene, index)->info.progressive;
}

uint64_t tf_source_decode_bytes(const TfSources *sources, uint32_t index)
{
	return FAKE_CURSOR_BYTES;
}

TfStrip *tf_strip_new(int32_t x0, int32_t y0, TfSamples *samples)
{
	TfStrip *strip = g_new0(TfStrip, 1);
	strip->x0 = x0;
	strip->y0 = y0;
	strip->samples = samples;
	g_atomic_ref_count_init(&strip->refs);
	return strip;
}

TfStrip *tf_strip_ref(TfStrip *strip)
{
	g_atomic_ref_count_inc(&strip->refs);
	return strip;
}

void tf_strip_unref(TfStrip *strip)
{
	if (!strip || !g_atomic_ref_count_dec(&strip->refs))
		return;
	tf_samples_unref(strip->samples);
	g_free(strip);
}

static inline TfStrip *fake_strip(const TfSources *sources, uint32_t index, int32_t y0, int32_t y1, GError **error)
{
	TfSamples *samples = tf_samples_new(sources->space, FAKE_WIDTH, y1 - y0, 0, TF_MEMORY_STRIPS, error);
	for (int32_t y = y0; samples && y < y1; y++)
		for (int32_t x = 0; x < FAKE_WIDTH; x++)
			samples->plane[0].data[(y - y0) * samples->plane[0].stride + x] = fake_sample(index, x, y);
	return samples ? tf_strip_new(0, y0, samples) : NULL;
}

TfCursor *tf_cursor_open(TfSources *sources, uint32_t index, int32_t first_row, GError **error)
{
	if (!fake_luck(error))
		return NULL;
	TfCursor *cursor = g_new0(TfCursor, 1);
	cursor->sources = sources;
	cursor->index = index;
	cursor->next_row = first_row;
	tf_memory_count(TF_MEMORY_CURSORS, FAKE_CURSOR_BYTES);
	atomic_fetch_add(&fake.cursors, 1);
	return cursor;
}

void tf_cursor_free(TfCursor *cursor)
{
	if (!cursor)
		return;
	g_assert_false(cursor->busy);
	tf_memory_count(TF_MEMORY_CURSORS, -(int64_t)FAKE_CURSOR_BYTES);
	atomic_fetch_sub(&fake.cursors, 1);
	g_free(cursor);
}

bool tf_cursor_suits(const TfCursor *cursor, int32_t row)
{
	return row >= cursor->next_row;
}

size_t tf_cursor_bytes(const TfCursor *cursor)
{
	return FAKE_CURSOR_BYTES;
}

TfStrip *tf_cursor_read(TfCursor *cursor, int32_t y0, int32_t y1, TfDecodeCount *count, GError **error)
{
	g_assert_false(atomic_exchange(&cursor->busy, true));
	g_assert_cmpint(y0, >=, cursor->next_row);
	g_assert_cmpint(y1, <=, FAKE_HEIGHT);
	g_assert_cmpint(y0, <, y1);
	TfStrip *strip = fake_luck(error) ? fake_strip(cursor->sources, cursor->index, y0, y1, error) : NULL;
	cursor->next_row = y1;
	count->decoded_px += (uint64_t)(FAKE_WIDTH * (y1 - y0));
	g_assert_true(atomic_exchange(&cursor->busy, false));
	return strip;
}

bool tf_source_read_whole(TfSources *sources, uint32_t index, const TfRows *ranges, uint32_t n, TfStrip **strips,
                          TfDecodeCount *count, GError **error)
{
	if (!fake_luck(error))
		return false;
	for (uint32_t i = 0; i < n; i++) {
		strips[i] = fake_strip(sources, index, ranges[i].y0, ranges[i].y1, NULL);
		g_assert_nonnull(strips[i]);
	}
	return true;
}

/* --- tiles ---------------------------------------------------------------------- */

struct _TfCanvas {
	const TfScene *scene;
	const TfPyramid *pyramid;
	const TfEncoder *encoder;
};

TfCanvas *tf_canvas_new(const TfScene *scene, const TfPyramid *pyramid, const TfEncoder *encoder,
                        const uint8_t background[3], GError **error)
{
	TfCanvas *canvas = g_new0(TfCanvas, 1);
	*canvas = (TfCanvas){scene, pyramid, encoder};
	return canvas;
}

void tf_canvas_free(TfCanvas *canvas)
{
	g_free(canvas);
}

static inline void fake_halve(const uint8_t *in, ptrdiff_t in_stride, int64_t w, int64_t h, uint8_t *out,
                              ptrdiff_t out_stride)
{
	for (int64_t y = 0; y < h; y += 2)
		for (int64_t x = 0; x < w; x += 2) {
			int64_t x1 = MIN(x + 1, w - 1), y1 = MIN(y + 1, h - 1);
			out[y / 2 * out_stride + x / 2] = (uint8_t)((in[y * in_stride + x] + in[y * in_stride + x1] +
			                                             in[y1 * in_stride + x] + in[y1 * in_stride + x1] + 2) >> 2);
		}
}

/* The samples of the strip must be there for all of the fragment. */
static inline void fake_paint(const TfCanvas *canvas, const TfFragment *f, const TfStrip *strip, TfRect tile,
                              uint8_t *to, ptrdiff_t stride)
{
	const TfSource *source = tf_scene_source(canvas->scene, (uint32_t)f->source);
	const TfPlane *plane = &strip->samples->plane[0];
	int64_t x0 = f->rect.x0 - source->x - strip->x0, y0 = f->rect.y0 - source->y - strip->y0;
	g_assert_true(x0 >= 0 && x0 + (f->rect.x1 - f->rect.x0) <= strip->samples->width);
	g_assert_true(y0 >= 0 && y0 + (f->rect.y1 - f->rect.y0) <= strip->samples->height);
	for (int64_t y = f->rect.y0; y < f->rect.y1; y++, y0++)
		memcpy(to + (y - tile.y0) * stride + (f->rect.x0 - tile.x0), plane->data + y0 * plane->stride + x0,
		       (size_t)(f->rect.x1 - f->rect.x0));
}

static inline void fake_join(const TfCanvas *canvas, TfSamples *const *quarters, uint8_t *to)
{
	int32_t side = canvas->encoder->tile;
	for (int i = 0; i < 4; i++)
		for (int32_t y = 0; quarters[i] && y < quarters[i]->height; y++)
			memcpy(to + (i / 2 * side / 2 + y) * side + i % 2 * side / 2,
			       quarters[i]->plane[0].data + y * quarters[i]->plane[0].stride, (size_t)quarters[i]->width);
}

bool tf_canvas_render(const TfCanvas *canvas, const TfTileInput *input, bool want_bytes, bool want_quarter,
                      TfTileOutput *out, GError **error)
{
	if (!fake_luck(error))
		return false;
	int32_t side = canvas->encoder->tile;
	TfRect rect = tf_pyramid_tile_rect(canvas->pyramid, input->tile);
	int32_t w = (int32_t)(rect.x1 - rect.x0), h = (int32_t)(rect.y1 - rect.y0);
	g_autofree uint8_t *samples = g_malloc((gsize)(side * side));
	memset(samples, FAKE_BACKGROUND, (gsize)(side * side));
	for (uint32_t i = 0; i < input->n_fragments; i++)
		if (input->fragments[i].source >= 0)
			fake_paint(canvas, &input->fragments[i], input->strips[i], rect, samples, side);
	if (input->tile.level > 0)
		fake_join(canvas, input->quarters, samples);
	TfSamples *half = NULL;
	if (want_quarter) {
		half = tf_samples_new(canvas->encoder->space, (w + 1) / 2, (h + 1) / 2, 0, TF_MEMORY_CANVASES, NULL);
		fake_halve(samples, side, w, h, half->plane[0].data, half->plane[0].stride);
	}
	*out = (TfTileOutput){.quarter = half, .regions = 1};
	if (want_bytes)
		out->bytes = tf_encode_counted(samples, (size_t)(side * side), NULL);
	return true;
}

GBytes *tf_canvas_blank(const TfCanvas *canvas, GError **error)
{
	gsize n = (gsize)(canvas->encoder->tile * canvas->encoder->tile);
	g_autofree uint8_t *samples = g_malloc(n);
	memset(samples, FAKE_BACKGROUND, n);
	return tf_encode_counted(samples, n, NULL);
}

void tf_background_samples(TfSpace space, const uint8_t rgb[3], uint8_t samples[TF_MAX_PIXEL_BYTES])
{
	memset(samples, FAKE_BACKGROUND, TF_MAX_PIXEL_BYTES);
}

/* --- libvips --------------------------------------------------------------------- */

bool tf_vips_start(GError **error)
{
	return true;
}

void tf_vips_stop(void)
{
}

void tf_vips_thread_end(void)
{
}

const char *tf_vips_versions(void)
{
	return "none";
}
