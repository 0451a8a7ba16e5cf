/* SPDX-License-Identifier: MIT
 *
 * Folders with arrangement files and images.  The input is text: its first
 * line holds options (pattern|columns|order|overlap|tree|pixel-size|flags: m for
 * missing=fill, e for escapes, x, y and c for flips and centres), each line "%%NAME" begins a file of that name,
 * with folders in it if need be, and what follows is its content.  The folder and then each
 * of its files is read as SOURCE, so that whatever format there is has its turn.
 */
#include "fuzz.h"
#include <tiffuse/arrange.h>

typedef struct {
	GPtrArray *sources; /* paths that are tried */
	TfArrangeOptions options;
	char **words;
} Case;

enum { MAX_FILES = 60 };

/* Names stay inside the scratch folder, whatever they say. */
static bool is_harmless(const char *name)
{
	if (!*name || *name == '/' || strlen(name) > 200)
		return false;
	g_auto(GStrv) steps = g_strsplit(name, "/", -1);
	for (char **step = steps; *step; step++)
		if (!**step || !strcmp(*step, ".") || !strcmp(*step, ".."))
			return false;
	return g_strv_length(steps) <= 6;
}

static void add_file(Case *c, const char *root, const char *name, const char *content, size_t length)
{
	if (!is_harmless(name) || c->sources->len > MAX_FILES)
		return;
	char *path = g_build_filename(root, name, NULL);
	g_autofree char *folder = g_path_get_dirname(path);
	if (g_mkdir_with_parents(folder, 0700) == 0 && fuzz_write(path, content, length))
		g_ptr_array_add(c->sources, path);
	else
		g_free(path);
}

static const char *find_mark(const char *at, const char *end)
{
	return at < end ? memmem(at, (size_t)(end - at), "\n%%", 3) : NULL;
}

static void lay_out(Case *c, const char *root, const char *at, const char *end)
{
	const char *mark = find_mark(at, end);
	g_autofree char *head = g_strndup(at, (gsize)((mark ? mark : end) - at));
	c->words = g_strsplit(head, "|", -1);
	while (mark) {
		const char *name = mark + 3, *eol = memchr(name, '\n', (size_t)(end - name));
		if (!eol)
			return;
		mark = find_mark(eol, end);
		g_autofree char *text = g_strndup(name, (gsize)(eol - name));
		const char *content = eol + 1, *stop = mark ? mark : end;
		add_file(c, root, text, content, stop > content ? (size_t)(stop - content) : 0);
	}
}

static const char *word(const Case *c, guint i)
{
	return i < g_strv_length(c->words) && *c->words[i] ? c->words[i] : NULL;
}

static void take_options(Case *c)
{
	const char *columns = word(c, 1), *flags = word(c, 6);
	c->options = (TfArrangeOptions){.pattern = word(c, 0),
	                                .columns = columns ? CLAMP(g_ascii_strtoll(columns, NULL, 10), 0, 1 << 22) : 0,
	                                .order = word(c, 2),
	                                .overlap = word(c, 3),
	                                .tree = word(c, 4),
	                                .pixel_size = word(c, 5),
	                                .flip_x = flags && strchr(flags, 'x'),
	                                .flip_y = flags && strchr(flags, 'y'),
	                                .anchor_center = flags && strchr(flags, 'c'),
	                                .missing_fill = flags && strchr(flags, 'm'),
	                                .allow_escape = flags && strchr(flags, 'e')};
}

static bool is_below(const char *path, const char *root)
{
	return g_str_has_prefix(path, root) && path[strlen(root)] == '/' && !strstr(path, "/../");
}

static void resolve(const TfArrangement *a, size_t seed)
{
	guint n = a->places->len;
	g_autofree TfSize *sizes = g_new0(TfSize, n + 1);
	g_autofree TfPosition *positions = g_new0(TfPosition, n + 1);
	for (guint i = 0; i < n; i++) {
		const TfPlace *p = &g_array_index(a->places, TfPlace, i);
		sizes[i] = (TfSize){p->width ? (int32_t)p->width : 100, p->height ? (int32_t)p->height : 80};
		if (p->missing)
			sizes[i] = (TfSize){0, 0};
		else if (seed % 5 == 0 && i % 7 == 3)
			sizes[i].width = (int32_t)(seed % 60000 + 1);
	}
	TfResolution resolution = {0};
	g_autoptr(GError) error = NULL;
	bool ok = tf_arrange_resolve(a, sizes, positions, &resolution, &error);
	fuzz_check_error(ok, error);
	for (guint i = 0; ok && i < n; i++) {
		if (sizes[i].width == 0)
			continue;
		fuzz_assert(positions[i].x >= -G_MAXINT32 && positions[i].x <= G_MAXINT32);
		fuzz_assert(positions[i].y >= -G_MAXINT32 && positions[i].y <= G_MAXINT32);
	}
	fuzz_assert(!ok || (resolution.residual >= 0 && resolution.residual <= 1));
}

static void check(const Case *c, const TfArrangement *a, const char *root)
{
	fuzz_assert(a->places->len > 0 && a->format && a->summary && a->default_name && *a->default_name);
	fuzz_assert(!strchr(a->summary, '\n') && !strchr(a->default_name, '/'));
	for (guint i = 0; i < a->places->len; i++) {
		const TfPlace *p = &g_array_index(a->places, TfPlace, i);
		fuzz_assert(p->path && *p->path == '/' && p->kind == g_array_index(a->places, TfPlace, 0).kind);
		fuzz_assert(c->options.allow_escape || is_below(p->path, root));
		fuzz_assert(c->options.missing_fill || !p->missing);
		fuzz_assert(p->width >= 0 && p->height >= 0);
		fuzz_assert(p->kind == TF_PLACE_CELL ? p->col >= 0 && p->row >= 0 : p->x - p->x == 0 && p->y - p->y == 0);
	}
}

static void read_source(const Case *c, const char *source, const char *root, size_t seed)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(TfArrangement) a = tf_arrange_read(source, &c->options, &error);
	fuzz_check_error(a != NULL, error);
	if (!a)
		return;
	check(c, a, root);
	resolve(a, seed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *root = g_build_filename(fuzz_folder(), "tiles", NULL);
	Case c = {.sources = g_ptr_array_new_with_free_func(g_free)};
	fuzz_empty_folder();
	g_mkdir_with_parents(root, 0700);
	g_ptr_array_add(c.sources, g_strdup(root));
	lay_out(&c, root, (const char *)data, (const char *)data + size);
	take_options(&c);
	for (guint i = 0; i < c.sources->len; i++)
		read_source(&c, g_ptr_array_index(c.sources, i), root, size);
	g_ptr_array_unref(c.sources);
	g_strfreev(c.words);
	return 0;
}
