/* SPDX-License-Identifier: MIT
 *
 * The tile is cut along the edges of its sources into cells that each lie in
 * the same sources: bands of rows first, then each band by columns.  Cells of
 * one source, most of the picture, are copied.
 *
 * Sums are whole numbers in doubles, which are exact up to 2^53: a weight is at
 * most 2^24, a sample 2^16, so up to 2^13 sources may lie on one pixel, and the
 * quotient is then at least 2^-38 away from the next whole number above it and
 * never rounded up to it.  64-bit integers do the same, but their division
 * takes several times as long.
 */
#include "blend.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_RAMP = 1 << 12, MAX_BANDS = 3 };

typedef struct {
	const TfComposeTarget *target;
	const TfTileInput *input;
	int pixel_bytes;
	uint32_t *active; /* fragments that lie in the present band of rows */
	uint32_t *inside; /* ... and in the present cell */
	int64_t *edges;   /* two lists: of rows, of columns */
	double *sums;     /* one row: bands numerators, then the weight, for each pixel */
} Blend;

static void blend_clear(Blend *blend)
{
	g_free(blend->active);
	g_free(blend->inside);
	g_free(blend->edges);
	g_free(blend->sums);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Blend, blend_clear)

static const TfRect *rect_of(const Blend *blend, uint32_t fragment)
{
	return &blend->input->fragments[fragment].rect;
}

static int compare_edges(const void *a, const void *b)
{
	int64_t i = *(const int64_t *)a, k = *(const int64_t *)b;
	return (i > k) - (i < k);
}

static size_t sort_edges(int64_t *edges, size_t n)
{
	qsort(edges, n, sizeof *edges, compare_edges);
	size_t kept = 1;
	for (size_t i = 1; i < n; i++)
		if (edges[i] != edges[kept - 1])
			edges[kept++] = edges[i];
	return kept;
}

/* --- one cell ------------------------------------------------------------------ */

static uint8_t *target_at(const Blend *blend, int64_t x, int64_t y)
{
	const TfComposeTarget *t = blend->target;
	return t->to.data + (y - t->top) * t->to.stride + (x - t->left) * blend->pixel_bytes;
}

static const uint8_t *source_at(const Blend *blend, uint32_t fragment, int64_t x, int64_t y)
{
	const TfStrip *strip = blend->input->strips[fragment];
	const TfSource *source =
	        tf_scene_source(blend->target->scene, (uint32_t)blend->input->fragments[fragment].source);
	const TfPlane *plane = &strip->samples->plane[0];
	return plane->data + (y - source->y - strip->y0) * plane->stride + (x - source->x - strip->x0) * blend->pixel_bytes;
}

static void fill_cell(const Blend *blend, TfRect cell)
{
	for (int64_t y = cell.y0; y < cell.y1; y++) {
		uint8_t *out = target_at(blend, cell.x0, y);
		for (int64_t i = 0; i < cell.x1 - cell.x0; i++)
			memcpy(out + i * blend->pixel_bytes, blend->target->background, (size_t)blend->pixel_bytes);
	}
}

static void copy_cell(const Blend *blend, TfRect cell)
{
	for (int64_t y = cell.y0; y < cell.y1; y++)
		memcpy(target_at(blend, cell.x0, y), source_at(blend, blend->inside[0], cell.x0, y),
		       (size_t)((cell.x1 - cell.x0) * blend->pixel_bytes));
}

/* The distance of a pixel from the edges before and behind it, in pixels. */
static int32_t ramp(int64_t at, int64_t begin, int64_t end)
{
	return (int32_t)MIN(MIN(at - begin + 1, end - at), MAX_RAMP);
}

/* One row of a source into the sums; inlined for each kind of sample, since the
 * loop is what blending costs. */
static inline __attribute__((always_inline)) void add_samples(double *restrict sums, const void *restrict in, double wy,
                                                              int64_t before, int64_t after, int64_t n, int bands,
                                                              bool deep)
{
	const uint8_t *bytes = in;
	const uint16_t *words = in;
	for (int64_t i = 0; i < n; i++) {
		double w = wy * ramp(i, -before, after);
		for (int b = 0; b < bands; b++)
			sums[i * (bands + 1) + b] += w * (deep ? words[i * bands + b] : bytes[i * bands + b]);
		sums[i * (bands + 1) + bands] += w;
	}
}

static void add_row(TfSpace space, double *sums, const void *in, double wy, int64_t before, int64_t after, int64_t n)
{
	bool rgb = space.kind == TF_SPACE_RGB;
	if (space.deep && rgb)
		add_samples(sums, in, wy, before, after, n, 3, true);
	else if (space.deep)
		add_samples(sums, in, wy, before, after, n, 1, true);
	else if (rgb)
		add_samples(sums, in, wy, before, after, n, 3, false);
	else
		add_samples(sums, in, wy, before, after, n, 1, false);
}

static void finish_row(TfSpace space, const double *restrict sums, void *restrict out, int64_t n)
{
	int bands = tf_space_bands(space);
	uint8_t *bytes = out;
	uint16_t *words = out;
	for (int64_t i = 0; i < n; i++) {
		double weight = sums[i * (bands + 1) + bands];
		for (int b = 0; b < bands; b++) {
			double mean = (sums[i * (bands + 1) + b] + weight / 2) / weight;
			if (space.deep)
				words[i * bands + b] = (uint16_t)mean;
			else
				bytes[i * bands + b] = (uint8_t)mean;
		}
	}
}

static void blend_cell(const Blend *blend, TfRect cell, uint32_t n_inside)
{
	TfSpace space = blend->target->space;
	int64_t width = cell.x1 - cell.x0;
	for (int64_t y = cell.y0; y < cell.y1; y++) {
		memset(blend->sums, 0, sizeof(double) * (size_t)(width * (tf_space_bands(space) + 1)));
		for (uint32_t i = 0; i < n_inside; i++) {
			int64_t source = blend->input->fragments[blend->inside[i]].source;
			TfRect r = tf_scene_source(blend->target->scene, (uint32_t)source)->part;
			add_row(space, blend->sums, source_at(blend, blend->inside[i], cell.x0, y), ramp(y, r.y0, r.y1),
			        cell.x0 - r.x0, r.x1 - cell.x0, width);
		}
		finish_row(space, blend->sums, target_at(blend, cell.x0, y), width);
	}
}

/* --- cells --------------------------------------------------------------------- */

static void compose_cell(const Blend *blend, TfRect cell, uint32_t n_active)
{
	uint32_t n_inside = 0;
	for (uint32_t i = 0; i < n_active; i++) {
		const TfRect *r = rect_of(blend, blend->active[i]);
		if (r->x0 <= cell.x0 && r->x1 >= cell.x1)
			blend->inside[n_inside++] = blend->active[i];
	}
	if (n_inside == 0)
		fill_cell(blend, cell);
	else if (n_inside == 1)
		copy_cell(blend, cell);
	else
		blend_cell(blend, cell, n_inside);
}

static void compose_rows(const Blend *blend, TfRect rows, int64_t *edges)
{
	uint32_t n_active = 0;
	size_t n_edges = 0;
	edges[n_edges++] = rows.x0;
	edges[n_edges++] = rows.x1;
	for (uint32_t i = 0; i < blend->input->n_fragments; i++) {
		const TfRect *r = rect_of(blend, i);
		if (r->y0 > rows.y0 || r->y1 < rows.y1)
			continue;
		blend->active[n_active++] = i;
		edges[n_edges++] = r->x0;
		edges[n_edges++] = r->x1;
	}
	n_edges = sort_edges(edges, n_edges);
	for (size_t i = 0; i + 1 < n_edges; i++)
		compose_cell(blend, (TfRect){edges[i], rows.y0, edges[i + 1], rows.y1}, n_active);
}

bool tf_blend(const TfComposeTarget *t, const TfTileInput *input)
{
	uint32_t n = input->n_fragments;
	size_t n_edges = 0, max_edges = 2 * (size_t)n + 2;
	g_auto(Blend) blend = {.target = t, .input = input, .pixel_bytes = tf_space_pixel_bytes(t->space)};
	blend.active = g_try_new(uint32_t, n + 1);
	blend.inside = g_try_new(uint32_t, n + 1);
	blend.edges = g_try_new(int64_t, 2 * max_edges);
	blend.sums = g_try_new(double, (size_t)t->to.width * (MAX_BANDS + 1));
	if (!blend.active || !blend.inside || !blend.edges || !blend.sums)
		return false;
	TfRect all = {t->left, t->top, t->left + t->to.width, t->top + t->to.height};
	blend.edges[n_edges++] = all.y0;
	blend.edges[n_edges++] = all.y1;
	for (uint32_t i = 0; i < n; i++) {
		blend.edges[n_edges++] = input->fragments[i].rect.y0;
		blend.edges[n_edges++] = input->fragments[i].rect.y1;
	}
	n_edges = sort_edges(blend.edges, n_edges);
	for (size_t i = 0; i + 1 < n_edges; i++)
		compose_rows(&blend, (TfRect){all.x0, blend.edges[i], all.x1, blend.edges[i + 1]}, blend.edges + max_edges);
	return true;
}
