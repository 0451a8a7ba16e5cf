/* SPDX-License-Identifier: MIT
 *
 * What a tree of folders holds, by names: which of its folders and arrangement
 * files may be mosaics, and what they are called in a mount.  docs/tree.md has
 * the rules.  Whether a mosaic can be made is seen when it is opened.
 *
 * A folder's names are kept until its time changes, so that asking again costs
 * one stat.
 *
 * Threads: any.  Lock: its own, a leaf, not held while reading folders.
 */
#pragma once
#include <tiffuse/error.h>
#include <stdbool.h>

typedef struct {
	char *name;    /* in the mount: "b.tif", or the name of a folder */
	char *source;  /* of a mosaic: an absolute path; NULL: a folder */
} TfCatalogueEntry;

void tf_catalogue_entry_free(TfCatalogueEntry *entry);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TfCatalogueEntry, tf_catalogue_entry_free)

typedef struct _TfCatalogue TfCatalogue;

/* `root` is an absolute path without links. */
TfCatalogue *tf_catalogue_new(const char *root);
void tf_catalogue_free(TfCatalogue *catalogue);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TfCatalogue, tf_catalogue_free)

/* What the mount's folder `path` ("" is the root, "a/b") shows: TfCatalogueEntry,
 * which the array owns, in natural order.  MISSING, ACCESS, IO for the folder
 * itself; folders in it that cannot be read are shown as folders. */
GPtrArray *tf_catalogue_list(TfCatalogue *catalogue, const char *path, GError **error);

/* The entry of that name.  MISSING when there is none. */
TfCatalogueEntry *tf_catalogue_find(TfCatalogue *catalogue, const char *path, const char *name, GError **error);
