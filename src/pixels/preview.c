/* SPDX-License-Identifier: MIT
 *
 * First the owner of each pixel is found, the topmost source there; then
 * the sources that own any are decoded in parallel, each writing its own
 * pixels, so that neither order nor locks matter.
 */
#include "preview_private.h"
#include "vips_private.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>
#include <tiffuse/preview.h>
#include <tiffuse/vips_env.h>

enum {
	MAX_WIDTH = 1600,
	MAX_HEIGHT = 1200,
	MAX_SCALE = 4,
	MAX_THUMBNAIL = 4096,
	NOBODY = UINT32_MAX,
};

static const TfInk grey = {96, 96, 96};

static TfRect map(const TfPreview *preview, TfRect r)
{
	double s = preview->scale;
	TfRect to = {llround((double)r.x0 * s), llround((double)r.y0 * s), llround((double)r.x1 * s),
	             llround((double)r.y1 * s)};
	to.x1 = MAX(to.x1, to.x0 + 1);
	to.y1 = MAX(to.y1, to.y0 + 1);
	return to;
}

TfRect tf_preview_rect(const TfPreview *preview, TfRect rect)
{
	return tf_rect_intersect(map(preview, rect), (TfRect){0, 0, preview->width, preview->height});
}

/* The picture fits its page; a small mosaic is enlarged, but no source beyond
 * what is sensible to decode. */
static void choose_scale(TfPreview *preview)
{
	const TfScene *scene = preview->scene;
	double width = (double)tf_scene_width(scene), height = (double)tf_scene_height(scene);
	double largest = 1;
	for (uint32_t i = 0; i < tf_scene_n_placed(scene); i++) {
		const TfSource *source = tf_scene_source(scene, i);
		largest = MAX(largest, MAX(source->width, source->height));
	}
	double scale = MIN(MIN(MAX_WIDTH / width, MAX_HEIGHT / height), MAX_SCALE);
	preview->scale = MIN(scale, MAX(MAX_THUMBNAIL / largest, MIN(scale, 1)));
	preview->width = (int)MAX(llround(width * preview->scale), 1);
	preview->height = (int)MAX(llround(height * preview->scale), 1);
}

/* --- who is on top ----------------------------------------------------------------- */

/* The first pixel of the row from x on that nobody owns; skip[] leads there,
 * with paths made shorter on the way. */
static uint16_t next_free(uint16_t *skip, uint16_t x)
{
	uint16_t end = x;
	while (skip[end] != end)
		end = skip[end];
	while (skip[x] != end) {
		uint16_t next = skip[x];
		skip[x] = end;
		x = next;
	}
	return end;
}

static bool find_owners(TfPreview *preview, GError **error)
{
	size_t width = (size_t)preview->width, n = width * (size_t)preview->height;
	uint32_t n_sources = tf_scene_n_placed(preview->scene);
	g_autofree uint16_t *skip = g_try_new(uint16_t, (width + 1) * (size_t)preview->height);
	preview->owner = g_try_new(uint32_t, n);
	if (!skip || !preview->owner) {
		g_set_error(error, TF_ERROR, TF_ERROR_NO_MEMORY, "no memory for the preview");
		return false;
	}
	memset(preview->owner, 0xff, n * sizeof *preview->owner);
	for (size_t i = 0; i < (width + 1) * (size_t)preview->height; i++)
		skip[i] = (uint16_t)(i % (width + 1));
	for (uint32_t rank = 0; rank < n_sources; rank++) {
		uint32_t i = tf_scene_blend(preview->scene) == TF_BLEND_FIRST ? rank : n_sources - 1 - rank;
		TfRect r = tf_preview_rect(preview, tf_scene_source_rect(preview->scene, i));
		for (int64_t y = r.y0; y < r.y1; y++) {
			uint16_t *row = skip + (size_t)y * (width + 1);
			for (uint16_t x = next_free(row, (uint16_t)r.x0); x < r.x1; x = next_free(row, x)) {
				preview->owner[(size_t)y * width + x] = i;
				preview->owns[i] = true;
				row[x] = (uint16_t)(x + 1);
			}
		}
	}
	return true;
}

/* How many sources lie over each pixel: the corners of each are noted, and
 * summed up, so that a heap costs no more than a grid. */
static bool count_layers(TfPreview *preview, GError **error)
{
	size_t stride = (size_t)preview->width + 1, n = stride * ((size_t)preview->height + 1);
	preview->layers = g_try_new0(int32_t, n);
	if (!preview->layers) {
		g_set_error(error, TF_ERROR, TF_ERROR_NO_MEMORY, "no memory for the preview");
		return false;
	}
	int32_t *at = preview->layers;
	for (uint32_t i = 0; i < tf_scene_n_placed(preview->scene); i++) {
		TfRect r = tf_preview_rect(preview, tf_scene_source_rect(preview->scene, i));
		if (tf_rect_is_empty(r))
			continue;
		at[(size_t)r.y0 * stride + (size_t)r.x0]++;
		at[(size_t)r.y0 * stride + (size_t)r.x1]--;
		at[(size_t)r.y1 * stride + (size_t)r.x0]--;
		at[(size_t)r.y1 * stride + (size_t)r.x1]++;
	}
	for (size_t i = 1; i < n; i++)
		if (i % stride)
			at[i] += at[i - 1];
	for (size_t i = stride; i < n; i++)
		at[i] += at[i - stride];
	return true;
}

/* --- the images ------------------------------------------------------------------- */

/* Three bands of 8 bits; the caller owns the result. */
static VipsImage *make_thumbnail(const TfSource *source, int width, int height)
{
	g_autoptr(VipsImage) small = NULL, srgb = NULL, flat = NULL, bands = NULL;
	VipsImage *out = NULL;
	if (vips_thumbnail(source->path, &small, width, "height", height, "size", VIPS_SIZE_FORCE, "no_rotate", (gboolean)(source->orientation == 1), NULL) ||
	    vips_colourspace(small, &srgb, VIPS_INTERPRETATION_sRGB, NULL))
		return NULL;
	if (vips_image_hasalpha(srgb) ? vips_flatten(srgb, &flat, NULL) : vips_copy(srgb, &flat, NULL))
		return NULL;
	if (vips_extract_band(flat, &bands, 0, "n", 3, NULL) || vips_cast_uchar(bands, &out, NULL))
		return NULL;
	return out;
}

static uint8_t *read_thumbnail(const TfSource *source, int width, int height)
{
	size_t size = 0;
	g_autoptr(VipsImage) image = make_thumbnail(source, width, height);
	g_autofree uint8_t *rgb = image ? vips_image_write_to_memory(image, &size) : NULL;
	vips_error_clear();
	return rgb && size == 3 * (size_t)width * (size_t)height ? g_steal_pointer(&rgb) : NULL;
}

static void copy_owned(TfPreview *preview, uint32_t index, TfRect to, const uint8_t *rgb)
{
	TfRect r = tf_rect_intersect(to, (TfRect){0, 0, preview->width, preview->height});
	for (int64_t y = r.y0; y < r.y1; y++)
		for (int64_t x = r.x0; x < r.x1; x++) {
			size_t at = (size_t)y * (size_t)preview->width + (size_t)x;
			if (preview->owner[at] == index)
				memcpy(preview->rgb + 3 * at, rgb + 3 * ((y - to.y0) * (to.x1 - to.x0) + (x - to.x0)), 3);
		}
}

static bool show_image(TfPreview *preview, uint32_t index)
{
	const TfSource *source = tf_scene_source(preview->scene, index);
	TfRect to = map(preview, (TfRect){source->x, source->y, source->x + source->width, source->y + source->height});
	int width = (int)(to.x1 - to.x0), height = (int)(to.y1 - to.y0);
	g_autofree uint8_t *rgb = tf_preview_takes_jpeg(source, width, height) ? tf_preview_jpeg(source, width, height)
	                                                                       : read_thumbnail(source, width, height);
	if (rgb)
		copy_owned(preview, index, to, rgb);
	return rgb != NULL;
}

typedef struct {
	TfPreview *preview;
	gint64 end_us;
	uint32_t n, stride;
	_Atomic uint32_t next, shown, late;
} Show;

/* In steps of the golden ratio, so that what is left out for lack of time lies
 * everywhere. */
static gpointer show_images(gpointer data)
{
	Show *show = data;
	for (;;) {
		uint32_t turn = atomic_fetch_add(&show->next, 1);
		if (turn >= show->n)
			break;
		uint32_t i = (uint32_t)((uint64_t)turn * show->stride % show->n);
		if (!show->preview->owns[i])
			continue;
		if (g_get_monotonic_time() > show->end_us)
			atomic_fetch_add(&show->late, 1);
		else if (show_image(show->preview, i))
			atomic_fetch_add(&show->shown, 1);
		else
			show->preview->failed[i] = true;
	}
	tf_vips_thread_end();
	return NULL;
}

static uint32_t common_divisor(uint32_t a, uint32_t b)
{
	while (b) {
		uint32_t rest = a % b;
		a = b;
		b = rest;
	}
	return a;
}

static void show_all(TfPreview *preview, const TfPreviewOptions *options, TfPreviewResult *result)
{
	Show show = {.preview = preview,
	             .end_us = g_get_monotonic_time() + (gint64)(options->seconds * 1e6),
	             .n = tf_scene_n_placed(preview->scene)};
	show.stride = MAX((uint32_t)(show.n * 0.618), 1);
	while (common_divisor(show.stride, show.n) != 1)
		show.stride++;
	g_autoptr(GPtrArray) threads = g_ptr_array_new();
	for (unsigned t = 0; t < MAX(options->threads, 1); t++)
		g_ptr_array_add(threads, g_thread_new("preview", show_images, &show));
	for (guint t = 0; t < threads->len; t++)
		g_thread_join(threads->pdata[t]);
	result->n_shown = show.shown;
	result->n_late = show.late;
	for (uint32_t i = 0; i < show.n; i++)
		result->n_failed += preview->failed[i];
}

static bool allocate(TfPreview *preview, const TfPreviewOptions *options, GError **error)
{
	size_t n = (size_t)preview->width * (size_t)preview->height;
	uint32_t n_sources = tf_scene_n_placed(preview->scene);
	preview->rgb = g_try_malloc(3 * n);
	preview->owns = g_try_new0(bool, n_sources);
	preview->failed = g_try_new0(bool, n_sources);
	if (!preview->rgb || !preview->owns || !preview->failed) {
		g_set_error(error, TF_ERROR, TF_ERROR_NO_MEMORY, "no memory for the preview");
		return false;
	}
	if (!find_owners(preview, error) || !count_layers(preview, error))
		return false;
	for (size_t i = 0; i < n; i++) {
		const uint8_t ink[] = {grey.r, grey.g, grey.b};
		memcpy(preview->rgb + 3 * i, preview->owner[i] == NOBODY ? options->background : ink, 3);
	}
	return true;
}

static void preview_clear(TfPreview *preview)
{
	g_free(preview->rgb);
	g_free(preview->owner);
	g_free(preview->layers);
	g_free(preview->owns);
	g_free(preview->failed);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TfPreview, preview_clear)

static bool write_png(const TfPage *page, const char *path, GError **error)
{
	size_t size = 3 * (size_t)page->width * (size_t)page->height;
	g_autoptr(VipsImage) image =
	        vips_image_new_from_memory(page->rgb, size, page->width, page->height, 3, VIPS_FORMAT_UCHAR);
	if (image)
		image->Type = VIPS_INTERPRETATION_sRGB;
	if (!image || vips_pngsave(image, path, "compression", 6, NULL))
		return tf_vips_fail(error, TF_ERROR_IO, path);
	return true;
}

bool tf_preview_write(const TfScene *scene, const char *path, const TfPreviewOptions *options,
                      TfPreviewResult *result, GError **error)
{
	g_auto(TfPreview) preview = {.scene = scene};
	*result = (TfPreviewResult){0};
	choose_scale(&preview);
	if (!allocate(&preview, options, error))
		return false;
	show_all(&preview, options, result);
	TfPage page = {0};
	if (!tf_preview_compose(&preview, options, result, &page, error))
		return false;
	bool written = write_png(&page, path, error);
	g_free(page.rgb);
	return written;
}
