/* SPDX-License-Identifier: MIT
 *
 * OME-XML (schema 2016-06) of a file with one image of one plane, in whose
 * first IFD it stands as ImageDescription.
 *
 * Threads: pure.
 */
#pragma once
#include <glib.h>
#include <stdbool.h>

typedef struct {
	const char *creator, *name, *description; /* UTF-8 */
	int64_t width, height;                    /* px */
	int bands;                                /* 1 or 3; 3 are one channel of interleaved samples */
	bool deep;                                /* 16 bits a sample */
	double pixel_um_x, pixel_um_y;            /* 0: unknown */
} TfOmeImage;

/* ASCII: TIFF knows no other text.  The caller frees it. */
char *tf_ome_xml(const TfOmeImage *image);
