/* SPDX-License-Identifier: MIT */
#include "format.h"

#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <tiffuse/catalogue.h>

enum {
	MAX_SCANS = 20000,
	/* Within this time after its last change a folder may change again without a
	 * new time: some file systems count in seconds. */
	UNSETTLED_S = 3,
};

/* What a folder holds. */
typedef struct {
	gatomicrefcount refs;
	struct stat st;
	bool settled;        /* an equal stat means equal names */
	bool is_mosaic;      /* may be one by itself */
	GPtrArray *folders;  /* names, without those that hold a mosaic's tiles */
	GPtrArray *lists;    /* names of arrangement files that stand for themselves */
} Scan;

struct _TfCatalogue {
	char *root;
	GMutex lock;       /* guards what follows */
	GHashTable *scans; /* absolute path -> Scan */
};

static void scan_unref(Scan *scan)
{
	if (!g_atomic_ref_count_dec(&scan->refs))
		return;
	g_ptr_array_unref(scan->folders);
	g_ptr_array_unref(scan->lists);
	g_free(scan);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Scan, scan_unref)

static Scan *scan_ref(Scan *scan)
{
	g_atomic_ref_count_inc(&scan->refs);
	return scan;
}

void tf_catalogue_entry_free(TfCatalogueEntry *entry)
{
	g_free(entry->name);
	g_free(entry->source);
	g_free(entry);
}

TfCatalogue *tf_catalogue_new(const char *root)
{
	TfCatalogue *catalogue = g_new0(TfCatalogue, 1);
	catalogue->root = g_strdup(root);
	g_mutex_init(&catalogue->lock);
	catalogue->scans = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)scan_unref);
	return catalogue;
}

void tf_catalogue_free(TfCatalogue *catalogue)
{
	if (!catalogue)
		return;
	g_hash_table_unref(catalogue->scans);
	g_mutex_clear(&catalogue->lock);
	g_free(catalogue->root);
	g_free(catalogue);
}

/* --- one folder ---------------------------------------------------------------- */

static bool has_one_of(const char *extension, const char *const *list, gsize n)
{
	for (gsize i = 0; extension && i < n; i++)
		if (!g_ascii_strcasecmp(extension + 1, list[i]))
			return true;
	return false;
}

/* Only these are opened to see what is in them. */
static bool may_be_list(const char *name)
{
	static const char *const extensions[] = {"csv", "tsv",  "txt",  "dzi", "xml", "json",
	                                         "yml", "yaml", "pto", "vrt", "ome"};
	return has_one_of(strrchr(name, '.'), extensions, G_N_ELEMENTS(extensions));
}

/* The search of a folder takes it, and names the mosaic after the folder. */
static bool belongs_to_folder(const char *name)
{
	static const char *const names[] = {"tiles.csv", "tiles.tsv", "sources.csv", "sources.tsv", "ImageProperties.xml"};
	for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
		if (!g_ascii_strcasecmp(name, names[i]))
			return true;
	return !g_ascii_strncasecmp(name, "TileConfiguration", 17) && tf_has_suffix(name, ".txt");
}

static bool has_name(const GPtrArray *names, const char *name)
{
	return g_ptr_array_find_with_equal_func((GPtrArray *)names, name, g_str_equal, NULL);
}

static bool is_number(const char *name)
{
	return *name && strspn(name, "0123456789") == strlen(name);
}

/* Does the folder in `folder` hold the tiles of a mosaic that is shown? */
static bool holds_tiles(const TfFolder *folder, const char *name, bool is_tree)
{
	if (is_tree && is_number(name))
		return true;
	if (g_str_has_prefix(name, "TileGroup") && is_number(name + 9))
		return has_name(folder->others, "ImageProperties.xml");
	if (!tf_has_suffix(name, "_files"))
		return false;
	g_autofree char *stem = g_strndup(name, strlen(name) - 6);
	g_autofree char *dzi = g_strconcat(stem, ".dzi", NULL);
	return has_name(folder->others, dzi);
}

static Scan *scan_folder(const char *path, const struct stat *st, GError **error)
{
	g_autoptr(TfFolder) folder = tf_folder_peek(path, error);
	if (!folder)
		return NULL;
	Scan *scan = g_new0(Scan, 1);
	g_atomic_ref_count_init(&scan->refs);
	scan->st = *st;
	scan->settled = time(NULL) - MAX(st->st_mtim.tv_sec, st->st_ctim.tv_sec) > UNSETTLED_S;
	scan->folders = g_ptr_array_new_with_free_func(g_free);
	scan->lists = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *tree = NULL;
	tf_format_tree.find(folder, &tree, NULL);
	scan->is_mosaic = tree || folder->images->len > 0;
	for (guint i = 0; i < folder->others->len; i++) {
		const char *name = folder->others->pdata[i];
		if (belongs_to_folder(name))
			scan->is_mosaic = true;
		else if (may_be_list(name) && tf_arrange_recognises(path, name))
			g_ptr_array_add(scan->lists, g_strdup(name));
	}
	for (guint i = 0; i < folder->folders->len; i++)
		if (!holds_tiles(folder, folder->folders->pdata[i], tree != NULL))
			g_ptr_array_add(scan->folders, g_strdup(folder->folders->pdata[i]));
	return scan;
}

static bool is_unchanged(const Scan *scan, const struct stat *st)
{
	return scan->settled && scan->st.st_dev == st->st_dev && scan->st.st_ino == st->st_ino &&
	       memcmp(&scan->st.st_mtim, &st->st_mtim, sizeof st->st_mtim) == 0 &&
	       memcmp(&scan->st.st_ctim, &st->st_ctim, sizeof st->st_ctim) == 0;
}

/* Links are not followed: they may lead out of the root, or round in a ring. */
static Scan *look(TfCatalogue *catalogue, const char *path, GError **error)
{
	struct stat st;
	if (lstat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
		g_set_error(error, TF_ERROR, TF_ERROR_MISSING, "%s: no such folder", path);
		return NULL;
	}
	g_mutex_lock(&catalogue->lock);
	Scan *scan = g_hash_table_lookup(catalogue->scans, path);
	if (scan)
		scan_ref(scan);
	g_mutex_unlock(&catalogue->lock);
	if (scan && is_unchanged(scan, &st))
		return scan;
	g_clear_pointer(&scan, scan_unref);
	if (!(scan = scan_folder(path, &st, error)))
		return NULL;
	g_mutex_lock(&catalogue->lock);
	if (g_hash_table_size(catalogue->scans) >= MAX_SCANS)
		g_hash_table_remove_all(catalogue->scans);
	g_hash_table_replace(catalogue->scans, g_strdup(path), scan_ref(scan));
	g_mutex_unlock(&catalogue->lock);
	return scan;
}

/* --- names in the mount ---------------------------------------------------------- */

static TfCatalogueEntry *new_entry(const char *name, const char *suffix, const char *source)
{
	TfCatalogueEntry *entry = g_new(TfCatalogueEntry, 1);
	*entry = (TfCatalogueEntry){g_strconcat(name, suffix, NULL), g_strdup(source)};
	return entry;
}

static bool is_mosaic_below(TfCatalogue *catalogue, const char *path, const char *name)
{
	g_autofree char *below = g_build_filename(path, name, NULL);
	g_autoptr(Scan) scan = look(catalogue, below, NULL);
	return scan && scan->is_mosaic;
}

/* A folder that is a mosaic and holds nothing else is not shown as a folder. */
static bool is_shown_below(TfCatalogue *catalogue, const char *path, const char *name)
{
	g_autofree char *below = g_build_filename(path, name, NULL);
	g_autoptr(Scan) scan = look(catalogue, below, NULL);
	return !scan || !scan->is_mosaic || scan->folders->len > 0 || scan->lists->len > 0;
}

static char *stem_of(const char *list)
{
	const char *dot = strrchr(list, '.');
	g_autofree char *stem = g_strndup(list, (gsize)(dot - list));
	if (tf_has_suffix(stem, ".registered"))
		stem[strlen(stem) - strlen(".registered")] = '\0';
	return g_steal_pointer(&stem);
}

/* "run7" for run7.csv; "run7.csv" where a folder or a list before it is run7. */
static char *name_of_list(TfCatalogue *catalogue, const char *path, const Scan *scan, guint i)
{
	const char *list = scan->lists->pdata[i];
	g_autofree char *stem = stem_of(list);
	bool taken = has_name(scan->folders, stem) && is_mosaic_below(catalogue, path, stem);
	for (guint k = 0; k < i && !taken; k++) {
		g_autofree char *other = stem_of(scan->lists->pdata[k]);
		taken = strcmp(other, stem) == 0;
	}
	return taken ? g_strdup(list) : g_steal_pointer(&stem);
}

static TfCatalogueEntry *entry_of_list(TfCatalogue *catalogue, const char *path, const Scan *scan, guint i)
{
	g_autofree char *name = name_of_list(catalogue, path, scan, i);
	g_autofree char *source = g_build_filename(path, scan->lists->pdata[i], NULL);
	return new_entry(name, ".tif", source);
}

/* The root itself may be a mosaic: it is shown among what it holds. */
static TfCatalogueEntry *entry_of_root(TfCatalogue *catalogue, const char *path, const Scan *scan)
{
	g_autofree char *name = g_path_get_basename(catalogue->root);
	return strcmp(path, catalogue->root) == 0 && scan->is_mosaic && !has_name(scan->folders, name)
	               ? new_entry(name, ".tif", path)
	               : NULL;
}

static char *absolute_path(const TfCatalogue *catalogue, const char *path)
{
	return *path ? g_build_filename(catalogue->root, path, NULL) : g_strdup(catalogue->root);
}

static gint compare_entries(gconstpointer a, gconstpointer b)
{
	const TfCatalogueEntry *x = *(TfCatalogueEntry *const *)a, *y = *(TfCatalogueEntry *const *)b;
	return tf_natural_compare(x->name, y->name);
}

static void free_entry(gpointer entry)
{
	tf_catalogue_entry_free(entry);
}

GPtrArray *tf_catalogue_list(TfCatalogue *catalogue, const char *path, GError **error)
{
	g_autofree char *absolute = absolute_path(catalogue, path);
	g_autoptr(Scan) scan = look(catalogue, absolute, error);
	if (!scan)
		return NULL;
	GPtrArray *entries = g_ptr_array_new_with_free_func(free_entry);
	for (guint i = 0; i < scan->folders->len; i++) {
		const char *name = scan->folders->pdata[i];
		if (is_shown_below(catalogue, absolute, name))
			g_ptr_array_add(entries, new_entry(name, "", NULL));
		if (!is_mosaic_below(catalogue, absolute, name))
			continue;
		g_autofree char *source = g_build_filename(absolute, name, NULL);
		g_ptr_array_add(entries, new_entry(name, ".tif", source));
	}
	for (guint i = 0; i < scan->lists->len; i++)
		g_ptr_array_add(entries, entry_of_list(catalogue, absolute, scan, i));
	TfCatalogueEntry *root = entry_of_root(catalogue, absolute, scan);
	if (root)
		g_ptr_array_add(entries, root);
	g_ptr_array_sort(entries, compare_entries);
	return entries;
}

TfCatalogueEntry *tf_catalogue_find(TfCatalogue *catalogue, const char *path, const char *name, GError **error)
{
	g_autofree char *absolute = absolute_path(catalogue, path);
	g_autoptr(Scan) scan = look(catalogue, absolute, error);
	if (!scan)
		return NULL;
	if (g_str_has_suffix(name, ".tif")) {
		g_autofree char *stem = g_strndup(name, strlen(name) - 4), *source = g_build_filename(absolute, stem, NULL);
		if (has_name(scan->folders, stem) && is_mosaic_below(catalogue, absolute, stem))
			return new_entry(name, "", source);
	}
	for (guint i = 0; i < scan->lists->len; i++) {
		g_autoptr(TfCatalogueEntry) entry = entry_of_list(catalogue, absolute, scan, i);
		if (strcmp(entry->name, name) == 0)
			return g_steal_pointer(&entry);
	}
	if (has_name(scan->folders, name) && is_shown_below(catalogue, absolute, name))
		return new_entry(name, "", NULL);
	g_autoptr(TfCatalogueEntry) root = entry_of_root(catalogue, absolute, scan);
	if (root && strcmp(root->name, name) == 0)
		return g_steal_pointer(&root);
	g_set_error(error, TF_ERROR, TF_ERROR_MISSING, "%s: no mosaic and no folder %s", absolute, name);
	return NULL;
}
