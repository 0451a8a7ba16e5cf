/* SPDX-License-Identifier: MIT */
#include "axes.h"
#include "format.h"
#include "lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* In the order in which a folder is searched. */
static const TfArrangeFormat *const formats[] = {
	&tf_format_fiji,
	&tf_format_mist,
	&tf_format_vrt,
	&tf_format_dzi,
	&tf_format_zoomify,
	&tf_format_tree,
	&tf_format_iiif,
	&tf_format_ome,
	&tf_format_world,
	&tf_format_hugin,
	&tf_format_girder,
	&tf_format_qupath,
	&tf_format_csv,
	&tf_format_names,
};

static void clear_place(gpointer place)
{
	g_free(((TfPlace *)place)->path);
}

char *tf_tile_tree_path(const TfTileTree *tree, int level, int64_t col, int64_t row)
{
	return tree->path(tree, level, col, row);
}

bool tf_arrangement_holds(const TfArrangement *arrangement, const char *const *paths, guint n, GError **error)
{
	bool is_folder = g_file_test(arrangement->origin, G_FILE_TEST_IS_DIR);
	g_autofree char *folder = is_folder ? g_strdup(arrangement->origin) : g_path_get_dirname(arrangement->origin);
	g_autofree char *root = realpath(folder, NULL);
	return root ? tf_files_stay_below(paths, n, root, error) : tf_error_set_errno(error, errno, "%s", folder);
}

static void tree_free(TfTileTree *tree)
{
	g_free(tree->root);
	g_free(tree->extension);
	g_free(tree);
}

void tf_arrangement_free(TfArrangement *arrangement)
{
	if (!arrangement)
		return;
	g_free(arrangement->origin);
	g_free(arrangement->default_name);
	g_clear_pointer(&arrangement->places, g_array_unref);
	g_free(arrangement->summary);
	g_clear_pointer(&arrangement->tree, tree_free);
	tf_geo_free(arrangement->geo);
	g_free(arrangement);
}

/* The last part of a folder's path as the user wrote it, made absolute: a
 * link named "current" gives a mosaic named current. */
static char *folder_name(const char *path)
{
	g_autofree char *absolute = g_canonicalize_filename(path, NULL);
	g_autofree char *name = g_path_get_basename(absolute);
	return strcmp(name, "/") ? g_steal_pointer(&name) : g_strdup("mosaic");
}

static char *file_name(const char *path)
{
	static const char *const second[] = {".registered", ".companion", ".ome"}; /* before the extension */
	static const char *const telling_nothing[] = {"tiles", "sources", "imageproperties", "info", NULL};
	g_autofree char *name = g_path_get_basename(path);
	char *dot = strrchr(name, '.');
	if (dot && dot != name)
		*dot = '\0';
	for (size_t i = 0; i < G_N_ELEMENTS(second); i++)
		if (tf_has_suffix(name, second[i]))
			name[strlen(name) - strlen(second[i])] = '\0';
	g_autofree char *lower = g_ascii_strdown(name, -1);
	if (*name && !g_strv_contains(telling_nothing, lower) && !g_str_has_prefix(lower, "tileconfiguration"))
		return g_steal_pointer(&name);
	g_autofree char *folder = g_path_get_dirname(path);
	return folder_name(folder);
}

/* Options that would have no effect are refused: whoever gives them expects
 * one. */
static bool check_axes(const TfArrangeFormat *format, const char *origin, const TfArrangeOptions *options,
		       GError **error)
{
	const char *name = options->flip_x	    ? "flip-x"
			   : options->flip_y	    ? "flip-y"
			   : options->anchor_center ? "anchor="
			   : options->pixel_size    ? "pixel-size="
						    : NULL;
	if (format->takes_axes || !name)
		return true;
	g_set_error(error, TF_ERROR, TF_ERROR_USAGE,
		    "%s has no use here: %s says by itself which pixel is where", name, origin);
	return false;
}

static bool check_options(const TfArrangeFormat *format, const char *origin, const TfArrangeOptions *options,
			  GError **error)
{
	const char *name = options->pattern   ? "pattern"
			   : options->columns ? "columns"
			   : options->order   ? "order"
			   : options->overlap ? "overlap"
					      : NULL;
	if (options->tree && !format->takes_tree) {
		g_set_error(error, TF_ERROR, TF_ERROR_USAGE,
			    "tree= has no use here: %s is no tree of numbered folders", origin);
		return false;
	}
	if (!check_axes(format, origin, options, error))
		return false;
	if (format->takes_grid_options || !name)
		return true;
	g_set_error(error, TF_ERROR, TF_ERROR_USAGE,
		    "%s= has no use here: %s gives the positions (pattern= with a folder as SOURCE uses the "
		    "names)",
		    name, origin);
	return false;
}

/* Takes origin and default_name. */
static TfArrangement *read_format(const TfArrangeFormat *format, char *origin, char *default_name,
				  const TfFolder *folder, const TfArrangeOptions *options, GError **error)
{
	g_autoptr(TfArrangement) arrangement = g_new0(TfArrangement, 1);
	arrangement->format = format->name;
	arrangement->origin = origin;
	arrangement->default_name = default_name;
	arrangement->places = g_array_new(FALSE, FALSE, sizeof(TfPlace));
	g_array_set_clear_func(arrangement->places, clear_place);
	if (!check_options(format, origin, options, error) ||
	    !format->read(arrangement, folder, options, error) || !tf_axes_apply(arrangement, options, error))
		return NULL;
	return g_steal_pointer(&arrangement);
}

static TfArrangement *read_folder(const char *source, const TfArrangeOptions *options, GError **error)
{
	g_autofree char *real = realpath(source, NULL);
	if (!real) {
		tf_error_set_errno(error, errno, "%s", source);
		return NULL;
	}
	g_autoptr(TfFolder) folder = tf_folder_read(real, error);
	if (!folder)
		return NULL;
	/* Who says how to read the names wants them read, whatever else there is. */
	if (options->tree)
		return read_format(&tf_format_tree, g_steal_pointer(&real), folder_name(source), folder,
				   options, error);
	if (options->pattern || options->columns)
		return read_format(&tf_format_names, g_steal_pointer(&real), folder_name(source), folder,
				   options, error);
	for (size_t i = 0; i < G_N_ELEMENTS(formats); i++) {
		g_autofree char *path = NULL;
		if (formats[i]->find && !formats[i]->find(folder, &path, error))
			return NULL;
		if (path)
			return read_format(formats[i], g_steal_pointer(&path), folder_name(source), folder,
					   options, error);
	}
	g_assert_not_reached(); /* tf_format_names finds itself or an error */
}

static const TfArrangeFormat *recognise(const char *name, TfLines *lines)
{
	g_autofree char *head = g_strdup(lines->next);
	const char *first_line = tf_lines_next(lines);
	for (size_t i = 0; i < G_N_ELEMENTS(formats); i++)
		if (formats[i]->recognise && formats[i]->recognise(name, first_line ? first_line : "", head))
			return formats[i];
	return NULL;
}

bool tf_arrange_recognises(const char *folder, const char *name)
{
	g_autofree char *path = g_build_filename(folder, name, NULL);
	g_autoptr(TfLines) lines = tf_lines_open_head(path, NULL);
	return lines && recognise(name, lines);
}

static void refuse_unknown(const char *source, GError **error)
{
	g_autoptr(GString) names = g_string_new(NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(formats); i++)
		if (formats[i]->recognise)
			g_string_append_printf(names, "%s%s", names->len ? ", " : "", formats[i]->name);
	g_set_error(error, TF_ERROR, TF_ERROR_ARRANGEMENT,
		    "%s: no known arrangement, expected one of %s (docs/arrangements.md)", source, names->str);
}

static TfArrangement *read_file(const char *source, const TfArrangeOptions *options, GError **error)
{
	g_autofree char *name = g_path_get_basename(source);
	if (tf_is_image_name(name) && !tf_is_ome_tiff(name)) {
		g_set_error(error, TF_ERROR, TF_ERROR_ARRANGEMENT,
			    "%s: an image, expected a folder of tiles or an arrangement file", source);
		return NULL;
	}
	/* Only the folder is resolved: the names are relative to the place where
	 * the file is named, even when it is a link. */
	g_autofree char *given = g_path_get_dirname(source), *real = realpath(given, NULL);
	if (!real) {
		tf_error_set_errno(error, errno, "%s", source);
		return NULL;
	}
	g_autofree char *path = g_build_filename(real, name, NULL);
	if (tf_is_ome_tiff(name))
		return read_format(&tf_format_ome, g_steal_pointer(&path), file_name(source), NULL, options, error);
	g_autoptr(TfLines) lines = tf_lines_open_head(path, error);
	if (!lines)
		return NULL;
	const TfArrangeFormat *format = recognise(name, lines);
	if (format)
		return read_format(format, g_steal_pointer(&path), file_name(source), NULL, options, error);
	refuse_unknown(source, error);
	return NULL;
}

/* Of a long path, which part is wrong? */
static void tell_missing(const char *source, GError **error)
{
	g_autofree char *there = g_path_get_dirname(source), *first = g_path_get_basename(source);
	while (!g_file_test(there, G_FILE_TEST_EXISTS)) {
		g_free(first);
		first = g_path_get_basename(there);
		g_autofree char *above = g_path_get_dirname(there);
		g_free(there);
		there = g_steal_pointer(&above);
	}
	g_set_error(error, TF_ERROR, TF_ERROR_MISSING, "%s: No such file or directory: there is no %s in %s%s",
		    source, first, there,
		    strcmp(first, "~") ? "" : " (a shell replaces ~ at the start of a word only)");
}

TfArrangement *tf_arrange_read(const char *source, const TfArrangeOptions *options, GError **error)
{
	struct stat st;
	if (lstat(source, &st) < 0 && errno == ENOENT) {
		tell_missing(source, error);
		return NULL;
	}
	if (stat(source, &st) < 0) {
		tf_error_set_errno(error, errno, "%s", source);
		return NULL;
	}
	return S_ISDIR(st.st_mode) ? read_folder(source, options, error) : read_file(source, options, error);
}
