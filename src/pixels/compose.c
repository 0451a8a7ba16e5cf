/* SPDX-License-Identifier: MIT
 *
 * Composing one plane of a level-0 tile.  Planes at full resolution are
 * copied.  A sample of a subsampled plane is the rounded mean over the pixels
 * that it covers, each taking the chroma sample that covers it in the topmost
 * source, pixels beyond the mosaic's edge those of the edge (design.md, idea 3).
 * Samples that lie within one fragment are computed row by row; those on a
 * seam are summed up over the fragments that meet there.
 */
#include "compose.h"

#include <string.h>

static void fill(const TfPlane *to, int size, TfRect r, const uint8_t *ink)
{
	for (int64_t y = r.y0; y < r.y1; y++) {
		uint8_t *row = to->data + y * to->stride + r.x0 * size;
		if (size == 1) {
			memset(row, *ink, (size_t)(r.x1 - r.x0));
			continue;
		}
		for (int64_t x = 0; x < r.x1 - r.x0; x++)
			memcpy(row + x * size, ink, (size_t)size);
	}
}

static TfRect target_rect(const TfComposeTarget *t)
{
	return (TfRect){t->left, t->top, t->left + t->to.width, t->top + t->to.height};
}

static TfRect in_target(const TfComposeTarget *t, TfRect r)
{
	return (TfRect){r.x0 - t->left, r.y0 - t->top, r.x1 - t->left, r.y1 - t->top};
}

static void compose_full(const TfComposeTarget *t, const TfFragment *fragment, const TfStrip *strip)
{
	int size = tf_space_pixel_bytes(t->space);
	TfRect r = tf_rect_intersect(fragment->rect, target_rect(t)), at = in_target(t, r);
	if (tf_rect_is_empty(r))
		return;
	if (!strip) {
		fill(&t->to, size, at, t->background + t->plane);
		return;
	}
	const TfSource *source = tf_scene_source(t->scene, (uint32_t)fragment->source);
	const TfPlane *from = &strip->samples->plane[t->plane];
	int64_t dx = r.x0 - source->x - strip->x0, dy = r.y0 - source->y - strip->y0;
	for (int64_t y = 0; y < r.y1 - r.y0; y++)
		memcpy(t->to.data + (at.y0 + y) * t->to.stride + at.x0 * size,
		       from->data + (dy + y) * from->stride + dx * size, (size_t)((r.x1 - r.x0) * size));
}

/* One source's chroma plane, addressed by pixels of the mosaic. */
typedef struct {
	const TfPlane *plane; /* NULL: background */
	uint8_t ink;
	int64_t x0, y0; /* mosaic px of the plane's first sample */
	int hsamp, vsamp;
} Chroma;

static Chroma chroma_of(const TfComposeTarget *t, const TfFragment *fragment, const TfStrip *strip)
{
	Chroma chroma = {.ink = t->background[t->plane], .hsamp = t->space.hsamp, .vsamp = t->space.vsamp};
	if (!strip)
		return chroma;
	const TfSource *source = tf_scene_source(t->scene, (uint32_t)fragment->source);
	chroma.plane = &strip->samples->plane[t->plane];
	chroma.x0 = source->x + strip->x0;
	chroma.y0 = source->y + strip->y0;
	return chroma;
}

static uint8_t chroma_at(const Chroma *c, int64_t x, int64_t y)
{
	if (!c->plane)
		return c->ink;
	return c->plane->data[(y - c->y0) / c->vsamp * c->plane->stride + (x - c->x0) / c->hsamp];
}

/* Rows a and b are the same when the source's rows meet the mosaic's; likewise
 * columns: `shifted` says that a sample straddles two of the source's. */
static void mean_row(const uint8_t *restrict a, const uint8_t *restrict b, bool shifted, uint8_t *restrict out,
                     int64_t n)
{
	if (shifted)
		for (int64_t i = 0; i < n; i++)
			out[i] = (uint8_t)((a[i] + a[i + 1] + b[i] + b[i + 1] + 2) >> 2);
	else
		for (int64_t i = 0; i < n; i++)
			out[i] = (uint8_t)((a[i] + b[i] + 1) >> 1);
}

/* Samples `inner` (in samples of the mosaic's plane) lie within the fragment. */
static void compose_inner(const TfComposeTarget *t, const Chroma *c, TfRect inner)
{
	TfRect at = in_target(t, inner);
	if (!c->plane) {
		fill(&t->to, 1, at, &c->ink);
		return;
	}
	int64_t sx = inner.x0 * c->hsamp - c->x0;
	bool shifted = sx % c->hsamp != 0;
	for (int64_t y = inner.y0; y < inner.y1; y++) {
		int64_t sy = y * c->vsamp - c->y0;
		const uint8_t *a = c->plane->data + sy / c->vsamp * c->plane->stride + sx / c->hsamp;
		const uint8_t *b = sy % c->vsamp != 0 ? a + c->plane->stride : a;
		uint8_t *out = t->to.data + (y - t->top) * t->to.stride + at.x0;
		if (a == b && !shifted)
			memcpy(out, a, (size_t)(inner.x1 - inner.x0));
		else
			mean_row(a, b, shifted, out, inner.x1 - inner.x0);
	}
}

typedef void (*SampleFunc)(const TfComposeTarget *t, const TfFragment *fragment, const Chroma *c, uint16_t *sums,
                           int64_t x, int64_t y);

static uint16_t *sum_at(const TfComposeTarget *t, uint16_t *sums, int64_t x, int64_t y)
{
	return &sums[(y - t->top) * t->to.width + (x - t->left)];
}

static void add_sample(const TfComposeTarget *t, const TfFragment *fragment, const Chroma *c, uint16_t *sums,
                       int64_t x, int64_t y)
{
	TfRect r = fragment->rect;
	int64_t last_x = tf_scene_width(t->scene) - 1, last_y = tf_scene_height(t->scene) - 1;
	for (int j = 0; j < c->vsamp; j++) {
		for (int i = 0; i < c->hsamp; i++) {
			int64_t px = MIN(x * c->hsamp + i, last_x), py = MIN(y * c->vsamp + j, last_y);
			if (px >= r.x0 && px < r.x1 && py >= r.y0 && py < r.y1)
				*sum_at(t, sums, x, y) += chroma_at(c, px, py);
		}
	}
}

static void finish_sample(const TfComposeTarget *t, const TfFragment *fragment, const Chroma *c, uint16_t *sums,
                          int64_t x, int64_t y)
{
	int n = c->hsamp * c->vsamp;
	t->to.data[(y - t->top) * t->to.stride + (x - t->left)] = (uint8_t)((*sum_at(t, sums, x, y) + n / 2) / n);
}

static void each_seam_sample(const TfComposeTarget *t, const TfFragment *fragment, const Chroma *c, uint16_t *sums,
                             TfRect outer, TfRect inner, SampleFunc func)
{
	for (int64_t y = outer.y0; y < outer.y1; y++) {
		bool inside = y >= inner.y0 && y < inner.y1 && inner.x0 < inner.x1;
		for (int64_t x = outer.x0; x < outer.x1; x++) {
			if (inside && x == inner.x0)
				x = inner.x1;
			if (x < outer.x1)
				func(t, fragment, c, sums, x, y);
		}
	}
}

/* The samples that the fragment covers wholly (inner) and at all (outer). */
static void sample_rects(const TfComposeTarget *t, TfRect r, TfRect *outer, TfRect *inner)
{
	int h = t->space.hsamp, v = t->space.vsamp;
	TfRect all = target_rect(t);
	*outer = tf_rect_intersect((TfRect){r.x0 / h, r.y0 / v, tf_ceil_div(r.x1, h), tf_ceil_div(r.y1, v)}, all);
	*inner = tf_rect_intersect((TfRect){tf_ceil_div(r.x0, h), tf_ceil_div(r.y0, v), r.x1 / h, r.y1 / v}, all);
}

static bool rects_equal(TfRect a, TfRect b)
{
	return a.x0 == b.x0 && a.y0 == b.y0 && a.x1 == b.x1 && a.y1 == b.y1;
}

static bool compose_subsampled(const TfComposeTarget *t, const TfTileInput *input)
{
	g_autofree uint16_t *sums = NULL;
	for (uint32_t i = 0; i < input->n_fragments; i++) {
		const TfFragment *fragment = &input->fragments[i];
		Chroma chroma = chroma_of(t, fragment, input->strips[i]);
		TfRect outer, inner;
		sample_rects(t, fragment->rect, &outer, &inner);
		if (!tf_rect_is_empty(inner))
			compose_inner(t, &chroma, inner);
		if (rects_equal(outer, inner))
			continue;
		if (!sums)
			sums = g_try_new0(uint16_t, (size_t)t->to.width * (size_t)t->to.height);
		if (!sums)
			return false;
		each_seam_sample(t, fragment, &chroma, sums, outer, inner, add_sample);
	}
	for (uint32_t i = 0; sums && i < input->n_fragments; i++) {
		Chroma chroma = chroma_of(t, &input->fragments[i], input->strips[i]);
		TfRect outer, inner;
		sample_rects(t, input->fragments[i].rect, &outer, &inner);
		each_seam_sample(t, &input->fragments[i], &chroma, sums, outer, inner, finish_sample);
	}
	return true;
}

bool tf_compose(const TfComposeTarget *target, const TfTileInput *input)
{
	if (tf_space_hsamp(target->space, target->plane) * tf_space_vsamp(target->space, target->plane) > 1)
		return compose_subsampled(target, input);
	for (uint32_t i = 0; i < input->n_fragments; i++)
		compose_full(target, &input->fragments[i], input->strips[i]);
	return true;
}
