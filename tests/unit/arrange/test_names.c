/* SPDX-License-Identifier: MIT
 *
 * Grids and positions from file names, with and without a pattern.
 */
#include "scratch.h"

typedef struct {
	const char *files;
	TfArrangeOptions options;
	const char *summary, *places;
} Good;

static const Good good[] = {
	{"tile_r0_c0.jpg tile_r0_c1.jpg tile_r1_c0.jpg tile_r1_c1.jpg",
	 {0},
	 "grid of 2 columns x 2 rows from names like tile_r{row}_c{col}.jpg, 4 files, no holes",
	 "tile_r0_c0.jpg@0,0 tile_r0_c1.jpg@1,0 tile_r1_c0.jpg@0,1 tile_r1_c1.jpg@1,1"},
	/* starts at 1, a hole, a date and a plate that do not vary, upper case extension */
	{"2023-11-05_p7_1_1.JPG 2023-11-05_p7_1_2.JPG 2023-11-05_p7_2_2.JPG",
	 {0},
	 "grid of 2 columns x 2 rows from names like 2023-11-05_p7_{row}_{col}.JPG, 3 files, 1 hole, the "
	 "first number "
	 "taken as the row (pattern= says otherwise)",
	 "2023-11-05_p7_1_1.JPG@0,0 2023-11-05_p7_1_2.JPG@1,0 2023-11-05_p7_2_2.JPG@1,1"},
	/* the letters decide, whatever the order */
	{"x0_y0.png x0_y1.png x1_y0.png x1_y1.png",
	 {0},
	 "grid of 2 columns x 2 rows from names like x{col}_y{row}.png, 4 files, no holes",
	 "x0_y0.png@0,0 x0_y1.png@0,1 x1_y0.png@1,0 x1_y1.png@1,1"},
	{"tileCol-1Row=1.webp tileCol-1Row=2.webp tileCol-2Row=1.webp",
	 {0},
	 "grid of 2 columns x 2 rows from names like tileCol-{col}Row={row}.webp, 3 files, 1 hole",
	 "tileCol-1Row=1.webp@0,0 tileCol-1Row=2.webp@0,1 tileCol-2Row=1.webp@1,0"},
	{"1column1.tif 1column2.tif 2column1.tif",
	 {0},
	 "grid of 2 columns x 2 rows from names like {row}column{col}.tif, 3 files, 1 hole",
	 "1column1.tif@0,0 1column2.tif@1,0 2column1.tif@0,1"},
	/* a single row: the letters of the constant number tell */
	{"r3_c9.jpg r3_c10.jpg r3_c11.jpg",
	 {0},
	 "grid of 3 columns x 1 row from names like r{row}_c{col}.jpg, 3 files, no holes",
	 "r3_c9.jpg@0,0 r3_c10.jpg@1,0 r3_c11.jpg@2,0"},
	/* other padding of a constant number; dot files, text and folders do not count */
	{".hidden_9_9.jpg a01_1_1.jpg a1_1_2.jpg a1_2_1.jpg readme.txt sub/a1_2_2.jpg",
	 {0},
	 "grid of 2 columns x 2 rows from names like a*_{row}_{col}.jpg, 3 files, 1 hole, the first number "
	 "taken as the "
	 "row (pattern= says otherwise)",
	 "a01_1_1.jpg@0,0 a1_1_2.jpg@1,0 a1_2_1.jpg@0,1"},
	/* a name without numbers has no place in a grid of two */
	{"overview.jpg t_1_1.jpg t_1_2.jpg t_2_1.jpg",
	 {.order = "row-left-up"},
	 "grid of 2 columns x 2 rows from names like t_{row}_{col}.jpg, 3 files, 1 hole, the first number "
	 "taken as the "
	 "row (pattern= says otherwise), 1 other image left out",
	 "t_1_1.jpg@1,1 t_1_2.jpg@0,1 t_2_1.jpg@1,0"},
	{"photo.jpeg",
	 {0},
	 "grid of 1 column x 1 row from names like photo.jpeg, 1 file, no holes",
	 "photo.jpeg@0,0"},
	{"a{b_1_1.jpe a{b_1_2.jpe a{b_2_2.jpe",
	 {0},
	 "grid of 2 columns x 2 rows from names like a{{b_{row}_{col}.jpe, 3 files, 1 hole, the first number "
	 "taken as the "
	 "row (pattern= says otherwise)",
	 "a{b_1_1.jpe@0,0 a{b_1_2.jpe@1,0 a{b_2_2.jpe@1,1"},
	/* numbers sort as numbers */
	{"t2.jpg t10.jpg t9.jpg t8.jpg",
	 {.columns = 3},
	 "grid of 3 columns x 3 rows from names like t{i}.jpg, 4 files, 5 holes, order row",
	 "t2.jpg@0,0 t8.jpg@0,2 t9.jpg@1,2 t10.jpg@2,2"},
	{"t2.jpg",
	 {.columns = 3},
	 "grid of 1 column x 1 row from names like t{i}.jpg, 1 file, no holes, order row",
	 "t2.jpg@0,0"},
	/* patterns */
	{"t_003_1_x.jpg t_004_2_y.jpg thumb.jpg",
	 {.pattern = "t_{col:03}_{row}_*.jpg"},
	 "grid of 2 columns x 2 rows from names like t_{col:03}_{row}_*.jpg, 2 files, 2 holes, 1 other image "
	 "left out",
	 "t_003_1_x.jpg@0,0 t_004_2_y.jpg@1,1"},
	{"t_x-300_y0.jpg t_x2700_y-5.jpg",
	 {.pattern = "t_x{x}_y{y}.jpg"},
	 "positions in pixels from names like t_x{x}_y{y}.jpg, 2 files",
	 "t_x-300_y0.jpg@0,5 t_x2700_y-5.jpg@3000,0"},
	{"t0101.jpg t0102.jpg t0201.jpg",
	 {.pattern = "t{yy}{xx}.jpg"},
	 "grid of 2 columns x 2 rows from names like t{yy}{xx}.jpg, 3 files, 1 hole",
	 "t0101.jpg@0,0 t0102.jpg@1,0 t0201.jpg@0,1"},
	/* a padded number has no fewer digits, and more only without zeros before */
	{"t_099.jpg t_100.jpg t_1000.jpg t_0101.jpg t_99.jpg",
	 {.pattern = "t_{iii}.jpg", .columns = 1000},
	 "grid of 902 columns x 1 row from names like t_{iii}.jpg, 3 files, 899 holes, order row, 2 other "
	 "images left "
	 "out",
	 "t_099.jpg@0,0 t_100.jpg@1,0 t_1000.jpg@901,0"},
	/* a * never takes the first digits of a number */
	{"a1b12.jpg a2b13.jpg",
	 {.pattern = "*{i}.jpg", .columns = 2},
	 "grid of 2 columns x 1 row from names like *{i}.jpg, 2 files, no holes, order row",
	 "a1b12.jpg@0,0 a2b13.jpg@1,0"},
	{"t0123.jpg t12.jpg t13.jpg",
	 {.pattern = "*{ii}.jpg", .columns = 2},
	 "grid of 2 columns x 1 row from names like *{ii}.jpg, 2 files, no holes, order row, 1 other image "
	 "left out",
	 "t12.jpg@0,0 t13.jpg@1,0"},
	{"s1_2.jpg s1_3.jpg",
	 {.pattern = "s{series}_{row}.jpg"},
	 "grid of 1 column x 2 rows from names like s{series}_{row}.jpg, 2 files, no holes",
	 "s1_2.jpg@0,0 s1_3.jpg@0,1"},
	/* what the user says of names goes before a file that could be found */
	{"a1.jpg a2.jpg tiles.csv TileConfiguration.txt",
	 {.columns = 1},
	 "grid of 1 column x 2 rows from names like a{i}.jpg, 2 files, no holes, order row",
	 "a1.jpg@0,0 a2.jpg@0,1"},
};

static void test_good(gconstpointer data)
{
	const Good *test = data;
	g_autoptr(Scratch) folder = scratch_new(test->files);
	g_autoptr(TfArrangement) arrangement = read_good(folder, &test->options);
	check_summary(folder, arrangement, test->summary);
	g_autofree char *places = list_places(arrangement);
	g_assert_cmpstr(places, ==, test->places);
	g_assert_cmpstr(arrangement->format, ==, "file names");
	g_assert_false(arrangement->ignore_orientation);
	g_autofree char *name = g_path_get_basename(folder);
	g_assert_cmpstr(arrangement->default_name, ==, name);
	g_assert_cmpstr(arrangement->origin, ==, folder);
}

typedef struct {
	const char *files;
	TfArrangeOptions options;
	TfErrorCode code;
	const char *message;
} Bad;

#define GRID "t_1_1.jpg t_1_2.jpg t_2_1.jpg t_2_2.jpg"

static const Bad bad[] = {
	{"", {0}, TF_ERROR_ARRANGEMENT, "DIR: no images in it \\(jpg .* webp\\), it is empty: give the folder of the tiles"},
	{"a/1.jpg b/1.jpg readme.txt",
	 {0},
	 TF_ERROR_ARRANGEMENT,
	 "DIR: no images in it \\(.*\\), but 2 folders: give one as SOURCE"},
	{"a.jpg b.jpg",
	 {0},
	 TF_ERROR_ARRANGEMENT,
	 "DIR: the names of the 2 images have no numbers: list them in tiles.csv \\(file,x,y\\)"},
	{"left.jpg m1.jpg",
	 {0},
	 TF_ERROR_ARRANGEMENT,
	 "DIR: the names of the 2 images, such as m1.jpg and left.jpg, have no numbers in common: .*"},
	{"t1.jpg t01.jpg", {0}, TF_ERROR_ARRANGEMENT, "DIR: names like t0?1.jpg differ only in the zeros .*"},
	/* one running number */
	{"t1.jpg t2.jpg t3.jpg t4.jpg t5.jpg t6.jpg",
	 {0},
	 TF_ERROR_ARRANGEMENT,
	 "DIR: names have one running number \\(1 to 6\\): give the number of columns, e.g. columns=3"},
	{"t1.jpg t2.jpg", {.order = "column"}, TF_ERROR_ARRANGEMENT, "DIR: names have one running number .*"},
	{"t.jpg t1.jpg t2.jpg",
	 {.columns = 2},
	 TF_ERROR_ARRANGEMENT,
	 "DIR: 2 images are named like t1.jpg, 1 others like t.jpg: choose with pattern='t\\{i\\}.jpg' and "
	 "columns=, "
	 "which leaves the others out"},
	/* more than two */
	{"t_1_1_1.jpg t_1_2_2.jpg t_2_1_3.jpg",
	 {0},
	 TF_ERROR_ARRANGEMENT,
	 "DIR: names like t_1_1_1.jpg have 3 varying numbers: say which is the row and which the column, "
	 "e.g. "
	 "pattern='t_\\{row\\}_\\{col\\}_\\*.jpg'"},
	{"1_c1_r1.jpg 2_c2_r1.jpg 3_c1_r2.jpg",
	 {0},
	 TF_ERROR_ARRANGEMENT,
	 "DIR: names like .* e.g. pattern='\\*_c\\{col\\}_r\\{row\\}.jpg'"},
	/* two that are no grid, or pixels */
	{"t_1_10.jpg t_2_11.jpg t_3_12.jpg",
	 {0},
	 TF_ERROR_ARRANGEMENT,
	 "DIR: the two numbers in names like t_1_10.jpg make no grid \\(no two files share the first one\\): "
	 ".*"},
	{"t_x0_y0.jpg t_x0_y2000.jpg t_x2880_y0.jpg t_x2880_y2000.jpg",
	 {0},
	 TF_ERROR_ARRANGEMENT,
	 "DIR: the two numbers in names like t_x0_y0.jpg go in steps of 2880 and 2000: say "
	 "pattern='t_x\\{x\\}_y\\{y\\}.jpg' for positions in pixels or pattern='t_x\\{col\\}_y\\{row\\}.jpg' "
	 "for grid "
	 "cells"},
	{"t_0_0.jpg t_0_2001.jpg t_2881_3.jpg t_2881_2000.jpg",
	 {0},
	 TF_ERROR_ARRANGEMENT,
	 "DIR: the two numbers in names like t_0_0.jpg (go in steps|make no grid|would fill only) .*"},
	{"t_0_0.jpg t_0_16.jpg t_15_0.jpg t_16_16.jpg",
	 {0},
	 TF_ERROR_ARRANGEMENT,
	 "DIR: the two numbers in names like t_0_0.jpg would fill only 1.4% of a grid: .*"},
	/* mixtures */
	{GRID " u_1_1.jpg",
	 {0},
	 TF_ERROR_ARRANGEMENT,
	 "DIR: 4 images are named like t_1_1.jpg, 1 others like u_1_1.jpg: choose with "
	 "pattern='t_\\{row\\}_\\{col\\}.jpg', which leaves the others out"},
	{GRID " t_1_1.png",
	 {0},
	 TF_ERROR_ARRANGEMENT,
	 "DIR: 4 images are named like t_1_1.jpg, 1 others like t_1_1.png: .*"},
	{"t_1_1.jpg t_1_2.jpg t_2_1.jpg t_02_1.jpg",
	 {0},
	 TF_ERROR_ARRANGEMENT,
	 "DIR: t_0?2_1.jpg and t_0?2_1.jpg are for the same cell of the grid"},
	{"u_1.jpg u_2.jpg t_1.jpg t_2.jpg",
	 {.columns = 2},
	 TF_ERROR_ARRANGEMENT,
	 "DIR: 2 images are named like t_1.jpg, 2 others like u_1.jpg: .*"},
	/* options */
	{GRID,
	 {.columns = 2},
	 TF_ERROR_ARRANGEMENT,
	 "DIR: columns= is for one running number, but names like t_1_1.jpg have 2 that vary: .*"},
	{GRID,
	 {.order = "column"},
	 TF_ERROR_USAGE,
	 "pattern=.*: order= has no use without \\{i\\}, except row-left, .*"},
	{GRID,
	 {.order = "rows"},
	 TF_ERROR_USAGE,
	 "order=rows: expected row, column, row-snake or column-snake, .*"},
	{GRID, {.order = "row-left-snake"}, TF_ERROR_USAGE, "order=row-left-snake: expected .*"},
	{GRID, {.order = "row-up-up"}, TF_ERROR_USAGE, "order=row-up-up: expected .*"},
	{GRID, {.order = ""}, TF_ERROR_USAGE, "order=: expected .*"},
	{GRID, {.overlap = "-1"}, TF_ERROR_USAGE, "overlap=-1: expected pixels or percent below 100%, .*"},
	{GRID, {.overlap = "100%"}, TF_ERROR_USAGE, "overlap=100%: .*"},
	{GRID, {.overlap = "1,2,3"}, TF_ERROR_USAGE, "overlap=1,2,3: .*"},
	{GRID, {.overlap = "nan"}, TF_ERROR_USAGE, "overlap=nan: .*"},
	{GRID, {.overlap = "10%,"}, TF_ERROR_USAGE, "overlap=10%,: .*"},
	{GRID, {.overlap = "0x10"}, TF_ERROR_USAGE, "overlap=0x10: .*"},
	/* patterns */
	{GRID,
	 {.pattern = "u_{row}_{col}.jpg"},
	 TF_ERROR_ARRANGEMENT,
	 "DIR: pattern=u_\\{row\\}_\\{col\\}.jpg fits none of the 4 images, the first of which is t_1_1.jpg"},
	{GRID, {.pattern = "t_{row}_{col}.JPG"}, TF_ERROR_ARRANGEMENT, "DIR: pattern=.* fits none of .*"},
	{GRID,
	 {.pattern = "t_{row}_{cow}.jpg"},
	 TF_ERROR_USAGE,
	 "pattern=t_\\{row\\}_\\{cow\\}.jpg: unknown placeholder \\{cow\\}, expected \\{row\\} \\{col\\} .*"},
	{GRID,
	 {.pattern = "t_{row}_{col:x}.jpg"},
	 TF_ERROR_USAGE,
	 "pattern=.*: unknown placeholder \\{col:x\\}, .*"},
	{GRID, {.pattern = "t_{row}_{}.jpg"}, TF_ERROR_USAGE, "pattern=.*: unknown placeholder \\{\\}, .*"},
	{GRID, {.pattern = "t_{row}_{col.jpg"}, TF_ERROR_USAGE, "pattern=.*: \\{ without \\}"},
	{GRID,
	 {.pattern = "a/t_{row}_{col}.jpg"},
	 TF_ERROR_USAGE,
	 "pattern=.*: expected names without a folder"},
	{GRID,
	 {.pattern = "t_{row}_{yy}.jpg"},
	 TF_ERROR_USAGE,
	 "pattern=.*: \\{yy\\} means the same number as one before it"},
	{GRID,
	 {.pattern = "t_{row}{col}.jpg"},
	 TF_ERROR_USAGE,
	 "pattern=.*: nothing stands between \\{col\\} and .*"},
	{GRID, {.pattern = "t_*.jpg"}, TF_ERROR_USAGE, "pattern=.*: no placeholder, expected .*"},
	{GRID, {.pattern = ""}, TF_ERROR_USAGE, "pattern=: no placeholder, expected .*"},
	{GRID,
	 {.pattern = "t_{x}_*.jpg"},
	 TF_ERROR_USAGE,
	 "pattern=.*: expected \\{x\\} and \\{y\\} together"},
	{GRID,
	 {.pattern = "t_{row}_{i}.jpg", .columns = 2},
	 TF_ERROR_USAGE,
	 "pattern=.*: expected either .*"},
	{GRID,
	 {.pattern = "t_1_{i}.jpg"},
	 TF_ERROR_USAGE,
	 "pattern=.*: \\{i\\} needs the number of columns, columns="},
	{GRID,
	 {.pattern = "t_1_{i}.jpg", .columns = -2},
	 TF_ERROR_USAGE,
	 "pattern=.*: columns= is negative, .*"},
	{GRID,
	 {.pattern = "t_{row}_{col}.jpg", .columns = 2},
	 TF_ERROR_USAGE,
	 "pattern=.*: columns= has no use without .*"},
	{GRID,
	 {.pattern = "t_{x}_{y}.jpg", .overlap = "5"},
	 TF_ERROR_USAGE,
	 "pattern=.*: order= and overlap= have no use .*"},
	{GRID,
	 {.pattern = "t_{row}_*.jpg"},
	 TF_ERROR_ARRANGEMENT,
	 "DIR: t_1_1.jpg and t_1_2.jpg are for the same cell of the grid"},
	{"x0_y0.jpg x00_y0.jpg",
	 {.pattern = "x{x}_y{y}.jpg"},
	 TF_ERROR_ARRANGEMENT,
	 "DIR: .* are for the same position"},
	{GRID,
	 {.pattern = "t_{series}_{col}.jpg"},
	 TF_ERROR_ARRANGEMENT,
	 "DIR: t_1_1.jpg and t_2_1.jpg are of different series, expected one: put its number in place of "
	 "\\{series\\}"},
	{"t_0_0.jpg t_0_99999999999999999999999.jpg",
	 {.pattern = "t_{row}_{col}.jpg"},
	 TF_ERROR_TOO_LARGE,
	 "DIR: the names make 1000000000000000000 x 1 grid cells, the limit is 4194304 in each direction"},
	{"t_0_0.jpg t_0_2147483648.jpg",
	 {.pattern = "t_{x}_{y}.jpg"},
	 TF_ERROR_TOO_LARGE,
	 "DIR: the names make 1 x 2147483649 pixels, the limit is 2147483647 in each direction"},
};

static void test_bad(gconstpointer data)
{
	const Bad *test = data;
	g_autoptr(Scratch) folder = scratch_new(test->files);
	read_bad(folder, folder, &test->options, test->code, test->message);
}

/* Tiles 1 to 5 in lines of 2, as letters of a picture: rows from the top,
 * columns from the left, a dot for a hole. */
static void test_orders(void)
{
	static const struct {
		const char *order, *picture;
	} orders[] = {
		{"row", "12 34 5."},
		{"row-left", "21 43 .5"},
		{"row-up", "5. 34 12"},
		{"row-left-up", ".5 43 21"},
		{"row-snake", "12 43 5."},
		{"row-snake-left", "21 34 .5"},
		{"row-snake-up", "5. 43 12"},
		{"row-snake-up-left", ".5 34 21"},
		{"column", "135 24."},
		{"column-left", "531 .42"},
		{"column-up", "24. 135"},
		{"column-left-up", ".42 531"},
		{"column-snake", "145 23."},
		{"column-snake-left", "541 .32"},
		{"column-snake-up", "23. 145"},
		{"column-snake-left-up", ".32 541"},
	};
	g_autoptr(Scratch) folder = scratch_new("1.jpg 2.jpg 3.jpg 4.jpg 5.jpg");
	for (gsize i = 0; i < G_N_ELEMENTS(orders); i++) {
		TfArrangeOptions options = {.columns = 2, .order = orders[i].order};
		g_autoptr(TfArrangement) arrangement = read_good(folder, &options);
		g_auto(GStrv) rows = g_strsplit(orders[i].picture, " ", -1);
		g_assert_cmpint(arrangement->n_holes, ==, 1);
		for (guint tile = 0; tile < 5; tile++) {
			const TfPlace *place = place_at(arrangement, tile);
			g_assert_cmpint(place->row, <, g_strv_length(rows));
			g_assert_cmpint(rows[place->row][place->col], ==, '1' + tile);
		}
	}
}

static void test_no_folder(void)
{
	g_autoptr(Scratch) folder = scratch_new("a.jpg other.txt");
	g_autofree char *nothing = g_build_filename(folder, "nothing", NULL),
			*image = g_build_filename(folder, "a.jpg", NULL),
			*inside = g_build_filename(folder, "a.jpg", "b", NULL),
			*text = g_build_filename(folder, "other.txt", NULL);
	read_bad(folder, nothing, NULL, TF_ERROR_MISSING, "DIR/nothing: No such file or directory: there is no nothing in DIR");
	read_bad(folder, inside, NULL, TF_ERROR_MISSING, "DIR/a.jpg/b: Not a directory");
	read_bad(folder, image, NULL, TF_ERROR_ARRANGEMENT,
		 "DIR/a.jpg: an image, expected a folder of tiles or .*");
	read_bad(
		folder, text, NULL, TF_ERROR_ARRANGEMENT,
		"DIR/other.txt: no known arrangement, expected one of Fiji TileConfiguration, .*CSV .*");
}

static void test_unreadable(void)
{
	g_autoptr(Scratch) folder = scratch_new("t_1_1.jpg");
	g_assert_cmpint(chmod(folder, 0300), ==, 0);
	if (!access(folder, R_OK))
		g_test_skip("root reads every folder");
	else
		read_bad(folder, folder, NULL, TF_ERROR_ACCESS, "DIR: Permission denied");
	chmod(folder, 0700);
}

/* Names sort and match without quadratic work: five seconds would show it
 * on any machine; the usual time is under 0.1 s. */
static void test_many(void)
{
	g_autoptr(Scratch) folder = scratch_new("");
	for (int i = 0; i < 20000; i++) {
		g_autofree char *name = g_strdup_printf("t_r%d_c%d.jpg", i / 200, i % 200);
		g_autofree char *path = g_build_filename(folder, name, NULL);
		g_assert_cmpint(mknod(path, S_IFREG | 0600, 0), ==, 0);
	}
	gint64 start = g_get_monotonic_time();
	g_autoptr(TfArrangement) arrangement = read_good(folder, NULL);
	g_test_message("20,000 names in %.1f ms", (g_get_monotonic_time() - start) / 1000.0);
	g_assert_cmpint(g_get_monotonic_time() - start, <, (g_getenv("UNDER_VALGRIND") ? 100 : 5) * G_USEC_PER_SEC);
	for (guint i = 0; i < 20000; i++) {
		g_assert_cmpint(place_at(arrangement, i)->row, ==, i / 200);
		g_assert_cmpint(place_at(arrangement, i)->col, ==, i % 200);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (gsize i = 0; i < G_N_ELEMENTS(good); i++) {
		g_autofree char *name = g_strdup_printf("/names/good/%02zu", i);
		g_test_add_data_func(name, &good[i], test_good);
	}
	for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autofree char *name = g_strdup_printf("/names/bad/%02zu", i);
		g_test_add_data_func(name, &bad[i], test_bad);
	}
	g_test_add_func("/names/orders", test_orders);
	g_test_add_func("/names/no-folder", test_no_folder);
	g_test_add_func("/names/unreadable", test_unreadable);
	g_test_add_func("/names/many", test_many);
	return g_test_run();
}
