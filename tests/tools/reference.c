/* SPDX-License-Identifier: MIT
 *
 * reference [options] CSV ROOT BASE
 *   --first-on-top     the earlier of two overlapping sources is seen
 *   --autorotate       EXIF orientation is applied
 *   --srgb             ICC profiles are applied, the result is sRGB
 *   --background=R,G,B
 *
 * What a mosaic must look like, told by libvips and by nothing of tiffuse: the
 * sources of a CSV (file,x,y,width,height; files relative to ROOT) are joined
 * by arrayjoin if they are a complete grid without overlap, and otherwise
 * inserted one after the other.  BASE.0.pnm gets the mosaic and each
 * following BASE.K.pnm the 2x2 means of the one before, down to one pixel.
 */
#include "pnm.h"
#include <vips/vips.h>

static gboolean first_on_top, autorotate, to_srgb;
static const char *background_text = "0,0,0";

static const GOptionEntry entries[] = {
	{"first-on-top", 0, 0, G_OPTION_ARG_NONE, &first_on_top, NULL, NULL},
	{"autorotate", 0, 0, G_OPTION_ARG_NONE, &autorotate, NULL, NULL},
	{"srgb", 0, 0, G_OPTION_ARG_NONE, &to_srgb, NULL, NULL},
	{"background", 0, 0, G_OPTION_ARG_STRING, &background_text, NULL, NULL},
	{.long_name = NULL},
};

typedef struct {
	char *path;
	int x, y;
	VipsImage *image;
} Source;

static void source_clear(gpointer data)
{
	Source *source = data;
	g_clear_object(&source->image);
	g_free(source->path);
}

G_NORETURN static void die_vips(const char *what)
{
	die("%s: %s", what, vips_error_buffer());
}

/* Replaces *image by *result, the outcome of an operation on it. */
static void become(VipsImage **image, int failed, VipsImage **result, const char *what)
{
	if (failed)
		die_vips(what);
	g_object_unref(*image);
	*image = *result;
}

/* Splits a CSV line; quotes may surround a field and are doubled inside. */
static GPtrArray *split_line(const char *line)
{
	GPtrArray *fields = g_ptr_array_new_with_free_func(g_free);
	GString *field = g_string_new(NULL);
	bool quoted = false;
	for (const char *c = line;; c++) {
		if (*c == '"' && quoted && c[1] == '"')
			g_string_append_c(field, *c++);
		else if (*c == '"')
			quoted = !quoted;
		else if (*c == 0 || (*c == ',' && !quoted)) {
			g_ptr_array_add(fields, g_string_free(field, FALSE));
			if (*c == 0)
				return fields;
			field = g_string_new(NULL);
		} else if (*c != '\r')
			g_string_append_c(field, *c);
	}
}

static GArray *read_csv(const char *path, const char *root)
{
	g_autofree char *text = NULL;
	g_autoptr(GError) error = NULL;
	if (!g_file_get_contents(path, &text, NULL, &error))
		die("%s", error->message);
	GArray *sources = g_array_new(FALSE, TRUE, sizeof(Source));
	g_array_set_clear_func(sources, source_clear);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (int i = 0; lines[i]; i++) {
		g_autoptr(GPtrArray) fields = split_line(lines[i]);
		if (fields->len < 3)
			continue;
		char *end = NULL;
		Source source = {.x = (int)g_ascii_strtoll(fields->pdata[1], &end, 10)};
		if (end == fields->pdata[1])
			continue; /* the line of titles */
		source.y = (int)g_ascii_strtoll(fields->pdata[2], NULL, 10);
		source.path = g_path_is_absolute(fields->pdata[0]) ? g_strdup(fields->pdata[0])
		                                                   : g_build_filename(root, fields->pdata[0], NULL);
		g_array_append_val(sources, source);
	}
	if (sources->len == 0)
		die("%s: no sources", path);
	return sources;
}

/* 8 bits, without alpha, grey or sRGB numbers. */
static VipsImage *load(const char *path, const double *background)
{
	VipsImage *result = NULL;
	VipsImage *image = vips_image_new_from_file(path, NULL);
	if (!image)
		die_vips(path);
	if (autorotate)
		become(&image, vips_autorot(image, &result, NULL), &result, "autorot");
	if (vips_image_hasalpha(image)) {
		VipsArrayDouble *paper = vips_array_double_new(background, vips_image_get_bands(image) < 3 ? 1 : 3);
		become(&image, vips_flatten(image, &result, "background", paper, NULL), &result, "flatten");
		vips_area_unref(VIPS_AREA(paper));
	}
	if (to_srgb && vips_image_get_typeof(image, VIPS_META_ICC_NAME))
		become(&image, vips_icc_transform(image, &result, "srgb", "embedded", TRUE, NULL), &result, "icc");
	bool grey = vips_image_get_bands(image) == 1;
	become(&image,
	       vips_colourspace(image, &result, grey ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB, NULL), &result,
	       "colourspace");
	become(&image, vips_cast_uchar(image, &result, NULL), &result, "cast");
	result = vips_image_copy_memory(image);
	become(&image, result == NULL, &result, path);
	return image;
}

static int load_all(GArray *sources, const double *background)
{
	int bands = 1;
	for (guint i = 0; i < sources->len; i++) {
		Source *source = &g_array_index(sources, Source, i);
		source->image = load(source->path, background);
		bands = MAX(bands, vips_image_get_bands(source->image));
	}
	for (guint i = 0; i < sources->len && bands == 3; i++) {
		Source *source = &g_array_index(sources, Source, i);
		if (vips_image_get_bands(source->image) == 3)
			continue;
		VipsImage *same[3] = {source->image, source->image, source->image}, *result = NULL;
		become(&source->image, vips_bandjoin(same, &result, 3, NULL), &result, "bandjoin");
	}
	return bands;
}

static gint by_place(gconstpointer a, gconstpointer b)
{
	const Source *p = a, *q = b;
	return p->y != q->y ? (p->y > q->y) - (p->y < q->y) : (p->x > q->x) - (p->x < q->x);
}

/* The number of columns if the sources are a complete grid without overlap,
 * or 0.  Sorts them into raster order only then. */
static int grid_columns(GArray *sources)
{
	g_autoptr(GArray) sorted = g_array_sized_new(FALSE, FALSE, sizeof(Source), sources->len);
	g_array_append_vals(sorted, sources->data, sources->len);
	g_array_sort(sorted, by_place);
	const Source *cell = &g_array_index(sorted, Source, 0);
	int width = vips_image_get_width(cell->image), height = vips_image_get_height(cell->image);
	guint columns = 0;
	while (columns < sorted->len && cell[columns].y == cell->y)
		columns++;
	for (guint i = 0; i < sorted->len; i++)
		if (cell[i].x != (int)(i % columns) * width || cell[i].y != (int)(i / columns) * height ||
		    vips_image_get_width(cell[i].image) != width || vips_image_get_height(cell[i].image) != height)
			return 0;
	if (sorted->len % columns != 0)
		return 0;
	memcpy(sources->data, sorted->data, sizeof(Source) * sources->len);
	return (int)columns;
}

static VipsImage *join_grid(GArray *sources, int columns)
{
	g_autofree VipsImage **images = g_new(VipsImage *, sources->len);
	VipsImage *mosaic = NULL;
	for (guint i = 0; i < sources->len; i++)
		images[i] = g_array_index(sources, Source, i).image;
	if (vips_arrayjoin(images, &mosaic, (int)sources->len, "across", columns, NULL))
		die_vips("arrayjoin");
	return mosaic;
}

static VipsImage *insert_all(GArray *sources, const double *background, int bands)
{
	int width = 0, height = 0;
	for (guint i = 0; i < sources->len; i++) {
		const Source *source = &g_array_index(sources, Source, i);
		width = MAX(width, source->x + vips_image_get_width(source->image));
		height = MAX(height, source->y + vips_image_get_height(source->image));
	}
	VipsImage *mosaic = NULL, *result = NULL;
	const double ones[3] = {1, 1, 1};
	if (vips_black(&mosaic, width, height, "bands", bands, NULL))
		die_vips("black");
	become(&mosaic, vips_linear(mosaic, &result, ones, background, bands, "uchar", TRUE, NULL), &result, "linear");
	for (guint i = 0; i < sources->len; i++) {
		const Source *source = &g_array_index(sources, Source, first_on_top ? sources->len - 1 - i : i);
		become(&mosaic, vips_insert(mosaic, source->image, &result, source->x, source->y, NULL), &result, "insert");
	}
	return mosaic;
}

/* (a+b+c+d+2)>>2; beyond an odd edge the last row or column stands again. */
static uint8_t *halve(const uint8_t *from, int64_t width, int64_t height, int bands)
{
	int64_t to_width = (width + 1) / 2, to_height = (height + 1) / 2;
	uint8_t *to = g_malloc((size_t)(to_width * to_height * bands));
	for (int64_t y = 0; y < to_height; y++) {
		const uint8_t *upper = from + 2 * y * width * bands;
		const uint8_t *lower = from + MIN(2 * y + 1, height - 1) * width * bands;
		for (int64_t x = 0; x < to_width; x++) {
			int64_t left = 2 * x * bands, right = MIN(2 * x + 1, width - 1) * bands;
			for (int band = 0; band < bands; band++)
				to[(y * to_width + x) * bands + band] =
					(uint8_t)((upper[left + band] + upper[right + band] + lower[left + band] +
				                   lower[right + band] + 2) >> 2);
		}
	}
	return to;
}

static void write_levels(VipsImage *mosaic, const char *base)
{
	size_t n_bytes = 0;
	int bands = vips_image_get_bands(mosaic);
	int64_t width = vips_image_get_width(mosaic), height = vips_image_get_height(mosaic);
	uint8_t *samples = vips_image_write_to_memory(mosaic, &n_bytes);
	if (!samples || n_bytes != (size_t)(width * height * bands))
		die_vips("mosaic");
	for (int level = 0;; level++) {
		g_autofree char *path = g_strdup_printf("%s.%d.pnm", base, level);
		pnm_write(path, width, height, bands, samples);
		if (width == 1 && height == 1)
			break;
		uint8_t *smaller = halve(samples, width, height, bands);
		g_free(samples);
		samples = smaller;
		width = (width + 1) / 2;
		height = (height + 1) / 2;
	}
	g_free(samples);
}

int main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GOptionContext) context = g_option_context_new("CSV ROOT BASE");
	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, &argc, &argv, &error))
		die("%s", error->message);
	if (argc != 4)
		die("usage: reference [options] CSV ROOT BASE");
	if (VIPS_INIT(argv[0]))
		die_vips("vips");
	vips_cache_set_max(0);

	double background[3] = {0};
	g_auto(GStrv) parts = g_strsplit(background_text, ",", 3);
	if (g_strv_length(parts) != 3)
		die("--background wants R,G,B");
	for (int band = 0; band < 3; band++)
		background[band] = g_ascii_strtod(parts[band], NULL);

	g_autoptr(GArray) sources = read_csv(argv[1], argv[2]);
	int bands = load_all(sources, background);
	int columns = grid_columns(sources);
	VipsImage *mosaic = columns > 0 ? join_grid(sources, columns) : insert_all(sources, background, bands);
	write_levels(mosaic, argv[3]);
	g_object_unref(mosaic);
	return 0;
}
