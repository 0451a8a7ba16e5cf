/* SPDX-License-Identifier: MIT */
#include "vips_private.h"

#include <stdio.h>
#include <tiffuse/log.h>
#include <tiffuse/vips_env.h>
#include <vips/vips.h>
#include <jpeglib.h>
#include <jconfig.h>

#define STRING_(x) #x
#define STRING(x) STRING_(x)

/* libvips warns of each row and tile of a damaged file, past our log; the
 * failure itself is told once by whoever meets it. */
static void on_warning(const char *domain, GLogLevelFlags level, const char *message, gpointer data)
{
	tf_log(TF_LOG_DEBUG, "libvips: %s", message);
}

bool tf_vips_start(GError **error)
{
	g_log_set_handler("VIPS", G_LOG_LEVEL_WARNING, on_warning, NULL);
	if (VIPS_INIT("tiffuse"))
		return tf_vips_fail(error, TF_ERROR_UNSUPPORTED, "libvips does not start");
	vips_concurrency_set(1);
	vips_cache_set_max(0);
	vips_block_untrusted_set(TRUE);
	return true;
}

void tf_vips_stop(void)
{
	vips_shutdown();
}

void tf_vips_thread_end(void)
{
	vips_thread_shutdown();
}

const char *tf_vips_versions(void)
{
	static char text[128];
	static gsize once;
	if (g_once_init_enter(&once)) {
		snprintf(text, sizeof text, "libvips %s, libjpeg-turbo " STRING(LIBJPEG_TURBO_VERSION),
		         vips_version_string());
		g_once_init_leave(&once, 1);
	}
	return text;
}

bool tf_vips_fail(GError **error, TfErrorCode code, const char *prefix)
{
	/* vips_error_buffer() is process-wide: under load the text may be another
	 * thread's, so it is advice to the reader, never a decision. */
	g_autofree char *text = vips_error_buffer_copy();
	g_strdelimit(g_strstrip(text), "\n", ';');
	g_set_error(error, TF_ERROR, code, "%s: %s", prefix, *text ? text : "libvips gives no reason");
	return false;
}
