/* SPDX-License-Identifier: MIT
 *
 * limits planar|rgb POSITIONS.csv QUALITY TILE: what libjpeg-turbo alone needs
 * on one core for the mosaic: decoding every source once and encoding the
 * tiles of every level, in CPU seconds, as "key value" lines.  The halving and
 * all copying is not in it.
 *
 * Files that are hard links of each other are timed once, three times over,
 * and counted as often as they are used.  What encoding costs depends on the
 * picture and on the level, so the tiles are cut from the decoded sources and
 * their halves; levels above 2 take the rate of level 2.
 */
#include "positions.h"
#include <jpeglib.h>
#include <errno.h>
#include <sys/stat.h>
#include <time.h>

enum { RATED_LEVELS = 3, ROUNDS = 3, MAX_ROWS = 16, MAX_PLANES = 3 };

/* RGB is one plane of three interleaved bands, planar three planes of one. */
typedef struct {
	bool planar;
	int n_planes, bands, width, height; /* px */
	uint8_t *plane[MAX_PLANES];
	size_t stride[MAX_PLANES];
} Picture;

typedef struct {
	bool planar;
	int quality, tile;
	double decode_s, encode_s[RATED_LEVELS];
	int64_t decode_px, encode_px[RATED_LEVELS];
} Limits;

static double cpu_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static Picture picture_new(bool planar, int width, int height)
{
	Picture p = {.planar = planar, .width = width, .height = height};
	p.n_planes = planar ? 3 : 1;
	p.bands = planar ? 1 : 3;
	for (int i = 0; i < p.n_planes; i++) {
		int part = i > 0 ? 2 : 1; /* room for whole MCUs */
		p.stride[i] = (size_t)p.bands * (((size_t)width + 31) / 32 * 32) / (size_t)part;
		p.plane[i] = g_malloc0(p.stride[i] * (((size_t)height + 31) / 32 * 32) / (size_t)part);
	}
	return p;
}

static void picture_clear(Picture *p)
{
	for (int i = 0; i < p->n_planes; i++)
		g_free(p->plane[i]);
}

/* The rows of one iMCU row, or of one row of RGB, from px row y and column x. */
static void set_rows(const Picture *p, int x, int y, int n, JSAMPROW rows[MAX_PLANES][MAX_ROWS])
{
	for (int i = 0; i < p->n_planes; i++)
		for (int j = 0; j < (i > 0 ? n / 2 : n); j++)
			rows[i][j] = p->plane[i] + (size_t)((i > 0 ? y / 2 : y) + j) * p->stride[i] +
				     (size_t)((i > 0 ? x / 2 : x) * p->bands);
}

/* Into *p, which is made when it is empty: fresh memory costs page faults. */
static void decode(const char *path, const uint8_t *data, size_t size, bool planar, Picture *p)
{
	struct jpeg_decompress_struct c = {0};
	struct jpeg_error_mgr errors;
	c.err = jpeg_std_error(&errors);
	jpeg_create_decompress(&c);
	jpeg_mem_src(&c, data, size);
	jpeg_read_header(&c, TRUE);
	if (planar && (c.num_components != 3 || c.comp_info[0].h_samp_factor != 2 || c.comp_info[0].v_samp_factor != 2))
		stop("%s: not 4:2:0", path);
	c.raw_data_out = planar;
	c.out_color_space = planar ? JCS_YCbCr : JCS_RGB;
	if (p->n_planes == 0)
		*p = picture_new(planar, (int)c.image_width, (int)c.image_height);
	JSAMPROW rows[MAX_PLANES][MAX_ROWS];
	JSAMPARRAY image[MAX_PLANES] = {rows[0], rows[1], rows[2]};
	jpeg_start_decompress(&c);
	while (c.output_scanline < c.output_height) {
		set_rows(p, 0, (int)c.output_scanline, planar ? MAX_ROWS : 1, rows);
		if (planar)
			jpeg_read_raw_data(&c, image, MAX_ROWS);
		else
			jpeg_read_scanlines(&c, rows[0], 1);
	}
	jpeg_finish_decompress(&c);
	jpeg_destroy_decompress(&c);
}

static void encode(const Limits *limits, const Picture *p, int x, int y)
{
	struct jpeg_compress_struct c = {0};
	struct jpeg_error_mgr errors;
	unsigned char *out = NULL;
	unsigned long size = 0;
	c.err = jpeg_std_error(&errors);
	jpeg_create_compress(&c);
	jpeg_mem_dest(&c, &out, &size);
	c.image_width = c.image_height = (JDIMENSION)limits->tile;
	c.input_components = 3;
	c.in_color_space = p->planar ? JCS_YCbCr : JCS_RGB;
	jpeg_set_defaults(&c);
	jpeg_set_quality(&c, limits->quality, TRUE);
	c.raw_data_in = p->planar;
	JSAMPROW rows[MAX_PLANES][MAX_ROWS];
	JSAMPARRAY image[MAX_PLANES] = {rows[0], rows[1], rows[2]};
	jpeg_start_compress(&c, TRUE);
	while (c.next_scanline < c.image_height) {
		set_rows(p, x, y + (int)c.next_scanline, p->planar ? MAX_ROWS : 1, rows);
		if (p->planar)
			jpeg_write_raw_data(&c, image, MAX_ROWS);
		else
			jpeg_write_scanlines(&c, rows[0], 1);
	}
	jpeg_finish_compress(&c);
	jpeg_destroy_compress(&c);
	free(out);
}

/* Odd last rows and columns are left out: only whole tiles are encoded. */
static Picture halve(const Picture *in)
{
	Picture out = picture_new(in->planar, in->width / 2, in->height / 2);
	for (int i = 0; i < in->n_planes; i++) {
		int part = i > 0 ? 2 : 1, bands = in->bands;
		for (int y = 0; y < out.height / part; y++) {
			const uint8_t *a = in->plane[i] + (size_t)(2 * y) * in->stride[i], *b = a + in->stride[i];
			uint8_t *to = out.plane[i] + (size_t)y * out.stride[i];
			for (int x = 0; x < out.width / part * bands; x++) {
				int from = x / bands * 2 * bands + x % bands;
				to[x] = (uint8_t)((a[from] + a[from + bands] + b[from] + b[from + bands] + 2) >> 2);
			}
		}
	}
	return out;
}

static void time_encoding(Limits *limits, const Picture *p, int level, int uses)
{
	double start = cpu_now();
	int n = 0, side = limits->tile;
	for (int y = 0; y + side <= p->height; y += side)
		for (int x = 0; x + side <= p->width; x += side, n++)
			encode(limits, p, x, y);
	limits->encode_s[level] += (cpu_now() - start) * uses;
	limits->encode_px[level] += (int64_t)n * side * side * uses;
}

static double middle(double a, double b, double c)
{
	return MAX(MIN(a, b), MIN(MAX(a, b), c));
}

static void time_file(Limits *limits, const char *path, int uses)
{
	g_autofree char *data = NULL;
	gsize size = 0;
	double took[ROUNDS];
	Picture p = {0};
	if (!g_file_get_contents(path, &data, &size, NULL))
		stop("%s: cannot be read", path);
	for (int i = 0; i < ROUNDS; i++) {
		double start = cpu_now();
		decode(path, (uint8_t *)data, size, limits->planar, &p);
		took[i] = cpu_now() - start;
	}
	limits->decode_s += middle(took[0], took[1], took[2]) * uses;
	limits->decode_px += (int64_t)p.width * p.height * uses;
	for (int level = 0; level < RATED_LEVELS; level++) {
		time_encoding(limits, &p, level, uses);
		Picture half = halve(&p);
		picture_clear(&p);
		p = half;
	}
	picture_clear(&p);
}

/* Which files are the same, and how often each is used. */
static void time_files(Limits *limits, const Positions *positions)
{
	g_autoptr(GHashTable) uses = g_hash_table_new(g_str_hash, g_str_equal); /* path -> count */
	g_autoptr(GHashTable) first = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
	for (int i = 0; i < positions->n; i++) {
		struct stat info;
		char *path = positions->item[i].path;
		if (stat(path, &info) != 0)
			stop("%s: %s", path, g_strerror(errno));
		gint64 inode = (gint64)info.st_ino;
		if (!g_hash_table_contains(first, &inode))
			g_hash_table_insert(first, g_memdup2(&inode, sizeof inode), path);
		path = g_hash_table_lookup(first, &inode);
		g_hash_table_insert(uses, path, GINT_TO_POINTER(GPOINTER_TO_INT(g_hash_table_lookup(uses, path)) + 1));
	}
	GHashTableIter iter;
	gpointer path, count;
	g_hash_table_iter_init(&iter, uses);
	while (g_hash_table_iter_next(&iter, &path, &count))
		time_file(limits, path, GPOINTER_TO_INT(count));
}

/* The pixels of all tiles of a level, and the time at the nearest rated level. */
static void add_levels(const Limits *limits, int64_t width, int64_t height, double *encode_s, int64_t *encode_px)
{
	int64_t side = limits->tile;
	for (int k = 0;; k++) {
		int64_t px = (width + side - 1) / side * ((height + side - 1) / side) * side * side;
		int rated = MIN(k, RATED_LEVELS - 1);
		while (rated > 0 && limits->encode_px[rated] == 0)
			rated--;
		if (limits->encode_px[rated] > 0)
			*encode_s += limits->encode_s[rated] * (double)px / (double)limits->encode_px[rated];
		*encode_px += px;
		if (width <= side && height <= side)
			return;
		width = (width + 1) / 2;
		height = (height + 1) / 2;
	}
}

int main(int argc, char **argv)
{
	if (argc != 5 || (strcmp(argv[1], "planar") != 0 && strcmp(argv[1], "rgb") != 0))
		stop("usage: limits planar|rgb POSITIONS.csv QUALITY TILE");
	if (VIPS_INIT(argv[0]))
		stop_vips("libvips");
	Positions positions = positions_read(argv[2]);
	Limits limits = {.planar = argv[1][0] == 'p',
			 .quality = (int)g_ascii_strtoll(argv[3], NULL, 10),
			 .tile = (int)g_ascii_strtoll(argv[4], NULL, 10)};
	time_files(&limits, &positions);
	double encode_s = 0;
	int64_t encode_px = 0;
	add_levels(&limits, positions.width, positions.height, &encode_s, &encode_px);
	printf("decode_s %.3f\nencode_s %.3f\ndecode_px %" G_GINT64_FORMAT "\nencode_px %" G_GINT64_FORMAT "\n",
	       limits.decode_s, encode_s, limits.decode_px, encode_px);
	return 0;
}
