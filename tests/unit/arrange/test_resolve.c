/* SPDX-License-Identifier: MIT
 *
 * From places and sizes to positions.
 */
#include "scratch.h"

#define N(array) ((guint)G_N_ELEMENTS(array))
#define GRID3 "1_1.jpg 1_2.jpg 1_3.jpg 2_1.jpg 2_2.jpg 2_3.jpg 3_1.jpg 3_2.jpg 3_3.jpg"

/* Sizes and positions as "WxH WxH ..." and "x,y x,y ...". */
static GArray *parse_sizes(const char *text)
{
	GArray *sizes = g_array_new(FALSE, FALSE, sizeof(TfSize));
	g_auto(GStrv) words = g_strsplit(text, " ", -1);
	for (char **word = words; *word; word++) {
		TfSize size;
		g_assert_cmpint(sscanf(*word, "%dx%d", &size.width, &size.height), ==, 2);
		g_array_append_val(sizes, size);
	}
	return sizes;
}

static char *resolve(const TfArrangement *arrangement, const char *size_text, double *residual,
		     GError **error)
{
	g_autoptr(GArray) sizes = parse_sizes(size_text);
	guint n = arrangement->places->len;
	while (sizes->len < n) { /* the last one stands for the rest */
		TfSize last = g_array_index(sizes, TfSize, sizes->len - 1);
		g_array_append_val(sizes, last);
	}
	g_autofree TfPosition *positions = g_new(TfPosition, n);
	TfResolution resolution;
	if (!tf_arrange_resolve(arrangement, (const TfSize *)sizes->data, positions, &resolution, error))
		return NULL;
	*residual = resolution.residual;
	GString *text = g_string_new(NULL);
	for (guint i = 0; i < n; i++)
		g_string_append_printf(text, "%s%" G_GINT64_FORMAT ",%" G_GINT64_FORMAT, i ? " " : "",
				       positions[i].x, positions[i].y);
	return g_string_free(text, FALSE);
}

typedef struct {
	const char *overlap, *sizes, *positions;
	double residual;
} Grid;

static const Grid grids[] = {
	{NULL, "32x22", "0,0 32,0 64,0 0,22 32,22 64,22 0,44 32,44 64,44", 0},
	{"2", "32x22", "0,0 30,0 60,0 0,20 30,20 60,20 0,40 30,40 60,40", 0},
	{"2,0", "32x22", "0,0 30,0 60,0 0,22 30,22 60,22 0,44 30,44 60,44", 0},
	/* (int)(32 * 0.9) = 28, (int)(22 * 0.9) = 19 */
	{"10%", "32x22", "0,0 28,0 56,0 0,19 28,19 56,19 0,38 28,38 56,38", 0},
	{"50%,1", "32x22", "0,0 16,0 32,0 0,21 16,21 32,21 0,42 16,42 32,42", 0},
	{"0.75", "32x22", "0,0 31,0 63,0 0,21 31,21 63,21 0,43 31,43 63,43", 0.5},
	/* columns of different widths, rows of different heights */
	{"1", "10x5 20x5 30x5 10x6 20x6 30x6 10x7 20x7 30x7", "0,0 9,0 28,0 0,4 9,4 28,4 0,9 9,9 28,9", 0},
	/* edge tiles: smaller in the last column and the last row only, even below the overlap */
	{"4", "32x22 32x22 8x22 32x22 32x22 3x22 32x2 32x2 8x1",
	 "0,0 28,0 56,0 0,18 28,18 56,18 0,36 28,36 56,36", 0},
	/* a column without pixels is as wide as the usual one */
	{NULL, "32x22 0x0 32x22 32x22 0x0 32x22 32x22 0x0 32x22",
	 "0,0 32,0 64,0 0,22 32,22 64,22 0,44 32,44 64,44", 0},
	{NULL, "0x0", "0,0 0,0 0,0 0,0 0,0 0,0 0,0 0,0 0,0", 0},
};

static void test_grid(gconstpointer data)
{
	const Grid *test = data;
	g_autoptr(Scratch) folder = scratch_new(GRID3);
	g_autoptr(GError) error = NULL;
	TfArrangeOptions options = {.overlap = test->overlap};
	g_autoptr(TfArrangement) arrangement = read_good(folder, &options);
	g_assert_true(arrangement->same_size_required);
	double residual = -1;
	g_autofree char *positions = resolve(arrangement, test->sizes, &residual, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(positions, ==, test->positions);
	g_assert_cmpfloat_with_epsilon(residual, test->residual, 1e-9);
}

static const struct {
	const char *overlap, *sizes;
	TfErrorCode code;
	const char *message;
} bad_grids[] = {
	{NULL, "32x22 31x22 32x22 32x22", TF_ERROR_ARRANGEMENT,
	 "DIR/1_2.jpg: 31 x 22 px, expected a width of 32 px as in the rest of its column: only tiles of the "
	 "last column "
	 "may be smaller"},
	{NULL, "32x22 32x22 32x21 32x22", TF_ERROR_ARRANGEMENT,
	 "DIR/1_3.jpg: 32 x 21 px, expected a height of 22 px as in the rest of its row: only tiles of the "
	 "last row may "
	 "be smaller"},
	{"32,0", "32x22", TF_ERROR_USAGE,
	 "overlap=32 px: expected less than the tiles' width, which is 32 px in column 0"},
	{"0,30", "32x22", TF_ERROR_USAGE,
	 "overlap=30 px: expected less than the tiles' height, which is 22 px in row 0"},
	{"99%", "32x22", TF_ERROR_USAGE, "overlap=32 px: .*"},
	{"15", "32x22 10x22 32x22 32x22 10x22 32x22 32x22 10x22 32x22", TF_ERROR_USAGE,
	 "overlap=15 px: expected less than the tiles' width, which is 10 px in column 1"},
};

static void test_bad_grids(void)
{
	g_autoptr(Scratch) folder = scratch_new(GRID3);
	for (guint i = 0; i < N(bad_grids); i++) {
		g_autoptr(GError) error = NULL;
		TfArrangeOptions options = {.overlap = bad_grids[i].overlap};
		g_autoptr(TfArrangement) arrangement = read_good(folder, &options);
		double residual;
		g_autofree char *positions = resolve(arrangement, bad_grids[i].sizes, &residual, &error);
		g_assert_null(positions);
		check_error(folder, error, bad_grids[i].code, bad_grids[i].message);
	}
}

/* A single tile overlaps nothing, but an overlap as large as it is a mistake. */
static void test_one_tile(void)
{
	g_autoptr(Scratch) folder = scratch_new("t.jpg");
	g_autoptr(GError) error = NULL;
	TfArrangeOptions options = {.overlap = "100"};
	g_autoptr(TfArrangement) arrangement = read_good(folder, &options);
	double residual;
	g_autofree char *positions = resolve(arrangement, "101x101", &residual, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(positions, ==, "0,0");
	g_autofree char *none = resolve(arrangement, "101x100", &residual, &error);
	g_assert_null(none);
	check_error(folder, error, TF_ERROR_USAGE,
		    "overlap=100 px: expected less than the tiles' height, .* 100 px in row 0");
}

/* An empty column of the grid is as wide as the others, less the overlap. */
static void test_hole(void)
{
	g_autoptr(Scratch) folder = scratch_new("r1_c1.jpg r1_c3.jpg r3_c3.jpg");
	g_autoptr(GError) error = NULL;
	TfArrangeOptions options = {.overlap = "2"};
	g_autoptr(TfArrangement) arrangement = read_good(folder, &options);
	double residual;
	g_autofree char *positions = resolve(arrangement, "32x22", &residual, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(positions, ==, "0,0 60,0 60,40");
	g_assert_cmpint(arrangement->n_holes, ==, 6);
}

static const struct {
	const char *csv, *sizes, *positions;
	double residual;
} lists[] = {
	{"a.jpg,-10.25,7\nb.jpg,20,-3.5\n", "32x22", "0,11 30,0", 0.5},
	{"a.jpg,0.4,0\nb.jpg,0.3,0.3\n", "32x22", "0,0 0,0", 0.3},
	{"a.jpg,1e9,0\nb.jpg,3e9,2\n", "32x22", "0,0 2000000000,2", 0},
	{"a.jpg,0,0,32,22\nb.jpg,40,0,31,21\n", "32x22 31x21", "0,0 40,0", 0},
	/* what is left out does not move the others */
	{"a.jpg,0,0\nb.jpg,40.5,30\n", "0x0 32x22", "0,0 0,0", 0},
};

static void test_lists(void)
{
	for (guint i = 0; i < N(lists); i++) {
		g_autoptr(Scratch) folder = scratch_new("a.jpg b.jpg");
		g_autoptr(GError) error = NULL;
		scratch_write(folder, "tiles.csv", lists[i].csv, -1);
		g_autoptr(TfArrangement) arrangement = read_good(folder, NULL);
		double residual = -1;
		g_autofree char *positions = resolve(arrangement, lists[i].sizes, &residual, &error);
		g_assert_no_error(error);
		g_assert_cmpstr(positions, ==, lists[i].positions);
		g_assert_cmpfloat_with_epsilon(residual, lists[i].residual, 1e-9);
	}
}

static const struct {
	const char *csv, *message;
	TfErrorCode code;
} bad_lists[] = {
	{"a.jpg,0,0,32,22\n\nb.jpg,40,0,31,22\n",
	 "DIR/tiles.csv:3: width 31 px, expected 32 px as in DIR/b.jpg", TF_ERROR_ARRANGEMENT},
	{"file,x,y,h\na.jpg,0,0,23\nb.jpg,0,0,22\n",
	 "DIR/tiles.csv:2: height 23 px, expected 22 px as in DIR/a.jpg", TF_ERROR_ARRANGEMENT},
	{"a.jpg,0,0\nb.jpg,3e9,0\n",
	 "DIR/b.jpg: 3000000000, 0 px from the top left tile, the limit is 2147483647", TF_ERROR_TOO_LARGE},
	{"a.jpg,0,-1e308\nb.jpg,0,1e308\n", "DIR/b.jpg: 0, inf px from the top left tile, .*",
	 TF_ERROR_TOO_LARGE},
};

static void test_bad_lists(void)
{
	for (guint i = 0; i < N(bad_lists); i++) {
		g_autoptr(Scratch) folder = scratch_new("a.jpg b.jpg");
		g_autoptr(GError) error = NULL;
		scratch_write(folder, "tiles.csv", bad_lists[i].csv, -1);
		g_autoptr(TfArrangement) arrangement = read_good(folder, NULL);
		double residual;
		g_autofree char *positions = resolve(arrangement, "32x22", &residual, &error);
		g_assert_null(positions);
		check_error(folder, error, bad_lists[i].code, bad_lists[i].message);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < N(grids); i++) {
		g_autofree char *name = g_strdup_printf("/resolve/grid/%02u", i);
		g_test_add_data_func(name, &grids[i], test_grid);
	}
	g_test_add_func("/resolve/bad-grids", test_bad_grids);
	g_test_add_func("/resolve/one-tile", test_one_tile);
	g_test_add_func("/resolve/hole", test_hole);
	g_test_add_func("/resolve/lists", test_lists);
	g_test_add_func("/resolve/bad-lists", test_bad_lists);
	return g_test_run();
}
