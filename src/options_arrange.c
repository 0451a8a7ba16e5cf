/* SPDX-License-Identifier: MIT
 *
 * The options that say where the tiles go.
 */
#include "options.h"

#include <string.h>

static bool set_pattern(TfOptions *options, const char *value, GError **error)
{
	options->mosaic.arrange.pattern = tf_option_keep(options, value);
	return true;
}

static bool set_columns(TfOptions *options, const char *value, GError **error)
{
	guint64 number;
	if (!tf_option_number(value, 1, 1 << 22, &number, error))
		return false;
	options->mosaic.arrange.columns = (int64_t)number;
	return true;
}

static bool set_order(TfOptions *options, const char *value, GError **error)
{
	options->mosaic.arrange.order = tf_option_keep(options, value);
	return true;
}

static bool set_overlap(TfOptions *options, const char *value, GError **error)
{
	options->mosaic.arrange.overlap = tf_option_keep(options, value);
	return true;
}

static bool set_tree(TfOptions *options, const char *value, GError **error)
{
	options->mosaic.arrange.tree = tf_option_keep(options, value);
	return true;
}

static bool set_orientation(TfOptions *options, const char *value, GError **error)
{
	static const char *const names[] = {"auto", "apply", "ignore"};
	int choice;
	if (!tf_option_choose(value, names, G_N_ELEMENTS(names), &choice, error))
		return false;
	options->mosaic.orientation = (TfOrientationMode)choice;
	return true;
}

static bool set_missing(TfOptions *options, const char *value, GError **error)
{
	options->mosaic.arrange.missing_fill = strcmp(value, "fill") == 0;
	return options->mosaic.arrange.missing_fill || strcmp(value, "refuse") == 0 ||
	       tf_option_expected(error, value, "refuse or fill");
}

static bool set_flip(const char *value, bool *flip, GError **error)
{
	*flip = strcmp(value, "yes") == 0;
	return *flip || strcmp(value, "no") == 0 || tf_option_expected(error, value, "yes or no");
}

static bool set_flip_x(TfOptions *options, const char *value, GError **error)
{
	return set_flip(value, &options->mosaic.arrange.flip_x, error);
}

static bool set_flip_y(TfOptions *options, const char *value, GError **error)
{
	return set_flip(value, &options->mosaic.arrange.flip_y, error);
}

static bool set_anchor(TfOptions *options, const char *value, GError **error)
{
	options->mosaic.arrange.anchor_center = strcmp(value, "center") == 0;
	return options->mosaic.arrange.anchor_center || strcmp(value, "corner") == 0 ||
	       tf_option_expected(error, value, "corner or center");
}

static bool set_pixel_size(TfOptions *options, const char *value, GError **error)
{
	options->mosaic.arrange.pixel_size = tf_option_keep(options, value);
	return true;
}

/* "x,y,width,height" */
static bool set_crop(TfOptions *options, const char *value, GError **error)
{
	g_auto(GStrv) parts = g_strsplit(value, ",", -1);
	guint64 n[4];
	bool good = g_strv_length(parts) == 4;
	for (int i = 0; good && i < 4; i++)
		good = g_ascii_string_to_unsigned(g_strstrip(parts[i]), 10, i < 2 ? 0 : 1, G_MAXINT32, &n[i], NULL);
	if (!good)
		return tf_option_expected(error, value, "x,y,width,height in pixels of the mosaic");
	options->mosaic.crop = (TfRect){(int64_t)n[0], (int64_t)n[1], (int64_t)(n[0] + n[2]), (int64_t)(n[1] + n[3])};
	return true;
}

const TfOption tf_options_of_arrangement[] = {
        {"pattern", set_pattern, false},
        {"columns", set_columns, false},
        {"order", set_order, false},
        {"overlap", set_overlap, false},
        {"tree", set_tree, false},
        {"flip-x", set_flip_x, true},
        {"flip-y", set_flip_y, true},
        {"anchor", set_anchor, false},
        {"pixel-size", set_pixel_size, false},
        {"crop", set_crop, false},
        {"orientation", set_orientation, false},
        {"missing", set_missing, false},
        {NULL, NULL, false},
};
