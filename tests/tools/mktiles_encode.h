/* SPDX-License-Identifier: MIT
 *
 * From pixels to the bytes of an image file.  JPEG goes through libjpeg-turbo
 * itself, because libvips offers neither 4:2:2 nor restart markers of a given
 * distance; all else goes through libvips.
 */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <jpeglib.h>
#include "vips_auto.h"

typedef struct {
	const char *format;    /* jpg, png, tif, webp */
	const char *subsample; /* 420, 422, 444, grey */
	int quality, restart;  /* restart: markers every so many MCU rows, 0 none */
	bool progressive;
} Encoding;

static inline bool encoding_grey(const Encoding *e)
{
	return strcmp(e->subsample, "grey") == 0;
}

static inline void rgb_to_grey(uint8_t *pixels, size_t n)
{
	for (size_t i = 0; i < n; i++)
		pixels[i] = (uint8_t)((77 * pixels[3 * i] + 150 * pixels[3 * i + 1] + 29 * pixels[3 * i + 2] +
				       128) >>
				      8);
}

/* libjpeg's own error handler ends the program with a message; writing to
 * memory fails for nothing else than wrong parameters, which are ours. */
static inline GBytes *encode_jpeg(const Encoding *e, const uint8_t *pixels, int width, int height)
{
	struct jpeg_compress_struct c = {0};
	struct jpeg_error_mgr errors;
	unsigned char *out = NULL;
	unsigned long size = 0;
	int bands = encoding_grey(e) ? 1 : 3;
	c.err = jpeg_std_error(&errors);
	jpeg_create_compress(&c);
	jpeg_mem_dest(&c, &out, &size);
	c.image_width = (JDIMENSION)width;
	c.image_height = (JDIMENSION)height;
	c.input_components = bands;
	c.in_color_space = bands == 1 ? JCS_GRAYSCALE : JCS_RGB;
	jpeg_set_defaults(&c);
	jpeg_set_quality(&c, e->quality, TRUE);
	if (bands == 3) {
		c.comp_info[0].h_samp_factor = strcmp(e->subsample, "444") == 0 ? 1 : 2;
		c.comp_info[0].v_samp_factor = strcmp(e->subsample, "420") == 0 ? 2 : 1;
	}
	c.restart_in_rows = e->restart;
	if (e->progressive)
		jpeg_simple_progression(&c);
	jpeg_start_compress(&c, TRUE);
	while (c.next_scanline < c.image_height) {
		JSAMPROW row = (JSAMPROW)(pixels + (size_t)c.next_scanline * width * bands);
		jpeg_write_scanlines(&c, &row, 1);
	}
	jpeg_finish_compress(&c);
	jpeg_destroy_compress(&c);
	return g_bytes_new_with_free_func(out, size, free, out);
}

static inline GBytes *encode_vips(const Encoding *e, const uint8_t *pixels, int width, int height)
{
	int bands = encoding_grey(e) ? 1 : 3;
	g_autoptr(AutoImage) image = vips_image_new_from_memory(pixels, (size_t)width * height * bands, width,
								height, bands, VIPS_FORMAT_UCHAR);
	g_autoptr(AutoImage) tagged = NULL;
	void *out = NULL;
	size_t size = 0;
	int failed =
		!image || vips_copy(image, &tagged, "interpretation",
				    bands == 1 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB, NULL);
	if (!failed && strcmp(e->format, "png") == 0)
		failed = vips_pngsave_buffer(tagged, &out, &size, "compression", 3, NULL);
	else if (!failed && strcmp(e->format, "tif") == 0)
		failed = vips_tiffsave_buffer(tagged, &out, &size, "compression",
					      VIPS_FOREIGN_TIFF_COMPRESSION_LZW, NULL);
	else if (!failed)
		failed = vips_webpsave_buffer(tagged, &out, &size, "Q", e->quality, "effort", 1, NULL);
	return failed ? NULL : g_bytes_new_with_free_func(out, size, g_free, out);
}

/* Grey is made in place.  NULL on failure, with libvips' message buffer set. */
static inline GBytes *encode_image(const Encoding *e, uint8_t *pixels, int width, int height)
{
	if (encoding_grey(e))
		rgb_to_grey(pixels, (size_t)width * height);
	return strcmp(e->format, "jpg") == 0 ? encode_jpeg(e, pixels, width, height)
					     : encode_vips(e, pixels, width, height);
}
