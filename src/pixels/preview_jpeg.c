/* SPDX-License-Identifier: MIT
 *
 * Small JPEGs without libvips, which hands each image from thread to thread
 * some hundred times: on a busy machine that took ten times as long.
 */
#include "jpeg_stream.h"
#include "preview_private.h"

#include <string.h>
#include <tiffuse/files.h>

enum { WINDOW_BYTES = 64 * 1024, SCALES = 8 };

typedef struct {
	int width, height; /* wanted */
	uint8_t *row;      /* of the decoder */
	uint32_t *sums;    /* of a row of the result: red, green, blue, and how many */
	uint8_t *rgb;
} Shrink;

static void begin(TfJpegStream *stream, void *data)
{
	Shrink *shrink = data;
	struct jpeg_decompress_struct *cinfo = &stream->cinfo;
	jpeg_read_header(cinfo, TRUE);
	cinfo->scale_denom = SCALES;
	for (cinfo->scale_num = 1; cinfo->scale_num < SCALES; cinfo->scale_num++) {
		jpeg_calc_output_dimensions(cinfo);
		if ((int)cinfo->output_width >= shrink->width && (int)cinfo->output_height >= shrink->height)
			break;
	}
	cinfo->out_color_space = JCS_RGB;
	cinfo->do_fancy_upsampling = FALSE;
	cinfo->dct_method = JDCT_IFAST;
	jpeg_start_decompress(cinfo);
}

static void add_row(Shrink *shrink, int width)
{
	for (int x = 0; x < width; x++) {
		uint32_t *sum = shrink->sums + 4 * ((int64_t)x * shrink->width / width);
		const uint8_t *px = shrink->row + 3 * x;
		sum[0] += px[0];
		sum[1] += px[1];
		sum[2] += px[2];
		sum[3]++;
	}
}

static void end_row(Shrink *shrink, int y)
{
	uint8_t *to = shrink->rgb + 3 * (size_t)y * (size_t)shrink->width;
	for (int x = 0; x < shrink->width; x++)
		for (int b = 0; b < 3; b++)
			to[3 * x + b] = (uint8_t)(shrink->sums[4 * x + b] / MAX(shrink->sums[4 * x + 3], 1));
	memset(shrink->sums, 0, 4 * (size_t)shrink->width * sizeof *shrink->sums);
}

static void read_rows(TfJpegStream *stream, void *data)
{
	Shrink *shrink = data;
	struct jpeg_decompress_struct *cinfo = &stream->cinfo;
	int at = 0, height = (int)cinfo->output_height;
	while (cinfo->output_scanline < cinfo->output_height) {
		int y = (int)((int64_t)cinfo->output_scanline * shrink->height / height);
		JSAMPROW row = shrink->row;
		if (y != at)
			end_row(shrink, at);
		at = y;
		jpeg_read_scanlines(cinfo, &row, 1);
		add_row(shrink, (int)cinfo->output_width);
	}
	end_row(shrink, at);
}

bool tf_preview_takes_jpeg(const TfSource *source, int width, int height)
{
	const TfImageInfo *info = &source->info;
	bool colour = info->colour == TF_COLOUR_YCBCR || info->colour == TF_COLOUR_RGB || info->colour == TF_COLOUR_GREY;
	return info->codec == TF_CODEC_JPEG && colour && source->orientation == 1 && width <= info->width &&
	       height <= info->height;
}

uint8_t *tf_preview_jpeg(const TfSource *source, int width, int height)
{
	TfIdentity identity;
	tf_autofd int fd = tf_open_regular(source->path, &identity, NULL);
	g_autofree uint8_t *rgb = g_try_malloc(3 * (size_t)width * (size_t)height);
	g_autofree uint8_t *row = g_try_malloc(3 * (size_t)source->info.width);
	g_autofree uint32_t *sums = g_try_new0(uint32_t, 4 * (size_t)width);
	if (fd < 0 || !rgb || !row || !sums)
		return NULL;
	Shrink shrink = {width, height, row, sums, rgb};
	TfJpegStream stream;
	tf_jpeg_stream_init(&stream, source->path, fd, WINDOW_BYTES);
	bool good = tf_jpeg_stream_try(&stream, begin, &shrink, NULL) &&
	            (int)stream.cinfo.output_width <= source->info.width &&
	            (int)stream.cinfo.output_width >= width && (int)stream.cinfo.output_height >= height &&
	            tf_jpeg_stream_try(&stream, read_rows, &shrink, NULL);
	tf_jpeg_stream_clear(&stream);
	return good ? g_steal_pointer(&rgb) : NULL;
}
