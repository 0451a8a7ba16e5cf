/* SPDX-License-Identifier: MIT
 *
 * tiffslots TIFF: where each tile's bytes stand, as libtiff reads the IFDs:
 * "LEVEL COLUMN ROW OFFSET COUNT" in the order of the levels.
 */
#include "pnm.h"
#include <tiffio.h>

int main(int argc, char **argv)
{
	if (argc != 2)
		die("usage: tiffslots TIFF");
	TIFF *tiff = TIFFOpen(argv[1], "rm");
	if (!tiff)
		die("%s: cannot be opened", argv[1]);
	int n_levels = TIFFNumberOfDirectories(tiff);
	for (int level = 0; level < n_levels; level++) {
		uint32_t width = 0, tile_width = 0;
		if (!TIFFSetDirectory(tiff, (tdir_t)level))
			die("%s: no directory %d", argv[1], level);
		TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &width);
		TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &tile_width);
		if (width == 0 || tile_width == 0)
			die("%s: level %d has no tiles", argv[1], level);
		uint32_t columns = (width + tile_width - 1) / tile_width;
		for (uint32_t i = 0; i < TIFFNumberOfTiles(tiff); i++)
			printf("%d %u %u %" PRIu64 " %" PRIu64 "\n", level, i % columns, i / columns,
			       TIFFGetStrileOffset(tiff, i), TIFFGetStrileByteCount(tiff, i));
	}
	TIFFClose(tiff);
	return 0;
}
