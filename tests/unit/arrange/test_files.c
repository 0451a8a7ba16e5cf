/* SPDX-License-Identifier: MIT
 *
 * Arrangement files: CSV, TSV and Fiji's TileConfiguration, as tiny changes of
 * a good file, how they are found in a folder, and which files they may name.
 */
#include "scratch.h"

/* --- texts: good, and with one defect ----------------------------------------- */

typedef struct {
	const char *file, *text;
	const char *summary, *places;
} Good;

static const Good good[] = {
	{"tiles.csv", "a.jpg,0,0\nb.jpg,3000.5,-2\n", "CSV tiles.csv: 2 tiles", "a.jpg@0,0 b.jpg@3000.5,-2"},
	{"tiles.csv",
	 "\xef\xbb\xbf# made by hand\r\n\r\nfile,x,y\r\n a.jpg , 1 , 2 \r\n#b.jpg,1,1\r\nb.jpg,1e3,+4",
	 "CSV tiles.csv: 2 tiles", "a.jpg@1,2 b.jpg@1000,4"},
	{"SOURCES.TSV", "Y\tPos_X\tw\tscore\tName\n1\t2\t10\t0.9\ta.jpg\n3\t4\t10\t0.8\tc d.jpg\n",
	 "TSV SOURCES.TSV: 2 tiles, columns not used: score", "a.jpg@2,1 c d.jpg@4,3"},
	{"sources.csv", "a.jpg;1;2;640;480\nb.jpg;3;4;640;480\n", "CSV sources.csv: 2 tiles",
	 "a.jpg@1,2 b.jpg@3,4"},
	{"sources.csv", "\"e,f.jpg\",1,2\n\"q\"\"r.jpg\" , \"3\",4\n", "CSV sources.csv: 2 tiles",
	 "e,f.jpg@1,2 q\"r.jpg@3,4"},
	{"tiles.csv", "path,left,top\na.jpg,1,2\na.jpg,5,2\n./sub//s.jpg,6,7\n", "CSV tiles.csv: 3 tiles",
	 "a.jpg@1,2 a.jpg@5,2 s.jpg@6,7"},
	{"TileConfiguration.txt",
	 "# Define the number of dimensions we are working on\ndim = 2\n\n# Define the image "
	 "coordinates\na.jpg; ; (0.0, 0.0)\nb.jpg; ; (2871.4, -3.25)\n",
	 "Fiji TileConfiguration.txt: 2 tiles", "a.jpg@0,0 b.jpg@2871.4,-3.25"},
	{"tileconfiguration_2.TXT", "dim=3\r\nmultiseries = true\r\na.jpg;0;(1,2,7)\r\nc d.jpg;;(3,4,7.0)",
	 "Fiji tileconfiguration_2.TXT: 2 tiles", "a.jpg@1,2 c d.jpg@3,4"},
	{"run.registered.txt", "dim = 2\nsub/s.jpg; ; (0, 0)\n", "Fiji run.registered.txt: 1 tile",
	 "s.jpg@0,0"},
};

#define FILES "a.jpg b.jpg sub/s.jpg e,f.jpg q\"r.jpg"

static Scratch *folder_with(const char *file, const char *text)
{
	Scratch *folder = scratch_new(FILES);
	scratch_write(folder, "c d.jpg", "", 0);
	scratch_write(folder, file, text, -1);
	return folder;
}

static void test_good(gconstpointer data)
{
	const Good *test = data;
	g_autoptr(Scratch) folder = folder_with(test->file, test->text);
	g_autofree char *path = g_build_filename(folder, test->file, NULL),
			*name = g_path_get_basename(folder);
	const char *const sources[] = {folder, path};
	for (gsize i = 0; i < G_N_ELEMENTS(sources); i++) {
		g_autoptr(TfArrangement) arrangement = read_good(sources[i], NULL);
		g_autofree char *places = list_places(arrangement);
		g_assert_cmpstr(arrangement->summary, ==, test->summary);
		g_assert_cmpstr(places, ==, test->places);
		g_assert_cmpstr(arrangement->origin, ==, path);
		g_assert_true(g_str_has_prefix(place_at(arrangement, 0)->path, folder));
		g_assert_true(arrangement->ignore_orientation ==
			      !strcmp(arrangement->format, "Fiji TileConfiguration"));
		g_assert_cmpstr(arrangement->default_name, ==,
				i && g_str_has_prefix(test->file, "run") ? "run" : name);
	}
}

typedef struct {
	const char *file, *text, *message;
} Bad;

#define CSV(text, message)                                                                                   \
	{                                                                                                    \
		"tiles.csv", text, "DIR/tiles.csv:" message                                                  \
	}
#define FIJI(text, message)                                                                                  \
	{                                                                                                    \
		"TileConfiguration.txt", text, "DIR/TileConfiguration.txt:" message                          \
	}

static const Bad bad[] = {
	CSV("", " lists no tiles"),
	CSV("# nothing\nfile,x,y\n", " lists no tiles"),
	CSV("a.jpg,1\n", "1: 2 fields, expected file,x,y or file,x,y,width,height"),
	CSV("a.jpg\n", "1: 1 field, expected .*"),
	CSV("a.jpg,1,2,3\n", "1: 4 fields, expected file,x,y or file,x,y,width,height"),
	CSV("a.jpg,1,2\nb.jpg,1\n", "2: 2 fields, expected 3 as in the first row"),
	CSV("a.jpg,1,2\n\n# c\nb.jpg,1,2,3,4\n", "4: 5 fields, expected 3 as in the first row"),
	CSV("a.jpg,1,2\nb.jpg;1;2\n", "2: 1 field, expected 3 .*"),
	CSV("a.jpg;1,5;2\n", "1: '1,5' is no x, expected a number such as 12 or 12.5"),
	CSV("a.jpg;1,5;2,5\n", "1: '1,5' is no x, .*"),
	CSV("a.jpg,1,\n", "1: '' is no y, expected a number .*"),
	CSV("a.jpg,nan,1\n", "1: 'nan' is no x, .*"),
	CSV("a.jpg,1,inf\n", "1: 'inf' is no y, .*"),
	CSV("a.jpg,1e999,1\n", "1: '1e999' is no x, .*"),
	CSV("a.jpg,0x10,1\n", "1: '0x10' is no x, .*"),
	CSV("a.jpg,1 2,1\n", "1: '1 2' is no x, .*"),
	CSV("a.jpg,1,2,0,5\n", "1: '0' is no width, expected a whole number of pixels"),
	CSV("a.jpg,1,2,5,4.5\n", "1: '4.5' is no height, expected a whole number of pixels"),
	CSV("a.jpg,1,2,5,3e9\n", "1: '3e9' is no height, .*"),
	CSV("tile,column,row\na.jpg,1,2\n", "1: 'column' is no x, .*"),
	CSV("x,y\n1,2\n", "1: no column for the file's name, expected file, x and y"),
	CSV("file,x,left,y\na.jpg,1,2,3\n", "1: two columns for x, 'x' and 'left', expected one"),
	CSV("\"a.jpg,1,2\n", "1: a quote is not closed on its line"),
	CSV("a.jpg,1,2\n\"b.jpg\"x,1,2\n", "2: text after a closing quote, expected a separator"),
	CSV(",1,2\n", "1: no file name"),
	{"tiles.csv",
	 "\xff\xfe"
	 "a",
	 "DIR/tiles.csv: UTF-16 text, expected UTF-8"},
	FIJI("", " lists no tiles"),
	FIJI("dim = 2\n", " lists no tiles"),
	FIJI("a.jpg; ; (0, 0)\n", "1: 'a.jpg; ; \\(0, 0\\)' before the dimensions, expected dim = 2 first"),
	FIJI("dim = 1\na.jpg; ; (0)\n", "1: dim = 1, expected dim = 2"),
	FIJI("dim = 2\ndim = 2\na.jpg; ; (0, 0)\n", "2: dim stands twice, expected it once"),
	FIJI("dim = 2\na.jpg; (0, 0)\n", "2: 1 semicolon, expected exactly two: name.jpg; ; \\(x, y\\)"),
	FIJI("dim = 2\na.jpg (0, 0)\n", "2: 0 semicolons, expected exactly two: .*"),
	FIJI("dim = 2\na.jpg; ; (0, 0);\n", "2: 3 semicolons, expected exactly two: .*"),
	FIJI("dim = 2\na.jpg; ; 0, 0\n", "2: '0, 0' is no position, expected \\(x, y\\)"),
	FIJI("dim = 2\na.jpg; ; (0, 0, 0)\n", "2: 3 coordinates, expected \\(x, y\\) because dim = 2"),
	FIJI("dim = 3\na.jpg; ; (0, 0)\n", "2: 2 coordinates, expected \\(x, y, z\\) because dim = 3"),
	FIJI("dim = 3\na.jpg; ; (0, 0, 1)\nb.jpg; ; (0, 0, 2)\n", "3: z = 2 after z = 1, expected one plane"),
	FIJI("dim = 2\na.jpg; ; (0, NaN)\n", "2: 'NaN' is no coordinate, expected a number"),
	FIJI("dim = 2\na.jpg; ; (0, )\n", "2: '' is no coordinate, expected a number"),
	FIJI("dim = 2\na.jpg; 3; (0, 0)\n",
	     "2: series '3', expected none: only files with one image are read"),
	FIJI("dim = 2\nmultiseries = yes\n", "2: multiseries = yes, expected true or false"),
	FIJI("dim = 2\n; ; (0, 0)\n", "2: no file name"),
};

static void test_bad(gconstpointer data)
{
	const Bad *test = data;
	g_autoptr(Scratch) folder = folder_with(test->file, test->text);
	read_bad(folder, folder, NULL, TF_ERROR_ARRANGEMENT, test->message);
}

static void test_zero_byte(void)
{
	g_autoptr(Scratch) folder = scratch_new("a.jpg");
	scratch_write(folder, "tiles.csv", "a.jpg,1\0,2\n", 11);
	read_bad(folder, folder, NULL, TF_ERROR_ARRANGEMENT, "DIR/tiles.csv: not a text file");
}

/* --- which file of a folder --------------------------------------------------- */

#define ONE_FIJI "dim = 2\na.jpg; ; (0, 0)\n"

static void test_preference(void)
{
	g_autoptr(Scratch) folder = scratch_new("a.jpg");
	g_autofree char *plain = g_build_filename(folder, "TileConfiguration.txt", NULL);
	scratch_write(folder, "tiles.csv", "a.jpg,1,2\n", -1);
	g_autoptr(TfArrangement) csv = read_good(folder, NULL);
	g_assert_cmpstr(csv->summary, ==, "CSV tiles.csv: 1 tile");
	scratch_write(folder, "TileConfiguration.txt", ONE_FIJI, -1);
	g_autoptr(TfArrangement) fiji = read_good(folder, NULL);
	g_assert_cmpstr(fiji->summary, ==, "Fiji TileConfiguration.txt: 1 tile");
	scratch_write(folder, "TileConfiguration.registered.txt", ONE_FIJI, -1);
	g_autoptr(TfArrangement) registered = read_good(folder, NULL);
	g_assert_cmpstr(registered->summary, ==,
			"Fiji TileConfiguration.registered.txt: 1 tile, preferred to TileConfiguration.txt");
	g_autoptr(TfArrangement) named = read_good(plain, NULL);
	g_assert_cmpstr(named->summary, ==,
			"Fiji TileConfiguration.txt: 1 tile, not TileConfiguration.registered.txt beside it");
}

static void test_two_candidates(void)
{
	g_autoptr(Scratch) folder = scratch_new("a.jpg tiles.csv sources.tsv");
	read_bad(folder, folder, NULL, TF_ERROR_ARRANGEMENT,
		 "DIR: two lists of tiles, sources.tsv and tiles.csv: give one of them as SOURCE");
	scratch_write(folder, "TileConfiguration.txt", ONE_FIJI, -1);
	scratch_write(folder, "TileConfiguration_2.txt", ONE_FIJI, -1);
	read_bad(folder, folder, NULL, TF_ERROR_ARRANGEMENT,
		 "DIR: two Fiji files, TileConfiguration.txt and TileConfiguration_2.txt: give one of them "
		 "as SOURCE");
	scratch_write(folder, "x.registered.txt", ONE_FIJI, -1);
	scratch_write(folder, "y.registered.txt", ONE_FIJI, -1);
	read_bad(folder, folder, NULL, TF_ERROR_ARRANGEMENT,
		 "DIR: two Fiji files, x.registered.txt and y.registered.txt: give one of them as SOURCE");
}

/* A file is known by what is in it, whatever its name. */
static void test_by_content(void)
{
	static const struct {
		const char *file, *text, *format, *name;
	} files[] = {
		{"run7.dat", "\n# c\n" ONE_FIJI, "Fiji TileConfiguration", "run7"},
		{"run8.csv", "dim = 2\na.jpg; ; (0, 0)\n", "Fiji TileConfiguration", "run8"},
		{"run9.txt", "a.jpg,1,2\n", "CSV", "run9"},
		{"list", "x\ty\tfile\n1\t2\ta.jpg\n", "CSV", "list"},
	};
	for (gsize i = 0; i < G_N_ELEMENTS(files); i++) {
		g_autoptr(Scratch) folder = folder_with(files[i].file, files[i].text);
		g_autofree char *path = g_build_filename(folder, files[i].file, NULL);
		g_autoptr(TfArrangement) arrangement = read_good(path, NULL);
		g_assert_cmpstr(arrangement->format, ==, files[i].format);
		g_assert_cmpstr(arrangement->default_name, ==, files[i].name);
	}
}

static void test_useless_options(void)
{
	g_autoptr(Scratch) folder = folder_with("tiles.csv", "a.jpg,1,2\n");
	g_autofree char *path = g_build_filename(folder, "tiles.csv", NULL);
	TfArrangeOptions overlap = {.overlap = "5"}, order = {.order = "row"},
			 pattern = {.pattern = "{x}_{y}"}, columns = {.columns = 5};
	read_bad(folder, folder, &overlap, TF_ERROR_USAGE,
		 "overlap= has no use here: DIR/tiles.csv gives the positions \\(pattern= with a folder "
		 ".*\\)");
	read_bad(folder, folder, &order, TF_ERROR_USAGE, "order= has no use here: .*");
	read_bad(folder, path, &pattern, TF_ERROR_USAGE, "pattern= has no use here: .*");
	read_bad(folder, path, &columns, TF_ERROR_USAGE, "columns= has no use here: .*");
}

/* --- which files it may name -------------------------------------------------- */

static void test_missing(void)
{
	g_autoptr(Scratch) folder = folder_with("tiles.csv", "a.jpg,1,2\nno1.jpg,3,4\nno/dir.jpg,5,6\n");
	TfArrangeOptions fill = {.missing_fill = true};
	read_bad(folder, folder, NULL, TF_ERROR_MISSING,
		 "DIR/tiles.csv: 2 of 3 files do not exist: no1.jpg \\(line 2\\), no/dir.jpg \\(line 3\\)");
	g_autoptr(TfArrangement) arrangement = read_good(folder, &fill);
	g_autofree char *places = list_places(arrangement);
	g_assert_cmpstr(places, ==, "a.jpg@1,2 no1.jpg@3,4? dir.jpg@5,6?");
	g_assert_cmpstr(arrangement->summary, ==, "CSV tiles.csv: 3 tiles, 2 of them missing");
	scratch_write(folder, "tiles.csv", "no1.jpg,3,4\n", -1);
	read_bad(folder, folder, &fill, TF_ERROR_MISSING,
		 "DIR/tiles.csv: 1 of 1 files do not exist: no1.jpg .*");
}

static void test_many_missing(void)
{
	g_autoptr(GString) text = g_string_new("dim = 2\na.jpg; ; (0, 0)\n");
	for (int i = 0; i < 33; i++)
		g_string_append_printf(text, "no%d.jpg; ; (%d, 0)\n", i, i);
	g_autoptr(Scratch) folder = folder_with("TileConfiguration.txt", text->str);
	read_bad(folder, folder, NULL, TF_ERROR_MISSING,
		 "DIR/TileConfiguration.txt: 33 of 34 files do not exist: no0.jpg \\(line 3\\), no1.jpg .*, "
		 "no9.jpg \\(line 12\\), \\.\\.\\. and 23 more");
}

static void test_foreign_folders(void)
{
	g_autoptr(Scratch) folder = folder_with("tiles.csv", "C:\\data\\a.jpg,1,2\n");
	read_bad(folder, folder, NULL, TF_ERROR_MISSING,
		 "DIR/tiles.csv: 1 of 1 files do not exist: C:.*a.jpg \\(line 1\\) "
		 "\\(a.jpg is beside the arrangement file: take the folders out of the names\\)");
	scratch_write(folder, "tiles.csv", "a.jpg,0,0\n/data/run/b.jpg,1,2\n", -1);
	read_bad(folder, folder, NULL, TF_ERROR_ARRANGEMENT,
		 "DIR/tiles.csv:2: /data/run/b.jpg leads out of the folder, expected a name below the folder "
		 "of the "
		 "arrangement file \\(b.jpg is beside .*\\); follow=yes allows it");
}

static void test_escapes(void)
{
	static const char *const names[] = {"../a.jpg",    "sub/../../x.jpg", "sub/..",
					    "/etc/passwd", "out.jpg",         "far/x.jpg"};
	g_autoptr(Scratch) outside = scratch_new("x.jpg");
	g_autoptr(Scratch) folder = scratch_new("a.jpg sub/s.jpg");
	g_autofree char *target = g_build_filename(outside, "x.jpg", NULL),
			*file = g_build_filename(folder, "out.jpg", NULL),
			*link = g_build_filename(folder, "far", NULL),
			*in = g_build_filename(folder, "in.jpg", NULL);
	g_assert_cmpint(symlink(target, file) | symlink(outside, link) | symlink("sub/s.jpg", in), ==, 0);
	for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *text = g_strdup_printf("a.jpg,0,0\n%s,1,2\n", names[i]);
		g_autofree char *expected =
			g_strdup_printf("DIR/tiles.csv:2: %s leads out of the folder, .*", names[i]);
		scratch_write(folder, "tiles.csv", text, -1);
		read_bad(folder, folder, NULL, TF_ERROR_ARRANGEMENT, expected);
	}
	scratch_write(folder, "tiles.csv", "in.jpg,0,0\n", -1);
	g_autoptr(TfArrangement) inside = read_good(folder, NULL);
	g_assert_cmpuint(inside->places->len, ==, 1);
	g_autofree char *text =
		g_strdup_printf("out.jpg,0,0\nfar/x.jpg,1,2\n%s,3,4\nsub/../a.jpg,5,6", target);
	scratch_write(folder, "tiles.csv", text, -1);
	TfArrangeOptions allow = {.allow_escape = true};
	g_autoptr(TfArrangement) allowed = read_good(folder, &allow);
	g_assert_cmpuint(allowed->places->len, ==, 4);
	g_assert_cmpstr(place_at(allowed, 2)->path, ==, target);
}

static void test_not_regular(void)
{
	g_autoptr(Scratch) folder = folder_with("tiles.csv", "a.jpg,0,0\nsub,1,2\n");
	read_bad(folder, folder, NULL, TF_ERROR_ACCESS, "DIR/tiles.csv:2: sub: not a regular file");
	g_autofree char *fifo = g_build_filename(folder, "TileConfiguration.txt", NULL);
	g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
	read_bad(folder, folder, NULL, TF_ERROR_ACCESS, "DIR/TileConfiguration.txt: not a regular file");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (gsize i = 0; i < G_N_ELEMENTS(good); i++) {
		g_autofree char *name = g_strdup_printf("/files/good/%02zu", i);
		g_test_add_data_func(name, &good[i], test_good);
	}
	for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autofree char *name = g_strdup_printf("/files/bad/%02zu", i);
		g_test_add_data_func(name, &bad[i], test_bad);
	}
	g_test_add_func("/files/zero-byte", test_zero_byte);
	g_test_add_func("/files/preference", test_preference);
	g_test_add_func("/files/two-candidates", test_two_candidates);
	g_test_add_func("/files/by-content", test_by_content);
	g_test_add_func("/files/useless-options", test_useless_options);
	g_test_add_func("/files/missing", test_missing);
	g_test_add_func("/files/many-missing", test_many_missing);
	g_test_add_func("/files/foreign-folders", test_foreign_folders);
	g_test_add_func("/files/escapes", test_escapes);
	g_test_add_func("/files/not-regular", test_not_regular);
	return g_test_run();
}
