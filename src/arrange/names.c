/* SPDX-License-Identifier: MIT */
#include "names.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <tiffuse/text.h>

typedef DIR TfDir;
static void close_dir(TfDir *dir)
{
	closedir(dir);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TfDir, close_dir)

/* strverscmp() is not used: it takes digits after leading zeros as a
 * fraction, so that 010 comes before 09. */
int tf_natural_compare(const char *a, const char *b)
{
	const char *first = a, *second = b;
	while (*a && *b) {
		if (!g_ascii_isdigit(*a) || !g_ascii_isdigit(*b)) {
			if (*a != *b)
				return (guchar)*a - (guchar)*b;
			a++, b++;
			continue;
		}
		a += strspn(a, "0");
		b += strspn(b, "0");
		size_t len_a = strspn(a, "0123456789"), len_b = strspn(b, "0123456789");
		if (len_a != len_b)
			return len_a < len_b ? -1 : 1;
		int order = memcmp(a, b, len_a);
		if (order)
			return order;
		a += len_a;
		b += len_b;
	}
	if (*a || *b)
		return (guchar)*a - (guchar)*b;
	return strcmp(first, second);
}

static int compare_names(gconstpointer a, gconstpointer b)
{
	return tf_natural_compare(*(const char *const *)a, *(const char *const *)b);
}

bool tf_has_suffix(const char *name, const char *suffix)
{
	size_t len = strlen(name), suffix_len = strlen(suffix);
	return len > suffix_len && !g_ascii_strcasecmp(name + len - suffix_len, suffix);
}

bool tf_folder_find_one(const TfFolder *folder, bool (*is_ours)(const char *name), const char *what,
			char **path, GError **error)
{
	const char *found = NULL;
	for (guint i = 0; i < folder->others->len; i++) {
		const char *name = folder->others->pdata[i];
		if (!is_ours(name))
			continue;
		if (found) {
			g_set_error(error, TF_ERROR, TF_ERROR_ARRANGEMENT,
				    "%s: two %s, %s and %s: give one of them as SOURCE", folder->path, what,
				    found, name);
			return false;
		}
		found = name;
	}
	if (found)
		*path = g_build_filename(folder->path, found, NULL);
	return true;
}

bool tf_is_image_name(const char *name)
{
	static const char *const extensions[] = {"jpg", "jpeg", "jpe", "png", "tif", "tiff", "webp"};
	const char *dot = strrchr(name, '.');
	for (size_t i = 0; dot && i < G_N_ELEMENTS(extensions); i++)
		if (!g_ascii_strcasecmp(dot + 1, extensions[i]))
			return true;
	return false;
}

/* Of the entry itself: a link to a folder is a link. */
static unsigned char type_of(DIR *dir, const struct dirent *entry)
{
	struct stat st;
	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type;
	return fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? IFTODT(st.st_mode) : DT_UNKNOWN;
}

void tf_folder_free(TfFolder *folder)
{
	g_free(folder->path);
	g_ptr_array_unref(folder->images);
	g_ptr_array_unref(folder->others);
	g_ptr_array_unref(folder->folders);
	g_ptr_array_unref(folder->links);
	g_free(folder);
}

static bool stays_below(const char *path, const char *root, GError **error)
{
	g_autofree char *real = realpath(path, NULL);
	if (!real || tf_path_is_below(real, root))
		return true; /* one that leads nowhere is a missing file */
	g_set_error(error, TF_ERROR, TF_ERROR_ARRANGEMENT,
		    "%s: a link that leads out of the folder, to %s, expected files of the folder; "
		    "follow=yes allows it",
		    path, real);
	return false;
}

bool tf_folder_stays_below(const TfFolder *folder, const char *root, GError **error)
{
	for (guint i = 0; i < folder->links->len; i++) {
		g_autofree char *path = g_build_filename(folder->path, folder->links->pdata[i], NULL);
		if (!stays_below(path, root, error))
			return false;
	}
	return true;
}

bool tf_files_stay_below(const char *const *paths, guint n, const char *root, GError **error)
{
	g_autofree char *known = NULL;
	struct stat st;
	for (guint i = 0; i < n; i++) {
		g_autofree char *folder = g_path_get_dirname(paths[i]);
		bool is_known = known && strcmp(folder, known) == 0;
		bool is_link = lstat(paths[i], &st) == 0 && S_ISLNK(st.st_mode);
		if ((!is_known && !stays_below(folder, root, error)) || (is_link && !stays_below(paths[i], root, error)))
			return false;
		g_free(known);
		known = g_steal_pointer(&folder);
	}
	return true;
}

static TfFolder *read_folder(const char *path, guint max_images, GError **error)
{
	g_autoptr(TfDir) dir = opendir(path);
	if (!dir) {
		tf_error_set_errno(error, errno, "%s", path);
		return NULL;
	}
	g_autoptr(TfFolder) folder = g_new0(TfFolder, 1);
	folder->path = g_strdup(path);
	folder->images = g_ptr_array_new_with_free_func(g_free);
	folder->others = g_ptr_array_new_with_free_func(g_free);
	folder->folders = g_ptr_array_new_with_free_func(g_free);
	folder->links = g_ptr_array_new_with_free_func(g_free);
	struct dirent *entry;
	while (errno = 0, (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		if (strlen(entry->d_name) > NAME_MAX) { /* some FUSE file systems have them */
			g_set_error(error, TF_ERROR, TF_ERROR_ARRANGEMENT,
				    "%s: a name of more than %d bytes, %s", path, NAME_MAX, entry->d_name);
			return NULL;
		}
		unsigned char type = type_of(dir, entry);
		GPtrArray *kind = type == DT_DIR                     ? folder->folders
				  : tf_is_image_name(entry->d_name) ? folder->images
								    : folder->others;
		if (kind != folder->images || kind->len < max_images)
			g_ptr_array_add(kind, g_strdup(entry->d_name));
		if (kind == folder->images && type == DT_LNK)
			g_ptr_array_add(folder->links, g_strdup(entry->d_name));
	}
	if (errno) {
		tf_error_set_errno(error, errno, "%s", path);
		return NULL;
	}
	g_ptr_array_sort(folder->images, compare_names);
	g_ptr_array_sort(folder->others, compare_names);
	g_ptr_array_sort(folder->folders, compare_names);
	return g_steal_pointer(&folder);
}

TfFolder *tf_folder_read(const char *path, GError **error)
{
	return read_folder(path, G_MAXUINT, error);
}

TfFolder *tf_folder_peek(const char *path, GError **error)
{
	return read_folder(path, 2, error);
}
