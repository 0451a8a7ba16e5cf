/* SPDX-License-Identifier: MIT
 *
 * The examples in tests/arrange/FORMAT/NAME.case: small files as their writers
 * make them, what reading them must give, and broken ones, each the good one
 * with one change.  Lines of a case, in any order, # is a comment:
 *
 *     files NAME...              empty files that are there; the folders are made
 *     file NAME                  a file with the lines up to `end`
 *     source NAME                what is given as SOURCE; without: the folder
 *     option NAME=VALUE
 *     summary TEXT               the line that says what was found, or
 *     refused REGEX              the message; DIR stands for the folder
 *     places NAME@X,Y...         all places in their order; ? is a missing file
 *     check KEY=VALUE            see describe()
 *     broken OLD => NEW => REGEX the first OLD in a file becomes NEW: refused
 */
#include "scratch.h"

typedef struct {
	char *name, *files, *source, *summary, *refused, *places;
	GPtrArray *file_names, *file_texts, *options, *checks, *broken;
	char **lines; /* what the others point into */
} Case;

typedef struct {
	const Case *test;
	const char *change; /* of a broken one */
} Variant;

/* All that is read stays until the end: this keeps it in sight of LeakSanitizer. */
static GPtrArray *kept;

/* --- reading a case ------------------------------------------------------------- */

static char *read_block(char **line)
{
	GString *text = g_string_new(NULL);
	for (; strcmp(*line, "end"); line++)
		g_string_append_printf(text, "%s\n", *line);
	return g_string_free(text, FALSE);
}

static guint count_block(char **line)
{
	guint n = 0;
	while (line[n] && strcmp(line[n], "end"))
		n++;
	return n;
}

static Case *case_read(const char *path)
{
	g_autofree char *text = NULL;
	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	Case *test = g_new0(Case, 1);
	GPtrArray **lists[] = {&test->file_names, &test->file_texts, &test->options, &test->checks, &test->broken};
	for (gsize i = 0; i < G_N_ELEMENTS(lists); i++)
		*lists[i] = g_ptr_array_new();
	test->name = g_strndup(path, strlen(path) - strlen(".case"));
	char **lines = test->lines = g_strsplit(text, "\n", -1);
	g_ptr_array_add(kept, test);
	for (char **line = lines; *line; line++) {
		char *value = strchr(*line, ' ');
		if (!**line || **line == '#')
			continue;
		g_assert_nonnull(value);
		*value++ = '\0';
		if (!strcmp(*line, "file")) {
			guint n = count_block(line + 1);
			g_assert_nonnull(line[1 + n]);
			g_ptr_array_add(test->file_names, value);
			g_ptr_array_add(test->file_texts, read_block(line + 1));
			line += n + 1;
			continue;
		}
		GPtrArray *list = !strcmp(*line, "option")   ? test->options
				  : !strcmp(*line, "check")  ? test->checks
				  : !strcmp(*line, "broken") ? test->broken
							     : NULL;
		char **field = !strcmp(*line, "files")	   ? &test->files
			       : !strcmp(*line, "source")  ? &test->source
			       : !strcmp(*line, "summary") ? &test->summary
			       : !strcmp(*line, "refused") ? &test->refused
			       : !strcmp(*line, "places")  ? &test->places
							   : NULL;
		if (list)
			g_ptr_array_add(list, value);
		else if (field)
			*field = value;
		else
			g_error("%s: what is '%s'?", path, *line);
	}
	g_assert_true((test->summary != NULL) != (test->refused != NULL));
	return test;
}

/* --- running it ------------------------------------------------------------------- */

static void set_option(TfArrangeOptions *options, const char *text)
{
	g_auto(GStrv) parts = g_strsplit(text, "=", 2);
	const char *value = g_intern_string(parts[1]);
	if (!strcmp(parts[0], "tree"))
		options->tree = value;
	else if (!strcmp(parts[0], "pattern"))
		options->pattern = value;
	else if (!strcmp(parts[0], "overlap"))
		options->overlap = value;
	else if (!strcmp(parts[0], "order"))
		options->order = value;
	else if (!strcmp(parts[0], "missing"))
		options->missing_fill = !strcmp(value, "fill");
	else if (!strcmp(parts[0], "flip-x"))
		options->flip_x = true;
	else if (!strcmp(parts[0], "flip-y"))
		options->flip_y = true;
	else if (!strcmp(parts[0], "anchor"))
		options->anchor_center = !strcmp(value, "center");
	else if (!strcmp(parts[0], "pixel-size"))
		options->pixel_size = value;
	else
		g_error("what is '%s'?", text);
}

static char *describe_geo(const TfGeo *geo)
{
	GString *text = g_string_new(NULL);
	for (int i = 0; geo && i < 6; i++)
		g_string_append_printf(text, "%s%.12g", i ? "," : "", geo->transform[i]);
	return g_string_free(text, FALSE);
}

static char *describe_part(const TfPlace *place)
{
	return g_strdup_printf("%d,%d,%d,%d", (int)place->part.x0, (int)place->part.y0, (int)place->part.x1,
			       (int)place->part.y1);
}

/* What `check KEY=` may ask for. */
static char *describe(const TfArrangement *arrangement, const char *key)
{
	const TfTileTree *tree = arrangement->tree;
	const TfPlace *first = place_at(arrangement, 0);
	const TfPlace *last = place_at(arrangement, arrangement->places->len - 1);
	if (!strcmp(key, "name"))
		return g_strdup(arrangement->default_name);
	if (!strcmp(key, "holes"))
		return g_strdup_printf("%d", (int)arrangement->n_holes);
	if (!strcmp(key, "geo"))
		return describe_geo(arrangement->geo);
	if (!strcmp(key, "srs"))
		return g_strdup(arrangement->geo ? arrangement->geo->srs : NULL);
	if (!strcmp(key, "size"))
		return g_strdup_printf("%dx%d", (int)arrangement->width, (int)arrangement->height);
	if (!strcmp(key, "first-part"))
		return describe_part(first);
	if (!strcmp(key, "last-line"))
		return g_strdup_printf("%d", last->line);
	if (!strcmp(key, "levels"))
		return g_strdup_printf("%d", tree ? tree->n_levels : 0);
	if (!strcmp(key, "first-size"))
		return g_strdup_printf("%dx%d", (int)first->width, (int)first->height);
	if (!strcmp(key, "last-size"))
		return g_strdup_printf("%dx%d", (int)last->width, (int)last->height);
	if (!strcmp(key, "pixel-um"))
		return g_strdup_printf("%g,%g", arrangement->pixel_um_x, arrangement->pixel_um_y);
	if (g_str_has_prefix(key, "tile-")) { /* tile-LEVEL-COL-ROW */
		g_auto(GStrv) n = g_strsplit(key, "-", 4);
		g_assert_nonnull(tree);
		g_autofree char *path =
			tf_tile_tree_path(tree, (int)g_ascii_strtoll(n[1], NULL, 10),
					  g_ascii_strtoll(n[2], NULL, 10), g_ascii_strtoll(n[3], NULL, 10));
		return g_strdup(path + strlen(tree->root) + 1);
	}
	g_error("what is '%s'?", key);
}

static void check_good(const Case *test, const Scratch *folder, const char *source,
		       const TfArrangeOptions *options)
{
	g_autoptr(TfArrangement) arrangement = read_good(source, options);
	check_summary(folder, arrangement, test->summary);
	g_autofree char *places = list_places(arrangement);
	if (test->places)
		g_assert_cmpstr(places, ==, test->places);
	for (guint i = 0; i < test->checks->len; i++) {
		g_auto(GStrv) parts = g_strsplit(test->checks->pdata[i], "=", 2);
		g_autofree char *value = describe(arrangement, parts[0]);
		g_assert_cmpstr(value, ==, parts[1]);
	}
}

/* Writes the files, with the change of a broken one in the first that has the
 * old text. */
static void write_files(const Case *test, const Scratch *folder, const char *old, const char *new)
{
	bool changed = !old;
	for (guint i = 0; i < test->file_names->len; i++) {
		g_autofree char *text = g_strdup(test->file_texts->pdata[i]);
		char *at = changed ? NULL : strstr(text, old);
		g_autofree char *other =
			at ? g_strdup_printf("%.*s%s%s", (int)(at - text), text, new, at + strlen(old)) : NULL;
		changed |= at != NULL;
		scratch_write(folder, test->file_names->pdata[i], other ? other : text, -1);
	}
	if (!changed)
		g_error("%s: '%s' is in no file", test->name, old);
}

static void run(gconstpointer data)
{
	const Variant *variant = data;
	const Case *test = variant->test;
	g_auto(GStrv) change = g_strsplit(variant->change ? variant->change : "", " => ", 3);
	g_autoptr(Scratch) folder = scratch_new(test->files ? test->files : "");
	write_files(test, folder, variant->change ? change[0] : NULL, variant->change ? change[1] : NULL);
	g_autofree char *source = test->source ? g_build_filename(folder, test->source, NULL) : g_strdup(folder);
	TfArrangeOptions options = {0};
	for (guint i = 0; i < test->options->len; i++)
		set_option(&options, test->options->pdata[i]);
	if (test->summary && !variant->change) {
		check_good(test, folder, source, &options);
		return;
	}
	g_autoptr(GError) error = NULL;
	g_autoptr(TfArrangement) arrangement = tf_arrange_read(source, &options, &error);
	if (arrangement)
		g_test_message("read as: %s", arrangement->summary);
	g_assert_null(arrangement);
	check_error(folder, error, (TfErrorCode)error->code, variant->change ? change[2] : test->refused);
}

static void add_case(const char *path)
{
	Case *test = case_read(path);
	for (guint i = 0; i <= test->broken->len; i++) {
		Variant *variant = g_new0(Variant, 1);
		g_ptr_array_add(kept, variant);
		variant->test = test;
		variant->change = i ? test->broken->pdata[i - 1] : NULL;
		g_autofree char *short_name = g_strdup(test->name + strlen("tests/arrange"));
		g_autofree char *label = i ? g_strdup_printf("/examples%s/broken-%02u", short_name, i)
					   : g_strdup_printf("/examples%s/as-it-is", short_name);
		g_test_add_data_func(label, variant, run);
	}
}

static int compare_paths(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The paths in a folder, sorted. */
static GPtrArray *list(const char *folder, const char *suffix)
{
	GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	const char *name;
	while (dir && (name = g_dir_read_name(dir)))
		if (g_str_has_suffix(name, suffix))
			g_ptr_array_add(paths, g_build_filename(folder, name, NULL));
	g_ptr_array_sort(paths, compare_paths);
	return paths;
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	kept = g_ptr_array_new();
	g_autoptr(GPtrArray) folders = list("tests/arrange", "");
	guint n = 0;
	for (guint i = 0; i < folders->len; i++) {
		g_autoptr(GPtrArray) cases = list(folders->pdata[i], ".case");
		for (guint j = 0; j < cases->len; j++, n++)
			add_case(cases->pdata[j]);
	}
	g_assert_cmpuint(n, >, 0); /* run in the top folder of the source tree */
	return g_test_run();
}
