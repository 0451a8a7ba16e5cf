/* SPDX-License-Identifier: MIT
 *
 * Encodes a raster as a tile of a TIFF is encoded, and decodes it again: the
 * best that the tile could look.
 */
#pragma once
#include "spotcheck_reference.h"
#include <jpeglib.h>
#include <tiffio.h>

/* Tables from the JPEGTables tag, or, in self-contained tiles, from the tile. */
static inline void jpeg_read_tile_header(TIFF *tif, int64_t x, int64_t y, struct jpeg_decompress_struct *d)
{
	uint32_t size = 0;
	void *tables = NULL;
	if (TIFFGetField(tif, TIFFTAG_JPEGTABLES, &size, &tables) && size > 0) {
		jpeg_mem_src(d, tables, size);
		jpeg_read_header(d, FALSE);
	}
	uint32_t tile = TIFFComputeTile(tif, (uint32_t)x, (uint32_t)y, 0, 0);
	tmsize_t bytes = (tmsize_t)TIFFGetStrileByteCount(tif, tile);
	g_autofree uint8_t *raw = g_malloc(bytes);
	if (TIFFReadRawTile(tif, tile, raw, bytes) != bytes)
		stop("%s: raw tile %u cannot be read", TIFFFileName(tif), tile);
	jpeg_mem_src(d, raw, bytes);
	jpeg_read_header(d, TRUE);
}

/* The photometric tag, not the stream, says whether three bands are YCbCr. */
static inline void jpeg_copy_parameters(TIFF *tif, const struct jpeg_decompress_struct *d,
					struct jpeg_compress_struct *c)
{
	uint16_t photometric = PHOTOMETRIC_YCBCR;
	TIFFGetField(tif, TIFFTAG_PHOTOMETRIC, &photometric);
	jpeg_set_defaults(c);
	jpeg_set_colorspace(c, d->num_components == 1             ? JCS_GRAYSCALE
			       : photometric == PHOTOMETRIC_YCBCR ? JCS_YCbCr
								  : JCS_RGB);
	for (int i = 0; i < c->num_components; i++) {
		unsigned int values[DCTSIZE2];
		for (int k = 0; k < DCTSIZE2; k++)
			values[k] = d->quant_tbl_ptrs[d->comp_info[i].quant_tbl_no]->quantval[k];
		jpeg_add_quant_table(c, i == 0 ? 0 : 1, values, 100, TRUE);
		c->comp_info[i].quant_tbl_no = i == 0 ? 0 : 1;
		c->comp_info[i].h_samp_factor = d->comp_info[i].h_samp_factor;
		c->comp_info[i].v_samp_factor = d->comp_info[i].v_samp_factor;
	}
}

static inline Raster jpeg_decode_rgb(const unsigned char *bytes, unsigned long size, int width, int height)
{
	struct jpeg_decompress_struct d = {0};
	struct jpeg_error_mgr errors;
	Raster to = {width, height, g_malloc((size_t)3 * width * height)};
	d.err = jpeg_std_error(&errors);
	jpeg_create_decompress(&d);
	jpeg_mem_src(&d, bytes, size);
	jpeg_read_header(&d, TRUE);
	d.out_color_space = JCS_RGB;
	jpeg_start_decompress(&d);
	while (d.output_scanline < d.output_height) {
		JSAMPROW row = to.pixels + (size_t)d.output_scanline * width * 3;
		jpeg_read_scanlines(&d, &row, 1);
	}
	jpeg_destroy_decompress(&d);
	return to;
}

static inline Raster reencode(TIFF *tif, int64_t x, int64_t y, const Raster *from)
{
	struct jpeg_decompress_struct tile = {0};
	struct jpeg_compress_struct c = {0};
	struct jpeg_error_mgr errors;
	unsigned char *bytes = NULL;
	unsigned long size = 0;
	tile.err = c.err = jpeg_std_error(&errors);
	jpeg_create_decompress(&tile);
	jpeg_read_tile_header(tif, x, y, &tile);
	jpeg_create_compress(&c);
	jpeg_mem_dest(&c, &bytes, &size);
	c.image_width = (JDIMENSION)from->width;
	c.image_height = (JDIMENSION)from->height;
	c.input_components = 3;
	c.in_color_space = JCS_RGB;
	jpeg_copy_parameters(tif, &tile, &c);
	jpeg_start_compress(&c, TRUE);
	while (c.next_scanline < c.image_height) {
		JSAMPROW row = from->pixels + (size_t)c.next_scanline * from->width * 3;
		jpeg_write_scanlines(&c, &row, 1);
	}
	jpeg_finish_compress(&c);
	Raster to = jpeg_decode_rgb(bytes, size, from->width, from->height);
	jpeg_destroy_compress(&c);
	jpeg_destroy_decompress(&tile);
	free(bytes);
	return to;
}
