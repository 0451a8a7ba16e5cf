/* SPDX-License-Identifier: MIT
 *
 * What the cache directory knows of a mosaic's sources: what their headers
 * say, and their digests (verify=digest).
 */
#include "mosaic_private.h"

#include <stdatomic.h>
#include <string.h>
#include <tiffuse/index.h>
#include <tiffuse/log.h>
#include <tiffuse/vips_env.h>

enum { MAX_REPORTED = 10 };

static TfIndexPlace place_of(const TfMosaic *mosaic)
{
	static char *maker;
	static gsize once;
	if (g_once_init_enter(&once)) {
		maker = g_strconcat("tiffuse " TF_VERSION "; ", tf_vips_versions(), NULL);
		g_once_init_leave(&once, 1);
	}
	return (TfIndexPlace){mosaic->cache_dir, mosaic->source, maker};
}

/* --- headers --------------------------------------------------------------------- */

static bool look_up(const char *path, const TfIdentity *identity, TfImageInfo *info, GBytes **profile, void *index)
{
	return tf_index_lookup(index, path, identity, info, profile);
}

bool tf_mosaic_probe(TfMosaic *mosaic, const char *const *paths, uint32_t n, TfProbeOptions *probe, TfImageInfo *infos,
                     GError **error)
{
	if (!mosaic->cache_dir)
		return tf_probe_all(paths, n, probe, infos, &mosaic->profiles, error);
	TfIndexPlace place = place_of(mosaic);
	g_autoptr(TfIndex) index = tf_index_load(&place);
	probe->lookup = look_up;
	probe->lookup_data = index;
	return tf_probe_all(paths, n, probe, infos, &mosaic->profiles, error);
}

void tf_mosaic_save_index(TfMosaic *mosaic, const char *const *paths, const TfImageInfo *infos, uint32_t n,
                          int64_t probed_ns)
{
	TfIndexPlace place = place_of(mosaic);
	g_autoptr(TfIndex) previous = tf_index_load(&place);
	g_autoptr(GError) error = NULL;
	if (!tf_index_save(&place, paths, infos, n, mosaic->profiles->profiles, probed_ns, previous, &error))
		tf_mosaic_note(mosaic, "sizes of the sources are not kept for the next mount: %s (cache-dir=)", error->message);
}

/* --- digests ---------------------------------------------------------------------- */

void tf_mosaic_expect_digests(TfMosaic *mosaic)
{
	uint32_t n = tf_scene_n_sources(mosaic->scene), n_known = 0;
	mosaic->digests = tf_digests_new(n);
	TfIndexPlace place = place_of(mosaic);
	g_autoptr(TfIndex) index = mosaic->cache_dir ? tf_index_load(&place) : NULL;
	for (uint32_t i = 0; index && i < n; i++) {
		const TfSource *source = tf_scene_source(mosaic->scene, i);
		uint8_t digest[TF_DIGEST_BYTES];
		if (!tf_index_digest(index, source->path, &source->info.identity, digest))
			continue;
		tf_digests_expect(mosaic->digests, i, digest);
		n_known++;
	}
	if (n_known < n)
		tf_mosaic_note(mosaic, "%u of %u sources have no digest yet: it is taken at their first use", n - n_known, n);
}

/* *n_taken digests are new, *n_kept of them were kept. */
static bool keep_digests(const TfMosaic *mosaic, uint32_t *n_taken, uint32_t *n_kept, GError **error)
{
	g_autoptr(GArray) taken = g_array_new(FALSE, TRUE, sizeof(TfIndexDigest));
	for (uint32_t i = 0; i < tf_scene_n_sources(mosaic->scene); i++) {
		const TfSource *source = tf_scene_source(mosaic->scene, i);
		TfIndexDigest digest = {.path = source->path, .identity = source->info.identity};
		if (tf_digests_get(mosaic->digests, i, digest.digest) == TF_DIGEST_TAKEN)
			g_array_append_val(taken, digest);
	}
	*n_taken = taken->len;
	*n_kept = 0;
	if (!mosaic->cache_dir || taken->len == 0)
		return true;
	TfIndexPlace place = place_of(mosaic);
	return tf_index_keep_digests(&place, (const TfIndexDigest *)(void *)taken->data, taken->len, n_kept, error);
}

void tf_mosaic_keep_digests(const TfMosaic *mosaic)
{
	g_autoptr(GError) error = NULL;
	uint32_t n_taken, n_kept;
	if (mosaic->digests && !keep_digests(mosaic, &n_taken, &n_kept, &error))
		tf_log(TF_LOG_WARNING, "%s; the digests are not kept for the next mount", error->message);
}

/* --- --check ------------------------------------------------------------------------ */

typedef struct {
	TfMosaic *mosaic;
	_Atomic uint32_t next;
	GError **errors; /* one for each source, NULL where all is well */
} Check;

static gpointer check_thread(gpointer data)
{
	Check *check = data;
	for (;;) {
		uint32_t i = atomic_fetch_add(&check->next, 1);
		if (i >= tf_scene_n_sources(check->mosaic->scene))
			return NULL;
		tf_sources_digest(check->mosaic->sources, i, &check->errors[i]);
	}
}

/* Clears errors[]; the result is how many there were, the first on one line. */
static uint32_t list_errors(GError **errors, uint32_t n, GString *out)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < n; i++) {
		if (errors[i] && count++ < MAX_REPORTED)
			g_string_append_printf(out, "%s%s", count > 1 ? "; " : "", errors[i]->message);
		g_clear_error(&errors[i]);
	}
	if (count > MAX_REPORTED)
		g_string_append_printf(out, "; and %u more", count - MAX_REPORTED);
	return count;
}

bool tf_mosaic_check_digests(TfMosaic *mosaic, unsigned threads, char **text, GError **error)
{
	uint32_t n = tf_scene_n_sources(mosaic->scene), n_taken, n_kept;
	g_autofree GError **errors = g_new0(GError *, n);
	g_autofree GThread **started = g_new0(GThread *, threads);
	Check check = {.mosaic = mosaic, .errors = errors};
	for (unsigned i = 0; i < threads; i++)
		started[i] = g_thread_new("digest", check_thread, &check);
	for (unsigned i = 0; i < threads; i++)
		g_thread_join(started[i]);
	g_autoptr(GString) bad = g_string_new(NULL);
	uint32_t n_bad = list_errors(errors, n, bad);
	g_autoptr(GError) unkept = NULL;
	keep_digests(mosaic, &n_taken, &n_kept, &unkept);
	const char *why = unkept               ? unkept->message
	                  : !mosaic->cache_dir ? "cache-dir=none"
	                                       : "the others' files changed within the last seconds";
	*text = g_strdup_printf("digests: %u sources read; %u as their digests say, %u digests taken (%u kept%s%s)\n",
	                        n - n_bad, n - n_bad - n_taken, n_taken, n_kept, n_kept < n_taken ? ": " : "",
	                        n_kept < n_taken ? why : "");
	if (n_bad > 0)
		g_set_error(error, TF_ERROR, TF_ERROR_CHANGED, "%u of %u sources differ or cannot be read: %s", n_bad, n, bad->str);
	return n_bad == 0;
}
