/* SPDX-License-Identifier: MIT */
#include "vips_private.h"

#include <errno.h>
#include <math.h>
#include <tiffuse/files.h>
#include <tiffuse/flat.h>

enum { MAX_CHANNELS = 3, UNIT = 4096 }; /* UNIT: a gain of 1 */

struct _TfFlat {
	char *path;
	TfIdentity identity;
	int32_t width, height;
	int channels;
	double mean[MAX_CHANNELS];
	size_t bytes;
	uint16_t *gains; /* height rows of width * channels */
};

/* Works on one row of the flat; false with an error. */
typedef bool (*RowFunc)(TfFlat *flat, int32_t y, const double *row, GError **error);

void tf_flat_free(TfFlat *flat)
{
	if (!flat)
		return;
	tf_memory_free(TF_MEMORY_FLAT, flat->gains, flat->bytes);
	g_free(flat->path);
	g_free(flat);
}

static bool sum_row(TfFlat *flat, int32_t y, const double *row, GError **error)
{
	for (int64_t i = 0; i < (int64_t)flat->width * flat->channels; i++) {
		if (!(row[i] >= 0) || isinf(row[i])) {
			g_set_error(error, TF_ERROR, TF_ERROR_USAGE,
			            "%s: the value %g at (%d, %d): expected a flat field of numbers from 0 up", flat->path, row[i],
			            (int)(i / flat->channels), y);
			return false;
		}
		flat->mean[i % flat->channels] += row[i]; /* exact for integers */
	}
	return true;
}

static bool gain_row(TfFlat *flat, int32_t y, const double *row, GError **error)
{
	int64_t n = (int64_t)flat->width * flat->channels;
	uint16_t *gains = flat->gains + y * n;
	for (int64_t i = 0; i < n; i++) {
		double gain = row[i] > 0 ? floor(UNIT * flat->mean[i % flat->channels] / row[i] + 0.5) : UINT16_MAX;
		gains[i] = (uint16_t)MIN(gain, UINT16_MAX);
	}
	return true;
}

static bool each_row(TfFlat *flat, VipsImage *image, RowFunc func, GError **error)
{
	g_autoptr(VipsRegion) region = vips_region_new(image);
	if (!region)
		return tf_vips_fail(error, TF_ERROR_NO_MEMORY, flat->path);
	for (int32_t y = 0; y < flat->height; y++) {
		VipsRect rect = {0, y, flat->width, 1};
		if (vips_region_prepare(region, &rect))
			return tf_vips_fail(error, TF_ERROR_DAMAGED, flat->path);
		if (!func(flat, y, (const double *)(void *)VIPS_REGION_ADDR(region, 0, y), error))
			return false;
	}
	return true;
}

/* The channels without alpha, in double precision. */
static VipsImage *open_image(const char *path, GError **error)
{
	g_autoptr(VipsImage) image =
	        vips_image_new_from_file(path, "access", VIPS_ACCESS_SEQUENTIAL, "fail_on", VIPS_FAIL_ON_ERROR, NULL);
	if (!image) {
		g_autofree char *prefix = g_strdup_printf("%s: not an image that can be read", path);
		tf_vips_fail(error, TF_ERROR_UNSUPPORTED, prefix);
		return NULL;
	}
	int channels = vips_image_get_bands(image) - vips_image_hasalpha(image);
	VipsImage *opaque = NULL, *numbers = NULL;
	if (vips_extract_band(image, &opaque, 0, "n", channels, NULL) || vips_cast(opaque, &numbers, VIPS_FORMAT_DOUBLE, NULL))
		tf_vips_fail(error, TF_ERROR_NO_MEMORY, path);
	g_clear_object(&opaque);
	return numbers;
}

static bool pass_over(TfFlat *flat, RowFunc func, GError **error)
{
	g_autoptr(VipsImage) image = open_image(flat->path, error);
	return image && each_row(flat, image, func, error);
}

static bool take_shape(TfFlat *flat, TfSpace space, GError **error)
{
	g_autoptr(VipsImage) image = open_image(flat->path, error);
	if (!image)
		return false;
	flat->width = vips_image_get_width(image);
	flat->height = vips_image_get_height(image);
	flat->channels = vips_image_get_bands(image);
	int wanted = tf_space_bands(space);
	if (flat->channels == 1 || flat->channels == wanted)
		return true;
	g_set_error(error, TF_ERROR, TF_ERROR_USAGE, "%s: the flat field has %d channels, expected %s", flat->path,
	            flat->channels, wanted == 1 ? "1, as the mosaic is grey" : "1 or 3");
	return false;
}

static bool divide_means(TfFlat *flat, GError **error)
{
	for (int c = 0; c < flat->channels; c++) {
		flat->mean[c] /= (double)flat->width * flat->height;
		if (flat->mean[c] > 0)
			continue;
		g_set_error(error, TF_ERROR, TF_ERROR_USAGE, "%s: channel %d of the flat field is black", flat->path, c);
		return false;
	}
	return true;
}

TfFlat *tf_flat_load(const char *path, TfSpace space, GError **error)
{
	g_autoptr(TfFlat) flat = g_new0(TfFlat, 1);
	flat->path = g_canonicalize_filename(path, NULL);
	if (!tf_identity_of_path(path, &flat->identity, error) || !take_shape(flat, space, error) ||
	    !pass_over(flat, sum_row, error) || !divide_means(flat, error))
		return NULL;
	size_t bytes = sizeof(uint16_t) * (size_t)flat->width * (size_t)flat->height * (size_t)flat->channels;
	if (!(flat->gains = tf_memory_alloc(TF_MEMORY_FLAT, bytes, error)))
		return NULL;
	flat->bytes = bytes;
	return pass_over(flat, gain_row, error) ? g_steal_pointer(&flat) : NULL;
}

bool tf_flat_fits(const TfFlat *flat, const TfScene *scene, GError **error)
{
	for (uint32_t i = 0; i < tf_scene_n_sources(scene); i++) {
		const TfSource *source = tf_scene_source(scene, i);
		if (source->info.width == flat->width && source->info.height == flat->height)
			continue;
		g_set_error(error, TF_ERROR, TF_ERROR_USAGE, "%s: the flat field has %dx%d px, but %s has %dx%d", flat->path,
		            flat->width, flat->height, source->path, source->info.width, source->info.height);
		return false;
	}
	return true;
}

const char *tf_flat_path(const TfFlat *flat)
{
	return flat->path;
}

const TfIdentity *tf_flat_identity(const TfFlat *flat)
{
	return &flat->identity;
}

size_t tf_flat_bytes(const TfFlat *flat)
{
	return flat->bytes;
}

static uint32_t divide(uint32_t value, uint16_t gain, uint32_t white)
{
	return MIN((value * gain + UNIT / 2) / UNIT, white);
}

/* One gain for each sample: the compiler vectorises these two. */
static void divide_bytes(uint8_t *restrict row, const uint16_t *restrict gains, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		row[i] = (uint8_t)divide(row[i], gains[i], UINT8_MAX);
}

static void divide_words(uint16_t *restrict row, const uint16_t *restrict gains, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		row[i] = (uint16_t)divide(row[i], gains[i], UINT16_MAX);
}

/* A row of the flat as one gain for each sample of the source's row. */
static void spread_gains(const TfFlat *flat, const uint16_t *gains, int bands, bool mirrored, uint16_t *out)
{
	for (int32_t x = 0; x < flat->width; x++)
		for (int b = 0; b < bands; b++) {
			int64_t at = mirrored ? flat->width - 1 - x : x;
			out[x * bands + b] = gains[at * flat->channels + (flat->channels > 1 ? b : 0)];
		}
}

bool tf_flat_apply(const TfFlat *flat, TfSamples *samples, int32_t y0, bool mirrored, GError **error)
{
	int bands = tf_space_bands(samples->space);
	const TfPlane *plane = &samples->plane[0];
	int64_t n = (int64_t)flat->width * bands;
	bool as_it_is = bands == flat->channels && !mirrored;
	g_autofree uint16_t *spread = as_it_is ? NULL : g_try_new(uint16_t, n);
	g_assert(samples->width == flat->width && y0 + samples->height <= flat->height);
	if (!as_it_is && !spread)
		return tf_error_set_errno(error, ENOMEM, "%s", flat->path);
	for (int32_t y = 0; y < plane->height; y++) {
		uint8_t *row = plane->data + y * plane->stride;
		const uint16_t *gains = flat->gains + (int64_t)(y0 + y) * flat->width * flat->channels;
		if (!as_it_is)
			spread_gains(flat, gains, bands, mirrored, spread);
		if (samples->space.deep)
			divide_words((uint16_t *)(void *)row, as_it_is ? gains : spread, n);
		else
			divide_bytes(row, as_it_is ? gains : spread, n);
	}
	return true;
}
