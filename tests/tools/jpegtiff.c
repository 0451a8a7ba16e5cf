/* SPDX-License-Identifier: MIT
 *
 * jpegtiff QUALITY HxV TILE PPM TIFF: a JPEG TIFF of one level as libtiff's own
 * codec writes it.  A peer for the samplings that libvips cannot be asked for.
 */
#include "pnm.h"
#include <tiffio.h>

/* The tile at (x, y); beyond the edges the last pixels stand again. */
static void copy_tile(const Pnm *pnm, int64_t x, int64_t y, int side, uint8_t *tile)
{
	for (int64_t i = 0; i < side; i++)
		for (int64_t j = 0; j < side; j++) {
			int64_t from_x = MIN(x + j, pnm->width - 1), from_y = MIN(y + i, pnm->height - 1);
			memcpy(tile + (i * side + j) * 3, pnm->samples + (from_y * pnm->width + from_x) * 3, 3);
		}
}

int main(int argc, char **argv)
{
	if (argc != 6 || strlen(argv[2]) != 3)
		die("usage: jpegtiff QUALITY HxV TILE PPM TIFF");
	int side = (int)g_ascii_strtoll(argv[3], NULL, 10);
	Pnm pnm = pnm_map(argv[4]);
	TIFF *tiff = TIFFOpen(argv[5], "w");
	if (!tiff || pnm.bands != 3)
		die("%s: not a PPM, or %s cannot be written", argv[4], argv[5]);
	TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, (uint32_t)pnm.width);
	TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, (uint32_t)pnm.height);
	TIFFSetField(tiff, TIFFTAG_TILEWIDTH, side);
	TIFFSetField(tiff, TIFFTAG_TILELENGTH, side);
	TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, 3);
	TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, 8);
	TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
	TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_YCBCR);
	TIFFSetField(tiff, TIFFTAG_COMPRESSION, COMPRESSION_JPEG);
	TIFFSetField(tiff, TIFFTAG_YCBCRSUBSAMPLING, argv[2][0] - '0', argv[2][2] - '0');
	TIFFSetField(tiff, TIFFTAG_JPEGQUALITY, (int)g_ascii_strtoll(argv[1], NULL, 10));
	TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
	g_autofree uint8_t *tile = g_malloc((size_t)side * side * 3);
	for (int64_t y = 0; y < pnm.height; y += side)
		for (int64_t x = 0; x < pnm.width; x += side) {
			copy_tile(&pnm, x, y, side, tile);
			if (TIFFWriteTile(tiff, tile, (uint32_t)x, (uint32_t)y, 0, 0) < 0)
				die("%s: a tile cannot be written", argv[5]);
		}
	TIFFClose(tiff);
	return 0;
}
