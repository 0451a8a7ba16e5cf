/* SPDX-License-Identifier: MIT
 *
 * IIIF Image API, level 0, as static files: info.json tells the size and that
 * of the tiles, X,Y,W,H/W,/0/default.jpg are the tiles; only those at full
 * size are read.
 */
#include "format.h"
#include "json.h"
#include "listed.h"
#include "treelevels.h"

#include <string.h>

typedef struct {
	int64_t width, height, tile_width, tile_height;
} Iiif;

/* How the writer names things: 2.x has "w," for a size, 3.0 "w,h". */
typedef struct {
	bool full;   /* the one tile is "full" */
	int size;    /* index of size_forms */
	const char *quality, *extension;
} Form;

static const char *const size_forms[] = {"w,", "w,h", "full", "max"};

static bool is_region(const char *name)
{
	g_auto(GStrv) parts = g_strsplit(name, ",", -1);
	for (char **part = parts; *part; part++)
		if (!g_ascii_string_to_unsigned(*part, 10, 0, G_MAXINT32, NULL, NULL))
			return false;
	return g_strv_length(parts) == 4;
}

static bool iiif_find(const TfFolder *folder, char **path, GError **error)
{
	if (!g_ptr_array_find_with_equal_func(folder->others, "info.json", g_str_equal, NULL))
		return true;
	for (guint i = 0; i < folder->folders->len && !*path; i++)
		if (is_region(folder->folders->pdata[i]) || !strcmp(folder->folders->pdata[i], "full"))
			*path = g_build_filename(folder->path, "info.json", NULL);
	return true;
}

static bool iiif_recognise(const char *name, const char *first_line, const char *head)
{
	return *first_line == '{' && strstr(head, "iiif.io/api/image");
}

static bool read_info(const char *path, Iiif *iiif, GError **error)
{
	JsonObject *top, *tile;
	JsonArray *tiles;
	g_autoptr(JsonParser) parser = tf_json_read(path, &top, error);
	TfJsonPlace place = {path, ""}, at_tile = {path, "tiles[0]"};
	if (!parser || !tf_json_whole(top, "width", place, 1, G_MAXINT32, &iiif->width, error) ||
	    !tf_json_whole(top, "height", place, 1, G_MAXINT32, &iiif->height, error) ||
	    !tf_json_array(top, "tiles", place, &tiles, error))
		return false;
	if (!json_array_get_length(tiles) || !JSON_NODE_HOLDS_OBJECT(json_array_get_element(tiles, 0)))
		return tf_json_error(place, "tiles", error, "expected an object, {...}, in it");
	tile = json_array_get_object_element(tiles, 0);
	if (!tf_json_whole(tile, "width", at_tile, 1, G_MAXINT32, &iiif->tile_width, error))
		return false;
	iiif->tile_height = iiif->tile_width;
	return !json_object_has_member(tile, "height") ||
	       tf_json_whole(tile, "height", at_tile, 1, G_MAXINT32, &iiif->tile_height, error);
}

static char *tile_name(const Form *form, int64_t x, int64_t y, int64_t w, int64_t h)
{
	g_autofree char *region =
		form->full ? g_strdup("full")
			   : g_strdup_printf("%" G_GINT64_FORMAT ",%" G_GINT64_FORMAT ",%" G_GINT64_FORMAT
					     ",%" G_GINT64_FORMAT,
					     x, y, w, h);
	g_autofree char *size = form->size == 0	  ? g_strdup_printf("%" G_GINT64_FORMAT ",", w)
				: form->size == 1 ? g_strdup_printf("%" G_GINT64_FORMAT ",%" G_GINT64_FORMAT, w, h)
						  : g_strdup(size_forms[form->size]);
	return g_strdup_printf("%s/%s/0/%s.%s", region, size, form->quality, form->extension);
}

static bool is_there(const char *root, const Form *form, int64_t w, int64_t h)
{
	g_autofree char *name = tile_name(form, 0, 0, w, h), *path = g_build_filename(root, name, NULL);
	return g_file_test(path, G_FILE_TEST_EXISTS);
}

/* The form of the first tile is that of all. */
static bool find_form(const char *root, const Iiif *iiif, Form *form)
{
	static const char *const qualities[] = {"default", "native", "color", "gray"},
				 *const extensions[] = {"jpg", "png", "webp", "tif"};
	int64_t w = MIN(iiif->width, iiif->tile_width), h = MIN(iiif->height, iiif->tile_height);
	bool one = w == iiif->width && h == iiif->height;
	for (gsize i = 0; i < G_N_ELEMENTS(size_forms); i++)
		for (gsize j = 0; j < G_N_ELEMENTS(qualities) * G_N_ELEMENTS(extensions) * (one ? 2 : 1); j++) {
			*form = (Form){j >= 16, (int)i, qualities[j / 4 % 4], extensions[j % 4]};
			if (is_there(root, form, w, h))
				return true;
		}
	*form = (Form){false, 0, "default", "jpg"}; /* the message names what was looked for */
	return false;
}

static bool add_tiles(TfArrangement *arrangement, const Iiif *iiif, TfListed *listed, GError **error)
{
	g_autofree char *root = g_path_get_dirname(arrangement->origin);
	int64_t cols = tf_ceil_div(iiif->width, iiif->tile_width), rows = tf_ceil_div(iiif->height, iiif->tile_height);
	Form form;
	find_form(root, iiif, &form);
	if (!tf_tree_check_count(arrangement->origin, cols, rows, error))
		return false;
	for (int64_t row = 0; row < rows; row++)
		for (int64_t col = 0; col < cols; col++) {
			int64_t x = col * iiif->tile_width, y = row * iiif->tile_height;
			TfPlace place = {.kind = TF_PLACE_POSITION, .x = (double)x, .y = (double)y};
			place.width = MIN(iiif->tile_width, iiif->width - x);
			place.height = MIN(iiif->tile_height, iiif->height - y);
			g_autofree char *name = tile_name(&form, x, y, place.width, place.height);
			if (!tf_listed_add(listed, name, place, error))
				return false;
		}
	return true;
}

static bool iiif_read(TfArrangement *arrangement, const TfFolder *folder, const TfArrangeOptions *options,
		      GError **error)
{
	Iiif iiif;
	if (!read_info(arrangement->origin, &iiif, error))
		return false;
	g_autoptr(TfListed) listed = tf_listed_new(arrangement, options);
	if (!add_tiles(arrangement, &iiif, listed, error))
		return false;
	g_autofree char *tiles = tf_listed_finish(listed, error);
	if (!tiles)
		return false;
	arrangement->ignore_orientation = true;
	arrangement->summary = g_strdup_printf("IIIF level 0: %s of %" G_GINT64_FORMAT " x %" G_GINT64_FORMAT " px",
					       tiles, iiif.tile_width, iiif.tile_height);
	return true;
}

const TfArrangeFormat tf_format_iiif = {
	.name = "IIIF",
	.find = iiif_find,
	.recognise = iiif_recognise,
	.read = iiif_read,
};
