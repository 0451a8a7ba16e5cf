/* SPDX-License-Identifier: MIT
 *
 * What there is to say about a scene before anybody waits for its copy: how
 * much lies under several sources or under none, and the worst of each kind.
 *
 * Threads: any; the scene is only read.
 */
#pragma once
#include <tiffuse/scene.h>

typedef struct {
	/* Exact, over the whole mosaic; px. */
	uint64_t covered_px, overlap_px, hole_px; /* under a source, under two or more, under none */

	/* What follows looks at pairs of neighbours, at most a few million of them;
	 * `partly` says that this was not all. */
	bool partly;
	bool has_overlap;
	uint32_t overlap_a, overlap_b; /* the two sources that share most */
	TfRect overlap;                /* what they share */
	uint32_t n_hidden, hidden;     /* sources of which nothing is seen, and the first of them */

	TfRect hole;     /* around the largest connected hole, in steps of `hole_step`; or empty */
	int64_t hole_step; /* px; narrower holes are only in hole_px */

	int32_t usual_width, usual_height; /* the size that most sources have, */
	uint32_t n_usual;                  /* and how many */
	uint32_t smallest, largest;        /* by area */
} TfSurvey;

/* n log n in the number of sources, whatever lies on what. */
void tf_survey(const TfScene *scene, TfSurvey *survey);
