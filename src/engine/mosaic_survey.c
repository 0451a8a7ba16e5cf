/* SPDX-License-Identifier: MIT
 *
 * What --check says of overlaps, holes and odd ones out, and the picture of it.
 */
#include "mosaic_private.h"

#include <string.h>
#include <tiffuse/preview.h>
#include <tiffuse/survey.h>

enum { PREVIEW_SECONDS = 30 };

static const char *path_of(const TfMosaic *mosaic, uint32_t i)
{
	return tf_scene_source(mosaic->scene, i)->path;
}

static char *name_of(const TfMosaic *mosaic, uint32_t i)
{
	return g_path_get_basename(path_of(mosaic, i));
}

static double percent(const TfMosaic *mosaic, uint64_t px)
{
	return 100 * (double)px / ((double)tf_scene_width(mosaic->scene) * (double)tf_scene_height(mosaic->scene));
}

/* Few digits, but never 0 for what there is. */
static char *percent_text(const TfMosaic *mosaic, uint64_t px)
{
	double value = percent(mosaic, px);
	return value > 0 && value < 0.01 ? g_strdup("less than 0.01%") : g_strdup_printf("%.2f%%", value);
}

static void describe_sizes(GString *out, const TfMosaic *mosaic, const TfSurvey *survey)
{
	uint32_t n = tf_scene_n_placed(mosaic->scene);
	g_string_append_printf(out, "sizes: %s%d x %d px", survey->n_usual == n ? (n > 1 ? "all " : "") : "most ",
	                       survey->usual_width, survey->usual_height);
	if (survey->n_usual < n) {
		const TfSource *small = tf_scene_source(mosaic->scene, survey->smallest);
		const TfSource *large = tf_scene_source(mosaic->scene, survey->largest);
		g_autofree char *small_name = name_of(mosaic, survey->smallest), *large_name = name_of(mosaic, survey->largest);
		g_string_append_printf(out, " (%u of %u), smallest %d x %d (%s), largest %d x %d (%s)", survey->n_usual, n,
		                       small->width, small->height, small_name, large->width, large->height, large_name);
	}
	g_string_append_c(out, '\n');
}

static void describe_overlaps(GString *out, const TfMosaic *mosaic, const TfSurvey *survey)
{
	if (survey->overlap_px == 0) {
		g_string_append(out, "overlaps: none\n");
		return;
	}
	g_autofree char *part = percent_text(mosaic, survey->overlap_px);
	g_autofree char *a = name_of(mosaic, survey->overlap_a), *b = name_of(mosaic, survey->overlap_b);
	TfRect r = survey->overlap;
	g_string_append_printf(out,
	                       "overlaps: %s of the mosaic lies under two sources or more; %s %s and %s with %" G_GINT64_FORMAT
	                       " x %" G_GINT64_FORMAT " px\n",
	                       part, survey->partly ? "much share, among others," : "most share", a, b, r.x1 - r.x0,
	                       r.y1 - r.y0);
	if (survey->n_hidden == 0 || tf_scene_blend(mosaic->scene) == TF_BLEND_FEATHER)
		return;
	g_autofree char *hidden = name_of(mosaic, survey->hidden);
	g_string_append_printf(out, "hidden: %s%u source%s, by others that lie on all of %s: %s%s\n",
	                       survey->partly ? "at least " : "", survey->n_hidden, survey->n_hidden == 1 ? "" : "s",
	                       survey->n_hidden == 1 ? "it" : "them", hidden, survey->n_hidden > 1 ? ", ..." : "");
}

static void describe_holes(GString *out, const TfMosaic *mosaic, const TfSurvey *survey)
{
	if (survey->hole_px == 0) {
		g_string_append(out, "holes: none\n");
		return;
	}
	g_autofree char *part = percent_text(mosaic, survey->hole_px);
	g_string_append_printf(out, "holes: %s of the mosaic is background", part);
	if (mosaic->arrangement->n_holes > 0)
		g_string_append_printf(out, ", %" G_GINT64_FORMAT " places of the grid have no file",
		                       mosaic->arrangement->n_holes);
	TfRect r = survey->hole;
	if (!tf_rect_is_empty(r))
		g_string_append_printf(out,
		                       "; the largest is about %" G_GINT64_FORMAT " x %" G_GINT64_FORMAT
		                       " px at %" G_GINT64_FORMAT ", %" G_GINT64_FORMAT,
		                       r.x1 - r.x0, r.y1 - r.y0, r.x0, r.y0);
	else
		g_string_append_printf(out, "; none is as wide as %" G_GINT64_FORMAT " px", 2 * survey->hole_step);
	g_string_append_c(out, '\n');
}

void tf_mosaic_describe_survey(GString *out, const TfMosaic *mosaic)
{
	TfSurvey survey;
	tf_survey(mosaic->scene, &survey);
	describe_sizes(out, mosaic, &survey);
	describe_overlaps(out, mosaic, &survey);
	describe_holes(out, mosaic, &survey);
	if (mosaic->n_outside > 0)
		g_string_append_printf(out, "outside: %u sources lie outside the mosaic and are left out\n", mosaic->n_outside);
	if (mosaic->residual_px > 0) {
		g_autofree char *name = g_path_get_basename(mosaic->moved_most);
		g_string_append_printf(out, "rounding: positions were moved by at most %.3f px (%s)\n", mosaic->residual_px,
		                       name);
	}
}

bool tf_mosaic_preview(const TfMosaic *mosaic, const char *path, unsigned threads, const uint8_t background[3],
                       GString *out, GError **error)
{
	TfSurvey survey;
	TfPreviewResult result;
	tf_survey(mosaic->scene, &survey);
	g_autofree char *overlap = percent_text(mosaic, survey.overlap_px), *hole = percent_text(mosaic, survey.hole_px);
	g_autofree char *numbers = g_strdup_printf(
	        "%u sources, %" G_GINT64_FORMAT " x %" G_GINT64_FORMAT " px, overlap %s, holes %s",
	        tf_scene_n_placed(mosaic->scene), tf_scene_width(mosaic->scene), tf_scene_height(mosaic->scene),
	        survey.overlap_px ? overlap : "none", survey.hole_px ? hole : "none");
	g_autofree char *title = g_strdup_printf("%s: %s", mosaic->name, mosaic->arrangement->summary);
	const char *const lines[] = {title, numbers, NULL};
	TfPreviewOptions options = {.lines = lines,
	                            .pixel_um = mosaic->pixel_um_x,
	                            .overlap = survey.overlap,
	                            .hole = survey.hole,
	                            .threads = threads,
	                            .seconds = PREVIEW_SECONDS};
	memcpy(options.background, background, sizeof options.background);
	if (!tf_preview_write(mosaic->scene, path, &options, &result, error))
		return false;
	g_string_append_printf(out, "preview: %s shows %u images", path, result.n_shown);
	if (result.n_late > 0)
		g_string_append_printf(out, ", %u are grey, since %d s were over", result.n_late, PREVIEW_SECONDS);
	if (result.n_failed > 0)
		g_string_append_printf(out, ", %u cannot be read and are crossed out", result.n_failed);
	g_string_append_c(out, '\n');
	return true;
}
