/* SPDX-License-Identifier: MIT */
#include "blend.h"
#include "compose.h"
#include "vips_private.h"

#include <string.h>

typedef struct {
	TfCanvas *canvas;
	int level, plane;
	VipsImage *image;
} LevelPlane;

struct _TfCanvas {
	const TfScene *scene;
	TfPyramid pyramid;
	TfEncoder encoder;
	uint8_t background[TF_MAX_PIXEL_BYTES]; /* samples */
	LevelPlane planes[TF_MAX_LEVELS][TF_MAX_PLANES];
};

/* The generate function is called by vips_region_prepare() on the same thread;
 * libvips has no way to hand a parameter through.  The alternative, images made
 * for each tile, costs ten times what preparing a region does. */
static _Thread_local const TfTileInput *current;

/* 255 becomes 65535. */
static void deep_background(TfSpace space, const uint8_t rgb[3], double y, uint8_t *samples)
{
	uint16_t deep[3] = {(uint16_t)(rgb[0] * 257), (uint16_t)(rgb[1] * 257), (uint16_t)(rgb[2] * 257)};
	if (space.kind == TF_SPACE_GREY)
		deep[0] = (uint16_t)CLAMP(y * 257 + 0.5, 0, 65535);
	memcpy(samples, deep, sizeof deep);
}

void tf_background_samples(TfSpace space, const uint8_t rgb[3], uint8_t samples[TF_MAX_PIXEL_BYTES])
{
	double r = rgb[0], g = rgb[1], b = rgb[2];
	double y = 0.299 * r + 0.587 * g + 0.114 * b; /* ITU-T T.871, 7 */
	if (space.deep) {
		deep_background(space, rgb, y, samples);
		return;
	}
	memcpy(samples, rgb, 3);
	if (space.kind == TF_SPACE_RGB)
		return;
	samples[0] = (uint8_t)CLAMP(y + 0.5, 0, 255);
	samples[1] = (uint8_t)CLAMP((b - y) / 1.772 + 128.5, 0, 255);
	samples[2] = (uint8_t)CLAMP((r - y) / 1.402 + 128.5, 0, 255);
}

static TfPlane plane_of_region(const VipsRegion *region)
{
	VipsRect r = region->valid;
	return (TfPlane){VIPS_REGION_ADDR(region, r.left, r.top), VIPS_REGION_LSKIP(region), r.width, r.height};
}

static void fill_plane(const TfPlane *plane, int size, int64_t x0, int64_t y0, int64_t x1, int64_t y1,
                       const uint8_t *ink)
{
	for (int64_t y = y0; y < y1; y++) {
		uint8_t *row = plane->data + y * plane->stride;
		if (size == 1)
			memset(row + x0, *ink, (size_t)(x1 - x0));
		else
			for (int64_t x = x0; x < x1; x++)
				memcpy(row + x * size, ink, (size_t)size);
	}
}

static void join_quarters(const TfCanvas *canvas, int plane, const TfTileInput *input, const TfPlane *to)
{
	TfSpace space = canvas->encoder.space;
	int size = tf_space_pixel_bytes(space);
	int64_t half_x = canvas->pyramid.tile / 2 / tf_space_hsamp(space, plane);
	int64_t half_y = canvas->pyramid.tile / 2 / tf_space_vsamp(space, plane);
	for (int i = 0; i < 4; i++) {
		int64_t x0 = i % 2 * half_x, y0 = i / 2 * half_y;
		int64_t x1 = MIN(x0 + half_x, to->width), y1 = MIN(y0 + half_y, to->height);
		if (x0 >= x1 || y0 >= y1)
			continue;
		if (!input->quarters[i]) {
			fill_plane(to, size, x0, y0, x1, y1, canvas->background + plane);
			continue;
		}
		const TfPlane *from = &input->quarters[i]->plane[plane];
		for (int64_t y = y0; y < y1; y++)
			memcpy(to->data + y * to->stride + x0 * size, from->data + (y - y0) * from->stride,
			       (size_t)((x1 - x0) * size));
	}
}

static int generate(VipsRegion *out, void *seq, void *a, void *b, gboolean *stop)
{
	const LevelPlane *p = a;
	TfPlane to = plane_of_region(out);
	if (current->n_fragments == 0) {
		join_quarters(p->canvas, p->plane, current, &to);
		return 0;
	}
	TfComposeTarget target = {.scene = tf_scene_at_level(p->canvas->scene, p->level),
	                          .space = p->canvas->encoder.space,
	                          .plane = p->plane,
	                          .left = out->valid.left,
	                          .top = out->valid.top,
	                          .to = to,
	                          .background = p->canvas->background};
	bool feather = tf_scene_blend(target.scene) == TF_BLEND_FEATHER;
	return (feather ? tf_blend(&target, current) : tf_compose(&target, current)) ? 0 : -1;
}

static VipsInterpretation interpretation_of(TfSpace space, int bands)
{
	if (space.deep)
		return bands == 1 ? VIPS_INTERPRETATION_GREY16 : VIPS_INTERPRETATION_RGB16;
	return bands == 1 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB;
}

static VipsImage *new_plane_image(LevelPlane *p, int64_t width, int64_t height, GError **error)
{
	TfSpace space = p->canvas->encoder.space;
	int bands = tf_space_bands(space);
	if (width > VIPS_MAX_COORD || height > VIPS_MAX_COORD) {
		g_set_error(error, TF_ERROR, TF_ERROR_TOO_LARGE,
		            "the mosaic would have %" G_GINT64_FORMAT "x%" G_GINT64_FORMAT
		            " px; libvips can do %d on a side",
		            width, height, VIPS_MAX_COORD);
		return NULL;
	}
	g_autoptr(VipsImage) image = vips_image_new();
	vips_image_init_fields(image, (int)width, (int)height, bands, space.deep ? VIPS_FORMAT_USHORT : VIPS_FORMAT_UCHAR,
	                       VIPS_CODING_NONE, interpretation_of(space, bands), 1, 1);
	if (vips_image_pipelinev(image, VIPS_DEMAND_STYLE_ANY, NULL) ||
	    vips_image_generate(image, NULL, generate, NULL, p, NULL)) {
		tf_vips_fail(error, TF_ERROR_NO_MEMORY, "cannot set up a level");
		return NULL;
	}
	return g_steal_pointer(&image);
}

TfCanvas *tf_canvas_new(const TfScene *scene, const TfPyramid *pyramid, const TfEncoder *encoder,
                        const uint8_t background[3], GError **error)
{
	g_autoptr(TfCanvas) canvas = g_new0(TfCanvas, 1);
	canvas->scene = scene;
	canvas->pyramid = *pyramid;
	canvas->encoder = *encoder;
	TfSpace space = encoder->space;
	tf_background_samples(space, background, canvas->background);
	for (int k = 0; k < pyramid->n_levels; k++) {
		for (int p = 0; p < tf_space_planes(space); p++) {
			LevelPlane *plane = &canvas->planes[k][p];
			*plane = (LevelPlane){.canvas = canvas, .level = k, .plane = p};
			plane->image = new_plane_image(plane, tf_ceil_div(pyramid->level[k].width, tf_space_hsamp(space, p)),
			                               tf_ceil_div(pyramid->level[k].height, tf_space_vsamp(space, p)), error);
			if (!plane->image)
				return NULL;
		}
	}
	return g_steal_pointer(&canvas);
}

void tf_canvas_free(TfCanvas *canvas)
{
	if (!canvas)
		return;
	for (int k = 0; k < TF_MAX_LEVELS; k++)
		for (int p = 0; p < TF_MAX_PLANES; p++)
			g_clear_object(&canvas->planes[k][p].image);
	g_free(canvas);
}

/* The samples of one tile; the regions live and die within one call. */
typedef struct {
	VipsRegion *regions[TF_MAX_PLANES];
	unsigned n; /* regions; 0 where a strip is seen in place */
	TfPlane planes[TF_MAX_PLANES];
} Prepared;

static void prepared_clear(Prepared *prepared)
{
	for (int p = 0; p < TF_MAX_PLANES; p++)
		g_clear_object(&prepared->regions[p]);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Prepared, prepared_clear)

/* A tile that lies in one source, chroma samples upon chroma samples, is seen
 * where the decoder put it.  Only for halving: it is read once, and then this
 * saves a copy; the encoder is 5% slower on rows that lie as far apart as a
 * source's do than on a copy that has just been written. */
static bool view_strip(const TfCanvas *canvas, const TfTileInput *input, Prepared *prepared)
{
	TfSpace space = canvas->encoder.space;
	TfRect r = tf_pyramid_tile_rect(&canvas->pyramid, input->tile);
	if (input->n_fragments != 1 || !input->strips[0])
		return false;
	TfRect seen = input->fragments[0].rect; /* with a feather, background may surround it */
	if (seen.x0 > r.x0 || seen.y0 > r.y0 || seen.x1 < r.x1 || seen.y1 < r.y1)
		return false;
	const TfSource *source = tf_scene_source(canvas->scene, (uint32_t)input->fragments[0].source);
	const TfStrip *strip = input->strips[0];
	int64_t dx = r.x0 - source->x - strip->x0, dy = r.y0 - source->y - strip->y0;
	if (dx % space.hsamp != 0 || dy % space.vsamp != 0)
		return false;
	for (int p = 0; p < tf_space_planes(space); p++) {
		const TfPlane *from = &strip->samples->plane[p];
		int h = tf_space_hsamp(space, p), v = tf_space_vsamp(space, p);
		prepared->planes[p] = (TfPlane){from->data + dy / v * from->stride + dx / h * tf_space_pixel_bytes(space),
		                                from->stride, (int32_t)tf_ceil_div(r.x1 - r.x0, h),
		                                (int32_t)tf_ceil_div(r.y1 - r.y0, v)};
	}
	return true;
}

static bool prepare(const TfCanvas *canvas, const TfTileInput *input, Prepared *prepared, GError **error)
{
	TfSpace space = canvas->encoder.space;
	TfRect r = tf_pyramid_tile_rect(&canvas->pyramid, input->tile);
	current = input;
	for (int p = 0; p < tf_space_planes(space); p++) {
		int h = tf_space_hsamp(space, p), v = tf_space_vsamp(space, p);
		VipsRect rect = {(int)(r.x0 / h), (int)(r.y0 / v), (int)(tf_ceil_div(r.x1, h) - r.x0 / h),
		                 (int)(tf_ceil_div(r.y1, v) - r.y0 / v)};
		prepared->regions[p] = vips_region_new(canvas->planes[input->tile.level][p].image);
		if (!prepared->regions[p] || vips_region_prepare(prepared->regions[p], &rect))
			return tf_vips_fail(error, TF_ERROR_NO_MEMORY, "cannot compose a tile");
		prepared->planes[p] = plane_of_region(prepared->regions[p]);
		prepared->n++;
	}
	return true;
}

static bool is_full(const TfCanvas *canvas, const Prepared *prepared)
{
	return prepared->planes[0].width == canvas->pyramid.tile && prepared->planes[0].height == canvas->pyramid.tile;
}

/* Tiles at the edge are padded to the full size by repeating the edge. */
static GBytes *encode(const TfCanvas *canvas, const Prepared *prepared, bool *requantised, GError **error)
{
	int32_t tile = canvas->pyramid.tile;
	TfSpace space = canvas->encoder.space;
	if (is_full(canvas, prepared))
		return tf_encode_tile(&canvas->encoder, prepared->planes, requantised, error);
	g_autoptr(TfSamples) padded = tf_samples_new(space, tile, tile, 0, TF_MEMORY_CANVASES, error);
	if (!padded)
		return NULL;
	for (int p = 0; p < tf_space_planes(space); p++)
		tf_plane_pad(&prepared->planes[p], space, &padded->plane[p]);
	return tf_encode_tile(&canvas->encoder, padded->plane, requantised, error);
}

static TfSamples *halve(const TfCanvas *canvas, const Prepared *prepared, GError **error)
{
	TfSpace space = canvas->encoder.space;
	int32_t width = prepared->planes[0].width, height = prepared->planes[0].height;
	TfSamples *half = tf_samples_new(space, (int32_t)tf_ceil_div(width, 2), (int32_t)tf_ceil_div(height, 2), 0,
	                                 TF_MEMORY_CANVASES, error);
	for (int p = 0; half && p < tf_space_planes(space); p++)
		tf_plane_halve(&prepared->planes[p], space, &half->plane[p]);
	return half;
}

bool tf_canvas_render(const TfCanvas *canvas, const TfTileInput *input, bool want_bytes, bool want_quarter,
                      TfTileOutput *out, GError **error)
{
	*out = (TfTileOutput){0};
	g_auto(Prepared) prepared = {0};
	g_autoptr(GBytes) bytes = NULL;
	g_autoptr(TfSamples) quarter = NULL;
	if ((want_bytes || !view_strip(canvas, input, &prepared)) && !prepare(canvas, input, &prepared, error))
		return false;
	if (want_bytes && !(bytes = encode(canvas, &prepared, &out->requantised, error)))
		return false;
	if (want_quarter && !(quarter = halve(canvas, &prepared, error)))
		return false;
	out->bytes = g_steal_pointer(&bytes);
	out->quarter = g_steal_pointer(&quarter);
	out->regions = prepared.n;
	return true;
}

GBytes *tf_canvas_blank(const TfCanvas *canvas, GError **error)
{
	int32_t tile = canvas->pyramid.tile;
	TfSpace space = canvas->encoder.space;
	bool requantised;
	g_autoptr(TfSamples) samples = tf_samples_new(space, tile, tile, 0, TF_MEMORY_CANVASES, error);
	if (!samples)
		return NULL;
	for (int p = 0; p < tf_space_planes(space); p++) {
		const TfPlane *plane = &samples->plane[p];
		fill_plane(plane, tf_space_pixel_bytes(space), 0, 0, plane->width, plane->height, canvas->background + p);
	}
	return tf_encode_tile(&canvas->encoder, samples->plane, &requantised, error);
}
