/* SPDX-License-Identifier: MIT
 *
 * The text that a TIFF says of itself.
 *
 * Threads: any.
 */
#pragma once
#include <tiffuse/error.h>

/* ImageDescription of the file's first directory; the caller frees it.  ARRANGEMENT
 * when it is no TIFF or has none; MISSING, ACCESS and their like for the file. */
char *tf_tiff_description(const char *path, GError **error);
