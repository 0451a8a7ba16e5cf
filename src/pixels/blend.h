/* SPDX-License-Identifier: MIT
 *
 * Feathering.  In a pixel where sources s overlap, each counts by its distance
 * from its own edges (the linear blending of MIST, with an exponent of 1):
 *
 *   w_s = min(x - x0 + 1, x1 - x, R) * min(y - y0 + 1, y1 - y, R)
 *   out = floor((sum(w_s * v_s) + sum(w_s) / 2) / sum(w_s))
 *
 * with the source at [x0, x1) x [y0, y1) and R = 4096 px.  Two neighbours in
 * a row fade into each other linearly over their overlap; a pixel with one
 * source has that source's value, so the mosaic's outer edge has no ramp, nor
 * have holes.  The sums do not depend on any order.
 */
#pragma once
#include "compose.h"

/* tf_compose() for a scene with TF_BLEND_FEATHER: grey or RGB, and the
 * fragments are those of tf_scene_fragments(). */
bool tf_blend(const TfComposeTarget *target, const TfTileInput *input);
