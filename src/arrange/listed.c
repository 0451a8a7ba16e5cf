/* SPDX-License-Identifier: MIT */
#include "listed.h"

#include "names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <tiffuse/text.h>

enum { MAX_NAMED = 10 };

struct _TfListed {
	TfArrangement *arrangement;
	const TfArrangeOptions *options;
	char *root;             /* real path of the arrangement file's folder */
	GHashTable *subfolders; /* as written -> its real path, "" when it does not exist */
	guint n_missing;
	GString *missing; /* the first of them, for the message */
	char *hint;       /* what may be wrong with the names, or NULL */
};

TfListed *tf_listed_new(TfArrangement *arrangement, const TfArrangeOptions *options)
{
	TfListed *listed = g_new0(TfListed, 1);
	listed->arrangement = arrangement;
	listed->options = options;
	listed->root = g_path_get_dirname(arrangement->origin);
	listed->subfolders = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	listed->missing = g_string_new(NULL);
	return listed;
}

void tf_listed_free(TfListed *listed)
{
	g_free(listed->root);
	g_hash_table_unref(listed->subfolders);
	g_string_free(listed->missing, TRUE);
	g_free(listed->hint);
	g_free(listed);
}

/* Names written on another machine often carry its folders.  The file with
 * the same last part may be the one that is meant or its namesake from
 * another run, so it is told and not taken. */
static char *name_beside(const TfListed *listed, const char *name)
{
	const char *base = name;
	for (const char *c = name; *c; c++)
		if (*c == '/' || *c == '\\')
			base = c + 1;
	if (base == name || !*base)
		return NULL;
	g_autofree char *path = g_build_filename(listed->root, base, NULL);
	if (!g_file_test(path, G_FILE_TEST_IS_REGULAR))
		return NULL;
	return g_strdup_printf(" (%s is beside the arrangement file: take the folders out of the names)",
			       base);
}

/* "PATH:LINE", or "PATH" for a name that stands in no line. */
static char *where(const TfListed *listed, int line)
{
	const char *origin = listed->arrangement->origin;
	return line ? g_strdup_printf("%s:%d", origin, line) : g_strdup(origin);
}

static bool refuse_escape(const TfListed *listed, int line, const char *name, GError **error)
{
	g_autofree char *hint = name_beside(listed, name), *at = where(listed, line);
	g_set_error(error, TF_ERROR, TF_ERROR_ARRANGEMENT,
		    "%s: %s leads out of the folder, expected a name below the folder of the arrangement "
		    "file%s; follow=yes allows it",
		    at, name, hint ? hint : "");
	return false;
}

static bool has_parent_step(const char *name)
{
	for (const char *step = strstr(name, ".."); step; step = strstr(step + 2, ".."))
		if ((step == name || step[-1] == '/') && (step[2] == '/' || !step[2]))
			return true;
	return false;
}

/* The real path of the folder part of a name, "" when it does not exist;
 * looked up once for each folder, not for each file. */
static const char *real_folder(TfListed *listed, const char *name)
{
	g_autofree char *folder = g_path_get_dirname(name);
	const char *known = g_hash_table_lookup(listed->subfolders, folder);
	if (known)
		return known;
	g_autofree char *path = *folder == '/' ? g_strdup(folder) : g_build_filename(listed->root, folder, NULL);
	g_autofree char *real = realpath(path, NULL);
	known = g_strdup(real ? real : "");
	g_hash_table_insert(listed->subfolders, g_steal_pointer(&folder), (char *)known);
	return known;
}

static bool note_missing(TfListed *listed, const char *name, TfPlace *place)
{
	place->missing = true;
	if (!listed->hint)
		listed->hint = name_beside(listed, name);
	if (listed->n_missing++ >= MAX_NAMED)
		return true;
	g_string_append_printf(listed->missing, "%s%s", listed->missing->len ? ", " : "", name);
	if (place->line)
		g_string_append_printf(listed->missing, " (line %d)", place->line);
	return true;
}

static bool check_file(TfListed *listed, const char *name, TfPlace *place, GError **error)
{
	bool confined = !listed->options->allow_escape;
	if (confined && strchr(name, '/')) {
		if (has_parent_step(name))
			return refuse_escape(listed, place->line, name, error);
		const char *folder = real_folder(listed, name);
		bool unknown = !*folder && *name != '/'; /* no such folder: a missing file */
		if (!unknown && !tf_path_is_below(folder, listed->root))
			return refuse_escape(listed, place->line, name, error);
	}
	struct stat st;
	int failed = lstat(place->path, &st);
	if (!failed && S_ISLNK(st.st_mode)) {
		g_autofree char *real = realpath(place->path, NULL);
		if (confined && real && !tf_path_is_below(real, listed->root))
			return refuse_escape(listed, place->line, name, error);
		failed = stat(place->path, &st);
	}
	if (failed && (errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG))
		return note_missing(listed, name, place);
	g_autofree char *at = NULL;
	if (failed) {
		int errnum = errno;
		at = where(listed, place->line);
		return tf_error_set_errno(error, errnum, "%s: %s", at, name);
	}
	if (!S_ISREG(st.st_mode)) {
		at = where(listed, place->line);
		g_set_error(error, TF_ERROR, TF_ERROR_ACCESS, "%s: %s: not a regular file", at, name);
		return false;
	}
	return true;
}

bool tf_listed_add(TfListed *listed, const char *name, TfPlace place, GError **error)
{
	if (!*name) {
		g_autofree char *at = where(listed, place.line);
		g_set_error(error, TF_ERROR, TF_ERROR_ARRANGEMENT, "%s: no file name", at);
		return false;
	}
	while (g_str_has_prefix(name, "./"))
		name += 2 + strspn(name + 2, "/");
	g_autofree char *path = *name == '/' ? g_strdup(name) : g_build_filename(listed->root, name, NULL);
	place.path = path;
	if (!check_file(listed, name, &place, error))
		return false;
	g_steal_pointer(&path);
	g_array_append_val(listed->arrangement->places, place);
	return true;
}

char *tf_listed_finish(TfListed *listed, GError **error)
{
	const char *origin = listed->arrangement->origin;
	guint n = listed->arrangement->places->len;
	if (!n) {
		g_set_error(error, TF_ERROR, TF_ERROR_ARRANGEMENT, "%s: lists no tiles", origin);
		return NULL;
	}
	if (listed->n_missing && (!listed->options->missing_fill || listed->n_missing == n)) {
		if (listed->n_missing > MAX_NAMED)
			g_string_append_printf(listed->missing, ", ... and %u more",
					       listed->n_missing - MAX_NAMED);
		g_set_error(error, TF_ERROR, TF_ERROR_MISSING, "%s: %u of %u files do not exist: %s%s",
			    origin, listed->n_missing, n, listed->missing->str,
			    listed->hint ? listed->hint : "");
		return NULL;
	}
	if (listed->n_missing)
		return g_strdup_printf("%u tiles, %u of them missing", n, listed->n_missing);
	return g_strdup_printf("%u tile%s", n, n == 1 ? "" : "s");
}

bool tf_listed_conclude(TfListed *listed, const char *kind, GError **error)
{
	TfArrangement *arrangement = listed->arrangement;
	g_autofree char *tiles = tf_listed_finish(listed, error);
	if (!tiles)
		return false;
	arrangement->ignore_orientation = true;
	g_autofree char *name = g_path_get_basename(arrangement->origin);
	arrangement->summary = g_strdup_printf("%s %s: %s", kind, name, tiles);
	return true;
}
