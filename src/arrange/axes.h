/* SPDX-License-Identifier: MIT
 *
 * flip-x, flip-y, anchor=center and pixel-size=: the user's word on what the
 * numbers of an arrangement mean.
 */
#pragma once
#include <tiffuse/arrange.h>

/* Turns the places' coordinates into ours.  USAGE for options that have no
 * effect on a grid, and for a size that is none. */
bool tf_axes_apply(TfArrangement *arrangement, const TfArrangeOptions *options, GError **error);

/* "0.25" or "0.25,0.5": micrometres, x then y. */
bool tf_pixel_size_parse(const char *text, double *x, double *y, GError **error);
