/* SPDX-License-Identifier: MIT
 *
 * Files as sources of a scene.  Included by one test program each.
 */
#pragma once
#include "../jpegs.h"

#include <tiffuse/files.h>
#include <tiffuse/probe.h>

typedef struct {
	TfScene *scene;
	TfProfiles *profiles;
	TfImageInfo info; /* of the file */
} Placed;

static inline void placed_clear(Placed *placed)
{
	g_clear_pointer(&placed->scene, tf_scene_free);
	g_clear_pointer(&placed->profiles, tf_profiles_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Placed, placed_clear)

static inline bool place_probed(const char *path, bool turn, Placed *placed, GError **error)
{
	const TfImageInfo *info = &placed->info;
	TfSource source = {.path = path, .info = *info, .orientation = turn ? info->orientation : 1};
	source.width = source.orientation >= 5 ? info->height : info->width;
	source.height = source.orientation >= 5 ? info->width : info->height;
	placed->scene = tf_scene_new(false);
	tf_scene_add(placed->scene, &source);
	if (tf_scene_freeze(placed->scene, error))
		return true;
	placed_clear(placed);
	return false;
}

/* One file as the only source, turned as its EXIF says when `turn`. */
static inline bool place_file(const char *path, bool turn, Placed *placed, GError **error)
{
	TfProbeOptions options = {.threads = 1};
	*placed = (Placed){0};
	return tf_probe_all(&path, 1, &options, &placed->info, &placed->profiles, error) &&
	       place_probed(path, turn, placed, error);
}
