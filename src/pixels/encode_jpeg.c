/* SPDX-License-Identifier: MIT */
#include "encode_private.h"

#include <jerror.h>
#include <setjmp.h>
#include <stdio.h>
#include <jpeglib.h>

enum { MAX_UNIT = 16 };

typedef struct {
	struct jpeg_compress_struct cinfo;
	struct jpeg_error_mgr errors;
	struct jpeg_destination_mgr output;
	jmp_buf escape;
	bool overflow;
	char reason[JMSG_LENGTH_MAX];
} Writer;

static void on_error_exit(j_common_ptr common)
{
	Writer *writer = common->client_data;
	common->err->format_message(common, writer->reason);
	longjmp(writer->escape, 1);
}

static void on_message(j_common_ptr common, int level)
{
}

static void nothing(j_compress_ptr cinfo)
{
}

/* The slot is all the room there is. */
static boolean on_full(j_compress_ptr cinfo)
{
	Writer *writer = cinfo->client_data;
	writer->overflow = true;
	ERREXIT(cinfo, JERR_BUFFER_SIZE);
	return FALSE;
}

static void set_parameters(Writer *writer, const TfEncoder *encoder, int quality)
{
	struct jpeg_compress_struct *cinfo = &writer->cinfo;
	static const J_COLOR_SPACE in[] = {
	        [TF_SPACE_GREY] = JCS_GRAYSCALE, [TF_SPACE_RGB] = JCS_RGB, [TF_SPACE_YCBCR] = JCS_YCbCr};
	cinfo->image_width = cinfo->image_height = (JDIMENSION)encoder->tile;
	cinfo->input_components = encoder->space.kind == TF_SPACE_GREY ? 1 : 3;
	cinfo->in_color_space = in[encoder->space.kind];
	jpeg_set_defaults(cinfo);
	jpeg_set_quality(cinfo, quality, TRUE);
	cinfo->write_JFIF_header = FALSE;
	cinfo->dct_method = JDCT_ISLOW;
	cinfo->raw_data_in = encoder->space.kind == TF_SPACE_YCBCR;
	if (cinfo->num_components == 3) {
		cinfo->comp_info[0].h_samp_factor = encoder->hsamp;
		cinfo->comp_info[0].v_samp_factor = encoder->vsamp;
	}
}

static void write_planar(Writer *writer, const TfEncoder *encoder, const TfPlane *planes)
{
	JSAMPROW rows[TF_MAX_PLANES][MAX_UNIT];
	JSAMPARRAY image[TF_MAX_PLANES] = {rows[0], rows[1], rows[2]};
	int unit = DCTSIZE * encoder->vsamp;
	for (int32_t y = 0; y < encoder->tile; y += unit) {
		for (int p = 0; p < TF_MAX_PLANES; p++) {
			int vsamp = tf_space_vsamp(encoder->space, p);
			for (int i = 0; i < unit / vsamp; i++)
				rows[p][i] = planes[p].data + (y / vsamp + i) * planes[p].stride;
		}
		jpeg_write_raw_data(&writer->cinfo, image, (JDIMENSION)unit);
	}
}

static void write_interleaved(Writer *writer, const TfPlane *plane)
{
	for (int32_t y = 0; y < plane->height; y++) {
		JSAMPROW row = plane->data + y * plane->stride;
		jpeg_write_scanlines(&writer->cinfo, &row, 1);
	}
}

/* Owns nothing, so that longjmp may leave it. */
static bool write_tile(Writer *writer, const TfEncoder *encoder, const TfPlane *planes, int quality)
{
	if (setjmp(writer->escape) != 0)
		return false;
	jpeg_create_compress(&writer->cinfo);
	writer->cinfo.client_data = writer;
	writer->cinfo.dest = &writer->output;
	set_parameters(writer, encoder, quality);
	jpeg_start_compress(&writer->cinfo, TRUE);
	if (writer->cinfo.raw_data_in)
		write_planar(writer, encoder, planes);
	else
		write_interleaved(writer, planes);
	jpeg_finish_compress(&writer->cinfo);
	return true;
}

/* The tile's length in `room`; 0 when it does not fit. */
static size_t encode_once(const TfEncoder *encoder, const TfPlane *planes, int quality, uint8_t *room,
                          GError **error)
{
	Writer writer = {.cinfo = {.client_data = &writer}};
	writer.cinfo.err = jpeg_std_error(&writer.errors);
	writer.errors.error_exit = on_error_exit;
	writer.errors.emit_message = on_message;
	writer.output = (struct jpeg_destination_mgr){.next_output_byte = room,
	                                              .free_in_buffer = encoder->slot_bytes,
	                                              .init_destination = nothing,
	                                              .empty_output_buffer = on_full,
	                                              .term_destination = nothing};
	bool ok = write_tile(&writer, encoder, planes, quality);
	size_t length = encoder->slot_bytes - writer.output.free_in_buffer;
	jpeg_destroy_compress(&writer.cinfo);
	if (ok)
		return length;
	if (!writer.overflow)
		g_set_error(error, TF_ERROR, TF_ERROR_NO_MEMORY, "libjpeg: %s", writer.reason);
	return 0;
}

/* Qualities are tried one by one: sizes nearly always fall with them, but "the
 * highest that fits" must not depend on "nearly". */
size_t tf_encode_jpeg(const TfEncoder *encoder, const TfPlane *planes, uint8_t *room, bool *requantised,
                      GError **error)
{
	for (int quality = encoder->quality; quality >= 1; quality--) {
		GError *failure = NULL;
		size_t length = encode_once(encoder, planes, quality, room, &failure);
		*requantised = quality < encoder->quality;
		if (length > 0)
			return length;
		if (failure) {
			g_propagate_error(error, failure);
			return 0;
		}
	}
	g_set_error(error, TF_ERROR, TF_ERROR_TOO_LARGE, "a tile does not fit its slot of %" G_GUINT64_FORMAT " bytes at any quality",
	            encoder->slot_bytes);
	return 0;
}
