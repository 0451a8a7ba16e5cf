/* SPDX-License-Identifier: MIT
 *
 * spotcheck [options] COPY.tif POSITIONS.csv: compares random windows of every
 * level of a pyramid with the mosaic of the sources.
 *
 * Without lossy compression the samples must be equal.  For JPEG no fixed
 * limit of PSNR is right for both empty glass and dense tissue; instead the
 * reference itself is encoded with the tables of the file and decoded, and
 * what the file shows must be no worse than that by --tolerance dB.
 */
#include "spotcheck_jpeg.h"
#include <locale.h>
#include <math.h>

enum { MAX_LEVELS = 32 };

typedef struct {
	int windows, seed, budget_mb;
	double tolerance;
	gboolean first_tile;
} Options;

typedef struct {
	int checked, bad;
	double worst; /* JPEG: dB below the reference's own encoding; else the largest difference */
	double psnr;  /* the lowest */
} Tally;

typedef struct {
	int64_t width, height;
	int tile_width, tile_height;
	bool lossy;
} Level;

/* Level k's directory: the reduced images of the top-level chain, in order. */
static int count_levels(TIFF *tif, tdir_t *directory, int max)
{
	int n = 0;
	uint32_t previous = UINT32_MAX;
	for (tdir_t d = 0; n < max && TIFFSetDirectory(tif, d); d++) {
		uint32_t width = 0, type = 0;
		TIFFGetField(tif, TIFFTAG_IMAGEWIDTH, &width);
		TIFFGetFieldDefaulted(tif, TIFFTAG_SUBFILETYPE, &type);
		if (!TIFFIsTiled(tif) || width >= previous || (d > 0 && !(type & FILETYPE_REDUCEDIMAGE)))
			break;
		previous = width;
		directory[n++] = d;
	}
	return n;
}

/* One tile as three bands. */
static Raster read_tile(TIFF *tif, int64_t x, int64_t y)
{
	uint32_t width = 0, height = 0;
	uint16_t bands = 0, bits = 0, compression = 0;
	TIFFGetField(tif, TIFFTAG_TILEWIDTH, &width);
	TIFFGetField(tif, TIFFTAG_TILELENGTH, &height);
	TIFFGetFieldDefaulted(tif, TIFFTAG_SAMPLESPERPIXEL, &bands);
	TIFFGetFieldDefaulted(tif, TIFFTAG_BITSPERSAMPLE, &bits);
	TIFFGetField(tif, TIFFTAG_COMPRESSION, &compression);
	if (bits != 8 || (bands != 1 && bands != 3))
		stop("%s: %d bands of %d bits are not handled", TIFFFileName(tif), bands, bits);
	if (compression == COMPRESSION_JPEG && bands == 3)
		TIFFSetField(tif, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
	Raster tile = {(int)width, (int)height, g_malloc((size_t)3 * width * height)};
	tmsize_t size = (tmsize_t)bands * width * height;
	if (TIFFReadTile(tif, tile.pixels, (uint32_t)x, (uint32_t)y, 0, 0) != size)
		stop("%s: the tile at %d,%d cannot be read", TIFFFileName(tif), (int)x, (int)y);
	for (size_t i = (size_t)width * height; bands == 1 && i-- > 0;)
		memset(tile.pixels + 3 * i, tile.pixels[i], 3);
	return tile;
}

static Raster raster_crop(const Raster *from, int x, int y, int width, int height)
{
	Raster to = {width, height, g_malloc((size_t)3 * width * height)};
	for (int row = 0; row < height; row++)
		memcpy(to.pixels + (size_t)row * width * 3,
		       from->pixels + ((size_t)(y + row) * from->width + x) * 3, (size_t)width * 3);
	return to;
}

static double squared_error(const Raster *a, const Raster *b, int *largest)
{
	double sum = 0;
	size_t n = (size_t)3 * a->width * a->height;
	*largest = 0;
	for (size_t i = 0; i < n; i++) {
		int d = abs(a->pixels[i] - b->pixels[i]);
		*largest = MAX(*largest, d);
		sum += d * d;
	}
	return sum / (double)n;
}

/* Never infinite: an error below a hundredth counts as that. */
static double psnr(double error)
{
	return 10 * log10(255 * 255 / MAX(error, 0.01));
}

/* A window of a level, inside one tile. */
typedef struct {
	int64_t tile_x, tile_y;
	int x, y, width, height; /* in the tile */
} Window;

static void choose_span(int64_t full, int tile, int size, GRand *random, int64_t *at, int *from, int *length)
{
	*at = (int64_t)(g_rand_double(random) * (double)((full + tile - 1) / tile)) * tile;
	int valid = (int)MIN(tile, full - *at);
	*length = MIN(size, valid);
	*from = 16 * (int)(g_rand_double(random) * ((valid - *length) / 16 + 1));
}

/* JPEG: dB that the file is worse than the reference's own encoding (small
 * when both are good); else the largest difference of a sample. */
static double compare_window(TIFF *tif, const Level *level, Reference *ref, int k, const Window *w,
			     double *lowest)
{
	g_auto(Raster) tile = read_tile(tif, w->tile_x, w->tile_y);
	g_auto(Raster) found = raster_crop(&tile, w->x, w->y, w->width, w->height);
	g_auto(Raster) expected =
		reference_level(ref, k, w->tile_x + w->x, w->tile_y + w->y, w->width, w->height);
	int largest = 0;
	double reached = psnr(squared_error(&expected, &found, &largest));
	*lowest = MIN(*lowest, reached);
	if (!level->lossy)
		return largest;
	g_auto(Raster) best = reencode(tif, w->tile_x, w->tile_y, &expected);
	double possible = MIN(psnr(squared_error(&expected, &best, &largest)), 45);
	return possible - reached;
}

static Level read_level(TIFF *tif)
{
	uint32_t width = 0, height = 0, tile_width = 0, tile_height = 0;
	uint16_t compression = 0;
	TIFFGetField(tif, TIFFTAG_IMAGEWIDTH, &width);
	TIFFGetField(tif, TIFFTAG_IMAGELENGTH, &height);
	TIFFGetField(tif, TIFFTAG_TILEWIDTH, &tile_width);
	TIFFGetField(tif, TIFFTAG_TILELENGTH, &tile_height);
	TIFFGetField(tif, TIFFTAG_COMPRESSION, &compression);
	return (Level){width, height, (int)tile_width, (int)tile_height, compression == COMPRESSION_JPEG};
}

/* Peers round the size of a level down, we up; both show the same pixels. */
static bool size_fits(int64_t found, int64_t full, int k)
{
	return found == full >> k || found == (full + ((int64_t)1 << k) - 1) >> k;
}

/* Windows get smaller with the level, else one tile of the top would need
 * every source there is; they keep to multiples of 16, the blocks of JPEG. */
static Tally check_level(TIFF *tif, Reference *ref, int k, const Options *o, GRand *random)
{
	Tally tally = {0, 0, -100, 100};
	Level level = read_level(tif);
	if (!size_fits(level.width, ref->positions->width, k) ||
	    !size_fits(level.height, ref->positions->height, k))
		stop("level %d is %dx%d, the mosaic %dx%d", k, (int)level.width, (int)level.height,
		     (int)ref->positions->width, (int)ref->positions->height);
	int size = MIN(MAX(32, 1024 >> MIN(k, 10)), level.tile_width);
	/* A few blocks on a seam between two sources say little: the reference's
	 * chroma goes through RGB, ours does not. */
	double tolerance = !level.lossy ? 0 : size < 128 ? 2 * o->tolerance : o->tolerance;
	int64_t possible = ((level.width + size - 1) / size) * ((level.height + size - 1) / size);
	int64_t n = MIN(o->windows, possible);
	for (; tally.checked < n; tally.checked++) {
		Window w;
		choose_span(level.width, level.tile_width, size, random, &w.tile_x, &w.x, &w.width);
		choose_span(level.height, level.tile_height, size, random, &w.tile_y, &w.y, &w.height);
		double difference = compare_window(tif, &level, ref, k, &w, &tally.psnr);
		tally.worst = MAX(tally.worst, difference);
		if (difference <= tolerance)
			continue;
		if (tally.bad++ < 5)
			g_print("level %d, x %d, y %d: differs by %.2f%s\n", k, (int)(w.tile_x + w.x),
				(int)(w.tile_y + w.y), difference, level.lossy ? " dB" : "");
	}
	g_print("level %d  %6dx%-6d  %4d windows, %d differ; worst %.2f %s, lowest PSNR %.1f dB\n", k,
		(int)level.width, (int)level.height, tally.checked, tally.bad, tally.worst,
		level.lossy ? "dB below the reference's own JPEG" : "grey levels", tally.psnr);
	return tally;
}

static int check_copy(TIFF *tif, const char *csv, const Options *o)
{
	tdir_t directory[MAX_LEVELS];
	int n_levels = count_levels(tif, directory, MAX_LEVELS), bad = 0;
	Positions positions = positions_read(csv);
	Reference ref = {&positions, g_array_new(FALSE, TRUE, sizeof(Kept)), 0, 0,
			 (uint64_t)o->budget_mb << 20};
	GRand *random = g_rand_new_with_seed((guint32)o->seed);
	if (n_levels == 0)
		stop("%s: no tiled image in it", TIFFFileName(tif));
	for (int k = 0; k < n_levels; k++) {
		if (!TIFFSetDirectory(tif, directory[k]))
			stop("%s: level %d cannot be read", TIFFFileName(tif), k);
		bad += check_level(tif, &ref, k, o, random).bad;
	}
	g_rand_free(random);
	return bad ? 1 : 0;
}

int main(int argc, char **argv)
{
	Options o = {.windows = 200, .seed = 1, .budget_mb = 600, .tolerance = 1.5};
	GOptionEntry entries[] = {
		{"windows", 0, 0, G_OPTION_ARG_INT, &o.windows, "checked in each level (200)", "N"},
		{"seed", 0, 0, G_OPTION_ARG_INT, &o.seed, "other windows (1)", "N"},
		{"tolerance", 0, 0, G_OPTION_ARG_DOUBLE, &o.tolerance, "dB, for JPEG (1.5)", "DB"},
		{"memory", 0, 0, G_OPTION_ARG_INT, &o.budget_mb, "for decoded sources (600)", "MB"},
		{"first-tile", 0, 0, G_OPTION_ARG_NONE, &o.first_tile, "only read the first tile", NULL},
		G_OPTION_ENTRY_NULL};
	setlocale(LC_NUMERIC, "C");
	g_autoptr(GOptionContext) context = g_option_context_new("COPY.tif [POSITIONS.csv]");
	g_option_context_add_main_entries(context, entries, NULL);
	g_autoptr(GError) error = NULL;
	if (!g_option_context_parse(context, &argc, &argv, &error))
		stop("%s", error->message);
	if (argc != (o.first_tile ? 2 : 3))
		stop("expected a TIFF and, without --first-tile, a CSV (see spotcheck --help)");
	TIFFSetWarningHandler(NULL);
	TIFF *tif = TIFFOpen(argv[1], "r");
	if (!tif)
		stop("%s: is not a TIFF that can be read", argv[1]);
	int result = 0;
	if (o.first_tile) {
		Raster tile = read_tile(tif, 0, 0);
		raster_clear(&tile);
	} else {
		if (VIPS_INIT(argv[0]))
			stop_vips("libvips does not start");
		result = check_copy(tif, argv[2], &o);
	}
	TIFFClose(tif);
	return result;
}
