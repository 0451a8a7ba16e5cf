/* SPDX-License-Identifier: MIT */
#include "axes.h"
#include "lines.h"

bool tf_pixel_size_parse(const char *text, double *x, double *y, GError **error)
{
	g_auto(GStrv) parts = g_strsplit(text, ",", -1);
	guint n = g_strv_length(parts);
	if ((n == 1 || n == 2) && tf_parse_number(parts[0], x) && tf_parse_number(parts[n - 1], y) && *x > 0 && *y > 0)
		return true;
	g_set_error(error, TF_ERROR, TF_ERROR_USAGE,
		    "pixel-size=%s: expected micrometres of a pixel, one value or x,y: 0.25 or 0.25,0.5", text);
	return false;
}

static TfPlace *place_at(const TfArrangement *arrangement, guint i)
{
	return &g_array_index(arrangement->places, TfPlace, i);
}

static void flip_cells(TfArrangement *arrangement, const TfArrangeOptions *options)
{
	int64_t last_col = 0, last_row = 0;
	for (guint i = 0; i < arrangement->places->len; i++) {
		last_col = MAX(last_col, place_at(arrangement, i)->col);
		last_row = MAX(last_row, place_at(arrangement, i)->row);
	}
	for (guint i = 0; i < arrangement->places->len; i++) {
		TfPlace *place = place_at(arrangement, i);
		if (options->flip_x)
			place->col = last_col - place->col;
		if (options->flip_y)
			place->row = last_row - place->row;
	}
}

static bool apply_to_cells(TfArrangement *arrangement, const TfArrangeOptions *options, GError **error)
{
	if (options->anchor_center || options->pixel_size) {
		g_set_error(error, TF_ERROR, TF_ERROR_USAGE,
			    "%s has no use here: the places are cells of a grid, not positions",
			    options->pixel_size ? "pixel-size=" : "anchor=");
		return false;
	}
	if (options->flip_x || options->flip_y)
		flip_cells(arrangement, options);
	return true;
}

bool tf_axes_apply(TfArrangement *arrangement, const TfArrangeOptions *options, GError **error)
{
	if (arrangement->places->len && place_at(arrangement, 0)->kind == TF_PLACE_CELL)
		return apply_to_cells(arrangement, options, error);
	double size_x = 1, size_y = 1;
	if (options->pixel_size) {
		if (!tf_pixel_size_parse(options->pixel_size, &size_x, &size_y, error))
			return false;
		arrangement->pixel_um_x = size_x;
		arrangement->pixel_um_y = size_y;
	}
	for (guint i = 0; i < arrangement->places->len; i++) {
		TfPlace *place = place_at(arrangement, i);
		place->x = (options->flip_x ? 0 - place->x : place->x) / size_x;
		place->y = (options->flip_y ? 0 - place->y : place->y) / size_y;
	}
	arrangement->anchor_center = options->anchor_center;
	return true;
}
