/* SPDX-License-Identifier: MIT */
#pragma once
#include <tiffuse/encode.h>

enum { TF_SKIPPABLE_HEAD = 8 }; /* bytes after a zstd tile */

/* All three fill `room` (slot_bytes long) and return the length, 0 on error. */
size_t tf_encode_jpeg(const TfEncoder *encoder, const TfPlane *planes, uint8_t *room, bool *requantised,
                      GError **error);
size_t tf_encode_tiff(const TfEncoder *encoder, const TfPlane *planes, uint8_t *room, GError **error);
