/* SPDX-License-Identifier: MIT
 *
 * What trees of folders show, told by their names.
 */
#include "scratch.h"

#include <sys/time.h>
#include <tiffuse/catalogue.h>

/* "a/ a.tif run7.tif": folders with a slash. */
static char *listing(TfCatalogue *catalogue, const char *path)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) entries = tf_catalogue_list(catalogue, path, &error);
	g_assert_no_error(error);
	GString *text = g_string_new(NULL);
	for (guint i = 0; i < entries->len; i++) {
		const TfCatalogueEntry *entry = entries->pdata[i];
		g_string_append_printf(text, "%s%s%s", i ? " " : "", entry->name, entry->source ? "" : "/");
		/* What is listed is found, and is the same. */
		g_autoptr(TfCatalogueEntry) found = tf_catalogue_find(catalogue, path, entry->name, &error);
		g_assert_no_error(error);
		g_assert_cmpstr(found->name, ==, entry->name);
		g_assert_cmpstr(found->source, ==, entry->source);
	}
	return g_string_free(text, FALSE);
}

typedef struct {
	const char *files; /* empty ones */
	const char *path, *expected;
} Example;

static const Example examples[] = {
	{"a/t_1_1.jpg b/c/t_1_1.png", "", "a.tif b/"},
	{"a/t_1_1.jpg b/c/t_1_1.png", "b", "c.tif"},
	{"a/notes.odt b/.hidden/t.jpg", "", "a/ b/"},
	{"a/t.jpg a/below/t.jpg", "", "a/ a.tif"},
	{"a/t.jpg a/run7.csv a/run8.csv", "", "a/ a.tif"},
	{"a/t.jpg a/run7.csv a/run8.csv", "a", "run7.tif run8.tif"},
	{"a/t.jpg a/tiles.csv", "", "a.tif"},
	{"a/t.jpg a/tiles.csv", "a", ""},
	{"a/TileConfiguration.txt a/t.jpg b/TileConfiguration.registered.txt", "", "a.tif b.tif"},
	{"run.csv run.tsv run/t.jpg", "", "run.csv.tif run.tif run.tsv.tif"},
	{"run.csv run.tsv run/other", "", "run/ run.tif run.tsv.tif"},
	{"s/slide.dzi s/slide_files/0/0_0.jpg s/x.dzi", "", "s/"},
	{"s/slide.dzi s/slide_files/0/0_0.jpg s/x.dzi", "s", "slide.tif x.tif"},
	{"z/ImageProperties.xml z/TileGroup0/0-0-0.jpg", "", "z.tif"},
	{"z/0/0/0.png z/1/0/0.png z/1/1/1.png", "", "z.tif"},
	{"2024/11/03/t_1.jpg", "", "2024/"},
	{"2024/11/03/t_1.jpg", "2024/11", "03.tif"},
	{"t10/a.jpg t9/a.jpg", "", "t9.tif t10.tif"},
};

static void test_examples(gconstpointer data)
{
	const Example *example = data;
	g_autoptr(Scratch) root = scratch_new(example->files);
	g_autoptr(TfCatalogue) catalogue = tf_catalogue_new(root);
	for (int again = 0; again < 2; again++) {
		g_autofree char *got = listing(catalogue, example->path);
		g_assert_cmpstr(got, ==, example->expected);
	}
}

static void test_root(void)
{
	g_autoptr(Scratch) root = scratch_new("t_1_1.jpg other/t_1.jpg");
	g_autoptr(TfCatalogue) catalogue = tf_catalogue_new(root);
	g_autofree char *name = g_path_get_basename(root), *got = listing(catalogue, "");
	g_autofree char *expected = g_strdup_printf("other.tif %s.tif", name);
	g_assert_cmpstr(got, ==, expected);
}

/* A text file is looked into; one that is no arrangement is not shown. */
static void test_contents(void)
{
	g_autoptr(Scratch) root = scratch_new("a/t.jpg");
	scratch_write(root, "a/log.txt", "started at noon\n", -1);
	scratch_write(root, "a/where.txt", "dim = 2\nt.jpg; ; (0, 0)\n", -1);
	g_autoptr(TfCatalogue) catalogue = tf_catalogue_new(root);
	g_autofree char *got = listing(catalogue, "a");
	g_assert_cmpstr(got, ==, "where.tif");
}

static void set_time(const Scratch *root, const char *name, time_t when)
{
	g_autofree char *path = g_build_filename(root, name, NULL);
	struct timeval times[2] = {{.tv_sec = when}, {.tv_sec = when}};
	g_assert_cmpint(utimes(path, times), ==, 0);
}

/* What comes and goes is seen, in old folders and in those just changed. */
static void test_changes(void)
{
	g_autoptr(Scratch) root = scratch_new("a/t.jpg b/notes");
	set_time(root, "b", 1000);
	set_time(root, "", 1000);
	g_autoptr(TfCatalogue) catalogue = tf_catalogue_new(root);
	g_autofree char *before = listing(catalogue, "");
	g_assert_cmpstr(before, ==, "a.tif b/");
	scratch_write(root, "b/t.jpg", "", 0);
	scratch_write(root, "c/t.jpg", "", 0);
	g_autofree char *after = listing(catalogue, "");
	g_assert_cmpstr(after, ==, "a.tif b.tif c.tif");
	g_autofree char *gone = g_build_filename(root, "c/t.jpg", NULL);
	g_assert_cmpint(remove(gone), ==, 0);
	g_autofree char *last = listing(catalogue, "");
	g_assert_cmpstr(last, ==, "a.tif b.tif c/");
}

static void test_missing(void)
{
	g_autoptr(Scratch) root = scratch_new("a/t.jpg b/c/t.jpg");
	g_autofree char *link = g_build_filename(root, "ring", NULL);
	g_assert_cmpint(symlink(root, link), ==, 0);
	g_autoptr(TfCatalogue) catalogue = tf_catalogue_new(root);
	static const char *const names[][2] = {{"", "x.tif"}, {"", "a"}, {"", "c.tif"},  {"", ".tif"},
	                                       {"b", "a.tif"}, {"x", "a.tif"}, {"", "ring"}, {"ring", "a.tif"}};
	for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autoptr(GError) error = NULL;
		g_assert_null(tf_catalogue_find(catalogue, names[i][0], names[i][1], &error));
		g_assert_error(error, TF_ERROR, TF_ERROR_MISSING);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (gsize i = 0; i < G_N_ELEMENTS(examples); i++) {
		g_autofree char *name = g_strdup_printf("/catalogue/examples/%zu", i);
		g_test_add_data_func(name, &examples[i], test_examples);
	}
	g_test_add_func("/catalogue/root", test_root);
	g_test_add_func("/catalogue/contents", test_contents);
	g_test_add_func("/catalogue/changes", test_changes);
	g_test_add_func("/catalogue/missing", test_missing);
	return g_test_run();
}
