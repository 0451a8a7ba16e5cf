/* SPDX-License-Identifier: MIT
 *
 * A descriptor as a source of libvips that remembers why a read failed:
 * libvips itself only says that an image cannot be had, be it damaged or the
 * disk in trouble.  It never maps the file: who cuts a mapped file kills who
 * reads it (libvips 8.15 and later map descriptors).
 */
#pragma once
#include "vips_private.h"

#include <stdint.h>
#include <tiffuse/digests.h>

/* Must outlive every image that reads through it. */
typedef struct {
	int fd;         /* borrowed */
	int64_t at;     /* libvips' place in the file */
	int read_errno; /* of the first read that failed, or 0 */
	TfDigests *digests; /* or NULL: what is read need not be compared; borrowed */
	uint32_t index;     /* of the source there */
	uint8_t *block;     /* the newest block that was compared */
	int64_t block_index;
	ssize_t block_bytes;
} TfVipsInput;

VipsSource *tf_vips_input_new(TfVipsInput *input);
void tf_vips_input_clear(TfVipsInput *input);

/* As tf_vips_fail(), with the reason why the file could not be read if there
 * was one (IO, NO_MEMORY ...); what is left is DAMAGED. */
bool tf_vips_input_fail(const TfVipsInput *input, GError **error, const char *path);
