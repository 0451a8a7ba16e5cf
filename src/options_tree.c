/* SPDX-License-Identifier: MIT
 *
 * The options of a tree of mosaics.
 */
#include "options.h"

#include <string.h>

static bool set_max_open(TfOptions *options, const char *value, GError **error)
{
	guint64 number;
	if (!tf_option_number(value, 1, 1024, &number, error))
		return false;
	options->max_open = (unsigned)number;
	return true;
}

static bool set_idle(TfOptions *options, const char *value, GError **error)
{
	guint64 number;
	if (!tf_option_number(value, 1, 86400, &number, error))
		return false;
	options->idle_s = (unsigned)number;
	return true;
}

const TfOption tf_options_of_tree[] = {
        {"max-open", set_max_open, false},
        {"idle", set_idle, false},
        {NULL, NULL, false},
};

bool tf_options_check_tree(const TfOptions *options, GError **error)
{
	const char *alone = options->mode == TF_RUN_CHECK    ? "--check"
	                    : options->mode == TF_RUN_EXPORT ? "--export="
	                    : options->mosaic.name           ? "name="
	                                                     : NULL;
	if (!options->tree || !alone)
		return true;
	g_set_error(error, TF_ERROR, TF_ERROR_USAGE, "--tree mounts many mosaics: %s is for one", alone);
	return false;
}
