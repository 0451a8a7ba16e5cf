/* SPDX-License-Identifier: MIT
 *
 * The markers of a JPEG file that may become a TIFF tile as it is: without its
 * APPn and COM segments it must still say all that a decoder needs, and nothing
 * that the TIFF does not say too.
 *
 * Our own walk, since libjpeg tells neither where a stream ends nor where the
 * segments lie that are left out.
 */
#pragma once
#include <tiffuse/scene.h>

/* The bytes of the stream that begins at file[0], from SOI to EOI, less its APPn
 * and COM segments; these bytes go to `out`, unless it is NULL (it needs room for
 * `length`, and may be `file` itself).  What stands after EOI does not count.
 *
 * 0 when the stream cannot be handed out, and *reason (static) says why.  It
 * must be baseline with 8 bits, one scan over all components, of the width,
 * height, bands and sampling that `info` says, in grey or in YCbCr with the
 * identifiers 1, 2, 3 (the only ones that all readers take for YCbCr without a
 * JFIF or Adobe marker), with all its tables, with the restart markers that its
 * interval asks for, and with one SOI and one EOI. */
size_t tf_markers_scan(const uint8_t *file, size_t length, const TfImageInfo *info, uint8_t *out,
                       const char **reason);
