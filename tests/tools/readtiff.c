/* SPDX-License-Identifier: MIT
 *
 * readtiff TIFF BASE LEVELS: reads each level of TIFF by libtiff's two ways
 * into a tile, TIFFReadEncodedTile() and TIFFReadRGBATile(), and compares with
 * BASE.K.pnm.  Levels are the chained directories.  The file is mapped into
 * memory, as most programs on libtiff leave it.  Any message is a failure.
 */
#include "pnm.h"
#include <tiffio.h>

typedef struct {
	TIFF *tiff;
	int level;
	uint32_t side_x, side_y;
	Pnm want;
} Level;

static int n_messages;

static void on_message(const char *module, const char *format, va_list args)
{
	g_autofree char *text = g_strdup_vprintf(format, args);
	if (is_about_geotiff(text))
		return;
	fprintf(stderr, "libtiff: %s: %s\n", module ? module : "", text);
	n_messages++;
}

static void compare_row(const Level *level, const uint8_t *row, int64_t x, int64_t y, const char *way)
{
	const Pnm *want = &level->want;
	int64_t n_px = MIN(level->side_x, want->width - x);
	Difference difference = {0};
	difference_add_row(&difference, row, want->samples + (y * want->width + x) * want->bands, n_px, want->bands, x, y);
	if (difference.n_different == 0)
		return;
	fprintf(stderr, "level %d by %s: ", level->level, way);
	fflush(stderr);
	difference_print(&difference, want->bands, level->side_x, level->side_y);
	exit(1);
}

static void to_big_endian(uint8_t *samples, size_t n_bytes)
{
	for (size_t i = 0; i < n_bytes; i += 2)
		*(uint16_t *)(void *)(samples + i) = GUINT16_TO_BE(*(uint16_t *)(void *)(samples + i));
}

static void compare_encoded(const Level *level, uint32_t x, uint32_t y)
{
	size_t n_bytes = (size_t)level->side_x * level->side_y * level->want.bands;
	g_autofree uint8_t *tile = g_malloc0(n_bytes);
	if (TIFFTileSize(level->tiff) != (tmsize_t)n_bytes)
		die("level %d: a tile has %zd bytes", level->level, (ssize_t)TIFFTileSize(level->tiff));
	uint32_t index = TIFFComputeTile(level->tiff, x, y, 0, 0);
	if (TIFFReadEncodedTile(level->tiff, index, tile, (tmsize_t)n_bytes) != (tmsize_t)n_bytes)
		die("level %d: tile %u cannot be read", level->level, index);
	if (level->want.bands % 2 == 0)
		to_big_endian(tile, n_bytes);
	for (int64_t row = 0; row < MIN(level->side_y, level->want.height - y); row++)
		compare_row(level, tile + row * level->side_x * level->want.bands, x, y + row, "TIFFReadEncodedTile");
}

/* The 8 bits that libtiff makes of 16 for RGBA. */
static Pnm reduced(const Pnm *deep)
{
	Pnm pnm = {.width = deep->width, .height = deep->height, .bands = deep->bands / 2};
	size_t n = (size_t)(pnm.width * pnm.height * pnm.bands);
	uint8_t *samples = g_malloc(n);
	for (size_t i = 0; i < n; i++)
		samples[i] = (uint8_t)((deep->samples[2 * i] * 256 + deep->samples[2 * i + 1] + 128) / 257);
	pnm.samples = samples;
	return pnm;
}

/* RGBA tiles stand upside down: their last row is the tile's first. */
static void compare_rgba(const Level *level, uint32_t x, uint32_t y)
{
	int bands = level->want.bands;
	g_autofree uint32_t *tile = g_new0(uint32_t, (gsize)level->side_x * level->side_y);
	g_autofree uint8_t *row = g_malloc((gsize)level->side_x * 3);
	if (!TIFFReadRGBATile(level->tiff, x, y, tile))
		die("level %d: no RGBA tile at %u, %u", level->level, x, y);
	for (int64_t i = 0; i < MIN(level->side_y, level->want.height - y); i++) {
		const uint32_t *from = tile + (level->side_y - 1 - i) * level->side_x;
		for (uint32_t column = 0; column < level->side_x; column++) {
			row[column * bands] = TIFFGetR(from[column]);
			if (bands == 1)
				continue;
			row[column * bands + 1] = TIFFGetG(from[column]);
			row[column * bands + 2] = TIFFGetB(from[column]);
		}
		compare_row(level, row, x, y + i, "TIFFReadRGBATile");
	}
}

static void compare_level(TIFF *tiff, int index, const char *path)
{
	Level level = {.tiff = tiff, .level = index, .want = pnm_map(path)};
	uint16_t photometric = 0;
	uint32_t width = 0, height = 0;
	TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &width);
	TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &height);
	TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &level.side_x);
	TIFFGetField(tiff, TIFFTAG_TILELENGTH, &level.side_y);
	TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &photometric);
	bool deep = level.want.bands % 2 == 0;
	Level rgba = level;
	if (deep)
		rgba.want = reduced(&level.want);
	if (width != level.want.width || height != level.want.height || level.side_x == 0 || level.side_y == 0)
		die("level %d: %ux%u in tiles of %ux%u", index, width, height, level.side_x, level.side_y);
	for (uint32_t y = 0; y < height; y += level.side_y)
		for (uint32_t x = 0; x < width; x += level.side_x) {
			compare_rgba(&rgba, x, y);
			if (photometric == PHOTOMETRIC_YCBCR)
				TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
			compare_encoded(&level, x, y);
		}
	if (deep)
		g_free((void *)rgba.want.samples);
	pnm_unmap(&level.want);
}

int main(int argc, char **argv)
{
	if (argc != 4)
		die("usage: readtiff TIFF BASE LEVELS");
	TIFFSetErrorHandler(on_message);
	TIFFSetWarningHandler(on_message);
	TIFF *tiff = TIFFOpen(argv[1], "r");
	if (!tiff)
		die("%s: cannot be opened", argv[1]);
	int n_levels = TIFFNumberOfDirectories(tiff);
	if (n_levels != g_ascii_strtoll(argv[3], NULL, 10))
		die("%d directories", n_levels);
	for (int i = 0; i < n_levels; i++) {
		g_autofree char *path = g_strdup_printf("%s.%d.pnm", argv[2], i);
		if (!TIFFSetDirectory(tiff, (tdir_t)i))
			die("directory %d cannot be read", i);
		compare_level(tiff, i, path);
	}
	TIFFClose(tiff);
	return n_messages > 0;
}
