/* SPDX-License-Identifier: MIT
 *
 * What the daemon may still do once its mount stands: read the sources, and
 * keep its cache and spool.
 */
#include "options.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <tiffuse/memory.h>
#include <tiffuse/sandbox.h>

static bool is_below(const char *path, const char *folder)
{
	size_t n = strlen(folder);
	return strncmp(path, folder, n) == 0 && (path[n] == '/' || (n > 0 && folder[n - 1] == '/'));
}

/* The real path of the folder of a source; each is looked up once. */
static const char *real_folder(GHashTable *folders, const char *path)
{
	g_autofree char *folder = g_path_get_dirname(path);
	const char *known = g_hash_table_lookup(folders, folder);
	if (known)
		return known;
	g_autofree char *real = realpath(folder, NULL);
	known = g_strdup(real ? real : "");
	g_hash_table_insert(folders, g_steal_pointer(&folder), (char *)known);
	return known;
}

/* Sources that an arrangement names elsewhere, itself or by a link, are allowed
 * one by one: nothing else of where they lie. */
static void allow_outside(TfSandbox *sandbox, const TfMosaic *mosaic, const char *root)
{
	g_autoptr(GHashTable) folders = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	for (uint32_t i = 0; i < tf_scene_n_sources(mosaic->scene); i++) {
		const char *path = tf_scene_source(mosaic->scene, i)->path, *folder = real_folder(folders, path);
		struct stat st;
		bool inside = strcmp(folder, root) == 0 || is_below(folder, root);
		if (inside && (lstat(path, &st) != 0 || !S_ISLNK(st.st_mode)))
			continue;
		g_autofree char *real = realpath(path, NULL);
		if (real && !is_below(real, root))
			tf_sandbox_allow_read(sandbox, real);
	}
}

/* The folder that the sources are below: SOURCE, or that of the file SOURCE. */
static char *find_root(const char *source)
{
	struct stat st;
	if (stat(source, &st) == 0 && S_ISDIR(st.st_mode))
		return realpath(source, NULL);
	g_autofree char *folder = g_path_get_dirname(source);
	return realpath(folder, NULL);
}

void tf_confine(const TfOptions *options, const TfMosaic *mosaic)
{
	g_autoptr(TfSandbox) sandbox = tf_sandbox_new();
	g_autofree char *root = find_root(options->mosaic.source);
	if (root) {
		tf_sandbox_allow_read(sandbox, root);
		if (mosaic)
			allow_outside(sandbox, mosaic, root);
	}
	if (!mosaic && options->mosaic.flat) /* each mosaic of a tree reads it anew */
		tf_sandbox_allow_read(sandbox, options->mosaic.flat);
	const char *cache = options->mosaic.cache_dir;
	if (cache && g_mkdir_with_parents(cache, 0700) == 0)
		tf_sandbox_allow_write(sandbox, cache);
	if (options->spool_bytes > 0)
		tf_sandbox_allow_write(sandbox, options->mosaic.spool_dir);
	tf_memory_peak_rss(); /* keeps open what it reads */
	tf_sandbox_enter(sandbox);
}
