/* SPDX-License-Identifier: MIT
 *
 * What the trees of tiles share.
 */
#pragma once
#include <tiffuse/arrange.h>

/* A forged size must not fill the memory with places: TOO_LARGE above four
 * million tiles. */
bool tf_tree_check_count(const char *origin, int64_t cols, int64_t rows, GError **error);

/* The same for a grid with holes: TOO_LARGE above four million columns or rows. */
bool tf_tree_check_extent(const char *origin, int64_t cols, int64_t rows, GError **error);
