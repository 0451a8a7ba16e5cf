/* SPDX-License-Identifier: MIT
 *
 * Options that say how far sources are trusted.
 */
#include "options.h"

#include <string.h>

static bool set_on_error(TfOptions *options, const char *value, GError **error)
{
	options->mosaic.paint_damage = strcmp(value, "fill") == 0;
	return options->mosaic.paint_damage || strcmp(value, "eio") == 0 || tf_option_expected(error, value, "eio or fill");
}

static bool set_verify(TfOptions *options, const char *value, GError **error)
{
	options->mosaic.verify_digest = strcmp(value, "digest") == 0;
	return options->mosaic.verify_digest || strcmp(value, "none") == 0 ||
	       tf_option_expected(error, value, "none or digest");
}

static bool set_max_side(TfOptions *options, const char *value, GError **error)
{
	guint64 number;
	if (!tf_option_number(value, 1, G_MAXINT32, &number, error))
		return false;
	options->mosaic.max_side = (int32_t)number;
	return true;
}

static bool set_max_decode(TfOptions *options, const char *value, GError **error)
{
	return tf_option_bytes(value, TF_MIB, &options->mosaic.max_decode_bytes, error);
}

static bool set_max_scans(TfOptions *options, const char *value, GError **error)
{
	guint64 number;
	if (!tf_option_number(value, 1, 10000, &number, error))
		return false;
	options->mosaic.max_scans = (unsigned)number;
	return true;
}

static bool set_follow(TfOptions *options, const char *value, GError **error)
{
	options->mosaic.arrange.allow_escape = strcmp(value, "yes") == 0;
	return options->mosaic.arrange.allow_escape || strcmp(value, "no") == 0 ||
	       tf_option_expected(error, value, "yes or no");
}

const TfOption tf_options_of_sources[] = {
        {"follow", set_follow, false},
        {"on-error", set_on_error, false},
        {"verify", set_verify, false},
        {"max-side", set_max_side, false},
        {"max-decode", set_max_decode, false},
        {"max-scans", set_max_scans, false},
        {NULL, NULL, false},
};
