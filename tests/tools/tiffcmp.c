/* SPDX-License-Identifier: MIT
 *
 * tiffcmp [--rms] TIFF BASE    compares each IFD of TIFF, tile by tile as
 *                              libtiff decodes it, with BASE.0.pnm, BASE.1.pnm ...
 * tiffcmp --partial TIFF BASE  the same, but prints "unreadable LEVEL COLUMN ROW"
 *                              and "different LEVEL COLUMN ROW" for each such tile
 * tiffcmp --dump TIFF BASE     writes what libtiff decodes to BASE.K.pnm
 *
 * The comparison is exact: each level must have the size of its reference, the
 * first one NewSubfileType 0 and the others 1, and any message of libtiff is a
 * failure.  With --rms only the samples may differ, and each level's root mean
 * square error is printed as "LEVEL ERROR".  Pixels of edge tiles that lie
 * outside the level are nobody's business.
 */
#include "pnm.h"
#include <tiffio.h>

typedef struct {
	TIFF *tiff;
	int index;
	uint32_t width, height, tile_width, tile_height;
	uint16_t bands; /* a sample of 16 bits counts as two */
	bool deep;
} Level;

static int n_messages;
static bool partial;

static void on_message(const char *module, const char *format, va_list args)
{
	g_autofree char *text = g_strdup_vprintf(format, args);
	if (partial || is_about_geotiff(text))
		return;
	fprintf(stderr, "libtiff: %s: %s\n", module ? module : "", text);
	n_messages++;
}

static bool level_open(Level *level, TIFF *tiff, int index)
{
	uint16_t bits = 0, compression = 0, photometric = 0, planar = PLANARCONFIG_CONTIG;
	uint32_t subfile = 0;
	*level = (Level){.tiff = tiff, .index = index};
	TIFFGetField(tiff, TIFFTAG_COMPRESSION, &compression);
	TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &photometric);
	if (compression == COMPRESSION_JPEG && photometric == PHOTOMETRIC_YCBCR)
		TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
	TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &level->width);
	TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &level->height);
	TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &level->tile_width);
	TIFFGetField(tiff, TIFFTAG_TILELENGTH, &level->tile_height);
	TIFFGetField(tiff, TIFFTAG_SAMPLESPERPIXEL, &level->bands);
	TIFFGetField(tiff, TIFFTAG_BITSPERSAMPLE, &bits);
	TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &planar);
	TIFFGetFieldDefaulted(tiff, TIFFTAG_SUBFILETYPE, &subfile);
	if (!TIFFIsTiled(tiff) || (bits != 8 && bits != 16) || planar != PLANARCONFIG_CONTIG || level->bands < 1 || level->bands > 3) {
		printf("level %d: not interleaved tiles of 8 or 16 bits\n", index);
		return false;
	}
	level->deep = bits == 16;
	level->bands *= level->deep ? 2 : 1;
	if (subfile != (index > 0 ? FILETYPE_REDUCEDIMAGE : 0)) {
		printf("level %d: NewSubfileType is %u\n", index, subfile);
		return false;
	}
	return true;
}

/* Decodes the tile whose top left pixel is (x, y). */
static bool read_tile(const Level *level, uint32_t x, uint32_t y, uint8_t *tile, size_t tile_bytes)
{
	uint32_t index = TIFFComputeTile(level->tiff, x, y, 0, 0);
	memset(tile, 0xa5, tile_bytes); /* a tile that libtiff leaves alone must not look right */
	if (TIFFReadEncodedTile(level->tiff, index, tile, (tmsize_t)tile_bytes) == (tmsize_t)tile_bytes) {
		for (size_t i = 0; level->deep && i < tile_bytes; i += 2)
			*(uint16_t *)(void *)(tile + i) = GUINT16_TO_BE(*(uint16_t *)(void *)(tile + i));
		return true;
	}
	printf(partial ? "unreadable %d %u %u\n" : "level %d: tile column %u row %u cannot be read\n", level->index,
	       x / level->tile_width, y / level->tile_height);
	return false;
}

/* Calls for every row of every tile, clipped to the level. */
typedef void (*RowFunc)(const Level *level, const uint8_t *row, uint32_t n_px, uint32_t x, uint32_t y, void *data);

static bool each_row(const Level *level, RowFunc func, void *data)
{
	size_t tile_bytes = (size_t)TIFFTileSize(level->tiff);
	g_autofree uint8_t *tile = g_malloc(tile_bytes);
	if (tile_bytes != (size_t)level->tile_width * level->tile_height * level->bands)
		die("level %d: a tile has %zu bytes", level->index, tile_bytes);
	for (uint32_t y = 0; y < level->height; y += level->tile_height)
		for (uint32_t x = 0; x < level->width; x += level->tile_width) {
			if (!read_tile(level, x, y, tile, tile_bytes)) {
				if (partial)
					continue;
				return false;
			}
			uint32_t n_px = MIN(level->tile_width, level->width - x);
			uint32_t n_rows = MIN(level->tile_height, level->height - y);
			for (uint32_t i = 0; i < n_rows; i++)
				func(level, tile + (size_t)i * level->tile_width * level->bands, n_px, x, y + i, data);
		}
	return true;
}

typedef struct {
	Pnm reference;
	Difference difference;
	int64_t told_col, told_row; /* the tile that was last told to differ */
} Comparison;

static void compare_row(const Level *level, const uint8_t *row, uint32_t n_px, uint32_t x, uint32_t y, void *data)
{
	Comparison *comparison = data;
	const uint8_t *want =
		comparison->reference.samples + ((size_t)y * level->width + x) * level->bands;
	uint64_t before = comparison->difference.n_different;
	difference_add_row(&comparison->difference, row, want, n_px, level->bands, x, y);
	int64_t col = x / level->tile_width, tile_row = y / level->tile_height;
	bool told = comparison->told_col == col && comparison->told_row == tile_row;
	if (!partial || told || comparison->difference.n_different == before)
		return;
	printf("different %d %" PRId64 " %" PRId64 "\n", level->index, col, tile_row);
	comparison->told_col = col;
	comparison->told_row = tile_row;
}

static bool compare_level(const Level *level, const char *path, bool rms)
{
	Comparison comparison = {.reference = pnm_map(path), .told_col = -1, .told_row = -1};
	const Pnm *reference = &comparison.reference;
	if (level->width != reference->width || level->height != reference->height ||
	    level->bands != reference->bands) {
		printf("level %d is %ux%ux%d, expected %" PRId64 "x%" PRId64 "x%d\n", level->index, level->width,
		       level->height, level->bands, reference->width, reference->height, reference->bands);
		return false;
	}
	bool read = each_row(level, compare_row, &comparison);
	if (rms && read) {
		printf("%d %.6f\n", level->index, difference_rms(&comparison.difference));
	} else if (read && !partial) {
		printf("level %d %ux%u: ", level->index, level->width, level->height);
		difference_print(&comparison.difference, level->bands, level->tile_width, level->tile_height);
	}
	pnm_unmap(&comparison.reference);
	return read && (rms || partial || comparison.difference.n_different == 0);
}

static void dump_row(const Level *level, const uint8_t *row, uint32_t n_px, uint32_t x, uint32_t y, void *data)
{
	uint8_t *samples = data;
	memcpy(samples + ((size_t)y * level->width + x) * level->bands, row, (size_t)n_px * level->bands);
}

static bool dump_level(const Level *level, const char *path)
{
	g_autofree uint8_t *samples = g_malloc((size_t)level->width * level->height * level->bands);
	if (!each_row(level, dump_row, samples))
		return false;
	pnm_write(path, level->width, level->height, level->bands, samples);
	return true;
}

int main(int argc, char **argv)
{
	bool rms = argc == 4 && g_str_equal(argv[1], "--rms");
	bool dump = argc == 4 && g_str_equal(argv[1], "--dump");
	partial = argc == 4 && g_str_equal(argv[1], "--partial");
	if (argc != 3 && !rms && !dump && !partial)
		die("usage: tiffcmp [--rms|--partial|--dump] TIFF BASE");
	TIFFSetErrorHandler(on_message);
	TIFFSetWarningHandler(on_message);
	/* m: no mmap, so that a read that fails is an error and not SIGBUS */
	TIFF *tiff = TIFFOpen(argv[argc - 2], "rm");
	if (!tiff)
		die("%s: cannot be opened", argv[argc - 2]);
	int n_levels = TIFFNumberOfDirectories(tiff);
	bool good = n_levels > 0;
	for (int i = 0; i < n_levels; i++) {
		Level level;
		g_autofree char *path = g_strdup_printf("%s.%d.pnm", argv[argc - 1], i);
		if (!TIFFSetDirectory(tiff, (tdir_t)i) || !level_open(&level, tiff, i))
			good = false;
		else if (!(dump ? dump_level(&level, path) : compare_level(&level, path, rms)))
			good = false;
	}
	TIFFClose(tiff);
	if (n_messages > 0 && !partial)
		printf("libtiff said something %d times\n", n_messages);
	return !good || (n_messages > 0 && !partial);
}
