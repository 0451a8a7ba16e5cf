/* SPDX-License-Identifier: MIT
 *
 * Makes a directory of image tiles for tests, the demo and the benchmark:
 * the same arguments give the same bytes.
 */
#include "mktiles_encode.h"
#include "mktiles_render.h"
#include <errno.h>
#include <glib/gstdio.h>
#include <locale.h>
#include <unistd.h>

typedef struct {
	char *kind, *overlap, *subsample, *names, *format, *positions;
	int columns, rows, tile_width, tile_height, quality, restart, seed, distinct, threads;
	double noise, scale;
	gboolean progressive;
	char *folder;
	int64_t overlap_x, overlap_y;
} Options;

/* A tile: where it lies, and the place in the picture that it shows; that is
 * another one when only some tiles are distinct. */
typedef struct {
	char *name;
	int64_t x, y, from_x, from_y;
	int like; /* index of the tile whose file it shares, or its own */
} Tile;

typedef struct {
	Options o;
	Encoding encoding;
	Picture *picture;
	Tile *tile;
	int n_tiles;
	int64_t width, height;
	gint64 bytes, encoded; /* of the distinct files; under lock */
	char *error;           /* the first one; under lock */
	GMutex lock;
} Job;

static void fail(const char *format, ...) G_GNUC_PRINTF(1, 2) G_GNUC_NORETURN;

static void fail(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *message = g_strdup_vprintf(format, args);
	va_end(args);
	g_printerr("mktiles: %s\n", message);
	exit(1);
}

static bool one_of(const char *value, const char *choices)
{
	g_auto(GStrv) list = g_strsplit(choices, "|", 0);
	return g_strv_contains((const char *const *)list, value);
}

static void read_overlap(Options *o)
{
	int64_t x = 0, y = 0;
	char tail;
	int n = sscanf(o->overlap, "%" G_GINT64_FORMAT ",%" G_GINT64_FORMAT "%c", &x, &y, &tail);
	if (n == 1 && strchr(o->overlap, ',') == NULL &&
	    strspn(o->overlap, "0123456789") == strlen(o->overlap))
		y = x;
	else if (n != 2)
		fail("--overlap=%s: expected PX or X,Y", o->overlap);
	if (x < 0 || y < 0 || x >= o->tile_width || y >= o->tile_height)
		fail("--overlap=%s: must be at least 0 and below the tile's size", o->overlap);
	o->overlap_x = x;
	o->overlap_y = y;
}

/* The seed is the mosaic that this project began with: 2000 photographs of
 * 3200x2200 in 95000x80000.  Scaling keeps their size and overlap. */
static void set_defaults(Options *o)
{
	bool seed = strcmp(o->kind, "seed") == 0;
	bool jittered = seed || strcmp(o->kind, "grid") != 0;
	o->tile_width = o->tile_width ? o->tile_width : seed ? 3200 : 800;
	o->tile_height = o->tile_height ? o->tile_height : seed ? 2200 : 600;
	if (!o->columns && !o->rows)
		o->columns = seed ? 50 : 12, o->rows = seed ? 40 : 9;
	if (!o->columns || !o->rows)
		fail("--columns and --rows must be given together");
	o->columns = MAX((int)lround(o->columns * sqrt(o->scale)), 1);
	o->rows = MAX((int)lround(o->rows * sqrt(o->scale)), 1);
	o->distinct = o->distinct < 0 ? (seed ? 24 : 0) : o->distinct;
	o->noise = o->noise < 0 ? 7 : o->noise;
	if (o->overlap)
		read_overlap(o);
	else if (seed) { /* 50 x 40 tiles span 95000 x 80000 exactly */
		o->overlap_x = o->tile_width - (95000 - 3200) / 49.0 * o->tile_width / 3200;
		o->overlap_y = o->tile_height - (80000 - 2200) / 39.0 * o->tile_height / 2200;
	} else if (jittered) {
		o->overlap_x = o->tile_width / 10;
		o->overlap_y = o->tile_height / 10;
	}
	o->names = o->names ? o->names : g_strdup("tile_r%03d_c%03d");
}

static void check_options(const Options *o)
{
	if (!one_of(o->format, "jpg|png|tif|webp"))
		fail("--format=%s: expected jpg, png, tif or webp", o->format);
	if (!one_of(o->subsample, "420|422|444|grey"))
		fail("--subsample=%s: expected 420, 422, 444 or grey", o->subsample);
	if (o->quality < 1 || o->quality > 100)
		fail("--quality=%d: expected 1 to 100", o->quality);
	if (o->tile_width < 1 || o->tile_height < 1 || o->tile_width > 65500 || o->tile_height > 65500)
		fail("a tile of %dx%d: sides must be 1 to 65500", o->tile_width, o->tile_height);
	if (o->columns < 1 || o->rows < 1 || (int64_t)o->columns * o->rows > 10000000)
		fail("%d columns and %d rows: expected 1 to ten million tiles", o->columns, o->rows);
	if (o->restart < 0 || o->noise > 100 || o->threads < 1)
		fail("--restart must be at least 0, --noise at most 100, --threads at least 1");
}

static void read_options(Options *o, int *argc, char ***argv)
{
	*o = (Options){.quality = 80, .seed = 1, .distinct = -1, .threads = 2, .noise = -1, .scale = 1};
	GOptionEntry entries[] = {
		{"kind", 0, 0, G_OPTION_ARG_STRING, &o->kind, "grid (default), seed, fiji, csv", "KIND"},
		{"columns", 0, 0, G_OPTION_ARG_INT, &o->columns, "tiles across (12; seed 50)", "N"},
		{"rows", 0, 0, G_OPTION_ARG_INT, &o->rows, "tiles down (9; seed 40)", "N"},
		{"tile-width", 0, 0, G_OPTION_ARG_INT, &o->tile_width, "px (800; seed 3200)", "PX"},
		{"tile-height", 0, 0, G_OPTION_ARG_INT, &o->tile_height, "px (600; seed 2200)", "PX"},
		{"overlap", 0, 0, G_OPTION_ARG_STRING, &o->overlap,
		 "of neighbours (grid 0; else a tenth; seed 1327,206)", "X[,Y]"},
		{"scale", 0, 0, G_OPTION_ARG_DOUBLE, &o->scale, "so many times as many tiles (1)", "S"},
		{"distinct", 0, 0, G_OPTION_ARG_INT, &o->distinct,
		 "make N images, hard-link the rest; 0: all (0; seed 24)", "N"},
		{"quality", 0, 0, G_OPTION_ARG_INT, &o->quality, "of JPEG and WebP (80)", "Q"},
		{"subsample", 0, 0, G_OPTION_ARG_STRING, &o->subsample,
		 "420 (default), 422, 444, grey (one band, any format)", "S"},
		{"progressive", 0, 0, G_OPTION_ARG_NONE, &o->progressive, "progressive JPEG", NULL},
		{"restart", 0, 0, G_OPTION_ARG_INT, &o->restart,
		 "JPEG restart marker every N rows of blocks (none)", "N"},
		{"format", 0, 0, G_OPTION_ARG_STRING, &o->format, "jpg (default), png, tif, webp", "FORMAT"},
		{"noise", 0, 0, G_OPTION_ARG_DOUBLE, &o->noise, "amplitude of the sensor's noise (7)",
		 "AMPLITUDE"},
		{"seed", 0, 0, G_OPTION_ARG_INT, &o->seed, "another picture, other positions (1)", "N"},
		{"names", 0, 0, G_OPTION_ARG_STRING, &o->names, "row, then column, from 1 (tile_r%03d_c%03d)",
		 "STYLE"},
		{"positions", 0, 0, G_OPTION_ARG_FILENAME, &o->positions,
		 "write absolute paths and positions as CSV", "FILE"},
		{"threads", 0, 0, G_OPTION_ARG_INT, &o->threads, "(2)", "N"},
		G_OPTION_ENTRY_NULL};
	g_autoptr(GOptionContext) context = g_option_context_new("OUTDIR");
	g_option_context_set_summary(
		context, "Makes tiles of one continuous picture.  grid: numbered names; fiji, csv, "
			 "seed: irregular\npositions in TileConfiguration.txt or tiles.csv.");
	g_option_context_add_main_entries(context, entries, NULL);
	g_autoptr(GError) error = NULL;
	if (!g_option_context_parse(context, argc, argv, &error))
		fail("%s (see mktiles --help)", error->message);
	if (*argc != 2)
		fail("expected one folder after the options (see mktiles --help)");
	o->folder = (*argv)[1];
	o->kind = o->kind ? o->kind : g_strdup("grid");
	o->subsample = o->subsample ? o->subsample : g_strdup("420");
	o->format = o->format ? o->format : g_strdup("jpg");
	if (!one_of(o->kind, "grid|seed|fiji|csv"))
		fail("--kind=%s: expected grid, seed, fiji or csv", o->kind);
	if (!(o->scale > 0 && o->scale <= 1000) || o->columns < 0 || o->rows < 0)
		fail("--scale must be above 0 and at most 1000, --columns and --rows above 0");
	set_defaults(o);
	check_options(o);
}

/* "%03d" and "%d" only: the style comes from the command line, and printf()
 * would believe whatever it says. */
static char *tile_name(const Options *o, int row, int col)
{
	GString *name = g_string_new(NULL);
	int value[2] = {row, col}, used = 0;
	for (const char *p = o->names; *p; p++) {
		char *end = (char *)p + 1;
		if (*p != '%') {
			g_string_append_c(name, *p);
			continue;
		}
		int digits = g_ascii_isdigit(*end) ? (int)strtol(end, &end, 10) : 1;
		if (*end != 'd' || used == 2 || digits > 20)
			fail("--names=%s: expected two numbers like %%d or %%03d, row and column", o->names);
		g_string_append_printf(name, "%0*d", digits, value[used++]);
		p = end;
	}
	if (used != 2)
		fail("--names=%s: expected two numbers like %%d or %%03d, row and column", o->names);
	g_string_append_printf(name, ".%s", o->format);
	return g_string_free(name, FALSE);
}

/* Positions stay so near to the grid's that neighbours always overlap, and
 * the tiles of the border keep the extent what it is without jitter. */
static int64_t jittered(const Options *o, int64_t at, int64_t last, int64_t overlap, uint32_t random)
{
	int64_t reach = overlap * 3 / 10;
	if (strcmp(o->kind, "grid") == 0 || at == 0 || at == last || reach == 0)
		return at;
	return at + random % (2 * reach + 1) - reach;
}

/* The n-th distinct image of few: spread over the tissue by steps of the
 * golden ratio's kind, so that few images already differ as the whole does. */
static void spread(const Job *job, int n, Tile *tile)
{
	double u = fmod(0.5 + n * 0.7548776662, 1), v = fmod(0.5 + n * 0.5698402910, 1);
	tile->from_x = (int64_t)((0.08 + 0.84 * u) * (job->width - job->o.tile_width));
	tile->from_y = (int64_t)((0.08 + 0.84 * v) * (job->height - job->o.tile_height));
}

static void place_tiles(Job *job)
{
	const Options *o = &job->o;
	double pitch_x = o->tile_width - o->overlap_x, pitch_y = o->tile_height - o->overlap_y;
	if (strcmp(o->kind, "seed") == 0 && !o->overlap) {
		pitch_x = (95000 - 3200) / 49.0 * o->tile_width / 3200;
		pitch_y = (80000 - 2200) / 39.0 * o->tile_height / 2200;
	}
	int64_t last_x = (int64_t)round((o->columns - 1) * pitch_x),
		last_y = (int64_t)round((o->rows - 1) * pitch_y);
	job->width = last_x + o->tile_width;
	job->height = last_y + o->tile_height;
	job->n_tiles = o->columns * o->rows;
	job->tile = g_new0(Tile, job->n_tiles);
	for (int i = 0; i < job->n_tiles; i++) {
		int col = i % o->columns, row = i / o->columns;
		Tile *tile = &job->tile[i];
		uint32_t random = picture_hash((uint32_t)o->seed + 400, col, row);
		tile->name = tile_name(o, row + 1, col + 1);
		tile->x = tile->from_x =
			jittered(o, (int64_t)round(col * pitch_x), last_x, o->overlap_x, random & 0xffff);
		tile->y = tile->from_y =
			jittered(o, (int64_t)round(row * pitch_y), last_y, o->overlap_y, random >> 16);
		tile->like = i;
		if (!o->distinct || o->distinct >= job->n_tiles)
			continue;
		if (i < o->distinct)
			spread(job, i, tile);
		else
			tile->like = (int)(picture_hash((uint32_t)o->seed + 500, col, row) %
					   (uint32_t)o->distinct);
	}
}

/* A new file takes the name: writing into an old one would change every name
 * that is linked to it. */
static bool write_file(const char *path, const void *data, size_t size, char **error)
{
	g_autofree char *part = g_strconcat(path, ".part", NULL);
	g_autoptr(GError) failure = NULL;
	if (!g_file_set_contents_full(part, data, (gssize)size, G_FILE_SET_CONTENTS_NONE, 0644, &failure)) {
		*error = g_strdup(failure->message);
		return false;
	}
	if (g_rename(part, path) != 0) {
		*error = g_strdup_printf("%s: %s", path, g_strerror(errno));
		return false;
	}
	return true;
}

static void make_tile(void *data, void *user_data)
{
	Tile *tile = data;
	Job *job = user_data;
	const Options *o = &job->o;
	g_autofree uint8_t *pixels = g_malloc((size_t)3 * o->tile_width * o->tile_height);
	picture_render(job->picture, tile->from_x, tile->from_y, o->tile_width, o->tile_height, pixels);
	g_autoptr(GBytes) bytes = encode_image(&job->encoding, pixels, o->tile_width, o->tile_height);
	g_autofree char *path = g_build_filename(o->folder, tile->name, NULL), *error = NULL;
	size_t size = 0;
	if (!bytes)
		error = g_strdup_printf("%s: %s", path, vips_error_buffer());
	else
		write_file(path, g_bytes_get_data(bytes, &size), g_bytes_get_size(bytes), &error);
	g_mutex_lock(&job->lock);
	job->bytes += size;
	job->encoded++;
	if (!job->error)
		job->error = g_steal_pointer(&error);
	g_mutex_unlock(&job->lock);
}

static void link_tiles(const Job *job)
{
	for (int i = 0; i < job->n_tiles; i++) {
		if (job->tile[i].like == i)
			continue;
		g_autofree char *from =
			g_build_filename(job->o.folder, job->tile[job->tile[i].like].name, NULL);
		g_autofree char *to = g_build_filename(job->o.folder, job->tile[i].name, NULL);
		if ((unlink(to) != 0 && errno != ENOENT) || link(from, to) != 0)
			fail("%s: cannot be linked to %s: %s", to, from, g_strerror(errno));
	}
}

static void write_list(const Job *job, const char *path, const char *header, const char *prefix, bool fiji)
{
	g_autoptr(GString) text = g_string_new(header);
	for (int i = 0; i < job->n_tiles; i++) {
		const Tile *t = &job->tile[i];
		const char *style = fiji ? "%s%s; ; (%" G_GINT64_FORMAT ".0, %" G_GINT64_FORMAT ".0)\n"
					 : "%s%s,%" G_GINT64_FORMAT ",%" G_GINT64_FORMAT "\n";
		g_string_append_printf(text, style, prefix, t->name, t->x, t->y);
	}
	g_autofree char *error = NULL;
	if (!write_file(path, text->str, text->len, &error))
		fail("%s", error);
}

static void write_lists(const Job *job)
{
	const Options *o = &job->o;
	bool fiji = strcmp(o->kind, "fiji") == 0;
	if (strcmp(o->kind, "grid") != 0) {
		g_autofree char *path =
			g_build_filename(o->folder, fiji ? "TileConfiguration.txt" : "tiles.csv", NULL);
		write_list(job, path, fiji ? "dim = 2\n" : "file,x,y\n", "", fiji);
	}
	if (o->positions) {
		g_autofree char *folder = realpath(o->folder, NULL), *prefix = g_strconcat(folder, "/", NULL);
		write_list(job, o->positions, "file,x,y\n", prefix, false);
	}
}

int main(int argc, char **argv)
{
	static Job job;
	setlocale(LC_NUMERIC, "C");
	read_options(&job.o, &argc, &argv);
	const Options *o = &job.o;
	if (VIPS_INIT(argv[0]))
		fail("libvips does not start: %s", vips_error_buffer());
	vips_concurrency_set(1);
	if (g_mkdir_with_parents(o->folder, 0777) != 0)
		fail("%s: %s", o->folder, g_strerror(errno));
	gint64 start = g_get_monotonic_time();
	place_tiles(&job);
	job.encoding = (Encoding){o->format, o->subsample, o->quality, o->restart, o->progressive};
	job.picture = picture_new(job.width, job.height, (uint32_t)o->seed, (float)o->noise);
	GThreadPool *pool = g_thread_pool_new(make_tile, &job, o->threads, TRUE, NULL);
	for (int i = 0; i < job.n_tiles; i++)
		if (job.tile[i].like == i)
			g_thread_pool_push(pool, &job.tile[i], NULL);
	g_thread_pool_free(pool, FALSE, TRUE);
	if (job.error)
		fail("%s", job.error);
	link_tiles(&job);
	write_lists(&job);
	double pixels = (double)job.encoded * o->tile_width * o->tile_height;
	g_print("%s: %d tiles of %dx%d (%" G_GINT64_FORMAT " distinct), mosaic %" G_GINT64_FORMAT
		"x%" G_GINT64_FORMAT ", %.2f bits per pixel, %.1f s\n",
		o->folder, job.n_tiles, o->tile_width, o->tile_height, job.encoded, job.width, job.height,
		8.0 * job.bytes / pixels, (g_get_monotonic_time() - start) / 1e6);
	return 0;
}
