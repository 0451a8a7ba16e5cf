/* SPDX-License-Identifier: MIT
 *
 * A JPEG of any content: its header is probed and its pixels are read in
 * strips.  Where the cursor gives pixels without an error they are those of
 * libjpeg's own plain decoding; how it is cut into strips changes nothing.
 */
#include "fuzz.h"

#include <setjmp.h>
#include <jpeglib.h>
#include <tiffuse/source.h>
#include <tiffuse/vips_env.h>

enum { MAX_PX = 1 << 20, STEP = 64 };

/* --- libjpeg as it comes ----------------------------------------------------------- */

typedef struct {
	struct jpeg_decompress_struct cinfo;
	struct jpeg_error_mgr errors;
	jmp_buf escape;
	uint8_t *rows;
} Plain;

static void on_error(j_common_ptr cinfo)
{
	longjmp(((Plain *)cinfo->client_data)->escape, 1);
}

static void on_message(j_common_ptr cinfo, int level)
{
}

static void decode(Plain *plain, const uint8_t *data, size_t size, bool grey)
{
	struct jpeg_decompress_struct *cinfo = &plain->cinfo;
	jpeg_create_decompress(cinfo);
	cinfo->client_data = plain;
	jpeg_mem_src(cinfo, data, size);
	jpeg_read_header(cinfo, TRUE);
	cinfo->out_color_space = grey ? JCS_GRAYSCALE : JCS_RGB;
	jpeg_start_decompress(cinfo);
	size_t row = (size_t)cinfo->output_width * (size_t)cinfo->output_components;
	plain->rows = g_malloc0(row * cinfo->output_height);
	while (cinfo->output_scanline < cinfo->output_height) {
		JSAMPROW to = plain->rows + row * cinfo->output_scanline;
		jpeg_read_scanlines(cinfo, &to, 1);
	}
}

/* The samples, or NULL; the caller frees them. */
static uint8_t *decode_plainly(const uint8_t *data, size_t size, bool grey)
{
	Plain *plain = g_new0(Plain, 1);
	plain->cinfo.err = jpeg_std_error(&plain->errors);
	plain->errors.error_exit = on_error;
	plain->errors.emit_message = on_message;
	plain->cinfo.client_data = plain;
	if (setjmp(plain->escape) == 0)
		decode(plain, data, size, grey);
	else
		g_clear_pointer(&plain->rows, g_free);
	uint8_t *rows = plain->rows;
	jpeg_destroy_decompress(&plain->cinfo);
	g_free(plain);
	return rows;
}

/* --- ours ------------------------------------------------------------------------------ */

static bool read_strip(TfSources *sources, TfCursor *cursor, int32_t y0, int32_t y1, uint8_t *to, size_t row,
                       GError **error)
{
	TfDecodeCount count = {0};
	TfRows range = {y0, y1};
	TfStrip *strip = NULL;
	if (cursor)
		strip = tf_cursor_read(cursor, y0, y1, &count, error);
	else
		tf_source_read_whole(sources, 0, &range, 1, &strip, &count, error);
	if (!strip)
		return false;
	const TfPlane *plane = &strip->samples->plane[0];
	fuzz_assert(strip->x0 == 0 && strip->y0 <= y0 && strip->y0 + strip->samples->height >= y1);
	for (int32_t y = y0; y < y1; y++)
		memcpy(to + (size_t)y * row, plane->data + (y - strip->y0) * plane->stride, row);
	tf_strip_unref(strip);
	return true;
}

/* All rows in strips of `step`, or NULL with the error; from `first` on. */
static uint8_t *read_source(TfSources *sources, const TfImageInfo *info, size_t row, int32_t first, int32_t step,
                            GError **error)
{
	bool whole = tf_source_is_whole(sources, 0);
	g_autofree uint8_t *samples = g_malloc0(row * (size_t)info->height);
	g_autoptr(TfCursor) cursor = whole ? NULL : tf_cursor_open(sources, 0, first, error);
	if (!whole && !cursor)
		return NULL;
	for (int32_t y = first; y < info->height; y += step)
		if (!read_strip(sources, cursor, y, MIN(y + step, info->height), samples, row, error))
			return NULL;
	return g_steal_pointer(&samples);
}

static void compare(TfSources *sources, const TfImageInfo *info, TfSpace space, const uint8_t *data, size_t size)
{
	g_autoptr(GError) error = NULL, skipped_error = NULL;
	size_t row = (size_t)info->width * (size_t)tf_space_bands(space);
	g_autofree uint8_t *ours = read_source(sources, info, row, 0, STEP, &error);
	fuzz_check_error(ours != NULL, error);
	int32_t half = info->height / 2;
	g_autofree uint8_t *skipped = read_source(sources, info, row, half, 23, &skipped_error);
	fuzz_check_error(skipped != NULL, skipped_error);
	if (!ours)
		return;
	/* What is right as a whole is right from the middle on. */
	fuzz_assert(skipped && !memcmp(skipped + row * (size_t)half, ours + row * (size_t)half, row * (size_t)(info->height - half)));
	if (info->colour == TF_COLOUR_CMYK || info->colour == TF_COLOUR_YCCK || info->icc)
		return;
	g_autofree uint8_t *plain = decode_plainly(data, size, space.kind == TF_SPACE_GREY);
	fuzz_assert(plain && !memcmp(plain, ours, row * (size_t)info->height));
}

static void read_pixels(const char *path, const TfImageInfo *info, TfProfiles *profiles, const uint8_t *data, size_t size)
{
	g_autoptr(TfScene) scene = tf_scene_new(false);
	TfSource source = {.path = path, .info = *info, .orientation = 1, .width = info->width, .height = info->height};
	tf_scene_add(scene, &source);
	g_autoptr(GError) error = NULL;
	fuzz_assert(tf_scene_freeze(scene, &error));
	TfSpace space = {info->colour == TF_COLOUR_GREY ? TF_SPACE_GREY : TF_SPACE_RGB, 1, 1, false};
	TfSourcesOptions options = {.space = space, .to_srgb = info->icc != 0, .max_open = 4};
	g_autoptr(TfSources) sources = tf_sources_new(scene, profiles, &options);
	compare(sources, info, space, data, size);
	fuzz_assert(tf_memory_used(TF_MEMORY_STRIPS) == 0);
	if (info->hsamp == 0 || info->icc)
		return;
	/* Straight into planes: other code, the same gate. */
	options.space = (TfSpace){TF_SPACE_YCBCR, info->hsamp, info->vsamp, false};
	g_autoptr(TfSources) planar = tf_sources_new(scene, profiles, &options);
	g_autoptr(GError) planar_error = NULL;
	g_autofree uint8_t *luma = read_source(planar, info, (size_t)info->width, 0, STEP, &planar_error);
	fuzz_check_error(luma != NULL, planar_error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool started;
	g_autofree char *path = g_build_filename(fuzz_folder(), "source", NULL);
	if (!started)
		fuzz_assert(tf_vips_start(NULL));
	started = true;
	if (size < 3 || memcmp(data, "\xff\xd8\xff", 3) != 0) /* the target `probe` has others */
		return 0;
	fuzz_assert(fuzz_write(path, data, size));
	const char *paths[] = {path};
	TfImageInfo info;
	g_autoptr(GError) error = NULL;
	g_autoptr(TfProfiles) profiles = NULL;
	TfProbeOptions options = {.threads = 1};
	bool ok = tf_probe_all(paths, 1, &options, &info, &profiles, &error);
	fuzz_check_error(ok, error);
	if (!ok)
		return 0;
	fuzz_assert(info.width > 0 && info.height > 0 && info.orientation >= 1 && info.orientation <= 8);
	fuzz_assert(info.icc < profiles->profiles->len);
	if ((int64_t)info.width * info.height <= MAX_PX)
		read_pixels(path, &info, profiles, data, size);
	return 0;
}
