/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <string.h>
#include <tiffuse/log.h>
#include <unistd.h>

bool tf_option_expected(GError **error, const char *value, const char *what)
{
	g_set_error(error, TF_ERROR, TF_ERROR_USAGE, "'%s': expected %s", value, what);
	return false;
}

const char *tf_option_keep(TfOptions *options, const char *value)
{
	char *copy = g_strdup(value);
	g_ptr_array_add(options->values, copy);
	return copy;
}

bool tf_option_number(const char *value, guint64 min, guint64 max, guint64 *out, GError **error)
{
	if (g_ascii_string_to_unsigned(value, 10, min, max, out, NULL))
		return true;
	g_set_error(error, TF_ERROR, TF_ERROR_USAGE,
	            "'%s': expected a number from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT, value, min, max);
	return false;
}

/* "256M", "1G", "262144K", "1000000". */
bool tf_option_bytes(const char *value, guint64 min, guint64 *out, GError **error)
{
	static const char units[] = "KMGT";
	size_t n = strlen(value);
	const char *unit = n > 0 ? strchr(units, g_ascii_toupper(value[n - 1])) : NULL;
	g_autofree char *digits = g_strndup(value, unit && *unit ? n - 1 : n);
	guint64 factor = unit && *unit ? G_GUINT64_CONSTANT(1) << (10 * (unit - units + 1)) : 1;
	if (g_ascii_string_to_unsigned(digits, 10, 0, G_MAXINT64 / factor, out, NULL) && *out * factor >= min) {
		*out *= factor;
		return true;
	}
	g_autofree char *least = g_format_size_full(min, G_FORMAT_SIZE_IEC_UNITS);
	g_set_error(error, TF_ERROR, TF_ERROR_USAGE, "'%s': expected a size such as 256M or 2G, at least %s", value, least);
	return false;
}

bool tf_option_choose(const char *value, const char *const *names, gsize n, int *choice, GError **error)
{
	g_autoptr(GString) all = g_string_new(NULL);
	for (gsize i = 0; i < n; i++) {
		if (strcmp(value, names[i]) == 0) {
			*choice = (int)i;
			return true;
		}
		g_string_append_printf(all, "%s%s", i == 0 ? "" : i + 1 < n ? ", " : " or ", names[i]);
	}
	return tf_option_expected(error, value, all->str);
}

static bool set_tile(TfOptions *options, const char *value, GError **error)
{
	guint64 number = 0;
	if (strcmp(value, "auto") != 0 &&
	    (!g_ascii_string_to_unsigned(value, 10, 64, 4096, &number, NULL) || number % 16 != 0))
		return tf_option_expected(error, value, "auto, or a multiple of 16 from 64 to 4096");
	options->mosaic.tile = (int32_t)number;
	return true;
}

static bool set_levels(TfOptions *options, const char *value, GError **error)
{
	options->mosaic.levels_of_source = strcmp(value, "source") == 0;
	return options->mosaic.levels_of_source || strcmp(value, "mean") == 0 ||
	       tf_option_expected(error, value, "mean or source");
}

static bool set_passthrough(TfOptions *options, const char *value, GError **error)
{
	options->mosaic.passthrough = strcmp(value, "auto") == 0;
	return options->mosaic.passthrough || strcmp(value, "off") == 0 ||
	       tf_option_expected(error, value, "auto or off");
}

static bool set_pyramid(TfOptions *options, const char *value, GError **error)
{
	static const char *const names[] = {[TF_PYRAMID_IFD] = "ifd", [TF_PYRAMID_OME] = "ome", [TF_PYRAMID_NONE] = "none"};
	int choice;
	if (!tf_option_choose(value, names, G_N_ELEMENTS(names), &choice, error))
		return false;
	options->mosaic.pyramid = (TfPyramidMode)choice;
	return true;
}

static bool set_layout(TfOptions *options, const char *value, GError **error)
{
	static const char *const names[] = {[TF_ORDER_BLOCKS] = "blocks", [TF_ORDER_LEVELS] = "cog"};
	int choice;
	if (!tf_option_choose(value, names, G_N_ELEMENTS(names), &choice, error))
		return false;
	options->mosaic.order = (TfLayoutOrder)choice;
	return true;
}

static bool set_compression(TfOptions *options, const char *value, GError **error)
{
	for (TfCompression c = TF_COMPRESSION_NONE; c <= TF_COMPRESSION_ZSTD; c++) {
		if (strcmp(value, tf_compression_name(c)) != 0)
			continue;
		options->mosaic.compression = c;
		return true;
	}
	return tf_option_expected(error, value, "jpeg, none, deflate, lzw or zstd");
}

static bool set_depth(TfOptions *options, const char *value, GError **error)
{
	options->mosaic.depth_8 = strcmp(value, "8") == 0;
	return options->mosaic.depth_8 || strcmp(value, "auto") == 0 || tf_option_expected(error, value, "auto or 8");
}

static bool set_quality(TfOptions *options, const char *value, GError **error)
{
	guint64 number;
	if (!tf_option_number(value, 1, 100, &number, error))
		return false;
	options->mosaic.quality = (int)number;
	return true;
}

static bool set_subsample(TfOptions *options, const char *value, GError **error)
{
	static const struct {
		const char *name;
		int hsamp, vsamp;
	} known[] = {{"420", 2, 2}, {"422", 2, 1}, {"444", 1, 1}};
	for (gsize i = 0; i < G_N_ELEMENTS(known); i++) {
		if (strcmp(value, known[i].name) != 0)
			continue;
		options->mosaic.hsamp = known[i].hsamp;
		options->mosaic.vsamp = known[i].vsamp;
		return true;
	}
	return tf_option_expected(error, value, "420, 422 or 444");
}

static bool set_background(TfOptions *options, const char *value, GError **error)
{
	static const struct {
		const char *name;
		uint8_t rgb[3];
	} known[] = {{"black", {0, 0, 0}}, {"white", {255, 255, 255}}, {"grey", {128, 128, 128}}, {"gray", {128, 128, 128}}};
	for (gsize i = 0; i < G_N_ELEMENTS(known); i++) {
		if (strcmp(value, known[i].name) != 0)
			continue;
		memcpy(options->mosaic.background, known[i].rgb, 3);
		return true;
	}
	const char *hex = *value == '#' ? value + 1 : value;
	guint64 rgb;
	if (strlen(hex) != 6 || !g_ascii_string_to_unsigned(hex, 16, 0, 0xFFFFFF, &rgb, NULL))
		return tf_option_expected(error, value, "black, white, grey or six hex digits such as f0f0f0");
	for (int i = 0; i < 3; i++)
		options->mosaic.background[i] = (uint8_t)(rgb >> (16 - 8 * i));
	return true;
}

/* A pixel between an atom and a kilometre. */
static bool parse_pixel_size(const char *text, double *um)
{
	char *end;
	*um = g_ascii_strtod(text, &end);
	return *text && *end == '\0' && *um >= 1e-4 && *um <= 1e9;
}

static bool set_mpp(TfOptions *options, const char *value, GError **error)
{
	g_auto(GStrv) parts = g_strsplit(value, ",", 0);
	guint n = g_strv_length(parts);
	TfMosaicOptions *mosaic = &options->mosaic;
	if (n < 1 || n > 2 || !parse_pixel_size(parts[0], &mosaic->pixel_um_x) ||
	    !parse_pixel_size(parts[n - 1], &mosaic->pixel_um_y))
		return tf_option_expected(error, value, "the size of a pixel in micrometres, such as 0.25, or two: x,y");
	return true;
}

static bool set_memory(TfOptions *options, const char *value, GError **error)
{
	guint64 bytes;
	if (!tf_option_bytes(value, 64 * TF_MIB, &bytes, error))
		return false;
	options->mosaic.memory_bytes = bytes;
	return true;
}

static bool set_slot(TfOptions *options, const char *value, GError **error)
{
	guint64 bytes;
	if (!tf_option_bytes(value, 4096, &bytes, error))
		return false;
	options->mosaic.slot_bytes = bytes;
	return true;
}

static bool set_threads(TfOptions *options, const char *value, GError **error)
{
	guint64 number;
	if (!tf_option_number(value, 1, 256, &number, error))
		return false;
	options->mosaic.threads = (unsigned)number;
	return true;
}

static bool set_name(TfOptions *options, const char *value, GError **error)
{
	if (*value == '\0' || strchr(value, '/') || *value == '.')
		return tf_option_expected(error, value, "a file name without folder");
	g_autofree char *name = g_strdup(value);
	if (g_str_has_suffix(name, ".tif"))
		name[strlen(name) - 4] = '\0';
	options->mosaic.name = tf_option_keep(options, name);
	return true;
}

static bool set_blend(TfOptions *options, const char *value, GError **error)
{
	for (TfBlend blend = TF_BLEND_LAST; blend <= TF_BLEND_FEATHER; blend++) {
		if (strcmp(value, tf_blend_name(blend)) != 0)
			continue;
		options->mosaic.blend = blend;
		return true;
	}
	return tf_option_expected(error, value, "last, first or feather");
}

static bool set_flat(TfOptions *options, const char *value, GError **error)
{
	if (*value == '\0')
		return tf_option_expected(error, value, "an image file");
	g_autofree char *path = g_canonicalize_filename(value, NULL);
	options->mosaic.flat = tf_option_keep(options, path);
	return true;
}

static bool set_spool(TfOptions *options, const char *value, GError **error)
{
	guint64 bytes;
	if (!tf_option_bytes(value, 0, &bytes, error))
		return false;
	options->spool_bytes = bytes;
	return true;
}

static bool set_spool_dir(TfOptions *options, const char *value, GError **error)
{
	if (!g_file_test(value, G_FILE_TEST_IS_DIR))
		return tf_option_expected(error, value, "a folder that is there");
	g_autofree char *path = g_canonicalize_filename(value, NULL);
	options->mosaic.spool_dir = tf_option_keep(options, path);
	return true;
}

static bool set_cache(TfOptions *options, const char *value, GError **error)
{
	/* The daemon leaves the directory where it was started. */
	g_autofree char *path = g_canonicalize_filename(value, NULL);
	options->mosaic.cache_dir = strcmp(value, "none") == 0 ? NULL : tf_option_keep(options, path);
	return *value != '\0' || tf_option_expected(error, value, "a folder, or none");
}

static bool set_cache_size(TfOptions *options, const char *value, GError **error)
{
	guint64 bytes;
	if (!tf_option_bytes(value, 0, &bytes, error))
		return false;
	options->cache_bytes = bytes;
	return true;
}

static bool set_overview(TfOptions *options, const char *value, GError **error)
{
	static const char *const names[] = {"off", "demand", "mount"};
	int choice;
	if (!tf_option_choose(value, names, G_N_ELEMENTS(names), &choice, error))
		return false;
	options->overview = (TfOverviewMode)choice;
	return true;
}

static bool set_overwrite(TfOptions *options, const char *value, GError **error)
{
	options->overwrite = strcmp(value, "yes") == 0;
	return options->overwrite || strcmp(value, "no") == 0 || tf_option_expected(error, value, "yes or no");
}

static bool set_preview(TfOptions *options, const char *value, GError **error)
{
	if (*value == '\0')
		return tf_option_expected(error, value, "the PNG to write");
	options->preview_path = tf_option_keep(options, value);
	options->mode = TF_RUN_CHECK;
	return true;
}

static bool set_export(TfOptions *options, const char *value, GError **error)
{
	if (*value == '\0')
		return tf_option_expected(error, value, "the file to write");
	options->export_path = tf_option_keep(options, value);
	options->mode = TF_RUN_EXPORT;
	return true;
}

static const TfOption general_options[] = {
        {"tile", set_tile, false},
        {"passthrough", set_passthrough, false},
        {"levels", set_levels, false},
        {"pyramid", set_pyramid, false},
        {"layout", set_layout, false},
        {"compression", set_compression, false},
        {"depth", set_depth, false},
        {"quality", set_quality, false},
        {"subsample", set_subsample, false},
        {"background", set_background, false},
        {"mpp", set_mpp, false},
        {"memory", set_memory, false},
        {"threads", set_threads, false},
        {"name", set_name, false},
        {"blend", set_blend, false},
        {"overlap-order", set_blend, false}, /* what blend was called first */
        {"flat", set_flat, false},
        {"cache-size", set_cache_size, false},
        {"overview", set_overview, false},
        {"spool", set_spool, false},
        {"spool-dir", set_spool_dir, false},
        {"slot", set_slot, false},
        {"cache-dir", set_cache, false},
        {"preview", set_preview, false},
        {"export", set_export, false},
        {"overwrite", set_overwrite, false},
        {NULL, NULL, false},
};

static const TfOption *const known_options[] = {general_options, tf_options_of_arrangement,
                                                tf_options_of_sources, tf_options_of_tree};

static guint edit_distance(const char *a, const char *b)
{
	guint row[64], n = (guint)MIN(strlen(b), 63);
	for (guint j = 0; j <= n; j++)
		row[j] = j;
	for (guint i = 1; a[i - 1]; i++) {
		guint diagonal = row[0];
		row[0] = i;
		for (guint j = 1; j <= n; j++) {
			guint change = diagonal + (a[i - 1] != b[j - 1]);
			diagonal = row[j];
			row[j] = MIN(change, 1 + MIN(row[j], row[j - 1]));
		}
	}
	return row[n];
}

static bool unknown_option(const char *name, GError **error)
{
	const char *nearest = NULL;
	g_autofree char *lower = g_ascii_strdown(name, -1);
	guint best = MIN(4, (guint)strlen(name) / 2 + 1); /* half of the letters are no resemblance */
	for (gsize i = 0; i < G_N_ELEMENTS(known_options); i++) {
		for (const TfOption *option = known_options[i]; option->name; option++) {
			guint distance = edit_distance(lower, option->name);
			if (distance < best) {
				best = distance;
				nearest = option->name;
			}
		}
	}
	g_set_error(error, TF_ERROR, TF_ERROR_USAGE, "unknown option '%s'%s%s%s; tiffuse -h lists them", name,
	            nearest ? " (did you mean '" : "", nearest ? nearest : "", nearest ? "'?)" : "");
	return false;
}

static const TfOption *find_option(const char *name)
{
	for (gsize i = 0; i < G_N_ELEMENTS(known_options); i++)
		for (const TfOption *option = known_options[i]; option->name; option++)
			if (strcmp(name, option->name) == 0)
				return option;
	return NULL;
}

/* One "name=value" or "name". */
static bool set_option(TfOptions *options, const char *text, GError **error)
{
	const char *equals = strchr(text, '=');
	g_autofree char *name = equals ? g_strndup(text, (gsize)(equals - text)) : g_strdup(text);
	const TfOption *option = find_option(name);
	if (strcmp(text, "tree") == 0) { /* tree=xyz is about numbered folders */
		options->tree = true;
		return true;
	}
	if (option && !equals && !option->is_flag) {
		g_set_error(error, TF_ERROR, TF_ERROR_USAGE, "option '%s' needs a value, as in --%s=VALUE or -o %s=VALUE",
		            name, name, name);
		return false;
	}
	if (option) {
		if (option->set(options, equals ? equals + 1 : "yes", error))
			return true;
		g_prefix_error(error, "option %s: ", name);
		return false;
	}
	if (tf_options_is_for_mount(text))
		return tf_options_set_for_mount(options, text, error);
	if (!options->sloppy)
		return unknown_option(name, error);
	tf_log(TF_LOG_NOTE, "unknown option '%s' is ignored (sloppy)", name);
	return true;
}

/* "a=1,b=2\,3": commas separate unless a backslash stands before them. */
static bool set_option_list(TfOptions *options, const char *list, GError **error)
{
	g_autoptr(GString) item = g_string_new(NULL);
	for (const char *c = list;; c++) {
		if (*c == '\\' && (c[1] == ',' || c[1] == '\\')) {
			g_string_append_c(item, *++c);
		} else if (*c == ',' || *c == '\0') {
			if (item->len > 0 && !set_option(options, item->str, error))
				return false;
			g_string_truncate(item, 0);
			if (*c == '\0')
				return true;
		} else {
			g_string_append_c(item, *c);
		}
	}
}

static bool set_long_option(TfOptions *options, const char *text, GError **error)
{
	if (strcmp(text, "check") == 0)
		options->mode = TF_RUN_CHECK;
	else if (strcmp(text, "help") == 0)
		options->mode = TF_RUN_HELP;
	else if (strcmp(text, "version") == 0)
		options->mode = TF_RUN_VERSION;
	else
		return set_option(options, text, error);
	return true;
}

static bool set_flag(TfOptions *options, char flag, GError **error)
{
	switch (flag) {
	case 'f':
		options->foreground = true;
		return true;
	case 'd':
		options->foreground = options->debug = true;
		return true;
	case 'h':
		options->mode = TF_RUN_HELP;
		return true;
	case 'V':
		options->mode = TF_RUN_VERSION;
		return true;
	default:
		g_set_error(error, TF_ERROR, TF_ERROR_USAGE, "unknown option '-%c'; tiffuse -h lists them", flag);
		return false;
	}
}

static bool set_short_options(TfOptions *options, const char *flags, int argc, char **argv, int *i, GError **error)
{
	for (const char *c = flags; *c; c++) {
		if (*c != 'o') {
			if (!set_flag(options, *c, error))
				return false;
			continue;
		}
		const char *list = c[1] ? c + 1 : *i + 1 < argc ? argv[++*i] : NULL;
		if (list)
			return set_option_list(options, list, error);
		g_set_error(error, TF_ERROR, TF_ERROR_USAGE, "-o needs a value: -o name=value,...");
		return false;
	}
	return true;
}

static bool take_words(TfOptions *options, const GPtrArray *words, GError **error)
{
	if (options->mode == TF_RUN_HELP || options->mode == TF_RUN_VERSION)
		return true;
	guint wanted = options->mode == TF_RUN_MOUNT ? 2 : 1;
	if (words->len != wanted) {
		g_set_error(error, TF_ERROR, TF_ERROR_USAGE, "%s; usage: tiffuse %s",
		            words->len == 0      ? "no source given"
		            : words->len < wanted ? "no mountpoint given"
		                                  : "too many arguments",
		            wanted == 2                      ? "[options] SOURCE MOUNTPOINT"
		            : options->mode == TF_RUN_EXPORT ? "--export=FILE [options] SOURCE"
		                                             : "--check [options] SOURCE");
		return false;
	}
	if (!tf_options_check_tree(options, error))
		return false;
	for (guint i = 0; i < words->len; i++) {
		const char *word = g_ptr_array_index(words, i);
		if (*word)
			continue;
		g_set_error(error, TF_ERROR, TF_ERROR_USAGE, "the %s is an empty word: is a variable of the shell not set?",
		            i == 0 ? "source" : "mountpoint");
		return false;
	}
	options->mosaic.source = g_ptr_array_index(words, 0);
	options->mountpoint = wanted == 2 ? g_ptr_array_index(words, 1) : NULL;
	return true;
}

static void set_defaults(TfOptions *options)
{
	*options = (TfOptions){.values = g_ptr_array_new_with_free_func(g_free), .spool_bytes = 8 * TF_GIB,
	                       .cache_bytes = 4 * TF_GIB,
	                       .overview = TF_OVERVIEW_DEMAND,
	                       .max_open = 16,
	                       .idle_s = 60};
	options->mosaic = (TfMosaicOptions){.tile = 512,
	                                    .compression = TF_COMPRESSION_JPEG,
	                                    .quality = 85,
	                                    .passthrough = true,
	                                    .memory_bytes = 256 * TF_MIB,
	                                    .max_scans = 100,
	                                    .threads = g_get_num_processors(),
	                                    .spool_dir = "/var/tmp"};
	g_autofree char *cache = g_build_filename(g_get_user_cache_dir(), "tiffuse", NULL);
	options->mosaic.cache_dir = tf_option_keep(options, cache);
}

bool tf_options_parse(TfOptions *options, int argc, char **argv, GError **error)
{
	set_defaults(options);
	g_autoptr(GPtrArray) words = g_ptr_array_new();
	bool only_words = false, ok = true;
	for (int i = 1; i < argc && ok; i++) {
		const char *word = argv[i];
		if (only_words || word[0] != '-' || word[1] == '\0')
			g_ptr_array_add(words, argv[i]);
		else if (strcmp(word, "--") == 0)
			only_words = true;
		else if (word[1] == '-')
			ok = set_long_option(options, word + 2, error);
		else
			ok = set_short_options(options, word + 1, argc, argv, &i, error);
	}
	return ok && take_words(options, words, error);
}

void tf_options_clear(TfOptions *options)
{
	g_clear_pointer(&options->values, g_ptr_array_unref);
	g_clear_pointer(&options->fuse_options, g_free);
}
