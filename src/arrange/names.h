/* SPDX-License-Identifier: MIT
 *
 * The names in a folder, read once and sorted by the numbers in them.
 */
#pragma once
#include <tiffuse/error.h>

#include <stdbool.h>

#define TF_IMAGE_EXTENSIONS "jpg jpeg jpe png tif tiff webp"

typedef struct {
	char *path;        /* absolute */
	GPtrArray *images; /* char *, names of image files, in natural order */
	GPtrArray *others; /* char *, names of other files, in natural order */
	GPtrArray *folders; /* char *, names of the folders in it, which are not entered, in natural order */
	GPtrArray *links;   /* char *, those of the images that are symbolic links */
} TfFolder;

/* Reads the folder with one pass of readdir; a file's type is asked for only
 * where the file system does not tell it.  Names that start with a dot do not
 * count.  Errors: as opendir() and readdir() have them; ARRANGEMENT for a name
 * of more than NAME_MAX bytes, so that no other code has to expect one. */
TfFolder *tf_folder_read(const char *path, GError **error);
/* The same with the first two of its images only. */
TfFolder *tf_folder_peek(const char *path, GError **error);
void tf_folder_free(TfFolder *folder);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TfFolder, tf_folder_free)

/* Do all images stay below `root`, a real path?  ARRANGEMENT for a link that
 * leads elsewhere. */
bool tf_folder_stays_below(const TfFolder *folder, const char *root, GError **error);

/* Do files, which may be missing, and their folders?  Quick where files of one
 * folder follow one another. */
bool tf_files_stay_below(const char *const *paths, guint n, const char *root, GError **error);

/* The path of the one file among folder->others that `is_ours` takes, NULL when
 * there is none, in *path.  ARRANGEMENT when there are two: `what` they are,
 * e.g. "Fiji files". */
bool tf_folder_find_one(const TfFolder *folder, bool (*is_ours)(const char *name), const char *what,
			char **path, GError **error);

/* Ends the name so, in either case, after at least one character? */
bool tf_has_suffix(const char *name, const char *suffix);

/* By the extension, in either case. */
bool tf_is_image_name(const char *name);

/* Runs of digits compare as numbers of any length, all else as bytes;
 * 0 only for equal strings. */
int tf_natural_compare(const char *a, const char *b);
