/* SPDX-License-Identifier: MIT
 *
 * The flat field: an image of the even light that all sources were taken in.
 * With F the flat's value at a pixel and channel, M the mean of F over the
 * channel, and V a source's value there in the mosaic's pixel space:
 *
 *   gain = min(floor(4096 * M / F + 1/2), 65535)      65535 where F is 0
 *   out  = min((V * gain + 2048) >> 12, 255)          65535 in deep spaces
 *
 * gain in double precision, once; out in integers.  The flat counts in the
 * source's stored pixels, before orientation.
 *
 * Threads: loaded by one thread, then read by all.
 */
#pragma once
#include <tiffuse/samples.h>
#include <tiffuse/scene.h>

typedef struct _TfFlat TfFlat;

/* Reads the image twice, in rows: first the means, then the gains, which take
 * two bytes a sample.  A flat of one channel serves for all.
 *
 * USAGE: not as many channels as the space has, a value that is negative or no
 * number, or a black channel.  MISSING, ACCESS, UNSUPPORTED, DAMAGED, NO_MEMORY. */
TfFlat *tf_flat_load(const char *path, TfSpace space, GError **error);
void tf_flat_free(TfFlat *flat);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TfFlat, tf_flat_free)

/* Have all sources the flat's size?  Else USAGE, with the first that has not. */
bool tf_flat_fits(const TfFlat *flat, const TfScene *scene, GError **error);

const char *tf_flat_path(const TfFlat *flat);
const TfIdentity *tf_flat_identity(const TfFlat *flat);
size_t tf_flat_bytes(const TfFlat *flat);

/* Divides rows [y0, y0 + samples->height) of a source, in full width;
 * `mirrored`: left and right are exchanged.  NO_MEMORY. */
bool tf_flat_apply(const TfFlat *flat, TfSamples *samples, int32_t y0, bool mirrored, GError **error);
