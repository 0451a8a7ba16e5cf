/* SPDX-License-Identifier: MIT */
#pragma once
#include <tiffuse/canvas.h>

/* Where composed samples go: plane `plane` of the scene's level, samples
 * [left, left + to.width) x [top, top + to.height). */
typedef struct {
	const TfScene *scene;
	TfSpace space;
	int plane;
	int64_t left, top;
	TfPlane to;
	const uint8_t *background; /* samples of the space */
} TfComposeTarget;

/* Composes one plane of a tile from its fragments; false when memory
 * for the seams of subsampled planes cannot be had. */
bool tf_compose(const TfComposeTarget *target, const TfTileInput *input);
