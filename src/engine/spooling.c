/* SPDX-License-Identifier: MIT */
#include "spooling.h"

#include <string.h>
#include <tiffuse/log.h>

/* What stands in front of the planes in the spool. */
typedef struct {
	TfSpace space;
	int32_t x0, y0, width, height;
	uint64_t offset[TF_MAX_PLANES], stride[TF_MAX_PLANES];
} Meta;

bool tf_spooling_is_big(const TfEngine *engine, const TfStrip *strip)
{
	return strip->samples->bytes > tf_lru_limit(engine->lru) / 16;
}

bool tf_spooling_store(TfEngine *engine, uint64_t key, const TfStrip *strip)
{
	const TfSamples *samples = strip->samples;
	Meta meta = {.space = samples->space,
	             .x0 = strip->x0,
	             .y0 = strip->y0,
	             .width = samples->width,
	             .height = samples->height};
	struct iovec pieces[1 + TF_MAX_PLANES] = {{&meta, sizeof meta}};
	uint64_t at = sizeof meta;
	int n = tf_space_planes(samples->space);
	for (int p = 0; p < n; p++) {
		const TfPlane *plane = &samples->plane[p];
		meta.offset[p] = at;
		meta.stride[p] = (uint64_t)plane->stride;
		pieces[1 + p] = (struct iovec){plane->data, (size_t)plane->stride * (size_t)plane->height};
		at += pieces[1 + p].iov_len;
	}
	g_autoptr(GError) error = NULL;
	if (tf_spool_put(engine->spool, key, pieces, 1 + n, &error))
		return true;
	if (!g_error_matches(error, TF_ERROR, TF_ERROR_UNSUPPORTED)) /* switched off: as asked for, or told before */
		tf_log_once(TF_LOG_WARNING, "spool", "%s; some rows will be decoded again", error->message);
	return false;
}

/* The columns, widened to whole chroma samples, as a strip to be filled. */
static TfStrip *new_window(const Meta *meta, TfColumns columns, GError **error)
{
	int h = meta->space.hsamp;
	int32_t x0 = MAX(columns.x0 / h * h, meta->x0);
	int32_t x1 = MIN((int32_t)tf_ceil_div(columns.x1, h) * h, meta->x0 + meta->width);
	TfSamples *samples = tf_samples_new(meta->space, x1 - x0, meta->height, 0, TF_MEMORY_STRIPS, error);
	if (!samples)
		return NULL;
	TfStrip *strip = tf_strip_new(x0, meta->y0, samples);
	strip->all = (TfColumns){meta->x0, meta->x0 + meta->width};
	return strip;
}

static size_t first_byte(const Meta *meta, const TfStrip *window, int plane)
{
	return (size_t)((window->x0 - meta->x0) / tf_space_hsamp(meta->space, plane) * tf_space_pixel_bytes(meta->space));
}

TfStrip *tf_spooling_load(TfEngine *engine, uint64_t key, TfColumns columns)
{
	Meta meta;
	g_autoptr(GError) error = NULL;
	if (!tf_spool_contains(engine->spool, key) ||
	    !tf_spool_read(engine->spool, key, 0, 0, sizeof meta, 1, (uint8_t *)&meta, 0, &error))
		return NULL;
	g_autoptr(TfStrip) window = new_window(&meta, columns, &error);
	for (int p = 0; window && p < tf_space_planes(meta.space); p++) {
		const TfPlane *to = &window->samples->plane[p];
		if (!tf_spool_read(engine->spool, key, meta.offset[p] + first_byte(&meta, window, p), meta.stride[p],
		                   (size_t)to->width * (size_t)tf_space_pixel_bytes(meta.space), (uint32_t)to->height, to->data,
		                   to->stride, &error))
			g_clear_pointer(&window, tf_strip_unref);
	}
	if (!window)
		tf_log_once(TF_LOG_WARNING, "spool", "%s; some rows will be decoded again", error->message);
	return g_steal_pointer(&window);
}

TfStrip *tf_spooling_crop(const TfStrip *strip, TfColumns columns, GError **error)
{
	const TfSamples *from = strip->samples;
	Meta meta = {.space = from->space, .x0 = strip->x0, .y0 = strip->y0, .width = from->width, .height = from->height};
	TfStrip *window = new_window(&meta, columns, error);
	for (int p = 0; window && p < tf_space_planes(meta.space); p++) {
		const TfPlane *to = &window->samples->plane[p], *all = &from->plane[p];
		for (int32_t y = 0; y < to->height; y++)
			memcpy(to->data + y * to->stride, all->data + y * all->stride + first_byte(&meta, window, p),
			       (size_t)(to->width * tf_space_pixel_bytes(meta.space)));
	}
	return window;
}

void tf_spooling_on_evict(uint64_t key, void *strip, void *data)
{
	TfEngine *engine = data;
	if (tf_source_is_whole(engine->mosaic->sources, tf_strip_source(key)))
		tf_spooling_store(engine, key, strip);
}
