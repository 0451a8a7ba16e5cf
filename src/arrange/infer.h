/* SPDX-License-Identifier: MIT
 *
 * From names without a pattern to the pattern that they follow.
 */
#pragma once
#include "names.h"
#include <tiffuse/arrange.h>

/* The pattern= that the user could have given for the folder's images, of
 * which there is at least one; the caller frees it.  *guess is set when row
 * and column were told apart only by their order.  ARRANGEMENT, with the
 * options that would settle it, when there is doubt. */
char *tf_infer_pattern(const TfFolder *folder, const TfArrangeOptions *options, bool *guess, GError **error);
