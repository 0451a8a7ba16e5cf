/* SPDX-License-Identifier: MIT */
#include "source_private.h"

#include <string.h>

TfStrip *tf_strip_new(int32_t x0, int32_t y0, TfSamples *samples)
{
	TfStrip *strip = g_new(TfStrip, 1);
	*strip = (TfStrip){.x0 = x0, .y0 = y0, .all = {x0, x0 + samples->width}, .samples = samples};
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

TfSources *tf_sources_new(const TfScene *scene, const TfProfiles *profiles, const TfSourcesOptions *options)
{
	TfSources *sources = g_new0(TfSources, 1);
	sources->scene = scene;
	sources->profiles = profiles;
	sources->options = *options;
	sources->files = tf_files_new(scene, options->max_open);
	tf_files_set_digests(sources->files, options->digests);
	return sources;
}

void tf_sources_free(TfSources *sources)
{
	if (!sources)
		return;
	tf_files_free(sources->files);
	g_free(sources);
}

unsigned tf_sources_open_files(TfSources *sources)
{
	return tf_files_open_count(sources->files);
}

bool tf_sources_digest(TfSources *sources, uint32_t index, GError **error)
{
	int fd = tf_files_acquire(sources->files, index, error);
	if (fd < 0)
		return false;
	tf_files_release(sources->files, index, fd);
	return true;
}

/* Orientation 2 mirrors each row and needs no other row. */
bool tf_source_is_whole(const TfSources *sources, uint32_t index)
{
	const TfSource *source = tf_scene_source(sources->scene, index);
	return source->orientation > 2 || source->info.progressive;
}

uint64_t tf_source_decode_bytes(const TfSources *sources, uint32_t index)
{
	const TfImageInfo *info = &tf_scene_source(sources->scene, index)->info;
	uint64_t width = (uint64_t)info->width, px = width * (uint64_t)info->height;
	if (info->codec == TF_CODEC_JPEG && info->progressive)
		return (info->hsamp * info->vsamp == 4 ? 3 : 2 * info->bands) * px; /* 16-bit coefficients */
	if (info->codec == TF_CODEC_JPEG)
		return 170 * 1024 + 100 * width;
	uint64_t pixel = (uint64_t)info->bands * (info->deep ? 2 : 1);
	return pixel * (info->progressive ? px : 64 * width); /* the picture, or libvips' sequential line cache */
}

/* Do the decoder's rows still need colour operations or mirroring? */
static bool needs_convert(const TfSources *sources, const TfSource *source)
{
	return sources->options.space.deep || source->info.colour == TF_COLOUR_CMYK || source->info.colour == TF_COLOUR_YCCK ||
	       (sources->options.to_srgb && source->info.icc != 0) || source->orientation == 2;
}

/* Decoded rows as a libvips image around borrowed memory. */
static VipsImage *wrap_rows(const TfSources *sources, const TfSource *source, const TfPlane *plane, int bands,
                            GError **error)
{
	VipsImage *image = vips_image_new_from_memory(plane->data, (size_t)plane->stride * plane->height, plane->width,
	                                              plane->height, bands, VIPS_FORMAT_UCHAR);
	if (!image) {
		tf_vips_fail(error, TF_ERROR_NO_MEMORY, source->path);
		return NULL;
	}
	image->Type = bands == 1   ? VIPS_INTERPRETATION_B_W
	              : bands == 4 ? VIPS_INTERPRETATION_CMYK
	                           : VIPS_INTERPRETATION_sRGB;
	GBytes *icc = g_ptr_array_index(sources->profiles->profiles, source->info.icc);
	gsize length = 0;
	if (icc) {
		const void *data = g_bytes_get_data(icc, &length);
		vips_image_set_blob_copy(image, VIPS_META_ICC_NAME, data, length);
	}
	return image;
}

/* Rows [top, top + to->height) of image, in full width; false with the reason
 * in libvips' hands. */
static bool copy_rows(VipsImage *image, const TfPlane *to, int32_t top)
{
	g_autoptr(VipsRegion) region = vips_region_new(image);
	VipsRect rect = {0, top, to->width, to->height};
	if (!region || vips_region_prepare(region, &rect))
		return false;
	size_t row = (size_t)to->width * VIPS_IMAGE_SIZEOF_PEL(image);
	for (int32_t y = 0; y < to->height; y++)
		memcpy(to->data + y * to->stride, VIPS_REGION_ADDR(region, 0, top + y), row);
	return true;
}

static bool convert_rows(const TfSources *sources, const TfSource *source, const TfPlane *from, int bands,
                         const TfPlane *to, GError **error)
{
	g_autoptr(VipsImage) rows = wrap_rows(sources, source, from, bands, error);
	if (!rows)
		return false;
	g_autoptr(VipsImage) image = tf_colour_convert(rows, sources->options.space, sources->options.to_srgb,
	                                               sources->options.background, source->path, error);
	if (!image)
		return false;
	g_autoptr(VipsImage) mirrored = NULL;
	if (source->orientation == 2 && vips_flip(image, &mirrored, VIPS_DIRECTION_HORIZONTAL, NULL))
		return tf_vips_fail(error, TF_ERROR_NO_MEMORY, source->path);
	/* The samples are in memory: nothing is wrong with the file. */
	return copy_rows(mirrored ? mirrored : image, to, 0) || tf_vips_fail(error, TF_ERROR_NO_MEMORY, source->path);
}

static void count_rows(const TfSource *source, TfJpegRows rows, TfDecodeCount *count)
{
	count->decoded_px += (uint64_t)rows.decoded * (uint64_t)source->info.width;
	count->skipped_px += (uint64_t)rows.skipped * (uint64_t)source->info.width;
}

static bool read_converted(TfCursor *cursor, const TfSource *source, int32_t y0, TfSamples *samples,
                           TfJpegRows *rows, GError **error)
{
	int bands = tf_jpeg_bands(cursor->jpeg);
	int32_t width = source->info.width;
	size_t bytes = (size_t)width * (size_t)bands * (size_t)samples->height;
	uint8_t *memory = tf_memory_alloc(TF_MEMORY_STRIPS, bytes, error);
	if (!memory)
		return false;
	TfPlane plane = {memory, (ptrdiff_t)width * bands, width, samples->height};
	bool ok = tf_jpeg_read(cursor->jpeg, y0, samples->height, &plane, rows, error) &&
	          convert_rows(cursor->sources, source, &plane, bands, &samples->plane[0], error);
	tf_memory_free(TF_MEMORY_STRIPS, memory, bytes);
	return ok;
}

/* Rows in the source's own orientation but for mirroring. */
static TfStrip *read_jpeg(TfCursor *cursor, const TfSource *source, int32_t y0, int32_t y1, TfDecodeCount *count,
                          GError **error)
{
	int32_t unit = tf_jpeg_unit(cursor->jpeg);
	int32_t first = y0 / unit, n = (int32_t)tf_ceil_div(y1, unit) - first;
	int32_t top = first * unit, height = MIN(n * unit, source->info.height - top);
	g_autoptr(TfSamples) samples = tf_samples_new(cursor->sources->options.space, tf_jpeg_width(cursor->jpeg), height,
	                                              n * unit - height, TF_MEMORY_STRIPS, error);
	if (!samples)
		return NULL;
	TfJpegRows rows = {0};
	bool ok = needs_convert(cursor->sources, source)
	                  ? read_converted(cursor, source, y0, samples, &rows, error)
	                  : tf_jpeg_read(cursor->jpeg, first, n, samples->plane, &rows, error);
	count_rows(source, rows, count);
	return ok ? tf_strip_new(tf_jpeg_left(cursor->jpeg), top, g_steal_pointer(&samples)) : NULL;
}

/* Loaders of tiles would leave out the rows above.  Those of rows would read
 * them in any case, but paint on when the file has ended, be it for hours. */
static bool must_pass_over(const TfCursor *cursor)
{
	return cursor->sources->options.in_order || vips_image_get_typeof(cursor->image, VIPS_META_SEQUENTIAL);
}

static bool pass_over(VipsImage *image, int32_t from, int32_t to)
{
	enum { CHUNK_ROWS = 256 };
	g_autoptr(VipsRegion) region = vips_region_new(image);
	for (int32_t y = from; region && y < to; y += CHUNK_ROWS) {
		VipsRect rect = {0, y, image->Xsize, MIN(CHUNK_ROWS, to - y)};
		if (vips_region_prepare(region, &rect))
			return false;
	}
	return region != NULL;
}

static TfStrip *read_vips(TfCursor *cursor, const TfSource *source, int32_t y0, int32_t y1, TfDecodeCount *count,
                          GError **error)
{
	g_autoptr(TfSamples) samples = tf_samples_new(cursor->sources->options.space, source->info.width, y1 - y0, 0,
	                                              TF_MEMORY_STRIPS, error);
	if (!samples)
		return NULL;
	bool ok = (!must_pass_over(cursor) || pass_over(cursor->image, cursor->next_row, y0)) &&
	          copy_rows(cursor->image, &samples->plane[0], y0);
	if (!ok)
		tf_vips_input_fail(&cursor->input, error, source->path);
	if (!tf_files_settle(cursor->sources->files, cursor->index, cursor->fd, ok, error))
		return NULL;
	count->decoded_px += (uint64_t)source->info.width * (uint64_t)(y1 - cursor->next_row);
	cursor->next_row = y1;
	return tf_strip_new(0, y0, g_steal_pointer(&samples));
}

TfStrip *tf_cursor_read(TfCursor *cursor, int32_t y0, int32_t y1, TfDecodeCount *count, GError **error)
{
	const TfSource *source = tf_scene_source(cursor->sources->scene, cursor->index);
	g_autoptr(TfStrip) strip = cursor->jpeg ? read_jpeg(cursor, source, y0, y1, count, error)
	                                        : read_vips(cursor, source, y0, y1, count, error);
	const TfFlat *flat = cursor->sources->options.flat;
	bool ok = strip && (!flat || tf_flat_apply(flat, strip->samples, strip->y0, source->orientation == 2, error));
	return ok ? g_steal_pointer(&strip) : NULL;
}

static bool open_vips(TfCursor *cursor, const TfSource *source, GError **error)
{
	TfIdentity identity;
	cursor->fd = tf_open_regular(source->path, &identity, error);
	TfFiles *files = cursor->sources->files;
	if (cursor->fd < 0 || !tf_files_verify(files, cursor->index, cursor->fd, error) ||
	    !tf_files_check(files, cursor->index, cursor->fd, error))
		return false;
	cursor->input = (TfVipsInput){.fd = cursor->fd, .digests = tf_files_digests(files), .index = cursor->index};
	g_autoptr(VipsSource) input = tf_vips_input_new(&cursor->input);
	/* A picture that is held as a whole is held in memory, which was planned for,
	 * not in a file of TMPDIR. */
	g_autoptr(VipsImage) image =
	        input ? vips_image_new_from_source(input, "", "access", VIPS_ACCESS_SEQUENTIAL, "fail_on",
	                                           VIPS_FAIL_ON_ERROR, "memory", source->info.progressive, NULL)
	              : NULL;
	if (!image)
		return tf_files_settle(cursor->sources->files, cursor->index, cursor->fd,
		                       tf_vips_input_fail(&cursor->input, error, source->path), error);
	const TfSourcesOptions *options = &cursor->sources->options;
	cursor->image = tf_colour_convert(image, options->space, options->to_srgb, options->background, source->path, error);
	if (!cursor->image)
		return false;
	if (vips_image_get_width(image) != source->info.width || vips_image_get_height(image) != source->info.height) {
		g_set_error(error, TF_ERROR, TF_ERROR_CHANGED, "%s: the header changed since the mount", source->path);
		return false;
	}
	VipsImage *mirrored = NULL;
	if (source->orientation != 2)
		return true;
	if (vips_flip(cursor->image, &mirrored, VIPS_DIRECTION_HORIZONTAL, NULL))
		return tf_vips_fail(error, TF_ERROR_NO_MEMORY, source->path);
	g_object_unref(cursor->image);
	cursor->image = mirrored;
	return true;
}

/* What is turned, mirrored, converted or divided by a flat field is so in full
 * width. */
static TfColumns columns_to_decode(const TfSources *sources, const TfSource *source, uint32_t index)
{
	if (needs_convert(sources, source) || source->orientation != 1 || sources->options.flat)
		return (TfColumns){0, source->info.width};
	TfRect seen = tf_scene_seen(sources->scene, index, tf_scene_source_rect(sources->scene, index));
	return (TfColumns){(int32_t)(seen.x0 - source->x), (int32_t)(seen.x1 - source->x)};
}

static bool open_jpeg(TfCursor *cursor, const TfSource *source, int32_t first_row, GError **error)
{
	TfSources *sources = cursor->sources;
	bool planar = sources->options.space.kind == TF_SPACE_YCBCR;
	/* A grey source with a profile of its own is converted from one band. */
	bool grey = sources->options.space.kind == TF_SPACE_GREY ||
	            (source->info.colour == TF_COLOUR_GREY && needs_convert(sources, source));
	TfColumns columns = columns_to_decode(sources, source, cursor->index);
	TfJpegOptions options = {.output = planar ? TF_JPEG_PLANAR : TF_JPEG_INTERLEAVED,
	                         .grey = grey,
	                         .first_row = first_row,
	                         .max_scans = sources->options.max_scans,
	                         .x0 = columns.x0,
	                         .x1 = columns.x1};
	cursor->jpeg = tf_jpeg_open(sources->files, sources->scene, cursor->index, &options, error);
	return cursor->jpeg != NULL;
}

TfCursor *tf_cursor_open(TfSources *sources, uint32_t index, int32_t first_row, GError **error)
{
	const TfSource *source = tf_scene_source(sources->scene, index);
	g_autoptr(TfCursor) cursor = g_new0(TfCursor, 1);
	cursor->sources = sources;
	cursor->index = index;
	cursor->fd = -1;
	bool ok = source->info.codec == TF_CODEC_JPEG ? open_jpeg(cursor, source, first_row, error)
	                                              : open_vips(cursor, source, error);
	return ok ? g_steal_pointer(&cursor) : NULL;
}

void tf_cursor_free(TfCursor *cursor)
{
	if (!cursor)
		return;
	tf_jpeg_free(cursor->jpeg);
	g_clear_object(&cursor->image);
	tf_vips_input_clear(&cursor->input);
	tf_close(&cursor->fd);
	g_free(cursor);
}

bool tf_cursor_suits(const TfCursor *cursor, int32_t row)
{
	return cursor->jpeg ? tf_jpeg_suits(cursor->jpeg, row) : row >= cursor->next_row;
}

size_t tf_cursor_bytes(const TfCursor *cursor)
{
	return cursor->jpeg ? tf_jpeg_bytes(cursor->jpeg) : tf_source_decode_bytes(cursor->sources, cursor->index);
}
